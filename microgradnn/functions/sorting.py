"""Order: sorting, where the elements are, quantiles."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.op import Carrier, constant
from ..engine.protocol import array, bare
from .choosing import take, take_along_axis, where
from .implementing import implements
from .shape import floats, moveaxis, ravel, reshape
from .types import A, Array, ArrayLike, Axis, Like, Shape


@implements(np.sort)
def sort(
    a: Like[A], axis: int | None = -1, *, kind: str | None = None, stable: bool | None = None
) -> A:
    """The elements in order along axis; equal elements keep theirs, so the sort is stable."""
    x = array(a)
    if axis is None:
        x, axis = ravel(x), 0
    return take_along_axis(x, argsort(x, axis), axis)


@implements(np.partition)
def partition(
    a: Like[A],
    kth: Shape,
    axis: int | None = -1,
    kind: Literal["introselect"] = "introselect",
) -> A:
    """The elements partly in order along axis: the kth is where a sort would put it."""
    x = array(a)
    if axis is None:
        x, axis = ravel(x), 0
    return take_along_axis(x, np.argpartition(bare(x), kth, axis, kind), axis)


# Where the elements are: plain integers, no part of a graph.


@implements()
def argmax(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the largest element, the first of equal ones; along axis, or of all in a row."""
    return np.argmax(bare(array(a)), axis, keepdims=keepdims)


@implements()
def argmin(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the smallest element, as argmax is of the largest."""
    return np.argmin(bare(array(a)), axis, keepdims=keepdims)


@implements()
def argsort(
    a: ArrayLike, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None
) -> Array:
    """The indices that sort along axis (None: all in a row); equal elements keep their order."""
    return np.argsort(bare(array(a)), axis, kind="stable")


@implements()
def argpartition(a: ArrayLike, kth: Shape, axis: int | None = -1) -> Array:
    """The indices that partition along axis: the kth is where a sort would put it."""
    return np.argpartition(bare(array(a)), kth, axis)


def _merged(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """a with the reduced axes merged into its last, and a's shape with ones for them."""
    given = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = [i % a.ndim for i in given] if a.ndim else []
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    rest = [i for i in range(a.ndim) if i not in axes]
    moved = ops.transpose(a, axes=(*rest, *axes)) if a.ndim else a
    n = math.prod(a.shape[i] for i in axes)
    return reshape(moved, (*(a.shape[i] for i in rest), n)), kept


class Share(float):
    """A percentage as a share, which a Python number was: it does not widen float32."""


def shares(q: Any) -> Any:
    """Percentages as shares of one."""
    return Share(q / 100) if type(q) in (int, float) else ops.div(array(q), 100)


def _at(ordered: Any, at: Any, dtype: Any) -> Any:
    """The elements at places along the last axis, between two on the line that joins them."""
    low = np.floor(at).astype(int)
    below = take(ordered, low, axis=-1)
    if at.dtype.kind in "iu":
        return below
    above = take(ordered, np.minimum(low + 1, ordered.shape[-1] - 1), axis=-1)
    t, rise = at - low, floats(above) - floats(below)
    t, rest = t.astype(dtype), (1 - t).astype(dtype)
    between = where(t < 0.5, below + rise * t, above - rise * rest)
    return where(t == 0, below, between)  # also beside an infinite one


def _with_nan(y: Any, ordered: Any, extra: int) -> Any:
    """y, which has `extra` axes more, and nan where there is one among the elements."""
    if plain(ordered).dtype.kind != "f" or not np.isnan(plain(ordered)[..., -1:]).any():
        return y
    last = reshape(ordered[..., -1], ordered.shape[:-1] + (1,) * extra)
    return where(np.isnan(plain(last)), last, y)


# How far the place of the q-quantile among n elements moves for each unit of q, less n.
_STRETCH = {
    "linear": -1, "weibull": 1, "hazen": 0, "median_unbiased": 1 / 3, "normal_unbiased": 1 / 4,
    "interpolated_inverted_cdf": 0,
}  # fmt: skip


def _moved(q: Any, ordered: Any, at: Any, method: str) -> Any:
    """Zeros, which move with q as the quantile does; by the methods that jump, not at all."""
    n = ordered.shape[-1]
    left = np.clip(at.astype(int), 0, max(n - 2, 0))
    rise = take(ordered, np.minimum(left + 1, n - 1), axis=-1) - take(ordered, left, axis=-1)
    if not np.isfinite(plain(rise)).all():
        q = constant("quantile", "q", q)  # between infinite elements there is no line
    flat = method not in _STRETCH or (method != "linear" and ((at == 0) | (at == n - 1)))
    return rise * ((q - plain(q)) * np.where(flat, 0.0, n + _STRETCH.get(method, 0)))


@implements(np.quantile)
def quantile(
    a: Like[A], q: Like[A], axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> A:
    """The q-quantile along axis, by any of NumPy's methods, interpolated between sorted elements.

    The gradient goes to the elements that are interpolated. Stable order decides between equals.
    The slope by q is that of the line between two elements, at an element that to its right.
    """
    x, kept = _merged(array(a), axis)
    n, places, shape = x.shape[-1], array(q), np.shape(plain(q))
    if not n:
        raise ValueError("there are no elements along axis")
    # The quantile of 0, 1, …, n - 1 is the place itself, so NumPy's methods are not repeated here.
    at = np.quantile(np.arange(n), plain(q), method=method)  # type: ignore[call-overload]
    ordered = sort(x, axis=-1)
    weak = type(q) in (int, float, Share)  # a Python number does not widen float32
    kind = plain(x if weak else places).dtype
    y = _at(ordered, at, kind if kind.kind == "f" else at.dtype)
    if isinstance(places, Carrier) and places.requires_grad:
        y = y + _moved(places, ordered, at, method)
    y = _with_nan(y, ordered, len(shape))
    y = moveaxis(y, tuple(range(y.ndim - len(shape), y.ndim)), tuple(range(len(shape))))
    return reshape(y, shape + kept) if keepdims else y


@implements(np.percentile)
def percentile(
    a: Like[A], q: Like[A], axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> A:
    """The q-th percentile along axis, q between 0 and 100; see quantile."""
    return quantile(a, shares(q), axis, method=method, keepdims=keepdims)


@implements(np.median)
def median(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The middle element along axis, of an even number the mean of the two."""
    x, kept = _merged(array(a), axis)
    ordered, n = sort(x, axis=-1), x.shape[-1]
    middle = ordered[..., max(n - 1, 0) // 2 : n // 2 + 1]
    y = _with_nan(ops.mean(middle, axis=-1), ordered, 0)
    return reshape(y, kept) if keepdims else y


__all__ = [
    "argmax", "argmin", "argpartition", "argsort", "median", "partition", "percentile",
    "quantile", "sort",
]  # fmt: skip
