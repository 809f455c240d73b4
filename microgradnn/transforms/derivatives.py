"""Functions that take a function and return its derivative: grad, vjp, jvp and their like.

Arguments and results may be floats, arrays, Tensors, Values, and nested tuples, lists and dicts of
them. Results are plain like the arguments, unless something outside the call is being
differentiated too: then they are nodes that carry its graph (see call.py).
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar, TypeVarTuple, overload

import numpy as np

from ..engine.node import Node, one_like
from ..engine.walk import pullback
from ..errors import DTypeError, ShapeError
from . import tree
from .call import (
    Argnums,
    Call,
    fitting,
    in_form,
    lift_like,
    need_function,
    select,
    single,
    tracked,
    zero_like,
)

P = ParamSpec("P")
Y = TypeVar("Y")
Aux = TypeVar("Aux")
Xs = TypeVarTuple("Xs")
Pull = Callable[[Any], tuple[*Xs]]
"""Cotangents of the result in, those of the arguments out."""


def grad(f: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the gradient of f with respect to argument(s) `argnums`.

    The gradient has the form, shape and dtype of the argument; for a sequence of argnums, a tuple.
    f returns one number, or with has_aux a pair (number, anything), and then the result is
    (gradient, anything). Signature and meaning are those of jax.grad.
    """
    return grad_of("grad", f, argnums, has_aux)


def value_and_grad(
    f: Callable[P, Y], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[P, tuple[Y, Any]]:
    """A function that returns (f(*args), gradient), see grad; has_aux: ((value, aux), gradient)."""
    return _both("value_and_grad", f, argnums, has_aux)


def grad_of(
    name: str, f: Callable[P, Any], argnums: Argnums, has_aux: bool = False
) -> Callable[P, Any]:
    """grad, under the name of the transform that errors are to speak of."""
    both = _both(name, f, argnums, has_aux)

    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def _both(
    name: str, f: Callable[P, Y], argnums: Argnums, has_aux: bool
) -> Callable[P, tuple[Y, Any]]:
    need_function(name, f)

    def both(*args: P.args, **kwargs: P.kwargs) -> tuple[Y, Any]:
        of_wanted, wanted = select(name, f, argnums, args, kwargs)
        out = vjp_of(name, of_wanted, wanted, has_aux)
        y = out[0]
        if y is None:
            raise DTypeError(f"{name}: f returned None, need one number")
        several = isinstance(y, (tuple, list, dict))
        shape = () if several else np.shape(y._data if isinstance(y, Node) else y)
        if several or shape != ():
            what = type(y).__name__ if several else f"shape {shape}"
            raise ShapeError(f"{name}: f returned {what}, need one number; sum it, or use vjp")
        if getattr(y, "dtype", np.dtype(float)).kind in "iub" or isinstance(y, (bool, int)):
            kind = getattr(y, "dtype", type(y).__name__)
            raise DTypeError(f"{name}: f returned {kind}, which has no gradient; return a float")
        one = y._seed(None, False) if isinstance(y, Node) else one_like(y)
        gs = out[1](one)
        g = gs[0] if single(argnums) else gs
        value: Any = (y, out[2]) if has_aux else y
        return value, g

    return both


@overload
def vjp(
    f: Callable[[*Xs], Y], *primals: *Xs, has_aux: Literal[False] = False
) -> tuple[Y, Pull[*Xs]]: ...
@overload
def vjp(
    f: Callable[[*Xs], tuple[Y, Aux]], *primals: *Xs, has_aux: Literal[True]
) -> tuple[Y, Pull[*Xs], Aux]: ...
def vjp(
    f: Callable[[*Xs], Any], *primals: *Xs, has_aux: bool = False
) -> tuple[Any, Pull[*Xs]] | tuple[Any, Pull[*Xs], Any]:
    """(f(*primals), pull), and aux if has_aux, where pull(cotangents) is the tuple of vᵀJ.

    Cotangents have the form of f's result; signature and meaning are those of jax.vjp.
    """
    result: Any = vjp_of("vjp", f, primals, has_aux)
    return result


@overload
def jvp(
    f: Callable[..., Y],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: Literal[False] = False,
) -> tuple[Y, Y]: ...
@overload
def jvp(
    f: Callable[..., tuple[Y, Aux]],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    has_aux: Literal[True],
) -> tuple[Y, Y, Aux]: ...
def jvp(
    f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, Any] | tuple[Any, Any, Any]:
    """(f(*primals), J·tangents), and aux if has_aux, by one forward pass.

    Tangents have the form and shapes of primals; signature and meaning are those of jax.jvp.
    """
    call = Call("jvp", f, primals, has_aux)
    tangent = call.push(tangents)
    return (call.value(), tangent, call.aux) if has_aux else (call.value(), tangent)


def linearize(f: Callable[[*Xs], Y], *primals: *Xs) -> tuple[Y, Callable[[*Xs], Y]]:
    """(f(*primals), push) where push(*tangents) is J·tangents; f itself is run only once."""
    call = Call("linearize", f, primals, False)
    return call.value(), lambda *tangents: call.push(tangents)


def stop_gradient(x: Y) -> Y:
    """x, a number, array or tree of them, as a constant: derivatives do not pass through it."""
    return tree.map_leaves(lambda v: v.detach() if isinstance(v, Node) else v, x)


def vjp_of(name: str, f: Callable[..., Any], primals: Sequence[Any], has_aux: bool) -> Any:
    """vjp, under the name of the transform that errors are to speak of."""
    call = Call(name, f, primals, has_aux)

    def pull(cotangents: Any) -> Any:
        gs = in_form(f"{name}: cotangents", "outputs", call.result, cotangents)
        pairs = [
            (y, fitting(name, g, y))
            for y, g in zip(call.outputs, gs, strict=True)
            if call.depends(y)
        ]
        graph = call.outer or any(tracked(g) for _, g in pairs)
        found: dict[Any, Any] = {}
        if pairs:
            ys = [y for y, _ in pairs]
            found = pullback(ys, [lift_like(g, graph, y) for y, g in pairs], call.inputs, graph)
        out = [
            call.lower(found[x] if x in found else zero_like(x), graph, like)
            for x, like in zip(call.inputs, call.plain, strict=True)
        ]
        return tree.rebuild(call.primals, iter(out))

    return (call.value(), pull, call.aux) if has_aux else (call.value(), pull)
