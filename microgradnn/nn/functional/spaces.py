"""What convolution, pooling and the functions of images ask of their arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.protocol import array
from ...errors import ConfigError, ShapeError

Sizes = int | tuple[int, ...]
Axes = tuple[int, ...]
_LEAST = {"padding": 0, "output_padding": 0, "output_size": 0}


def each(name: str, what: str, value: Any, n: int) -> Axes:
    """The sizes of n axes, from one number or n. Raises ConfigError or ShapeError."""
    least = _LEAST.get(what, 1)
    sizes: Axes = (value,) * n if np.ndim(value) == 0 else tuple(value)
    if any(not isinstance(k, (int, np.integer)) or k < least for k in sizes):
        raise ConfigError(f"{name}: {what} is {value!r}, need integers of at least {least}")
    sizes = sizes * n if len(sizes) == 1 else sizes
    if len(sizes) != n:
        raise ShapeError(f"{name}: {what} {value} has {len(sizes)} entries, need {n}")
    return sizes


def batched(name: str, x: Any, n: int) -> tuple[Any, bool]:
    """The image with a batch axis, and whether it had one. Raises ShapeError."""
    x = array(x)
    if x.ndim not in (n + 1, n + 2):
        raise ShapeError(
            f"{name}: input has shape {x.shape}, need (batch, channels, {n} axes) or (channels, …)"
        )
    return (x, True) if x.ndim == n + 2 else (ops.expand_dims(x, axis=0), False)


def padded(x: Any, padding: Any, value: float = 0.0) -> Any:
    """The image with `padding`, (before, after) of each of its last axes, filled with value."""
    if not any(a or b for a, b in padding):
        return x
    width = ((0, 0),) * (x.ndim - len(padding)) + tuple(padding)
    return functions.pad(x, width, constant_values=value)
