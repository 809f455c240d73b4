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

from ..oracle.draws import rewinding
from ..oracle.torch_forward import is_function, with_setup
from ..source import is_empty, line
from ..subject import Subject
from ..subjects.framed import maker_of
from ..subjects.hips_code import is_primitive
from ..subjects.jax_code import is_custom
from ..subjects.tape_code import is_custom_gradient


def found(module: ModuleType) -> Iterator[dict[str, Any]]:
    """The fields of a Found for each thing of a framework that the module itself defines."""
    torch = sys.modules.get("torch")
    if hasattr(torch, "autograd"):
        yield from _of_torch(module, torch)
    jax = sys.modules.get("jax")
    if hasattr(jax, "custom_vjp"):
        yield from _of_jax(module, jax)
    if "tensorflow" in sys.modules:
        yield from _of_tensorflow(module)
    yield from _of_hips(module)


def subject(thing: Any, args: Sequence[Any], init: Sequence[Any], name: str) -> Subject:
    """What is checked of a framework's thing at these arguments; a class of modules is made one."""
    if isinstance(thing, type) and not hasattr(thing, "save_for_backward"):  # of modules, layers
        rewinding(())()
        thing = thing(*map(_plain, init))
    make = maker_of(thing, name=name)
    assert make is not None
    return make(args)


def _plain(x: Any) -> Any:
    """A constructor's argument, integers of NumPy as Python's."""
    return x.item() if isinstance(x, np.generic) else x


# ---- PyTorch -------------------------------------------------------------------------------------


def _of_torch(module: ModuleType, torch: Any) -> Iterator[dict[str, Any]]:
    classes = dict(_classes(module))
    functions = {name: c for name, c in classes.items() if is_function(c, torch)}
    for name, cls in functions.items():
        if _own(cls, "forward") and _own(cls, "backward"):
            yield _function(name, cls, torch)
    for name, cls in classes.items():
        if issubclass(cls, torch.nn.Module) and _uses(cls, set(functions.values()), module, torch):
            yield {"name": name, "style": "module", "forward": cls.forward, "backward": None,
                   "cls": cls, "line": line(cls), "thing": cls}  # fmt: skip


def _classes(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The classes of a module and those inside them, as Outer.Inner."""
    todo = [(n, c) for n, c in vars(module).items() if isinstance(c, type)]
    while todo:
        name, cls = todo.pop(0)
        if cls.__module__ == module.__name__:
            yield name, cls
            inside = [(n, c) for n, c in vars(cls).items() if isinstance(c, type)]
            todo += [(f"{name}.{n}", c) for n, c in inside
                     if c.__qualname__ == f"{cls.__qualname__}.{n}"]  # fmt: skip


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
    inside = vars(cls).items()
    names = {name for name, v in (*vars(module).items(), *inside) if _is_one(v, functions)}
    methods = [f for f in vars(cls).values() if isinstance(f, FunctionType)]
    return bool(names) and any(names & set(f.__code__.co_names) for f in methods)


def _is_one(v: Any, functions: set[Any]) -> bool:
    if isinstance(v, type):
        return v in functions
    if isinstance(v, FunctionType):  # def swish(x): return Swish.apply(x); or it makes one
        if "Function" in v.__code__.co_names:
            return True
        scope = v.__globals__
        used = [scope.get(n) for n in v.__code__.co_names]
        return any(isinstance(u, type) and u in functions for u in used)
    return getattr(v, "__name__", "") == "apply" and getattr(v, "__self__", None) in functions


# ---- JAX -----------------------------------------------------------------------------------------


def _of_jax(module: ModuleType, jax: Any) -> Iterator[dict[str, Any]]:
    """Functions with a custom_vjp or custom_jvp whose rule was given."""
    for name, f in vars(module).items():
        if not is_custom(f, jax) or f.fun.__module__ != module.__name__:
            continue
        rule = getattr(f, "bwd", None) or getattr(f, "jvp", None)
        if rule is not None and getattr(rule, "__module__", "").startswith("jax"):
            rule = f.fun  # put together by defjvps
        empty = next((g for g in (f.fun, rule) if g is None or is_empty(g)), None)
        yield {"name": name, "style": "jax", "forward": f.fun, "backward": rule, "cls": None,
               "line": line(rule or f.fun), "thing": f, "empty": empty}  # fmt: skip


# ---- TensorFlow ----------------------------------------------------------------------------------


def _of_tensorflow(module: ModuleType) -> Iterator[dict[str, Any]]:
    """Functions under tf.custom_gradient, and Keras layers whose methods name one of them."""
    functions = {n: f for n, f in vars(module).items() if is_custom_gradient(f)}
    for name, f in functions.items():
        if f.__module__ == module.__name__:
            inner = f.__wrapped__
            yield {"name": name, "style": "tensorflow", "forward": inner, "backward": None,
                   "cls": None, "line": line(inner), "thing": f}  # fmt: skip
    layer: Any = getattr(sys.modules.get("keras"), "Layer", ())
    for name, cls in _classes(module):
        methods = [m for m in vars(cls).values() if isinstance(m, FunctionType)]
        used = any(set(functions) & set(m.__code__.co_names) for m in methods)
        if issubclass(cls, layer) and "call" in vars(cls) and used:
            yield {"name": name, "style": "layer of Keras", "forward": cls.call, "backward": None,
                   "cls": cls, "line": line(cls), "thing": cls}  # fmt: skip


# ---- HIPS autograd -------------------------------------------------------------------------------


def _of_hips(module: ModuleType) -> Iterator[dict[str, Any]]:
    """Primitives that defvjp was called for."""
    for name, f in vars(module).items():
        if is_primitive(f) and f.fun.__module__ == module.__name__:
            yield {"name": name, "style": "hips", "forward": f.fun, "backward": None, "cls": None,
                   "line": line(f.fun), "thing": f}  # fmt: skip
