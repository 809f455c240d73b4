"""Inverses, and the equations that they solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import ops, ops_linalg
from ...engine.node import plain
from ...engine.protocol import array, implements
from ..products import dot, matmul
from ..reduce import sum
from ..shape import expand_dims, reshape
from .factors import svdvals
from .parts import from_lower, square


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """The inverse. Raises LinAlgError if a is singular."""
    return ops_linalg.inv(square("inv", a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The pseudo-inverse; singular values below rcond times the largest count as 0."""
    if hermitian:
        a = from_lower(a)
    cut = rcond if rtol is None else rtol
    return ops_linalg.pinv(array(a), rcond=None if cut is None else plain(cut))


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """x in a·x = b, for one right side (n,) or a matrix of columns (…, n, k)."""
    a, b = square("solve", a), array(b)
    if b.ndim == 1:
        return ops.squeeze(ops_linalg.solve(a, expand_dims(b, -1)), axis=-1)
    return ops_linalg.solve(a, b)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """(x, residuals, rank, s) with x of least norm among those that minimise |a·x - b|."""
    a, b = array(a), array(b)
    m, n = a.shape
    cut = np.finfo(plain(a).dtype).eps * (m if m > n else n) if rcond is None else rcond
    s = svdvals(a)
    rank = int((plain(s) > cut * plain(s).max(initial=0)).sum())
    x = matmul(pinv(a, cut), b)
    left = sum(ops.square(b - matmul(a, x)), 0)
    residuals = reshape(left, (-1,)) if rank == n and m > n else np.zeros(0, plain(a).dtype)
    return x, residuals, rank, s


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """a multiplied n times with itself by repeated squaring; of negative n the inverse's power."""
    a = square("matrix_power", a)
    if n < 0:
        a, n = inv(a), -n
    out = None
    while n:
        if n % 2:
            out = a if out is None else matmul(out, a)
        a, n = matmul(a, a) if n > 1 else a, n // 2
    eye = np.broadcast_to(np.eye(a.shape[-1], dtype=plain(a).dtype), a.shape)
    return a * 0 + eye if out is None else out


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, from left to right; the ends may be vectors."""
    if len(arrays) < 2:
        raise ValueError("expecting at least two arrays")
    out = array(arrays[0])
    for a in arrays[1:]:
        out = dot(out, a)
    return out


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of a as a linear map from its last axes to its first `ind`."""
    a = array(a)
    n = int(np.prod(a.shape[:ind]))
    return reshape(inv(reshape(a, (n, -1))), a.shape[ind:] + a.shape[:ind])


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x with tensordot(a, x, x.ndim) = b."""
    a, b = array(a), array(b)
    if axes is not None:
        rest = [i for i in range(a.ndim) if i not in axes]
        a = ops.transpose(a, axes=(*rest, *axes))
    shape = a.shape[b.ndim :]
    return reshape(solve(reshape(a, (b.size, -1)), reshape(b, (-1,))), shape)


__all__ = [
    "inv", "lstsq", "matrix_power", "multi_dot", "pinv", "solve", "tensorinv", "tensorsolve",
]  # fmt: skip
