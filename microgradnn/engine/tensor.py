"""Tensor: one NumPy array that remembers how it was computed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DTypeError, ForeignError, GradientError, RuleError, ShapeError
from ..numerics import kernels
from ..numerics.changes import PLAIN, changes, held, held_options, next_stamp
from ..numerics.forward import NO_PARAMS, complex_numbers, ordinary, real_array
from ..numerics.recording import recording, special
from ..numerics.wrapped import USED, WrappedArray
from ..signatures.array_methods import ArrayMethods
from ..signatures.torch_methods import TorchMethods
from . import ops, protocol
from .elementwise import operator
from .node import Node, one_like, plain
from .op import MANY, Carrier, Op

if TYPE_CHECKING:
    import numpy.typing as npt

new = object.__new__
_matmul, _rmatmul = operator(ops.matmul), operator(ops.matmul, True)
ndarray = np.ndarray
_NUMBERS = frozenset({float, int, bool, np.float64, np.float32})


class Tensor(TorchMethods, WrappedArray, Node, ArrayMethods):
    """An ndarray with a gradient. Operators, methods and promotion are NumPy's.

    `data` is the ndarray, `grad` None or an ndarray of the same shape and dtype (a Tensor after
    backward(create_graph=True)). Comparisons return plain boolean arrays.

    >>> x = tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    if TYPE_CHECKING:  # property() of node.py, as it is here

        @property
        def data(self) -> np.ndarray:
            """The array held here."""

        @data.setter
        def data(self, data: npt.ArrayLike) -> None: ...

        grad: np.ndarray | None

    # seen, of a leaf: what is known of others who hold its array (see changes.py).
    __slots__ = ("keeps_grad", "requires_grad", "seen")
    scalar = False

    def __init__(
        self,
        data: npt.ArrayLike,
        dtype: npt.DTypeLike | None = None,
        requires_grad: bool = False,
        name: str | None = None,
    ) -> None:
        if isinstance(data, Node):
            raise DTypeError("tensor: got a node; use .detach() for a copy without history")
        self.requires_grad, self.keeps_grad, self.seen = False, True, None
        self._leaf(real_array("tensor", data, dtype), name)
        self.grad = None
        self.requires_grad_(requires_grad)

    # ---- what the engine asks of a carrier ------------------------------------------------------

    @staticmethod
    def record(op: Op, xs: tuple[Any, ...], params: dict[str, Any]) -> Tensor:
        """The node for op(*xs, **params), its array computed."""
        tracked = loose = False  # loose: others may hold an input, and change it
        raw = []
        for x in xs:
            if type(x) is ndarray:
                raw.append(x)
                loose = True
            elif isinstance(x, Tensor):
                raw.append(x._data)
                tracked = tracked or x.requires_grad
                loose = loose or (x.op is None and x.seen is not USED)
            elif isinstance(x, Carrier):
                raise RuleError(
                    f"{op.name}: a Tensor and a {type(x).__name__} do not mix; use .data"
                )
            elif type(x) in _NUMBERS or ordinary(op.name, x) is x:
                raw.append(x)
                loose = loose or type(x) not in _NUMBERS
            else:
                return op(*[ordinary(op.name, x) for x in xs], **params)
        recorded, large = op if tracked else None, None
        if special:
            if (lead := recording.traced(xs)) is not None:
                return lead.record(op, xs, params)
            recorded = recording.recorded(op) if tracked else None
        if recorded is not None:
            if loose:
                xs, large = held(xs)
            if params and not PLAIN.issuperset(map(type, params.values())):
                params = held_options(params)
        try:
            y = op.array(*raw, **params)
        except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
            y = op.second_try(raw, params, error)
        if type(y) is not ndarray or y.dtype.char == "O":
            y = np.asarray(op.settled(y, raw, params))
        out = new(Tensor)
        out._data = y
        out.grad = out.seen = None
        kind = y.dtype.kind
        if recorded is not None and (kind == "f" or kind == "O"):
            out.op, out.params = recorded, params
            out.requires_grad, out.keeps_grad = True, False
            n = len(xs)
            if n == 2:
                out.first, out.second = xs
            elif n == 1:
                out.first, out.second = xs[0], None
            else:
                out.first, out.second = xs, MANY
            if large:
                out.large = large
        else:
            if kind == "c":
                raise complex_numbers(op.name)
            if y.base is not None:  # a view: lent out as a copy
                y.flags.writeable = False
            out.op, out.params, out.first, out.second = None, NO_PARAMS, None, None
            out.requires_grad, out.keeps_grad = False, True
            if special:
                recording.unrecorded(out, op, xs)
        out.stamp = next_stamp()
        return out

    @staticmethod
    def fit(g: Any, x: Tensor) -> Any:
        """The cotangent g in the shape and dtype of the tensor x: here broadcasting is undone."""
        data = x._data
        if not isinstance(g, (np.ndarray, np.generic, Tensor)):  # an object out of its array
            g = np.asarray(g, data.dtype)
        if g.shape != data.shape:  # of plain arrays without the questions an op asks
            to = kernels.sum_to if type(g) is ndarray else ops.sum_to
            g = to(g, shape=data.shape)
            if not isinstance(g, (np.ndarray, np.generic, Tensor)):
                g = np.asarray(g, data.dtype)
        if g.dtype is not data.dtype and g.dtype != data.dtype:
            g = ops.astype(g, dtype=data.dtype)
        return g

    def spread(self, t: Any) -> Any:
        """The tangent t in the shape and dtype of this tensor: the transpose of fit."""
        if t.shape != self._data.shape:
            t = ops.broadcast_to(t, shape=self._data.shape)
        if t.dtype != self._data.dtype:
            t = ops.astype(t, dtype=self._data.dtype)
        return t

    def zeros(self) -> np.ndarray:
        """Zeros of the same shape and dtype, as a cotangent."""
        return np.zeros(self._data.shape, self._data.dtype)

    def fresh(self) -> Tensor:
        """A new leaf of zeros of the same shape and dtype."""
        return Tensor(self.zeros(), requires_grad=True)

    def _set_data(self, data: Any) -> None:
        if data is self._data and self.seen is USED and self.op is None:  # an optimiser's step
            changes.last = self.stamp = next_stamp()
        else:
            self.seen = None
            super()._set_data(data)

    def _seed(self, gradient: Any, create_graph: bool, who: str = "backward") -> Any:
        g: Any
        if gradient is None:
            if self._data.size != 1:
                raise GradientError(
                    f"{who}: output has shape {self.shape}, need a single number; "
                    "pass gradient= or call .sum() first"
                )
            g = np.array(1, self._data.dtype, ndmin=self._data.ndim)
            if g.dtype.char == "O":
                g = np.asarray(np.frompyfunc(one_like, 1, 1)(self._data), object)
        elif isinstance(gradient, Tensor):
            g = gradient if create_graph else gradient._data.copy()
        else:
            try:
                g = np.array(gradient, self._data.dtype)
            except (TypeError, ValueError) as error:
                kind = type(gradient).__name__
                raise DTypeError(f"{who}: gradient is {kind}, need numbers ({error})") from error
        if g.dtype != self._data.dtype:
            g = ops.astype(g, dtype=self._data.dtype)
        if g.shape != self._data.shape:
            raise ShapeError(f"{who}: gradient has shape {g.shape}, output {self.shape}")
        return Tensor(g) if create_graph and not isinstance(g, Tensor) else g

    @staticmethod
    def _deposit(grads: dict[Any, Any]) -> None:
        taken: set[int] = set()
        for node, g in grads.items():
            if node.grad is not None:
                g = node.grad + g
            elif not isinstance(g, Tensor):
                # Two gradients may be one array, or a view of one: each leaf gets its own.
                fresh = type(g) is np.ndarray and g.base is None and id(g) not in taken
                g = g if fresh and node.op is None else np.array(g)
                taken.add(id(g))
            node.grad = np.asarray(g) if isinstance(g, np.generic) else g

    # ---- what PyTorch's tensors have ------------------------------------------------------------

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """self, a leaf that from now on does (or does not) collect gradients."""
        if requires_grad and self._data.dtype.kind not in "fO":
            raise DTypeError(
                f"requires_grad: dtype {self._data.dtype} has no gradient; "
                "make it floating point, as in tensor([1.0, 2.0]) or dtype=float"
            )
        if self.op is not None and not requires_grad:
            raise GradientError(f"requires_grad_: {self.describe()} is not a leaf; use .detach()")
        if requires_grad and self.op is None and not self._data.flags.writeable:
            self._data = self._data.copy("K")
        self.requires_grad = requires_grad
        return self

    def clear_grad(self) -> None:
        """Sets `.grad` to None."""
        self.grad = None

    def retain_grad(self) -> None:
        """backward() will leave `.grad` here although this is not a leaf."""
        if not self.requires_grad:
            raise GradientError("retain_grad: this tensor does not require grad")
        self.keeps_grad = True

    def detach(self) -> Tensor:
        """A leaf without history that shares this array; its `.data` is a copy if of a result."""
        self._lent()
        out = new(Tensor)
        out._leaf(self._data, self.name)
        out.grad, out.requires_grad, out.keeps_grad, out.seen = None, False, True, None
        return out

    # fmt: off
    @property
    def T(self) -> Tensor: return ops.transpose(self)  # noqa: N802
    @property
    def mT(self) -> Tensor: return ops.swapaxes(self, axis1=-1, axis2=-2)  # noqa: N802
    # fmt: on

    if not TYPE_CHECKING:
        data = property(WrappedArray._lent, _set_data, doc=Node.data.__doc__)

    # ---- what makes it an array -----------------------------------------------------------------
    # Methods such as x.sum(axis=0) come from functions/; NumPy's own functions ask protocol.py.

    # fmt: off
    def __matmul__(self, other: Any) -> Tensor: return _matmul(self, other)
    def __rmatmul__(self, other: Any) -> Tensor: return _rmatmul(self, other)
    # fmt: on

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        try:
            return protocol.call_ufunc(ufunc, method, inputs, kwargs)
        except ForeignError:  # then NumPy asks the other
            return NotImplemented

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return protocol.call_function(func, args, kwargs)

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index=_plain_index(index))

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))


Tensor.base = Tensor


def tensor(
    data: npt.ArrayLike,
    dtype: npt.DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
) -> Tensor:
    """A new Tensor holding a copy of data. Raises DTypeError if integers should require grad."""
    return Tensor(data, dtype, requires_grad, name)


def _plain_index(index: Any) -> Any:
    return tuple(map(plain, index)) if isinstance(index, tuple) else plain(index)
