"""The reductions that leave nan out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import REDUCTIONS, array, implements
from ..engine.types import (
    Axis,
)
from .choosing import where
from .reduce import extreme, mean, prod, std, sum, var
from .shape import moveaxis, reshape
from .sorting import _merged, quantile


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
    return var(where(known, a, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Axis = None, dtype: Any = None, ddof: float = 0, *, keepdims: bool = False
) -> Any:
    """The standard deviation of the elements that are not nan."""
    a, known = _without_nan(a)
    return std(where(known, a, 0), axis, dtype, ddof, keepdims=keepdims, where=known)


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
    y = extreme(name, where(known, a, worst), axis, keepdims, None, True)
    none = ~known.any(axis, keepdims=keepdims)
    return where(none, np.nan, y) if none.any() else y


@implements(np.nanmax)
def nanmax(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest of the elements that are not nan."""
    return _nan_extreme("max", a, axis, keepdims)


@implements(np.nanmin)
def nanmin(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The smallest of the elements that are not nan."""
    return _nan_extreme("min", a, axis, keepdims)


REDUCTIONS.update({np.fmax: nanmax, np.fmin: nanmin})

__all__ = [
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile",
    "nanstd", "nansum", "nanvar",
]  # fmt: skip
