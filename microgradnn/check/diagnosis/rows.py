"""Mistakes in layers whose outputs depend on a whole row: softmax, normalisation.

A layer is recognised by its true gradient, which must be that of the textbook's formula; then the
formula is tried with each of the mistakes that people make in it.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from .mistake import mistake
from .probe import Probe, near

Guess = Iterator[tuple[str, Any]]
CLOSE = 1e-7
EPS = (0.0, 1e-5, 1e-8, 1e-6, 1e-7, 1e-12, 1e-3, 1e-4, 1e-10)


def _axes(x: Any) -> list[tuple[int, ...]]:
    """All sets of axes that hold more than one entry, smallest first."""
    some = (a for n in range(1, x.ndim + 1) for a in combinations(range(x.ndim), n))
    return [a for a in some if np.prod([x.shape[i] for i in a]) > 1]


def one_shape(probe: Probe, k: int) -> Any:
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
    found = one_shape(probe, k)
    if not found:
        return
    v, _, p = found
    wide = [a for a in range(p.ndim) if p.shape[a] > 1]  # the softmax of one number is 1
    axis = next((a for a in wide if near(_softmax(v, p, a), probe.true[k], CLOSE)), None)
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
    found = one_shape(probe, k)
    if not found:
        return
    v, _, y = found
    p = np.exp(np.minimum(y, 50))
    wide = [a for a in range(p.ndim) if p.shape[a] > 1]
    axis = next((a for a in wide if near(_log_softmax(v, p, a), probe.true[k], CLOSE)), None)
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
    found = one_shape(probe, k)
    if not found or found[1].size > 5000:
        return
    v, x, _ = found
    for name, scale in _scales(probe, k, x.shape):
        for axes in _axes(x):
            for eps in EPS:
                with np.errstate(all="ignore"):
                    if near(_normal(v * scale, x, axes, eps), probe.true[k], 1e-9):
                        yield from _normalisations(v, scale, name, x, axes, eps)
                        return


def _normalisations(v: Any, scale: Any, name: str, x: Any, axes: Any, eps: float) -> Guess:
    g = v * scale
    xhat, inv = _standard(x, axes, eps)
    parts = inv, g, _mean(g, axes), xhat * _mean(g * xhat, axes)
    yield from _terms(*parts)
    yield from _means(*parts, int(np.prod([x.shape[a] for a in axes])))
    yield (
        "the term through the variance lacks its factor xhat",
        inv * (g - parts[2] - _mean(g * xhat, axes)),
    )
    if name:
        yield f"{name} is missing", _normal(v, x, axes, eps)
        yield f"{name} multiplies the terms twice", _normal(g * scale, x, axes, eps)
    for other in _axes(x):
        if other != axes:
            yield (
                f"the means run over axes {other}, not over {axes}",
                inv * (g - _mean(g, other) - xhat * _mean(g * xhat, other)),
            )
    yield from _other_eps(g, x, axes, eps)


def _terms(inv: Any, g: Any, mean: Any, along: Any) -> Guess:
    """Terms left out, or with another sign."""
    yield "the term through the mean is missing", inv * (g - along)
    yield "the term through the variance is missing", inv * (g - mean)
    yield "mean and variance are taken for constants", inv * g
    yield "the division by the standard deviation is missing", g - mean - along
    yield "the division is by the variance, not by its root", inv**2 * (g - mean - along)
    yield "the term through the variance is added, not subtracted", inv * (g - mean + along)
    yield "the term through the mean is added, not subtracted", inv * (g + mean - along)


def _means(inv: Any, g: Any, mean: Any, along: Any, n: int) -> Guess:
    """Terms with another factor."""
    yield "the term through the variance lacks a factor 1/2", inv * (g - mean - 2 * along)
    yield "the term through the variance has a factor 1/2 too many", inv * (g - mean - along / 2)
    yield "sums stand where means belong", inv * (g - n * mean - n * along)
    yield "the term through the mean is not divided by N", inv * (g - n * mean - along)
    yield "the term through the variance is not divided by N", inv * (g - mean - n * along)
    if n > 1:
        yield "N - 1 stands where N belongs", inv * (g - (mean + along) * n / (n - 1))


def _other_eps(g: Any, x: Any, axes: Any, eps: float) -> Guess:
    """Another eps, or in another place."""
    xhat, _ = _standard(x, axes, eps)
    rest = g - _mean(g, axes) - xhat * _mean(g * xhat, axes)
    for e in EPS:
        if e != eps:
            yield f"eps is {e:g}, in forward {eps:g}", _normal(g, x, axes, e)
            yield (
                f"eps is {e:g} in the division, in forward {eps:g}",
                rest * _standard(x, axes, e)[1],
            )
    std = np.sqrt(x.var(axis=axes, keepdims=True))
    out = (x - _mean(x, axes)) / (std + eps)
    yield "eps is outside the root, in forward inside", rest / (std + eps)
    yield (
        "eps is outside the root, in forward inside",
        (g - _mean(g, axes) - out * _mean(g * out, axes)) / (std + eps),
    )


@mistake(
    "unit_norm", "in the gradient of the division by the norm {0}", "with the right formula it is "
    "the true gradient", "write dx = (dout - y * (dout * y).sum(axis, keepdims=True)) / norm", 2,
)  # fmt: skip
def _in_unit_norm(probe: Probe, k: int) -> Guess:
    found = one_shape(probe, k)
    if not found:
        return
    v, x, y = found
    for axes in _axes(x):
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
