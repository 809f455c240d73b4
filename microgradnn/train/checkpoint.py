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
import time
import warnings
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.errors import CheckpointError, ConfigError, DTypeError
from ..engine.interrupts import held
from ..optional import need

FORMAT = "microgradnn.checkpoint"
VERSION = 1
PathLike = str | os.PathLike[str]


def save_checkpoint(path: PathLike, **objects: Any) -> Path:
    """The path of a new file with the state of the objects, written in one step.

    A crash while writing leaves the previous file. Raises DTypeError for what cannot be stored,
    MissingPackageError without safetensors, OSError where the disk refuses.
    """
    arrays: dict[str, np.ndarray] = {}
    tree = {name: _encode(_state(obj), name, arrays) for name, obj in objects.items()}
    configs = {n: _config(o) for n, o in objects.items() if hasattr(o, "get_config")}
    state = json.dumps({"version": VERSION, "objects": tree, "configs": configs})
    head = {"format": FORMAT, "state": state, "checksum": _checksum(state, arrays)}
    content = _sorted(_safetensors().save(arrays, head))
    return write_atomically(path, content)


def read_checkpoint(path: PathLike) -> dict[str, Any]:
    """The states in a file, by the names they were saved under.

    Raises CheckpointError if the file is missing, cut off, damaged or not one of ours.
    """
    state, arrays = _parse(Path(path))
    return {name: _decode(node, arrays) for name, node in state["objects"].items()}


def read_configs(path: PathLike) -> dict[str, Any]:
    """What the models in a file are made of (see Module.get_config), None where it is unknown."""
    return dict(_parse(Path(path))[0]["configs"])


def load_checkpoint(path: PathLike, **objects: Any) -> dict[str, Any]:
    """The states in a file, after those of the given objects have been put into them.

    All objects are restored or none: if one does not fit (another architecture), those already
    restored get their old state back. Raises CheckpointError.
    """
    states = read_checkpoint(path)
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
        _safetensors()  # a missing package is known before training, not after its first epoch
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
        for path in reversed(self.checkpoints):
            try:
                read_checkpoint(path)
            except CheckpointError as error:
                warnings.warn(f"{error}; trying the one before", stacklevel=2)
            else:
                return path
        return None

    def save(self, step: int, **objects: Any) -> Path:
        """The path of the checkpoint of this step; the oldest beyond max_to_keep are deleted."""
        path = save_checkpoint(self.path(step), step=int(step), **objects)
        if self.max_to_keep is not None:
            for old in self.checkpoints[: -self.max_to_keep]:
                if old != path:  # a run that starts again at step 0 keeps what it has just written
                    old.unlink(missing_ok=True)
        for part in self.directory.glob(f".{self.name}-*.part"):  # of a run that was killed
            if time.time() - part.stat().st_mtime > 60:
                part.unlink(missing_ok=True)
        return path

    def restore(self, **objects: Any) -> dict[str, Any] | None:
        """The states of the newest valid checkpoint, put into the objects, or None."""
        path = self.latest_checkpoint
        return None if path is None else load_checkpoint(path, **objects)


# ---- states -------------------------------------------------------------------------------------


def _state(obj: Any) -> Any:
    if isinstance(obj, dict | list | tuple | str | int | float | bool | None | np.ndarray):
        return obj
    if hasattr(obj, "state_dict"):
        return obj.state_dict()
    if hasattr(obj, "bit_generator"):
        return obj.bit_generator.state
    return obj  # a NumPy scalar, or what _encode refuses by name


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


def _encode(node: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """JSON for a tree of plain data; its arrays go into `arrays` under their path."""
    if node is None or isinstance(node, (bool, str)) or type(node) in (int, float):
        return node
    if isinstance(node, (np.ndarray, np.generic)):
        array = np.asarray(node)
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise DTypeError(f"save_checkpoint: {name} has dtype {array.dtype}, which has no place")
        # safetensors writes the buffer as it lies in memory, also where it is not in C order.
        key = str(len(arrays))  # not the path: {"a": {"b": …}, "a.b": …} has two of one path
        arrays[key] = np.array(array, array.dtype.newbyteorder("="), order="C", copy=True)
        return {"$": "array", "of": key}
    if isinstance(node, (list, tuple)):
        items = [_encode(v, f"{name}.{i}", arrays) for i, v in enumerate(node)]
        return items if isinstance(node, list) else {"$": "tuple", "of": items}
    if isinstance(node, dict):
        for key in node:
            if type(key) not in (str, int):
                raise DTypeError(f"save_checkpoint: key {key!r} of {name} is no string or integer")
        pairs = [[k, _encode(v, f"{name}.{k}", arrays)] for k, v in node.items()]
        return {"$": "dict", "of": pairs}
    raise DTypeError(
        f"save_checkpoint: {name} is a {type(node).__name__}, which is neither an array, a number, "
        "text nor a list or dict of them"
    )


def _decode(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(node, list):
        return [_decode(v, arrays) for v in node]
    if not isinstance(node, dict):
        return node
    kind, of = node["$"], node["of"]
    if kind == "array":
        return arrays[of]
    if kind == "tuple":
        return tuple(_decode(v, arrays) for v in of)
    if kind != "dict":
        raise KeyError(kind)
    return {k: _decode(v, arrays) for k, v in of}


def _sorted(content: bytes) -> bytes:
    """The same file with its header in order: equal states make equal files, byte for byte."""
    end = 8 + int.from_bytes(content[:8], "little")
    head = json.dumps(json.loads(content[8:end]), sort_keys=True, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)  # the format wants the arrays aligned
    return len(head).to_bytes(8, "little") + head + content[end:]


def _checksum(state: str, arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 of the text and of the arrays' names, types, shapes and bytes: finds accidents."""
    crc = zlib.crc32(state.encode())
    for name in sorted(arrays):
        a = arrays[name]
        crc = zlib.crc32(f"{name} {a.dtype.str} {a.shape}".encode(), crc)
        crc = zlib.crc32(a.tobytes(), crc)
    return f"{crc:08x}"


def _parse(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The state in the header of a file and its arrays, whole and undamaged."""
    library = _safetensors()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    text, checksum, state = _header(path, content)
    try:
        arrays = library.load(content)
    except Exception as error:  # its own exception type is not public
        raise CheckpointError(f"{path}: cut off or damaged ({error})") from error
    if checksum != _checksum(text, arrays):
        raise CheckpointError(f"{path}: damaged, it does not have its checksum")
    try:
        for node in state["objects"].values():
            _decode(node, arrays)
        dict(state["configs"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path}: its header is not one of ours ({error!r})") from error
    return state, arrays


def _header(path: Path, content: bytes) -> tuple[str, str | None, dict[str, Any]]:
    """The text of the state in a file's header, the checksum beside it, and the state itself."""
    try:
        size = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + size])["__metadata__"]
        if head["format"] != FORMAT:
            raise KeyError(head["format"])
        state = json.loads(head["state"])
        version = state["version"]
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError) as error:
        raise CheckpointError(f"{path}: not a checkpoint of microgradnn, or cut off") from error
    if version != VERSION:
        raise CheckpointError(
            f"{path}: checkpoint of version {version}, this library reads {VERSION}"
        )
    return head["state"], head.get("checksum"), state


def _safetensors() -> ModuleType:
    return need("safetensors.numpy", "a checkpoint")
