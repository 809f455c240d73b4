"""What a file written for PyTorch, JAX, TensorFlow or HIPS autograd holds that can be checked.

Nothing is imported for that: a framework that the file uses has been imported by the file.
"""

import inspect
import sys
from collections.abc import Iterator, Sequence
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from ..oracle.torch_forward import is_function, with_setup
from ..source import is_empty, line
from ..subject import Subject
from ..subjects.framed import maker_of


def found(module: ModuleType) -> Iterator[dict[str, Any]]:
    """The fields of a Found for each thing of a framework that the module itself defines."""
    torch = sys.modules.get("torch")
    if hasattr(torch, "autograd"):
        yield from _of_torch(module, torch)


def subject(thing: Any, args: Sequence[Any], init: Sequence[Any], name: str) -> Subject:
    """What is checked of a framework's thing at these arguments; a class of modules is made one."""
    if isinstance(thing, type) and not is_function(thing, sys.modules["torch"]):
        sys.modules["torch"].manual_seed(0)
        thing = thing(*map(_plain, init))
    make = maker_of(thing, name=name)
    assert make is not None
    return make(args)


def _plain(x: Any) -> Any:
    """A constructor's argument, integers of NumPy as Python's."""
    return x.item() if isinstance(x, np.generic) else x


# ---- PyTorch -------------------------------------------------------------------------------------


def _of_torch(module: ModuleType, torch: Any) -> Iterator[dict[str, Any]]:
    classes: dict[str, Any] = {
        name: cls
        for name, cls in vars(module).items()
        if isinstance(cls, type) and cls.__module__ == module.__name__
    }
    functions = {name: c for name, c in classes.items() if is_function(c, torch)}
    for name, cls in functions.items():
        if _own(cls, "forward") and _own(cls, "backward"):
            yield _function(name, cls, torch)
    for name, cls in classes.items():
        if issubclass(cls, torch.nn.Module) and _uses(cls, set(functions.values()), module, torch):
            yield {"name": name, "style": "module", "forward": cls.forward, "backward": None,
                   "cls": cls, "line": line(cls), "thing": cls}  # fmt: skip


def _own(cls: type, method: str) -> bool:
    """Whether a class or one that it is made of, of the user's, has the method."""
    homes = [c for c in cls.__mro__ if method in vars(c)]
    return bool(homes) and not homes[0].__module__.startswith("torch.")


def _function(name: str, cls: Any, torch: Any) -> dict[str, Any]:
    """An autograd.Function; its forward without ctx, for what reads signatures."""
    inner = cls.forward
    empty = next((f for f in (inner, cls.backward) if is_empty(f)), None)

    @wraps(inner)
    def forward(*args: Any) -> Any:
        return cls.apply(*args)

    parameters = list(inspect.signature(inner).parameters.values())
    skip = 0 if with_setup(cls, torch) else 1
    vars(forward)["__signature__"] = inspect.Signature(parameters[skip:])
    return {"name": name, "style": "torch", "forward": forward, "backward": cls.backward,
            "cls": None, "line": line(cls.backward), "thing": cls, "empty": empty}  # fmt: skip


def _uses(cls: type, functions: set[Any], module: ModuleType, torch: Any) -> bool:
    """Whether a module's methods name a hand-written Function, or its apply, of this file."""
    names = {name for name, v in vars(module).items() if _is_one(v, functions)}
    methods = [f for f in vars(cls).values() if isinstance(f, FunctionType)]
    return bool(names) and any(names & set(f.__code__.co_names) for f in methods)


def _is_one(v: Any, functions: set[Any]) -> bool:
    if isinstance(v, type):
        return v in functions
    if isinstance(v, FunctionType):  # def swish(x): return Swish.apply(x)
        scope = v.__globals__
        used = [scope.get(n) for n in v.__code__.co_names]
        return any(isinstance(u, type) and u in functions for u in used)
    return getattr(v, "__name__", "") == "apply" and getattr(v, "__self__", None) in functions
