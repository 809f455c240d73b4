"""lgamma, digamma, polygamma, erfinv and logcumsumexp against mpmath, on their whole range."""

from collections.abc import Callable
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from flint import arb

import microgradnn as mg
from microgradnn import Value
from microgradnn.errors import ConfigError, DTypeError, MicrogradError
from tests.messages import table

RNG = np.random.default_rng(3)
ULP = 2.0**-52


def near(x: float, n: int = 12) -> np.ndarray:
    """x, and numbers at all distances from it."""
    apart = 10.0 ** RNG.uniform(-15, -0.4, n)
    return np.concatenate([[x], x + apart, x - apart])


POSITIVE = np.concatenate([
    RNG.uniform(0.001, 12, 120), 10.0 ** RNG.uniform(-300, 3, 40), near(1.0), near(2.0), near(0.5),
    near(1.4616321449683622), near(1.5), near(2.5), near(8.0), [5e-324, 2.2e-308, 1e17, 1e300, 2.5e305],
])  # fmt: skip
NEGATIVE = -np.concatenate([RNG.uniform(0.001, 30, 80), 10.0 ** RNG.uniform(-300, 0, 20), near(0.5), near(2.5), near(2.457024738220801)])  # fmt: skip
INSIDE = np.concatenate([RNG.uniform(-1, 1, 120), 1 - 10.0 ** RNG.uniform(-15.9, -1, 40), 10.0 ** RNG.uniform(-300, -1, 30)])  # fmt: skip


def log_gamma(x: Any) -> Any:
    if x > 0:
        return mpmath.re(mpmath.loggamma(x))
    return mpmath.log(mpmath.pi / abs(x * mpmath.sinpi(x))) - mpmath.re(mpmath.loggamma(-x))


# Of a difference of two numbers the error is that of the larger: where there is one, it is last.
EXACT: dict[str, tuple[Callable[..., Any], Callable[..., Any], np.ndarray, float, Any]] = {
    "lgamma": (mg.lgamma, log_gamma, POSITIVE, 4, None),
    "lgamma of x < 0": (mg.lgamma, log_gamma, NEGATIVE, 4, lambda x: mpmath.loggamma(-x)),
    "digamma": (mg.digamma, mpmath.digamma, POSITIVE, 4, None),
    "digamma of x < 0": (mg.digamma, mpmath.digamma, NEGATIVE, 4, lambda x: 1 + abs(mpmath.digamma(-x))),
    "erfinv": (mg.erfinv, mpmath.erfinv, INSIDE, 2, None),
}  # fmt: skip
for _n in (1, 2, 3, 6):
    EXACT[f"polygamma {_n}"] = (
        lambda x, n=_n: mg.polygamma(n, x), lambda x, n=_n: mpmath.psi(n, x),
        POSITIVE[(POSITIVE > 1e-40) & (POSITIVE < 1e20)][:200], 6 + _n, None,
    )  # fmt: skip
    EXACT[f"polygamma {_n} of x < 0"] = (
        lambda x, n=_n: mg.polygamma(n, x), lambda x, n=_n: mpmath.psi(n, x),
        NEGATIVE[NEGATIVE < -1e-3], 6 + _n, lambda x, n=_n: mpmath.psi(n, 1 - x),
    )  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_values_are_right_to_a_few_ulps(name: str) -> None:
    ours, exact, xs, ulps, scale = EXACT[name]
    with mpmath.workdps(30), np.errstate(all="ignore"):
        for x, y in zip(xs, ours(xs), strict=True):
            true = exact(mpmath.mpf(float(x)))
            if abs(true) > np.finfo(float).max:
                assert y == np.sign(float(true)) * inf, x
                continue
            size = max(abs(true), abs(scale(mpmath.mpf(float(x)))) if scale else 0)
            assert abs(mpmath.mpf(float(y)) - true) <= ulps * ULP * size + 5e-324, x


inf, nan = np.inf, np.nan
AT = [0.0, -0.0, -1.0, -2.0, inf, -inf, nan]
SPECIAL: list[tuple[Callable[..., Any], list[float]]] = [
    (mg.lgamma, [inf, inf, inf, inf, inf, inf, nan]),
    (mg.digamma, [-inf, inf, nan, nan, inf, nan, nan]),
    (lambda x: mg.polygamma(1, x), [inf, inf, inf, inf, 0, inf, nan]),
    (lambda x: mg.polygamma(2, x), [-inf, inf, nan, nan, 0, nan, nan]),
]


@pytest.mark.parametrize(("function", "values"), SPECIAL)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_values_at_the_poles_and_at_infinity(function: Any, values: Any, dtype: Any) -> None:
    y = function(np.array(AT, dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.array(values, dtype))
    np.testing.assert_array_equal([function(Value(x)).data for x in AT], values)


def test_erfinv_ends_at_one() -> None:
    with np.errstate(invalid="raise"):
        y = mg.erfinv(np.array([1.0, -1.0, 0.0, -0.0, 1.5, nan, inf]))
    np.testing.assert_array_equal(y, [inf, -inf, 0, -0.0, nan, nan, nan])
    assert np.signbit(y[3]) and mg.erfinv(np.float32(0.5)).dtype == np.float32


@pytest.mark.parametrize("x", [-2.7, -0.3, 0.2, 1.46, 3.0, 11.5])
def test_derivatives_to_the_third_order(x: float) -> None:
    functions = {
        "lgamma": (mg.lgamma, [mpmath.psi(k, x) for k in range(3)]),
        "digamma": (mg.digamma, [mpmath.psi(k, x) for k in range(1, 4)]),
    }
    if abs(x) < 1:
        y = mpmath.erfinv(x)
        d = mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        functions["erfinv"] = (mg.erfinv, [d, 2 * y * d**2, (8 * y * y + 2) * d**3])
    for name, (f, exact) in functions.items():
        for true in exact:
            f = mg.grad(f)
            assert float(f(x)) == pytest.approx(float(true), rel=1e-13, abs=1e-13), name


def test_numbers_of_any_kind_have_their_own_digits() -> None:
    with mpmath.workdps(40):
        for x in (mpmath.mpf("2.5"), mpmath.mpf("-1.25")):
            assert abs(mg.lgamma(Value(x)).data - log_gamma(x)) < mpmath.mpf(10) ** -38
            assert abs(mg.digamma(Value(x)).data - mpmath.digamma(x)) < mpmath.mpf(10) ** -38
        for x in (2.5, -1.25):
            for f, exact in ((mg.lgamma, log_gamma), (mg.digamma, mpmath.digamma)):
                with flint.ctx.workprec(
                    53
                ):  # others may have asked for more digits than the truth has
                    ball = f(Value(arb(x))).data
                assert ball.rad() < 1e-12 and ball.overlaps(
                    arb(mpmath.nstr(exact(mpmath.mpf(x)), 39))
                )
            for n in (1, 2):
                ball = mg.polygamma(n, Value(arb(x))).data
                assert ball.overlaps(arb(mpmath.nstr(mpmath.psi(n, x), 39)))


# ---- logcumsumexp -------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_logcumsumexp_is_pytorchs(axis: int | None) -> None:
    torch = pytest.importorskip("torch")
    x = RNG.normal(size=(5, 7)) * 300
    x[1, 2] = x[0, 0] = -inf
    ours, theirs = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y = mg.logcumsumexp(ours, axis)
    z = theirs.ravel().logcumsumexp(0) if axis is None else theirs.logcumsumexp(axis)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-14)
    weight = RNG.normal(size=z.shape)
    finite = np.isfinite(y.data)
    (y[finite] @ weight[finite]).backward()
    (z[torch.tensor(finite)] @ torch.tensor(weight[finite])).backward()
    unknown = np.isnan(theirs.grad.numpy())  # theirs at -inf, where the exact slope is 0
    assert np.all(x[unknown] == -inf) and np.all(ours.grad[x == -inf] == 0)
    np.testing.assert_allclose(
        ours.grad[~unknown], theirs.grad.numpy()[~unknown], rtol=1e-11, atol=1e-13
    )


def test_the_first_element_has_slope_one_also_at_minus_infinity() -> None:
    x = mg.tensor([-inf, -inf, 1.0], requires_grad=True)
    mg.logcumsumexp(x)[0].backward()
    np.testing.assert_array_equal(x.grad, [1, 0, 0])


def test_numpys_accumulate_of_logaddexp_is_logcumsumexp() -> None:
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = np.logaddexp.accumulate(x)
    np.testing.assert_allclose(y.data, np.logaddexp.accumulate(x.data), rtol=8 * ULP)
    np.testing.assert_array_equal(y.data, x.logcumsumexp(dim=0).data)
    mg.check_grads(mg.logcumsumexp, (np.array([0.5, -1.0, 2.0]),), order=3)


def test_an_empty_row_has_an_empty_gradient() -> None:
    x = mg.tensor(np.zeros((2, 0)), requires_grad=True)
    mg.logcumsumexp(x, 1).sum().backward()
    assert x.grad.shape == (2, 0)


def test_polygamma_as_a_method_takes_the_order() -> None:
    for x in (mg.tensor([2.5, -0.5]), Value(2.5)):
        for n in range(4):
            np.testing.assert_array_equal(x.polygamma(n).data, mg.polygamma(n, x.data))
    assert Value(2.5).polygamma(0).data == mg.digamma(2.5)


test_messages = table(
    (lambda: mg.polygamma(-1, 2.0), ConfigError, "polygamma: n is -1, need an integer >= 0"),
    (lambda: mg.polygamma(1.5, 2.0), ConfigError, "polygamma: n is 1.5, need an integer >= 0"),
    (lambda: mg.lgamma("x"), DTypeError, "lgamma: got str, need numbers"),
    (lambda: mg.digamma(np.array(["x"])), DTypeError, "digamma: got dtype <U1, need numbers"),
)  # fmt: skip


@pytest.mark.parametrize("n", [171, 1001, 10**12, 2**70])
def test_an_order_whose_factorial_is_no_float_is_refused(n: int) -> None:
    """Not computed for years, and no nan of inf times 0."""
    t = mg.tensor([100.0], requires_grad=True)
    for call in (
        lambda: t.polygamma(n),
        lambda: mg.polygamma(n, 100.0),
        lambda: mg.Value(2.0).polygamma(n),
    ):
        with pytest.raises(MicrogradError, match=r"^polygamma: n is \S+, need "):
            call()
    np.testing.assert_allclose(mg.polygamma(170, 100.0), float(mpmath.psi(170, 100)), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 3, 10, 20, 40, 80, 120, 170])
def test_high_orders_far_out(n: int) -> None:
    """Where n! and the power alone are no normal floats, but their product is one."""
    with mpmath.workdps(50):
        for x in (0.3, 2.5, 40.0, 100.0, 1e4, 1e15, 1e100, 1e200):
            true = float(mpmath.psi(n, mpmath.mpf(x)))
            if 1e-300 < abs(true) < np.inf:
                got = float(mg.polygamma(n, x))
                assert abs(got - true) <= 16 * np.spacing(abs(true)), (n, x)
