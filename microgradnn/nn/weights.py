"""Weighted: the base of layers with a weight and a bias, and the options that these take."""

from __future__ import annotations  # np.random loads when it is used, not before

from typing import TypedDict, Unpack

import numpy as np
from numpy.typing import DTypeLike

from ..errors import unknown
from . import init, regularizers
from .init import Initializer
from .module import Module
from .parameter import Parameter
from .regularizers import Regularizer


class Weights(TypedDict, total=False):
    """Options that the layers with weights take by name, and MLP for all of its layers.

    kernel_initializer  what `weight` starts from: a name of nn.init, or f(shape, rng, dtype)
    bias_initializer    the same for `bias`
    kernel_regularizer  nn.L2(1e-4), nn.L1(…) or a function of the weight, for Module.penalty
    dtype               np.float32 if not given
    rng                 what draws; a fresh, unseeded generator if not given
    """

    kernel_initializer: Initializer | None
    bias_initializer: Initializer | None
    kernel_regularizer: Regularizer | None
    dtype: DTypeLike
    rng: np.random.Generator | None


class Weighted(Module):
    """Base of layers with a weight, a bias or None, and what they start from."""

    weight: Parameter
    bias: Parameter | None

    def _start(
        self,
        shape: tuple[int, ...],
        bias_shape: tuple[int, ...] | None,
        bound: float,
        **given: Unpack[Weights],
    ) -> None:
        """Draws weight, then bias; without an initializer from U(-bound, bound)."""
        owner = type(self).__name__
        for name in given:
            if name not in Weights.__annotations__:
                raise unknown(owner, "option", name, Weights.__annotations__)
        rng = given.get("rng") or np.random.default_rng()
        dtype = given.get("dtype", np.float32)
        default = init.get("uniform", bound=bound)
        kernel = given.get("kernel_initializer") or default
        self.weight = Parameter(init.draw(owner, "kernel_initializer", kernel, shape, rng, dtype))
        self.bias = None
        if bias_shape is not None:
            start = given.get("bias_initializer") or default
            array = init.draw(owner, "bias_initializer", start, bias_shape, rng, dtype)
            self.bias = Parameter(array)
        self.kernel_regularizer = regularizers.checked(
            owner, "kernel_regularizer", given.get("kernel_regularizer")
        )
