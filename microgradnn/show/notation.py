"""Formulas of Letters as text and as LaTeX."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from .letters import Letter

# How tightly a sign binds, and whether its right side needs brackets at the same strength.
CHOICE, LOGIC, TEST, SUM, PRODUCT, MINUS, POWER, ATOM = range(8)
_INFIX = {
    ops.add: (" + ", SUM, False),
    ops.sub: (" - ", SUM, True),
    ops.mul: ("*", PRODUCT, False),
    ops.div: ("/", PRODUCT, True),
    ops.matmul: (" @ ", PRODUCT, True),
    ops.remainder: (" % ", PRODUCT, True),
    ops.floor_divide: ("//", PRODUCT, True),
}
_TEX_INFIX = {ops.add: " + ", ops.sub: " - ", ops.mul: r" \cdot ", ops.matmul: r" \, "}
_TEX_WORDS = {
    "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "arcsin", "arccos", "arctan", "max",
    "min",
}  # fmt: skip


def number(x: Any) -> str:
    """A number as tables show it: six digits, exact numbers as they are."""
    if isinstance(x, np.ndarray):
        x = x.item() if x.size == 1 else x
    if isinstance(x, (bool, np.bool_)):
        return str(bool(x))
    if isinstance(x, (int, np.integer)):
        return str(int(x))
    return f"{x + 0.0:.6g}" if isinstance(x, (float, np.floating)) else str(x)  # -0.0 is 0


def amount(x: Any) -> str:
    """A number, a short array with its numbers, or the shape and mean size of a larger array."""
    array = np.asarray(x)
    if array.size == 1:
        return number(array)
    if array.ndim == 1 and 0 < array.size <= 3:
        return "[" + ", ".join(brief(v) for v in array) + "]"
    mean = np.mean(np.abs(array.astype(float))) if array.size else 0.0
    return f"{shape(array)} ~{mean:.3g}"


def brief(x: Any) -> str:
    """A number in four digits."""
    return f"{x + 0.0:.4g}" if isinstance(x, (float, np.floating)) else number(x)


def shape(x: Any) -> str:
    """The shape of an array: (3, 4)."""
    return str(tuple(np.shape(x)))


def text(x: Any, shapes: bool = False) -> str:
    """The formula in Python's notation; with the shape of each array where it first comes up."""
    return _text(x, set() if shapes else None)[0]


def _text(x: Any, said: set[str] | None) -> tuple[str, int]:
    """The formula, and how tightly its outermost sign binds; said: names with their shape."""
    if not isinstance(x, Letter):
        plain = number(x) if np.ndim(x) == 0 else amount(x)
        return plain, MINUS if plain.startswith("-") else ATOM
    if x.op is None and x.args:
        own = LOGIC if x.name in ("and", "or") else TEST
        a, b = (_bracket(_text(v, said), own + (own == TEST)) for v in x.args)
        return f"{a} {x.name} {b}", own
    if x.op is None:
        first = said is not None and x.ndim > 0 and x.name not in said
        if said is not None:
            said.add(x.name)
        return (f"{x.name} {shape(x)}" if first else x.name), ATOM
    op, args = _squared(x)
    return call(op, [_text(v, said) for v in args], x.params)


def _squared(x: Letter) -> tuple[Any, tuple[Any, ...]]:
    """The op and inputs of a Letter; of y * y those of y ** 2."""
    if x.op is ops.mul and x.args[0] is x.args[1]:
        return ops.square, x.args[:1]
    return x.op, x.args


def call(op: Any, args: list[tuple[str, int]], params: Any) -> tuple[str, int]:
    """op applied to formulas, each given with its strength, in Python's notation."""
    (first, *rest) = args
    if op in _INFIX and len(args) == 2:
        sign, own, strict = _INFIX[op]
        left, right = _bracket(first, own), _bracket(rest[0], own + strict)
        return f"{left}{sign}{right}", own
    if op is ops.pow:
        return f"{_bracket(first, ATOM)}**{_bracket(rest[0], ATOM)}", POWER
    if op is ops.square:
        return f"{_bracket(first, ATOM)}**2", POWER
    if op is ops.neg:
        return f"-{_bracket(first, PRODUCT)}", MINUS
    if op is ops.where:
        c, a, b = (said for said, _ in args)
        return f"{a} if {c} else {b}", CHOICE
    if op in (ops.swapaxes, ops.transpose) and _plain_transpose(op, params):
        return f"{_bracket(first, ATOM)}ᵀ", ATOM
    if op is ops.getitem:
        return f"{_bracket(first, ATOM)}[{index(params['index'])}]", ATOM
    words = [said for said, _ in args] + [
        f"[{index(v)}]" if k == "index" else option(v) if k == "shape" else f"{k}={option(v)}"
        for k, v in params.items()
        if v is not None and v is not False
    ]
    return f"{op.name}({', '.join(words)})", ATOM


def _bracket(said: tuple[str, int], strength: int) -> str:
    return said[0] if said[1] >= strength else f"({said[0]})"


def _plain_transpose(op: Any, params: Any) -> bool:
    if op is ops.swapaxes:
        return {params.get("axis1"), params.get("axis2")} == {-1, -2}
    return params.get("axes") is None


def option(v: Any) -> str:
    """An option of an op; of a large array its shape."""
    if isinstance(v, np.ndarray) and v.dtype.kind in "iub" and v.size <= 6:
        return str(v.tolist())
    return amount(v) if isinstance(v, np.ndarray) else str(v)


def index(i: Any) -> str:
    """An index as one writes it between brackets."""
    if isinstance(i, tuple):
        return ", ".join(map(index, i))
    if isinstance(i, slice):
        ends = ["" if v is None else str(v) for v in (i.start, i.stop)]
        return ":".join(ends) + (f":{i.step}" if i.step is not None else "")
    if i is Ellipsis:
        return "..."
    return "mask" if isinstance(i, np.ndarray) and i.dtype == bool else option(i)


# ---- LaTeX --------------------------------------------------------------------------------------


def latex(x: Any) -> str:
    """The formula in LaTeX's notation."""
    return _latex(x)[0]


def tex_name(name: str) -> str:
    """A name in LaTeX: one letter as it is, longer ones upright; v12 becomes v_{12}."""
    head = name.rstrip("0123456789")
    tail = name[len(head) :]
    safe = head.replace("_", r"\_").replace("#", r"\#")
    safe = safe if len(head) <= 1 else rf"\mathrm{{{safe}}}"
    return f"{safe}_{{{tail}}}" if tail else safe


def _latex(x: Any) -> tuple[str, int]:
    if not isinstance(x, Letter):
        said = number(x) if np.ndim(x) == 0 else amount(x)
        return said.replace("e", r"\mathrm{e}"), MINUS if said.startswith("-") else ATOM
    if x.op is None and x.args:
        signs = {"and": r"\wedge", "or": r"\vee", "!=": r"\ne", "<=": r"\le", ">=": r"\ge"}
        sign = signs.get(x.name, x.name.replace("==", "="))
        return rf"{_latex(x.args[0])[0]} {sign} {_latex(x.args[1])[0]}", TEST
    if x.op is None:
        return tex_name(x.name), ATOM
    op, args = _squared(x)
    return tex_call(op, [_latex(v) for v in args], x.params)


def tex_call(op: Any, args: list[tuple[str, int]], params: Any) -> tuple[str, int]:
    """op applied to formulas in LaTeX's notation."""
    if op in _TEX:
        return _TEX[op](op, args, params)
    if op in (ops.swapaxes, ops.transpose) and _plain_transpose(op, params):
        return rf"{_bracket(args[0], ATOM)}^{{\top}}", ATOM
    word = rf"\{op.name}" if op.name in _TEX_WORDS else _upright(op.name)
    return rf"{word}\left({', '.join(said for said, _ in args)}\right)", ATOM


def _upright(name: str) -> str:
    return rf"\operatorname{{{name.replace('_', chr(92) + '_')}}}"


def _tex_infix(op: Any, args: Any, params: Any) -> tuple[str, int]:
    _, own, strict = _INFIX[op]
    return _bracket(args[0], own) + _TEX_INFIX[op] + _bracket(args[1], own + strict), own


_TEX: dict[Any, Callable[..., tuple[str, int]]] = {
    **dict.fromkeys(_TEX_INFIX, _tex_infix),
    ops.div: lambda op, a, p: (rf"\frac{{{a[0][0]}}}{{{a[1][0]}}}", ATOM),
    ops.pow: lambda op, a, p: (rf"{_bracket(a[0], ATOM)}^{{{a[1][0]}}}", POWER),
    ops.square: lambda op, a, p: (rf"{_bracket(a[0], ATOM)}^{{2}}", POWER),
    ops.neg: lambda op, a, p: (f"-{_bracket(a[0], PRODUCT)}", MINUS),
    ops.sqrt: lambda op, a, p: (rf"\sqrt{{{a[0][0]}}}", ATOM),
    ops.exp: lambda op, a, p: (rf"e^{{{a[0][0]}}}", POWER),
    ops.sigmoid: lambda op, a, p: (rf"\sigma\left({a[0][0]}\right)", ATOM),
    ops.where: lambda op, a, p: (
        rf"\begin{{cases}}{a[1][0]} & {a[0][0]}\\ {a[2][0]} & \text{{else}}\end{{cases}}",
        CHOICE,
    ),
}
