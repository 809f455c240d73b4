"""The text of a function: its tree, its parameters, and how many things it returns."""

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

_COTANGENT = re.compile(r"^(d|D)[A-Za-z_0-9]|grad|delta|upstream|^g$|^g_|cotangent|^v$|error|_bar$")


Definition = ast.FunctionDef | ast.ClassDef


@lru_cache(maxsize=64)
def _definitions(lines: tuple[str, ...]) -> dict[int, Definition]:
    """All functions and classes of a file, by their first lines, decorators included."""
    try:
        whole = ast.parse("".join(lines))
    except SyntaxError:
        return {}
    found = [n for n in ast.walk(whole) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    return {min([n.lineno, *(d.lineno for d in n.decorator_list)]): n for n in found}


def _file(thing: Any) -> tuple[str, ...]:
    """The lines of the file that a function or class is from; none if there is no such file."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    code = getattr(thing, "__code__", None)
    path = code.co_filename if code is not None else getattr(module, "__file__", None)
    return tuple(linecache.getlines(path)) if path else ()


def line(thing: Any) -> int:
    """The first line of a function or a class, or 0."""
    if inspect.isfunction(thing):
        return thing.__code__.co_firstlineno
    for first, node in _definitions(_file(thing)).items():
        if isinstance(node, ast.ClassDef) and node.name == thing.__name__:
            return first
    return 0


def tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The syntax tree of a function, or None if its text is not to be had."""
    if not inspect.isfunction(function):
        return None
    node = _definitions(_file(function)).get(function.__code__.co_firstlineno)
    return node if isinstance(node, ast.FunctionDef) else None


def text(function: Callable[..., Any]) -> str:
    """The lines of a function, or ""."""
    node = tree(function)
    return "".join(_file(function)[node.lineno - 1 : node.end_lineno]) if node else ""


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters without defaults."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def cotangent(name: str) -> bool:
    """Whether a parameter is called like a cotangent: dout, grad_output, dA."""
    return bool(_COTANGENT.search(name))


def tuples(function: Callable[..., Any]) -> int:
    """How many things it returns, 0 if that cannot be seen."""
    node = tree(function)
    if node is None:
        return 0
    returns = [n.value for n in own(node) if isinstance(n, ast.Return) and n.value is not None]
    named = {
        target.id: n.value
        for n in own(node)
        if isinstance(n, ast.Assign)
        for target in n.targets
        if isinstance(target, ast.Name)
    }
    values = [named.get(v.id, v) if isinstance(v, ast.Name) else v for v in returns]
    scope = getattr(function, "__globals__", {})
    counts = {len(v.elts) if isinstance(v, ast.Tuple) else _single(v, scope) for v in values}
    counts -= {1} if len(counts) > 1 and max(counts) > 1 else set()
    return counts.pop() if len(counts) == 1 else 0


def returned(function: Callable[..., Any]) -> list[str]:
    """The names of what it returns at its end, or none."""
    node = tree(inspect.unwrap(function))
    last = node.body[-1] if node else None
    if not isinstance(last, ast.Return) or last.value is None:
        return []
    values = last.value.elts if isinstance(last.value, ast.Tuple) else [last.value]
    return [v.id for v in values if isinstance(v, ast.Name)]


def _single(value: ast.expr, scope: dict[str, Any]) -> int:
    """1 for what cannot be a tuple; a call of something else may be one."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        callee = scope.get(value.func.id)
        return tuples(callee) if inspect.isfunction(callee) else 0
    if not isinstance(value, ast.Call):
        return 1
    function = value.func
    return int(isinstance(function, ast.Attribute))  # np.dot(…), x.copy()


def own(node: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    out: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            out += [child, *own(child)]
    return out
