"""Sums of products: dot to tensordot, convolve, and the layer function linear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array, implements
from .arrange import flip
from .shape import expand_dims, moveaxis, ravel, reshape


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Σ over the last axis of a and the last but one of b; of vectors one number."""
    a, b = array(a), array(b)
    if not a.ndim or not b.ndim:
        return a * b
    if b.ndim <= 2:
        return ops.matmul(a, b)
    return tensordot(a, b, (-1, -2))


@implements(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """Σ of the products of all elements."""
    return ops.matmul(ravel(a), ravel(b))


@implements(np.vecdot, np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Σ of products along one axis; the others broadcast."""
    return ops.sum(array(x1) * array(x2), axis=axis)


@implements(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Σ over the last axes of both."""
    a, b = array(a), array(b)
    return tensordot(a, b, (-1, -1)) if a.ndim and b.ndim else a * b


@implements(np.outer, np.linalg.outer)
def outer(a: Any, b: Any) -> Any:
    """Every element of a times every element of b, as a matrix."""
    return expand_dims(ravel(a), 1) * ravel(b)


@implements(*[getattr(np, n) for n in ("matvec",) if hasattr(np, n)])
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, both in stacks."""
    return ops.squeeze(ops.matmul(array(x1), expand_dims(x2, -1)), axis=-1)


@implements(*[getattr(np, n) for n in ("vecmat",) if hasattr(np, n)])
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, both in stacks."""
    return ops.squeeze(ops.matmul(expand_dims(x1, -2), array(x2)), axis=-2)


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    """The matrix product, of the last two axes; the others broadcast."""
    return ops.matmul(array(x1), array(x2))


@implements(np.tensordot, np.linalg.tensordot)
def tensordot(a: Any, b: Any, axes: int | Sequence[Any] = 2) -> Any:
    """Σ over the last `axes` axes of a and the first of b, or over two lists of axes."""
    a, b = array(a), array(b)
    if isinstance(axes, int):
        left, right = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        left, right = ((i,) if isinstance(i, (int, np.integer)) else tuple(i) for i in axes)
    left, right = tuple(i % a.ndim for i in left), tuple(i % b.ndim for i in right)
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(f"shape mismatch for sum: {a.shape} along {left}, {b.shape} along {right}")
    free_a = [i for i in range(a.ndim) if i not in left]
    free_b = [i for i in range(b.ndim) if i not in right]
    n = math.prod(a.shape[i] for i in left)
    rows = reshape(
        ops.transpose(a, axes=(*free_a, *left)), (math.prod(a.shape[i] for i in free_a), n)
    )
    columns = reshape(
        ops.transpose(b, axes=(*right, *free_b)), (n, math.prod(b.shape[i] for i in free_b))
    )
    shape = (*(a.shape[i] for i in free_a), *(b.shape[i] for i in free_b))
    return reshape(ops.matmul(rows, columns), shape)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: each element of a replaced by that multiple of b."""
    a, b = array(a), array(b)
    n = max(a.ndim, b.ndim)
    a, b = (reshape(x, (1,) * (n - x.ndim) + x.shape) for x in (a, b))
    y = reshape(a, [k for m in a.shape for k in (m, 1)]) * reshape(
        b, [k for m in b.shape for k in (1, m)]
    )
    return reshape(y, tuple(p * q for p, q in zip(a.shape, b.shape, strict=True)))


@implements(np.cross, np.linalg.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """The vector product of vectors of three components along an axis."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError(f"vectors of {a.shape[-1]} and {b.shape[-1]} components; both need 3")
    (a1, a2), (b1, b2) = ([v[..., [1, 2, 0]], v[..., [2, 0, 1]]] for v in (a, b))
    return moveaxis(a1 * b2 - a2 * b1, -1, axisc)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Σₙ a[n + k]·v[n] for each shift k; mode is valid, same or full."""
    a, v = array(a), array(v)
    if len(a) < len(v):
        return flip(correlate(v, a, mode))
    n = len(v)
    sides = {"valid": (0, 0), "same": (n // 2, n - 1 - n // 2), "full": (n - 1, n - 1)}
    if mode not in sides:
        raise ValueError(f"mode {mode!r}; use 'valid', 'same' or 'full'")
    wide = ops.pad(a, pad_width=sides[mode]) if any(sides[mode]) else a
    return ops.matmul(ops.windows(wide, shape=(n,), stride=(1,), dilation=(1,)), v)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Σₙ a[k - n]·v[n] for each k; mode is full, same or valid."""
    a, v = array(a), array(v)
    if not len(a) or not len(v):
        raise ValueError("neither vector may be empty")
    a, v = (v, a) if len(v) > len(a) else (a, v)
    return correlate(a, flip(v), mode)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight + bias, with weight of shape (in, out): PyTorch's is the transpose."""
    if bias is None:
        return ops.matmul(x, weight)
    if np.shape(plain(bias)) != np.shape(plain(weight))[-1:]:
        return ops.matmul(x, weight) + bias
    return ops.affine(x, weight, bias)


__all__ = [
    "convolve", "correlate", "cross", "dot", "inner", "kron", "linear", "matmul", "matvec",
    "outer", "tensordot", "vdot", "vecdot", "vecmat",
]  # fmt: skip
