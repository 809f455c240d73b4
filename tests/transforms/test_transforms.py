"""grad, value_and_grad, vjp, jvp: forms of arguments, nesting, closures, refusals."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import grad, jvp, value_and_grad, vjp

numbers = st.floats(-2, 2)
FUNCTIONS = {
    "sin·exp": (
        lambda x: mg.sin(x) * mg.exp(x),
        lambda x: math.exp(x) * (math.sin(x) + math.cos(x)),
    ),
    "tanh": (mg.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "x³": (lambda x: x**3, lambda x: 3 * x**2),
    "σ": (mg.sigmoid, lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=numbers)
def test_both_modes_give_the_derivative(name: str, x: float) -> None:
    f, df = FUNCTIONS[name]
    value, slope = value_and_grad(f)(x)
    assert type(slope) is float
    np.testing.assert_allclose(slope, df(x), rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(jvp(f, (x,), (1.0,)), (value, df(x)), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=numbers)
def test_every_mix_of_modes_gives_the_same_third_derivative(name: str, x: float) -> None:
    f, _ = FUNCTIONS[name]

    def push(g: Any) -> Any:
        return lambda v: jvp(g, (v,), (1.0,))[1]

    ways = [a(b(c(f)))(x) for a in (grad, push) for b in (grad, push) for c in (grad, push)]
    np.testing.assert_allclose(ways, ways[0], rtol=1e-12, atol=1e-12)


def test_nested_derivatives_do_not_confuse_their_variables() -> None:
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(3.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0
    assert grad(lambda x: x * jvp(lambda y: x * y, (x,), (1.0,))[1])(3.0) == 6.0
    assert jvp(lambda x: x * grad(lambda y: x * y)(x), (3.0,), (1.0,))[1] == 6.0
    assert jvp(lambda x: x * jvp(lambda y: x * y, (2.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 6.0


def test_a_closure_over_a_leaf_stays_differentiable() -> None:
    w = mg.tensor(2.0, requires_grad=True)
    slope = grad(lambda x: w * x * x)(3.0)
    assert isinstance(slope, mg.Tensor) and slope.item() == 12.0
    slope.backward()
    assert w.grad == 6.0


@given(st.integers(0, 99))
def test_trees_of_arrays_keep_their_form_shapes_and_dtypes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    params = {"w": rng.normal(size=(2, 3)).astype(np.float32), "rest": [rng.normal(size=3), (0.5,)]}

    def f(p: Any, x: Any) -> Any:
        return mg.sum(mg.tanh(x @ p["w"] + p["rest"][0])) * p["rest"][1][0]

    x = rng.normal(size=(4, 2))
    value, g = value_and_grad(f)(params, x)
    h = np.tanh(x @ params["w"] + params["rest"][0])
    np.testing.assert_allclose(value, 0.5 * h.sum(), rtol=1e-13)
    assert g["w"].dtype == np.float32 and g["w"].shape == (2, 3)
    np.testing.assert_allclose(g["rest"][0], 0.5 * (1 - h * h).sum(0), rtol=1e-12)
    np.testing.assert_allclose(g["rest"][1][0], h.sum(), rtol=1e-12, atol=1e-13)
    assert isinstance(g["rest"][1], tuple) and isinstance(g["w"], np.ndarray)


def test_argnums_and_aux() -> None:
    f = lambda x, y, scale=1.0: (scale * x * y, {"x": x})  # noqa: E731
    assert grad(f, argnums=1, has_aux=True)(2.0, 3.0, scale=10.0)[0] == 20.0
    (value, aux), (gx, gy) = value_and_grad(f, argnums=(0, -1), has_aux=True)(2.0, 3.0)
    assert (value, gx, gy) == (6.0, 3.0, 2.0)
    assert aux == {"x": 2.0} and type(aux["x"]) is float


def test_vjp_pulls_and_jvp_pushes_through_several_outputs() -> None:
    f = lambda x, y: (x * y, {"s": mg.sum(x)})  # noqa: E731
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    out, pull = vjp(f, x, y)
    gx, gy = pull((np.array([1.0, 10.0]), {"s": 100.0}))
    assert (gx.tolist(), gy.tolist()) == ([103.0, 140.0], [1.0, 20.0])
    assert out[1]["s"] == 3.0
    _, (t, s) = jvp(f, (x, y), (np.ones(2), np.zeros(2)))
    assert (t.tolist(), s["s"]) == ([3.0, 4.0], 2.0)


def test_an_unused_argument_has_gradient_zero() -> None:
    gx, gy = grad(lambda x, y: mg.sum(y * 2), argnums=(0, 1))(np.ones(3), np.ones(2))
    assert (gx.tolist(), gy.tolist()) == ([0, 0, 0], [2, 2])
    assert jvp(lambda x: 3.0, (1.0,), (1.0,)) == (3.0, 0.0)


def test_exact_numbers_come_back_exact() -> None:
    assert grad(lambda x: x**3 / (1 + x))(Fraction(1, 3)) == Fraction(11, 48)


def test_nodes_in_nodes_out() -> None:
    assert isinstance(grad(mg.sin)(mg.Value(0.5)), mg.Value)
    assert isinstance(grad(mg.sin)(mg.tensor(0.5)), mg.Tensor)


def test_the_users_arrays_are_not_changed_or_shared() -> None:
    x = np.ones(3)
    g = grad(lambda v: mg.sum(v * v))(x)
    g[:] = 7.0
    assert x.tolist() == [1, 1, 1]


def test_derivatives_are_taken_inside_no_grad_too() -> None:
    with mg.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
