"""The functions behind the modules, under PyTorch's address `nn.functional`."""

from ..functions import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    elu,
    leaky_relu,
    linear,
    log_softmax,
    mse_loss,
    softmax,
)
from ..ops import relu, sigmoid, softplus, tanh

__all__ = [
    "binary_cross_entropy_with_logits", "cross_entropy", "elu", "leaky_relu", "linear",
    "log_softmax", "mse_loss", "relu", "sigmoid", "softmax", "softplus", "tanh",
]  # fmt: skip
