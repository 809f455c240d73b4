"""What the text of a function says: its parameters, what it returns, how it uses what it is given."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

_COTANGENT = re.compile(r"^(d|D)[A-Za-z_0-9]|grad|delta|upstream|^g$|^g_|cotangent|^v$|error|_bar$")


@lru_cache(maxsize=4096)
def tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The syntax tree of a function, or None if its text is not to be had."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
        node = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    return node if isinstance(node, ast.FunctionDef) else None


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
    counts = {len(v.elts) if isinstance(v, ast.Tuple) else _single(v) for v in values}
    counts -= {1} if len(counts) > 1 and max(counts) > 1 else set()
    return counts.pop() if len(counts) == 1 else 0


def _single(value: ast.expr) -> int:
    """1 for what cannot be a tuple; a call of something else may be one."""
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
