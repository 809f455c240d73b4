"""np.linalg on tensors: the same names, arguments and results, in stacks of matrices.

Refused by name: eig and eigvals (their results are complex in general; see eigh), and the columns
that full_matrices=True and mode="complete" add, which are not functions of the input.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..engine import ops, ops_linalg
from ..engine.errors import RuleError, ShapeError
from ..engine.node import plain
from ..engine.protocol import array, implements
from .choose import where
from .products import cross, dot, matmul, outer, tensordot, vecdot
from .reduce import max, min, sum
from .shape import diagonal, expand_dims, matrix_transpose, moveaxis, reshape, trace, tril

Axis = int | tuple[int, ...] | None


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class QRResult(NamedTuple):
    """Q with orthonormal columns, and R upper triangular."""

    Q: Any
    R: Any


class SlogdetResult(NamedTuple):
    """The sign of the determinant (plain, it has no slope), and log |det|."""

    sign: Any
    logabsdet: Any


class SVDResult(NamedTuple):
    """U, the singular values S in descending order, and Vh, so that a = U·diag(S)·Vh."""

    U: Any
    S: Any
    Vh: Any


def _square(name: str, a: Any) -> Any:
    a = array(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"linalg.{name}: got shape {a.shape}, need square matrices (…, n, n)")
    return a


def _from_lower(a: Any) -> Any:
    """The symmetric matrix whose lower triangle is a's: what hermitian=True reads."""
    return tril(a) + matrix_transpose(tril(a, -1))


# ---- inverses -----------------------------------------------------------------------------------


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """The inverse. Raises LinAlgError if a is singular."""
    return ops_linalg.inv(_square("inv", a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """The pseudo-inverse; singular values below rcond times the largest count as 0."""
    if hermitian:
        a = _from_lower(a)
    cut = rcond if rtol is None else rtol
    return ops_linalg.pinv(array(a), rcond=None if cut is None else plain(cut))


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """x in a·x = b, for one right side (n,) or a matrix of columns (…, n, k)."""
    a, b = _square("solve", a), array(b)
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
    a = _square("matrix_power", a)
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


# ---- determinants -------------------------------------------------------------------------------


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """The determinant; its gradient is the matrix of cofactors, right for singular a too."""
    return ops_linalg.det(_square("det", a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> SlogdetResult:
    """(sign, log |det a|), which does not overflow."""
    a = _square("slogdet", a)
    return SlogdetResult(np.linalg.slogdet(plain(a))[0], ops_linalg.logabsdet(a))


# ---- factorisations -----------------------------------------------------------------------------


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """L with a = L·Lᵀ (or its transpose).

    Only the lower (upper) triangle of a is read, so only it has a gradient; PyTorch and JAX
    spread that over both triangles. For a symmetric gradient pass (a + a.mT) / 2.
    """
    a = _square("cholesky", a)
    if upper:
        return matrix_transpose(ops_linalg.cholesky(matrix_transpose(a)))
    return ops_linalg.cholesky(a)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:  # noqa: N803
    """Eigenvalues and eigenvectors of a symmetric matrix.

    Only the triangle UPLO is read, so only it has a gradient (see cholesky). Eigenvectors of
    equal eigenvalues have no slope: their part of the gradient is 0.
    """
    y = ops_linalg.eigh(_square("eigh", a), UPLO=UPLO)
    return EighResult(y[..., 0, :], y[..., 1:, :])


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803
    """The eigenvalues of a symmetric matrix in ascending order."""
    return eigh(a, UPLO).eigenvalues


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """(U, S, Vh) with a = U·diag(S)·Vh, or S alone.

    For a that is not square write full_matrices=False: the columns that True adds are any basis.
    """
    a = array(a)
    if hermitian:
        a = _from_lower(a)
    m, n = a.shape[-2:]
    if compute_uv and full_matrices and m != n:
        raise RuleError(
            f"linalg.svd: full_matrices=True has no derivative for shape {a.shape}; write "
            "full_matrices=False"
        )
    y = ops_linalg.svd(a)
    s = y[..., 0, :]
    return (
        SVDResult(y[..., 1 : m + 1, :], s, matrix_transpose(y[..., m + 1 :, :]))
        if compute_uv
        else s
    )


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """The singular values in descending order."""
    return svd(x, compute_uv=False)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """(Q, R) with a = Q·R, or R alone for mode "r"."""
    a = array(a)
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r", "complete") or (mode == "complete" and m > n):
        raise RuleError(
            f"linalg.qr: mode={mode!r} has no derivative for shape {a.shape}; use 'reduced'"
        )
    k = m if m < n else n
    y = ops_linalg.qr(a[..., :k])
    q, r = y[..., :m, :], matrix_transpose(y[..., m:, :])
    if n > k:
        r = ops.concatenate(r, matmul(matrix_transpose(q), a[..., k:]), axis=-1)
    return r if mode == "r" else QRResult(q, r)


# ---- norms --------------------------------------------------------------------------------------


def _vector_norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
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
        raise ValueError(f"norm order {ord!r} is for matrices")
    # At the origin there is no slope: 0, as for order 2.
    zero = np.all(plain(x) == 0, axis, keepdims=True)
    total = sum(ops.pow(where(zero, 1.0, size), ord), axis, keepdims=True)
    y = where(zero, 0.0, ops.pow(total, 1 / ord))
    return y if keepdims else ops.squeeze(y, axis=axis)


def _matrix_norm(x: Any, ord: Any, axis: tuple[int, int], keepdims: bool) -> Any:
    row, column = (i % x.ndim for i in axis)
    if row == column:
        raise ValueError("duplicate axes given")
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
        raise ValueError(f"norm order {ord!r}; use None, 'fro', 'nuc', ±1, ±2 or ±inf")
    return y if keepdims else ops.squeeze(y, axis=(row, column))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """The norm of vectors (any order) or matrices (fro, nuc, ±1, ±2, ±inf).

    At the origin, where there is no slope, the gradient is 0, as in PyTorch.
    """
    x = array(x)
    if axis is None and (
        ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1)
    ):
        y = ops.norm(x, axis=None, keepdims=False)
        return reshape(y, (1,) * x.ndim) if keepdims else y
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"{len(axes)} axes; a norm is over one (vectors) or two (matrices)")
    return _matrix_norm(x, ord, axes, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of the elements along axis (all by default) as one vector."""
    return _vector_norm(array(x), ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    return _matrix_norm(array(x), ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """The condition number: largest over smallest singular value, or ‖x‖·‖x⁻¹‖ in another norm."""
    x = array(x)
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(x, ord=p) * matrix_norm(inv(x), ord=p)


__all__ = [
    "EighResult", "QRResult", "SVDResult", "SlogdetResult", "cholesky", "cond", "cross", "det",
    "diagonal", "eigh", "eigvalsh", "inv", "lstsq", "matmul", "matrix_norm", "matrix_power",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve", "svd",
    "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace", "vecdot", "vector_norm",
]  # fmt: skip
