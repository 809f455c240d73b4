"""Norms and the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.op import Carrier
from ...engine.protocol import array
from ...errors import ShapeError
from ..choosing import where
from ..implementing import implements
from ..reduce import max, min, sum
from ..shape import expand_dims, floats, moveaxis, narrow, reshape, wide
from ..types import A, Axis, Like
from .factors import svdvals
from .inverses import inv
from .matrices import matrices


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    exact = wide(x)
    return narrow(_exact_norm(exact, ord, axis, keepdims), x)


def _exact_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if ord in (None, 2):
        return ops.norm(x, axis=axis, keepdims=keepdims)
    size = ops.abs(x)
    if ord == np.inf:
        return max(size, axis, keepdims=keepdims)
    if ord == -np.inf:
        return min(size, axis, keepdims=keepdims)
    if ord == 0:
        return sum(ops.sign(size), axis, keepdims=keepdims)  # flat, and a tensor all the same
    if ord == 1:
        return sum(size, axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"order {ord!r} is for matrices; give two axes")
    # At the origin there is no slope: 0, as for order 2.
    zero = np.all(plain(x) == 0, axis, keepdims=True)
    safe = where(zero, 1.0, size)
    if 0 < plain(ord) < 1:  # where one element is 0 the slope is infinite: 0, as in PyTorch
        still = plain(safe) == 0
        powers = where(still, 0.0, ops.pow(where(still, 1.0, safe), ord))
    else:
        powers = ops.pow(safe, ord)
    total = sum(powers, axis, keepdims=True)
    root: Any = (
        ops.reciprocal(ord) if isinstance(ord, Carrier) else np.reciprocal(ord, dtype=total.dtype)
    )
    y = where(zero, 0.0, ops.pow(total, root))
    return y if keepdims else ops.squeeze(y, axis=axis)


def _matrix_norm(x: Any, ord: Any, axis: tuple[int, int], keepdims: bool) -> Any:
    x = floats(x)
    row, column = (i % x.ndim for i in axis)
    if row == column:
        raise ValueError(f"axis {axis} names an axis twice")
    if ord in (None, "fro", "f"):
        return ops.norm(x, axis=(row, column), keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        first, then = (row, column) if ord in (1, -1) else (column, row)
        sums = sum(ops.abs(x), first, keepdims=True)
        y = (max if ord > 0 else min)(sums, then, keepdims=True)
    elif ord in (2, -2, "nuc"):
        s = svdvals(moveaxis(x, (row, column), (-2, -1)))
        y = sum(s, -1) if ord == "nuc" else max(s, -1) if ord == 2 else min(s, -1)
        y = expand_dims(y, (row, column) if row < column else (column, row))
    else:
        raise ValueError(f"order {ord!r}; use None, 'fro', 'nuc', ±1, ±2 or ±inf")
    return y if keepdims else ops.squeeze(y, axis=(row, column))


@implements(np.linalg.norm)
def norm(
    x: Like[A], ord: float | str | None = None, axis: Axis = None, keepdims: bool = False
) -> A:
    """The norm of vectors (any order) or matrices (fro, nuc, ±1, ±2, ±inf).

    At the origin, where there is no slope, the gradient is 0, as in PyTorch.
    """
    a = array(x)
    if axis is None and (
        ord is None or (ord in ("f", "fro") and a.ndim == 2) or (ord == 2 and a.ndim == 1)
    ):
        y = ops.norm(a, axis=None, keepdims=False)
        return reshape(y, (1,) * a.ndim) if keepdims else y
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if len(axes) == 1:
        return _vector_norm(a, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"{len(axes)} axes; a norm is over one (vectors) or two (matrices)")
    return _matrix_norm(a, ord, axes, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(
    x: Like[A], /, *, axis: Axis = None, keepdims: bool = False, ord: float | str | None = 2
) -> A:
    """The norm of the elements along axis (all by default) as one vector."""
    return _vector_norm(array(x), ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Like[A], /, *, keepdims: bool = False, ord: float | str | None = "fro") -> A:
    """The norm of the matrices in the last two axes."""
    return _matrix_norm(array(x), ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def cond(x: Like[A], p: float | str | None = None) -> A:
    """The condition number: largest over smallest singular value, or ‖x‖·‖x⁻¹‖ in another norm."""
    a = matrices("cond", x)
    if 0 in a.shape[-2:]:
        raise ShapeError(f"linalg.cond: got shape {a.shape}, an empty matrix has none")
    if p not in (None, 2, -2):
        return matrix_norm(a, ord=p) * matrix_norm(inv(a), ord=p)
    s = svdvals(a)
    least, most = s[..., -1], s[..., 0]
    if p == -2:
        return least / most
    return where(plain(least) == 0, np.inf, most / least)


__all__ = [
    "cond", "matrix_norm", "norm", "vector_norm",
]  # fmt: skip
