"""What makes an object around one array look like that array, where this loses no gradient."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..errors import GradientError, ShapeError


class WrappedArray:
    """The shape, numbers and text of a Tensor; what would lose its gradient is refused."""

    __slots__ = ()
    _data: np.ndarray
    requires_grad: bool
    describe: Callable[[], str]
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
        return self._data

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
        return np.array(self._data, dtype, copy=copy)

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
