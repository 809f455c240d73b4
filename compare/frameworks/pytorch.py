"""PyTorch: torch.nn.functional on float64 (or float32) tensors, torch.optim."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from ..specs import SLOPE, Model, Optimizer

ACTIVATION = {
    "identity": lambda z: z,
    "relu": functional.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": lambda z: functional.leaky_relu(z, SLOPE),
    "elu": functional.elu,
    # The default threshold of 20 cuts off at an error of 1e-9; this one is beyond float64.
    "softplus": lambda z: functional.softplus(z, threshold=40.0),
}
LOSS = {
    "mse": functional.mse_loss,
    "bce": functional.binary_cross_entropy_with_logits,
    "ce": functional.cross_entropy,
}


def version() -> str:
    """The version of torch."""
    return torch.__version__


class Session:
    """A model and its optimiser; see the package's docstring. torch keeps weights as (out, in)."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.dtype = model, getattr(torch, dtype)
        self.params = [
            torch.tensor(np.ascontiguousarray(p.T), dtype=self.dtype, requires_grad=True)
            for p in params
        ]
        self.optimizer = self.make(optimizer)

    def make(self, spec: Optimizer) -> torch.optim.Optimizer:
        """torch's optimiser for a spec."""
        if spec.name == "adam":
            return torch.optim.Adam(
                self.params,
                spec.lr,
                betas=spec.betas,
                eps=spec.eps,
                weight_decay=spec.weight_decay,
            )
        return torch.optim.SGD(
            self.params,
            spec.lr,
            momentum=spec.momentum,
            weight_decay=spec.weight_decay,
            nesterov=spec.nesterov,
        )

    def load(self, params: Sequence[np.ndarray]) -> None:
        """None; sets the parameters."""
        with torch.no_grad():
            for p, array in zip(self.params, params, strict=True):
                p.copy_(torch.from_numpy(np.ascontiguousarray(array.T)))

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        h = torch.from_numpy(x).to(self.dtype)
        target = torch.from_numpy(y)
        target = target if self.model.loss == "ce" else target.to(self.dtype)
        for i in range(0, len(self.params), 2):
            h = h if i == 0 else ACTIVATION[self.model.activation](h)
            h = functional.linear(h, self.params[i], self.params[i + 1])
        loss = LOSS[self.model.loss](h, target)
        self.optimizer.zero_grad()
        loss.backward()
        return loss.item(), [p.grad.numpy().T for p in self.params]

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        return [p.detach().numpy().T.copy() for p in self.params]
