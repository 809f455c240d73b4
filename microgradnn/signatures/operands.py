"""Types of arguments that are no nodes: numbers, lists of them, axes, shapes, indices, dtypes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

Array = np.ndarray  # also NumPy's scalars, which sums are and which have an array's methods
Number = float | np.generic  # int and bool too
Row = Sequence[Number | Array]
Nested = Row | Sequence[Row] | Sequence[Sequence[Row]]  # numbers in lists, as np.array takes them
Plain = Array | Number | Nested

Axis = int | tuple[int, ...] | None  # None: all axes
Shape = int | Sequence[int]
Index = int | slice | Sequence[int] | Array
DType = DTypeLike | None
