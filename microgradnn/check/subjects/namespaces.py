"""The namespaces of user code: where a trace swaps what numpy and math stand for."""

import sys
from functools import partial
from types import FunctionType, ModuleType
from typing import Any


def namespaces(*things: Any) -> list[dict[str, Any]]:
    """The module dicts of functions, classes and objects, and of user code that they use.

    Modules of installed packages and of Python itself are left out.
    """
    found: dict[int, dict[str, Any]] = {}
    todo, seen = list(things), set()
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        todo += _enclosed(thing)
        home = _home(thing)
        if home is None or id(home) in found or not _users(home):
            continue
        found[id(home)] = home
        todo += [v for v in home.values() if isinstance(v, (ModuleType, FunctionType, type))]
    return list(found.values())


def _enclosed(thing: Any) -> list[Any]:
    """What an inner function sees of the functions around it."""
    code = getattr(thing, "__func__", thing)
    out = []
    cells = code.__closure__ if isinstance(code, FunctionType) else ()
    for cell in cells or ():
        try:
            out.append(cell.cell_contents)
        except ValueError:  # not yet set
            continue
    return [v for v in out if isinstance(v, (ModuleType, FunctionType, type, partial))
            or _users_object(v)]  # fmt: skip


def _users_object(v: Any) -> bool:
    return type(v).__module__ not in sys.stdlib_module_names and hasattr(v, "__dict__")


def _home(thing: Any) -> dict[str, Any] | None:
    if isinstance(thing, partial):
        return _home(thing.func)
    if isinstance(thing, ModuleType):
        return vars(thing)
    code = getattr(thing, "__func__", thing)
    if isinstance(code, FunctionType):
        return code.__globals__
    kind = thing if isinstance(thing, type) else type(thing)
    module = sys.modules.get(kind.__module__)
    if module is not None:
        return vars(module)
    methods = (v for v in vars(kind).values() if isinstance(v, FunctionType))
    return next((m.__globals__ for m in methods), None)


def _users(home: dict[str, Any]) -> bool:
    """Whether a namespace is that of user code, not of a library."""
    file = home.get("__file__") or ""
    name = str(home.get("__name__", "")).partition(".")[0]
    return not (name in _LIBRARIES or "site-packages" in file or "dist-packages" in file)


_LIBRARIES = {*sys.stdlib_module_names, "numpy", "microgradnn"} - {"__main__"}
