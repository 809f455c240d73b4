"""Sums, means, extremes, spread: NumPy's reductions, their names and arguments."""

from __future__ import annotations

import math
from typing import Any, Literal, overload

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.op import Carrier
from ..engine.protocol import REDUCTIONS, array
from ..errors import DTypeError
from .implementing import implements
from .shape import broadcast_to, moveaxis, narrow, reshape, wide
from .types import A, Array, ArrayLike, Axis, DType, Like


def masked(a: Any, where: Any, fill: Any, dtype: Any = None) -> Any:
    """a, in dtype if that is given, with `fill` where the mask is false."""
    if dtype is not None:
        a = ops.astype(array(a), dtype=np.dtype(dtype))
    return a if where is True else ops.where(array(plain(where)), array(a), fill)


def count(a: Any, axis: Axis, where: Any = True) -> Any:
    """How many elements are reduced to one: an int, or an array that keeps the axes for a mask."""
    shape = np.shape(plain(a))
    if where is not True:
        return np.sum(np.broadcast_to(plain(where), shape), axis, keepdims=True)
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[i] for i in ((axis,) if isinstance(axis, (int, np.integer)) else axis))


def in_dtype(y: Any, dtype: Any) -> Any:
    """y in the dtype asked for: NumPy adds short integers up in int64."""
    return y if dtype is None or y.dtype == dtype else ops.astype(y, dtype=np.dtype(dtype))


def started(y: Any, initial: Any, combine: Any) -> Any:
    """y combined with `initial`, which takes on y's dtype as in NumPy."""
    if initial is None:
        return y
    if isinstance(initial, Carrier):
        return combine(y, ops.astype(initial, dtype=y.dtype))
    return combine(y, np.asarray(initial, y.dtype))


def kept(n: Any, keepdims: bool, axis: Axis) -> Any:
    return n if keepdims or isinstance(n, int) else np.squeeze(n, axis)


@implements(np.sum)
def sum(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The sum along axis (all axes by default), plus `initial`, of the elements where `where`."""
    y = ops.sum(masked(a, where, 0, dtype), axis=axis, keepdims=keepdims)
    return started(in_dtype(y, dtype), initial, ops.add)


@implements(np.prod)
def prod(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The product along axis; its gradient is exact also where elements are zero."""
    y = ops.prod(masked(a, where, 1, dtype), axis=axis, keepdims=keepdims)
    return started(in_dtype(y, dtype), initial, ops.mul)


@implements(np.mean)
def mean(
    a: Like[A],
    axis: Axis = None,
    dtype: DType = None,
    *,
    keepdims: bool = False,
    where: ArrayLike = True,
) -> A:
    """The mean along axis: sum / n. Of integers a float; of nothing nan."""
    x = masked(a, True, 0, dtype)
    if where is True:
        return in_dtype(ops.mean(x, axis=axis, keepdims=keepdims), dtype)
    x = array(x)
    total = ops.sum(masked(wide(x), where, 0), axis=axis, keepdims=keepdims)
    n = kept(count(x, axis, where), keepdims, axis)
    return narrow(ops.div(total, n.astype(total.dtype)), x)


def extreme(name: str, a: Any, axis: Axis, keepdims: bool, initial: Any, where: Any) -> Any:
    reduce, pair = (ops.max, ops.maximum) if name == "max" else (ops.min, ops.minimum)
    if where is not True and initial is None:
        raise ValueError("where= needs initial=, the answer if no element is left")
    if initial is None:
        return reduce(a, axis=axis, keepdims=keepdims)
    a = array(a)
    if not count(a, axis):
        return started(ops.sum(a, axis=axis, keepdims=keepdims), initial, ops.add)
    if where is not True:
        a = ops.where(array(plain(where)), a, started(np.zeros((), a.dtype), initial, ops.add))
    return started(reduce(a, axis=axis, keepdims=keepdims), initial, pair)


@implements(np.max, np.amax)
def max(
    a: Like[A],
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The largest element along axis; equal largest elements share the gradient."""
    return extreme("max", a, axis, keepdims, initial, where)


@implements(np.min, np.amin)
def min(
    a: Like[A],
    axis: Axis = None,
    *,
    keepdims: bool = False,
    initial: float | None = None,
    where: ArrayLike = True,
) -> A:
    """The smallest element along axis; equal smallest elements share the gradient."""
    return extreme("min", a, axis, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The largest minus the smallest element along axis."""
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@implements()
def logsumexp(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """log Σ exp(a) along axis, without overflow."""
    return ops.logsumexp(a, axis=axis, keepdims=keepdims)


@implements()
def softmax(x: Like[A], axis: Axis = -1) -> A:
    """exp(x) / Σ exp(x) along axis, computed from x - max(x), which cannot overflow.

    The result has x's shape; along axis (several if it is a tuple, all if None) it sums to 1.
    """
    return ops.softmax(x, axis=axis)


@implements()
def log_softmax(x: Like[A], axis: Axis = -1) -> A:
    """x - log Σ exp(x) along axis: the logarithm of softmax, exact also where softmax is 0."""
    return ops.log_softmax(x, axis=axis)


def _in_floats(a: Any, dtype: Any) -> Any:
    if dtype is not None and np.dtype(dtype).kind not in "fO":
        raise DTypeError(f"dtype={np.dtype(dtype)} holds no fractions; use a float dtype, or none")
    return masked(array(a), True, 0, dtype)


def _centred(a: Any, axis: Axis, where: Any, given: Any) -> Any:
    a = wide(a)
    middle = mean(a, axis, keepdims=True, where=where) if given is None else given
    return masked(a - middle, where, 0)


def _degrees(a: Any, axis: Axis, keepdims: bool, where: Any, ddof: Any) -> Any:
    n = kept(count(a, axis, where), keepdims, axis) - ddof
    return n if isinstance(n, Carrier) else np.maximum(n, 0)


@implements(np.var)
def var(
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
    """The mean squared distance from the mean along axis: Σ(a - mean)² / (n - ddof).

    ddof (or `correction`) is 0 by default, as in NumPy; PyTorch divides by n - 1.
    """
    ddof, x = ddof if correction is None else correction, _in_floats(a, dtype)
    d = _centred(x, axis, where, mean)
    total = ops.sum(ops.square(d), axis=axis, keepdims=keepdims)
    n = _degrees(x, axis, keepdims, where, ddof)
    return narrow(ops.div(total, ops.astype(n, dtype=total.dtype)), x)


@implements(np.std)
def std(
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
    """√var along axis; of equal elements 0, with gradient 0 (as in PyTorch) where √ has nan."""
    ddof, x = ddof if correction is None else correction, _in_floats(a, dtype)
    size = ops.norm(_centred(x, axis, where, mean), axis=axis, keepdims=keepdims)
    n = _degrees(x, axis, keepdims, where, ddof)
    return narrow(ops.div(size, ops.sqrt(ops.astype(n, dtype=size.dtype))), x)


@overload
def average(
    a: Like[A],
    axis: Axis = None,
    weights: Like[A] | None = None,
    returned: Literal[False] = False,
    *,
    keepdims: bool = False,
) -> A: ...
@overload
def average(
    a: Like[A],
    axis: Axis,
    weights: Like[A] | None,
    returned: Literal[True],
    *,
    keepdims: bool = False,
) -> tuple[A, A | Array]: ...
@implements(np.average)  # type: ignore[misc]  # mypy solves A of weights apart from a's
def average(
    a: Like[A],
    axis: Axis = None,
    weights: Like[A] | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Σ weights·a / Σ weights along axis; with `returned` a pair with the sum of weights."""
    x = array(a)
    if weights is None:
        y = mean(x, axis, keepdims=keepdims)
        return (y, np.full(y.shape, count(x, axis), y.dtype)) if returned else y
    w = array(weights)
    kind = np.result_type(x.dtype, w.dtype, *["f8"] * (x.dtype.kind in "biu"))
    if w.shape != x.shape:
        axes = (axis,) if isinstance(axis, int) else axis
        if axes is None or w.shape != tuple(x.shape[i] for i in axes):
            raise ValueError(f"weights of shape {w.shape} do not fit {x.shape} along axis {axis}")
        w = reshape(w, w.shape + (1,) * (x.ndim - w.ndim))
        w = moveaxis(w, tuple(range(len(axes))), axes)
    x, w = ops.astype(x, dtype=kind), ops.astype(w, dtype=kind)
    total = ops.sum(broadcast_to(w, x.shape), axis=axis, keepdims=keepdims)
    y = ops.div(ops.sum(x * w, axis=axis, keepdims=keepdims), total)
    return (y, total) if returned else y


REDUCTIONS.update({
    np.add: sum, np.multiply: prod, np.maximum: max, np.minimum: min, np.logaddexp: logsumexp,
})  # fmt: skip

__all__ = [
    "average", "log_softmax", "logsumexp", "max", "mean", "min", "prod", "ptp", "softmax",
    "std", "sum", "var",
]  # fmt: skip
