"""Schedulers whose rate is one formula of the initial rate and the epoch."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import ConfigError
from .. import formulas
from ..base import Optimizer
from ..groups import need
from .scheduler import LRScheduler


class LambdaLR(LRScheduler):
    """lr = initial lr · lr_lambda(epoch), with one function, or a list of one for each group.

    The functions are not saved by state_dict().
    """

    hidden = ("optimizer", "lr_lambdas")

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _functions("LambdaLR", optimizer, lr_lambda)
        super().__init__(optimizer, last_epoch)

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [base * float(function(epoch)) for base, function in pairs]


class MultiplicativeLR(LRScheduler):
    """lr = initial lr · lr_lambda(1) · lr_lambda(2) · … · lr_lambda(epoch).

    With one function, or a list of one for each group. They are not saved by state_dict(): a loaded
    scheduler calls them again, once for each epoch so far.
    """

    hidden = ("optimizer", "lr_lambdas", "products")
    chains = True

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        self.lr_lambdas = _functions("MultiplicativeLR", optimizer, lr_lambda)
        self.products = [tuple(1.0 for _ in self.lr_lambdas)]  # at each epoch so far
        super().__init__(optimizer, last_epoch)

    def factors(self, epoch: int) -> list[float]:
        """What the initial rates are multiplied by at an epoch, of each group."""
        while len(self.products) <= epoch:
            pairs = zip(self.products[-1], self.lr_lambdas, strict=True)
            self.products.append(tuple(x * float(f(len(self.products))) for x, f in pairs))
        return list(self.products[epoch])

    def rates(self, epoch: int) -> list[float]:
        """The rates at an epoch, of each group."""
        pairs = zip(self.base_lrs, self.factors(epoch), strict=True)
        return [base * factor for base, factor in pairs]


class StepLR(LRScheduler):
    """lr = initial lr · gamma^⌊epoch / step_size⌋."""

    chains = True

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        need("StepLR", 1, step_size=step_size)
        need("StepLR", 0, gamma=gamma)
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return formulas.exponential(base, self.gamma, epoch // self.step_size)


class MultiStepLR(LRScheduler):
    """lr = initial lr · gamma^(number of milestones up to the epoch)."""

    chains = True

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Sequence[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        need(
            "MultiStepLR",
            0,
            gamma=gamma,
            **{f"milestones[{i}]": x for i, x in enumerate(milestones)},
        )
        self.milestones, self.gamma = tuple(sorted(milestones)), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return formulas.exponential(base, self.gamma, bisect_right(self.milestones, epoch))


class ConstantLR(LRScheduler):
    """lr = initial lr · factor until the epoch is total_iters, from then on the initial lr."""

    chains = True

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        need("ConstantLR", 0, factor=factor, total_iters=total_iters)
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return base * self.factor if epoch < self.total_iters else base


class LinearLR(LRScheduler):
    """lr = initial lr · (start + (end - start)·min(epoch, total_iters)/total_iters).

    start and end are start_factor and end_factor.
    """

    chains = True

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        need("LinearLR", 0, start_factor=start_factor, end_factor=end_factor)
        need("LinearLR", 1, total_iters=total_iters)
        self.start_factor, self.end_factor = start_factor, end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        t = min(epoch, self.total_iters) / self.total_iters
        return base * formulas.line(self.start_factor, self.end_factor, t)


class ExponentialLR(LRScheduler):
    """lr = initial lr · gamma^epoch."""

    chains = True

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        need("ExponentialLR", 0, gamma=gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return formulas.exponential(base, self.gamma, epoch)


class PolynomialLR(LRScheduler):
    """lr = initial lr · (1 - min(epoch, total_iters)/total_iters)^power."""

    chains = True

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        need("PolynomialLR", 1, total_iters=total_iters)
        need("PolynomialLR", 0, power=power)
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        t = min(epoch, self.total_iters) / self.total_iters
        return formulas.polynomial(base, 0.0, t, self.power)


class CosineAnnealingLR(LRScheduler):
    """lr = eta_min + (initial lr - eta_min)·(1 + cos(π·epoch/T_max))/2; after T_max it rises again.

    Loshchilov & Hutter 2017, without restarts.
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        need("CosineAnnealingLR", 1, T_max=T_max)
        need("CosineAnnealingLR", 0, eta_min=eta_min)
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, epoch: int) -> float:
        return formulas.cosine(base, self.eta_min, epoch / self.T_max)


def _functions(owner: str, optimizer: Optimizer, given: Any) -> list[Callable[[int], float]]:
    """One function for each group, from one for all or a list. Raises ConfigError."""
    n = len(getattr(optimizer, "param_groups", ()))
    functions = [given] * n if callable(given) else list(given)
    if len(functions) != n:
        raise ConfigError(
            f"{owner}: got {len(functions)} functions, need one for each of {n} groups"
        )
    return functions
