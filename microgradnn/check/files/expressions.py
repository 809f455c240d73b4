"""Small questions about expressions in the text of a function."""

import ast
from typing import Any


def is_self(node: ast.AST) -> bool:
    """Whether it is the name self."""
    return isinstance(node, ast.Name) and node.id == "self"


def unclipped(node: ast.expr) -> ast.expr:
    """x, of np.clip(x, low, high) and np.maximum(x, low)."""
    if isinstance(node, ast.Call) and node.args:
        clips = getattr(node.func, "attr", "") in ("clip", "maximum", "minimum")
        return node.args[0] if clips else node
    return node


def shape_of(node: ast.AST) -> ast.AST | None:
    """x, of x.shape or np.shape(x); or of x.shape[1:] nothing."""
    if isinstance(node, ast.Attribute) and node.attr == "shape":
        return node.value
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shape" and node.args:
        return node.args[0]
    return None


def operands(args: list[ast.expr]) -> list[ast.expr]:
    """Expressions, and what is added, multiplied and so on in them."""
    out: list[ast.expr] = []
    for a in args:
        out += [a, *(operands([a.left, a.right]) if isinstance(a, ast.BinOp) else [])]
    return out


def constant(node: ast.expr) -> Any:
    """The value that is written out; None if it is none."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def number(node: ast.expr) -> int | float | None:
    """The number that is written out, or None."""
    value = constant(node)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
