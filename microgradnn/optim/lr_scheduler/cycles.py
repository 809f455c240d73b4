"""Schedulers that go up and down, meant to be stepped after every batch.

Formulas and defaults are torch's (2.13). Where `cycle_momentum` is on, the momentum (beta1 of the
rules of Adam's kind) falls while the rate rises, and rises while it falls.
"""

import math
from collections.abc import Callable, Sequence

from ...errors import ConfigError
from .. import formulas
from ..base import Optimizer
from ..groups import need, number_problem
from .scheduler import LRScheduler, Scheduler, of_each, one_of

Rates = float | Sequence[float]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (initial lr - eta_min)·(1 + cos(π·t/T))/2, t epochs after the last restart.

    The first period T is T_0 epochs, each further one T_mult times the one before (Loshchilov &
    Hutter 2017). step(epoch) goes to an epoch, which may be a fraction, as in epoch + i/batches.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        need("CosineAnnealingWarmRestarts", 1, T_0=T_0, T_mult=T_mult)
        need("CosineAnnealingWarmRestarts", 0, eta_min=eta_min)
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.at: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Sets the rates of the next epoch, or of the one that is given."""
        if epoch is not None:
            need(f"{self.owner}.step", 0, epoch=epoch)
        self.at = self.at + 1 if epoch is None else epoch
        self._set(self.rates(self.at))
        self.last_epoch = math.floor(self.at)

    def rates(self, epoch: float) -> list[float]:
        """The rates at an epoch, of each group."""
        start, period = 0, self.T_0
        if self.T_mult == 1:
            start = math.floor(epoch / period) * period
        while epoch >= start + period:
            start, period = start + period, period * self.T_mult
        t = (epoch - start) / period
        return [formulas.cosine(base, self.eta_min, t) for base in self.base_lrs]


class _Cycle(LRScheduler):
    """What schedulers share that set the momentum too."""

    max_momenta: tuple[float, ...]
    base_momenta: tuple[float, ...]

    def _take_momenta(
        self, cycle_momentum: bool, base_momentum: Rates, max_momentum: Rates
    ) -> None:
        groups = self.optimizer.param_groups
        self.cycle_momentum = cycle_momentum
        self.base_momenta = of_each(self.owner, "base_momentum", base_momentum, len(groups))
        self.max_momenta = of_each(self.owner, "max_momentum", max_momentum, len(groups))
        if cycle_momentum and any("momentum" not in g and "betas" not in g for g in groups):
            raise ConfigError(
                f"{self.owner}: {self.optimizer.owner} has neither momentum nor betas; write "
                "cycle_momentum=False"
            )


class OneCycleLR(_Cycle):
    """lr rises from max_lr/div_factor to max_lr, then falls to 1/final_div_factor of the first.

    Smith & Topin 2018. The rise takes the share pct_start of total_steps = epochs·steps_per_epoch,
    in half a cosine wave or, with anneal_strategy="linear", in a line. With three_phase the rate
    falls back to where it began as fast as it rose, and then to the last rate.

    Raises ConfigError in a step after total_steps. The rate of the step total_steps itself is the
    last rate; torch goes past it.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: Rates,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.85,
        max_momentum: Rates = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        Scheduler.__init__(self, optimizer)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        self.anneal_strategy, self.three_phase = anneal_strategy, three_phase
        one_of(self.owner, "anneal_strategy", anneal_strategy, "cos", "linear")
        need("OneCycleLR", 1, div_factor=div_factor, final_div_factor=final_div_factor)
        self.ends = self._ends(pct_start)
        self.max_lrs = of_each(self.owner, "max_lr", max_lr, len(optimizer.param_groups))
        self._take_momenta(cycle_momentum, base_momentum, max_momentum)
        initial = [top / div_factor for top in self.max_lrs]
        self.min_lrs = tuple(first / final_div_factor for first in initial)
        self._start(last_epoch, initial)

    def _ends(self, pct_start: float) -> tuple[float, ...]:
        """The last step of each phase."""
        problem = number_problem("pct_start", pct_start, 0, 1)
        if problem and pct_start != 1:
            raise ConfigError(f"OneCycleLR: pct_start is {pct_start!r}, must be a number in [0, 1]")
        share = pct_start * self.total_steps
        fall = (2 * share - 2,) if self.three_phase else ()
        return (share - 1, *fall, self.total_steps - 1)

    def rates(self, epoch: int) -> list[float]:
        """The rates at a step, of each group."""
        return self._between(epoch, self.base_lrs, self.max_lrs, self.min_lrs)

    def momenta(self, epoch: int) -> list[float]:
        """The momenta at a step, of each group."""
        if not self.cycle_momentum:
            return []
        return self._between(epoch, self.max_momenta, self.base_momenta, self.max_momenta)

    def _between(self, epoch: int, *levels: tuple[float, ...]) -> list[float]:
        """The levels are those of the start, the top and the end of the cycle, of each group."""
        if epoch > self.total_steps:
            raise ConfigError(
                f"OneCycleLR: step {epoch} of total_steps={self.total_steps}; the cycle is over"
            )
        curve = formulas.cosine if self.anneal_strategy == "cos" else formulas.line
        first, top, last = levels
        points = [first, top, first, last] if self.three_phase else [first, top, last]
        i = next((i for i, end in enumerate(self.ends) if epoch <= end), len(self.ends) - 1)
        start, end = (self.ends[i - 1] if i else 0), self.ends[i]
        t = min((epoch - start) / (end - start), 1.0) if end > start else 1.0
        return [curve(a, b, t) for a, b in zip(points[i], points[i + 1], strict=True)]


class CyclicLR(_Cycle):
    """lr rises from base_lr to max_lr in step_size_up steps, falls in step_size_down, and again.

    Smith 2017. Each cycle is multiplied by a factor: 1 in mode "triangular", half that of the last
    cycle in "triangular2", gamma^step in "exp_range"; or scale_fn(cycle, from 1), or with
    scale_mode="iterations" scale_fn(step). A function is not saved by state_dict().
    """

    hidden = ("optimizer", "scale_fn")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: Rates,
        max_lr: Rates,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: Rates = 0.8,
        max_momentum: Rates = 0.9,
        last_epoch: int = -1,
    ) -> None:
        Scheduler.__init__(self, optimizer)
        down = step_size_up if step_size_down is None else step_size_down
        need("CyclicLR", 1, step_size_up=step_size_up)
        need("CyclicLR", 0, step_size_down=down, gamma=gamma)
        self.step_size_up, self.step_size_down = step_size_up, down
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        one_of(self.owner, "mode", mode, "triangular", "triangular2", "exp_range")
        one_of(self.owner, "scale_mode", scale_mode, "cycle", "iterations")
        self.max_lrs = of_each(self.owner, "max_lr", max_lr, len(optimizer.param_groups))
        self._take_momenta(cycle_momentum, base_momentum, max_momentum)
        self._start(last_epoch, of_each(self.owner, "base_lr", base_lr, len(self.max_lrs)))

    def rates(self, epoch: int) -> list[float]:
        """The rates at a step, of each group."""
        height = self._height(epoch)
        pairs = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (high - low) * height for low, high in pairs]

    def momenta(self, epoch: int) -> list[float]:
        """The momenta at a step, of each group."""
        height = self._height(epoch)
        pairs = zip(self.base_momenta, self.max_momenta, strict=True)
        return [high - (high - low) * height for low, high in pairs] if self.cycle_momentum else []

    def _height(self, epoch: int) -> float:
        """How far the rate has come from base_lr to max_lr, a share."""
        up, down = self.step_size_up, self.step_size_down
        cycle, at = divmod(epoch, up + down)
        share = at / up if at <= up else (up + down - at) / down
        if self.scale_fn is not None:
            return share * float(self.scale_fn(cycle + 1 if self.scale_mode == "cycle" else epoch))
        factors = {"triangular": 1.0, "triangular2": 2.0**-cycle, "exp_range": self.gamma**epoch}
        return share * factors[self.mode]


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        need("OneCycleLR", 1, total_steps=total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ConfigError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
    need("OneCycleLR", 1, epochs=epochs, steps_per_epoch=steps_per_epoch)
    return epochs * steps_per_epoch
