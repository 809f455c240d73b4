"""Differences, integrals, interpolation, statistics of pairs, polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.op import Carrier, constant
from ..engine.protocol import array
from ..signatures.expected import affordable
from .choosing import clip, take, where
from .implementing import implements
from .joining import concatenate, stack
from .products import matmul
from .reduce import average, sum
from .shape import broadcast_to, floats, matrix_transpose, moveaxis, ravel, reals, reshape
from .types import A, ArrayLike, Axis, Like


def _cut(a: Any, axis: int, start: Any, stop: Any, step: Any = None) -> Any:
    return a[(*(slice(None),) * (axis % a.ndim), slice(start, stop, step))]


@implements(np.diff)
def diff(
    a: Like[A],
    n: int = 1,
    axis: int = -1,
    prepend: Like[A] | None = None,
    append: Like[A] | None = None,
) -> A:
    """The n-th differences of neighbours along axis."""
    x = array(a)
    if n < 0:
        raise ValueError(f"order {n} is negative")
    if n == 0:
        return x
    if not x.ndim:
        raise ValueError("a single number has no neighbours")
    ends = [None if e is None or e is np._NoValue else array(e) for e in (prepend, append)]
    one = tuple(1 if i == axis % x.ndim else k for i, k in enumerate(x.shape))
    ends = [e if e is None or e.ndim else broadcast_to(e, one) for e in ends]
    parts = [e for e in (ends[0], x, ends[1]) if e is not None]
    x = concatenate(parts, axis) if len(parts) > 1 else x
    step = np.not_equal if plain(x).dtype == bool else ops.sub
    for _ in range(n):
        x = step(_cut(x, axis, 1, None), _cut(x, axis, None, -1))
    return x


@implements(np.ediff1d)
def ediff1d(ary: Like[A], to_end: Like[A] | None = None, to_begin: Like[A] | None = None) -> A:
    """The differences of neighbours in the flattened array, between to_begin and to_end."""
    x = ravel(ary)
    begin, end = (None if e is None else _in_kind(ravel(e), x.dtype) for e in (to_begin, to_end))
    return concatenate([p for p in (begin, diff(x), end) if p is not None])


def _in_kind(x: Any, dtype: Any) -> Any:
    if not np.can_cast(x.dtype, dtype, "same_kind"):
        raise TypeError(f"an end of dtype {x.dtype} does not fit elements of dtype {dtype}")
    return ops.astype(x, dtype=dtype)


@implements(np.gradient)
def gradient(f: Like[A], *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """The slopes of samples f along each axis by central differences, one-sided at the ends.

    varargs: the spacing, or one spacing or array of coordinates for each axis.
    """
    y = array(f)
    axes = tuple(range(y.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(i % y.ndim for i in axes)
    given = list(varargs) or [1.0]
    if len(given) == 1 and np.ndim(plain(given[0])) == 0:
        given = given * len(axes)
    if len(given) != len(axes):
        raise TypeError(f"{len(given)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order {edge_order}; use 1 or 2")
    out = [_slope(y, h, i, edge_order) for h, i in zip(given, axes, strict=True)]
    return out[0] if len(out) == 1 else tuple(out)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"{n} samples; edge_order {edge_order} needs {edge_order + 1}")
    y = moveaxis(floats(f), axis, -1)
    if not np.ndim(plain(spacing)):
        slope = _even(y, spacing, edge_order)
    elif len(spacing) != n:
        raise ValueError(f"{len(spacing)} coordinates for {n} samples")
    else:
        steps = diff(floats(array(spacing)))
        even = not isinstance(steps, Carrier) and bool(np.all(steps == steps[0]))
        slope = _even(y, steps[0], edge_order) if even else _uneven(y, steps, edge_order)
    return moveaxis(ops.astype(slope, dtype=y.dtype), -1, axis)


def _even(y: Any, h: Any, edge_order: int) -> Any:
    """The slopes along the last axis of samples a distance h apart."""
    inner = (y[..., 2:] - y[..., :-2]) / (2.0 * h)
    if edge_order == 1:
        first, last = (y[..., 1:2] - y[..., :1]) / h, (y[..., -1:] - y[..., -2:-1]) / h
    else:
        near, far = -1.5 / h, -0.5 / h
        first = near * y[..., :1] + 2.0 / h * y[..., 1:2] + far * y[..., 2:3]
        last = -far * y[..., -3:-2] - 2.0 / h * y[..., -2:-1] - near * y[..., -1:]
    return concatenate([first, inner, last], -1)


def _uneven(y: Any, steps: Any, edge_order: int) -> Any:
    """The slopes along the last axis of samples with these steps between them."""
    a, b = steps[:-1], steps[1:]  # the steps before and after each inner sample
    inner = (
        -b / (a * (a + b)) * y[..., :-2]
        + (b - a) / (a * b) * y[..., 1:-1]
        + a / (b * (a + b)) * y[..., 2:]
    )
    if edge_order == 1:
        first = (y[..., 1:2] - y[..., :1]) / steps[0]
        last = (y[..., -1:] - y[..., -2:-1]) / steps[-1]
    else:
        first = _end(y[..., :1], y[..., 1:2], y[..., 2:3], steps[0], steps[1])
        last = -_end(y[..., -1:], y[..., -2:-1], y[..., -3:-2], steps[-1], steps[-2])
    return concatenate([first, inner, last], -1)


def _end(y0: Any, y1: Any, y2: Any, a: Any, b: Any) -> Any:
    """The slope at the first of three samples with steps a and b, of second order."""
    return -(2 * a + b) / (a * (a + b)) * y0 + (a + b) / (a * b) * y1 - a / (b * (a + b)) * y2


@implements(getattr(np, "trapezoid", "trapezoid"))
def trapezoid(y: Like[A], x: Like[A] | None = None, dx: ArrayLike = 1.0, axis: int = -1) -> A:
    """The integral of samples y along axis by the trapezoidal rule."""
    f = array(y)
    if x is not None:
        dx = diff(array(x)) if np.ndim(plain(x)) == 1 else diff(x, axis=axis)
        if dx.ndim == 1:
            dx = reshape(dx, tuple(-1 if i == axis % f.ndim else 1 for i in range(f.ndim)))
    return sum(dx * (_cut(f, axis, 1, None) + _cut(f, axis, None, -1)) / 2.0, axis)


@implements(np.interp)
def interp(
    x: Like[A], xp: Like[A], fp: Like[A], left: float | None = None, right: float | None = None
) -> A:
    """Straight lines through the points (xp, fp), xp increasing, at x; constant outside.

    At a point of xp the slope is that of the line to its right.
    """
    t, px, py = (_at_least_double(array(v)) for v in (x, xp, fp))
    if px.ndim != 1 or px.shape != py.shape or not px.size:
        raise ValueError(f"xp {px.shape} and fp {py.shape} must be vectors of one length")
    n, at = px.shape[0], plain(t)
    if n == 1:
        y = broadcast_to(py[0], t.shape) + t * 0
    else:
        i = np.clip(np.searchsorted(plain(px), at, "right") - 1, 0, n - 2)
        x0, x1, y0, y1 = take(px, i), take(px, i + 1), take(py, i), take(py, i + 1)
        slope = (y1 - y0) / (x1 - x0)
        y = y0 + slope * (t - x0)
        lost = np.isnan(plain(y))
        if lost.any():  # beside an infinite number: the point itself, or from the other end
            here = (at == plain(x0)) | (plain(y0) == plain(y1))
            y = where(lost, where(here, y0, y1 + slope * (t - x1)), y)
    y = where(at < plain(px)[0], py[0] if left is None else left, y)
    y = where(at > plain(px)[-1], py[-1] if right is None else right, y)
    return where(at == plain(px)[-1], y if n == 1 else y1, y)


def _at_least_double(x: Any) -> Any:
    return ops.astype(x, dtype=np.result_type(x.dtype, np.float64))


@implements(np.unwrap)
def unwrap(
    p: Like[A], discont: float | None = None, axis: int = -1, *, period: float = 2 * np.pi
) -> A:
    """p with jumps larger than half a period taken out by adding whole periods."""
    period = constant("unwrap", "period", period)
    x = array(p)
    raw = plain(x)
    new = np.unwrap(raw, plain(discont), axis, period=period)
    # Of an infinite number new - raw is nan, though it stays where it is.
    return x + np.where(np.isinf(raw) & (new == raw), 0, new - raw).astype(new.dtype)


@implements(np.cov)
def cov(
    m: Like[A],
    y: Like[A] | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
) -> A:
    """The covariance matrix of variables (rows, or columns if not rowvar) over observations."""
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar, second=True)], 0)
    x = _at_least_double(x)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is not None:
            _check_weights(name, plain(given), x.shape[1])
            w = _at_least_double(array(given)) if w is None else w * _at_least_double(array(given))
    middle, total = average(x, 1, w, True)
    if w is None:
        factor = x.shape[1] - ddof
    elif not ddof or aweights is None:
        factor = total[0] - ddof
    else:
        factor = total[0] - ddof * sum(w * array(aweights)) / total[0]
    d = x - reshape(middle, (-1, 1))
    c = matmul(d if w is None else d * w, matrix_transpose(d))
    out = ops.div(c, np.maximum(factor, 0) if not hasattr(factor, "_data") else factor)
    return reshape(out, ()) if out.shape == (1, 1) else out


def _check_weights(name: str, w: Any, n: int) -> None:
    if np.shape(w) != (n,):
        raise ValueError(f"{name} have shape {np.shape(w)}, expected ({n},)")
    if np.any(np.less(w, 0)):
        raise ValueError(f"{name} must not be negative")
    if name == "fweights" and np.any(np.not_equal(w, np.around(w))):
        raise TypeError("fweights count observations: they must be integers")


def _variables(m: Any, rowvar: bool, second: bool = False) -> Any:
    x = reals(m)
    if x.ndim > 2:
        raise ValueError(f"{x.ndim} dimensions; a matrix or vector is needed")
    if x.ndim < 2:
        return reshape(x, (1, -1))
    return x if rowvar or second and x.shape[0] == 1 else matrix_transpose(x)


@implements(np.corrcoef)
def corrcoef(x: Like[A], y: Like[A] | None = None, rowvar: bool = True) -> A:
    """The matrix of correlation coefficients, covariances over the standard deviations."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    s = ops.sqrt(ops.diagonal(c))
    return clip(c / reshape(s, (-1, 1)) / s, -1, 1)


@implements(np.polyval)
def polyval(p: Like[A], x: Like[A]) -> A:
    """The polynomial with coefficients p, highest power first, at x."""
    c, t = array(p), array(x)
    y: Any = np.zeros(t.shape, t.dtype)
    for i in range(c.shape[0]):
        y = y * t + c[i]
    return y


@implements(np.vander)
def vander(x: Like[A], N: int | None = None, increasing: bool = False) -> A:  # noqa: N803
    """The powers of x as columns, the highest first unless increasing."""
    t = array(x)
    t = ops.astype(t, dtype=np.promote_types(t.dtype, int))
    n = t.shape[0] if N is None else N
    affordable("vander", 100_000, N=n)
    columns: list[Any] = [np.ones(t.shape, t.dtype)]
    for _ in range(n - 1):
        columns.append(columns[-1] * t)
    columns = columns[:n]
    return stack(columns if increasing else columns[::-1], 1)


__all__ = [
    "corrcoef", "cov", "diff", "ediff1d", "gradient", "interp", "polyval", "trapezoid",
    "unwrap", "vander",
]  # fmt: skip
