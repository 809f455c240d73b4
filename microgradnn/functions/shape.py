"""The same elements in another form: reshaped, axes moved, broadcast, cast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..errors import DTypeError, RuleError
from ..numerics.forward import ordinary
from ..numerics.kernels import COMPLEX
from .implementing import implements
from .types import A, ArrayLike, Axis, DType, Like, Shape


def normal_axes(axis: Shape, ndim: int) -> tuple[int, ...]:
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def as_array(x: Any) -> Any:
    return np.asarray(x) if isinstance(x, (list, tuple)) else ordinary("array", x)


def floats(x: Any) -> Any:
    """x as it is, integers and booleans in float64: they would wrap in -x and x², or overflow.

    Raises DTypeError for complex numbers.
    """
    x = as_array(x)
    kind = getattr(getattr(x, "dtype", None), "kind", "f")
    if kind == "c":
        raise DTypeError(COMPLEX)
    return ops.astype(x, dtype=np.dtype(np.float64)) if kind in "biu" else x


def reals(x: Any) -> Any:
    """x as an array or node. Raises DTypeError for complex numbers."""
    x = array(x)
    if x.dtype.kind == "c":
        raise DTypeError(COMPLEX)
    return x


def float_array(x: Any) -> Any:
    """x as an array or node of floats: see floats."""
    return floats(array(x))


def wide(x: Any) -> Any:
    """x in floats to add up: float16 in float32, as NumPy's mean does."""
    x = float_array(x)
    return ops.astype(x, dtype=np.dtype(np.float32)) if x.dtype == np.float16 else x


def narrow(y: Any, x: Any) -> Any:
    """y, computed from wide(x), in float16 again if x was."""
    return ops.astype(y, dtype=np.dtype(np.float16)) if x.dtype == np.float16 else y


def _in_c(name: str, order: str | None) -> bool:
    if order not in ("C", "F", None):
        raise RuleError(f"{name}: order={order!r} depends on memory, not on values; use 'C' or 'F'")
    return order != "F"


@implements(np.reshape)
def reshape(a: Like[A], shape: Shape, order: str = "C") -> A:
    """The same elements in another shape; one length may be -1. Order "F" runs columns first."""
    if _in_c("reshape", order):
        return ops.reshape(array(a), shape=shape)
    backwards = tuple(reversed((shape,) if isinstance(shape, int) else tuple(shape)))
    return ops.transpose(ops.reshape(ops.transpose(array(a)), shape=backwards))


@implements(np.ravel)
def ravel(a: Like[A], order: str = "C") -> A:
    """All elements in one row."""
    return reshape(a, -1, "C" if order == "K" else order)


@implements(np.transpose)
def transpose(a: Like[A], axes: Sequence[int] | None = None) -> A:
    """The axes in another order, reversed by default."""
    return ops.transpose(array(a), axes=axes)


permute_dims = transpose


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Like[A]) -> A:
    """The last two axes exchanged."""
    return ops.swapaxes(array(x), axis1=-1, axis2=-2)


@implements(np.swapaxes)
def swapaxes(a: Like[A], axis1: int, axis2: int) -> A:
    """Two axes exchanged."""
    return ops.swapaxes(array(a), axis1=axis1, axis2=axis2)


@implements(np.moveaxis)
def moveaxis(a: Like[A], source: Shape, destination: Shape) -> A:
    """Axes moved to new places, the others in their order."""
    x = array(a)
    start, end = normal_axes(source, x.ndim), normal_axes(destination, x.ndim)
    rest = [i for i in range(x.ndim) if i not in start]
    for to, i in sorted(zip(end, start, strict=True)):
        rest.insert(to, i)
    return ops.transpose(x, axes=tuple(rest)) if x.ndim else x


@implements(np.rollaxis)
def rollaxis(a: Like[A], axis: int, start: int = 0) -> A:
    """An axis moved before the axis `start`."""
    x = array(a)
    axis, start = axis % x.ndim, start + x.ndim if start < 0 else start
    return moveaxis(x, axis, start - 1 if axis < start else start)


@implements(np.expand_dims)
def expand_dims(a: Like[A], axis: Shape) -> A:
    """New axes of length 1 at the given places."""
    return ops.expand_dims(array(a), axis=axis)


@implements(np.squeeze)
def squeeze(a: Like[A], axis: Axis = None) -> A:
    """Axes of length 1 removed: all of them, or those given."""
    return ops.squeeze(array(a), axis=axis)


@implements(np.broadcast_to)
def broadcast_to(array: Like[A], shape: Shape) -> A:
    """The array repeated to `shape` by NumPy's rule."""
    return ops.broadcast_to(_array(array), shape=shape)


_array = array  # where a parameter of that name, NumPy's, hides it


@overload
def broadcast_arrays(*args: A) -> tuple[A, ...]: ...
@overload
def broadcast_arrays(*args: ArrayLike) -> tuple[Any, ...]: ...
@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """The arrays, all repeated to the one shape they broadcast to."""
    shape = np.broadcast_shapes(*[np.shape(plain(a)) for a in args])
    return tuple(broadcast_to(a, shape) for a in args)


def _at_least(n: int, arys: Any, shape: Any) -> Any:
    out = [a if a.ndim >= n else reshape(a, shape(a.shape)) for a in map(array, arys)]
    return out[0] if len(out) == 1 else tuple(out)


@overload
def atleast_1d(ary: Like[A], /) -> A: ...
@overload
def atleast_1d(first: ArrayLike, second: ArrayLike, /, *others: ArrayLike) -> tuple[Any, ...]: ...
@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis."""
    return _at_least(1, arys, lambda s: (1,))


@overload
def atleast_2d(ary: Like[A], /) -> A: ...
@overload
def atleast_2d(first: ArrayLike, second: ArrayLike, /, *others: ArrayLike) -> tuple[Any, ...]: ...
@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones in front."""
    return _at_least(2, arys, lambda s: (1, math.prod(s)))


@overload
def atleast_3d(ary: Like[A], /) -> A: ...
@overload
def atleast_3d(first: ArrayLike, second: ArrayLike, /, *others: ArrayLike) -> tuple[Any, ...]: ...
@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    return _at_least(3, arys, lambda s: (*s, 1) if len(s) == 2 else (1, math.prod(s), 1))


@implements(np.copy)
def copy(a: Like[A]) -> A:
    """The same elements in an array of its own, still differentiable."""
    return ops.alias(array(a))


@implements(np.astype if hasattr(np, "astype") else "astype")
def astype(x: Like[A], dtype: DType) -> A:
    """x in another dtype; to integers no gradient passes."""
    return ops.astype(array(x), dtype=np.dtype(dtype))


__all__ = [
    "astype", "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "broadcast_to",
    "copy", "expand_dims", "matrix_transpose", "moveaxis", "permute_dims", "ravel", "reshape",
    "rollaxis", "squeeze", "swapaxes", "transpose",
]  # fmt: skip
