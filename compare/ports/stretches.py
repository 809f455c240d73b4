"""Two ports in one mode, training or not: every stretch judged from the same numbers.

Forwards each stretch gets the numbers that A had there; backwards the gradients that A had. What a
stretch gives may differ by its own rounding (bounds.py), and no more.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from ..claims import Claim, Violation, judge
from . import bounds
from .aligned import PortSide, Stretch, align
from .experiments import Cause, Experiment
from .pairing import Pairing
from .port_differences import ModeResult, PortDifference, moved
from .related import Relation
from .seen_calls import Array, PortCall
from .told_apart import active, gradient_said, same

SINGLE = 1e-5  # what rounding in float32 leaves of a number, at most


class PortJudge:
    """One mode."""

    def __init__(
        self, a: PortSide, b: PortSide, start: Relation, pairing: Pairing, dtype: str
    ) -> None:
        self.a, self.b, self.pairing = a, b, pairing
        self.u = bounds.unit(dtype)
        self.found = ModeResult()
        self.aligned = align(a, b, start, pairing.matched.pairs)
        self.params = [{p.name: p.value for p in side.program.params} for side in (a, b)]
        self.together = False  # whether the last causes are one after the other

    def run(self) -> ModeResult:
        """All of it."""
        with np.errstate(all="ignore"):  # repairs that are none may overflow
            return self._run()

    def _run(self) -> ModeResult:
        parted = {s.ends[0]: s for s in self.aligned.parted}
        self.found.whole = self.aligned.whole
        for i in sorted({*self.aligned.pairs, *parted} - {0}):
            if i in parted:
                self._parted(parted[i])
            else:
                self._forwards(i)
        if not self.found.differences and self.found.whole:
            self._backwards()
        self.found.compared = len(self.aligned.pairs) - 1
        self.found.differences = moved(self.found.differences)
        return self.found

    # ---- forwards ------------------------------------------------------------------------------

    def _parted(self, stretch: Stretch) -> None:
        experiment = self._experiment(stretch)
        chance = self._chance(stretch)
        causes = [chance] if chance else self._causes(experiment)
        point = experiment.points[0]
        if stretch.relation is None:
            shapes = [o.shape for o in point.out]
            said = f"its shape is {shapes[0]} in A and {shapes[1]} in B"
        else:
            said = self._violation(stretch, point.out[1], stretch.relation.to_b(point.out[0]))
        self._add("output", stretch, said, causes)

    def _violation(self, stretch: Stretch, got: Array, due: Array, kind: str = "node") -> str:
        limit = self.limit(stretch)
        name = "output" if kind == "node" else "gradient of the input"
        found = judge(Claim(kind, 0, name), got, due, limit)
        return str(found) if isinstance(found, Violation) else f"{name} agrees within rounding"

    def _forwards(self, i: int) -> None:
        """A pair of nodes whose numbers look alike: are they, within rounding?"""
        j, how = self.aligned.pairs[i]
        due, got = how.to_b(self.a.passed.nodes[i]), self.b.passed.nodes[j]
        if due.dtype.kind != "f":
            return
        stretch = self.stretch(i)
        limit = self.limit(stretch)
        apart = float(np.abs(due - got).max(initial=0.0))
        if apart <= limit or not np.isfinite(apart):
            return
        causes = self._causes(self._experiment(stretch))
        scale = float(np.abs(due).max(initial=0.0))
        single = all(c.name == "dtype" and "float32" in c.a + c.b for c in causes)
        if single and apart <= SINGLE * scale:
            names = self._names(stretch)
            self.found.notes.append(
                f"{names[0]}: equal in float32, not in float64 (off by less than {SINGLE:g} of the "
                "largest number): one of the ports has numbers in float32 inside"
            )
            return
        self._add("output", stretch, self._violation(stretch, got, due), causes)

    # ---- backwards -----------------------------------------------------------------------------

    def _backwards(self) -> None:
        """The gradient of every node that both have, and of every parameter."""
        a, b, pairs = self.a, self.b, self.aligned.pairs
        slopes = {i: s for i in pairs if i and (s := a.passed.slopes[i]) is not None}
        rng = np.random.default_rng(0)
        for node in a.program.outputs:
            slopes[node] = rng.normal(size=a.passed.nodes[node].shape)
        a.values = {i: a.passed.nodes[i] for i in pairs}
        theirs = {pairs[i][0]: pairs[i][1].to_b(s) for i, s in slopes.items() if i in pairs}
        a.again(slopes)
        b.again(theirs)
        wrong = {i for i in pairs if not self._slope_right(i)}
        self.found.gradients = len(self.pairing.matched.pairs)
        params = {p for p in self.pairing.matched.pairs if not self._grad_right(p)}
        for i in sorted(pairs):
            if not (wrong or params) or i == 0:
                continue
            stretch = self.stretch(i)
            used = {p for n in stretch.calls[1] for p in self.b.call(n).params.values()}
            if wrong & set(stretch.inputs[0]) or params & used:
                self._gradient(stretch, wrong & set(stretch.inputs[0]), params & used)

    def _slope_right(self, i: int) -> bool:
        j, how = self.aligned.pairs[i]
        mine, theirs = self.a.passed.slopes[i], self.b.passed.slopes[j]
        if i == 0 and (mine is None or theirs is None):
            return True
        moved = None if mine is None else how.to_b(mine)
        users = [c for c in self.b.program.calls if j in c.sources]
        return same(moved, theirs, self._backward_limit(users, moved))

    def _grad_right(self, name: str) -> bool:
        ours = self.pairing.matched.pairs[name]
        if name not in self.b.passed.grads or ours not in self.a.passed.grads:
            return True
        mine, theirs = self.a.passed.grads[ours], self.b.passed.grads[name]
        moved = None if mine is None else self.pairing.across(ours, mine, 0)
        users = [c for c in self.b.program.calls if name in c.params.values()]
        return same(moved, theirs, self._backward_limit(users, moved))

    def _backward_limit(self, users: Sequence[PortCall], value: Array | None) -> float:
        """What rounding may do to a gradient: roundings of the calls times the largest product."""
        if value is None:
            return 0.0
        total = 0.0
        for call in users:
            node = self.b.program.calls.index(call) + 1
            slope, out = self.b.passed.slopes[node], self.b.passed.nodes[node]
            g = float(np.abs(slope).max(initial=0.0)) if slope is not None else 0.0
            sources = [self.b.values.get(s, self.b.passed.nodes[s]) for s in call.sources]
            inside = max(1.0, bounds.size(call, sources, self.params[1], out))
            many = out.size / max(1, out.shape[-1] if out.ndim else 1)
            total += (
                (bounds.terms(call, sources, self.params[1]) + many + 16) * many**0.5 * g * inside
            )
        return 4 * self.u * max(total, float(np.abs(value).max(initial=0.0)))

    def _gradient(self, stretch: Stretch, nodes: set[int], params: set[str]) -> None:
        """A stretch that is right forwards and wrong backwards: looked at by itself."""
        experiment = self._experiment(stretch)
        point, said = experiment.points[0], ""
        for i in stretch.inputs[0]:
            j, how = self.aligned.pairs[i]
            mine = point.slopes[0].get(i)
            theirs = point.slopes[1].get(j)
            if i in nodes and not same(None if mine is None else how.to_b(mine), theirs, 0.0):
                said = said or gradient_said("gradient of the input", mine, theirs, how.to_b)
        for name in params:
            ours = self.pairing.matched.pairs[name]
            mine, theirs = point.grads[0].get(ours), point.grads[1].get(name)
            if not same(mine if mine is None else self.pairing.across(ours, mine, 0), theirs, 0.0):
                moved = partial(self.pairing.across, ours, side=0)
                said = said or gradient_said(f"gradient of {name}", mine, theirs, moved)
        if said:
            self._add("gradient", stretch, said, self._causes(experiment))

    # ---- what is common ------------------------------------------------------------------------

    def stretch(self, i: int) -> Stretch:
        """The calls between a pair of nodes and those before it."""
        j, how = self.aligned.pairs[i]
        known = self.aligned.known()
        calls, inputs = [], []
        for side, end, some in zip((self.a, self.b), (i, j), known, strict=True):
            mine = sorted(_between(side, end, some - {end}))
            calls.append(mine)
            sources = {s for n in mine for s in side.call(n).sources}
            inputs.append(sorted(sources - set(mine)) if mine else [end])
        return Stretch((calls[0], calls[1]), (inputs[0], inputs[1]), (i, j), how)

    def limit(self, stretch: Stretch) -> float:
        """The bound for both sides together."""
        total = 0.0
        for side, nodes, params in zip((self.a, self.b), stretch.calls, self.params, strict=True):
            calls = [side.call(n) for n in nodes]
            values = [[side.values.get(s, side.passed.nodes[s]) for s in c.sources] for c in calls]
            outs = [side.passed.nodes[n] for n in nodes]
            total += bounds.limit(calls, values, outs, params, self.u)
        return total

    def _causes(self, experiment: Experiment) -> list[Cause]:
        causes = experiment.causes()
        self.together = experiment.together
        return causes

    def _experiment(self, stretch: Stretch) -> Experiment:
        return Experiment(
            (self.a, self.b), stretch, self.aligned, self.pairing, self.limit(stretch)
        )

    def _chance(self, stretch: Stretch) -> Cause | None:
        """A dropout that is on in one port and not in the other, seen in its numbers."""
        on_both = []
        for side, nodes in zip((self.a, self.b), stretch.calls, strict=True):
            on = [n for n in nodes if active(side, n)]
            on_both.append(on)
        if bool(on_both[0]) == bool(on_both[1]):
            return None
        k = 0 if on_both[0] else 1
        call = (self.a, self.b)[k].call(on_both[k][0])
        words = (f"rate {call.options['p']:g}, on", "none, or off")
        return Cause("dropout on", call.name, *(words if k == 0 else words[::-1]))

    def _names(self, stretch: Stretch, causes: Sequence[Cause] = ()) -> tuple[str, str]:
        """The calls of a stretch on both sides; with causes the place that they name."""
        places = {c.place for c in causes}
        names = []
        for side, nodes in zip((self.a, self.b), stretch.calls, strict=True):
            own = [side.call(n).name for n in nodes]
            hit = [n for n in own if n in places]
            names.append(hit[0] if hit else _series(own))
        return names[0], names[1]

    def _add(self, what: str, stretch: Stretch, said: str, causes: list[Cause]) -> None:
        a, b = self._names(stretch, causes)
        self.found.differences.append(PortDifference(what, a, b, said, causes, self.together))


def _series(names: Sequence[str]) -> str:
    return " … ".join(dict.fromkeys([names[0], names[-1]])) if names else "nothing"


def _between(side: PortSide, end: int, known: set[int]) -> Iterator[int]:
    seen: set[int] = set()
    todo = [end]
    while todo:
        n = todo.pop()
        if n not in seen and n not in known:
            seen.add(n)
            yield n
            todo += side.call(n).sources
