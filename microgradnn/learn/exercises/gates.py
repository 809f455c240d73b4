"""The exercise on gates: AND and OR by one neuron, and why XOR needs two layers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from ...check.subject import quiet
from ...engine import ops
from ...functions.losses import binary_cross_entropy_with_logits
from ..calls import Calls, raised_words, shown
from ..exercise import Exercise, Told
from ..guesses import pulled, value
from .fitting import SETTINGS, settings

GATES_STUB = '''
"""$title

$text
"""

import numpy as np

X = np.array([[1.0, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])  # 1, x1, x2
AND, OR, XOR = np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 1]), np.array([0.0, 1, 1, 0])


def gradient(w, x, t):
    """$gradient"""
    raise NotImplementedError


def train(x, t, lr, steps):
    """$train"""
    raise NotImplementedError


def xor_network():
    """$xor_network"""
    raise NotImplementedError
'''

X = np.array([[1.0, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])
TABLES = {
    "AND": (0, 0, 0, 1), "OR": (0, 1, 1, 1), "XOR": (0, 1, 1, 0), "NAND": (1, 1, 1, 0),
    "NOR": (1, 0, 0, 0), "XNOR": (1, 0, 0, 1), "0": (0, 0, 0, 0), "1": (1, 1, 1, 1),
    "x1": (0, 0, 1, 1), "x2": (0, 1, 0, 1), "x1 AND NOT x2": (0, 0, 1, 0),
    "x2 AND NOT x1": (0, 1, 0, 0),
}  # fmt: skip


def _gates(rng: np.random.Generator) -> Any:
    names = ("AND", "OR", "XOR", "NAND")
    rows = [(np.round(rng.normal(size=3), 2), X.copy(), np.array(TABLES[n], float)) for n in names]
    return [*rows, (np.round(rng.normal(size=3), 2), X[:3].copy(), np.array([0.0, 1, 1]))]


def _gate_loss(w: Any, x: Any, t: Any) -> Any:
    return binary_cross_entropy_with_logits(ops.matmul(x, w), t)


def _gate(w: Any, x: Any, t: Any) -> tuple[Any, ...]:
    return pulled(lambda w: _gate_loss(w, x, t))(1.0, w)


def _of_gate(change: Callable[..., Any]) -> Callable[..., Any]:
    """change(d, p, x, t, z) of the right gradient d, the probabilities p and the logits z."""

    def guess(w: Any, x: Any, t: Any) -> Any:
        z = x @ w
        return (change(_gate(w, x, t)[0], value(ops.sigmoid, z), x, t, z),)

    return guess


def _trained(
    x: Any, t: Any, lr: float, steps: int, sign: float = -1.0, start: float = 0.0
) -> tuple[Any]:
    w = np.full(x.shape[1], start)
    for _ in range(steps):
        w = w + sign * lr * _gate(w, x, t)[0]
    return (w,)


def _by_samples(x: Any, t: Any, lr: float, steps: int) -> tuple[Any]:
    """A step after each sample."""
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        for i in range(len(t)):
            w = w - lr * _gate(w, x[i : i + 1], t[i : i + 1])[0]
    return (w,)


def _trainings(rng: np.random.Generator) -> Any:
    settings = (("AND", 1.0, 3), ("OR", 2.0, 5), ("XOR", 0.5, 2), ("AND", 200.0, 8))
    return [(X.copy(), np.array(TABLES[n], float), lr, k) for n, lr, k in settings]


@dataclass(frozen=True)
class ByHand:
    """The part xor_network: weights of two layers of steps, written down."""

    name: str = "xor_network"
    causes: Sequence[str] = ("xor_shapes", "xor_other", "xor_line")

    def grade(self, module: ModuleType) -> Told:
        """What there is to say of the function in a learner's file."""
        function = getattr(module, self.name, None)
        if not callable(function):
            return Told(self.name, "missing", {"name": self.name})
        call = {"call": f"{self.name}()"}
        try:
            with quiet():
                got = function()
        except NotImplementedError:
            return Told(self.name, "empty")
        except Exception as error:
            return Told(self.name, "raises", call | raised_words(error, function))
        if got is None:
            return Told(self.name, "nothing", call)
        try:
            w, v = (np.asarray(part, float) for part in got)
        except (TypeError, ValueError):
            return Told(self.name, "count", call | {"count": "?", "outputs": "w, v"})
        if w.ndim != 2 or w.shape[0] != 3 or v.shape != (w.shape[1] + 1,):
            words = {"yours": f"{w.shape}, {v.shape}", "right": "(3, n), (n + 1,)"}
            return Told(self.name, "xor_shapes", call | words | {"output": "w, v"})
        return self._told(w, v, call)

    def _told(self, w: Any, v: Any, call: dict[str, str]) -> Told:
        hidden = (X @ w > 0).astype(float)
        out = (np.column_stack([np.ones(4), hidden]) @ v > 0).astype(int)
        if tuple(out) == TABLES["XOR"]:
            return Told(self.name)
        gate = next((n for n, table in TABLES.items() if table == tuple(out)), "")
        useful = len({tuple(h) for h in hidden.T} - {(0.0,) * 4, (1.0,) * 4})
        words = {"output": "XOR", "yours": shown(out), "right": str(list(TABLES["XOR"])),
                 "gate": gate or shown(out)}  # fmt: skip
        return Told(self.name, "xor_line" if useful < 2 else "xor_other", call | words)


GATES = Exercise(
    "11", "gates", GATES_STUB,
    (
        Calls("gradient", ("dw",), _gates, _gate, {
            "mean_missing": _of_gate(lambda d, p, x, t, z: d * len(t)),
            "sign": _of_gate(lambda d, p, x, t, z: -d),
            "sigmoid_missing": _of_gate(lambda d, p, x, t, z: x.T @ (z - t) / len(t)),
            "sigmoid_missing+": _of_gate(lambda d, p, x, t, z: 2 * x.T @ (z - t) / len(t)),
            "sigmoid_flipped": _of_gate(lambda d, p, x, t, z: x.T @ (1 - p - t) / len(t)),
            "sigmoid_twice": _of_gate(
                lambda d, p, x, t, z: x.T @ ((p - t) * p * (1 - p)) / len(t)),
            "sigmoid_twice+": _of_gate(
                lambda d, p, x, t, z: 2 * x.T @ ((p - t) * p * (1 - p)) / len(t)),
            "targets_missing": _of_gate(lambda d, p, x, t, z: x.T @ p / len(t)),
            "x_missing": _of_gate(lambda d, p, x, t, z: np.full(3, (p - t).mean())),
            "per_sample": _of_gate(lambda d, p, x, t, z: x * (p - t)[:, None]),
            "per_sample+": _of_gate(lambda d, p, x, t, z: p - t),
            "by_p": _of_gate(
                lambda d, p, x, t, z: x.T @ ((p - t) / (p * (1 - p))) / len(t)),
            "tanh_for_sigmoid": _of_gate(
                lambda d, p, x, t, z: x.T @ (np.tanh(z) - t) / len(t)),
            "targets_one": _of_gate(lambda d, p, x, t, z: -x.T @ (t * (1 - p)) / len(t)),
            "rounded": _of_gate(lambda d, p, x, t, z: x.T @ ((p > 0.5) - t) / len(t)),
        }, answer="""
def f(w, x, t):
    n = len(t)
    columns = x.shape[1]
    p = 1 / (1 + np.exp(-(x @ w)))
    return x.T @ (p - t) / n
"""),
        Calls("train", ("w",), _trainings, _trained, {
            "ascent": lambda x, t, lr, steps: _trained(x, t, lr, steps, 1.0),
            "started_elsewhere": lambda x, t, lr, steps: _trained(x, t, lr, steps, start=1.0),
            "no_rate": lambda x, t, lr, steps: _trained(x, t, 1.0, steps),
            "mean_missing": lambda x, t, lr, steps: _trained(x, t, lr * len(t), steps),
            "steps_off": lambda x, t, lr, steps: _trained(x, t, lr, steps - 1),
            "steps_off+": lambda x, t, lr, steps: _trained(x, t, lr, steps + 1),
            "one_step_made": lambda x, t, lr, steps: _trained(x, t, lr, 1),
            "mean_twice": lambda x, t, lr, steps: _trained(x, t, lr / len(t), steps),
            "gradient_returned": lambda x, t, lr, steps: (
                _gate(_trained(x, t, lr, steps - 1)[0], x, t)[0],),
            "same_gradient": lambda x, t, lr, steps: (
                -lr * steps * _gate(np.zeros(3), x, t)[0],),
            "unchanged": lambda x, t, lr, steps: (np.zeros(3),),
            "step_alone": lambda x, t, lr, steps: (
                -lr * _gate(_trained(x, t, lr, steps - 1)[0], x, t)[0],),
            "one_by_one": lambda x, t, lr, steps: _by_samples(x, t, lr, steps),
        }, settings, SETTINGS, uses={"gradient": lambda w, x, t: _gate(w, x, t)[0]}),
        ByHand(),
    ),
)  # fmt: skip
