"""Differences, integrals, interpolation, statistics of pairs, polynomials."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array, implements
from .choosing import clip, take, where
from .joining import concatenate, stack
from .products import matmul
from .reduce import average, sum
from .shape import broadcast_to, matrix_transpose, moveaxis, ravel, reshape


def _cut(a: Any, axis: int, start: Any, stop: Any, step: Any = None) -> Any:
    return a[(*(slice(None),) * (axis % a.ndim), slice(start, stop, step))]


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The n-th differences of neighbours along axis."""
    a = array(a)
    if n < 0:
        raise ValueError(f"order {n} is negative")
    if n == 0:
        return a
    ends = [None if e is None or e is np._NoValue else array(e) for e in (prepend, append)]
    one = tuple(1 if i == axis % a.ndim else k for i, k in enumerate(a.shape))
    ends = [e if e is None or e.ndim else broadcast_to(e, one) for e in ends]
    parts = [e for e in (ends[0], a, ends[1]) if e is not None]
    a = concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        a = _cut(a, axis, 1, None) - _cut(a, axis, None, -1)
    return a


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """The differences of neighbours in the flattened array, between to_begin and to_end."""
    parts = [to_begin, diff(ravel(ary)), to_end]
    return concatenate([ravel(p) for p in parts if p is not None])


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slopes of samples f along each axis by central differences, one-sided at the ends.

    varargs: the spacing, or one spacing or array of coordinates for each axis.
    """
    f = array(f)
    axes = tuple(range(f.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = tuple(i % f.ndim for i in axes)
    given = list(varargs) or [1.0]
    if len(given) == 1 and np.ndim(plain(given[0])) == 0:
        given = given * len(axes)
    if len(given) != len(axes):
        raise TypeError(f"{len(given)} spacings for {len(axes)} axes")
    if edge_order not in (1, 2):
        raise ValueError("edge_order greater than 2 is not supported")
    out = [_slope(f, h, i, edge_order) for h, i in zip(given, axes, strict=True)]
    return out[0] if len(out) == 1 else tuple(out)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(f"{n} samples; edge_order {edge_order} needs {edge_order + 1}")
    y, h = moveaxis(f, axis, -1), array(spacing)
    if h.ndim and len(h) != n:
        raise ValueError(f"{len(h)} coordinates for {n} samples")
    steps = diff(h) if h.ndim else broadcast_to(h, (n - 1,))
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
    return moveaxis(concatenate([first, inner, last], -1), -1, axis)


def _end(y0: Any, y1: Any, y2: Any, a: Any, b: Any) -> Any:
    """The slope at the first of three samples with steps a and b, of second order."""
    return -(2 * a + b) / (a * (a + b)) * y0 + (a + b) / (a * b) * y1 - a / (b * (a + b)) * y2


@implements(getattr(np, "trapezoid", "trapezoid"))
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of samples y along axis by the trapezoidal rule."""
    y = array(y)
    if x is not None:
        dx = diff(array(x)) if np.ndim(plain(x)) == 1 else diff(x, axis=axis)
        if dx.ndim == 1:
            dx = reshape(dx, tuple(-1 if i == axis % y.ndim else 1 for i in range(y.ndim)))
    return sum(dx * (_cut(y, axis, 1, None) + _cut(y, axis, None, -1)) / 2.0, axis)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    """Straight lines through the points (xp, fp), xp increasing, at x; constant outside.

    At a point of xp the slope is that of the line to its right.
    """
    x, xp, fp = array(x), array(xp), array(fp)
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"xp {xp.shape} and fp {fp.shape} must be vectors of one length")
    n, at = xp.shape[0], plain(x)
    if n == 1:
        y = broadcast_to(fp[0], x.shape) + x * 0
    else:
        i = np.clip(np.searchsorted(plain(xp), at, "right") - 1, 0, n - 2)
        x0, x1, y0, y1 = take(xp, i), take(xp, i + 1), take(fp, i), take(fp, i + 1)
        y = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    y = where(at < plain(xp)[0], fp[0] if left is None else left, y)
    y = where(at > plain(xp)[-1], fp[-1] if right is None else right, y)
    return where(at == plain(xp)[-1], y if n == 1 else y0 + (y1 - y0), y)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * np.pi) -> Any:
    """p with jumps larger than half a period taken out by adding whole periods."""
    shift = np.unwrap(plain(p), discont, axis, period=period) - plain(p)
    return array(p) + shift


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None,
    fweights: Any = None, aweights: Any = None,
) -> Any:  # fmt: skip
    """The covariance matrix of variables (rows, or columns if not rowvar) over observations."""
    x = _variables(m, rowvar)
    if y is not None:
        x = concatenate([x, _variables(y, rowvar)], 0)
    ddof = (0 if bias else 1) if ddof is None else ddof
    w = None
    for given in (fweights, aweights):
        if given is not None:
            w = array(given) if w is None else w * array(given)
    middle, total = average(x, 1, w, True)
    if w is None:
        factor = x.shape[1] - ddof
    elif not ddof or aweights is None:
        factor = total[0] - ddof
    else:
        factor = total[0] - ddof * sum(w * array(aweights)) / total[0]
    d = x - reshape(middle, (-1, 1))
    c = matmul(d if w is None else d * w, matrix_transpose(d))
    y = ops.div(c, np.maximum(factor, 0) if not hasattr(factor, "_data") else factor)
    return reshape(y, tuple(n for n in y.shape if n != 1)) if y.shape == (1, 1) else y


def _variables(m: Any, rowvar: bool) -> Any:
    x = array(m)
    if x.ndim > 2:
        raise ValueError(f"{x.ndim} dimensions; a matrix or vector is needed")
    if x.ndim < 2:
        return reshape(x, (1, -1))
    return x if rowvar or x.shape[0] == 1 else matrix_transpose(x)


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    """The matrix of correlation coefficients, covariances over the standard deviations."""
    c = cov(x, y, rowvar)
    if not c.ndim:
        return c / c
    s = ops.sqrt(ops.diagonal(c))
    return clip(c / reshape(s, (-1, 1)) / s, -1, 1)


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """The polynomial with coefficients p, highest power first, at x."""
    p, x = array(p), array(x)
    y = x * 0
    for i in range(p.shape[0]):
        y = y * x + p[i]
    return y


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    """The powers of x as columns, the highest first unless increasing."""
    x = array(x)
    n = x.shape[0] if N is None else N
    columns = [x * 0 + 1]
    for _ in range(n - 1):
        columns.append(columns[-1] * x)
    columns = columns[:n]
    return stack(columns if increasing else columns[::-1], 1)


__all__ = [
    "corrcoef", "cov", "diff", "ediff1d", "gradient", "interp", "polyval", "trapezoid",
    "unwrap", "vander",
]  # fmt: skip
