"""Determinants and factorisations."""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, overload

import numpy as np

from ...engine import ops, ops_linalg
from ...engine.node import plain
from ...errors import RuleError
from ..implementing import implements
from ..products import matmul
from ..shape import matrix_transpose
from ..types import A, Array, Like
from .matrices import from_lower, matrices, square


class EighResult(NamedTuple, Generic[A]):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: A
    eigenvectors: A


class QRResult(NamedTuple, Generic[A]):
    """Q with orthonormal columns, and R upper triangular."""

    Q: A
    R: A


class SlogdetResult(NamedTuple, Generic[A]):
    """The sign of the determinant (plain, it has no slope), and log |det|."""

    sign: Array
    logabsdet: A


class SVDResult(NamedTuple, Generic[A]):
    """U, the singular values S in descending order, and Vh, so that a = U·diag(S)·Vh."""

    U: A
    S: A
    Vh: A


@implements(np.linalg.det)
def det(a: Like[A]) -> A:
    """The determinant; its gradient is the matrix of cofactors, right for singular a too."""
    return ops_linalg.det(square("det", a))


@implements(np.linalg.slogdet)
def slogdet(a: Like[A]) -> SlogdetResult[A]:
    """(sign, log |det a|), which does not overflow."""
    x = square("slogdet", a)
    return SlogdetResult(np.linalg.slogdet(plain(x))[0], ops_linalg.logabsdet(x))


@implements(np.linalg.cholesky)
def cholesky(a: Like[A], /, *, upper: bool = False) -> A:
    """L with a = L·Lᵀ (or its transpose).

    Only the lower (upper) triangle of a is read, so only it has a gradient; PyTorch and JAX
    spread that over both triangles. For a symmetric gradient pass (a + a.mT) / 2.
    """
    x = square("cholesky", a)
    if upper:
        return matrix_transpose(ops_linalg.cholesky(matrix_transpose(x)))
    return ops_linalg.cholesky(x)


@implements(np.linalg.eigh)
def eigh(a: Like[A], UPLO: str = "L") -> EighResult[A]:  # noqa: N803
    """Eigenvalues and eigenvectors of a symmetric matrix.

    Only the triangle UPLO is read, so only it has a gradient (see cholesky). Eigenvectors of
    equal eigenvalues have no slope: their part of the gradient is 0.
    """
    y = ops_linalg.eigh(square("eigh", a), UPLO=UPLO)
    return EighResult(y[..., 0, :], y[..., 1:, :])


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Like[A], UPLO: str = "L") -> A:  # noqa: N803
    """The eigenvalues of a symmetric matrix in ascending order."""
    return eigh(a, UPLO).eigenvalues


@overload
def svd(
    a: Like[A],
    full_matrices: bool = True,
    compute_uv: Literal[True] = True,
    hermitian: bool = False,
) -> SVDResult[A]: ...
@overload
def svd(
    a: Like[A], full_matrices: bool = True, *, compute_uv: Literal[False], hermitian: bool = False
) -> A: ...
@implements(np.linalg.svd)
def svd(
    a: Like[A], full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> SVDResult[A] | A:
    """(U, S, Vh) with a = U·diag(S)·Vh, or S alone.

    For a that is not square write full_matrices=False: the columns that True adds are any basis.
    """
    x = matrices("svd", from_lower(a) if hermitian else a)
    m, n = x.shape[-2:]
    if compute_uv and full_matrices and m != n:
        raise RuleError(
            f"linalg.svd: full_matrices=True has no derivative for shape {x.shape}; write "
            "full_matrices=False"
        )
    y = ops_linalg.svd(x)
    s = y[..., 0, :]
    return (
        SVDResult(y[..., 1 : m + 1, :], s, matrix_transpose(y[..., m + 1 :, :]))
        if compute_uv
        else s
    )


@implements(np.linalg.svdvals)
def svdvals(x: Like[A], /) -> A:
    """The singular values in descending order."""
    return svd(x, compute_uv=False)


@overload
def qr(a: Like[A], mode: Literal["reduced", "complete"] = "reduced") -> QRResult[A]: ...
@overload
def qr(a: Like[A], mode: Literal["r"]) -> A: ...
@implements(np.linalg.qr)
def qr(a: Like[A], mode: str = "reduced") -> QRResult[A] | A:
    """(Q, R) with a = Q·R, or R alone for mode "r"."""
    x = matrices("qr", a)
    m, n = x.shape[-2:]
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and m > n):
        raise RuleError(
            f"linalg.qr: mode={mode!r} has no derivative for shape {x.shape}; use 'reduced'"
        )
    k = m if m < n else n
    y = ops_linalg.qr(x[..., :k])
    q, r = y[..., :m, :], matrix_transpose(y[..., m:, :])
    if n > k:
        r = ops.concatenate(r, matmul(matrix_transpose(q), x[..., k:]), axis=-1)
    return r if mode == "r" else QRResult(q, r)


__all__ = [
    "EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "det", "eigh",
    "eigvalsh", "qr", "slogdet", "svd", "svdvals",
]  # fmt: skip
