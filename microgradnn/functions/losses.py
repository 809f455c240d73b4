"""Losses, and the layer function `linear`: PyTorch's names, arguments and definitions.

`reduction` is "mean" (over all elements, unless the docstring says otherwise), "sum" or "none".
Shapes must be equal: broadcasting (3, 1) against (3,) would silently compare every output with
every target. Raises ShapeError, LabelError or ConfigError.
"""

import itertools
import math
from typing import Any

import numpy as np

from ..engine import kernels, ops
from ..engine.errors import ConfigError, DTypeError, LabelError, ShapeError
from ..engine.node import plain
from ..engine.protocol import array
from .linalg import vector_norm
from .shape import moveaxis

# ---- distances ----------------------------------------------------------------------------------


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """(input - target)²; the mean with weights divides by their sum."""
    _same_shape("mse_loss", input, target)
    return _weighted("mse_loss", ops.square(input - target), weight, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """|input - target|, with slope 0 at 0."""
    _same_shape("l1_loss", input, target)
    return _weighted("l1_loss", ops.abs(input - target), weight, reduction)


def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """e²/2 where |e| < delta, delta·(|e| - delta/2) elsewhere (Huber 1964)."""
    if delta <= 0:
        raise ConfigError(f"huber_loss: delta is {delta}, need a positive number")
    return _huber("huber_loss", input, target, reduction, delta, weight)


def _huber(
    name: str, input: Any, target: Any, reduction: str, delta: float, weight: Any = None
) -> Any:
    _same_shape(name, input, target)
    size = ops.abs(input - target)
    inner = plain(size) < delta
    small = ops.where(inner, size, 0)
    loss = ops.where(inner, 0.5 * ops.square(small), delta * (size - 0.5 * delta))
    if weight is not None:
        _same_shape(name, input, weight)
        loss = loss * weight
    return _reduced(name, loss, reduction)  # the mean is not divided by the weights, as in torch


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """The Huber loss with delta = beta, divided by beta; for beta = 0 the L1 loss."""
    if beta < 0:
        raise ConfigError(f"smooth_l1_loss: beta is {beta}, need 0 or more")
    if beta == 0:
        _same_shape("smooth_l1_loss", input, target)
        return _reduced("smooth_l1_loss", ops.abs(input - target), reduction)
    return _huber("smooth_l1_loss", input, target, reduction, beta) / beta


# ---- yes or no ----------------------------------------------------------------------------------


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)) of logits z and targets t in [0, 1].

    Stable for any z; the formula is that of tf.nn.sigmoid_cross_entropy_with_logits. `weight`
    multiplies the losses, `pos_weight` the first term; the mean is over all elements.
    """
    name = "binary_cross_entropy_with_logits"
    _same_shape(name, input, target)
    t = array(target)
    loss = ops.bce_with_logits(input, t)
    if pos_weight is not None:  # the first term once more, times pos_weight - 1
        loss = loss + (pos_weight - 1) * t * ops.softplus(-input)
    loss = loss if weight is None else loss * weight
    _same_shape(name, input, loss)
    return _reduced(name, loss, reduction)


def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean",
    clip_eps: float | None = None,
) -> Any:  # fmt: skip
    """-t·log p - (1 - t)·log(1 - p) of probabilities p.

    As in PyTorch, the logarithms are at least -100 and the slope is (p - t) / max(p(1 - p), 1e-12);
    with clip_eps=1e-7 p is clipped to [eps, 1 - eps] instead, as in Keras. From logits use
    binary_cross_entropy_with_logits.
    """
    _same_shape("binary_cross_entropy", input, target)
    raw = plain(input)
    if np.any((raw < 0) | (raw > 1)):
        raise ConfigError("binary_cross_entropy: a probability is outside 0 to 1; pass σ(logits)")
    if np.any((plain(target) < 0) | (plain(target) > 1)):
        raise ConfigError("binary_cross_entropy: a target is outside 0 to 1")
    if clip_eps is not None:
        p = ops.clip(input, clip_eps, 1 - clip_eps)
        loss = -(target * ops.log(p) + (1 - target) * ops.log(1 - p))
    else:
        loss = ops.bce(input, array(target))
    loss = loss if weight is None else loss * weight
    _same_shape("binary_cross_entropy", input, loss)
    return _reduced("binary_cross_entropy", loss, reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + exp(-t·x)) for labels t of -1 and 1."""
    _same_shape("soft_margin_loss", input, target)
    return _reduced("soft_margin_loss", ops.softplus(-_as_float(target, input) * input), reduction)


def _as_float(target: Any, input: Any) -> Any:
    """Integer targets in the dtype of the input, so that float32 stays float32."""
    t = array(target)
    return t.astype(plain(input).dtype) if t.dtype.kind in "iu" else t


# ---- one of many --------------------------------------------------------------------------------


def cross_entropy(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100,
    reduction: str = "mean", label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """-log softmax(logits) at the target, averaged over samples.

    Shapes: logits (classes,), (N, classes) or (N, classes, …); target integer labels without the
    classes axis, or probabilities of the logits' shape. `weight` is one number for each class: the
    mean of labels then divides by the sum of their weights. Labels equal to ignore_index do not
    count. Raises LabelError for a label out of range and ShapeError for other shapes.
    """
    z, t = array(input), array(target)
    labels = t.dtype.kind in "iu"
    if z.ndim > 2:
        z = moveaxis(z, 1, -1)
        t = t if labels else moveaxis(t, 1, -1)
    counted = t != ignore_index if labels else np.True_
    if not np.all(counted):
        t = np.where(counted, plain(t), 0)
    kernels.check_targets(plain(z), plain(t))
    n = z.shape[-1]
    if not 0 <= label_smoothing <= 1:
        raise ConfigError(f"cross_entropy: label_smoothing is {label_smoothing}, need 0 to 1")
    if not labels and ignore_index >= 0:
        raise ConfigError("cross_entropy: ignore_index is for labels, not for probabilities")
    _check_weight("cross_entropy", weight, n)
    if weight is None and not label_smoothing:
        loss = ops.ce_with_logits(z, t)
        scale = counted
    else:
        w = np.ones(n, z.dtype) if weight is None else array(weight)
        p = kernels.one_hot(plain(t), n).astype(z.dtype) if labels else t
        smooth = p * (1 - label_smoothing) + label_smoothing / n
        loss = -ops.sum(w * smooth * ops.log_softmax(z), axis=-1)
        scale = plain(w)[plain(t)] * counted if labels else np.True_
    if labels and not np.all(counted):
        loss = ops.where(counted, loss, 0)
    if reduction == "mean" and labels and (weight is not None or not np.all(counted)):
        total = np.sum(scale)
        return ops.sum(loss) / (total if weight is not None else total.astype(loss.dtype))
    if reduction == "mean" and not labels:
        return ops.sum(loss) / max(loss.size, 1)
    return _reduced("cross_entropy", loss, reduction)


def _check_weight(name: str, weight: Any, n: int) -> None:
    if weight is not None and np.shape(plain(weight)) != (n,):
        raise ShapeError(f"{name}: weight has shape {np.shape(plain(weight))}, expected ({n},)")


def nll_loss(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    """-input at the label, for log-probabilities (classes,), (N, classes) or (N, classes, …)."""
    z, t = array(input), np.asarray(plain(target))
    z = moveaxis(z, 1, -1) if z.ndim > 2 else z
    if t.dtype.kind not in "iu":
        raise DTypeError(f"nll_loss: labels are {t.dtype}, need integers")
    counted = t != ignore_index
    t = np.where(counted, t, 0)
    kernels.check_targets(plain(z), t, "nll_loss")
    _check_weight("nll_loss", weight, z.shape[-1])
    w = np.ones(z.shape[-1], z.dtype) if weight is None else plain(weight)
    scale = w[t] * counted
    at_label = ops.take_along_axis(z, indices=t[..., None], axis=-1)[..., 0]
    loss = -ops.where(counted, at_label, 0) * scale
    if reduction == "mean":
        return ops.sum(loss) / np.sum(scale)
    return _reduced("nll_loss", loss, reduction)


def kl_div(input: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """t·(log t - input) for log-probabilities `input`; "batchmean" divides by the batch size.

    That is the divergence itself; "mean", the default as in PyTorch, divides by all elements.
    """
    _same_shape("kl_div", input, target)
    t = array(target)
    loss = ops.exp(t) * (t - input) if log_target else ops.xlogy(t, t) - t * input
    if reduction == "batchmean":
        return ops.sum(loss) / loss.shape[0]
    return _reduced("kl_div", loss, reduction)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """Σ max(0, margin - x[label] + x[j])ᵖ / classes over the other classes j."""
    x, t = array(input), np.asarray(plain(target))
    single = x.ndim < 2
    x, t = (ops.reshape(x, shape=(1, -1)), t.reshape(1)) if single else (x, t)
    kernels.check_targets(plain(x), t, "multi_margin_loss")
    _check_weight("multi_margin_loss", weight, x.shape[-1])
    right = ops.take_along_axis(x, indices=t[:, None], axis=-1)
    terms = ops.relu(margin - right + x) ** p
    if weight is not None:
        terms = terms * plain(weight)[t][:, None]
    loss = ops.sum(ops.where(kernels.one_hot(t, x.shape[1]), 0, terms), axis=-1) / x.shape[1]
    single = single and np.ndim(plain(target)) == 0
    return _reduced("multi_margin_loss", loss[0] if single else loss, reduction)


def multilabel_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Σ max(0, 1 - x[label] + x[j]) / classes, over the labels before the first -1 and others j."""
    x, t = array(input), np.asarray(plain(target))
    single = x.ndim < 2
    x, t = (ops.reshape(x, shape=(1, -1)), t.reshape(1, -1)) if single else (x, t)
    n = x.shape[-1]
    _same_shape("multilabel_margin_loss", x, t)
    if np.any((t < -1) | (t >= n)):
        raise LabelError(f"multilabel_margin_loss: labels must be -1 to {n - 1}")
    given = np.cumsum(t < 0, -1) == 0
    member = (kernels.one_hot(t, n) & given[..., None]).any(-2)
    at = ops.take_along_axis(x, indices=np.where(given, t, 0), axis=-1)
    pairs = ops.relu(1 - ops.expand_dims(at, axis=-1) + ops.expand_dims(x, axis=-2))
    loss = ops.sum(ops.where(given[..., None] & ~member[..., None, :], pairs, 0), axis=(-2, -1)) / n
    return _reduced("multilabel_margin_loss", loss[0] if single else loss, reduction)


def multilabel_soft_margin_loss(
    input: Any, target: Any, weight: Any = None, reduction: str = "mean"
) -> Any:
    """The mean over classes of binary_cross_entropy_with_logits."""
    _same_shape("multilabel_soft_margin_loss", input, target)
    loss = binary_cross_entropy_with_logits(input, target, weight, "none")
    return _reduced("multilabel_soft_margin_loss", ops.mean(loss, axis=-1), reduction)


# ---- pairs and triples --------------------------------------------------------------------------


def hinge_embedding_loss(
    input: Any, target: Any, margin: float = 1.0, reduction: str = "mean"
) -> Any:
    """x for targets 1, max(0, margin - x) for targets -1; as PyTorch, slope -1 at the margin."""
    x, t = array(input), plain(target)
    _same_shape("hinge_embedding_loss", x, t)
    loss = ops.where(t != 1, ops.clip(margin - x, 0.0, np.inf), 0) + ops.where(t != -1, x, 0)
    return _reduced("hinge_embedding_loss", loss, reduction)


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """max(0, -t·(x₁ - x₂) + margin) for t of 1 (x₁ should be larger) or -1."""
    _same_shape("margin_ranking_loss", input1, input2)
    _same_shape("margin_ranking_loss", input1, target)
    raw = -plain(_as_float(target, input1)) * (array(input1) - array(input2)) + margin
    return _reduced("margin_ranking_loss", ops.clip(raw, 0.0, np.inf), reduction)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean"
) -> Any:
    """1 - cos for targets 1, max(0, cos - margin) for targets -1."""
    a, b, t = array(input1), array(input2), np.asarray(plain(target))
    _same_shape("cosine_embedding_loss", a, b)
    if t.shape != a.shape[:-1]:
        raise ShapeError(f"cosine_embedding_loss: target {t.shape} for inputs {a.shape}")
    tiny = 1e-12  # in PyTorch too
    dot, aa, bb = (ops.sum(u * v, axis=-1) for u, v in ((a, b), (a, a), (b, b)))
    cos = dot / ops.sqrt((aa + tiny) * (bb + tiny))
    loss = ops.where(t == 1, 1 - cos, 0) + ops.where(
        t == -1, ops.clip(cos - margin, 0.0, np.inf), 0
    )
    return _reduced("cosine_embedding_loss", loss, reduction)


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0,
    eps: float = 1e-6, swap: bool = False, reduction: str = "mean",
) -> Any:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d = ‖· - · + eps‖ₚ."""

    _same_shape("triplet_margin_loss", anchor, positive)
    _same_shape("triplet_margin_loss", anchor, negative)

    def distance(u: Any, v: Any) -> Any:
        return vector_norm(array(u) - array(v) + eps, ord=p, axis=-1)

    far = distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    raw = distance(anchor, positive) - far + margin
    return _reduced("triplet_margin_loss", ops.clip(raw, 0.0, np.inf), reduction)


# ---- likelihoods --------------------------------------------------------------------------------


def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """exp(x) - t·x, or x - t·log(x + eps) if not log_input; `full` adds Stirling's log t! term."""
    t = array(target)
    _same_shape("poisson_nll_loss", input, t)
    loss = ops.exp(input) - t * input if log_input else input - t * ops.log(input + eps)
    if full:
        large = plain(t) > 1
        safe = ops.where(large, t, 1)
        term = safe * ops.log(safe) - safe + 0.5 * ops.log(2 * math.pi * safe)
        loss = loss + ops.where(large, term, 0)
    return _reduced("poisson_nll_loss", loss, reduction)


def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """(log var + (input - target)² / var) / 2, var not below eps; `full` adds log(2π) / 2."""
    x = array(input)
    v = np.asarray(var, plain(x).dtype) if isinstance(var, (int, float)) else array(var)
    _same_shape("gaussian_nll_loss", x, target)
    if v.ndim and v.shape != x.shape and v.shape == x.shape[:-1]:
        v = ops.expand_dims(v, axis=-1)
    if v.ndim and any(k not in (1, m) for k, m in itertools.zip_longest(v.shape, x.shape)):
        raise ShapeError(f"gaussian_nll_loss: var has shape {v.shape}, input {x.shape}")
    if np.any(plain(v) < 0):
        raise ConfigError("gaussian_nll_loss: var has a negative entry")
    v = v + (np.maximum(plain(v), eps) - plain(v))  # the slope passes the guard, as in PyTorch
    loss = 0.5 * (ops.log(v) + ops.square(x - target) / v)
    loss = loss + 0.5 * math.log(2 * math.pi) if full else loss
    return _reduced("gaussian_nll_loss", loss, reduction)


# ---- parts --------------------------------------------------------------------------------------


def _weighted(name: str, loss: Any, weight: Any, reduction: str) -> Any:
    if weight is None:
        return _reduced(name, loss, reduction)
    _same_shape(name, loss, weight)
    if reduction == "mean":
        return ops.sum(loss * weight) / ops.sum(array(weight))
    return _reduced(name, loss * weight, reduction)


def _reduced(name: str, loss: Any, reduction: str) -> Any:
    if reduction == "mean":
        return ops.mean(loss)
    if reduction == "sum":
        return ops.sum(loss)
    if reduction != "none":
        raise ConfigError(f"{name}: reduction {reduction!r}; use 'mean', 'sum' or 'none'")
    return loss


def _same_shape(name: str, input: Any, target: Any) -> None:
    if getattr(input, "shape", None) == getattr(target, "shape", ()):
        return
    if np.shape(plain(input)) != np.shape(plain(target)):
        raise ShapeError(
            f"{name}: input has shape {np.shape(plain(input))}, "
            f"target {np.shape(plain(target))}; reshape one of them"
        )


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, with weight of shape (in, out): PyTorch's is the transpose."""
    if bias is None:
        return ops.matmul(x, weight)
    if np.shape(plain(bias)) != np.shape(plain(weight))[-1:]:
        return ops.matmul(x, weight) + bias
    return ops.affine(x, weight, bias)


__all__ = [
    "linear",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss",
    "cross_entropy", "gaussian_nll_loss", "hinge_embedding_loss", "huber_loss", "kl_div",
    "l1_loss", "margin_ranking_loss", "mse_loss", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "nll_loss", "poisson_nll_loss", "smooth_l1_loss",
    "soft_margin_loss", "triplet_margin_loss",
]  # fmt: skip
