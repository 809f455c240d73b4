"""GC2 where the forward cannot be traced: complex steps and differences, along many directions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..oracle.exact import BUDGET
from ..oracle.numeric import Numeric, Slope
from ..report import Entry, Finding
from ..subject import Subject, cotangents_like
from .compared import Compared, entry, findings_about
from .points import Point, Seen
from .results import apart, in_a_row, size_of

FEW, MANY = 60_000, 400_000  # what single entries may cost, in nodes of a trace
FEW_ENTRIES = 8  # whose derivative is not seen, to look at for a kink


def by_differences(
    subject: Subject, point: Point, rng: Any, given: Any, seen: Seen, why: str, long: bool = False
) -> None:
    """Compares the gradient with complex steps and differences, along directions and by entries.

    `long` says that a trace would have more nodes than its budget: then few calls have to do.
    """
    douts, grads, good = given
    if not all(good):
        return
    # Random directions would meet the kinks that other points are made to lie on.
    plain = point.given or point.label == "random numbers" or point.label.startswith("other shapes")
    numeric = Numeric(subject, douts, BUDGET if long else 0)
    arrays = [np.asarray(a) for a in subject.arrays]
    along = _along_random(numeric, arrays, grads, point, subject.names, rng, why) if plain else []
    # Random directions meet every entry: if they agree, a few entries are looked at, else many.
    spend = MANY if along else FEW if point.given else FEW // 10
    budget = numeric.work + np.cumsum([spend / len(arrays)] * len(arrays))
    found: list[Finding] = []
    for k, (name, g) in enumerate(zip(subject.names, grads, strict=True)):
        slopes = _slopes(numeric, arrays, k, rng.permutation(arrays[k].size), budget[k])
        seen.method = next(iter(slopes.values())).method if slopes else ""
        c = _from_slopes(name, np.asarray(g, float), arrays[k], slopes, size_of(grads, douts))
        bad, kinks = _without_kinks(numeric, arrays, k, c, point, f"{seen.method} ({why})")
        found += bad or ([_unknown_sides(name, point, why)] if kinks and point.given else [])
        known = np.isfinite(c.bound)
        seen.nonzero[name] = known & ((np.nan_to_num(c.true) != 0) | c.cancelled)
        seen.smallest[name] = c.smallest()
    seen.findings += found or along
    seen.work += numeric.work
    if point.given:
        seen.notes.append(f"the forward was not traced: {why}; used {seen.method}")


def _without_kinks(
    numeric: Numeric, arrays: list[Any], k: int, c: Compared, point: Point, method: str
) -> tuple[list[Finding], int]:
    """What is wrong with one gradient, and at how many entries a kink keeps it from being seen."""
    vague = np.argwhere(np.isfinite(c.bound) & ~c.known() & np.isfinite(c.yours))[:FEW_ENTRIES]
    kinks = sum(_at_kink(numeric, arrays, k, entry(c, tuple(map(int, at)))) for at in vague)
    while True:
        bad = findings_about(c, point.label, method, point.extreme)
        worst = bad[0].worst if bad and bad[0].code == "GC201" else None
        if worst is None or not _at_kink(numeric, arrays, k, worst):
            return bad, kinks
        c.bound[worst.index] = np.inf
        kinks += 1


def _unknown_sides(name: str, point: Point, why: str) -> Finding:
    return Finding(
        "GC204", "INCONCLUSIVE", "the point is at a kink, and the forward cannot be traced to "
        f"see which derivatives are valid there: {why}", argument=name, point=point.label,
        hint="move the point a little",
    )  # fmt: skip


def _slopes(
    numeric: Numeric, arrays: list[Any], k: int, order: Any, budget: float
) -> dict[int, Slope]:
    """The derivatives by entries of one array, in this order, until the budget is spent."""
    slopes = {}
    for i in map(int, order):
        slopes[i] = numeric.along(_unit(arrays, k, i))
        if numeric.work > budget:
            break
    return slopes


def _unit(arrays: list[Any], k: int, i: int) -> list[Any]:
    direction = [np.zeros(a.shape) for a in arrays]
    direction[k].flat[i] = 1.0
    return direction


def _from_slopes(
    name: str, yours: Any, array: Any, slopes: dict[int, Slope], most: float
) -> Compared:
    """The gradient beside the slopes; `most` is the size of the terms that may cancel in it."""
    true, bound = np.full(yours.shape, np.nan), np.full(yours.shape, np.inf)
    for i, slope in slopes.items():
        true.flat[i], bound.flat[i] = slope.value, slope.bound
    scale = np.abs(true[np.isfinite(true)]).max(initial=0.0)
    eps = float(np.finfo(array.dtype).eps)
    rounding = np.full(yours.shape, 4 * eps * scale * max(1.0, np.sqrt(array.size)))
    zero = (np.abs(true) <= bound) & (bound <= 1e-6 * most)
    cancels = slopes and zero[np.isfinite(bound)].all() and yours.any()
    terms = np.maximum(1e3 * np.where(zero, bound, 0.0), eps * most) if cancels else 0.0
    return Compared(name, yours, true, bound, None, None, rounding, array.dtype, terms)


def _at_kink(numeric: Numeric, arrays: list[Any], k: int, worst: Entry) -> bool:
    """Whether one-sided differences at the entry in question do not meet."""
    i = int(np.ravel_multi_index(worst.index, arrays[k].shape)) if worst.index else 0
    direction = _unit(arrays, k, i)
    size = max(1e-3, abs(float(arrays[k].flat[i])))

    def at(h: float) -> float:
        moved = [a.astype(float) + h * d for a, d in zip(arrays, direction, strict=True)]
        return float(numeric._value(moved))

    gaps = []
    for h in (1e-4 * size, 1e-5 * size):
        right, left = (at(h) - at(0.0)) / h, (at(0.0) - at(-h)) / h
        gaps.append(abs(right - left))
    return gaps[1] > 0.3 * gaps[0] and gaps[1] > 1e-4 * max(abs(worst.true), 1e-3)


def _along_random(
    numeric: Numeric, arrays: list[Any], grads: Any, point: Point, names: Sequence[str], rng: Any,
    why: str,
) -> list[Finding]:  # fmt: skip
    """The gradient along dense random directions, which meet every entry; the entry, if wrong."""
    full = [np.asarray(d) for d in cotangents_like(arrays, rng)]
    if not _misses(numeric, grads, full)[0]:
        full = [np.asarray(d) for d in cotangents_like(arrays, rng)]
        if not _misses(numeric, grads, full)[0]:
            return []
    k, where = _bisected(numeric, grads, full)
    _, yours, slope, error = _misses(numeric, grads, _unit(arrays, k, where))
    at = tuple(int(i) for i in np.unravel_index(where, arrays[k].shape)) if arrays[k].ndim else ()
    unit = float(np.finfo(arrays[k].dtype).eps) * abs(slope.value) + 1e-300
    worst = Entry(names[k], at, yours, slope.value, error, error / unit, slope.bound)
    if _at_kink(numeric, arrays, k, worst):
        return []
    return [Finding(
        "GC201", "FAIL", f"d{names[k]} is wrong, found by halving random directions",
        argument=names[k], point=point.label, method=f"{slope.method} ({why})", worst=worst,
    )]  # fmt: skip


def _misses(numeric: Numeric, grads: Any, direction: list[Any]) -> tuple[bool, float, Slope, float]:
    """Whether the gradient is wrong along a direction: its slope there, the true one, the error."""
    slope = numeric.along(direction)
    parts = [np.asarray(g, float) * d for g, d in zip(grads, direction, strict=True)]
    yours = float(sum(p.sum() for p in parts))
    size = float(sum(np.abs(p).sum() for p in parts))
    eps = max(float(np.finfo(a.dtype).eps) for a in numeric.arrays)
    error = abs(yours - slope.value)
    return not error <= slope.bound + 64 * eps * size, yours, slope, error


def _bisected(numeric: Numeric, grads: Any, full: list[Any]) -> tuple[int, int]:
    """The argument and the flat index of one entry that is wrong, by halving the direction."""
    flat = in_a_row(full)
    low, high = 0, flat.size
    while high - low > 1:
        middle = (low + high) // 2
        errors = []
        for a, b in ((low, middle), (middle, high)):
            part = np.zeros_like(flat)
            part[a:b] = flat[a:b]
            miss, _, slope, error = _misses(numeric, grads, apart(part, full))
            errors.append(error / (slope.bound + 1e-300) if miss else 0.0)
        low, high = (low, middle) if errors[0] >= errors[1] else (middle, high)
    ends = np.cumsum([d.size for d in full])
    k = int(np.searchsorted(ends, low, side="right"))
    return k, low - int(ends[k] - full[k].size)
