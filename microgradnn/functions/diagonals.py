"""Diagonals and triangles of matrices."""

from __future__ import annotations

import numpy as np

from ..engine import ops
from ..engine.protocol import array
from .implementing import implements
from .shape import astype, ravel
from .types import A, DType, Like


@implements(np.tril)
def tril(m: Like[A], k: int = 0) -> A:
    """The lower triangle, zeros above the k-th diagonal."""
    return ops.tril(array(m), k=k)


@implements(np.triu)
def triu(m: Like[A], k: int = 0) -> A:
    """The upper triangle, zeros below the k-th diagonal."""
    return ops.triu(array(m), k=k)


@implements(np.diag)
def diag(v: Like[A], k: int = 0) -> A:
    """The k-th diagonal of a matrix, or the matrix with that diagonal."""
    return ops.diag(array(v), k=k)


@implements(np.diagflat)
def diagflat(v: Like[A], k: int = 0) -> A:
    """The matrix whose k-th diagonal holds all elements of v."""
    return ops.diag(ravel(v), k=k)


@implements(np.diagonal)
def diagonal(a: Like[A], offset: int = 0, axis1: int = 0, axis2: int = 1) -> A:
    """The diagonal over two axes, placed last."""
    return ops.diagonal(array(a), offset=offset, axis1=axis1, axis2=axis2)


@implements(np.trace)
def trace(a: Like[A], offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: DType = None) -> A:
    """The sum of the diagonal over two axes."""
    y = ops.sum(diagonal(a, offset, axis1, axis2), axis=-1)
    return y if dtype is None else astype(y, dtype)


__all__ = [
    "diag", "diagflat", "diagonal", "trace", "tril", "triu",
]  # fmt: skip
