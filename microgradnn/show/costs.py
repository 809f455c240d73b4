"""cost(f, x): the work of a gradient by differences, forward and reverse mode, counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.node import Node, plain
from ..engine.tensor import Tensor
from ..engine.walk import order, pullback, pushforward
from ..errors import ConfigError, GradientError
from . import texts

MOST = 20_000  # passes that are made


@dataclass(frozen=True)
class Cost:
    """What cost() counted; str() is a table.

    inputs, outputs   how many numbers go in and come out
    operations        how many ops one computation of f takes
    passes            by method: how often the whole computation was gone through
    apart             the largest difference to the reverse mode's gradient, by method
    """

    inputs: int
    outputs: int
    operations: int
    passes: dict[str, int]
    apart: dict[str, float]
    lang: str = "en"

    def __str__(self) -> str:
        facts: dict[str, object] = {"n": self.inputs, "m": self.outputs, "k": self.operations}
        lines = [texts.say("cost.head", self.lang, **facts)]
        for method, passes in self.passes.items():
            work = f"{passes * self.operations:,}".replace(",", " ")
            said = texts.say(f"cost.{method}", self.lang)
            facts = {"method": said, "n": passes, "k": self.operations, "work": work}
            lines.append(texts.say("cost.line", self.lang, **facts))
        return "\n".join(lines)


def cost(f: Callable[..., Any], *x: Any, lang: str | None = None) -> Cost:
    """The Cost of the whole Jacobian of f at the arrays x, each method really run and counted.

    Differences compute f once more for each input number, forward mode once for each input number,
    reverse mode once for each output number: for a loss of a million parameters that is 1 000 001,
    1 000 000 and 1. Raises ConfigError for more than 20 000 passes.
    """
    arrays = [np.array(plain(v), float) for v in x]
    leaves = [Tensor(a, requires_grad=True) for a in arrays]
    y = f(*leaves)
    if not isinstance(y, Node) or not y.requires_grad:
        raise GradientError("cost: f returns nothing that depends on its inputs")
    n, m = sum(a.size for a in arrays), int(np.size(y._data))
    if n > MOST:
        raise ConfigError(f"cost: {n} input numbers, at most {MOST}; take a smaller example")
    ops = sum(node.op is not None for node in order([y]))
    counted = {"differences": 0, "forward": 0, "reverse": 0}
    reverse = np.stack([_pulled(y, leaves, i, counted) for i in range(m)])
    forward = np.stack([_pushed(y, leaves, j, counted) for j in range(n)], axis=1)
    differences = _differences(f, arrays, counted)
    apart = {
        "differences": float(np.max(np.abs(differences - reverse))),
        "forward": float(np.max(np.abs(forward - reverse))),
    }
    return Cost(n, m, ops, counted, apart, texts.language(lang))


def _unit(shape: tuple[int, ...], i: int) -> np.ndarray:
    e = np.zeros(shape)
    e.reshape(-1)[i] = 1.0
    return e


def _pulled(y: Any, leaves: list[Any], i: int, counted: dict[str, int]) -> np.ndarray:
    """One row of the Jacobian."""
    counted["reverse"] += 1
    found = pullback([y], [_unit(y.shape, i)], leaves)
    return np.concatenate([np.ravel(found.get(v, v.zeros())) for v in leaves])


def _pushed(y: Any, leaves: list[Any], j: int, counted: dict[str, int]) -> np.ndarray:
    """One column of the Jacobian."""
    counted["forward"] += 1
    tangents = []
    for v in leaves:
        tangents.append(_unit(v.shape, j) if 0 <= j < v.size else v.zeros())
        j -= v.size
    (found,) = pushforward([y], leaves, tangents)
    return np.zeros(y.size) if found is None else np.ravel(found)


def _differences(
    f: Callable[..., Any], arrays: list[np.ndarray], counted: dict[str, int]
) -> np.ndarray:
    """The Jacobian from one more computation of f for each input number."""

    def called() -> np.ndarray:
        counted["differences"] += 1
        return np.ravel(plain(f(*[Tensor(a) for a in arrays])))

    start, columns, eps = called(), [], 1e-7
    for a in arrays:
        flat = a.reshape(-1)
        for i in range(flat.size):
            before = flat[i]
            flat[i] = before + eps
            columns.append((called() - start) / eps)
            flat[i] = before
    return np.stack(columns, axis=1)
