"""microgradnn compiled: the passes of mg.compile, the updates of compiled steps.

A pass is one program: forwards, the loss, backwards, written as mg.value_and_grad and compiled. An
update is another, a compiled step of training whose loss is Σ parameter · gradient: its gradient is
the one that is given, so the optimiser's part of the program is what is judged.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn

from ..model_graph import Recorded, Sync
from ..pure_pass import PurePass
from ..reference import layer_forward
from ..specs import Model, Optimizer
from . import ours

# Of every element, of every sample for cross entropy.
EACH: dict[str, Callable[[Any, Any], Any]] = {
    name: partial(loss, reduction="none") for name, loss in ours.LOSS.items()
}


def version() -> str:
    """The version of microgradnn."""
    return mg.__version__


class Given(nn.Module):
    """Parameters, and as output their products with what is given, summed up."""

    def __init__(self, params: Sequence[np.ndarray], dtype: str) -> None:
        super().__init__()
        for i, p in enumerate(params):
            setattr(self, f"p{i}", nn.Parameter(p.astype(dtype)))

    def forward(self, *grads: Any) -> Any:
        return sum((getattr(self, f"p{i}") * g).sum() for i, g in enumerate(grads))


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.dtype = model, dtype
        self.holder = Given(params, dtype)
        self.params = self.holder.parameters()
        self.running = [a.astype(dtype) for a in model.kept()]
        self.optimizer = ours.make_optimizer(optimizer, self.params)
        self.schedule = ours.make_schedule(optimizer, self.optimizer)
        self.ema = ours.make_ema(optimizer, self.params)
        self.step = mg.compile(
            self.holder, loss=lambda out, _: out, optimizer=self.optimizer, ema=self.ema
        )
        self.how = PurePass(model, lambda layer, h, own: layer_forward(layer, h, *own), EACH)
        self.compiled = mg.compile(
            mg.value_and_grad(self.how.total, argnums=(0, 1), has_aux=True), argnums=None
        )
        self.grads: Sequence[np.ndarray] = ()

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters, and what the layers keep."""
        for p, array in zip(self.params, params, strict=True):
            p.data = array.astype(self.dtype)
        self.running[: len(kept)] = [a.astype(self.dtype) for a in kept]

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        own, kept = [p.data for p in self.params], self.running
        batch = x.astype(self.dtype), y if self.model.labels else y.astype(self.dtype)
        leaves, slopes = (
            [a.astype(self.dtype) for a in s] for s in vars(sync or Sync([], [])).values()
        )
        leaves = leaves if sync else self.how.zeros_for(own, *batch, kept)
        made = self.compiled(own, leaves, *batch, slopes, kept)
        (_, (loss, nodes, self.running)), (self.grads, back) = made
        return Recorded(float(loss), self.grads, nodes, back)

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.step(*self.grads, np.zeros(()))
        if self.schedule:
            self.schedule.step()
        return [p.data.copy() for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return [np.array(a) for a in (self.ema.shadow.values() if self.ema else ())]

    def kept(self) -> list[np.ndarray]:
        """The running statistics."""
        return self.running
