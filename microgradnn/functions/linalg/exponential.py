"""The exponential of a matrix, made of products and one equation: its slopes are theirs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...engine import ops_linalg
from ...engine.node import plain
from ...errors import DataError
from ..products import matmul
from ..shape import floats
from ..types import A, Like
from .matrices import square

# Padé's approximant of order 13 and the norm up to which it is exact in float64: Higham, "The
# scaling and squaring method for the matrix exponential revisited" (2005).
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0,
    129060195264000.0, 10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0,
    960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_REACH = 5.371920351148152


def matrix_exp(a: Like[A]) -> A:
    """The exponential of square matrices (…, n, n): 1 + a + a²/2 + a³/6 + …

    By scaling and squaring with Padé's approximant; derivatives of all orders are exact for it.
    Raises DataError for matrices with inf or nan.
    """
    x = floats(square("matrix_exp", a))
    size = float(np.max(np.sum(np.abs(plain(x)), axis=-2), initial=0))
    if not math.isfinite(size):
        raise DataError("linalg.matrix_exp: the matrix holds inf or nan, or its norm overflows")
    squarings = max(0, math.ceil(math.log2(size / _REACH))) if size else 0
    y = _approximant(x * plain(x).dtype.type(2.0**-squarings))
    for _ in range(squarings):
        y = matmul(y, y)
    return y


def _approximant(x: Any) -> Any:
    """r(x) = q(x)⁻¹·p(x), where p and q are the sum and difference of even and odd powers."""
    b, one = _PADE, np.eye(x.shape[-1], dtype=plain(x).dtype)
    x2 = matmul(x, x)
    x4 = matmul(x2, x2)
    x6 = matmul(x4, x2)
    high = matmul(x6, x6 * b[13] + x4 * b[11] + x2 * b[9])
    odd = matmul(x, high + x6 * b[7] + x4 * b[5] + x2 * b[3] + one * b[1])
    high = matmul(x6, x6 * b[12] + x4 * b[10] + x2 * b[8])
    even = high + x6 * b[6] + x4 * b[4] + x2 * b[2] + one * b[0]
    return ops_linalg.solve(even - odd, even + odd)


__all__ = ["matrix_exp"]
