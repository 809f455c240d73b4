"""Layers that only change the shape: Flatten and Unflatten."""

import math
from collections.abc import Sequence

from .. import functions
from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from .checks import shape_of
from .module import Module


class Flatten(Module):
    """The axes start_dim to end_dim as one: (batch, 3, 8, 8) to (batch, 192) by default."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: ArrayLike) -> Tensor:
        shape, n = shape_of(x), len(shape_of(x))
        if not (-n <= self.start_dim < n and -n <= self.end_dim < n):
            raise ShapeError(f"Flatten: input has shape {shape}, no axes {self.extra_repr()}")
        first, last = self.start_dim % n, self.end_dim % n
        if first > last:
            raise ShapeError(f"Flatten: start_dim comes after end_dim in input of shape {shape}")
        middle = math.prod(shape[first : last + 1])
        return functions.reshape(x, (*shape[:first], middle, *shape[last + 1 :]))

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The axis `dim` split into several: Unflatten(1, (3, 8, 8)) undoes Flatten.

    One of the lengths may be -1.
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)
        if self.unflattened_size.count(-1) > 1 or min(self.unflattened_size, default=-2) < -1:
            raise ConfigError(
                f"Unflatten: unflattened_size is {unflattened_size!r}, need lengths, one -1 at most"
            )

    def forward(self, x: ArrayLike) -> Tensor:
        shape, n, sizes = shape_of(x), len(shape_of(x)), self.unflattened_size
        length = shape[self.dim] if -n <= self.dim < n else None
        known = -math.prod(sizes) if -1 in sizes else math.prod(sizes)
        if length is None or (length != known if -1 not in sizes else not known or length % known):
            raise ShapeError(
                f"Unflatten: input has shape {shape}, axis {self.dim} does not split into {sizes}"
            )
        dim = self.dim % n
        return functions.reshape(x, (*shape[:dim], *sizes, *shape[dim + 1 :]))

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
