"""What is drawn of a backward pass, and where: large graphs are folded into models and layers."""

from collections import Counter
from typing import Any

from ..engine.node import Node
from ..engine.walk import between
from . import texts
from .backprop import BackwardPass
from .boxes import ROOM, Box, Line, box_of, lines_of
from .clusters import Tree, common, owners


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
    boxes = folded(done, nodes, owned, limit, notes, lang)
    number = {n: str(i) for i, n in enumerate(reversed(done.nodes))}
    for box in boxes:
        box.room, box.key = room, number[box.nodes[0]] if box.kind == "node" else ""
    at = {n: box for box in boxes for n in box.nodes}
    lines = list(lines_of(done, nodes, at))
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


def folded(
    done: BackwardPass,
    nodes: list[Any],
    owned: dict[Any, tuple[str, ...]],
    limit: int,
    notes: list[str],
    lang: str,
) -> list[Box]:
    """A box for each node; of a large graph for each group, from the innermost outwards."""
    if len(nodes) <= limit:
        return [box_of(done, n) for n in nodes]
    deepest = max((len(p) for p in owned.values()), default=0)
    for depth in range(deepest, 0, -1):
        boxes = _grouped(done, nodes, owned, depth, lang)
        if len(boxes) <= limit:
            break
    else:
        if deepest:
            boxes = _between(done, boxes, owned, lang)
        else:
            boxes = [box_of(done, n) for n in nodes]
    if len(boxes) > limit:
        boxes = _latest(boxes, limit, notes, lang)
    boxes = [_merged(same, owned, lang) for same in circles(boxes)]
    groups = [b for b in boxes if b.kind == "folded"]
    if groups:
        n = f"{sum(len(b.nodes) for b in groups):,}".replace(",", " ")
        notes.append(texts.say("draw.folded", lang, n=n, k=len(groups)))
    return boxes


def _grouped(
    done: BackwardPass, nodes: list[Any], owned: dict[Any, tuple[str, ...]], depth: int, lang: str
) -> list[Box]:
    made: dict[Any, Box] = {}
    time = visits(nodes, {n: owned[n][:depth] for n in nodes})
    for node in nodes:
        path = owned[node]
        if len(path) < depth:
            made[node] = box_of(done, node)
            continue
        key = path[:depth], time[node]
        if key in made:
            made[key].nodes.append(node)
        else:
            name = path[depth - 1] + (f" ({time[node]})" if time[node] > 1 else "")
            made[key] = Box([node], name, name, kind="folded", pathlen=depth - 1)
    for box in made.values():
        if box.kind == "folded":
            box.data = texts.say("draw.nodes", lang, n=len(box.nodes))
    return list(made.values())


def visits(nodes: list[Any], group: dict[Any, Any]) -> dict[Any, int]:
    """For each node, how often the computation had come into its group by then, from 1.

    A layer that is used again on its own results is visited twice; on other samples, once.
    """
    found: dict[Any, int] = {}
    been: dict[Any, dict[Any, int]] = {}  # of each node: the visits of groups that lie behind it
    for node in sorted(nodes, key=lambda n: n.stamp):
        own, behind, here = group[node], dict[Any, int](), 1
        for p in dict.fromkeys(p for p in node.parents if isinstance(p, Node) and p in found):
            for g, count in been[p].items():
                behind[g] = max(behind.get(g, 0), count)
            again = found[p] if group[p] == own else been[p].get(own, 0) + 1
            here = max(here, again)
        found[node] = here
        if own:
            behind[own] = here
        been[node] = behind
    return found


def _between(
    done: BackwardPass, boxes: list[Box], owned: dict[Any, tuple[str, ...]], lang: str
) -> list[Box]:
    """The results that belong to no model, together where they lie behind as many models."""
    at = {n: box for box in boxes for n in box.nodes}
    behind: dict[Any, int] = {}
    for node in sorted(at, key=lambda n: n.stamp):
        inputs = [p for p in node.parents if isinstance(p, Node) and p in at]
        crossed = [behind[p] + (at[p] is not at[node] and bool(owned[p])) for p in inputs]
        behind[node] = max(crossed, default=0)
    for node in sorted(at, key=lambda n: -n.stamp):  # constants go to where they are used
        for p in node.parents:
            if p in done.names.numbered and p.op is None:
                behind[p] = behind[node]
    made: dict[Any, Box] = {}
    for node, box in at.items():
        single = box.kind == "node" and (node.op is not None or node in done.names.numbered)
        key: Any = behind[node] if single else box
        if not single:
            made[key] = box
        elif key in made:
            made[key].nodes.append(node)
        else:
            made[key] = Box([node], "…", "…", kind="rest")
    for box in made.values():
        if box.kind == "rest":
            labels = Counter(n.op.label for n in box.nodes if n.op is not None)
            box.name = " ".join(label for label, _ in labels.most_common(4)) or "…"
            box.full = box.data = texts.say("draw.nodes", lang, n=len(box.nodes))
    return list(made.values())


def _latest(boxes: list[Box], limit: int, notes: list[str], lang: str) -> list[Box]:
    """Those nearest to the result, and one box for all before."""
    boxes = sorted(boxes, key=lambda b: -max(n.stamp for n in b.nodes))
    kept, rest = boxes[: limit - 1], boxes[limit - 1 :]
    earlier = [n for b in rest for n in b.nodes]
    said = texts.say("draw.earlier", lang, n=len(earlier))
    notes.append(texts.say("draw.cut", lang, n=limit))
    return [*kept, Box(earlier, "…", said, data=said, kind="rest")]


def circles(boxes: list[Box]) -> list[list[Box]]:
    """The boxes, those together that depend on each other: a model that is used again and again.

    They are the strongly connected components, by Kosaraju's two passes.
    """
    at = {n: box for box in boxes for n in box.nodes}
    before: dict[Box, dict[Box, None]] = {box: {} for box in boxes}
    after: dict[Box, dict[Box, None]] = {box: {} for box in boxes}
    for box in boxes:
        for n in box.nodes:
            for p in n.parents:
                if isinstance(p, Node) and p in at and at[p] is not box:
                    before[box][at[p]] = after[at[p]][box] = None
    finished: list[Box] = []
    seen: set[Box] = set()
    for box in boxes:
        _visit(box, before, seen, finished)
    found: dict[Box, int] = {}
    seen = set()
    for k, box in enumerate(reversed(finished)):
        together: list[Box] = []
        _visit(box, after, seen, together)
        found.update(dict.fromkeys(together, k))
    groups: dict[int, list[Box]] = {}
    for box in boxes:
        groups.setdefault(found[box], []).append(box)
    return list(groups.values())


def _visit(start: Box, near: dict[Box, dict[Box, None]], seen: set[Box], done: list[Box]) -> None:
    """Adds what can be reached from start, and was not seen, to done; start comes last."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(near[start]))]
    while stack:
        box, others = stack[-1]
        for other in others:
            if other not in seen:
                seen.add(other)
                stack.append((other, iter(near[other])))
                break
        else:
            done.append(box)
            stack.pop()


def _merged(same: list[Box], owned: dict[Any, tuple[str, ...]], lang: str) -> Box:
    """One box of those that depend on each other."""
    if len(same) == 1:
        return same[0]
    held = [box for box in same if box.kind == "folded"]
    paths = [owned[box.nodes[0]][: box.pathlen + 1] for box in held]
    path = common(paths) if paths else ()
    name = path[-1] if path else held[0].name + " …" if held else "…"
    nodes = [n for box in [*held, *(b for b in same if b not in held)] for n in box.nodes]
    said = texts.say("draw.nodes", lang, n=len(nodes))
    around = max(len(path) - 1, 0)
    return Box(nodes, name, name, data=said, kind="folded" if held else "rest", pathlen=around)
