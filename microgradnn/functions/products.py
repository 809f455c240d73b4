"""Sums of products: dot to tensordot, convolve, and the layer function linear."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from .arrange import flip
from .implementing import implements
from .shape import expand_dims, moveaxis, ravel, reals, reshape
from .types import A, ArrayLike, Like


@implements(np.dot)
def dot(a: Like[A], b: Like[A]) -> A:
    """Σ over the last axis of a and the last but one of b; of vectors one number."""
    x, y = array(a), array(b)
    if not x.ndim or not y.ndim:
        return x * y
    if y.ndim <= 2:
        return ops.matmul(x, y)
    return tensordot(x, y, (-1, -2))


@implements(np.vdot)
def vdot(a: Like[A], b: Like[A]) -> A:
    """Σ of the products of all elements."""
    return ops.matmul(ravel(reals(a)), ravel(reals(b)))


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Like[A], x2: Like[A], *, axis: int = -1) -> A:
    """Σ of products along one axis; the others broadcast."""
    rows, columns = (moveaxis(reals(x), axis, -1) for x in (x1, x2))
    return ops.squeeze(ops.matmul(expand_dims(rows, -2), expand_dims(columns, -1)), axis=(-2, -1))


@implements(np.inner)
def inner(a: Like[A], b: Like[A]) -> A:
    """Σ over the last axes of both."""
    x, y = array(a), array(b)
    return tensordot(x, y, (-1, -1)) if x.ndim and y.ndim else x * y


@implements(np.outer, np.linalg.outer)
def outer(a: Like[A], b: Like[A]) -> A:
    """Every element of a times every element of b, as a matrix."""
    return expand_dims(ravel(a), 1) * ravel(b)


@implements(*[getattr(np, n) for n in ("matvec",) if hasattr(np, n)])
def matvec(x1: Like[A], x2: Like[A]) -> A:
    """Matrices times vectors, both in stacks."""
    return ops.squeeze(ops.matmul(array(x1), expand_dims(x2, -1)), axis=-1)


@implements(*[getattr(np, n) for n in ("vecmat",) if hasattr(np, n)])
def vecmat(x1: Like[A], x2: Like[A]) -> A:
    """Vectors times matrices, both in stacks."""
    return ops.squeeze(ops.matmul(expand_dims(reals(x1), -2), array(x2)), axis=-2)


@implements(np.linalg.matmul)
def matmul(x1: Like[A], x2: Like[A]) -> A:
    """The matrix product, of the last two axes; the others broadcast."""
    return ops.matmul(array(x1), array(x2))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Like[A], b: Like[A], axes: int | Sequence[Any] = 2) -> A:
    """Σ over the last `axes` axes of a and the first of b, or over two lists of axes."""
    x, y = array(a), array(b)
    left, right = _paired_axes(axes, x.ndim, y.ndim)
    if [x.shape[i] for i in left] != [y.shape[i] for i in right]:
        raise ValueError(f"{x.shape} along {left} does not fit {y.shape} along {right}")
    free_x = tuple(i for i in range(x.ndim) if i not in left)
    free_y = tuple(i for i in range(y.ndim) if i not in right)
    n = math.prod(x.shape[i] for i in left)
    rows = reshape(ops.transpose(x, axes=free_x + left), (math.prod(x.shape[i] for i in free_x), n))
    columns = reshape(
        ops.transpose(y, axes=right + free_y), (n, math.prod(y.shape[i] for i in free_y))
    )
    shape = tuple(x.shape[i] for i in free_x) + tuple(y.shape[i] for i in free_y)
    return reshape(ops.matmul(rows, columns), shape)


def _paired_axes(axes: int | Sequence[Any], m: int, n: int) -> tuple[Any, Any]:
    """The axes of an array of m and of one of n axes that tensordot sums over."""
    if isinstance(axes, int):
        left, right = tuple(range(m - axes, m)), tuple(range(axes))
    else:
        left, right = ((i,) if isinstance(i, (int, np.integer)) else tuple(i) for i in axes)
    return tuple(i % m for i in left), tuple(i % n for i in right)


@implements(np.kron)
def kron(a: Like[A], b: Like[A]) -> A:
    """The Kronecker product: each element of a replaced by that multiple of b."""
    x, y = array(a), array(b)
    n = max(x.ndim, y.ndim)
    x, y = (reshape(v, (1,) * (n - v.ndim) + v.shape) for v in (x, y))
    apart = [k for m in x.shape for k in (m, 1)], [k for m in y.shape for k in (1, m)]
    blocks = reshape(x, apart[0]) * reshape(y, apart[1])
    return reshape(blocks, tuple(p * q for p, q in zip(x.shape, y.shape, strict=True)))


@implements(np.cross, np.linalg.cross)
def cross(
    a: Like[A],
    b: Like[A],
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> A:
    """The vector product of vectors of three components along an axis."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ValueError(f"vectors of {x.shape[-1]} and {y.shape[-1]} components; both need 3")
    (a1, a2), (b1, b2) = ([v[..., [1, 2, 0]], v[..., [2, 0, 1]]] for v in (x, y))
    return moveaxis(a1 * b2 - a2 * b1, -1, axisc)


@implements(np.correlate)
def correlate(a: Like[A], v: Like[A], mode: str = "valid") -> A:
    """Σₙ a[n + k]·v[n] for each shift k; mode is valid, same or full."""
    return _correlated(reals(a), reals(v), mode)


def _correlated(x: Any, y: Any, mode: str) -> Any:
    if len(x) < len(y):
        return flip(_correlated(y, x, mode))
    n = len(y)
    sides = {"valid": (0, 0), "same": (n // 2, n - 1 - n // 2), "full": (n - 1, n - 1)}
    if mode not in sides:
        raise ValueError(f"mode {mode!r}; use 'valid', 'same' or 'full'")
    before, after = sides[mode]
    if mode != "valid" and not np.isfinite(plain(y)).all():  # zeros around x would meet inf
        shifted = [ops.pad(x * y[k], pad_width=(n - 1 - k, k)) for k in range(n)]
        full = functools.reduce(operator.add, shifted)
        return full[n - 1 - before : len(full) - (n - 1 - after)]
    wide = ops.pad(x, pad_width=(before, after)) if mode != "valid" else x
    return ops.matmul(ops.windows(wide, shape=(n,), stride=(1,), dilation=(1,)), y)


@implements(np.convolve)
def convolve(a: Like[A], v: Like[A], mode: str = "full") -> A:
    """Σₙ a[k - n]·v[n] for each k; mode is full, same or valid."""
    x, y = array(a), array(v)
    if not len(x) or not len(y):
        raise ValueError("neither vector may be empty")
    x, y = (y, x) if len(y) > len(x) else (x, y)
    return _correlated(x, flip(y), mode)


def linear(x: Like[A], weight: ArrayLike | None, bias: Like[A] | None = None) -> A:
    """x @ weight + bias, with weight of shape (in, out): PyTorch's is the transpose."""
    if bias is None:
        return ops.matmul(x, weight)
    if np.shape(plain(bias)) != np.shape(plain(weight))[-1:]:
        return ops.matmul(x, weight) + bias
    return ops.affine(x, weight, bias)


__all__ = [
    "convolve", "correlate", "cross", "dot", "inner", "kron", "linear", "matvec",
    "outer", "tensordot", "vdot", "vecdot", "vecmat",
]  # fmt: skip
