"""Losses for one of many classes, or several of many."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ConfigError, DTypeError, LabelError
from ...numerics import kernels
from ..choosing import take
from ..shape import float_array, moveaxis
from ..types import A, ArrayLike, Like
from .reduction import as_float, check_weight, reduced, same_shape
from .targets import check_targets, not_made_by


def cross_entropy(
    input: Like[A],
    target: Like[A],
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> A:
    """-log softmax(logits) at the target, averaged over samples.

    Shapes: logits (classes,), (N, classes) or (N, classes, …); target integer labels without the
    classes axis, or probabilities of the logits' shape. `weight` is one number for each class: the
    mean of labels then divides by the sum of their weights. Labels equal to ignore_index do not
    count. Raises LabelError for a label out of range and ShapeError for other shapes.
    """
    z, t = float_array(input), array(target)
    not_made_by("cross_entropy", input, ("softmax", "sigmoid"), "pass the logits, before that")
    labels = t.dtype.kind in "iu"
    if z.ndim > 2:
        z, t = moveaxis(z, 1, -1), t if labels else moveaxis(t, 1, -1)
    counted = t != ignore_index if labels else np.True_
    if not np.all(counted):
        t = np.where(counted, plain(t), 0)
    check_targets(plain(z), plain(t))
    _check_options(label_smoothing, labels, ignore_index)
    check_weight("cross_entropy", weight, z.shape[-1])
    w = None if weight is None else array(weight)
    smooth = w is not None or label_smoothing
    loss = _smoothed(z, t, w, label_smoothing) if smooth else ops.ce_with_logits(z, t)
    if labels and not np.all(counted):
        loss = ops.where(counted, loss, 0)
    if reduction == "mean" and labels and (w is not None or not np.all(counted)):
        total = ops.sum(counted if w is None else take(w, plain(t)) * counted)
        return ops.sum(loss) / (total.astype(loss.dtype) if w is None else total)
    return reduced("cross_entropy", loss, reduction)


def _check_options(label_smoothing: float, labels: bool, ignore_index: int) -> None:
    if not 0 <= label_smoothing <= 1:
        raise ConfigError(f"cross_entropy: label_smoothing is {label_smoothing}, need 0 to 1")
    if not labels and ignore_index >= 0:
        raise ConfigError("cross_entropy: ignore_index is for labels, not for probabilities")


def _smoothed(z: Any, t: Any, w: Any, label_smoothing: float) -> Any:
    """The losses of the samples, of weighted classes, the targets mixed with equal shares."""
    n = z.shape[-1]
    p = kernels.one_hot(plain(t), n).astype(z.dtype) if t.dtype.kind in "iu" else t
    smooth = p * (1 - label_smoothing) + label_smoothing / n
    smooth = smooth if w is None else w * smooth
    return -ops.sum(smooth * ops.log_softmax(z), axis=-1)


def nll_loss(
    input: Like[A],
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> A:
    """-input at the label, for log-probabilities (classes,), (N, classes) or (N, classes, …)."""
    z, t = float_array(input), array(plain(target))
    not_made_by("nll_loss", input, ("softmax", "sigmoid"), "need log-probabilities: log_softmax")
    z = moveaxis(z, 1, -1) if z.ndim > 2 else z
    if t.dtype.kind not in "iu":
        raise DTypeError(f"nll_loss: labels are {t.dtype}, need integers")
    counted = t != ignore_index
    t = np.where(counted, t, 0)
    check_targets(plain(z), t, "nll_loss")
    check_weight("nll_loss", weight, z.shape[-1])
    w = np.ones(z.shape[-1], z.dtype) if weight is None else array(weight)
    scale = take(w, t) * counted
    at_label = ops.take_along_axis(z, indices=t[..., None], axis=-1)[..., 0]
    loss = -ops.where(counted, at_label, 0) * scale
    if reduction == "mean":
        return ops.sum(loss) / ops.sum(scale)
    return reduced("nll_loss", loss, reduction)


def kl_div(input: Like[A], target: Like[A], reduction: str = "mean", log_target: bool = False) -> A:
    """t·(log t - input) for log-probabilities `input`; "batchmean" divides by the batch size.

    That is the divergence itself; "mean", the default as in PyTorch, divides by all elements.
    """
    x = float_array(input)
    t = as_float(target, x)
    same_shape("kl_div", x, t)
    loss = ops.exp(t) * (t - x) if log_target else ops.xlogy(t, t) - t * x
    if reduction == "batchmean":
        return ops.sum(loss) / (loss.shape[0] if loss.ndim else 1)
    return reduced("kl_div", loss, reduction)


def multi_margin_loss(
    input: Like[A],
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> A:
    """Σ max(0, margin - x[label] + x[j])ᵖ / classes over the other classes j."""
    x, t = float_array(input), array(plain(target))
    single = x.ndim < 2
    x, t = (ops.reshape(x, shape=(1, -1)), t.reshape(1)) if single else (x, t)
    check_targets(plain(x), t, "multi_margin_loss")
    check_weight("multi_margin_loss", weight, x.shape[-1])
    right = ops.take_along_axis(x, indices=t[:, None], axis=-1)
    terms = ops.relu(margin - right + x) ** p
    if weight is not None:
        terms = terms * take(array(weight), t)[:, None]
    loss = ops.sum(ops.where(kernels.one_hot(t, x.shape[1]), 0, terms), axis=-1) / x.shape[1]
    single = single and np.ndim(plain(target)) == 0
    return reduced("multi_margin_loss", loss[0] if single else loss, reduction)


def multilabel_margin_loss(input: Like[A], target: ArrayLike, reduction: str = "mean") -> A:
    """Σ max(0, 1 - x[label] + x[j]) / classes, over the labels before the first -1 and others j."""
    x, t = float_array(input), array(plain(target))
    single = x.ndim < 2
    x, t = (ops.reshape(x, shape=(1, -1)), t.reshape(1, -1)) if single else (x, t)
    n = x.shape[-1]
    same_shape("multilabel_margin_loss", x, t)
    if np.any((t < -1) | (t >= n)):
        raise LabelError(f"multilabel_margin_loss: labels must be -1 to {n - 1}")
    given = np.cumsum(t < 0, -1) == 0
    member = (kernels.one_hot(t, n) & given[..., None]).any(-2)
    at = ops.take_along_axis(x, indices=np.where(given, t, 0), axis=-1)
    pairs = ops.relu(1 - ops.expand_dims(at, axis=-1) + ops.expand_dims(x, axis=-2))
    loss = ops.sum(ops.where(given[..., None] & ~member[..., None, :], pairs, 0), axis=(-2, -1)) / n
    return reduced("multilabel_margin_loss", loss[0] if single else loss, reduction)


__all__ = [
    "cross_entropy", "kl_div", "multi_margin_loss", "multilabel_margin_loss", "nll_loss",
]  # fmt: skip
