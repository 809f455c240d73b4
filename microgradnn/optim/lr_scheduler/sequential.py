"""Schedulers made of schedulers: one after another, or several at once."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ConfigError
from ..base import Optimizer
from ..groups import need
from .scheduler import LRScheduler


class _Joined(LRScheduler):
    """What both share: only this one is stepped; the schedulers inside give their formulas."""

    hidden = ("optimizer", "schedulers")

    def _hold(self, optimizer: Any, schedulers: Sequence[LRScheduler]) -> None:
        owner = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise ConfigError(
                    f"{owner}: scheduler {i} is a {type(scheduler).__name__}, need one whose "
                    "rate follows from the epoch"
                )
            if scheduler.optimizer is not optimizer:
                raise ConfigError(f"{owner}: scheduler {i} belongs to another optimizer")
        self.schedulers = list(schedulers)

    def state_dict(self) -> dict[str, Any]:
        """Position and milestones, and under "schedulers" a tuple of the dicts of those inside."""
        return super().state_dict() | {"schedulers": tuple(s.state_dict() for s in self.schedulers)}

    def _misfits(self, saved: Mapping[str, Any]) -> list[str]:
        wrong = super()._misfits(saved)
        inside = saved.get("schedulers", ()) if isinstance(saved, Mapping) else ()
        if not wrong and len(inside) != len(self.schedulers):
            return [*wrong, f"{len(inside)} schedulers, expected {len(self.schedulers)}"]
        for i, (scheduler, state) in enumerate(zip(self.schedulers, inside, strict=False)):
            wrong += [f"scheduler {i}: {text}" for text in scheduler._misfits(state)]
        return wrong

    def _take(self, saved: Mapping[str, Any]) -> None:
        own = dict(saved)
        for scheduler, state in zip(self.schedulers, own.pop("schedulers"), strict=True):
            scheduler._take(state)
        super()._take(own)


class SequentialLR(_Joined):
    """The rates of the first scheduler until milestones[0], then those of the second, and so on.

    Each counts its epochs from its own milestone. A linear warm-up, then a cosine:

        warm = LinearLR(optimizer, start_factor=0.01, total_iters=10)
        fall = CosineAnnealingLR(optimizer, T_max=90)
        scheduler = SequentialLR(optimizer, [warm, fall], milestones=[10])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self._hold(optimizer, schedulers)
        if not schedulers or len(milestones) != len(schedulers) - 1:
            raise ConfigError(
                f"SequentialLR: got {len(schedulers)} schedulers and {len(milestones)} milestones, "
                "need one milestone between two schedulers"
            )
        need("SequentialLR", 1, **{f"milestones[{i}]": x for i, x in enumerate(milestones)})
        if list(milestones) != sorted(set(milestones)):
            raise ConfigError(f"SequentialLR: milestones {list(milestones)} must increase")
        self.milestones = tuple(milestones)
        super().__init__(optimizer, last_epoch)

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        scheduler, epoch = self._at(epoch)
        return scheduler.rates(epoch)

    def momenta(self, epoch: int) -> list[float]:
        """The momenta at an epoch, of each group, if the scheduler of that epoch sets them."""
        scheduler, epoch = self._at(epoch)
        return scheduler.momenta(epoch)

    def _at(self, epoch: int) -> tuple[LRScheduler, int]:
        i = bisect_right(self.milestones, epoch)
        return self.schedulers[i], epoch - (self.milestones[i - 1] if i else 0)


class ChainedScheduler(_Joined):
    """Several schedulers at once: lr = initial lr · the product of their factors at the epoch.

    They must be of those that multiply the initial rate: StepLR, MultiStepLR, ConstantLR, LinearLR,
    ExponentialLR, PolynomialLR, MultiplicativeLR. torch takes others too, of which the last one
    silently wins.
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ConfigError("ChainedScheduler: got no schedulers, need one at least")
        own: Any = optimizer or getattr(schedulers[0], "optimizer", None)
        self._hold(own, schedulers)
        for i, scheduler in enumerate(schedulers):
            if not scheduler.chains:
                raise ConfigError(
                    f"ChainedScheduler: scheduler {i}, {scheduler.owner}, sets the rate itself; "
                    "chain schedulers that multiply it, such as StepLR"
                )
        super().__init__(own)

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        rates = list(self.base_lrs)
        for scheduler in self.schedulers:
            rates = [x * f for x, f in zip(rates, scheduler.factors(epoch), strict=True)]
        return rates
