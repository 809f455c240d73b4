"""One step of a recurrent network: RNN (Elman 1990), LSTM (Hochreiter and Schmidhuber 1997), GRU
(Cho et al. 2014), each in PyTorch's form.

Weights are stored (in, gates·hidden), as in Linear; the gates stand side by side in PyTorch's
order. The layers that run a cell over a sequence are in recurrent.py.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import functions
from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from . import init
from .checks import arguments, check_features, positive
from .module import Module
from .parameter import Parameter

State = ArrayLike | Sequence[ArrayLike]  # h, or the pair (h, c) of an LSTM
_ACTIVATIONS = {"tanh": ops.tanh, "relu": ops.relu}


class Recurrent(Module):
    """What all six share: weights by torch's names, and one step.

    A state is a list of arrays (batch, hidden_size), the output first: [h], or [h, c] of an LSTM.
    """

    gates = 1
    states = 1
    input_size: int
    hidden_size: int
    bias: bool

    def _step(self, x: Any, h: Any, state: list[Any]) -> list[Any]:
        """The next state, given W·input + b and U·h + b, each (batch, gates·hidden_size)."""
        raise NotImplementedError

    def _add_weights(
        self, width: int, ending: str, dtype: DTypeLike, rng: np.random.Generator
    ) -> None:
        """Adds the weights of one cell, drawn from U(-1/√hidden_size, 1/√hidden_size)."""
        columns, bound = self.gates * self.hidden_size, 1 / math.sqrt(self.hidden_size)
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (width, columns),
            "weight_hh": (self.hidden_size, columns),
        }
        if self.bias:
            shapes |= {"bias_ih": (columns,), "bias_hh": (columns,)}
        for name, shape in shapes.items():
            setattr(self, name + ending, Parameter(init.uniform(shape, rng, dtype, bound)))

    def _times(self, x: Any, which: str, ending: str) -> Any:
        """x @ weight + bias, for which = "ih" (the input) or "hh" (the output before)."""
        weight = getattr(self, f"weight_{which}{ending}")
        if not self.bias:
            return ops.matmul(x, weight)
        return functions.linear(x, weight, getattr(self, f"bias_{which}{ending}"))

    def _part(self, x: Any, i: int) -> Any:
        """The i-th gate's columns."""
        return x[..., i * self.hidden_size : (i + 1) * self.hidden_size]

    def _initial(self, given: Any, shape: tuple[int, ...], dtype: DTypeLike) -> list[Any]:
        """The states given by the user, checked, or zeros."""
        owner = type(self).__name__
        if given is None:
            return [np.zeros(shape, dtype) for _ in range(self.states)]
        states = [given] if self.states == 1 else given
        if not isinstance(states, (list, tuple)) or len(states) != self.states:
            raise ShapeError(f"{owner}: got one state, expected the pair (h, c)")
        states = [array(s) for s in states]
        for name, s in zip("hc", states, strict=False):
            if s.shape != shape:
                raise ShapeError(f"{owner}: {name} has shape {s.shape}, expected {shape}")
        return states

    def _shown(self, **options: tuple[object, object]) -> str:
        """The arguments all six have, and others, as they stand in the repr."""
        return arguments(self.input_size, self.hidden_size, bias=(self.bias, True), **options)


class RNNStep(Recurrent):
    """The step of RNN and RNNCell."""

    nonlinearity: str

    def _step(self, x: Any, h: Any, state: list[Any]) -> list[Any]:
        """h' = tanh(W·x + b + U·h + b), or relu."""
        return [_ACTIVATIONS[self.nonlinearity](x + h)]

    def _choose(self, nonlinearity: str) -> None:
        """Sets the activation. Raises ConfigError for another name."""
        if nonlinearity not in _ACTIVATIONS:
            owner = type(self).__name__
            raise ConfigError(
                f"{owner}: nonlinearity is {nonlinearity!r}, expected 'tanh' or 'relu'"
            )
        self.nonlinearity = nonlinearity


class LSTMStep(Recurrent):
    """The step of LSTM and LSTMCell."""

    gates, states = 4, 2

    def _step(self, x: Any, h: Any, state: list[Any]) -> list[Any]:
        """c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(c'), from the gates i, f, g, o."""
        i, f, g, o = (self._part(x + h, k) for k in range(4))
        c = ops.sigmoid(f) * state[1] + ops.sigmoid(i) * ops.tanh(g)
        return [ops.sigmoid(o) * ops.tanh(c), c]


class GRUStep(Recurrent):
    """The step of GRU and GRUCell."""

    gates = 3

    def _step(self, x: Any, h: Any, state: list[Any]) -> list[Any]:
        """h' = (1 - z)·n + z·h with n = tanh(x₃ + r·h₃), r = σ(x₁ + h₁), z = σ(x₂ + h₂)."""
        r, z = (ops.sigmoid(self._part(x, k) + self._part(h, k)) for k in range(2))
        n = ops.tanh(self._part(x, 2) + r * self._part(h, 2))
        return [n + z * (state[0] - n)]


class _Cell(Recurrent):
    """Base of the cells: one step."""

    def _start(
        self, input_size: int, hidden_size: int, bias: bool, dtype: DTypeLike,
        rng: np.random.Generator | None,
    ) -> None:  # fmt: skip
        positive(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self._add_weights(input_size, "", dtype, rng or np.random.default_rng())

    def _next(self, input: ArrayLike, hx: State | None) -> list[Tensor]:
        """The next state."""
        x = array(input)
        check_features(type(self).__name__, x, self.input_size)
        state = self._initial(hx, (*x.shape[:-1], self.hidden_size), plain(x).dtype)
        return self._step(self._times(x, "ih", ""), self._times(state[0], "hh", ""), state)

    def extra_repr(self) -> str:
        return self._shown()


class _CellOfOne(_Cell):
    """Base of the cells whose state is h alone."""

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> Tensor:
        """The next state h (batch, hidden_size).

        input is (batch, input_size), or without the batch axis; hx is the state before, zeros by
        default.
        """
        return self._next(input, hx)[0]


class RNNCell(_CellOfOne, RNNStep):
    """One step of an RNN: h' = tanh(W·x + b + U·h + b), or relu. Weights as in RNN, without _l0."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._choose(nonlinearity)
        self._start(input_size, hidden_size, bias, dtype, rng)


class _GatedCell(_Cell):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._start(input_size, hidden_size, bias, dtype, rng)


class LSTMCell(_GatedCell, LSTMStep):
    """One step of an LSTM, from (h, c) to the next pair. Weights as in LSTM, without _l0."""

    def forward(
        self, input: ArrayLike, hx: tuple[ArrayLike, ArrayLike] | None = None
    ) -> tuple[Tensor, Tensor]:
        """The next state: the pair (h, c), both (batch, hidden_size).

        input is (batch, input_size), or without the batch axis; hx is the pair before, zeros by
        default.
        """
        h, c = self._next(input, hx)
        return h, c


class GRUCell(_CellOfOne, _GatedCell, GRUStep):
    """One step of a GRU. Weights as in GRU, without _l0."""
