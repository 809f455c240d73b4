"""Layers and activation modules. Weights are stored (in, out), as in Keras."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import functions, ops
from ..errors import ConfigError
from . import init
from .module import Module, Parameter, Sequential, check_features


class Linear(Module):
    """x @ weight + bias: (..., in_features) to (..., out_features).

    weight (in, out) and bias (out,) are drawn from U(-1/√in, 1/√in), torch's default, with `rng`
    (a fresh, unseeded generator if None) in `dtype`.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        for name, n in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(n, (int, np.integer)) or n < 1:
                raise ConfigError(f"Linear: {name} is {n!r}, need a positive integer")
        rng = rng or np.random.default_rng()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init.fan_in_uniform((in_features, out_features), rng, dtype))
        self.bias = None
        if bias:
            start = init.uniform((out_features,), rng, dtype, 1 / np.sqrt(in_features))
            self.bias = Parameter(start)

    def forward(self, x: Any) -> Any:
        """The output for x."""
        check_features("Linear", x, self.in_features)
        if self.bias is None:
            return ops.matmul(x, self.weight)
        return ops.affine(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The arguments, as they stand in the repr."""
        tail = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{tail}"


class Activation(Module):
    """A module that applies one function and has no parameters."""

    function: Callable[..., Any]

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return type(self).function(x)


class ReLU(Activation):
    """max(x, 0)."""

    function = staticmethod(ops.relu)


class Tanh(Activation):
    """tanh(x)."""

    function = staticmethod(ops.tanh)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    function = staticmethod(ops.sigmoid)


class Softplus(Activation):
    """log(1 + exp(x)), exact in both tails (torch's threshold=20 is not applied)."""

    function = staticmethod(ops.softplus)


class Identity(Activation):
    """x."""

    function = staticmethod(lambda x: x)


class LeakyReLU(Module):
    """x where positive, negative_slope · x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return functions.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """The arguments, as they stand in the repr."""
        return f"{self.negative_slope}"


class ELU(Module):
    """x where positive, alpha · (exp(x) - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return functions.elu(x, self.alpha)

    def extra_repr(self) -> str:
        """The arguments, as they stand in the repr."""
        return f"{self.alpha}"


class Softmax(Module):
    """exp(x) / Σ exp(x) along axis. Losses here take logits: leave it out of a trained model."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """The output for x."""
        return functions.softmax(x, self.axis)


ACTIVATIONS: dict[str, Callable[[], Module]] = {
    "relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid, "softplus": Softplus, "leaky_relu": LeakyReLU,
    "elu": ELU, "identity": Identity, "linear": Identity,
}  # fmt: skip


class MLP(Sequential):
    """Linear layers with an activation between them and none after the last.

    MLP(784, [500, 10]) is Linear(784, 500), ReLU, Linear(500, 10). `activation` is a name or a
    function that makes a module.
    """

    def __init__(
        self,
        in_features: int,
        widths: Sequence[int],
        activation: str | Callable[[], Module] = "relu",
        *,
        bias: bool = True,
        dtype: Any = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ConfigError(
                f"MLP: activation {activation!r}; use one of {', '.join(ACTIVATIONS)}"
            )
        make = ACTIVATIONS[activation] if isinstance(activation, str) else activation
        if not widths:
            raise ConfigError("MLP: no widths; MLP(2, [8, 1]) has 8 hidden units and 1 output")
        super().__init__()
        rng = rng or np.random.default_rng()
        for i, (n, m) in enumerate(zip([in_features, *widths[:-1]], widths, strict=True)):
            if i:
                self.append(make())
            self.append(Linear(n, m, bias, dtype=dtype, rng=rng))
