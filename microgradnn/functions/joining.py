"""Arrays joined: concatenate, stack, block, meshgrid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array as as_node_or_array
from .implementing import implements
from .shape import astype, atleast_1d, atleast_2d, atleast_3d, broadcast_arrays, reshape, swapaxes
from .types import A, Array, ArrayLike, DType, Like


@overload
def array(object: Like[A], dtype: DType = None) -> A: ...
@overload
def array(object: Sequence[Any], dtype: DType = None) -> Any: ...
@implements(np.array, np.asarray)
def array(object: Any, dtype: DType = None) -> Any:
    """The array of nested lists of numbers and nodes: np.array, which takes no Tensors in lists."""
    y = as_node_or_array(object)
    return y if dtype is None else astype(y, dtype)


def _all(arrays: Sequence[Any]) -> list[Any]:
    return [as_node_or_array(a) for a in arrays]


@overload
def concatenate(arrays: Sequence[A], axis: int | None = 0, *, dtype: DType = None) -> A: ...
@overload
def concatenate(arrays: Any | Array, axis: int | None = 0, *, dtype: DType = None) -> Any: ...
@implements(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0, *, dtype: DType = None) -> Any:
    """Arrays joined along an existing axis; flattened first if axis is None."""
    y = ops.concatenate(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


concat = concatenate


@overload
def stack(arrays: Sequence[A], axis: int = 0, *, dtype: DType = None) -> A: ...
@overload
def stack(arrays: Any | Array, axis: int = 0, *, dtype: DType = None) -> Any: ...
@implements(np.stack)
def stack(arrays: Any, axis: int = 0, *, dtype: DType = None) -> Any:
    """Arrays of one shape joined along a new axis."""
    y = ops.stack(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


@overload
def vstack(tup: Sequence[A], *, dtype: DType = None) -> A: ...
@overload
def vstack(tup: Any | Array, *, dtype: DType = None) -> Any: ...
@implements(np.vstack)
def vstack(tup: Any, *, dtype: DType = None) -> Any:
    """Arrays below each other; vectors are rows."""
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@overload
def hstack(tup: Sequence[A], *, dtype: DType = None) -> A: ...
@overload
def hstack(tup: Any | Array, *, dtype: DType = None) -> Any: ...
@implements(np.hstack)
def hstack(tup: Any, *, dtype: DType = None) -> Any:
    """Arrays beside each other; vectors one after the other."""
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


@overload
def dstack(tup: Sequence[A]) -> A: ...
@overload
def dstack(tup: Any | Array) -> Any: ...
@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Arrays joined along the third axis."""
    return concatenate([atleast_3d(a) for a in tup], 2)


@overload
def column_stack(tup: Sequence[A]) -> A: ...
@overload
def column_stack(tup: Any | Array) -> Any: ...
@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Vectors as columns beside matrices."""
    return concatenate([a if a.ndim > 1 else reshape(a, (-1, 1)) for a in _all(tup)], 1)


@implements(np.append)
def append(arr: Like[A], values: Like[A], axis: int | None = None) -> A:
    """arr with values behind it; both flattened if axis is None."""
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """A matrix put together from nested lists of blocks, innermost lists along the last axis."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        if not inner:
            raise ValueError("a list of blocks is empty")
        depth, inner = depth + 1, inner[0]
        if depth > 64:
            raise ValueError("arrays is nested too deeply")
    ndim = max([depth, *(np.ndim(plain(x)) for x in _leaves(arrays))])
    return _joined(arrays, depth, ndim)


def _leaves(arrays: Any) -> list[Any]:
    return [x for a in arrays for x in _leaves(a)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        a = as_node_or_array(arrays)
        return reshape(a, (1,) * (ndim - a.ndim) + a.shape)
    return concatenate([_joined(a, depth - 1, ndim) for a in arrays], -depth)


@overload
def meshgrid(*xi: A, sparse: bool = False, indexing: str = "xy") -> tuple[A, ...]: ...
@overload
def meshgrid(*xi: ArrayLike, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]: ...
@implements(np.meshgrid)
def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """One grid of coordinates for each vector."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing {indexing!r}; use 'xy' or 'ij'")
    n = len(xi)
    out = [reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if not sparse:
        out = list(broadcast_arrays(*out))
    return tuple(swapaxes(x, 0, 1) for x in out) if indexing == "xy" and n > 1 else tuple(out)


__all__ = [
    "append", "array", "block", "column_stack", "concat", "concatenate", "dstack", "hstack",
    "meshgrid", "stack", "vstack",
]  # fmt: skip
