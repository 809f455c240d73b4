"""The activations of nn.functional as modules. WithOptions are the fields, in PyTorch's order.

Slopes at kinks and the formulas are those of the functions; `axis` is what PyTorch calls dim.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, dataclass_transform

from .. import functions
from ..engine import ops
from ..errors import RAW, ConfigError
from ..functions.types import A, E, Like
from ..signatures.telling import blame
from . import functional as F
from .module import Module


def _same(x: E) -> E:
    return x


def _glu(x: Like[A], axis: int) -> A:
    return F.glu(x, axis)


def _softmin(x: E, axis: int) -> E:
    return F.softmin(x, axis)


class Activation(Module):
    """A module that applies one function and has no parameters.

    What comes out is like what went in: a Tensor, a Value, an array or a number.
    """

    function: ClassVar[Callable[..., Any]]

    def forward(self, x: E) -> E:
        """Returns the function of x."""
        return type(self).function(x)

    def __call__(self, x: E) -> E:  # type: ignore[override]  # mypy infers no E through forward
        """Returns forward(x)."""
        try:
            return self.forward(x) if self._hooks is None else self._hooks.call(self, (x,), {})
        except RAW as error:
            blame(self, (x,), {}, error)
            raise


@dataclass_transform(eq_default=False)
class WithOptions(Module):
    """A module that applies one function with options: the fields of the dataclass it becomes."""

    function: ClassVar[Callable[..., Any]]
    __dataclass_fields__: dict[str, Any]

    def __init_subclass__(cls) -> None:  # modules are compared by identity, and have a repr
        dataclass(eq=False, repr=False)(cls)

    def options(self) -> dict[str, Any]:
        """Returns the options by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def extra_repr(self) -> str:
        """The options."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options().items())


class ActivationWithOptions(WithOptions, Activation):
    """An Activation whose function has options."""

    def forward(self, x: E) -> E:
        """Returns the function of x with the options."""
        return type(self).function(x, **self.options())


# ---- without options ----------------------------------------------------------------------------


class Identity(Activation):
    """x."""

    function = staticmethod(_same)


class ReLU(Activation):
    """max(x, 0)."""

    function = staticmethod(ops.relu)


class ReLU6(Activation):
    """min(max(x, 0), 6)."""

    function = staticmethod(ops.relu6)


class Tanh(Activation):
    """tanh(x)."""

    function = staticmethod(ops.tanh)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    function = staticmethod(ops.sigmoid)


class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x))), without overflow."""

    function = staticmethod(F.logsigmoid)


class SELU(Activation):
    """1.0507 · elu(x, 1.6733), which keeps mean 0 and variance 1 (Klambauer et al. 2017)."""

    function = staticmethod(F.selu)


class SiLU(Activation):
    """x · σ(x), also called swish."""

    function = staticmethod(F.silu)


class Mish(Activation):
    """x · tanh(log(1 + exp(x))) (Misra 2019)."""

    function = staticmethod(F.mish)


class Softsign(Activation):
    """x / (1 + |x|)."""

    function = staticmethod(F.softsign)


class Hardsigmoid(Activation):
    """relu6(x + 3) / 6."""

    function = staticmethod(F.hardsigmoid)


class Hardswish(Activation):
    """x · relu6(x + 3) / 6 (Howard et al. 2019)."""

    function = staticmethod(F.hardswish)


class Tanhshrink(Activation):
    """x - tanh(x)."""

    function = staticmethod(F.tanhshrink)


# ---- with options -------------------------------------------------------------------------------


class Softplus(ActivationWithOptions):
    """log(1 + exp(beta·x)) / beta, exact in both tails; x itself where beta·x > threshold.

    torch's threshold of 20 costs 1e-9 of accuracy and is not needed.
    """

    beta: float = 1.0
    threshold: float = math.inf
    function = staticmethod(F.softplus)


class LeakyReLU(ActivationWithOptions):
    """x where positive, negative_slope · x elsewhere. (Keras: 0.3; tf.nn.leaky_relu: 0.2.)"""

    negative_slope: float = 0.01
    function = staticmethod(F.leaky_relu)


class ELU(ActivationWithOptions):
    """x where positive, alpha · (exp(x) - 1) elsewhere (Clevert et al. 2015)."""

    alpha: float = 1.0
    function = staticmethod(F.elu)


class CELU(ActivationWithOptions):
    """max(0, x) + min(0, alpha · (exp(x / alpha) - 1)) (Barron 2017)."""

    alpha: float = 1.0
    function = staticmethod(F.celu)


class GELU(ActivationWithOptions):
    """x · Φ(x), Φ the normal distribution; approximate="tanh" is its common approximation."""

    approximate: str = "none"
    function = staticmethod(F.gelu)

    def __post_init__(self) -> None:
        if self.approximate not in ("none", "tanh"):
            raise ConfigError(f"GELU: approximate {self.approximate!r}; use 'none' or 'tanh'")


class Hardtanh(ActivationWithOptions):
    """x clipped to [min_val, max_val]; the slope at the bounds is 1 (PyTorch has 0)."""

    min_val: float = -1.0
    max_val: float = 1.0
    function = staticmethod(F.hardtanh)


class Softshrink(ActivationWithOptions):
    """x moved towards 0 by lambd; 0 within lambd of it."""

    lambd: float = 0.5
    function = staticmethod(F.softshrink)


class Hardshrink(ActivationWithOptions):
    """x, and 0 where |x| <= lambd."""

    lambd: float = 0.5
    function = staticmethod(F.hardshrink)


class Threshold(ActivationWithOptions):
    """x where x > threshold, value elsewhere."""

    threshold: float
    value: float
    function = staticmethod(F.threshold)


class Softmax(ActivationWithOptions):
    """exp(x) / Σ exp(x) along axis. Losses here take logits: leave it out of a trained model."""

    axis: int = -1
    function = staticmethod(functions.softmax)


class Softmin(ActivationWithOptions):
    """softmax(-x) along axis."""

    axis: int = -1
    function = staticmethod(_softmin)


class LogSoftmax(ActivationWithOptions):
    """log softmax(x) along axis, without overflow; for NLLLoss."""

    axis: int = -1
    function = staticmethod(functions.log_softmax)


class GLU(ActivationWithOptions):
    """a · σ(b) for the two halves a, b of x along axis (Dauphin et al. 2017)."""

    axis: int = -1
    function = staticmethod(_glu)
