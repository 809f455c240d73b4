"""The elements in other places: flipped, rolled, turned, repeated, padded, in windows."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..errors import RuleError
from .implementing import implements
from .joining import concatenate
from .shape import astype, broadcast_to, moveaxis, normal_axes, ravel
from .types import A, Array, Axis, Like, Shape

_array = array  # where a parameter of that name, NumPy's, hides it


@implements(np.flip)
def flip(m: Like[A], axis: Axis = None) -> A:
    """The order along the axes (all by default) reversed."""
    return ops.flip(array(m), axis=axis)


@implements(np.fliplr)
def fliplr(m: Like[A]) -> A:
    """The columns reversed."""
    return ops.flip(array(m), axis=1)


@implements(np.flipud)
def flipud(m: Like[A]) -> A:
    """The rows reversed."""
    return ops.flip(array(m), axis=0)


@implements(np.roll)
def roll(a: Like[A], shift: Shape, axis: Axis = None) -> A:
    """The elements moved by `shift` along axis; those that leave come in at the other end."""
    by = [operator.index(n) for n in np.ravel(plain(shift)).tolist()]
    return ops.roll(array(a), shift=tuple(by) if np.ndim(plain(shift)) else by[0], axis=axis)


@implements("np.fft.fftshift")
def fftshift(x: Like[A], axes: Axis = None) -> A:
    """The two halves along the axes exchanged."""
    a = array(x)
    on = range(a.ndim) if axes is None else normal_axes(axes, a.ndim)
    return roll(a, tuple(a.shape[i] // 2 for i in on), tuple(on))


@implements("np.fft.ifftshift")
def ifftshift(x: Like[A], axes: Axis = None) -> A:
    """The inverse of fftshift."""
    a = array(x)
    on = range(a.ndim) if axes is None else normal_axes(axes, a.ndim)
    return roll(a, tuple(-(a.shape[i] // 2) for i in on), tuple(on))


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Like[A], window_shape: Shape, axis: Axis = None) -> A:
    """The windows of x along the axes, as new last axes."""
    a = array(x)
    shape = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    axes = normal_axes(range(a.ndim) if axis is None else axis, a.ndim)
    if len(axes) != len(shape):
        raise ValueError(f"{len(shape)} window lengths for {len(axes)} axes")
    for i, n in zip(axes, shape, strict=True):  # one axis after the other; an axis may come twice
        last = ops.windows(moveaxis(a, i, -1), shape=(n,), stride=(1,), dilation=(1,))
        a = moveaxis(last, -2, i)
    return a


@implements(np.rot90)
def rot90(m: Like[A], k: int = 1, axes: tuple[int, int] = (0, 1)) -> A:
    """Turned by k quarter turns in the plane of two axes."""
    return ops.rot90(array(m), k=k, axes=axes)


@implements(np.tile)
def tile(A: Like[A], reps: Shape) -> A:  # noqa: N803
    """The array repeated as a whole."""
    return ops.tile(array(A), reps=reps)


@implements(np.repeat)
def repeat(a: Like[A], repeats: int | Sequence[int] | Array, axis: int | None = None) -> A:
    """Each element repeated."""
    return ops.repeat(array(a), repeats=plain(repeats), axis=axis)


@implements(np.resize)
def resize(a: Like[A], new_shape: Shape) -> A:
    """As many elements as new_shape has, starting again at the front where they run out."""
    return ops.resize(array(a), new_shape=new_shape)


@implements(np.pad)
def pad(
    array: Like[A],
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    **kwargs: Any,
) -> A:
    """The array with elements added around it: constants, or elements of its own.

    Modes: constant (constant_values=0), edge, reflect, symmetric, wrap, empty.
    """
    a, known = _array(array), ("constant", "edge", "reflect", "symmetric", "wrap", "empty")
    if mode not in known or kwargs.get("reflect_type", "even") != "even":
        how = f"mode={mode!r}" if mode not in known else "reflect_type='odd'"
        raise RuleError(f"np.pad: {how} is not supported for tensors; use {', '.join(known)}")
    if mode == "empty":
        mode = "constant"
    values = _array(kwargs.pop("constant_values", 0))
    y = ops.pad(a, pad_width=pad_width, mode=mode, **kwargs)
    return y + _border(values, a, pad_width, y.dtype) if np.any(plain(values)) else y


def _border(values: Any, a: Any, pad_width: Any, dtype: Any) -> Any:
    """Zeros of a's shape between the constants before and behind each axis."""
    ends = ravel(broadcast_to(astype(values, dtype), (max(a.ndim, 1), 2)))
    number = np.arange(1, ends.size + 1).reshape(-1, 2)[: a.ndim]  # NumPy says which goes where
    which = np.pad(np.zeros(a.shape, int), pad_width, constant_values=number)
    return concatenate([np.zeros(1, dtype), ends])[which]


__all__ = [
    "flip", "fliplr", "flipud", "pad", "repeat", "resize", "roll",
    "rot90", "tile",
]  # fmt: skip
