"""Models: modules, layers, initial weights, and the functions behind them."""

from . import functional, init
from .layers import (
    ELU,
    MLP,
    Identity,
    LeakyReLU,
    Linear,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
)
from .module import Module, Parameter, Sequential

__all__ = [
    "ELU", "MLP", "Identity", "LeakyReLU", "Linear", "Module", "Parameter", "ReLU", "Sequential",
    "Sigmoid", "Softmax", "Softplus", "Tanh", "functional", "init",
]  # fmt: skip
