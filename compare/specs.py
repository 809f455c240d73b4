"""What every framework is asked to build, as data: a model, an optimiser, starting weights."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .layers import Activation, Layer, Linear, flat, penalised

ACTIVATIONS = tuple("identity relu tanh sigmoid leaky_relu elu softplus gelu silu".split())
LOSSES = ("mse", "mae", "huber", "bce", "ce", "ce-onehot")
REDUCTIONS = ("mean", "sum", "samples")
RULES = ("sgd", "rmsprop", "adagrad", "adam", "adamw")
FORMS = ("torch", "keras")
SCHEDULES = ("exponential", "cosine", "step")
SLOPE = 0.125  # of leaky_relu: dyadic, because TensorFlow keeps it in float32


@dataclass(frozen=True)
class Model:
    """Linear layers of these widths (first: inputs) with an activation between them, and a loss.

    `layers`, if given, are the model instead; then the widths are its inputs and outputs. Losses:
    "mse", "mae", "huber" (δ = 1), "bce" over logits with targets in [0, 1], "ce" over logits with
    integer labels, "ce-onehot" with rows of probabilities. `reduction` is their "mean" over all
    elements (of ce: samples), their "sum", or that divided by the number of "samples". To it comes
    l2·Σw² over the weights of matrices and kernels. Parameters are the list [W1, b1, W2, b2, …].
    """

    widths: tuple[int, ...]
    activation: str = "relu"
    loss: str = "mse"
    layers: tuple[Layer, ...] = ()
    l2: float = 0.0
    reduction: str = "mean"

    @cached_property
    def chain(self) -> tuple[Layer, ...]:
        """The layers, whichever way they were given."""
        found: list[Layer] = []
        for n, m in zip(self.widths[:-1], self.widths[1:], strict=True):
            found += [Linear(n, m), Activation(self.activation)]
        return self.layers or tuple(found[:-1])

    @property
    def labels(self) -> bool:
        """Whether targets are integers."""
        return self.loss == "ce"

    @cached_property
    def penalised(self) -> list[bool]:
        """For each parameter whether l2 counts it."""
        return penalised(self.chain)

    def start(self, rng: np.random.Generator, scale: float | None = None) -> list[np.ndarray]:
        """Weights and biases from U(-s, s), s = 1/√in unless given, float64; gains around 1."""
        params = []
        for layer in flat(self.chain):
            s = scale or (0.5 if layer.fan_in is None else 1 / np.sqrt(layer.fan_in))
            made = [rng.uniform(-s, s, shape) for shape in layer.shapes]
            if made and layer.fan_in is None:
                made[0] += 1
            params += made
        return params

    def kept(self) -> list[np.ndarray]:
        """What the layers keep, at its start: means 0, variances 1."""
        shapes = [shape for layer in flat(self.chain) for shape in layer.kept]
        return [np.full(shape, float(i % 2)) for i, shape in enumerate(shapes)]

    def zeros(self) -> list[np.ndarray]:
        """All parameters zero."""
        return [np.zeros_like(p) for p in self.start(np.random.default_rng(0))]

    def scale(self, x: np.ndarray) -> float:
        """What the mean loss of a batch x is multiplied by to be reduced as asked."""
        each = 1 if self.loss.startswith("ce") else self.widths[-1]
        return {"mean": 1.0, "sum": float(len(x) * each), "samples": float(each)}[self.reduction]


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a share of its start, at each of the first `steps` updates.

    "exponential" is rate^(k / steps), with staircase rounded down, "step" the same with staircase,
    as PyTorch calls it; for these k may go on. "cosine" is (1 + cos(π·k/steps)) / 2.
    """

    kind: str
    steps: int
    rate: float = 0.5
    staircase: bool = False

    def share(self, k: int) -> float:
        """The share at update k, from 0."""
        if self.kind == "cosine":
            return (1 + math.cos(math.pi * min(k, self.steps) / self.steps)) / 2
        whole = self.staircase or self.kind == "step"
        return float(self.rate ** (k // self.steps if whole else k / self.steps))


@dataclass(frozen=True)
class Average:
    """s = s - (1 - d)·(s - p) after each update, with TensorFlow's meaning of num_updates."""

    decay: float = 0.875
    num_updates: bool = False

    def at(self, k: int) -> float:
        """d after update k, from 0."""
        return min(self.decay, (1 + k) / (10 + k)) if self.num_updates else self.decay


@dataclass(frozen=True)
class Optimizer:
    """One of RULES; the hyper-parameters of the others are not looked at.

    `form` says whose formulas: PyTorch's, or Keras', which has eps elsewhere (see optim), the
    learning rate inside the velocity, and weight decay decoupled in every rule.
    """

    name: str = "sgd"
    lr: float = 0.125
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    alpha: float = 0.875  # rmsprop
    accumulator: float = 0.0  # adagrad starts its sum of squares there
    amsgrad: bool = False  # of adam and adamw: the largest mean square so far
    form: str = "torch"
    schedule: Schedule | None = None
    ema: Average | None = None

    @property
    def keras(self) -> bool:
        """Whether the form is Keras'."""
        return self.form == "keras"

    @property
    def decoupled(self) -> bool:
        """Whether weight decay shrinks the parameter and leaves the gradient alone."""
        return self.keras or self.name == "adamw"

    def rate(self, k: int) -> float:
        """The learning rate of update k, from 0."""
        return self.lr * (self.schedule.share(k) if self.schedule else 1.0)
