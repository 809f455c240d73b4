"""micrograd: its Value, one node for each number, its backward pass.

micrograd has + · ** and relu. Every other function here is one node made of this library's function
and its derivative, and updates are this project's (updates.Rule): the column says something of
micrograd's graph and of its five rules.
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version as version_of
from typing import Any

import numpy as np
from micrograd.engine import Value

import microgradnn as mg
from microgradnn.engine import ops

from .. import layers
from ..specs import Model, Optimizer
from ..updates import Rule, averaged
from . import ours_scalar

LARGEST = 100  # weights: it is about 20 times slower than microgradnn-scalar
OWN: dict[Callable[..., Any], Callable[..., Any]] = {
    ours_scalar.ACTIVATION["identity"]: lambda z: z,
    ops.relu: Value.relu,
    ours_scalar.LOSS["mse"]: ours_scalar.LOSS["mse"],  # made of - and **
}


def version() -> str:
    """The version of micrograd."""
    return version_of("micrograd")


def refuses(model: Model, optimizer: Optimizer, dtype: str) -> str | None:
    """Why a model cannot be run number by number, or would take too long, or None."""
    n = layers.size(model.chain)
    too_large = f"{n} weights, one node each: more than {LARGEST}" if n > LARGEST else None
    return ours_scalar.refuses(model, optimizer, dtype) or too_large


class Session(ours_scalar.Session):
    """A model and its optimiser; see the package's docstring. Numbers are Python's float64."""

    number = Value

    def make(self, spec: Optimizer) -> None:
        """Makes what steps."""
        arrays = [ours_scalar.data(p) for p in self.params]
        self.rule, self.shadow = Rule(spec, arrays, np.asarray), arrays

    def call(self, f: Callable[..., Any], *xs: Any) -> Any:
        """A function of numbers: micrograd's own, or one node."""
        return OWN[f](*xs) if f in OWN else node(f, *xs)

    def dot(self, a: Sequence[Any], b: Sequence[Any], c: Any) -> Any:
        """Σ a·b + c."""
        return ours_scalar.total([u * v for u, v in zip(a, b, strict=True)]) + c

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        k, before = self.rule.t, [ours_scalar.data(p) for p in self.params]
        after = self.rule.step(before, [ours_scalar.grad(p) for p in self.params])
        self.load(after)
        if self.rule.spec.ema:
            pairs = zip(self.shadow, after, strict=True)
            self.shadow = [averaged(self.rule.spec, k, s, p).value for s, p in pairs]
        return list(after)

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return self.shadow if self.rule.spec.ema else []


def node(f: Callable[..., Any], *xs: Any) -> Any:
    """f(*xs) as one node of micrograd's graph, with the derivative that this library gives it."""
    given = [x if isinstance(x, Value) else Value(x) for x in xs]
    y, pull = mg.vjp(f, *(np.float64(x.data) for x in given))
    out = Value(float(y), tuple(given), getattr(f, "__name__", "f"))

    def backward() -> None:
        for x, g in zip(given, pull(np.float64(out.grad)), strict=True):
            x.grad += float(g)

    out._backward = backward
    return out
