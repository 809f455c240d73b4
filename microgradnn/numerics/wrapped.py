"""What makes an object around one array look like that array, where this loses no gradient."""

from collections.abc import Callable
from typing import Any, NoReturn

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

    def item(self) -> Any:
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
        self._tracked("float()", ".item()")
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
