"""MLP: linear layers and activations by name, in one call."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable, Sequence
from typing import Unpack

import numpy as np

from ..errors import ConfigError, unknown
from .activations import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    Identity,
    LeakyReLU,
    LogSigmoid,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
)
from .containers import Sequential
from .linear import Linear
from .module import Module
from .rectifiers import PReLU
from .weights import Weights

ACTIVATIONS: dict[str, Callable[[], Module]] = {
    "relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus, "leaky_relu": LeakyReLU,
    "elu": ELU, "identity": Identity, "linear": Identity, "relu6": ReLU6, "selu": SELU,
    "celu": CELU, "gelu": GELU, "silu": SiLU, "swish": SiLU, "mish": Mish, "softsign": Softsign,
    "hardtanh": Hardtanh, "hardsigmoid": Hardsigmoid, "hardswish": Hardswish, "prelu": PReLU,
    "logsigmoid": LogSigmoid,
}  # fmt: skip


def activation_named(owner: str, chosen: str | Callable[[], Module]) -> Callable[[], Module]:
    """What makes the activation: by its name, or the function that was given."""
    if callable(chosen) and not isinstance(chosen, Module):
        return chosen
    if isinstance(chosen, str) and chosen in ACTIVATIONS:
        return ACTIVATIONS[chosen]
    if not isinstance(chosen, str):
        raise ConfigError(
            f"{owner}: activation is {chosen!r}, need a name or what makes a module, as nn.ReLU"
        )
    raise unknown(owner, "activation", chosen, ACTIVATIONS)


class MLP(Sequential):
    """Linear layers with an activation between them and none after the last.

    MLP(784, [500, 10]) is Linear(784, 500), ReLU, Linear(500, 10). `activation` is a name or a
    function that makes a module; the other options are Linear's: kernel_initializer and so on.
    """

    def __init__(
        self,
        in_features: int,
        widths: Sequence[int],
        activation: str | Callable[[], Module] = "relu",
        *,
        bias: bool = True,
        **weights: Unpack[Weights],
    ) -> None:
        make = activation_named("MLP", activation)
        if not widths:
            raise ConfigError("MLP: no widths; MLP(2, [8, 1]) has 8 hidden units and 1 output")
        super().__init__()
        weights["rng"] = weights.get("rng") or np.random.default_rng()
        for i, (n, m) in enumerate(zip([in_features, *widths[:-1]], widths, strict=True)):
            if i:
                self.append(make())
            self.append(Linear(n, m, bias, **weights))
