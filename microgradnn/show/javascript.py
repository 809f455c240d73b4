"""The ops of a graph and their slopes as JavaScript, for pages that compute.

Each slope is what the op's rule writes when it is called with letters; how an op is spelled in
JavaScript is the compiler's table. So a page computes by the same table as Python.
"""

import ast
from collections.abc import Mapping
from typing import Any

from ..compiler.c_syntax import printed
from ..compiler.spellings import LANGUAGES, SPELLINGS
from ..compiler.support import HELPERS
from ..engine.op import OPS, Op
from .letters import Letter, written

FEW = 6  # inputs that are named one by one
_JS = LANGUAGES.index("js")
_COMPARE: dict[str, ast.cmpop] = {
    "==": ast.Eq(),
    "!=": ast.NotEq(),
    "<": ast.Lt(),
    "<=": ast.LtE(),
    ">": ast.Gt(),
    ">=": ast.GtE(),
}


class NotSpelledError(Exception):
    """An op has no spelling in JavaScript."""


def key(op: Op, params: Mapping[str, Any], arity: int) -> str:
    """What an op is called in a page: its name, with its options and number of inputs."""
    options = ",".join(f"{k}={v}" for k, v in params.items())
    return f"{op.name}({options}){arity}"


def source(op: Op, params: Mapping[str, Any], arity: int) -> str:
    """{f: the op, d: its slopes by each input} of numbers, as an object of JavaScript.

    Raises NotSpelledError for what JavaScript has no function for, and for ops of users.
    """
    if OPS.get(op.name) is not op:
        raise NotSpelledError(op.name)
    many = arity > FEW
    names = [f"x[{i}]" if many else f"x{i}" for i in range(arity)]
    given = "...x" if many else ", ".join(names)
    xs = [Letter(0.0, name) for name in names]  # at 0 a rule writes the form for all numbers
    forward = op.number(*xs, **params) if op.variadic and op.number else _applied(op, xs, params)
    y = Letter(0.0, "y")
    slopes = []
    for i in range(arity):
        flat = not op.variadic and op.rules[i] is None  # type: ignore[index]
        found = 0 if flat else written(op.pull, i, 1, y, xs, params)
        if found is None:
            raise NotSpelledError(op.name)
        slopes.append(f"(y, {given}) => {printed(_tree(found), True)}")
    head = f"({given}) => {printed(_tree(forward), True)}"
    return f"{{f: {head}, d: [{', '.join(slopes)}]}}"


def helpers(text: str) -> str:
    """The functions that a text of JavaScript calls, from the compiler's table."""
    return "".join(body for name, body in HELPERS["js"].items() if f"{name}(" in text)


def _applied(op: Op, xs: list[Letter], params: Mapping[str, Any]) -> Letter:
    return Letter(0.0, op=op, args=tuple(xs), params=params)


def _tree(x: Any) -> ast.expr:
    """A formula of Letters as a tree in the grammar of the table of spellings."""
    if not isinstance(x, Letter):
        return _number(x)
    if x.op is None and x.args:
        a, b = (_tree(v) for v in x.args)
        if x.name in _COMPARE:
            return ast.Compare(a, [_COMPARE[x.name]], [b])
        return ast.BoolOp(ast.And() if x.name == "and" else ast.Or(), [a, b])
    if x.op is None:
        return ast.Name(x.name)
    text = SPELLINGS.get(x.op.name, (None,) * len(LANGUAGES))[_JS]
    if text is None:
        raise NotSpelledError(x.op.name)
    parts = dict(zip("abcdefgh", map(_tree, x.args), strict=False))
    parts |= {k: _number(v) for k, v in {**_DEFAULTS.get(x.op.name, {}), **x.params}.items()}
    tree: ast.expr = _Filled(parts).visit(ast.parse(text, mode="eval").body)
    return tree


_DEFAULTS: dict[str, dict[str, float]] = {
    "leaky_relu": {"negative_slope": 0.01},
    "elu": {"alpha": 1.0},
}


def _number(x: Any) -> ast.expr:
    value = float(x)
    if value != value or value in (float("inf"), float("-inf")):
        name = ast.Name("NaN" if value != value else "Infinity")
        return ast.UnaryOp(ast.USub(), name) if value < 0 else name
    size = abs(value)
    whole = ast.Constant(int(size) if size == int(size) and size < 2**53 else size)
    return ast.UnaryOp(ast.USub(), whole) if value < 0 else whole


class _Filled(ast.NodeTransformer):
    """A spelling with formulas in the places of its letters."""

    def __init__(self, parts: dict[str, ast.expr]) -> None:
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:  # noqa: N802
        return self.parts.get(node.id, node)
