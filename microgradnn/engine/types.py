"""The names of types in signatures: what goes into a function and what comes out.

    def softmax(x: Like[A], axis: Axis = -1) -> A     a Tensor in, a Tensor out; else an array out
    def elu(x: Each[E], alpha: float = 1.0) -> E      also a Value in, a Value out; a float, a float
    def where(c: ArrayLike, x: Some[E], y: Some[E]) -> E

Of several arguments Like[A] or Some[E] one Tensor (or Value) is enough to make the result one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from .tensor import Tensor
from .value import Value

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    A = TypeVar("A", Tensor, np.ndarray, default=np.ndarray)
    E = TypeVar("E", Tensor, Value, np.ndarray, float, default=np.ndarray)
else:
    from typing import TypeVar

    A = TypeVar("A", Tensor, np.ndarray)
    E = TypeVar("E", Tensor, Value, np.ndarray, float)

Array = np.ndarray  # also NumPy's scalars, which sums are and which have an array's methods
Number = float | np.generic  # int and bool too
Row = Sequence[Number | Array]
Nested = Row | Sequence[Row] | Sequence[Sequence[Row]]  # numbers in lists, as np.array takes them

Like: TypeAlias = A | Sequence[A] | Array | Number | Nested
Each: TypeAlias = E | np.generic | Nested
Some: TypeAlias = E | Array | Number | Nested
ArrayLike = Tensor | Array | Number | Nested

Axis = int | tuple[int, ...] | None  # None: all axes
Shape = int | Sequence[int]
DType = DTypeLike | None
Index = int | slice | Sequence[int] | Array
