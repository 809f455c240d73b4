"""Learning rates as functions of the number of updates so far, with Keras' names and formulas.

    optimizer = SGD(params, lr=schedules.ExponentialDecay(0.1, decay_steps=1000, decay_rate=0.96))

The first update uses step 0. Any other function step -> lr serves as well. Keras computes these in
float32, here they are float64.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ConfigError
from . import formulas
from .groups import need


@dataclass(frozen=True)
class ExponentialDecay:
    """lr = initial_learning_rate · decay_rate^(step / decay_steps).

    With staircase the quotient is rounded down (keras, tf.train.exponential_decay).
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        _check(self, self.decay_steps)
        need("ExponentialDecay", 0, decay_rate=self.decay_rate)

    def __call__(self, step: float) -> float:
        """The learning rate after `step` updates."""
        t = step / self.decay_steps
        t = math.floor(t) if self.staircase else t
        return formulas.exponential(self.initial_learning_rate, self.decay_rate, t)


@dataclass(frozen=True)
class InverseTimeDecay:
    """lr = initial_learning_rate / (1 + decay_rate · step / decay_steps).

    With staircase the quotient is rounded down (keras, tf.train.inverse_time_decay).
    """

    initial_learning_rate: float
    decay_steps: float
    decay_rate: float
    staircase: bool = False

    def __post_init__(self) -> None:
        _check(self, self.decay_steps)
        need("InverseTimeDecay", 0, decay_rate=self.decay_rate)

    def __call__(self, step: float) -> float:
        """The learning rate after `step` updates."""
        t = step / self.decay_steps
        t = math.floor(t) if self.staircase else t
        return formulas.inverse_time(self.initial_learning_rate, self.decay_rate, t)


@dataclass(frozen=True)
class PolynomialDecay:
    """lr = (initial_learning_rate - end_learning_rate)·(1 - t)^power + end_learning_rate.

    t = step / decay_steps, at most 1. With cycle, instead of ending, decay_steps is stretched to
    the next multiple of itself that step does not exceed (keras, tf.train.polynomial_decay).
    """

    initial_learning_rate: float
    decay_steps: float
    end_learning_rate: float = 0.0001
    power: float = 1.0
    cycle: bool = False

    def __post_init__(self) -> None:
        _check(self, self.decay_steps)
        need("PolynomialDecay", 0, end_learning_rate=self.end_learning_rate, power=self.power)

    def __call__(self, step: float) -> float:
        """The learning rate after `step` updates."""
        cycles = 1
        if self.cycle:
            cycles = max(1, math.ceil(step / self.decay_steps))
        t = min(1.0, step / (self.decay_steps * cycles))
        return formulas.polynomial(
            self.initial_learning_rate, self.end_learning_rate, t, self.power
        )


@dataclass(frozen=True)
class CosineDecay:
    """lr = top · ((1 - alpha)·(1 + cos(π·t))/2 + alpha) with t = step / decay_steps, at most 1.

    top is initial_learning_rate. Given a warmup_target, lr rises in a straight line from
    initial_learning_rate to it during warmup_steps, and then falls from top = warmup_target, with t
    counted from there (keras; Loshchilov & Hutter 2017).
    """

    initial_learning_rate: float
    decay_steps: float
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: float = 0

    def __post_init__(self) -> None:
        _check(self, self.decay_steps)
        need("CosineDecay", 0, alpha=self.alpha, warmup_steps=self.warmup_steps)
        if self.warmup_target is not None:
            need("CosineDecay", 0, warmup_target=self.warmup_target)
        elif self.warmup_steps:
            raise ConfigError("CosineDecay: warmup_steps without warmup_target; give both")

    def __call__(self, step: float) -> float:
        """The learning rate after `step` updates."""
        top = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return formulas.line(top, self.warmup_target, step / self.warmup_steps)
            top, step = self.warmup_target, step - self.warmup_steps
        t = min(1.0, step / self.decay_steps)
        return top * formulas.cosine(1.0, self.alpha, t)


@dataclass(frozen=True)
class PiecewiseConstantDecay:
    """lr = values[i] with i the number of boundaries that are smaller than step.

    So values[0] holds up to and including step = boundaries[0] (keras,
    tf.train.piecewise_constant).
    """

    boundaries: Sequence[float]
    values: Sequence[float]

    def __post_init__(self) -> None:
        need("PiecewiseConstantDecay", 0, **{f"values[{i}]": x for i, x in enumerate(self.values)})
        if len(self.values) != len(self.boundaries) + 1:
            raise ConfigError(
                f"PiecewiseConstantDecay: {len(self.boundaries)} boundaries need "
                f"{len(self.boundaries) + 1} values, got {len(self.values)}"
            )
        if list(self.boundaries) != sorted(set(self.boundaries)):
            raise ConfigError(
                f"PiecewiseConstantDecay: boundaries {list(self.boundaries)} must increase"
            )

    def __call__(self, step: float) -> float:
        """The learning rate after `step` updates."""
        return float(self.values[bisect_left(self.boundaries, step)])


def _check(schedule: "_Decay", decay_steps: float) -> None:
    owner = type(schedule).__name__
    need(owner, 0, initial_learning_rate=schedule.initial_learning_rate, decay_steps=decay_steps)
    if not decay_steps:
        raise ConfigError(f"{owner}: decay_steps is {decay_steps!r}, must be > 0")


_Decay = ExponentialDecay | InverseTimeDecay | PolynomialDecay | CosineDecay
