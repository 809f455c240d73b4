"""Distances between predictions and targets."""

from __future__ import annotations

from typing import Any

from ...engine import ops
from ...engine.node import plain
from ...errors import ConfigError
from ..shape import float_array
from ..types import A, ArrayLike, Like
from .reduction import as_float, reduced, same_shape, weighted


def mse_loss(
    input: Like[A], target: Like[A], reduction: str = "mean", weight: ArrayLike | None = None
) -> A:
    """(input - target)²; the mean with weights divides by their sum."""
    x = float_array(input)
    t = as_float(target, x)
    same_shape("mse_loss", x, t)
    return weighted("mse_loss", ops.square(x - t), weight, reduction)


def l1_loss(
    input: Like[A], target: Like[A], reduction: str = "mean", weight: ArrayLike | None = None
) -> A:
    """|input - target|, with slope 0 at 0."""
    x = float_array(input)
    t = as_float(target, x)
    same_shape("l1_loss", x, t)
    return weighted("l1_loss", ops.abs(x - t), weight, reduction)


def huber_loss(
    input: Like[A],
    target: Like[A],
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> A:
    """e²/2 where |e| < delta, delta·(|e| - delta/2) elsewhere (Huber 1964)."""
    if delta <= 0:
        raise ConfigError(f"huber_loss: delta is {delta}, need a positive number")
    x = float_array(input)
    return _huber("huber_loss", x, as_float(target, x), reduction, delta, weight)


def _huber(
    name: str, input: Any, target: Any, reduction: str, delta: float, weight: Any = None
) -> Any:
    same_shape(name, input, target)
    size = ops.abs(input - target)
    inner = plain(size) < delta
    small = ops.where(inner, size, 0)
    loss = ops.where(inner, 0.5 * ops.square(small), delta * (size - 0.5 * delta))
    if weight is not None:
        same_shape(name, input, weight)
        loss = loss * weight
    return reduced(name, loss, reduction)  # the mean is not divided by the weights, as in torch


def smooth_l1_loss(
    input: Like[A], target: Like[A], reduction: str = "mean", beta: float = 1.0
) -> A:
    """The Huber loss with delta = beta, divided by beta; for beta = 0 the L1 loss."""
    if beta < 0:
        raise ConfigError(f"smooth_l1_loss: beta is {beta}, need 0 or more")
    x = float_array(input)
    t = as_float(target, x)
    if beta == 0:
        same_shape("smooth_l1_loss", x, t)
        return reduced("smooth_l1_loss", ops.abs(x - t), reduction)
    return _huber("smooth_l1_loss", x, t, reduction, beta) / beta


__all__ = [
    "huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss",
]  # fmt: skip
