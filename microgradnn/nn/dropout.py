"""Dropout: elements or channels that are left out at random in training."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.tensor import Tensor
from ..functions.types import ArrayLike
from . import functional as F
from .checks import check_channels, probability
from .module import Module


class Dropout(Module):
    """In training each element 0 with probability p, else divided by 1 - p; elsewhere x.

    (Srivastava et al. 2014.) The draws come from `rng`, a fresh, unseeded generator if None: seed
    it for training that can be repeated; named_generators() reaches it for checkpoints.
    """

    function: Callable[..., Any] = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, rng: np.random.Generator | None = None) -> None:
        self.p = probability(type(self).__name__, p)
        self.rng = rng or np.random.default_rng()

    def forward(self, x: ArrayLike) -> Tensor:
        return type(self).function(x, self.p, self.training, self.rng)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout1d(Dropout):
    """Dropout of whole channels of (batch, channels, length) (Tompson et al. 2015)."""

    function, space = staticmethod(F.dropout1d), "length"

    def forward(self, x: ArrayLike) -> Tensor:
        check_channels(type(self).__name__, x, None, self.space, True)
        return super().forward(x)


class Dropout2d(Dropout1d):
    """Dropout of whole channels of (batch, channels, height, width)."""

    function, space = staticmethod(F.dropout2d), "height width"


class Dropout3d(Dropout1d):
    """Dropout of whole channels of (batch, channels, depth, height, width)."""

    function, space = staticmethod(F.dropout3d), "depth height width"
