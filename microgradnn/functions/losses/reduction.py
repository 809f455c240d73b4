"""What the losses share: the check of shapes, weights, reduction."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ConfigError, ShapeError
from ..types import Array, ArrayLike


def weighted(name: str, loss: Any, weight: ArrayLike | None, reduction: str) -> Any:
    """The loss of each element times its weight, reduced; the mean divides by Σ weights."""
    if weight is None:
        return reduced(name, loss, reduction)
    same_shape(name, loss, weight)
    if reduction == "mean":
        return ops.sum(loss * weight) / ops.sum(array(weight))
    return reduced(name, loss * weight, reduction)


def reduced(name: str, loss: Any, reduction: str) -> Any:
    """The mean or the sum of the losses, or the losses. Raises ConfigError for another word."""
    if reduction == "mean":
        return ops.mean(loss)
    if reduction == "sum":
        return ops.sum(loss)
    if reduction != "none":
        raise ConfigError(f"{name}: reduction {reduction!r}; use 'mean', 'sum' or 'none'")
    return loss


def same_shape(name: str, input: Any, target: Any) -> None:
    """Raises ShapeError unless both have one shape."""
    if getattr(input, "shape", None) == getattr(target, "shape", ()):
        return
    if np.shape(plain(input)) != np.shape(plain(target)):
        raise ShapeError(
            f"{name}: input has shape {np.shape(plain(input))}, "
            f"target {np.shape(plain(target))}; reshape one of them"
        )


def as_float(target: Any, input: Any) -> Any:
    """Integer targets in the dtype of the input, so that float32 stays float32."""
    t = array(target)
    return t.astype(plain(input).dtype) if t.dtype.kind in "iub" else t


def labels_of(target: ArrayLike) -> Array:
    """Class labels as a plain array."""
    return array(plain(target))


def check_weight(name: str, weight: ArrayLike | None, classes: int) -> None:
    """Raises ShapeError unless there is one weight for each class, or none at all."""
    if weight is not None and np.shape(plain(weight)) != (classes,):
        raise ShapeError(
            f"{name}: weight has shape {np.shape(plain(weight))}, expected ({classes},)"
        )
