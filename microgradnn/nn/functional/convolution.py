"""Convolutions: windows of the image times the weights.

Images are (batch, channels, *space), or (channels, *space) alone; weights (out, in / groups,
*kernel), as in PyTorch. One function serves one, two and three dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...errors import ConfigError, ShapeError
from ...functions.shape import float_array
from ...functions.types import A, Like
from .spaces import Sizes, batched, each, padded


def _conv(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Any:
    name = f"conv{n}d"
    x, many = batched(name, float_array(input), n)
    w = float_array(weight)
    step, dilate = each(name, "stride", stride, n), each(name, "dilation", dilation, n)
    if w.ndim != n + 2 or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: input {x.shape} has {x.shape[1]} channels, weight {w.shape} needs "
            f"{w.shape[1] * groups if w.ndim > 1 else '(out, in, …)'} for groups={groups}"
        )
    reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilate, strict=True)]
    x = padded(x, _sides(name, padding, reach, step))
    if any(k <= r for k, r in zip(x.shape[2:], reach, strict=True)):
        raise ShapeError(
            f"{name}: kernel {w.shape[2:]} with dilation {dilate} is larger than the padded input "
            f"{x.shape[2:]}"
        )
    y = _with_bias(name, _correlated(x, w, step, dilate, groups), bias, n)
    return y if many else y[0]


def _sides(name: str, padding: Any, reach: list[int], step: Any) -> list[tuple[int, int]]:
    """How much to pad before and behind each axis."""
    if padding == "same":
        if any(s != 1 for s in step):
            raise ConfigError(f"{name}: padding='same' needs stride 1; pad explicitly")
        return [(r // 2, r - r // 2) for r in reach]
    if padding == "valid":
        return [(0, 0)] * len(reach)
    return [(p, p) for p in each(name, "padding", padding, len(reach))]


def _correlated(x: Any, w: Any, step: Any, dilate: Any, groups: int) -> Any:
    """The windows of x, one for each place, times the kernels."""
    n = w.ndim - 2
    view = ops.windows(x, shape=w.shape[2:], stride=step, dilation=dilate)
    places, kernel, b = view.shape[2 : 2 + n], math.prod(w.shape[1:]), x.shape[0]
    # The kernels times columns, one for each window. Places stay last, as in the image: whole rows
    # of it are copied, not the few neighbours in a window, which takes a third of the time.
    order = (0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n))
    columns = ops.reshape(
        ops.transpose(view, axes=order), shape=(b, groups, kernel, math.prod(places))
    )
    kernels = ops.reshape(w, shape=(groups, w.shape[0] // groups, kernel))
    y = ops.matmul(kernels, columns)
    return ops.reshape(y, shape=(b, w.shape[0], *places))


def _with_bias(name: str, y: Any, bias: Any, n: int) -> Any:
    if bias is not None and np.shape(plain(bias)) != (y.shape[1],):
        raise ShapeError(
            f"{name}: bias has shape {np.shape(plain(bias))}, expected ({y.shape[1]},)"
        )
    return y if bias is None else y + functions.reshape(bias, (-1,) + (1,) * n)


def conv1d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> A:
    """Cross-correlation along one axis; padding is a number for both sides, 'same' or 'valid'."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> A:
    """Cross-correlation over two axes: input (N, C, H, W), weight (out, C / groups, kH, kW)."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> A:
    """Cross-correlation over three axes."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    n: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Any:
    name = f"conv_transpose{n}d"
    x, many = batched(name, float_array(input), n)
    w = float_array(weight)
    step, dilate = each(name, "stride", stride, n), each(name, "dilation", dilation, n)
    cut, extra = (
        each(name, "padding", padding, n),
        each(name, "output_padding", output_padding, n),
    )
    if w.ndim != n + 2 or x.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: input {x.shape} and weight {w.shape} do not fit; groups={groups}"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, step, dilate, strict=True)):
        raise ShapeError(f"{name}: output_padding {extra} must be below stride or dilation")
    y = padded(_spread(x, w, step, dilate, groups), [(0, e) for e in extra])
    y = _with_bias(name, _cropped(name, y, cut), bias, n)
    return y if many else y[0]


def _cropped(name: str, y: Any, cut: Any) -> Any:
    """y without `cut` places at both ends of each axis."""
    if any(m <= 2 * c for c, m in zip(cut, y.shape[2:], strict=True)):
        raise ShapeError(f"{name}: padding {cut} leaves nothing of the output {y.shape[2:]}")
    return y[(..., *(slice(c, m - c) for c, m in zip(cut, y.shape[2:], strict=True)))]


def _spread(x: Any, w: Any, step: Any, dilate: Any, groups: int) -> Any:
    """Every number of x times the kernel, added up where it belongs in the output."""
    n, (b, _, *places), out = w.ndim - 2, x.shape, w.shape[1]
    rows = ops.reshape(x, shape=(b, groups, w.shape[0] // groups, math.prod(places)))
    kernels = ops.reshape(w, shape=(groups, w.shape[0] // groups, math.prod(w.shape[1:])))
    product = ops.matmul(ops.swapaxes(kernels, axis1=-1, axis2=-2), rows)
    product = ops.reshape(product, shape=(b, groups * out, *w.shape[2:], *places))
    order = (0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n))
    size = tuple(
        s * (p - 1) + d * (k - 1) + 1
        for s, p, d, k in zip(step, places, dilate, w.shape[2:], strict=True)
    )
    return ops.fold(ops.transpose(product, axes=order), size=size, stride=step, dilation=dilate)


def conv_transpose1d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> A:
    """The transpose of conv1d in its input; weight (in, out / groups, k)."""
    return _conv_transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> A:
    """The transpose of conv2d in its input; weight (in, out / groups, kH, kW)."""
    return _conv_transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Like[A],
    weight: Like[A],
    bias: Like[A] | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> A:
    """The transpose of conv3d in its input."""
    return _conv_transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
]  # fmt: skip
