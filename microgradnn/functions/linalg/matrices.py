"""What the functions of matrices share; diagonals and traces of stacks of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.protocol import array
from ...errors import ShapeError
from .. import diagonals
from ..diagonals import tril
from ..implementing import implements
from ..shape import matrix_transpose
from ..types import A, DType, Like


def square(name: str, a: Any) -> Any:
    """a as an array. Raises ShapeError unless it holds square matrices."""
    a = array(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"linalg.{name}: got shape {a.shape}, need square matrices (…, n, n)")
    return a


def from_lower(a: Any) -> Any:
    """The symmetric matrix whose lower triangle is a's: what hermitian=True reads."""
    return tril(a) + matrix_transpose(tril(a, -1))


@implements(np.linalg.diagonal)
def diagonal(x: Like[A], /, *, offset: int = 0) -> A:
    """The diagonals of the matrices in the last two axes."""
    return diagonals.diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def trace(x: Like[A], /, *, offset: int = 0, dtype: DType = None) -> A:
    """The sums of the diagonals of the matrices in the last two axes."""
    return diagonals.trace(x, offset, -2, -1, dtype)
