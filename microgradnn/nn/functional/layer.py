"""Normalisation, dropout, embedding, attention: functions behind layers, as in PyTorch."""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.errors import ConfigError, DTypeError, GradientError, LabelError, ShapeError
from ...engine.node import plain
from ...engine.protocol import array
from ...functions.products import linear

Axes = tuple[int, ...]


def _standardised(x: Any, axes: Axes, eps: float) -> Any:
    middle = functions.mean(x, axes, keepdims=True)
    d = x - middle
    return d / ops.sqrt(functions.mean(ops.square(d), axes, keepdims=True) + eps)


def _scaled(y: Any, weight: Any, bias: Any, shape: Axes) -> Any:
    if weight is not None:
        y = y * functions.reshape(weight, shape)
    return y if bias is None else y + functions.reshape(bias, shape)


def _ending(name: str, x: Any, normalized_shape: Any) -> Axes:
    shape = (normalized_shape,) if np.ndim(normalized_shape) == 0 else tuple(normalized_shape)
    if not shape or x.shape[x.ndim - len(shape) :] != shape:
        raise ShapeError(f"{name}: input {x.shape} does not end in {shape}")
    return shape


def layer_norm(
    input: Any, normalized_shape: int | Axes, weight: Any = None, bias: Any = None,
    eps: float = 1e-5,
) -> Any:  # fmt: skip
    """(x - mean) / √(var + eps) over the last axes, scaled and shifted (Ba et al. 2016)."""
    x = array(input)
    shape = _ending("layer_norm", x, normalized_shape)
    return _scaled(_standardised(x, tuple(range(-len(shape), 0)), eps), weight, bias, shape)


def rms_norm(
    input: Any, normalized_shape: int | Axes, weight: Any = None, eps: float | None = None
) -> Any:
    """x / √(mean(x²) + eps) over the last axes, scaled (Zhang and Sennrich 2019)."""
    x = array(input)
    shape = _ending("rms_norm", x, normalized_shape)
    small = np.finfo(plain(x).dtype).eps if eps is None else eps
    square = functions.mean(ops.square(x), tuple(range(-len(shape), 0)), keepdims=True)
    return _scaled(x / ops.sqrt(square + small), weight, None, shape)


def group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Standardised over groups of channels and all space (Wu and He 2018); channels are axis 1."""
    x = array(input)
    n, c, *space = x.shape
    if c % num_groups:
        raise ShapeError(f"group_norm: {c} channels do not split into {num_groups} groups")
    rows = ops.reshape(x, shape=(n, num_groups, (c // num_groups) * math.prod(space)))
    y = ops.reshape(_standardised(rows, (-1,), eps), shape=x.shape)
    return _scaled(y, weight, bias, (c,) + (1,) * len(space))


def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None,
    bias: Any = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Each channel of each sample standardised over its space."""
    x = array(input)
    shape = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    axes = tuple(range(2, x.ndim))
    if use_input_stats:
        if math.prod(x.shape[2:]) == 1:
            raise ShapeError(
                f"instance_norm: one value for each channel of {x.shape} has no variance"
            )
        if running_mean is not None:
            n = math.prod(x.shape[2:])
            means, variances = plain(x).mean(axes), plain(x).var(axes) * n / max(n - 1, 1)
            _update(running_mean, means.mean(0), momentum)
            _update(running_var, variances.mean(0), momentum)
        return _scaled(_standardised(x, axes, eps), weight, bias, shape)
    return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Each channel (axis 1) standardised over batch and space (Ioffe and Szegedy 2015).

    In training by the batch's own mean and biased variance, and then the running ones, if given,
    are moved in place: running += momentum · (batch - running), with the unbiased variance. Keras
    has momentum the other way round, eps 1e-3, and a biased running variance.
    """
    x = array(input)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: input has shape {x.shape}, need (batch, channels, …)")
    axes, shape = (0, *range(2, x.ndim)), (1, x.shape[1]) + (1,) * (x.ndim - 2)
    if not training:
        if running_mean is None or running_var is None:
            raise ConfigError("batch_norm: training=False needs running_mean and running_var")
        middle, spread = (functions.reshape(v, shape) for v in (running_mean, running_var))
        return _scaled((x - middle) / ops.sqrt(spread + eps), weight, bias, shape)
    if (running_mean is None) != (running_var is None):
        raise ConfigError("batch_norm: give both of running_mean and running_var, or neither")
    n = x.size // max(x.shape[1], 1)
    if n == 1:
        raise ShapeError(f"batch_norm: one value for each channel of {x.shape} has no variance")
    if running_mean is not None:
        _update(running_mean, plain(x).mean(axes), momentum)
        _update(running_var, plain(x).var(axes) * n / (n - 1), momentum)
    return _scaled(_standardised(x, axes, eps), weight, bias, shape)


def _update(running: Any, new: np.ndarray, momentum: float) -> None:
    if running is not None:
        raw = plain(running)
        raw += momentum * (new - raw)


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Any:
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta."""
    x = array(input)
    width = [(0, 0)] * x.ndim
    width[1] = (size // 2, (size - 1) // 2)
    wide = functions.moveaxis(functions.pad(ops.square(x), width), 1, -1)
    near = ops.mean(ops.windows(wide, shape=(size,), stride=(1,), dilation=(1,)), axis=-1)
    return x / ops.pow(k + alpha * functions.moveaxis(near, -1, 1), beta)


def dropout(
    input: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> Any:
    """x with each element set to 0 with probability p and the rest divided by 1 - p."""
    return _dropped("dropout", array(input), p, training, rng, np.shape(plain(input)))


def dropout1d(
    input: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> Any:
    """dropout of whole channels of (N, C, L)."""
    return _channels("dropout1d", input, p, training, rng, 1)


def dropout2d(
    input: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> Any:
    """dropout of whole channels of (N, C, H, W)."""
    return _channels("dropout2d", input, p, training, rng, 2)


def dropout3d(
    input: Any, p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> Any:
    """dropout of whole channels of (N, C, D, H, W)."""
    return _channels("dropout3d", input, p, training, rng, 3)


def _channels(name: str, input: Any, p: float, training: bool, rng: Any, n: int) -> Any:
    x = array(input)
    return _dropped(name, x, p, training, rng, x.shape[: x.ndim - n] + (1,) * n)


def _dropped(name: str, x: Any, p: float, training: bool, rng: Any, shape: Any) -> Any:
    if not 0 <= p <= 1:
        raise ConfigError(f"{name}: p is {p}, need a probability between 0 and 1")
    if not training or p == 0:
        return x
    keep = (rng or np.random.default_rng()).random(shape) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return x * (keep * scale).astype(plain(x).dtype)


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of weight (num, dim) at integer indices; row padding_idx gets no gradient."""
    index, w = np.asarray(plain(input)), array(weight)
    if index.dtype.kind not in "iu":
        raise DTypeError(f"embedding: indices are {index.dtype}, need integers")
    n = w.shape[0]
    if index.size and (index.min() < 0 or index.max() >= n):
        bad = index[(index < 0) | (index >= n)][0]
        raise LabelError(f"embedding: index {bad} is out of range; weight has rows 0 to {n - 1}")
    if padding_idx is not None:
        if not -n <= padding_idx < n:
            raise LabelError(f"embedding: padding_idx {padding_idx} is out of range for {n} rows")
        fixed = (np.arange(n) == padding_idx % n)[:, None]
        w = ops.where(fixed, plain(w), w)
    return ops.take(w, indices=index, axis=0)


def one_hot(tensor: Any, num_classes: int = -1) -> np.ndarray:
    """An integer array (…, classes), 1 at the label: plain, labels have no gradient."""
    t = np.asarray(plain(tensor))
    if t.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: labels are {t.dtype}, need integers")
    n = int(t.max()) + 1 if num_classes == -1 else num_classes
    if t.size and (t.min() < 0 or t.max() >= n):
        bad = t[(t < 0) | (t >= n)][0]
        raise LabelError(f"one_hot: label {bad} is out of range for {n} classes")
    return (t[..., None] == np.arange(n)).astype(np.int64)


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x₁ᵀ·W·x₂ + b for each W of weight (out, in1, in2)."""
    y = functions.einsum("...i,oij,...j->...o", array(input1), array(weight), array(input2))
    if bias is not None and np.shape(plain(bias)) != y.shape[-1:]:
        raise ShapeError(f"bilinear: bias has shape {np.shape(plain(bias))}, not {y.shape[-1:]}")
    return y if bias is None else y + bias


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
    rng: np.random.Generator | None = None,
) -> Any:  # fmt: skip
    """softmax(QKᵀ·scale + mask)·V (Vaswani et al. 2017); scale is 1/√d by default.

    attn_mask is added, or if boolean says which keys take part.
    """
    q, k, v = array(query), array(key), array(value)
    if is_causal and attn_mask is not None:
        raise GradientError("scaled_dot_product_attention: pass attn_mask or is_causal, not both")
    if enable_gqa:
        k, v = (functions.repeat(t, q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = ops.matmul(q * factor, ops.swapaxes(k, axis1=-1, axis2=-2))
    if is_causal:
        attn_mask = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    if attn_mask is not None:
        mask = array(attn_mask)
        if plain(mask).dtype.kind == "b":
            scores = ops.where(plain(mask), scores, -np.inf)
        elif plain(mask).dtype.kind != "f":
            raise DTypeError(f"scaled_dot_product_attention: mask is {plain(mask).dtype}")
        else:
            scores = scores + mask
    empty = np.all(plain(scores) == -np.inf, -1, keepdims=True)  # no key takes part: 0, not nan
    weights = ops.softmax(ops.where(empty, 0, scores) if empty.any() else scores, axis=-1)
    weights = ops.where(empty, 0, weights) if empty.any() else weights
    return ops.matmul(dropout(weights, dropout_p, True, rng), v)


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x₁·x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along dim."""
    a, b = functions.broadcast_arrays(array(x1), array(x2))
    sizes = [ops.maximum(ops.norm(v, axis=dim, keepdims=True), eps) for v in (a, b)]
    return ops.sum((a / sizes[0]) * (b / sizes[1]), axis=dim)


def pairwise_distance(
    x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Any:
    """‖x₁ - x₂ + eps‖ₚ along the last axis."""
    return functions.linalg.vector_norm(
        array(x1) - array(x2) + eps, ord=p, axis=-1, keepdims=keepdim
    )


def pdist(input: Any, p: float = 2.0) -> Any:
    """The distances of all pairs of rows."""
    x = array(input)
    if x.ndim != 2:
        raise ShapeError(f"pdist: input has shape {x.shape}, need rows (n, features)")
    i, j = np.triu_indices(x.shape[0], 1)
    return functions.linalg.vector_norm(x[i] - x[j], ord=p, axis=-1)


__all__ = [
    "batch_norm", "bilinear", "cosine_similarity", "dropout", "dropout1d", "dropout2d",
    "dropout3d", "embedding", "group_norm", "instance_norm", "layer_norm", "linear",
    "local_response_norm", "one_hot", "pairwise_distance", "pdist", "rms_norm",
    "scaled_dot_product_attention",
]  # fmt: skip
