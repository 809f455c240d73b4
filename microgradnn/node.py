"""What Value and Tensor share: the fields of a node, its operators and methods, backward()."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Self

from . import ops
from .errors import GradientError
from .rules import NO_PARAMS, OPS, Carrier, Op, recording
from .walk import changes, pullback


def _stale(g: Any, y: Any, *xs: Any, **params: Any) -> Any:
    raise GradientError(
        "backward: the data of a result was assigned to, so its gradient no longer exists; "
        "compute a new result, or use .detach() before assigning"
    )


_STALE = Op("assigned", "custom", None, _stale, _stale)
next_stamp = itertools.count(1).__next__


class Node(Carrier):
    """A number or an array that remembers how it was computed.

    data     the number or array; assigning to it marks every graph that used it as out of date
    grad     the gradient that backward() left here
    op       the op that made this node, None for a leaf
    parents  its inputs, in order: nodes, or the plain numbers and arrays that were given
    params   its keyword arguments, such as axis
    stamp    when data was last set, from one counter (see walk.py)
    name     what drawings and messages call it, or None
    """

    __slots__ = ("_data", "grad", "name", "op", "params", "parents", "stamp")

    requires_grad: bool
    keeps_grad: bool
    all_keep_grad: bool
    fit: Callable[[Any, Any], Any] | None
    _data: Any
    grad: Any
    op: Op | None
    parents: tuple[Any, ...]
    params: Any
    stamp: int
    name: str | None

    def _leaf(self, data: Any, name: str | None = None) -> None:
        self._data, self.name = data, name
        self.op, self.parents, self.params = None, (), NO_PARAMS
        self.stamp = next_stamp()

    def _set_data(self, data: Any) -> None:
        self._data = self._checked(data)
        changes.last = self.stamp = next_stamp()
        if self.op is not None:  # a result that is no longer the result
            self.op = _STALE

    data = property(attrgetter("_data"), _set_data, doc="The number or array held here.")

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """None; adds d(self)/d(leaf) to `.grad` of every leaf that self was computed from.

        `gradient` is the cotangent of self, 1 by default, and needed unless self is one number.
        With create_graph the gradients are nodes, to be differentiated again. Raises GradientError
        if self is not differentiable or if data changed since the forward pass.
        """
        if not self.requires_grad:
            raise GradientError(
                f"backward: {self.describe()} does not depend on anything that requires grad; "
                "make the inputs with requires_grad=True, outside no_grad()"
            )
        grads = pullback([self], [self._seed(gradient, create_graph)], None, create_graph)
        self._deposit(grads)

    def clear_grad(self) -> None:
        """None; forgets `.grad`: None again for a Tensor, 0 for a Value."""
        raise NotImplementedError

    def describe(self) -> str:
        """A short name for messages: its name, or what made it."""
        kind = type(self).__name__.lower()
        return (
            repr(self.name)
            if self.name
            else f"a {kind}" + (f" made by {self.op.name}" if self.op else "")
        )

    # Hooks each carrier fills in.
    def _checked(self, data: Any) -> Any:
        raise NotImplementedError

    def _seed(self, gradient: Any, create_graph: bool) -> Any:
        raise NotImplementedError

    @staticmethod
    def _deposit(grads: dict[Any, Any]) -> None:
        raise NotImplementedError

    def zeros(self) -> Any:
        """Zeros like the data, as a cotangent."""
        raise NotImplementedError

    # ---- operators: each is one op of the table -------------------------------------------------
    # fmt: off
    def __add__(self, other: Any) -> Self: return ops.add(self, other)
    def __radd__(self, other: Any) -> Self: return ops.add(other, self)
    def __sub__(self, other: Any) -> Self: return ops.sub(self, other)
    def __rsub__(self, other: Any) -> Self: return ops.sub(other, self)
    def __mul__(self, other: Any) -> Self: return ops.mul(self, other)
    def __rmul__(self, other: Any) -> Self: return ops.mul(other, self)
    def __truediv__(self, other: Any) -> Self: return ops.div(self, other)
    def __rtruediv__(self, other: Any) -> Self: return ops.div(other, self)
    def __pow__(self, other: Any) -> Self: return ops.pow(self, other)
    def __rpow__(self, other: Any) -> Self: return ops.pow(other, self)
    def __neg__(self) -> Self: return ops.neg(self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Self: return ops.abs(self)

    # Comparisons look at the data and are plain: booleans of numbers, boolean arrays of arrays.
    __hash__ = object.__hash__
    def __eq__(self, other: object) -> Any: return self._data == plain(other)
    def __ne__(self, other: object) -> Any: return self._data != plain(other)
    def __lt__(self, other: Any) -> Any: return self._data < plain(other)
    def __le__(self, other: Any) -> Any: return self._data <= plain(other)
    def __gt__(self, other: Any) -> Any: return self._data > plain(other)
    def __ge__(self, other: Any) -> Any: return self._data >= plain(other)

    def abs(self) -> Self: return ops.abs(self)
    def sign(self) -> Self: return ops.sign(self)
    def exp(self) -> Self: return ops.exp(self)
    def expm1(self) -> Self: return ops.expm1(self)
    def log(self) -> Self: return ops.log(self)
    def log1p(self) -> Self: return ops.log1p(self)
    def sqrt(self) -> Self: return ops.sqrt(self)
    def square(self) -> Self: return ops.square(self)
    def reciprocal(self) -> Self: return ops.reciprocal(self)
    def sin(self) -> Self: return ops.sin(self)
    def cos(self) -> Self: return ops.cos(self)
    def tan(self) -> Self: return ops.tan(self)
    def tanh(self) -> Self: return ops.tanh(self)
    def arctan(self) -> Self: return ops.arctan(self)
    def sinh(self) -> Self: return ops.sinh(self)
    def cosh(self) -> Self: return ops.cosh(self)
    def sigmoid(self) -> Self: return ops.sigmoid(self)
    def relu(self) -> Self: return ops.relu(self)
    def leaky_relu(self, negative_slope: float = 0.01) -> Self: return ops.leaky_relu(self, negative_slope=negative_slope)
    def elu(self, alpha: float = 1.0) -> Self: return ops.elu(self, alpha=alpha)
    def softplus(self) -> Self: return ops.softplus(self)
    def maximum(self, other: Any) -> Self: return ops.maximum(self, other)
    def minimum(self, other: Any) -> Self: return ops.minimum(self, other)
    # fmt: on


def plain(x: Any) -> Any:
    """The data of a node, anything else as it is."""
    return x._data if isinstance(x, Node) else x


def document(cls: type[Any]) -> None:
    """None; gives the methods of cls that are one op the docstring of that op."""
    for name, op in OPS.items():
        method = vars(cls).get(name)
        if method is not None and not method.__doc__:
            method.__doc__ = op.__doc__


document(Node)


@contextmanager
def no_grad() -> Iterator[None]:
    """A context in which this thread's ops record nothing; their results require no gradient."""
    with recording.set(False):
        yield
