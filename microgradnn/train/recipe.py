"""How a model is trained: what compile() was given, made ready to be used in every step."""

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import optim
from ..engine.node import plain
from ..errors import ConfigError, DataError, unknown
from ..nn import Module
from ..nn.training import LossLike, Metrics, OptimizerLike
from . import metrics
from .inputs import Samples
from .losses import Loss

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": lambda params: optim.SGD(params, lr=0.01),
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "rmsprop": lambda params: optim.RMSprop(params, lr=0.001),
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "adamax": optim.Adamax,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "rprop": optim.Rprop,
}


class Recipe:
    """How a model is trained: optimiser, loss, metrics, average of the weights.

    `caller` begins the messages of its errors.
    """

    def __init__(
        self,
        caller: str,
        model: Module,
        optimizer: OptimizerLike,
        loss: LossLike | None,
        given: Metrics | None,
        ema: float | optim.EMA | None,
    ) -> None:
        if loss is None:
            raise ConfigError(f"{caller}: no loss; write loss='mse' or another")
        self.optimizer = _optimizer(caller, model, optimizer)
        self.loss = Loss(loss, caller)
        logits = "logits" in self.loss.name or "Logits" in self.loss.name
        self.metrics = [_metric(caller, m, logits) for m in given or ()]
        names = ["loss", *(m.name for m in self.metrics)]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"{caller}: two metrics are called {name!r}; give one a name=")
        self.mean_loss = metrics.Mean("loss")
        self.ema = _average(caller, model, ema)
        layers = map(vars, model.modules())
        self.regularized = any(layer.get("kernel_regularizer") is not None for layer in layers)

    def reset(self) -> None:
        """Forgets the figures of the last pass over the data."""
        self.mean_loss.reset_state()
        for metric in self.metrics:
            metric.reset_state()

    def update(self, loss: float, data: Samples, y_pred: Any) -> None:
        """Adds a batch to the figures."""
        self.mean_loss.update_state(loss, len(data))
        y_true: Any = data.y  # a metric refuses None by name
        raw = plain(y_pred)
        for metric in self.metrics:
            metric.update_state(y_true, raw, data.weights)

    def logs(self) -> dict[str, Any]:
        """The figures so far, by name; nan where all weights so far were 0."""
        logs: dict[str, Any] = {"loss": self.mean_loss.result()}
        for metric in self.metrics:
            try:
                logs[metric.name] = metric.result()
            except DataError:
                logs[metric.name] = math.nan
        return logs

    def state(self) -> list[dict[str, Any]]:
        """The numbers and arrays in the figures so far, for a checkpoint."""
        return [_figures(m) for m in (self.mean_loss, *self.metrics)]

    def set_state(self, state: list[dict[str, Any]]) -> None:
        """Lets the figures go on from state()."""
        for metric, figures in zip((self.mean_loss, *self.metrics), state, strict=True):
            _set_figures(metric, figures)


def _optimizer(caller: str, model: Module, given: OptimizerLike) -> optim.Optimizer:
    if isinstance(given, optim.Optimizer):
        theirs = {id(p) for group in given.param_groups for p in group["params"]}
        if not any(id(p) in theirs for p in model.parameters()):
            raise ConfigError(f"{caller}: the optimizer has no parameter of this model")
        return given
    if isinstance(given, str):
        if given.lower() not in OPTIMIZERS:
            raise unknown(caller, "optimizer", given, OPTIMIZERS)
        given = OPTIMIZERS[given.lower()]
    if not callable(given):
        raise ConfigError(
            f"{caller}: optimizer is a {type(given).__name__}; use a name such as 'adam', "
            "optim.Adam(model.parameters()) or a function of the parameters"
        )
    return _optimizer(caller, model, given(model.parameters()))


def _average(caller: str, model: Module, ema: Any) -> optim.EMA | None:
    if isinstance(ema, float):
        return optim.EMA(model, ema)
    if ema is None or isinstance(ema, optim.EMA):
        return ema
    raise ConfigError(f"{caller}: ema is {ema!r}, need a decay such as 0.99 or an optim.EMA")


def _metric(caller: str, given: Any, logits: bool) -> metrics.Metric:
    metric = metrics.get(given, caller)
    if logits and "from_logits" in inspect.signature(type(metric)).parameters:
        if isinstance(given, str):  # the loss says that outputs are logits
            kind: Any = type(metric)
            return kind(name=given, from_logits=True)
    return metric


def _figures(metric: Any) -> dict[str, Any]:
    """The numbers and arrays in an object and in those it holds, by name."""
    out: dict[str, Any] = {}
    for name, value in vars(metric).items():
        if isinstance(value, (int, float, np.ndarray, np.generic)):
            out[name] = value
        elif hasattr(value, "__dict__") and not callable(value):
            out[name] = _figures(value)
    return out


def _set_figures(metric: Any, figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        if isinstance(value, dict):
            _set_figures(vars(metric)[name], value)
        else:
            vars(metric)[name] = value
