"""Negative log likelihoods: Poisson, Gauss."""

from __future__ import annotations

import itertools
import math

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...errors import ConfigError, ShapeError
from ..shape import float_array
from ..types import A, Like
from .reduction import as_float, reduced, same_shape


def poisson_nll_loss(
    input: Like[A],
    target: Like[A],
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> A:
    """exp(x) - t·x, or x - t·log(x + eps) if not log_input; `full` adds Stirling's log t! term."""
    x = float_array(input)
    t = as_float(target, x)
    same_shape("poisson_nll_loss", x, t)
    loss = ops.exp(x) - t * x if log_input else x - t * ops.log(x + eps)
    if full:
        large = plain(t) > 1
        safe = ops.where(large, t, 1)
        term = safe * ops.log(safe) - safe + 0.5 * ops.log(2 * math.pi * safe)
        loss = loss + ops.where(large, term, 0)
    return reduced("poisson_nll_loss", loss, reduction)


def gaussian_nll_loss(
    input: Like[A],
    target: Like[A],
    var: Like[A],
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> A:
    """(log var + (input - target)² / var) / 2, var not below eps; `full` adds log(2π) / 2."""
    x = float_array(input)
    t = as_float(target, x)
    v = np.asarray(var, plain(x).dtype) if isinstance(var, (int, float)) else float_array(var)
    same_shape("gaussian_nll_loss", x, t)
    if v.ndim and v.shape != x.shape and v.shape == x.shape[:-1]:
        v = ops.expand_dims(v, axis=-1)
    if v.ndim and any(k not in (1, m) for k, m in itertools.zip_longest(v.shape, x.shape)):
        raise ShapeError(f"gaussian_nll_loss: var has shape {v.shape}, input {x.shape}")
    if np.any(plain(v) < 0):
        raise ConfigError("gaussian_nll_loss: var has a negative entry")
    v = v + (np.maximum(plain(v), eps) - plain(v))  # the slope passes the guard, as in PyTorch
    loss = 0.5 * (ops.log(v) + ops.square(x - t) / v)
    loss = loss + 0.5 * math.log(2 * math.pi) if full else loss
    return reduced("gaussian_nll_loss", loss, reduction)


__all__ = [
    "gaussian_nll_loss", "poisson_nll_loss",
]  # fmt: skip
