"""Value: IEEE numbers, other numbers, NumPy's elements, micrograd's programs."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value
from microgradnn.engine.op import Op

from ..strategies import TABLE

ONE = [op for op in TABLE if op.domain and op.name != "ldexp"]  # (its second input is an int)
anything = st.one_of(st.sampled_from([0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]), st.floats())


@pytest.mark.parametrize("op", ONE, ids=lambda op: op.name)
@given(data=st.data())
def test_values_and_tensors_agree_on_all_floats(op: Op, data: st.DataObject) -> None:
    xs = [data.draw(anything, label="x") for _ in op.domain]
    values = [Value(x) for x in xs]
    tensors = [mg.tensor(x, requires_grad=True) for x in xs]
    if op.name == "where":
        xs[0] = values[0] = tensors[0] = xs[0] > 0
    with np.errstate(all="ignore"):
        v, t = op(*values), op(*tensors)
    close(v.data, t.data)
    v.backward()
    t.backward()
    for a, b in zip(values, tensors, strict=True):
        if isinstance(a, Value):
            close(a.grad, b.grad, 4 * 2.0**-52)


def close(a: Any, b: Any, atol: float = 1e-300) -> None:
    # math and NumPy may round a function differently; a rule multiplies a few of them, and 1 - y²
    # of a saturated y has an error of the size of y's last place.
    np.testing.assert_allclose(float(a), float(b), rtol=1e-13, atol=atol)


@given(st.fractions(-3, 3, max_denominator=50), st.fractions(1, 3, max_denominator=50))
def test_rational_programs_have_exact_rational_gradients(x: Fraction, y: Fraction) -> None:
    a, b = Value(x), Value(y)
    (a**3 / b - 2 * a * b + abs(a) * 0 + mg.relu(b)).backward()
    assert (a.grad, b.grad) == (3 * x**2 / y - 2 * y, -(x**3) / y**2 - 2 * x + 1)
    assert isinstance(b.grad, Fraction)


def test_other_number_types_keep_their_digits() -> None:
    mpmath = pytest.importorskip("mpmath", reason="needs mpmath numbers")
    with mpmath.workdps(40):
        x = Value(mpmath.mpf("0.1"))
        (x.tanh() * x.exp() + x.log1p() + x.sigmoid() + x.arctan()).backward()

        def f(v: Any) -> Any:
            return (
                mpmath.tanh(v) * mpmath.exp(v)
                + mpmath.log1p(v)
                + 1 / (1 + mpmath.exp(-v))
                + mpmath.atan(v)
            )

        assert abs(x.grad - mpmath.diff(f, mpmath.mpf("0.1"))) < mpmath.mpf("1e-35")
    d = Value(Decimal("0.1"))
    (d * d).exp().backward()
    assert abs(d.grad - Decimal("0.2") * Decimal("0.01").exp()) < Decimal("1e-27")
    wide = Value(np.longdouble("0.1"))
    wide.tanh().backward()
    assert wide.grad.dtype == np.longdouble


def test_balls_give_a_rigorous_gradient() -> None:
    flint = pytest.importorskip("flint", reason="needs python-flint balls")
    x = Value(flint.arb("0.1"))
    (x.tanh() * x.sigmoid()).backward()
    s = 1 / (1 + (-flint.arb("0.1")).exp())
    t = flint.arb("0.1").tanh()
    assert x.grad.overlaps((1 - t * t) * s + t * s * (1 - s))


def test_a_value_of_values_differentiates_twice() -> None:
    inner = Value(2.0)
    outer = Value(inner)
    (outer * outer * outer).backward()
    assert outer.grad.data == 12.0
    outer.grad.backward()
    assert inner.grad == 12.0  # d(3x²)/dx


def test_create_graph_gives_gradients_to_differentiate_again() -> None:
    x = Value(0.5)
    x.sin().backward(create_graph=True)
    first = x.grad
    x.grad = 0
    first.backward()
    assert math.isclose(x.grad, -math.sin(0.5), rel_tol=1e-15)


def test_plain_numpy_runs_on_arrays_of_values_and_has_exact_gradients() -> None:
    rng = np.random.default_rng(0)
    raw, w, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)

    def program(x: Any) -> Any:
        h = np.tanh(x @ w + b)
        centred = h - h.mean(axis=0)
        e = np.exp(centred / np.sqrt((centred**2).sum() + 1))
        return (e / e.sum(axis=1, keepdims=True))[:, 0].sum() + np.linalg.norm(x) + h.var()

    values = np.frompyfunc(Value, 1, 1)(raw)
    program(values).backward()
    got = np.frompyfunc(lambda v: v.grad, 1, 1)(values).astype(float)
    t = rng.normal(size=raw.shape)
    h = 1e-5  # central differences: truncation h²·f''' and rounding ε/h
    numeric = (program(raw + h * t) - program(raw - h * t)) / (2 * h)
    assert abs((got * t).sum() - numeric) < 1e-8
    np.testing.assert_array_equal((values > 0).astype(bool), raw > 0)


def test_arrays_and_values_mix_into_object_arrays() -> None:
    v = Value(2.0)
    for product in (v * np.ones(3), np.ones(3) * v):
        assert product.dtype == object
        assert [p.data for p in product] == [2.0] * 3


def test_leaves_accumulate_and_inner_nodes_show_the_last_pass() -> None:
    x = Value(3.0)
    inner = x * 2
    y = inner * 3
    y.backward()
    assert (x.grad, inner.grad, y.grad) == (6.0, 3.0, 1.0)
    y.backward()
    assert (x.grad, inner.grad, y.grad) == (12.0, 3.0, 1.0)


def test_operators_take_numbers_on_either_side() -> None:
    x = Value(2.0)
    y = 1 + x - 3 + (4 - x) * 5 / x + 6 / x + 2**x + x**x - -x + +x
    assert math.isclose(y.data, 1 + 2 - 3 + 5 + 3 + 4 + 4 + 2 + 2)
    y.backward()
    slope = 1 - 20 / 4 - 6 / 4 + 4 * math.log(2) + 4 * (math.log(2) + 1) + 1 + 1
    assert math.isclose(x.grad, slope, rel_tol=1e-14)
    assert x > 1 and x >= 2 and x < 3 and x <= 2 and x == 2 and x != 1 and bool(x)
    assert not Value(0.0)
    assert len({x, Value(2.0)}) == 2  # equal numbers, different nodes


def test_python_errors_become_ieee_values() -> None:
    assert (Value(1.0) / 0).data == math.inf
    assert math.isnan((Value(0.0) / 0).data)
    assert math.isnan((Value(-1.0) ** 0.5).data)
    assert Value(1e200).square().data == math.inf
    assert (Value(10.0) ** 400).data == math.inf
    assert math.isnan(Value(math.inf).sin().data)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_program_written_for_micrograd_gives_micrograds_numbers(p: float, q: float) -> None:
    engine = pytest.importorskip("micrograd.engine", reason="compares with micrograd itself")

    def program(make: Any) -> tuple[float, float, float]:
        a, b = make(p), make(q)
        c = a + b * 2 - 1
        d = (c * a + b**3).relu() + (a - b).relu() * 3
        e = d / 2.5 + (-c) ** 2 + 10.0 / (c**2 + 1)
        e += e * 0.5 + a
        e.backward()
        return e.data, a.grad, b.grad

    np.testing.assert_allclose(program(Value), program(engine.Value), rtol=1e-12, atol=1e-12)


def test_repr_is_micrograds() -> None:
    assert repr(Value(-4.0)) == "Value(data=-4.0, grad=0)"
