"""What every framework is asked to build, as data: a model, an optimiser, starting weights."""

from dataclasses import dataclass

import numpy as np

ACTIVATIONS = ("identity", "relu", "tanh", "sigmoid", "leaky_relu", "elu", "softplus")
LOSSES = ("mse", "bce", "ce")
SLOPE = 0.125  # of leaky_relu: dyadic, because TensorFlow keeps it in float32


@dataclass(frozen=True)
class Model:
    """Linear layers of these widths (first: inputs) with an activation between them, and a loss.

    The loss is a mean: "mse" over all elements, "bce" over logits with targets in [0, 1], "ce" over
    samples with integer labels. Parameters are the list [W1, b1, W2, b2, …], W of shape (in, out).
    """

    widths: tuple[int, ...]
    activation: str = "relu"
    loss: str = "mse"

    def start(self, rng: np.random.Generator, scale: float | None = None) -> list[np.ndarray]:
        """Weights and biases from U(-s, s), s = 1/√in unless given, float64."""
        params = []
        for n, m in zip(self.widths[:-1], self.widths[1:], strict=True):
            s = 1 / np.sqrt(n) if scale is None else scale
            params += [rng.uniform(-s, s, (n, m)), rng.uniform(-s, s, m)]
        return params

    def zeros(self) -> list[np.ndarray]:
        """All parameters zero."""
        return [np.zeros_like(p) for p in self.start(np.random.default_rng(0))]


@dataclass(frozen=True)
class Optimizer:
    """SGD or Adam in PyTorch's form; the hyper-parameters of the other are not looked at."""

    name: str = "sgd"
    lr: float = 0.125
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
