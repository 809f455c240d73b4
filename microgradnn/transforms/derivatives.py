"""Functions that take a function and return its derivative: grad, vjp, jvp and their like.

Arguments and results may be floats, arrays, Tensors, Values, and nested tuples, lists and dicts of
them. Each call differentiates with respect to fresh nodes: a leaf for a plain number or array, an
alias for a node. Derivatives belong to nodes, not to levels of nesting, so a derivative inside a
derivative cannot be confused with it. Results are plain like the arguments, unless something
outside the call is being differentiated too: then they are nodes that carry its graph.
"""

import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal, ParamSpec, TypeVar, TypeVarTuple, overload

import numpy as np

from ..engine import ops
from ..engine.errors import DTypeError, GradientError, ShapeError
from ..engine.node import Node, one_like
from ..engine.op import Carrier, recording
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..engine.walk import order, pullback, pushforward
from . import tree

P = ParamSpec("P")
Y = TypeVar("Y")
Aux = TypeVar("Aux")
Xs = TypeVarTuple("Xs")
Argnums = int | Sequence[int]
Pull = Callable[[Any], tuple[*Xs]]
"""Cotangents of the result in, those of the arguments out."""


def grad(f: Callable[P, Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[P, Any]:
    """A function that returns the gradient of f with respect to argument(s) `argnums`.

    The gradient has the form, shape and dtype of the argument; for a sequence of argnums, a tuple.
    f returns one number, or with has_aux a pair (number, anything), and then the result is
    (gradient, anything). Signature and meaning are those of jax.grad.
    """
    both = value_and_grad(f, argnums, has_aux)

    def gradient(*args: P.args, **kwargs: P.kwargs) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def value_and_grad(
    f: Callable[P, Y], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[P, tuple[Y, Any]]:
    """A function that returns (f(*args), gradient), see grad; has_aux: ((value, aux), gradient)."""

    def both(*args: P.args, **kwargs: P.kwargs) -> tuple[Y, Any]:
        of_wanted, wanted = select("grad", f, argnums, args, kwargs)
        out = vjp_of("grad", of_wanted, wanted, has_aux)
        y = out[0]
        shape = np.shape(y._data if isinstance(y, Node) else y)
        if isinstance(y, (tuple, list, dict)) or shape != ():
            what = f"shape {shape}" if not isinstance(y, (tuple, list, dict)) else type(y).__name__
            raise ShapeError(f"grad: f returned {what}, need one number; sum it, or use vjp")
        if getattr(y, "dtype", np.dtype(float)).kind in "iub" or isinstance(y, (bool, int)):
            kind = getattr(y, "dtype", type(y).__name__)
            raise DTypeError(f"grad: f returned {kind}, which has no gradient; return a float")
        one = y._seed(None, False) if isinstance(y, Node) else one_like(y)
        gs = out[1](one)
        g = gs[0] if single(argnums) else gs
        value: Any = (y, out[2]) if has_aux else y
        return value, g

    return both


def select(
    name: str, f: Callable[..., Any], argnums: Argnums, args: Any, kwargs: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """f as a function of the arguments `argnums` alone, and those arguments."""
    several: Any = [argnums] if single(argnums) else argnums
    wanted = [operator.index(i) for i in several]
    for i in wanted:
        if not -len(args) <= i < len(args):
            raise GradientError(
                f"{name}: argnums {i}, but only {len(args)} positional arguments came"
            )
    at = [i % len(args) for i in wanted]
    if len(set(at)) < len(at):
        raise GradientError(f"{name}: argnums {argnums} names an argument twice")

    def of_wanted(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(at, xs, strict=True):
            full[i] = x
        return f(*full, **kwargs)

    return of_wanted, [args[i] for i in at]


def single(argnums: Any) -> bool:
    """Whether argnums is one number, so that one derivative is the answer and not a tuple."""
    return hasattr(argnums, "__index__")


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
        gs = _in_form(f"{name}: cotangents", "outputs", call.result, cotangents)
        pairs = [
            (y, _fitting(name, g, y))
            for y, g in zip(call.outputs, gs, strict=True)
            if call.depends(y)
        ]
        graph = call.outer or any(_tracked(g) for _, g in pairs)
        found: dict[Any, Any] = {}
        if pairs:
            ys = [y for y, _ in pairs]
            found = pullback(ys, [_lift_like(g, graph, y) for y, g in pairs], call.inputs, graph)
        out = [
            call.lower(found[x] if x in found else _zero_like(x), graph, like)
            for x, like in zip(call.inputs, call.plain, strict=True)
        ]
        return tree.rebuild(call.primals, iter(out))

    return (call.value(), pull, call.aux) if has_aux else (call.value(), pull)


class _Argument(str):
    """The name of a leaf that a transform made: it stands for an argument while f runs."""


class _Running(threading.local):
    """The leaves of the calls whose f is running in this thread, innermost last."""

    def __init__(self) -> None:
        self.leaves: list[set[Any]] = []


_running = _Running()


class Call:
    """One evaluation of f on fresh nodes: its inputs and outputs, and how to hand results back."""

    def __init__(
        self, name: str, f: Callable[..., Any], primals: Sequence[Any], has_aux: bool
    ) -> None:
        self.name, self.primals = name, tuple(primals)
        self.plain = tree.leaves(self.primals)
        differentiated_outside = recording.on
        with recording.set(True):
            self.inputs = [_fresh(name, x) for x in self.plain]
            _running.leaves.append(set(self.inputs))
            try:
                result = f(*tree.rebuild(self.primals, iter(self.inputs)))
            finally:
                ours = _running.leaves.pop()
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise GradientError(f"{name}: has_aux=True needs f to return a pair (result, aux)")
        self.result, aux = result if has_aux else (result, None)
        self.outputs = tree.leaves(self.result)
        for y in self.outputs:
            if isinstance(y, str) or not hasattr(y, "__mul__"):
                raise DTypeError(f"{name}: f returned {type(y).__name__}, need numbers or arrays")
        nodes = order(
            [y for y in self.outputs if isinstance(y, Node) and y.requires_grad], self.inputs
        )
        self.reached = ours.intersection(nodes) and set(nodes)
        # Something outside is being differentiated if an input continues an outer graph, or if a
        # leaf that is not ours lies below the result: a user's, or one of an f that still runs.
        self.outer = differentiated_outside and (
            any(isinstance(x, Node) and x.requires_grad for x in self.plain)
            or any(
                n.op is None and n not in ours
                and (type(n.name) is not _Argument or any(n in r for r in _running.leaves))
                for n in nodes
            )
        )  # fmt: skip
        self.nodes_in = any(isinstance(x, Node) for x in self.plain)
        self.aux = tree.map_leaves(
            lambda v: self.lower(v, self.outer) if isinstance(v, Node) else v, aux
        )

    def depends(self, y: Any) -> bool:
        """Whether y, a leaf of the result, is part of a graph."""
        return isinstance(y, Node) and y.requires_grad

    def value(self) -> Any:
        """The result of f, as the caller should see it."""
        return tree.rebuild(self.result, iter([self.lower(y, self.outer) for y in self.outputs]))

    def push(self, tangents: Sequence[Any]) -> Any:
        """The tangent of the result when the inputs move along tangents."""
        ts = _in_form(f"{self.name}: tangents", "primals", self.primals, tangents)
        ts = [_fitting(self.name, t, x) for t, x in zip(ts, self.inputs, strict=True)]
        graph = self.outer or any(_tracked(t) for t in ts)
        nodes = [y for y in self.outputs if self.depends(y)]
        lifted = [_lift_like(t, graph, x) for t, x in zip(ts, self.inputs, strict=True)]
        found = iter(pushforward(nodes, self.inputs, lifted, graph))
        moved = [next(found) if self.depends(y) else None for y in self.outputs]
        out = [_zero_like(y) if t is None else t for t, y in zip(moved, self.outputs, strict=True)]
        return tree.rebuild(self.result, iter([self.lower(t, graph) for t in out]))

    def lower(self, x: Any, graph: bool, like: Any = None) -> Any:
        """x as the caller should see it: a node if nodes came in or a graph goes on, else plain."""
        if graph:
            return x
        raw = x._data if isinstance(x, Node) else x
        if self.nodes_in:
            template = next(v for v in self.plain if isinstance(v, Node)) if like is None else like
            if isinstance(template, Value):
                return Value(raw)
            if isinstance(template, Tensor):
                return Tensor(raw)
        if type(like) is float or (like is None and all(type(v) is float for v in self.plain)):
            return float(raw) if np.shape(raw) == () else raw
        if isinstance(raw, np.ndarray) and (not raw.ndim and not isinstance(like, np.ndarray)):
            return raw[()]
        return np.array(raw) if isinstance(like, np.ndarray) else raw


def _fresh(name: str, x: Any) -> Node:
    if isinstance(x, Node):
        if x.requires_grad:
            return ops.argument(x)
        x = x._data
        if not isinstance(x, np.ndarray):
            return Value(x, _Argument(f"an argument of {name}"))
    if isinstance(x, (bool, int, np.integer, np.bool_)) or (
        isinstance(x, np.ndarray) and x.dtype.kind in "iub"
    ):
        kind = x.dtype if isinstance(x, (np.ndarray, np.generic)) else type(x).__name__
        raise DTypeError(
            f"{name}: an argument is {kind}, which has no gradient; make it float (3.0)"
        )
    if isinstance(x, (float, np.floating, np.ndarray)):
        return Tensor(x, requires_grad=True, name=_Argument(f"an argument of {name}"))
    if isinstance(x, str) or not hasattr(x, "__mul__"):
        raise DTypeError(f"{name}: an argument is {type(x).__name__}, need numbers or arrays")
    return Value(x, _Argument(f"an argument of {name}"))


def _in_form(what: str, of: str, form: Any, given: Any) -> list[Any]:
    """The leaves of what a user gave for each leaf of form."""
    name, _, these = what.partition(": ")
    n, m = len(tree.leaves(form)), len(tree.leaves(given))
    if n != m and isinstance(form, (tuple, list)):
        raise ShapeError(f"{name}: {n} {of} but {m} {these}; give one for each")
    return tree.leaves_like(what, form, given)


def _tracked(g: Any) -> bool:
    return isinstance(g, Carrier) and g.requires_grad


def _fitting(name: str, g: Any, y: Any) -> Any:
    """The cotangent or tangent g, checked against y and in its dtype."""
    if isinstance(g, Node):
        shape: Any = np.shape(g._data)
    else:
        g = np.asarray(g, y.dtype) if isinstance(y, (Tensor, np.ndarray)) else g
        shape = np.shape(g)
    expected = np.shape(y._data if isinstance(y, Node) else y)
    if shape != expected:
        raise ShapeError(f"{name}: a cotangent or tangent has shape {shape}, expected {expected}")
    return g


def _lift_like(g: Any, graph: bool, y: Any) -> Any:
    if not graph:
        return g._data if isinstance(g, Node) else g
    return g if isinstance(g, Node) else y.base(g, name=_Argument("a cotangent"))


def _zero_like(y: Any) -> Any:
    return y.zeros() if isinstance(y, Node) else np.zeros(np.shape(y))[()]
