"""THE TABLE, second page: matrices. Like ops.py, it holds derivatives and nothing else.

All work on stacks of matrices, the last two axes. An op has one output, so a factorisation returns
its factors in one array, and functions/linalg takes it apart. Formulas: Giles, "Collected matrix
derivative results for forward and reverse mode AD" (2008); of the SVD: Townsend, "Differentiating
the singular value decomposition" (2016); of pinv: Golub and Pereyra (1973).

    g  cotangent of the output      y  output      a, b  inputs      T  transposes the last two axes
"""

from typing import Any

import numpy as np

from . import kernels
from .numbers import eq
from .ops import div, expand_dims, getitem, mul, sum, swapaxes, where
from .rules import custom

# ruff: noqa: E501, N802, N803, N806
# fmt: off


def T(a: Any) -> Any:
    """The matrices transposed."""
    return swapaxes(a, axis1=-1, axis2=-2)


inv         = custom("inv",   np.linalg.inv,   lambda g, y, a: -(T(y) @ g @ T(y)))
pinv        = custom("pinv",  kernels.pinv,    lambda g, y, a, rcond=None: _pinv_slope(g, y, a))
# b holds columns; a vector is a matrix of one column by then.
solve       = custom("solve", np.linalg.solve, lambda g, y, a, b: -(solve(T(a), g) @ T(y)),
                                               lambda g, y, a, b: solve(T(a), g))
det         = custom("det",   np.linalg.det,   lambda g, y, a: _scaled(g, cofactor(a)))
cofactor    = custom("cofactor", kernels.cofactor, lambda g, y, a: _cofactor_slope(g, y, a))
logabsdet   = custom("logabsdet", kernels.logabsdet, lambda g, y, a: _scaled(g, T(inv(a))))
# Of a symmetric matrix only one triangle is read, and only that one has a gradient.
cholesky    = custom("cholesky", np.linalg.cholesky, lambda g, y, a: _triangle(_cholesky_slope(g, y)))
eigh        = custom("eigh", kernels.eigh,     lambda g, y, a, UPLO="L": _triangle(_eigh_slope(g, y), UPLO))  # rows: w, then v
svd         = custom("svd",  kernels.svd,      lambda g, y, a: _svd_slope(g, y, a))             # rows: s, u, then vh.T
qr          = custom("qr",   kernels.qr,       lambda g, y, a: _qr_slope(g, y, a))              # rows: q, then r.T

# fmt: on
# ---- parts of rules -----------------------------------------------------------------------------


def _scaled(g: Any, m: Any) -> Any:
    return mul(expand_dims(g, axis=(-2, -1)), m)


def _rows(x: Any, start: int | None, stop: int | None) -> Any:
    return getitem(x, index=(..., slice(start, stop), slice(None)))


def _row(x: Any, i: int) -> Any:
    return getitem(x, index=(..., i, slice(None)))


def _gaps(w: Any) -> Any:
    """1 / (w[j] - w[i]), and 0 where equal: there the vectors turn freely and have no slope."""
    gap = expand_dims(w, axis=-2) - expand_dims(w, axis=-1)
    same = eq(gap, 0)
    return where(same, 0, div(1, where(same, 1, gap)))


def _inverse(s: Any) -> Any:
    return where(eq(s, 0), 0, div(1, where(eq(s, 0), 1, s)))


def _pinv_slope(g: Any, p: Any, a: Any) -> Any:
    pt, gt = T(p), T(g)
    rest = gt @ p @ pt
    rest = rest - a @ (p @ rest)
    other = pt @ p @ gt
    return rest + (other - other @ p @ a) - pt @ g @ pt


def _cofactor_slope(g: Any, c: Any, a: Any) -> Any:
    """Of c = det(a)·inv(a)ᵀ, for invertible a: dc = (⟨c, da⟩ c - c daᵀ c) / det(a)."""
    inner = sum(g * c, axis=(-2, -1), keepdims=True)
    return div(inner * c - c @ T(g) @ c, expand_dims(det(a), axis=(-2, -1)))


def _triangle(s: Any, UPLO: str = "L") -> Any:
    """Twice the strict triangle that was read, and the diagonal, of the symmetric slope s."""
    ones = np.ones(s.shape[-2:], s.dtype)
    strict = np.tril(ones, -1) if UPLO == "L" else np.triu(ones, 1)
    return s * (2 * strict + np.eye(s.shape[-1], dtype=s.dtype))


def _half_lower(a: Any) -> Any:
    """The lower triangle with half the diagonal: its sum with its transpose is a's lower part."""
    n = a.shape[-1]
    return a * (np.tril(np.ones((n, n), a.dtype)) - np.eye(n, dtype=a.dtype) / 2)


def _cholesky_slope(g: Any, y: Any) -> Any:
    lt = T(y)
    s = solve(lt, T(solve(lt, T(_half_lower(lt @ g)))))
    return (s + T(s)) / 2


def _eigh_slope(g: Any, y: Any) -> Any:
    w, v, gw, gv = _row(y, 0), _rows(y, 1, None), _row(g, 0), _rows(g, 1, None)
    vt, n = T(v), y.shape[-1]
    inner = np.eye(n, dtype=y.dtype) * expand_dims(gw, axis=-2) + _gaps(w) * (vt @ gv)
    out = v @ inner @ vt
    return (out + T(out)) / 2


def _svd_slope(g: Any, y: Any, a: Any) -> Any:
    m, k = a.shape[-2], y.shape[-1]
    s, u, v = _row(y, 0), _rows(y, 1, m + 1), _rows(y, m + 1, None)
    gs, gu, gv = _row(g, 0), _rows(g, 1, m + 1), _rows(g, m + 1, None)
    gaps, row, column = _gaps(s * s), expand_dims(s, axis=-2), expand_dims(s, axis=-1)
    ut, vt = T(u), T(v)
    pu, pv = ut @ gu, vt @ gv
    core = np.eye(k, dtype=y.dtype) * expand_dims(gs, axis=-2)
    core = core + gaps * (pu - T(pu)) * row + column * gaps * (pv - T(pv))
    out = u @ core @ vt
    if m > k:
        out = out + ((gu - u @ pu) * _inverse(row)) @ vt
    if a.shape[-1] > k:
        out = out + (u * _inverse(row)) @ T(gv - v @ pv)
    return out


def _qr_slope(g: Any, y: Any, a: Any) -> Any:
    m, n = a.shape[-2:]
    q, r, gq, gr = _rows(y, 0, m), T(_rows(y, m, None)), _rows(g, 0, m), T(_rows(g, m, None))
    x = gr @ T(r) - T(q) @ gq
    upper = T(_half_lower(T(x)))
    return T(solve(r, T(gq + q @ (upper + T(upper)))))


__all__ = [
    "T",
    "cholesky",
    "cofactor",
    "det",
    "eigh",
    "inv",
    "logabsdet",
    "pinv",
    "qr",
    "solve",
    "svd",
]
