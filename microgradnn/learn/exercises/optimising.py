"""Exercises on optimisers: SGD, momentum, Adam, compared step by step with microgradnn.optim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from types import ModuleType
from typing import Any

import numpy as np

from ... import optim
from ...check.subject import quiet
from ...engine.tensor import Tensor
from ..calls import NUMBERS, raised, same, shown
from ..edits import SLIPS, slips
from ..exercise import Exercise, Told
from . import adam

STUB = '''
"""$title

$text
"""

import numpy as np


def sgd_step(p, g, lr):
    """$sgd_step"""
    raise NotImplementedError


def momentum_step(p, g, v, lr, mu):
    """$momentum_step"""
    raise NotImplementedError


def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    """$adam_step"""
    raise NotImplementedError
'''

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = tuple(
    np.array(g) for g in ([0.5, -1.0, 0.02], [0.4, -0.5, -0.03], [-0.3, 0.2, 0.01],
                          [0.1, 0.7, -0.02], [0.6, -0.4, 0.05])
)  # fmt: skip
RATES = (0.1, 0.1, 0.1, 0.04, 0.04)  # it falls, as rates do: who keeps it inside of v is seen


@dataclass(frozen=True)
class Stepping:
    """A function that makes one step of an optimiser: f(p, g, *states, [t], *settings).

    It returns the new p and the new states. make is ours; like are wrong steps, by cause.
    """

    name: str
    states: int
    counts: bool
    settings: tuple[float, ...]
    make: Callable[[Any], Any]
    like: Mapping[str, Callable[..., Any]]
    answer: str

    @property
    def causes(self) -> Sequence[str]:
        """All that it can be told to be wrong by."""
        return ["step_states", "trajectory", *SLIPS, *(c.partition("+")[0] for c in self.like)]

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        try:
            with quiet():
                way = self._way(function)
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return raised(self.name, {"call": f"{self.name}(p, g, …)"}, error, function)
        return way if isinstance(way, Told) else self._judged(function, way)

    def _judged(self, function: Callable[..., Any], way: Sequence[Any]) -> Told:
        for n, (a, b) in enumerate(zip(way, self._right(), strict=True)):
            if not same(a, b):
                return self._named(function, way, {
                    "call": f"{self.name}, t = {n + 1}", "output": "p", "yours": shown(a),
                    "right": shown(b), "number": str(n + 1),
                })  # fmt: skip
        return Told(self.name)

    def _right(self) -> list[Any]:
        p = Tensor(START.copy(), requires_grad=True)
        optimizer = self.make([p])
        way = []
        for rate, g in zip(RATES, GRADIENTS, strict=True):
            optimizer.lr = rate
            p.grad = g.copy()
            optimizer.step()
            way.append(p.data.copy())
        return way

    def _way(self, function: Callable[..., Any]) -> Any:
        """The parameters after each step, or what keeps them from being known."""
        p = START.copy()
        states = [np.zeros_like(p) for _ in range(self.states)]
        way = []
        for t, (rate, g) in enumerate(zip(RATES, GRADIENTS, strict=True), 1):
            given = [p.copy(), g.copy(), *(s.copy() for s in states)]
            more = [t] if self.counts else []
            got = function(*given, *more, rate, *self.settings[1:])
            said = self._said(got)
            if said is not None:
                return said
            parts = got if isinstance(got, (tuple, list)) else (got,)
            p, *states = (np.asarray(x, float) for x in parts)
            way.append(p)
        return way

    def _said(self, got: Any) -> Told | None:
        call = {"call": f"{self.name}(p, g, …)"}
        if got is None:
            return Told(self.name, "nothing", call)
        many = 1 + self.states
        parts = got if isinstance(got, (tuple, list)) else (got,)
        outputs = ("p", "v") if self.states == 1 else ("p", "m", "v")[:many]
        if len(parts) != many:
            words = call | {"count": str(len(parts)), "outputs": ", ".join(outputs)}
            return Told(self.name, "step_states" if many > 1 else "count", words)
        for name, part in zip(outputs, parts, strict=True):
            if not isinstance(part, NUMBERS):
                kind = type(part).__name__
                return Told(self.name, "type", call | {"output": name, "kind": kind})
            if np.shape(part) != START.shape:
                words = {"output": name, "yours": str(np.shape(part)), "right": str(START.shape)}
                return Told(self.name, "shape", call | words)
        return None

    def _in_another_order(self, function: Callable[..., Any]) -> bool:
        """Whether the results are right if they are taken in another order."""
        right = self._right()
        for order in permutations(range(1 + self.states)):
            with quiet():
                way = self._way(lambda *a, o=order: [list(function(*a))[i] for i in o])
            if not isinstance(way, Told) and all(map(same, way, right)):
                return True
        return False

    def _named(
        self, function: Callable[..., Any], way: Sequence[Any], words: dict[str, str]
    ) -> Told:
        for cause, guess in self.like.items():
            with quiet():
                other = self._way(guess)
            if not isinstance(other, Told) and all(map(same, way, other)):
                return Told(self.name, cause.partition("+")[0], words)
        if self._in_another_order(function):
            return Told(self.name, "results_order", words)
        for slip in slips(self.answer):
            try:
                with quiet():
                    other = self._way(slip.function)
            except (ValueError, TypeError, ArithmeticError, AttributeError):
                continue
            if not isinstance(other, Told) and all(map(same, way, other)):
                return Told(self.name, slip.cause, {**words, **slip.words})
        return Told(self.name, "trajectory", words)


OPTIMISERS = Exercise(
    "09", "optimizers", STUB,
    (
        Stepping("sgd_step", 0, False, (0.1,), lambda ps: optim.SGD(ps, lr=0.1), {
            "ascent": lambda p, g, lr: p + lr * g,
            "no_rate": lambda p, g, lr: p - g,
            "step_alone": lambda p, g, lr: lr * g,
            "step_alone+": lambda p, g, lr: -lr * g,
            "step_times": lambda p, g, lr: p * (1 - lr * g),
            "step_times+": lambda p, g, lr: p - lr * g * p,
            "inverse": lambda p, g, lr: p - lr / g,
            "step_mean": lambda p, g, lr: p - lr * g / len(g),
            "step_mean+": lambda p, g, lr: p - lr * g.mean(),
            "sign_only": lambda p, g, lr: p - lr * np.sign(g),
            "step_shrinks": lambda p, g, lr: (1 - lr) * p - lr * g,
            "step_shrinks+": lambda p, g, lr: (1 - lr) * p + lr * g,
            "unchanged": lambda p, g, lr: p,
        }, "def f(p, g, lr):\n    return p - lr * g"),
        Stepping("momentum_step", 1, False, (0.1, 0.75),
                 lambda ps: optim.SGD(ps, lr=0.1, momentum=0.75), {
            "ascent": lambda p, g, v, lr, mu: (p + lr * (mu * v + g), mu * v + g),
            "momentum_mean": lambda p, g, v, lr, mu: (
                p - lr * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g),
            "momentum_old": lambda p, g, v, lr, mu: (p - lr * v, mu * v + g),
            "momentum_unused": lambda p, g, v, lr, mu: (p - lr * g, mu * v + g),
            "momentum_nesterov": lambda p, g, v, lr, mu: (
                p - lr * (g + mu * (mu * v + g)), mu * v + g),
            "step_alone": lambda p, g, v, lr, mu: (lr * (mu * v + g), mu * v + g),
            "step_alone+": lambda p, g, v, lr, mu: (-lr * (mu * v + g), mu * v + g),
            "rate_missing_in_part": lambda p, g, v, lr, mu: (
                p - lr * g - mu * (mu * v + g), mu * v + g),
            "momentum_forever": lambda p, g, v, lr, mu: (p - lr * (v + g), v + g),
            "momentum_g++": lambda p, g, v, lr, mu: (p - lr * mu * (v + g), mu * (v + g)),
            "momentum_g": lambda p, g, v, lr, mu: (p - lr * (v + mu * g), v + mu * g),
            "momentum_g+": lambda p, g, v, lr, mu: (
                p - lr * ((1 - mu) * v + mu * g), (1 - mu) * v + mu * g),
            "no_rate": lambda p, g, v, lr, mu: (p - (mu * v + g), mu * v + g),
            "rate_twice": lambda p, g, v, lr, mu: (p - lr * (mu * v + lr * g), mu * v + lr * g),
            "rate_in_speed": lambda p, g, v, lr, mu: (p - (mu * v + lr * g), mu * v + lr * g),
            "rate_in_speed+": lambda p, g, v, lr, mu: (p + (mu * v - lr * g), mu * v - lr * g),
            "momentum_sign": lambda p, g, v, lr, mu: (p - (mu * v - lr * g), mu * v - lr * g),
            "momentum_sign+": lambda p, g, v, lr, mu: (p - lr * (mu * v - g), mu * v - g),
        }, """
def f(p, g, v, lr, mu):
    new = mu * v + g
    return p - lr * new, new
"""),
        Stepping("adam_step", 2, True, (0.1, 0.8, 0.95, 1e-3),
                 lambda ps: optim.Adam(ps, lr=0.1, betas=(0.8, 0.95), eps=1e-3),
                 adam.WRONG, adam.ANSWER),
    ),
)  # fmt: skip
