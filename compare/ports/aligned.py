"""Which node of one port is which of the other, and the first stretches where they part.

B is run with A's numbers at all nodes that are known to be the same, so a difference stays where it
is made. Where the numbers part, the next place at which the ports must be at the same point again
is the input of the next layer with parameters; B gets A's number there, and it goes on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .related import Relation, candidates, relation
from .seen_calls import CODE, Array, Passed, PortCall, PortProgram

PARTS = 8  # stretches that are looked for


@dataclass
class PortSide:
    """One port in a pass: its program, its input, and what its last pass gave."""

    port: Any
    program: PortProgram
    x: Array
    training: bool
    passed: Passed
    values: dict[int, Array] = field(default_factory=dict)  # what its nodes are set to

    def again(self, slopes: Mapping[int, Array] | None = None) -> Passed:
        """Another pass, with what is set now."""
        self.passed = self.port.passed(self.x, self.values, dict(slopes or {}), self.training)
        return self.passed

    def call(self, node: int) -> PortCall:
        """The call that gives a node."""
        return self.program.calls[node - 1]


@dataclass
class Stretch:
    """Calls of both sides between nodes that are the same, up to a node of each."""

    calls: tuple[list[int], list[int]]  # nodes, in order
    inputs: tuple[list[int], list[int]]
    ends: tuple[int, int]
    relation: Relation | None  # of the ends, None if their shapes cannot be related


@dataclass
class Aligned:
    """Pairs of nodes (of B by that of A, with their relation), and where the ports part.

    `also` are further nodes of B, by B's, that are at the point of a node of A: behind a call that
    only B has. `ahead` are further nodes of A, by A's, that are at the point of a node of B.
    """

    pairs: dict[int, tuple[int, Relation]]
    parted: list[Stretch]
    also: dict[int, tuple[int, Relation]] = field(default_factory=dict)
    ahead: dict[int, tuple[int, Relation]] = field(default_factory=dict)
    whole: bool = True  # whether all was compared, up to the output

    def known(self) -> tuple[set[int], set[int]]:
        """The nodes of A, and of B, that have a partner."""
        return set(self.pairs) | set(self.ahead), {j for j, _ in self.pairs.values()} | set(
            self.also
        )

    def forth(self) -> dict[int, tuple[int, Relation]]:
        """The node of B, and the relation, by that of A."""
        return self.ahead | self.pairs

    def back(self) -> dict[int, tuple[int, Relation]]:
        """The node of A, and the relation, by that of B."""
        return self.also | {j: (i, how) for i, (j, how) in self.pairs.items()}


def align(a: PortSide, b: PortSide, start: Relation, params: Mapping[str, str]) -> Aligned:
    """The alignment. `params` are names of A by names of B; both have had a pass."""
    found = Aligned({0: (0, start)}, [])
    b.values = {}
    while True:
        _match(a, b, found)
        left = [_open(side, known) for side, known in zip((a, b), found.known(), strict=True)]
        ends_met = not left[0] and not left[1]
        if ends_met or len(found.parted) == PARTS:
            found.whole = ends_met
            break
        stretch = _stretch(a, b, found, left, params)
        found.parted.append(stretch)
        end = stretch.ends
        if stretch.relation is None:
            found.whole = False
            break
        if end[0] in found.known()[0]:
            found.also[end[1]] = end[0], stretch.relation
        elif end[1] in found.known()[1]:
            found.ahead[end[0]] = end[1], stretch.relation
        else:
            found.pairs[end[0]] = end[1], stretch.relation
        b.values[end[1]] = stretch.relation.to_b(a.passed.nodes[end[0]])
        b.again()
    b.again()
    return found


def grids(a: PortSide) -> list[tuple[int, ...]]:
    """The images of one side, channels first, that may be flattened in two orders."""
    shapes = [v.shape for v in a.passed.nodes if v.ndim > 2]
    made = [s[1:] if not a.port.last else (s[-1], *s[1:-1]) for s in shapes]
    return list(dict.fromkeys(tuple(g) for g in made if g[0] > 1 and max(g[1:]) > 1))


def _match(a: PortSide, b: PortSide, found: Aligned) -> None:
    """Pairs nodes of equal numbers, in order."""
    taken = found.known()[1]
    last = bool(b.port.last)
    for i in _used(a.program):
        if i in found.pairs:
            continue
        for j in _used(b.program):
            if j in taken:
                continue
            how = relation(a.passed.nodes[i], b.passed.nodes[j], grids(a), last)
            if how is not None and _after(a, b, i, j, found):
                found.pairs[i] = j, how
                taken.add(j)
                break
    for i, (j, how) in found.pairs.items():
        if j and j not in {k for k, _ in found.ahead.values()}:
            b.values[j] = how.to_b(a.passed.nodes[i])


def _used(program: PortProgram) -> list[int]:
    """The nodes that the output is made of, in order."""
    found = set(program.outputs).union(*(_before(program, n) for n in program.outputs))
    return sorted(found - {0})


def _after(a: PortSide, b: PortSide, i: int, j: int, found: Aligned) -> bool:
    """Whether two nodes of equal numbers are at one point: they come after the same pairs."""
    mine = {found.pairs[k][0] for k in _before(a.program, i) if k in found.pairs}
    return mine <= (_before(b.program, j) | {0}) or not mine


def _before(program: PortProgram, node: int) -> set[int]:
    """The nodes that a node is made from."""
    seen: set[int] = set()
    todo = [node]
    while todo:
        n = todo.pop()
        for s in program.calls[n - 1].sources if n else ():
            if s not in seen:
                seen.add(s)
                todo.append(s)
    return seen


def _open(side: PortSide, known: set[int]) -> list[int]:
    """The nodes that the output is made from without passing through a known one, in order."""
    seen: set[int] = set()
    todo = [n for n in side.program.outputs if n not in known]
    while todo:
        n = todo.pop()
        if n not in seen:
            seen.add(n)
            todo += [s for s in side.call(n).sources if s not in known]
    return sorted(seen)


def _stretch(
    a: PortSide, b: PortSide, found: Aligned, left: list[list[int]], params: Mapping[str, str]
) -> Stretch:
    """The first stretch whose ends can be told."""
    ends = _ends(a, b, found, left, params)
    calls, inputs = [], []
    for side, end, known in zip((a, b), ends, found.known(), strict=True):
        mine = sorted(_back(side, end, known))
        calls.append(mine)
        sources = {s for n in mine for s in side.call(n).sources}
        inputs.append(sorted(sources - set(mine)) if mine else [end])
    return Stretch((calls[0], calls[1]), (inputs[0], inputs[1]), ends, _guess(a, b, ends, found))


def _back(side: PortSide, end: int, known: set[int]) -> set[int]:
    seen: set[int] = set()
    todo = [end]
    while todo:
        n = todo.pop()
        if n not in seen and n not in known:
            seen.add(n)
            todo += side.call(n).sources
    return seen


def _ends(
    a: PortSide, b: PortSide, found: Aligned, left: list[list[int]], params: Mapping[str, str]
) -> tuple[int, int]:
    """The nodes before the next layers with parameters, once both have used the same ones."""
    to_b = {ours: theirs for theirs, ours in params.items()}
    if left[0] and left[1] and _one_layer(a, b, left[0][0], left[1][0], found, to_b):
        return left[0][0], left[1][0]
    for i, used, at in _cuts(a, left[0], set(to_b)):
        for j, others, there in _cuts(b, left[1], set(params)):
            same = {to_b[name] for name in used} == others
            same &= _same_layer(a.call(at), b.call(there), to_b)
            fresh = i in left[0] or j in left[1]
            fresh &= i in left[0] or i in found.known()[0]
            fresh &= j in left[1] or j in found.known()[1]
            if same and fresh and _guess(a, b, (i, j), found) is not None:
                return i, j
    return a.program.outputs[0], b.program.outputs[0]


def _one_layer(
    a: PortSide, b: PortSide, i: int, j: int, found: Aligned, to_b: Mapping[str, str]
) -> bool:
    """Whether two nodes come from the same layer, by its kind and its parameters."""
    one, two = a.call(i), b.call(j)
    known = found.known()
    at_hand = set(one.sources) <= known[0] and set(two.sources) <= known[1]
    own = {to_b.get(name) for name in one.params.values()}
    same = one.kind == two.kind != CODE and own == set(two.params.values())
    return at_hand and same


def _same_layer(one: PortCall, two: PortCall, to_b: Mapping[str, str]) -> bool:
    """Whether two calls begin the same layer: with the same weight, and in the same way."""
    own = {to_b.get(name) for name in one.params.values()}
    theirs = set(two.params.values())
    sums = ("linear", "matmul", "conv", "recurrent", "embedding", CODE)
    return own == theirs or bool(own & theirs and one.kind in sums and two.kind in sums)


def _cuts(side: PortSide, nodes: list[int], known: set[str]) -> Iterator[tuple[int, set[str], int]]:
    """Nodes that go into a layer with parameters, the parameters used up to there, the layer."""
    for n in nodes:
        call = side.call(n)
        if known & set(call.params.values()) and call.sources:
            source = call.sources[0]
            before = _back(side, source, set(range(side.program.outputs[0] + 1)) - set(nodes))
            used = {p for k in before for p in side.call(k).params.values()} & known
            yield source, used, n


def _guess(a: PortSide, b: PortSide, ends: tuple[int, int], found: Aligned) -> Relation | None:
    """How the numbers of two nodes would lie if they were the same: as those before them do."""
    x, y = a.passed.nodes[ends[0]], b.passed.nodes[ends[1]]
    able = candidates(x.shape, y.shape, grids(a), bool(b.port.last))
    if not able:
        return None
    near = {how.kind for how in (h for _, h in list(found.pairs.values())[-1:])}
    if a.port.last != b.port.last and len(x.shape) > 2:
        near |= {"last" if b.port.last else "first"}
    scored = [_likeness(one.to_b(x), y) for one in able]
    best = max(range(len(able)), key=lambda k: (scored[k] > 0.5, able[k].kind in near, scored[k]))
    return able[best]


def _likeness(x: Array, y: Array) -> float:
    """The correlation of two arrays of a shape, 0 if there is none."""
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    with np.errstate(all="ignore"):
        found = float(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    return found if np.isfinite(found) else 0.0
