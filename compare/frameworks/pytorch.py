"""PyTorch: torch.nn.functional on float64 (or float32) tensors, torch.optim."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.optim import lr_scheduler

from .. import layers
from ..model_graph import Recorded, Sync
from ..specs import SLOPE, Model, Optimizer

ACTIVATION: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "identity": lambda z: z,
    "relu": functional.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "leaky_relu": lambda z: functional.leaky_relu(z, SLOPE),
    "elu": functional.elu,
    "softplus": functional.softplus,
    "gelu": functional.gelu,
    "silu": functional.silu,
}
LOSS: dict[str, Callable[..., torch.Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
    "bce": functional.binary_cross_entropy_with_logits,
    "ce": functional.cross_entropy,
    "ce-onehot": functional.cross_entropy,
}


def version() -> str:
    """The version of torch."""
    return torch.__version__


def refuses(model: Model, optimizer: Optimizer, dtype: str) -> str | None:
    """Why torch.optim cannot do it, or None: it has no optimiser of Keras' form."""
    same = optimizer.name == "sgd" and not optimizer.schedule and not optimizer.weight_decay
    if same or not optimizer.keras:
        return None
    return "PyTorch's optimiser follows another formula than Keras's, which this task has"


class Session:
    """A model and its optimiser; see the package's docstring. torch keeps weights as (out, in)."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.spec, self.dtype = model, optimizer, getattr(torch, dtype)
        self.params = [
            torch.tensor(_turned(p), dtype=self.dtype, requires_grad=True) for p in params
        ]
        self.running = [torch.tensor(a, dtype=self.dtype) for a in model.kept()]
        self.optimizer = self.make(optimizer)
        self.schedule = self.make_schedule(optimizer)
        self.ema = optimizer.ema and [p.detach().clone() for p in self.params]
        self.updates = 0
        self.seen: list[torch.Tensor] = []
        self.leaves: list[torch.Tensor] = []
        self.sync: Sync | None = None

    def make(self, spec: Optimizer) -> torch.optim.Optimizer:
        """torch's optimiser for a spec."""
        decay: dict[str, Any] = dict(weight_decay=spec.weight_decay)
        how: dict[str, Any]
        match spec.name:
            case "sgd":
                how = dict(momentum=spec.momentum, nesterov=spec.nesterov)
                return torch.optim.SGD(self.params, spec.lr, **how, **decay)
            case "rmsprop":
                return torch.optim.RMSprop(self.params, spec.lr, spec.alpha, spec.eps, **decay)
            case "adagrad":
                how = dict(initial_accumulator_value=spec.accumulator, eps=spec.eps)
                return torch.optim.Adagrad(self.params, spec.lr, **how, **decay)
        rule = torch.optim.AdamW if spec.name == "adamw" else torch.optim.Adam
        return rule(
            self.params, spec.lr, betas=spec.betas, eps=spec.eps, amsgrad=spec.amsgrad, **decay
        )

    def make_schedule(self, spec: Optimizer) -> Any:
        """torch's scheduler for a spec, or None."""
        s = spec.schedule
        if s is None:
            return None
        if s.kind == "cosine":
            return lr_scheduler.CosineAnnealingLR(self.optimizer, s.steps)
        if s.kind == "step":
            return lr_scheduler.StepLR(self.optimizer, s.steps, s.rate)
        whole = math.floor if s.staircase else float
        return lr_scheduler.LambdaLR(self.optimizer, lambda k: s.rate ** whole(k / s.steps))

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters, and what the layers keep."""
        with torch.no_grad():
            for p, array in zip(self.params, params, strict=True):
                p.copy_(torch.from_numpy(_turned(array)))
            for k, array in zip(self.running, kept, strict=False):
                k.copy_(torch.from_numpy(array))

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        h, target = torch.from_numpy(x).to(self.dtype), torch.from_numpy(y)
        target = target if self.model.labels else target.to(self.dtype)
        self.seen, self.leaves, self.sync = [], [], sync
        loss = total = self.loss(h, target)
        if sync:
            for node, slope in zip(self.seen, sync.slopes, strict=True):
                total = total + (node * torch.from_numpy(slope).to(self.dtype)).sum()
        self.optimizer.zero_grad()
        torch.autograd.backward(total)
        slopes = [v.grad for v in (self.leaves if sync else self.seen)]
        return Recorded(
            loss.item(),
            [None if p.grad is None else _turned(p.grad.numpy()) for p in self.params],
            [h.detach().numpy() for h in self.seen],
            [None if g is None else g.numpy() for g in slopes],
        )

    def probe(self, h: torch.Tensor) -> torch.Tensor:
        """Notes what a layer gives, and sets it in a synchronised pass."""
        self.seen.append(h)
        if self.sync:
            value = torch.from_numpy(self.sync.nodes[len(self.seen) - 1]).to(self.dtype)
            self.leaves.append(value.clone().requires_grad_())
            return self.leaves[-1]
        if h.requires_grad:
            h.retain_grad()
        return h

    def loss(self, x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        model = self.model
        own, kept = iter(self.params), iter(self.running)
        h = layers.walk(model.chain, x, own, kept, _apply, torch.add, self.probe)
        how = "mean" if model.reduction == "mean" else "sum"
        loss = LOSS[model.loss](h, target, reduction=how)
        loss = loss / len(x) if model.reduction == "samples" else loss
        if model.l2:
            pairs = zip(self.params, model.penalised, strict=True)
            loss = loss + sum(model.l2 * (p * p).sum() for p, counts in pairs if counts)
        return loss

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        if self.spec.ema and self.ema:
            for s, p in zip(self.ema, self.params, strict=True):
                s.lerp_(p.detach(), 1 - self.spec.ema.at(self.updates))
        self.updates += 1
        return [_turned(p.detach().numpy()).copy() for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return [_turned(s.numpy()).copy() for s in self.ema or ()]

    def kept(self) -> list[np.ndarray]:
        """The running statistics."""
        return [k.numpy().copy() for k in self.running]


def _turned(p: np.ndarray) -> np.ndarray:
    """The array in the other layout: matrices are turned, all else is the same."""
    return np.ascontiguousarray(p.T) if p.ndim == 2 else p


def _apply(layer: layers.Layer, h: Any, own: Sequence[Any], kept: Sequence[Any]) -> Any:
    match layer:
        case layers.Activation(name):
            return ACTIVATION[name](h)
        case layers.Linear():
            return functional.linear(h, *own)
        case layers.Conv2d(padding=padding):
            return functional.conv2d(h, own[0], own[1] if own[1:] else None, padding=padding)
        case layers.MaxPool2d(k):
            return functional.max_pool2d(h, k)
        case layers.Image(shape):
            return h.reshape(-1, *shape)
        case layers.Flatten():
            return h.flatten(1)
        case layers.BatchNorm(_, _, eps, momentum):
            return functional.batch_norm(h, kept[0], kept[1], own[0], own[1], True, momentum, eps)
        case layers.LayerNorm(n, eps):
            return functional.layer_norm(h, (n,), own[0], own[1], eps)
    raise TypeError(f"no function for {layer}")
