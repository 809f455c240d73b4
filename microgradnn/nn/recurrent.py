"""Recurrent layers: RNN, LSTM and GRU run a step of cells.py over a whole sequence."""

from __future__ import annotations  # np.random loads when it is used, not before

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import functions
from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..engine.tensor import Tensor
from ..errors import ShapeError
from ..functions.types import ArrayLike
from ..signatures.expected import affordable
from . import functional as F
from .cells import GRUStep, LSTMStep, Recurrent, RNNStep, State
from .checks import check_features, positive, probability


class _Layers(Recurrent):
    """Base of the layers: num_layers cells on top of each other, in one or both directions."""

    num_layers: int
    batch_first: bool
    bidirectional: bool
    dropout: float

    def _start(
        self, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool,
        dropout: float, bidirectional: bool, dtype: DTypeLike, rng: np.random.Generator | None,
    ) -> None:  # fmt: skip
        owner = type(self).__name__
        positive(owner, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        affordable(owner, 10_000, num_layers=num_layers)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.bidirectional = bias, batch_first, bidirectional
        self.dropout = probability(owner, dropout)
        self.rng = rng or np.random.default_rng()
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * len(self._endings(layer))
            for ending in self._endings(layer):
                self._add_weights(width, ending, dtype, self.rng)

    def _endings(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: 1 + self.bidirectional]

    def _sequence(self, input: ArrayLike, hx: State | None) -> tuple[Tensor, list[Tensor]]:
        """The last layer's outputs at all steps, and all states after the last."""
        x = array(input)
        check_features(type(self).__name__, x, self.input_size)
        if x.ndim not in (2, 3):
            order = "batch, length" if self.batch_first else "length, batch"
            raise ShapeError(
                f"{type(self).__name__}: input has shape {x.shape}, expected ({order}, "
                f"{self.input_size}) or (length, {self.input_size})"
            )
        single = x.ndim == 2
        if single:
            x = ops.expand_dims(x, axis=1)
        elif self.batch_first:
            x = ops.swapaxes(x, axis1=0, axis2=1)
        count = self.num_layers * (1 + self.bidirectional)
        batch = () if single else (x.shape[1],)
        states = self._initial(hx, (count, *batch, self.hidden_size), plain(x).dtype)
        if single:
            states = [ops.expand_dims(s, axis=1) for s in states]
        y, ends = self._run(x, states)
        if single:
            y, ends = y[:, 0], [e[:, 0] for e in ends]
        elif self.batch_first:
            y = ops.swapaxes(y, axis1=0, axis2=1)
        return y, ends

    def _run(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """The outputs and the states at the end of (length, batch, input_size)."""
        if not x.shape[0]:
            raise ShapeError(f"{type(self).__name__}: the sequence is empty, expected one step")
        ends: list[list[Any]] = []
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training, self.rng)
            outputs = []
            for ending in self._endings(layer):
                y, end = self._along(x, [s[len(ends)] for s in states], ending)
                outputs.append(y)
                ends.append(end)
            x = outputs[0] if len(outputs) == 1 else functions.concatenate(outputs, axis=-1)
        return x, [functions.stack(column) for column in zip(*ends, strict=True)]

    def _along(self, x: Any, state: list[Any], ending: str) -> tuple[Any, list[Any]]:
        """One cell along the steps: all outputs, and the state at the end."""
        inputs = self._times(x, "ih", ending)  # of all steps at once
        backwards = ending.endswith("reverse")
        outputs = []
        for t in reversed(range(x.shape[0])) if backwards else range(x.shape[0]):
            state = self._step(inputs[t], self._times(state[0], "hh", ending), state)
            outputs.append(state[0])
        return functions.stack(outputs[::-1] if backwards else outputs), state

    def extra_repr(self) -> str:
        return self._shown(
            num_layers=(self.num_layers, 1),
            batch_first=(self.batch_first, False),
            dropout=(self.dropout, 0.0),
            bidirectional=(self.bidirectional, False),
        )


class _LayersOfOne(_Layers):
    """Base of the layers whose state is h alone."""

    def forward(self, input: ArrayLike, hx: ArrayLike | None = None) -> tuple[Tensor, Tensor]:
        """(output, state): the last layer's outputs at all steps, and all states after the last.

        input (length, batch, input_size), or (batch, length, input_size) with batch_first; without
        the batch axis too. output is of the same form with hidden_size features, or twice as many
        if bidirectional. The state h is (layers·directions, batch, hidden_size);
        so is hx, the state to start from, zeros by default.
        """
        y, (h,) = self._sequence(input, hx)
        return y, h


class RNN(_LayersOfOne, RNNStep):
    """h' = tanh(W·x + b + U·h + b) along a sequence; relu with nonlinearity="relu".

    Weights weight_ih_l0 (input_size, hidden_size), weight_hh_l0 (hidden_size, hidden_size) and two
    biases for each layer, drawn from U(-1/√hidden_size, 1/√hidden_size) with `rng`. `dropout` acts
    between layers, in training.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._choose(nonlinearity)
        self._start(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype,
            rng,
        )  # fmt: skip


class _Gated(_Layers):
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._start(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype,
            rng,
        )  # fmt: skip


class LSTM(_Gated, LSTMStep):
    """c' = σ(f)·c + σ(i)·tanh(g) and h' = σ(o)·tanh(c') along a sequence.

    The gates i, f, g, o are W·x + b + U·h + b: weight_ih_l0 is (input_size, 4·hidden_size),
    weight_hh_l0 (hidden_size, 4·hidden_size). The state is the pair (h, c). The rest is as in RNN.
    """

    def forward(
        self, input: ArrayLike, hx: tuple[ArrayLike, ArrayLike] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(output, state): the last layer's outputs at all steps, and all states after the last.

        input (length, batch, input_size), or (batch, length, input_size) with batch_first; without
        the batch axis too. output is of the same form with hidden_size features, or twice as many
        if bidirectional. The states h and c are (layers·directions, batch,
        hidden_size); so are those of hx, the pair to start from, zeros by default.
        """
        y, (h, c) = self._sequence(input, hx)
        return y, (h, c)


class GRU(_LayersOfOne, _Gated, GRUStep):
    """h' = (1 - z)·n + z·h along a sequence, with n = tanh(W·x + b + r·(U·h + b)).

    The gates r and z are sigmoids of W·x + b + U·h + b. weight_ih_l0 is (input_size,
    3·hidden_size), weight_hh_l0 (hidden_size, 3·hidden_size), for r, z, n in this order. The rest
    is as in RNN.
    """
