"""What Value and Tensor share: the fields of a node, its operators and methods, backward()."""

import copy
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from . import kernels, ops
from .errors import DTypeError, GradientError, MicrogradError, ShapeError
from .rules import MANY, NO_PARAMS, OPS, Carrier, Op, recording
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
    parents  its inputs, in order: nodes, or the plain numbers and arrays that were given. They
             are held in two slots, a and b, not in a tuple: half the work of Python's cyclic
             garbage collector. If there are more than two, b is MANY and a all of them.
    params   its keyword arguments, such as axis
    stamp    when data was last set, from one counter (see walk.py)
    hooks    functions of the gradient, set by register_hook and else absent
    name     what drawings and messages call it, or None
    """

    __slots__ = ("_data", "a", "b", "grad", "hooks", "name", "op", "params", "stamp")

    base: type[Any]
    requires_grad: bool
    keeps_grad: bool
    all_keep_grad: bool
    fit: Callable[[Any, Any], Any] | None
    _data: Any
    grad: Any
    op: Op | None
    params: Any
    stamp: int
    name: str | None
    hooks: list[tuple[Callable[[Any], Any]]]

    def _leaf(self, data: Any, name: str | None = None) -> None:
        self._data, self.name = data, name
        self.op, self.params, self.a, self.b = None, NO_PARAMS, None, None
        self.stamp = next_stamp()

    def _set_data(self, data: Any) -> None:
        self._data = self._checked(data)
        changes.last = self.stamp = next_stamp()
        if self.op is not None:  # a result that is no longer the result
            self.op = _STALE

    @property
    def parents(self) -> tuple[Any, ...]:
        """The inputs of the op, in order."""
        if self.b is MANY:
            return self.a
        return () if self.op is None else (self.a,) if self.b is None else (self.a, self.b)

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

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """A function that removes the hook again.

        From now on every backward pass calls hook(gradient of this node), and what it returns,
        unless that is None, is used in place of the gradient.
        """
        changes.hooks, entry = True, (hook,)  # a new tuple: the same hook may be given twice
        self.hooks = [*getattr(self, "hooks", []), entry]

        def remove() -> None:
            self.hooks = [h for h in self.hooks if h is not entry]

        return remove

    def hooked(self, g: Any) -> Any:
        """The gradient g as the hooks leave it."""
        for (hook,) in getattr(self, "hooks", ()):
            new = hook(g)
            if new is not None:
                shape, expected = np.shape(plain(new)), np.shape(self._data)
                if shape != expected:
                    raise ShapeError(
                        f"register_hook: the hook of {self.describe()} returned shape {shape}, "
                        f"expected {expected}, that of the gradient"
                    )
                fit = type(self).fit
                g = new if fit is None else fit(new, self)
        return g

    def __deepcopy__(self, memo: dict[int, Any]) -> "Node":
        if self.op is not None:
            raise GradientError(
                f"deepcopy: {self.describe()} is part of a graph; copy leaves, or .detach() first"
            )
        out = self.detach()
        out._leaf(copy.deepcopy(self._data, memo), self.name)
        if self.fit is not None:  # a Tensor says for itself whether it requires grad
            out.requires_grad = self.requires_grad
        return out

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

    def detach(self) -> Any:
        """A leaf with the same data and no history."""
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
    def __mod__(self, other: Any) -> Self: return ops.remainder(self, other)
    def __rmod__(self, other: Any) -> Self: return ops.remainder(other, self)
    def __floordiv__(self, other: Any) -> Self: return ops.floor_divide(self, other)
    def __rfloordiv__(self, other: Any) -> Self: return ops.floor_divide(other, self)
    def __divmod__(self, other: Any) -> tuple[Self, Self]: return self // other, self % other
    def __rdivmod__(self, other: Any) -> tuple[Self, Self]: return other // self, other % self
    def __floor__(self) -> Self: return ops.floor(self)
    def __ceil__(self) -> Self: return ops.ceil(self)
    def __trunc__(self) -> Self: return ops.trunc(self)
    def __round__(self, ndigits: int = 0) -> Self: return ops.round(self, decimals=ndigits)

    # Comparisons look at the data and are plain: booleans of numbers, boolean arrays of arrays.
    __hash__ = object.__hash__
    def __eq__(self, other: object) -> Any: return _compared(kernels.eq, self, other)
    def __ne__(self, other: object) -> Any: return _compared(kernels.ne, self, other)
    def __lt__(self, other: Any) -> Any: return _compared(kernels.lt, self, other)
    def __le__(self, other: Any) -> Any: return _compared(kernels.le, self, other)
    def __gt__(self, other: Any) -> Any: return _compared(kernels.gt, self, other)
    def __ge__(self, other: Any) -> Any: return _compared(kernels.ge, self, other)
    # fmt: on

    if TYPE_CHECKING:  # methods that are one op, given to the class below

        def __getattr__(self, name: str) -> Callable[..., Any]: ...


class Judging(threading.local):
    """Who answers comparisons of nodes in this thread: `by(compare, a, b)`, or None for the data.

    The checker sets it, to see on which comparisons of a program its result depends.
    """

    by: Callable[[Any, Any, Any], Any] | None = None


judging = Judging()


def _compared(compare: Any, a: Any, b: Any) -> Any:
    """compare(a, b) of the data, or a DTypeError for what has no order."""
    if judging.by is not None:
        return judging.by(compare, a, b)
    try:
        return compare(a._data, plain(b))
    except TypeError as error:
        if isinstance(error, MicrogradError) or compare in (kernels.eq, kernels.ne):
            raise
        kinds = f"{type(a._data).__name__} and {type(plain(b)).__name__}"
        raise DTypeError(f"{compare.__name__}: got {kinds}, need numbers") from error


def one_like(x: Any) -> Any:
    """One, as a number of the type of x: 1/3 of a Fraction is to be a Fraction."""
    kind: Any = type(x)
    return kind(one_like(x._data)) if isinstance(x, Node) else kind(1)


def plain(x: Any) -> Any:
    """The data of a node, anything else as it is."""
    return x._data if isinstance(x, Node) else x


def _method(op: Op) -> Callable[..., Any]:
    def method(self: Any, *others: Any, **params: Any) -> Any:
        return op(self, *others, **params)

    method.__name__ = op.name
    method.__doc__ = op.__doc__
    return method


# NumPy asks the elements of object arrays for methods named like its ufuncs: so every elementwise
# op is a method: x.exp(), x.maximum(y), x.elu(alpha=2.0).
for _op in OPS.values():
    if _op.domain and _op.name not in ("where", "clip", *vars(Node)):
        setattr(Node, _op.name, _method(_op))
for _name, _same in {
    "fabs": "abs", "absolute": "abs", "negative": "neg", "deg2rad": "radians",
    "rad2deg": "degrees", "divide": "div", "power": "pow",
}.items():  # fmt: skip
    setattr(Node, _name, getattr(Node, _same))


@contextmanager
def no_grad() -> Iterator[None]:
    """A context in which this thread's ops record nothing; their results require no gradient."""
    with recording.set(False):
        yield
