"""The elements in other places: flipped, rolled, turned, repeated, padded, in windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.errors import RuleError
from ..engine.node import plain
from ..engine.protocol import array, implements
from ..engine.types import (
    Axis,
    Shape,
)
from .shape import moveaxis, normal_axes

_array = array  # where a parameter of that name, NumPy's, hides it


@implements(np.flip)
def flip(m: Any, axis: Axis = None) -> Any:
    """The order along the axes (all by default) reversed."""
    return ops.flip(array(m), axis=axis)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """The columns reversed."""
    return ops.flip(array(m), axis=1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """The rows reversed."""
    return ops.flip(array(m), axis=0)


@implements(np.roll)
def roll(a: Any, shift: Shape, axis: Axis = None) -> Any:
    """The elements moved by `shift` along axis; those that leave come in at the other end."""
    return ops.roll(array(a), shift=shift, axis=axis)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Axis = None) -> Any:
    """The two halves along the axes exchanged."""
    x = array(x)
    on = range(x.ndim) if axes is None else normal_axes(axes, x.ndim)
    return roll(x, tuple(x.shape[i] // 2 for i in on), tuple(on))


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Axis = None) -> Any:
    """The inverse of fftshift."""
    x = array(x)
    on = range(x.ndim) if axes is None else normal_axes(axes, x.ndim)
    return roll(x, tuple(-(x.shape[i] // 2) for i in on), tuple(on))


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Shape, axis: Axis = None) -> Any:
    """The windows of x along the axes, as new last axes."""
    x = array(x)
    shape = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    axes = normal_axes(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) != len(shape):
        raise ValueError(f"{len(shape)} window lengths for {len(axes)} axes")
    for i, n in zip(axes, shape, strict=True):  # one axis after the other; an axis may come twice
        last = ops.windows(moveaxis(x, i, -1), shape=(n,), stride=(1,), dilation=(1,))
        x = moveaxis(last, -2, i)
    return x


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned by k quarter turns in the plane of two axes."""
    return ops.rot90(array(m), k=k, axes=axes)


@implements(np.tile)
def tile(A: Any, reps: Shape) -> Any:  # noqa: N803
    """The array repeated as a whole."""
    return ops.tile(array(A), reps=reps)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated."""
    return ops.repeat(array(a), repeats=plain(repeats), axis=axis)


@implements(np.resize)
def resize(a: Any, new_shape: Shape) -> Any:
    """As many elements as new_shape has, starting again at the front where they run out."""
    return ops.resize(array(a), new_shape=new_shape)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with elements added around it: constants, or elements of its own.

    Modes: constant (constant_values=0), edge, reflect, symmetric, wrap, empty.
    """
    a, known = _array(array), ("constant", "edge", "reflect", "symmetric", "wrap", "empty")
    if mode not in known or kwargs.get("reflect_type", "even") != "even":
        how = f"mode={mode!r}" if mode not in known else "reflect_type='odd'"
        raise RuleError(f"np.pad: {how} is not supported for tensors; use {', '.join(known)}")
    if mode == "empty":
        mode = "constant"
    values = plain(kwargs.pop("constant_values", 0))
    y = ops.pad(a, pad_width=pad_width, mode=mode, **kwargs)
    if np.any(values):
        border = np.zeros(a.shape, y.dtype)
        y = y + np.pad(border, pad_width, mode, constant_values=values)
    return y


__all__ = [
    "flip", "fliplr", "flipud", "pad", "repeat", "resize", "roll",
    "rot90", "tile",
]  # fmt: skip
