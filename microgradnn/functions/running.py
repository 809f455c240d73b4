"""Running sums, products and extremes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import ACCUMULATIONS, array
from .choosing import take_along_axis, where
from .implementing import implements
from .reduce import in_dtype, masked
from .shape import reshape
from .types import A, DType, Like
from .without_nan import _without_nan


def _running(op: Any, a: Any, axis: int | None, dtype: Any) -> Any:
    a = masked(array(a), True, 0, dtype)
    y = op(reshape(a, -1), axis=0) if axis is None else op(a, axis=int(axis))
    return in_dtype(y, dtype)


@implements(np.cumsum)
def cumsum(a: Like[A], axis: int | None = None, dtype: DType = None) -> A:
    """The sums of the first 1, 2, … elements along axis, of the flattened array by default."""
    return _running(ops.cumsum, a, axis, dtype)


@implements(np.cumprod)
def cumprod(a: Like[A], axis: int | None = None, dtype: DType = None) -> A:
    """The products of the first 1, 2, … elements along axis; its gradient divides by nothing."""
    return _running(ops.cumprod, a, axis, dtype)


@implements()
def logcumsumexp(a: Like[A], axis: int | None = None) -> A:
    """log of the sums of the first 1, 2, … of exp(a) along axis, without overflow.

    Of the flattened array by default, as cumsum; it is also np.logaddexp.accumulate.
    """
    x = array(a)
    if axis is None:
        x, axis = reshape(x, -1), 0
    y, k = ops.swapaxes(x, axis1=axis, axis2=-1) if x.ndim else x, 1
    while x.ndim and k < x.shape[axis]:  # sums of 1, 2, 4, … elements
        later, before = y[..., k:], y[..., :-k]
        empty = (plain(later) == -np.inf) & (plain(before) == -np.inf)
        both = ops.logaddexp(where(empty, 0, later), where(empty, 0, before))
        y = ops.concatenate(y[..., :k], where(empty, -np.inf, both), axis=-1)
        k *= 2
    return ops.swapaxes(y, axis1=axis, axis2=-1) if x.ndim else ops.alias(y)


@implements(np.nancumsum)
def nancumsum(a: Like[A], axis: int | None = None, dtype: DType = None) -> A:
    """cumsum with nan as 0."""
    x, known = _without_nan(a)
    return cumsum(where(known, x, 0), axis, dtype)


@implements(np.nancumprod)
def nancumprod(a: Like[A], axis: int | None = None, dtype: DType = None) -> A:
    """cumprod with nan as 1."""
    x, known = _without_nan(a)
    return cumprod(where(known, x, 1), axis, dtype)


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
    x: Like[A],
    *,
    axis: int | None = None,
    dtype: DType = None,
    include_initial: bool = False,
) -> A:
    """cumsum, which may start with the empty sum 0."""
    return _cumulative(ops.cumsum, x, axis, dtype, 0 if include_initial else None)


@implements(getattr(np, "cumulative_prod", "cumulative_prod"))
def cumulative_prod(
    x: Like[A],
    *,
    axis: int | None = None,
    dtype: DType = None,
    include_initial: bool = False,
) -> A:
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


ACCUMULATIONS.update({
    np.add: cumsum, np.multiply: cumprod, np.logaddexp: logcumsumexp,
    np.maximum: partial(_running_extreme, np.maximum),
    np.minimum: partial(_running_extreme, np.minimum),
})  # fmt: skip

__all__ = [
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "logcumsumexp", "nancumprod",
    "nancumsum",
]  # fmt: skip
