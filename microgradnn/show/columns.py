"""Boxes in columns, from left to right: where each stands, and where lines pass between them.

The layered method of Sugiyama: a box stands one column before the first that uses it; a line that
skips columns gets a place in each; rows are sorted by the mean of their neighbours until crossings
no longer fall; heights are then fitted by isotonic regression. Nothing is random.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

Key = Hashable
Edge = tuple[Key, Key]
SWEEPS, GAP_X, GAP_Y, LINE = 24, 34.0, 14.0, 8.0


@dataclass
class Placed:
    """The upper left corner of each box, the size of the whole, and the way of long lines.

    routes maps an edge to the columns that it passes: (left, right, height) of each.
    """

    corner: dict[Key, tuple[float, float]] = field(default_factory=dict)
    width: float = 0.0
    height: float = 0.0
    routes: dict[Edge, list[tuple[float, float, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Passing:
    """Where a line that skips columns passes one of them."""

    edge: Edge
    column: int


def ranks(keys: Sequence[Key], edges: Sequence[Edge]) -> dict[Key, int]:
    """How many steps each box is from the last one, on the longest way. Raises CycleError."""
    users: dict[Key, list[Key]] = {k: [] for k in keys}
    for a, b in edges:
        users[a].append(b)
    found: dict[Key, int] = {}
    for key in TopologicalSorter(users).static_order():
        found[key] = max((found[b] + 1 for b in users[key]), default=0)
    return found


def place(
    sizes: Mapping[Key, tuple[float, float]], edges: Sequence[Edge], first: Sequence[Key] = ()
) -> Placed:
    """Positions for boxes of these sizes; `first` are to stand in the first column.

    Boxes and edges are taken in the order given, where nothing else decides.
    """
    keys = list(sizes)
    rank = ranks(keys, edges)
    last = max(rank.values(), default=0)
    if first and any(rank[k] == last for k in keys if k not in first):
        last += 1
    column: dict[Any, int] = {k: last - r for k, r in rank.items()}
    column.update(dict.fromkeys(first, 0))
    columns: list[list[Any]] = [[] for _ in range(last + 1)]
    for key in keys:
        columns[column[key]].append(key)
    links = _links(dict.fromkeys(edges), column, columns)
    columns = _sorted_rows(_as_read(columns, links), links)
    return _positions(columns, links, sizes, edges)


def _links(edges: Any, column: dict[Any, int], columns: list[list[Any]]) -> list[tuple[Any, Any]]:
    """The edges cut at each column; the places where they pass are added to columns."""
    links = []
    for a, b in edges:
        at: Any = a
        for c in range(column[a] + 1, column[b]):
            passing = _Passing((a, b), c)
            columns[c].append(passing)
            links.append((at, passing))
            at = passing
        links.append((at, b))
    return links


def _as_read(columns: list[list[Any]], links: list[tuple[Any, Any]]) -> list[list[Any]]:
    """The columns with their rows as one comes to them from the last column, input by input."""
    before = defaultdict(list)
    for a, b in links:
        before[b].append(a)
    found: dict[Any, int] = {}
    stack = [key for c in columns for key in reversed(c)]
    while stack:
        key = stack.pop()
        if key not in found:
            found[key] = len(found)
            stack += reversed(before[key])
    return [sorted(c, key=lambda key: found[key]) for c in columns]


def _sorted_rows(columns: list[list[Any]], links: Any) -> list[list[Any]]:
    """The columns with their rows in the order of fewest crossings that was found."""
    before, after = defaultdict(list), defaultdict(list)
    for a, b in links:
        after[a].append(b)
        before[b].append(a)
    best, fewest = [list(c) for c in columns], _crossings(columns, after)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        forward = sweep % 2 == 0
        side = before if forward else after
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for c in order:
            near = columns[c - 1 if forward else c + 1]
            row = {key: i for i, key in enumerate(near)}
            own = {key: i for i, key in enumerate(columns[c])}
            mean = {
                key: _mean([row[n] for n in side[key] if n in row], own[key]) for key in columns[c]
            }
            columns[c].sort(key=mean.__getitem__)
        now = _crossings(columns, after)
        if now < fewest:
            best, fewest = [list(c) for c in columns], now
    return best


def _mean(rows: list[int], own: int) -> float:
    return sum(rows) / len(rows) if rows else float(own)


def _crossings(columns: list[list[Any]], after: Mapping[Any, list[Any]]) -> int:
    """How many pairs of lines between neighbouring columns cross."""
    count = 0
    for left, right in zip(columns, columns[1:], strict=False):
        row = {key: i for i, key in enumerate(right)}
        seen: list[int] = []
        for key in left:
            ends = sorted(row[b] for b in after[key] if b in row)
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


# ---- from rows to heights -----------------------------------------------------------------------


def _positions(
    columns: list[list[Any]], links: Any, sizes: Mapping[Any, Any], edges: Sequence[Edge]
) -> Placed:
    middle = _heights(columns, links, sizes)
    placed, x = Placed(), 0.0
    tall = {key: _size(key, sizes)[1] for c in columns for key in c}
    top = min((middle[k] - tall[k] / 2 for k in middle), default=0.0)
    for c in columns:
        width = max((_size(key, sizes)[0] for key in c), default=0.0)
        for key in c:
            y = middle[key] - top
            if isinstance(key, _Passing):
                placed.routes.setdefault(key.edge, []).append((x, x + width, y))
            else:
                placed.corner[key] = (x + (width - sizes[key][0]) / 2, y - tall[key] / 2)
            placed.height = max(placed.height, y + tall[key] / 2)
        x += width + GAP_X
    placed.width = max(x - GAP_X, 0.0)
    return placed


def _size(key: Any, sizes: Mapping[Any, tuple[float, float]]) -> tuple[float, float]:
    return (0.0, LINE) if isinstance(key, _Passing) else sizes[key]


def _heights(columns: list[list[Any]], links: Any, sizes: Mapping[Any, Any]) -> dict[Any, float]:
    """The middle of each box: as near to its neighbours as the order of the rows allows."""
    near = defaultdict(list)
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    middle: dict[Any, float] = {}
    for c in columns:
        y = 0.0
        for key in c:
            tall = _size(key, sizes)[1]
            middle[key] = y + tall / 2
            y += tall + GAP_Y
    for sweep in range(SWEEPS):
        for c in columns if sweep % 2 else columns[::-1]:
            wanted = [
                sum(middle[n] for n in near[k]) / len(near[k]) if near[k] else middle[k] for k in c
            ]
            middle.update(zip(c, _spread(wanted, [_size(k, sizes)[1] for k in c]), strict=True))
    return middle


def _spread(wanted: list[float], tall: list[float]) -> list[float]:
    """The heights nearest to those wanted that keep the order and do not overlap.

    Taking off what lies above, this is isotonic regression: pool adjacent violators.
    """
    above, offsets = 0.0, []
    for i, t in enumerate(tall):
        above += t / 2
        offsets.append(above)
        above += t / 2 + (GAP_Y if i + 1 < len(tall) else 0)
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        mean, n = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, m = blocks.pop()
            mean, n = (mean * n + other * m) / (n + m), n + m
        blocks.append((mean, n))
    flat = [mean for mean, n in blocks for _ in range(n)]
    return [m + offset for m, offset in zip(flat, offsets, strict=True)]
