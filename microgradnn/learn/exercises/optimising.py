"""Exercises on optimisers: SGD, momentum, Adam, compared step by step with microgradnn.optim."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ... import optim
from ...check.subject import quiet
from ...engine.tensor import Tensor
from ..calls import NUMBERS, raised, same, shown
from ..exercise import Exercise, Told

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

    @property
    def causes(self) -> Sequence[str]:
        """All that it can be told to be wrong by."""
        return ["step_states", "trajectory", *(c.partition("+")[0] for c in self.like)]

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        right = self._right()
        try:
            with quiet():
                way = self._way(function)
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return raised(self.name, {"call": f"{self.name}(p, g, …)"}, error, function)
        if isinstance(way, Told):
            return way
        for n, (a, b) in enumerate(zip(way, right, strict=True)):
            if not same(a, b):
                return self._named(way, {
                    "call": f"{self.name}, t = {n + 1}", "output": "p", "yours": shown(a),
                    "right": shown(b), "number": str(n + 1),
                })  # fmt: skip
        return Told(self.name)

    def _right(self) -> list[Any]:
        p = Tensor(START.copy(), requires_grad=True)
        optimizer = self.make([p])
        way = []
        for g in GRADIENTS:
            p.grad = g.copy()
            optimizer.step()
            way.append(p.data.copy())
        return way

    def _way(self, function: Callable[..., Any]) -> Any:
        """The parameters after each step, or what keeps them from being known."""
        p = START.copy()
        states = [np.zeros_like(p) for _ in range(self.states)]
        way = []
        for t, g in enumerate(GRADIENTS, 1):
            given = [p.copy(), g.copy(), *(s.copy() for s in states)]
            more = [t] if self.counts else []
            got = function(*given, *more, *self.settings)
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

    def _named(self, way: Sequence[Any], words: dict[str, str]) -> Told:
        for cause, guess in self.like.items():
            with quiet():
                other = self._way(guess)
            if not isinstance(other, Told) and all(map(same, way, other)):
                return Told(self.name, cause.partition("+")[0], words)
        return Told(self.name, "trajectory", words)


# ---- wrong steps ---------------------------------------------------------------------------------


def _adam(**change: Callable[..., Any]) -> Callable[..., Any]:
    """A step of Adam in which some of the places are filled in another way.

    The places: m and v are the new means, mh and vh what is divided, down is what p loses.
    """

    def step(p: Any, g: Any, m: Any, v: Any, t: Any, lr: Any, b1: Any, b2: Any, eps: Any) -> Any:
        place: dict[str, Callable[..., Any]] = {
            "m": lambda: b1 * m + (1 - b1) * g,
            "v": lambda: b2 * v + (1 - b2) * g * g,
            "mh": lambda m: m / (1 - b1**t),
            "vh": lambda v: v / (1 - b2**t),
            "down": lambda mh, vh: lr * mh / (np.sqrt(vh) + eps),
        }
        place |= {k: lambda *x, f=f: f(*x, p, g, m, v, t, lr, b1, b2, eps) for k, f in
                  change.items()}  # fmt: skip
        new_m, new_v = place["m"](), place["v"]()
        return p - place["down"](place["mh"](new_m), place["vh"](new_v)), new_m, new_v

    return step


ADAM = {
    "no_correction": _adam(mh=lambda mh, *_: mh, vh=lambda vh, *_: vh),
    "half_correction": _adam(vh=lambda vh, *_: vh),
    "half_correction+": _adam(mh=lambda mh, *_: mh),
    "no_square": _adam(v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + (1 - b2) * g),
    "no_root": _adam(down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / (v + eps)),
    "eps_inside": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / np.sqrt(v + eps)),
    "eps_missing": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * m / np.sqrt(v)),
    "betas_swapped": lambda p, g, m, v, t, lr, b1, b2, eps: _adam()(
        p, g, m, v, t, lr, b2, b1, eps),
    "ascent": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: -lr * m / (np.sqrt(v) + eps)),
    "count_from_zero": lambda p, g, m, v, t, lr, b1, b2, eps: _adam()(
        p, g, m, v, t + 1, lr, b1, b2, eps),
    "gradient_for_mean": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: lr * g / (np.sqrt(v) + eps)),
    "states_kept": lambda p, g, m, v, t, lr, b1, b2, eps: (
        _adam()(p, g, m, v, t, lr, b1, b2, eps)[0], m, v),
    "sum_for_mean": _adam(m=lambda p, g, m, v, t, lr, b1, b2, eps: b1 * m + g,
                          v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + g * g),
    "sum_for_mean+": _adam(m=lambda p, g, m, v, t, lr, b1, b2, eps: b1 * m + g),
    "sum_for_mean++": _adam(v=lambda p, g, m, v, t, lr, b1, b2, eps: b2 * v + g * g),
    "powers": _adam(mh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b1),
                    vh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b2)),
    "powers+": _adam(mh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b1 * t),
                     vh=lambda x, p, g, m, v, t, lr, b1, b2, eps: x / (1 - b2 * t)),
    "corrected_kept": lambda p, g, m, v, t, lr, b1, b2, eps: _kept_corrected(
        p, g, m, v, t, lr, b1, b2, eps),
    "step_alone": lambda p, *rest: (_adam()(p, *rest)[0] - p, *_adam()(p, *rest)[1:]),
    "step_alone+": lambda p, *rest: (p - _adam()(p, *rest)[0], *_adam()(p, *rest)[1:]),
    "no_rate": _adam(
        down=lambda m, v, p, g, m0, v0, t, lr, b1, b2, eps: m / (np.sqrt(v) + eps)),
}  # fmt: skip


def _kept_corrected(
    p: Any, g: Any, m: Any, v: Any, t: Any, lr: Any, b1: Any, b2: Any, eps: Any
) -> Any:
    """The corrected means are returned in the place of the means."""
    new, m, v = _adam()(p, g, m, v, t, lr, b1, b2, eps)
    return new, m / (1 - b1**t), v / (1 - b2**t)


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
        }),
        Stepping("momentum_step", 1, False, (0.1, 0.9),
                 lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9), {
            "ascent": lambda p, g, v, lr, mu: (p + lr * (mu * v + g), mu * v + g),
            "momentum_mean": lambda p, g, v, lr, mu: (
                p - lr * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g),
            "momentum_old": lambda p, g, v, lr, mu: (p - lr * v, mu * v + g),
            "momentum_unused": lambda p, g, v, lr, mu: (p - lr * g, mu * v + g),
            "momentum_nesterov": lambda p, g, v, lr, mu: (
                p - lr * (g + mu * (mu * v + g)), mu * v + g),
            "step_alone": lambda p, g, v, lr, mu: (lr * (mu * v + g), mu * v + g),
            "step_alone+": lambda p, g, v, lr, mu: (-lr * (mu * v + g), mu * v + g),
            "momentum_forever": lambda p, g, v, lr, mu: (p - lr * (v + g), v + g),
            "momentum_g++": lambda p, g, v, lr, mu: (p - lr * mu * (v + g), mu * (v + g)),
            "momentum_g": lambda p, g, v, lr, mu: (p - lr * (v + mu * g), v + mu * g),
            "momentum_g+": lambda p, g, v, lr, mu: (
                p - lr * ((1 - mu) * v + mu * g), (1 - mu) * v + mu * g),
            "no_rate": lambda p, g, v, lr, mu: (p - (mu * v + g), mu * v + g),
            "rate_twice": lambda p, g, v, lr, mu: (p - lr * (mu * v + lr * g), mu * v + lr * g),
            "momentum_sign": lambda p, g, v, lr, mu: (p - (mu * v - lr * g), mu * v - lr * g),
            "momentum_sign+": lambda p, g, v, lr, mu: (p - lr * (mu * v - g), mu * v - g),
        }),
        Stepping("adam_step", 2, True, (0.1, 0.8, 0.95, 1e-3),
                 lambda ps: optim.Adam(ps, lr=0.1, betas=(0.8, 0.95), eps=1e-3), ADAM),
    ),
)  # fmt: skip
