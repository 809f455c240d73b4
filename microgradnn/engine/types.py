"""The names of types in signatures: what goes into a function and what comes out.

    def softmax(x: Like[A], axis: Axis = -1) -> A     a Tensor in, a Tensor out; else an array out
    def elu(x: Some[E], alpha: float = 1.0) -> E      the same, also for Values and single numbers

Several arguments may be Like[A] or Some[E]: if one is a Tensor (or a Value), so is the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike as DTypeLike

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
Nested = list[Any] | tuple[Any, ...]  # numbers or arrays in lists, as np.array takes them
Like: TypeAlias = A | Array | Number | Nested
Some: TypeAlias = E | Array | Number | Nested
ArrayLike = Tensor | Array | Number | Nested

Axis = int | tuple[int, ...] | None  # None: all axes
Shape = int | tuple[int, ...] | list[int]
