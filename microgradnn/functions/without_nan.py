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
from .types import A, ArrayLike, Axis, DType, Like


def _known(x: Any) -> Any:
    """Where the plain array x is not nan; also of objects, which np.isnan does not take."""
    return np.equal(x, x, dtype=bool) if x.dtype.char == "O" else ~np.isnan(x)


def _without_nan(a: Any, where: Any = True) -> tuple[Any, Any]:
    a = array(a)
    known = _known(plain(a))
    return a, known if where is True else known & np.asarray(plain(where), bool)


@implements(np.nansum)
def nansum(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The sum of the elements that are not nan."""
    x, known = _without_nan(a, where)
    return sum(x, axis, dtype, keepdims=keepdims, initial=initial, where=known)


@implements(np.nanprod)
def nanprod(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The product of the elements that are not nan."""
    x, known = _without_nan(a, where)
    return prod(x, axis, dtype, keepdims=keepdims, initial=initial, where=known)


@implements(np.nanmean)
def nanmean(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    where: ArrayLike = True,
) -> A:
    """The mean of the elements that are not nan."""
    x, known = _without_nan(a, where)
    return mean(x, axis, dtype, keepdims=keepdims, where=known)


def _spread(f: Any, a: Any, axis: Axis, ddof: Any, given: Any, options: dict[str, Any]) -> Any:
    """var or std; nan, as in NumPy, where no more than ddof elements are left."""
    x, known = _without_nan(a, options["where"])
    y = f(where(known, x, 0), axis, ddof=ddof, mean=given, **options | {"where": known})
    if x.dtype.kind in "biu":
        return y
    few = np.sum(np.broadcast_to(known, x.shape), axis, keepdims=options["keepdims"]) <= plain(ddof)
    return where(few, np.nan, y) if np.any(few) else y


@implements(np.nanvar)
def nanvar(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    ddof: float = 0,
    *,
    keepdims: bool = False,
    where: ArrayLike = True,
    mean: Like[A] | None = None,
    correction: float | None = None,
) -> A:
    """The variance of the elements that are not nan."""
    options = {"dtype": dtype, "keepdims": keepdims, "where": where}
    return _spread(var, a, axis, ddof if correction is None else correction, mean, options)


@implements(np.nanstd)
def nanstd(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    ddof: float = 0,
    *,
    keepdims: bool = False,
    where: ArrayLike = True,
    mean: Like[A] | None = None,
    correction: float | None = None,
) -> A:
    """The standard deviation of the elements that are not nan."""
    options = {"dtype": dtype, "keepdims": keepdims, "where": where}
    return _spread(std, a, axis, ddof if correction is None else correction, mean, options)


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
        known = _known(plain(rows)[i])
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


def _nan_extreme(name: str, a: Any, axis: Axis, keepdims: bool, initial: Any, among: Any) -> Any:
    a, known = _without_nan(a)
    if known.all():
        return extreme(name, a, axis, keepdims, initial, among)
    worst = -np.inf if name == "max" else np.inf
    y = extreme(name, where(known, a, worst), axis, keepdims, initial, among)
    none = ~known.any(axis, keepdims=keepdims)
    return where(none, np.nan, y) if initial is None and none.any() else y


@implements(np.nanmax)
def nanmax(
    a: Like[A],
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The largest of the elements that are not nan."""
    return _nan_extreme("max", a, axis, keepdims, initial, where)


@implements(np.nanmin)
def nanmin(
    a: Like[A],
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The smallest of the elements that are not nan."""
    return _nan_extreme("min", a, axis, keepdims, initial, where)


REDUCTIONS.update({np.fmax: nanmax, np.fmin: nanmin})

__all__ = [
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip
