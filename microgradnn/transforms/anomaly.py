"""detect_anomaly and nan_origin: which line of the user's code made the first nan or inf."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.node import Argument, Node, plain
from ..engine.op import Op
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..engine.walk import pull, pullback
from ..errors import GradientError
from ..numerics import memory
from ..numerics.changes import changes
from ..numerics.recording import Switch, recording
from . import tree
from .code_lines import inside, users_place
from .nan_origin import NanOrigin, argument, finite, of_gradient, of_value


class AnomalyError(GradientError):
    """A gradient or a differentiated result is nan or inf; `origin` says where that began."""

    def __init__(self, origin: NanOrigin) -> None:
        super().__init__(f"detect_anomaly: {origin}")
        self.origin = origin


class detect_anomaly(Switch):  # noqa: N801
    """A context whose results raise GradientError in backward where nan or inf came up.

    The error names the first line of the user's code that made it, or whose derivative did, the
    op, the numbers, and what to write instead: see nan_origin. Data of any size that changes
    before backward is noticed too. Every op is slower in it: for debugging.
    """

    def _value(self) -> Any:
        return recording.on, traced_op

    def __enter__(self) -> None:
        super().__enter__()
        memory.keep_whole(1)

    def __exit__(self, *error: object) -> None:
        memory.keep_whole(-1)
        super().__exit__(*error)


def nan_origin(f: Callable[..., Any], *args: Any, **kwargs: Any) -> NanOrigin | None:
    """Where f(*args, **kwargs), or its gradient, first becomes nan or inf; None if all is finite.

    f may be any function, module or transform (mg.grad(g)); its float arguments and the parameters
    it uses are differentiated. Print the result: it names the file, the line, the op, its numbers,
    the cause, and what to write instead.
    """
    for where, x in [*enumerate(args), *kwargs.items()]:
        for leaf in filter(_real, tree.leaves(x)):
            if not finite(leaf):
                return argument(f"argument {where!r}", leaf)
    given = tree.map_leaves(_fresh, (args, kwargs))
    try:
        with np.errstate(all="ignore"), recording.set(True), detect_anomaly():
            result = f(*given[0], **given[1])
            for y in tree.leaves(result):
                if isinstance(y, Node) and y.requires_grad:
                    pullback([y], [y._seed(np.ones(np.shape(plain(y)))[()], False)], None)
                if isinstance(y, Node) and not finite(y):
                    return of_value(y)
    except AnomalyError as error:
        return error.origin
    return None


def _real(x: Any) -> bool:
    x = plain(x)
    return isinstance(x, float) or (isinstance(x, (np.ndarray, np.generic)) and x.dtype.kind == "f")


def _fresh(x: Any) -> Any:
    """A float argument as a leaf of its own, anything else as it is."""
    if isinstance(x, Value):
        return Value(x._data, Argument("an argument"))
    return Tensor(plain(x), requires_grad=True, name=Argument("an argument")) if _real(x) else x


# ---- what is recorded in the place of an op -----------------------------------------------------


def traced_op(op: Op) -> Op:
    """The op, which knows the line that called it, and looks at what its rules return."""
    traced: Any = copy.copy(op)
    rules: Any = op.rules
    traced.place = users_place()
    traced.watch = _watch
    changes.watchers.add(traced)  # while it lives: a graph may be walked after the context
    if op.variadic:
        traced.rules = _in_place_of(traced, rules)
    else:
        traced.rules = tuple(r and _in_place_of(traced, r) for r in rules)
    return traced


def _in_place_of(traced: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
    """The rule; what it records belongs to the line of the op."""
    place = traced.place

    def located(*args: Any, **params: Any) -> Any:
        before, inside.place = inside.place, place
        try:
            return rule(*args, **params)
        finally:
            inside.place = before

    return located


def _watch(node: Any, g: Any, grads: dict[Any, Any]) -> None:
    """Raises AnomalyError if the walk's result, or what node gave to its inputs, is not finite."""
    if not finite(node) and node is max(grads, key=lambda n: n.stamp):
        raise AnomalyError(of_value(node))
    if finite(g):
        for p in node.parents:
            if isinstance(p, Node) and grads.get(p) is not None and not finite(grads[p]):
                raise AnomalyError(of_gradient(node, g, grads, pull))
