"""GC2 and GC3: the gradients' values at one point, by the best oracle that can answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import ConfigError
from . import balls
from .compare import PROOF, ROOM, Judged, judge
from .contract import copies, raised
from .exact import Exact, Judge, TooLarge, Untraceable, evaluate
from .kinks import at_kink
from .numeric import Numeric, Slope
from .pairs import cotangents_like
from .points import Point
from .report import Entry, Finding
from .subject import Subject, quiet

MOST_TIES = 3000  # comparisons at a tie in one trace; above it the kinks are left out


@dataclass
class Seen:
    """What one point showed.

    nonzero   where true gradients are not zero, by argument
    smallest  the smallest relative error that would have been found, by argument
    method    how the truth was found
    """

    findings: list[Finding] = field(default_factory=list)
    nonzero: dict[str, Any] = field(default_factory=dict)
    smallest: dict[str, float] = field(default_factory=dict)
    method: str = ""
    notes: list[str] = field(default_factory=list)
    nodes: int = 0
    skipped: str = ""
    comparisons: list[Any] = field(default_factory=list)


def look(
    subject: Subject, point: Point, rng: np.random.Generator, good: Sequence[bool],
    douts: Sequence[Any] | None = None,
) -> Seen:  # fmt: skip
    """What the gradients at a point are worth."""
    seen = Seen()
    here = subject.at(point.arrays)
    with quiet():
        try:
            run = here.start(copies(point.arrays))
        except Exception as error:
            seen.skipped = f"forward raises {type(error).__name__}"
            return seen
        if not all(np.isfinite(np.asarray(o, float)).all() for o in run.outs):
            seen.skipped = "the forward result is not finite"
            if point.given:
                seen.findings.append(Finding(
                    "GC002", "INCONCLUSIVE", "the forward result is not finite at your point",
                    hint="choose inputs inside the domain",
                ))  # fmt: skip
            return seen
        douts = cotangents_like(run.outs, rng) if douts is None else _given(douts, run.outs)
        if subject.scaled:
            douts = [np.ones_like(d)[()] for d in douts]
        try:
            grads = run.pull(*copies(douts))
        except Exception as error:
            seen.findings.append(raised("backward", error, point.label))
            return seen
        _judge(here, point, rng, (douts, grads, good), seen)
    return seen


def _given(douts: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
    """The user's cotangents, of the shapes of the outputs."""
    shapes = [np.shape(o) for o in outs]
    if [np.shape(d) for d in douts] != shapes:
        raise ConfigError(
            f"check: cotangents of shapes {[np.shape(d) for d in douts]}, need {shapes}, those of "
            "the outputs"
        )
    return [np.asarray(d, np.asarray(o).dtype)[()] for d, o in zip(douts, outs, strict=True)]


def _judge(subject: Subject, point: Point, rng: Any, given: Any, seen: Seen) -> None:
    douts, grads, good = given
    bits = 24 if _single(subject, grads) else 53
    if subject.opaque:
        _numeric(subject, point, rng, given, seen, "its rules are what is checked")
        return
    if not balls.available:
        _numeric(subject, point, rng, given, seen, "python-flint is not installed")
        return
    try:
        first = Judge(room=ROOM)
        first.collect = point.given
        low = evaluate(subject, douts, bits, first)
        high = evaluate(subject, douts) if point.given or not _tight(low) else low
    except (TooLarge, Untraceable) as error:
        _numeric(subject, point, rng, given, seen, str(error))
        return
    seen.nodes, seen.comparisons = low.nodes, low.comparisons
    seen.method = PROOF.format(balls.HIGH if high is not low else bits)
    judged = [
        _judged(subject, k, np.asarray(grads[k]), low, high)
        for k in range(len(subject.names)) if good[k] and np.shape(grads[k]) == np.shape(subject.arrays[k])
    ]  # fmt: skip
    if low.why and point.given and not low.why.startswith("a gradient"):
        seen.notes.append(f"backward cannot run on balls ({low.why}): its rounding is estimated")
    overlaps = low.judge.overlaps
    if overlaps and len(judged) == len(subject.names):
        if len(overlaps) > MOST_TIES:
            seen.notes.append(f"{len(overlaps)} ties at {point.label}: kinks were left out there")
            return
        found, plain = at_kink(subject, douts, judged, overlaps, point.label, point.given, rng)
        seen.findings += found
        judged = plain if plain is not None else judged
    elif overlaps:
        return
    for j in judged:
        bad = judge(j, point.label, seen.method, point.extreme)
        if any(f.code == "GC201" for f in bad):
            bad = _second_opinion(subject, douts, judged, bad, rng)
        seen.findings += bad
        seen.nonzero[j.name] = (np.nan_to_num(j.true) != 0) & j.known()
        seen.smallest[j.name] = j.smallest()


def _single(subject: Subject, grads: Any) -> bool:
    """Whether the code works in float32: its inputs are, or what comes back is."""
    known = [np.asarray(a).dtype for a in [*subject.arrays, *(g for g in grads if g is not None)]]
    return any(d == np.float32 or d == np.float16 for d in known)


def _tight(low: Exact) -> bool:
    """Whether the balls of working precision are narrow enough to decide by themselves."""
    if low.yours is None:
        return False
    for true, bound, yours, spread in zip(low.true, low.bound, low.yours, low.spread, strict=True):
        scale = np.abs(true).max(initial=0.0)
        if not (bound.max(initial=0.0) + spread.max(initial=0.0) <= 1e-9 * scale):
            return False
        if not (np.abs(yours - true) <= bound + spread).all():
            return False
    return True


def _judged(subject: Subject, k: int, yours: Any, low: Exact, high: Exact) -> Judged:
    rounding = low.spread[k] if low.yours is not None else _estimated(subject, k, low)
    formula = None if high.yours is None else high.yours[k]
    slack = None if high.yours is None else high.spread[k]
    dtype = np.dtype(np.float32 if _single(subject, [yours]) else np.float64)
    return Judged(
        subject.names[k], yours.astype(float), high.true[k], high.bound[k], formula, slack,
        rounding, dtype,
    )  # fmt: skip


def _estimated(subject: Subject, k: int, low: Exact) -> Any:
    """What rounding may do to a gradient that cannot run on balls: as to the oracle's own, and more.

    The largest entry counts for all: sums over others may cancel.
    """
    del subject
    bound = np.where(np.isfinite(low.bound[k]), low.bound[k], 0)
    return np.maximum(4 * bound, bound.max(initial=0.0)) + 2.0**-48 * np.abs(low.true[k]).max(
        initial=0.0
    )


def _second_opinion(
    subject: Subject, douts: Any, judged: Sequence[Judged], found: list[Finding], rng: Any
) -> list[Finding]:
    """The findings, unless differences of the forward side with the user's gradient.

    A trace that is not the function (code that looks at dtypes) would be far off: then nothing is
    proved. Along one random direction, at several steps.
    """
    if len(judged) != len(subject.names):
        return found
    numeric = Numeric(subject, douts)
    direction = [np.asarray(d) for d in cotangents_like(numeric.arrays, rng)]
    known = [np.where(np.isfinite(j.bound), j.true, j.yours) for j in judged]
    exact, yours = (
        float(sum((g * d).sum() for g, d in zip(side, direction, strict=True)))
        for side in (known, [j.yours for j in judged])
    )
    for h in (1e-3, 1e-5, 1e-7):
        try:
            value, error = numeric.rough(direction, h)
        except Exception:
            return found
        apart = abs(exact - yours)
        if abs(value - yours) + 4 * error < 0.01 * apart:
            text = f"{exact:.6g} and {value:.6g} along a random direction"
            return [Finding(
                "GC205", "INCONCLUSIVE", f"the trace and differences of your forward disagree: {text}",
                point=found[0].point, method=found[0].method,
                hint="does forward look at dtypes, convert numbers, or keep state between calls?",
            )]  # fmt: skip
        if abs(value - exact) + 4 * error < 0.01 * apart:
            return found
    return found


# ---- without a trace -----------------------------------------------------------------------------


def _numeric(
    subject: Subject, point: Point, rng: Any, given: Any, seen: Seen, why: str
) -> None:
    """The same by complex steps and differences: the gradient along directions and by entries."""
    douts, grads, good = given
    if not (point.given or point.label == "random numbers"):
        return
    if not all(good):
        return
    numeric = Numeric(subject, douts)
    arrays = [np.asarray(a) for a in subject.arrays]
    along = _along_random(numeric, arrays, grads, point, subject.names, rng, why)
    # Random directions meet every entry: if they agree, a few entries are looked at, else many.
    seconds = 2.0 if along else 0.3
    kink = False
    start = time.perf_counter()
    found: list[Finding] = []
    for k, (name, g) in enumerate(zip(subject.names, grads, strict=True)):
        slopes = {}
        for i in rng.permutation(arrays[k].size):
            slopes[int(i)] = numeric.along(_unit(arrays, k, int(i)))
            if time.perf_counter() - start > seconds * (k + 1) / len(arrays):
                break
        j = _from_slopes(name, np.asarray(g, float), arrays[k], slopes)
        seen.method = next(iter(slopes.values())).method if slopes else ""
        bad = judge(j, point.label, f"{seen.method} ({why})", point.extreme)
        if bad and bad[0].code == "GC201" and _at_kink(numeric, arrays, k, bad[0]):
            kink, bad = True, []
        found += bad
        seen.nonzero[name] = (np.nan_to_num(j.true) != 0) & np.isfinite(j.bound)
        seen.smallest[name] = j.smallest()
    if kink:
        found.append(Finding(
            "GC204", "INCONCLUSIVE", "the point is at a kink, and the forward cannot be traced to "
            f"see which derivatives are valid there: {why}", point=point.label,
            hint="move the point a little",
        ))  # fmt: skip
    seen.findings += found or along
    if point.given:
        seen.notes.append(f"the forward was not traced: {why}; used {seen.method}")


def _unit(arrays: list[Any], k: int, i: int) -> list[Any]:
    direction = [np.zeros(a.shape) for a in arrays]
    direction[k].flat[i] = 1.0
    return direction


def _from_slopes(name: str, yours: Any, array: Any, slopes: dict[int, Slope]) -> Judged:
    true, bound = np.full(yours.shape, np.nan), np.full(yours.shape, np.inf)
    for i, slope in slopes.items():
        true.flat[i], bound.flat[i] = slope.value, slope.bound
    scale = np.abs(true[np.isfinite(true)]).max(initial=0.0)
    eps = float(np.finfo(array.dtype).eps)
    rounding = np.full(yours.shape, 4 * eps * scale * max(1.0, np.sqrt(array.size)))
    return Judged(name, yours, true, bound, None, None, rounding, array.dtype)


def _at_kink(numeric: Numeric, arrays: list[Any], k: int, finding: Finding) -> bool:
    """Whether one-sided differences at the entry in question do not meet."""
    worst = finding.worst
    if worst is None:
        return False
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
    return [Finding(
        "GC201", "FAIL", f"d{names[k]} is wrong, found by halving random directions",
        argument=names[k], point=point.label, method=f"{slope.method} ({why})", worst=worst,
    )]  # fmt: skip


def _misses(
    numeric: Numeric, grads: Any, direction: list[Any]
) -> tuple[bool, float, Slope, float]:
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
    sizes = [d.size for d in full]
    flat = np.concatenate([d.ravel() for d in full])
    low, high = 0, flat.size
    while high - low > 1:
        middle = (low + high) // 2
        errors = []
        for a, b in ((low, middle), (middle, high)):
            part = np.where((np.arange(flat.size) >= a) & (np.arange(flat.size) < b), flat, 0.0)
            ends = np.cumsum(sizes)[:-1]
            pieces = [p.reshape(d.shape) for p, d in zip(np.split(part, ends), full, strict=True)]
            miss, _, slope, error = _misses(numeric, grads, pieces)
            errors.append(error / (slope.bound + 1e-300) if miss else 0.0)
        low, high = (low, middle) if errors[0] >= errors[1] else (middle, high)
    k = int(np.searchsorted(np.cumsum(sizes), low, side="right"))
    return k, low - int(sum(sizes[:k]))
