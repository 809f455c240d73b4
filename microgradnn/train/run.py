"""One call of fit: its epochs and batches, and where it is."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..interrupts import bracket, held
from ..nn import Module
from ..nn.history import History
from ..nn.training import CallbackLike, Logs
from ..optim import EMA, Optimizer
from .inputs import Samples
from .progress import Progress
from .steps import Steps


class TrainingRun:
    """One call of fit: where it is, and what a checkpoint must keep to go on from there."""

    def __init__(
        self,
        trainer: Steps,
        train: Samples,
        validation: Samples | None,
        size: int,
        epochs: int,
        initial_epoch: int,
        shuffle: bool,
        seed: int | None,
    ) -> None:
        self.trainer, self.data, self.validation = trainer, train, validation
        self.size, self.epochs, self.shuffle = size, epochs, shuffle
        self.seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
        self.steps = -(-len(train) // size)
        self.epoch, self.batch = initial_epoch, 0  # the next to be done
        self.last: Logs = {}  # the figures of the last epoch
        self.callbacks: list[CallbackLike] = []
        self.history = History({"epochs": epochs, "steps": self.steps, "batch_size": size})

    @property
    def model(self) -> Module:
        """The model that is trained."""
        return self.trainer.model

    @property
    def optimizer(self) -> Optimizer:
        """What trains it."""
        return self.trainer.recipe.optimizer

    @property
    def ema(self) -> EMA | None:
        """The average of its weights, if there is one."""
        return self.trainer.recipe.ema

    def state_dict(self) -> dict[str, Any]:
        """Returns where the run is: next epoch and batch, seed, history and running figures."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "steps": self.steps,
            "seed": self.seed,
            "history": self.history.state_dict(),
            "last": {name: value for name, value in self.last.items() if _is_number(value)},
            "stopped": bool(self.model.stop_training),
            "figures": self.trainer.recipe.state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from state_dict(). Raises ConfigError if the data have another length."""
        if state["steps"] != self.steps:
            raise ConfigError(
                f"the run had {state['steps']} batches an epoch, this one has {self.steps}; resume "
                "with the same data and batch_size"
            )
        self.trainer.recipe.set_state(state["figures"])
        self.history.load_state_dict(state["history"])
        self.epoch, self.batch, self.seed = state["epoch"], state["batch"], state["seed"]
        self.last = dict(state.get("last", {}))  # files of older versions have neither
        self.model.stop_training = state.get("stopped", False)

    def train(self, callbacks: list[CallbackLike], verbose: int | str) -> History:
        """Returns the history, after all epochs or as many as the callbacks let it have."""
        model = self.model
        model.stop_training = False
        self.trainer.recipe.reset()
        # What saves the run comes last: it must see what the others did.
        callbacks = sorted(callbacks, key=lambda c: bool(getattr(c, "saves_run", False)))
        self.callbacks = callbacks
        for callback in callbacks:
            callback.set_run(self)
        progress = Progress(verbose, self.epochs, self.steps)

        def run() -> None:
            _call(callbacks, "on_train_begin", {})
            while self.epoch < self.epochs and not model.stop_training:
                self._one_epoch(callbacks, progress)

        def leave() -> None:
            model.train(False)
            progress.close()

        bracket(lambda: None, run, leave)
        _call(callbacks, "on_train_end", self.last)
        return self.history

    def _one_epoch(self, callbacks: list[CallbackLike], progress: Progress) -> None:
        model, recipe, epoch = self.model, self.trainer.recipe, self.epoch
        if self.batch == 0:  # else a checkpoint from the middle of the epoch goes on
            recipe.reset()
            _call(callbacks, "on_epoch_begin", epoch, {})
        progress.begin(epoch)
        for i, data in self._batches():
            _call(callbacks, "on_train_batch_begin", i, {})
            loss, y_pred = self.trainer.step(data)
            with held:
                recipe.update(loss, data, y_pred)
                self.batch = i + 1
            logs = recipe.logs()
            progress.step(i + 1, logs)
            _call(callbacks, "on_train_batch_end", i, logs)
            if model.stop_training:
                return
        logs = self._validated(recipe.logs())
        figures = {k: v for k, v in logs.items() if np.ndim(v) == 0}
        progress.end(figures)
        logs["learning_rate"] = self.optimizer.lr
        with held:
            self.history.add(epoch, {k: float(v) for k, v in figures.items()})
            self.epoch, self.batch, self.last = epoch + 1, 0, logs
        _call(callbacks, "on_epoch_end", epoch, logs)

    def _validated(self, logs: Logs) -> Logs:
        """The figures of an epoch, with those of the validation data under "val_" names."""
        if self.validation is None:
            return logs
        results = self.trainer.test(self.validation)
        return logs | {f"val_{name}": value for name, value in results.items()}

    def _batches(self) -> Iterator[tuple[int, Samples]]:
        """(number, samples) of the batches of this epoch that are still to be done."""
        n = len(self.data)
        order = np.random.default_rng([self.seed, self.epoch]).permutation(n)
        for i in range(self.batch, self.steps):
            part = slice(i * self.size, min((i + 1) * self.size, n))
            yield i, self.data.take(order[part] if self.shuffle else part)


def _is_number(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fiub"


def _call(callbacks: list[CallbackLike], event: str, *args: Any) -> None:
    for callback in callbacks:
        getattr(callback, event)(*args)
