"""Plain NumPy code on Tensors: every function that protocol.py answers, called as NumPy allows.

Each line of CALLS is a program written with `import numpy as np` alone. Its value on Tensors must
be NumPy's, and its derivatives of both modes and orders must be the numerical ones. A test asserts
that no function is left out, so a new one is tested by having a line here.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import microgradnn as mg
from microgradnn.engine import protocol
from microgradnn.engine.node import plain
from microgradnn.errors import GradientError, RuleError
from microgradnn.transforms import tree

from ..strategies import seeds, signed

Call = tuple[str, Any, tuple[Any, ...]]
MASK = np.array([[True, False, True], [True, True, False]])
M, V, T3, SQ = (2, 3), (4,), (2, 3, 4), ("square", 3)
POS, SPD, APART = ("positive", (2, 3)), ("spd", 3), ("apart", (3, 4))

# fmt: off
# ruff: noqa: E501
PROGRAMS: list[tuple[Any, ...]] = [
    # ---- made of nodes
    (lambda a: np.array([[1.0] * 3, a[0]], like=a), M), (lambda a: np.asarray(a, like=a) * 2, M),
    # ---- reductions
    (lambda a: np.sum(a), M), (lambda a: np.sum(a, 0), M), (lambda a: np.sum(a, axis=(0, -1), keepdims=True), T3),
    (lambda a: np.sum(a, where=MASK, initial=2.0), M), (lambda a: np.sum(a, 1, float), M), (lambda a: np.add.reduce(a, 1), M),
    (lambda a: np.mean(a, axis=-1), M), (lambda a: np.mean(a, where=MASK, axis=1, keepdims=True), M),
    (lambda a: np.prod(a, axis=1), M), (lambda a: np.prod(a, where=MASK, initial=3.0), M), (lambda a: np.multiply.reduce(a), M),
    (lambda a: np.max(a, axis=0), APART), (lambda a: np.amax(a), APART), (lambda a: np.max(a, axis=1, initial=0.5), APART),
    (lambda a: np.min(a, axis=(0, 1), keepdims=True), APART), (lambda a: np.amin(a, 1), APART), (lambda a: np.maximum.reduce(a, 1), APART),
    (lambda a: np.min(a, initial=9.0, where=MASK), ("apart", M)), (lambda a: np.ptp(a, axis=1), APART),
    (lambda a: np.logaddexp.reduce(a, 1), M), (lambda a: np.fmax.reduce(a, 0), APART), (lambda a: np.minimum.reduce(a), APART),
    (lambda a: np.var(a), M), (lambda a: np.var(a, axis=0, ddof=1, keepdims=True), M), (lambda a: np.var(a, 1, correction=0.5), M),
    (lambda a: np.std(a, axis=1), M), (lambda a: np.std(a, ddof=1), M), (lambda a: np.var(a, where=MASK), M),
    (lambda a: np.std(a, axis=1, where=np.array([[True, True, False]] * 2)), M),
    (lambda a: np.average(a, axis=0), M), (lambda a, w: np.average(a, 1, w), M, ("positive", (3,))), (lambda a, w: np.average(a, None, w, True), M, POS),
    (lambda a: np.median(a, axis=1), APART), (lambda a: np.median(a), APART), (lambda a: np.median(a, (0, 1), keepdims=True), APART),
    (lambda a: np.quantile(a, 0.3, axis=0), APART), (lambda a: np.quantile(a, [0.1, 0.9], axis=1, keepdims=True), APART),
    (lambda a: np.percentile(a, [[25, 75]], axis=0), APART), (lambda a: np.percentile(a, 40, method="median_unbiased"), APART),
    (lambda a: np.quantile(a, 0.4, 1, method="lower"), APART), (lambda a: np.quantile(a, 0.4, method="midpoint"), APART),
    (lambda a: np.nansum(a, 0), ("nan", M)), (lambda a: np.nanprod(a), ("nan", M)), (lambda a: np.nanmean(a, 1, keepdims=True), ("nan", M)),
    (lambda a: np.nanvar(a, 0), ("nan", (3, 4))), (lambda a: np.nanstd(a, ddof=1), ("nan", (3, 4))), (lambda a: np.nanmax(a, 1), ("nan", (3, 4))),
    (lambda a: np.nanmin(a), ("nan", (3, 4))), (lambda a: np.nanmedian(a, 1), ("nan", (3, 4))), (lambda a: np.nanquantile(a, [0.3, 0.6], 0), ("nan", (3, 4))),
    (lambda a: np.nanpercentile(a, 30), ("nan", (3, 4))), (lambda a: np.nancumsum(a, 1), ("nan", M)), (lambda a: np.nancumprod(a), ("nan", M)),
    (lambda a: np.cumsum(a), M), (lambda a: np.cumsum(a, -1), M), (lambda a: np.add.accumulate(a, 1), M), (lambda a: np.cumprod(a, axis=0), (3, 2)),
    (lambda a: np.multiply.accumulate(a), V), (lambda a: np.maximum.accumulate(a, 1), APART), (lambda a: np.minimum.accumulate(a), APART),
    (lambda a: np.trace(a), SQ), (lambda a: np.trace(a, 1, 0, 2), (3, 2, 3)), (lambda a: np.linalg.trace(a, offset=1), (2, 3, 3)),
    # ---- shape
    (lambda a: np.reshape(a, (3, 2)), M), (lambda a: np.reshape(a, -1, order="F"), M), (lambda a: a.reshape(3, -1), M), (lambda a: np.ravel(a, "F"), M),
    (lambda a: np.transpose(a), M), (lambda a: np.transpose(a, (2, 0, 1)), T3), (lambda a: np.permute_dims(a, (1, 0)), M), (lambda a: a.T + a.T, M),
    (lambda a: np.matrix_transpose(a), T3), (lambda a: np.linalg.matrix_transpose(a), T3), (lambda a: np.moveaxis(a, 0, -1), T3), (lambda a: np.moveaxis(a, (0, 1), (-1, -2)), T3),
    (lambda a: np.rollaxis(a, 2), T3), (lambda a: np.rollaxis(a, 0, 3), T3), (lambda a: np.swapaxes(a, 0, 2), T3), (lambda a: np.squeeze(a), (1, 3, 1)), (lambda a: np.squeeze(a, axis=0), (1, 3, 1)),
    (lambda a: np.expand_dims(a, (0, 2)), M), (lambda a: np.broadcast_to(a, (2, 2, 3)), M), (lambda a, b: np.broadcast_arrays(a, b), (3, 1), (1, 2)),
    (lambda a: np.tile(a, (2, 2)), M), (lambda a: np.tile(a, 3), V), (lambda a: np.repeat(a, 2), M), (lambda a: np.repeat(a, [1, 0, 2], axis=1), M), (lambda a: np.resize(a, (2, 4)), M),
    (lambda a: np.roll(a, 1), M), (lambda a: np.roll(a, (1, -1), (0, 1)), M), (lambda a: np.rot90(a, 3), M), (lambda a: np.flip(a), M), (lambda a: np.flip(a, 1), M), (lambda a: np.fliplr(a), M), (lambda a: np.flipud(a), M),
    (lambda a: np.fft.fftshift(a), (5,)), (lambda a: np.fft.ifftshift(a, 1), M), (lambda a: np.lib.stride_tricks.sliding_window_view(a, (2, 2)), (3, 4)), (lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, axis=0), M),
    (lambda a: np.pad(a, 1), M), (lambda a: np.pad(a, ((1, 0), (0, 2)), mode="constant", constant_values=2.5), M), (lambda a: np.pad(a, 1, "reflect"), M), (lambda a: np.pad(a, 2, "wrap"), M), (lambda a: np.pad(a, 1, "edge"), M), (lambda a: np.pad(a, 1, "symmetric"), M),
    (lambda a, b: np.concatenate([a, b]), M, (1, 3)), (lambda a, b: np.concatenate((a, b, np.ones((2, 1))), axis=1), M, (2, 2)), (lambda a: np.concatenate([a, a], axis=None), M), (lambda a, b: np.concat([a, b], axis=-1), M, M),
    (lambda a, b: np.stack([a, b], 1), M, M), (lambda a, b: np.vstack([a, b]), (3,), M), (lambda a, b: np.hstack([a, b]), (3,), (2,)), (lambda a, b: np.hstack([a, b]), M, (2, 1)), (lambda a, b: np.dstack([a, b]), M, M), (lambda a, b: np.column_stack([a, b]), (3,), (3, 2)),
    (lambda a, b: np.append(a, b), M, V), (lambda a, b: np.append(a, b, axis=0), M, (1, 3)), (lambda a, b: np.block([[a, np.zeros((2, 1))], [b]]), M, (1, 4)), (lambda a: np.block([a, a]), V),
    (lambda a: np.split(a, 2, axis=1), (3, 4)), (lambda a: np.split(a, [1, 2]), (3, 4)), (lambda a: np.array_split(a, 3), V), (lambda a: np.vsplit(a, 2), V + (2,)), (lambda a: np.hsplit(a, 2), (2, 4)), (lambda a: np.dsplit(a, 2), (2, 2, 4)), (lambda a: np.unstack(a, axis=1), M),
    (lambda a: np.diag(a), V), (lambda a: np.diag(a, 1), (3, 4)), (lambda a: np.diagflat(a, -1), M), (lambda a: np.diagonal(a, 1), (3, 4)), (lambda a: np.linalg.diagonal(a), (2, 3, 3)), (lambda a: np.tril(a), (3, 3)), (lambda a: np.triu(a, 1), (2, 3, 3)),
    (lambda a: np.atleast_1d(a), ()), (lambda a: np.atleast_2d(a), (3,)), (lambda a: np.atleast_3d(a), M), (lambda a, b: np.atleast_2d(a, b), (), M), (lambda a, b: np.meshgrid(a, b), (2,), (3,)), (lambda a, b: np.meshgrid(a, b, indexing="ij", sparse=True), (2,), (3,)),
    (lambda a: np.delete(a, 1, axis=1), M), (lambda a: np.delete(a, [0, 2]), M), (lambda a, b: np.insert(a, 1, b, axis=1), M, (2,)), (lambda a, b: np.insert(a, [0, 2], b), V, (2,)), (lambda a: np.insert(a, 1, 9.0), V), (lambda a: np.trim_zeros(a * np.array([0.0, 1, 1, 0])), V),
    (lambda a: np.copy(a), M), (lambda a: np.astype(a, np.float64), M), (lambda a: a.flatten() + a.copy().ravel(), M),
    # ---- selection
    (lambda a, b: np.where(MASK, a, b), M, M), (lambda a: np.where(a > 0, a, 0.0), M), (lambda a: np.select([a > 1, a > 0], [a * 2, a * a], default=0.5), M), (lambda a, b: np.choose(np.array([0, 1, 0]), [a, b]), (3,), (3,)), (lambda a: np.choose([2, -1], list(a), mode="clip"), (3, 2)),
    (lambda a: np.clip(a, -1, 1), M), (lambda a, b: np.clip(a, b, None), M, (3,)), (lambda a: a.clip(max=0.5), M), (lambda a: np.take(a, [0, 4, 4]), M), (lambda a: np.take(a, [[1], [-1]], axis=1), M), (lambda a: np.take(a, 7, mode="wrap"), M),
    (lambda a: np.take_along_axis(a, np.array([[2, 0], [1, 1]]), 1), M), (lambda a: np.compress([True, False, True], a, axis=1), M), (lambda a: np.extract(MASK, a), M), (lambda a: np.piecewise(a, [a < 0, a >= 0], [lambda v: -v * v, lambda v: v**3]), V), (lambda a: np.piecewise(a, [a > 9], [1.0, lambda v: v * 2]), V),
    (lambda a: a[0] + a[1, ::-1], M), (lambda a: a[..., None, 1], M), (lambda a: a[[0, 1, 1], [2, 0, 0]], M), (lambda a: a[MASK], M), (lambda a: a[np.array([1, 0])][:, 1:], M), (lambda a: np.sort(a, axis=0), APART), (lambda a: np.sort(a, axis=None), APART), (lambda a: np.partition(a, 2, axis=1), APART),
    (lambda a: np.sort(a)[..., np.argsort(a[0])], APART), (lambda a, b: np.full_like(b, a), (), M), (lambda a, b: np.linspace(a, b, 5), (2,), (2,)), (lambda a: np.linspace(0.0, a, 4, endpoint=False, axis=-1), (2,)), (lambda a: np.apply_along_axis(lambda v: v * v.sum(), 0, a), M), (lambda a: np.apply_along_axis(np.sum, 1, a), T3),
    # ---- products
    (lambda a, b: np.dot(a, b), M, (3, 2)), (lambda a, b: np.dot(a, b), V, V), (lambda a, b: np.dot(a, b), M, (4, 3, 2)), (lambda a, b: np.dot(a, b), (), M), (lambda a, b: np.vdot(a, b), M, M), (lambda a, b: np.vecdot(a, b), M, (3,)), (lambda a, b: np.linalg.vecdot(a, b, axis=0), M, M), (lambda a, b: np.inner(a, b), M, (4, 3)), (lambda a, b: np.inner(a, b), M, ()),
    (lambda a, b: np.outer(a, b), V, M), (lambda a, b: np.linalg.outer(a, b), V, (3,)), (lambda a, b: np.multiply.outer(a, b), M, V), (lambda a, b: np.subtract.outer(a, b), V, V), (lambda a, b: a @ b, (2, 2, 3), (3, 4)), (lambda a, b: np.matmul(a, b), V, (4, 2)), (lambda a, b: np.linalg.matmul(a, b), M, (3,)), (lambda a, b: np.matvec(a, b), T3, V), (lambda a, b: np.vecmat(a, b), M, T3),
    (lambda a, b: np.tensordot(a, b), (2, 3, 4), (3, 4)), (lambda a, b: np.tensordot(a, b, axes=([0, 2], [1, 0])), (2, 3, 4), (4, 2)), (lambda a, b: np.tensordot(a, b, 0), (2,), M), (lambda a, b: np.linalg.tensordot(a, b, axes=1), M, (3, 2)), (lambda a, b: np.kron(a, b), M, (2, 2)), (lambda a, b: np.kron(a, b), V, M), (lambda a, b: np.cross(a, b), (2, 3), (3,)), (lambda a, b: np.linalg.cross(a, b), (2, 3), (2, 3)),
    (lambda a, b: np.einsum("ij,jk->ik", a, b), M, (3, 2)), (lambda a: np.einsum("ii->i", a), SQ), (lambda a: np.einsum("ii", a), SQ), (lambda a: np.einsum("ij->", a), M), (lambda a: np.einsum("ij->ji", a), M), (lambda a, b, c: np.einsum("ij,j,kj->ik", a, b, c), M, (3,), (4, 3)), (lambda a, b: np.einsum("...ij,...j->...i", a, b), T3, V), (lambda a, b: np.einsum("iij,j", a, b), (2, 2, 3), (3,)), (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), M, (3, 2)), (lambda a, b: np.einsum("ij,ij->j", a, b, optimize=True), M, (1, 3)), (lambda a, b: np.einsum("i,j", a, b), V, (3,)),
    (lambda a, b: np.convolve(a, b), (5,), (3,)), (lambda a, b: np.convolve(a, b, "same"), (3,), (4,)), (lambda a, b: np.convolve(a, b, mode="valid"), (5,), (2,)), (lambda a, b: np.correlate(a, b), (5,), (3,)), (lambda a, b: np.correlate(a, b, "full"), (3,), (5,)), (lambda a, b: np.correlate(a, b, "same"), (5,), (2,)),
    # ---- linear algebra
    (lambda a: np.linalg.inv(a), SQ), (lambda a: np.linalg.inv(a), ("square", (2, 3))), (lambda a: np.linalg.pinv(a), ("tall", (4, 3))), (lambda a: np.linalg.pinv(a, hermitian=True), SPD), (lambda a, b: np.linalg.solve(a, b), SQ, (3, 2)), (lambda a, b: np.linalg.solve(a, b), SQ, (3,)), (lambda a, b: np.linalg.lstsq(a, b)[:2], ("tall", (4, 3)), (4, 2)), (lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], ("tall", (4, 2)), V),
    (lambda a: np.linalg.det(a), SQ), (lambda a: np.linalg.det(a), ("square", (2, 3))), (lambda a: np.linalg.slogdet(a)[1], SQ), (lambda a: np.linalg.slogdet(a).logabsdet, ("square", (2, 3))), (lambda a: np.linalg.cholesky(a), SPD), (lambda a: np.linalg.cholesky(a, upper=True), SPD), (lambda a: np.linalg.eigh(a)[0], SPD), (lambda a: np.abs(np.linalg.eigh(a, UPLO="U").eigenvectors), SPD), (lambda a: np.linalg.eigvalsh(a), SPD), (lambda a: np.linalg.eigvalsh(a, "U"), SPD),
    (lambda a: np.linalg.svd(a, compute_uv=False), ("tall", (4, 3))), (lambda a: (lambda u, s, vh: [np.abs(u), s, np.abs(vh)])(*np.linalg.svd(a, full_matrices=False)), ("tall", (4, 2))), (lambda a: np.linalg.svd(a).S, SQ), (lambda a: np.linalg.svd(a, hermitian=True)[1], SPD), (lambda a: np.linalg.svdvals(a), ("tall", (2, 3))), (lambda a: list(np.linalg.qr(a)), ("tall", (4, 3))), (lambda a: np.linalg.qr(a, "r"), ("tall", (2, 3))), (lambda a: np.linalg.qr(a).Q, SQ),
    (lambda a: np.linalg.norm(a), M), (lambda a: np.linalg.norm(a, axis=1), M), (lambda a: np.linalg.norm(a, 1, axis=0, keepdims=True), M), (lambda a: np.linalg.norm(a, 3), V), (lambda a: np.linalg.norm(a, -1.5), V), (lambda a: np.linalg.norm(a, np.inf), ("apart", (4,))), (lambda a: np.linalg.norm(a, -np.inf, axis=1), APART), (lambda a: np.linalg.norm(a, "fro", axis=(0, 2)), T3), (lambda a: np.linalg.norm(a, "nuc"), ("tall", (4, 3))), (lambda a: np.linalg.norm(a, 2), ("tall", (4, 3))), (lambda a: np.linalg.norm(a, -2, keepdims=True), ("tall", (4, 3))), (lambda a: np.linalg.norm(a, 1), APART), (lambda a: np.linalg.norm(a, -np.inf), APART),
    (lambda a: np.linalg.vector_norm(a, ord=3), M), (lambda a: np.linalg.vector_norm(a, axis=(0, 1), keepdims=True), M), (lambda a: np.linalg.matrix_norm(a), T3), (lambda a: np.linalg.matrix_norm(a, ord="nuc"), ("tall", (4, 3))), (lambda a: np.linalg.matrix_power(a, 3), SQ), (lambda a: np.linalg.matrix_power(a, -2), SQ), (lambda a: np.linalg.matrix_power(a, 0), SQ), (lambda a, b, c: np.linalg.multi_dot([a, b, c]), M, (3, 4), (4,)), (lambda a: np.linalg.cond(a), ("tall", (4, 3))), (lambda a: np.linalg.cond(a, "fro"), SQ), (lambda a: np.linalg.cond(a, -2), SQ), (lambda a: np.linalg.tensorinv(a.reshape(2, 2, 4)), ("square", 4)), (lambda a, b: np.linalg.tensorsolve(a.reshape(2, 2, 4), b), ("square", 4), (2, 2)),
    # ---- calculus, statistics, polynomials
    (lambda a: np.diff(a), M), (lambda a: np.diff(a, 2, axis=0), (4, 2)), (lambda a, b: np.diff(a, prepend=b, append=1.0), M, (2, 1)), (lambda a: np.ediff1d(a, to_begin=[1.0], to_end=2.0), M), (lambda a: np.gradient(a), (5,)), (lambda a: np.gradient(a), (3, 4)), (lambda a: np.gradient(a, 0.5, axis=1, edge_order=2), (2, 4)), (lambda a, h: np.gradient(a, np.cumsum(h)), (5,), ("positive", (5,))), (lambda a, h: np.gradient(a, np.cumsum(h), edge_order=2), (5,), ("positive", (5,))),
    (lambda a: np.trapezoid(a, axis=0), M), (lambda a, x: np.trapezoid(a, x), M, (3,)), (lambda a: np.trapezoid(a, dx=0.5), M), (lambda x, f: np.interp(x, [0.0, 1, 2, 4], f), ("positive", (5,)), V), (lambda x, p, f: np.interp(x, np.cumsum(p), f, left=-1.0, right=7.0), ("positive", (3,)), ("positive", (3,)), (3,)), (lambda a: np.unwrap(a * 5), (5,)), (lambda a: np.cov(a), (3, 5)), (lambda a, b: np.cov(a, b, rowvar=False, bias=True), (5, 2), (5, 1)), (lambda a: np.cov(a, fweights=[1, 2, 1], aweights=np.array([0.5, 1, 2])), M), (lambda a: np.cov(a), V), (lambda a: np.corrcoef(a), (3, 5)), (lambda p, x: np.polyval(p, x), (4,), M), (lambda x: np.vander(x, 3), V), (lambda x: np.vander(x, increasing=True), (3,)),
    # ---- numbers
    (lambda a: np.nan_to_num(a, nan=0.5), ("nan", M)), (lambda a: np.round(a, 1) + np.around(a) + a, M), (lambda a: np.fix(a) * a, M), (lambda a, b: np.float_power(a, b), POS, M), (lambda a: np.divmod(a, 0.7)[1], M), (lambda a: np.modf(a)[0], M), (lambda a: +a + np.positive(a) + np.conjugate(a) + np.real(a) + np.real_if_close(a) + np.imag(a), M), (lambda a: np.sinc(a), M), (lambda a: np.cumulative_sum(a, axis=1, include_initial=True), M), (lambda a: np.cumulative_prod(a, axis=0), M), (lambda a: a ** 2 + 2 ** a + (a % 0.7) + 1 / a - (-a) + abs(a), M),
    (lambda a: np.fabs(a) + np.deg2rad(a) + np.rad2deg(a) + np.angle(a), M), (lambda a: np.ldexp(a, 2), M), (lambda a: np.isfinite(a) * a + np.zeros_like(a) + np.ones_like(a) * a * np.size(a) + np.sign(a) * np.ndim(a), M),
]
# fmt: on


def inputs(program: Any, seed: int) -> tuple[np.ndarray, ...]:
    """Arrays for a program: signed, positive, symmetric positive definite, …"""
    rng = np.random.default_rng(seed)
    out = []
    for kind in program[1:]:
        kind, shape = kind if kind and isinstance(kind[0], str) else ("signed", kind)
        if kind in ("square", "spd", "tall"):
            dims = (
                (shape, shape)
                if isinstance(shape, int)
                else (*shape, shape[-1])
                if kind == "square"
                else shape
            )
            x = signed(rng, *dims) / 4 + np.eye(*dims[-2:]) * (2.0 + 3.0 * np.arange(dims[-1]))
            if kind == "spd":
                x = (x + x.T) / 2
        else:
            x = signed(rng, *shape)
        if kind == "positive":
            x = np.abs(x)
        if kind == "apart":
            x = rng.permutation(x.size).reshape(shape) - x.size / 2 + 0.5 + x / 8
        if kind == "nan":
            x = np.array(rng.permutation(x.size).reshape(shape) + 0.5 + x / 8)
            x[0, 0] = np.nan
        out.append(np.asarray(x))
    return tuple(out)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
@settings(max_examples=max(2, settings().max_examples // 8))  # each takes 30 ms
@given(seed=seeds)
def test_the_value_and_the_derivatives_are_numpys(program: Any, seed: int) -> None:
    f, xs = program[0], inputs(program, seed)
    expected = f(*xs)
    got = f(*[mg.tensor(x, requires_grad=True) for x in xs])
    for y, e in zip(tree.leaves(got), tree.leaves(expected), strict=True):
        assert isinstance(y, (mg.Tensor, np.ndarray, np.generic))
        assert (np.shape(plain(y)), plain(y).dtype) == (np.shape(e), np.asarray(e).dtype)
        size = max([1.0, *(float(np.nanmax(np.abs(v), initial=1.0)) for v in (*xs, e))])
        np.testing.assert_allclose(plain(y), e, rtol=1e-13, atol=1e-14 * size**2)
    if not any(np.isnan(x).any() for x in xs):
        mg.check_grads(lambda *v: as_tuple(f(*v)), xs, order=2, seed=seed % 1000)
    else:  # nothing moves along a nan: its gradient must be 0, and the rest as without it
        y, pull = mg.vjp(f, *xs)
        (g,) = pull(np.ones(np.shape(y))[()])
        assert g[0, 0] == 0 and np.isfinite(g).all()


def as_tuple(y: Any) -> Any:
    return tuple(y) if isinstance(y, (list, tuple)) else y


def test_every_function_that_is_answered_has_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    met = set()

    def noted(function: Any, ours: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            met.add(function)
            return ours(*args, **kwargs)

        return call

    for function, ours in list(protocol.FUNCTIONS.items()):
        monkeypatch.setitem(protocol.FUNCTIONS, function, noted(function, ours))
    for program in PROGRAMS:
        program[0](*[mg.tensor(x, requires_grad=True) for x in inputs(program, 0)])
    missing = {f for f in protocol.FUNCTIONS if f not in met}
    assert not missing, sorted(map(str, missing))


def test_questions_are_answered_from_the_data() -> None:
    x = mg.tensor([[3.0, 1.0], [2.0, np.nan]], requires_grad=True)
    assert np.argsort(x, axis=1).tolist() == [[1, 0], [0, 1]]
    assert np.isnan(x).tolist() == [[False, False], [False, True]]
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 2), 2, 4)
    assert np.allclose(x, x.data, equal_nan=True) and np.count_nonzero(x) == 4
    assert (x.argmax(), x.any(), x[:, 0].argmin(0)) == (3, True, 1)
    assert np.searchsorted(np.array([1.0, 2.0]), x[0, 0]) == 2
    assert np.linalg.matrix_rank(mg.tensor(np.eye(3), requires_grad=True)) == 3


def test_numpy_scalars_and_arrays_may_stand_on_the_left() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = np.float64(2.0) * x + np.ones(2) * x + np.array([[3.0], [1.0]]) - x
    assert isinstance(y, mg.Tensor) and y.shape == (2, 2)
    y.backward(np.ones((2, 2)))
    assert x.grad.tolist() == [4.0, 4.0]


def leaf(*shape: int) -> mg.Tensor:
    return mg.tensor(np.ones(shape), requires_grad=True)


def test_nothing_else_of_numpy_detaches_silently() -> None:
    """Every dispatched function either answers, or raises an error of ours that names it."""
    known = set(protocol.FUNCTIONS) | protocol.PLAIN
    x = leaf(2, 2)
    for module in (np, np.linalg, np.fft):
        for name in dir(module):
            function = getattr(module, name)
            if hasattr(function, "_implementation") and not known & {
                function,
                protocol.np_name(function),
            }:
                with pytest.raises((RuleError, GradientError)) as caught:
                    protocol.call_function(function, (x,), {})
                assert name in str(caught.value) or function.__name__ in str(caught.value)


def test_mg_array_joins_nested_lists_of_tensors() -> None:
    g = mg.grad(
        lambda x: np.sum(mg.array([[x, 2 * x], [1.0, x * x]]) * np.array([[1, 10], [5, 100]]))
    )(3.0)
    assert g == 1 + 20 + 600


NUMPYS_OWN = {  # NumPy asks for the array of each tensor, and offers no other way
    "array": lambda x, v: np.array([x, x]),
    "array of numbers": lambda x, v: np.array([v, 1.0]),
    "objects": lambda x, v: np.array([v, v], dtype=object),
    "asarray": lambda x, v: np.asarray([[x, x]], np.float32),
    "r_": lambda x, v: np.r_[x, v],
    "c_": lambda x, v: np.c_[x, x],
    "full": lambda x, v: np.full(3, v),
    "mgrid": lambda x, v: np.mgrid[0:v],
    "assignment": lambda x, v: np.zeros(2).__setitem__(slice(None), x),
}


@pytest.mark.parametrize("f", NUMPYS_OWN.values(), ids=NUMPYS_OWN)
def test_arrays_of_tensors_are_refused_in_a_sentence_where_a_gradient_would_be_lost(f: Any) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    text = "use np.stack or mg.array to join tensors, .data to leave the graph$"
    with pytest.raises(GradientError, match=text):
        f(x, x.sum())
    f(x.detach(), x.detach().sum())  # nothing is lost
    values = np.array([mg.Value(2.0), mg.Value(3.0)])
    assert all(isinstance(v, mg.Value) for v in np.r_[values, values[:1]])
