"""Value: one number that remembers how it was computed.

The number may be of any type with arithmetic: float, Fraction, Decimal, mpf, arb, longdouble, or
another Value. Value is also a good element of NumPy object arrays: its methods are named like
ufuncs and its operators leave arrays to NumPy, so NumPy code runs on arrays of Values unchanged.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy as np

from ..errors import DTypeError, RuleError
from ..numerics.changes import next_stamp
from ..numerics.forward import NO_PARAMS, ordinary
from ..numerics.recording import recording, special
from ..numerics.wrapped import WrappedNumber, is_complex
from . import ops
from .elementwise import operator
from .node import Node, one_like
from .op import MANY, Carrier, Op

new = object.__new__


class Value(WrappedNumber, Node):
    """One differentiable number; leaves and inner nodes alike show `.grad` after backward().

    >>> a, b = Value(2.0), Value(-3.0)
    >>> (a * b).tanh().backward()
    >>> a.grad
    -7.373...e-05
    """

    if TYPE_CHECKING:  # property() of node.py, of a float; of other numbers in the same words

        @property
        def data(self) -> float:
            """The number held here."""

        @data.setter
        def data(self, data: SupportsFloat) -> None: ...

        grad: float

    __slots__ = ()
    scalar = True
    requires_grad = True
    keeps_grad = True
    shape = ()
    ndim = 0

    def __init__(
        self,
        data: SupportsFloat,
        name: str | tuple[Any, ...] | list[Any] | set[Any] | None = None,
        _op: str = "",
        *,
        label: str | None = None,
    ) -> None:
        if isinstance(name, (tuple, list, set)):  # micrograd's Value(data, children, op)
            if name:
                raise RuleError(
                    "Value: a result is made by an op, not from its parents; write x.tanh(), or "
                    "give your own function its rule with mg.custom_vjp"
                )
            name = None
        self._leaf(self._checked(data), label if name is None else name)
        self.grad = 0

    @staticmethod
    def record(op: Op, xs: tuple[Any, ...], params: Mapping[str, Any]) -> Value | np.ndarray:
        """The node for op(*xs, **params), its number computed."""
        if special and (lead := recording.traced(xs)) is not None:
            return lead.record(op, xs, params)
        y = op.on_numbers([x._data if isinstance(x, Value) else x for x in xs], params)
        if type(y) is not float:
            if is_complex(y):
                raise DTypeError(f"{op.name}: complex numbers are out of scope; use two Values")
            for x in xs:
                if isinstance(x, Carrier) and not isinstance(x, Value):
                    raise RuleError(
                        f"{op.name}: Value and {type(x).__name__} do not mix; use .data"
                    )
                ordinary(op.name, x)
                if isinstance(x, np.ndarray):  # each element a number: an object array of Values
                    return np.frompyfunc(lambda *v: op(*v, **params), len(xs), 1)(*xs)
        first, second = xs if len(xs) == 2 else (xs[0], None) if len(xs) == 1 else (xs, MANY)
        return _node(y, op, first, second, params)

    def _seed(self, gradient: Any, create_graph: bool, who: str = "backward") -> Any:
        if gradient is None:
            g: Any = one_like(self._data)
        else:
            g = gradient if isinstance(gradient, Value) else self._checked(gradient)
        return Value(g) if create_graph and not isinstance(g, Value) else g

    @staticmethod
    def _deposit(grads: dict[Any, Any]) -> None:
        for node, g in grads.items():  # leaves add up; inner nodes show the last pass
            node.grad = node.grad + g if node.op is None else g

    @staticmethod
    def fit(g: Any, x: Any) -> Any:
        """g, the cotangent of x: a number already."""
        return g

    def zeros(self) -> int:
        """Zero, as a cotangent."""
        return 0

    def fresh(self) -> Value:
        """A new leaf with the value zero."""
        return Value(0)

    def spread(self, t: Any) -> Any:
        """t, a tangent of this node: a number already."""
        return t

    def clear_grad(self) -> None:
        """Sets `.grad` to 0."""
        self.grad = 0

    def detach(self) -> Value:
        """The same number as a new leaf, without its history."""
        return Value(self._data)


Value.base = Value


def _node(y: Any, op: Op, first: Any, second: Any, params: Any) -> Value:
    """The result y of op; a leaf where nothing is recorded."""
    out = new(Value)
    recorded = recording.recorded(op) if special else op
    if recorded is None:
        first, second, params = None, None, NO_PARAMS
    out._data, out.grad, out.stamp = y, 0, next_stamp()
    out.op, out.first, out.second, out.params = recorded, first, second, params
    return out


# ---- the same again, for speed: skip at first reading -------------------------------------------
# The operators and functions of most nodes, without the questions of the general path: twice as
# fast (measured).


def _unary(op: Op) -> Callable[[Value], Value]:
    kernel = op.number
    assert kernel is not None

    def method(self: Value, *surplus: Any, **options: Any) -> Value:
        if surplus or options:
            return op(self, *surplus, **options)  # refuses them
        try:
            return _node(kernel(self._data), op, self, None, NO_PARAMS)
        except (ArithmeticError, ValueError):
            return op(self)

    return method


def _binary(op: Op) -> Callable[[Value, Any], Value]:
    kernel, none, general = op.number, NO_PARAMS, operator(op)
    assert kernel is not None

    def method(self: Value, other: Any) -> Value:
        kind = type(other)
        if kind is Value:
            try:
                y = kernel(self._data, other._data)
            except (ArithmeticError, TypeError):
                return op(self, other)
        elif kind is float or kind is int:
            try:
                y = kernel(self._data, other)
            except (ArithmeticError, TypeError):
                return op(self, other)
        elif isinstance(other, np.ndarray):
            return NotImplemented  # NumPy's own loop
        else:
            return general(self, other)
        if special:
            return _node(y, op, self, other, none)
        out = new(Value)
        out._data = y
        out.grad = 0
        out.op = op
        out.first = self
        out.second = other
        out.params = none
        out.stamp = next_stamp()
        return out

    return method


_op: Op
for _name, _op in (("add", ops.add), ("mul", ops.mul), ("sub", ops.sub), ("truediv", ops.div)):
    setattr(Value, f"__{_name}__", _binary(_op))
for _op in (ops.relu, ops.tanh):
    setattr(Value, _op.name, functools.wraps(getattr(Node, _op.name))(_unary(_op)))
