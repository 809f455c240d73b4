"""Images as columns of windows, with pixels added, cut or moved between channels and space."""

from __future__ import annotations

import math
from typing import Any

from ... import functions
from ...engine import ops
from ...engine.protocol import array
from ...errors import ConfigError, ShapeError
from ...functions.types import A, Like
from .spaces import Axes, Sizes, batched, each, padded


def unfold(
    input: Like[A], kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> A:
    """(N, C·Πkernel, L): the windows of an image as columns."""
    x, many = batched("unfold", input, 2)
    kernel = each("unfold", "kernel_size", kernel_size, 2)
    x = padded(x, [(p, p) for p in each("unfold", "padding", padding, 2)])
    how = dict(
        stride=each("unfold", "stride", stride, 2),
        dilation=each("unfold", "dilation", dilation, 2),
    )
    view = ops.transpose(ops.windows(x, shape=kernel, **how), axes=(0, 1, 4, 5, 2, 3))
    places = math.prod(view.shape[4:])
    y = ops.reshape(view, shape=(x.shape[0], x.shape[1] * math.prod(kernel), places))
    return y if many else y[0]


def fold(
    input: Like[A],
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> A:
    """(N, C, *output_size): columns of windows added up where unfold takes them from."""
    x = array(input)
    many = x.ndim == 3
    x = x if many else ops.expand_dims(x, axis=0)
    size: Axes = each("fold", "output_size", output_size, 2)
    kernel: Axes = each("fold", "kernel_size", kernel_size, 2)
    edge: Axes = each("fold", "padding", padding, 2)
    step, dilate = each("fold", "stride", stride, 2), each("fold", "dilation", dilation, 2)
    whole = tuple(m + 2 * p for m, p in zip(size, edge, strict=True))
    places: Axes = tuple(
        (m - d * (k - 1) - 1) // s + 1
        for m, k, s, d in zip(whole, kernel, step, dilate, strict=True)
    )
    if x.shape[1] % math.prod(kernel) or x.shape[2] != math.prod(places):
        raise ShapeError(f"fold: input {x.shape} does not hold {places} windows of {kernel}")
    view = ops.reshape(x, shape=(x.shape[0], x.shape[1] // math.prod(kernel), *kernel, *places))
    y = ops.fold(
        ops.transpose(view, axes=(0, 1, 4, 5, 2, 3)), size=whole, stride=step, dilation=dilate
    )
    y = y[(..., *(slice(p, p + m) for p, m in zip(edge, size, strict=True)))]
    return y if many else y[0]


def pad(
    input: Like[A], pad: tuple[int, ...], mode: str = "constant", value: float | None = None
) -> A:
    """The image with pixels added: `pad` counts (before, after) from the last axis; or cut if < 0.

    mode: constant, reflect, replicate or circular.
    """
    x = array(input)
    names = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    if mode not in names or len(pad) % 2:
        raise ConfigError(f"pad: mode {mode!r}, {len(pad)} widths; modes: {', '.join(names)}")
    pairs = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[-2::-2], pad[::-2], strict=True))
    wide = [(max(a, 0), max(b, 0)) for a, b in pairs]
    cut = [(max(-a, 0), max(-b, 0)) for a, b in pairs]
    if mode == "circular":
        x, cut = _cut(x, cut), [(0, 0)] * x.ndim
    if any(a or b for a, b in wide):
        options = {"constant_values": 0 if value is None else value} if mode == "constant" else {}
        x = functions.pad(x, wide, names[mode], **options)
    if any(a + b > m for (a, b), m in zip(cut, x.shape, strict=True)):
        raise ShapeError(f"pad: {pad} cuts more than there is of {x.shape}")
    return _cut(x, cut)


def _cut(x: Any, sides: Any) -> Any:
    if not any(a or b for a, b in sides):
        return x
    return x[tuple(slice(a, n - b) for (a, b), n in zip(sides, x.shape, strict=True))]


def pixel_shuffle(input: Like[A], upscale_factor: int) -> A:
    """(…, C·r², H, W) -> (…, C, H·r, W·r): channels become pixels."""
    x, r = array(input), upscale_factor
    *lead, c, h, w = x.shape
    x = ops.reshape(x, shape=(math.prod(lead), c // r**2, r, r, h, w))
    x = ops.transpose(x, axes=(0, 1, 4, 2, 5, 3))
    return ops.reshape(x, shape=(*lead, c // r**2, h * r, w * r))


def pixel_unshuffle(input: Like[A], downscale_factor: int) -> A:
    """(…, C, H·r, W·r) -> (…, C·r², H, W): the inverse of pixel_shuffle."""
    x, r = array(input), downscale_factor
    *lead, c, h, w = x.shape
    x = ops.reshape(x, shape=(math.prod(lead), c, h // r, r, w // r, r))
    x = ops.transpose(x, axes=(0, 1, 3, 5, 2, 4))
    return ops.reshape(x, shape=(*lead, c * r**2, h // r, w // r))


def channel_shuffle(input: Like[A], groups: int) -> A:
    """The channels of `groups` groups dealt out in turn."""
    x = array(input)
    b, c, *space = x.shape
    y = ops.reshape(x, shape=(b, groups, c // groups, *space))
    return ops.reshape(ops.swapaxes(y, axis1=1, axis2=2), shape=x.shape)


__all__ = [
    "channel_shuffle", "fold", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold",
]  # fmt: skip
