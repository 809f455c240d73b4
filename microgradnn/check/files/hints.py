"""What a function's text tells of its arguments: ranks, names of axes, keys of dicts, labels."""

import ast
import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any

from .. import source
from .arguments.docstrings import documented, first_shapes
from .expressions import constant, is_self, number, operands, shape_of, unclipped
from .hinted import REQUIRED, Hints

EPS = {"eps", "epsilon", "EPS", "EPSILON"}  # what a number next to nothing is called


def read(functions: Iterable[Callable[..., Any]], names: Iterable[str]) -> Hints:
    """The hints of several functions that share their names: those of a class, or of a pair."""
    hints, seen = Hints(), set[Any]()
    for function in functions:
        _read(inspect.unwrap(function), {}, hints, seen, 0)
    if not any(n in hints.axes for n in names):
        for name, found in zip(names, first_shapes(hints.text, list(names)), strict=False):
            hints.axes[name] = [""] * len(found)
    for name in names:
        for text, far in ((hints.text, 160), (hints.comments, 10)):
            if name not in hints.sure and name not in hints.axes:
                axes = documented(name, text, list(names), far)
                if axes is None and len(name) == 1 and name.swapcase() not in names:
                    axes = documented(name.swapcase(), text, list(names), far)  # y for Y
                if axes:
                    hints.axes[name] = axes
    return hints


def _read(
    function: Callable[..., Any], renamed: dict[str, str], hints: Hints, seen: set[Any], depth: int
) -> None:
    """Add a function's hints; `renamed` says which of its names stand for a caller's."""
    node = source.tree(function)
    if node is None or function in seen:
        return
    seen.add(function)
    if depth == 0:
        hints.text += "\n" + (inspect.getdoc(function) or "")
        comments = re.findall(r"#[ \t]*([^#\n]{4,})", source.text(function))
        hints.comments += "\n\n".join(["", *comments])
    scope = getattr(function, "__globals__", {})
    pairs = zip(node.args.args[::-1], node.args.defaults[::-1], strict=False)
    defaults = {p.arg: constant(d) for p, d in pairs}
    reader = _Reader(hints, renamed, depth, scope, defaults)
    for statement in node.body:
        reader.visit(statement)
    if depth < 3:
        for callee, names in reader.calls:
            _read(callee, names, hints, seen, depth + 1)


_MAKES = ("zeros", "ones", "empty", "full", "randn", "rand", "normal", "uniform", "standard_normal")


class _Reader(ast.NodeVisitor):
    def __init__(
        self, hints: Hints, renamed: dict[str, str], depth: int, scope: dict[str, Any],
        defaults: dict[str, Any],
    ) -> None:  # fmt: skip
        self.hints, self.renamed, self.depth, self.scope = hints, dict(renamed), depth, scope
        self.defaults = defaults
        self.calls: list[tuple[Any, dict[str, str]]] = []

    def name(self, node: ast.AST) -> str | None:
        """The variable a node is, or None; in a function called, only what was handed to it."""
        if isinstance(node, ast.Attribute) and is_self(node.value):
            return self.renamed.get(node.attr, node.attr if self.depth == 0 else None)
        if isinstance(node, ast.Name):
            return self.renamed.get(node.id, node.id if self.depth == 0 else None)
        return None

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: N802
        target, value = node.targets[0], node.value
        if isinstance(target, (ast.Tuple, ast.List)) and (shaped := shape_of(value)) is not None:
            names = [e.id if isinstance(e, ast.Name) else "" for e in target.elts]
            starred = any(isinstance(e, ast.Starred) for e in target.elts)
            if (name := self.name(shaped)) and not starred:
                self.axes(name, names)
        if isinstance(target, ast.Tuple):
            self.parted(value, len(target.elts))
        if isinstance(target, ast.Name):
            self.assigned(target.id, value)
        elif isinstance(target, ast.Attribute) and unclipped(value) is not value:
            self.assigned(target.attr, value)  # self.probs = np.clip(y_pred, …)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:  # noqa: N802
        self.elements(node.target, node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> None:  # noqa: N802
        for part in node.generators:
            self.elements(part.target, part.iter)
        self.generic_visit(node)

    def elements(self, target: ast.expr, over: ast.expr) -> None:
        """for t in tokens, for i, t in enumerate(tokens): t stands for tokens."""
        if isinstance(over, ast.Call) and getattr(over.func, "id", "") == "enumerate":
            over = over.args[0]
            target = target.elts[-1] if isinstance(target, ast.Tuple) else target
        if isinstance(target, ast.Name) and (name := self.name(over)):
            self.renamed.setdefault(target.id, name)
            self.hints.listed.add(name)

    def assigned(self, target: str, value: ast.expr) -> None:
        if isinstance(value, ast.Subscript) and (shaped := shape_of(value.value)) is not None:
            name, at = self.name(shaped), number(value.slice)
            if name and isinstance(at, int) and at >= 0 and self.depth == 0:
                axes = self.hints.least.setdefault(name, [])
                axes += [""] * (at + 1 - len(axes))
                axes[at] = axes[at] or target
        value = unclipped(value)
        if isinstance(value, ast.Name) and (name := self.name(value)):
            self.renamed.setdefault(target, name)

    def axes(self, name: str, axes: list[str]) -> None:
        if name not in self.hints.sure:
            self.hints.sure.add(name)
            clean = ["" if a.strip("_") == "" else a for a in axes]
            self.hints.axes[name] = clean if self.depth == 0 else [""] * len(axes)

    def visit_Subscript(self, node: ast.Subscript) -> None:  # noqa: N802
        name = self.name(node.value)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if name and isinstance(key, str) and isinstance(node.ctx, ast.Load):
            self.hints.keys.setdefault(name, {}).setdefault(key, REQUIRED)
        if type(key) is int:
            self.parted(node.value, key + 1)
        at = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in at:
            part = part.value if isinstance(part, ast.Subscript) else part
            index = self.name(part) if not isinstance(part, ast.Slice) else None
            if index:
                self.hints.index.add(index)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:  # noqa: N802
        function = node.func
        if isinstance(function, ast.Attribute) and (name := self.name(function.value)):
            if function.attr in ("get", "setdefault", "pop") and node.args:
                self.key(name, node)
        called = function.attr if isinstance(function, ast.Attribute) else ""
        names = [self.name(a) for a in node.args]
        if called in ("log", "log2", "log1p"):
            self.hints.logged |= {n for n in map(self.name, operands(node.args)) if n}
        self.made(node, called)
        if called == "clip" and isinstance(function, ast.Attribute):
            self.clipped(node, self.name(function.value))
        if called == "einsum" and node.args and isinstance(node.args[0], ast.Constant):
            self.einsum(str(node.args[0].value), names[1:])
        if called == "transpose" and isinstance(function, ast.Attribute) and len(node.args) > 1:
            name = self.name(function.value)
            if name and name not in self.hints.axes and all(number(a) is not None
                                                           for a in node.args):  # fmt: skip
                self.axes(name, [""] * len(node.args))
        if called == "at" and len(node.args) > 1 and names[1]:
            self.hints.index.add(names[1])
        if called in ("outer", "convolve", "correlate", "cross"):
            for name in names[:2]:
                if name and name not in self.hints.sure and self.depth == 0:
                    self.axes(name, [""])
                    self.hints.lines |= {name} if called != "outer" else set()
        if called in ("dot", "matmul"):
            self.dotted(node)
        self.calling(node)
        self.generic_visit(node)

    def parted(self, whole: ast.expr, count: int) -> None:
        """At least so many parts are taken of it."""
        if name := self.name(whole):
            self.hints.parts[name] = max(self.hints.parts.get(name, 0), count)

    def made(self, node: ast.Call, called: str) -> None:
        """np.zeros((n, m)): n and m are sizes; len(sizes): these are a list."""
        if getattr(node.func, "id", "") in ("len", "zip"):
            self.hints.listed |= {n for a in node.args if (n := self.name(a))}
        shapes = [a.elts for a in (*node.args, *(k.value for k in node.keywords))
                  if isinstance(a, ast.Tuple)]  # fmt: skip
        shapes += [node.args] if called in ("randn", "rand") and len(node.args) > 1 else []
        if called in _MAKES:
            self.hints.sized |= {n for shape in shapes for a in shape if (n := self.name(a))}

    def key(self, name: str, node: ast.Call) -> None:
        key = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if isinstance(key, str):
            default = constant(node.args[1]) if len(node.args) > 1 else None
            self.hints.keys.setdefault(name, {}).setdefault(key, default)

    def einsum(self, spec: str, names: list[str | None]) -> None:
        for term, name in zip(spec.split("->")[0].split(","), names, strict=False):
            if name and name not in self.hints.sure and "." not in term:
                self.hints.sure.add(name)
                self.hints.axes[name] = ["ein_" + letter for letter in term.strip()]

    def calling(self, node: ast.Call) -> None:
        """A function of the same file gets some of our names: read it too."""
        callee = self.scope.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if inspect.isclass(callee):
            self.calls += [(f, {}) for f in vars(callee).values() if inspect.isfunction(f)]
        if inspect.isfunction(callee):
            parameters = list(inspect.signature(callee).parameters)
            pairs = [(p, self.name(a)) for p, a in zip(parameters, node.args, strict=False)]
            pairs += [(k.arg, self.name(k.value)) for k in node.keywords if k.arg]
            names = {p: n for p, n in pairs if n}
            if names:
                self.calls.append((callee, names))

    def visit_BinOp(self, node: ast.BinOp) -> None:  # noqa: N802
        if isinstance(node.op, ast.MatMult):
            self.product(node.left, node.right)
        else:
            self.hints.flat |= {n for n in (self.name(node.left), self.name(node.right)) if n}
        if isinstance(node.op, ast.Mult) and isinstance(node.right, (ast.Name, ast.Constant)):
            numbers = [k for k in (number(node.left), number(node.right)) if isinstance(k, int)]
            self.hints.times |= {k for k in numbers if 2 <= k <= 8}
        self.generic_visit(node)

    def clipped(self, node: ast.Call, owner: str | None) -> None:
        """A probability: np.clip(p, 1e-7, 1 - 1e-7), p.clip(eps, 1 - eps)."""
        named = [self.name(n) for n in node.args] + [self.name(k.value) for k in node.keywords]
        first = node.args[1:2] if owner in (None, "np", "numpy") else node.args[:1]
        small = any(0 < (number(n) or 0) < 1e-3 for n in first) or bool({*named} & EPS)
        x = named[0] if owner in (None, "np", "numpy") else owner
        self.hints.logged |= {x} if x and small else set()

    def dotted(self, node: ast.Call) -> None:
        """np.dot(a, b) or a.dot(b)."""
        if len(node.args) == 2:
            self.product(node.args[0], node.args[1])
        elif len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            self.product(node.func.value, node.args[0])

    def product(self, left: ast.expr, right: ast.expr) -> None:
        first = self.name(left) or (left.slice.value if isinstance(left, ast.Subscript)
                                    and isinstance(left.slice, ast.Constant) else "")  # fmt: skip
        second = self.name(right)
        if isinstance(first, str) and re.match(r"[Ww]", first):
            self.hints.columns |= second is None or not re.match(r"[Ww]", second)

    def visit_Compare(self, node: ast.Compare) -> None:  # noqa: N802
        sides = [node.left, *node.comparators]
        for side in sides:
            name = self.name(side)
            if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Constant):
                name = str(side.slice.value)
            others = [constant(s) for s in sides if s is not side]
            others += [w for o in others if isinstance(o, (tuple, list, set)) for w in o]
            if name and any(isinstance(o, str) for o in others):
                self.hints.literals.setdefault(name, []).extend(
                    o for o in others if isinstance(o, str)
                )
            whole = others + [self.defaults.get(getattr(s, "id", "")) for s in sides]
            more = [n for n in whole if type(n) is int and abs(n) > 1 or n == -1]
            self.hints.numbers.setdefault(name or "", []).extend(more)
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and isinstance(node.left, ast.Constant):
            name = self.name(node.comparators[0])
            if name and isinstance(node.left.value, str):
                self.hints.keys.setdefault(name, {}).setdefault(node.left.value, None)
        self.generic_visit(node)
