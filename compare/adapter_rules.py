"""What every adapter must do, tried on a small model: broken() says in sentences what it does not.

Whether its numbers are right is the lockstep's question. Here it is whether they can be asked for:
shapes, a synchronised pass, nothing shared between passes, sessions and the caller's arrays.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from .adapter import Framework, Session, refusal
from .model_graph import Recorded, Sync, cells
from .specs import Model, Optimizer

MODEL, HOW = Model((3, 4, 2), "tanh"), Optimizer("sgd", lr=0.125)
DTYPES = ("float64", "float32")
Array = np.ndarray


def broken(framework: Framework) -> list[str]:
    """What an adapter does not keep of its contract; an empty list for a good one."""
    said = framework.version()
    if not isinstance(said, str) or not said:
        return [f"version() gives {said!r}, need the version as text"]
    reasons = {dtype: refusal(framework, MODEL, HOW, dtype) for dtype in DTYPES}
    for dtype, reason in reasons.items():
        if reason is None:
            return list(_tried(_Trial(framework, dtype)))
        if not isinstance(reason, str) or not reason:
            return [f"refuses() gives {reason!r}, need None or the reason as text"]
    return [f"refuses a small tanh model with SGD: {reasons['float64']}"]


@dataclass
class _Trial:
    """A framework, a dtype, a batch, and starting parameters."""

    framework: Framework
    dtype: str

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        self.params = [p.astype(self.dtype) for p in MODEL.start(rng)]
        self.x, self.y = (rng.normal(size=(5, n)).astype(self.dtype) for n in (3, 2))
        self.n = len(cells(MODEL.chain))
        shapes = ((5, 4), (5, 4), (5, 2))
        self.sync = Sync(*([rng.normal(size=s).astype(self.dtype) for s in shapes] for _ in "12"))

    def session(self) -> Session:
        """A new one at the start."""
        return self.framework.Session(MODEL, HOW, self.dtype, [p.copy() for p in self.params])

    def run(self, session: Session, sync: Sync | None = None) -> Recorded:
        """A pass at the start."""
        session.load([p.copy() for p in self.params])
        return session.gradients(self.x.copy(), self.y.copy(), deepcopy(sync))


def _tried(of: _Trial) -> Iterator[str]:
    """What breaks the first rule that is broken; more often than not the next ones follow."""
    for rule in RULES:
        said = [f"{rule.__doc__} {why}" for why in rule(of)]
        yield from said
        if said:
            return


def _bytes(found: Recorded) -> list[bytes]:
    arrays = [*found.grads, *found.nodes, *found.slopes]
    return [np.asarray(a, float).tobytes() for a in (found.loss, *arrays) if a is not None]


def _same(a: Recorded, b: Recorded) -> bool:
    """To six digits: micrograd adds up in an order that it takes from addresses."""
    pairs = zip((a.loss, *a.grads, *a.nodes), (b.loss, *b.grads, *b.nodes), strict=True)
    return all(np.allclose(u, v, rtol=1e-6, atol=1e-6) for u, v in pairs)  # type: ignore[arg-type]


def _shapes(of: _Trial) -> Iterator[str]:
    """gradients() gives a Recorded with the shapes of the model."""
    for sync in (None, of.sync):
        found = of.run(of.session(), sync)
        if not isinstance(found, Recorded):
            yield f"It is {type(found).__name__}."
            return
        due = {
            "grads": [p.shape for p in of.params],
            "nodes": [a.shape for a in of.sync.nodes],
            "slopes": [a.shape for a in of.sync.slopes],
        }
        for name, shapes in due.items():
            got = [np.shape(a) for a in getattr(found, name)]
            if got != shapes:
                when = "with sync" if sync else "without sync"
                yield f"{name} has {got} {when}, expected {shapes}."
        if np.shape(found.loss) != ():
            yield f"The loss has shape {np.shape(found.loss)}, expected one number."


def _repeats(of: _Trial) -> Iterator[str]:
    """The same pass gives the same numbers, in this session and in another."""
    one, other = of.session(), of.session()
    first = of.run(one)
    of.run(one, of.sync)
    if not (_same(of.run(one), first) and _same(of.run(other), first)):
        yield "It does not: something of an earlier pass is left."


def _keeps(of: _Trial) -> Iterator[str]:
    """What was returned does not change afterwards, nor do arrays of the caller."""
    session, given = of.session(), [p.copy() for p in of.params]
    session.load(given)
    x, y = of.x.copy(), of.y.copy()
    found = session.gradients(x, y)
    before, after = _bytes(found), session.update()
    stepped = [np.array(p) for p in after]
    session.gradients(x, y)
    session.update()
    of.run(session, of.sync)
    if _bytes(found) != before:
        yield "A Recorded changed in later passes: copy its arrays."
    if not all(map(np.array_equal, after, stepped)):
        yield "What update() gave changed in a later step: copy it."
    if not all(map(np.array_equal, [x, y, *given], [of.x, of.y, *of.params])):
        yield "A batch, or parameters that were given to load(), changed: copy them."


def _loads(of: _Trial) -> Iterator[str]:
    """load() copies: arrays of the caller that change later do not matter."""
    session, given = of.session(), [p.copy() for p in of.params]
    due = of.run(session)
    session.load(given)
    for p in given:
        p += 1
    if not _same(session.gradients(of.x.copy(), of.y.copy()), due):
        yield "They do."


def _noted(of: _Trial) -> Iterator[str]:
    """With sync, nodes are what the layers gave, from nodes that were set."""
    found, alone = of.run(of.session(), of.sync), of.run(of.session())
    if not np.array_equal(found.nodes[0], alone.nodes[0]):
        yield "The first node is not what the first layer gave."
    wide = np.tanh(np.asarray(of.sync.nodes[0], float))
    if not np.allclose(found.nodes[1], wide, rtol=1e-5, atol=0):
        yield "The second node is not made of the first as it was set."


def _slopes(of: _Trial) -> Iterator[str]:
    """With sync, gradients are made of the slopes that were set."""
    found = of.run(of.session(), of.sync)
    due = np.asarray(of.x, float).T @ of.sync.slopes[0]
    if not np.allclose(found.grads[0], due, rtol=1e-4, atol=1e-5):  # type: ignore[arg-type]
        yield "The first weight's gradient is not xᵀ · slopes[0]."
    z, t = np.asarray(of.sync.nodes[0], float), of.sync.slopes[1]
    got: Any = found.slopes[0]
    if not np.allclose(got, t * (1 - np.tanh(z) ** 2), rtol=1e-4, atol=1e-5):
        yield "slopes[0] is not what the second layer gives for slopes[1]."


def _updates(of: _Trial) -> Iterator[str]:
    """update() steps from what load() set, with the gradients of the last pass."""
    session = of.session()
    of.run(session)
    session.update()
    of.run(session, of.sync)
    found = of.run(session)
    after = session.update()
    for p, g, q in zip(of.params, found.grads, after, strict=True):
        due = p - HOW.lr * np.asarray(g, float)
        if np.shape(q) != p.shape or not np.allclose(q, due, rtol=1e-5, atol=1e-6):
            yield "It gives other parameters than p - lr·g."
            return


RULES: Sequence[Callable[[_Trial], Iterator[str]]] = (
    _shapes, _repeats, _keeps, _loads, _noted, _slopes, _updates,
)  # fmt: skip
