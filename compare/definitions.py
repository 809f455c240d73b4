"""What each layer and each loss is, as one forward formula from the textbook, for arrays of balls.

They are written for exactness and not for floating point, and share nothing with the library's own
functions but NumPy's words, so that the truth does not inherit a mistake of ours. There is no
derivative here: derivatives are differences of these formulas (truth.py).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from . import layers
from .model_graph import Cell
from .specs import SLOPE

Array = Any
Dot = Callable[[Array, Array], Array]


def _erf(z: Array) -> Array:
    return np.frompyfunc(lambda v: v.erf(), 1, 1)(z)


ACTIVATION: dict[str, Callable[[Array], Array]] = {
    "identity": lambda z: z,
    "relu": lambda z: np.where(z > 0, z, 0 * z),
    "tanh": np.tanh,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "leaky_relu": lambda z: np.where(z > 0, z, SLOPE * z),
    "elu": lambda z: np.where(z > 0, z, np.exp(z) - 1),
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "gelu": lambda z: z * (1 + _erf(z / np.sqrt(0 * z + 2))) / 2,
    "silu": lambda z: z / (1 + np.exp(-z)),
}
LOSS: dict[str, Callable[[Array, Array], Array]] = {
    "mse": lambda z, y: ((z - y) ** 2).mean(),
    "mae": lambda z, y: abs(z - y).mean(),
    "huber": lambda z, y: np.where(
        abs(z - y) < 1, (z - y) ** 2 / 2, abs(z - y) - (0 * z + 1) / 2
    ).mean(),
    "bce": lambda z, y: (np.log(1 + np.exp(z)) - z * y).mean(),
    "ce": lambda z, y: (_whole(z)[:, 0] - z[np.arange(len(z)), y]).mean(),
    "ce-onehot": lambda z, y: ((_whole(z) - z) * y).sum(1).mean(),
}


def _whole(z: Array) -> Array:
    """log Σ exp z of each row, as a column."""
    return np.log(np.exp(z).sum(1, keepdims=True))


def cell(cell: Cell, dot: Dot, *given: Array) -> Array:
    """The output of a cell for its sources and then its parameters."""
    if cell.layer is None:
        return given[0] + given[1]
    return layer(cell.layer, dot, *given)


def layer(layer: layers.Layer, dot: Dot, x: Array, *own: Array) -> Array:
    """The output of a layer; `dot` is the product of two matrices."""
    match layer:
        case layers.Activation(name):
            return ACTIVATION[name](x)
        case layers.Linear():
            return _plus(dot(x, own[0]), own[1:], (-1,))
        case layers.Conv2d(padding=padding):
            return _plus(_convolved(x, own[0], padding, dot), own[1:], (-1, 1, 1))
        case layers.MaxPool2d(k):
            return _largest(x, k)
        case layers.Image(shape):
            return x.reshape(-1, *shape)
        case layers.Flatten():
            return x.reshape(len(x), -1)
        case layers.LayerNorm(_, eps):
            return _standardised(x, (-1,), eps) * own[0] + own[1]
        case layers.BatchNorm(_, space, eps, _):
            wide = (1, -1, 1, 1) if space else (1, -1)
            y = _standardised(x, (0, 2, 3) if space else (0,), eps)
            return y * own[0].reshape(wide) + own[1].reshape(wide)
    raise TypeError(f"no definition of {layer}")


def _plus(y: Array, bias: tuple[Array, ...], shape: tuple[int, ...]) -> Array:
    return y + bias[0].reshape(shape) if bias else y


def _standardised(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    d = x - x.mean(axes, keepdims=True)
    return d / np.sqrt((d * d).mean(axes, keepdims=True) + eps)


def _convolved(x: Array, w: Array, padding: int, dot: Dot) -> Array:
    """For each place of the kernel a product of matrices, channels in by channels out."""
    n, channels, height, width = x.shape
    k, p = w.shape[2], padding
    wide = np.full((n, channels, height + 2 * p, width + 2 * p), 0 * w.flat[0], object)
    wide[:, :, p : p + height, p : p + width] = x
    high, broad = height + 2 * p - k + 1, width + 2 * p - k + 1
    total: Array = 0
    for i in range(k):
        for j in range(k):
            rows = wide[:, :, i : i + high, j : j + broad].transpose(0, 2, 3, 1)
            total = total + dot(rows.reshape(-1, channels), w[:, :, i, j].T)
    return total.reshape(n, high, broad, -1).transpose(0, 3, 1, 2)


def _largest(x: Array, k: int) -> Array:
    height, width = x.shape[2] // k, x.shape[3] // k
    best: Array = None
    for i in range(k):
        for j in range(k):
            one = x[:, :, i : height * k : k, j : width * k : k]
            best = one if best is None else np.where(one > best, one, best)
    return best
