"""What a model is made of, as JSON: enough to make one of the same shape, without pickle or eval.

{"class": "Linear", "args": [784, 10], "options": {"bias": false}} is nn.Linear(784, 10,
bias=False); containers list what is inside. Weights are not part of it: see state_dict.
"""

from __future__ import annotations  # np.random loads when it is used, not before

from typing import Any

import numpy as np

from ..errors import ConfigError
from . import regularizers
from .containers import Chain, ModuleDict
from .module import Module

_WEIGHTS_ONLY = ("rng", "kernel_initializer", "bias_initializer", "dtype")


def get_config(module: Module) -> dict[str, Any]:
    """The description of a model of this library's modules. Raises ConfigError for others."""
    dtypes = {p.dtype.name for p in module.parameters()}
    return _describe(module) | {"dtype": dtypes.pop() if len(dtypes) == 1 else "float32"}


def from_config(config: dict[str, Any]) -> Module:
    """A new model as described, with weights drawn anew. Raises ConfigError for anything else."""
    try:
        return _make(config).to(config.get("dtype", "float32"))
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"from_config: no description of a model ({error!r})") from error


def _describe(module: Module) -> dict[str, Any]:
    kind = type(module)
    name = "Sequential" if kind.__name__ == "MLP" else kind.__name__
    if _classes().get(kind.__name__) is not kind:
        raise ConfigError(f"get_config: {kind.__name__} is no module of microgradnn.nn")
    if isinstance(module, (Chain, ModuleDict)):
        return {"class": name, "inside": {k: _describe(m) for k, m in module._inside().items()}}
    args, options = module._given
    return {
        "class": name,
        "args": [_encode(kind, a) for a in args],
        "options": {k: _encode(kind, v) for k, v in options.items() if k not in _WEIGHTS_ONLY},
    }


def _encode(kind: type, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_encode(kind, v) for v in value]
    if isinstance(value, Module):
        return _describe(value)
    if type(value) in (regularizers.L1, regularizers.L2):
        return {"regularizer": type(value).__name__, "lam": value.lam}
    raise ConfigError(f"get_config: {kind.__name__} was given a {type(value).__name__}, which is no plain data")


def _make(config: dict[str, Any]) -> Module:
    kind = _classes().get(config["class"])
    if kind is None:
        raise ConfigError(f"from_config: no module is called {config['class']!r}")
    if "inside" in config:
        whole = kind()
        for name, inner in config["inside"].items():
            whole.add_module(name, _make(inner))
        return whole
    args = [_decode(a) for a in config["args"]]
    return kind(*args, **{k: _decode(v) for k, v in config["options"].items()})


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(v) for v in value)
    if isinstance(value, dict):
        if "regularizer" in value:
            return {"L1": regularizers.L1, "L2": regularizers.L2}[value["regularizer"]](value["lam"])
        return _make(value)
    return value


def _classes() -> dict[str, type[Module]]:
    """The modules of this library, by name."""
    found, todo = {}, [Module]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith(__package__ + "."):
            found[kind.__name__] = kind
    return found
