"""What a model is made of, as JSON: enough to make one of the same shape, without pickle or eval.

{"class": "Linear", "args": [784, 10], "options": {"bias": false}} is nn.Linear(784, 10,
bias=False); containers list what is inside. Weights are not part of it: see state_dict.
"""

import inspect
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..signatures.expected import brief
from . import regularizers

Config = dict[str, Any]
_WEIGHTS_ONLY = ("rng", "kernel_initializer", "bias_initializer", "dtype")
_PENALTIES = {"L1": regularizers.L1, "L2": regularizers.L2}


def describe(module: Any, classes: dict[str, Any]) -> Config:
    """The description of a module of one of the classes. Raises ConfigError for others."""
    kind = type(module)
    if classes.get(kind.__name__) is not kind:
        raise ConfigError(
            f"get_config: {kind.__name__} is no module of microgradnn.nn; whoever loads it must "
            "make it"
        )
    if kind.holds_modules:  # an MLP is the Sequential that it has become
        name = "Sequential" if kind.__name__ == "MLP" else kind.__name__
        return {
            "class": name,
            "inside": {k: describe(m, classes) for k, m in module._inside().items()},
        }

    args, options = module._given
    given = inspect.signature(kind).bind(*args, **options)
    for name in _WEIGHTS_ONLY:
        given.arguments.pop(name, None)
        given.arguments.get("weights", {}).pop(name, None)
    return {
        "class": kind.__name__,
        "args": [_encoded(kind, a, classes) for a in given.args],
        "options": {k: _encoded(kind, v, classes) for k, v in given.kwargs.items()},
    }


def _encoded(kind: type, value: Any, classes: dict[str, Any]) -> Any:
    """An argument that a module of this kind was given, as plain data."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_encoded(kind, v, classes) for v in value]
    if hasattr(value, "_given"):
        return describe(value, classes)
    if type(value) in _PENALTIES.values():
        return {"penalty": type(value).__name__, "lam": value.lam}
    raise ConfigError(
        f"get_config: {kind.__name__} was given a {type(value).__name__}, which is no plain data"
    )


def make(config: Config, classes: dict[str, Any]) -> Any:
    """A new module as described. Raises ConfigError for anything else."""
    if not isinstance(config, dict):
        raise ConfigError(f"from_config: got {brief(config)}, need the dict that get_config made")
    try:
        kind = classes[config["class"]]
        if "inside" in config:
            whole = kind()
            for name, inner in config["inside"].items():
                whole.add_module(name, make(inner, classes))
            return whole
        args = [_decoded(a, classes) for a in config["args"]]
        return kind(*args, **{k: _decoded(v, classes) for k, v in config["options"].items()})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"from_config: no description of a model ({error!r})") from error


def _decoded(value: Any, classes: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return tuple(_decoded(v, classes) for v in value)
    if isinstance(value, dict):
        if "penalty" in value:
            return _PENALTIES[value["penalty"]](value["lam"])
        return make(value, classes)
    return value
