"""The Op record and its constructors: how one line of the table becomes a differentiable op.

A rule has one signature everywhere: `rule(g, y, *xs, **params)`, where `g` is the cotangent of
the output, `y` the output and `xs` the inputs; it returns the cotangent of one input, or None for
zero. Rules are written in ops, and ops are polymorphic (numbers in, number out; arrays in, array
out; nodes in, node out). So the same line is reverse mode when it is given arrays, higher order
when it is given nodes, and an exact oracle when it is given fractions or balls. Forward mode is
derived from it too, and how is what the constructors below differ in:

    elementwise         y[i] depends on xs[i] only   dy = Σ rule(dx, y, xs): J is diagonal
    linear              op(x + z) = op(x) + op(z)    dy = op(dx)
    multilinear         linear in each input         dy = op(da, b) + op(a, db)
    reduction           dy = Σ w·dx along an axis    the line is the weight w
    nondifferentiable   flat almost everywhere       dy = 0
    custom              anything else                dy = the transpose of the rule (see walk.py)
"""

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, overload

import numpy as np

from ..numerics import kernels
from ..numerics.numbers import from_math, on_floats
from .op import Binary, Interval, Op, Rule, Unary, register

ANY: Interval = (-3.0, 3.0)

# ---- the constructors ---------------------------------------------------------------------------


def _pointwise(kind: str, name: str, number: Any, array: Any, rules: Any, **info: Any) -> Any:
    info.setdefault("domain", (ANY,) * len(rules))
    same = getattr(array, "ufunc", array)
    info.setdefault("ufunc", same if isinstance(same, np.ufunc) else None)
    push = _push_elementwise if kind == "elementwise" else _push_zero
    return register(Op(name, kind, number, array, rules, push, **info))


@overload
def elementwise(n: str, f: str, number: Any, array: Any, by_x: Any, /, **info: Any) -> Unary: ...
@overload
def elementwise(
    n: str, f: str, number: Any, array: Any, by_a: Any, by_b: Any, /, **info: Any
) -> Binary: ...
@overload
def elementwise(
    n: str, f: str, number: Any, array: Any, by_a: Any, by_b: Any, by_c: Any, /, **info: Any
) -> Op: ...
def elementwise(
    name: str, formula: str, number: Any, array: Any, /, *rules: Rule | None, **info: Any
) -> Op:
    """An op that works element by element and broadcasts; `number` is its kernel on one number."""
    return _pointwise("elementwise", name, number, array, rules, formula=formula, **info)


@overload
def named(name: str, rule: Rule, /, **info: Any) -> Unary: ...
@overload
def named(name: str, by_a: Rule, by_b: Rule, /, **info: Any) -> Binary: ...
def named(
    name: str,
    /,
    *rules: Rule,
    formula: str = "",
    floats: Callable[..., Any] | None = None,
    array: Callable[..., Any] | None = None,
    own: bool = True,
    **info: Any,
) -> Op:
    """An elementwise op whose kernels are found by its name: math's, NumPy's, the number's own.

    Where one of them is missing or means something else, `floats`, `array` or own=False says so.
    """
    array = array or kernels.SINGULAR.get(name) or getattr(np, name)
    number = from_math(name, array, floats, own)
    formula = formula or f"{name}({'x' if len(rules) == 1 else 'a, b'})"
    return _pointwise("elementwise", name, number, array, rules, formula=formula, **info)


@overload
def nondifferentiable(name: str, formula: str, array: Any, /, **info: Any) -> Unary: ...
@overload
def nondifferentiable(
    name: str, formula: str, array: Any, arity: int, /, **info: Any
) -> Binary: ...
def nondifferentiable(
    name: str, formula: str, array: Any, arity: int = 1, /, *, number: Any = None, **info: Any
) -> Op:
    """An elementwise op that is constant between its jumps: its derivative is zero, never None."""
    number = number or from_math(name, array, on_floats(array))
    rules = (None,) * arity
    return _pointwise("nondifferentiable", name, number, array, rules, formula=formula, **info)


def linear(
    name: str, array: Callable[..., Any], transpose: Rule, *, number: Any = None, **info: Any
) -> Op:
    """A linear map of one array; `transpose` maps the cotangent of the output to the input's."""
    return register(Op(name, "linear", number, array, (transpose,), _push_linear, **info))


def linear_variadic(name: str, array: Callable[..., Any], transpose: Rule, **info: Any) -> Op:
    """A linear map of any number of arrays (concatenate); `transpose` returns all cotangents."""
    return register(Op(name, "linear", None, array, transpose, _push_linear, **info))


def multilinear(name: str, array: Callable[..., Any], *rules: Rule, **info: Any) -> Op:
    """An op that is linear in each of its inputs, with a rule for each."""
    return register(Op(name, "multilinear", None, array, rules, _push_multilinear, **info))


def multilinear_variadic(name: str, array: Callable[..., Any], rule: Rule, **info: Any) -> Op:
    """The same of any number of inputs; `rule` returns the cotangents of all of them."""
    return register(Op(name, "multilinear", None, array, rule, _push_multilinear, **info))


def reduction(
    name: str, array: Callable[..., Any], weight: Rule, expand: Rule, total: Rule, **info: Any
) -> Op:
    """A reduction over `axis`, given dy/dx as `weight(y, x, axis)` with y kept in x's rank.

    `expand(v, x, axis)` undoes the loss of the reduced axes and `total` sums over them again:
    reverse mode is expand(g)·w and forward mode total(t·w), both from the one line `weight`.
    """

    def rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return expand(g, x, axis) * weight(expand(y, x, axis), x, axis)

    def push(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
        (x,), axis = xs, params.get("axis")
        return total(ts[0] * weight(expand(y, x, axis), x, axis), **params)

    return register(Op(name, "reduction", None, array, (rule,), push, weight=weight, **info))


def custom(
    name: str, array: Callable[..., Any], *rules: Rule | None, number: Any = None, **info: Any
) -> Op:
    """Any other op; forward mode transposes its rules, so a rule must be linear in g."""
    return register(Op(name, "custom", number, array, rules, **info))


def custom_variadic(
    name: str, array: Callable[..., Any], rule: Rule, *, number: Any = None, **info: Any
) -> Op:
    """A custom op of any number of inputs; `rule` returns the cotangents of all of them."""
    return register(Op(name, "custom", number, array, rule, **info))


# ---- forward mode, from the same lines ----------------------------------------------------------


def _push_elementwise(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    return _sum(op.pull(i, t, y, xs, params) for i, t in enumerate(ts) if t is not None)


def _push_linear(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    return op(*[x * 0 if t is None else t for t, x in zip(ts, xs, strict=True)], **params)


def _push_multilinear(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    moved = (op(*xs[:i], t, *xs[i + 1 :], **params) for i, t in enumerate(ts) if t is not None)
    return _sum(moved)


def _push_zero(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> None:
    return None


def _sum(parts: Iterable[Any]) -> Any:
    """Their sum, None for zero; None where there is none."""
    given = [part for part in parts if part is not None]
    return functools.reduce(operator.add, given) if given else None
