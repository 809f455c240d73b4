"""Layers for a container whose file has none: right ones, under all names that are usual."""

from typing import Any

import numpy as np

from ...verbs import BACKWARD_METHODS, FORWARD_METHODS


class Standin:
    """A layer that is right; what else a container asks of it does nothing."""

    W: Any = 0.0
    b: Any = 0.0
    dW: Any = 0.0
    db: Any = 0.0

    def run(self, x: Any, *rest: Any, **more: Any) -> Any:
        """The output, which is also kept."""
        self.input = self.inputs = x
        self.output = self.out = self.value(x)
        return self.output

    def pull(self, dout: Any, *rest: Any, **more: Any) -> Any:
        """The gradient of the input; it takes a step down its own if it is given a rate."""
        self.dinputs = self.dx = self.slope(dout)
        for rate in [r for r in (*rest, *more.values()) if type(r) is float][:1]:
            self.W = self.W - rate * self.dW
            self.b = self.b - rate * self.db
        return self.dinputs

    def build(self, shape: Any, *rest: Any, **more: Any) -> Any:
        """The shape of the output for this one of the input; the layer is built already."""
        return shape

    def value(self, x: Any) -> Any:
        """The output."""
        raise NotImplementedError

    def slope(self, dout: Any) -> Any:
        """The gradient of the input."""
        raise NotImplementedError


for _word in FORWARD_METHODS:
    setattr(Standin, _word, Standin.run)
for _word in BACKWARD_METHODS:
    setattr(Standin, _word, Standin.pull)
for _word in ("train", "eval", "zero_grad", "update", "step", "update_params", "set_optimizer"):
    setattr(Standin, _word, lambda self, *args, **more: None)


class LinearStandin(Standin):
    """x @ W + b"""

    def __init__(self, n_in: int, n_out: int) -> None:
        rng = np.random.default_rng(n_in)
        self.W, self.b = rng.standard_normal((n_in, n_out)), rng.standard_normal(n_out)
        self.dW, self.db = np.zeros((n_in, n_out)), np.zeros(n_out)

    def build(self, shape: Any, *rest: Any, **more: Any) -> Any:
        """The shape of the output."""
        n_out = len(self.b)
        return (*shape[:-1], n_out) if isinstance(shape, tuple) else n_out

    def value(self, x: Any) -> Any:
        """The output."""
        return x @ self.W + self.b

    def slope(self, dout: Any) -> Any:
        """The gradient of the input; those of the parameters are kept."""
        self.dW, self.db = self.input.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class TanhStandin(Standin):
    """tanh(x)"""

    def value(self, x: Any) -> Any:
        """The output."""
        return np.tanh(x)

    def slope(self, dout: Any) -> Any:
        """The gradient of the input."""
        return dout * (1 - self.output**2)


def stack() -> list[Standin]:
    """Two linear layers and a bend between them: of 3 features to 2."""
    return [LinearStandin(3, 4), TanhStandin(), LinearStandin(4, 2)]
