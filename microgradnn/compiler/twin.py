"""A model's twin: modules of the same classes whose parameters and buffers are traced.

The model itself is not touched, so that others may use it meanwhile. The compiler stands below the
models and knows them by what they have: parameters, buffers, modules inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine.tensor import Tensor


def is_module(x: Any) -> bool:
    """Whether x is a model of nn, or one like it."""
    return hasattr(x, "named_parameters") and hasattr(x, "named_modules")


def members(model: Any) -> Iterator[tuple[str, Any, str, Any]]:
    """(path, module, name, array) of each parameter and buffer, each once."""
    seen: set[int] = set()
    for prefix, module in model.named_modules():
        for name, x in vars(module).items():
            buffer = name in getattr(module, "_buffers", ()) and x is not None
            if (isinstance(x, Tensor) or buffer) and id(x) not in seen:
                seen.add(id(x))
                yield f"{prefix}.{name}" if prefix else name, module, name, x


def twin_of(module: Any, traced: dict[int, Any], made: dict[int, Any]) -> Any:
    """The twin of a module; `traced` holds the carriers by the id of what they stand for."""
    if id(module) in made:
        return made[id(module)]
    twin = made[id(module)] = object.__new__(type(module))
    for name, x in vars(module).items():
        if id(x) in traced:
            x = traced[id(x)]
        elif is_module(x):
            x = twin_of(x, traced, made)
        twin.__dict__[name] = x
    return twin


def short_names(model: Any) -> dict[int, str]:
    """Names of parameters by id: W1, b1, W2, … where modules have numbers, else their paths."""
    layers: dict[int, int] = {}
    found = list(members(model))
    matrices = [module for _, module, name, x in found if name == "weight" and np.ndim(x) > 1]
    for module in matrices:
        layers.setdefault(id(module), len(layers) + 1)
    names = {}
    for path, module, name, x in found:
        steps = path.split(".")
        if any(not s.isdigit() for s in steps[:-1]) or len(steps) == 1:
            names[id(x)] = path.replace(".", "_") if len(steps) > 1 else _letter(name, x, True)
            continue
        layer = layers.get(id(module))
        number = str(layer) if layer and len(layers) > 1 else ""
        names[id(x)] = _letter(name, x, layer is not None) + number
    return names


def _letter(name: str, x: Any, matrix: bool) -> str:
    if matrix:
        return {"weight": "W", "bias": "b"}.get(name, name)
    return {"weight": "gamma", "bias": "beta"}.get(name, name)
