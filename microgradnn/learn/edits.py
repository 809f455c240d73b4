"""Wrong answers that are the textbook's answer but for one slip of the pen: which slip it is.

An exercise writes its right answer down, line by line, as the last hint would. Each slip that pens
make (a factor left out, a plus for a minus, brackets forgotten, one name for another) is made in
each place of it. Where the result is that of the learner, this is the slip.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

# What a slip is called in the catalogues.
SLIPS = (
    "left_out", "term_left_out", "division_left_out", "power_left_out", "function_left_out",
    "minus_left_out", "minus_added", "plus_minus", "times_divided", "name_for_name", "extra",
    "extra_divided", "brackets_missing", "number_for_number", "function_other", "axis_other",
    "applied_twice", "term_added",
)  # fmt: skip
FUNCTIONS = {"mean": "sum", "sum": "mean", "max": "min", "exp": "log", "log": "exp"}
Path = tuple[Any, ...]


@dataclass(frozen=True)
class Slip:
    """One slip: its name in the catalogues, the words for the texts, and what it computes."""

    cause: str
    words: Mapping[str, str]
    text: str

    @cached_property
    def function(self) -> Callable[..., Any]:
        """What it computes."""
        return compiled(self.text)


@cache
def slips(answer: str) -> tuple[Slip, ...]:
    """All slips in a right answer, the source of a function whose last line is a return.

    What its lines make without using it is there to be mistaken for something else.
    """
    tree = _function(answer)
    known = [[a.arg for a in tree.args.args]]
    for statement in tree.body:
        known.append([*known[-1], *_made(statement)])
    seen = {ast.unparse(tree)}
    out: list[tuple[str, dict[str, str], ast.AST]] = []
    for i in reversed(range(len(tree.body))):  # where a slip can be in several lines: the last one
        line = ast.unparse(tree.body[i]).removeprefix("return ")
        for cause, words, changed in _edits(tree.body[i], known[i]):
            slip = copy.copy(tree)
            slip.body = [*tree.body[:i], changed, *tree.body[i + 1 :]]
            out.append((cause, {**words, "rule": line}, slip))
    out += [(*said, slip) for *said, slip in _throughout(tree, known[0])]
    found: dict[str, Slip] = {}
    for cause, words, slip_tree in out:
        text = ast.unparse(slip_tree)
        if text not in seen:
            found.setdefault(text, Slip(cause, words, text))
    return tuple(found.values())


def _throughout(tree: ast.FunctionDef, names: Sequence[str]) -> Iterator[Any]:
    """One of the arguments taken for another, or one too large or small, in all lines."""
    for name in names:
        for shift in (1, -1):
            new = ast.BinOp(ast.Name(name, ast.Load()), ast.Add(), ast.Constant(shift))
            words = {"what": name, "there": f"{name} {shift:+d}", "rule": name}
            yield "number_for_number", words, _everywhere(tree, name, new)
        for other in names:
            if other != name:
                words = {"what": name, "there": other, "rule": name}
                yield "name_for_name", words, _everywhere(tree, name, ast.Name(other, ast.Load()))


def _function(answer: str) -> ast.FunctionDef:
    (tree,) = ast.parse(answer).body
    assert isinstance(tree, ast.FunctionDef)
    return tree


def compiled(answer: str) -> Callable[..., Any]:
    """The function of a source."""
    scope: dict[str, Any] = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    exec(answer, scope)
    function: Callable[..., Any] = scope[_function(answer).name]
    return function


def _made(statement: ast.stmt) -> Iterator[str]:
    """The names that a line gives."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


# ---- the slips of one line -----------------------------------------------------------------------

Edits = Iterator[tuple[str, dict[str, str], Any]]


def _edits(statement: ast.stmt, names: Sequence[str]) -> Edits:
    """(cause, words, the line with the slip in it)."""
    yield from _brackets(statement)
    for path, node in _places(statement, ()):
        for cause, words, new in _in_place(node, names):
            yield cause, words, _replaced(statement, path, new)
    used = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    for name in (n for n in names if n in used):
        twice = ast.parse(f"sigmoid({name})", mode="eval").body
        yield "applied_twice", {"what": name}, _everywhere(statement, name, twice)
        for other in names:
            if other != name:
                words = {"what": name, "there": other}
                new = ast.Name(other, ast.Load())
                yield "name_for_name", words, _everywhere(statement, name, new)
    for path, node in _results(statement):
        for name in names:
            factor = ast.Name(name, ast.Load())
            word = {"what": name}
            yield "extra", word, _replaced(statement, path, ast.BinOp(node, ast.Mult(), factor))
            divided = ast.BinOp(node, ast.Div(), factor)
            yield "extra_divided", word, _replaced(statement, path, divided)
            more = ast.BinOp(node, ast.Add(), factor)
            yield "term_added", word, _replaced(statement, path, more)


def _in_place(node: ast.expr, names: Sequence[str]) -> Edits:
    """The slips at one expression, as what stands there then."""
    if isinstance(node, ast.BinOp):
        yield from _at_operator(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "minus_left_out", {"what": ast.unparse(node)}, node.operand
    elif isinstance(node, ast.Call):
        yield from _at_call(node)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        for other in (node.value + 1, node.value - 1, 2 * node.value, node.value / 2):
            words = {"what": ast.unparse(node), "there": f"{other:g}"}
            yield "number_for_number", words, ast.Constant(other)
    elif isinstance(node, ast.Name) and node.id in names:
        yield "minus_added", {"what": node.id}, ast.UnaryOp(ast.USub(), node)
        for other_name in names:
            if other_name != node.id:
                words = {"what": node.id, "there": other_name}
                yield "name_for_name", words, ast.Name(other_name, ast.Load())


def _at_operator(node: ast.BinOp) -> Edits:
    left, right_, op = node.left, node.right, node.op
    word = {"what": ast.unparse(right_)}
    other = {"what": ast.unparse(left)}
    if isinstance(op, ast.Mult):
        yield "left_out", word, left
        yield "left_out", other, right_
        yield "times_divided", word, ast.BinOp(left, ast.Div(), right_)
    elif isinstance(op, ast.Div):
        yield "division_left_out", word, left
        yield "times_divided", word, ast.BinOp(left, ast.Mult(), right_)
    elif isinstance(op, (ast.Add, ast.Sub)):
        yield "term_left_out", word, left
        yield "term_left_out", other, right_ if isinstance(op, ast.Add) else _minus(right_)
        turned = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
        yield "plus_minus", {"what": ast.unparse(node)}, ast.BinOp(left, turned, right_)
    elif isinstance(op, ast.Pow):
        yield "power_left_out", {"what": ast.unparse(node)}, left
        yield "power_left_out", {"what": ast.unparse(node)}, ast.BinOp(left, ast.Mult(), right_)


def _minus(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), node)


def _at_call(node: ast.Call) -> Edits:
    called, what = node.func, {"what": ast.unparse(node)}
    inner = node.args[0] if node.args else called.value if isinstance(called, ast.Attribute) else (
        called)  # fmt: skip
    yield "function_left_out", what, inner
    if isinstance(called, ast.Attribute) and called.attr in FUNCTIONS:
        new = copy.deepcopy(node)
        new.func = ast.Attribute(called.value, FUNCTIONS[called.attr], ast.Load())
        words = {"what": called.attr, "there": FUNCTIONS[called.attr]}
        yield "function_other", words, new
    for k, keyword in enumerate(node.keywords):
        if keyword.arg == "axis":
            new = copy.deepcopy(node)
            new.keywords[k].value = ast.Constant(1 - int(ast.unparse(keyword.value)))
            yield "axis_other", what, new
            new = copy.deepcopy(node)
            del new.keywords[k]
            yield "axis_other", what, new


def _brackets(statement: ast.stmt) -> Edits:
    """One pair of brackets left out, where that is Python still, and something else."""
    text = ast.unparse(statement)
    for start, sign in enumerate(text):
        if sign != "(" or (start and (text[start - 1].isalnum() or text[start - 1] in "_])")):
            continue
        end = _closing(text, start)
        flat = text[:start] + text[start + 1 : end] + text[end + 1 :]
        try:
            (new,) = ast.parse(flat).body
        except (SyntaxError, ValueError):
            continue
        yield "brackets_missing", {"what": text[start : end + 1]}, new


def _closing(text: str, start: int) -> int:
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i
    return len(text) - 1


# ---- places in a line ----------------------------------------------------------------------------


def _places(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.expr]]:
    """Every expression that is read, with the way to it."""
    for name, value in ast.iter_fields(node):
        for key, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST):
                continue
            here = (*path, (name, key))
            stored = isinstance(getattr(child, "ctx", None), ast.Store)
            if isinstance(child, ast.expr) and not stored:
                yield here, child
            if not stored:
                yield from _places(child, here)


def _results(statement: ast.stmt) -> Iterator[tuple[Path, ast.expr]]:
    """What a line computes: the value of an assignment, or each part of what is returned."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Tuple):
        for k, part in enumerate(value.elts):
            yield (("value", None), ("elts", k)), part
    elif isinstance(value, ast.expr):
        yield (("value", None),), value


def _replaced(statement: ast.stmt, path: Path, new: ast.expr) -> ast.stmt:
    out: Any = copy.deepcopy(statement)
    node = out
    for name, key in path[:-1]:
        node = getattr(node, name) if key is None else getattr(node, name)[key]
    name, key = path[-1]
    if key is None:
        setattr(node, name, new)
    else:
        getattr(node, name)[key] = new
    return out


def _everywhere(tree: ast.AST, name: str, new: ast.expr) -> Any:
    """Lines with `new` for every use of a name."""

    class Swap(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return new if node.id == name and isinstance(node.ctx, ast.Load) else node

    return Swap().visit(copy.deepcopy(tree))
