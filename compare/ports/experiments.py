"""The cause of a difference, found by experiment: which repair makes one port compute the other.

A repair must give the other port's own numbers, the values and all gradients, at several points: at
the recorded one and at others that are drawn. What remains is compared with the rounding of the
stretch, or with a thousandth of the difference where a port is not that exact itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnn.errors import MicrogradError

from .aligned import Aligned, PortSide, Stretch, grids
from .local_program import Local
from .pairing import Pairing
from .related import NEAR, Relation, relation
from .repairs import REPAIRS
from .seen_calls import Array
from .trials import COPIED, Around, Trial

POINTS = 3
REST = 1e-3  # of a difference that a repair may leave, where rounding explains less
SEARCHED = 600  # trials of two repairs together
WRONG = (
    MicrogradError, ValueError, TypeError, IndexError, KeyError, AttributeError,
    ZeroDivisionError, OverflowError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True)
class Cause:
    """A repair that makes the ports agree: its name, the call it changes, each side's words."""

    name: str
    place: str
    a: str
    b: str

    def __str__(self) -> str:
        return f"{self.name}: A has {self.a}, B has {self.b}"


@dataclass
class TriedPoint:
    """Numbers at which both ports were run: inputs, outputs, gradients, of A and of B."""

    at: tuple[dict[int, Array], dict[int, Array]]
    out: tuple[Array, Array]
    g: tuple[Array, Array]
    slopes: tuple[dict[int, Array | None], dict[int, Array | None]]
    grads: tuple[dict[str, Array | None], dict[str, Array | None]]


@dataclass
class Experiment:
    """One stretch of both ports, and the points at which they are known there."""

    sides: tuple[PortSide, PortSide]
    stretch: Stretch
    found: Aligned
    pairing: Pairing
    limit: float

    def __post_init__(self) -> None:
        self.links, self.together = self._links(), False
        self.points = [self._point(k) for k in range(POINTS)]
        self.around = Around(grids(self.sides[0]))

    def _recorded(self, i: int) -> Array:
        return self.sides[0].passed.nodes[i]

    def _links(self) -> dict[int, tuple[int, Relation]]:
        """For each input of A that of B, with their relation; each is what goes in here."""
        mine, theirs = self.stretch.inputs
        forth, found = self.found.forth(), dict[int, tuple[int, Relation]]()
        for i in mine:
            able = [forth[i]] if i in forth else []
            able += [(j, r) for j, (k, r) in self.found.also.items() if k == i]
            found[i] = next((one for one in able if one[0] in theirs), able[0])
        back = self.found.back()
        for j in theirs:
            if j not in {k for k, _ in found.values()}:
                i, how = back[j]
                found.setdefault(i, (j, how))
        return found

    def _point(self, k: int) -> TriedPoint:
        """The recorded point, or one around it."""
        a, b = self.sides
        rng = np.random.default_rng(k)
        given = {i: _drawn(self._recorded(i), rng, k) for i in self.links}
        theirs = {j: r.to_b(given[i]) for i, (j, r) in self.links.items()}
        ends, how = self.stretch.ends, self.stretch.relation
        g = rng.normal(size=a.passed.nodes[ends[0]].shape)
        g_b = how.to_b(g) if how else rng.normal(size=b.passed.nodes[ends[1]].shape)
        one = a.port.passed(a.x, given, {ends[0]: g}, a.training)
        two = b.port.passed(b.x, theirs, {ends[1]: g_b}, b.training)
        slopes = {i: one.slopes[i] for i in given}, {j: two.slopes[j] for j in theirs}
        grads = (dict(one.grads), dict(two.grads))
        made = [one.nodes[ends[0]], two.nodes[ends[1]]]
        for k, (at, gradient) in enumerate(((given, g), (theirs, g_b))):
            if not self.stretch.calls[k]:  # nothing is between: it hands on what it is given
                made[k] = at[ends[k]]
                slopes[k].update({**dict.fromkeys(slopes[k]), ends[k]: gradient})
                for name in grads[k]:
                    grads[k][name] = None
        return TriedPoint((given, theirs), (made[0], made[1]), (g, g_b), slopes, grads)

    # ---- what repairs begin with ---------------------------------------------------------------

    def local(self, base: int) -> Local | None:
        """The stretch of one side in formulas, or None where they do not give its numbers."""
        side, nodes = self.sides[base], self.stretch.calls[base]
        params = {p.name: p.value for p in side.program.params}
        made = Local(
            tuple((n, side.call(n)) for n in nodes), tuple(self.stretch.inputs[base]),
            self.stretch.ends[base], params,
        )  # fmt: skip
        if not made.known():
            return None
        for point in self.points:
            try:
                value = made.run(point.at[base])
            except WRONG:
                return None
            value, out = np.asarray(getattr(value, "data", value)), point.out[base]
            scale = float(np.abs(out).max(initial=0.0))
            if value.shape != out.shape or not np.allclose(value, out, rtol=0, atol=NEAR * scale):
                return None
        return made

    def agree(self, local: Local, base: int) -> bool:
        """Whether a changed side gives what the other gave, at all points, gradients included."""
        try:
            if not all(self._values(local, base, point) for point in self.points):
                return False
            return all(self._gradients(local, base, point) for point in self.points)
        except WRONG:  # numbers of another shape, which cannot lie as those of the other port do
            return False

    def _values(self, local: Local, base: int, point: TriedPoint) -> bool:
        try:
            value = local.run(point.at[base])
        except WRONG:
            return False
        return self._related(np.asarray(getattr(value, "data", value)), base, point) is not None

    def _related(self, value: Array, base: int, point: TriedPoint) -> Relation | None:
        """How a value lies beside what the other side gave, if it is that."""
        other = point.out[1 - base]
        pair = (value, other) if base == 0 else (other, value)
        how = self.stretch.relation
        if how is None or how.to_b(pair[0]).shape != pair[1].shape:
            how = relation(*pair, self.around.grids, bool(self.sides[1].port.last))
        if how is None:
            return None
        scale = float(np.abs(other).max(initial=0.0))
        rest = float(np.abs(how.to_b(pair[0]) - pair[1]).max(initial=0.0))
        return how if rest <= self._allowed(self._apart(point), scale) else None

    def _allowed(self, apart: float, scale: float) -> float:
        return (
            max(self.limit, min(NEAR * scale, REST * apart)) if np.isfinite(apart) else NEAR * scale
        )

    def _apart(self, point: TriedPoint) -> float:
        """How far the ports are apart."""
        how = self.stretch.relation
        if how is None or how.to_b(point.out[0]).shape != point.out[1].shape:
            return float("inf")
        apart = float(np.abs(how.to_b(point.out[0]) - point.out[1]).max(initial=0.0))
        return apart if apart > self.limit else float("inf")

    def _gradients(self, local: Local, base: int, point: TriedPoint) -> bool:
        def g(value: Array) -> Array:
            how = self._related(value, base, point)
            assert how is not None
            theirs = point.g[1 - base]
            return how.to_a(theirs) if base == 0 else how.to_b(theirs)

        try:
            _, slopes, grads = local.pull(point.at[base], g)
        except WRONG:
            return False
        turned = {j: (i, r) for i, (j, r) in self.links.items()}
        pairs = self.links if base == 0 else turned
        for node, mine in slopes.items():
            other, how = pairs[node]
            theirs = point.slopes[1 - base].get(other)
            moved = how.to_b(mine) if base == 0 else how.to_a(mine)
            if not _near(moved, theirs):
                return False
        for name, mine in grads.items():
            partner = self.pairing.partner(name, base)
            if partner is not None:
                moved = self.pairing.across(name, mine, base)
                if not _near(moved, point.grads[1 - base].get(partner)):
                    return False
        return True

    # ---- the search ----------------------------------------------------------------------------

    def causes(self) -> list[Cause]:
        """The repairs that make the sides agree, those that copy what is there before others."""
        locals_ = self.local(0), self.local(1)
        good: list[tuple[int, Trial]] = []
        for base, trial in self._trials(locals_):
            if self.agree(trial.local, base):
                good.append((base, trial))
        if not good:
            return self._two(locals_)
        best = min(trial.rank for _, trial in good)
        good = [(b, t) for b, t in good if t.rank == best]
        sizes = [len(calls) for calls in self.stretch.calls]
        same = [(b, t) for b, t in good if len(t.local.calls) == sizes[b]]
        return self._named(same if same and sizes[0] == sizes[1] else good)

    def _trials(self, locals_: tuple[Local | None, Local | None]) -> Iterator[tuple[int, Trial]]:
        for base in (0, 1):
            own = locals_[base]
            if own is not None:
                other = locals_[1 - base] or self._text(1 - base)
                for make in REPAIRS:
                    yield from ((base, trial) for trial in make(own, other, self.around))

    def _text(self, base: int) -> Local:
        """A side whose formulas are not known, to look at."""
        side, nodes = self.sides[base], self.stretch.calls[base]
        return Local(tuple((n, side.call(n)) for n in nodes), (), 0, {})

    def _named(self, good: Sequence[tuple[int, Trial]]) -> list[Cause]:
        found: dict[Any, Cause] = {}
        for base, trial in good:  # the same, seen from either side, is one
            seen = [c for (b, _), c in found.items() if b != base and c.name == trial.cause]
            if not seen:
                cause = self._cause(base, trial)
                found.setdefault((base, (cause.name, cause.a, cause.b)), cause)
        return list(found.values())

    def _cause(self, base: int, trial: Trial) -> Cause:
        side = self.sides[base]
        inside = trial.node in self.stretch.calls[base]
        place = side.call(trial.node).name if inside else ""
        if not place:  # a call that only the other side has
            theirs = [self.sides[1 - base].call(n) for n in self.stretch.calls[1 - base]]
            kinds = [c.name for c in theirs if c.kind in trial.other]
            place = (kinds or [c.name for c in theirs] or [""])[0]
        words = (trial.own, trial.other) if base == 0 else (trial.other, trial.own)
        return Cause(trial.cause, place, *words)

    def _two(self, locals_: tuple[Local | None, Local | None]) -> list[Cause]:
        """Two repairs together, where one is not enough; both are told."""
        budget = SEARCHED
        for base in (0, 1):
            own, other = locals_[base], locals_[1 - base]
            if own is None or other is None:
                continue
            for first in self._copied(own, other):
                for second in self._copied(first.local, other):
                    budget -= 1
                    if budget < 0:
                        return []
                    if second.cause != first.cause and self.agree(second.local, base):
                        self.together = True
                        return [self._cause(base, t) for t in (first, second)]
        return []

    def _copied(self, own: Local, other: Local) -> Iterator[Trial]:
        for make in REPAIRS:
            yield from (t for t in make(own, other, self.around) if t.rank == COPIED)


def _drawn(value: Array, rng: np.random.Generator, k: int) -> Array:
    """The recorded numbers, or others of their size."""
    if k == 0 or value.dtype.kind != "f":
        return value
    scale = float(value.std()) or 1.0
    return value * rng.uniform(0.5, 1.5, value.shape) + scale * k * rng.normal(size=value.shape) / 2


def _near(mine: Array | None, theirs: Array | None) -> bool:
    """Whether two gradients are the same; None is none, and so is 0."""
    if mine is None or theirs is None:
        some = mine if theirs is None else theirs
        return some is None or not np.any(some)
    scale = max(float(np.abs(mine).max(initial=0.0)), float(np.abs(theirs).max(initial=0.0)))
    return mine.shape == theirs.shape and bool(np.allclose(mine, theirs, rtol=0, atol=NEAR * scale))
