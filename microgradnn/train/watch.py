"""Evaluates the newest checkpoint of a folder again and again, while another process trains.

python -m microgradnn watch FOLDER --data mnist
"""

import importlib.util
import math
import sys
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .. import nn
from ..data import load_mnist
from ..errors import CheckpointError, ConfigError, DataError
from .checkpoint import CheckpointManager


def watch(
    directory: Path,
    data: tuple[np.ndarray, np.ndarray],
    *,
    every: float = 5.0,
    once: bool = False,
    make_model: Callable[[], nn.Module] | None = None,
    show: Callable[[str], None] = print,
) -> int:
    """How many checkpoints were evaluated; runs until Ctrl-C, or to the newest with `once`.

    `data` is (x, labels). A line tells step, accuracy and which weights: the averaged ones where
    the checkpoint has them. Raises CheckpointError if `once` finds no checkpoint.
    """
    if not 0 < every < math.inf:
        raise ConfigError(f"watch: every is {every:g}, need a number of seconds above 0")
    manager, seen, count = CheckpointManager(directory), None, 0
    while True:
        with warnings.catch_warnings(record=True) as damaged:
            warnings.simplefilter("always")
            newest = manager.newest()
        path = None if newest is None else newest[0]
        for warning in damaged if path is not None and path != seen else ():
            print(f"microgradnn: {warning.message}", file=sys.stderr)
        if newest is not None and path != seen:
            show(report(*newest, data, make_model))
            seen, count = path, count + 1
        if once:
            if path is None:
                raise CheckpointError(f"{directory}: no checkpoint there (ckpt-….safetensors)")
            return count
        if path is None and not count:
            show(f"{directory}: no checkpoint yet, looking again every {every:g} s")
            count = 0
        time.sleep(every)


def report(
    path: Path,
    states: dict[str, Any],
    configs: dict[str, Any],
    data: tuple[np.ndarray, np.ndarray],
    make_model: Callable[[], nn.Module] | None = None,
) -> str:
    """One line on a checkpoint, as newest() gives it: step, accuracy, and how it was obtained."""
    model = model_of(path, states, configs, make_model)
    weights = "last weights"
    if "ema" in states:
        _average(path, model, states["ema"])
        weights = "averaged weights"
    x, labels = data
    right = int((model.predict(x).argmax(-1) == labels).sum())
    step = CheckpointManager(path.parent).step(path)
    return (
        f"step {step:6d}  accuracy {right / len(labels):.4f}  {len(labels) - right} of "
        f"{len(labels)} wrong  ({weights}, {path.name})"
    )


def _average(path: Path, model: nn.Module, state: Any) -> None:
    """Gives the model the averaged weights. Raises CheckpointError if they are not whole."""
    names = [name for name, _ in model.named_parameters()]
    try:
        shadow = state["shadow"]
        if set(shadow) != set(names):  # of an EMA that was given parameters without names
            shadow = dict(zip(names, shadow.values(), strict=True))
        model.load_state_dict(shadow, strict=False)
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: its averaged weights do not fit ({error})") from error


def model_of(
    path: Path,
    states: dict[str, Any],
    configs: dict[str, Any],
    make_model: Callable[[], nn.Module] | None = None,
) -> nn.Module:
    """The model of a checkpoint, made by `make_model` or as the file says, with its weights."""
    if "model" not in states:
        raise CheckpointError(f"{path}: holds no 'model', only {', '.join(states)}")
    config = configs.get("model")
    if make_model is not None:
        model = make_model()
        if not isinstance(model, nn.Module):
            raise ConfigError(f"--model: the function returned a {type(model).__name__}, no model")
    elif config is not None:
        model = nn.Module.from_config(config)
    else:
        raise ConfigError(
            f"{path}: its model is of a class of your own; pass --model FILE.py:FUNCTION, a "
            "function that returns such a model"
        )
    model.load_state_dict(states["model"])
    return model


def samples(source: str, split: str = "validation") -> tuple[np.ndarray, np.ndarray]:
    """(x, labels) from an .npz file with arrays x and y, a folder with MNIST, or "mnist"."""
    if not source.endswith(".npz"):
        part = getattr(load_mnist(None if source == "mnist" else source), split)
        return part.x, part.y
    try:
        with open(source, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            x, y = file["x"], file["y"]
    except (OSError, KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise DataError(f"{source}: need an .npz file with arrays x and y ({error})") from error
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if x.ndim < 1 or y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        raise DataError(
            f"{source}: x {x.shape} and y {y.shape} of {y.dtype} are no samples with integer labels"
        )
    return x, y


def function_in(spec: str) -> Callable[[], nn.Module]:
    """The function FUNCTION of FILE.py, from the text FILE.py:FUNCTION. Runs the file."""
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not name or not path.is_file():
        raise ConfigError(f"--model {spec}: need FILE.py:FUNCTION, and the file must exist")
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    if not callable(getattr(module, name, None)):
        raise ConfigError(f"--model {spec}: {path} defines no function {name}")
    return getattr(module, name)
