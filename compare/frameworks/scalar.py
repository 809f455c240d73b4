"""microgradnn's Value: every number of the model is a node of its own."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import Value, ops

from ..specs import SLOPE, Model, Optimizer
from .ours import make_optimizer

LARGEST = 1000  # weights; a training step visits a few nodes for each, for each sample
ACTIVATION = {
    "identity": lambda z: z,
    "relu": ops.relu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "leaky_relu": lambda z: ops.leaky_relu(z, negative_slope=SLOPE),
    "elu": ops.elu,
    "softplus": ops.softplus,
}


def version() -> str:
    """The version of microgradnn."""
    return mg.__version__


def too_large(model: Model) -> str | None:
    """Why a model would take too long number by number, or None."""
    n = sum(a * b for a, b in zip(model.widths[:-1], model.widths[1:], strict=True))
    return f"{n} weights, one node each: more than {LARGEST}" if n > LARGEST else None


class Session:
    """A model and its optimiser; see the package's docstring. Numbers are Python's float64."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model = model
        self.params = [np.frompyfunc(Value, 1, 1)(np.asarray(p, float)) for p in params]
        flat = list(chain.from_iterable(p.ravel() for p in self.params))
        self.optimizer = make_optimizer(optimizer, flat)

    def load(self, params: Sequence[np.ndarray]) -> None:
        """None; sets the parameters."""
        for ours, new in zip(self.params, params, strict=True):
            for value, number in zip(ours.ravel(), new.ravel().tolist(), strict=True):
                value.data = number

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        losses = [self.loss(self.output(row), t) for row, t in zip(x.tolist(), y, strict=True)]
        loss = sum(losses[1:], losses[0]) / len(losses)
        self.optimizer.zero_grad()
        loss.backward()
        grads = [np.frompyfunc(lambda v: v.grad, 1, 1)(p).astype(float) for p in self.params]
        return loss.data, grads

    def output(self, row: Sequence[float]) -> list[Value]:
        """The outputs for one sample."""
        h: Any = row
        for i in range(0, len(self.params), 2):
            w, b = self.params[i], self.params[i + 1]
            h = h if i == 0 else [ACTIVATION[self.model.activation](z) for z in h]
            h = [ops.sumprod(*w[:, j], *h, b[j]) for j in range(w.shape[1])]
        return h

    def loss(self, z: list[Value], t: Any) -> Value:
        """The loss of one sample."""
        if self.model.loss == "ce":
            top = max(v.data for v in z)
            return sum(((v - top).exp() for v in z), 0.0).log() + top - z[int(t)]
        each = [
            (v - u) ** 2 if self.model.loss == "mse" else ops.bce_with_logits(v, u)
            for v, u in zip(z, t.tolist(), strict=True)
        ]
        return sum(each[1:], each[0]) / len(each)

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        return [np.frompyfunc(lambda v: v.data, 1, 1)(p).astype(float) for p in self.params]
