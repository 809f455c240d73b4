"""Order: sorting, where the elements are, quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array, bare, implements
from ..engine.types import (
    Axis,
)
from .choosing import take, take_along_axis, where
from .shape import moveaxis, ravel, reshape


@implements(np.sort)
def sort(a: Any, axis: int | None = -1, *, kind: Any = None, stable: Any = None) -> Any:
    """The elements in order along axis; equal elements keep theirs, so the sort is stable."""
    a = array(a)
    if axis is None:
        a, axis = ravel(a), 0
    return take_along_axis(a, argsort(a, axis), axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect") -> Any:
    """The elements partly in order along axis: the kth is where a sort would put it."""
    a = array(a)
    if axis is None:
        a, axis = ravel(a), 0
    return take_along_axis(a, np.argpartition(bare(a), kth, axis, kind), axis)


# Where the elements are: plain integers, no part of a graph.


def argmax(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The index of the largest element, the first of equal ones; along axis, or of all in a row."""
    return np.argmax(bare(a), axis, keepdims=keepdims)


def argmin(a: Any, axis: int | None = None, *, keepdims: bool = False) -> Any:
    """The index of the smallest element, as argmax is of the largest."""
    return np.argmin(bare(a), axis, keepdims=keepdims)


def argsort(a: Any, axis: int | None = -1) -> Any:
    """The indices that sort along axis (None: all in a row); equal elements keep their order."""
    return np.argsort(bare(a), axis, kind="stable")


def argpartition(a: Any, kth: Any, axis: int | None = -1) -> Any:
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
    y = where(t == 0, below, below + (above - below) * t)
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


__all__ = [
    "argmax", "argmin", "argpartition", "argsort", "median", "partition", "percentile",
    "quantile", "sort",
]  # fmt: skip
