"""Activations, with PyTorch's names, arguments and values at the kinks."""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...engine.op import constant
from ...engine.ops import erfc, relu, relu6, sigmoid, tanh
from ...engine.protocol import array
from ...errors import ConfigError, ShapeError
from ...functions.shape import floats
from ...functions.types import A, E, Like
from ...numerics.numbers import gt, le
from ...numerics.recording import recording

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def leaky_relu(input: E, negative_slope: float = 0.01) -> E:
    """x where positive, negative_slope · x elsewhere; the slope at 0 is negative_slope."""
    return ops.leaky_relu(input, negative_slope=negative_slope)


def elu(input: E, alpha: float = 1.0) -> E:
    """x where positive, alpha · (exp(x) - 1) elsewhere; the slope at 0 is alpha."""
    return ops.elu(input, alpha=alpha)


def selu(input: E) -> E:
    """Scaled ELU (Klambauer et al. 2017): 1.0507 · elu(x, 1.6733); the slope at 0 is 1.7581."""
    input = floats(input)
    return SELU_SCALE * ops.elu(input, alpha=SELU_ALPHA)


def celu(input: E, alpha: float = 1.0) -> E:
    """max(0, x) + min(0, alpha · (exp(x / alpha) - 1))."""
    input = floats(input)
    if alpha == 0:
        raise ConfigError("celu: alpha is 0, need another number")
    positive = gt(plain(input), 0)
    return ops.where(positive, input, alpha * ops.expm1(ops.where(positive, 0, input) / alpha))


def prelu(input: Like[A], weight: Like[A]) -> A:
    """x where positive, weight · x elsewhere; one weight, or one for each channel (axis 1)."""
    input = floats(input)
    w: Any = weight if isinstance(weight, (int, float)) else array(weight)
    if not hasattr(w, "size") or isinstance(w, np.generic):
        return ops.where(gt(plain(input), 0), input, w * input)
    channels = np.shape(plain(input))[1] if np.ndim(plain(input)) > 1 else w.size
    if w.size not in (1, channels):
        raise ShapeError(f"prelu: {w.size} weights for {channels} channels")
    if w.size > 1 and np.ndim(plain(input)) > 1:
        w = functions.reshape(w, (-1,) + (1,) * (np.ndim(plain(input)) - 2))
    elif w.ndim == 1 and np.ndim(plain(input)) == 0:
        w = functions.reshape(w, ())
    return ops.where(gt(plain(input), 0), input, w * input)


def rrelu(
    input: E,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    rng: np.random.Generator | None = None,
) -> E:
    """leaky_relu with a slope drawn for each element in training, their mean otherwise."""
    input = floats(input)
    lower, upper = constant("rrelu", "lower", lower), constant("rrelu", "upper", upper)
    if lower > upper:
        raise ConfigError(f"rrelu: lower is {lower}, above upper {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    slope = recording.draw(rng, "uniform", lower, upper, np.shape(plain(input)))
    return ops.where(gt(plain(input), 0), input, slope.astype(plain(input).dtype) * input)


def gelu(input: E, approximate: str = "none") -> E:
    """x · Φ(x) with the normal distribution Φ, or its tanh approximation (Hendrycks 2016)."""
    input = floats(input)
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (input + 0.044715 * input * input * input)
        return 0.5 * input * (1 + tanh(inner))
    if approximate != "none":
        raise ConfigError(f"gelu: approximate {approximate!r}; use 'none' or 'tanh'")
    return 0.5 * input * erfc(-input * math.sqrt(0.5))


def silu(input: E) -> E:
    """x · σ(x), also called swish."""
    input = floats(input)
    return input * sigmoid(input)


def mish(input: E) -> E:
    """x · tanh(softplus(x)) (Misra 2019)."""
    input = floats(input)
    return input * tanh(ops.softplus(input))


def softplus(input: E, beta: float = 1.0, threshold: float = math.inf) -> E:
    """log(1 + exp(beta·x)) / beta; above `threshold` (of beta·x) x itself.

    PyTorch's threshold of 20 costs 1e-9 of accuracy; the formula here needs none.
    """
    input = floats(input)
    if beta == 1 and threshold == math.inf:
        return ops.softplus(input)
    y = ops.softplus(input * beta) / beta
    return ops.where(plain(input) * beta > threshold, input, y)


def softsign(input: E) -> E:
    """x / (1 + |x|)."""
    input = floats(input)
    return input / (1 + ops.abs(input))


def logsigmoid(input: E) -> E:
    """log σ(x), without overflow."""
    input = floats(input)
    return -ops.softplus(-input)


def hardtanh(input: E, min_val: float = -1.0, max_val: float = 1.0) -> E:
    """x clipped to [min_val, max_val]; the slope at the bounds is 1 (PyTorch has 0)."""
    return ops.clip(input, min_val, max_val)


def hardsigmoid(input: E) -> E:
    """relu6(x + 3) / 6."""
    input = floats(input)
    return relu6(input + 3) / 6


def hardswish(input: E) -> E:
    """x · relu6(x + 3) / 6 (Howard et al. 2019)."""
    input = floats(input)
    return input * relu6(input + 3) / 6


def tanhshrink(input: E) -> E:
    """x - tanh(x)."""
    input = floats(input)
    return input - tanh(input)


def softshrink(input: E, lambd: float = 0.5) -> E:
    """x moved towards 0 by lambd; 0 within lambd of it."""
    input = floats(input)
    if lambd < 0:
        raise ConfigError(f"softshrink: lambd is {lambd}, need 0 or more")
    return relu(input - lambd) - relu(-input - lambd)


def hardshrink(input: E, lambd: float = 0.5) -> E:
    """x, and 0 where |x| <= lambd."""
    return ops.where(le(abs(plain(input)), lambd), 0, input)


def threshold(input: E, threshold: float, value: float) -> E:
    """x where x > threshold, value elsewhere."""
    return ops.where(le(plain(input), threshold), value, input)


def glu(input: Like[A], dim: int = -1) -> A:
    """a · σ(b) for the two halves a, b along dim (Dauphin et al. 2017)."""
    input = floats(input)
    n = np.shape(plain(input))[dim]
    if n % 2:
        raise ShapeError(f"glu: {n} elements along dim {dim} do not split into two halves")
    a, b = functions.split(input, 2, dim)
    return a * sigmoid(b)


def softmax(input: E, dim: Any = -1) -> E:
    """exp(x) / Σ exp(x) along dim, without overflow."""
    return ops.softmax(input, axis=dim)


def log_softmax(input: E, dim: Any = -1) -> E:
    """log softmax(x) along dim."""
    return ops.log_softmax(input, axis=dim)


def softmin(input: E, dim: Any = -1) -> E:
    """softmax(-x)."""
    input = floats(input)
    return ops.softmax(-input, axis=dim)


def normalize(input: Like[A], p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> A:
    """x / max(‖x‖ₚ, eps) along dim."""
    input = floats(input)
    size: Any = functions.linalg.vector_norm(input, ord=p, axis=dim, keepdims=True)
    return input / ops.maximum(size, eps)


__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
    "leaky_relu", "log_softmax", "logsigmoid", "mish", "normalize", "prelu", "relu", "relu6",
    "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip
