"""The exact oracle: a forward pass traced as Values of balls, and the user's backward in balls.

The forward runs unmodified on arrays of Values (traced.py), whose numbers are arb balls: what
comes out is the derivative with a proven error bound. The user's backward then runs on the same
cache, in balls too: what it would give without rounding, which is its formula's own value.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...engine.node import plain
from ...engine.value import Value
from ...engine.walk import pullback
from ...errors import MicrogradError
from ...numerics.changes import next_stamp
from ...numerics.numbers import eq, ge, le, ne
from ...numerics.recording import recording
from ..subject import Pass, Subject
from . import balls
from .traced import TooLarge, Traced, values
from .tracing import tracing

BUDGET = 200_000  # nodes in one trace: about a second
RUN = 300  # what a trace costs beside its nodes, in nodes
MOST_PAIRS = 2000  # comparisons to remember in one trace


class Untraceable(MicrogradError):
    """The forward pass cannot be run on Values; the message says why."""


@dataclass
class Tie:
    """A comparison of two numbers that are equal, or nearer than rounding can tell.

    support and normal   the gradient of their difference: which inputs (of all in a row), and how
                         much; of a kink, the normal of the plane it lies on
    """

    support: Any
    normal: Any
    key: tuple[Any, ...]
    size: float = 1.0  # what the normal was divided by


class Comparer:
    """Answers comparisons in a trace, and remembers those where the answer is a matter of rounding.

    At a tie the side is that of a point nearby, in the direction `direction` (of all inputs in a
    row); `flipped` holds the keys of ties that are to fall on the other side. Without a direction
    equal numbers compare as equal. Balls nearer than `room` times their radii count as ties too.
    """

    def __init__(
        self, direction: Any = None, flipped: Collection[Any] = (), room: float = 0.0,
        collect: bool = False,
    ) -> None:  # fmt: skip
        self.direction, self.flipped, self.room = direction, frozenset(flipped), room
        self.count, self.collect = 0, collect
        self.pairs: list[tuple[Any, Any]] = []  # comparisons that were clear, if collect
        self.overlaps: list[int] = []
        self.ties: dict[tuple[Any, ...], Tie] = {}
        self.inputs: list[Any] = []
        self.place: dict[Any, int] = {}
        self.known: dict[Any, Tie | None] = {}

    def begin(self, inputs: list[Any]) -> None:
        """Sets the inputs, all in a row, of the trace that begins."""
        self.inputs, self.place = inputs, {v: i for i, v in enumerate(inputs)}

    def __call__(self, compare: Any, a: Any, b: Any) -> Any:
        """Whether compare(a, b), as the class says."""
        x, y = plain(a), plain(b)
        if not hasattr(y, "__add__") or isinstance(y, (str, np.ndarray)):
            return compare(x, y)
        self.count += 1
        if (x > y or x < y) and not (self.room and self._close(x, y)):
            if self.collect and len(self.pairs) < MOST_PAIRS:
                self.pairs.append((a, b))
            return compare(x, y)
        if x != x or y != y or _nan(x) or _nan(y):
            return compare is ne
        if a is b:
            return compare in _EQUAL
        self.overlaps.append(self.count)
        if self.direction is None:
            return _by_middles(compare, x, y)
        side = self._side(a, b)
        return _by_middles(compare, side, 0) if side else compare in _EQUAL

    def _side(self, a: Any, b: Any) -> int:
        """1 if a > b at the point nearby, -1 if a < b, 0 if they are equal there too."""
        pair = (a if isinstance(a, Value) else None, b if isinstance(b, Value) else None)
        if pair not in self.known:
            self.known[pair] = self._tie(*pair)
        tie = self.known[pair]
        if tie is None:
            return 0
        self.ties.setdefault(tie.key, tie)
        side = 1 if tie.normal @ self.direction[tie.support] >= 0 else -1
        return -side if tie.key in self.flipped else side

    def _close(self, x: Any, y: Any) -> bool:
        """Whether floats, which round in another order, might see them the other way round."""
        wide = balls.radius(x) + balls.radius(y)
        return wide > 0 and abs(balls.middle(x - y)) <= self.room * wide

    def comparisons(self) -> list[tuple[float, Any, Any]]:
        """Comparisons that were not ties and depend on the inputs.

        Each as (difference, support, normal), the last two as in Tie.
        """
        out, keys = [], set()
        for a, b in self.pairs[:: max(1, len(self.pairs) // 40)]:
            nodes = [n if isinstance(n, Value) else None for n in (a, b)]
            tie = self._tie(nodes[0], nodes[1])
            if tie is not None and tie.key not in keys:
                keys.add(tie.key)
                difference = balls.middle(plain(a)) - balls.middle(plain(b))
                out.append((difference / tie.size, tie.support, tie.normal))
        return out

    def _tie(self, a: Any, b: Any) -> Tie | None:
        grads: dict[Any, float] = {}
        for node, sign in ((a, 1.0), (b, -1.0)):
            if node in self.place:
                parts = {node: 1.0}
            elif node is None:
                parts = {}
            else:
                found = pullback([node], [balls.ball(1)], self.inputs)
                parts = {v: balls.middle(g) for v, g in found.items()}
            for v, g in parts.items():
                grads[v] = grads.get(v, 0.0) + sign * g
        normal = np.array(list(grads.values()))
        size = np.abs(normal).max(initial=0.0)
        if not np.isfinite(size) or size < 1e-290:
            return None
        order = sorted((self.place[v], g / size) for v, g in grads.items() if abs(g) > 1e-12 * size)
        support = np.array([i for i, _ in order])
        values = np.array([g for _, g in order])
        rounded = np.round(values * (1 if values[0] > 0 else -1), 7)
        return Tie(support, values, (*support.tolist(), *rounded.tolist()), float(size))


_EQUAL = (eq, ge, le)


def _nan(x: Any) -> bool:
    return bool(x.is_nan()) if hasattr(x, "is_nan") else False


def _by_middles(compare: Any, x: Any, y: Any) -> bool:
    a, b = balls.middle(x), balls.middle(y)
    return bool(compare(a, b))


@dataclass
class Exact:
    """Derivatives at a point, with bounds.

    outs, width     the outputs in a row, and how wide their balls are
    true, bound     the derivative with respect to each input, and what it may be wrong by
    yours, spread   what the user's backward gives in balls, and how wide they are; None if it
                    cannot run on them, and then `why` says why not
    work            what it all cost, in nodes: what budgets count
    comparisons     what the comparer collected of clear comparisons
    """

    outs: Any
    width: Any
    true: list[Any]
    bound: list[Any]
    yours: list[Any] | None
    spread: list[Any]
    comparer: Comparer
    work: int = 0
    why: str = ""
    comparisons: list[Any] = field(default_factory=list)


def evaluate(
    subject: Subject,
    douts: Sequence[Any],
    bits: int = balls.HIGH,
    comparer: Comparer | None = None,
    backward: bool = True,
) -> Exact:
    """The derivative of ⟨douts, outputs⟩ at subject.arrays, and the user's own, at this precision.

    Raises Untraceable if the forward cannot run on Values, TooLarge if it is too long.
    """
    comparer = comparer or Comparer()
    if sum(np.size(a) for a in subject.arrays) > BUDGET // 4:
        raise TooLarge(f"a trace would have more than {BUDGET} nodes")
    with (
        balls.precision(bits),
        np.errstate(all="ignore"),
        tracing(balls.ball, subject.places, comparer, BUDGET),
    ):
        start = next_stamp()
        inputs = [values(a, balls.ball) for a in subject.arrays]
        comparer.begin([v for x in inputs for v in _elements(x)])
        forward = _forward(subject, inputs)
        true = _derivative(forward, douts, inputs)
        found = comparer.comparisons() if comparer.collect else []
        nodes = next_stamp() - start
        yours, why = _backward(forward, douts, inputs) if backward else (None, "not asked")
        return Exact(
            *_in_a_row(forward.outs),
            [balls.middles(t) for t in true], [balls.radii(t) for t in true],
            None if yours is None else [balls.middles(u) for u in yours],
            [balls.radii(u) for u in yours or ()],
            comparer, RUN + nodes * (1 + backward), why, found,
        )  # fmt: skip


def _derivative(forward: Pass, douts: Sequence[Any], inputs: list[Any]) -> list[Any]:
    """The derivative of ⟨douts, outputs⟩ with respect to each input, in balls."""
    pairs: list[tuple[Value, Any]] = []
    for out, dout in zip(forward.outs, douts, strict=True):
        nodes, numbers = [_node(v) for v in _elements(out)], [balls.ball(d) for d in np.ravel(dout)]
        if len(nodes) != len(numbers):
            raise Untraceable("the forward gives another shape when it is traced")
        pairs += zip(nodes, numbers, strict=True)
    grads = pullback([n for n, _ in pairs], [d for _, d in pairs]) if pairs else {}
    zero = balls.ball(0)
    return [_form([grads.get(v, zero) for v in _elements(x)], x) for x in inputs]


def _forward(subject: Subject, inputs: list[Any]) -> Pass:
    try:
        return subject.start([x.copy() if isinstance(x, np.ndarray) else x for x in inputs])
    except TooLarge:
        raise
    except (RecursionError, MemoryError) as error:
        raise TooLarge(f"the trace ended with {type(error).__name__}") from error
    except Exception as error:
        raise Untraceable(f"{type(error).__name__}: {error}") from error


def _backward(forward: Pass, douts: Sequence[Any], inputs: list[Any]) -> tuple[Any, str]:
    """The gradients in balls, or None and why not."""
    with recording.set(False):
        try:
            raw = forward.pull(*[values(d, balls.ball) for d in douts])
            out = []
            for g, x in zip(raw, inputs, strict=True):
                if g is None:
                    return None, "a gradient is None"
                numbers = [_number(v) for v in _elements(g)]
                if len(numbers) != np.size(x):
                    return None, "a gradient has the wrong shape"
                out.append(_form(numbers, x))
            return out, ""
        except Exception as error:  # whatever stops it: the float64 result is compared instead
            return None, f"{type(error).__name__}: {error}"


def _elements(x: Any) -> list[Any]:
    if isinstance(x, Traced):
        x = x.view(np.ndarray)
    return list(np.ravel(x)) if isinstance(x, (np.ndarray, list, tuple)) else [x]


def _in_a_row(outs: list[Any]) -> tuple[Any, Any]:
    """The outputs' numbers in a row, and how wide their balls are."""
    numbers = [_number(v) for out in outs for v in _elements(out)]
    return balls.middles(numbers), balls.radii(numbers)


def _node(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(balls.ball(x))


def _number(x: Any) -> Any:
    x = plain(x)
    return x if hasattr(x, "rad") else balls.ball(x)


def _form(numbers: list[Any], like: Any) -> Any:
    out = np.empty(len(numbers), object)
    out[:] = numbers
    return out.reshape(np.shape(like) if isinstance(like, np.ndarray) else ())
