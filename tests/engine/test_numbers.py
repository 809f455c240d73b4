"""Other numbers: one table, and every number type keeps the digits it has.

An op is tested by standing in the table, on single Values and on Tensors over object arrays. The
oracle is ball arithmetic. Run in balls of 400 bits an op encloses the right answer; run in balls of
a few bits less than a number type has, the radius is a bound for all rounding of that type on the
way (each step of a ball program adds its own rounding and carries on that of the steps before). So
no tolerance is chosen here. That the rules in those balls are derivatives at all is checked apart,
against numerical ones with 60 digits.
"""

import itertools
import math
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from typing import Any

import flint
import mpmath
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
import microgradnn.nn.functional as nnf
from microgradnn import Value
from microgradnn.engine.op import Op
from microgradnn.errors import DTypeError, UndecidedError

from ..strategies import TABLE, cases, seeds, signed

EXACT = 400  # bits of the balls that hold the right answer
OVERLAP = (
    "comparison: {} and {} overlap, so their order is not known; raise the precision, or "
    "choose a point away from the kink"
)


# ---- numbers and balls --------------------------------------------------------------------------


@contextmanager
def digits(bits: int = 200, decimals: int = 60) -> Iterator[None]:
    """The precision of balls and of mpf, which both libraries keep in a global."""
    with flint.ctx.workprec(bits), mpmath.workdps(decimals):
        yield


@dataclass(frozen=True)
class Kind:
    """A number type: from float, to a ball that holds exactly that number, and its bits."""

    make: Callable[[float], Any]
    ball: Callable[[Any], arb]
    bits: float


def from_fraction(x: Any) -> arb:
    return arb(Fraction(x).numerator) / Fraction(x).denominator


def from_longdouble(x: Any) -> arb:
    high = float(x)
    return arb(high) + arb(float(x - high)) if math.isfinite(high) else arb(high)


def from_mpf(x: Any) -> arb:
    man, exp = mpmath.mpf(x).man_exp  # without the sign
    return arb((int(mpmath.sign(x)) * man, exp))


def from_value(x: Any) -> arb:
    return arb(x.data if isinstance(x, Value) else x)


KINDS: dict[str, Kind] = {
    "float": Kind(float, arb, 53),
    "longdouble": Kind(np.longdouble, from_longdouble, np.finfo(np.longdouble).nmant + 1),
    "Fraction": Kind(Fraction, from_fraction, math.inf),
    "Decimal": Kind(Decimal, from_fraction, 28 * math.log2(10) - 3),  # relative 5e-28
    "mpf": Kind(mpmath.mpf, from_mpf, 60 * math.log2(10)),
    "arb": Kind(arb, arb, 200),
    "Value": Kind(Value, from_value, 53),
}


def ball(kind: str, x: Any) -> arb:
    """The ball that holds exactly x, a number of the kind or (a slope of 1, a padded zero) an int."""
    return arb(int(x)) if isinstance(x, (int, np.integer)) else KINDS[kind].ball(x)


# The ops a type has no function for, and the function that is missing: an op of the table is in
# here or works.
_SINES = "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh erf erfc arctan2"
_GAMMAS = "lgamma digamma polygamma erfinv"
_ALONE = f"exp expm1 log log1p sqrt sinc {_SINES} {_GAMMAS}"
MISSING: dict[str, dict[str, str]] = {
    "longdouble": {op: op for op in f"erf erfc {_GAMMAS}".split()},
    "Fraction": {op: op for op in _ALONE.split()}
    | dict.fromkeys("pow exp2 log2 log10 cbrt logaddexp2 xlogy bce".split(), "log")
    | dict.fromkeys("sigmoid softplus bce_with_logits logaddexp".split(), "exp")
    | dict.fromkeys("degrees radians".split(), "arctan")
    | {"elu": "expm1", "hypot": "sqrt"},
    "Decimal": {op: op for op in f"expm1 log1p sinc {_SINES} {_GAMMAS}".split()}
    | dict.fromkeys("logaddexp softplus bce bce_with_logits".split(), "log1p")
    | dict.fromkeys("degrees radians".split(), "arctan")
    | {"elu": "expm1"},
}
# A slope or factor is of the number's own type, because a Decimal does not mix with a float.
OPTIONS: dict[str, dict[str, float]] = {
    "leaky_relu": {"negative_slope": 0.125}, "elu": {"alpha": 1.5},
}  # fmt: skip
POINTWISE = {op.name: op for op in TABLE if op.domain}
each_op = pytest.mark.parametrize("op", POINTWISE.values(), ids=lambda op: op.name)
CARRIERS = ("Value", "Tensor")
carriers = pytest.mark.parametrize("carrier", CARRIERS)
# NumPy's numbers have arrays of their own, the others are in object arrays.
DTYPES: dict[str, Any] = {"float": np.float64, "longdouble": np.longdouble}
# The π of NumPy's sinc has 53 bits for longdoubles too; their erf is that of their nearest floats.
DOUBLE = {("longdouble", name) for name in ("sinc", "erf", "erfc", *_GAMMAS.split())}


def missing(kind: str, carrier: str) -> dict[str, str]:
    return {} if carrier == "Tensor" and kind in DTYPES else MISSING.get(kind, {})


def points(op: Op) -> list[tuple[Any, ...]]:
    """Points of the op's domain, off its kinks; both sides of them come up."""
    rng = np.random.default_rng(sum(op.name.encode()))
    out: list[tuple[Any, ...]] = []
    while len(out) < 8:
        x = [round(float(rng.uniform(*ends)), 9) for ends in op.domain]
        steps = (x[0] / v for v in (*x[1:2], 0.5) if v)  # where floor, round, % and // jump
        if all(abs(s - round(s)) > 0.02 for s in steps) and min(map(abs, x)) > 0.05:
            out.append(tuple(x))
    if op.name == "where":
        return [(x[0] > 0, *x[1:]) for x in out]
    return [(x[0], round(x[1])) for x in out] if op.name == "ldexp" else out


def numbers(kind: str, xs: tuple[Any, ...]) -> list[Any]:
    """xs as numbers of the kind, with digits that a float does not have."""
    make = KINDS[kind].make
    extra = 0 if kind in ("float", "Value") else make(3) / make(2.0**72)
    return [x if type(x) in (bool, int) else make(x) + extra for x in xs]


def options(kind: str, op: Op) -> dict[str, Any]:
    make = float if kind == "Value" else KINDS[kind].make
    return {name: make(v) for name, v in OPTIONS.get(op.name, {}).items()}


def is_number(x: Any) -> bool:
    return type(x) not in (bool, int)  # a condition of where, the exponent of ldexp


def on_values(op: Op, xs: list[Any], params: dict[str, Any], kind: str = "") -> list[Any]:
    """The value of op at xs and its derivatives, by single Values."""
    leaves = [Value(x) if is_number(x) else x for x in xs]
    y = op(*leaves, **params)
    y.backward()
    return [y.data, *(leaf.grad for leaf in leaves if isinstance(leaf, Value))]


def tensor(kind: str, x: Any) -> mg.Tensor:
    return mg.tensor(np.array(x, DTYPES.get(kind, object)), requires_grad=True)


def on_tensors(op: Op, xs: list[Any], params: dict[str, Any], kind: str) -> list[Any]:
    """The same by Tensors of one element."""
    leaves = [tensor(kind, [x]) if is_number(x) else x for x in xs]
    y = op(*leaves, **params)
    assert y.dtype == DTYPES.get(kind, object)
    y.backward()
    return [y.data[0], *(leaf.grad[0] for leaf in leaves if isinstance(leaf, mg.Tensor))]


RUN: dict[str, Callable[..., list[Any]]] = {"Value": on_values, "Tensor": on_tensors}


def in_balls(kind: str, op: Op, xs: list[Any], bits: float, wide: bool = False) -> list[arb]:
    """The same in balls; `wide` ones also hold every number that rounds to x at these bits."""
    with digits(int(min(bits, EXACT))):
        balls = [ball(kind, x) if is_number(x) else x for x in xs]
        if wide and bits < EXACT:
            balls = [
                b + arb(0, abs(b) * arb(2) ** -int(bits)) if is_number(b) else b for b in balls
            ]
        params = {k: arb(v) for k, v in OPTIONS.get(op.name, {}).items()}
        if op.name in ("rint", "round"):  # balls have none
            balls = [b.mid() for b in balls]
            return [arb(round(float(balls[0]))), arb(0)]
        return [arb(v) for v in on_values(op, balls, params)]


@cache
def oracle(kind: str, op: Op) -> list[tuple[list[Any], list[arb], list[arb]]]:
    """Inputs, the right results there, and results in balls as wide as rounding can make them."""
    # Three bits for functions that are off by up to 4 ulps, as NumPy's are.
    bits = (53 if (kind, op.name) in DOUBLE else KINDS[kind].bits) - 3
    out = []
    for at in points(op):
        with digits():
            xs = numbers(kind, at)
        right, rough = in_balls(kind, op, xs, EXACT), in_balls(kind, op, xs, bits, wide=True)
        out.append((xs, right, rough))
    return out


# ---- every op on every number type --------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "carrier"),
    [
        (kind, name, carrier)
        for kind in KINDS
        for name in POINTWISE
        for carrier in CARRIERS
        if name not in missing(kind, carrier)
    ],
)
def test_value_and_gradients_have_all_digits_of_their_number_type(
    kind: str, name: str, carrier: str
) -> None:
    op = POINTWISE[name]
    for xs, right, rough in oracle(kind, op):
        with digits():
            got = RUN[carrier](op, xs, options(kind, op), kind)
        with digits(EXACT):
            for y, r, bound in zip(got, right, rough, strict=True):
                wrong = abs(ball(kind, y) - r).abs_lower()
                assert wrong <= 2 * bound.rad(), f"{name} at {xs}: {y}, not {r}"
                assert bound.rad() < 1e-9 * (1 + abs(r)), "a bound that says nothing"


@pytest.mark.parametrize(
    ("kind", "name", "function", "carrier"),
    [
        (kind, *pair, carrier)
        for kind in KINDS
        for carrier in CARRIERS
        for pair in missing(kind, carrier).items()
    ],
)
def test_what_a_number_type_has_no_function_for_is_refused_by_name(
    kind: str, name: str, function: str, carrier: str
) -> None:
    op = POINTWISE[name]
    with digits():
        xs = numbers(kind, (-0.5,) if name == "elu" else points(op)[0])
        with pytest.raises(DTypeError) as caught:
            RUN[carrier](op, xs, options(kind, op), kind)
    text = f"{function}: {kind} numbers have no {function}; convert to float first"
    assert str(caught.value) == text


def with_sixty_digits(op: Op, at: tuple[Any, ...]) -> tuple[Any, list[Any], dict[str, Any]]:
    """op as a function of its numbers alone, its inputs and its parameters, all in mpf."""
    xs, params = numbers("mpf", at), options("mpf", op)

    def f(*numbers: Any) -> Any:
        given = iter(numbers)
        return mpmath.mpf(op(*[next(given) if is_number(x) else x for x in xs], **params))

    return f, xs, params


def numerical(f: Any, xs: list[Any], *inputs: int) -> Any:
    """The derivative of f by those of its inputs, one after the other."""
    real = tuple(x for x in xs if is_number(x))
    # mpmath works with as many more digits as the difference quotient loses.
    return mpmath.diff(f, real, tuple(inputs.count(i) for i in range(len(real))))


@each_op
def test_each_rule_is_the_numerical_derivative_to_forty_digits(op: Op) -> None:
    for at in points(op):
        with digits():
            f, xs, params = with_sixty_digits(op, at)
            for i, slope in enumerate(on_values(op, xs, params)[1:]):
                numeric = numerical(f, xs, i)
                assert abs(slope - numeric) <= mpmath.mpf(10) ** -40 * (1 + abs(numeric)), at


@each_op
def test_second_derivatives_of_nested_values_and_of_create_graph_have_forty_digits(op: Op) -> None:
    for at in points(op)[:3]:
        with digits():
            f, xs, params = with_sixty_digits(op, at)
            nested, graphs = by_nesting(op, xs, params), by_create_graph(op, xs, params)
            for i, j in itertools.product(range(len(nested)), repeat=2):
                numeric = numerical(f, xs, i, j)
                for got in (nested, graphs):
                    assert abs(got[i][j] - numeric) <= mpmath.mpf(10) ** -40 * (1 + abs(numeric))


def by_nesting(op: Op, xs: list[Any], params: dict[str, Any]) -> list[list[Any]]:
    inner = [Value(x) if is_number(x) else x for x in xs]
    outer = [Value(x) if is_number(x) else x for x in inner]
    op(*outer, **params).backward()
    return rows([x.grad for x in outer if is_number(x)], [x for x in inner if is_number(x)])


def by_create_graph(op: Op, xs: list[Any], params: dict[str, Any]) -> list[list[Any]]:
    leaves = [Value(x) if is_number(x) else x for x in xs]
    op(*leaves, **params).backward(create_graph=True)
    inputs = [x for x in leaves if is_number(x)]
    return rows([x.grad for x in inputs], inputs)


def rows(first: list[Any], inputs: list[Value]) -> list[list[Any]]:
    """The derivatives of each of `first` by the inputs; a plain number is a constant."""
    out = []
    for g in first:
        for x in inputs:
            x.clear_grad()
        if isinstance(g, Value):
            g.backward()
        out.append([x.grad for x in inputs])
    return out


@carriers
@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        (name, kind, expected)
        for name, expected in dict(floor=0, ceil=1, trunc=0, rint=0, round=0).items()
        for kind, v in KINDS.items()
        if v.bits > 61 and name not in MISSING.get(kind, {})
    ],
)
def test_steps_of_numbers_with_more_digits_than_a_float(
    name: str, expected: int, kind: str, carrier: str
) -> None:
    with digits():
        big = KINDS[kind].make(2.0**60) + KINDS[kind].make(0.25)
        y, slope = RUN[carrier](POINTWISE[name], [big], {}, kind)
        assert ball(kind, y) == 2**60 + expected
    assert slope == 0


@carriers
@pytest.mark.parametrize("kind", KINDS)
def test_nan_to_num_leaves_a_finite_number_as_it_is(kind: str, carrier: str) -> None:
    with digits():
        (x,) = numbers(kind, (0.1,))
        y, slope = RUN[carrier](POINTWISE["nan_to_num"], [x], {}, kind)
        assert y == x
        assert isinstance(y, type(x))
    assert slope == 1


@carriers
@pytest.mark.parametrize("kind", KINDS)
def test_integers_beside_a_number_cost_no_digits(kind: str, carrier: str) -> None:
    with digits():
        (x,) = numbers(kind, (1.5,))
        leaf = Value(x) if carrier == "Value" else tensor(kind, x)
        ((leaf - 1) / 3 + 2 * leaf / 7 - leaf**2 / 11).backward()
        slope = leaf.grad if carrier == "Value" else leaf.grad[()]
    with digits(EXACT):
        right = arb(1) / 3 + arb(2) / 7 - 2 * ball(kind, x) / 11
        wrong = abs(ball(kind, slope) - right).abs_lower()
        # Three terms below 1 of three roundings each, and two sums.
        assert wrong <= 11 * arb(2) ** -int(min(KINDS[kind].bits, EXACT - 1))


# ---- ops on whole arrays ------------------------------------------------------------------------

LAPACK = {
    "inv",
    "pinv",
    "solve",
    "det",
    "cofactor",
    "cofactor_change",
    "logabsdet",
    "cholesky",
    "eigh",
    "svd",
    "qr",
}
WITH_EXP = {"logsumexp", "softmax", "log_softmax", "ce_with_logits"}
ARRAYWISE = [op for op in TABLE if not op.domain and op.name not in {*LAPACK, "astype"}]
IN_OBJECTS = [kind for kind in KINDS if kind not in DTYPES]


def as_objects(kind: str, x: np.ndarray) -> np.ndarray:
    out = np.empty(x.shape, object)
    for i in np.ndindex(x.shape):
        out[i] = numbers(kind, (float(x[i]),))[0]
    return out


def whole(op: Op, xs: Any, g: Any, params: Any) -> list[np.ndarray]:
    """The value of op and its derivatives pulled back from g, by Tensors."""
    leaves = [mg.tensor(x, requires_grad=True) if x.dtype == object else x for x in xs]
    y = op(*leaves, **params)
    assert y.dtype == object
    y.backward(g)
    return [y.data, *(leaf.grad for leaf in leaves if isinstance(leaf, mg.Tensor))]


@pytest.mark.parametrize("op", ARRAYWISE, ids=lambda op: op.name)
@given(data=st.data(), kind=st.sampled_from(IN_OBJECTS), seed=seeds)
def test_ops_on_object_arrays_have_all_digits_of_their_number_type(
    op: Op, data: st.DataObject, kind: str, seed: int
) -> None:
    if kind == "Fraction" and op.name in (*WITH_EXP, "norm"):
        return
    xs, params = data.draw(cases(op))
    y = np.asarray(op(*xs, **params))
    g = signed(np.random.default_rng(seed), *y.shape)
    with digits():
        xs = [as_objects(kind, x) if x.dtype.kind == "f" else x for x in map(np.asarray, xs)]
        one = as_objects(kind, g)
        got = whole(op, xs, one, params)
    spread = []
    for bits in (EXACT, min(KINDS[kind].bits - 3, EXACT)):
        with digits(int(bits)):
            to_ball = np.frompyfunc(partial(ball, kind), 1, 1)
            balls = [np.asarray(to_ball(x)) if x.dtype == object else x for x in xs]
            spread.append(whole(op, balls, np.asarray(to_ball(one)), params))
    with digits(EXACT):
        for mine, right, rough in zip(got, *spread, strict=True):
            assert mine.shape == right.shape
            for v, r, bound in zip(mine.ravel(), right.ravel(), rough.ravel(), strict=True):
                assert not isinstance(v, np.ndarray)  # an array in an array
                wrong = abs(ball(kind, v) - ball("arb", r)).abs_lower()
                assert wrong <= 2 * ball("arb", bound).rad(), f"{kind}: {v}, not {r}"


@pytest.mark.parametrize("name", sorted(LAPACK - {"qr"}))  # np.linalg.qr makes floats of all
def test_lapack_is_for_floats_and_says_so(name: str) -> None:
    op = next(op for op in TABLE if op.name == name)
    a = mg.tensor(as_objects("Fraction", np.eye(2)), requires_grad=True)
    with pytest.raises(DTypeError) as caught:
        op(a, np.eye(2)) if op.arity == 2 else op(a)
    assert str(caught.value).startswith(f"{name}: ")


# ---- exact fractions ----------------------------------------------------------------------------

fractions = st.fractions(-3, 3, max_denominator=30)


def objects(*shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays of fractions, zeros and equal ones among them."""

    def make(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        pairs = zip(rng.integers(-9, 10, shape).flat, rng.integers(1, 8, shape).flat, strict=True)
        return np.array([Fraction(int(p), int(q)) for p, q in pairs], object).reshape(shape)

    return seeds.map(make)


def lift(carrier: str, *arrays: np.ndarray) -> list[Any]:
    """The arrays as Tensors, or as NumPy arrays of Values."""
    if carrier == "Tensor":
        return [mg.tensor(a, requires_grad=True) for a in arrays]
    return [np.frompyfunc(Value, 1, 1)(a) for a in arrays]


def grads(x: Any) -> np.ndarray:
    return x.grad if isinstance(x, mg.Tensor) else np.frompyfunc(lambda v: v.grad, 1, 1)(x)


def exactly(got: Any, expected: Any) -> None:
    assert np.shape(got) == np.shape(expected)
    for a, b in zip(np.ravel(got), np.ravel(expected), strict=True):
        assert type(a) in (Fraction, int)
        assert a == b


@carriers
@given(objects(3, 2), objects(2, 4), objects(4), objects(3, 4))
def test_an_affine_map_of_fractions(carrier: str, x: Any, w: Any, b: Any, g: Any) -> None:
    leaves = lift(carrier, x, w, b)
    y = leaves[0] @ leaves[1] + leaves[2]
    (y * g).sum().backward()
    for leaf, expected in zip(leaves, (g @ w.T, x.T @ g, g.sum(0)), strict=True):
        exactly(grads(leaf), expected)


@carriers
@given(objects(5), fractions)
def test_a_polynomial_of_fractions_by_horner_and_by_powers(carrier: str, c: Any, x: Any) -> None:
    def horner(c: Any, x: Any) -> Any:
        y = 0
        for ck in c[::-1]:
            y = y * x + ck
        return y

    def powers(c: Any, x: Any) -> Any:
        return sum(c[k] * x**k for k in range(5))

    for program in (horner, powers):
        coefficients, (at,) = lift(carrier, c)[0], lift(carrier, np.array([x], object))
        y = program(coefficients, at[0])
        y.backward()
        exactly(y.data, sum(c[k] * x**k for k in range(5)))
        exactly(grads(coefficients), np.array([x**k for k in range(5)], object))
        exactly(grads(at), np.array([sum(k * c[k] * x ** (k - 1) for k in range(1, 5))], object))


@carriers
@given(objects(2, 3), objects(3, 2), objects(2), objects(2, 1), objects(1), objects(2, 1))
def test_a_net_of_two_layers_with_squares_between(
    carrier: str, x: Any, w1: Any, b1: Any, w2: Any, b2: Any, t: Any
) -> None:
    leaves = lift(carrier, x, w1, b1, w2, b2)
    v, p, q, r, s = leaves
    out = np.square(v @ p + q) @ r + s
    loss = ((out - t) ** 2).mean()
    loss.backward()
    # By hand, backwards through the layers.
    a = x @ w1 + b1
    h = a * a
    d = 2 * (h @ w2 + b2 - t) / Fraction(2)
    da = (d @ w2.T) * 2 * a
    exactly(loss.data, ((h @ w2 + b2 - t) ** 2).sum() / 2)
    for leaf, expected in zip(
        leaves, (da @ w1.T, x.T @ da, da.sum(0), h.T @ d, d.sum(0)), strict=True
    ):
        exactly(grads(leaf), expected)


@carriers
@given(st.fractions("1/2", 3, max_denominator=20))
def test_newtons_iteration_for_a_root_of_a_fraction(carrier: str, a: Fraction) -> None:
    (leaf,) = lift(carrier, np.array([a], object))
    x: Any = 1
    for _ in range(4):
        x = (x + leaf / x) / 2
    x[0].backward()
    # The same iteration of the pair (x, dx/da), by the quotient rule.
    y, dy = Fraction(1), Fraction(0)
    for _ in range(4):
        y, dy = (y + a / y) / 2, (dy + (y - a * dy) / y**2) / 2
    exactly(x[0].data if carrier == "Value" else x.data[0], y)
    exactly(grads(leaf), np.array([dy], object))


@carriers
@given(objects(4))
def test_ratios_and_powers_of_fractions_with_normalisation(carrier: str, x: Any) -> None:
    x = x * x + 1
    (leaf,) = lift(carrier, x)
    p = leaf / leaf.sum()
    (p**2).sum().backward()
    s, q = x.sum(), (x * x).sum()
    exactly(grads(leaf), 2 * x / s**2 - 2 * q / s**3)


@given(fractions, fractions)
def test_second_order_of_fractions_by_every_way(a: Fraction, b: Fraction) -> None:
    def f(x: Any, y: Any) -> Any:
        return x**3 * y - 2 * x * y * y + (x * y) ** 2 / 3

    expected = [
        [6 * a * b + 2 * b * b / 3, 3 * a * a - 4 * b + 4 * a * b / Fraction(3)],
        [3 * a * a - 4 * b + 4 * a * b / Fraction(3), -4 * a + 2 * a * a / Fraction(3)],
    ]
    inner = [Value(a), Value(b)]
    outer = [Value(v) for v in inner]
    f(*outer).backward()
    exactly(rows([v.grad for v in outer], inner), expected)
    values = [Value(a), Value(b)]
    f(*values).backward(create_graph=True)
    exactly(rows([v.grad for v in values], values), expected)
    x = mg.tensor(np.array([a, b], object), requires_grad=True)
    f(x[0], x[1]).backward(create_graph=True)
    first, hessian = x.grad, []
    for i in range(2):
        x.clear_grad()
        first[i].backward()
        hessian.append(x.grad)
    exactly(np.array(hessian), np.array(expected, object))


@given(objects(3))
def test_third_order_of_fractions_through_three_levels(c: Any) -> None:
    a = [Value(c[0])]
    for _ in range(2):
        a.append(Value(a[-1]))
    (a[2] ** 5).backward()
    a[2].grad.backward()
    a[1].grad.backward()
    exactly(a[0].grad, 60 * c[0] ** 2)


# ---- balls that overlap -------------------------------------------------------------------------

BALL, HALF, LEFT, RIGHT = arb(0, 1), arb(0.5), arb(-2, 0.25), arb(2, 0.25)

UNDECIDED: list[tuple[str, Callable[[Any], Any], Any]] = [
    ("relu", lambda x: x.relu(), 0),
    ("leaky_relu", lambda x: mg.leaky_relu(x), 0),
    ("elu", lambda x: mg.elu(x), 0),
    ("relu6", lambda x: mg.relu6(x), 0),
    ("abs backward", lambda x: abs(x).backward(), 0),
    ("sign", lambda x: mg.sign(x), 0),
    ("maximum", lambda x: mg.maximum(x, 0.5), 0.5),
    ("minimum", lambda x: mg.minimum(x, 0.5), 0.5),
    ("fmax", lambda x: mg.fmax(x, 0.5), 0.5),
    ("fmin", lambda x: mg.fmin(x, 0.5), 0.5),
    ("clip", lambda x: mg.clip(x, 0.5, 3), 0.5),
    ("hardtanh", lambda x: nnf.hardtanh(x, 0.5), 0.5),
    ("hardshrink", lambda x: nnf.hardshrink(x, 0.5), 0.5),
    ("threshold", lambda x: nnf.threshold(x, 0.5, 0), 0.5),
    ("prelu", lambda x: nnf.prelu(x, 0.5), 0),
    ("heaviside", lambda x: mg.heaviside(x, 0.5), 0),
    ("copysign", lambda x: mg.copysign(2.0, x), 0),
    ("trunc", lambda x: mg.trunc(x), 0),
    ("cbrt", lambda x: mg.cbrt(x), 0),
    ("xlogy", lambda x: mg.xlogy(x, 2.0), 0),
    ("0 ** x backward", lambda x: (0**x).backward(), 0),
    ("where", lambda x: mg.where(x > 0, x, 0), 0),
    ("where of ==", lambda x: mg.where(x == 0.5, x, 0), 0.5),
    (">", lambda x: x > 0, 0),
    (">=", lambda x: x >= 0, 0),
    ("<", lambda x: x < 0.5, 0.5),
    ("<=", lambda x: x <= 0.5, 0.5),
    ("==", lambda x: x == 0.5, 0.5),
    ("!=", lambda x: x != 0.5, 0.5),
]


@pytest.mark.parametrize(("name", "f", "other"), UNDECIDED, ids=[row[0] for row in UNDECIDED])
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_ball_across_a_kink_is_undecided(name: str, f: Any, other: Any, carrier: str) -> None:
    x = Value(BALL) if carrier == "Value" else mg.tensor(np.array(BALL, object), requires_grad=True)
    with pytest.raises(UndecidedError) as caught:
        f(x)
    assert str(caught.value) == OVERLAP.format(BALL, other)


@pytest.mark.parametrize(("name", "f", "other"), UNDECIDED, ids=[row[0] for row in UNDECIDED])
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("ball", [LEFT, RIGHT], ids=["left", "right"])
def test_a_ball_beside_the_kink_is_decided(
    name: str, f: Any, other: Any, carrier: str, ball: arb
) -> None:
    x = Value(ball) if carrier == "Value" else mg.tensor(np.array(ball, object), requires_grad=True)
    got, centre = f(x), f(Value(float(ball.mid())))
    if isinstance(got, (Value, mg.Tensor)):
        got, centre = got.data if carrier == "Value" else got.data[()], centre.data
    if centre is None:  # backward was called
        got, y = (x.grad if carrier == "Value" else x.grad[()]), Value(float(ball.mid()))
        f(y)
        centre = y.grad
    if isinstance(centre, (bool, np.bool_)):
        assert bool(got) == centre
    else:  # what is true for the centre is true for the ball
        got = float(got) if isinstance(got, np.generic) else got
        assert arb(got).overlaps(arb(float(centre), 1e-15))


def ball_tensor(*balls: arb) -> mg.Tensor:
    return mg.tensor(np.array(balls, object), requires_grad=True)


def ball_values(*balls: arb) -> np.ndarray:
    return np.frompyfunc(Value, 1, 1)(np.array(balls, object))


WHOLE: list[tuple[str, Callable[[Any], Any]]] = [
    ("max", np.max),
    ("min", np.min),
    ("ptp", np.ptp),
    ("maximum.reduce", np.maximum.reduce),
    ("sort", np.sort),
    ("median", np.median),
    ("argmax", np.argmax),
    ("argmin", np.argmin),
    ("argsort", np.argsort),
    ("partition", lambda x: np.partition(x, 1)),
    ("norm of order inf", lambda x: np.linalg.norm(x - 2, np.inf)),
    ("greater", lambda x: np.greater(x, 0.5)),
    ("less_equal", lambda x: np.less_equal(x, 0.25)),
    ("equal", lambda x: np.equal(x, 0.25)),
    ("not_equal", lambda x: np.not_equal(x, 0.25)),
    ("maximum", lambda x: np.maximum(x, 0.25)),
    ("sign", np.sign),
]


@pytest.mark.parametrize(("name", "f"), WHOLE, ids=[row[0] for row in WHOLE])
@pytest.mark.parametrize("make", [ball_tensor, ball_values], ids=["Tensor", "Values"])
def test_numpy_does_not_guess_the_order_of_balls(name: str, f: Any, make: Any) -> None:
    with pytest.raises(UndecidedError) as caught:
        f(make(BALL, HALF))
    assert str(caught.value).startswith("comparison: ")
    assert " overlap, so their order is not known; raise the precision" in str(caught.value)
    f(make(LEFT, RIGHT) if "equal" in name else make(LEFT, LEFT - 1, RIGHT))


@pytest.mark.parametrize("make", [ball_tensor, ball_values], ids=["Tensor", "Values"])
def test_the_largest_of_decided_balls_has_all_the_gradient(make: Any) -> None:
    x = make(LEFT, RIGHT, HALF)
    np.max(x).backward()
    assert list(grads(x)) == [0, 1, 0]
    x = make(LEFT, RIGHT, HALF)
    np.sort(x)[1].backward()
    assert list(grads(x)) == [0, 0, 1]


def test_a_floor_of_a_ball_holds_the_floors_of_its_numbers() -> None:
    for y in (Value(BALL).floor().data, mg.floor(ball_tensor(BALL)).data[0]):
        assert arb(y).contains(-1)
        assert arb(y).contains(0)


def test_max_pooling_does_not_guess_the_order_of_balls() -> None:
    with pytest.raises(UndecidedError) as caught:
        nnf.max_pool1d(mg.reshape(ball_tensor(BALL, HALF), (1, 1, 2)), 2)
    assert str(caught.value) in (OVERLAP.format(BALL, HALF), OVERLAP.format(HALF, BALL))


# ---- what is no number here ---------------------------------------------------------------------

one, two = Value(1.0), np.array([1.0, 2.0])


def live() -> mg.Tensor:
    return mg.tensor(two, requires_grad=True)


@carriers
@pytest.mark.parametrize("kind", ["float", "longdouble", "mpf", "arb"])
@pytest.mark.parametrize(
    ("name", "x"),
    [
        ("sqrt", -1),
        ("log", -2),
        ("log1p", -2),
        ("log2", -2),
        ("arcsin", 2),
        ("arccosh", 0.5),
        ("arctanh", 2),
    ],
)
def test_outside_its_real_domain_a_function_is_nan_and_not_complex(
    name: str, x: float, kind: str, carrier: str
) -> None:
    with np.errstate(all="ignore"):
        y, _ = RUN[carrier](POINTWISE[name], [KINDS[kind].make(x)], {}, kind)
    assert y.is_nan() if kind == "arb" else y != y


@carriers
@pytest.mark.parametrize("kind", ["float", "longdouble", "Fraction", "Decimal", "mpf"])
def test_a_division_by_zero_is_infinite_in_every_number_type(kind: str, carrier: str) -> None:
    make = KINDS[kind].make
    with np.errstate(all="ignore"):
        y, slope, _ = RUN[carrier](POINTWISE["div"], [make(1), make(0)], {}, kind)
    assert (float(y), float(slope)) == (math.inf, math.inf)


@pytest.mark.parametrize("op", [operator.add, operator.mul, operator.sub, operator.truediv])
@pytest.mark.parametrize(
    ("a", "b"),
    [(Fraction(1), Decimal(1)), (Decimal(1), Fraction(1)), (Decimal(1), 0.5), (0.5, Decimal(1))],
)
def test_number_types_that_do_not_mix_are_named(op: Any, a: Any, b: Any) -> None:
    name = {"truediv": "div"}.get(op.__name__, op.__name__)
    for x, y in [(Value(a), Value(b)), (Value(a), b), (a, Value(b))]:
        with pytest.raises(DTypeError) as caught:
            op(x, y)
        assert str(caught.value).startswith(f"{name}: unsupported operand type(s)")
