"""Special points, as one literal table: what we return where the frameworks differ, and why."""

from math import inf, log, nan
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn.rules import OPS

#  op, inputs, params, value, gradients (None: not asked), why
POINTS: list[tuple[str, tuple[Any, ...], dict[str, Any], float, tuple[Any, ...], str]] = [
    ("relu", (0.0,), {}, 0, (0,), "0 at the kink, as in all frameworks"),
    ("relu", (nan,), {}, nan, (0,), "nan passes forward; closed backward as in TF and JAX"),
    ("relu", (-inf,), {}, 0, (0,), "and not -inf·0"),
    ("abs", (0.0,), {}, 0, (0,), "torch, TF"),
    ("abs", (nan,), {}, nan, (nan,), "TF, autograd"),
    ("sign", (0.0,), {}, 0, (None,), "flat: zero, never missing"),
    ("maximum", (1.0, 1.0), {}, 1, (0.5, 0.5), "shared; TF gives all to the first"),
    ("minimum", (1.0, 1.0), {}, 1, (0.5, 0.5), "the same"),
    ("maximum", (0.0, 0.0), {}, 0, (0.5, 0.5), "relu written as maximum(x, 0) has slope 1/2"),
    ("maximum", (2.0, nan), {}, nan, (0, 0), "JAX, autograd"),
    ("clip", (1.0, 1.0, 2.0), {}, 1, (1, 0, 0), "1 at the bounds: torch, TF"),
    ("clip", (2.0, 1.0, 2.0), {}, 2, (1, 0, 0), "1 at the bounds"),
    ("clip", (0.0, 2.0, 1.0), {}, 1, (0, 0, 1), "min > max: max wins, as in NumPy"),
    ("leaky_relu", (0.0,), dict(negative_slope=0.25), 0, (0.25,), "the left slope: torch, TF"),
    ("elu", (0.0,), dict(alpha=2.0), 0, (2.0,), "the left slope: torch, TF, JAX"),
    ("elu", (1000.0,), {}, 1000, (1,), "no inf·0 from the branch not taken"),
    ("sqrt", (0.0,), {}, 0, (inf,), "IEEE"),
    ("sqrt", (-1.0,), {}, nan, (nan,), "IEEE"),
    ("log", (0.0,), {}, -inf, (inf,), "IEEE"),
    ("log", (-1.0,), {}, nan, (-1,), "1/x, all frameworks"),
    ("log1p", (-1.0,), {}, -inf, (inf,), "IEEE"),
    ("reciprocal", (0.0,), {}, inf, (-inf,), "IEEE"),
    ("div", (1.0, 0.0), {}, inf, (inf, -inf), "IEEE"),
    ("div", (0.0, 0.0), {}, nan, (inf, nan), "IEEE"),
    ("exp", (1000.0,), {}, inf, (inf,), "IEEE"),
    ("tanh", (1000.0,), {}, 1, (0,), "saturated"),
    ("sigmoid", (1000.0,), {}, 1, (0,), "saturated"),
    ("sigmoid", (-1000.0,), {}, 0, (0,), "and no overflow on the way"),
    ("sigmoid", (40.0,), {}, 1, (0,), "s(1 - s) in all frameworks"),
    ("softplus", (1000.0,), {}, 1000, (1,), "limit"),
    ("softplus", (-1000.0,), {}, 0, (0,), "limit"),
    ("softplus", (0.0,), {}, log(2), (0.5,), ""),
    ("pow", (0.0, 0.0), {}, 1, (0, 0), "torch: TF and JAX have nan"),
    ("pow", (0.0, 2.0), {}, 0, (0, 0), ""),
    ("pow", (0.0, 0.5), {}, 0, (inf, 0), ""),
    ("pow", (0.0, 1.0), {}, 0, (1, 0), ""),
    ("pow", (0.0, -1.0), {}, inf, (-inf, -inf), "torch"),
    ("pow", (-2.0, 2.0), {}, 4, (-4, nan), "log of a negative base is nan"),
    ("pow", (-2.0, 0.5), {}, nan, (nan, nan), "and not a complex number"),
    ("pow", (-2.0, 0.0), {}, 1, (0, nan), ""),
    ("pow", (nan, 0.0), {}, 1, (0, nan), "x**0 is flat, also at nan"),
    ("bce_with_logits", (40.0, 1.0), {}, 4.248354255291589e-18, (0, -40), "keeps exp(-40)"),
    ("bce_with_logits", (-1000.0, 1.0), {}, 1000, (-1, 1000), "no inf"),
    ("bce_with_logits", (0.0, 1.0), {}, log(2), (-0.5, 0), ""),
]

ARRAYS: list[tuple[str, tuple[Any, ...], dict[str, Any], Any, Any, str]] = [
    ("max", ([3.0, 3.0, 1.0],), {}, 3, [0.5, 0.5, 0], "ties share"),
    ("max", ([[1.0, 1.0], [2.0, 3.0]],), dict(axis=1), [1, 3], [[0.5, 0.5], [0, 1]], "by row"),
    ("min", ([2.0, 2.0, 2.0, 5.0],), {}, 2, [1 / 3, 1 / 3, 1 / 3, 0], "1/n"),
    ("max", ([1.0, nan],), {}, nan, [nan, nan], "TF, JAX, autograd"),
    ("prod", ([2.0, 0.0, 3.0],), {}, 0, [0, 6, 0], "nothing is divided"),
    ("prod", ([0.0, 0.0, 3.0],), {}, 0, [0, 0, 0], ""),
    ("logsumexp", ([-inf, 0.0],), {}, 0, [0, 1], ""),
    ("logsumexp", ([-inf, -inf],), {}, -inf, [nan, nan], "all frameworks"),
    ("softmax", ([1e4, 0.0],), {}, [1, 0], [0, 0], "rows sum to one"),
    ("log_softmax", ([1e4, 0.0, -1e4],), {}, [0, -1e4, -2e4], [-2, 1, 1], "1 - 3·softmax"),
    ("sum", ([],), {}, 0, [], "nothing"),
    ("mean", ([],), {}, nan, [], "nothing, without a warning"),
    ("getitem", ([1.0, 2.0],), dict(index=([1, 1],)), [2, 2], [0, 2], "repeats add up"),
]


def same(got: Any, expected: Any) -> None:
    np.testing.assert_allclose(got, expected, rtol=4 * 2.0**-52, atol=0)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: f"{p[0]}{p[1]}")
@pytest.mark.parametrize("carrier", ["Tensor", "Value"])
def test_numbers(point: Any, carrier: str) -> None:
    name, xs, params, value, grads, _ = point
    make = mg.Value if carrier == "Value" else lambda x: mg.tensor(x, requires_grad=True)
    leaves = [make(x) for x in xs]
    with np.errstate(all="ignore"):
        y = OPS[name](*leaves, **params)
    same(y.data, value)
    y.backward()
    for leaf, expected in zip(leaves, grads, strict=True):
        same(leaf.grad, 0 if expected is None else expected)


@pytest.mark.parametrize("point", ARRAYS, ids=lambda p: f"{p[0]}{p[1]}")
def test_arrays(point: Any) -> None:
    name, (x,), params, value, grad, _ = point
    leaf = mg.tensor(np.array(x, float), requires_grad=True)
    with np.errstate(all="ignore"):
        y = OPS[name](leaf, **params)
    same(y.data, value)
    y.backward(np.ones(y.shape))
    same(leaf.grad, grad)


def test_the_double_where_keeps_a_masked_gradient_finite() -> None:
    x = mg.tensor([0.0, 4.0], requires_grad=True)
    safe = mg.where(x > 0, x, 1.0)
    mg.where(x > 0, mg.sqrt(safe), 0.0).sum().backward()
    same(x.grad, [0, 0.25])


def test_maximum_of_one_node_with_itself_has_slope_one() -> None:
    x = mg.tensor(3.0, requires_grad=True)
    mg.maximum(x, x).backward()
    assert x.grad == 1


def test_cross_entropy_keeps_the_sum_of_targets() -> None:
    z = mg.tensor([[0.2, 0.8, 0.5]], requires_grad=True)
    mg.cross_entropy(z, np.array([[1.0, 1.0, 0.0]])).backward()
    e = np.exp([0.2, 0.8, 0.5])
    np.testing.assert_allclose(z.grad[0], 2 * e / e.sum() - [1, 1, 0], rtol=0, atol=4 * 2.0**-52)


def test_logsumexp_does_not_overflow_and_its_gradient_carries_the_rounding_of_y() -> None:
    x = mg.tensor([1e4, 1e4], requires_grad=True)
    y = mg.logsumexp(x)
    same(y.data, 1e4 + log(2))
    y.backward()  # exp(x - y), as in torch: an absolute error of |y|·ε in the exponent
    np.testing.assert_allclose(x.grad, 0.5, rtol=1e4 * 2.0**-52, atol=0)
