"""Value: one number that remembers how it was computed.

The number may be of any type with arithmetic: float, Fraction, Decimal, mpf, arb, longdouble, or
another Value. Value is also a good element of NumPy object arrays: its methods are named like
ufuncs and its operators leave arrays to NumPy, so NumPy code runs on arrays of Values unchanged.
"""

from typing import Any

import numpy as np

from .errors import DTypeError, RuleError
from .node import Node, next_stamp
from .rules import NO_PARAMS, Carrier, Op, recording

new = object.__new__


class Value(Node):
    """One differentiable number; leaves and inner nodes alike show `.grad` after backward().

    >>> a, b = Value(2.0), Value(-3.0)
    >>> (a * b).tanh().backward()
    >>> a.grad
    -7.373...e-05
    """

    __slots__ = ()
    requires_grad = True
    keeps_grad = True
    shape = ()
    ndim = 0
    fit = None
    __hash__ = object.__hash__

    def __init__(self, data: Any, name: str | None = None) -> None:
        self._leaf(self._checked(data), name)
        self.grad = 0

    def _checked(self, data: Any) -> Any:
        if isinstance(data, np.ndarray) and data.ndim == 0:
            data = data[()]
        if isinstance(data, np.float64):  # a float already; arithmetic on a plain one is faster
            return float(data)
        if isinstance(data, np.ndarray) or hasattr(type(data), "__len__"):
            raise DTypeError(
                f"Value: holds one number, got {type(data).__name__}; use mg.tensor for arrays"
            )
        if not hasattr(type(data), "__mul__") or isinstance(data, complex):
            raise DTypeError(f"Value: holds one real number, got {type(data).__name__}")
        return data

    @staticmethod
    def record(op: Op, xs: tuple[Any, ...], params: Any) -> Any:
        """The node for op(*xs, **params), its number computed."""
        raw = []
        for x in xs:
            if isinstance(x, Value):
                raw.append(x._data)
            elif isinstance(x, Carrier):
                raise RuleError(f"{op.name}: a Value and a {type(x).__name__} do not mix; use .data")
            elif isinstance(x, np.ndarray):  # each element is a number: an object array of Values
                return np.frompyfunc(lambda *v: op(*v, **params), len(xs), 1)(*xs)
            else:
                raw.append(x)
        out = new(Value)
        out._data = op.on_numbers(raw, params)
        out.grad, out.name = 0, None
        if recording.on:
            out.op, out.parents, out.params = op, xs, params
        else:
            out.op, out.parents, out.params = None, (), NO_PARAMS
        out.stamp = next_stamp()
        return out

    def _seed(self, gradient: Any, create_graph: bool) -> Any:
        g = (1.0 if type(self._data) is float else 1) if gradient is None else gradient
        return Value(g) if create_graph and not isinstance(g, Value) else g

    @staticmethod
    def _deposit(grads: dict[Any, Any]) -> None:
        for node, g in grads.items():  # leaves add up; inner nodes show the last pass
            node.grad = node.grad + g if node.op is None else g

    def zeros(self) -> Any:
        """Zero, as a cotangent."""
        return 0

    def fresh(self) -> "Value":
        """A new leaf with the value zero."""
        return Value(0)

    def spread(self, t: Any) -> Any:
        """t, a tangent of this node: a number already."""
        return t

    def clear_grad(self) -> None:
        """None; sets `.grad` to 0."""
        self.grad = 0

    def item(self) -> Any:
        """The number."""
        return self._data

    def detach(self) -> "Value":
        """The same number as a new leaf, without its history."""
        return Value(self._data)

    def conjugate(self) -> "Value":
        """The number itself: NumPy asks its elements for it in vdot and norm."""
        return self

    # ---- comparisons look at the number, as NumPy's masks and Python's max() expect ---------------
    # fmt: off
    def __eq__(self, other: object) -> Any: return self._data == _plain(other)
    def __ne__(self, other: object) -> Any: return self._data != _plain(other)
    def __lt__(self, other: Any) -> Any: return self._data < _plain(other)
    def __le__(self, other: Any) -> Any: return self._data <= _plain(other)
    def __gt__(self, other: Any) -> Any: return self._data > _plain(other)
    def __ge__(self, other: Any) -> Any: return self._data >= _plain(other)
    def __bool__(self) -> bool: return bool(self._data)
    # fmt: on

    def __repr__(self) -> str:
        return f"Value(data={self._data}, grad={self.grad})"


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x
