"""jacrev, jacfwd, hessian, hvp, elementwise_grad: forms, closed forms, PyTorch, nesting, refusals."""

import itertools
from collections import namedtuple
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import elementwise_grad, grad, hessian, hvp, jacfwd, jacrev, jvp, linearize
from microgradnn.errors import DTypeError, MicrogradError, ShapeError
from microgradnn.transforms import tree

JACOBIANS = pytest.mark.parametrize("jacobian", [jacrev, jacfwd])
EPS = 2.0**-52
seeds = st.integers(0, 2**32 - 1)
Pair = namedtuple("Pair", "left right")


def equal(got: Any, expected: Any) -> None:
    """The same form of tuples, lists and dicts, and equal leaves of equal shapes."""
    assert type(got) is type(expected) or not isinstance(expected, (tuple, list, dict))
    if isinstance(expected, dict):
        assert list(got) == list(expected)
        got, expected = list(got.values()), list(expected.values())
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected)
        for g, e in zip(got, expected, strict=True):
            equal(g, e)
    else:
        assert np.shape(got) == np.shape(expected)
        np.testing.assert_array_equal(got, expected)


# ---- random programs of plain NumPy code, and the same in PyTorch -------------------------------

MATRIX = np.array([[4.0, 1.0, -0.5], [0.5, 3.0, 1.0], [-1.0, 0.25, 5.0]])
WEIGHT = np.array([0.5, -1.5, 0.75])

# Maps of three numbers to three numbers, of moderate slope and curvature. The PyTorch half is
# written with torch's own functions: it shares no code and no derivative with ours.
STEPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "tanh": (lambda x: np.tanh(x), lambda x, t: t.tanh(x)),
    "sin": (lambda x: np.sin(2 * x), lambda x, t: t.sin(2 * x)),
    "where": (
        lambda x: np.where(x > 0.1, x * x, np.exp(-x) - 1),
        lambda x, t: t.where(x > 0.1, x * x, t.exp(-x) - 1),
    ),
    "solve": (
        lambda x: np.linalg.solve(MATRIX, x),
        lambda x, t: t.linalg.solve(t.tensor(MATRIX), x),
    ),
    "solve with a matrix of x": (
        lambda x: np.linalg.solve(MATRIX + np.outer(np.tanh(x), np.cos(x)), WEIGHT),
        lambda x, t: t.linalg.solve(
            t.tensor(MATRIX) + t.outer(t.tanh(x), t.cos(x)), t.tensor(WEIGHT)
        ),
    ),
    "matmul": (lambda x: MATRIX @ x / 4, lambda x, t: t.tensor(MATRIX) @ x / 4),
    "slices": (
        lambda x: np.concatenate([x[1:] * x[:-1], x[::3]]),
        lambda x, t: t.cat([x[1:] * x[:-1], x[::3]]),
    ),
    "take": (lambda x: x[[2, 0, 2]], lambda x, t: x[[2, 0, 2]]),
    "sum over an axis": (
        lambda x: np.sum(np.outer(x, WEIGHT) ** 2, axis=0),
        lambda x, t: t.sum(t.outer(x, t.tensor(WEIGHT)) ** 2, dim=0),
    ),
    "mean and variance": (
        lambda x: (x - np.mean(x)) / np.sqrt(np.var(x) + 1),
        lambda x, t: (x - t.mean(x)) / t.sqrt(t.var(x, correction=0) + 1),
    ),
    "softmax by hand": (
        lambda x: np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))),
        lambda x, t: t.softmax(x, 0),
    ),
    "norm": (
        lambda x: x / (1 + np.linalg.norm(x + WEIGHT * 4)),
        lambda x, t: x / (1 + t.linalg.norm(x + t.tensor(WEIGHT) * 4)),
    ),
    "einsum": (
        lambda x: np.einsum("i,ij,j->i", x, MATRIX / 4, x),
        lambda x, t: t.einsum("i,ij,j->i", x, t.tensor(MATRIX / 4), x),
    ),
    "cumsum": (lambda x: np.cumsum(x) / 2, lambda x, t: t.cumsum(x, 0) / 2),
    "prod": (lambda x: np.prod(x) + x, lambda x, t: t.prod(x) + x),
    "flip and reshape": (
        lambda x: np.reshape(np.flip(np.stack([x, 2 * x], axis=1), 0), -1)[:3],
        lambda x, t: t.reshape(t.flip(t.stack([x, 2 * x], dim=1), (0,)), (-1,))[:3],
    ),
    "det": (
        lambda x: np.linalg.det(MATRIX / 4 + np.diag(x)) * WEIGHT + x,
        lambda x, t: t.linalg.det(t.tensor(MATRIX) / 4 + t.diag(x)) * t.tensor(WEIGHT) + x,
    ),
}
programs = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4)
# Multiples of 1/8 with pairwise different absolute values: no ties, and not on the edge of where.
points = st.lists(st.integers(-12, 12), min_size=3, max_size=3, unique_by=abs).map(
    lambda ks: np.array(ks) / 8
)


def run(names: list[str], x: Any) -> Any:
    for name in names:
        x = STEPS[name][0](x)
    return x


def run_torch(names: list[str], x: Any, torch: Any) -> Any:
    for name in names:
        x = STEPS[name][1](x, torch)
    return x


def sizes(names: list[str], x: Any) -> tuple[float, float]:
    """How large first and second derivatives of the program may be, by the chain rule of norms.

    Rounding errors of any order of evaluation are a multiple of that, however much cancels: with
    L the slope and M the curvature of each step, |J| ≤ ΠL and |H| ≤ Σᵢ (Π_{j<i} L)² M Π_{j>i} L.
    """
    slopes, curvatures = [], []
    for name in names:
        f = STEPS[name][0]
        slopes.append(max(1.0, np.abs(jacfwd(f)(x)).sum(1).max()))
        curvatures.append(max(1.0, np.abs(jacfwd(jacfwd(f))(x)).sum((1, 2)).max()))
        x = f(x)
    first = float(np.prod(slopes))
    second = sum(
        np.prod(slopes[:i]) ** 2 * curvatures[i] * np.prod(slopes[i + 1 :])
        for i in range(len(names))
    )
    return first, float(second)


# A step and its rule round less than 64 times, and each rounding is at most of the size above, with
# the condition of MATRIX (below 2.5) and of the sums of three (below 8) on top.
ROUNDINGS = 64 * 16


def near(got: Any, expected: Any, size: float, names: list[str]) -> None:
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDINGS * len(names) * EPS * size)


def test_the_condition_of_the_matrix_is_as_said() -> None:
    assert np.linalg.cond(MATRIX) < 2.5


@given(programs, points)
def test_jacrev_is_jacfwd_for_any_program(names: list[str], x: np.ndarray) -> None:
    f = lambda v: run(names, v)  # noqa: E731
    reverse, forward = jacrev(f)(x), jacfwd(f)(x)
    assert reverse.shape == forward.shape == (3, 3)
    near(reverse, forward, sizes(names, x)[0], names)


@given(programs, points)
def test_jacobians_and_hessians_of_any_program_are_pytorchs(
    names: list[str], x: np.ndarray
) -> None:
    torch = pytest.importorskip("torch")
    first, second = sizes(names, x)
    at = torch.tensor(x)
    theirs = torch.func.jacrev(lambda v: run_torch(names, v, torch))(at).numpy()
    near(jacrev(lambda v: run(names, v))(x), theirs, first, names)
    total = lambda v: torch.sum(torch.tensor(WEIGHT) * run_torch(names, v, torch))  # noqa: E731
    rows = torch.autograd.functional.hessian(total, at).numpy()
    # The weights are at most 1.5, so three outputs are at most 3 of one.
    near(hessian(lambda v: np.sum(WEIGHT * run(names, v)))(x), rows, 3 * second, names)


@given(programs, points, seeds)
def test_every_mix_of_modes_gives_the_hessian_and_hvp_its_product(
    names: list[str], x: np.ndarray, seed: int
) -> None:
    f = lambda v: np.sum(WEIGHT * run(names, v))  # noqa: E731
    size = 3 * sizes(names, x)[1]
    h = hessian(f)(x)
    for outer, inner in itertools.product((jacrev, jacfwd, grad), (jacrev, jacfwd, grad)):
        if outer is not grad:
            near(outer(inner(f))(x), h, size, names)
    near(h, h.T, size, names)
    v = np.random.default_rng(seed).uniform(-1, 1, 3)
    near(hvp(f, x, v), h @ v, 3 * size, names)
    # Two more ways to the same product: reverse over forward, reverse over reverse.
    near(grad(lambda u: jvp(f, (u,), (v,))[1])(x), h @ v, 3 * size, names)
    near(grad(lambda u: np.sum(grad(f)(u) * v))(x), h @ v, 3 * size, names)
    near(jvp(lambda u: jvp(f, (u,), (v,))[1], (x,), (v,))[1], v @ h @ v, 9 * size, names)


@given(programs, points, seeds)
def test_jacobians_contain_every_jvp_and_vjp(names: list[str], x: np.ndarray, seed: int) -> None:
    f = lambda u: run(names, u)  # noqa: E731
    rng = np.random.default_rng(seed)
    v, w = rng.uniform(-1, 1, (2, 3))
    size = sizes(names, x)[0]
    near(jvp(f, (x,), (v,))[1], jacrev(f)(x) @ v, 3 * size, names)
    near(mg.vjp(f, x)[1](w)[0], w @ jacfwd(f)(x), 3 * size, names)
    near(linearize(f, x)[1](v), jacrev(f)(x) @ v, 3 * size, names)


# ---- closed forms -------------------------------------------------------------------------------


@JACOBIANS
@given(st.integers(0, 4), st.integers(0, 4), seeds)
def test_a_matrix_is_the_jacobian_of_its_product(jacobian: Any, m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, x = rng.normal(size=(m, n)), rng.normal(size=n)
    np.testing.assert_array_equal(jacobian(lambda v: a @ v)(x), a)  # times ones and zeros: exact
    assert jacobian(lambda v: a @ v)(x).shape == (m, n)


@given(st.integers(1, 4), seeds)
def test_a_quadratic_form_has_slope_and_curvature_a_plus_its_transpose(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, x, v = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=n)
    form, s = lambda u: u @ a @ u, a + a.T  # noqa: E731
    np.testing.assert_array_equal(hessian(form)(x), s)
    for slope in (jacrev(form)(x), jacfwd(form)(x), grad(form)(x)):
        # Two sums of n products each, in any order: 2n roundings of the largest of them.
        atol = 2 * n * EPS * ((np.abs(a) + np.abs(a.T)) @ np.abs(x)).max()
        np.testing.assert_allclose(slope, s @ x, rtol=0, atol=atol)
    atol = 2 * n * EPS * ((np.abs(a) + np.abs(a.T)) @ np.abs(v)).max()
    np.testing.assert_allclose(hvp(form, x, v), s @ v, rtol=0, atol=atol)


@JACOBIANS
@given(st.integers(1, 5), seeds)
def test_the_jacobian_of_softmax_is_diag_s_minus_s_sT(jacobian: Any, n: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=n)
    s = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    expected = np.diag(s) - np.outer(s, s)
    # Entries of at most 1/4 made of s, whose n + 3 roundings come in twice.
    atol = 2 * (n + 3) * EPS
    np.testing.assert_allclose(jacobian(mg.softmax)(x), expected, rtol=0, atol=atol)
    np.testing.assert_allclose(hessian(mg.logsumexp)(x), expected, rtol=0, atol=atol)


@JACOBIANS
def test_polar_coordinates(jacobian: Any) -> None:
    r, p = 2.0, 0.5
    got = jacobian(lambda r, p: (r * np.cos(p), r * np.sin(p)), argnums=(0, 1))(r, p)
    c, s = np.cos(p), np.sin(p)
    np.testing.assert_allclose(got, ((c, -r * s), (s, r * c)), rtol=2 * EPS)


def test_rosenbrocks_hessian_is_the_one_in_the_books() -> None:
    f = lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)  # noqa: E731
    x = np.array([2.0, -1.0, 3.0])
    expected = np.zeros((3, 3))
    for i in (0, 1):
        expected[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        expected[i, i + 1] = expected[i + 1, i] = -400 * x[i]
        expected[i + 1, i + 1] += 200
    np.testing.assert_array_equal(hessian(f)(x), expected)  # integers all the way


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=3))
def test_third_derivatives_by_nesting_are_exact_on_integers(ks: list[int]) -> None:
    x = np.array(ks, float)
    f = lambda v: np.sum(v**3) + 5 * v[0] * v[1] * v[2]  # noqa: E731
    expected = np.zeros((3, 3, 3))
    for i, j, k in itertools.permutations(range(3)):
        expected[i, j, k] = 5
    expected[np.arange(3), np.arange(3), np.arange(3)] = 6
    for outer in (jacrev, jacfwd):
        np.testing.assert_array_equal(outer(hessian(f))(x), expected)
        np.testing.assert_array_equal(outer(jacrev(grad(f)))(x), expected)
        np.testing.assert_array_equal(outer(jacfwd(jacfwd(f)))(x), expected)
    np.testing.assert_array_equal(hessian(grad(f))(x), expected)
    v = np.array([1.0, -2.0, 3.0])
    np.testing.assert_array_equal(hvp(lambda u: np.sum(grad(f)(u)), x, v), expected.sum(0) @ v)


@given(st.integers(-5, 5), st.integers(1, 5))
def test_all_derivatives_of_a_power_of_one_number(k: int, n: int) -> None:
    f, expected = (lambda x: x**n), 1.0
    for order in range(n + 2):
        expected = float(np.prod([n - i for i in range(order)]) * float(k) ** max(n - order, 0))
        assert f(float(k)) == expected
        f = (jacrev, jacfwd, grad, elementwise_grad)[order % 4](f)


# ---- forms --------------------------------------------------------------------------------------

FORMS: list[tuple[str, Callable[..., Any], tuple[Any, ...], Any, Any]] = [
    ("number to number", lambda x: x * x, (3.0,), 0, 6.0),
    ("number to array", lambda x: x * np.arange(3.0), (3.0,), 0, np.arange(3.0)),
    ("array to number", lambda x: np.sum(x * x), (np.ones((2, 3)),), 0, np.full((2, 3), 2.0)),
    (
        "array to array of other rank",
        lambda x: np.sum(x, axis=1),
        (np.ones((2, 3)),),
        0,
        np.repeat(np.eye(2), 3, axis=1).reshape(2, 2, 3),
    ),
    ("argnums 1", lambda x, y: x * y, (2.0, 3.0), 1, 2.0),
    ("argnums from the end", lambda x, y: x * y, (2.0, 3.0), -1, 2.0),
    ("argnums a tuple", lambda x, y: x * y, (2.0, 3.0), (0, 1), (3.0, 2.0)),
    ("argnums out of order", lambda x, y: x * y, (2.0, 3.0), (1, 0), (2.0, 3.0)),
    ("argnums a list of one", lambda x, y: x * y, (2.0, 3.0), [1], (2.0,)),
    ("no argnums", lambda x, y: x * y, (2.0, 3.0), (), ()),
    ("tuple of results", lambda x: (x, x * x), (3.0,), 0, (1.0, 6.0)),
    ("list of results", lambda x: [x, [x * x]], (3.0,), 0, [1.0, [6.0]]),
    (
        "dict in, dict out",
        lambda p: {"y": p["a"] * p["b"]},
        ({"a": 2.0, "b": np.array([3.0, 4.0])},),
        0,
        {"y": {"a": np.array([3.0, 4.0]), "b": 2 * np.eye(2)}},
    ),
    (
        "nested in both",
        lambda p, q: ([p[0] * q["w"]], {"s": p[1][0] + q["w"]}),
        ((2.0, [3.0]), {"w": 5.0}),
        (0, 1),
        (
            [((5.0, [0.0]), {"w": 2.0})],
            {"s": ((0.0, [1.0]), {"w": 1.0})},
        ),
    ),
    (
        "namedtuple",
        lambda p: Pair(p.left * p.right, p.right),
        (Pair(2.0, 3.0),),
        0,
        Pair(Pair(3.0, 2.0), Pair(0.0, 1.0)),
    ),
    ("None among the arguments", lambda p: (p[0] * 2, None), ((2.0, None),), 0, ((2.0, None), None)),
    ("a constant result", lambda x: 3.0, (np.ones(2),), 0, np.zeros(2)),
    ("an array that is constant", lambda x: np.ones(4), (np.ones(2),), 0, np.zeros((4, 2))),
    ("one of two arguments unused", lambda x, y: x * 2, (1.0, np.ones(2)), (0, 1), (2.0, np.zeros(2))),
    ("the argument itself", lambda x: x, (np.ones(2),), 0, np.eye(2)),
    ("a flat function", lambda x: np.sign(x), (np.array([1.0, -2.0]),), 0, np.zeros((2, 2))),
]  # fmt: skip


@JACOBIANS
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
def test_results_have_the_form_of_the_result_and_in_each_leaf_that_of_the_arguments(
    jacobian: Any, form: Any
) -> None:
    _, f, args, argnums, expected = form
    equal(jacobian(f, argnums)(*args), expected)


def test_hessians_have_the_form_of_the_arguments_twice() -> None:
    f = lambda p: p["a"] * np.sum(p["b"][0] ** 2)  # noqa: E731
    a, b = 2.0, np.array([3.0, 4.0])
    expected = {
        "a": {"a": 0.0, "b": (2 * b,)},
        "b": ({"a": 2 * b, "b": (2 * a * np.eye(2),)},),
    }
    equal(hessian(f)({"a": a, "b": (b,)}), expected)
    g = lambda x, y: x * x * y  # noqa: E731
    equal(hessian(g, argnums=(0, 1))(3.0, 5.0), ((10.0, 6.0), (6.0, 0.0)))
    equal(hessian(g, argnums=0)(3.0, 5.0), 10.0)
    equal(hessian(g, argnums=1)(3.0, 5.0), 0.0)


def test_hvp_takes_one_argument_a_tuple_of_them_or_a_tree() -> None:
    f = lambda x, y: x * x * y  # noqa: E731
    equal(hvp(f, (3.0, 5.0), (1.0, 0.0)), (10.0, 6.0))
    equal(hvp(f, (3.0, 5.0), (0.0, 1.0)), (6.0, 0.0))
    equal(hvp(lambda x: x**3, 2.0, 10.0), 120.0)
    equal(hvp(lambda x: x**3, (2.0,), (10.0,)), (120.0,))
    equal(
        hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 3.0, "b": 5.0}, {"a": 1.0, "b": 2.0}),
        {"a": 22.0, "b": 6.0},
    )
    equal(
        hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, -1.0])),
        np.array([6.0, -12.0]),
    )


def test_elementwise_grad_is_the_slope_at_each_element() -> None:
    x = np.array([[0.5, -1.0], [2.0, 0.25]])
    np.testing.assert_allclose(
        elementwise_grad(np.tanh)(x), 1 - np.tanh(x) ** 2, rtol=0, atol=2 * EPS
    )
    np.testing.assert_array_equal(elementwise_grad(elementwise_grad(np.sin))(x), -np.sin(x))
    assert type(elementwise_grad(lambda v: v * v)(3.0)) is float
    equal(elementwise_grad(lambda a, b: a * b, (0, 1))(x, 2 * x), (2 * x, x))
    equal(elementwise_grad(lambda a, b: a * b, 1)(x, 2 * x), x)
    equal(
        elementwise_grad(lambda p: p["a"] * p["b"])({"a": x, "b": 2.0}),
        {"a": np.full((2, 2), 2.0), "b": x.sum()},
    )
    # Several results: their sum.
    equal(elementwise_grad(lambda v: (v * v, {"twice": 2 * v}))(x), 2 * x + 2)


@given(st.floats(-3, 3))
def test_seven_derivatives_of_tanh_as_in_autograds_tutorial(x: float) -> None:
    # y = tanh x turns derivatives into polynomials of y: D(p) = p'·(1 - y²).
    f, p, y = np.tanh, np.polynomial.Polynomial([0, 1]), np.tanh(x)
    slope = np.polynomial.Polynomial([1, 0, -1])
    for _ in range(7):
        f, p = elementwise_grad(f), p.deriv() * slope
        # Degree 8 in y, |y| ≤ 1: 64 roundings of at most the sum of the coefficients.
        assert abs(f(x) - p(y)) <= 64 * EPS * np.abs(p.coef).sum()


# ---- dtypes, types, other carriers --------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_types_are_kept(dtype: Any) -> None:
    x = np.array([0.5, -0.25], dtype)
    f = lambda v: np.sum(v * v * v)  # noqa: E731
    results = [
        jacrev(np.tanh)(x), jacfwd(np.tanh)(x), hessian(f)(x), hvp(f, x, x), elementwise_grad(f)(x),
        jacrev(jacrev(f))(x), jacfwd(jacfwd(f))(x),
    ]  # fmt: skip
    assert [r.dtype for r in results] == [np.dtype(dtype)] * 7
    np.testing.assert_array_equal(results[2], np.diag(6 * x))  # few bits: exact in all
    number = dtype(0.5)
    for r in (jacrev(f)(number), jacfwd(f)(number), hessian(f)(number), hvp(f, number, number)):
        assert type(r) is dtype


@JACOBIANS
def test_float32_is_float64_to_its_last_bits(jacobian: Any) -> None:
    x = np.array([0.5, -0.25, 1.5])
    names = ["solve", "tanh", "softmax by hand"]
    wide = jacobian(lambda v: run(names, v))(x)
    narrow = jacobian(lambda v: run(names, v))(x.astype(np.float32))
    # The matrices of the steps are float64, so the cast of x is exact and one cast at the end is not.
    np.testing.assert_allclose(narrow, wide, rtol=0, atol=2.0**-24 * np.abs(wide).max() * 4)


@JACOBIANS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("f", "shape", "expected"),
    [
        (lambda x: x * 2, (0,), (0, 0)),
        (lambda x: np.sum(x), (0, 3), (0, 3)),
        (lambda x: np.sum(x, axis=0), (0, 3), (3, 0, 3)),
        (lambda x: x[:0], (2,), (0, 2)),
        (lambda x: x[:, :0], (2, 3), (2, 0, 2, 3)),
    ],
    ids=["nothing in", "number out", "row out", "nothing out", "no columns out"],
)
def test_empty_arrays_have_empty_jacobians_of_the_right_shape_and_dtype(
    jacobian: Any, f: Any, shape: Any, expected: Any, dtype: Any
) -> None:
    j = jacobian(f)(np.ones(shape, dtype))
    assert j.shape == expected
    assert not j.any()
    assert j.dtype == dtype


def test_python_floats_stay_python_floats() -> None:
    f = lambda x: x**3  # noqa: E731
    results = [
        jacrev(f)(2.0),
        jacfwd(f)(2.0),
        hessian(f)(2.0),
        hvp(f, 2.0, 1.0),
        elementwise_grad(f)(2.0),
    ]
    assert [type(r) for r in results] == [float] * 5


def test_nodes_in_nodes_out() -> None:
    f = lambda x: np.sum(x**3)  # noqa: E731
    x = mg.tensor([1.0, 2.0])
    for r in (jacrev(f)(x), jacfwd(f)(x), hessian(f)(x), elementwise_grad(f)(x)):
        assert isinstance(r, mg.Tensor) and not r.requires_grad
    assert isinstance(hvp(f, x, np.ones(2)), mg.Tensor)
    v = mg.Value(2.0)
    g = lambda x: x**3  # noqa: E731
    for r, expected in (
        (jacrev(g)(v), 12), (jacfwd(g)(v), 12), (hessian(g)(v), 12), (hvp(g, v, 1.0), 12),
        (elementwise_grad(g)(v), 12),
    ):  # fmt: skip
        assert isinstance(r, mg.Value) and r.data == expected


@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd, elementwise_grad])
def test_exact_numbers_have_exact_first_derivatives(transform: Any) -> None:
    slope = transform(lambda x: x**3 / (1 + x))(Fraction(1, 3))
    assert slope == Fraction(11, 48)
    assert type(slope) is Fraction


SECOND: dict[str, Callable[..., Any]] = {
    "grad of grad": lambda f, x: grad(grad(f))(x),
    "jvp of grad": lambda f, x: jvp(grad(f), (x,), (Fraction(1),))[1],
    "grad of jvp": lambda f, x: grad(lambda u: jvp(f, (u,), (Fraction(1),))[1])(x),
    "hessian": lambda f, x: hessian(f)(x),
    "hvp": lambda f, x: hvp(f, x, Fraction(1)),
}


@pytest.mark.parametrize("way", SECOND)
def test_exact_numbers_have_exact_and_plain_second_derivatives(way: str) -> None:
    curvature = SECOND[way](lambda x: 1 / x, Fraction(1, 3))
    assert type(curvature) is Fraction  # and not a Value
    assert curvature == 54


def test_constant_tensors_as_tangents_and_cotangents_leave_a_constant() -> None:
    x, v = mg.tensor([1.0, 2.0]), mg.tensor([1.0, -1.0])
    f = lambda u: u**3  # noqa: E731
    results = [
        hvp(lambda u: np.sum(f(u)), x, v), jvp(f, (x,), (v,))[1], mg.vjp(f, x)[1](v)[0],
        linearize(f, x)[1](v),
    ]  # fmt: skip
    # Nothing of the user's requires grad, so neither does a result: NumPy may have it.
    assert [r.requires_grad for r in results] == [False] * 4


def test_a_jacobian_is_nobodys_view_and_changes_nothing() -> None:
    x = np.array([1.0, 2.0])
    for jacobian in (jacrev, jacfwd):
        j = jacobian(lambda v: v)(x)
        j[:] = 7.0
        np.testing.assert_array_equal(jacobian(lambda v: v)(x), np.eye(2))
    assert x.tolist() == [1, 2]


def test_a_closure_over_a_leaf_leaves_the_graph_in_the_jacobian() -> None:
    for jacobian in (jacrev, jacfwd):
        w = mg.tensor([2.0, 5.0], requires_grad=True)
        j = jacobian(lambda x: w * x * x)(np.array([3.0, 4.0]))  # noqa: B023
        assert isinstance(j, mg.Tensor)
        np.testing.assert_array_equal(j.data, np.diag([12.0, 40.0]))
        j.sum().backward()
        np.testing.assert_array_equal(w.grad, [6.0, 8.0])
    w = mg.tensor(2.0, requires_grad=True)
    hessian(lambda x: w * x**3)(5.0).backward()
    assert w.grad == 30.0


def test_all_work_inside_no_grad() -> None:
    f = lambda x: x**3  # noqa: E731
    with mg.no_grad():
        assert (jacrev(f)(2.0), jacfwd(f)(2.0), hessian(f)(2.0), hvp(f, 2.0, 1.0)) == (
            12,
            12,
            12,
            12,
        )


@pytest.mark.parametrize(
    "transform",
    [jacrev, jacfwd, hessian, elementwise_grad, lambda f: lambda x: hvp(f, x, x)],
    ids=["jacrev", "jacfwd", "hessian", "elementwise_grad", "hvp"],
)
def test_the_function_is_run_once_however_large_the_matrix(transform: Any) -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sum(x**3)

    transform(f)(np.ones(5))
    assert len(calls) == 1


@pytest.mark.parametrize("transform", [jacrev, jacfwd, hessian])
def test_keyword_arguments_pass_through(transform: Any) -> None:
    assert transform(lambda x, k=1.0: k * x * x)(3.0, k=5.0) == (10 if transform is hessian else 30)


# ---- aux ----------------------------------------------------------------------------------------


def square_and(aux: Any) -> Callable[..., Any]:
    return lambda x: (x * x, aux(x))


@pytest.mark.parametrize("transform", [jacrev, jacfwd, hessian])
def test_aux_comes_back_beside_the_matrix(transform: Any) -> None:
    x = np.array([1.0, 2.0])
    matrix, aux = transform(lambda v: (np.sum(v * v), {"twice": [v * 2]}), has_aux=True)(x)
    np.testing.assert_array_equal(matrix, 2 * np.eye(2) if transform is hessian else 2 * x)
    equal(aux, {"twice": [2 * x]})
    assert type(aux["twice"][0]) is np.ndarray


@pytest.mark.parametrize("transform", [jacrev, jacfwd, hessian])
def test_aux_of_python_floats_is_a_python_float(transform: Any) -> None:
    assert type(transform(square_and(lambda x: x * 2), has_aux=True)(3.0)[1]) is float


@pytest.mark.parametrize("aux", ["text", 7, True, None, ["text", {"n": 7}]], ids=repr)
@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd, hessian])
def test_aux_may_be_anything(transform: Any, aux: Any) -> None:
    # "anything" in the docstrings: what is not a node comes back as it is, in value and in type.
    got = transform(square_and(lambda x: aux), has_aux=True)(3.0)[1]
    assert got == aux
    assert type(got) is type(aux)


@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd, hessian])
def test_aux_is_differentiated_by_what_is_outside(transform: Any) -> None:
    outer = lambda x: transform(square_and(lambda y: y * x), has_aux=True)(x)[1]  # noqa: E731
    assert grad(outer)(3.0) == 6.0
    assert jvp(outer, (3.0,), (1.0,))[1] == 6.0


# ---- perturbation confusion ---------------------------------------------------------------------

WAYS: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "grad": grad,
    "jvp": lambda f: lambda x: jvp(f, (x,), (1.0,))[1],
    "vjp": lambda f: lambda x: mg.vjp(f, x)[1](1.0)[0],
    "linearize": lambda f: lambda x: linearize(f, x)[1](1.0),
    "jacrev": jacrev,
    "jacfwd": jacfwd,
    "elementwise_grad": elementwise_grad,
}
ways = st.sampled_from(sorted(WAYS)).map(WAYS.__getitem__)
small = st.integers(-3, 3)


@pytest.mark.parametrize("outer", WAYS)
@pytest.mark.parametrize("inner", WAYS)
def test_an_inner_derivative_is_not_taken_for_the_outer_one(outer: str, inner: str) -> None:
    a, b = WAYS[outer], WAYS[inner]
    # Siskind and Pearlmutter's: 1, and 2 for those that confuse them.
    assert a(lambda x: x * b(lambda y: x + y)(1.0))(1.0) == 1.0
    assert a(lambda x: x * b(lambda y: x * y)(x))(3.0) == 6.0
    assert a(lambda x: x * b(lambda y: x * y)(2.0))(3.0) == 6.0
    assert a(lambda x: b(lambda y: x * x * y * y)(x))(2.0) == 24.0  # 2x²y at y = x: 2x³
    assert a(lambda x: b(lambda y: x)(1.0) + x)(3.0) == 1.0
    assert a(lambda x: b(lambda y: y * y)(x) * x)(3.0) == 12.0


@given(ways, ways, ways, st.tuples(*[small] * 4), st.integers(-4, 4))
def test_three_levels_of_closures_over_each_other_are_exact(
    a: Any, b: Any, c: Any, powers: tuple[int, ...], at: int
) -> None:
    i, j, k, m = (abs(p) for p in powers)

    def outermost(x: Any) -> Any:
        def middle(y: Any) -> Any:
            return y**m * c(lambda z: x**i * y**j * z**k)(y)  # k·xⁱ·y^(j+k-1+m)

        return x * b(middle)(x)

    # By hand: x·d/dy[k xⁱ yⁿ] at y = x with n = j + k - 1 + m, then d/dx; all small integers.
    n = j + k - 1 + m
    factor, power = (k * n, i + n) if k and n else (0, 0)
    expected = factor * power * float(at) ** (power - 1) if factor and power else 0.0
    assert a(outermost)(float(at)) == expected


@given(ways, ways, st.floats(-1, 1))
def test_the_amazing_bug_of_forward_mode_is_not_here(a: Any, b: Any, y: float) -> None:
    # Manzyuk et al. (2019): s(u)(f)(x) = f(x + u), D its derivative at 0; D(D(h)) must be h''.
    def shifted_slope(way: Any, f: Any) -> Any:
        return lambda x: way(lambda u: f(x + u))(0.0)

    got = shifted_slope(a, shifted_slope(b, mg.exp))(y)
    assert abs(got - np.exp(y)) <= 4 * EPS * np.exp(y)


def test_jvp_inside_grad_inside_jvp() -> None:
    # d/dz xyz = xy; times y: xy²; d/dy at y = x: 2x²; d/dx: 4x.
    inner = lambda x: lambda y: y * jvp(lambda z: x * y * z, (y,), (1.0,))[1]  # noqa: E731
    assert jvp(lambda x: grad(inner(x))(x), (3.0,), (1.0,)) == (18.0, 12.0)
    assert (
        grad(lambda x: jvp(lambda y: grad(lambda z: x * y * z * z)(y), (x,), (1.0,))[1])(3.0)
        == 24.0
    )


def test_an_outer_variable_may_be_tangent_or_cotangent() -> None:
    assert grad(lambda x: jvp(lambda y: y * y, (5.0,), (x,))[1])(3.0) == 10.0
    assert jvp(lambda x: mg.vjp(lambda y: y * y, 5.0)[1](x)[0], (3.0,), (1.0,)) == (30.0, 10.0)
    assert grad(lambda x: linearize(lambda y: y**3, x)[1](x))(2.0) == 36.0  # 3x³
    assert grad(lambda x: hvp(lambda y: y**3, 5.0, x))(3.0) == 30.0
    assert grad(lambda x: hvp(lambda y: x * y**3, x, x))(2.0) == 72.0  # 6x³ → 18x²


def test_a_pull_or_push_used_after_its_call_still_belongs_to_it() -> None:
    def f(x: Any) -> Any:
        y, pull = mg.vjp(lambda v: x * v * v, 2.0)
        _, push = linearize(lambda v: x * v * v, x)
        return pull(1.0)[0] * push(x)  # 4x · 2x³

    assert grad(f)(3.0) == 8 * 4 * 27.0
    assert jvp(f, (3.0,), (1.0,))[1] == 8 * 4 * 27.0
    assert grad(grad(f))(3.0) == 8 * 12 * 9.0


def test_matrices_inside_matrices_close_over_outer_variables() -> None:
    x = np.array([1.0, 2.0, -3.0])
    for a, b in itertools.product((jacrev, jacfwd), (jacrev, jacfwd)):
        # The inner Jacobian of x·y² at y = x is diag(2x²); its row sums have slope diag(4x).
        rows = a(lambda v: np.sum(b(lambda y: v * y * y)(v), axis=1))(x)  # noqa: B023
        np.testing.assert_array_equal(rows, np.diag(4 * x))
    np.testing.assert_array_equal(
        grad(lambda v: np.sum(hessian(lambda y: np.sum(v * y**3))(v)))(x),
        12 * x,  # Σ 6x²
    )


# ---- refusals -----------------------------------------------------------------------------------

CALLS: dict[str, Callable[..., Any]] = {
    "jacrev": lambda f, x, **kw: jacrev(f, **kw)(x),
    "jacfwd": lambda f, x, **kw: jacfwd(f, **kw)(x),
    "hessian": lambda f, x, **kw: hessian(f, **kw)(x),
    "elementwise_grad": lambda f, x, **kw: elementwise_grad(f, **kw)(x),
    "hvp": lambda f, x: hvp(f, x, x),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_starts_with_the_name_of_what_was_called(name: str) -> None:
    with pytest.raises(DTypeError) as caught:
        CALLS[name](lambda x: x * x, 3)
    assert str(caught.value).partition(": ")[0] == name


def test_hvp_names_tangents_that_do_not_fit() -> None:
    with pytest.raises(ShapeError) as caught:
        hvp(lambda x, y: x * x * y, (2.0, 3.0), (1.0,))
    assert str(caught.value).endswith(": 2 primals but 1 tangents; give one for each")
    with pytest.raises(ShapeError) as caught:
        hvp(lambda x: np.sum(x**3), np.ones(2), np.ones(3))
    assert str(caught.value).endswith(": a cotangent or tangent has shape (3,), expected (2,)")


@JACOBIANS
def test_an_argument_named_twice_is_refused_or_gets_its_gradient_twice(jacobian: Any) -> None:
    # Either answer would be right (torch.func refuses); zero for the first of the two is not.
    try:
        got = jacobian(lambda x, y: x * y * y, argnums=(0, 0))(3.0, 2.0)
    except MicrogradError as error:
        assert "argnums" in str(error)
    else:
        assert got == (4.0, 4.0)


@JACOBIANS
def test_argnums_may_be_any_integer(jacobian: Any) -> None:
    assert jacobian(lambda x, y: x * y * y, argnums=np.int64(1))(3.0, 2.0) == 12.0


def test_tangents_and_cotangents_in_dicts_are_matched_by_key() -> None:
    f = lambda p: {"s": p["a"] * p["b"], "t": p["a"]}  # noqa: E731
    p = {"a": 2.0, "b": 3.0}
    assert jvp(f, (p,), ({"b": 1.0, "a": 0.0},))[1] == {"s": 2.0, "t": 0.0}
    assert linearize(f, p)[1]({"b": 1.0, "a": 0.0}) == {"s": 2.0, "t": 0.0}
    assert mg.vjp(f, p)[1]({"t": 1.0, "s": 0.0})[0] == {"a": 1.0, "b": 0.0}
    g = lambda p: p["a"] ** 2 * p["b"]  # noqa: E731
    assert hvp(g, (p,), ({"b": 1.0, "a": 0.0},)) == ({"a": 4.0, "b": 0.0},)


def test_tangents_of_another_form_are_refused() -> None:
    f = lambda p: p["a"] * p["b"]  # noqa: E731
    for tangents in (([1.0, 0.0],), ({"a": 1.0, "c": 0.0},), (1.0, 0.0)):
        with pytest.raises(MicrogradError, match="^jvp: "):
            jvp(f, ({"a": 2.0, "b": 3.0},), tangents)


def test_trees_are_what_the_tests_above_take_them_for() -> None:
    assert tree.leaves({"b": 1, "a": (2, [3], None)}) == [1, 2, 3]
