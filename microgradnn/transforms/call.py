"""One evaluation of f on fresh nodes: what every transform begins with.

Each call differentiates with respect to fresh nodes: a leaf for a plain number or array, an alias
for a node. Derivatives belong to nodes, not to levels of nesting, so a derivative inside a
derivative cannot be confused with it. Results are plain like the arguments, unless something
outside the call is being differentiated too: then they are nodes that carry its graph.
"""

import operator
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import Argument, Node
from ..engine.op import Carrier
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..engine.walk import order, pushforward
from ..errors import DTypeError, GradientError, ShapeError
from ..numerics.recording import recording
from . import tree

Argnums = int | Sequence[int]


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
        need_function(name, f)
        self.name, self.primals = name, tuple(primals)
        self.plain = tree.leaves(self.primals)
        self.nodes_in = any(isinstance(x, Node) for x in self.plain)
        differentiated_outside = recording.on
        result, ours = self._run(f)
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise GradientError(f"{name}: has_aux=True needs f to return a pair (result, aux)")
        self.result, aux = result if has_aux else (result, None)
        self.outputs = tree.leaves(self.result)
        for y in self.outputs:
            if isinstance(y, str) or not hasattr(y, "__mul__"):
                raise DTypeError(f"{name}: f returned {type(y).__name__}, need numbers or arrays")
        self.outer = differentiated_outside and self._continues_outside(ours)
        self.aux = tree.map_leaves(
            lambda v: self.lower(v, self.outer) if isinstance(v, Node) else v, aux
        )

    def _run(self, f: Callable[..., Any]) -> tuple[Any, set[Node]]:
        """The result of f on fresh inputs, and these inputs as a set."""
        with recording.set(True):
            self.inputs = [_fresh(self.name, x) for x in self.plain]
            _running.leaves.append(set(self.inputs))
            try:
                return f(*tree.rebuild(self.primals, iter(self.inputs))), set(self.inputs)
            finally:
                _running.leaves.pop()

    def _continues_outside(self, ours: set[Node]) -> bool:
        """Whether something outside this call is being differentiated too.

        It is if an input continues an outer graph, or if a leaf that is not ours lies below the
        result: a user's, or one of an f that still runs.
        """
        if any(isinstance(x, Node) and x.requires_grad for x in self.plain):
            return True
        leaves = [n for n in order(filter(self.depends, self.outputs), self.inputs) if n.op is None]
        return any(
            type(n.name) is not Argument or any(n in r for r in _running.leaves)
            for n in leaves
            if n not in ours
        )

    def depends(self, y: Any) -> bool:
        """Whether y, a leaf of the result, is part of a graph."""
        return isinstance(y, Node) and y.requires_grad

    def value(self) -> Any:
        """The result of f, as the caller should see it."""
        return tree.rebuild(self.result, iter([self.lower(y, self.outer) for y in self.outputs]))

    def push(self, tangents: Sequence[Any]) -> Any:
        """The tangent of the result when the inputs move along tangents."""
        ts = in_form(f"{self.name}: tangents", "primals", self.primals, tangents)
        ts = [fitting(self.name, t, x) for t, x in zip(ts, self.inputs, strict=True)]
        graph = self.outer or any(tracked(t) for t in ts)
        nodes = [y for y in self.outputs if self.depends(y)]
        lifted = [lift_like(t, graph, x) for t, x in zip(ts, self.inputs, strict=True)]
        found = iter(pushforward(nodes, self.inputs, lifted, graph))
        moved = [next(found) if self.depends(y) else None for y in self.outputs]
        out = [zero_like(y) if t is None else t for t, y in zip(moved, self.outputs, strict=True)]
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
        return np.array(raw) if isinstance(raw, np.ndarray) else raw


def _fresh(name: str, x: Any) -> Node:
    if isinstance(x, Node):
        if x.requires_grad:
            return ops.argument(x)
        x = x._data
        if not isinstance(x, np.ndarray):
            return Value(x, Argument(f"an argument of {name}"))
    if isinstance(x, (bool, int, np.integer, np.bool_)) or (
        isinstance(x, np.ndarray) and x.dtype.kind in "iub"
    ):
        kind = x.dtype if isinstance(x, (np.ndarray, np.generic)) else type(x).__name__
        raise DTypeError(
            f"{name}: an argument is {kind}, which has no gradient; make it float (3.0)"
        )
    if isinstance(x, (float, np.floating, np.ndarray)):
        return Tensor(x, requires_grad=True, name=Argument(f"an argument of {name}"))
    if isinstance(x, str) or not hasattr(x, "__mul__"):
        raise DTypeError(f"{name}: an argument is {type(x).__name__}, need numbers or arrays")
    return Value(x, Argument(f"an argument of {name}"))


def in_form(what: str, of: str, form: Any, given: Any) -> list[Any]:
    """The leaves of what a user gave for each leaf of form."""
    name, _, these = what.partition(": ")
    n, m = len(tree.leaves(form)), len(tree.leaves(given))
    if n != m and isinstance(form, (tuple, list)):
        raise ShapeError(f"{name}: {n} {of} but {m} {these}; give one for each")
    return tree.leaves_like(what, form, given)


def tracked(g: Any) -> bool:
    """Whether g is a node that requires grad."""
    return isinstance(g, Carrier) and g.requires_grad


def fitting(name: str, g: Any, y: Any) -> Any:
    """The cotangent or tangent g, checked against y and in its dtype."""
    if isinstance(g, Node):
        shape: Any = np.shape(g._data)
    else:
        try:
            g = np.asarray(g, y.dtype) if isinstance(y, (Tensor, np.ndarray)) else g
        except (TypeError, ValueError) as error:
            kind = type(g).__name__
            raise DTypeError(
                f"{name}: a cotangent or tangent is {kind}, need numbers ({error})"
            ) from error
        shape = np.shape(g)
    expected = np.shape(y._data if isinstance(y, Node) else y)
    if shape != expected:
        raise ShapeError(f"{name}: a cotangent or tangent has shape {shape}, expected {expected}")
    return g


def lift_like(g: Any, graph: bool, y: Any) -> Any:
    """g as a node of y's kind if a graph is wanted, else its plain data."""
    if not graph:
        return g._data if isinstance(g, Node) else g
    return g if isinstance(g, Node) else y.base(g, name=Argument("a cotangent"))


def zero_like(y: Any) -> Any:
    """Zeros of the shape of y."""
    return y.zeros() if isinstance(y, Node) else np.zeros(np.shape(y))[()]


# ---- the arguments that are differentiated ------------------------------------------------------


def select(
    name: str, f: Callable[..., Any], argnums: Argnums, args: Any, kwargs: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """f as a function of the arguments `argnums` alone, and those arguments."""
    several: Any = [argnums] if single(argnums) else argnums
    if not isinstance(several, (list, tuple, range)) or not all(map(single, several)):
        raise DTypeError(f"{name}: argnums is {argnums!r}, need an integer or a tuple of integers")
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


def need_function(name: str, f: Any) -> None:
    """Raises DTypeError unless f can be called."""
    if not callable(f):
        raise DTypeError(f"{name}: got {type(f).__name__}, need a function")


def single(argnums: Any) -> bool:
    """Whether argnums is one number, so that one derivative is the answer and not a tuple."""
    return hasattr(argnums, "__index__")
