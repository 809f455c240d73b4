"""SequentialLR: one scheduler after another."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ConfigError
from ..base import Optimizer
from ..groups import need
from .scheduler import LRScheduler


class SequentialLR(LRScheduler):
    """The rates of the first scheduler until milestones[0], then those of the second, and so on.

    Each counts its epochs from its own milestone. A linear warm-up, then a cosine:

        warm = LinearLR(optimizer, start_factor=0.01, total_iters=10)
        fall = CosineAnnealingLR(optimizer, T_max=90)
        scheduler = SequentialLR(optimizer, [warm, fall], milestones=[10])

    Only this one is stepped; the schedulers inside give their formulas.
    """

    hidden = ("optimizer", "schedulers")

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise ConfigError(
                    f"SequentialLR: scheduler {i} is a {type(scheduler).__name__}, need one whose "
                    "rate follows from the epoch"
                )
            if scheduler.optimizer is not optimizer:
                raise ConfigError(f"SequentialLR: scheduler {i} belongs to another optimizer")
        if not schedulers or len(milestones) != len(schedulers) - 1:
            raise ConfigError(
                f"SequentialLR: got {len(schedulers)} schedulers and {len(milestones)} milestones, "
                "need one milestone between two schedulers"
            )
        need("SequentialLR", 1, **{f"milestones[{i}]": x for i, x in enumerate(milestones)})
        if list(milestones) != sorted(set(milestones)):
            raise ConfigError(f"SequentialLR: milestones {list(milestones)} must increase")
        self.schedulers, self.milestones = list(schedulers), tuple(milestones)
        super().__init__(optimizer, last_epoch)

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        i = bisect_right(self.milestones, epoch)
        return self.schedulers[i].rates(epoch - (self.milestones[i - 1] if i else 0))

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
