"""Reverse-mode automatic differentiation, small enough to read and exact enough to trust.

Read the engine in this order: errors, rules, ops, walk, node, value, tensor, functions, transforms.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import errors
from .functions import (
    binary_cross_entropy_with_logits,
    broadcast_to,
    clip,
    concatenate,
    cross_entropy,
    elu,
    expand_dims,
    leaky_relu,
    linear,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    mse_loss,
    prod,
    reshape,
    softmax,
    squeeze,
    stack,
    sum,
    swapaxes,
    transpose,
)
from .node import no_grad
from .ops import (
    abs,
    add,
    arctan,
    cos,
    cosh,
    div,
    exp,
    expm1,
    log,
    log1p,
    matmul,
    maximum,
    minimum,
    mul,
    neg,
    pow,
    reciprocal,
    relu,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    sub,
    tan,
    tanh,
    where,
)
from .tensor import Tensor, tensor
from .transforms import grad, jvp, value_and_grad, vjp
from .value import Value

if TYPE_CHECKING:
    from . import data, nn, optim, scalar

__version__ = "0.1.0"

__all__ = [
    "Tensor", "Value", "abs", "add", "arctan", "binary_cross_entropy_with_logits", "broadcast_to",
    "clip", "concatenate", "cos", "cosh", "cross_entropy", "data", "div", "elu", "errors", "exp",
    "expand_dims", "expm1", "grad", "jvp", "leaky_relu", "linear", "log", "log1p", "log_softmax",
    "logsumexp", "matmul", "max", "maximum", "mean", "min", "minimum", "mse_loss", "mul", "neg",
    "nn", "no_grad", "optim", "pow", "prod", "reciprocal", "relu", "reshape", "scalar", "sigmoid",
    "sign", "sin", "sinh", "softmax", "softplus", "sqrt", "square", "squeeze", "stack", "sub",
    "sum", "swapaxes", "tan", "tanh", "tensor", "transpose", "value_and_grad", "vjp", "where",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Models, optimisers and data load when first used: the engine alone imports faster.
    if name in ("data", "nn", "optim", "scalar"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'microgradnn' has no attribute {name!r}")
