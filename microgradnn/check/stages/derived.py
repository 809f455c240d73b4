"""GC2 and GC3 where a framework differentiates the forward: its gradients beside the user's.

No proof comes with them. What rounding does to both is measured by moving all inputs by some ulps;
kinks show as derivatives that do not come together as the points do.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import MicrogradError
from ..oracle.derivations import Derivation
from ..oracle.numeric import OPERATION, Numeric
from ..report import Finding
from ..subject import Subject, cotangents_like
from .compared import Compared, entry, findings_about
from .meant import as_meant
from .points import Point, Seen
from .results import size_of, unit
from .sides import Aside
from .untraced import by_differences

WORK = 50  # what one derivative costs, in nodes of a trace


def by_derivation(
    subject: Subject, point: Point, rng: Any, given: Any, outs: Sequence[Any], seen: Seen
) -> None:
    """Adds to `seen` what a framework's derivatives of forward say of the gradients."""
    douts, grads, good = given
    there, problem = Aside(subject, douts, rng), subject.untraced
    true: list[Any] = []
    if subject.derivation is not None:
        try:
            values, true = there.at(subject.arrays)
            problem = _unlike(values, outs, there.how)
        except MicrogradError as error:
            problem = str(error)
    if not problem and point.given and not _confirmed(subject, douts, true, rng):
        problem = "forward leaves the graph"
        seen.findings.append(Finding(
            "GC205", "PASS", "the framework's derivative of forward and differences of forward "
            "disagree: differences decide", point=point.label, method=there.how.method,
            hint="does forward leave the graph: detach, .data, .numpy(), .item(), no_grad?",
        ))  # fmt: skip
    if problem:
        by_differences(subject, point, rng, given, seen, problem)
        as_meant(subject, point, douts, (), seen)
        return
    seen.method = there.how.method
    seen.work += (WORK + 3 * OPERATION * subject.calls) * len(there.rows)
    compared = _compared(subject, grads, true, good, there)
    _record(compared, there, point, seen)
    as_meant(subject, point, douts, compared, seen)


def _compared(subject: Subject, grads: Any, true: Any, good: Any, there: Aside) -> list[Compared]:
    """The gradients beside the true ones, once it is known which entries are at a kink."""
    compared = _all_beside(subject, grads, true, good, there)
    wrong = [
        (subject.names.index(c.name), int(i))
        for c in compared for i in np.flatnonzero(c.outside() & c.known())
    ]  # fmt: skip
    if not wrong:
        return compared
    there.one_by_one(wrong)  # a kink may have been missed
    return _all_beside(subject, grads, true, good, there)


def _all_beside(subject: Subject, grads: Any, true: Any, good: Any, there: Aside) -> list[Compared]:
    pairs = zip(subject.names, subject.arrays, grads, true, strict=True)
    return [
        _beside(name, a, np.asarray(g, float), t, there, k)
        for k, (name, a, g, t) in enumerate(pairs)
        if good[k] and np.shape(g) == np.shape(a)
    ]


def _record(compared: Sequence[Compared], there: Aside, point: Point, seen: Seen) -> None:
    found: list[Finding] = []
    for c in compared:
        k = there.subject.names.index(c.name)
        moved = there.moved[k]
        if moved.any():
            found += _at_kinks(c, moved, there.box(k), point, there.how.method)
            c.bound = np.where(moved, np.inf, c.bound)
        found += findings_about(c, point.label, there.how.method, point.extreme)
        seen.nonzero[c.name] = c.tested()
        seen.smallest[c.name] = c.smallest()
    seen.findings += found


def _unlike(values: Sequence[Any], outs: Sequence[Any], how: Derivation) -> str:
    """What is to be said where the forward gives other outputs than the real one; else ""."""
    for mine, real in zip(values, outs, strict=True):
        if np.shape(mine) != np.shape(real):
            return "run alone, forward gives another shape"
        room = 2.0**12 * max(how.unit, unit(real)) * size_of([real]) + 1e-300
        if not (np.abs(np.asarray(mine, float) - np.asarray(real, float)) <= room).all():
            return "run alone, forward gives other numbers"
    return ""


def _beside(name: str, array: Any, yours: Any, true: Any, there: Aside, k: int) -> Compared:
    """One gradient beside the true one; the largest rounding counts for all, as sums may cancel."""
    single = np.asarray(array).dtype == np.float32 or there.how.unit > 1e-10
    dtype: Any = np.dtype(np.float32 if single else np.float64)
    eps, still = float(np.finfo(dtype).eps), ~there.moved[k]
    bound = _for_all(there.spread[k], still)
    rounding = np.maximum(_for_all(there.yours[k], still) + bound, _left(there, k, eps))
    return Compared(name, yours, true, 4 * bound + 0.0 * true, None, None, rounding, dtype)


def _left(there: Aside, k: int, eps: float) -> float:
    """What rounding may leave of a gradient that is zero by cancellation: that of its terms."""
    size, most = size_of([there.rows[0][k]]), size_of(there.rows[0], there.douts)
    return eps * most if size <= 2.0**-40 * most else 0.0


def _for_all(spread: Any, still: Any) -> Any:
    most = float(np.max(spread, initial=0.0, where=still)) if np.size(spread) else 0.0
    return np.where(still, np.maximum(spread, 0.25 * most), most)


def _at_kinks(
    c: Compared, moved: Any, box: tuple[Any, Any], point: Point, method: str
) -> list[Finding]:
    """Whether the entries at a kink lie between the derivatives on its sides."""
    low, high = box
    with np.errstate(all="ignore"):
        room = c.allowed() + 1e-6 * (high - low)
        inside = (c.yours >= low - room) & (c.yours <= high + room)
    unknown = ~(np.isfinite(low) & np.isfinite(high)) | point.extreme
    outside = moved & ~inside & ~unknown
    if outside.any():
        at = tuple(int(i) for i in np.argwhere(outside)[0])
        return [Finding(
            "GC302", "FAIL", f"at a kink d{c.name} is outside the derivatives on its sides in "
            f"{int(outside.sum())} of {outside.size} entries", c.name, point.label, method,
            entry(c, at, (float(low[at]), float(high[at]))),
        )]  # fmt: skip
    differs = moved & (np.abs(c.yours - c.true) > c.allowed())
    if not (moved & inside).any() or not differs.any():
        return []
    return [Finding(
        "GC301", "PASS_SUBGRADIENT" if point.given else "PASS",
        f"d{c.name} is a valid subgradient at {int((moved & inside).sum())} of {moved.size} "
        "entries, which have a kink", c.name, point.label, method,
    )]  # fmt: skip


def _confirmed(subject: Subject, douts: Any, true: Sequence[Any], rng: Any) -> bool:
    """Whether differences of forward along two random directions do not speak against it."""
    numeric = Numeric(subject, douts)
    for _ in range(2):
        along = [np.asarray(d) for d in cotangents_like([np.asarray(t) for t in true], rng)]
        if not all(np.isfinite(t).all() for t in true):
            return True
        exact = float(sum((t * d).sum() for t, d in zip(true, along, strict=True)))
        size = float(sum(np.abs(t * d).sum() for t, d in zip(true, along, strict=True)))
        if _against(numeric, along, exact, size):
            return False
    return True


def _against(numeric: Numeric, along: Sequence[Any], exact: float, size: float) -> bool:
    """Whether differences at several steps agree with each other and not with a derivative."""
    least = numeric.smallest(along)
    values = []
    for h in (1e-3, 1e-4, 1e-5):
        try:
            value, error = numeric.rough(along, h * least)
        except Exception:  # what the user's forward raises there
            return False
        near = 16 * error + 1e-3 * max(size, abs(value))
        if not np.isfinite(value) or abs(value - exact) <= near:
            return False
        values.append(value)
    return bool(np.ptp(values) <= 0.1 * max(map(abs, values)))
