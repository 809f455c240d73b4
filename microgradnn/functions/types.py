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

from ..engine.tensor import Tensor
from ..engine.value import Value
from ..signatures.operands import Array as Array
from ..signatures.operands import Axis as Axis
from ..signatures.operands import DType as DType
from ..signatures.operands import Index as Index
from ..signatures.operands import Nested as Nested
from ..signatures.operands import Number as Number
from ..signatures.operands import Plain as Plain
from ..signatures.operands import Shape as Shape

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    A = TypeVar("A", Tensor, np.ndarray, default=np.ndarray)
    E = TypeVar("E", Tensor, Value, np.ndarray, float, default=np.ndarray)
else:
    from typing import TypeVar

    A = TypeVar("A", Tensor, np.ndarray)
    E = TypeVar("E", Tensor, Value, np.ndarray, float)

Like: TypeAlias = A | Sequence[A] | Array | Number | Nested
Each: TypeAlias = E | np.generic | Nested
Some: TypeAlias = E | Array | Number | Nested
ArrayLike = Tensor | Plain
