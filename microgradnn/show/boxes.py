"""The boxes and arrows of a drawing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.node import Node
from .backprop import BackwardPass, Flow
from .notation import amount, brief

LETTER, BOX, PILL = 7.3, 50.0, 30.0
ROOM = 62.0  # a box is at least so wide


@dataclass(eq=False)
class Box:
    """One box: a node, or the nodes of a group that was folded."""

    nodes: list[Any]
    name: str
    full: str
    op: str = ""
    data: str = ""
    grad: str = ""
    kind: str = "node"  # or folded, or rest
    pathlen: int = 0  # of a folded group: how many groups are around it
    key: str = ""  # of a single node: its number in the order in which the nodes were made
    room: float = ROOM

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, the sign of the op included."""
        wide = max(len(t) for t in (self.name, self.data, self.grad)) * LETTER + 14
        return max(wide, self.room) + self.pill, BOX

    @property
    def pill(self) -> float:
        """How wide the op's sign is; 0 for a leaf."""
        return max(PILL, len(self.op) * LETTER + 12) if self.op else 0.0


@dataclass(frozen=True)
class Line:
    """An arrow: from a box to input number `place` of another. weight: 0 to 1, what flows back."""

    start: Box
    end: Box
    place: int
    of: int
    weight: float | None
    said: str
    key: str  # the numbers of the node and of its input


def box_of(done: BackwardPass, node: Any) -> Box:
    """The box of one node."""
    names, place = done.names, done.names.place(node)
    full = names[node]
    short = place.short if place.owners and full == place.name else full
    short = short if len(short) <= 18 else f"{short[:8]}…{short[-9:]}"
    g = done.totals.get(node)
    grad = "" if g is None else _figure(g)
    return Box([node], short, full, _sign(node), _figure(node._data), grad)


def _figure(x: Any) -> str:
    """A number in four digits; of an array what amount() says."""
    return brief(np.asarray(x).item()) if np.size(x) == 1 else amount(x)


def _sign(node: Any) -> str:
    """The op's label, with the number that it was given: "- 1", "** 2"."""
    if node.op is None:
        return ""
    label = node.op.label
    xs = node.parents
    if len(xs) == 2 and not all(isinstance(x, Node) for x in xs):
        a, b = ("" if isinstance(x, Node) or np.size(x) != 1 else _figure(x) for x in xs)
        return f"{a} {label} {b}".strip()
    return str(label)


def lines_of(done: BackwardPass, nodes: list[Any], at: dict[Any, Box]) -> Iterator[Line]:
    """The arrows between boxes, in the order in which one reads the formula."""
    flows = {(f.node, f.place): f for f in done.flows}
    sizes = {k: _strength(f) for k, f in flows.items()}
    most = max((s for s in sizes.values() if np.isfinite(s)), default=0.0)
    folded: set[tuple[Box, Box]] = set()
    for node in nodes:  # as one reads the formula: where nothing else decides, it stays so
        inputs = [(i, p) for i, p in enumerate(node.parents) if isinstance(p, Node) and p in at]
        for k, (i, p) in enumerate(inputs):
            if node not in at or at[node] is at[p]:
                continue
            a, b = at[p], at[node]
            whole = a.kind == b.kind == "node"
            if not whole and (a, b) in folded:
                continue
            folded.add((a, b))
            flow = flows.get((node, i))
            weight = None if flow is None or not whole else min(sizes[node, i] / (most or 1.0), 1.0)
            place, of = (k, len(inputs)) if b.kind == "node" else (0, 1)
            said = _said(done, flow) if flow and whole else ""
            yield Line(a, b, place, of, weight, said, f"{b.key}-{i}" if b.key else "")


def _strength(flow: Flow) -> float:
    size = np.abs(np.asarray(flow.contribution, float))
    return float(np.mean(size)) if size.size else 0.0


def _said(done: BackwardPass, flow: Flow) -> str:
    names, root = done.names, done.names[done.output]
    of = f"d{root}/d{names[flow.input]} += "
    if flow.local is None:
        return of + amount(flow.contribution)
    return of + f"{amount(flow.upstream)} × {amount(flow.local)} = {amount(flow.contribution)}"
