"""GC05: arrays that are not contiguous, not writable, spread by strides of 0, or empty."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..subject import Subject
from .results import Outcome, close, copies, size_of, where

Wants = Callable[[str], bool]


def empty(subject: Subject, outcome: Outcome) -> None:
    """A remark if forward takes a batch of none, and backward does not."""
    first, *rest = subject.arrays
    if not np.ndim(first):
        return
    none = np.empty((0, *np.shape(first)[1:]), np.asarray(first).dtype)
    try:
        run = subject.start([none, *copies(rest)])
    except Exception:
        return
    try:
        grads = run.pull(*[np.zeros(np.shape(o), _dtype(o))[()] for o in run.outs])
        shape = np.shape(grads[0])
        problem = "" if shape == none.shape else f"has shape {shape}, expected {none.shape}"
    except Exception as error:
        problem = f"raises {type(error).__name__}: {str(error)[:120]}"
    if problem:
        outcome.say("GC052", f"of an empty {subject.names[0]} backward {problem}", "PASS")


def layouts(subject: Subject, outcome: Outcome, douts: Any, kept: Any, wants: Wants) -> None:
    """Adds what goes wrong with other layouts of cotangents and inputs in memory."""
    if wants("GC050") and not subject.scaled:
        changed = any(f.code == "GC022" for f in outcome.findings)
        for label, make in _LAYOUTS.items():
            if changed and label == "read-only":
                continue
            given = [make(d) for d in douts]
            problem = _tried(subject, copies(subject.arrays), given, kept, size_of(kept, douts))
            if problem:
                outcome.say("GC050", f"with a {label} cotangent {problem}", data={"layout": label})
                break
        _spread_cotangent(subject, outcome, kept)
    if (
        wants("GC051")
        and not subject.descends
        and not any(f.code in ("GC020", "GC021") for f in outcome.findings)
    ):
        for label in ("strided", "read-only"):
            arrays = [_LAYOUTS[label](a) for a in subject.arrays]
            problem = _tried(subject, arrays, copies(douts), kept, size_of(kept, douts))
            if problem:
                outcome.say("GC051", f"with {label} inputs {problem}", data={"layout": label})
                break


def _strided(a: Any) -> Any:
    """The same numbers with gaps between them in memory."""
    if not isinstance(a, np.ndarray) or not a.ndim:
        return a
    wide = np.empty((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)  # + 1: rows are apart too
    wide[...] = np.nan if a.dtype.kind == "f" else 0
    view = wide[..., : 2 * a.shape[-1] : 2]
    view[...] = a
    return view


def _read_only(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.copy()
        a.flags.writeable = False
    return a


_LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "strided": _strided,
    "Fortran-ordered": lambda a: np.array(a, order="F") if isinstance(a, np.ndarray) else a,
    "read-only": _read_only,
}


def _tried(subject: Subject, arrays: Any, douts: Any, kept: Any, size: float = 0.0) -> str:
    """What goes wrong with these arrays and cotangents, or ""."""
    try:
        grads = subject.start([*arrays]).pull(*douts)
    except Exception as error:
        at = where(error)
        text = f"it raises {type(error).__name__}: {str(error)[:120]}"
        return text + (f" ({at})" if at else "")
    for name, g, k in zip(subject.names, grads, kept, strict=True):
        if k is not None and g is not None and not close(k, g, size=size):
            return f"d{name} is different"
    return ""


def _spread_cotangent(subject: Subject, outcome: Outcome, kept: Any) -> None:
    """A cotangent as the sum's backward makes it: one number, seen everywhere with stride 0."""
    run = subject.start(copies(subject.arrays))
    ones = [np.broadcast_to(np.asarray(1.0, _dtype(o)), np.shape(o)) for o in run.outs]
    if all(o.ndim == 0 for o in ones) or any(
        f.code in ("GC050", "GC022") for f in outcome.findings
    ):
        return
    try:
        expected = subject.start(copies(subject.arrays)).pull(*[np.array(o) for o in ones])
    except Exception:
        return
    # The gradient of a sum may cancel to nothing (softmax): its terms are as large as others'.
    problem = _tried(subject, copies(subject.arrays), ones, expected, size_of(kept, ones))
    if problem:
        outcome.say("GC050", f"with a stride-0 cotangent {problem}", data={"layout": "stride-0"})


def _dtype(out: Any) -> Any:
    dtype = np.asarray(out).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)
