"""Checkpoints: the whole state of a training run in one safetensors file, never a pickle.

What is saved are named objects: anything with state_dict() and load_state_dict() (models,
optimisers, EMA, schedulers), NumPy Generators, and plain data (numbers, strings, lists, dicts,
arrays). Arrays become tensors of the file; the rest is JSON in its header, with a checksum.
Source of the format: https://huggingface.co/docs/safetensors (header and metadata).
"""

from __future__ import annotations  # np.random loads when it is used, not before

import copy
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import delete_left_over, write_atomically
from ..errors import CheckpointError, ConfigError
from ..interrupts import held
from ..notices import notice
from .checkpoint_file import (
    FORMAT,
    VERSION,
    checksum_of,
    decode,
    encode,
    in_order,
    parse,
    safetensors,
)

LOOKS = 1000  # how often newest() looks again where files vanish
PathLike = str | os.PathLike[str]


def save_checkpoint(path: PathLike, **objects: Any) -> Path:
    """The path of a new file with the state of the objects, written in one step.

    A crash while writing leaves the previous file. Raises DTypeError for what cannot be stored,
    MissingPackageError without safetensors, OSError where the disk refuses.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = {name: encode(_state(obj), name, arrays) for name, obj in objects.items()}
    configs = {n: _config(o) for n, o in objects.items() if hasattr(o, "get_config")}
    state = json.dumps({"version": VERSION, "objects": tree, "configs": configs})
    head = {"format": FORMAT, "state": state, "checksum": checksum_of(state, arrays)}
    content = in_order(safetensors().save(arrays, head))
    return write_atomically(path, content)


def read_checkpoint(path: PathLike) -> dict[str, Any]:
    """The states in a file, by the names they were saved under.

    Raises CheckpointError if the file is missing, cut off, damaged or not one of ours.
    """
    state, arrays = parse(Path(path))
    return {name: decode(node, arrays) for name, node in state["objects"].items()}


def read_configs(path: PathLike) -> dict[str, Any]:
    """What the models in a file are made of (see Module.get_config), None where it is unknown."""
    return dict(parse(Path(path))[0]["configs"])


def load_checkpoint(path: PathLike, **objects: Any) -> dict[str, Any]:
    """The states in a file, after those of the given objects have been put into them.

    All objects are restored or none: if one does not fit (another architecture), those already
    restored get their old state back. Raises CheckpointError.
    """
    return _put(path, read_checkpoint(path), objects)


def _put(path: PathLike, states: dict[str, Any], objects: dict[str, Any]) -> dict[str, Any]:
    """The states, after those of the objects have been put into them: all or none."""
    for name in objects:
        if name not in states:
            raise CheckpointError(f"{path}: holds no {name!r}, only {', '.join(states)}")
    for name, obj in objects.items():
        if not hasattr(obj, "load_state_dict") and not hasattr(obj, "bit_generator"):
            raise CheckpointError(
                f"{path}: {name} does not fit, nothing was restored: a {type(obj).__name__} "
                "cannot be restored in place; use read_checkpoint"
            )
    with held:
        before: list[tuple[Any, Any]] = []
        try:
            for name, obj in objects.items():
                before.append((obj, copy.deepcopy(_state(obj))))
                _restore(obj, states[name])
        except Exception as error:
            for obj, state in before:
                _restore(obj, state)
            why = f"{name} does not fit, nothing was restored: {error}"
            raise CheckpointError(f"{path}: {why}") from error
    return states


class CheckpointManager:
    """Numbered checkpoints in a folder, of which the newest `max_to_keep` stay (None: all).

    Named after tf.train.CheckpointManager. The files are called NAME-00000100.safetensors.
    Raises MissingPackageError without safetensors, at once.
    """

    def __init__(
        self, directory: PathLike, max_to_keep: int | None = 5, checkpoint_name: str = "ckpt"
    ) -> None:
        if max_to_keep is not None and max_to_keep < 1:
            raise ConfigError(f"CheckpointManager: max_to_keep is {max_to_keep}, need 1 or more")
        if not re.fullmatch(r"[\w.-]+", checkpoint_name):
            raise ConfigError(
                f"CheckpointManager: checkpoint_name {checkpoint_name!r} is no plain file name"
            )
        safetensors()  # a missing package is known before training, not after its first epoch
        self.directory, self.max_to_keep = Path(directory), max_to_keep
        self.name = checkpoint_name

    def path(self, step: int) -> Path:
        """Where the checkpoint of a step is."""
        return self.directory / f"{self.name}-{step:08d}.safetensors"

    @property
    def checkpoints(self) -> list[Path]:
        """The files there are, oldest first."""
        found = [(self.step(p), p) for p in self.directory.glob(f"{self.name}-*.safetensors")]
        return [p for step, p in sorted(found) if step >= 0]

    def step(self, path: Path) -> int:
        """The step in a file's name, -1 if there is none."""
        match = re.fullmatch(rf"{re.escape(self.name)}-(\d+)\.safetensors", path.name)
        return int(match[1]) if match else -1

    @property
    def latest_checkpoint(self) -> Path | None:
        """The newest file that can be read whole, or None; damaged ones are warned about."""
        newest = self.newest()
        return None if newest is None else newest[0]

    def newest(self) -> tuple[Path, dict[str, Any], dict[str, Any]] | None:
        """Returns the path, the states and the configs of latest_checkpoint, or None.

        Another process may save and delete meanwhile: where a file has gone, all is looked for
        again.
        """
        damaged: dict[Path, str] = {}
        for _ in range(LOOKS):
            try:
                return self._newest(damaged)
            except FileNotFoundError:
                continue
        raise CheckpointError(f"{self.directory}: files vanish faster than they can be read")

    def _newest(
        self, damaged: dict[Path, str]
    ) -> tuple[Path, dict[str, Any], dict[str, Any]] | None:
        for path in reversed(self.checkpoints):
            try:
                state, arrays = parse(path)
            except CheckpointError as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    raise error.__cause__ from None
                if damaged.get(path) != str(error):
                    notice(f"{error}; trying the one before", once=False)
                damaged[path] = str(error)
            else:
                states = {name: decode(node, arrays) for name, node in state["objects"].items()}
                return path, states, dict(state["configs"])
        return None

    def save(self, step: int, **objects: Any) -> Path:
        """The path of the checkpoint of this step; the oldest beyond max_to_keep are deleted."""
        path = save_checkpoint(self.path(step), step=int(step), **objects)
        if self.max_to_keep is not None:
            for old in self.checkpoints[: -self.max_to_keep]:
                if old != path:  # a run that starts again at step 0 keeps what it has just written
                    old.unlink(missing_ok=True)
        delete_left_over(self.directory, f".{self.name}-*.part")
        return path

    def restore(self, **objects: Any) -> dict[str, Any] | None:
        """The states of the newest valid checkpoint, put into the objects, or None."""
        newest = self.newest()
        return None if newest is None else _put(newest[0], newest[1], objects)


# ---- states -------------------------------------------------------------------------------------


def _state(obj: Any) -> Any:
    if isinstance(obj, dict | list | tuple | str | int | float | bool | None | np.ndarray):
        return obj
    if hasattr(obj, "state_dict"):
        return obj.state_dict()
    if hasattr(obj, "bit_generator"):
        return obj.bit_generator.state
    return obj  # a NumPy scalar, or what encode refuses by name


def _config(obj: Any) -> Any:
    try:
        return obj.get_config()
    except ConfigError:  # a class of the user's: whoever loads it must make it
        return None


def _restore(obj: Any, state: Any) -> None:
    if hasattr(obj, "load_state_dict"):
        obj.load_state_dict(state)
    else:
        obj.bit_generator.state = state
