"""Expressions in the syntax that JavaScript and C share; from trees of Python's `ast`."""

from __future__ import annotations

import ast

_BINARY = {ast.Add: ("+", 5), ast.Sub: ("-", 5), ast.Mult: ("*", 6), ast.Div: ("/", 6),
           ast.Mod: ("%", 6)}  # fmt: skip
_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
ATOM = 9


def printed(tree: ast.expr, js: bool) -> str:
    """The text of an expression."""
    return _text(tree, js)[0]


def _text(tree: ast.expr, js: bool) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match tree:
        case ast.Name(id=name):
            return name, ATOM
        case ast.Attribute(value=inner, attr=name):
            return f"{_within(inner, ATOM, js)}.{name}", ATOM
        case ast.Constant(value=bool() as value):
            return ("true" if value else "false") if js else str(int(value)), ATOM
        case ast.Constant(value=value):
            return repr(value), ATOM
        case ast.Call(func=function, args=args):
            inside = ", ".join(_within(a, 0, js) for a in args)
            return f"{_within(function, ATOM, js)}({inside})", ATOM
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return f"-{_within(inner, 8, js)}", 7
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return f"!{_within(inner, 8, js)}", 7
        case ast.BinOp(left=left, op=op, right=right):
            sign, rank = _BINARY[type(op)]
            return f"{_within(left, rank, js)} {sign} {_within(right, rank + 1, js)}", rank
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sign = _COMPARE[type(op)] + "=" * (js and isinstance(op, (ast.Eq, ast.NotEq)))
            return f"{_within(left, 5, js)} {sign} {_within(right, 5, js)}", 4
        case ast.BoolOp(op=op, values=values):
            sign, rank = ("&&", 3) if isinstance(op, ast.And) else ("||", 2)
            return f" {sign} ".join(_within(v, rank + 1, js) for v in values), rank
        case ast.IfExp(test=test, body=body, orelse=other):
            return f"{_within(test, 2, js)} ? {_within(body, 2, js)} : {_within(other, 2, js)}", 1
    raise TypeError(ast.dump(tree))


def _within(tree: ast.expr, rank: int, js: bool) -> str:
    text, own = _text(tree, js)
    return text if own >= rank else f"({text})"
