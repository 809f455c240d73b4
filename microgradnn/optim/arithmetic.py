"""Arithmetic that the rules share: on arrays in place where that saves one, on numbers too."""

import math
from typing import Any, TypeAlias

import numpy as np

from ..engine import ops
from ..engine.node import Node

Data: TypeAlias = np.ndarray | float  # of a Tensor, of a Value
Memory: TypeAlias = dict[str, Any]  # what a rule remembers of one parameter, by name
Group: TypeAlias = dict[str, Any]  # the options of a group of parameters


def slot(state: dict[str, Any], name: str, p: Any, start: float = 0.0) -> Any:
    """state[name]; the first time, an array (or number) like p, full of `start`."""
    x = state.get(name)
    if x is None:
        x = state[name] = np.full_like(p, start) if isinstance(p, np.ndarray) else start
    return x


def put(state: dict[str, Any], name: str, x: Any) -> Any:
    """state[name] with the numbers of x: an array that is there keeps its place and dtype."""
    if isinstance(state[name], np.ndarray):
        state[name][...] = x
    else:
        state[name] = x
    return state[name]


def sqrt(x: Any) -> Any:
    """√x as a new array or number; nan below 0."""
    if type(x) is np.ndarray and x.dtype.char != "O":
        return np.sqrt(x)
    if type(x) is float and x >= 0:
        return math.sqrt(x)
    return ops.sqrt(x)


def root(x: Any, eps: float, inside: bool) -> Any:
    """√x + eps, or √(x + eps) with eps inside, as a new array or number."""
    if inside:
        return sqrt(x + eps)
    y = sqrt(x)
    y += eps
    return y


def over(a: Any, b: Any) -> Any:
    """a / b, written over b if that is an array; numbers follow IEEE: 1/0 is inf, 0/0 nan."""
    if type(b) is np.ndarray:
        return np.divide(a, b, out=b)
    try:
        return a / b
    except ZeroDivisionError:
        return ops.div(a, b)


def not_below_zero(x: Any) -> Any:
    """max(x, 0), written over x if that is an array; nan stays nan."""
    if type(x) is np.ndarray:
        return np.maximum(x, 0, out=x)
    if isinstance(x, Node):
        return ops.maximum(x, 0)
    return x * 0 if x < 0 else x


def larger(a: Any, b: Any) -> Any:
    """The larger, written over a if that is an array; nan wins."""
    if type(a) is np.ndarray:
        return np.maximum(a, b, out=a)
    if isinstance(a, Node):
        return ops.maximum(a, b)
    return b if b > a or b != b else a


def moments(memory: Memory, p: Data, g: Data, b1: float, b2: float) -> tuple[int, Data, Data]:
    """The number of this step, and the decaying means of g and of g² that Adam's kin divide.

    m = β₁·m + (1 - β₁)·g,   v = β₂·v + (1 - β₂)·g²
    """
    t = memory["step"] = memory.get("step", 0) + 1
    m, v = slot(memory, "exp_avg", p), slot(memory, "exp_avg_sq", p)
    m *= b1
    m += (1 - b1) * g
    v *= b2
    v += (1 - b2) * (g * g)
    memory["exp_avg"], memory["exp_avg_sq"] = m, v
    return t, m, v
