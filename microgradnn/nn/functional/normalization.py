"""Normalisation: functions behind the layers of norm.py, as in PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...errors import ConfigError, ShapeError
from ...functions.shape import float_array, narrow, wide
from ...functions.types import A, Like
from .spaces import Axes


def _standardised(given: Any, axes: Axes, eps: float) -> Any:
    x = wide(given)
    middle = functions.mean(x, axes, keepdims=True)
    d = x - middle
    y = d / ops.sqrt(functions.mean(ops.square(d), axes, keepdims=True) + eps)
    return narrow(y, given)


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
    input: Like[A],
    normalized_shape: int | Axes,
    weight: Like[A] | None = None,
    bias: Like[A] | None = None,
    eps: float = 1e-5,
) -> A:
    """(x - mean) / √(var + eps) over the last axes, scaled and shifted (Ba et al. 2016)."""
    x = float_array(input)
    shape = _ending("layer_norm", x, normalized_shape)
    return _scaled(_standardised(x, tuple(range(-len(shape), 0)), eps), weight, bias, shape)


def rms_norm(
    input: Like[A],
    normalized_shape: int | Axes,
    weight: Like[A] | None = None,
    eps: float | None = None,
) -> A:
    """x / √(mean(x²) + eps) over the last axes, scaled (Zhang and Sennrich 2019)."""
    x = float_array(input)
    shape = _ending("rms_norm", x, normalized_shape)
    small = np.finfo(plain(x).dtype).eps if eps is None else eps
    exact = wide(x)
    square = functions.mean(ops.square(exact), tuple(range(-len(shape), 0)), keepdims=True)
    return _scaled(narrow(exact / ops.sqrt(square + small), x), weight, None, shape)


def group_norm(
    input: Like[A],
    num_groups: int,
    weight: Like[A] | None = None,
    bias: Like[A] | None = None,
    eps: float = 1e-5,
) -> A:
    """Standardised over groups of channels and all space (Wu and He 2018); channels are axis 1."""
    x = float_array(input)
    n, c, *space = x.shape
    if c % num_groups:
        raise ShapeError(f"group_norm: {c} channels do not split into {num_groups} groups")
    rows = ops.reshape(x, shape=(n, num_groups, (c // num_groups) * math.prod(space)))
    y = ops.reshape(_standardised(rows, (-1,), eps), shape=x.shape)
    return _scaled(y, weight, bias, (c,) + (1,) * len(space))


def instance_norm(
    input: Like[A],
    running_mean: np.ndarray | None = None,
    running_var: np.ndarray | None = None,
    weight: Like[A] | None = None,
    bias: Like[A] | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> A:
    """Each channel of each sample standardised over its space."""
    x = float_array(input)
    shape = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    axes = tuple(range(2, x.ndim))
    if use_input_stats:
        if math.prod(x.shape[2:]) == 1:
            raise ShapeError(
                f"instance_norm: one value for each channel of {x.shape} has no variance"
            )
        if running_mean is not None:
            n = math.prod(x.shape[2:])
            means, variances = (
                plain(wide(x)).mean(axes),
                plain(wide(x)).var(axes) * n / max(n - 1, 1),
            )
            _update(running_mean, means.mean(0), momentum)
            _update(running_var, variances.mean(0), momentum)
        return _scaled(_standardised(x, axes, eps), weight, bias, shape)
    return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)


def batch_norm(
    input: Like[A],
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: Like[A] | None = None,
    bias: Like[A] | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> A:
    """Each channel (axis 1) standardised over batch and space (Ioffe and Szegedy 2015).

    In training by the batch's own mean and biased variance, and then the running ones, if given,
    are moved in place: running += momentum · (batch - running), with the unbiased variance. Keras
    has momentum the other way round, eps 1e-3, and a biased running variance.
    """
    x: Any = float_array(input)
    if x.ndim < 2:
        raise ShapeError(f"batch_norm: input has shape {x.shape}, need (batch, channels, …)")
    axes: Axes = (0, *range(2, x.ndim))
    shape = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    if not training:
        if running_mean is None or running_var is None:
            raise ConfigError("batch_norm: training=False needs running_mean and running_var")
        middle, spread = (functions.reshape(v, shape) for v in (running_mean, running_var))
        return _scaled((x - middle) / ops.sqrt(spread + eps), weight, bias, shape)
    if (running_mean is None) != (running_var is None):
        raise ConfigError("batch_norm: give both of running_mean and running_var, or neither")
    n = _values(x)
    if running_mean is not None:
        _update(running_mean, plain(wide(x)).mean(axes), momentum)
        _update(running_var, plain(wide(x)).var(axes) * n / (n - 1), momentum)
    return _scaled(_standardised(x, axes, eps), weight, bias, shape)


def _values(x: Any) -> int:
    """How many values each channel has. Raises ShapeError if they have no variance."""
    n = math.prod(x.shape[:1] + x.shape[2:])
    if n == 0:
        raise ShapeError(f"batch_norm: the batch of {x.shape} is empty; it has no mean to train by")
    if n == 1:
        raise ShapeError(f"batch_norm: one value for each channel of {x.shape} has no variance")
    return n


def _update(running: Any, new: np.ndarray, momentum: float) -> None:
    if running is not None:
        raw = plain(running)
        raw += momentum * (new - raw)


def local_response_norm(
    input: Like[A], size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> A:
    """x / (k + alpha · mean of x² over `size` neighbouring channels)^beta."""
    x = float_array(input)
    width = [(0, 0)] * x.ndim
    width[1] = (size // 2, (size - 1) // 2)
    exact = wide(x)
    padded = functions.moveaxis(functions.pad(ops.square(exact), width), 1, -1)
    near = ops.mean(ops.windows(padded, shape=(size,), stride=(1,), dilation=(1,)), axis=-1)
    return narrow(exact / ops.pow(k + alpha * functions.moveaxis(near, -1, 1), beta), x)


__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "rms_norm",
]
