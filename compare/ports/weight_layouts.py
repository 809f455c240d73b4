"""One layout for the weights of all frameworks, and channels first or last.

Weights of linear layers are (in, out), of convolutions (out, in, height, width), of recurrent
layers (gates · hidden, in), as PyTorch has them, with its order of gates.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


def _gru(a: Array) -> Array:
    """The gates z, r, h of Keras as r, z, n, and back; they are rows."""
    z, r, n = np.split(a, 3)
    return np.concatenate([r, z, n])


def _kernel_in(a: Array) -> Array:
    return np.moveaxis(a, (-1, -2), (0, 1))


def _kernel_out(a: Array) -> Array:
    return np.moveaxis(a, (0, 1), (-1, -2))


def _depth_in(a: Array) -> Array:
    """(height, width, channels, times) as (channels · times, 1, height, width)."""
    return np.moveaxis(a, (-2, -1), (0, 1)).reshape(-1, 1, *a.shape[:-2])


# How a port holds an array: to the common layout, and, given the shape that it holds, back.
LAYOUTS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Any], Array]]] = {
    "": (lambda a: a, lambda a, shape: a),
    "transposed": (np.transpose, lambda a, shape: np.transpose(a)),
    "kernel last": (_kernel_in, lambda a, shape: _kernel_out(a)),
    "depthwise": (
        _depth_in,
        lambda a, shape: np.moveaxis(a.reshape(*shape[-2:], *shape[:-2]), (0, 1), (-2, -1)),
    ),
    "kernel of a transposed convolution": (
        lambda a: np.moveaxis(a, (-1, -2), (0, 1)),
        lambda a, shape: np.moveaxis(a, (0, 1), (-1, -2)),
    ),
    "gates of Keras' GRU": (_gru, lambda a, shape: _gru(a)),
    "gates of Keras' GRU, transposed": (
        lambda a: _gru(np.transpose(a)),
        lambda a, shape: np.transpose(_gru(a)),
    ),
}


def common(a: Array, held: str) -> Array:
    """An array that a port holds, in the layout of all."""
    return np.ascontiguousarray(LAYOUTS[held][0](a))


def own(a: Array, held: str, shape: tuple[int, ...]) -> Array:
    """The reverse."""
    return np.ascontiguousarray(LAYOUTS[held][1](a, shape))


def first(a: Any) -> Any:
    """Channels from the last axis to axis 1."""
    n = len(a.shape)
    return a if n < 3 else a.transpose(0, n - 1, *range(1, n - 1))


def last(a: Any) -> Any:
    """Channels from axis 1 to the last axis."""
    n = len(a.shape)
    return a if n < 3 else a.transpose(0, *range(2, n), 1)
