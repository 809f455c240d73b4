"""The arguments of a compiled function: which numbers in them are traced, and for what forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..errors import DTypeError, TraceError
from ..numerics.forward import ordinary
from ..transforms import tree

STATIC = (bool, int, str, bytes, type(None))


def key_of(x: Any) -> Any:
    """What a trace holds for: the form of an argument, shapes and dtypes, and what is no array."""
    kind = type(x)
    if kind is np.ndarray:
        return x.shape, x.dtype, x.flags.c_contiguous
    if kind is float:
        return float
    if isinstance(x, Node):
        data = x._data
        if isinstance(data, np.ndarray):
            return kind, data.shape, data.dtype, data.flags.c_contiguous
        return kind, type(data)
    if kind is dict:
        return ("dict", *((k, key_of(v)) for k, v in x.items()))
    if kind is list or isinstance(x, tuple):
        return (kind, *map(key_of, x))
    if isinstance(x, np.ndarray):
        return key_of(ordinary("compile", x))
    if isinstance(x, np.generic):
        return kind, x.dtype
    if isinstance(x, STATIC):
        return kind, x
    return "object", id(x)


def is_traced(x: Any) -> bool:
    """Whether a leaf of the arguments is an input of the program."""
    return isinstance(x, (Node, np.ndarray, np.generic, float))


def data_of(x: Any) -> Any:
    """The number or array of a leaf, as the program gets it."""
    if isinstance(x, Node):
        return x._data
    if isinstance(x, np.generic) or type(x) is not np.ndarray and isinstance(x, np.ndarray):
        return np.asarray(x)
    return x


def check_wanted(name: str, leaves: Sequence[Any]) -> None:
    """Raises DTypeError unless all leaves can be differentiated by."""
    for x in leaves:
        data = data_of(x)
        if isinstance(data, (bool, int)) or getattr(data, "dtype", np.dtype(float)).kind in "iubc":
            kind = getattr(data, "dtype", type(data).__name__)
            if isinstance(x, Value):
                continue
            raise DTypeError(
                f"{name}: an argument is {kind}, which has no gradient; make it float (3.0)"
            )
        if not isinstance(data, (float, np.ndarray)):
            raise DTypeError(
                f"{name}: an argument is {type(data).__name__}, need floats or arrays of them"
            )


def check_values(leaves: Sequence[Any]) -> bool:
    """Whether the arguments are Values. Raises TraceError where they hold no floats, or arrays."""
    values = [x for x in leaves if isinstance(x, Value)]
    for x in values:
        if type(x._data) not in (float, int):
            raise TraceError(
                f"compile: a Value holds a {type(x._data).__name__}; programs compute with floats"
            )
    if values and any(isinstance(x, (Tensor, np.ndarray)) for x in leaves):
        raise TraceError(
            "compile: Values beside arrays; pass all arguments as Values, or as arrays"
        )
    return bool(values)


def lowered(raw: Any, like: Any) -> Any:
    """A result in the kind of the argument `like`: a node for a node, a float for a float."""
    if isinstance(like, Value):
        return Value(raw)
    if isinstance(like, Tensor):
        return Tensor(raw)
    if type(like) is float and np.shape(raw) == ():
        return float(raw)
    if isinstance(like, np.ndarray):
        return np.asarray(raw)
    return raw[()] if isinstance(raw, np.ndarray) and not raw.ndim else raw


def leaves_of(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """The leaves of all arguments, those given by name last."""
    return tree.leaves([list(args), kwargs])
