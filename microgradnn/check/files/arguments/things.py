"""What a constructor may be given that is no number: functions, activations, initialisers, layers.

They are taken from the file that is checked, where it has such, else from here.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...source import all_parameters, required
from ...verbs import (
    BACKWARD_METHODS,
    DERIVATIVE_METHODS,
    FORWARD_METHODS,
    FUNCTION_METHODS,
    among,
    is_base,
    is_flag,
)
from ..discover import Found, find
from .arrays import Option
from .context import SIZE
from .shapes import Slot
from .standins import stack

_SLOPE = re.compile(
    r"\w*(prime|deriv|derivative|derivate|gradient|grad|derivada|ableitung)(_?(fn|func|function))?|"
    r"d_?(act|activation|func|f)|(act|activation|func|function|f)_?d", re.I
)  # fmt: skip
_FUNCTION = re.compile(
    r"(activation|activate|act|actv|non_?lin(earity)?|transfer|phi|sigma|g|f|func|fn|function)"
    r"(_?(fn|func|function|f|layer|obj|object|class|type|name))?|activacion|aktivierung", re.I
)  # fmt: skip
_START = re.compile(
    r"(w|b|weights?|bias|kernel|param(eter)?s?)?_?init(ial)?(iali[sz](er|ation))?(_?(fn|func|"
    r"function|method|weights?))?", re.I
)  # fmt: skip
_LAYERS = re.compile(r"(layers?|modules?|blocks?|network|stack)(_?list)?", re.I)


def options(found: Found, parameter: inspect.Parameter) -> list[Option]:
    """What a parameter of the constructor may be, by its name; none for what is a number."""
    if found.cls is None or parameter.default not in (parameter.empty, None):
        return []
    name, module = parameter.name, sys.modules.get(found.cls.__module__)
    if module is None:
        return []
    if _SLOPE.fullmatch(name):
        return _listed(0.0, [slope for _, slope in _pairs(found, module)])
    if _FUNCTION.fullmatch(name):
        functions = _listed(0.1, [function for function, _ in _pairs(found, module)])
        made = [(0.12 + 0.02 * i, Slot("layers", value=c)) for i, c in enumerate(_classes(found))]
        return functions + made + _listed(0.4, _classes(found))
    if _START.fullmatch(name):
        return _listed(0.1, [_start])
    if _LAYERS.fullmatch(name):
        return [(0.1 + 0.1 * i, Slot("layers", value=f)) for i, f in enumerate(_stacks(found))]
    return []


def _listed(cost: float, values: list[Any]) -> list[Option]:
    return [(cost + 0.02 * i, Slot("const", value=v)) for i, v in enumerate(values)]


def _pairs(found: Found, module: Any) -> list[tuple[Any, Any]]:
    """Functions of the file with their derivatives, or with a flag for it; the last one is ours."""
    known = [f for f in find(module) if f.style == "plain" and f.cls is None]
    pairs = [(f.forward, f.backward) for f in known if len(all_parameters(f.forward or _tanh)) == 1]
    flagged = [f for f in vars(module).values() if inspect.isfunction(f) and _has_flag(f)]
    smooth = sorted(pairs, key=lambda p: "relu" in str(getattr(p[0], "__name__", "")))
    return [*((f, f) for f in flagged), *smooth, (_tanh, _tanh_slope)][:4]


def _has_flag(f: Callable[..., Any]) -> bool:
    return any(map(is_flag, all_parameters(f)[1:])) and len(required(f)) == 1


def _tanh(x: Any) -> Any:
    return np.tanh(x)


def _tanh_slope(x: Any) -> Any:
    return 1 - np.tanh(x) ** 2


def _start(*shape: Any) -> Any:
    """An initialiser: of sizes, or of a tuple of sizes."""
    sizes = shape[0] if shape and isinstance(shape[0], tuple) else shape
    return np.random.default_rng(3).standard_normal(sizes)


def _classes(found: Found) -> list[Any]:
    """Activations of the file, or that it imports: classes that need no arguments."""
    assert found.cls is not None
    known = [
        c for c in vars(sys.modules[found.cls.__module__]).values()
        if inspect.isclass(c) and c.__module__ not in sys.stdlib_module_names
        and not inspect.isabstract(c)
        and c is not found.cls and not required(c) and not is_base(c.__name__)
        and among(dir(c), FORWARD_METHODS + FUNCTION_METHODS)
        and among(dir(c), (*BACKWARD_METHODS, *DERIVATIVE_METHODS))
    ]  # fmt: skip
    known = [
        c
        for c in dict.fromkeys(known)
        if not re.search("loss|entropy|mse|softmax", c.__name__, re.I)
    ]
    order = ("tanh", "sigmoid", "relu")
    known.sort(key=lambda c: [w in c.__name__.lower() for w in order].index(True)
               if any(w in c.__name__.lower() for w in order) else len(order))  # fmt: skip
    return known[:3]


def _stacks(found: Found) -> Iterator[Callable[[], list[Any]]]:
    """What makes a list of layers: the file's linear ones with others between them, or ours."""
    between = _classes(found)
    assert found.cls is not None
    known = [f.cls for f in find(sys.modules[found.cls.__module__]) if f.style == "layer" and f.cls]
    linear = [c for c in known if _takes_sizes(c)]
    if linear:
        first = linear[0]
        yield lambda: [first(3, 4), *(c() for c in between[:1]), first(4, 2)]
    if between:
        yield lambda: [c() for c in between[:2]]
    if not linear and not between:
        yield stack


def _takes_sizes(cls: type) -> bool:
    words = required(cls)
    return len(words) == 2 and all(SIZE.fullmatch(w.lower()) for w in words)
