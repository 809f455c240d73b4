"""Losses, and the layer function `linear`: PyTorch's names and arguments."""

from typing import Any

import numpy as np

from .. import kernels, ops
from ..errors import ConfigError, ShapeError
from ..node import plain
from ..protocol import array


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """(input - target)², averaged over all elements.

    `reduction` is "mean", "sum" or "none". Raises ShapeError if the shapes differ: broadcasting
    (3, 1) against (3,) would silently compare every output with every target.
    """
    _same_shape("mse_loss", input, target)
    return _reduced("mse_loss", ops.square(input - target), reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: str = "mean") -> Any:
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)) of logits z and targets t in [0, 1], averaged.

    Stable for any z; the formula is that of tf.nn.sigmoid_cross_entropy_with_logits.
    """
    _same_shape("binary_cross_entropy_with_logits", input, target)
    loss = ops.bce_with_logits(input, array(target))
    return _reduced("binary_cross_entropy_with_logits", loss, reduction)


def cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Any:
    """-log softmax(logits) at the target, averaged over samples.

    Shapes: logits (..., classes); target either integer labels (...) or probabilities
    (..., classes). Raises LabelError for a label out of range and ShapeError for other shapes.
    """
    target = array(target)
    kernels.check_targets(array(plain(input)), plain(target))
    return _reduced("cross_entropy", ops.ce_with_logits(input, target), reduction)


def _reduced(name: str, loss: Any, reduction: str) -> Any:
    if reduction == "mean":
        return ops.mean(loss)
    if reduction == "sum":
        return ops.sum(loss)
    if reduction != "none":
        raise ConfigError(f"{name}: reduction {reduction!r}; use 'mean', 'sum' or 'none'")
    return loss


def _same_shape(name: str, input: Any, target: Any) -> None:
    if np.shape(plain(input)) != np.shape(plain(target)):
        raise ShapeError(
            f"{name}: input has shape {np.shape(plain(input))}, "
            f"target {np.shape(plain(target))}; reshape one of them"
        )


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, with weight of shape (in, out)."""
    if bias is None:
        return ops.matmul(x, weight)
    if np.shape(plain(bias)) != np.shape(plain(weight))[-1:]:
        return ops.matmul(x, weight) + bias
    return ops.affine(x, weight, bias)


__all__ = ["binary_cross_entropy_with_logits", "cross_entropy", "linear", "mse_loss"]
