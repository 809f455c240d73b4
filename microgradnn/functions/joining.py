"""Arrays joined: concatenate, stack, block, meshgrid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array as as_node_or_array
from ..engine.protocol import implements
from .shape import astype, atleast_1d, atleast_2d, atleast_3d, broadcast_arrays, reshape, swapaxes


def array(object: Any, dtype: Any = None) -> Any:
    """The array of nested lists of numbers and nodes: np.array, which takes no Tensors in lists."""
    y = as_node_or_array(object)
    return y if dtype is None else astype(y, dtype)


def _all(arrays: Sequence[Any]) -> list[Any]:
    return [as_node_or_array(a) for a in arrays]


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0, *, dtype: Any = None) -> Any:
    """Arrays joined along an existing axis; flattened first if axis is None."""
    y = ops.concatenate(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


concat = concatenate


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0, *, dtype: Any = None) -> Any:
    """Arrays of one shape joined along a new axis."""
    y = ops.stack(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


@implements(np.vstack)
def vstack(tup: Sequence[Any], *, dtype: Any = None) -> Any:
    """Arrays below each other; vectors are rows."""
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Sequence[Any], *, dtype: Any = None) -> Any:
    """Arrays beside each other; vectors one after the other."""
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along the third axis."""
    return concatenate([atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as columns beside matrices."""
    return concatenate([a if a.ndim > 1 else reshape(a, (-1, 1)) for a in _all(tup)], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
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
    ndim = max([depth, *(np.ndim(plain(x)) for x in _leaves(arrays))])
    return _joined(arrays, depth, ndim)


def _leaves(arrays: Any) -> list[Any]:
    return [x for a in arrays for x in _leaves(a)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        a = as_node_or_array(arrays)
        return reshape(a, (1,) * (ndim - a.ndim) + a.shape)
    return concatenate([_joined(a, depth - 1, ndim) for a in arrays], -depth)


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
