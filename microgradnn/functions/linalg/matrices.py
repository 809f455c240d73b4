"""What the functions of matrices share; diagonals and traces of stacks of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import DTypeError, ShapeError
from .. import diagonals
from ..diagonals import tril
from ..implementing import implements
from ..shape import matrix_transpose, reals
from ..types import A, DType, Like


def matrices(name: str, a: Any) -> Any:
    """a as an array or node of numbers that LAPACK takes.

    Raises DTypeError for complex numbers and for dtypes that it does not know.
    """
    x = reals(a)
    if x.dtype.char not in "fd" and x.dtype.kind not in "biu":
        raise DTypeError(
            f"linalg.{name}: got dtype {x.dtype}, need float32, float64 or integers; write "
            "x.astype(np.float64)"
        )
    if x.ndim < 2:
        raise ShapeError(f"linalg.{name}: got shape {x.shape}, need matrices (…, m, n)")
    return x


def square(name: str, a: Any) -> Any:
    """matrices(a). Raises ShapeError unless they are square."""
    a = matrices(name, a)
    if a.shape[-1] != a.shape[-2]:
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
