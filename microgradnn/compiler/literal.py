"""Numbers, arrays and structures of them as expressions: how a program writes its constants."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import TraceError
from .program import Variable

Expressions = Callable[[Variable], ast.expr]
LARGEST = 64  # numbers of an array that is written in the text


def value(x: Any, name: Expressions) -> ast.expr:
    """A variable, number, array or structure of them, in Python with NumPy."""
    if isinstance(x, Variable):
        return name(x)
    if isinstance(x, (tuple, list)):
        parts = [value(v, name) for v in x]
        kind: Any = ast.Tuple if isinstance(x, tuple) else ast.List
        return kind(parts, ast.Load())
    if isinstance(x, dict):
        return ast.Dict([signed(k) for k in x], [value(v, name) for v in x.values()])
    if isinstance(x, slice):
        parts = [value(v, name) for v in (x.start, x.stop, x.step)]
        return ast.Call(ast.Name("slice"), parts, [])
    if isinstance(x, np.dtype):
        return np_name(x.name if x.name != "bool" else "bool_")
    if isinstance(x, np.ndarray):
        return array(x)
    if isinstance(x, np.generic):
        inner = value(x.item(), name)
        return ast.Call(np_name(x.dtype.name if x.dtype.kind != "b" else "bool_"), [inner], [])
    if x is Ellipsis or x is None or isinstance(x, (bool, int, str)):
        return signed(x)
    if isinstance(x, float):
        if x != x or x in (np.inf, -np.inf):
            inf = np_name("nan" if x != x else "inf")
            return inf if x != x or x > 0 else ast.UnaryOp(ast.USub(), inf)
        return signed(x)
    raise TraceError(f"compile: a {type(x).__name__} cannot be written in a program")


def number(x: Any, language: str, name: Expressions) -> ast.expr:
    """A variable or a number, in a language of single numbers."""
    if isinstance(x, Variable):
        return name(x)
    if isinstance(x, np.ndarray) and x.ndim == 0:
        x = x[()]
    x = x.item() if isinstance(x, np.generic) else x
    if isinstance(x, float) and (x != x or x in (np.inf, -np.inf)):
        names = {
            "python": ("math.nan", "math.inf"), "js": ("NaN", "Infinity"), "c": ("NAN", "INFINITY"),
        }[language]  # fmt: skip
        tree = ast.parse(names[x == x], mode="eval").body
        return tree if x != x or x > 0 else ast.UnaryOp(ast.USub(), tree)
    if language == "c" and type(x) is int:
        x = float(x)
    if not isinstance(x, (bool, int, float)):
        raise TraceError(f"compile: a {type(x).__name__} cannot be written in {language}")
    return signed(x)


def signed(x: Any) -> ast.expr:
    """A constant; of a negative number its sign, and the number."""
    if isinstance(x, (int, float)) and not isinstance(x, bool) and (x < 0 or str(x)[0] == "-"):
        return ast.UnaryOp(ast.USub(), ast.Constant(-x))
    return ast.Constant(x)


def np_name(name: str) -> ast.expr:
    """np.name."""
    return ast.Attribute(ast.Name("np"), name)


def uniform(flat: np.ndarray) -> bool:
    """Whether all numbers of a flat array are the same, to the last bit."""
    rows = np.ascontiguousarray(flat).view(np.uint8).reshape(flat.size, -1)
    return bool((rows == rows[:1]).all())


def pattern(x: np.ndarray) -> str | None:
    """How a regular array is made, without its dtype: np.zeros((2, 3)); None for another."""
    flat = x.reshape(-1)
    if not x.size:
        return f"np.zeros({x.shape})"
    if x.dtype.kind in "fiub" and uniform(flat):
        if flat[0] == 0 and not np.signbit(flat[0].astype(float)):
            return f"np.zeros({_shape(x.shape)})"
        if flat[0] == 1:
            return f"np.ones({_shape(x.shape)})"
        if np.isfinite(flat[0]) and not (flat[0] == 0):
            return f"np.full({_shape(x.shape)}, {flat[0].item()!r})"
    if x.size > 2 and x.dtype.kind in "iu" and (np.diff(flat) == 1).all():
        start, stop = int(flat[0]), int(flat[-1]) + 1
        text = f"np.arange({stop})" if start == 0 else f"np.arange({start}, {stop})"
        return text if x.ndim == 1 else f"{text}.reshape({x.shape})"
    if x.ndim == 2 and x.shape[0] == x.shape[1] and x.size > 1:
        eye = np.eye(len(x), dtype=x.dtype)
        return f"np.eye({len(x)})" if x.tobytes() == eye.tobytes() else None
    return None


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else str(shape)


def array(x: np.ndarray) -> ast.expr:
    """The call of NumPy that makes an array again, to the last bit."""
    text = pattern(x)
    tree: Any
    if text is not None:
        tree, usual = ast.parse(text, mode="eval").body, np.dtype(float)
        if text.startswith(("np.arange", "np.full")):
            usual = np.dtype(int if "arange" in text or x.dtype.kind in "iu" else float)
    else:
        tree = ast.Call(np_name("array"), [value(x.tolist(), lambda v: ast.Name(v.name))], [])
        usual = np.array(x.tolist()).dtype
    if x.dtype != usual:
        made = tree.func.value if isinstance(getattr(tree.func, "value", None), ast.Call) else tree
        made.keywords.append(ast.keyword("dtype", value(x.dtype, lambda v: ast.Name(v.name))))
    return tree
