"""microgradnn's Tensor: the reference the others are compared with."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn

from ..specs import SLOPE, Model, Optimizer

LOSS = {
    "mse": mg.mse_loss,
    "bce": mg.binary_cross_entropy_with_logits,
    "ce": mg.cross_entropy,
}


def version() -> str:
    """The version of microgradnn."""
    return mg.__version__


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        activation: Any = model.activation
        if activation == "leaky_relu":
            activation = lambda: nn.LeakyReLU(SLOPE)  # noqa: E731
        self.net = nn.MLP(model.widths[0], list(model.widths[1:]), activation, dtype=dtype)
        self.params = self.net.parameters()
        self.loss = LOSS[model.loss]
        self.optimizer = make_optimizer(optimizer, self.params)
        self.load(params)

    def load(self, params: Sequence[np.ndarray]) -> None:
        """None; sets the parameters."""
        for p, array in zip(self.params, params, strict=True):
            p.data = array.astype(p.dtype)  # a copy: the optimiser steps in place

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        loss = self.loss(self.net(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        return loss.item(), [p.grad for p in self.params]

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        return [p.data.copy() for p in self.params]


def make_optimizer(spec: Optimizer, params: Sequence[Any]) -> mg.optim.Optimizer:
    """microgradnn's optimiser for a spec, over Tensors or Values."""
    if spec.name == "adam":
        return mg.optim.Adam(params, spec.lr, spec.betas, spec.eps, spec.weight_decay)
    return mg.optim.SGD(
        params,
        spec.lr,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay,
        nesterov=spec.nesterov,
    )
