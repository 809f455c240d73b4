"""Callbacks that write files: checkpoints, and the figures of each epoch."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..errors import ConfigError
from ..nn.training import Logs
from .callback_states import CallbackStates
from .checkpoint import CheckpointManager, PathLike, save_checkpoint
from .events import Callback, Monitor
from .run import TrainingRun


class CSVLogger(Callback):
    """Writes a row with the figures of each epoch; `append` goes on with a file there is."""

    keeps = ("fields",)

    def __init__(self, filename: PathLike, separator: str = ",", append: bool = False) -> None:
        self.path, self.separator, self.append = Path(filename), separator, append
        self.fields: list[str] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the text of the file so far."""
        text = self._read() if self.path.exists() else ""
        return super().state_dict() | {"text": text}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Writes the file as it was: rows of epochs that will be done again are gone."""
        super().load_state_dict(state)
        write_atomically(self.path, state["text"])

    def _read(self) -> str:
        with open(self.path, newline="", encoding="utf-8") as file:
            return file.read()

    def on_train_begin(self, logs: Logs) -> None:
        """Makes a new file, or reads the columns of the old one."""
        self.fields = None
        if self.append and self.path.exists() and self.path.stat().st_size:
            with open(self.path, newline="", encoding="utf-8") as file:
                self.fields = next(csv.reader(file, delimiter=self.separator))
        else:
            write_atomically(self.path, "")

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Writes one row, which is on the disk at once."""
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


class ModelCheckpoint(Monitor):
    """Saves the model, the optimiser and the run into a folder, after each epoch or N batches.

    The files are called ckpt-<steps>.safetensors; the newest `max_to_keep` stay. save_best_only
    keeps one file, best.safetensors, from the epoch with the best `monitor`. Raises
    MissingPackageError without safetensors, when it is made.
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

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Saves, if epochs are what is counted."""
        if self.save_freq != "epoch":
            return
        if not self.best_only:
            self._save()
        elif self.patient.better(self.figure(logs)):
            save_checkpoint(self.manager.directory / "best.safetensors", **run_state(self.run))

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Saves, if batches are what is counted."""
        if self.save_freq != "epoch" and self._steps() % int(self.save_freq) == 0:
            self._save()

    def _steps(self) -> int:
        return self.run.epoch * self.run.steps + self.run.batch

    def _saved(self) -> dict[str, Any]:
        return run_state(self.run)

    def _save(self) -> None:
        self.manager.save(self._steps(), **self._saved())


class BackupAndRestore(ModelCheckpoint):
    """ModelCheckpoint that also goes on from the newest valid file there is.

    Call fit() again with the same arguments after a crash: it continues, bit for bit, with the
    epoch and batch after the last backup; the state of the other callbacks is saved too, and a run
    that one of them stopped stays stopped. It is called after all others, wherever it stands. The
    files stay after training, for `watch` to look at.

    A callback of your own that changes its attributes is refused with a ConfigError, unless the
    attributes are named in `keeps` or it has state_dict and load_state_dict: a resumed run would
    begin anew with them. So is a ModelCheckpoint that writes the same files.
    """

    saves_run = True

    def __init__(
        self, backup_dir: PathLike, save_freq: str | int = "epoch", max_to_keep: int | None = 2
    ) -> None:
        super().__init__(backup_dir, save_freq=save_freq, max_to_keep=max_to_keep)

    def on_train_begin(self, logs: Logs) -> None:
        """Restores, or saves how all begins. Raises CheckpointError if the newest does not fit."""
        self._refuse_shared_folder()
        self.others = CallbackStates(self.run)
        restored = self.manager.restore(**self._saved())
        self.others.watch()
        if restored is None:  # also a run that ends before its first backup is done again from here
            self._save()
        self.first = True

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """Saves, if batches are what is counted."""
        if self.first:  # what would not be saved is told early
            self.others.check()
            self.first = False
        super().on_train_batch_end(batch, logs)

    def _saved(self) -> dict[str, Any]:
        return run_state(self.run) | {"callbacks": self.others}

    def _refuse_shared_folder(self) -> None:
        folder = self.manager.directory.resolve()
        for other in self.run.callbacks:
            if isinstance(other, ModelCheckpoint) and not other.best_only and other is not self:
                if other.manager.directory.resolve() == folder:
                    raise ConfigError(
                        f"{type(self).__name__}: another {type(other).__name__} writes files of "
                        f"the same names to {self.manager.directory}; give each its own folder"
                    )


def run_state(run: TrainingRun) -> dict[str, Any]:
    """The objects of a run that a checkpoint holds: enough to go on bit for bit."""
    objects: dict[str, Any] = {"model": run.model, "optimizer": run.optimizer, "run": run}
    if run.ema is not None:
        objects["ema"] = run.ema
    return objects | {f"rng {name}": rng for name, rng in run.model.named_generators()}
