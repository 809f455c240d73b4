"""One call of fit: its epochs and batches, and where it is."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import ConfigError
from .compiled import Compiled
from .history import History, Progress
from .inputs import Samples

if TYPE_CHECKING:
    from .callbacks import Callback


class Run:
    """One call of fit: where it is, and what a checkpoint must keep to go on from there."""

    def __init__(
        self,
        model: Any,
        train: Samples,
        validation: Samples | None,
        size: int,
        epochs: int,
        initial_epoch: int,
        shuffle: bool,
        seed: int | None,
    ) -> None:
        self.model, self.data, self.validation = model, train, validation
        self.size, self.epochs, self.shuffle = size, epochs, shuffle
        self.seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        self.steps = -(-len(train) // size)
        self.epoch, self.batch = initial_epoch, 0  # the next to be done
        self.last: dict[str, Any] = {}  # the figures of the last epoch
        self.history = History({"epochs": epochs, "steps": self.steps, "batch_size": size})

    def state_dict(self) -> dict[str, Any]:
        """Where the run is: the next epoch and batch, the seed, history and running figures."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "steps": self.steps,
            "seed": self.seed,
            "history": self.history.state_dict(),
            "figures": self.model._compiled.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """None; the run goes on from there. Raises ConfigError if the data have another length."""
        if state["steps"] != self.steps:
            raise ConfigError(
                f"the run had {state['steps']} batches an epoch, this one has {self.steps}; resume "
                "with the same data and batch_size"
            )
        self.model._compiled.set_state(state["figures"])
        self.history.load_state_dict(state["history"])
        self.epoch, self.batch, self.seed = state["epoch"], state["batch"], state["seed"]

    def train(self, callbacks: list[Callback], verbose: int | str) -> History:
        """The history, after all epochs or as many as the callbacks let it have."""
        model, how = self.model, self.model._compiled
        model.stop_training = False
        how.reset()
        for callback in callbacks:
            callback.set_run(self)
        _call(callbacks, "on_train_begin", {})
        progress = Progress(verbose, self.epochs, self.steps)
        try:
            while self.epoch < self.epochs and not model.stop_training:
                self._one_epoch(how, callbacks, progress)
        finally:  # Ctrl-C too
            progress.close()
            model.train(False)
        _call(callbacks, "on_train_end", self.last)
        return self.history

    def _one_epoch(self, how: Compiled, callbacks: list[Callback], progress: Progress) -> None:
        model, epoch = self.model, self.epoch
        if self.batch == 0:  # else a checkpoint from the middle of the epoch goes on
            how.reset()
            _call(callbacks, "on_epoch_begin", epoch, {})
        progress.begin(epoch)
        for i, data in self._batches():
            _call(callbacks, "on_train_batch_begin", i, {})
            loss, y_pred = model._step(how, data)
            how.update(loss, data, y_pred)
            self.batch = i + 1
            logs = how.logs()
            progress.step(i + 1, logs)
            _call(callbacks, "on_train_batch_end", i, logs)
            if model.stop_training:
                return
        logs = how.logs()
        if self.validation is not None:
            results = model._test(how, self.validation, None)
            logs |= {f"val_{name}": value for name, value in results.items()}
            logs = {"loss": logs.pop("loss"), **logs}
        figures = {k: v for k, v in logs.items() if np.ndim(v) == 0}
        progress.end(figures)
        logs["learning_rate"] = how.optimizer.lr
        self.history.add(epoch, {k: float(v) for k, v in figures.items()})
        self.epoch, self.batch, self.last = epoch + 1, 0, logs
        _call(callbacks, "on_epoch_end", epoch, logs)

    def _batches(self) -> Iterator[tuple[int, Samples]]:
        """(number, samples) of the batches of this epoch that are still to be done."""
        n = len(self.data)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(n)
        for i in range(self.batch, self.steps):
            part = slice(i * self.size, min((i + 1) * self.size, n))
            yield i, self.data.take(order[part] if self.shuffle else part)


def _call(callbacks: list[Callback], event: str, *args: Any) -> None:
    for callback in callbacks:
        getattr(callback, event)(*args)
