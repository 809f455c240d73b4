"""What makes an object around one array or number look like it, where this loses no gradient."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Complex, Real
from typing import Any, NoReturn, Self

import numpy as np

from ..errors import DTypeError, GradientError, ShapeError
from . import memory

USED = object()
"""What `seen` says of a leaf that a graph uses while nobody else holds its array."""


class WrappedArray:
    """The shape, numbers and text of a Tensor; what would lose its gradient is refused."""

    __slots__ = ()
    _data: np.ndarray
    requires_grad: bool
    describe: Callable[[], str]
    seen: Any  # of a leaf: what is known of others who hold its array (see changes.py)
    op: Any

    # fmt: off
    @property
    def shape(self) -> tuple[int, ...]: return self._data.shape
    @property
    def dtype(self) -> np.dtype[Any]: return self._data.dtype
    @property
    def ndim(self) -> int: return self._data.ndim
    @property
    def itemsize(self) -> int: return self._data.itemsize
    # fmt: on

    def _lent(self) -> np.ndarray:
        """The array, for others: of a result read-only, of a leaf from now on under observation."""
        if self.op is not None:
            self._data.flags.writeable = False
        elif self.seen is USED:
            self.seen = memory.note(self._data)
        if self.op is None and not self._data.flags.writeable:
            self._data = self._data.copy("K")  # type: ignore[misc]  # another tensor has it too
        return self._data

    def _checked(self, data: Any) -> Any:
        if data is self._data:  # changed in place, as by p.data -= …
            return data
        data = np.asarray(data)
        if data.shape != self._data.shape:
            raise ShapeError(f"data: shape {data.shape} does not replace shape {self._data.shape}")
        if data.dtype != self._data.dtype:
            raise DTypeError(
                f"data: dtype {data.dtype} does not replace {self._data.dtype}; use .astype(...)"
            )
        return data if data.flags.writeable else data.copy("K")

    def item(self) -> float:
        """The only element, as a Python number. Raises ShapeError if there are several."""
        if self._data.size != 1:
            raise ShapeError(f"item: shape {self.shape} has {self._data.size} elements, need one")
        return self._data.item()

    def tolist(self) -> Any:
        """The numbers as nested lists, plain."""
        return self._data.tolist()

    def numpy(self) -> np.ndarray:
        """The array. Raises GradientError if this requires grad: nothing detaches silently."""
        self._tracked("numpy()", ".data or .detach().numpy()")
        return self._lent()

    def _tracked(self, what: str, instead: str) -> None:
        if self.requires_grad:
            raise GradientError(
                f"{what}: {self.describe()} requires grad and would lose it; use {instead}"
            )

    def __len__(self) -> int:
        if not self._data.ndim:
            raise ShapeError("len: a 0-d tensor has no length")
        return len(self._data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._tracked(
            "np.asarray", "np.stack or mg.array to join tensors, .data to leave the graph"
        )
        return np.array(self._lent(), dtype, copy=copy)

    def __float__(self) -> float:
        self._tracked("float()", "x.exp(), not math.exp(x), and .item() for the number alone")
        return float(self.item())

    def __int__(self) -> int:
        self._tracked("int()", ".item()")
        return int(self.item())

    def __bool__(self) -> bool:
        self._tracked("truth value", "a comparison such as (x > 0).any()")
        return bool(self._data)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise GradientError(
            "item assignment: tensors are not changed in place; build the result with "
            "where, concatenate or stack, or assign to .data outside a graph"
        )

    def __repr__(self) -> str:
        array = np.array2string(self._data, separator=", ", prefix="tensor(")
        dtype = "" if self.dtype in (np.float64, np.int64, bool) else f", dtype={self.dtype}"
        made = f", op={self.op.name}" if self.op else ", requires_grad=True" * self.requires_grad
        return f"tensor({array}{dtype}{made})"


class WrappedNumber:
    """The number and text of a Value, and micrograd's words; what would lose its gradient fails."""

    __slots__ = ()
    _data: Any
    name: str | None
    op: Any
    parents: Any
    grad: Any

    def _checked(self, data: Any) -> Any:
        if type(data) is float:
            return data
        if isinstance(data, np.ndarray) and data.ndim == 0:
            data = data[()]
        if isinstance(data, np.float64):  # a float already; arithmetic on a plain one is faster
            return float(data)
        if isinstance(data, np.ndarray) or hasattr(type(data), "__len__"):
            raise DTypeError(
                f"Value: holds one number, got {type(data).__name__}; use mg.tensor for arrays"
            )
        kind = data.dtype.kind if isinstance(data, np.generic) else "f"
        if not hasattr(type(data), "__mul__") or is_complex(data) or kind not in "fiub":
            raise DTypeError(f"Value: holds one real number, got {type(data).__name__}")
        return data

    def item(self) -> float:
        """The number."""
        return self._data

    def conjugate(self) -> Self:
        """The number itself: NumPy asks its elements for it in vdot and norm."""
        return self

    # ---- micrograd's words for what is in a node: drawing code uses them -------------------------

    @property
    def _prev(self) -> tuple[Self, ...]:
        return tuple(p for p in self.parents if isinstance(p, type(self)))

    @property
    def _op(self) -> str:
        return self.op.label if self.op else ""

    @property
    def label(self) -> str:
        """The name, as in micrograd; empty if there is none."""
        return self.name or ""

    @label.setter
    def label(self, label: str) -> None:
        self.name = label  # type: ignore[misc]  # it is in the node's __dict__

    @property
    def _backward(self) -> NoReturn:
        raise AttributeError(_NO_BACKWARD)

    @_backward.setter
    def _backward(self, function: Any) -> NoReturn:
        raise AttributeError(_NO_BACKWARD)

    def __float__(self) -> float:
        raise DTypeError(
            "float: a Value would lose its gradient; write v.exp(), not math.exp(v), or v.item() "
            "for the number alone"
        )

    def __int__(self) -> int:
        raise DTypeError("int: a Value would lose its gradient; write v.item() for the number")

    def __bool__(self) -> bool:
        return bool(self.__ne__(0))

    def __repr__(self) -> str:
        return f"Value(data={self._data}, grad={self.grad})"


_NO_BACKWARD = (
    "_backward: a Value has no such function; the derivative of its op stands in the table of ops: "
    "see help(v.op), and mg.custom_vjp for a rule of your own"
)


def is_complex(x: Any) -> bool:
    """Whether x is a complex number that is no real one."""
    return isinstance(x, Complex) and not isinstance(x, Real)
