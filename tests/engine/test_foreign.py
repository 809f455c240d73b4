"""Arrays of other classes and libraries: their own operators come first, or they are refused."""

import operator
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.errors import DTypeError


class Labelled:
    """An array with a name, as xarray's: it wraps any array and has operators of its own."""

    __array_priority__ = 50

    def __init__(self, values: Any) -> None:
        self.values = values if isinstance(values, mg.Tensor) else np.asarray(values)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        raw = [x.values if isinstance(x, Labelled) else x for x in inputs]
        return Labelled(getattr(ufunc, method)(*raw, **kwargs))


for name in ("add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "matmul"):
    do = getattr(operator, name)
    setattr(Labelled, f"__{name}__", lambda a, b, do=do: Labelled(do(a.values, b)))
    setattr(Labelled, f"__r{name}__", lambda a, b, do=do: Labelled(do(b, a.values)))

SIX = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul]


@pytest.mark.parametrize("do", [*SIX, operator.mod, np.multiply, np.arctan2])
def test_operators_leave_it_to_the_other_library(do: Any) -> None:
    x, a = np.array([1.5, 2.5]), np.array([2.0, 3.0])
    for swapped in (False, True):
        t = mg.tensor(x, requires_grad=True)
        y = do(Labelled(a), t) if swapped else do(t, Labelled(a))
        assert isinstance(y, Labelled) and isinstance(y.values, mg.Tensor)
        u = mg.tensor(x, requires_grad=True)
        expected = do(a, u) if swapped else do(u, a)
        np.testing.assert_array_equal(y.values.data, expected.data)
        y.values.sum().backward()
        expected.sum().backward()
        np.testing.assert_array_equal(t.grad, u.grad)


@pytest.mark.parametrize("do", SIX[:5])
def test_a_value_does_so_too(do: Any) -> None:
    assert isinstance(do(mg.Value(2.0), Labelled(np.array(3.0))), Labelled)


def test_subclasses_that_mean_the_same_are_arrays() -> None:
    class Sub(np.ndarray):
        pass

    a = np.arange(4.0).reshape(2, 2).view(Sub)
    t = mg.tensor(np.ones((2, 2)), requires_grad=True)
    y = (t * a).sum()
    assert type(y.data) is np.ndarray and type((t * a).parents[1]) is np.ndarray
    y.backward()
    np.testing.assert_array_equal(t.grad, a)
    assert type(mg.mul(a, a)) is np.ndarray and type(mg.tensor(a).data) is np.ndarray


t = mg.tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_a_matrix_is_refused_because_its_product_is_another() -> None:
    m = np.asmatrix(np.eye(2))
    for f in (lambda: t @ m, lambda: m * t, lambda: mg.sum(m), lambda: mg.mul(m, m)):
        with pytest.raises(DTypeError, match=r"got np\.matrix, whose \* is a matrix product"):
            f()
