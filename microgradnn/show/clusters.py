"""Which nodes belong to which neuron, layer or model, and the picture laid out group by group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError
from typing import Any

from ..engine.node import Node
from .columns import LINE, Placed, place, ranks
from .names import Names

PAD, TITLE = 10.0, 18.0
Point = tuple[float, float, float]  # a line passes a column: left, right, height


def owners(nodes: Iterable[Any], names: Names) -> dict[Any, tuple[str, ...]]:
    """The models each node belongs to, outermost first; () for data and losses.

    A leaf belongs to the model that holds it; a result to that of the parameters it was computed
    from, or of all its inputs, and so does an activation function of it.
    """
    found: dict[Any, tuple[str, ...]] = {}
    for node in sorted(nodes, key=lambda n: n.stamp):
        if node.op is None:
            found[node] = names.place(node).owners
            continue
        inputs = [p for p in node.parents if isinstance(p, Node) and p in found]
        held = [found[p] for p in inputs if p.op is None and found[p]]
        if held:
            found[node] = common(held)
        elif len(inputs) > 1 and len({found[p] for p in inputs}) == 1:
            found[node] = found[inputs[0]]
        elif _activates(node, inputs):
            found[node] = found[inputs[0]]
        else:
            found[node] = ()
    return found


def _activates(node: Any, inputs: list[Any]) -> bool:
    """Whether it is a function of one number of a result that is no such function itself."""
    if not (node.op.pointwise and node.op.arity == 1 and len(inputs) == 1):
        return False
    before = inputs[0].op
    return before is not None and not (before.pointwise and before.arity == 1)


def common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The models that all of these paths begin with."""
    first, *rest = paths
    n = 0
    while n < len(first) and all(len(p) > n and p[n] == first[n] for p in rest):
        n += 1
    return first[:n]


@dataclass(eq=False)
class Group:
    """A neuron, a layer, a model, or the whole picture: boxes and groups inside of it."""

    name: str = ""
    inside: list[Any] = field(default_factory=list)  # nodes and Groups, in order
    placed: Placed = field(default_factory=Placed)
    x: float = 0.0  # of its upper left corner, in the picture
    y: float = 0.0

    @property
    def size(self) -> tuple[float, float]:
        """With its frame and title."""
        return self.placed.width + 2 * PAD, self.placed.height + 2 * PAD + TITLE

    def groups(self) -> list["Group"]:
        """The groups inside, outermost first."""
        return [g for i in self.inside if isinstance(i, Group) for g in (i, *i.groups())]

    def nodes(self) -> list[Any]:
        """The nodes inside, also of groups inside."""
        return [n for i in self.inside for n in (i.nodes() if isinstance(i, Group) else [i])]


class Tree:
    """The groups of a picture, and for each node the way down to it."""

    def __init__(self, nodes: Sequence[Any], owned: dict[Any, tuple[str, ...]], edges: Any) -> None:
        self.edges: list[tuple[Any, Any]] = list(dict.fromkeys(edges))
        self.root = _grown(nodes, owned)
        while True:
            self.way: dict[Any, list[Group]] = {}
            self._find(self.root, [])
            bad = self._in_circles()
            if not bad:
                return
            for parent, group in bad:  # what passes in and out of it again is shown without frame
                i = parent.inside.index(group)
                parent.inside[i : i + 1] = group.inside

    def _find(self, group: Group, way: list[Group]) -> None:
        for item in group.inside:
            if isinstance(item, Group):
                self._find(item, [*way, group])
            else:
                self.way[item] = [*way, group]

    def item(self, node: Any, group: Group) -> Any:
        """What of the group contains the node: itself, a group inside, or None if it is outside."""
        way = self.way[node]
        if group not in way:
            return None
        i = way.index(group)
        return way[i + 1] if i + 1 < len(way) else node

    def links(self, group: Group) -> list[tuple[Any, Any]]:
        """The edges between the items of a group, and through its frame: ("in", u), ("out", u)."""
        found: dict[tuple[Any, Any], None] = {}
        for u, v in self.edges:
            a, b = self.item(u, group), self.item(v, group)
            if (a is None and b is None) or a is b:
                continue
            found[("in", u) if a is None else a, ("out", u) if b is None else b] = None
        return list(found)

    def _in_circles(self) -> list[tuple[Group, Group]]:
        for group in [self.root, *self.root.groups()]:
            links = self.links(group)
            keys = dict.fromkeys([*group.inside, *(k for link in links for k in link)])
            try:
                ranks(list(keys), links)
            except CycleError as error:
                circle = {k for k in error.args[1] if isinstance(k, Group)}
                return [(group, g) for g in group.inside if g in circle]
        return []

    def lay_out(self, sizes: dict[Any, tuple[float, float]]) -> None:
        """Places every box: the inner groups first, then what holds them."""
        groups = [self.root, *self.root.groups()]
        for group in reversed(groups):
            links = self.links(group)
            entries = list(dict.fromkeys(a for a, _ in links if isinstance(a, tuple)))
            exits = dict.fromkeys(b for _, b in links if isinstance(b, tuple))
            own = {i: i.size if isinstance(i, Group) else sizes[i] for i in group.inside}
            ports: dict[Any, tuple[float, float]] = dict.fromkeys([*entries, *exits], (0.0, LINE))
            group.placed = place({**own, **ports}, links, entries)
        for group in groups:
            for item in group.inside:
                if isinstance(item, Group):
                    x, y = group.placed.corner[item]
                    dx, dy = self.origin(group)
                    item.x, item.y = x + dx, y + dy

    def origin(self, group: Group) -> tuple[float, float]:
        """Where the inside of a group begins."""
        frame = group is not self.root
        return group.x + PAD * frame, group.y + (PAD + TITLE) * frame

    def corner(self, node: Any) -> tuple[float, float]:
        """The upper left corner of a box in the picture."""
        group = self.way[node][-1]
        (x, y), (dx, dy) = group.placed.corner[node], self.origin(group)
        return x + dx, y + dy

    def between(self, u: Any, v: Any) -> list[Point]:
        """Where the line from u to v passes columns and frames, from left to right."""
        up, down = self.way[u], self.way[v]
        shared = len([1 for a, b in zip(up, down, strict=False) if a is b])
        points: list[Point] = []
        for group in reversed(up[shared:]):
            points += self._passed(group, self.item(u, group), ("out", u))
            points += self._port(group, ("out", u))
        meet = up[shared - 1]
        points += self._passed(meet, self.item(u, meet), self.item(v, meet))
        for group in down[shared:]:
            points += self._port(group, ("in", u))
            points += self._passed(group, ("in", u), self.item(v, group))
        return points

    def _passed(self, group: Group, a: Any, b: Any) -> list[Point]:
        dx, dy = self.origin(group)
        return [(x + dx, end + dx, y + dy) for x, end, y in group.placed.routes.get((a, b), [])]

    def _port(self, group: Group, key: Any) -> list[Point]:
        (x, y), (dx, dy) = group.placed.corner[key], self.origin(group)
        return [(x + dx, x + dx, y + LINE / 2 + dy)]


def _grown(nodes: Sequence[Any], owned: dict[Any, tuple[str, ...]]) -> Group:
    """The groups, a group that would hold one group only left out."""
    root = Group()
    made: dict[tuple[str, ...], Group] = {(): root}
    for node in nodes:
        path = owned.get(node, ())
        for n in range(1, len(path) + 1):
            if path[:n] not in made:
                made[path[:n]] = Group(path[n - 1])
                made[path[: n - 1]].inside.append(made[path[:n]])
        made[path].inside.append(node)
    for group in reversed([root, *root.groups()]):
        for i, item in enumerate(group.inside):
            if isinstance(item, Group) and len(item.inside) == 1:
                only = item.inside[0]
                group.inside[i] = only
    return root
