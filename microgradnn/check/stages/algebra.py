"""GC1: a backward pass is linear in its cotangent, whatever the function."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...errors import MicrogradError
from ..oracle import balls
from ..oracle.exact import evaluate
from ..report import Entry, Finding
from ..subject import Subject, cotangents_like, quiet
from .results import copies, size_of, unit

Pull = Callable[[list[Any]], list[Any]]
ULPS = 2.0**12  # what fails here fails by far more


def algebra(
    subject: Subject, rng: np.random.Generator, wants: Callable[[str], bool]
) -> list[Finding]:
    """Findings about B(0) = 0, B(c·v) = c·B(v), B(v + w) = B(v) + B(w) and f(x, x)."""
    found: list[Finding] = []
    with quiet():
        if not subject.scaled:
            pull = _pull(subject)
            v = cotangents_like(subject.start(copies(subject.arrays)).outs, rng)
            if wants("GC101"):
                found += _zero(subject, pull, v)
            if wants("GC102") and not found:
                found += _linear(subject, pull, v, rng)
        if wants("GC104"):
            found += _shared(subject, rng)
    return found


def _pull(subject: Subject) -> Pull:
    def pull(v: list[Any]) -> list[Any]:
        grads = subject.start(copies(subject.arrays)).pull(*copies(v))
        return [np.array(g, np.float64) if _numeric(g) else None for g in grads]

    return pull


def _numeric(g: Any) -> bool:
    return g is not None and np.asarray(g).dtype.kind in "fiub"


def _zero(subject: Subject, pull: Pull, v: list[Any]) -> list[Finding]:
    grads = pull([0 * d for d in v])
    for name, g in zip(subject.names, grads, strict=True):
        if g is not None and np.any(g != 0) and np.isfinite(g).any():
            bad = np.where(np.isfinite(g), np.abs(g), 0)
            message = f"d{name} is not 0 where dout is 0: a part of it does not depend on dout"
            return [_finding("GC101", message, name, g, np.zeros_like(g), bad)]
    return []


def _linear(subject: Subject, pull: Pull, v: list[Any], rng: Any) -> list[Finding]:
    """The first of the laws that fails, with the entry where it fails most."""
    v, w = _short(v), _short(cotangents_like(v, rng))
    at_v = pull(v)
    laws: list[tuple[str, float | None, Any, Any]] = [
        (f"for {many} it is not {share} what it is for dout", c,
         [c * d for d in v], [_times(c, g) for g in at_v])
        for c, many, share in (
            (-1.0, "-dout", "minus"), (2.0, "2·dout", "twice"),
            (2.0**10, "1024·dout", "1024 times"), (2.0**-10, "dout/1024", "1/1024 of"),
        )
    ]  # fmt: skip
    sums = [d + e for d, e in zip(v, w, strict=True)]
    at_w = pull(w)
    total = [None if g is None else g + h for g, h in zip(at_v, at_w, strict=True)]
    laws.append(("for the sum of two it is not the sum of both", None, sums, total))
    sizes = [0.0 if g is None else np.abs(g) + np.abs(h) for g, h in zip(at_v, at_w, strict=True)]
    most = size_of(at_v, at_w, v, w)
    for law, factor, cotangent, expected in laws:
        got = pull([np.asarray(d)[()] for d in cotangent])
        for k, name in enumerate(subject.names):
            g, e, summed = got[k], expected[k], factor is None
            if g is None or e is None or g.shape != e.shape:
                continue
            off = _off(g, e, sizes[k] if summed else np.abs(e), subject.arrays[k], summed)
            wide = _off(g, e, np.full(g.shape, most), subject.arrays[k], True).any()
            if off.any() and _confirmed(subject, factor, v, w, k, bool(wide)):
                message = f"d{name} does not grow with dout as it must: {law}"
                return [_finding("GC102", message, name, g, e, np.where(off, np.abs(g - e), 0))]
    return []


def _short(v: list[Any]) -> list[Any]:
    """Cotangents of so few digits that sums of two are exact, in float16 too."""
    return [np.asarray(np.round(d * 256) / 256, np.asarray(d).dtype)[()] for d in v]


def _confirmed(
    subject: Subject, c: float | None, v: list[Any], w: list[Any], k: int, wide: bool
) -> bool:
    """Whether the law of c·v, or of v + w, fails without rounding too: in balls.

    If it cannot be asked there, it is `wide`: more than rounding of terms that may cancel.
    """
    if not balls.available or subject.opaque:
        return wide
    sums = [np.asarray(d + e if c is None else c * d) for d, e in zip(v, w, strict=True)]
    try:
        parts = [evaluate(subject, d) for d in ((sums, v) if c is not None else (sums, v, w))]
    except MicrogradError:
        return wide
    yours = [p.yours for p in parts if p.yours is not None]
    if len(yours) < len(parts):
        return wide
    total, *rest = (y[k] for y in yours)
    expected = rest[0] + rest[1] if c is None else c * rest[0]
    # Relative to all gradients: one may be 0, and its balls nothing but their radii.
    size = max(size_of(y) for y in yours)
    return bool((np.abs(total - expected) > 1e-12 * size).any())


def _times(c: float, g: Any) -> Any:
    return None if g is None else c * g


def _off(g: Any, e: Any, size: Any, array: Any, summed: bool) -> Any:
    # Sums may pass through float32: that is another finding. Powers of two round nothing.
    eps = 2.0**-28 if summed else max(unit(array), 2.0**-52)
    finite = np.isfinite(g) & np.isfinite(e)
    scale = np.abs(size[np.isfinite(size)]).max(initial=0.0)
    # Underflow is not linear; and the code may work in float32 for float64 inputs.
    tiny = 2.0**20 * float(np.finfo(np.float32 if unit(array) > 1e-10 else np.float64).tiny)
    return finite & (np.abs(g - e) > ULPS * eps * np.maximum(size, scale) + tiny)


def _finding(code: str, message: str, name: str, yours: Any, true: Any, bad: Any) -> Finding:
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), np.shape(bad)))
    y, t = float(yours[at]), float(true[at])
    ulp = float(np.spacing(abs(t))) if np.isfinite(t) else float("nan")
    worst = Entry(name, at, y, t, abs(y - t), abs(y - t) / ulp, 0.0)
    return Finding(
        code, "FAIL", message, argument=name, point="your point", worst=worst,
        method="what this law asks for",
    )  # fmt: skip


def not_transposed(
    pushed: tuple[Any, Any], pulled: tuple[Any, Any], unit: float, ulps: float, which: str
) -> list[Finding]:
    """The finding that ⟨v, J u⟩ and ⟨Jᵀ v, u⟩ differ; none if they agree within so many ulps.

    pushed are v and J u, pulled Jᵀ v and u: lists of arrays; `which` names the two that differ.
    """
    left, right = ([a * b for a, b in zip(*side, strict=True)] for side in (pushed, pulled))
    a, b = (float(sum(p.sum() for p in side)) for side in (left, right))
    bound = ulps * unit * float(sum(np.abs(p).sum() for p in (*left, *right)))
    if abs(a - b) <= bound:
        return []
    off = abs(a - b)
    return [Finding(
        "GC103", "FAIL", f"⟨v, J u⟩ = {a:.10g}, ⟨Jᵀ v, u⟩ = {b:.10g}: {which} are not each other's "
        "transpose", point="your point", method="what this law asks for",
        worst=Entry("v·J·u", (), b, a, off, off / (unit * abs(a) + 1e-300), bound),
    )]  # fmt: skip


def _shared(subject: Subject, rng: Any) -> list[Finding]:
    """f(x, x) with one array in both places gives what two copies give."""
    # What takes steps moves its parameters in place: two that are one array would move twice.
    fixed = [not (subject.descends and name in subject.params) for name in subject.names]
    for i, a in enumerate(subject.arrays):
        for j in (j for j in range(i) if fixed[i] and fixed[j]):
            if np.shape(a) == np.shape(subject.arrays[j]) and np.ndim(a):
                return _twice(subject, i, j, rng)
    return []


def _twice(subject: Subject, i: int, j: int, rng: Any) -> list[Finding]:
    arrays = copies(subject.arrays)
    arrays[i] = np.array(arrays[j])
    try:
        run = subject.start(copies(arrays))
        v = cotangents_like(run.outs, rng)
        apart = [np.array(g) for g in run.pull(*copies(v))]
        arrays[i] = arrays[j]
        together = subject.start(arrays).pull(*copies(v))
    except Exception:
        return []  # equal arguments may lie outside the domain
    for name, g, h in zip(subject.names, apart, together, strict=True):
        if _numeric(h) and g.shape == np.shape(h) and not np.array_equal(g, h, equal_nan=True):
            a, b = subject.names[j], subject.names[i]
            message = f"d{name} is different when one array is given as {a} and as {b}"
            h = np.asarray(h, float)
            return [_finding("GC104", message, name, h, np.asarray(g, float), np.abs(g - h))]
    return []
