"""What the functions of matrices share."""

from __future__ import annotations

from typing import Any

from ...engine.protocol import array
from ...errors import ShapeError
from ..diagonals import tril
from ..shape import matrix_transpose


def square(name: str, a: Any) -> Any:
    """a as an array. Raises ShapeError unless it holds square matrices."""
    a = array(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"linalg.{name}: got shape {a.shape}, need square matrices (…, n, n)")
    return a


def from_lower(a: Any) -> Any:
    """The symmetric matrix whose lower triangle is a's: what hermitian=True reads."""
    return tril(a) + matrix_transpose(tril(a, -1))
