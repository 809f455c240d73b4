"""Layers that reshape, learn a slope or drop elements: those without a place of their own."""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import functions
from ..engine.errors import ConfigError, ShapeError
from . import functional as F
from .checks import check_channels, positive, probability, shape_of
from .module import Module
from .parameter import Parameter

# ---- shape --------------------------------------------------------------------------------------


class Flatten(Module):
    """The axes start_dim to end_dim as one: (batch, 3, 8, 8) to (batch, 192) by default."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """The output for x."""
        shape, n = shape_of(x), len(shape_of(x))
        if not (-n <= self.start_dim < n and -n <= self.end_dim < n):
            raise ShapeError(f"Flatten: input has shape {shape}, no axes {self.extra_repr()}")
        first, last = self.start_dim % n, self.end_dim % n
        if first > last:
            raise ShapeError(f"Flatten: start_dim comes after end_dim in input of shape {shape}")
        middle = math.prod(shape[first : last + 1])
        return functions.reshape(x, (*shape[:first], middle, *shape[last + 1 :]))

    def extra_repr(self) -> str:
        """The arguments, as they stand in the repr."""
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

    def forward(self, x: Any) -> Any:
        """The output for x."""
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
        """The arguments, as they stand in the repr."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


# ---- activations with state ----------------------------------------------------------------------


class PReLU(Module):
    """x where positive, weight · x elsewhere (He et al. 2015); the weight is learnt.

    One weight for all, or num_parameters of them for the channels, axis 1.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = np.float32
    ) -> None:
        positive("PReLU", num_parameters=num_parameters)
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def forward(self, x: Any) -> Any:
        """The output for x."""
        shape, n = shape_of(x), self.weight.size
        if n > 1 and (shape[1:2] or shape) != (n,):
            raise ShapeError(f"PReLU: input has shape {shape}, expected (batch, {n}, ...)")
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """How many weights."""
        return f"num_parameters={self.weight.size}"


class RReLU(Module):
    """x where positive, slope · x elsewhere (Xu et al. 2015).

    In training the slope is drawn from U(lower, upper) for each element with `rng` (a fresh,
    unseeded generator if None); else it is their mean.
    """

    def __init__(
        self, lower: float = 1 / 8, upper: float = 1 / 3, *, rng: np.random.Generator | None = None
    ) -> None:
        if lower > upper:
            raise ConfigError(f"RReLU: lower {lower} is above upper {upper}")
        self.lower, self.upper, self.rng = lower, upper, rng or np.random.default_rng()

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return F.rrelu(x, self.lower, self.upper, self.training, self.rng)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"lower={self.lower!r}, upper={self.upper!r}"


# ---- dropout ------------------------------------------------------------------------------------


class Dropout(Module):
    """In training each element 0 with probability p, else divided by 1 - p; elsewhere x.

    (Srivastava et al. 2014.) The draws come from `rng`, a fresh, unseeded generator if None: seed
    it for training that can be repeated; named_generators() reaches it for checkpoints.
    """

    function: Callable[..., Any] = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        self.p = probability(type(self).__name__, p)
        self.rng = rng or np.random.default_rng()

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return type(self).function(x, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        """The arguments, as they stand in the repr."""
        return f"p={self.p}"


class Dropout2d(Dropout):
    """Dropout of whole channels of (batch, channels, height, width) (Tompson et al. 2015)."""

    function = staticmethod(F.dropout2d)

    def forward(self, x: Any) -> Any:
        """The output for x."""
        check_channels("Dropout2d", x, None, "height width", True)
        return super().forward(x)
