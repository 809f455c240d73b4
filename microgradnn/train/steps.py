"""What is done with one batch: the step of training, and the pass over data without training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from ..engine.node import plain
from ..engine.tensor import Tensor, tensor
from ..interrupts import bracket, held
from ..nn import Module
from ..numerics.recording import recording
from ..optim import EMA
from . import inputs
from .inputs import Samples
from .metrics import MeanMetricWrapper
from .recipe import Recipe

T = TypeVar("T")
AT_ONCE = 256  # samples computed at once where nothing is learnt from them
SHARED = ("cross_entropy", "categorical_crossentropy", "CrossEntropyLoss")
LABELLED = (
    "cross_entropy", "nll_loss", "sparse_categorical_crossentropy", "CrossEntropyLoss", "NLLLoss",
)  # fmt: skip


class Steps:
    """A model and how it is trained. `recipe` holds the optimiser, the loss, the metrics."""

    def __init__(self, model: Module, recipe: Recipe) -> None:
        self.model, self.recipe = model, recipe
        self.buffers: list[np.ndarray] | None = None  # found at the first step

    def loss(self, data: Samples) -> tuple[Tensor, Tensor]:
        """Returns (loss, outputs) of a batch."""
        y_pred = self.model(*data.x)
        loss = self.recipe.loss(y_pred, data.y, data.weights)
        if self.recipe.regularized:
            loss = loss + self.model.penalty()
        return loss, y_pred

    def step(self, data: Samples) -> tuple[float, Tensor]:
        """Returns (loss, outputs) of a batch, after the step: the loop of every PyTorch program."""
        how = self.recipe
        self.model.train()
        if self.buffers is None:
            self.buffers = buffers_of(self.model)
        before = [(a, a.copy()) for a in self.buffers]
        try:
            loss, y_pred = self.loss(data)
            how.optimizer.zero_grad()
            loss.backward()
            with held:
                how.optimizer.step()
                if how.ema is not None:
                    how.ema.update()
                before = []
        except BaseException:  # no step: the statistics of the forward pass go too
            with held:
                for array, old in before:
                    array[...] = old
            raise
        return float(loss.item()), y_pred

    def test(self, data: Samples, batch_size: int = AT_ONCE) -> dict[str, Any]:
        """Returns the loss and the metrics on the data, by name; nothing is trained."""
        how = self.recipe
        how.reset()

        def run() -> None:
            for batch in in_order(data, batch_size):
                loss, y_pred = self.loss(batch)
                how.update(float(loss.item()), batch, y_pred)

        evaluating(self.model, how.ema, run)
        return how.logs()

    def check(self, data: Samples, batch_size: int) -> None:
        """Raises an error for everything that is known to be wrong before the first step.

        Loss and metrics see all targets once, with the outputs of one sample in every row.
        """
        inputs.check_finite("fit", data, batch_size)
        evaluating(self.model, None, lambda: self._try(data))

    def _try(self, data: Samples) -> None:
        how = self.recipe
        one = plain(self.model(*data.take(slice(0, 1)).x))
        shape = one.shape
        if how.loss.name in LABELLED and len(shape) >= 2:
            inputs.check_labels("fit", data.y, shape[1] if len(shape) > 2 else shape[-1])
        if how.loss.name in SHARED and len(shape) >= 2:
            inputs.check_shares("fit", data.y, shape)
        if not shape or shape[0] != 1:
            return  # not a row for each sample: whatever the loss makes of it
        # A metric or a loss that is a function of the user's is not called before its time.
        kept = [copy.deepcopy(m) for m in how.metrics if not isinstance(m, MeanMetricWrapper)]
        for part in in_order(data, 1024):
            outputs = np.broadcast_to(one, (len(part), *shape[1:]))
            if how.loss.by_name:
                how.loss(tensor(outputs), part.y, part.weights)
            y_true: Any = part.y  # a metric refuses None by name
            for metric in kept:
                metric.update_state(y_true, outputs, part.weights)


def evaluating(model: Module, ema: EMA | None, body: Callable[[], T]) -> T:
    """Returns body(), called in eval mode, with nothing recorded and the averaged weights in place.

    Then all is as before, also after an error and after Ctrl-C at any moment.
    """
    modes = [(m, m.training) for m in model.modules()]
    setting, own, quiet = recording.set(False), {}, False

    def enter() -> None:
        nonlocal own, quiet
        model.eval()
        own = {} if ema is None else ema.swap_in()
        setting.__enter__()
        quiet = True

    def leave() -> None:
        if quiet:
            setting.__exit__()
        if ema is not None:
            ema.swap_out(own)
        for module, training in modes:
            module.training = training

    return bracket(enter, body, leave)


def buffers_of(model: Module) -> list[np.ndarray]:
    """Returns the arrays of the model that a forward pass may change: running statistics."""
    own = [vars(m).get(name) for m in model.modules() for name in m._buffers]
    return [a for a in own if isinstance(a, np.ndarray)]


def in_order(data: Samples, size: int) -> Iterator[Samples]:
    """The samples in parts of `size`, the last one smaller where they do not fit."""
    for start in range(0, len(data), size):
        yield data.take(slice(start, start + size))
