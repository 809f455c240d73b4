"""What the text of a function says: its syntax tree, its parameters, what it returns."""

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .words import is_rate

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


def _code(thing: Any) -> Any:
    """The code of a function as its author wrote it: behind decorators, of a bound method too."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    return getattr(thing, "__code__", None)


def _file(thing: Any) -> tuple[str, ...]:
    """The lines of the file that a function or class is from; none if there is no such file."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    code = _code(thing)
    path = code.co_filename if code is not None else getattr(module, "__file__", None)
    return tuple(linecache.getlines(path)) if path else ()


def only_inside(path: str, number: int, name: str) -> bool:
    """Whether a function assigns to a name only inside loops and conditions; number is its line."""
    around = [
        n for n in _definitions(tuple(linecache.getlines(path))).values()
        if isinstance(n, ast.FunctionDef) and n.lineno <= number <= (n.end_lineno or 0)
    ]  # fmt: skip
    if not around:
        return False
    inner = max(around, key=lambda n: n.lineno)
    simple = [s for s in inner.body if not isinstance(s, (ast.For, ast.While, ast.If, ast.Try))]
    names = [n for s in simple for n in ast.walk(s) if isinstance(n, ast.Name)]
    return not any(n.id == name and isinstance(n.ctx, ast.Store) for n in names)


def given_globally(path: str, name: str) -> bool:
    """Whether a function of a file says that it gives this name its value: global name."""
    nodes = _definitions(tuple(linecache.getlines(path))).values()
    inside = [n for node in nodes for n in ast.walk(node)]
    return any(isinstance(n, ast.Global) and name in n.names for n in inside)


def line(thing: Any) -> int:
    """The first line of a function or a class, or 0."""
    code = _code(thing)
    if code is not None:
        return code.co_firstlineno
    for first, node in _definitions(_file(thing)).items():
        if isinstance(node, ast.ClassDef) and node.name == thing.__name__:
            return first
    return 0


def tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The syntax tree of a function, or None if its text is not to be had."""
    code = _code(function)
    node = _definitions(_file(function)).get(code.co_firstlineno) if code is not None else None
    return node if isinstance(node, ast.FunctionDef) else None


def text(function: Callable[..., Any]) -> str:
    """The lines of a function, or ""."""
    node = tree(function)
    return "".join(_file(function)[node.lineno - 1 : node.end_lineno]) if node else ""


# ---- parameters ----------------------------------------------------------------------------------


def takes_a_step(method: Callable[..., Any]) -> bool:
    """Whether a backward is given all gradients and a learning rate: it updates, no more."""
    words = required(method)
    return len(words) == 2 and is_rate(words[1]) and words[0].lower() in ("grads", "gradients")


def positional(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The positional parameters of a function or class; [] if they cannot be known."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def all_parameters(function: Callable[..., Any]) -> list[str]:
    """The names of all positional parameters."""
    return [p.name for p in positional(function)]


def required(function: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters without a default."""
    return [p.name for p in positional(function) if p.default is p.empty]


# ---- what is returned ----------------------------------------------------------------------------


def returned_names(function: Callable[..., Any]) -> list[str | None]:
    """The names of the variables in the last return statement, None for other expressions."""
    node = tree(function)
    returns = _returned(node) if node is not None else []
    if not returns:
        return []
    last = max(returns, key=lambda value: value.lineno)
    parts = last.elts if isinstance(last, (ast.Tuple, ast.List)) else [last]
    return [_called(p) for p in parts]


def _called(value: ast.expr) -> str | None:
    """The name of a variable or attribute, also of one that is divided or multiplied: dw / N."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Div, ast.Mult)):
        return _called(value.left) or _called(value.right)
    return value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", None)


def tuples(function: Callable[..., Any]) -> int:
    """How many things it returns, 0 if that cannot be seen."""
    node = tree(function)
    if node is None:
        return 0
    named = {
        target.id: n.value
        for n in own(node)
        if isinstance(n, ast.Assign)
        for target in n.targets
        if isinstance(target, ast.Name)
    }
    values = [named.get(v.id, v) if isinstance(v, ast.Name) else v for v in _returned(node)]
    scope = getattr(inspect.unwrap(function), "__globals__", {})
    counts = {len(v.elts) if isinstance(v, ast.Tuple) else _single(v, scope) for v in values}
    counts -= {1} if len(counts) > 1 and max(counts) > 1 else set()
    return counts.pop() if len(counts) == 1 else 0


def _returned(node: ast.AST) -> list[ast.expr]:
    return [n.value for n in own(node) if isinstance(n, ast.Return) and n.value is not None]


def _single(value: ast.expr, scope: dict[str, Any]) -> int:
    """1 for what cannot be a tuple; a call of something else may be one."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        callee = scope.get(value.func.id)
        return tuples(callee) if inspect.isfunction(callee) else 0
    if not isinstance(value, ast.Call):
        return 1
    return int(isinstance(value.func, ast.Attribute))  # np.dot(…), x.copy()


def own(node: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    out: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            out += [child, *own(child)]
    return out


# ---- exercises that are not done yet -------------------------------------------------------------


def is_empty(function: Callable[..., Any], output: bool = False) -> bool:
    """Whether nothing is written in it: pass, ..., a docstring, return None, NotImplementedError.

    What stands behind a return does not count. A name that is None wherever it is assigned is
    nothing, and so are a tuple, list or dict of nothing. Of a forward (`output`) the first thing
    returned counts, and a number that is written out is nothing either: loss = 0.0. What keeps
    something that it has computed, in an object or an array, is not empty.
    """
    node = tree(function)
    if node is None:
        return False
    body = []
    for statement in node.body:
        if isinstance(statement, (ast.Raise, ast.Assert)) and _gives_up(statement):
            return True
        if isinstance(statement, ast.Raise):
            return False
        body.append(statement)
        if isinstance(statement, ast.Return):
            break
    said = ast.Module(body, [])
    assigned = _assigned(said)
    returned = [_first(v) if output else v for v in _returned(said)]
    if not returned and any(_calls(n) for n in own(said)):
        return False  # of other layers, perhaps
    return all(_is_nothing(v, assigned, output) for v in returned) and not _acts(said, assigned)


_TO_DO = re.compile(r"not (yet )?implement|implement (this|me)|to ?do|your (code|solution)", re.I)
_TELLS = re.compile(r"print|log|logg(er|ing)\.\w+|warnings\.warn")


def _gives_up(statement: ast.Raise | ast.Assert) -> bool:
    """Whether it says that something is still to be written."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and not statement.test.value
    words = [n.value for n in ast.walk(statement) if isinstance(n, ast.Constant)]
    text = ast.unparse(statement)
    return "NotImplemented" in text or any(_TO_DO.search(str(word)) for word in words)


def _first(value: ast.expr) -> ast.expr:
    return value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value


def _calls(node: ast.AST) -> bool:
    """Whether it is a call that does more than to tell something."""
    return isinstance(node, ast.Call) and not _TELLS.fullmatch(ast.unparse(node.func))


def _acts(node: ast.AST, assigned: dict[str, list[ast.expr]]) -> bool:
    """Whether it keeps something computed in an object or array, or calls what may do so."""
    for n in own(node):
        if isinstance(n, ast.Expr) and _calls(n.value) or isinstance(n, ast.While):
            return True
        for target, value in _targets(n):
            kept = isinstance(target, (ast.Attribute, ast.Subscript))
            if kept and not isinstance(value, ast.Name) and not _is_nothing(value, assigned, True):
                return True
    return False


def only_raises(function: Callable[..., Any]) -> bool:
    """Whether all that it does is to raise NotImplementedError."""
    node = tree(function)
    return node is not None and is_empty(function) and isinstance(node.body[-1], ast.Raise)


def _assigned(node: ast.AST) -> dict[str, list[ast.expr]]:
    """What is assigned to each name in a function."""
    out: dict[str, list[ast.expr]] = {}
    for n in own(node):
        for target, value in _targets(n):
            if isinstance(target, ast.Name):
                out.setdefault(target.id, []).append(value)
    return out


def _targets(node: ast.AST) -> list[tuple[ast.expr, ast.expr]]:
    """What a statement assigns to, and what it assigns; the target itself where that is unclear."""
    if isinstance(node, ast.AugAssign):
        return [(node.target, node.target)]
    if isinstance(node, ast.AnnAssign):
        return [(node.target, node.value)] if node.value else []
    if isinstance(node, ast.For):
        return [(part, part) for part in ast.walk(node.target) if isinstance(part, ast.expr)]
    out: list[tuple[ast.expr, ast.expr]] = []
    if not isinstance(node, ast.Assign):
        return out
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            out += zip(target.elts, node.value.elts, strict=False)
        else:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            out += [(part, node.value) for part in parts]
    return out


def _is_nothing(value: ast.expr | None, assigned: dict[str, list[ast.expr]], numbers: bool) -> bool:
    if isinstance(value, (ast.Tuple, ast.List)):
        return all(_is_nothing(part, assigned, numbers) for part in value.elts)
    if isinstance(value, ast.Dict):
        parts = value.values
        return bool(parts) and all(_is_nothing(part, assigned, numbers) for part in parts)
    if isinstance(value, ast.Name):
        given = assigned.get(value.id, [])
        blank = value.id == "NotImplemented" or not value.id.strip("_")
        others = {name: values for name, values in assigned.items() if name != value.id}
        return bool(given) and all(_is_nothing(g, others, numbers) for g in given) or blank
    if isinstance(value, ast.Constant):
        return numbers or value.value in (None, ...) or isinstance(value.value, str)
    return value is None
