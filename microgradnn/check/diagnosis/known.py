"""Mistakes in losses and activations that everyone writes; and an error that is small."""

from collections.abc import Callable, Iterator
from functools import partial
from math import pi, sqrt
from typing import Any

import numpy as np

from ...engine import ops
from ...transforms.jacobians import elementwise_grad
from .mistake import mistake
from .probe import Probe
from .rows import one_shape

Guess = Iterator[tuple[str, Any]]


# ---- cross entropy -------------------------------------------------------------------------------


@mistake(
    "cross_entropy", "in the gradient of the cross entropy {0}", "the true gradient is p - y, "
    "divided by N where the loss is a mean", "write p[np.arange(N), labels] -= 1; dx = p / N", 2,
)  # fmt: skip
def _in_cross_entropy(probe: Probe, k: int) -> Guess:
    if not probe.subject.scaled and np.size(probe.outs[0]) != 1 or len(probe.outs) != 1:
        return
    x, t = np.asarray(probe.arrays[k], float), probe.true[k]
    v = float(np.ravel(probe.douts[0])[0])
    if x.ndim < 1 or x.size < 2:
        return
    for p in [*(_softmaxed(x, a) for a in range(x.ndim)), 1 / (1 + np.exp(-x))]:
        for n in sorted({1, x.shape[0], x.size, x.size // x.shape[-1]}):
            y = p - n * t / v
            if np.all((np.abs(y) < 1e-7) | (np.abs(y - 1) < 1e-7)) and np.any(y > 0.5):
                for words, guess in _cross_entropies(x, p, np.round(y)):
                    yield words, guess * v / n
                return


def _cross_entropies(x: Any, p: Any, y: Any) -> Guess:
    """What may stand where p - y belongs."""
    yield "the 1 is not subtracted at the labels", p
    yield "p is missing: only the labels are there", -y
    column = np.broadcast_to((y > 0).any(axis=0), y.shape)
    yield "1 is subtracted in the whole column of a label", p - column
    for step in (1, -1):
        yield "1 is subtracted in another class than the label's", p - np.roll(y, step, axis=-1)
    yield "the derivative of softmax or sigmoid is applied once more", (p - y) * p * (1 - p)
    yield "the derivative is that with respect to p, not to the scores", -y / p
    yield "scores stand where probabilities belong", x - y
    yield "1 is added, not subtracted, at the labels", p + y


def _softmaxed(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# ---- activations ---------------------------------------------------------------------------------


def _tanh_gelu(x: Any) -> Any:
    return 0.5 * x * (1 + ops.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))


def _leaky(slope: float, x: Any) -> Any:
    return ops.leaky_relu(x, negative_slope=slope)


# What people mistake for each other; their derivatives are those of the table.
_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu, "the identity": lambda x: x * 1, "tanh": ops.tanh, "sigmoid": ops.sigmoid,
    "softplus": ops.softplus, "silu (swish)": lambda x: x * ops.sigmoid(x),
    "gelu with erf": lambda x: 0.5 * x * (1 + ops.erf(x / sqrt(2))), "gelu with tanh": _tanh_gelu,
    "gelu with sigmoid": lambda x: x * ops.sigmoid(1.702 * x),
    "exp": ops.exp, "sin": ops.sin, "cos": ops.cos, "log": ops.log, "x**2": ops.square,
    "x**3": lambda x: x**3, "1/x": ops.reciprocal, "sqrt": ops.sqrt, "abs": ops.abs,
    "elu": lambda x: ops.elu(x, alpha=1.0),
    **{f"leaky relu with slope {a:g}": partial(_leaky, a) for a in (0.01, 0.05, 0.1, 0.2, 0.3)},
    "relu6": ops.relu6, "softsign": lambda x: x / (1 + ops.abs(x)), "arctan": ops.arctan,
    "relu, where x is negative": lambda x: ops.minimum(x, 0.0),
    "hard tanh": lambda x: ops.maximum(ops.minimum(x, 1.0), -1.0),
}  # fmt: skip


@mistake(
    "activation", "it is the derivative of another function: of {0}",
    "it agrees with that derivative everywhere", "use the derivative of the function in forward", 4,
)  # fmt: skip
def _other_activation(probe: Probe, k: int) -> Guess:
    found = one_shape(probe, k)
    if found and probe.true[k].size > 2:
        v, x, _ = found
        for name, f in _ACTIVATIONS.items():
            yield name, v * elementwise_grad(f)(x)


@mistake(
    "nearly", "it is right to within {0} only", "the error is small and is no rounding: an eps, a "
    "clip or a rounded constant that one of forward and backward has",
    "use the same constants in both", 8,
)  # fmt: skip
def _nearly(probe: Probe, k: int) -> Guess:
    yours, t = probe.yours[k], probe.true[k]
    if yours is None or yours.shape != t.shape or t.size < 2:
        return
    off = float(np.abs(yours - t).max() / max(np.abs(t).max(), 1e-300))
    if 2.0**-20 < off < 1e-2:
        yield "a hundredth" if off > 1e-3 else "a thousandth", yours
