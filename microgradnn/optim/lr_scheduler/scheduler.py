"""What all schedulers share."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ConfigError, nearest
from ..base import Optimizer
from ..groups import need, plain_number


class Scheduler:
    """What all schedulers share: their optimiser, the last rates, and saving."""

    hidden: tuple[str, ...] = ("optimizer",)  # attributes that are not saved

    def __init__(self, optimizer: Optimizer) -> None:
        self.owner = type(self).__name__
        if not isinstance(optimizer, Optimizer):
            raise ConfigError(f"{self.owner}: got {type(optimizer).__name__}, need an optimizer")
        for i, group in enumerate(optimizer.param_groups):
            if callable(group["lr"]):
                raise ConfigError(
                    f"{self.owner}: lr of group {i} is a schedule already; use one or the other"
                )
        self.optimizer = optimizer
        self.last_lr = tuple(group["lr"] for group in optimizer.param_groups)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step() set, of each group."""
        return list(self.last_lr)

    def _set(self, rates: Sequence[float]) -> None:
        groups, before = self.optimizer.param_groups, len(self.last_lr)
        if len(groups) != before:
            raise ConfigError(
                f"{self.owner}: the optimizer has {len(groups)} groups, had {before}; make "
                "the scheduler after the last add_param_group"
            )
        for group, lr in zip(groups, rates, strict=True):
            group["lr"] = lr
        self.last_lr = tuple(rates)

    def state_dict(self) -> dict[str, Any]:
        """Settings and position as numbers, strings and tuples. Save the optimizer as well."""
        return {name: x for name, x in vars(self).items() if name not in ("owner", *self.hidden)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where state_dict() was called. The optimizer's lr is left as it is.

        Raises ConfigError that lists all that does not fit; then nothing has changed.
        """
        wrong = self._misfits(state_dict)
        if wrong:
            raise ConfigError(f"{self.owner}.load_state_dict: {'; '.join(wrong)}")
        self._take(state_dict)

    def _misfits(self, saved: Mapping[str, Any]) -> list[str]:
        if not isinstance(saved, Mapping):
            return [f"got {type(saved).__name__}, need a dict"]
        own = self.state_dict()
        wrong = [f"{name} is missing" for name in own if name not in saved]
        wrong += [f"unexpected {name}{nearest(name, own)}" for name in saved if name not in own]
        for name in ("base_lrs", "last_lr", "max_lrs", "min_lrs"):
            if name in own and len(saved.get(name, own[name])) != len(own[name]):
                wrong.append(f"{name} has {len(saved[name])} rates, expected {len(own[name])}")
        return wrong

    def _take(self, saved: Mapping[str, Any]) -> None:
        for name, x in saved.items():
            setattr(self, name, plain_number(x))


class LRScheduler(Scheduler):
    """Base of schedulers whose rate is a function of the initial rate and the epoch.

    `last_epoch` is the epoch that the rates are for: 0 after construction, one more by each
    step(). Give the last_epoch of a saved run to continue it with an optimizer that was loaded.
    """

    chains = False  # whether its rates are the initial ones times factors of the epoch alone

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        super().__init__(optimizer)
        self._start(last_epoch)

    def _start(self, last_epoch: int, initial: Sequence[float] = ()) -> None:
        """Sets the rates of the epoch after last_epoch. A new run begins with `initial`, if given.

        Else the initial rates are those of the groups.
        """
        groups = self.optimizer.param_groups
        if last_epoch == -1 and initial:
            for group, lr in zip(groups, initial, strict=True):
                group["initial_lr"] = lr
        for i, group in enumerate(groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ConfigError(
                    f"{self.owner}: group {i} has no initial_lr to continue from; load the "
                    "optimizer's state first, or leave out last_epoch"
                )
        self.base_lrs = tuple(group["initial_lr"] for group in groups)
        self.last_epoch = last_epoch
        self.step()

    def step(self) -> None:
        """Sets the rates of the next epoch. Call it after the epoch's optimizer.step()."""
        self._go_to(self.last_epoch + 1)

    def _go_to(self, epoch: int) -> None:
        self._set(self.rates(epoch))
        momenta = self.momenta(epoch)
        if momenta:
            for group, momentum in zip(self.optimizer.param_groups, momenta, strict=True):
                set_momentum(group, momentum)
        self.last_epoch = epoch

    def momenta(self, epoch: int) -> list[float]:
        """The momenta at an epoch, of each group; none if the scheduler leaves them alone."""
        return []

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        return [self.rate(base, epoch) for base in self.base_lrs]

    def factors(self, epoch: int) -> list[float]:
        """What the initial rates are multiplied by, of each group, if the scheduler `chains`."""
        return [self.rate(1.0, epoch) for _ in self.base_lrs]

    def rate(self, base: float, epoch: int) -> float:
        """The rate at an epoch of a group with the initial rate `base`; subclasses define it."""
        raise NotImplementedError(f"{self.owner} defines no rate")


def of_each(owner: str, name: str, x: float | Sequence[float], n: int) -> tuple[float, ...]:
    """One number for each of n groups, from one for all or a list. Raises ConfigError."""
    several = tuple(x) if isinstance(x, Sequence) else (x,) * n
    if len(several) != n:
        raise ConfigError(f"{owner}: got {len(several)} {name}, need {n}, one for each group")
    need(owner, 0, **{f"{name}[{i}]": x for i, x in enumerate(several)})
    return several


def one_of(owner: str, name: str, x: str, *allowed: str) -> None:
    """Raises ConfigError unless x is one of the allowed words."""
    if x not in allowed:
        raise ConfigError(f"{owner}: {name} is {x!r}, must be {' or '.join(map(repr, allowed))}")


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Sets the momentum of a group, or its beta1 if it has betas."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
