"""Sums, means, extremes, order statistics: NumPy's reductions, their names and arguments."""

import builtins
import math
from functools import partial
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import ACCUMULATIONS, REDUCTIONS, array, implements
from .choose import sort, take, take_along_axis
from .choose import where as choose_where
from .shape import broadcast_to, moveaxis, reshape

Axis = int | tuple[int, ...] | None


def _masked(a: Any, where: Any, fill: Any, dtype: Any = None) -> Any:
    """a, in dtype if that is given, with `fill` where the mask is false."""
    if dtype is not None:
        a = ops.astype(array(a), dtype=np.dtype(dtype))
    return a if where is True else ops.where(array(plain(where)), array(a), fill)


def _count(a: Any, axis: Axis, where: Any = True) -> Any:
    """How many elements are reduced to one: an int, or an array that keeps the axes for a mask."""
    shape = np.shape(plain(a))
    if where is not True:
        return np.sum(np.broadcast_to(plain(where), shape), axis, keepdims=True)
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[i] for i in ((axis,) if isinstance(axis, (int, np.integer)) else axis))


def _kept(n: Any, keepdims: bool, axis: Axis) -> Any:
    return n if keepdims or isinstance(n, int) else np.squeeze(n, axis)


@implements(np.sum)
def sum(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """The sum along axis (all axes by default), plus `initial`, of the elements where `where`."""
    y = ops.sum(_masked(a, where, 0, dtype), axis=axis, keepdims=keepdims)
    return y if initial is None else y + initial


@implements(np.prod)
def prod(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False,
    initial: Any = None, where: Any = True,
) -> Any:  # fmt: skip
    """The product along axis; its gradient is exact also where elements are zero."""
    y = ops.prod(_masked(a, where, 1, dtype), axis=axis, keepdims=keepdims)
    return y if initial is None else y * initial


@implements(np.mean)
def mean(
    a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True
) -> Any:
    """The mean along axis: sum / n. Of integers a float; of nothing nan."""
    if where is True:
        return ops.mean(_masked(a, True, 0, dtype), axis=axis, keepdims=keepdims)
    total = ops.sum(_masked(a, where, 0, dtype), axis=axis, keepdims=keepdims)
    return ops.div(total, _kept(_count(a, axis, where), keepdims, axis))


def _extreme(name: str, a: Any, axis: Axis, keepdims: bool, initial: Any, where: Any) -> Any:
    reduce, pair = (ops.max, ops.maximum) if name == "max" else (ops.min, ops.minimum)
    if where is not True and initial is None:
        raise ValueError(f"{name}: where= needs initial=")
    if initial is None:
        return reduce(a, axis=axis, keepdims=keepdims)
    if not _count(a, axis):
        return np.sum(np.zeros(np.shape(plain(a))), axis, keepdims=keepdims) + initial
    return pair(reduce(_masked(a, where, initial), axis=axis, keepdims=keepdims), initial)


@implements(np.max, np.amax)
def max(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest element along axis; equal largest elements share the gradient."""
    return _extreme("max", a, axis, keepdims, initial, where)


@implements(np.min, np.amin)
def min(
    a: Any, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest element along axis; equal smallest elements share the gradient."""
    return _extreme("min", a, axis, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest minus the smallest element along axis."""
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


def logsumexp(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """log Σ exp(a) along axis, without overflow."""
    return ops.logsumexp(a, axis=axis, keepdims=keepdims)


def softmax(x: Any, axis: Axis = -1) -> Any:
    """exp(x) / Σ exp(x) along axis, without overflow."""
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: Axis = -1) -> Any:
    """log softmax(x), from logsumexp."""
    return ops.log_softmax(x, axis=axis)


# ---- spread -------------------------------------------------------------------------------------


def _centred(a: Any, axis: Axis, dtype: Any, where: Any, given: Any) -> Any:
    a = _masked(array(a), True, 0, dtype)
    middle = mean(a, axis, keepdims=True, where=where) if given is None else given
    return _masked(a - middle, where, 0)


def _degrees(a: Any, axis: Axis, keepdims: bool, where: Any, ddof: Any) -> Any:
    n = _kept(_count(a, axis, where), keepdims, axis) - ddof
    return np.maximum(n, 0) if isinstance(n, np.ndarray) else builtins.max(n, 0)


@implements(np.var)
def var(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    """The mean squared distance from the mean along axis: Σ(a - mean)² / (n - ddof).

    ddof (or `correction`) is 0 by default, as in NumPy; PyTorch divides by n - 1.
    """
    ddof = ddof if correction is None else correction
    total = ops.sum(ops.square(_centred(a, axis, dtype, where, mean)), axis=axis, keepdims=keepdims)
    return ops.div(total, _degrees(a, axis, keepdims, where, ddof))


@implements(np.std)
def std(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: float | None = None,
) -> Any:  # fmt: skip
    """√var along axis; of equal elements 0, with gradient 0 (as in PyTorch) where √ has nan."""
    ddof = ddof if correction is None else correction
    size = ops.norm(_centred(a, axis, dtype, where, mean), axis=axis, keepdims=keepdims)
    return ops.div(size, ops.sqrt(_degrees(a, axis, keepdims, where, ddof)))


@implements(np.average)
def average(
    a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *,
    keepdims: bool = False,
) -> Any:  # fmt: skip
    """Σ weights·a / Σ weights along axis; with `returned` a pair with the sum of weights."""
    a = array(a)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        return (y, np.full(y.shape, float(_count(a, axis)))) if returned else y
    w = array(weights)
    if w.shape != a.shape:
        axes = (axis,) if isinstance(axis, int) else axis
        if axes is None or w.shape != tuple(a.shape[i] for i in axes):
            raise ValueError(f"weights of shape {w.shape} do not fit {a.shape} along axis {axis}")
        w = reshape(w, w.shape + (1,) * (a.ndim - w.ndim))
        w = moveaxis(w, tuple(range(len(axes))), axes)
    total = ops.sum(broadcast_to(w, a.shape), axis=axis, keepdims=keepdims)
    y = ops.div(ops.sum(a * w, axis=axis, keepdims=keepdims), total)
    return (y, total) if returned else y


# ---- order --------------------------------------------------------------------------------------


def _merged(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """a with the reduced axes merged into its last, and a's shape with ones for them."""
    given = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = [i % a.ndim for i in given] if a.ndim else []
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    rest = [i for i in range(a.ndim) if i not in axes]
    moved = ops.transpose(a, axes=(*rest, *axes)) if a.ndim else a
    return reshape(moved, (*(a.shape[i] for i in rest), -1)), kept


@implements(np.quantile)
def quantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-quantile along axis, by any of NumPy's methods, interpolated between sorted elements.

    The gradient goes to the elements that are interpolated. Stable order decides between equals.
    """
    x, kept = _merged(array(a), axis)
    n, q = x.shape[-1], np.asarray(plain(q), float)
    # The quantile of 0, 1, …, n - 1 is the place itself, so NumPy's methods are not repeated here.
    at = np.quantile(np.arange(float(n)), q, method=method)  # type: ignore[call-overload]
    low = np.floor(at).astype(int)
    ordered = sort(x, axis=-1)
    below, above = (take(ordered, i, axis=-1) for i in (low, np.minimum(low + 1, n - 1)))
    t = (at - low).astype(x.dtype) if x.dtype.kind == "f" else at - low
    y = choose_where(t == 0, below, below + (above - below) * t)
    last = ordered[..., -1]
    if plain(last).dtype.kind == "f" and np.isnan(plain(last)).any():
        y = y + reshape(last * 0, last.shape + (1,) * q.ndim)
    y = moveaxis(y, tuple(range(y.ndim - q.ndim, y.ndim)), tuple(range(q.ndim)))
    return reshape(y, q.shape + kept) if keepdims else y


@implements(np.percentile)
def percentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-th percentile along axis, q between 0 and 100; see quantile."""
    return quantile(a, np.true_divide(plain(q), 100), axis, method=method, keepdims=keepdims)


@implements(np.median)
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The middle element along axis, of an even number the mean of the two."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


# ---- without nan --------------------------------------------------------------------------------


def _without_nan(a: Any) -> tuple[Any, Any]:
    a = array(a)
    return a, ~np.isnan(plain(a))


@implements(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum of the elements that are not nan."""
    a, known = _without_nan(a)
    return sum(a, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanprod)
def nanprod(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The product of the elements that are not nan."""
    a, known = _without_nan(a)
    return prod(a, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanmean)
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The mean of the elements that are not nan."""
    a, known = _without_nan(a)
    return mean(a, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanvar)
def nanvar(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False
) -> Any:
    """The variance of the elements that are not nan."""
    a, known = _without_nan(a)
    return var(choose_where(known, a, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False
) -> Any:
    """The standard deviation of the elements that are not nan."""
    a, known = _without_nan(a)
    return std(choose_where(known, a, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


@implements(np.nanquantile)
def nanquantile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-quantile of the elements that are not nan."""
    x, kept = _merged(array(a), axis)
    rows = ops.reshape(x, shape=(-1, x.shape[-1]))
    parts = []
    for i in range(rows.shape[0]):  # each row may have another number of them
        known = ~np.isnan(plain(rows)[i])
        some = rows[i][known] if known.any() else rows[i][:1]
        parts.append(quantile(some, q, method=method))
    q_shape = np.shape(plain(q))
    y = moveaxis(ops.stack(*parts), 0, -1) if parts else np.zeros((*q_shape, 0))
    return reshape(y, q_shape + (kept if keepdims else x.shape[:-1]))


@implements(np.nanpercentile)
def nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """The q-th percentile of the elements that are not nan."""
    return nanquantile(a, np.true_divide(plain(q), 100), axis, method=method, keepdims=keepdims)


@implements(np.nanmedian)
def nanmedian(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The median of the elements that are not nan."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


def _nan_extreme(name: str, a: Any, axis: Axis, keepdims: bool) -> Any:
    a, known = _without_nan(a)
    worst = -np.inf if name == "max" else np.inf
    y = _extreme(name, choose_where(known, a, worst), axis, keepdims, None, True)
    none = ~known.any(axis, keepdims=keepdims)
    return choose_where(none, np.nan, y) if none.any() else y


@implements(np.nanmax)
def nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest of the elements that are not nan."""
    return _nan_extreme("max", a, axis, keepdims)


@implements(np.nanmin)
def nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest of the elements that are not nan."""
    return _nan_extreme("min", a, axis, keepdims)


# ---- running ------------------------------------------------------------------------------------


def _running(op: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    a = _masked(array(a), True, 0, dtype)
    return op(reshape(a, -1), axis=0) if axis is None else op(a, axis=int(axis))


@implements(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The sums of the first 1, 2, … elements along axis, of the flattened array by default."""
    return _running(ops.cumsum, a, axis, dtype)


@implements(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """The products of the first 1, 2, … elements along axis; its gradient divides by nothing."""
    return _running(ops.cumprod, a, axis, dtype)


@implements(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """cumsum with nan as 0."""
    a, known = _without_nan(a)
    return cumsum(choose_where(known, a, 0), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    """cumprod with nan as 1."""
    a, known = _without_nan(a)
    return cumprod(choose_where(known, a, 1), axis, dtype)


def _cumulative(op: Any, x: Any, axis: int | None, dtype: Any, first: Any) -> Any:
    x = array(x)
    if axis is None and x.ndim != 1:
        raise ValueError(f"axis is needed for {x.ndim} dimensions")
    y = _running(op, x, 0 if axis is None else axis, dtype)
    if first is None:
        return y
    at = 0 if axis is None else axis
    shape = tuple(1 if i == at % y.ndim else n for i, n in enumerate(y.shape))
    return ops.concatenate(np.full(shape, first, y.dtype), y, axis=at)


@implements(getattr(np, "cumulative_sum", "cumulative_sum"))
def cumulative_sum(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """cumsum, which may start with the empty sum 0."""
    return _cumulative(ops.cumsum, x, axis, dtype, 0 if include_initial else None)


@implements(getattr(np, "cumulative_prod", "cumulative_prod"))
def cumulative_prod(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """cumprod, which may start with the empty product 1."""
    return _cumulative(ops.cumprod, x, axis, dtype, 1 if include_initial else None)


def _running_extreme(ufunc: np.ufunc, a: Any, axis: int, dtype: Any = None) -> Any:
    """ufunc.accumulate: at each place the extreme so far, of equal ones the latest."""
    a = array(a)
    so_far = ufunc.accumulate(plain(a), axis)
    shape = tuple(-1 if i == axis % a.ndim else 1 for i in range(a.ndim))
    place = np.arange(a.shape[axis]).reshape(shape)
    hit = (plain(a) == so_far) | np.isnan(plain(a))
    return take_along_axis(a, np.maximum.accumulate(np.where(hit, place, 0), axis), axis)


REDUCTIONS.update({
    np.add: sum, np.multiply: prod, np.maximum: max, np.minimum: min, np.fmax: nanmax,
    np.fmin: nanmin, np.logaddexp: logsumexp,
})  # fmt: skip
ACCUMULATIONS.update({
    np.add: cumsum, np.multiply: cumprod, np.maximum: partial(_running_extreme, np.maximum),
    np.minimum: partial(_running_extreme, np.minimum),
})  # fmt: skip

__all__ = [
    "average", "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "log_softmax",
    "logsumexp", "max", "mean", "median", "min", "nancumprod", "nancumsum", "nanmax", "nanmean",
    "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
    "percentile", "prod", "ptp", "quantile", "softmax", "std", "sum", "var",
]  # fmt: skip
