"""ReduceLROnPlateau: the rate falls when a loss no longer does."""

from collections.abc import Sequence
from typing import Any

from ...errors import ConfigError, DTypeError
from ...signatures.expected import brief
from ..base import Optimizer
from ..groups import need, number_problem
from ..patience import Patience
from .scheduler import Scheduler, of_each, one_of


class ReduceLROnPlateau(Scheduler, Patience):
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
        one_of(self.owner, "mode", mode, "min", "max")
        one_of(self.owner, "threshold_mode", threshold_mode, "rel", "abs")
        problem = number_problem("factor", factor, 0, 1)
        if problem:
            raise ConfigError(f"ReduceLROnPlateau: {problem}")
        need("ReduceLROnPlateau", 0, patience=patience, threshold=threshold, cooldown=cooldown)
        self.min_lrs = of_each(self.owner, "min_lr", min_lr, len(optimizer.param_groups))
        self.factor, self.eps, self.last_epoch = factor, eps, 0
        self.watch(mode, threshold, threshold_mode, patience, cooldown)

    def step(self, metrics: Any) -> None:
        """Notes the metric of an epoch, for instance a loss, and may lower the rates."""
        try:
            number = float(getattr(metrics, "data", metrics))
        except (TypeError, ValueError, OverflowError) as error:
            raise DTypeError(f"{self.owner}: metrics is {brief(metrics)}, need a number") from error
        self.last_epoch += 1
        stalled = self.stalled(number)
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if stalled and len(rates) == len(self.min_lrs):
            rates = [self._lower(lr, low) for lr, low in zip(rates, self.min_lrs, strict=True)]
        self._set(rates)

    def _lower(self, lr: float, low: float) -> float:
        new = max(lr * self.factor, low)
        return new if lr - new > self.eps else lr
