"""Composites: functions made of ops, with the names of NumPy and PyTorch. No rules here.

The elementwise functions of the table (exp, tanh, maximum, …) are public as they are; here are the
functions that take options, check their arguments, or combine several ops.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import kernels, ops
from .errors import ConfigError, ShapeError
from .node import plain
from .rules import Carrier

Axis = int | tuple[int, ...] | None


# ---- activations with a parameter ---------------------------------------------------------------


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where positive, negative_slope · x elsewhere; the slope at 0 is negative_slope."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha · (exp(x) - 1) elsewhere; the slope at 0 is alpha."""
    return ops.elu(x, alpha=alpha)


def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Each element moved into [min, max], either of which may be None; max wins if min > max."""
    return ops.clip(x, -np.inf if min is None else min, np.inf if max is None else max)


# ---- reductions ---------------------------------------------------------------------------------


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum along axis (all axes by default)."""
    return ops.sum(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean along axis: sum / n. Of integers a float; of nothing nan."""
    return ops.mean(x, axis=axis, keepdims=keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element along axis; equal largest elements share the gradient."""
    return ops.max(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element along axis; equal smallest elements share the gradient."""
    return ops.min(x, axis=axis, keepdims=keepdims)


def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product along axis; its gradient is exact also where elements are zero."""
    return ops.prod(x, axis=axis, keepdims=keepdims)


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) along axis, without overflow."""
    return ops.logsumexp(x, axis=axis, keepdims=keepdims)


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) along axis, without overflow."""
    return ops.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """log softmax(x), from logsumexp."""
    return ops.log_softmax(x, axis=axis)


# ---- shape --------------------------------------------------------------------------------------


def reshape(x: Any, shape: int | tuple[int, ...]) -> Any:
    """The same elements in another shape; one length may be -1."""
    return ops.reshape(x, shape=shape)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order, reversed by default."""
    return ops.transpose(x, axes=axes)


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return ops.swapaxes(x, axis1=axis1, axis2=axis2)


def expand_dims(x: Any, axis: int | tuple[int, ...]) -> Any:
    """New axes of length 1 at the given places."""
    return ops.expand_dims(x, axis=axis)


def squeeze(x: Any, axis: Axis = None) -> Any:
    """Axes of length 1 removed: all of them, or those given."""
    return ops.squeeze(x, axis=axis)


def broadcast_to(x: Any, shape: int | tuple[int, ...]) -> Any:
    """x repeated to `shape` by NumPy's rule."""
    return ops.broadcast_to(x, shape=shape)


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Arrays joined along an existing axis; flattened first if axis is None."""
    return ops.concatenate(*_arrays(arrays), axis=axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Arrays of one shape joined along a new axis."""
    return ops.stack(*_arrays(arrays), axis=axis)


# ---- losses -------------------------------------------------------------------------------------


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
    loss = ops.bce_with_logits(input, _as_array(target))
    return _reduced("binary_cross_entropy_with_logits", loss, reduction)


def cross_entropy(input: Any, target: Any, reduction: str = "mean") -> Any:
    """-log softmax(logits) at the target, averaged over samples.

    Shapes: logits (..., classes); target either integer labels (...) or probabilities
    (..., classes). Raises LabelError for a label out of range and ShapeError for other shapes.
    """
    target = _as_array(target)
    kernels.check_targets(_as_array(plain(input)), plain(target))
    return _reduced("cross_entropy", ops.ce_with_logits(input, target), reduction)


def _reduced(name: str, loss: Any, reduction: str) -> Any:
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    if reduction != "none":
        raise ConfigError(f"{name}: reduction {reduction!r}; use 'mean', 'sum' or 'none'")
    return loss


def _same_shape(name: str, input: Any, target: Any) -> None:
    if np.shape(plain(input)) != np.shape(plain(target)):
        raise ShapeError(
            f"{name}: input has shape {np.shape(plain(input))}, "
            f"target {np.shape(plain(target))}; reshape one of them"
        )


def _as_array(x: Any) -> Any:
    return x if isinstance(x, Carrier) else np.asarray(x)


def _arrays(arrays: Sequence[Any]) -> list[Any]:
    return [_as_array(a) for a in arrays]


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, with weight of shape (in, out)."""
    if bias is None:
        return ops.matmul(x, weight)
    if np.shape(plain(bias)) != np.shape(plain(weight))[-1:]:
        return ops.matmul(x, weight) + bias
    return ops.affine(x, weight, bias)


__all__ = [
    "binary_cross_entropy_with_logits", "broadcast_to", "clip", "concatenate", "cross_entropy",
    "elu", "expand_dims", "leaky_relu", "linear", "log_softmax", "logsumexp", "max", "mean", "min",
    "mse_loss", "prod", "reshape", "softmax", "squeeze", "stack", "sum", "swapaxes", "transpose",
]  # fmt: skip
