"""ReduceLROnPlateau: the rate falls when a loss no longer does."""

import math
from collections.abc import Sequence
from typing import Any

from ...engine.errors import ConfigError
from ..base import Optimizer
from ..groups import need, number_problem
from .base import Scheduler


class ReduceLROnPlateau(Scheduler):
    """lr = max(lr · factor, min_lr) after more than `patience` epochs without a better metric.

    Better, in mode "min", is below best·(1 - threshold), or best - threshold with threshold_mode
    "abs"; in mode "max" above best·(1 + threshold), or best + threshold. After a reduction,
    `cooldown` epochs count as good. Changes of at most eps are not made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(optimizer)
        _one_of("mode", mode, "min", "max")
        _one_of("threshold_mode", threshold_mode, "rel", "abs")
        problem = number_problem("factor", factor, 0, 1)
        if problem:
            raise ConfigError(f"ReduceLROnPlateau: {problem}")
        need("ReduceLROnPlateau", 0, patience=patience, threshold=threshold, cooldown=cooldown)
        self.min_lrs = _of_each(min_lr, len(optimizer.param_groups))
        self.mode, self.factor, self.patience = mode, factor, patience
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.eps = cooldown, eps
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: Any) -> None:
        """None; notes the metric of an epoch, a loss for one, and may lower the rates."""
        metric = float(getattr(metrics, "data", metrics))
        self.last_epoch += 1
        self.num_bad_epochs += 1
        if self._better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self.num_bad_epochs > self.patience and len(rates) == len(self.min_lrs):
            lower = [max(lr * self.factor, x) for lr, x in zip(rates, self.min_lrs, strict=True)]
            rates = [
                new if lr - new > self.eps else lr for lr, new in zip(rates, lower, strict=True)
            ]
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._set(rates)

    def _better(self, metric: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            edge = self.best * (1 + sign * self.threshold)
        else:
            edge = self.best + sign * self.threshold
        return metric > edge if sign > 0 else metric < edge


def _of_each(min_lr: float | Sequence[float], n: int) -> tuple[float, ...]:
    lows = tuple(min_lr) if isinstance(min_lr, Sequence) else (min_lr,) * n
    if len(lows) != n:
        raise ConfigError(
            f"ReduceLROnPlateau: got {len(lows)} min_lr, need {n}, one for each group"
        )
    need("ReduceLROnPlateau", 0, **{f"min_lr[{i}]": x for i, x in enumerate(lows)})
    return lows


def _one_of(name: str, x: str, *allowed: str) -> None:
    if x not in allowed:
        raise ConfigError(
            f"ReduceLROnPlateau: {name} is {x!r}, must be {' or '.join(map(repr, allowed))}"
        )
