"""The reductions that leave nan out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import REDUCTIONS, array
from .choosing import where
from .implementing import implements
from .reduce import extreme, mean, prod, std, sum, var
from .shape import floats, moveaxis, reshape
from .sorting import _merged, median, quantile, shares
from .types import A, Axis, DType, Like


def _without_nan(a: Any) -> tuple[Any, Any]:
    a = array(a)
    return a, ~np.isnan(plain(a))


@implements(np.nansum)
def nansum(a: Like[A], axis: Axis = None, dtype: DType = None, *, keepdims: bool = False) -> A:
    """The sum of the elements that are not nan."""
    x, known = _without_nan(a)
    return sum(x, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanprod)
def nanprod(a: Like[A], axis: Axis = None, dtype: DType = None, *, keepdims: bool = False) -> A:
    """The product of the elements that are not nan."""
    x, known = _without_nan(a)
    return prod(x, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanmean)
def nanmean(a: Like[A], axis: Axis = None, dtype: DType = None, *, keepdims: bool = False) -> A:
    """The mean of the elements that are not nan."""
    x, known = _without_nan(a)
    return mean(x, axis, dtype, keepdims=keepdims, where=known)


@implements(np.nanvar)
def nanvar(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    ddof: float = 0,
    *,
    keepdims: bool = False,
) -> A:
    """The variance of the elements that are not nan."""
    x, known = _without_nan(a)
    return var(where(known, x, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


@implements(np.nanstd)
def nanstd(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    ddof: float = 0,
    *,
    keepdims: bool = False,
) -> A:
    """The standard deviation of the elements that are not nan."""
    x, known = _without_nan(a)
    return std(where(known, x, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


@implements(np.nanquantile)
def nanquantile(
    a: Like[A], q: Like[A], axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> A:
    """The q-quantile of the elements that are not nan."""
    return _by_rows(lambda v: quantile(v, q, method=method), np.shape(plain(q)), a, axis, keepdims)


def _by_rows(f: Any, lead: tuple[int, ...], a: Any, axis: Axis, keepdims: bool) -> Any:
    """f, whose result has shape `lead`, of each row without its nan; axis is merged into rows."""
    x, kept = _merged(array(a), axis)
    rows = ops.reshape(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))
    parts = []
    for i in range(rows.shape[0]):  # each row may have another number of them
        known = ~np.isnan(plain(rows)[i])
        some = rows[i][known] if known.any() else rows[i][:1]
        parts.append(f(some))
    y = moveaxis(ops.stack(*parts), 0, -1) if parts else np.zeros((*lead, 0), floats(x).dtype)
    return reshape(y, lead + (kept if keepdims else x.shape[:-1]))


@implements(np.nanpercentile)
def nanpercentile(
    a: Like[A], q: Like[A], axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> A:
    """The q-th percentile of the elements that are not nan."""
    return nanquantile(a, shares(q), axis, method=method, keepdims=keepdims)


@implements(np.nanmedian)
def nanmedian(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The median of the elements that are not nan."""
    return _by_rows(median, (), a, axis, keepdims)


def _nan_extreme(name: str, a: Any, axis: Axis, keepdims: bool) -> Any:
    a, known = _without_nan(a)
    if known.all():
        return extreme(name, a, axis, keepdims, None, True)
    worst = -np.inf if name == "max" else np.inf
    y = extreme(name, where(known, a, worst), axis, keepdims, None, True)
    none = ~known.any(axis, keepdims=keepdims)
    return where(none, np.nan, y) if none.any() else y


@implements(np.nanmax)
def nanmax(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The largest of the elements that are not nan."""
    return _nan_extreme("max", a, axis, keepdims)


@implements(np.nanmin)
def nanmin(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The smallest of the elements that are not nan."""
    return _nan_extreme("min", a, axis, keepdims)


REDUCTIONS.update({np.fmax: nanmax, np.fmin: nanmin})

__all__ = [
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip
