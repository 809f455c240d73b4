"""Forward mode and its tests: jvp against the exact pushforward, transposes, Taylor remainders."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.walk import pushforward
from .options import Options
from .oracle import balls
from .oracle.exact import Comparer, Untraceable
from .oracle.numeric import SAFETY, SCALES, extrapolate
from .oracle.traced import TooLarge, values
from .oracle.tracing import tracing
from .report import EXACT, Finding, Report
from .source import all_parameters
from .stages.algebra import not_transposed
from .stages.compared import Compared, findings_about
from .stages.results import copies, raised, unit
from .subject import Arguments, cotangents_like, is_float, quiet
from .subjects.namespaces import namespaces

DRAWS = 3


def _tangent(f_jvp: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
    """The tangents of the outputs, whichever way f_jvp wants to be called."""
    takes = all_parameters(f_jvp)
    n = len(args)
    if len(takes) == 1:  # a linear map
        out: Any = f_jvp(*tangents)
    elif len(takes) == 2 * n and n > 1:
        out = f_jvp(*args, *tangents)
    else:
        out = _jax_form(f_jvp, args, tangents, flat=len(takes) == 2 * n)
    return _several(out)


def _jax_form(f_jvp: Any, args: Sequence[Any], tangents: Sequence[Any], flat: bool) -> Any:
    """f_jvp((x,), (t,)) -> (out, tangent); if that is not its form, f_jvp(x, t) -> tangent."""
    try:
        result = f_jvp(tuple(args), tuple(tangents))
        if isinstance(result, tuple) and len(result) == 2:
            return result[1]
    except Exception:
        if not flat:
            raise
    result = f_jvp(*args, *tangents)
    return result[1] if isinstance(result, tuple) and len(result) == 2 else result


def _several(out: Any) -> list[Any]:
    """One result or several, as a list."""
    return list(out) if isinstance(out, (tuple, list)) else [out]


def jvp_report(
    f: Callable[..., Any], f_jvp: Callable[..., Any], args: Sequence[Any], options: Options,
    name: str,
) -> Report:  # fmt: skip
    """See check.jvp."""
    start = time.perf_counter()
    rng = np.random.default_rng(options.seed)
    arguments = Arguments(args, all_parameters(f))
    found: list[Finding] = []
    method = ""
    with quiet():
        for _ in range(DRAWS):
            tangents = [np.asarray(t) for t in cotangents_like(arguments.arrays, rng)]
            try:
                yours = _tangent(f_jvp, args, tangents)
                found = _contract(f, args, yours, _tangent(f_jvp, args, tangents))
            except Exception as error:
                found = [raised("jvp", error)]
            if not found:
                found = _linear(f_jvp, args, tangents, yours)
                true, bound, method = _truth(f, arguments, tangents)
                found += _compared(yours, true, bound, method, arguments)
            if found:
                break
    return _report(
        name, [x for x in found if options.wants(x.code)], ("GC011", "GC041", "GC102", "GC201"),
        options.seed, f"check.jvp({name}, f_jvp, args, seed={options.seed})", start, method,
    )  # fmt: skip


def _report(
    name: str, found: list[Finding], codes: tuple[str, ...], seed: int, again: str, start: float,
    method: str = "",
) -> Report:  # fmt: skip
    return Report(
        name, tuple(found), codes, ("your point",), {"out": method} if method else {}, seed=seed,
        reproduce=again, seconds=time.perf_counter() - start,
    )  # fmt: skip


def _contract(f: Any, args: Any, yours: list[Any], again: list[Any]) -> list[Finding]:
    outs = _several(f(*copies(args)))
    if len(outs) != len(yours):
        return [Finding("GC040", "CONTRACT", f"{len(yours)} tangents for {len(outs)} outputs")]
    for k, (out, t, same) in enumerate(zip(outs, yours, again, strict=True)):
        if np.shape(out) != np.shape(t):
            message = f"tangent {k} has shape {np.shape(t)}, its output has {np.shape(out)}"
            return [Finding("GC041", "CONTRACT", message, point="your point")]
        if not np.array_equal(t, same, equal_nan=True):
            message = "jvp gives other results at a second call"
            return [Finding("GC011", "NONDETERMINISTIC", message, point="your point")]
    return []


def _linear(f_jvp: Any, args: Any, tangents: list[Any], yours: list[Any]) -> list[Finding]:
    for c in (0.0, -2.0, 1024.0):
        scaled = _tangent(f_jvp, args, [c * t for t in tangents])
        for g, h in zip(scaled, yours, strict=True):
            size = float(np.abs(np.asarray(h)).max(initial=0.0)) * max(1.0, abs(c))
            if not np.all(np.abs(np.asarray(g) - c * np.asarray(h)) <= 2.0**-40 * size + 1e-300):
                message = f"jvp is not linear in the tangent: J({c:g}·u) ≠ {c:g}·J(u)"
                return [Finding("GC102", "FAIL", message, point="your point")]
    return []


def _truth(f: Any, args: Arguments, tangents: list[Any]) -> tuple[list[Any], list[Any], str]:
    """The tangents of the outputs, their bounds, and how they were found."""
    if balls.available:
        try:
            return (*_exact(f, args, tangents), EXACT)
        except (Untraceable, TooLarge):
            pass
    best, bound = None, None

    def at(h: float) -> list[Any]:
        moved = [a + h * t for a, t in zip(args.arrays, tangents, strict=True)]
        out = f(*args.filled(range(len(moved)), moved))
        return [np.asarray(o, float) for o in _several(out)]

    scale = max((float(np.abs(o).max(initial=0.0)) for o in at(0.0)), default=1.0)
    for step in SCALES:
        value, error = extrapolate(at, step, 2.0**-52, max(scale, 1e-30), 2.0**-52)
        if best is None or bound is None:
            best, bound = value, error
        better = [e < b for e, b in zip(error, bound, strict=True)]
        best = [np.where(t, v, b) for t, v, b in zip(better, value, best, strict=True)]
        bound = [np.where(t, e, b) for t, e, b in zip(better, error, bound, strict=True)]
    return best or [], [SAFETY * b for b in bound or []], "extrapolated differences (float64)"


def _exact(f: Any, args: Arguments, tangents: list[Any]) -> tuple[list[Any], list[Any]]:
    with balls.precision(balls.HIGH), tracing(balls.ball, namespaces(f), Comparer(), 200_000):
        inputs = [values(a, balls.ball) for a in args.arrays]
        try:
            outs = _several(f(*args.filled(range(len(inputs)), inputs)))
        except TooLarge:
            raise
        except Exception as error:
            raise Untraceable(str(error)) from error
        flat = [v for x in inputs for v in np.ravel(x)]
        moved = [balls.ball(t) for d in tangents for t in np.ravel(d)]
        true, bound = [], []
        for out in outs:
            nodes = list(np.ravel(np.asarray(out, object)))
            pushed = pushforward([n for n in nodes if hasattr(n, "op")], flat, moved)
            rest = iter(pushed)
            ts = [next(rest) if hasattr(n, "op") else None for n in nodes]
            ts = [balls.ball(0) if t is None else t for t in ts]
            true.append(np.array([balls.middle(t) for t in ts]).reshape(np.shape(out)))
            bound.append(np.array([balls.radius(t) for t in ts]).reshape(np.shape(out)))
    return true, bound


def _compared(yours: Any, true: Any, bound: Any, method: str, args: Arguments) -> list[Finding]:
    dtype = next((a.dtype for a in args.arrays), np.dtype(float))
    for y, t, b in zip(yours, true, bound, strict=True):
        y = np.asarray(y, float)
        scale = np.abs(t[np.isfinite(t)]).max(initial=0.0)
        rounding = np.full(y.shape, 16 * float(np.finfo(dtype).eps) * scale)
        found = findings_about(
            Compared("out", y, t, b, None, None, rounding, dtype), "your point", method
        )
        if found:
            return found
    return []


# ---- ⟨v, J u⟩ = ⟨Jᵀ v, u⟩ ------------------------------------------------------------------------


def dot_product(
    f_jvp: Callable[..., Any], f_vjp: Callable[..., Any], args: Sequence[Any], seed: int,
    draws: int, name: str,
) -> Report:  # fmt: skip
    """See check.dot_product_test."""
    start = time.perf_counter()
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(a) for a in args if is_float(np.asarray(a))]
    found: list[Finding] = []
    with quiet():
        for _ in range(draws):
            u = [np.asarray(t) for t in cotangents_like(arrays, rng)]
            ju = [np.asarray(t, float) for t in _tangent(f_jvp, args, u)]
            v = [np.asarray(t) for t in cotangents_like(ju, rng)]
            jv = [np.asarray(g, float) for g in _pulled(f_vjp, args, v)]
            found = _not_transposed(u, ju, v, jv, max(map(unit, arrays), default=2.0**-52))
            if found:
                break
    again = f"check.dot_product_test(f_jvp, f_vjp, args, seed={seed})"
    return _report(name, found, ("GC103",), seed, again, start)


def _not_transposed(u: Any, ju: Any, v: Any, jv: Any, eps: float) -> list[Finding]:
    """The finding that ⟨v, J u⟩ and ⟨Jᵀ v, u⟩ differ, or that shapes do; none if they agree."""
    shapes = [g.shape for g in jv], [t.shape for t in u]
    if shapes[0] != shapes[1]:
        text = "vjp gives shapes {}, expected {}".format(*shapes)
        return [Finding("GC041", "CONTRACT", text)]
    return not_transposed((v, ju), (jv, u), eps, 64, "the jvp and vjp")


def _pulled(f_vjp: Callable[..., Any], args: Sequence[Any], v: list[Any]) -> list[Any]:
    takes = all_parameters(f_vjp)
    if len(takes) == len(args) + 1:
        out = f_vjp(*v, *args)
    else:
        try:
            out = f_vjp(*copies(args))
        except Exception:
            out = None
        if isinstance(out, tuple) and len(out) == 2 and callable(out[1]):
            out = out[1](v[0] if len(v) == 1 else tuple(v))
        else:
            out = f_vjp(*v)  # a linear map's adjoint
    return _several(out)


# ---- Taylor remainders ---------------------------------------------------------------------------


def taylor(f: Any, grad: Any, x: Any, direction: Any, seed: int, name: str) -> Report:
    """See check.taylor_test."""
    start = time.perf_counter()
    xs = [np.asarray(a, float) for a in _several(x)]
    given = grad(*xs) if callable(grad) else grad
    gs = [np.asarray(g, float) for g in _several(given)]
    if direction is None:
        direction = cotangents_like(xs, np.random.default_rng(seed))
    ds = [np.asarray(d, float) for d in _several(direction)]
    again = f"check.taylor_test({name}, grad, x, seed={seed})"
    shapes = [g.shape for g in gs], [a.shape for a in xs]
    if shapes[0] != shapes[1]:
        text = "grad has shapes {}, x has {}".format(*shapes)
        finding = Finding("GC041", "CONTRACT", text)
    else:
        with quiet():
            finding = _remainders(f, gs, xs, ds)
    return _report(name, [finding], ("GC208",), seed, again, start)


def _remainders(f: Any, gs: list[Any], xs: list[Any], ds: list[Any]) -> Finding:
    """The finding that says how fast the remainder falls along the direction ds."""
    slope = float(sum((g * d).sum() for g, d in zip(gs, ds, strict=True)))
    here = float(f(*xs))
    norm = max(float(np.abs(a).max(initial=0.0)) for a in xs) or 1.0
    steps = [1e-2 * max(norm, 1e-3) * 0.5**k for k in range(6)]
    there = [float(f(*[a + h * d for a, d in zip(xs, ds, strict=True)])) for h in steps]
    rest = [abs(y - here - h * slope) for h, y in zip(steps, there, strict=True)]
    noise = 64 * 2.0**-52 * (abs(here) + abs(slope) * steps[0])
    kept = [r for r in rest if r > noise]
    rates = [float(np.log2(a / b)) for a, b in pairwise(kept)]
    wrong = bool(rates) and float(np.median(rates)) < 1.7 and len(kept) > 2
    text = ", ".join(f"{r:.2f}" for r in rates) or "none: the remainder is rounding at every step"
    return Finding(
        "GC208", "FAIL" if wrong else "PASS",
        f"the remainder falls at the rates {text}; 2 is right, 1 says that the gradient is wrong",
        point="your point", method="Taylor remainders along one direction",
        data={"steps": steps, "remainders": rest, "rates": rates},
    )  # fmt: skip
