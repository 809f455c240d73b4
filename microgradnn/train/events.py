"""Callback, the base of all callbacks: what fit() calls at the start and end of its parts.

Names and arguments are those of keras.callbacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ConfigError
from ..nn import Module
from ..nn.training import Logs
from ..optim.patience import Patience
from .run import TrainingRun


class Callback:
    """Base of callbacks: `self.model` is the model, `self.run` the running fit (see run.py).

    A subclass defines the events that it wants. `self.run.optimizer` is what trains the model, and
    `self.model.stop_training = True` ends the training after the batch.

    keeps      the names of the attributes that change during training; BackupAndRestore saves them
               and gives them back, so they hold plain data: numbers, text, arrays, lists, dicts
    saves_run  True for a callback that is called after all others, and so sees what they did
    """

    model: Module
    run: TrainingRun
    keeps: tuple[str, ...] = ()
    saves_run = False

    def state_dict(self) -> dict[str, Any]:
        """Returns the attributes named in `keeps`; a subclass may return other plain data."""
        return {name: getattr(self, name) for name in kept(type(self))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from state_dict(). It is called after on_train_begin of all callbacks."""
        for name in kept(type(self)):
            setattr(self, name, state[name])

    def set_run(self, run: TrainingRun) -> None:
        """Called before on_train_begin."""
        self.run, self.model = run, run.model

    def on_train_begin(self, logs: Logs) -> None:
        """Called before the first epoch."""

    def on_train_end(self, logs: Logs) -> None:
        """Called after the last epoch, not after an error or Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Called before each batch."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Called after each batch with the figures of the epoch so far."""


def kept(kind: type) -> list[str]:
    """Returns the names in `keeps` of a class and of its bases."""
    return [name for base in kind.__mro__ for name in vars(base).get("keeps", ())]


class LambdaCallback(Callback):
    """A callback made of functions: LambdaCallback(on_epoch_end=lambda epoch, logs: …)."""

    def __init__(self, **functions: Callable[..., None]) -> None:
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                events = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise ConfigError(f"LambdaCallback: {name} is never called; use {events}")
            setattr(self, name, function)


class Monitor(Callback):
    """Base of callbacks that watch one figure of each epoch."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, patience: int = 0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ConfigError(f"{type(self).__name__}: mode {mode!r}; use 'auto', 'min' or 'max'")
        if mode == "auto":  # Keras guesses from the name too
            more = ("acc", "precision", "recall", "f1", "r2", "auc")
            mode = "max" if any(word in monitor for word in more) else "min"
        self.monitor, self.mode, self.min_delta, self.patience = monitor, mode, min_delta, patience
        self.patient = Patience()
        self.start()

    def start(self) -> None:
        """Forgets the figures so far."""
        # Keras acts after `patience` epochs without improvement, Patience after more than that.
        self.patient.watch(self.mode, self.min_delta, patience=max(self.patience - 1, 0))

    def state_dict(self) -> dict[str, Any]:
        """Returns the best figure, for how many epochs none was better, and what `keeps` names."""
        return super().state_dict() | {"patient": self.patient.counts()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from state_dict()."""
        super().load_state_dict(state)
        self.patient.go_on(state["patient"])

    def figure(self, logs: Logs) -> float:
        """Returns the figure that is watched. Raises ConfigError if there is none."""
        if self.monitor not in logs:
            names = ", ".join(logs)
            raise ConfigError(f"{type(self).__name__}: no figure {self.monitor!r}, only {names}")
        return float(logs[self.monitor])
