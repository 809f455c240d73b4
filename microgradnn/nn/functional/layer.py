"""Dropout, embedding, attention, distances: functions behind layers, as in PyTorch."""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ConfigError, DTypeError, GradientError, LabelError, ShapeError
from ...functions.products import linear
from ...functions.shape import float_array
from ...functions.types import A, ArrayLike, Like
from ...numerics import kernels
from ...numerics.recording import recording


def dropout(
    input: Like[A], p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> A:
    """x with each element set to 0 with probability p and the rest divided by 1 - p."""
    return _dropped("dropout", array(input), p, training, rng, np.shape(plain(input)))


def dropout1d(
    input: Like[A], p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> A:
    """dropout of whole channels of (N, C, L)."""
    return _channels("dropout1d", input, p, training, rng, 1)


def dropout2d(
    input: Like[A], p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> A:
    """dropout of whole channels of (N, C, H, W)."""
    return _channels("dropout2d", input, p, training, rng, 2)


def dropout3d(
    input: Like[A], p: float = 0.5, training: bool = True, rng: np.random.Generator | None = None
) -> A:
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
    keep = recording.draw(rng, "random", shape) >= p
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return x * (keep * scale).astype(plain(x).dtype)


def embedding(input: ArrayLike, weight: Like[A], padding_idx: int | None = None) -> A:
    """The rows of weight (num, dim) at integer indices; row padding_idx gets no gradient."""
    index, w = array(plain(input)), array(weight)
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


def one_hot(tensor: ArrayLike, num_classes: int = -1) -> np.ndarray:
    """An integer array (…, classes), 1 at the label: plain, labels have no gradient."""
    t = np.asarray(plain(tensor))
    if num_classes == -1 and not t.size:
        raise ShapeError("one_hot: no labels to count the classes by; give num_classes")
    n = int(t.max()) + 1 if num_classes == -1 else num_classes
    return kernels.one_hot(kernels.labels(t, n), n).astype(np.int64)


def bilinear(input1: Like[A], input2: Like[A], weight: Like[A], bias: Like[A] | None = None) -> A:
    """x₁ᵀ·W·x₂ + b for each W of weight (out, in1, in2)."""
    a, w, b = float_array(input1), float_array(weight), float_array(input2)
    y = functions.einsum("...i,oij,...j->...o", a, w, b)
    if bias is not None and np.shape(plain(bias)) != y.shape[-1:]:
        raise ShapeError(f"bilinear: bias has shape {np.shape(plain(bias))}, not {y.shape[-1:]}")
    return y if bias is None else y + bias


def scaled_dot_product_attention(
    query: Like[A],
    key: Like[A],
    value: Like[A],
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    rng: np.random.Generator | None = None,
) -> A:
    """softmax(QKᵀ·scale + mask)·V (Vaswani et al. 2017); scale is 1/√d by default.

    attn_mask is added, or if boolean says which keys take part.
    """
    q, k, v = float_array(query), float_array(key), float_array(value)
    if is_causal and attn_mask is not None:
        raise GradientError("scaled_dot_product_attention: pass attn_mask or is_causal, not both")
    if enable_gqa:
        k, v = (functions.repeat(t, q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    if is_causal:
        attn_mask = np.tri(q.shape[-2], k.shape[-2], dtype=bool)
    weights = attention_weights(q, k, None if attn_mask is None else array(attn_mask), scale)
    return ops.matmul(dropout(weights, dropout_p, True, rng), v)


def attention_weights(q: Any, k: Any, mask: Any = None, scale: float | None = None) -> Any:
    """softmax(QKᵀ·scale + mask); 0 where no key takes part."""
    factor = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    scores = ops.matmul(q * factor, ops.swapaxes(k, axis1=-1, axis2=-2))
    if mask is not None:
        scores = _masked(scores, mask)
    empty = np.all(plain(scores) == -np.inf, -1, keepdims=True)  # no key takes part: 0, not nan
    weights = ops.softmax(ops.where(empty, 0, scores) if empty.any() else scores, axis=-1)
    return ops.where(empty, 0, weights) if empty.any() else weights


def _masked(scores: Any, mask: Any) -> Any:
    kind = plain(mask).dtype.kind
    if kind == "b":
        return ops.where(plain(mask), scores, -np.inf)
    if kind != "f":
        raise DTypeError(f"scaled_dot_product_attention: mask is {plain(mask).dtype}")
    return scores + mask


def cosine_similarity(x1: Like[A], x2: Like[A], dim: int = 1, eps: float = 1e-8) -> A:
    """x₁·x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along dim."""
    a, b = functions.broadcast_arrays(float_array(x1), float_array(x2))
    sizes = [ops.maximum(ops.norm(v, axis=dim, keepdims=True), eps) for v in (a, b)]
    return ops.sum((a / sizes[0]) * (b / sizes[1]), axis=dim)


def pairwise_distance(
    x1: Like[A], x2: Like[A], p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> A:
    """‖x₁ - x₂ + eps‖ₚ along the last axis."""
    return functions.linalg.vector_norm(
        float_array(x1) - float_array(x2) + eps, ord=p, axis=-1, keepdims=keepdim
    )


def pdist(input: Like[A], p: float = 2.0) -> A:
    """The distances of all pairs of rows."""
    x = float_array(input)
    if x.ndim != 2:
        raise ShapeError(f"pdist: input has shape {x.shape}, need rows (n, features)")
    i, j = np.triu_indices(x.shape[0], 1)
    return functions.linalg.vector_norm(x[i] - x[j], ord=p, axis=-1)


__all__ = [
    "bilinear",
    "cosine_similarity",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "embedding",
    "linear",
    "one_hot",
    "pairwise_distance",
    "pdist",
    "scaled_dot_product_attention",
]
