"""Mistakes in layers that everyone writes: normalisation, softmax, cross entropy, activations.

A layer is recognised by its true gradient, which must be that of the textbook's formula; then the
formula is tried with each of the mistakes that people make in it.
"""

from collections.abc import Callable, Iterator
from itertools import combinations
from math import pi, sqrt
from typing import Any

import numpy as np

from ...engine import ops
from .mistake import mistake
from .probe import Probe, near

Guess = Iterator[tuple[str, Any]]
CLOSE = 1e-7
EPS = (0.0, 1e-5, 1e-8, 1e-6, 1e-7, 1e-12, 1e-3, 1e-4, 1e-10)


def _axes(ndim: int) -> list[tuple[int, ...]]:
    """All sets of axes, smallest first."""
    return [a for n in range(1, ndim + 1) for a in combinations(range(ndim), n)]


def _one(probe: Probe, k: int) -> Any:
    """The cotangent, the input and the output, where they have one shape."""
    if len(probe.outs) != 1 or probe.subject.scaled or probe.outs[0].ndim == 0:
        return None
    x, y = np.asarray(probe.arrays[k], float), probe.outs[0]
    return (np.asarray(probe.douts[0], float), x, y) if x.shape == y.shape else None


# ---- softmax -------------------------------------------------------------------------------------


def _softmax(v: Any, p: Any, axis: Any) -> Any:
    return p * (v - (v * p).sum(axis=axis, keepdims=True))


def _log_softmax(v: Any, p: Any, axis: Any) -> Any:
    return v - p * v.sum(axis=axis, keepdims=True)


@mistake(
    "softmax", "in the gradient of softmax {0}", "with the right formula it is the true gradient",
    "write dx = p * (dout - (dout * p).sum(axis=axis, keepdims=True))", 2,
)  # fmt: skip
def _in_softmax(probe: Probe, k: int) -> Guess:
    found = _one(probe, k)
    if not found:
        return
    v, _, p = found
    axis = next((a for a in range(p.ndim) if near(_softmax(v, p, a), probe.true[k], CLOSE)), None)
    if axis is None:
        return
    total = (v * p).sum(axis=axis, keepdims=True)
    for other in [*range(p.ndim), None]:
        if other != axis and p.ndim > 1:
            where = "all entries" if other is None else f"axis {other}"
            yield f"the sum runs over {where}, not over axis {axis}", _softmax(v, p, other)
    yield "the sum is added, not subtracted", p * (v + total)
    yield "the sum term is missing", p * v
    yield "the factor p is missing", v - total
    yield "the sum lacks its factor p", p * (v - v.sum(axis=axis, keepdims=True))
    yield "the mean stands for the sum", p * (v - (v * p).mean(axis=axis, keepdims=True))
    yield "the factor p is squared", p * p * (v - total)
    yield "only the sum term is there", -p * total
    yield "dout * p - p stands for it", p * (v - 1)


@mistake(
    "log_softmax", "in the gradient of log-softmax {0}", "with the right formula it is the true "
    "gradient", "write dx = dout - p * dout.sum(axis=axis, keepdims=True), p = exp(out)", 2,
)  # fmt: skip
def _in_log_softmax(probe: Probe, k: int) -> Guess:
    found = _one(probe, k)
    if not found:
        return
    v, _, y = found
    p = np.exp(np.minimum(y, 50))
    axis = next(
        (a for a in range(p.ndim) if near(_log_softmax(v, p, a), probe.true[k], CLOSE)), None
    )
    if axis is None:
        return
    total = v.sum(axis=axis, keepdims=True)
    for other in [*range(p.ndim), None]:
        if other != axis and p.ndim > 1:
            where = "all entries" if other is None else f"axis {other}"
            yield f"the sum runs over {where}, not over axis {axis}", _log_softmax(v, p, other)
    yield "the sum term is missing", v
    yield "the sum of dout is missing: p stands alone", v - p
    yield "the sum runs over dout * p", v - p * (v * p).sum(axis=axis, keepdims=True)
    yield "p multiplies dout itself, without the sum", v - p * v
    yield "the sum is added, not subtracted", v + p * total
    yield "the log of p is used where p belongs", v - y * total
    yield "the mean stands for the sum", v - p * v.mean(axis=axis, keepdims=True)
    yield "softmax's own gradient is used", _softmax(v, p, axis)


# ---- normalisation -------------------------------------------------------------------------------


def _scales(probe: Probe, k: int, shape: Any) -> Iterator[tuple[str, Any]]:
    yield "", np.ones(())
    for j, (name, a) in enumerate(zip(probe.names, probe.arrays, strict=True)):
        a = np.asarray(a, float)
        if j == k or a.size >= int(np.prod(shape)):
            continue
        options = [a, a[:, None], a[:, None, None]] if a.ndim == 1 else [a]
        for b in options:
            try:
                if np.broadcast_shapes(b.shape, shape) == shape:
                    yield name, b
            except ValueError:
                continue


def _normal(g: Any, x: Any, axes: Any, eps: float) -> Any:
    xhat, inv = _standard(x, axes, eps)
    return inv * (g - _mean(g, axes) - xhat * _mean(g * xhat, axes))


def _mean(a: Any, axes: Any) -> Any:
    return a.mean(axis=axes, keepdims=True)


def _standard(x: Any, axes: Any, eps: float) -> tuple[Any, Any]:
    inv = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    return (x - _mean(x, axes)) * inv, inv


@mistake(
    "normalisation", "in the gradient of the normalisation {0}", "with the right formula it is the "
    "true gradient", "write dx = (g - g.mean(axis) - xhat * (g * xhat).mean(axis)) / std, with "
    "g = dout * gamma and means with keepdims=True", 2,
)  # fmt: skip
def _in_normalisation(probe: Probe, k: int) -> Guess:
    found = _one(probe, k)
    if not found or found[1].size > 5000:
        return
    v, x, _ = found
    for name, scale in _scales(probe, k, x.shape):
        for axes in _axes(x.ndim):
            for eps in EPS:
                with np.errstate(all="ignore"):
                    if near(_normal(v * scale, x, axes, eps), probe.true[k], 1e-9):
                        yield from _normalisations(v, scale, name, x, axes, eps)
                        return


def _normalisations(v: Any, scale: Any, name: str, x: Any, axes: Any, eps: float) -> Guess:
    g = v * scale
    xhat, inv = _standard(x, axes, eps)
    mean, along = _mean(g, axes), xhat * _mean(g * xhat, axes)
    n = int(np.prod([x.shape[a] for a in axes]))
    yield "the term through the mean is missing", inv * (g - along)
    yield "the term through the variance is missing", inv * (g - mean)
    yield "mean and variance are taken for constants", inv * g
    yield "the division by the standard deviation is missing", g - mean - along
    yield "the division is by the variance, not by its root", inv**2 * (g - mean - along)
    yield "the term through the variance is added, not subtracted", inv * (g - mean + along)
    yield "the term through the mean is added, not subtracted", inv * (g + mean - along)
    yield "the term through the variance lacks a factor 1/2", inv * (g - mean - 2 * along)
    yield "the term through the variance has a factor 1/2 too many", inv * (g - mean - along / 2)
    yield "sums stand where means belong", inv * (g - n * mean - n * along)
    yield "the term through the mean is not divided by N", inv * (g - n * mean - along)
    yield "the term through the variance is not divided by N", inv * (g - mean - n * along)
    yield "N - 1 stands where N belongs", inv * (g - (mean + along) * n / (n - 1))
    yield "the term through the variance lacks its factor xhat", inv * (
        g - mean - _mean(g * xhat, axes)
    )
    if name:
        yield f"{name} is missing", _normal(v, x, axes, eps)
        yield f"{name} multiplies the terms twice", _normal(g * scale, x, axes, eps)
    for other in _axes(x.ndim):
        if other != axes:
            yield f"the means run over axes {other}, not over {axes}", inv * (
                g - _mean(g, other) - xhat * _mean(g * xhat, other)
            )
    for e in EPS:
        if e != eps:
            yield f"eps is {e:g}, in forward {eps:g}", _normal(g, x, axes, e)
            inv2 = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + e)
            yield f"eps is {e:g} under the root only, in forward {eps:g}", inv2 * (g - mean - along)
    std = np.sqrt(x.var(axis=axes, keepdims=True))
    yield "eps is outside the root, in forward inside", (g - mean - along) / (std + eps)
    out = (x - _mean(x, axes)) / (std + eps)
    yield "eps is outside the root, in forward inside", (
        g - mean - out * _mean(g * out, axes)
    ) / (std + eps)


@mistake(
    "unit_norm", "in the gradient of the division by the norm {0}", "with the right formula it is "
    "the true gradient", "write dx = (dout - y * (dout * y).sum(axis, keepdims=True)) / norm", 2,
)  # fmt: skip
def _in_unit_norm(probe: Probe, k: int) -> Guess:
    found = _one(probe, k)
    if not found:
        return
    v, x, y = found
    for axes in _axes(x.ndim):
        for eps in EPS:
            norm = np.sqrt((x * x).sum(axis=axes, keepdims=True) + eps)
            along = y * (v * y).sum(axis=axes, keepdims=True)
            with np.errstate(all="ignore"):
                if not near((v - along) / norm, probe.true[k], CLOSE):
                    continue
            yield "the term through the norm is missing", v / norm
            yield "the division by the norm is missing", v - along
            yield "the division is by the squared norm", (v - along) / norm**2
            yield "the term through the norm is added, not subtracted", (v + along) / norm
            yield "x stands where y belongs", (v - x * (v * x).sum(axis=axes, keepdims=True)) / norm
            yield "the sum lacks its factor y", (v - y * v.sum(axis=axes, keepdims=True)) / norm
            return


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
        for n in {1, x.shape[0], x.size, x.size // x.shape[-1]}:
            y = p - n * t / v
            if np.all((np.abs(y) < 1e-7) | (np.abs(y - 1) < 1e-7)) and np.any(y > 0.5):
                y = np.round(y)
                c = v / n
                yield "the 1 is not subtracted at the labels", c * p
                yield "p is missing: only the labels are there", -c * y
                yield "1 is subtracted in the whole column of a label", c * (
                    p - np.broadcast_to((y > 0).any(axis=0), y.shape)
                )
                yield "1 is subtracted in another class than the label's", c * (
                    p - np.roll(y, -1, axis=-1)
                )
                yield "1 is subtracted in another class than the label's", c * (
                    p - np.roll(y, 1, axis=-1)
                )
                yield "the derivative of softmax or sigmoid is applied once more", c * (
                    (p - y) * p * (1 - p)
                )
                yield "the derivative is that with respect to p, not to the scores", -c * y / p
                yield "scores stand where probabilities belong", c * (x - y)
                yield "1 is added, not subtracted, at the labels", c * (p + y)
                return


def _softmaxed(x: Any, axis: int) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# ---- activations ---------------------------------------------------------------------------------


def _sigmoid(x: Any) -> Any:
    return ops.sigmoid(x)


def _tanh_gelu(x: Any) -> Any:
    c = sqrt(2 / pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x)


def _erf_gelu(x: Any) -> Any:
    return 0.5 * (1 + ops.erf(x / sqrt(2))) + x * np.exp(-x * x / 2) / sqrt(2 * pi)


def _sigmoid_gelu(x: Any) -> Any:
    s = _sigmoid(1.702 * x)
    return s + 1.702 * x * s * (1 - s)


_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: 1.0 * (x > 0), "the identity": np.ones_like, "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "sigmoid": lambda x: _sigmoid(x) * (1 - _sigmoid(x)), "softplus": _sigmoid,
    "silu (swish)": lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
    "gelu with erf": _erf_gelu, "gelu with tanh": _tanh_gelu, "gelu with sigmoid": _sigmoid_gelu,
    "exp": np.exp, "sin": np.cos, "cos": lambda x: -np.sin(x), "log": lambda x: 1 / x,
    "x**2": lambda x: 2 * x, "x**3": lambda x: 3 * x * x, "1/x": lambda x: -1 / x**2,
    "sqrt": lambda x: 0.5 / np.sqrt(np.abs(x)), "abs": np.sign,
    "elu": lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0))),
    **{f"leaky relu with slope {a:g}": lambda x, a=a: np.where(x > 0, 1.0, a)
       for a in (0.01, 0.1, 0.2, 0.3, 0.05)},
    "relu6": lambda x: 1.0 * ((x > 0) & (x < 6)), "softsign": lambda x: 1 / (1 + np.abs(x)) ** 2,
    "arctan": lambda x: 1 / (1 + x * x), "relu, where x is negative": lambda x: 1.0 * (x < 0),
    "hard tanh": lambda x: 1.0 * (np.abs(x) < 1),
}  # fmt: skip


@mistake(
    "activation", "it is the derivative of another function: of {0}",
    "it agrees with that derivative everywhere", "use the derivative of the function in forward", 4,
)  # fmt: skip
def _other_activation(probe: Probe, k: int) -> Guess:
    found = _one(probe, k)
    if found and probe.true[k].size > 2:
        v, x, _ = found
        for name, d in _ACTIVATIONS.items():
            yield name, v * d(x)


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
