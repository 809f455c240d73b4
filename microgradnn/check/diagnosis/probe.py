"""Points at which a wrong backward pass is looked at: its gradients beside the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np

from ...errors import MicrogradError
from ..subject import Subject, cotangents_like, quiet
from .derived_graph import DerivedGraph
from .graph import Graph
from .recorded import traced

MOST_EDGES = 6000  # with more, fewer points have to do
MOST_TRACED_AGAIN = 30000  # with more, forward is not traced at other arrays
MOST_OUTPUTS = 256  # of which a Jacobian is made
OTHERS = 2  # shapes beside the user's own
CLOSE, CLOSE_SINGLE = 1e-8, 3e-4  # relative to the largest entry; of float32 code


@dataclass
class Probe:
    """One point: the cotangents, the outputs, the user's gradients and the true ones.

    names   what the gradients are of; several probes have the same
    yours   one array for each name, None where there is none
    """

    subject: Subject
    graph: Graph
    douts: list[Any]
    outs: list[Any]
    yours: list[Any]
    true: list[Any]
    close: float = CLOSE
    known: dict[Any, Any] = field(default_factory=dict)  # true gradients elsewhere

    @property
    def names(self) -> tuple[str, ...]:
        """What gradients are taken of."""
        return self.subject.names

    @property
    def arrays(self) -> list[Any]:
        """The inputs."""
        return self.subject.arrays

    def fits(self, guess: Any, k: int) -> bool:
        """Whether a guess is the user's gradient number k, within rounding."""
        return near(guess, self.yours[k], self.close, self.true[k])

    def scale(self, guess: Any, k: int) -> float | None:
        """The number by which a guess must be multiplied to be the user's gradient, or None."""
        c = factor(self.yours[k], guess)
        return c if c is not None and abs(c) > 1e-12 and self.fits(c * guess, k) else None

    def wrong(self, k: int) -> bool:
        """Whether the user's gradient number k is not the true one."""
        return self.yours[k] is None or not self.fits(self.true[k], k)

    def for_cotangents(self, douts: Sequence[Any]) -> list[Any]:
        """The true gradients for other cotangents."""
        key = tuple(np.asarray(d, float).tobytes() for d in douts)
        if key not in self.known:
            self.known[key] = self.graph.pull(douts)
        return cast(list[Any], self.known[key])

    def with_array(self, k: int, what: str, array: Any) -> list[Any] | None:
        """The true gradients with another array in place k, `what` it is; None if forward fails."""
        key = (k, what)
        if key not in self.known:
            arrays = [array if i == k else a for i, a in enumerate(self.arrays)]
            self.known[key] = self._at(arrays)
        return cast(list[Any] | None, self.known[key])

    def _at(self, arrays: Sequence[Any]) -> list[Any] | None:
        if len(self.graph.edges) > MOST_TRACED_AGAIN:
            return None
        try:
            return _graph(self.subject.at(arrays), self.outs).pull(self.douts)
        except (MicrogradError, ValueError):
            return None

    @cached_property
    def jacobians(self) -> list[Any] | None:
        """Of each input the matrix of slopes, outputs in rows, of the first output only."""
        size = len(self.graph.outs)
        if size > MOST_OUTPUTS or len(self.outs) != 1:
            return None
        rows = [self.graph.pull([row]) for row in np.eye(size)]
        return [np.stack([np.ravel(r[k]) for r in rows]) for k in range(len(self.names))]


def near(a: Any, b: Any, close: float = CLOSE, beside: Any = 0.0) -> bool:
    """Whether two arrays are equal within rounding, relative to their largest entries."""
    if a is None or b is None or np.shape(a) != np.shape(b) or not np.size(a):
        return False
    with np.errstate(all="ignore"):
        a, b = np.asarray(a, float), np.asarray(b, float)
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            return False
        size = max(np.abs(a).max(), np.abs(b).max(), 1e-3 * np.abs(np.asarray(beside)).max())
        return bool((np.abs(a - b) <= close * size).all())


def factor(yours: Any, true: Any) -> float | None:
    """The number c for which c × true is nearest to yours; None if there is none."""
    if yours is None or true is None or np.shape(yours) != np.shape(true):
        return None
    with np.errstate(all="ignore"):
        size = float(np.vdot(true, true))
        c = float(np.vdot(yours, true)) / size if size > 0 else np.nan
    return c if np.isfinite(c) else None


def probes(subject: Subject, rng: np.random.Generator) -> list[Probe]:
    """Points near the subject's own and at its other shapes; none if forward cannot be traced."""
    first = _probe(_near(subject, rng, 0), rng)
    if first is None:
        return []
    out = [first, _probe(_near(subject, rng, 1), rng)]
    if len(first.graph.edges) <= MOST_EDGES:
        others = [o for o in subject.others if _shapes(o) != _shapes(subject)]
        out += _elsewhere(first, others, _stretched(subject), rng)
    return sorted(filter(None, out), key=lambda p: len(p.graph.edges))


def _elsewhere(
    first: Probe, others: Sequence[Subject], stretched: Sequence[Subject], rng: np.random.Generator
) -> list[Probe]:
    """Points at two other shapes: those the user gave, else larger ones that forward takes.

    Larger ones at which some mistakes could no longer be tried are left out.
    """
    out: list[Probe] = []
    large = [MOST_TRACED_AGAIN, MOST_OUTPUTS if len(first.graph.outs) <= MOST_OUTPUTS else np.inf]
    for other in others or stretched:
        probe = _probe(_near(other, rng, 1), rng) if len(out) < OTHERS else None
        if probe is None or not others and _idle(probe) > _idle(first):
            continue
        graph = probe.graph
        if others or len(graph.edges) <= large[0] and len(graph.outs) <= large[1]:
            out.append(probe)
    return out


def _near(subject: Subject, rng: np.random.Generator, draw: int) -> Subject:
    return subject.at([_moved(a, rng, draw) for a in subject.arrays])


def _shapes(subject: Subject) -> list[tuple[int, ...]]:
    return [np.shape(a) for a in subject.arrays]


def _stretched(subject: Subject) -> list[Subject]:
    """The subject at larger shapes: equal sizes stay equal, numbers are the old ones repeated.

    Sizes that differ grow by different numbers first, so that a difference or a ratio of two sizes
    does not stay the same; then by equal ones, for forwards that need that. Where all sizes are 1
    they grow too: one number says little. Whether the forward takes them is seen when it is run.
    """
    if not any(np.ndim(a) for a in subject.arrays):
        return []
    sizes = sorted({n for a in subject.arrays for n in np.shape(a) if n > 1})
    grown = [{n: n + more * (1 + i) for i, n in enumerate(sizes)} for more in (1, 2)]
    grown += [{n: n + more for n in sizes} for more in (1, 2)]
    grown = grown if sizes else [{1: 3}, {1: 4}]
    return [subject.at([_resized(a, new) for a in subject.arrays]) for new in grown]


def _resized(a: Any, sizes: dict[int, int]) -> Any:
    a = np.asarray(a)
    return np.resize(a, tuple(sizes.get(n, n) for n in a.shape)) if a.ndim else a


def _idle(probe: Probe) -> int:
    """How many rows have no gradient: labels that were not stretched leave rows without one."""
    return sum(
        int((~t.reshape(len(t), -1).any(axis=1)).sum()) for t in probe.true if t.ndim and t.size
    )


def _moved(a: Any, rng: np.random.Generator, draw: int) -> Any:
    """Numbers nearby, of the same sign; the first draw keeps zeros and all."""
    a = np.asarray(a)
    scale = 1 + 0.3 * rng.uniform(-1, 1, a.shape) * (1 if draw else 0)
    return (a * scale).astype(a.dtype)[()] if a.ndim else a.dtype.type(a * scale)


def _graph(subject: Subject, outs: Sequence[Any]) -> Graph:
    """The graph of forward: traced, or what a framework knows of it."""
    derived = subject.derivation is not None
    return DerivedGraph(subject, outs) if derived else traced(subject)[0]


def _probe(subject: Subject, rng: np.random.Generator) -> Probe | None:
    with quiet():
        try:
            run = subject.start([np.array(a) for a in subject.arrays])
            douts = cotangents_like(run.outs, rng)
            if subject.scaled:
                douts = [np.ones_like(d)[()] for d in douts]
            yours = run.pull(*[np.array(d)[()] for d in douts])
            graph = _graph(subject, run.outs)
            true = graph.pull(douts)
        except Exception:  # whatever stops it here was reported before, or is no matter
            return None
    if len(yours) != len(true):
        return None
    single = any(np.asarray(a).dtype == np.float32 for a in [*subject.arrays, *run.outs])
    return Probe(
        subject, graph, douts, [np.asarray(o, float) for o in run.outs],
        [None if g is None else np.asarray(g, float) for g in yours], true,
        CLOSE_SINGLE if single else CLOSE,
    )  # fmt: skip
