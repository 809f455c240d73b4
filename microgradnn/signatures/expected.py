"""Which argument of a call does not fit, in words: the annotations of the parameters know."""

import inspect
import os
import re
import typing
from collections.abc import Callable, Mapping
from numbers import Number
from typing import Any

import numpy as np

from ..errors import ShapeError

LIMIT = 60  # letters of an argument that are shown


def brief(x: Any) -> str:
    """x for a message: its repr if that is short, else what it is."""
    if isinstance(x, (bool, float, complex, type(None), str, bytes)) or x is Ellipsis:
        return repr(x) if len(repr(x)) <= LIMIT else f"{repr(x)[:LIMIT]}…"
    if isinstance(x, int) and x.bit_length() > 150:
        return f"an integer of {x.bit_length()} bits"
    data = getattr(x, "_data", x)
    if isinstance(data, np.ndarray):
        kind = "an array" if data is x else "a tensor"
        return f"{kind} of shape {data.shape} and dtype {data.dtype}"
    if callable(x) or inspect.ismodule(x):
        return f"the {type(x).__name__} {getattr(x, '__name__', type(x).__name__)}"
    try:
        text = repr(x)
    except Exception:  # nested without end, or a repr of the user's that fails
        return f"a {type(x).__name__} that cannot be shown"
    return text if len(text) <= LIMIT and " at 0x" not in text else f"a {type(x).__name__}"


# ---- what fits ----------------------------------------------------------------------------------


def _integer(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and -(2**63) <= int(x) < 2**63


def _integers(x: Any) -> bool:
    several = isinstance(x, tuple | list | range) or isinstance(x, np.ndarray) and x.ndim == 1
    return several and all(map(_integer, x))


def _number(x: Any) -> bool:
    x = getattr(x, "_data", x)
    if isinstance(x, np.ndarray):
        return x.size == 1 and _numbers(x)
    real = isinstance(x, Number | np.generic) and not isinstance(x, complex)
    return real and _in_range(x) or hasattr(x, "__mul__") and not hasattr(x, "__len__")


def _in_range(x: Any) -> bool:
    return not isinstance(x, int) or x.bit_length() < 1024


def _numbers(x: Any) -> bool:
    """Whether x is an array of numbers, or becomes one."""
    x = getattr(x, "_data", x)
    if not isinstance(x, np.ndarray | Number | np.generic | list | tuple | range):
        return hasattr(x, "__mul__") and not hasattr(x, "__len__")
    try:
        a = np.asarray(x if isinstance(x, np.ndarray) else _plain(x))
    except Exception:  # rows of several lengths, nested too deeply
        return False
    if a.dtype.kind == "O":
        return all(_number(v) and v is not None for v in a.flat)
    return a.dtype.kind in "biuf"


def _plain(x: Any, depth: int = 0) -> Any:
    if depth > 64:
        raise ValueError("nested too deeply")
    if isinstance(x, list | tuple):
        return [_plain(v, depth + 1) for v in x]
    return getattr(x, "_data", x)


def _bottomless(x: Any, depth: int = 0) -> bool:
    """Whether lists stand in lists, more than 64 deep at their first elements."""
    while isinstance(x, list | tuple) and len(x) and depth <= 64:
        x, depth = x[0], depth + 1
    return depth > 64


def _dtype(x: Any) -> bool:
    try:
        return np.dtype(x).kind in "biuf"
    except Exception:  # whatever NumPy says of something that is no dtype
        return False


def _path(x: Any) -> bool:
    return isinstance(x, str | os.PathLike)


_ANY: tuple[str, Callable[[Any], bool]] = ("", lambda x: True)
_INTEGERS = ("a tuple of integers", _integers)
_ARRAY = ("an array of numbers or a tensor", _numbers)
KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "None": ("None", lambda x: x is None),
    "NoneType": ("None", lambda x: x is None),
    "int": ("an integer", _integer),
    "float": ("a number", _number),
    "bool": ("True or False", lambda x: isinstance(x, bool | np.bool_ | int)),
    "str": ("a word", lambda x: isinstance(x, str)),
    "Generator": ("an np.random.Generator", lambda x: isinstance(x, np.random.Generator)),
    "Axis": ("an integer, a tuple of them or None",
             lambda x: x is None or _integer(x) or _integers(x)),
    "Shape": ("an integer or a tuple of them", lambda x: _integer(x) or _integers(x)),
    "Sizes": ("an integer or a tuple of them", lambda x: _integer(x) or _integers(x)),
    "DType": ("a dtype of numbers", _dtype),
    "DTypeLike": ("a dtype of numbers", _dtype),
    "Sequence[int]": _INTEGERS,
    "tuple[int, ...]": _INTEGERS,
    "list[int]": _INTEGERS,
    "Like": _ARRAY,
    "Each": _ARRAY,
    "E": _ARRAY,
    "A": _ARRAY,
    "ArrayLike": _ARRAY,
    "Array": _ARRAY,
    "ndarray": _ARRAY,
    "Callable": ("a function", callable),
    "Iterable": ("a list", np.iterable),
    "Sequence": ("a list", np.iterable),
    "list": ("a list", np.iterable),
    "Inputs": ("a list of numbers", lambda x: hasattr(x, "__len__")),
    "Mapping": ("a dict", lambda x: isinstance(x, Mapping)),
    "dict": ("a dict", lambda x: isinstance(x, Mapping)),
    "Module": ("an nn.Module", lambda x: hasattr(x, "parameters")),
    "Optimizer": ("an optimiser", lambda x: hasattr(x, "param_groups")),
    "Path": ("a path", _path),
    "PathLike": ("a path", _path),
    "PathLike[str]": ("a path", _path),
}  # fmt: skip
"""What a part of an annotation means: in words, and whether a thing is that."""

# Parameters whose annotation is Any, because they take several things of one meaning.
ARRAYS = frozenset(
    "x a b y input target weight bias other tensor inputs targets mean var x1 x2".split()
)
NAMED = {"dim": KINDS["Axis"], "axis": KINDS["Axis"]}


def _parts(annotation: Any) -> list[str]:
    """The alternatives of an annotation, without the names of modules."""
    if annotation is None:
        return ["None"]
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\w+(\.\w+)*\.(?=\w)", "", text)
    found, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "[(") - (letter in "])")
        if letter == "|" and not depth:
            found.append(text[start:i].strip())
            start = i + 1
    return [*found, text[start:].strip()]


def _kind(p: inspect.Parameter) -> list[tuple[str, Callable[[Any], bool]]]:
    """What the parameter takes: several kinds; the one without words takes everything."""
    if typing.get_origin(p.annotation) is typing.Literal:
        return [_one_of(typing.get_args(p.annotation))]
    parts = _parts(p.annotation)
    if p.name == "dtype":
        return [KINDS["DTypeLike"], KINDS["None"]]
    if parts[0] in ("Any", "_empty") and p.name in ARRAYS:
        optional = [KINDS["None"]] if p.default is None else []
        return [_ARRAY, *optional]
    if parts[0] in ("Any", "_empty") and p.name in NAMED:
        return [NAMED[p.name], *([KINDS["None"]] if p.default is None else [])]
    return [KINDS.get(part, KINDS.get(part.split("[")[0], _ANY)) for part in parts]


def _one_of(words: tuple[Any, ...]) -> tuple[str, Callable[[Any], bool]]:
    """What takes one of these words."""
    return " or ".join(map(repr, words)), lambda x: isinstance(x, str) and x in words


def misfit(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """'axis is 'text', need an integer', of the first argument that does not fit."""
    try:
        signature = inspect.signature(f)
        given = signature.bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):
        return None
    for name, value in given.items():
        p = signature.parameters[name]
        if _bottomless(value):
            return f"{name} is nested too deeply"
        each = value if p.kind is p.VAR_POSITIONAL else (value,)
        kinds = [] if p.kind is p.VAR_KEYWORD else _kind(p)
        for x in each if kinds else ():
            if x is not p.default and not any(fits(x) for _, fits in kinds):
                words = " or ".join(dict.fromkeys(words for words, _ in kinds))
                return f"{name} is {brief(x)}, need {words}"
    return None


def affordable(owner: str, most: int = 2**40, **counts: Any) -> None:
    """Raises ShapeError for a count that no memory holds, before anything is made."""
    for name, n in counts.items():
        if isinstance(n, (int, np.integer)) and n > most:
            raise ShapeError(f"{owner}: {name} is {brief(n)}, need at most {most}")
