"""Inverses, and the equations that they solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...engine import ops, ops_linalg
from ...engine.node import plain
from ...engine.protocol import array
from ..diagonals import tril, triu
from ..implementing import implements
from ..products import dot, matmul
from ..reduce import sum
from ..shape import expand_dims, floats, matrix_transpose, reshape
from ..types import A, ArrayLike, Like
from .factors import svdvals
from .matrices import from_lower, matrices, square


@implements(np.linalg.inv)
def inv(a: Like[A]) -> A:
    """The inverse. Raises LinAlgError if a is singular."""
    return ops_linalg.inv(square("inv", a))


@implements(np.linalg.pinv)
def pinv(
    a: Like[A],
    rcond: ArrayLike | None = None,
    hermitian: bool = False,
    *,
    rtol: ArrayLike | None = None,
) -> A:
    """The pseudo-inverse; singular values below rcond times the largest count as 0."""
    if hermitian:
        a = from_lower(a)
    cut = rcond if rtol is None else rtol
    return ops_linalg.pinv(matrices("pinv", a), rcond=None if cut is None else plain(cut))


@implements(np.linalg.solve)
def solve(a: Like[A], b: Like[A]) -> A:
    """x in a·x = b, for one right side (n,) or a matrix of columns (…, n, k)."""
    m, y = square("solve", a), array(b)
    if y.ndim == 1:
        return ops.squeeze(ops_linalg.solve(m, expand_dims(y, -1)), axis=-1)
    return ops_linalg.solve(m, y)


def solve_triangular(
    a: Like[A], b: Like[A], *, upper: bool, left: bool = True, unitriangular: bool = False
) -> A:
    """x in a·x = b (x·a = b if not left) for triangular a and columns b (…, n, k), as in torch.

    Only the triangle that `upper` names is read, without its diagonal if unitriangular (ones), and
    only that has a gradient.
    """
    m, y = square("solve_triangular", a), matrices("solve_triangular", b)
    inside = int(unitriangular)
    t = triu(m, inside) if upper else tril(m, -inside)
    if unitriangular:
        t = t + np.eye(m.shape[-1], dtype=m.dtype)
    if left:
        return ops_linalg.solve(t, y)
    return matrix_transpose(ops_linalg.solve(matrix_transpose(t), matrix_transpose(y)))


@implements(np.linalg.lstsq)
def lstsq(a: Like[A], b: Like[A], rcond: float | None = None) -> tuple[A, A, int, A]:
    """(x, residuals, rank, s) with x of least norm among those that minimise |a·x - b|."""
    left, right = floats(array(a)), floats(array(b))
    m, n = left.shape
    dtype = plain(left).dtype
    cut = np.finfo(dtype).eps * max(m, n) if rcond is None else rcond
    s = svdvals(left)
    rank = int((plain(s) > cut * plain(s).max(initial=0)).sum())
    x = matmul(pinv(left, cut), right)
    rest = sum(ops.square(right - matmul(left, x)), 0)
    residuals: Any = reshape(rest, (-1,)) if rank == n and m > n else np.zeros(0, dtype)
    return x, residuals, rank, s


@implements(np.linalg.matrix_power)
def matrix_power(a: Like[A], n: int) -> A:
    """a multiplied n times with itself by repeated squaring; of negative n the inverse's power."""
    m = square("matrix_power", a)
    if n < 0:
        m, n = inv(m), -n
    out = None
    while n:
        if n % 2:
            out = m if out is None else matmul(out, m)
        m, n = matmul(m, m) if n > 1 else m, n // 2
    eye = np.broadcast_to(np.eye(m.shape[-1], dtype=plain(m).dtype), m.shape)
    return m * 0 + eye if out is None else out


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Like[A]]) -> A:
    """The product of several matrices, from left to right; the ends may be vectors."""
    if len(arrays) < 2:
        raise ValueError(f"{len(arrays)} arrays, need 2 or more")
    out = array(arrays[0])
    for a in arrays[1:]:
        out = dot(out, a)
    return out


@implements(np.linalg.tensorinv)
def tensorinv(a: Like[A], ind: int = 2) -> A:
    """The inverse of a as a linear map from its last axes to its first `ind`."""
    t = array(a)
    n = int(np.prod(t.shape[:ind]))
    return reshape(inv(reshape(t, (n, -1))), t.shape[ind:] + t.shape[:ind])


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Like[A], b: Like[A], axes: Sequence[int] | None = None) -> A:
    """x with tensordot(a, x, x.ndim) = b."""
    t, y = array(a), array(b)
    if axes is not None:
        rest = [i for i in range(t.ndim) if i not in axes]
        t = ops.transpose(t, axes=rest + list(axes))
    shape = t.shape[y.ndim :]
    return reshape(solve(reshape(t, (y.size, -1)), reshape(y, (-1,))), shape)


__all__ = [
    "inv", "lstsq", "matrix_power", "multi_dot", "pinv", "solve", "tensorinv", "tensorsolve",
]  # fmt: skip
