"""Exponentials of matrices and triangular equations: PyTorch's numbers, and the definition."""

from typing import Any

import mpmath
import numpy as np
import pytest

import microgradnn as mg

torch = pytest.importorskip("torch", reason="compares with torch.linalg")


def some(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape) * scale


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 8.0, 30.0])
def test_the_exponential_is_mpmaths(scale: float) -> None:
    """Within 2⁻⁴⁰ of the largest entry: a squaring doubles the relative error, six are done."""
    a = some(0, 4, 4, scale=scale)
    with mpmath.workdps(60):
        exact = np.array(mpmath.expm(mpmath.matrix(a.tolist())).tolist(), float)
    size = np.abs(exact).max()
    np.testing.assert_allclose(mg.linalg.matrix_exp(a), exact, rtol=0, atol=2.0**-40 * size)


@pytest.mark.parametrize("scale", [0.0, 0.5, 6.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_its_slopes_are_the_corners_of_block_matrices(scale: float, dtype: str) -> None:
    """exp of [[a, e], [0, a]] holds the slope along e: first and second order, both modes."""
    a, e = some(1, 3, 3, scale=scale).astype(dtype), some(2, 3, 3).astype(dtype)
    zero, f = np.zeros_like(a), mg.linalg.matrix_exp
    first = f(np.block([[a, e], [zero, a]]))[:3, 3:]
    rows = [[a, e, zero], [zero, a, e], [zero, zero, a]]
    second = 2 * f(np.block(rows))[:3, 6:]
    got, once = mg.jvp(lambda x: mg.jvp(f, (x,), (e,))[1], (a,), (e,))[::-1]
    room = 2.0**10 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(once, first, rtol=0, atol=room * np.abs(first).max())
    np.testing.assert_allclose(got, second, rtol=0, atol=room * np.abs(second).max())
    g = some(3, 3, 3).astype(dtype)
    back = mg.vjp(f, a)[1](g)[0]
    assert once.dtype == back.dtype == dtype
    adjoint = abs((back * e).sum() - (g * first).sum())
    assert adjoint <= room * np.abs(g).sum() * np.abs(first).max()


def test_stacks_and_commuting_matrices() -> None:
    a = some(4, 2, 3, 3)
    whole = mg.linalg.matrix_exp(a)
    np.testing.assert_allclose(whole, [mg.linalg.matrix_exp(m) for m in a], rtol=1e-12)
    np.testing.assert_allclose(whole @ mg.linalg.matrix_exp(-a), [np.eye(3)] * 2, atol=1e-10)
    assert mg.linalg.matrix_exp(np.zeros((0, 0))).shape == (0, 0)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular_equations_are_pytorchs(upper: bool, left: bool, unit: bool) -> None:
    a, b = some(5, 2, 3, 3) + 2 * np.eye(3), some(6, 2, 3, 3)
    given: dict[str, Any] = dict(upper=upper, left=left, unitriangular=unit)
    mine = [mg.tensor(x, requires_grad=True) for x in (a, b)]
    theirs = [torch.tensor(x, requires_grad=True) for x in (a, b)]
    y, z = (
        mg.linalg.solve_triangular(*mine, **given),
        torch.linalg.solve_triangular(*theirs, **given),
    )
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-11)
    g = some(7, 2, 3, 3)
    y.backward(g)
    z.backward(torch.tensor(g))
    keep = np.triu if upper else np.tril
    inside = keep(np.ones((3, 3)), (1 if upper else -1) * unit)
    for m, t in zip(mine, theirs, strict=True):
        wanted = t.grad.numpy() * (inside if m is mine[0] else 1)  # torch's, of the triangle
        np.testing.assert_allclose(m.grad, wanted, rtol=0, atol=1e-11 * np.abs(wanted).max())
