"""What each optimiser does, as formulas: one update, for arrays, Rounded arrays, arrays of balls.

The forms of PyTorch and of Keras are those that specs.Optimizer describes. This is no derivative
and no copy of one: it is what the frameworks' updates are judged by, ours included.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .rounded import Rounded
from .specs import Optimizer

POWER = 2.0  # roundings granted to βᵗ and to the rate of a schedule, and one more for each step
State = list[Any]


class Rule:
    """An optimiser's state and the averages of the parameters, stepped with given gradients.

    A number enters as `one(array)`: Rounded for a bound, an array of balls for a proof.
    """

    def __init__(self, spec: Optimizer, params: Sequence[Any], one: Any = Rounded) -> None:
        self.spec, self.one, self.t = spec, one, 0
        start = spec.accumulator if spec.name == "adagrad" else 0.0
        self.states: list[State] = [[one(0 * p), one(0 * p + start), one(0 * p)] for p in params]

    def step(self, params: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        """The parameters after a step from `params` with `grads`, plain arrays both."""
        s, lr = self.spec, self.rate(self.t)
        self.t += 1
        after = []
        for p, g, state in zip(params, grads, self.states, strict=True):
            p, g = self.one(p), self.one(g)
            if s.weight_decay and not s.decoupled:
                g = g + p * s.weight_decay
            move = self.move(g, state, lr)
            if s.weight_decay and s.decoupled:
                p = p - p * (lr * s.weight_decay)
            after.append(p - move)
        return after

    def rate(self, k: int) -> Any:
        """The learning rate; a cosine cancels, and PyTorch's schedules are recursive."""
        lr = self.spec.rate(k)
        if self.spec.schedule is None or self.one is not Rounded:
            return lr
        return Rounded(lr, (POWER + k) * self.spec.lr)

    def bias(self, beta: float) -> Any:
        """1 - βᵗ."""
        power = beta**self.t
        if self.one is not Rounded:
            return 1 - power
        return Rounded(1 - power, POWER * power + abs(1 - power))

    def move(self, g: Any, state: State, lr: Any) -> Any:
        """What to take off a parameter, and the state moved on."""
        s = self.spec
        if s.name == "sgd":
            return self.velocity(g, state, lr)
        if s.name in ("adam", "adamw"):
            return self.adam(g, state, lr)
        old, new = (s.alpha, 1 - s.alpha) if s.name == "rmsprop" else (1.0, 1.0)
        state[1] = state[1] * old + g * g * new
        return g * lr / self.root(state[1])

    def velocity(self, g: Any, state: State, lr: Any) -> Any:
        """Momentum, with the rate inside it in Keras' form."""
        s = self.spec
        g = g * lr if s.keras else g
        if s.momentum:
            v = state[0] = state[0] * s.momentum + g
            g = g + v * s.momentum if s.nesterov else v
        return g if s.keras else g * lr

    def root(self, v: Any) -> Any:
        """√v + eps, or Keras' √(v + eps)."""
        return root(v + self.spec.eps) if self.spec.keras else root(v) + self.spec.eps

    def adam(self, g: Any, state: State, lr: Any) -> Any:
        """Adam's step from its two means."""
        s, (b1, b2) = self.spec, self.spec.betas
        state[0] = state[0] * b1 + g * (1 - b1)
        v = state[1] = state[1] * b2 + g * g * (1 - b2)
        c1, c2 = self.bias(b1), root(self.bias(b2))
        if s.amsgrad:
            v = state[2] = larger(state[2], v)
        size = lr / c1
        if s.keras:
            return state[0] * (size * c2) / (root(v) + s.eps)
        return state[0] * size / (root(v) / c2 + s.eps)


def root(v: Any) -> Any:
    """The square root of any kind of number."""
    return v.sqrt() if isinstance(v, Rounded) else np.sqrt(v)


def larger(a: Any, b: Any) -> Any:
    """The larger of two, element by element."""
    return a.maximum(b) if isinstance(a, Rounded) else np.maximum(a, b)


def averaged(spec: Optimizer, k: int, before: Any, after: Any) -> Any:
    """The average of a parameter after update k, from 0: s - (1 - d)·(s - p)."""
    assert spec.ema is not None
    s, p = Rounded(before), Rounded(after)
    return s - (s - p) * (1 - spec.ema.at(k))
