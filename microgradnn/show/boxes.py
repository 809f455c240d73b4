"""What is drawn of a backward pass: boxes and arrows, folded where there are too many."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.walk import between
from . import texts
from .backprop import BackwardPass, Flow
from .clusters import Tree, owners
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


def arranged(
    done: BackwardPass, focus: Any, limit: int, lang: str, room: float = ROOM
) -> tuple[list[Box], list[Line], Tree, list[str]]:
    """The boxes, the arrows, where they stand, and notes on what is not shown."""
    notes: list[str] = []
    nodes = _first_seen(done)
    if focus is not None:
        kept = between(done.nodes, [focus])
        kept |= {p for n in kept - {focus} for p in n.parents if isinstance(p, Node)}
        nodes = [n for n in nodes if n in kept]
        notes.append(texts.say("draw.focus", lang, name=done.names[focus], n=len(done.nodes)))
    owned = owners(nodes, done.names)
    boxes = _boxes(done, nodes, owned, limit, notes, lang)
    number = {n: str(i) for i, n in enumerate(reversed(done.nodes))}
    for box in boxes:
        box.room, box.key = room, number[box.nodes[0]] if box.kind == "node" else ""
    at = {n: box for box in boxes for n in box.nodes}
    lines = list(_lines(done, nodes, at))
    paths = {b: _path(b, owned) for b in boxes}
    tree = Tree(boxes, paths, [(line.start, line.end) for line in lines])
    tree.lay_out({b: b.size for b in boxes})
    return boxes, lines, tree, notes


def _first_seen(done: BackwardPass) -> list[Any]:
    """The nodes in the order in which one reads the formula from the result."""
    known, seen, stack = set(done.nodes), dict[Any, None](), [done.output]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen[node] = None
        stack += [p for p in reversed(node.parents) if isinstance(p, Node) and p in known]
    return list(seen)


def _path(box: Box, owned: dict[Any, tuple[str, ...]]) -> tuple[str, ...]:
    path = owned.get(box.nodes[0], ()) if box.kind != "rest" else ()
    return path[: box.pathlen] if box.kind == "folded" else path


def _boxes(
    done: BackwardPass,
    nodes: list[Any],
    owned: dict[Any, tuple[str, ...]],
    limit: int,
    notes: list[str],
    lang: str,
) -> list[Box]:
    """A box for each node; of a large graph for each group, from the innermost outwards."""
    if len(nodes) <= limit:
        return [_box(done, n) for n in nodes]
    deepest = max((len(p) for p in owned.values()), default=0)
    for depth in range(deepest, 0, -1):
        boxes = _folded(done, nodes, owned, depth, lang)
        if len(boxes) <= limit:
            break
    else:
        boxes = [_box(done, n) for n in nodes] if not deepest else boxes
    groups = sum(b.kind == "folded" for b in boxes)
    if groups:
        n = sum(len(b.nodes) for b in boxes if b.kind == "folded")
        notes.append(texts.say("draw.folded", lang, n=f"{n:,}".replace(",", " "), k=groups))
    if len(boxes) > limit:
        boxes = _latest(boxes, limit, notes, lang)
    return boxes


def _folded(
    done: BackwardPass, nodes: list[Any], owned: dict[Any, tuple[str, ...]], depth: int, lang: str
) -> list[Box]:
    made: dict[Any, Box] = {}
    for node in nodes:
        path = owned[node]
        if len(path) < depth:
            made[node] = _box(done, node)
        elif path[:depth] in made:
            made[path[:depth]].nodes.append(node)
        else:
            name = path[depth - 1]
            made[path[:depth]] = Box([node], name, name, kind="folded", pathlen=depth - 1)
    for box in made.values():
        if box.kind == "folded":
            box.data = texts.say("draw.nodes", lang, n=len(box.nodes))
    return list(made.values())


def _latest(boxes: list[Box], limit: int, notes: list[str], lang: str) -> list[Box]:
    """Those nearest to the result, and one box for all before."""
    boxes = sorted(boxes, key=lambda b: -max(n.stamp for n in b.nodes))
    kept, rest = boxes[: limit - 1], boxes[limit - 1 :]
    earlier = [n for b in rest for n in b.nodes]
    said = texts.say("draw.earlier", lang, n=len(earlier))
    notes.append(texts.say("draw.cut", lang, n=limit))
    return [*kept, Box(earlier, "…", said, data=said, kind="rest")]


def _box(done: BackwardPass, node: Any) -> Box:
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


def _lines(done: BackwardPass, nodes: list[Any], at: dict[Any, Box]) -> Iterator[Line]:
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
