"""What a pass should give, cell by cell, in float64, and how far a correct one may be from it.

The values are this library's functions and rules in float64, so they are no proof: what they say is
confirmed by truth.py, which knows neither. With float32 their own rounding is far below that of the
frameworks; with float64 it counts as much as theirs, and bounds are for two evaluations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn.nn import functional as F

from . import layers, rounding
from .frameworks.ours import LOSS
from .frameworks.ours_scalar import ACTIVATION
from .model_graph import Cell, Sync, cells
from .specs import Model

Array = np.ndarray


@dataclass
class Expected:
    """A pass as it should be, and a bound for each number of it (see model_graph.Recorded)."""

    loss: float = 0.0
    loss_limit: float = 0.0
    grads: list[Array] = field(default_factory=list)
    grad_limits: list[Array] = field(default_factory=list)
    nodes: list[Array] = field(default_factory=list)
    node_limits: list[Array] = field(default_factory=list)
    slopes: list[Array] = field(default_factory=list)
    slope_limits: list[Array] = field(default_factory=list)


def forward(cell: Cell, *given: Any) -> Any:
    """The output of a cell for its sources and then its parameters, by this library."""
    if cell.layer is None:
        return given[0] + given[1]
    return layer_forward(cell.layer, *given)


def layer_forward(layer: layers.Layer, x: Any, *own: Any) -> Any:
    """The output of a layer."""
    match layer:
        case layers.Activation(name):
            return ACTIVATION[name](x)
        case layers.Linear():
            return F.linear(x, *own)
        case layers.Conv2d(padding=padding):
            return F.conv2d(x, own[0], own[1] if own[1:] else None, padding=padding)
        case layers.MaxPool2d(k):
            return F.max_pool2d(x, k)
        case layers.Image(shape):
            return x.reshape(-1, *shape)
        case layers.Flatten():
            return x.reshape(len(x), -1)
        case layers.LayerNorm(n, eps):
            return F.layer_norm(x, (n,), own[0], own[1], eps)
        case layers.BatchNorm(_, _, eps, momentum):
            return F.batch_norm(x, None, None, own[0], own[1], True, momentum, eps)
    raise TypeError(f"no function for {layer}")


class Reference:
    """Expected passes of a model in a dtype."""

    def __init__(self, model: Model, dtype: str) -> None:
        self.model, self.dtype, self.cells = model, dtype, cells(model.chain)
        self.rounding = rounding.Rounding(dtype)
        self.learns = _learns(self.cells)
        own = float(np.finfo(float).eps) / 2
        self.u = 1.01 * (float(np.finfo(dtype).eps) / 2 + own)  # 1 %: the terms of order u²

    def round(self, a: Any) -> Array:
        """a as the frameworks get it, in float64."""
        return np.asarray(a).astype(self.dtype).astype(float)

    def run(
        self, params: Sequence[Array], x: Array, y: Array, sync: Sync | None = None
    ) -> tuple[Expected, Sync]:
        """The pass from params on the batch (x, y), and what its nodes and slopes were set to.

        Without `sync` they are set to its own values, rounded to the dtype.
        """
        with np.errstate(all="ignore"):
            return _Run(self, [self.round(p) for p in params], self.round(x), y, sync).done()


class _Run:
    """One pass: forwards, the loss, backwards."""

    def __init__(
        self, of: Reference, params: list[Array], x: Array, y: Array, sync: Sync | None
    ) -> None:
        self.of, self.params, self.sync = of, params, sync
        self.y = y if of.model.labels else of.round(y)
        self.values, self.found = [x], Expected()
        self.pulls: list[Callable[[Array], Any]] = []
        self.used = Sync([], [])

    def done(self) -> tuple[Expected, Sync]:
        """What is expected, and what it was synchronised to."""
        for i, cell in enumerate(self.of.cells):
            self.forwards(i, cell)
        slope, limit = self.loss()
        n = len(self.of.cells)
        found, own = self.found, [np.zeros_like(p) for p in self.params]
        found.grads, found.grad_limits = own, [0 * p for p in own]
        slopes: list[Any] = [None] * (n + 1)
        limits: list[Any] = [None] * (n + 1)
        slopes[n], limits[n] = slope, limit
        used: list[Any] = [None] * n
        for i in reversed(range(n)):
            g = self.sync.slopes[i] if self.sync else self.of.round(slopes[i + 1])
            used[i] = np.asarray(g, float)
            self.backwards(i, self.of.cells[i], used[i], slopes, limits)
        self.used.slopes = used
        found.slopes = [np.asarray(s) for s in slopes[1:]]
        found.slope_limits = [self.of.u * np.asarray(e) for e in limits[1:]]
        self.penalty()
        found.grad_limits = [self.of.u * e for e in found.grad_limits]
        found.loss_limit *= self.of.u
        return found, self.used

    def forwards(self, i: int, cell: Cell) -> None:
        """One cell."""
        given = [self.values[s] for s in cell.sources] + [self.params[p] for p in cell.params]
        out, pull = mg.vjp(lambda *v: forward(cell, *v), *given)
        out = np.asarray(out)
        self.found.nodes.append(out)
        self.pulls.append(pull)
        set_to = self.sync.nodes[i] if self.sync else self.of.round(out)
        self.used.nodes.append(np.asarray(set_to, float))
        self.values.append(self.used.nodes[-1])

    def loss(self) -> tuple[Array, Array]:
        """Sets the loss and its bound; the gradient of the last node and its error."""
        z, model = self.values[-1], self.of.model
        scale = model.scale(z)
        loss, pull = mg.vjp(lambda z: LOSS[model.loss](z, self.y), z)
        error, slope_error = rounding.loss(model.loss, z, self.y, scale)
        self.found.loss, self.found.loss_limit = scale * float(loss), error
        (slope,) = _tuple(pull(np.float64(scale)))
        return np.asarray(slope), slope_error

    def backwards(self, i: int, cell: Cell, g: Array, slopes: list[Any], limits: list[Any]) -> None:
        """Adds what cell i says of its sources and parameters, given the gradient of its output."""
        inputs = [self.values[s] for s in cell.sources]
        own = [self.params[p] for p in cell.params]
        errors = self.of.rounding.cell(cell, inputs, own, g)
        self.found.node_limits.insert(0, self.of.u * errors.out)
        said = _tuple(self.pulls[i](g))
        for node, value, error in zip(cell.sources, said, errors.slopes, strict=False):
            if slopes[node] is None:
                slopes[node], limits[node] = value, error
            else:
                both = np.stack([slopes[node], value])
                limits[node] = limits[node] + error + self.of.rounding.sum(both, (0,))
                slopes[node] = slopes[node] + value
        for p, value, error in zip(cell.params, said[len(inputs) :], errors.grads, strict=True):
            self.found.grads[p], self.found.grad_limits[p] = np.asarray(value), error

    def penalty(self) -> None:
        """Adds l2·Σw² to the loss, and its gradient."""
        model, found = self.of.model, self.found
        for i, p in enumerate(self.params):
            if model.l2 and model.penalised[i]:
                size, decay = model.l2 * float((p * p).sum()), 2 * model.l2 * p
                found.loss += size
                found.loss_limit += (p.size + 4 + len(self.params)) * size + 2 * abs(found.loss)
                exact = rounding.quantum(decay) > 0
                found.grad_limits[i] = (
                    found.grad_limits[i]
                    + self.of.rounding.sum(np.stack([found.grads[i], decay]), (0,))
                    + (0.0 if exact else 3.0) * abs(decay)
                )
                found.grads[i] = found.grads[i] + decay


def _learns(found: Sequence[Cell]) -> list[bool]:
    """For each cell whether what it gives depends on a parameter, so that it has a gradient."""
    known = [False]
    for cell in found:
        known.append(bool(cell.params) or any(known[s] for s in cell.sources))
    return known[1:]


def _tuple(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)
