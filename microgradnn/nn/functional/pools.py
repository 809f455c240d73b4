"""Pooling: the maximum or the mean of windows of the image (batch, channels, *space)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array, bare
from ...errors import ConfigError, ShapeError
from ...functions.shape import float_array
from ...functions.types import A, Like
from ...signatures.expected import affordable
from .spaces import Sizes, batched, each, padded


class Windows(NamedTuple):
    """What a pooling was given: sizes of one number or n."""

    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any
    ceil_mode: bool


def _pool_windows(
    name: str, n: int, input: Any, given: Windows, fill: float
) -> tuple[Any, bool, Any]:
    """(…, *places, Πkernel), the windows flat; whether there was a batch; the pixels of each."""
    x, many = batched(name, input, n)
    kernel = each(name, "kernel_size", given.kernel_size, n)
    stride = given.kernel_size if given.stride in (None, (), []) else given.stride
    step, dilate = each(name, "stride", stride, n), each(name, "dilation", given.dilation, n)
    edge = each(name, "padding", given.padding, n)
    if any(2 * p > k for p, k in zip(edge, kernel, strict=True)):
        raise ShapeError(f"{name}: padding {edge} is more than half the kernel {kernel}")
    beyond = []  # pixels needed behind the padding
    for size, k, s, d, p in zip(x.shape[2:], kernel, step, dilate, edge, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        last = -(-room // s) if given.ceil_mode else room // s
        if last < 0:
            raise ShapeError(f"{name}: kernel {kernel} is larger than the input {x.shape[2:]}")
        if given.ceil_mode and last * s >= size + p:  # a window must start inside
            last -= 1
        beyond.append(max(last * s - room, 0))
    sides = [(p, p + more) for p, more in zip(edge, beyond, strict=True)]
    how: Any = dict(shape=kernel, stride=step, dilation=dilate)
    view = ops.windows(padded(x, sides, fill), **how)
    inside = np.ones(tuple(m + 2 * p for m, p in zip(x.shape[2:], edge, strict=True)))
    real = np.pad(np.ones(x.shape[2:]), [(p, p) for p in edge])
    counts = [
        ops.windows.array(np.pad(a, [(0, m) for m in beyond]), **how).sum(tuple(range(n, 2 * n)))
        for a in (inside, real)
    ]
    return ops.reshape(view, shape=(*view.shape[: 2 + n], math.prod(kernel))), many, counts


def _least(dtype: np.dtype[Any]) -> Any:
    """What stands outside of an image of which the largest pixels are asked."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else -np.inf


def _max_pool(n: int, input: Any, given: Windows, return_indices: bool) -> Any:
    x = array(input)
    least = _least(plain(x).dtype)
    w, many, _ = _pool_windows(f"max_pool{n}d", n, x, given, least)
    first = np.argmax(bare(w), -1)  # of equal pixels the first gets the gradient, as in torch, TF
    y = ops.take_along_axis(w, indices=first[..., None], axis=-1)[..., 0]
    lost = np.any(given.padding) and np.any(plain(y) == least)  # the padding may come first
    if not return_indices and not lost:
        return y if many else y[0]
    shape = np.shape(plain(input))[-n:]  # the place in the flat image of each pixel, -1 outside
    number = np.broadcast_to(np.arange(float(math.prod(shape))).reshape(shape), (1, 1, *shape))
    at, _, _ = _pool_windows("max_pool", n, number, given, -1)
    at = np.broadcast_to(at, np.shape(plain(w)))
    outside = np.take_along_axis(at, first[..., None], -1)[..., 0] < 0
    first = np.where(outside, np.argmax(at >= 0, -1), first)
    y = ops.take_along_axis(w, indices=first[..., None], axis=-1)[..., 0]
    if not return_indices:
        return y if many else y[0]
    index = np.take_along_axis(at, first[..., None], -1)[..., 0].astype(int)
    return (y, index) if many else (y[0], index[0])


def max_pool1d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; of equal ones the first gets the gradient."""
    given = Windows(kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool(1, input, given, return_indices)


def max_pool2d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; stride is kernel_size by default, padding counts as -inf."""
    given = Windows(kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool(2, input, given, return_indices)


def max_pool3d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window."""
    given = Windows(kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool(3, input, given, return_indices)


def _avg_pool(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Any:
    given = Windows(kernel_size, stride, padding, 1, ceil_mode)
    w, many, (inside, real) = _pool_windows(f"avg_pool{n}d", n, float_array(input), given, 0.0)
    divisor: Any = divisor_override
    if divisor is not None and plain(divisor) == 0:
        raise ConfigError(f"avg_pool{n}d: divisor_override is 0")
    count = (
        divisor
        if divisor is not None
        else (inside if count_include_pad else real).astype(plain(w).dtype)
    )
    y = ops.sum(w, axis=-1) / count
    return y if many else y[0]


def avg_pool1d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> A:
    """The mean of each window."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> A:
    """The mean of each window; padding counts unless count_include_pad is False (as in Keras)."""
    return _avg_pool(
        2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Like[A],
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> A:
    """The mean of each window."""
    return _avg_pool(
        3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _adaptive(n: int, input: Any, output_size: Any, reduce: Callable[..., Any]) -> Any:
    """Each axis cut into output_size parts, as equal as possible, which may share a pixel."""
    x = array(input)
    sizes = (output_size,) * n if isinstance(output_size, (int, type(None))) else output_size
    sizes = tuple(m if k is None else k for m, k in zip(x.shape[-n:], sizes, strict=True))
    each(f"adaptive_pool{n}d", "output_size", sizes, n)
    for size in sizes:
        affordable(f"adaptive_pool{n}d", 2**20, output_size=size)
    for axis, size in reversed([*zip(range(-n, 0), sizes, strict=True)]):
        m, lead = x.shape[axis], (slice(None),) * (axis % x.ndim)
        k = size
        parts = [
            reduce(x[(*lead, slice(i * m // k, -(-(i + 1) * m // k)))], axis=axis) for i in range(k)
        ]
        x = functions.stack(parts, axis) if parts else x[(*lead, slice(0))]
    return x


def _first_max(x: Any, axis: int) -> Any:
    first = np.expand_dims(np.argmax(plain(x), axis), axis)
    return ops.squeeze(ops.take_along_axis(x, indices=first, axis=axis), axis=axis)


def adaptive_avg_pool1d(input: Like[A], output_size: int | Sequence[int | None] | None) -> A:
    """The means of output_size windows that cover the axis."""
    return _adaptive(1, input, output_size, ops.mean)


def adaptive_avg_pool2d(input: Like[A], output_size: int | Sequence[int | None] | None) -> A:
    """The means of output_size windows that cover each of the last two axes."""
    return _adaptive(2, input, output_size, ops.mean)


def adaptive_avg_pool3d(input: Like[A], output_size: int | Sequence[int | None] | None) -> A:
    """The means of output_size windows that cover each of the last three axes."""
    return _adaptive(3, input, output_size, ops.mean)


def adaptive_max_pool1d(input: Like[A], output_size: int | Sequence[int | None] | None) -> Any:
    """The maxima of output_size windows that cover the axis."""
    return _adaptive(1, input, output_size, _first_max)


def adaptive_max_pool2d(input: Like[A], output_size: int | Sequence[int | None] | None) -> Any:
    """The maxima of output_size windows that cover each of the last two axes."""
    return _adaptive(2, input, output_size, _first_max)


def adaptive_max_pool3d(input: Like[A], output_size: int | Sequence[int | None] | None) -> Any:
    """The maxima of output_size windows that cover each of the last three axes."""
    return _adaptive(3, input, output_size, _first_max)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "max_pool1d", "max_pool2d", "max_pool3d",
]  # fmt: skip
