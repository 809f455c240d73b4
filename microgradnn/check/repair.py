"""What an exception says about a guess: which sizes should have been equal, which rank differs."""

import re
from collections.abc import Iterator, Mapping
from itertools import product

from .shapes import Dim, Slot, State

_SHAPE = r"\(([\d, ]*)\)"


def mismatches(message: str) -> list[tuple[int, int]]:
    """Pairs of sizes that an exception says should be equal."""
    match = re.search(r"\(size (\d+) is different from (\d+)\)", message)
    if match:
        return [(int(match[1]), int(match[2]))]
    match = re.search(r"not aligned: (\d+) \(dim \d+\) != (\d+)", message)
    if match:
        return [(int(match[1]), int(match[2]))]
    match = re.search(r"has size (\d+) and the array at index \d+ has size (\d+)", message)
    if match:
        return [(int(match[1]), int(match[2]))]
    match = re.search(r"dimension is (\d+) but corresponding boolean dimension is (\d+)", message)
    if match:
        return [(int(match[1]), int(match[2]))]
    match = re.search(r"(?:size|length) (\d+).*(?:shape|into|size|length) \(?(\d+)", message)
    pairs = _broadcast(message)
    return pairs or ([(int(match[1]), int(match[2]))] if match else [])


def _broadcast(message: str) -> list[tuple[int, int]]:
    remapped = re.findall(r"->\(([\w, ]*)\)", message)
    shapes = remapped or re.findall(_SHAPE, message)
    parsed = [[int(n) if n.isdigit() else 1 for n in re.findall(r"\w+", s)] for s in shapes]
    pairs = []
    for i, a in enumerate(parsed):
        for b in parsed[i + 1 :]:
            for m, n in zip(a[::-1], b[::-1], strict=False):
                if m != n and (1 not in (m, n) or "broadcast input" in message):
                    pairs.append((m, n))
    return list(dict.fromkeys(pairs))


def repairs(error: BaseException, state: State, sizes: Mapping[str, int]) -> Iterator[State]:
    """States in which this exception would not have been raised, perhaps."""
    message = str(error)
    outside = re.search(r"index (\d+) is out of bounds for axis (\d+) with size (\d+)", message)
    if isinstance(error, IndexError) and outside:
        yield from _labels(state, int(outside[3]), sizes)
        yield from _longer(state, int(outside[1]), int(outside[3]), sizes)
        return
    pairs = mismatches(message)
    joined: State | None = state
    for m, n in pairs:
        options = list(_equal(joined, m, n, sizes)) if joined else []
        joined = min(options, key=lambda s: s.cost, default=None)
    if len(pairs) > 1 and joined is not None:
        yield joined
    for m, n in pairs:
        yield from _equal(state, m, n, sizes)


def _equal(state: State, m: int, n: int, sizes: Mapping[str, int]) -> Iterator[State]:
    """States in which what has size m and what has size n are the same."""
    left, right = list(_having(state, m, sizes)), list(_having(state, n, sizes))
    for (cost, a), (more, b) in product(left, right):
        if a == b:
            continue
        child = state.unify(a, b, 0.1 + cost + more + _odd(state, a, b))
        if child is not None:
            yield child


def _odd(state: State, a: Dim, b: Dim) -> float:
    """What it costs that two axes of one array become equal, or axes of different roles."""
    cost = 0.0
    if isinstance(a, str) and isinstance(b, str) and state.role(a) != state.role(b):
        cost += 0.4
    for slot in state.parts():
        shape = [state.resolve(d) for d in slot.shape]
        if a in shape and b in shape and slot.kind != "sizes":
            cost += 1.0
    return cost


def _having(state: State, size: int, sizes: Mapping[str, int]) -> Iterator[tuple[float, Dim]]:
    """The sizes and expressions of sizes that have this value, and what they cost."""
    free = state.free()
    yield from ((0.0, name) for name in free if sizes[name] == size)
    for slot in state.parts():
        dims = [state.resolve(d) for d in slot.shape]
        for start in range(len(dims)):
            for stop in range(start + 2, len(dims) + 1):
                part = tuple(dims[start:stop])
                if state.evaluate(("*", part), sizes) == size:
                    yield 0.2, ("*", part)
    for name in free:
        for k in (2, 3, 4):
            if sizes[name] * k == size:
                yield 0.8, ("*", (k, name))
        if sizes[name] + 1 == size:
            yield 0.9, ("+", (name, 1))
        if state.role(name) == "":
            for other in free:
                if other < name and sizes[name] + sizes[other] == size and not state.role(other):
                    yield 0.5, ("+", (name, other))


def _labels(state: State, size: int, sizes: Mapping[str, int]) -> Iterator[State]:
    """States in which labels are less than this size."""
    for slot in state.parts():
        high = state.resolve(slot.value) if slot.kind == "labels" else None
        if isinstance(high, str) and high not in sizes:
            for cost, dim in _having(state, size, sizes):
                child = state.unify(high, dim, 0.05 + cost)
                if child is not None:
                    yield child


def _longer(state: State, index: int, size: int, sizes: Mapping[str, int]) -> Iterator[State]:
    """A loop ran over one axis and indexed a shorter one: they may have the same length."""
    if index != size:
        return
    for name in state.free():
        if sizes[name] > size:
            yield from _equal(state, size, sizes[name], sizes)


def multiples(state: State, times: set[int]) -> Iterator[State]:
    """States in which the last axis of weights is k times another: the gates of an LSTM."""
    free = state.free()
    uses: dict[str, int] = {}
    for slot in state.parts():
        last = state.resolve(slot.shape[-1]) if slot.shape else None
        if isinstance(last, str) and len(slot.shape) <= 2:
            uses[last] = uses.get(last, 0) + 1
    for wide in (name for name, count in uses.items() if count > 1):
        for k in sorted({2, 3, 4} | times, key=lambda k: (k - 1 not in times, -k)):
            for name in free:
                if name != wide and state.role(name) == "":
                    child = state.unify(wide, ("*", (k, name)), 0.9 + 0.1 * (k not in (3, 4)))
                    if child is not None:
                        yield child


def other_values(state: State, logged: set[int]) -> Iterator[State]:
    """States in which one normal argument is between 0 and 1, or positive."""
    for i, slot in enumerate(state.slots):
        if slot.kind in ("normal", "positive"):
            for cost, kind in ((0.6, "prob"), (0.8, "positive")):
                if kind != slot.kind:
                    changed = Slot(kind, slot.shape, slot.value)
                    slots = (*state.slots[:i], changed, *state.slots[i + 1 :])
                    cheaper = 0.4 if i in logged else 0.0
                    yield State(
                        slots, state.roles, state.bound, state.family,
                        state.cost + cost - cheaper, state.picks,
                    )  # fmt: skip
