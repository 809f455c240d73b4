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


def refuses(model: Model, optimizer: Optimizer, dtype: str) -> str | None:
    """Why a model cannot be run number by number, or would take too long, or None."""
    ours = (layers.Linear, layers.Activation)
    names = [type(x).__name__ for x in layers.flat(model.chain) if not isinstance(x, ours)]
    if names:
        return f"for arrays only: {', '.join(dict.fromkeys(names))}"
    n = layers.size(model.chain)
    return f"{n} weights, one node each: more than {LARGEST}" if n > LARGEST else None


class Session:
    """A model and its optimiser; see the package's docstring. Numbers are Python's float64.

    micrograd's is made of it, with numbers of its own.
    """

    number: Callable[[float], Any] = Value

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model = model
        self.seen: list[list[list[Any]]] = []  # of each sample, of each node
        self.leaves: list[list[list[Any]]] = []
        self.sync: Sync | None = None
        new = np.frompyfunc(type(self).number, 1, 1)
        self.params = [new(np.asarray(p, float)) for p in params]
        self.make(optimizer)

    def make(self, spec: Optimizer) -> None:
        """Makes what steps."""
        flat = self.numbers()
        self.optimizer = make_optimizer(spec, flat)
        self.schedule = make_schedule(spec, self.optimizer)
        self.ema = make_ema(spec, flat)

    def numbers(self) -> list[Any]:
        """All parameters, one by one."""
        return list(chain.from_iterable(p.ravel() for p in self.params))

    def call(self, f: Callable[..., Any], *xs: Any) -> Any:
        """A function of numbers."""
        return f(*xs)

    def dot(self, a: Sequence[Any], b: Sequence[Any], c: Any) -> Any:
        """Σ a·b + c."""
        return ops.sumprod(*a, *b, c)

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
        loss = total(losses) / len(losses)
        if self.model.reduction != "mean":
            loss = loss * self.model.scale(x)
        if self.model.l2:
            pairs = zip(self.params, self.model.penalised, strict=True)
            loss = loss + self.model.l2 * sum((w**2).sum() for w, counts in pairs if counts)
        for p in self.numbers():
            p.grad = 0.0
        self.total(loss).backward()
        grads = [grad(p) for p in self.params]
        nodes = [_columns(self.seen, k, data) for k in range(len(self.seen[0]))]
        known = self.leaves if sync else self.seen
        return Recorded(
            loss.data, grads, nodes, [_columns(known, k, grad) for k in range(len(nodes))]
        )

    def total(self, loss: Any) -> Any:
        """The loss and, in a synchronised pass, what gives every node the slope that is asked."""
        if self.sync is None:
            return loss
        slopes = self.sync.slopes
        return total([loss] + [
            self.dot(h, slope[i].tolist(), 0.0)
            for i, row in enumerate(self.seen)
            for h, slope in zip(row, slopes, strict=True)
        ])  # fmt: skip

    def output(self, row: Sequence[float], i: int) -> list[Value]:
        """The outputs for sample i of a batch."""
        self.seen.append([])
        self.leaves.append([])
        return layers.walk(
            self.model.chain,
            row,
            iter(self.params),
            iter(()),
            self.apply,
            lambda a, b: [u + v for u, v in zip(a, b, strict=True)],
            lambda h: self.probe(h, i),
        )

    def probe(self, h: list[Any], i: int) -> list[Any]:
        """Notes the values of a node, and sets them in a synchronised pass."""
        self.seen[i].append(h)
        if self.sync is None:
            return h
        node = self.sync.nodes[len(self.seen[i]) - 1]
        self.leaves[i].append([type(self).number(v) for v in node[i].tolist()])
        return self.leaves[i][-1]

    def loss(self, z: list[Any], t: Any) -> Any:
        """The loss of one sample."""
        name = self.model.loss
        if name in ("ce", "ce-onehot"):
            top = max(v.data for v in z)
            whole = self.call(ops.log, total([self.call(ops.exp, v - top) for v in z])) + top
            if name == "ce":
                return whole - z[int(t)]
            return total([(whole - v) * u for v, u in zip(z, t.tolist(), strict=True)])
        each = [self.call(LOSS[name], v, u) for v, u in zip(z, t.tolist(), strict=True)]
        return total(each) / len(each)

    def apply(self, layer: layers.Layer, h: Any, own: Sequence[Any], kept: Sequence[Any]) -> Any:
        """The output of a layer for one sample."""
        if isinstance(layer, layers.Activation):
            return [self.call(ACTIVATION[layer.name], z) for z in h]
        w, b = own[0], own[1] if len(own) > 1 else np.zeros(own[0].shape[1])
        return [self.dot(w[:, j], h, b[j]) for j in range(w.shape[1])]

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.optimizer.step()
        if self.schedule:
            self.schedule.step()
        if self.ema:
            self.ema.update()
        return [data(p) for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        if self.ema is None:
            return []
        numbers = iter(self.ema.shadow.values())
        return [np.array([next(numbers) for _ in p.flat]).reshape(p.shape) for p in self.params]

    def kept(self) -> list[np.ndarray]:
        """Nothing: no layer that keeps something runs number by number."""
        return []


def total(terms: Sequence[Any]) -> Any:
    """The sum, pair by pair: a long chain of additions is too deep for micrograd."""
    half = len(terms) // 2
    return total(terms[:half]) + total(terms[half:]) if half else terms[0]


def data(values: Any) -> np.ndarray:
    """Their numbers, as an array."""
    return np.frompyfunc(lambda v: getattr(v, "data", v), 1, 1)(values).astype(float)


def grad(values: Any) -> np.ndarray:
    """Their gradients, as an array."""
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
