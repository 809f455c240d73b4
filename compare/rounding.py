"""How far one cell, computed in floating point from given inputs, may be from the exact result.

Errors are in units of u, the unit roundoff, for one evaluation in any order (Higham, Accuracy and
Stability of Numerical Algorithms, §3 and §4): a sum of n products that are not zero takes at most
n·u times the sum of their sizes. A sum all of whose terms are multiples of one power of two, small
enough for the significand, has no error at all, in whatever order: `exact` sees that, and at the
points made for it (asked.py) most bounds are zero. Terms of order u² are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import layers
from .model_graph import Cell
from .norm_rounding import Standardised
from .windows import folded, windows

FUNCTION = 8.0  # roundings granted to exp, tanh, log1p and the formula around one of them
OFFSET = {"sigmoid": 1.0, "softplus": 0.7, "elu": 1.0}  # a bound on |f(z)| - |z|
ROUNDINGS = {"identity": 0.0, "relu": 0.0, "leaky_relu": 1.0}  # else FUNCTION
PRODUCTS = ("gelu", "silu")  # z·s(z): the error of s(z) counts |z| times in the slope
FINEST = 16  # an array of multiples of 2^-16 may have exact sums; finer ones are not looked at

Array = np.ndarray


@dataclass
class Errors:
    """Of a cell's output, of the gradient of each source, of the gradients of its parameters."""

    out: Array
    slopes: list[Array]
    grads: list[Array]


def quantum(a: Array) -> float:
    """The largest power of two that all elements are multiples of, or 0 if that is too small."""
    flat = a.ravel()
    for part in (flat[:16], flat):  # most arrays are turned down by their first numbers
        whole = np.ldexp(part, FINEST)
        if not (np.abs(whole) < 2.0**52).all() or (whole != np.rint(whole)).any():
            return 0.0
    bits = int(np.bitwise_or.reduce(whole.astype(np.int64), initial=0))
    return float((bits & -bits) or 2**52) * 2.0**-FINEST


def exact(size: Array, grain: float, digits: int) -> bool:
    """Whether sums of multiples of `grain`, of absolute values up to `size`, have no rounding."""
    return grain > 0 and bool(size.max(initial=0.0) <= grain * 2.0**digits)


class Rounding:
    """The errors of cells in a floating-point format with `digits` binary digits."""

    def __init__(self, dtype: str) -> None:
        self.digits = np.finfo(dtype).nmant + 1

    def dot(self, a: Array, b: Array, extra: Array | None = None) -> Array:
        """Of a @ b, plus the row `extra`, for matrices."""
        a, b = abs(a), abs(b)
        size, grain = a @ b, quantum(a) * quantum(b)
        counts = np.minimum(*np.ix_((a != 0).sum(1), (b != 0).sum(0)))
        if extra is not None:
            size, grain = size + abs(extra), min(grain, quantum(extra))
            counts = counts + (counts > 0)
        return 0 * size if exact(size, grain, self.digits) else counts * size

    def sum(self, a: Array, axes: tuple[int, ...], keepdims: bool = False) -> Array:
        """Of a sum over axes."""
        size = abs(a).sum(axes, keepdims=keepdims)
        if exact(size, quantum(a), self.digits):
            return 0 * size
        return np.maximum((a != 0).sum(axes, keepdims=keepdims) - 1, 0) * size

    def cell(self, cell: Cell, inputs: Sequence[Array], own: Sequence[Array], g: Array) -> Errors:
        """Of one cell at its inputs, its parameters and the gradient of its output, in float64."""
        if cell.layer is None:
            a, b = inputs
            return Errors(self.sum(np.stack([a, b]), (0,)), [0 * g, 0 * g], [])
        return self.layer(cell.layer, inputs[0], own, g)

    def layer(self, layer: layers.Layer, x: Array, own: Sequence[Array], g: Array) -> Errors:
        """Of one layer."""
        match layer:
            case layers.Activation(name):
                return activation(name, x, g)
            case layers.Linear():
                return self.linear(x, g, *own)
            case layers.Conv2d(padding=padding):
                return self.convolution(x, g, padding, *own)
            case layers.MaxPool2d() | layers.Image() | layers.Flatten():
                return Errors(0 * g, [0 * x], [])
            case layers.LayerNorm(_, eps):
                return self.normalised(Standardised(self, x, (-1,), eps), g, own, (0,))
            case layers.BatchNorm():
                return self.batch_norm(layer, x, g, *own)
        raise TypeError(f"no bound for {layer}")

    def linear(self, x: Array, g: Array, w: Array, *bias: Array) -> Errors:
        """Of x @ w + b."""
        own = [self.dot(x.T, g), *(self.sum(g, (0,)) for _ in bias)]
        return Errors(self.dot(x, w, *bias), [self.dot(g, w.T)], own)

    def convolution(self, x: Array, g: Array, padding: int, w: Array, *bias: Array) -> Errors:
        """A linear layer on every window; what the windows say of an input is added up."""
        m, _, k, _ = w.shape
        rows = windows(x, k, padding)
        n, height, width = rows.shape[:3]
        flat, g_flat = rows.reshape(-1, w[0].size), g.transpose(0, 2, 3, 1).reshape(-1, m)
        matrix = w.reshape(m, -1).T
        inner = self.linear(flat, g_flat, matrix, *bias)
        out = inner.out.reshape(n, height, width, m).transpose(0, 3, 1, 2)
        sizes = folded((abs(g_flat) @ abs(matrix.T)).reshape(rows.shape), x.shape, k, padding)
        none = exact(sizes, quantum(g) * quantum(w), self.digits)
        before = (0.0 if none else m * k * k) * sizes
        return Errors(out, [before], [inner.grads[0].T.reshape(w.shape), *inner.grads[1:]])

    def batch_norm(
        self, layer: layers.BatchNorm, x: Array, g: Array, gain: Array, shift: Array
    ) -> Errors:
        """Of a batch norm in training."""
        space = (2, 3) if layer.space else ()
        wide = (1, -1) + (1,) * len(space)
        axes = (0, *space)
        own = [gain.reshape(wide), shift.reshape(wide)]
        return self.normalised(Standardised(self, x, axes, layer.eps), g, own, axes)

    def normalised(
        self, x: Standardised, g: Array, own: Sequence[Array], summed: tuple[int, ...]
    ) -> Errors:
        """Of a norm with gain and shift."""
        gain, shift = own
        return Errors(x.out(gain, shift), [x.back(g, gain)], x.own(g, summed))


def activation(name: str, x: Array, g: Array) -> Errors:
    """Of an elementwise function."""
    rounding = ROUNDINGS.get(name, FUNCTION)
    loose = rounding * (1 + abs(x) * (name in PRODUCTS) + (name == "tanh"))  # 1 - y²: y's twice
    return Errors(rounding * (abs(x) + OFFSET.get(name, 0.0)), [abs(g) * loose], [])


def loss(name: str, z: Array, y: Array, scale: float) -> tuple[float, Array]:
    """Of scale times the mean loss, and of its gradient with respect to z."""
    n, c = (len(z), z.shape[1]) if name.startswith("ce") else (z.size, 1)
    if name.startswith("ce"):
        width = np.ptp(z, axis=1, keepdims=True)
        top = abs(z).max(1, keepdims=True)
        size = top + width + np.log(c) + 1
        each, slope = (FUNCTION + c) * size, (c + FUNCTION * (1 + width)) * np.ones(z.shape)
    elif name == "bce":
        size = 2 * abs(z) + 1
        each, slope = FUNCTION * size, FUNCTION * np.ones(z.shape)
    else:
        r = abs(z - y)
        size = {"mse": r * r, "mae": r, "huber": np.where(r < 1, r * r / 2, r)}[name]
        each = 4 * size
        slope = {"mse": 2 * r, "mae": np.ones(z.shape), "huber": np.minimum(r, 1)}[name] * 4
    total = each.sum() / n + (n + 3) * size.sum() / n
    return float(scale * total), scale * (slope + 0.0) / n


def running(layer: Any, x: Array, kept: Sequence[Any]) -> list[Array]:
    """The running mean and variance of a batch norm after a batch x."""
    axes, n = ((0, 2, 3) if layer.space else (0,)), x.size // layer.n
    new = x.mean(axes), x.var(axes) * n / (n - 1)
    return [r + layer.momentum * (v - r) for r, v in zip(kept, new, strict=True)]


def statistics(layer: Any, rounding: Rounding, x: Array, kept: Sequence[Any]) -> Any:
    """Of the running mean and variance after r + m·(new - r)."""
    axes = (0, 2, 3) if layer.space else (0,)
    n = x.size // layer.n
    mean, var = x.mean(axes), x.var(axes)
    off = rounding.sum(x, axes) / n + 2 * abs(mean)
    spread = (n + 6) * var + 2 * off * abs(x - x.mean(axes, keepdims=True)).mean(axes)
    spread = spread * n / (n - 1)
    new = mean, var * n / (n - 1)
    pairs = zip((off, spread), new, kept, strict=True)
    return [layer.momentum * e + 4 * (abs(r) + abs(v)) for e, v, r in pairs]
