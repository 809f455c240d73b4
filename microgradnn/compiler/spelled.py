"""An instruction as an expression of one language, by its row in the table of spellings.

Expressions are trees of Python's `ast`, so that parentheses are right by construction; c_syntax.py
prints them for JavaScript and C. Nothing in them comes from a string of the user's: names are
identifiers, numbers and arrays are written by repr of their parts.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import TraceError
from .literal import Expressions, np_name, number, value
from .program import Instruction, Variable
from .spellings import ARRAYS, LANGUAGES, SPELLINGS
from .support import HELPERS

_HALF = ("sigmoid", "softmax", "log_softmax", "logsumexp", "norm", "ce_with_logits", "softplus")
KERNEL_OPTIONS: dict[str, dict[str, Any]] = {
    "leaky_relu": {"negative_slope": 0.01}, "elu": {"alpha": 1.0}, "round": {"decimals": 0},
    "nan_to_num": {"nan": 0.0, "posinf": None, "neginf": None},
    **dict.fromkeys(("softmax", "log_softmax"), {"axis": -1}), "eigh": {"UPLO": "L"},
    **dict.fromkeys(("sum", "mean", "max", "min", "prod", "logsumexp", "norm"),
                    {"axis": None, "keepdims": False}),
    **dict.fromkeys(("concatenate", "stack"), {"axis": 0}), "tril": {"k": 0}, "triu": {"k": 0},
    "squeeze": {"axis": None}, "transpose": {"axes": None}, "flip": {"axis": None},
}  # fmt: skip


def spelled(i: Instruction, language: str, name: Expressions, lanes: bool = False) -> ast.expr:
    """The expression of an instruction; `name` says what stands for each variable.

    With `lanes` numbers are spelled for NumPy as arrays are.

    Raises TraceError, with the op's name, if the language has no spelling of it.
    """
    options = KERNEL_OPTIONS.get(i.op, {}) | i.params
    if i.op == "sumprod" and i.out.dtype is None:
        return _sumprod(i, language, name)
    if language == "numpy":
        special = _SPECIAL.get(i.op)
        if special is not None:
            return special(i, lambda x: value(x, name), options)
        row = SPELLINGS.get(i.op)
        alone = i.out.dtype is None and not lanes  # a number of Python's among arrays
        text = row[1 if alone else 0] if row else ARRAYS.get(i.op)
        if text is None and i.op.startswith("np."):
            text = f"{i.op}({', '.join('abcdefgh'[: len(i.inputs)])})"
        if text is not None:
            return _half(i, filled(text, i, options, lambda x: value(x, name)))
    else:
        text = SPELLINGS.get(i.op, (None,) * 4)[LANGUAGES.index(language)]
        if text is not None and not i.out.shape:
            return filled(text, i, options, lambda x: number(x, language, name))
    raise TraceError(
        f"compile: {i.op} has no spelling in {language}"
        + ("; write the function without it" if language == "numpy" else
           ", which is for single numbers; print the program with lang='numpy'")
    )  # fmt: skip


class _Filling(ast.NodeTransformer):
    def __init__(self, parts: dict[str, ast.expr]) -> None:
        self.parts, self.used = parts, set[str]()

    def visit_Name(self, node: ast.Name) -> ast.expr:  # noqa: N802
        self.used.add(node.id)
        return self.parts.get(node.id, node)


def filled(text: str, i: Instruction, options: Any, part: Callable[[Any], ast.expr]) -> ast.expr:
    """The template with the inputs and options in their places; further options by name."""
    parts = {letter: part(x) for letter, x in zip("abcdefgh", i.inputs, strict=False)}
    parts |= {k: part(_shortest(k, v)) for k, v in options.items()}
    filling = _Filling(parts)
    tree = filling.visit(ast.parse(text, mode="eval").body)
    rest = [k for k in i.params if k not in filling.used]
    if isinstance(tree, ast.Call):
        tree.keywords += [ast.keyword(k, parts[k]) for k in rest]
        defaults = KERNEL_OPTIONS.get(i.op, {})
        tree.keywords = [
            k for k in tree.keywords
            if k.arg not in defaults or not _is(options[k.arg], defaults[k.arg])
        ]  # fmt: skip
        while tree.args and _is_default(tree.args[-1], text, len(tree.args) - 1, options, defaults):
            tree.args.pop()
    return tree


def _shortest(name: str, x: Any) -> Any:
    """axis=0 for axis=(0,)."""
    return x[0] if name == "axis" and isinstance(x, tuple) and len(x) == 1 else x


def _is(a: Any, b: Any) -> bool:
    return a is b or type(a) is type(b) and not isinstance(a, np.ndarray) and a == b


def _is_default(last: ast.expr, text: str, k: int, options: Any, defaults: Any) -> bool:
    """Whether the last argument of a helper is what it would be without."""
    call: Any = ast.parse(text, mode="eval").body
    name = getattr(call.args[k], "id", None) if k < len(call.args) else None
    return name in defaults and _is(options[name], defaults[name])


# ---- ops that need more than a template ---------------------------------------------------------


def _getitem(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    index = options["index"]
    parts = index if isinstance(index, tuple) else (index,)
    nodes = [_subscript(x, part) for x in parts]
    alone = len(nodes) == 1 and (isinstance(parts[0], slice) or not isinstance(index, tuple))
    inner = nodes[0] if alone else ast.Tuple(nodes)
    return ast.Subscript(part(i.inputs[0]), inner)


def _subscript(x: Any, part: Callable[[Any], ast.expr]) -> ast.expr:
    if isinstance(x, slice):
        return ast.Slice(*(None if v is None else part(v) for v in (x.start, x.stop, x.step)))
    return part(x)


def _joined(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    tree = ast.Call(np_name(i.op), [ast.List([part(x) for x in i.inputs])], [])
    if options["axis"] != 0:
        tree.keywords.append(ast.keyword("axis", part(options["axis"])))
    return tree


def _einsum(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    tree = ast.Call(np_name("einsum"), [part(options["subscripts"]), *map(part, i.inputs)], [])
    if len(i.inputs) > 2:
        tree.keywords.append(ast.keyword("optimize", ast.Constant(True)))
    return tree


def _sum_to(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    x, shape = i.inputs[0], tuple(options["shape"])
    lead = len(x.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + k for k, n in enumerate(shape) if n == 1 and x.shape[lead + k] != 1
    )
    if axes and all(a < lead for a in axes) or not lead:
        words = (
            ""
            if len(axes) == len(x.shape) and lead
            else f"axis={axes[0] if len(axes) == 1 else axes}"
        )
        words += "" if lead else ", keepdims=True"
        return _Filling({"a": part(x)}).visit(ast.parse(f"a.sum({words})", mode="eval").body)
    return ast.Call(ast.Name("sum_to"), [part(x), part(shape)], [])


def _transposed(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    x, n = i.inputs[0], len(i.out.shape)
    axes = sorted((options["axis1"] % n, options["axis2"] % n)) if i.op == "swapaxes" else None
    if n == 2 and (axes == [0, 1] or i.op == "transpose" and options["axes"] in (None, (1, 0))):
        return ast.Attribute(part(x), "T")
    return filled(ARRAYS[i.op], i, options, part)


def _power(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    """a ** b; of 0-d arrays as NumPy computes it of others, where 2 is a square."""
    a, b = i.inputs
    if not i.out.shape and type(b) in (int, float) and isinstance(a, Variable) and a.dtype:
        one = {2: "np.square(a)", 0.5: "np.sqrt(a)", -1: "np.reciprocal(a)", 1: "np.positive(a)",
               0: "np.ones_like(a)"}.get(b, "np.power(a, b)")  # fmt: skip
        return filled(one, i, options, part)
    return filled("a ** b", i, options, part)


def _put(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    index = options["index"]
    parts = index if isinstance(index, tuple) else (index,)
    nodes = [_subscript(x, part) for x in parts]
    inner: Any = nodes[0] if len(nodes) == 1 and isinstance(index, slice) else ast.Tuple(nodes)
    if any(isinstance(x, (slice, type(Ellipsis))) for x in parts):
        inner = ast.Subscript(np_name("s_"), inner)
    elif not isinstance(index, tuple):
        inner = part(index)
    return ast.Call(ast.Name("put"), [part(i.inputs[0]), inner, part(tuple(options["shape"]))], [])


def _draw(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    method = i.op.partition(".")[2]
    return ast.Call(ast.Attribute(part(i.inputs[0]), method), list(map(part, options["args"])), [])


def _cross_entropy(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    t = i.inputs[1]
    name = "cross_entropy" if t.dtype.kind in "iu" else "cross_entropy_of"
    return ast.Call(ast.Name(name), list(map(part, i.inputs)), [])


def _mean(i: Instruction, part: Callable[[Any], ast.expr], options: Any) -> ast.expr:
    empty = 0 in i.inputs[0].shape
    text = ARRAYS["sum"] if empty else ARRAYS["mean"]
    tree = filled(text, i, options, part)
    return ast.BinOp(tree, ast.Mult(), np_name("nan")) if empty else tree


_SPECIAL: dict[str, Callable[..., ast.expr]] = {
    "getitem": _getitem, "put": _put, "concatenate": _joined, "stack": _joined, "einsum": _einsum,
    "sum_to": _sum_to, "swapaxes": _transposed, "transpose": _transposed, "pow": _power,
    "draw.random": _draw, "draw.uniform": _draw, "mean": _mean,
    "ce_with_logits": _cross_entropy,
}  # fmt: skip


def _sumprod(i: Instruction, language: str, name: Expressions) -> ast.expr:
    """b + w0 * x0 + w1 * x1 + …, in this order."""
    *wx, b = [number(x, language, name) for x in i.inputs]
    n = len(wx) // 2
    total = b
    for w, x in zip(wx[:n], wx[n:], strict=True):
        total = ast.BinOp(total, ast.Add(), ast.BinOp(w, ast.Mult(), x))
    return total


def _half(i: Instruction, tree: ast.expr) -> ast.expr:
    """float16 is added up in float32, as the kernels do."""
    return tree


def helpers_in(tree: ast.AST, language: str) -> set[str]:
    """The helper functions that a text calls."""
    names = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    return names & set(HELPERS[language])
