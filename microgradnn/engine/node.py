"""What Value and Tensor share: the fields of a node, backward(), hooks, comparisons."""

import threading
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Self

import numpy as np

from ..errors import DTypeError, GradientError, MicrogradError, ShapeError
from ..numerics import numbers
from ..numerics.changes import changes, next_stamp
from ..numerics.copied import Copied
from ..numerics.forward import NO_PARAMS
from ..signatures.element_methods import Other
from .elementwise import Elementwise
from .op import MANY, Op
from .walk import pullback


def _stale(g: Any, y: Any, *xs: Any, **params: Any) -> Any:
    raise GradientError(
        "backward: the data of a result was assigned to, so its gradient no longer exists; "
        "compute a new result, or use .detach() before assigning"
    )


_STALE = Op("assigned", "custom", None, _stale, _stale)  # the op of a result that is none


class Argument(str):
    """The name of a leaf that a transform made: it stands for an argument while f runs."""


class Hook:
    """A function of the gradient of one node; while it lives, walks look for hooks."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        changes.watchers.add(self)


class Node(Copied, Elementwise):
    """A number or an array that remembers how it was computed.

    data     the number or array; assigning to it marks every graph that used it as out of date
    grad     the gradient that backward() left here
    op       the op that made this node, None for a leaf
    parents  its inputs, in order: nodes, or the plain numbers and arrays that were given. They
             are held in two slots, first and second, not in a tuple: half the work of Python's
             garbage collector. If there are more than two, second is MANY and first all of them.
    params   its keyword arguments, such as axis
    stamp    when data was last set, from one counter (see walk.py)
    hooks    functions of the gradient, set by register_hook
    name     what drawings and messages call it, or None
    """

    # What few nodes have (a name, hooks, attributes of a user's own) is in __dict__.
    __slots__ = ("__dict__", "_data", "first", "grad", "op", "params", "second", "stamp")

    base: type[Any]  # Value or Tensor: what else may be in one graph with this
    scalar: bool  # whether these are single numbers, which all require and keep their gradient
    requires_grad: bool
    keeps_grad: bool
    _data: Any
    grad: Any
    op: Op | None
    params: Any
    stamp: int
    name: str | None = None
    hooks: list[Hook] | tuple[()] = ()
    large: Any = ()  # inputs too large to be copied, each with a Note of what it held

    def _leaf(self, data: Any, name: str | None = None) -> None:
        self._data = data
        if name is not None:
            self.name = name
        self.op, self.params, self.first, self.second = None, NO_PARAMS, None, None
        self.stamp = next_stamp()

    def _set_data(self, data: Any) -> None:
        self._data = self._checked(data)
        changes.last = self.stamp = next_stamp()
        if self.op is not None:  # a result that is no longer the result
            self.op = _STALE

    @property
    def parents(self) -> tuple[Any, ...]:
        """The inputs of the op, in order."""
        if self.op is None:
            return ()
        if self.second is MANY:
            return self.first
        return (self.first,) if self.second is None else (self.first, self.second)

    data = property(attrgetter("_data"), _set_data, doc="The number or array held here.")

    def backward(self, gradient: Other | None = None, create_graph: bool = False) -> None:
        """Adds d(self)/d(leaf) to `.grad` of every leaf that self was computed from.

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
        """Forgets `.grad`: None again for a Tensor, 0 for a Value."""
        raise NotImplementedError

    def register_hook(self, hook: Callable[[Any], Any]) -> Callable[[], None]:
        """A function that removes the hook again.

        From now on every backward pass calls hook(gradient of this node), and what it returns,
        unless that is None, is used in place of the gradient. An array it gets is a copy.
        """
        entry = Hook(hook)  # the same function may be given twice
        self.hooks = [*self.hooks, entry]

        def remove() -> None:
            self.hooks = [h for h in self.hooks if h is not entry]
            changes.watchers.discard(entry)

        return remove

    def hooked(self, g: Any) -> Any:
        """The gradient g as the hooks leave it."""
        for hook in self.hooks:
            new = hook.function(g.copy() if isinstance(g, np.ndarray) else g)
            if new is not None:
                shape, expected = np.shape(plain(new)), np.shape(self._data)
                if shape != expected:
                    raise ShapeError(
                        f"register_hook: the hook of {self.describe()} returned shape {shape}, "
                        f"expected {expected}, that of the gradient"
                    )
                g = self.fit(new, self)
        return g

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

    def _seed(self, gradient: Any, create_graph: bool, who: str = "backward") -> Any:
        raise NotImplementedError

    @staticmethod
    def _deposit(grads: dict[Any, Any]) -> None:
        raise NotImplementedError

    def detach(self) -> Self:
        """A leaf with the same data and no history."""
        raise NotImplementedError

    @staticmethod
    def fit(g: Any, x: Any) -> Any:
        """The cotangent g in the shape and dtype of the node x: here broadcasting is undone."""
        raise NotImplementedError

    def zeros(self) -> Any:
        """Zeros like the data, as a cotangent."""
        raise NotImplementedError

    # fmt: off
    # Comparisons look at the data and are plain: booleans of numbers, boolean arrays of arrays.
    __hash__ = object.__hash__
    def __eq__(self, other: object) -> Any: return _compared(numbers.eq, self, other)
    def __ne__(self, other: object) -> Any: return _compared(numbers.ne, self, other)
    def __lt__(self, other: Any) -> Any: return _compared(numbers.lt, self, other)
    def __le__(self, other: Any) -> Any: return _compared(numbers.le, self, other)
    def __gt__(self, other: Any) -> Any: return _compared(numbers.gt, self, other)
    def __ge__(self, other: Any) -> Any: return _compared(numbers.ge, self, other)
    # fmt: on


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
        if isinstance(error, MicrogradError) or compare in (numbers.eq, numbers.ne):
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
