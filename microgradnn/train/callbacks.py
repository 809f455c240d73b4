"""Callbacks: what fit() calls at the start and end of training, epochs and batches.

Names and arguments are those of keras.callbacks. Callback, the base to make one's own, is in
events.py; those that write files are in backup.py.
"""

import inspect
import math
from collections.abc import Callable

import numpy as np

from ..errors import ConfigError, GradientError
from ..interrupts import held
from ..nn.training import Logs
from .backup import BackupAndRestore, CSVLogger, ModelCheckpoint
from .events import Callback, LambdaCallback, Monitor

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]


class EarlyStopping(Monitor):
    """Stops when the figure has not improved for `patience` epochs, after `start_from_epoch`.

    restore_best_weights puts the weights of the best epoch back, also when training ends by itself.
    """

    keeps = ("stopped_epoch", "best_epoch", "weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, abs(min_delta), patience)
        self.first, self.restore = start_from_epoch, restore_best_weights
        self.stopped_epoch: int | None = None
        self.best_epoch: int | None = None
        self.weights: dict[str, np.ndarray] | None = None

    def on_train_begin(self, logs: Logs) -> None:
        """Starts to count."""
        self.start()
        self.stopped_epoch = self.best_epoch = self.weights = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Counts epochs without improvement."""
        if epoch < self.first:
            return
        stalled = self.patient.stalled(self.figure(logs))
        if stalled:
            self.stopped_epoch, self.model.stop_training = epoch, True
        elif self.patient.num_bad_epochs == 0:
            self.best_epoch = epoch
            self.weights = self.model.state_dict() if self.restore else None

    def on_train_end(self, logs: Logs) -> None:
        """Puts the best weights back, if asked for."""
        if self.weights is not None:
            with held:
                self.model.load_state_dict(self.weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` after `patience` epochs without improvement."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, patience)
        if not 0 < factor < 1:
            raise ConfigError(f"ReduceLROnPlateau: factor is {factor}, need between 0 and 1")
        self.factor, self.min_lr = factor, min_lr

    def on_train_begin(self, logs: Logs) -> None:
        """Starts to count."""
        self.start()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Counts epochs without improvement."""
        if self.patient.stalled(self.figure(logs)):
            optimizer = self.run.optimizer
            optimizer.lr = max(optimizer.lr * self.factor, self.min_lr)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to schedule(epoch, lr), or schedule(epoch)."""

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Sets the learning rate."""
        optimizer = self.run.optimizer
        several = len(inspect.signature(self.schedule).parameters) > 1
        lr = self.schedule(epoch, optimizer.lr) if several else self.schedule(epoch)
        if not isinstance(lr, (int, float, np.floating)) or not math.isfinite(lr):
            raise ConfigError(f"LearningRateScheduler: schedule gave {lr!r}, need a number")
        optimizer.lr = float(lr)


class TerminateOnNaN(Callback):
    """Stops training with a GradientError at the first loss that is nan or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Raises GradientError; `history` keeps the epochs before."""
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True
            raise GradientError(
                f"fit: the loss is {logs['loss']} at batch {batch} of epoch {self.run.epoch}; "
                "lower the learning rate, clip gradients, or find the op with mg.detect_anomaly()"
            )
