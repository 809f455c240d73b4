"""What an exception says about a guess: which sizes should have been equal, which rank differs."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, product

from .shapes import Dim, Guess, Slot

_SHAPE = r"\(([\d, ]*)\)"


def describe(error: BaseException) -> str:
    """One line for a user: the kind of error and its message."""
    text = str(error).split("\n")[0]
    return f"{type(error).__name__}: {text}"[:160]


# How NumPy says that two sizes should be equal: of matmul, dot, concatenate, masks.
_EQUAL = (
    r"\(size (\d+) is different from (\d+)\)",
    r"not aligned: (\d+) \(dim \d+\) != (\d+)",
    r"has size (\d+) and the array at index \d+ has size (\d+)",
    r"dimension is (\d+) but corresponding boolean dimension is (\d+)",
    r"In\[0\]: \[\d+,(\d+)\], In\[1\]: \[(\d+),\d+\]",  # TensorFlow
    # PyTorch
    r"cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)",
    r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
    r"Expected size (\d+) but got size (\d+)",
    r"size mismatch, got input \(\d+\), mat \(\d+x(\d+)\), vec \((\d+)\)",
    r"got \d+, \d+x(\d+),(\d+)",
    r"expected input\[.*\] to have (\d+) channels, but got (\d+) channels",
    r"inconsistent tensor size, expected .* \[(\d+)\] and .* \[(\d+)\]",
    r"expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\)",
)
_LIKELY = r"(?:size|length) (\d+).*(?:shape|into|size|length) \(?(\d+)"


def mismatches(message: str) -> list[tuple[int, int]]:
    """Pairs of sizes that an exception says should be equal."""
    message = re.sub(r"\[([\d, ]+)\] vs\.? \[([\d, ]+)\]", r"(\1) vs (\2)", message)
    for pattern in _EQUAL:
        if match := re.search(pattern, message):
            return [(int(match[1]), int(match[2]))]
    if pairs := _broadcast(message):
        return pairs
    match = re.search(_LIKELY, message)
    return [(int(match[1]), int(match[2]))] if match else []


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


def repairs(error: BaseException, guess: Guess, sizes: Mapping[str, int]) -> Iterator[Guess]:
    """Guesses in which this exception would not have been raised, perhaps."""
    message = str(error)
    outside = re.search(r"index (\d+) is out of bounds for axis (\d+) with size (\d+)", message)
    if isinstance(error, IndexError) and outside:
        yield from _labels(guess, int(outside[3]), sizes)
        yield from _longer(guess, int(outside[1]), int(outside[3]), sizes)
        return
    if "used as indices must be of integer" in message or "only integers, slices" in message:
        yield from _whole(guess)
    if match := re.search(r"reshape array of size (\d+) into shape \(([\d, ]+)\)", message):
        target = [int(n) for n in re.findall(r"\d+", match[2])]
        yield from _reshaped(guess, int(match[1]), target, sizes)
    pairs = mismatches(message)
    joined: Guess | None = guess
    for m, n in pairs:
        options = list(_equal(joined, m, n, sizes)) if joined else []
        joined = min(options, key=lambda s: s.cost, default=None)
    if len(pairs) > 1 and joined is not None:
        yield joined
    for m, n in pairs:
        for child in _equal(guess, m, n, sizes):
            yield replace(child, cost=child.cost + 0.3 * (joined is not None and len(pairs) > 1))


def _equal(guess: Guess, m: int, n: int, sizes: Mapping[str, int]) -> Iterator[Guess]:
    """Guesses in which what has size m and what has size n are the same."""
    free = guess.free()
    left: list[tuple[float, Dim]] = [(0.0, name) for name in free if sizes[name] == m]
    right: list[tuple[float, Dim]] = [(0.0, name) for name in free if sizes[name] == n]
    if not (left and right):
        left, right = left + list(_having(guess, m, sizes)), right + list(_having(guess, n, sizes))
        for a, b in product(free, repeat=2):
            if m not in (n, sizes[a]) and sizes[a] * n == sizes[b] * m:  # C * h * w, with C unlike
                child = guess.unify(a, b, 0.05 + _odd(guess, a, b))
                if child is not None:
                    yield child
        # A size that is written in the code, not in the arguments.
        left, right = left or [(0.6, m)], right or [(0.6, n)]
    for (cost, one), (more, other) in product(left, right):
        child = guess.unify(one, other, 0.001 + cost + more + _odd(guess, one, other))
        if child is not None:
            yield child


def _reshaped(
    guess: Guess, size: int, target: list[int], sizes: Mapping[str, int]
) -> Iterator[Guess]:
    """Guesses in which an argument of this many numbers has the axes it is reshaped to, or from."""
    alike = [[n for n in guess.free() if sizes[n] == t] for t in target if t != 1]
    names: list[Dim] = [same[0] for same in alike if same]
    if len(alike) == 1 and not names:  # N * T, of x with axes N, T, V
        for slot in guess.parts():
            for a, b in pairwise(map(guess.resolve, slot.shape)):
                if not names and guess.evaluate(("*", (a, b)), sizes) == target[0]:
                    names = [a, b]
    elif len(names) < len(alike):
        return
    for slot in guess.parts():
        dims = [d for d in map(guess.resolve, slot.shape) if d != 1]
        if names and len(dims) == len(names) and guess.evaluate(("*", tuple(dims)), sizes) == size:
            child: Guess | None = guess
            for dim, same in zip(dims, names, strict=True):
                if child is not None and child.resolve(dim) != child.resolve(same):
                    child = child.unify(dim, same, 0.0)
            if child is not None:
                yield child


def _odd(guess: Guess, a: Dim, b: Dim) -> float:
    """What it costs that two axes of one array become equal, or axes of different roles."""
    cost = 0.0
    if isinstance(a, str) and isinstance(b, str) and guess.role(a) != guess.role(b):
        cost += 0.2
    for slot in guess.parts():
        shape = [guess.resolve(d) for d in slot.shape]
        if a in shape and b in shape and slot.kind != "sizes":
            cost += 0.4
    return cost


def _having(guess: Guess, size: int, sizes: Mapping[str, int]) -> Iterator[tuple[float, Dim]]:
    """The expressions of sizes that have this value, and what they cost."""
    shapes = [[guess.resolve(d) for d in slot.shape] for slot in guess.parts()]
    for shape in shapes:
        yield from ((0.0, d) for d in shape if _is(d, size, guess, sizes))
        for start in range(len(shape)):
            for stop in range(start + 2, len(shape) + 1):
                part: Dim = ("*", tuple(shape[start:stop]))
                if _is(part, size, guess, sizes):
                    yield 0.05, part
    for a, b in combinations(shapes, 2):  # joined along the only axis in which they differ
        unlike = [(m, n) for m, n in zip(a, b, strict=False) if m != n]
        if len(a) == len(b) > 1 == len(unlike) and _is(("+", unlike[0]), size, guess, sizes):
            yield 0.05, ("+", unlike[0])
    free = [name for name in guess.free() if not guess.role(name)]
    for name in free:
        yield from ((0.8, ("*", (k, name))) for k in (2, 3, 4) if sizes[name] * k == size)
        if sizes[name] + 1 == size:
            yield 0.9, ("+", (name, 1))
    for one, two in combinations(free, 2):
        if sizes[one] + sizes[two] == size:
            yield 0.6, ("+", (one, two))


def _is(dim: Dim, size: int, guess: Guess, sizes: Mapping[str, int]) -> bool:
    """Whether an expression, not a plain name or number, has this value."""
    return isinstance(dim, tuple) and guess.evaluate(dim, sizes) == size


def _labels(guess: Guess, size: int, sizes: Mapping[str, int]) -> Iterator[Guess]:
    """Guesses in which labels are less than this size."""
    for slot in guess.parts():
        high = guess.resolve(slot.value) if slot.kind == "labels" else None
        if isinstance(high, str) and high not in sizes:
            named: list[tuple[float, Dim]] = [(0.0, n) for n in sizes if sizes[n] == size]
            for cost, dim in named or list(_having(guess, size, sizes)) or [(0.3, size)]:
                child = guess.unify(high, dim, 0.05 + cost)
                if child is not None:
                    yield child


def _whole(guess: Guess) -> Iterator[Guess]:
    """Guesses in which one normal argument is labels."""
    for i, slot in enumerate(guess.slots):
        if slot.kind == "normal" and len(slot.shape) < 3:
            labels = Slot("labels", slot.shape, f"{i}.classes")
            slots = (*guess.slots[:i], labels, *guess.slots[i + 1 :])
            yield replace(guess, slots=slots, cost=guess.cost + 0.4)


def _longer(guess: Guess, index: int, size: int, sizes: Mapping[str, int]) -> Iterator[Guess]:
    """A loop ran over one axis and indexed a shorter one: they may have the same length."""
    if index != size:
        return
    for name in guess.free():
        if sizes[name] > size:
            yield from _equal(guess, size, sizes[name], sizes)


def multiples(guess: Guess, times: set[int]) -> Iterator[Guess]:
    """Guesses in which the last axes of weights are k times another one: the gates of an LSTM.

    `times` holds the factors seen in the code: 3 * H is where the last of four gates begins.
    """
    shapes = [[guess.resolve(d) for d in s.shape] for s in guess.parts() if len(s.shape) in (1, 2)]
    first = {s[0] for s in shapes if len(s) == 2}
    last = [s[-1] for s in shapes if isinstance(s[-1], str)]
    shared = {name for name in last if last.count(name) > 1}
    lone: set[Dim] = {name for name in last if name not in first}
    for k in sorted({2, 3, 4} | times, key=lambda k: (k - 1 not in times, -k)):
        cost = 0.35 + 0.1 * (k - 1 not in times)
        for name in guess.free():
            if guess.role(name) == "":
                gates: Dim = ("*", (k, name))
                yield from (c for w in shared if (c := guess.unify(w, gates, cost)))
                yield from _together(guess, lone - {name}, gates, cost + 0.1)


def narrowed(guess: Guess, floats: Collection[str], why: str) -> Iterator[Guess]:
    """The guess with one sample in place of many, in columns or rows; `why` says what raised.

    A row that a reshape of many does not take is a mistake in the reshape.
    """
    for cost, last in ((0.25, True), (0.3, False)):
        if not last and "reshape" in why:
            continue
        slots = [
            replace(s, shape=(s.shape[0], 1) if last else (1, s.shape[1]))
            if s.kind in floats and len(s.shape) == 2 and 1 not in s.shape else s
            for s in guess.slots
        ]  # fmt: skip
        if slots != list(guess.slots):
            yield replace(guess, slots=tuple(slots), cost=guess.cost + cost, single=why)


def conventional(guess: Guess, kinds: Sequence[str], columns: bool) -> Iterator[Guess]:
    """The guess as names suggest, for code that only says that shapes do not fit.

    Labels and masks go with the first axes of the data, x with W, W with b, one W with the next.
    """
    child: Guess | None = replace(guess, cost=guess.cost + 0.2)
    data: list[Dim] = []
    width: Dim | None = None
    for slot, kind in zip(guess.slots, kinds, strict=True):
        shape = list(slot.shape)
        pairs: list[tuple[Dim, Dim]] = []
        if slot.kind in ("labels", "mask", "onehot", "binary"):
            pairs = list(zip(shape, data, strict=False))
            if slot.kind == "labels" and width is not None:
                pairs.append((slot.value, width))
        elif kind == "weights" and len(shape) == 2:
            into, out = (1, 0) if columns else (0, 1)
            pairs = [(shape[into], width)] if width is not None else []
            width = shape[out]
        elif kind == "weights" and len(shape) == 4 and len(data) == 4:
            pairs, width = [(shape[1], data[1])], shape[0]
        elif kind in ("bias", "scale") and width is not None:
            pairs = [(d, width) for d in shape if d != 1]
        elif not data and slot.kind == "normal" and len(shape) > 1:
            data, width = shape, shape[0 if columns else -1]
        for a, b in pairs:
            if child is not None and child.resolve(a) != child.resolve(b):
                child = child.unify(a, b, 0.0)
    if child is not None:
        yield child


def _together(guess: Guess, names: set[Dim], gates: Dim, cost: float) -> Iterator[Guess]:
    """The guess in which all these sizes are `gates`."""
    child: Guess | None = replace(guess, cost=guess.cost + cost)
    for name in sorted(names, key=str):
        child = child.unify(name, gates, 0.0) if child is not None else None
    if child is not None and names:
        yield child


def other_values(guess: Guess, logged: set[int]) -> Iterator[Guess]:
    """Guesses in which one normal argument is between 0 and 1, or positive."""
    for i, slot in enumerate(guess.slots):
        if slot.kind in ("normal", "positive"):
            for cost, kind in ((0.6, "prob"), (0.8, "positive")):
                if kind != slot.kind:
                    changed = Slot(kind, slot.shape, slot.value)
                    slots = (*guess.slots[:i], changed, *guess.slots[i + 1 :])
                    cheaper = 0.4 if i in logged else 0.0
                    yield Guess(
                        slots, guess.roles, guess.bound, guess.family,
                        guess.cost + cost - cheaper, guess.picks,
                    )  # fmt: skip
