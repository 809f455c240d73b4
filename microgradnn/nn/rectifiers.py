"""Rectifiers with a slope that is learnt or drawn: PReLU and RReLU."""

from __future__ import annotations  # np.random loads when it is used, not before

import numpy as np
from numpy.typing import DTypeLike

from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike, E
from . import functional as F
from .activations import Activation
from .checks import positive, shape_of
from .module import Module
from .parameter import Parameter


class PReLU(Module):
    """x where positive, weight · x elsewhere (He et al. 2015); the weight is learnt.

    One weight for all, or num_parameters of them for the channels, axis 1.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, *, dtype: DTypeLike = np.float32
    ) -> None:
        positive("PReLU", num_parameters=num_parameters)
        self.weight = Parameter(np.full(num_parameters, init, dtype))

    def forward(self, x: ArrayLike) -> Tensor:
        shape, n = shape_of(x), self.weight.size
        if n > 1 and (shape[1:2] or shape) != (n,):
            raise ShapeError(f"PReLU: input has shape {shape}, expected (batch, {n}, ...)")
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """How many weights."""
        return f"num_parameters={self.weight.size}"


class RReLU(Activation):
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

    def forward(self, x: E) -> E:
        return F.rrelu(x, self.lower, self.upper, self.training, self.rng)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"lower={self.lower!r}, upper={self.upper!r}"
