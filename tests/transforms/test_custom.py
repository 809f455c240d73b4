"""custom_vjp and custom_jvp: the user's rule in every transform, to any order; wrong rules named."""

import threading
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import (
    custom_jvp,
    custom_vjp,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    value_and_grad,
    vjp,
)
from microgradnn.engine.node import plain
from microgradnn.errors import GradientError, MicrogradError, RuleError, ShapeError

EPS = 2.0**-52


def with_vjp(fun: Callable[..., Any], bwd: Any, fwd: Any = None) -> Any:
    """fun with a rule whose residuals are the arguments."""
    f = custom_vjp(fun)
    f.defvjp(fwd or (lambda *args: (fun(*args), args)), bwd)
    return f


def with_jvp(fun: Callable[..., Any], rule: Any) -> Any:
    f = custom_jvp(fun)
    f.defjvp(rule)
    return f


def with_jvps(fun: Callable[..., Any], *rules: Any) -> Any:
    f = custom_jvp(fun)
    f.defjvps(*rules)
    return f


# x·sin(y) three ways; nothing of its derivative is found by the library itself.
PRODUCT = lambda x, y: x * np.sin(y)  # noqa: E731
BOTH: dict[str, Any] = {
    "custom_vjp": with_vjp(
        PRODUCT, lambda kept, g: (g * np.sin(kept[1]), g * kept[0] * np.cos(kept[1]))
    ),
    "custom_jvp": with_jvp(
        PRODUCT,
        lambda xs, ts: (
            PRODUCT(*xs),
            ts[0] * np.sin(xs[1]) + xs[0] * np.cos(xs[1]) * ts[1],
        ),
    ),
    "defjvps": with_jvps(
        PRODUCT,
        lambda t, z, x, y: t * np.sin(y),
        lambda t, z, x, y: t * x * np.cos(y),
    ),
}
each_way = pytest.mark.parametrize("way", BOTH)
numbers = st.floats(-2, 2)


# ---- the rule is used, in every transform -------------------------------------------------------


@each_way
@given(numbers, numbers)
def test_the_rule_serves_both_modes_and_every_order(way: str, x: float, y: float) -> None:
    f, builtin = BOTH[way], PRODUCT
    for transform in (grad, jacrev, jacfwd, hessian, elementwise_grad):
        got = transform(f, argnums=(0, 1))(x, y)
        expected = transform(builtin, argnums=(0, 1))(x, y)
        # At most four products of numbers of at most 2, added.
        np.testing.assert_allclose(got, expected, rtol=0, atol=16 * EPS)
    both = (f, builtin)
    for one in (
        [jvp(h, (x, y), (0.5, -2.0)) for h in both],
        [vjp(h, x, y)[1](3.0) for h in both],
        [linearize(h, x, y)[1](0.5, -2.0) for h in both],
        [hvp(h, (x, y), (0.5, -2.0)) for h in both],
        [value_and_grad(h)(x, y) for h in both],
        [grad(grad(grad(h, 1), 0), 1)(x, y) for h in both],
        [jvp(lambda v: jvp(lambda u: h(v, u), (y,), (1.0,))[1], (x,), (1.0,))[1] for h in both],  # noqa: B023
    ):
        np.testing.assert_allclose(one[0], one[1], rtol=0, atol=32 * EPS)


@each_way
@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_arrays_in_arrays_out(way: str, n: int, seed: int) -> None:
    f = BOTH[way]
    x, y = np.random.default_rng(seed).uniform(-2, 2, (2, n))
    expected = np.diag(np.sin(y)), np.diag(x * np.cos(y))
    for jacobian in (jacrev, jacfwd):
        got = jacobian(f, argnums=(0, 1))(x, y)
        np.testing.assert_allclose(got, expected, rtol=0, atol=4 * EPS)
    a, b = mg.tensor(x, requires_grad=True), mg.tensor(y, requires_grad=True)
    f(a, b).backward(np.ones(n))
    np.testing.assert_allclose(plain(a.grad), np.sin(y), rtol=0, atol=4 * EPS)
    np.testing.assert_allclose(plain(b.grad), x * np.cos(y), rtol=0, atol=4 * EPS)


@each_way
def test_values_and_tensors_of_no_axes(way: str) -> None:
    for make in (mg.Value, lambda v: mg.tensor(v, requires_grad=True)):
        x, y = make(2.0), make(0.5)
        z = BOTH[way](x, y)
        assert type(z) is type(x)
        z.backward()
        gs = [float(plain(x.grad)), float(plain(y.grad))]
        np.testing.assert_allclose(gs, [np.sin(0.5), 2 * np.cos(0.5)], rtol=4 * EPS)


@each_way
def test_gradients_of_an_ordinary_backward_are_plain(way: str) -> None:
    # Residuals are nodes; what the rule makes of them must not be left in .grad as a node.
    x, y = (mg.tensor([v, v], requires_grad=True) for v in (2.0, 0.5))
    BOTH[way](x, y).sum().backward()
    assert [type(t.grad) for t in (x, y)] == [np.ndarray] * 2
    assert [type(g) for g in mg.autograd.grad(BOTH[way](x, y).sum(), [x, y])] == [np.ndarray] * 2
    x, y = mg.Value(2.0), mg.Value(0.5)
    BOTH[way](x, y).backward()
    assert not isinstance(x.grad, mg.Value) and not isinstance(y.grad, mg.Value)


@each_way
def test_the_rule_is_taken_and_not_the_derivative_of_the_function(way: str) -> None:
    fun = lambda x: x * x  # noqa: E731
    f = {
        "custom_vjp": with_vjp(fun, lambda kept, g: (100 * g,)),
        "custom_jvp": with_jvp(fun, lambda xs, ts: (fun(*xs), 100 * ts[0])),
        "defjvps": with_jvps(fun, lambda t, y, x: 100 * t),
    }[way]
    assert grad(f)(3.0) == 100.0
    assert jvp(f, (3.0,), (1.0,)) == (9.0, 100.0)
    assert jacrev(f)(np.ones(2)).tolist() == [[100, 0], [0, 100]]
    assert jacfwd(f)(np.ones(2)).tolist() == [[100, 0], [0, 100]]
    assert grad(lambda x: f(f(x)) + f(x))(3.0) == 10_100.0
    assert grad(grad(f))(3.0) == 0.0


@each_way
def test_without_anything_to_differentiate_the_plain_function_runs(way: str) -> None:
    calls: list[str] = []

    def fun(x: Any) -> Any:
        calls.append("fun")
        return x * 2

    def rule(*_: Any) -> Any:
        raise AssertionError("the rule was called")

    f = {
        "custom_vjp": lambda: with_vjp(fun, rule, rule),
        "custom_jvp": lambda: with_jvp(fun, rule),
        "defjvps": lambda: with_jvps(fun, rule),
    }[way]()
    assert f(3.0) == 6.0
    assert f(np.ones(2)).tolist() == [2.0, 2.0]
    assert f(mg.tensor([1.0])).data.tolist() == [2.0]
    with mg.no_grad():
        assert not f(mg.tensor([1.0], requires_grad=True)).requires_grad
    assert calls == ["fun"] * 4


@each_way
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_have_the_dtype_of_their_arguments(way: str, dtype: Any) -> None:
    x, y = np.array([0.5, 1.0], dtype), np.array([1.5, -1.0], dtype)
    total = lambda x, y: np.sum(BOTH[way](x, y))  # noqa: E731
    for g in grad(total, argnums=(0, 1))(x, y):
        assert (g.dtype, g.shape) == (dtype, (2,))
    assert jvp(BOTH[way], (x, y), (x, y))[1].dtype == dtype


@each_way
def test_a_mixed_call_differentiates_what_requires_grad(way: str) -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    constant = mg.tensor([0.5, 0.25])
    for y in (constant, constant.data):
        x.clear_grad()
        BOTH[way](x, y).sum().backward()
        np.testing.assert_allclose(plain(x.grad), np.sin([0.5, 0.25]), rtol=4 * EPS)
    assert constant.grad is None


def test_exact_numbers_go_through_a_rule() -> None:
    cube = with_vjp(lambda x: x**3, lambda kept, g: (3 * kept[0] ** 2 * g,))
    assert grad(cube)(Fraction(1, 3)) == Fraction(1, 3)
    cube = with_jvp(lambda x: x**3, lambda xs, ts: (xs[0] ** 3, 3 * xs[0] ** 2 * ts[0]))
    assert jvp(cube, (Fraction(1, 3),), (Fraction(1),)) == (Fraction(1, 27), Fraction(1, 3))


# ---- what it is for -----------------------------------------------------------------------------


def test_a_gradient_clipped_on_its_way_back() -> None:
    f = with_vjp(lambda x: x * 1, lambda _, g: (np.clip(g, -1, 1),))
    assert grad(lambda x: f(x) * 10)(3.0) == 1.0
    assert grad(lambda x: f(x) * 0.25)(3.0) == 0.25


def test_log1pexp_is_finite_where_its_formula_overflows() -> None:
    # JAX's example: the derivative of log(1 + exp(x)) at 100 is 1, and inf/inf by the formula.
    f = custom_jvp(lambda x: np.log(1 + np.exp(x)))
    f.defjvps(lambda t, y, x: (1 - 1 / (1 + np.exp(x))) * t)
    assert grad(f)(100.0) == 1.0
    assert grad(grad(f))(0.0) == 0.25
    assert abs(grad(f)(0.5) - 1 / (1 + np.exp(-0.5))) <= 4 * EPS


def test_a_solver_differentiated_at_its_solution() -> None:
    # Newton's iteration for √a is not looked into; the rule is the implicit function theorem.
    steps: list[int] = []

    def newton(a: Any) -> Any:
        y = a
        for _ in range(60):
            steps.append(1)
            y = (y + a / y) / 2
        return y

    def fwd(a: Any) -> Any:
        y = root(a)
        return y, y

    root = custom_vjp(newton)
    root.defvjp(fwd, lambda y, g: (g / (2 * y),))
    assert grad(root)(4.0) == 0.25
    assert len(steps) == 60
    assert abs(grad(grad(root))(4.0) - -1 / 32) <= 4 * EPS


def test_a_function_that_numpy_cannot_be_asked_for_gets_a_derivative() -> None:
    def outside(x: Any) -> np.ndarray:
        """Needs a real array, like anything written in C."""
        return np.sort(np.asarray(x.data if isinstance(x, mg.Tensor) else x))[::-1].copy()

    f = custom_vjp(outside)
    f.defvjp(
        lambda x: (outside(x), np.argsort(x.data)[::-1]),
        lambda at, g: (mg.stack([g[int(i)] for i in np.argsort(at)]),),
    )
    x = mg.tensor([2.0, 3.0, 1.0], requires_grad=True)
    y = f(x)
    assert y.data.tolist() == [3.0, 2.0, 1.0]
    y.backward(np.array([10.0, 20.0, 30.0]))
    assert x.grad.tolist() == [20.0, 10.0, 30.0]


# ---- forms of arguments and results -------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        with_vjp(
            lambda x, y: (x * y, {"sum": [x + y]}),
            lambda kept, g: (
                g[0] * kept[1] + g[1]["sum"][0],
                g[0] * kept[0] + g[1]["sum"][0],
            ),
        ),
        with_jvp(
            lambda x, y: (x * y, {"sum": [x + y]}),
            lambda xs, ts: (
                None,
                (ts[0] * xs[1] + xs[0] * ts[1], {"sum": [ts[0] + ts[1]]}),
            ),
        ),
    ],
    ids=["custom_vjp", "custom_jvp"],
)
def test_several_outputs_in_their_form(f: Any) -> None:
    for jacobian in (jacrev, jacfwd):
        assert jacobian(f, argnums=(0, 1))(2.0, 3.0) == ((3.0, 2.0), {"sum": [(1.0, 1.0)]})
    x = np.array([1.0, 2.0])
    product, total = jvp(f, (x, x), (np.ones(2), np.zeros(2)))[1]
    assert (product.tolist(), total["sum"][0].tolist()) == ([1.0, 2.0], [1.0, 1.0])
    gx, gy = vjp(f, x, 3 * x)[1]((np.array([1.0, 10.0]), {"sum": [np.ones(2)]}))
    assert (gx.tolist(), gy.tolist()) == ([4.0, 61.0], [2.0, 21.0])
    # One of the outputs only: the cotangent of the other is zero.
    assert grad(lambda x, y: f(x, y)[1]["sum"][0], argnums=(0, 1))(2.0, 3.0) == (1.0, 1.0)
    assert hessian(lambda x, y: f(x, y)[0] * f(x, y)[1]["sum"][0], (0, 1))(2.0, 3.0) == (
        (6.0, 10.0), (10.0, 4.0),
    )  # fmt: skip


def test_outputs_of_different_shapes() -> None:
    f = with_vjp(
        lambda x: (np.sum(x), x * 2, np.stack([x, x])),
        lambda kept, g: (g[0] + 2 * g[1] + np.sum(g[2], axis=0),),
    )
    x = np.array([1.0, 2.0])
    for jacobian in (jacrev, jacfwd):
        a, b, c = jacobian(f)(x)
        assert (a.tolist(), b.tolist()) == ([1, 1], [[2, 0], [0, 2]])
        assert c.tolist() == [np.eye(2).tolist()] * 2


@pytest.mark.parametrize(
    "f",
    [
        with_vjp(
            lambda p: p["a"] * p["b"][0],
            lambda kept, g: ({"a": g * kept[0]["b"][0], "b": (g * kept[0]["a"],)},),
        ),
        with_jvp(
            lambda p: p["a"] * p["b"][0],
            lambda xs, ts: (None, ts[0]["a"] * xs[0]["b"][0] + xs[0]["a"] * ts[0]["b"][0]),
        ),
    ],
    ids=["custom_vjp", "custom_jvp"],
)
def test_arguments_may_be_trees(f: Any) -> None:
    p = {"a": 2.0, "b": (3.0,)}
    assert grad(f)(p) == {"a": 3.0, "b": (2.0,)}
    assert jvp(f, (p,), ({"a": 1.0, "b": (10.0,)},)) == (6.0, 23.0)
    assert hvp(f, (p,), ({"a": 1.0, "b": (10.0,)},)) == ({"a": 10.0, "b": (1.0,)},)


def test_cotangents_in_a_dict_are_matched_by_key() -> None:
    f = with_vjp(
        lambda p: p["a"] * p["b"],
        lambda kept, g: ({"b": g * kept[0]["a"], "a": g * kept[0]["b"]},),
    )
    assert grad(f)({"a": 2.0, "b": 3.0}) == {"a": 3.0, "b": 2.0}


def test_none_is_zero_for_an_argument_or_for_a_leaf_of_one() -> None:
    f = with_vjp(lambda x, y: x * y, lambda kept, g: (None, g * kept[0]))
    assert grad(f, argnums=(0, 1))(2.0, 3.0) == (0.0, 2.0)
    f = with_jvps(lambda x, y: x * y, None, lambda t, z, x, y: t * x)
    assert grad(f, argnums=(0, 1))(2.0, 3.0) == (0.0, 2.0)
    f = with_jvps(lambda x, y: x * y, None, None)
    assert grad(f, argnums=(0, 1))(2.0, 3.0) == (0.0, 0.0)
    assert jvp(f, (2.0, 3.0), (1.0, 1.0)) == (6.0, 0.0)
    f = with_vjp(lambda p: p["a"] * p["b"], lambda kept, g: (None,))
    assert grad(f)({"a": 2.0, "b": 3.0}) == {"a": 0.0, "b": 0.0}


def test_none_is_zero_for_a_leaf_inside_an_argument() -> None:
    f = with_vjp(lambda p: p["a"] * p["b"], lambda kept, g: ({"a": g * kept[0]["b"], "b": None},))
    assert grad(f)({"a": 2.0, "b": 3.0}) == {"a": 3.0, "b": 0.0}


@pytest.mark.parametrize(
    "other",
    [None, 3, "text", True, np.array([0, 1]), len],
    ids=["None", "int", "text", "bool", "integers", "function"],
)
def test_arguments_without_a_derivative_pass_through(other: Any) -> None:
    seen: list[Any] = []

    def fun(x: Any, o: Any) -> Any:
        seen.append(o)
        return x * 2

    f = with_vjp(fun, lambda kept, g: (2 * g, None))
    assert grad(lambda x: f(x, other))(3.0) == 2.0
    assert jvp(lambda x: f(x, other), (3.0,), (1.0,)) == (6.0, 2.0)
    f = with_jvp(fun, lambda xs, ts: (fun(*xs), 2 * ts[0]))
    assert jvp(lambda x: f(x, other), (3.0,), (1.0,)) == (6.0, 2.0)
    assert grad(lambda x: f(x, other))(3.0) == 2.0
    assert all(type(o) is type(other) for o in seen)


def test_a_rule_may_return_numbers_lists_of_parts_and_other_dtypes() -> None:
    assert grad(with_vjp(lambda x: x * 1, lambda kept, g: [5]))(3.0) == 5.0
    assert jvp(with_vjp(lambda x: x * 1, lambda kept, g: (0.0,)), (3.0,), (1.0,)) == (3.0, 0.0)
    f = with_vjp(lambda x: x * 1, lambda kept, g: (np.array([1.0, 2.0]),))
    g = grad(lambda x: np.sum(f(x)))(np.ones(2, np.float32))
    assert (g.dtype, g.tolist()) == (np.float32, [1.0, 2.0])


@pytest.mark.parametrize("tangent", [0.0, 5.0, np.float64(5.0)], ids=["zero", "float", "float64"])
def test_a_tangent_may_be_a_plain_number(tangent: Any) -> None:
    # A constant tangent is not linear unless it is zero; forward mode takes the rule at its word.
    f = with_jvp(lambda x: x * 1, lambda xs, ts: (xs[0], tangent))
    assert jvp(f, (3.0,), (1.0,)) == (3.0, tangent)


# ---- residuals, closures, order -----------------------------------------------------------------


def test_fwd_runs_on_nodes_without_a_graph_and_bwd_on_arrays() -> None:
    kinds: list[Any] = []

    def fwd(x: Any) -> Any:
        kinds.append((type(x), x.requires_grad))
        return x * x, x

    def bwd(x: Any, g: Any) -> Any:
        kinds.append((type(x), type(g)))
        return (2 * g * x,)

    f = custom_vjp(lambda x: x * x)
    f.defvjp(fwd, bwd)
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    f(x).sum().backward()
    assert kinds == [(mg.Tensor, False), (mg.Tensor, np.ndarray)]
    assert x.grad.tolist() == [2.0, 4.0]


def test_fwd_runs_once_for_the_first_derivative_and_the_function_itself_not_at_all() -> None:
    calls: list[str] = []
    f = custom_vjp(lambda x: calls.append("fun") or x * x)
    f.defvjp(
        lambda x: calls.append("fwd") or (x * x, x),
        lambda x, g: calls.append("bwd") or (2 * g * x,),
    )
    value, pull = vjp(f, 3.0)
    assert (value, calls) == (9.0, ["fwd"])
    pull(1.0)
    pull(2.0)
    assert calls == ["fwd", "bwd", "bwd"]


def test_a_second_derivative_differentiates_bwd_and_the_residuals() -> None:
    # The value of fwd is right, the rule that of x³: so the second derivative is 6x, not 2.
    f = with_vjp(lambda x: x * x, lambda kept, g: (g * 3 * kept * kept,), lambda x: (x * x, x))
    assert grad(f)(5.0) == 75.0
    for second in (grad(grad(f)), jacfwd(jacrev(f)), jacrev(jacfwd(f)), hessian(f)):
        assert second(5.0) == 30.0
    assert grad(grad(grad(f)))(5.0) == 6.0
    kept_squared = with_vjp(lambda x: x * x, lambda kept, g: (g * kept,), lambda x: (x * x, x**4))
    assert grad(grad(kept_squared))(2.0) == 32.0  # 4x³


def test_rules_may_call_the_function_itself() -> None:
    exp = custom_jvp(lambda x: np.exp(x))

    @exp.defjvp
    def rule(xs: Any, ts: Any) -> Any:
        y = exp(*xs)
        return y, y * ts[0]

    f: Any = exp
    for _ in range(4):
        f = grad(f)
    assert f(0.0) == 1.0
    g = custom_vjp(lambda x: np.exp(x))
    g.defvjp(lambda x: (g(x), x), lambda x, c: (c * g(x),))
    f = g
    for _ in range(4):
        f = grad(f)
    assert f(0.0) == 1.0


def test_custom_functions_nest() -> None:
    inner = with_vjp(lambda x: x * x, lambda kept, g: (2 * g * kept[0],))
    outer = with_jvp(lambda x: inner(x) + 1, lambda xs, ts: (None, ts[0] * 2 * inner(xs[0])))
    assert grad(outer)(3.0) == 18.0
    assert grad(grad(outer))(3.0) == 12.0
    assert jvp(grad(outer), (3.0,), (1.0,)) == (18.0, 12.0)


@pytest.mark.parametrize("kind", ["custom_vjp", "custom_jvp"])
def test_a_closed_over_variable_is_not_silently_a_constant(kind: str) -> None:
    # The rule says nothing of w, so its gradient cannot be given; JAX refuses, and zero is wrong.
    def loss(w: Any) -> Any:
        if kind == "custom_vjp":
            f = with_vjp(lambda x: w * x, lambda kept, g: (g * w,))
        else:
            f = with_jvp(lambda x: w * x, lambda xs, ts: (None, ts[0] * w))
        x = mg.tensor(3.0, requires_grad=True)
        return f(x)

    with pytest.raises(MicrogradError):
        grad(loss)(2.0)


def test_rules_work_in_threads_at_the_same_time() -> None:
    barrier, found = threading.Barrier(4), {}

    def work(k: int) -> None:
        barrier.wait(10)
        for _ in range(20):
            for way in BOTH:
                found.setdefault(k, set()).add(grad(BOTH[way])(float(k), 0.0))
            found[k].add(grad(BOTH["custom_vjp"], 1)(float(k), 0.0))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert found == {k: {0.0, float(k)} for k in range(4)}


# ---- decorators ---------------------------------------------------------------------------------


@pytest.mark.parametrize("decorator", [custom_vjp, custom_jvp])
def test_decorators_keep_name_doc_and_the_function(decorator: Any) -> None:
    def softsign(x: Any) -> Any:
        """x / (1 + |x|)."""
        return x / (1 + np.abs(x))

    f = decorator(softsign)
    assert (f.__name__, f.__doc__, f.__wrapped__) == ("softsign", "x / (1 + |x|).", softsign)
    assert repr(f) == f"<{decorator.__name__} softsign>"
    assert f(1.0) == 0.5
    assert decorator(np.sin).__name__ == "sin"


def test_defjvp_gives_back_the_rule_and_the_last_one_counts() -> None:
    f = custom_jvp(lambda x: x * 1)
    rule = lambda xs, ts: (xs[0], 2 * ts[0])  # noqa: E731
    assert f.defjvp(rule) is rule
    assert grad(f)(1.0) == 2.0
    f.defjvps(lambda t, y, x: 3 * t)
    assert grad(f)(1.0) == 3.0
    g = with_vjp(lambda x: x * 1, lambda kept, c: (2 * c,))
    g.defvjp(lambda x: (x, None), lambda kept, c: (5 * c,))
    assert grad(g)(1.0) == 5.0


def test_the_node_that_is_recorded_has_the_functions_name() -> None:
    def my_function(x: Any) -> Any:
        return x * 2

    y = with_vjp(my_function, lambda kept, g: (2 * g,))(mg.tensor([1.0], requires_grad=True))
    assert y.op.name == "my_function"
    assert "op=my_function" in repr(y)
    assert len(y.parents) == 1  # one node, whatever happens inside


# ---- wrong rules --------------------------------------------------------------------------------


def named(x: Any) -> Any:
    return x * 1


def first_of_two(x: Any, y: Any) -> Any:
    return x * 1


def tree(p: Any) -> Any:
    return p["a"] * p["b"]


X = np.array([1.0, 2.0])
WRONG: list[tuple[Any, tuple[Any, ...], type[Exception], str]] = [
    (custom_vjp(named), (X,), RuleError, "named: has no rule yet; call defvjp(fwd, bwd) first"),
    (custom_jvp(named), (X,), RuleError, "named: has no rule yet; call defjvp(jvp) first"),
    (
        with_vjp(named, lambda kept, g: g),
        (X,),
        ShapeError,
        "named: bwd must return a tuple of 1, one cotangent for each argument, got ndarray",
    ),
    (
        with_vjp(named, lambda kept, g: None),
        (X,),
        ShapeError,
        "named: bwd must return a tuple of 1, one cotangent for each argument, got NoneType",
    ),
    (
        with_vjp(named, lambda kept, g: {"x": g}),
        (X,),
        ShapeError,
        "named: bwd must return a tuple of 1, one cotangent for each argument, got dict",
    ),
    (
        with_vjp(named, lambda kept, g: (g, g)),
        (X,),
        ShapeError,
        "named: bwd must return a tuple of 1, one cotangent for each argument, got tuple of 2",
    ),
    (
        with_vjp(first_of_two, lambda kept, g: [g]),
        (X, X),
        ShapeError,
        "first_of_two: bwd must return a tuple of 2, one cotangent for each argument, got list of 1",
    ),
    (
        with_vjp(first_of_two, lambda kept, g: (g, np.sum(g))),
        (X, X),
        ShapeError,
        "first_of_two: bwd returned shape () for argument 1 of shape (2,)",
    ),
    (
        with_vjp(named, lambda kept, g: (np.ones((1, 2)),)),
        (X,),
        ShapeError,
        "named: bwd returned shape (1, 2) for argument 0 of shape (2,)",
    ),
]


@pytest.mark.parametrize(("f", "args", "error", "text"), WRONG, ids=range(len(WRONG)))
def test_wrong_rules_are_named(f: Any, args: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        grad(lambda *xs: np.sum(f(*xs)), argnums=tuple(range(len(args))))(*args)
    assert str(caught.value) == text


def test_a_function_of_values_returns_one_number() -> None:
    f = with_vjp(lambda x: (x, x), lambda kept, g: (g[0] + g[1],))
    with pytest.raises(RuleError) as caught:
        f(mg.Value(1.0))
    assert str(caught.value) == (
        "<lambda>: a function of Values returns one number; use Tensors for more"
    )


def test_a_bwd_that_leaves_the_graph_is_an_error_where_the_graph_is_needed() -> None:
    f = with_vjp(named, lambda kept, g: (np.asarray(g),))
    assert grad(lambda x: np.sum(f(x)))(X).tolist() == [1.0, 1.0]
    with pytest.raises(
        GradientError, match="^np.asarray: a tensor requires grad and would lose it"
    ):
        jvp(f, (X,), (X,))


REVERSE = lambda f, *xs: (lambda y, pull: pull(np.ones_like(y)))(*vjp(f, *xs))  # noqa: E731
FORWARD = lambda f, *xs: jvp(f, xs, xs)  # noqa: E731
ILL_FORMED: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "fwd returns no pair": (with_vjp(named, lambda kept, g: (g,), lambda x: x * 1), (X,)),
    "fwd returns three": (with_vjp(named, lambda kept, g: (g,), lambda x: (x, x, x)), (X,)),
    "fwd returns a pair of which the result is text": (
        with_vjp(named, lambda kept, g: (g,), lambda x: ("text", None)), (X,),
    ),
    "the function returns None": (with_vjp(lambda x: None, lambda kept, g: (g,)), (X,)),
    "bwd returns text": (with_vjp(named, lambda kept, g: ("text",)), (X,)),
    "bwd returns text for a number": (with_vjp(named, lambda kept, g: ("text",)), (1.0,)),
    "bwd returns an array for a dict": (
        with_vjp(tree, lambda kept, g: (g,)), ({"a": X, "b": X},),
    ),
    "bwd leaves out a key": (with_vjp(tree, lambda kept, g: ({"a": g},)), ({"a": X, "b": X},)),
    "bwd has another key": (
        with_vjp(tree, lambda kept, g: ({"a": g, "c": g},)), ({"a": X, "b": X},),
    ),
    "bwd gives a cotangent to None": (
        with_vjp(lambda x, n: x * 1, lambda kept, g: (g, g)), (X, None),
    ),
    "jvp returns no pair": (with_jvp(named, lambda xs, ts: ts[0]), (X,)),
    "jvp returns None": (with_jvp(named, lambda xs, ts: None), (X,)),
    "jvp returns text": (with_jvp(named, lambda xs, ts: (xs[0], "text")), (X,)),
    "the tangent is None": (with_jvp(named, lambda xs, ts: (xs[0], None)), (X,)),
    "the tangent has fewer axes": (with_jvp(named, lambda xs, ts: (xs[0], np.sum(ts[0]))), (X,)),
    "the tangent has more axes": (
        with_jvp(named, lambda xs, ts: (xs[0], np.stack([ts[0], ts[0]]))), (X,),
    ),
    "two tangents for one result": (with_jvp(named, lambda xs, ts: (xs[0], (ts[0], ts[0]))), (X,)),
    "fewer rules than arguments": (with_jvps(first_of_two, lambda t, z, x, y: t), (X, X)),
    "more rules than arguments": (with_jvps(named, lambda t, y, x: t, lambda t, y, x: t), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("mode", [REVERSE, FORWARD], ids=["reverse", "forward"])
@pytest.mark.parametrize("case", ILL_FORMED)
def test_ill_formed_rules_are_refused_with_a_typed_error_that_names_the_function(
    case: str, mode: Any
) -> None:
    f, args = ILL_FORMED[case]
    with pytest.raises(MicrogradError) as caught:
        mode(f, *args)
    assert str(caught.value).startswith(f"{f.__name__}: ")


def test_arguments_may_be_given_by_name() -> None:
    @mg.custom_vjp
    def scaled(x: mg.Tensor, by: float = 2.0) -> mg.Tensor:
        return x * by

    scaled.defvjp(lambda x, by: (x * by, by), lambda by, g: (g * by, None))
    assert mg.grad(lambda x: scaled(by=3.0, x=x))(1.0) == 3.0
    assert scaled(x=1.0, by=4.0) == 4.0

    @mg.custom_vjp
    def named(x: mg.Tensor, *, by: float) -> mg.Tensor:
        return x * by

    with pytest.raises(RuleError) as caught:
        named(mg.tensor(1.0, requires_grad=True), by=2.0)
    assert str(caught.value) == (
        "named: by can only be given by name, but the rule gets its arguments by position; "
        "make it a positional parameter"
    )
