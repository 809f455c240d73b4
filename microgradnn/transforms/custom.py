"""custom_vjp and custom_jvp: a function with a derivative of its user's own, as in JAX.

Each call becomes one op whose rule is the user's, so the function takes part in every transform. A
rule for one mode serves both: the other is its transpose (see walk.py).
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from ..engine import ops
from ..engine.node import Node, plain
from ..engine.op import Op
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..engine.walk import order, pullback
from ..errors import DTypeError, RuleError, ShapeError
from ..numerics.changes import next_stamp
from ..numerics.recording import recording
from . import tree
from .residuals import Residual, detached, own

P = ParamSpec("P")
Y = TypeVar("Y")
R = TypeVar("R")  # residuals: what fwd keeps for bwd
Rule = TypeVar("Rule", bound=Callable[..., Any])


class _Custom(Generic[P, Y]):
    def __init__(self, fun: Callable[P, Y]) -> None:
        self.fun = fun
        self.__name__: str = getattr(fun, "__name__", "custom")
        self.__doc__ = fun.__doc__
        self.__wrapped__ = fun

    def _positional(self, args: Any, kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments in the order of the function's parameters. Raises RuleError for others."""
        if not kwargs:
            return tuple(args)
        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        if bound.kwargs:
            raise RuleError(
                f"{self.__name__}: {', '.join(bound.kwargs)} can only be given by name, but the "
                "rule gets its arguments by position; make it a positional parameter"
            )
        return bound.args

    def _tracked(self, args: Any) -> bool:
        return recording.on and any(
            isinstance(x, Node) and x.requires_grad for x in tree.leaves(args)
        )

    def _alone(self, run: Callable[..., Any], leaves: list[Any], args: Any) -> Any:
        """run(*args) on arguments without history, so that it records nothing of theirs."""
        with recording.set(True):  # only to see what else it depends on
            return run(*tree.rebuild(args, iter(leaves)))

    def _result(self, out: Any, leaves: list[Any], before: int) -> Any:
        """out. Raises RuleError unless it is made of numbers and of nothing but the arguments."""
        ys = tree.leaves(out)
        for y in ys or [None]:
            if not _numeric(y):
                raise RuleError(
                    f"{self.__name__}: the function returned {type(y).__name__}, need numbers or "
                    "arrays"
                )
        nodes = order([y for y in ys if isinstance(y, Node) and y.requires_grad])
        for node in nodes:
            if node.op is None and node.stamp < before and not any(node is x for x in leaves):
                raise RuleError(
                    f"{self.__name__}: the result depends on {node.describe()}, which is no "
                    "argument, so the rule cannot give its gradient; pass it as an argument"
                )
        return tree.rebuild(out, iter(ys))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__name__}>"


class custom_vjp(_Custom[P, Y]):  # noqa: N801
    """A function whose reverse-mode derivative is given: `f.defvjp(fwd, bwd)`.

    fwd(*args) returns (result, residuals); bwd(residuals, g) returns a tuple with the cotangent of
    each argument, None for zero. bwd must be linear in g, and made of functions that differentiate
    if second derivatives or forward mode are wanted.

    >>> @custom_vjp
    ... def clipped(x): return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, g: (np.clip(g, -1, 1),))
    """

    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any]

    def defvjp(self, fwd: Callable[P, tuple[Y, R]], bwd: Callable[[R, Y], Sequence[Any]]) -> None:
        """Sets the two halves of the rule."""
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Y:
        """The function's result, which differentiates by the rule."""
        given = self._positional(args, kwargs)
        return self._with_rule(given) if self._tracked(given) else self.fun(*args, **kwargs)

    def _with_rule(self, args: tuple[Any, ...]) -> Any:
        fwd = self.fwd
        if fwd is None:
            raise RuleError(f"{self.__name__}: has no rule yet; call defvjp(fwd, bwd) first")
        leaves = tree.leaves(args)
        args = tree.rebuild(args, iter(leaves))  # containers of our own
        before, inner = next_stamp(), [detached(x) for x in leaves]
        both = self._alone(fwd, inner, args)
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise RuleError(
                f"{self.__name__}: fwd must return a pair (result, residuals), got "
                f"{type(both).__name__}"
            )
        out = self._result(both[0], inner, before)
        residuals = tree.map_leaves(Residual, both[1])

        def rule(g: Any, y: Any, *xs: Any) -> list[Any]:
            again = any(isinstance(x, Node) for x in xs)
            if again:  # to be differentiated again
                kept = fwd(*tree.rebuild(args, iter(xs)))[1]
            else:
                kept = tree.map_leaves(lambda k: k.value(self.__name__), residuals)
            parts = self._checked(args, self.bwd(kept, _unpacked(own(g), out)))
            return [own(p if again or isinstance(g, Node) else plain(p)) for p in parts]

        return _recorded(self.__name__, leaves, out, rule)

    def _checked(self, args: Any, gs: Any) -> list[Any]:
        """The cotangent of each leaf of args, of what bwd returned for them."""
        if not isinstance(gs, (tuple, list)) or len(gs) != len(args):
            raise ShapeError(
                f"{self.__name__}: bwd must return a tuple of {len(args)}, one cotangent for "
                f"each argument, got {type(gs).__name__}"
                + (f" of {len(gs)}" if isinstance(gs, (tuple, list)) else "")
            )
        parts: list[Any] = []
        for i, (arg, g) in enumerate(zip(args, gs, strict=True)):
            xs, what = tree.leaves(arg), f"{self.__name__}: bwd's cotangent of argument {i}"
            found = [None] * len(xs) if g is None else tree.leaves_like(what, arg, g)
            for x, part in zip(xs, found, strict=True):
                if part is not None and not _numeric(part):
                    raise DTypeError(f"{what} is {type(part).__name__}, need numbers or None")
                if part is not None and np.shape(plain(part)) != np.shape(plain(x)):
                    raise ShapeError(
                        f"{self.__name__}: bwd returned shape {np.shape(plain(part))} for argument "
                        f"{i} of shape {np.shape(plain(x))}"
                    )
            parts += [
                np.asarray(p) if isinstance(x, Tensor) and not isinstance(p, (Node, type(None)))
                else p for x, p in zip(xs, found, strict=True)
            ]  # fmt: skip
        return parts


class custom_jvp(_Custom[P, Y]):  # noqa: N801
    """A function whose forward-mode derivative is given: `f.defjvp(jvp)`.

    jvp(primals, tangents) returns (result, tangent of the result) and is linear in the tangents;
    reverse mode is its transpose.
    """

    jvp: Callable[..., Any] | None = None

    def defjvp(self, jvp: Rule) -> Rule:
        """jvp, which is now the rule; may be used as a decorator."""
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Makes the rule the sum of jvps[i](tangent i, result, *primals), None for zero."""

        def jvp(primals: Any, tangents: Any) -> Any:
            y: Any = self(*primals)  # type: ignore[call-arg]
            if len(jvps) != len(primals):
                raise RuleError(
                    f"{self.__name__}: {len(jvps)} rules in defjvps for {len(primals)} arguments; "
                    "give one for each, None for zero"
                )
            parts = [
                f(t, y, *primals) for f, t in zip(jvps, tangents, strict=True) if f is not None
            ]
            return y, sum(parts[1:], parts[0]) if parts else y * 0

        self.jvp = jvp

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Y:
        """The function's result, which differentiates by the rule."""
        given = self._positional(args, kwargs)
        return self._with_rule(given) if self._tracked(given) else self.fun(*args, **kwargs)

    def _with_rule(self, args: tuple[Any, ...]) -> Any:
        jvp = self.jvp
        if jvp is None:
            raise RuleError(f"{self.__name__}: has no rule yet; call defjvp(jvp) first")
        leaves = tree.leaves(args)
        args = tree.rebuild(args, iter(leaves))  # containers of our own
        before, inner = next_stamp(), [detached(x) for x in leaves]
        out = self._result(self._alone(self.fun, inner, args), inner, before)

        def moved(xs: Sequence[Any], ts: Sequence[Any]) -> Any:
            both = jvp(*(tree.rebuild(args, map(own, v)) for v in (xs, ts)))
            return _packed(self._tangents(both, out))

        def push(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
            return moved(xs, [_zero(x) if t is None else t for t, x in zip(ts, xs, strict=True)])

        def rule(g: Any, y: Any, *xs: Any) -> list[Any]:
            with recording.set(True):
                ts = [_fresh(x, leaf) for x, leaf in zip(xs, leaves, strict=True)]
                t = moved(xs, ts)
            again = any(isinstance(x, Node) for x in (g, *xs))
            if not isinstance(t, Node) or not t.requires_grad:
                return [None] * len(xs)
            wanted = [t for t in ts if isinstance(t, Node)]
            found = pullback([t], [g], wanted, again)
            return [found.get(t) if isinstance(t, Node) else None for t in ts]

        return _recorded(self.__name__, leaves, out, rule, push)

    def _tangents(self, both: Any, out: Any) -> list[Any]:
        """The tangent for each leaf of out, of what a rule has returned."""
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise RuleError(
                f"{self.__name__}: jvp must return a pair (result, tangent), got "
                f"{type(both).__name__}"
            )
        what = f"{self.__name__}: jvp's tangent"
        ts = []
        for y, t in zip(tree.leaves(out), tree.leaves_like(what, out, both[1]), strict=True):
            if not _numeric(t):
                raise DTypeError(f"{what} is {type(t).__name__}, need numbers")
            if np.shape(plain(t)) != np.shape(plain(y)):
                raise ShapeError(
                    f"{what} has shape {np.shape(plain(t))}, the result {np.shape(plain(y))}"
                )
            array = isinstance(y, (Tensor, np.ndarray)) and not isinstance(t, Node)
            ts.append(np.asarray(t) if array else t)
        return ts


def _fresh(x: Any, leaf: Any) -> Any:
    """A leaf to stand for the tangent of x, for inputs that may have one."""
    if isinstance(leaf, Tensor):
        return leaf.fresh() if leaf.requires_grad else leaf.zeros()
    return Value(0) if isinstance(leaf, Value) else _zero(x)


def _zero(x: Any) -> Any:
    """Zero as a tangent of x; a number for what has no tangents, such as a function."""
    return x * 0 if _numeric(x) else 0.0


def _numeric(x: Any) -> bool:
    """Whether x is a node, a number or an array of them."""
    if isinstance(x, Node):
        return True
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind in "fiubO"
    return hasattr(type(x), "__mul__") and not hasattr(type(x), "__len__")


def _packed(ys: list[Any]) -> Any:
    """One output: the leaf itself, or all of them flat in a row."""
    if len(ys) == 1:
        return ys[0]
    flat = [ops.reshape(y if isinstance(y, Node) else np.asarray(y), shape=(-1,)) for y in ys]
    return ops.concatenate(*flat)


def _unpacked(y: Any, out: Any) -> Any:
    """y in the form of out: the inverse of _packed."""
    shapes = [np.shape(plain(leaf)) for leaf in tree.leaves(out)]
    if len(shapes) == 1:
        return tree.rebuild(out, iter([y]))
    ends = np.cumsum([int(np.prod(s)) for s in shapes]).tolist()
    parts = [
        ops.reshape(ops.getitem(y, index=(slice(a, b),)), shape=s)
        for a, b, s in zip([0, *ends], ends, shapes, strict=False)
    ]
    return tree.rebuild(out, iter(parts))


def _recorded(name: str, leaves: list[Any], out: Any, rule: Any, push: Any = None) -> Any:
    """out, computed already, as the result of one op on the leaves with that rule."""
    result = own(_packed([plain(y) for y in tree.leaves(out)]))
    if any(isinstance(x, Value) for x in leaves) and len(tree.leaves(out)) > 1:
        raise RuleError(f"{name}: a function of Values returns one number; use Tensors for more")

    def kernel(*xs: Any) -> Any:
        return result

    op = Op(name, "custom", kernel, kernel, rule, push)
    return _unpacked(op(*leaves), out)
