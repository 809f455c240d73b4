"""Rules that mask a point are differentiable again there: second and third order, in both modes.

The truth is mpmath's for a ** b, and for determinants the sum over permutations, a polynomial that
is differentiated without the rules of det. Where vectors of equal eigenvalues would have to turn,
the gradient is refused.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import GradientError

from .. import messages

MODES = [mg.jacrev, mg.jacfwd]
# x**b is flat in x for b = 0, linear for b = 1, and so on: these are the masks and their neighbours.
POWERS = [(a, b) for a in (0.5, 2.0, 3.0) for b in (0.0, 1.0, 2.0, -1.0, 0.5)]


def tower(f: Callable[..., Any], modes: tuple[Any, ...]) -> Callable[..., Any]:
    for mode in modes:
        f = mode(f)
    return f


@pytest.mark.parametrize(("a", "b"), POWERS)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_powers_to_third_order_in_every_mixture_of_modes(a: float, b: float, order: int) -> None:
    """Within 2⁻⁴⁰ of the largest: products of at most eight terms of that size, each rounded."""
    truth = np.empty((2,) * order)
    with mpmath.workdps(40):
        for at in np.ndindex(truth.shape):
            counts = (at.count(0), at.count(1))
            truth[at] = mpmath.diff(lambda x, y: x**y, (a, b), counts)
    for modes in itertools.product(MODES, repeat=order):
        got = tower(lambda p: p[0] ** p[1], modes)(np.array([a, b]))
        scale = np.abs(truth).max()
        np.testing.assert_allclose(got, truth, rtol=0, atol=2.0**-40 * scale)


@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_elu_at_zero_is_that_of_its_left_side_and_nan_stays_nan(alpha: float) -> None:
    f: Any = lambda x: mg.elu(x, alpha)  # noqa: E731
    for order in (1, 2, 3):
        f = mg.grad(f)
        assert f(0.0) == alpha and f(1.0) == (order == 1)
        assert math.isnan(f(math.nan)) and f(-2.0) == alpha * math.exp(-2.0)


@pytest.mark.parametrize("b", [0.0, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("a", [0.0, -2.0])
def test_whole_powers_of_zero_and_of_negative_numbers(a: float, b: float) -> None:
    for order in (1, 2, 3):
        truth = math.prod(b - k for k in range(order)) * (a ** (b - order) if b >= order else 0.0)
        for modes in itertools.product(MODES, repeat=order):
            assert tower(lambda x: x**b, modes)(a) == truth


def permutations(a: Any) -> Any:
    """The determinant as Leibniz wrote it: no rule but those of + and ·."""
    n, total = a.shape[-1], 0.0
    for p in itertools.permutations(range(n)):
        sign = (-1) ** sum(p[i] > p[j] for i in range(n) for j in range(i + 1, n))
        term = sign * 1.0
        for i in range(n):
            term = term * a[i, p[i]]
        total = total + term
    return total


@settings(max_examples=12)  # a Hessian's Jacobian takes many backward passes
@given(
    n=st.integers(1, 3),
    rank=st.integers(0, 3),
    tiny=st.sampled_from([0.0, 1e-9, 1e-15]),
    seed=st.integers(0, 10**6),
)
@pytest.mark.parametrize("order", [1, 2, 3])
def test_determinants_of_matrices_of_any_rank(
    order: int, n: int, rank: int, tiny: float, seed: int
) -> None:
    """Within 2⁻⁴⁰: nothing is divided by a small number, so errors do not grow near singularity."""
    rng = np.random.default_rng(seed)
    k = min(rank, n)
    a = rng.normal(size=(n, k)) @ rng.normal(size=(k, n)) + tiny * rng.normal(size=(n, n))
    truth = tower(permutations, (mg.jacrev,) * order)(a)
    got = tower(mg.linalg.det, (mg.jacrev,) * order)(a)
    scale = max(1.0, np.abs(truth).max(initial=0.0), np.abs(a).max(initial=0.0) ** n)
    np.testing.assert_allclose(got, truth, rtol=0, atol=2.0**-40 * scale)
    if order == 2:
        mixed = mg.jacfwd(mg.jacrev(mg.linalg.det))(a)
        np.testing.assert_allclose(mixed, truth, rtol=0, atol=2.0**-40 * scale)


def exponential(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return (v * np.exp(w)) @ v.T


def polar(a: Any) -> Any:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return u @ vh


EQUAL, APART = np.diag([1.0, 1.0, 3.0]), np.diag([1.0, 2.0, 3.0])
C = np.arange(9.0).reshape(3, 3)


def test_what_only_asks_for_the_values_has_a_gradient_where_they_are_equal() -> None:
    g = mg.grad(lambda a: (np.linalg.eigvalsh(a) ** 2).sum())(EQUAL)
    np.testing.assert_allclose(g, 2 * EQUAL, atol=1e-14)
    g = mg.grad(lambda a: np.linalg.svd(a, compute_uv=False).sum())(EQUAL)
    np.testing.assert_allclose(g, np.eye(3), atol=1e-14)


def test_the_polar_factor_is_smooth_where_singular_values_are_equal() -> None:
    """d(u·vᵀ) for a = s·1 is the antisymmetric part of da, over s."""
    for s in (1.0, 3.0):
        np.testing.assert_allclose(
            mg.grad(lambda a: (C * polar(a)).sum())(s * np.eye(3)), (C - C.T) / (2 * s), atol=1e-14
        )


def test_where_values_lie_apart_vectors_have_slopes_as_before() -> None:
    assert np.isfinite(mg.grad(lambda a: (C * exponential(a)).sum())(APART)).all()
    assert np.isfinite(mg.grad(lambda a: (C * polar(a)).sum())(APART)).all()


def test_forward_mode_says_nan_of_vectors_that_turn_freely_and_knows_the_values() -> None:
    _, slope = mg.jvp(lambda a: np.linalg.eigvalsh(a).sum(), (EQUAL,), (C,))
    assert slope == np.trace(C)
    assert np.isnan(mg.jvp(lambda a: (C * exponential(a)).sum(), (EQUAL,), (C,))[1])


def refusal(name: str, what: str) -> str:
    return (
        f"{name}: {what} 0 and 1 are equal, and the gradient asks how their vectors turn, which no "
        "matrix nearby agrees on; differentiate the function of the matrix another way, or move "
        "the matrix a little"
    )


test_messages = messages.table(
    (
        lambda: mg.grad(lambda a: (C * exponential(a)).sum())(EQUAL),
        GradientError,
        refusal("eigh", "eigenvalues"),
    ),
    (
        lambda: mg.grad(lambda a: (C * exponential(a)).sum())(EQUAL + np.diag([0, 1e-16, 0])),
        GradientError,
        refusal("eigh", "eigenvalues"),
    ),
    (
        lambda: mg.hvp(lambda a: (np.linalg.eigvalsh(a) ** 2).sum(), (np.eye(2),), (C[:2, :2],)),
        GradientError,
        refusal("eigh", "eigenvalues"),
    ),
    (
        lambda: mg.grad(lambda a: (C * np.linalg.svd(a)[0]).sum())(np.diag([3.0, 3.0, 1.0])),
        GradientError,
        refusal("svd", "singular values"),
    ),
    (
        lambda: mg.grad(lambda a: (C[:, :2] * polar(a)).sum())(np.eye(3)[:, :2] * [2.0, 0.0]),
        GradientError,
        "svd: a singular value is 0, and the gradient asks how its vectors turn, which no matrix "
        "nearby agrees on; move the matrix a little",
    ),
)
