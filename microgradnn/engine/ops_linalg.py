"""THE TABLE, second page: matrices. Like ops.py, it holds derivatives and nothing else.

All work on stacks of matrices, the last two axes. An op has one output, so a factorisation returns
its factors in one array, and functions/linalg takes it apart. Formulas: Giles, "Collected matrix
derivative results for forward and reverse mode AD" (2008); of the SVD: Townsend, "Differentiating
the singular value decomposition" (2016); of pinv: Golub and Pereyra (1973).

    g  cotangent of the output      y  output      a, b  inputs      T  transposes the last two axes
"""

from typing import Any

import numpy as np

from ..errors import GradientError
from ..numerics import kernels
from .node import plain
from .op import Carrier
from .ops import div, expand_dims, getitem, mul, swapaxes, where
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
cofactor    = custom("cofactor", kernels.cofactor, lambda g, y, a: cofactor_change(a, g))
cofactor_change = custom("cofactor_change", kernels.cofactor_change,
                                               lambda g, y, a, e: _change_along(g, a, e),
                                               lambda g, y, a, e: cofactor_change(a, g))
logabsdet   = custom("logabsdet", kernels.logabsdet, lambda g, y, a: _scaled(g, T(inv(a))))
# Of a symmetric matrix only one triangle is read, and only that one has a gradient.
cholesky    = custom("cholesky", np.linalg.cholesky, lambda g, y, a: _triangle(_cholesky_slope(g, y)))
# Rows of eigh: w, then v; of svd: s, u, then vh.T; of qr: q, then r.T.
eigh        = custom("eigh", kernels.eigh,     lambda g, y, a, UPLO="L": _triangle(_eigh_slope(g, y), UPLO))
svd         = custom("svd",  kernels.svd,      lambda g, y, a: _svd_slope(g, y, a))
qr          = custom("qr",   kernels.qr,       lambda g, y, a: _qr_slope(g, y, a))

# fmt: on
# ---- parts of rules -----------------------------------------------------------------------------


def _scaled(g: Any, m: Any) -> Any:
    return mul(expand_dims(g, axis=(-2, -1)), m)


def _rows(x: Any, start: int | None, stop: int | None) -> Any:
    return getitem(x, index=(..., slice(start, stop), slice(None)))


def _row(x: Any, i: int) -> Any:
    return getitem(x, index=(..., i, slice(None)))


def _turned(name: str, what: str, gap: Any, w: Any, asked: Any) -> Any:
    """asked / gap, where gap is w[j] - w[i]; 0 where they are equal and nothing is asked.

    The vectors of equal values turn freely. Raises GradientError where a gradient asks how they do:
    a function of the matrix may be smooth there, but its slope cannot be had from its vectors.
    """
    values, asks, n = plain(w), np.abs(plain(asked)), w.shape[-1]
    unit = n * np.finfo(values.dtype).eps
    same = np.abs(plain(gap)) <= unit * np.max(np.abs(values), axis=-1, initial=0)[..., None, None]
    noise = 8 * unit * np.max(asks, axis=(-2, -1), initial=0, keepdims=True)
    free = same & ~np.eye(n, dtype=bool)
    lost = _lost(free, asks > noise, w)
    if lost.any():
        i, j = np.argwhere(lost)[0][-2:]
        raise GradientError(
            f"{name}: {what} {i} and {j} are equal, and the gradient asks how their vectors turn, "
            "which no matrix nearby agrees on; differentiate the function of the matrix another "
            "way, or move the matrix a little"
        )
    return asked * where(same, _unknown(free, w, asked), div(1, where(same, 1, gap)))


def _inverse(s: Any, asked: Any) -> Any:
    """1 / s as a row, by which `asked` is multiplied; 0 where s is 0 and nothing is asked."""
    values, asks = plain(s), np.max(np.abs(plain(asked)), axis=-2, initial=0)
    unit = asked.shape[-2] * np.finfo(values.dtype).eps
    zero = values <= unit * np.max(values, axis=-1, initial=0, keepdims=True)
    noise = 8 * unit * np.max(asks, axis=-1, initial=0, keepdims=True)
    if _lost(zero, asks > noise, s).any():
        raise GradientError(
            "svd: a singular value is 0, and the gradient asks how its vectors turn, which no "
            "matrix nearby agrees on; move the matrix a little"
        )
    inverse = where(zero, _unknown(zero, s, asked), div(1, where(zero, 1, s)))
    return expand_dims(inverse, axis=-2)


def _lost(free: Any, asks: Any, w: Any) -> Any:
    """Where a slope is asked for that does not exist; a graph of the rule may be asked anything."""
    return free if isinstance(w, Carrier) else free & asks


def _unknown(free: Any, w: Any, asked: Any) -> Any:
    """0; nan where `free` in forward mode, which transposes the rule: what is asked comes later."""
    forward = isinstance(asked, Carrier) and not isinstance(w, Carrier)
    return np.where(free & forward, np.nan, 0).astype(plain(w).dtype)


def _pinv_slope(g: Any, p: Any, a: Any) -> Any:
    pt, gt = T(p), T(g)
    rest = gt @ p @ pt
    rest = rest - a @ (p @ rest)
    other = pt @ p @ gt
    return rest + (other - other @ p @ a) - pt @ g @ pt


def _change_along(d: Any, a: Any, e: Any) -> Any:
    """The slope of cofactor_change(a + t·d, e) by t, at t = 0.

    It is a polynomial in t of degree n - 2, so that interpolation between n - 1 places is exact:
    the places are those of Chebyshev, the weights the slopes of Lagrange's polynomials.
    """
    n = a.shape[-1]
    t = np.cos(np.pi * (np.arange(n - 1) + 0.5) / max(n - 1, 1))
    size = _size(a) / np.where(_size(d) == 0, 1, _size(d))
    step = np.where(size == 0, 1, size)
    total = d * 0
    for k, here in enumerate(t):
        others = np.delete(t, k)
        slope = np.sum([np.prod(-np.delete(others, i)) for i in range(n - 2)])
        weight = slope / np.prod(here - others)
        total = total + cofactor_change(a + d * (here * step), e) * (weight / step)
    return total


def _size(a: Any) -> Any:
    """The largest number of each matrix, a constant."""
    return np.max(np.abs(plain(a)), axis=(-2, -1), keepdims=True)


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
    gap = expand_dims(w, axis=-2) - expand_dims(w, axis=-1)
    inner = np.eye(n, dtype=y.dtype) * expand_dims(gw, axis=-2)
    inner = inner + _turned("eigh", "eigenvalues", gap, w, vt @ gv)
    out = v @ inner @ vt
    return (out + T(out)) / 2


def _svd_slope(g: Any, y: Any, a: Any) -> Any:
    """Townsend's, with s in the place of s²: u·vᵀ, for one, is smooth where values are equal."""
    m, k = a.shape[-2], y.shape[-1]
    s, u, v = _row(y, 0), _rows(y, 1, m + 1), _rows(y, m + 1, None)
    gs, gu, gv = _row(g, 0), _rows(g, 1, m + 1), _rows(g, m + 1, None)
    row, column = expand_dims(s, axis=-2), expand_dims(s, axis=-1)
    ut, vt = T(u), T(v)
    pu, pv = ut @ gu, vt @ gv
    apart, together = pu - T(pu) - pv + T(pv), pu - T(pu) + pv - T(pv)
    core = _turned("svd", "singular values", row - column, s, together)
    core = core + _turned("svd", "singular values", row + column, s, apart)
    out = u @ (np.eye(k, dtype=y.dtype) * expand_dims(gs, axis=-2) + core / 2) @ vt
    if m > k:
        rest = gu - u @ pu
        out = out + (rest * _inverse(s, rest)) @ vt
    if a.shape[-1] > k:
        rest = gv - v @ pv
        out = out + u @ T(rest * _inverse(s, rest))
    return out


def _qr_slope(g: Any, y: Any, a: Any) -> Any:
    m, n = a.shape[-2:]
    q, r, gq, gr = _rows(y, 0, m), T(_rows(y, m, None)), _rows(g, 0, m), T(_rows(g, m, None))
    x = gr @ T(r) - T(q) @ gq
    upper = T(_half_lower(T(x)))
    return T(solve(r, T(gq + q @ (upper + T(upper)))))
