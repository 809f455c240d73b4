"""microgradnn's Tensor: the reference the others are compared with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.nn import functional as F

from .. import layers
from ..model_graph import Recorded, Sync
from ..specs import SLOPE, Model, Optimizer

Options = dict[str, Any]
LOSS: dict[str, Callable[..., Any]] = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "huber": F.huber_loss,
    "bce": F.binary_cross_entropy_with_logits,
    "ce": F.cross_entropy,
    "ce-onehot": F.cross_entropy,
}
ACTIVATION: dict[str, Callable[[], nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": lambda: nn.LeakyReLU(SLOPE),
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


def version() -> str:
    """The version of microgradnn."""
    return mg.__version__


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.net, self.dtype = model, make_model(model, dtype), dtype
        self.seen: list[Any] = []
        self.leaves: list[Any] = []
        self.sync: Sync | None = None
        for module in parts(self.net):
            module.register_forward_hook(self.probe)
        self.params = self.net.parameters()
        self.load(params)
        self.optimizer = make_optimizer(optimizer, self.params)
        self.schedule = make_schedule(optimizer, self.optimizer)
        self.ema = make_ema(optimizer, self.params)

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters, and what the layers keep."""
        for p, array in zip(self.params, params, strict=True):
            p.data = array.astype(p.dtype)  # a copy: the optimiser steps in place
        for running, array in zip(self.kept(), kept, strict=False):
            running[...] = array

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        self.seen, self.leaves, self.sync = [], [], sync
        loss = self.loss(self.net(x), y)
        total = loss
        if sync:
            for h, slope in zip(self.seen, sync.slopes, strict=True):
                total = total + (h * slope.astype(self.dtype)).sum()
        self.optimizer.zero_grad()
        total.backward()
        slopes = [getattr(v, "grad", None) for v in (self.leaves if sync else self.seen)]
        nodes = [np.array(getattr(h, "data", h)) for h in self.seen]
        return Recorded(loss.item(), [p.grad for p in self.params], nodes, slopes)

    def loss(self, z: Any, y: np.ndarray) -> Any:
        """The loss of a batch's outputs."""
        how = "mean" if self.model.reduction == "mean" else "sum"
        loss = LOSS[self.model.loss](z, y, reduction=how)
        if self.model.reduction == "samples":
            loss = loss / len(z)
        return loss + self.net.penalty() if self.model.l2 else loss

    def probe(self, module: nn.Module, given: Any, h: Any) -> Any:
        """A hook: notes what a module gives, and sets it in a synchronised pass."""
        self.seen.append(h)
        if self.sync:
            value = self.sync.nodes[len(self.seen) - 1].astype(self.dtype)
            self.leaves.append(mg.tensor(value, requires_grad=True))
            return self.leaves[-1]
        if getattr(h, "requires_grad", False):
            h.retain_grad()
        return None

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        if self.ema:
            self.ema.update()
        return [p.data.copy() for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return [np.array(a) for a in (self.ema.shadow.values() if self.ema else ())]

    def kept(self) -> list[np.ndarray]:
        """The running statistics."""
        return [a for name, a in self.net.named_buffers() if "running" in name]


def parts(net: nn.Module) -> list[nn.Module]:
    """The modules of a Sequential in the order of layers.walk, shortcuts opened up."""
    found: list[nn.Module] = []
    for module in net.children():
        if isinstance(module, nn.Residual):
            found += parts(module.module)
            found += parts(module.shortcut) if module.shortcut else []
        found.append(module)
    return found


def make_model(model: Model, dtype: str) -> nn.Module:
    """microgradnn's model for a spec."""
    penalty = nn.L2(model.l2) if model.l2 else None
    if not model.layers:
        n, *widths = model.widths
        make = ACTIVATION[model.activation]
        return nn.MLP(n, widths, make, kernel_regularizer=penalty, dtype=dtype)
    return nn.Sequential(*(_module(layer, dtype, penalty) for layer in model.layers))


def _module(layer: layers.Layer, dtype: str, penalty: Any) -> nn.Module:
    def row(inside: Sequence[layers.Layer]) -> nn.Module:
        return nn.Sequential(*(_module(part, dtype, penalty) for part in inside))

    match layer:
        case layers.Activation(name):
            return ACTIVATION[name]()
        case layers.Linear(n, m, bias):
            return nn.Linear(n, m, bias, kernel_regularizer=penalty, dtype=dtype)
        case layers.Conv2d(n, m, k, padding, bias):
            made = dict(padding=padding, bias=bias, kernel_regularizer=penalty, dtype=dtype)
            return nn.Conv2d(n, m, k, **made)
        case layers.MaxPool2d(k):
            return nn.MaxPool2d(k)
        case layers.Image(shape):
            return nn.Unflatten(1, shape)
        case layers.Flatten():
            return nn.Flatten()
        case layers.BatchNorm(n, space, eps, momentum):
            norm = nn.BatchNorm2d if space else nn.BatchNorm1d
            return norm(n, eps, momentum, dtype=dtype)
        case layers.LayerNorm(n, eps):
            return nn.LayerNorm(n, eps, dtype=dtype)
        case layers.Residual(inner, shortcut):
            return nn.Residual(row(inner), row(shortcut) if shortcut else None)
    raise TypeError(f"no module for {layer}")


def make_optimizer(spec: Optimizer, params: Sequence[Any]) -> optim.Optimizer:
    """microgradnn's optimiser for a spec, over Tensors or Values."""
    schedule = spec.schedule
    lr: Any = spec.lr
    if schedule and schedule.kind == "exponential":
        lr = optim.schedules.ExponentialDecay(
            spec.lr, schedule.steps, schedule.rate, schedule.staircase
        )
    elif schedule and schedule.kind == "cosine":
        lr = optim.schedules.CosineDecay(spec.lr, schedule.steps)
    decay: Options = dict(weight_decay=spec.weight_decay, decoupled_weight_decay=spec.decoupled)
    form: Options
    match spec.name:
        case "sgd":
            form = dict(nesterov=spec.nesterov, lr_in_velocity=spec.keras)
            return optim.SGD(params, lr, spec.momentum, **form, **decay)
        case "rmsprop":
            return optim.RMSprop(params, lr, spec.alpha, spec.eps, eps_inside=spec.keras, **decay)
        case "adagrad":
            form = dict(initial_accumulator_value=spec.accumulator, eps_inside=spec.keras)
            return optim.Adagrad(params, lr, eps=spec.eps, **form, **decay)
    rule = optim.AdamW if spec.name == "adamw" else optim.Adam
    return rule(params, lr, spec.betas, spec.eps, amsgrad=spec.amsgrad, eps_hat=spec.keras, **decay)


def make_schedule(spec: Optimizer, optimizer: optim.Optimizer) -> Any:
    """The scheduler to step after each update; None where the optimiser's lr is a function."""
    if spec.schedule and spec.schedule.kind == "step":
        return optim.lr_scheduler.StepLR(optimizer, spec.schedule.steps, spec.schedule.rate)
    return None


def make_ema(spec: Optimizer, params: Sequence[Any]) -> optim.EMA | None:
    """The average of the parameters that a spec asks for."""
    if spec.ema is None:
        return None
    return optim.EMA(params, spec.ema.decay, num_updates=spec.ema.num_updates)
