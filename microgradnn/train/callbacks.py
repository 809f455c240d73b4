"""Callbacks: what fit() calls at the start and end of training, epochs and batches.

Names and arguments are those of keras.callbacks.
"""

import csv
import inspect
import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.errors import ConfigError, GradientError
from .checkpoint import CheckpointManager, PathLike, save_checkpoint


class Callback:
    """Base of callbacks; `self.model` is the model, `self.run` the running fit (see run.py)."""

    model: Any = None
    run: Any = None

    def set_run(self, run: Any) -> None:
        """None; called before on_train_begin."""
        self.run, self.model = run, run.model

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """None; called before the first epoch."""

    def on_train_end(self, logs: dict[str, Any]) -> None:
        """None; called after the last epoch, not after an error or Ctrl-C."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; called before each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; called after each epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any]) -> None:
        """None; called before each batch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """None; called after each batch with the figures of the epoch so far."""


class LambdaCallback(Callback):
    """A callback made of functions: LambdaCallback(on_epoch_end=lambda epoch, logs: …)."""

    def __init__(self, **functions: Callable[..., None]) -> None:
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                events = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise ConfigError(f"LambdaCallback: {name} is never called; use {events}")
            setattr(self, name, function)


class _Monitor(Callback):
    """Base of callbacks that watch one figure: `better(new)` says whether it improved."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ConfigError(f"{type(self).__name__}: mode {mode!r}; use 'auto', 'min' or 'max'")
        if mode == "auto":  # Keras guesses from the name too
            more = ("acc", "precision", "recall", "f1", "r2", "auc")
            mode = "max" if any(word in monitor for word in more) else "min"
        self.monitor, self.sign, self.min_delta = monitor, -1 if mode == "max" else 1, min_delta
        self.best = math.inf

    def value(self, logs: dict[str, Any]) -> float:
        """The figure watched, negative if more is better. Raises ConfigError if there is none."""
        if self.monitor not in logs:
            names = ", ".join(logs)
            raise ConfigError(f"{type(self).__name__}: no figure {self.monitor!r}, only {names}")
        return self.sign * float(logs[self.monitor])

    def better(self, value: float) -> bool:
        """Whether value is the best so far by min_delta; then it is the best."""
        if value < self.best - self.min_delta:
            self.best = value
            return True
        return False


class EarlyStopping(_Monitor):
    """Stops when the figure has not improved for `patience` epochs, after `start_from_epoch`.

    restore_best_weights puts the weights of the best epoch back, also when training ends by itself.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, abs(min_delta))
        self.patience, self.first = patience, start_from_epoch
        self.restore = restore_best_weights
        self.stopped_epoch: int | None = None

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """None; starts to count."""
        self.best, self.wait, self.weights = math.inf, 0, None
        self.stopped_epoch = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; counts epochs without improvement."""
        if epoch < self.first:
            return
        if self.better(self.value(logs)):
            self.wait, self.best_epoch = 0, epoch
            self.weights = self.model.state_dict() if self.restore else None
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs: dict[str, Any]) -> None:
        """None; the best weights again, if asked for."""
        if self.weights is not None:
            self.model.load_state_dict(self.weights)


class ReduceLROnPlateau(_Monitor):
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
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ConfigError(f"ReduceLROnPlateau: factor is {factor}, need between 0 and 1")
        self.factor, self.patience, self.min_lr, self.wait = factor, patience, min_lr, 0

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """None; starts to count."""
        self.best, self.wait = math.inf, 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; counts epochs without improvement."""
        if self.better(self.value(logs)):
            self.wait = 0
            return
        self.wait += 1
        if self.wait >= self.patience:
            optimizer = self.model.optimizer
            optimizer.lr = max(optimizer.lr * self.factor, self.min_lr)
            self.wait = 0


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to schedule(epoch, lr), or schedule(epoch)."""

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; sets the learning rate."""
        optimizer = self.model.optimizer
        several = len(inspect.signature(self.schedule).parameters) > 1
        lr = self.schedule(epoch, optimizer.lr) if several else self.schedule(epoch)
        if not isinstance(lr, (int, float, np.floating)) or not math.isfinite(lr):
            raise ConfigError(f"LearningRateScheduler: schedule gave {lr!r}, need a number")
        optimizer.lr = float(lr)


class TerminateOnNaN(Callback):
    """Stops training with a GradientError at the first loss that is nan or infinite."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """None. Raises GradientError; `history` keeps the epochs before."""
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True
            raise GradientError(
                f"fit: the loss is {logs['loss']} at batch {batch} of epoch {self.run.epoch}; "
                "lower the learning rate, clip gradients, or find the op with mg.detect_anomaly()"
            )


class CSVLogger(Callback):
    """Writes a row with the figures of each epoch; `append` goes on with a file there is."""

    def __init__(self, filename: PathLike, separator: str = ",", append: bool = False) -> None:
        self.path, self.separator, self.append = Path(filename), separator, append
        self.fields: list[str] | None = None

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """None; a new file, or the columns of the old one."""
        self.fields = None
        if self.append and self.path.exists() and self.path.stat().st_size:
            with open(self.path, newline="", encoding="utf-8") as file:
                self.fields = next(csv.reader(file, delimiter=self.separator))
        else:
            write_atomically(self.path, "")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; one row, on the disk at once."""
        row = {"epoch": epoch} | {k: v for k, v in logs.items() if np.ndim(v) == 0}
        text = io.StringIO()
        first = self.fields is None
        self.fields = self.fields or list(row)
        writer = csv.DictWriter(
            text, self.fields, delimiter=self.separator, extrasaction="ignore", lineterminator="\n"
        )
        if first:
            writer.writeheader()
        writer.writerow(row)
        with open(self.path, "a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())


def run_state(run: Any) -> dict[str, Any]:
    """The objects of a run that a checkpoint holds: enough to go on bit for bit."""
    model, how = run.model, run.model._compiled
    objects = {"model": model, "optimizer": how.optimizer, "run": run}
    if how.ema is not None:
        objects["ema"] = how.ema
    generators = model.named_generators() if hasattr(model, "named_generators") else ()
    return objects | {f"rng {name}": rng for name, rng in generators}


class ModelCheckpoint(_Monitor):
    """Saves the model, the optimiser and the run into a folder, after each epoch or N batches.

    The files are called ckpt-<steps>.safetensors; the newest `max_to_keep` stay. save_best_only
    keeps one file, best.safetensors, from the epoch with the best `monitor`.
    """

    def __init__(
        self,
        directory: PathLike,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        max_to_keep: int | None = 5,
    ) -> None:
        super().__init__(monitor, mode)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ConfigError(f"ModelCheckpoint: save_freq {save_freq!r}; use 'epoch' or a number")
        self.manager = CheckpointManager(directory, max_to_keep)
        self.best_only, self.save_freq = save_best_only, save_freq

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """None; saves, if epochs are what is counted."""
        if self.save_freq != "epoch":
            return
        if not self.best_only:
            self._save()
        elif self.better(self.value(logs)):
            save_checkpoint(self.manager.directory / "best.safetensors", **run_state(self.run))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """None; saves, if batches are what is counted."""
        if self.save_freq != "epoch" and self._steps() % int(self.save_freq) == 0:
            self._save()

    def _steps(self) -> int:
        return int(self.run.epoch * self.run.steps + self.run.batch)

    def _save(self) -> None:
        self.manager.save(self._steps(), **run_state(self.run))


class BackupAndRestore(ModelCheckpoint):
    """ModelCheckpoint that also goes on from the newest valid file there is.

    Call fit() again with the same arguments after a crash: it continues, bit for bit, with the
    epoch and batch after the last backup. The files stay after training, for `watch` to look at.
    """

    def __init__(
        self, backup_dir: PathLike, save_freq: str | int = "epoch", max_to_keep: int | None = 2
    ) -> None:
        super().__init__(backup_dir, save_freq=save_freq, max_to_keep=max_to_keep)

    def on_train_begin(self, logs: dict[str, Any]) -> None:
        """None; restores. Raises CheckpointError if the newest backup is of another model."""
        self.manager.restore(**run_state(self.run))
