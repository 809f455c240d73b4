"""Setting the parameters and buffers of a module from saved arrays: all of them, or none."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..engine.node import Node, plain
from ..errors import ConfigError, nearest
from ..optim.saving import too_large

NEAR = " (did you mean {}?)"


class IncompatibleKeys(NamedTuple):
    """The names that load_state_dict did not find, and those it has no use for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load(
    own: Mapping[str, Any], names: Mapping[str, Any], state: Mapping[str, Any], strict: bool
) -> IncompatibleKeys:
    """What is missing and unexpected in state, after everything else in it was taken over.

    `own` is every parameter and buffer once, `names` the same with all names of shared ones.
    """
    kind = type(state).__name__
    if not isinstance(state, Mapping):
        raise ConfigError(f"load_state_dict: got {kind}, need a dict of arrays, as state_dict()'s")
    given = {id(names[name]) for name in state if name in names}
    missing = [name for name, target in own.items() if id(target) not in given]
    unexpected = [name for name in state if name not in names]
    wrong = [f"missing {', '.join(missing)}"] if strict and missing else []
    arrays = {}
    for name in state:
        if name in names:
            array, target = np.asarray(plain(state[name])), plain(names[name])
            wrong += (misfit := _misfit(name, array, target))
            arrays[name] = array if misfit else np.array(array, target.dtype)
    if strict and unexpected:
        wrong.append("unexpected " + ", ".join(f"{n}{nearest(n, names, NEAR)}" for n in unexpected))
    if wrong:
        raise ConfigError("load_state_dict: " + "; ".join(wrong))
    for name, array in arrays.items():
        _assign(names[name], array)
    return IncompatibleKeys(missing, unexpected)


def _assign(target: Any, array: np.ndarray) -> None:
    if isinstance(target, Node):
        target.data = array
    else:
        target[...] = array


def _misfit(name: str, array: np.ndarray, target: np.ndarray) -> list[str]:
    if array.dtype.kind not in "biuf" and array.dtype != target.dtype:
        return [f"{name} has dtype {array.dtype}, expected {target.dtype}"]
    if array.shape == target.shape:
        return [f"{name} {problem}"] if (problem := too_large(array, target)) else []
    turned = array.ndim == 2 and array.shape[::-1] == target.shape
    hint = " (transpose it: weights are (in, out) here)" if turned else ""
    return [f"{name} has shape {array.shape}, expected {target.shape}{hint}"]
