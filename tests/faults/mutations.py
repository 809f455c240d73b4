"""Faults that can be planted in a file of source: each a small change of its syntax tree.

They are drawn from the source as it stands, so the list does not go stale. Left alone is what has no
number of its own: docstrings, annotations, messages of errors, __all__, representations.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
# Kinds that change a number, where a line computes one.
NUMERIC = ("operator", "left out", "sign", "constant", "sum_to", "turned")
SILENT = ("__repr__", "__str__", "_repr_html_", "__treescope_repr__", "__format__", "summary")


@dataclass(frozen=True)
class Fault:
    """One change: where it is, of which kind, and the line before and after."""

    path: str
    line: int
    kind: str
    before: str
    after: str
    place: tuple[int, int] = (0, 0)  # which expression of the file, which change of it

    def source(self, text: str) -> str:
        """The text of the file with the fault in it."""
        tree = ast.parse(text)
        node = list(_open(tree))[self.place[0]]
        _, new = list(_changes(node))[self.place[1]]
        return ast.unparse(_replaced(tree, node, new))

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.kind}: {self.before}  ->  {self.after}"


def faults(root: Path, path: Path) -> list[Fault]:
    """All faults that can be planted in a file."""
    text = path.read_text(encoding="utf-8")
    at = path.relative_to(root).as_posix()
    found = []
    for i, node in enumerate(_open(ast.parse(text))):
        for k, (kind, new) in enumerate(_changes(node)):
            before, after = (ast.unparse(n).splitlines()[0][:90] for n in (node, new))
            if before != after:
                found.append(Fault(at, node.lineno, kind, before, after, (i, k)))
    return found


def _open(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions below a node that may be changed."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _closed(child):
                if isinstance(child, ast.expr):
                    yield child
                yield from _open(child)


def _closed(node: ast.AST) -> bool:
    """What is left alone with all that is in it."""
    if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.name in SILENT
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id.startswith("__") for t in node.targets)
    return isinstance(node, ast.AnnAssign) and node.value is None


def _changes(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """What may stand in the place of an expression, and what kind of fault that is."""
    match node:
        case ast.BinOp(left, op, right) if type(op) in ARITHMETIC and not _text(node):
            yield "operator", ast.BinOp(left, ARITHMETIC[type(op)](), right)
            yield "left out", left
        case ast.BinOp(left, ast.MatMult(), right):
            yield "turned", ast.BinOp(right, ast.MatMult(), left)
        case ast.UnaryOp(ast.USub(), ast.Constant()):
            return
        case ast.UnaryOp(ast.USub(), operand):
            yield "sign", operand
        case ast.UnaryOp(ast.Not(), operand):
            yield "condition", operand
        case ast.Constant(bool() as value):
            yield "default", ast.Constant(not value)
        case ast.Constant(int() | float() as value):
            yield "constant", ast.Constant(value + 1 if isinstance(value, int) else value * 2)
        case ast.Compare(left, [op], [right]) if type(op) in COMPARED:
            yield "comparison", ast.Compare(left, [COMPARED[type(op)]()], [right])
        case ast.BoolOp(op, values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "condition", ast.BoolOp(other, values)
        case ast.Call(ast.Name("sum_to" | "unbroadcast"), [first, *_]):
            yield "sum_to", first


def _text(node: ast.BinOp) -> bool:
    """Whether it joins texts or lists, as far as can be seen."""
    parts = (ast.JoinedStr, ast.List, ast.Tuple)
    sides = (node.left, node.right)
    return any(isinstance(s, parts) for s in sides) or any(
        isinstance(s, ast.Constant) and isinstance(s.value, str) for s in sides
    )


def _replaced(tree: ast.Module, old: ast.expr, new: ast.expr) -> ast.Module:
    """A copy of the tree with one expression in the place of another."""

    class Change(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return new if node is old else super().visit(node)

        def generic_visit(self, node: ast.AST) -> ast.AST:
            made = type(node)()
            for name, value in ast.iter_fields(node):
                whole = (
                    [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
                    if isinstance(value, list)
                    else None
                )
                one = self.visit(value) if isinstance(value, ast.AST) else value
                setattr(made, name, one if whole is None else whole)
            return ast.copy_location(made, node) if hasattr(node, "lineno") else made

    return ast.fix_missing_locations(Change().visit(tree))
