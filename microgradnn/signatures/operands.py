"""Types of arguments that are no nodes: numbers, lists of them, axes, shapes, indices, dtypes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, NamedTuple, Self, TypeVar, overload

import numpy as np

from ..errors import DTypeError, ShapeError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike
else:
    DTypeLike = object  # numpy.typing takes longer to load than this room

T = TypeVar("T")

Array = np.ndarray  # also NumPy's scalars, which sums are and which have an array's methods
Number = float | np.generic  # int and bool too
Row = Sequence[Number | Array]
Nested = Row | Sequence[Row] | Sequence[Sequence[Row]]  # numbers in lists, as np.array takes them
Plain = Array | Number | Nested

Axis = int | tuple[int, ...] | None  # None: all axes
Shape = int | Sequence[int]
Index = int | slice | Sequence[int] | Array
DType = DTypeLike | None


class Located(NamedTuple, Generic[T]):
    """Elements that were looked for, and where they were: plain integers."""

    values: T
    indices: Array


class Size(int):
    """How many elements, NumPy's x.size; called, PyTorch's x.size(0), the length of an axis."""

    shape: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Self:
        """The number of elements of an array of that shape."""
        self = cls(math.prod(shape))
        self.shape = shape
        return self

    @overload
    def __call__(self) -> tuple[int, ...]: ...
    @overload
    def __call__(self, dim: int) -> int: ...
    def __call__(self, dim: int | None = None) -> int | tuple[int, ...]:
        """The shape, or its length at dim."""
        if dim is None:
            return self.shape
        if not isinstance(dim, (int, np.integer)):
            raise DTypeError(f"size: dim is of type {type(dim).__name__}, need an integer")
        if not -len(self.shape) <= dim < len(self.shape):
            raise ShapeError(f"size: dim {dim}, but the shape is {self.shape}")
        return self.shape[dim]
