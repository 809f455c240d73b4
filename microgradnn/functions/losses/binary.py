"""Losses for questions of yes or no."""

from __future__ import annotations

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ConfigError
from ..shape import float_array
from ..types import A, ArrayLike, Like
from .reduction import as_float, reduced, same_shape
from .targets import not_made_by


def binary_cross_entropy_with_logits(
    input: Like[A],
    target: Like[A],
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> A:
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)) of logits z and targets t in [0, 1].

    Stable for any z; the formula is that of tf.nn.sigmoid_cross_entropy_with_logits. `weight`
    multiplies the losses, `pos_weight` the first term; the mean is over all elements.
    """
    name = "binary_cross_entropy_with_logits"
    not_made_by(name, input, ("softmax", "sigmoid"), "pass the logits, before that")
    z = float_array(input)
    t = as_float(target, z)
    same_shape(name, z, t)
    loss = ops.bce_with_logits(z, t)
    if pos_weight is not None:  # the first term once more, times pos_weight - 1
        loss = loss + (array(pos_weight) - 1) * t * ops.softplus(-z)
    loss = loss if weight is None else loss * weight
    same_shape(name, z, loss)
    return reduced(name, loss, reduction)


def binary_cross_entropy(
    input: Like[A],
    target: Like[A],
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    clip_eps: float | None = None,
) -> A:
    """-t·log p - (1 - t)·log(1 - p) of probabilities p.

    As in PyTorch, the logarithms are at least -100 and the slope is (p - t) / max(p(1 - p), 1e-12);
    with clip_eps=1e-7 p is clipped to [eps, 1 - eps] instead, as in Keras. From logits use
    binary_cross_entropy_with_logits.
    """
    p = float_array(input)
    t = as_float(target, p)
    same_shape("binary_cross_entropy", p, t)
    raw = plain(p)
    if np.any((raw < 0) | (raw > 1)):
        raise ConfigError("binary_cross_entropy: a probability is outside 0 to 1; pass σ(logits)")
    if np.any((plain(t) < 0) | (plain(t) > 1)):
        raise ConfigError("binary_cross_entropy: a target is outside 0 to 1")
    if clip_eps is not None:
        q = ops.clip(p, clip_eps, 1 - clip_eps)
        loss = -(t * ops.log(q) + (1 - t) * ops.log(1 - q))
    else:
        loss = ops.bce(p, t)
    loss = loss if weight is None else loss * weight
    same_shape("binary_cross_entropy", p, loss)
    return reduced("binary_cross_entropy", loss, reduction)


def soft_margin_loss(input: Like[A], target: Like[A], reduction: str = "mean") -> A:
    """log(1 + exp(-t·x)) for labels t of -1 and 1."""
    x = float_array(input)
    same_shape("soft_margin_loss", x, target)
    return reduced("soft_margin_loss", ops.softplus(-as_float(target, x) * x), reduction)


def multilabel_soft_margin_loss(
    input: Like[A], target: Like[A], weight: ArrayLike | None = None, reduction: str = "mean"
) -> A:
    """The mean over classes of binary_cross_entropy_with_logits."""
    same_shape("multilabel_soft_margin_loss", input, target)
    loss = binary_cross_entropy_with_logits(input, target, weight, "none")
    return reduced("multilabel_soft_margin_loss", ops.mean(loss, axis=-1), reduction)


__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss",
    "soft_margin_loss",
]  # fmt: skip
