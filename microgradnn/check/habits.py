"""What the text of a method shows of its author's habits: it hands on its argument, it updates."""

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from .source import all_parameters, tree


def hands_on(function: Any) -> bool:
    """Whether all that a method does is to return its argument."""
    node = tree(function) if inspect.isfunction(function) else None
    body = [s for s in node.body if not isinstance(s, ast.Expr)] if node is not None else []
    words = all_parameters(function)[1:2] if body else []
    return len(body) == 1 and isinstance(body[0], ast.Return) and words == [
        getattr(body[0].value, "id", None)
    ]  # fmt: skip


def updates(methods: Iterable[Callable[..., Any]]) -> bool:
    """Whether one of these subtracts from an attribute of self, or has something else do so."""
    nodes = [n for m in methods if (node := tree(m)) is not None for n in ast.walk(node)]
    return any(_subtracts(n) or _steps(n) for n in nodes)


def _subtracts(node: ast.AST) -> bool:
    """Whether it is W -= …, or W = W - …."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Sub)
    value = node.value if isinstance(node, ast.Assign) else None
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub)):
        return False
    return isinstance(node, ast.Assign) and any(
        ast.unparse(t) == ast.unparse(value.left) for t in node.targets
    )


def _steps(node: ast.AST) -> bool:
    called = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
    return re.search(r"update|^step|optimi[sz]e", called) is not None
