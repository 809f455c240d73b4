"""Order: sorting, where the elements are, quantiles."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.op import Carrier, constant
from ..engine.protocol import array, bare, implements
from .choosing import take, take_along_axis, where
from .shape import moveaxis, ravel, reshape
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


def argmax(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the largest element, the first of equal ones; along axis, or of all in a row."""
    return np.argmax(bare(a), axis, keepdims=keepdims)


def argmin(a: ArrayLike, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """The index of the smallest element, as argmax is of the largest."""
    return np.argmin(bare(a), axis, keepdims=keepdims)


def argsort(a: ArrayLike, axis: int | None = -1) -> Array:
    """The indices that sort along axis (None: all in a row); equal elements keep their order."""
    return np.argsort(bare(a), axis, kind="stable")


def argpartition(a: ArrayLike, kth: Shape, axis: int | None = -1) -> Array:
    """The indices that partition along axis: the kth is where a sort would put it."""
    return np.argpartition(bare(a), kth, axis)


def _merged(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """a with the reduced axes merged into its last, and a's shape with ones for them."""
    given = range(a.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = [i % a.ndim for i in given] if a.ndim else []
    kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    rest = [i for i in range(a.ndim) if i not in axes]
    moved = ops.transpose(a, axes=(*rest, *axes)) if a.ndim else a
    return reshape(moved, (*(a.shape[i] for i in rest), -1)), kept


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
    n, given, q = x.shape[-1], array(q), np.asarray(plain(q), float)
    # The quantile of 0, 1, …, n - 1 is the place itself, so NumPy's methods are not repeated here.
    at = np.quantile(np.arange(float(n)), q, method=method)  # type: ignore[call-overload]
    low = np.floor(at).astype(int)
    ordered = sort(x, axis=-1)
    below, above = (take(ordered, i, axis=-1) for i in (low, np.minimum(low + 1, n - 1)))
    t = (at - low).astype(x.dtype) if x.dtype.kind == "f" else at - low
    y = where(t == 0, below, below + (above - below) * t)
    if isinstance(given, Carrier):
        y = y + _moved(given, ordered, at, method)
    last = ordered[..., -1]
    if plain(last).dtype.kind == "f" and np.isnan(plain(last)).any():
        y = y + reshape(last * 0, last.shape + (1,) * q.ndim)
    y = moveaxis(y, tuple(range(y.ndim - q.ndim, y.ndim)), tuple(range(q.ndim)))
    return reshape(y, q.shape + kept) if keepdims else y


@implements(np.percentile)
def percentile(
    a: Like[A], q: Like[A], axis: Axis = None, *, method: str = "linear", keepdims: bool = False
) -> A:
    """The q-th percentile along axis, q between 0 and 100; see quantile."""
    return quantile(a, ops.div(array(q), 100), axis, method=method, keepdims=keepdims)


@implements(np.median)
def median(a: Like[A], axis: Axis = None, *, keepdims: bool = False) -> A:
    """The middle element along axis, of an even number the mean of the two."""
    return quantile(a, 0.5, axis, keepdims=keepdims)


__all__ = [
    "argmax", "argmin", "argpartition", "argsort", "median", "partition", "percentile",
    "quantile", "sort",
]  # fmt: skip
