"""Operands of unusual kinds: lists beside tensors, tangents of another dtype, numbers at the ends."""

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
from microgradnn.engine.op import UFUNCS, Op
from microgradnn.engine.walk import pullback, pushforward

from ..strategies import TABLE, cases, signed

TWO = [op for op in TABLE if len(op.domain) == 2 and op.ufunc is not None and op.name != "ldexp"]
ENDS = [0.0, -0.0, 0.5, -1.0, 2.0, 1e3, -1e3, 1e300, -1e300, 5e-324, math.inf, -math.inf, math.nan]
# Methods of numbers that stand for one op of one input.
ONE = [op for op in TABLE if len(op.domain) == 1 and callable(getattr(Value, op.name, None))]


@pytest.mark.parametrize("op", TWO, ids=lambda op: op.name)
@given(data=st.data())
def test_a_list_beside_a_tensor_is_an_array(op: Op, data: st.DataObject) -> None:
    (a, b), _ = data.draw(cases(op))
    ufunc, x = op.ufunc, mg.tensor(a, requires_grad=True)
    assert UFUNCS[ufunc] is op
    y, expected = ufunc(x, b.tolist()), ufunc(x, b)
    np.testing.assert_array_equal(y.data, expected.data)
    z = ufunc(a.tolist(), mg.tensor(b, requires_grad=True))
    np.testing.assert_array_equal(z.data, ufunc(a, b))
    if y.requires_grad:
        g = signed(np.random.default_rng(0), *y.shape)
        (got,), (true,) = (pullback([z], [g], [x]).values() for z in (y, expected))
        np.testing.assert_array_equal(got, true)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum])
def test_tensors_in_a_list_beside_a_tensor_keep_their_gradients(ufunc: np.ufunc) -> None:
    x, *parts = [mg.tensor(v, requires_grad=True) for v in ([1.0, 4.0], 2.0, 3.0)]
    ufunc(x, [parts[0], parts[1] * 2]).sum().backward()
    y, whole = [mg.tensor(v, requires_grad=True) for v in ([1.0, 4.0], [2.0, 6.0])]
    ufunc(y, whole).sum().backward()
    assert x.grad.tolist() == y.grad.tolist()
    assert [parts[0].grad, parts[1].grad / 2] == whole.grad.tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
@pytest.mark.parametrize("tangent", ["float16", "float32", "float64"])
def test_a_tangent_takes_the_dtype_and_shape_of_its_tensor(dtype: str, tangent: str) -> None:
    x = mg.tensor(np.ones((2, 3), dtype), requires_grad=True)
    (t,) = pushforward([x * 2], [x], [np.full(3, 0.5, tangent)])
    assert (t.dtype, t.shape) == (np.dtype(dtype), (2, 3)) and (t == 1).all()


@pytest.mark.parametrize("op", ONE, ids=lambda op: op.name)
def test_a_method_of_a_number_is_its_op_also_where_python_raises(op: Op) -> None:
    """math.log(-1) and math.exp(1000) are exceptions; NumPy says nan and inf."""
    for end in ENDS:
        x, twin = Value(end), Value(end)
        y, expected = getattr(x, op.name)(), op(twin)
        assert y.data == expected.data or y.data != y.data and expected.data != expected.data
        y.backward()
        expected.backward()
        assert x.grad == twin.grad or x.grad != x.grad and twin.grad != twin.grad
        with np.errstate(all="ignore"):
            array = op(np.array([end]))[0]
        assert np.isnan(array) == math.isnan(y.data), end
        assert np.isinf(array) == math.isinf(y.data), end


@pytest.mark.parametrize(
    ("method", "number", "expected"),
    [
        ("reciprocal", Fraction(0), math.inf), ("reciprocal", Decimal(0), math.inf),
        ("log", Decimal(-1), math.nan), ("log", Decimal(0), -math.inf),
        ("sqrt", Decimal(-1), math.nan), ("reciprocal", 0, math.inf),
        pytest.param("tanh", 10**400, 1.0, id="huge"), pytest.param("tanh", -(10**400), -1.0, id="-huge"),
    ],
)  # fmt: skip
def test_a_method_of_an_exact_number_that_python_refuses(
    method: str, number: Any, expected: float
) -> None:
    y = getattr(Value(number), method)()
    assert float(y.data) == expected or (math.isnan(y.data) and math.isnan(expected))
