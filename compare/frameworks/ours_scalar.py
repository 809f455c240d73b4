"""microgradnn's Value: every number of the model is a node of its own."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import Value
from microgradnn.engine import ops
from microgradnn.nn import functional

from .. import layers
from ..model_graph import Recorded, Sync
from ..specs import SLOPE, Model, Optimizer
from .ours import make_ema, make_optimizer, make_schedule

LARGEST = 1000  # weights; a training step visits a few nodes for each, for each sample
ACTIVATION: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "relu": ops.relu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "leaky_relu": lambda z: ops.leaky_relu(z, negative_slope=SLOPE),
    "elu": ops.elu,
    "softplus": ops.softplus,
    "gelu": functional.gelu,
    "silu": functional.silu,
}


def version() -> str:
    """The version of microgradnn."""
    return mg.__version__


def refuses(model: Model, optimizer: Optimizer) -> str | None:
    """Why a model cannot be run number by number, or would take too long, or None."""
    ours = (layers.Linear, layers.Activation)
    names = [type(x).__name__ for x in layers.flat(model.chain) if not isinstance(x, ours)]
    if names:
        return f"for arrays only: {', '.join(dict.fromkeys(names))}"
    n = layers.size(model.chain)
    return f"{n} weights, one node each: more than {LARGEST}" if n > LARGEST else None


class Session:
    """A model and its optimiser; see the package's docstring. Numbers are Python's float64."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model = model
        self.seen: list[list[list[Value]]] = []  # of each sample, of each node
        self.leaves: list[list[list[Value]]] = []
        self.sync: Sync | None = None
        self.params = [np.frompyfunc(Value, 1, 1)(np.asarray(p, float)) for p in params]
        flat = list(chain.from_iterable(p.ravel() for p in self.params))
        self.optimizer = make_optimizer(optimizer, flat)
        self.schedule = make_schedule(optimizer, self.optimizer)
        self.ema = make_ema(optimizer, flat)

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters."""
        for ours, new in zip(self.params, params, strict=True):
            for value, number in zip(ours.ravel(), new.ravel().tolist(), strict=True):
                value.data = number

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        self.seen, self.leaves, self.sync = [], [], sync
        losses = [
            self.loss(self.output(row, i), t)
            for i, (row, t) in enumerate(zip(x.tolist(), y, strict=True))
        ]
        loss = sum(losses[1:], losses[0]) / len(losses)
        if self.model.reduction != "mean":
            loss = loss * self.model.scale(x)
        if self.model.l2:
            pairs = zip(self.params, self.model.penalised, strict=True)
            loss = loss + self.model.l2 * sum((w**2).sum() for w, counts in pairs if counts)
        self.optimizer.zero_grad()
        self.total(loss).backward()
        grads = [_grad(p) for p in self.params]
        nodes = [_columns(self.seen, k, _data) for k in range(len(self.seen[0]))]
        known = self.leaves if sync else self.seen
        return Recorded(
            loss.data, grads, nodes, [_columns(known, k, _grad) for k in range(len(nodes))]
        )

    def total(self, loss: Value) -> Value:
        """The loss and, in a synchronised pass, what gives every node the slope that is asked."""
        if self.sync is None:
            return loss
        for i, row in enumerate(self.seen):
            for h, slope in zip(row, self.sync.slopes, strict=True):
                loss = loss + ops.sumprod(*h, *slope[i].tolist(), 0.0)
        return loss

    def output(self, row: Sequence[float], i: int) -> list[Value]:
        """The outputs for sample i of a batch."""
        self.seen.append([])
        self.leaves.append([])
        return layers.walk(
            self.model.chain,
            row,
            iter(self.params),
            iter(()),
            _apply,
            lambda a, b: [u + v for u, v in zip(a, b, strict=True)],
            lambda h: self.probe(h, i),
        )

    def probe(self, h: list[Value], i: int) -> list[Value]:
        """Notes the values of a node, and sets them in a synchronised pass."""
        self.seen[i].append(h)
        if self.sync is None:
            return h
        node = self.sync.nodes[len(self.seen[i]) - 1]
        self.leaves[i].append([Value(v) for v in node[i].tolist()])
        return self.leaves[i][-1]

    def loss(self, z: list[Value], t: Any) -> Value:
        """The loss of one sample."""
        name = self.model.loss
        if name in ("ce", "ce-onehot"):
            top = max(v.data for v in z)
            terms = [(v - top).exp() for v in z]
            whole = sum(terms[1:], terms[0]).log() + top
            if name == "ce":
                return whole - z[int(t)]
            each = [(whole - v) * u for v, u in zip(z, t.tolist(), strict=True)]
            return sum(each[1:], each[0])
        each = [LOSS[name](v, u) for v, u in zip(z, t.tolist(), strict=True)]
        return sum(each[1:], each[0]) / len(each)

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        if self.ema:
            self.ema.update()
        return [_data(p) for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        if self.ema is None:
            return []
        numbers = iter(self.ema.shadow.values())
        return [np.array([next(numbers) for _ in p.flat]).reshape(p.shape) for p in self.params]

    def kept(self) -> list[np.ndarray]:
        """Nothing: no layer that keeps something runs number by number."""
        return []


def _data(values: Any) -> np.ndarray:
    return np.frompyfunc(lambda v: getattr(v, "data", v), 1, 1)(values).astype(float)


def _grad(values: Any) -> np.ndarray:
    return np.frompyfunc(lambda v: getattr(v, "grad", 0.0), 1, 1)(values).astype(float)


def _columns(rows: Sequence[Any], k: int, what: Any) -> np.ndarray:
    """One node of all samples: their numbers, or their gradients."""
    made = np.empty((len(rows), len(rows[0][k])), object)
    for i, row in enumerate(rows):
        made[i] = row[k]
    return what(made)


def _huber(z: Value, t: float) -> Value:
    r = abs(z - t)
    return r * r / 2 if r.data < 1 else r - 0.5


LOSS: dict[str, Callable[[Any, float], Any]] = {
    "mse": lambda z, t: (z - t) ** 2,
    "mae": lambda z, t: abs(z - t),
    "huber": _huber,
    "bce": ops.bce_with_logits,
}


def _apply(layer: layers.Layer, h: Any, own: Sequence[Any], kept: Sequence[Any]) -> Any:
    if isinstance(layer, layers.Activation):
        return [ACTIVATION[layer.name](z) for z in h]
    w, b = own[0], own[1] if len(own) > 1 else np.zeros(own[0].shape[1])
    return [ops.sumprod(*w[:, j], *h, b[j]) for j in range(w.shape[1])]
