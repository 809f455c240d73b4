"""Convolutions and pooling: windows of the image, then a product, a maximum or a mean.

Images are (batch, channels, *space), or (channels, *space) alone; weights (out, in / groups,
*kernel), as in PyTorch. One function serves one, two and three dimensions.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ... import functions, ops
from ...errors import ConfigError, ShapeError
from ...node import plain
from ...protocol import array, bare

Sizes = int | tuple[int, ...]
_LEAST = {"padding": 0, "output_padding": 0, "output_size": 0}


def _each(name: str, what: str, value: Any, n: int) -> tuple[int, ...]:
    least = _LEAST.get(what, 1)
    sizes: tuple[int, ...] = (value,) * n if np.ndim(value) == 0 else tuple(value)
    if any(not isinstance(k, (int, np.integer)) or k < least for k in sizes):
        raise ConfigError(f"{name}: {what} is {value!r}, need integers of at least {least}")
    sizes = sizes * n if len(sizes) == 1 else sizes
    if len(sizes) != n:
        raise ShapeError(f"{name}: {what} {value} has {len(sizes)} entries, need {n}")
    return sizes


def _batched(name: str, x: Any, n: int) -> tuple[Any, bool]:
    x = array(x)
    if x.ndim not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: input has shape {x.shape}, need (batch, channels, {n} axes) or (channels, …)"
        )
    return (x, True) if x.ndim == n + 2 else (ops.expand_dims(x, axis=0), False)


def _padded(x: Any, padding: Any, value: float = 0.0) -> Any:
    if not any(a or b for a, b in padding):
        return x
    width = ((0, 0),) * (x.ndim - len(padding)) + tuple(padding)
    return functions.pad(x, width, constant_values=value)


# ---- convolution --------------------------------------------------------------------------------


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
    x, batched = _batched(name, input, n)
    w = array(weight)
    step, dilate = _each(name, "stride", stride, n), _each(name, "dilation", dilation, n)
    if w.ndim != n + 2 or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: input {x.shape} has {x.shape[1]} channels, weight {w.shape} needs "
            f"{w.shape[1] * groups if w.ndim > 1 else '(out, in, …)'} for groups={groups}"
        )
    reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilate, strict=True)]
    if padding == "same":
        if any(s != 1 for s in step):
            raise ConfigError(f"{name}: padding='same' needs stride 1; pad explicitly")
        sides = [(r // 2, r - r // 2) for r in reach]
    elif padding == "valid":
        sides = [(0, 0)] * n
    else:
        sides = [(p, p) for p in _each(name, "padding", padding, n)]
    x = _padded(x, sides)
    if any(k <= r for k, r in zip(x.shape[2:], reach, strict=True)):
        raise ShapeError(
            f"{name}: kernel {w.shape[2:]} with dilation {dilate} is larger than the padded input "
            f"{x.shape[2:]}"
        )
    view = ops.windows(x, shape=w.shape[2:], stride=step, dilation=dilate)
    places, kernel, b = view.shape[2 : 2 + n], math.prod(w.shape[1:]), x.shape[0]
    # (batch, groups, in, *places, *kernel) -> rows of one window each, times the kernels.
    view = ops.reshape(view, shape=(b, groups, w.shape[1], *places, *w.shape[2:]))
    order = (0, 1, *range(3, 3 + n), 2, *range(3 + n, 3 + 2 * n))
    rows = ops.reshape(
        ops.transpose(view, axes=order), shape=(b, groups, math.prod(places), kernel)
    )
    kernels = ops.reshape(w, shape=(groups, w.shape[0] // groups, kernel))
    y = ops.matmul(kernels, ops.swapaxes(rows, axis1=-1, axis2=-2))
    y = _with_bias(name, ops.reshape(y, shape=(b, w.shape[0], *places)), bias, n)
    return y if batched else y[0]


def _with_bias(name: str, y: Any, bias: Any, n: int) -> Any:
    if bias is not None and np.shape(plain(bias)) != (y.shape[1],):
        raise ShapeError(
            f"{name}: bias has shape {np.shape(plain(bias))}, expected ({y.shape[1]},)"
        )
    return y if bias is None else y + functions.reshape(bias, (-1,) + (1,) * n)


def conv1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation along one axis; padding is a number for both sides, 'same' or 'valid'."""
    return _conv(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation over two axes: input (N, C, H, W), weight (out, C / groups, kH, kW)."""
    return _conv(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Any = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation over three axes."""
    return _conv(3, input, weight, bias, stride, padding, dilation, groups)


def _conv_transpose(
    n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Any:  # fmt: skip
    name = f"conv_transpose{n}d"
    x, batched = _batched(name, input, n)
    w = array(weight)
    step, dilate = _each(name, "stride", stride, n), _each(name, "dilation", dilation, n)
    cut, extra = (
        _each(name, "padding", padding, n),
        _each(name, "output_padding", output_padding, n),
    )
    if w.ndim != n + 2 or x.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise ShapeError(
            f"{name}: input {x.shape} and weight {w.shape} do not fit; groups={groups}"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, step, dilate, strict=True)):
        raise ShapeError(f"{name}: output_padding {extra} must be below stride or dilation")
    b, places, out = x.shape[0], x.shape[2:], w.shape[1]
    # Every input number puts its multiple of the kernel into the output.
    rows = ops.reshape(x, shape=(b, groups, w.shape[0] // groups, math.prod(places)))
    kernels = ops.reshape(w, shape=(groups, w.shape[0] // groups, math.prod(w.shape[1:])))
    product = ops.matmul(ops.swapaxes(kernels, axis1=-1, axis2=-2), rows)
    product = ops.reshape(product, shape=(b, groups * out, *w.shape[2:], *places))
    order = (0, 1, *range(2 + n, 2 + 2 * n), *range(2, 2 + n))
    size = tuple(
        s * (p - 1) + d * (k - 1) + 1
        for s, p, d, k in zip(step, places, dilate, w.shape[2:], strict=True)
    )
    y = ops.fold(ops.transpose(product, axes=order), size=size, stride=step, dilation=dilate)
    y = _padded(y, [(0, e) for e in extra])
    if any(m <= 2 * c for c, m in zip(cut, y.shape[2:], strict=True)):
        raise ShapeError(f"{name}: padding {cut} leaves nothing of the output {y.shape[2:]}")
    index = tuple(slice(c, m - c) for c, m in zip(cut, y.shape[2:], strict=True))
    y = _with_bias(name, y[(..., *index)], bias, n)
    return y if batched else y[0]


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Any:
    """The transpose of conv1d in its input; weight (in, out / groups, k)."""
    return _conv_transpose(
        1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Any:
    """The transpose of conv2d in its input; weight (in, out / groups, kH, kW)."""
    return _conv_transpose(
        2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Any:
    """The transpose of conv3d in its input."""
    return _conv_transpose(
        3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


# ---- pooling ------------------------------------------------------------------------------------


def _pool_windows(
    name: str, n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool, fill: float,
) -> tuple[Any, bool, Any]:  # fmt: skip
    """(…, *places, Πkernel): the windows flat; whether batched; how many real pixels each holds."""
    x, batched = _batched(name, input, n)
    kernel = _each(name, "kernel_size", kernel_size, n)
    step = _each(name, "stride", kernel_size if stride in (None, (), []) else stride, n)
    dilate, edge = _each(name, "dilation", dilation, n), _each(name, "padding", padding, n)
    if any(2 * p > k for p, k in zip(edge, kernel, strict=True)):
        raise ShapeError(f"{name}: padding {edge} is more than half the kernel {kernel}")
    sides, beyond = [], []
    for size, k, s, d, p in zip(x.shape[2:], kernel, step, dilate, edge, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        last = -(-room // s) if ceil_mode else room // s
        if last < 0:
            raise ShapeError(f"{name}: kernel {kernel} is larger than the input {x.shape[2:]}")
        if ceil_mode and last * s >= size + p:  # a window must start inside
            last -= 1
        more = max(last * s - room, 0)
        sides.append((p, p + more))
        beyond.append(more)
    how: Any = dict(shape=kernel, stride=step, dilation=dilate)
    view = ops.windows(_padded(x, sides, fill), **how)
    inside = np.ones(tuple(m + 2 * p for m, p in zip(x.shape[2:], edge, strict=True)))
    real = np.pad(np.ones(x.shape[2:]), [(p, p) for p in edge])
    counts = [
        ops.windows.array(np.pad(a, [(0, m) for m in beyond]), **how).sum(tuple(range(n, 2 * n)))
        for a in (inside, real)
    ]
    return ops.reshape(view, shape=(*view.shape[: 2 + n], math.prod(kernel))), batched, counts


def _max_pool(
    n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool, return_indices: bool,
) -> Any:  # fmt: skip
    w, batched, _ = _pool_windows(
        f"max_pool{n}d", n, input, kernel_size, stride, padding, dilation, ceil_mode, -np.inf
    )
    first = np.argmax(bare(w), -1)  # of equal pixels the first gets the gradient, as in torch, TF
    y = ops.take_along_axis(w, indices=first[..., None], axis=-1)[..., 0]
    lost = np.any(padding) and np.any(plain(y) == -np.inf)  # the padding may have come first
    if not return_indices and not lost:
        return y if batched else y[0]
    shape = np.shape(plain(input))[-n:]  # the place in the flat image of each pixel, -1 outside
    number = np.broadcast_to(np.arange(float(math.prod(shape))).reshape(shape), (1, 1, *shape))
    at, _, _ = _pool_windows(
        "max_pool", n, number, kernel_size, stride, padding, dilation, ceil_mode, -1
    )
    at = np.broadcast_to(at, np.shape(plain(w)))
    outside = np.take_along_axis(at, first[..., None], -1)[..., 0] < 0
    first = np.where(outside, np.argmax(at >= 0, -1), first)
    y = ops.take_along_axis(w, indices=first[..., None], axis=-1)[..., 0]
    if not return_indices:
        return y if batched else y[0]
    index = np.take_along_axis(at, first[..., None], -1)[..., 0].astype(int)
    return (y, index) if batched else (y[0], index[0])


def max_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; of equal ones the first gets the gradient."""
    return _max_pool(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; stride is kernel_size by default, padding counts as -inf."""
    return _max_pool(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window."""
    return _max_pool(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _avg_pool(
    n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None,
) -> Any:  # fmt: skip
    w, batched, (inside, real) = _pool_windows(
        f"avg_pool{n}d", n, input, kernel_size, stride, padding, 1, ceil_mode, 0.0
    )
    if divisor_override == 0:
        raise ConfigError(f"avg_pool{n}d: divisor_override is 0")
    count = divisor_override or (inside if count_include_pad else real).astype(plain(w).dtype)
    y = ops.sum(w, axis=-1) / count
    return y if batched else y[0]


def avg_pool1d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window; padding counts unless count_include_pad is False (as in Keras)."""
    return _avg_pool(
        2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Any,
    kernel_size: Sizes,
    stride: Any = None,
    padding: Sizes = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window."""
    return _avg_pool(
        3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _adaptive(n: int, input: Any, output_size: Any, reduce: Callable[..., Any]) -> Any:
    """Each axis cut into output_size parts, as equal as possible, which may share a pixel."""
    x = array(input)
    sizes = (output_size,) * n if isinstance(output_size, (int, type(None))) else output_size
    sizes = tuple(m if k is None else k for m, k in zip(x.shape[-n:], sizes, strict=True))
    _each(f"adaptive_pool{n}d", "output_size", sizes, n)
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


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of output_size windows that cover the axis."""
    return _adaptive(1, input, output_size, ops.mean)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of output_size windows that cover each of the last two axes."""
    return _adaptive(2, input, output_size, ops.mean)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The means of output_size windows that cover each of the last three axes."""
    return _adaptive(3, input, output_size, ops.mean)


def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """The maxima of output_size windows that cover the axis."""
    return _adaptive(1, input, output_size, _first_max)


def adaptive_max_pool2d(input: Any, output_size: Any) -> Any:
    """The maxima of output_size windows that cover each of the last two axes."""
    return _adaptive(2, input, output_size, _first_max)


def adaptive_max_pool3d(input: Any, output_size: Any) -> Any:
    """The maxima of output_size windows that cover each of the last three axes."""
    return _adaptive(3, input, output_size, _first_max)


# ---- windows themselves -------------------------------------------------------------------------


def unfold(
    input: Any, kernel_size: Sizes, dilation: Sizes = 1, padding: Sizes = 0, stride: Sizes = 1
) -> Any:
    """(N, C·Πkernel, L): the windows of an image as columns."""
    x, batched = _batched("unfold", input, 2)
    kernel = _each("unfold", "kernel_size", kernel_size, 2)
    x = _padded(x, [(p, p) for p in _each("unfold", "padding", padding, 2)])
    how = dict(
        stride=_each("unfold", "stride", stride, 2),
        dilation=_each("unfold", "dilation", dilation, 2),
    )
    view = ops.transpose(ops.windows(x, shape=kernel, **how), axes=(0, 1, 4, 5, 2, 3))
    places = math.prod(view.shape[4:])
    y = ops.reshape(view, shape=(x.shape[0], x.shape[1] * math.prod(kernel), places))
    return y if batched else y[0]


def fold(
    input: Any,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes = 1,
    padding: Sizes = 0,
    stride: Sizes = 1,
) -> Any:
    """(N, C, *output_size): columns of windows added up where unfold takes them from."""
    x = array(input)
    batched = x.ndim == 3
    x = x if batched else ops.expand_dims(x, axis=0)
    size, kernel = (
        _each("fold", "output_size", output_size, 2),
        _each("fold", "kernel_size", kernel_size, 2),
    )
    edge, step = _each("fold", "padding", padding, 2), _each("fold", "stride", stride, 2)
    dilate = _each("fold", "dilation", dilation, 2)
    whole = tuple(m + 2 * p for m, p in zip(size, edge, strict=True))
    places = tuple(
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
    return y if batched else y[0]


def pad(
    input: Any, pad: tuple[int, ...], mode: str = "constant", value: float | None = None
) -> Any:
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
        options = {"constant_values": value or 0} if mode == "constant" else {}
        x = functions.pad(x, wide, names[mode], **options)
    if any(a + b > m for (a, b), m in zip(cut, x.shape, strict=True)):
        raise ShapeError(f"pad: {pad} cuts more than there is of {x.shape}")
    return _cut(x, cut)


def _cut(x: Any, sides: Any) -> Any:
    if not any(a or b for a, b in sides):
        return x
    return x[tuple(slice(a, n - b) for (a, b), n in zip(sides, x.shape, strict=True))]


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """(…, C·r², H, W) -> (…, C, H·r, W·r): channels become pixels."""
    x, r = array(input), upscale_factor
    *lead, c, h, w = x.shape
    x = ops.reshape(x, shape=(math.prod(lead), c // r**2, r, r, h, w))
    x = ops.transpose(x, axes=(0, 1, 4, 2, 5, 3))
    return ops.reshape(x, shape=(*lead, c // r**2, h * r, w * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """(…, C, H·r, W·r) -> (…, C·r², H, W): the inverse of pixel_shuffle."""
    x, r = array(input), downscale_factor
    *lead, c, h, w = x.shape
    x = ops.reshape(x, shape=(math.prod(lead), c, h // r, r, w // r, r))
    x = ops.transpose(x, axes=(0, 1, 3, 5, 2, 4))
    return ops.reshape(x, shape=(*lead, c * r**2, h // r, w // r))


def channel_shuffle(input: Any, groups: int) -> Any:
    """The channels of `groups` groups dealt out in turn."""
    x = array(input)
    b, c, *space = x.shape
    y = ops.reshape(x, shape=(b, groups, c // groups, *space))
    return ops.reshape(ops.swapaxes(y, axis1=1, axis2=2), shape=x.shape)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d",
    "channel_shuffle", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d",
    "conv_transpose3d", "fold", "max_pool1d", "max_pool2d", "max_pool3d", "pad", "pixel_shuffle",
    "pixel_unshuffle", "unfold",
]  # fmt: skip
