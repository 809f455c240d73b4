"""GC2 and GC3: the gradients' values at one point, by the best oracle that can answer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..oracle import balls
from ..oracle.exact import Comparer, Exact, Untraceable, evaluate
from ..oracle.numeric import Numeric
from ..oracle.traced import TooLarge
from ..report import EXACT, Finding
from ..subject import Subject, cotangents_like, quiet
from .compared import ROOM, Compared, findings_about
from .derived import by_derivation
from .kinks import at_kink
from .points import Point, Seen
from .results import copies, in_a_row, raised, unit
from .untraced import by_differences

MOST_TIES = 3000  # comparisons at a tie in one trace; above it the kinks are left out


def look(
    subject: Subject, point: Point, rng: np.random.Generator, good: Sequence[bool],
    douts: Sequence[Any] | None = None,
) -> Seen:  # fmt: skip
    """What the gradients at a point are worth."""
    seen = Seen()
    here = subject.at(point.arrays)
    with quiet():
        done = run(here, point.label, rng, seen, douts)
        if done is not None:
            outs, douts, grads = done
            seen.findings += [] if point.given else misfits(here, grads, point.label)
            _compare(here, point, rng, (douts, grads, good), outs, seen)
    if point.given and seen.skipped.endswith(INFINITE):
        seen.findings.append(Finding(
            "GC002", "INCONCLUSIVE", f"{INFINITE} at your point",
            hint="choose inputs inside the domain",
        ))  # fmt: skip
    return seen


INFINITE = "the forward result is not finite"


def run(
    here: Subject, label: str, rng: Any, seen: Seen, douts: Sequence[Any] | None = None
) -> tuple[Any, Any, Any] | None:
    """The outputs, their cotangents and the gradients; None if there are none, and `seen` says why.

    Without douts the cotangents are random.
    """
    try:
        passed = here.start(copies(here.arrays))
        fine = all(np.isfinite(np.asarray(o, float)).all() for o in passed.outs)
        seen.skipped = "" if fine else f"{label}: {INFINITE}"
    except Exception as error:
        seen.skipped = f"{label}: forward raises {type(error).__name__}"
    if seen.skipped:
        return None
    douts = cotangents_like(passed.outs, rng) if douts is None else _given(douts, passed.outs)
    if here.scaled:
        douts = [np.ones_like(d)[()] for d in douts]
    try:
        if here.broken is not None:
            raise here.broken
        return passed.outs, douts, passed.pull(*copies(douts))
    except Exception as error:
        seen.findings.append(raised("backward", error, label))
    return None


def misfits(subject: Subject, grads: Sequence[Any], point: str) -> list[Finding]:
    """Findings about gradients that are not there, or have the wrong shape or a short dtype."""
    out = []
    for name, g, x in zip(subject.names, grads, subject.arrays, strict=True):
        shapes, text = (np.shape(g), np.shape(x)), ""
        kinds = np.asarray(g).dtype, np.asarray(x).dtype
        if g is None:
            code, text = "GC040", f"the gradient of {name} is None"
        elif shapes[0] != shapes[1]:
            code, text = "GC041", f"d{name} has shape {shapes[0]}, but {name} has shape {shapes[1]}"
        elif kinds[0].kind not in "fiub" or kinds[0].kind == "f" and unit(g) > unit(x):
            code, text = "GC042", f"d{name} has dtype {kinds[0]}, but {name} has dtype {kinds[1]}"
        if text:
            out.append(Finding(code, "CONTRACT", text, name, point, data={
                "shape": list(shapes[0]), "expected": list(shapes[1]),
                "yours": np.asarray(g) if 0 < np.size(g) <= 400 else None,
            }))  # fmt: skip
    return out


def _given(douts: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
    """The user's cotangents, of the shapes of the outputs."""
    shapes = [np.shape(o) for o in outs]
    if [np.shape(d) for d in douts] != shapes:
        raise ConfigError(
            f"check: cotangents of shapes {[np.shape(d) for d in douts]}, need {shapes}, those of "
            "the outputs"
        )
    return [np.asarray(d, np.asarray(o).dtype)[()] for d, o in zip(douts, outs, strict=True)]


def _compare(
    subject: Subject, point: Point, rng: Any, given: Any, outs: Sequence[Any], seen: Seen
) -> None:  # fmt: skip
    """Adds to `seen` what the gradients at a point are worth, by the best oracle there is."""
    douts, grads, _ = given
    bits = 24 if single(subject, [*grads, *outs]) else 53
    if subject.frame is not None:
        return by_derivation(subject, point, rng, given, outs, seen)
    if subject.opaque or subject.untraced:
        why = subject.untraced or "its rules are what is checked"
        return by_differences(subject, point, rng, given, seen, why)
    if not balls.available:
        by_differences(subject, point, rng, given, seen, "python-flint is not installed")
        seen.notes += [balls.absent] if balls.absent else []
        return
    try:
        low = evaluate(subject, douts, bits, Comparer(room=ROOM, collect=point.given))
        high = evaluate(subject, douts) if point.given or not _tight(low) else low
    except (TooLarge, Untraceable) as error:
        long = isinstance(error, TooLarge)
        by_differences(subject, point, rng, given, seen, str(error), long)
        return
    seen.work += low.work + (high.work if high is not low else 0)
    if _same_outputs(low, outs, bits):
        _beside_trace(subject, point, rng, given, (low, high, bits), seen)
    # At a step of the function rounding says on which side of it a point is.
    elif point.given or not low.comparer.overlaps:
        _by_the_next(subject, point, rng, given, seen)


def _beside_trace(
    subject: Subject, point: Point, rng: Any, given: Any, exact: Any, seen: Seen
) -> None:  # fmt: skip
    """Adds to `seen` what a trace, and the user's backward in balls, say of the gradients."""
    douts, _, _ = given
    low, _, _ = exact
    seen.comparisons, seen.method = low.comparisons, EXACT
    if low.why and point.given and not low.why.startswith("a gradient"):
        seen.notes.append(f"backward cannot run on balls ({low.why}): its rounding is estimated")
    compared = _smooth(subject, point, rng, given, exact, seen)
    found = [f for c in compared for f in findings_about(c, point.label, EXACT, point.extreme)]
    wrong = any(f.code == "GC201" for f in found)
    if (wrong or point.given) and not _confirmed(subject, douts, compared, rng, wrong):
        _by_the_next(subject, point, rng, given, seen)
        return
    _record(found, compared, seen)


def _record(found: list[Finding], compared: Sequence[Compared], seen: Seen) -> None:
    seen.findings += [_swapped(f, compared) for f in found]
    for c in compared:
        seen.nonzero[c.name] = c.tested()
        seen.smallest[c.name] = c.smallest()


def _swapped(found: Finding, compared: Sequence[Compared]) -> Finding:
    """The finding with a hint, if the gradient is the true one of another argument."""
    yours = next((c for c in compared if c.name == found.argument), None)
    if found.code != "GC201" or yours is None:
        return found
    for c in compared:
        if c is not yours and c.true.shape == yours.true.shape and c.known().all():
            with np.errstate(all="ignore"):
                near = np.abs(yours.yours - c.true) <= c.allowed()
            if near.all() and c.true.any():
                return replace(found, hint=f"your d{found.argument} is the true d{c.name}")
    return found


def _smooth(
    subject: Subject, point: Point, rng: Any, given: Any, exact: Any, seen: Seen
) -> list[Compared]:
    """The gradients beside the true ones, without the entries that a kink concerns."""
    douts, grads, good = given
    low, high, bits = exact
    compared = [
        beside(subject, k, np.asarray(g), low, high)
        for k, (g, a) in enumerate(zip(grads, subject.arrays, strict=True))
        if good[k] and np.shape(g) == np.shape(a)
    ]
    ties = len(low.comparer.overlaps)
    if not ties:
        return compared
    if len(compared) < len(subject.names):
        return []
    if ties > MOST_TIES:
        seen.notes.append(f"{ties} ties at {point.label}: kinks were left out there")
        return []
    return at_kink(subject, douts, compared, bits, point, rng, seen)


def _same_outputs(low: Exact, outs: Sequence[Any], bits: int) -> bool:
    """Whether a trace gives what forward gives, but for rounding."""
    floats = np.asarray(in_a_row(outs), float)
    with np.errstate(all="ignore"):
        scale = np.abs(floats[np.isfinite(floats)]).max(initial=0.0)
        # What is cast to float32 on the way is another finding.
        room = ROOM * low.width + max(2.0**-20, 64 * 2.0**-bits) * scale
        return not (np.abs(floats - low.outs) > room).any()


def _by_the_next(subject: Subject, point: Point, rng: Any, given: Any, seen: Seen) -> None:
    """Lets differences decide, where they do not agree with the trace."""
    seen.findings.append(Finding(
        "GC205", "PASS", "a trace of forward and differences of it disagree: differences decide",
        point=point.label, method=seen.method,
        hint="does forward look at dtypes, convert numbers, or keep state between calls?",
    ))  # fmt: skip
    by_differences(subject, point, rng, given, seen, "a trace of it is another function")


def single(subject: Subject, grads: Any) -> bool:
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


def beside(subject: Subject, k: int, yours: Any, low: Exact, high: Exact) -> Compared:
    """The gradient of the k-th array beside the true one."""
    rounding = low.spread[k] if low.yours is not None else _estimated(k, low)
    formula = None if high.yours is None else high.yours[k]
    slack = None if high.yours is None else high.spread[k]
    dtype = np.dtype(np.float32 if single(subject, [yours]) else np.float64)
    return Compared(
        subject.names[k], yours.astype(float), high.true[k], high.bound[k], formula, slack,
        rounding, dtype, low.bound[k],
    )  # fmt: skip


def _estimated(k: int, low: Exact) -> Any:
    """What rounding may do to a gradient that cannot run on balls: what it does to the oracle's.

    And more: the largest entry counts for all, as sums over others may cancel.
    """
    bound = np.where(np.isfinite(low.bound[k]), low.bound[k], 0)
    largest = np.abs(low.true[k]).max(initial=0.0)
    return np.maximum(4 * bound, bound.max(initial=0.0)) + 2.0**-48 * largest


def _confirmed(
    subject: Subject, douts: Any, compared: Sequence[Compared], rng: Any, wrong: bool
) -> bool:
    """Whether differences of the forward do not speak against the exact derivative.

    A trace that is not the function (code that looks at dtypes, or takes numbers out) would be far
    off. Along one random direction, at several steps; too rough ones say nothing. `wrong` says that
    the gradient is not the exact one: then the difference has to be nearer to one of the two.
    """
    if len(compared) != len(subject.names):
        return True
    numeric = Numeric(subject, douts)
    # Not along entries at a kink: differences would see both of its sides.
    direction = [
        np.where(np.isfinite(j.bound), d, 0.0)
        for j, d in zip(compared, cotangents_like(numeric.arrays, rng), strict=True)
    ]
    known = [np.where(np.isfinite(j.bound), j.true, j.yours) for j in compared]
    exact, yours = (
        float(sum((g * d).sum() for g, d in zip(side, direction, strict=True)))
        for side in (known, [j.yours for j in compared])
    )
    if not wrong and numeric.smallest(direction) < 1e-3:
        return True  # a kink may be nearer than any step that differences can take
    apart = abs(exact - yours) if wrong else 1e-2 * _size_along(known, direction)
    against = False
    for h in (1e-3, 1e-5, 1e-7):
        try:
            value, error = numeric.rough(direction, h)
        except Exception:
            return True
        if abs(value - exact) + 4 * error < 0.1 * apart or not np.isfinite(value):
            return True
        if abs(value - exact) > 0.5 * apart and 40 * error < apart:
            against |= 40 * numeric.noise(direction) / h < apart
    return not against


def _size_along(grads: Sequence[Any], direction: Sequence[Any]) -> float:
    """The size of the terms of a slope."""
    return float(sum(np.abs(g * d).sum() for g, d in zip(grads, direction, strict=True)))
