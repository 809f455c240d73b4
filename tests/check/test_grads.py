"""check_grads: right functions pass, wrong derivatives of every kind fail, and how it says so."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import check_grads, custom_jvp, custom_vjp, stop_gradient
from microgradnn.engine.op import OPS, Op
from microgradnn.errors import CheckError, ConfigError, DTypeError, MicrogradError

EPS = 2.0**-52
SLACK = 2.0**-26  # √ε of float64: the default atol and rtol
seeds = st.integers(0, 2**32 - 1)
each_mode = pytest.mark.parametrize("mode", ["fwd", "rev"])
each_order = pytest.mark.parametrize("order", [1, 2, 3])

# ---- right functions pass -----------------------------------------------------------------------

# Where the first step, 1.5/32 each way, stays off kinks, jumps, ties and the ends of the domain.
SMOOTH: dict[str, tuple[Any, ...]] = {
    "ldexp": (0.7, 3),
    "where": (True, 0.7, -0.3),
    "round": (0.3,),
    "rint": (0.3,),
    "floor_divide": (0.9, 0.6),
    "fmod": (0.9, 0.6),
    "remainder": (0.9, 0.6),
    "clip": (0.3, -1.0, 1.0),
    "relu6": (2.5,),
}
ELEMENTWISE = [op for op in OPS.values() if op.domain and not op.name.startswith("my_")]


def smooth(op: Op) -> tuple[Any, ...]:
    """A point well inside the op's domain, its inputs apart from each other and from zero."""
    places = (0.62, 0.81, 0.43)
    default = tuple(lo + (hi - lo) * p for (lo, hi), p in zip(op.domain, places, strict=False))
    return SMOOTH.get(op.name, default)


def with_floats_only(op: Op, xs: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The op as a function of those inputs that have a derivative, and these."""
    wanted = [i for i, x in enumerate(xs) if type(x) is float]

    def f(*floats: Any) -> Any:
        full = list(xs)
        for i, x in zip(wanted, floats, strict=True):
            full[i] = x
        return op(*full)

    return f, tuple(xs[i] for i in wanted)


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_every_elementwise_op_of_the_table_passes_at_a_smooth_point(op: Op) -> None:
    f, xs = with_floats_only(op, smooth(op))
    check_grads(f, xs, order=2)
    check_grads(f, tuple(np.array([x, x]) for x in xs), order=1)


@given(seeds, st.integers(0, 5))
def test_compositions_pass_at_random_points_for_every_seed(seed: int, of_check: int) -> None:
    rng = np.random.default_rng(seed)
    a, x = rng.uniform(-1, 1, (3, 3)), rng.uniform(-1, 1, 3)
    f = lambda a, x: np.linalg.solve(np.eye(3) * 5 + a, np.tanh(a @ x))  # noqa: E731
    check_grads(f, (a, x), order=2, seed=of_check)


@given(seeds, st.integers(0, 5))
def test_float32_passes_at_random_points_for_every_seed(seed: int, of_check: int) -> None:
    x = np.random.default_rng(seed).uniform(-1, 1, (2, 3)).astype(np.float32)
    check_grads(lambda x: np.tanh(x @ x.T) * np.sum(x * x), (x,), order=2, seed=of_check)


@each_order
def test_trees_of_arguments_and_results_pass(order: int) -> None:
    def f(p: Any, x: Any) -> Any:
        h = np.tanh(x @ p["w"] + p["b"][0])
        return {"h": h, "parts": [np.sum(h * h), (p["b"][1] * x[0, 0],)], "none": None}

    rng = np.random.default_rng(0)
    p = {"w": rng.normal(size=(2, 3)), "b": (rng.normal(size=3), 0.5)}
    check_grads(f, (p, rng.normal(size=(2, 2))), order=order)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x: 3.0, (1.0,)),
        (lambda x: x, (np.ones((2, 0)),)),
        (lambda x: np.sum(x), (np.ones((0, 3)),)),
        (lambda: 1.0, ()),
        (lambda x: x * np.arange(3.0), (0.5,)),
        (lambda x: np.outer(x, x), (np.array([1.0, -2.0]),)),
        (lambda x: x**3, (0.0,)),
        (lambda x: 1e6 * x**3, (0.5,)),
        (lambda x: 1e-6 * x**3, (0.5,)),
        (lambda x: np.sin(30 * x), (0.5,)),
        (lambda x: np.exp(5 * x), (2.0,)),
    ],
    ids=[
        "constant", "empty", "empty in", "no arguments", "number to array", "quadratic", "flat point",
        "large", "small", "oscillating", "steep",
    ],
)  # fmt: skip
def test_special_forms_and_scales_pass(f: Any, args: Any) -> None:
    check_grads(f, args, order=2)


@pytest.mark.parametrize(
    "x", [mg.tensor([0.3, 0.7]), np.array([0.3, 0.7], np.float32), np.float64(0.3), np.float32(0.3)],
    ids=["Tensor", "float32", "np.float64", "np.float32"],
)  # fmt: skip
def test_carriers_and_dtypes_pass(x: Any) -> None:
    check_grads(lambda v: np.tanh(v) * v, (x,), order=2)
    check_grads(lambda v: np.tanh(v) * v, (mg.Value(0.3),), order=2)


def test_float16_passes_within_what_float16_can_tell() -> None:
    check_grads(lambda v: v * v, (np.array([0.5, -1.0], np.float16),), order=1)
    check_grads(mg.sin, (np.ones(3, np.float16),), order=1)


@pytest.mark.parametrize(
    "x", [np.float32(1000.0), 1e8, np.array([1e8, 1.0])], ids=["float32", "float64", "one of two"]
)
def test_large_arguments_pass_although_their_steps_are_rounded(x: Any) -> None:
    # x ± h rounds to a multiple of ulp(x): the step that is taken is not the one that was meant.
    for seed in range(5):
        check_grads(mg.sin, (x,), order=1, seed=seed)


def test_a_derivative_that_is_not_finite_on_both_sides_agrees() -> None:
    with np.errstate(all="ignore"):
        check_grads(mg.sqrt, (-1.0,), order=2)


def test_custom_rules_that_are_right_pass() -> None:
    check_grads(square(lambda kept, g: (2 * g * kept,)), (0.7,), order=3)
    f = custom_jvp(lambda x, y: x * y)
    f.defjvps(lambda t, z, x, y: t * y, lambda t, z, x, y: x * t)
    check_grads(f, (np.array([0.3, 0.5]), np.array([2.0, 3.0])), order=3)


def test_it_returns_nothing_and_leaves_arguments_alone() -> None:
    x = np.array([1.0, 2.0])
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    assert check_grads(lambda a: a * a, (x,)) is None
    check_grads(lambda a: a * a, (t,))
    assert (x.tolist(), t.data.tolist(), t.grad) == ([1.0, 2.0], [1.0, 2.0], None)


# ---- wrong derivatives fail ---------------------------------------------------------------------


def square(bwd: Any) -> Any:
    f = custom_vjp(lambda x: x * x)
    f.defvjp(lambda x: (x * x, x), bwd)
    return f


def square_jvp(tangent: Any) -> Any:
    f = custom_jvp(lambda x: x * x)
    f.defjvp(lambda xs, ts: (xs[0] * xs[0], tangent(xs[0], ts[0])))
    return f


MATRIX = np.array([[1.0, 2.0], [-3.0, 0.5]])


def times_matrix(slope: np.ndarray) -> Any:
    f = custom_vjp(lambda x: MATRIX @ x)
    f.defvjp(lambda x: (MATRIX @ x, None), lambda _, g: (slope @ g,))
    return f


def swapped() -> Any:
    f = custom_vjp(lambda x, y: x * y)
    f.defvjp(lambda x, y: (x * y, (x, y)), lambda kept, g: (g * kept[0], g * kept[1]))
    return f


def broadcast_forgotten() -> Any:
    f = custom_jvp(lambda x: x * np.ones(3))
    f.defjvp(lambda xs, ts: (None, ts[0] * np.array([1.0, 1.0, 0.0])))
    return f


WRONG_FIRST: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "sign, by custom_vjp": (square(lambda x, g: (-2 * g * x,)), (0.7,)),
    "factor 2, by custom_vjp": (square(lambda x, g: (4 * g * x,)), (0.7,)),
    "zero, by custom_vjp": (square(lambda x, g: (None,)), (0.7,)),
    "one per thousand, by custom_vjp": (square(lambda x, g: (2.002 * g * x,)), (0.7,)),
    "one per million, by custom_vjp": (square(lambda x, g: (2.000002 * g * x,)), (0.7,)),
    "nan, by custom_vjp": (square(lambda x, g: (g * np.nan,)), (0.7,)),
    "infinite, by custom_vjp": (square(lambda x, g: (g * np.inf,)), (0.7,)),
    "sign, by custom_jvp": (square_jvp(lambda x, t: -2 * t * x), (0.7,)),
    "factor 2, by custom_jvp": (square_jvp(lambda x, t: 4 * t * x), (0.7,)),
    "zero, by custom_jvp": (square_jvp(lambda x, t: t * 0), (0.7,)),
    "missing transpose": (times_matrix(MATRIX), (np.array([0.3, 0.7]),)),
    "one element of three": (broadcast_forgotten(), (0.7,)),
    "slopes swapped": (swapped(), (np.array([0.3]), np.array([2.0]))),
    "a gradient stopped": (lambda x: x * stop_gradient(x), (0.7,)),
    "in one leaf of a dict": (lambda p: {"a": p["a"], "b": stop_gradient(p["b"]) * 2}, ({"a": 0.5, "b": 0.7},)),
}  # fmt: skip


@each_mode
@pytest.mark.parametrize("case", WRONG_FIRST)
def test_a_wrong_first_derivative_fails_in_each_mode(case: str, mode: str) -> None:
    f, args = WRONG_FIRST[case]
    word = {"fwd": "jvp", "rev": "vjp"}[mode]
    for seed in range(3):
        with pytest.raises(CheckError, match=f"^check_grads: {word} of f is "):
            check_grads(f, args, order=1, modes=(mode,), seed=seed)


def test_the_right_transpose_passes() -> None:
    check_grads(times_matrix(MATRIX.T), (np.array([0.3, 0.7]),), order=2)


# Rules whose own derivative is stopped: right to first order, wrong to second.
WRONG_SECOND: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "custom_vjp": (square(lambda x, g: (g * stop_gradient(2 * x),)), (0.7,)),
    "custom_jvp": (square_jvp(lambda x, t: t * stop_gradient(2 * x)), (0.7,)),
}


@each_mode
@pytest.mark.parametrize("case", WRONG_SECOND)
def test_a_derivative_wrong_only_at_second_order_fails_there_and_not_before(
    case: str, mode: str
) -> None:
    f, args = WRONG_SECOND[case]
    check_grads(f, args, order=1, modes=(mode,))
    word = {"fwd": "jvp", "rev": "vjp"}[mode]
    with pytest.raises(CheckError, match=f"^check_grads: {word} of {word} of f is "):
        check_grads(f, args, order=2, modes=(mode,))


def test_a_derivative_wrong_only_at_third_order_fails_there_and_not_before() -> None:
    cube = custom_jvp(lambda x: x**3)
    slope = custom_jvp(lambda x: 3 * x**2)
    cube.defjvp(lambda xs, ts: (None, slope(xs[0]) * ts[0]))
    slope.defjvp(lambda xs, ts: (None, stop_gradient(6 * xs[0]) * ts[0]))
    check_grads(cube, (0.7,), order=2)
    with pytest.raises(CheckError, match="^check_grads: jvp of jvp of jvp of f is "):
        check_grads(cube, (0.7,), order=3)


def sine(rule: Any, push: Any) -> Op:
    """sin as an op of its own, with a rule for each mode."""
    return Op("probe", "custom", None, np.sin, (rule,), push)


RULE = lambda g, y, x: g * np.cos(x)  # noqa: E731
PUSH = lambda op, ts, y, xs, params: ts[0] * np.cos(xs[0])  # noqa: E731


def test_a_rule_wrong_in_one_mode_fails_in_that_mode_only() -> None:
    x = (np.array([0.3, 0.7]),)
    right = sine(RULE, PUSH)
    check_grads(right, x, order=2)
    wrong_push = sine(RULE, lambda op, ts, y, xs, params: -ts[0] * np.cos(xs[0]))
    check_grads(wrong_push, x, order=1, modes=("rev",))
    with pytest.raises(CheckError, match="^check_grads: jvp of f is "):
        check_grads(wrong_push, x, order=1, modes=("fwd",))
    with pytest.raises(CheckError, match="^check_grads: jvp of f is "):
        check_grads(wrong_push, x)
    wrong_rule = sine(lambda g, y, x: -g * np.cos(x), PUSH)
    check_grads(wrong_rule, x, order=1, modes=("fwd",))
    with pytest.raises(CheckError, match="^check_grads: vjp of f is "):
        check_grads(wrong_rule, x, order=1)


def test_a_kink_inside_the_step_fails() -> None:
    with pytest.raises(CheckError, match="^check_grads: jvp of f is 0.0 at index"):
        check_grads(mg.relu, (0.0,), order=1)


@given(st.floats(1e-5, 10), st.sampled_from([-1.0, 1.0]), st.floats(0.25, 2), seeds)
def test_any_relative_error_above_the_tolerance_fails(
    error: float, sign: float, x: float, seed: int
) -> None:
    f = square(lambda kept, g: (2 * (1 + sign * error) * g * kept,))
    for mode in ("fwd", "rev"):
        with pytest.raises(CheckError):
            check_grads(f, (x,), order=1, modes=(mode,), seed=seed)


# ---- the message, and what is random ------------------------------------------------------------


def direction(seed: int, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


def test_the_message_says_what_differs_where_and_by_how_much_it_may() -> None:
    # x ↦ x with derivative 2, at 0: every difference quotient is the direction itself, exactly. The
    # error bound is that of the first extrapolation, 4ε/h with h = 2⁻⁶, and 8 of them are allowed.
    f = custom_jvp(lambda x: x * 1)
    f.defjvp(lambda xs, ts: (None, 2 * ts[0]))
    v = float(direction(0))
    allowed = 8 * 4 * EPS * 2**6 + SLACK + SLACK * abs(v)
    with pytest.raises(CheckError) as caught:
        check_grads(f, (0.0,), order=1)
    assert str(caught.value) == (
        f"check_grads: jvp of f is {2 * v} at index (), numerically {v} "
        f"(allowed difference {allowed:.2g})"
    )
    assert isinstance(caught.value, AssertionError)


def test_of_an_array_the_first_wrong_element_is_named() -> None:
    f = custom_jvp(lambda x: x * 1)
    f.defjvp(lambda xs, ts: (None, ts[0] * np.array([[1.0, 1.0], [1.0, 3.0]])))
    v = direction(7, 2, 2)
    with pytest.raises(CheckError) as caught:
        check_grads(f, (np.zeros((2, 2)),), order=1, seed=7)
    start = (
        f"check_grads: jvp of f is {3 * v[1, 1]} at index (1, 1), numerically {v[1, 1]} (allowed"
    )
    assert str(caught.value).startswith(start)


def test_reverse_mode_is_compared_as_one_number() -> None:
    f = square(lambda kept, g: (4 * g * kept,))
    v = float(direction(0))
    with pytest.raises(CheckError) as caught:
        check_grads(f, (0.5,), order=1, modes=("rev",))
    got, expected = map(float, re.findall(r"-?\d+\.\d+", str(caught.value))[:2])
    w = expected / v  # the cotangent: 2x·v·w with x = 1/2
    assert 0.5 <= abs(w) <= 1.5
    assert abs(got - 2 * expected) <= 2 * SLACK
    assert " at index (), numerically " in str(caught.value)


def message(f: Any, args: Any, **options: Any) -> str:
    with pytest.raises(CheckError) as caught:
        check_grads(f, args, **options)
    return str(caught.value)


def test_a_seed_is_reproducible_and_another_seed_is_another_direction() -> None:
    f = square(lambda kept, g: (4 * g * kept,))
    x = (np.array([0.3, 0.7, 0.9]),)
    same = {message(f, x, seed=3) for _ in range(3)}
    assert len(same) == 1
    assert message(f, x) == message(f, x, seed=0)
    assert len({message(f, x, seed=s) for s in range(5)}) == 5


def test_numpys_global_random_state_is_not_touched() -> None:
    state = np.random.get_state()[1].copy()
    check_grads(mg.sin, (0.5,))
    assert (np.random.get_state()[1] == state).all()


# ---- options ------------------------------------------------------------------------------------

# A slope that is wrong by 1/1000 of a slope of 1.
NEARLY = lambda x: x + stop_gradient(x) * 2.0**-10  # noqa: E731


@pytest.mark.parametrize(
    ("options", "passes"),
    [
        ({}, False),
        ({"atol": 2.0**-8}, True),
        ({"rtol": 2.0**-8}, True),
        ({"atol": 2.0**-12}, False),
        ({"rtol": 2.0**-12}, False),
        ({"atol": 2.0**-8, "rtol": 0.0}, True),
        ({"atol": 0.0, "rtol": 2.0**-8}, True),
        ({"atol": 0.0, "rtol": 0.0}, False),
    ],
    ids=str,
)
@each_mode
def test_tolerances(mode: str, options: dict[str, float], passes: bool) -> None:
    if passes:
        check_grads(NEARLY, (0.7,), order=1, modes=(mode,), **options)
    else:
        message(NEARLY, (0.7,), order=1, modes=(mode,), **options)


def test_without_tolerances_the_numerical_sides_own_bound_remains() -> None:
    check_grads(lambda x: np.tanh(x) * x, (np.array([0.3, 0.7]),), order=2, atol=0.0, rtol=0.0)


def test_float32_has_the_tolerance_of_float32() -> None:
    nearly = lambda x: x + stop_gradient(x) * 2.0**-14  # noqa: E731
    check_grads(nearly, (np.float32(0.7),), order=1)  # √ε is 2^-11.5
    message(nearly, (0.7,), order=1)
    message(NEARLY, (np.float32(0.7),), order=1, atol=2.0**-12, rtol=0.0)


def test_eps_is_the_first_step() -> None:
    asked: list[float] = []

    def f(x: Any) -> Any:
        asked.append(float(mg.engine.node.plain(x)))
        return x * x

    v = float(direction(0))
    check_grads(f, (0.5,), order=1, modes=("fwd",), eps=2.0**-3)
    for h in (2.0**-3, 2.0**-4, 2.0**-5):  # and then halves
        assert {0.5 + h * v, 0.5 - h * v} <= set(asked)
    assert max(abs(x - 0.5) for x in asked) == 2.0**-3 * abs(v)
    asked.clear()
    check_grads(f, (0.5,), order=1, modes=("fwd",))
    assert max(abs(x - 0.5) for x in asked) == 2.0**-5 * abs(v)


def test_a_smaller_eps_keeps_inside_a_narrow_domain() -> None:
    check_grads(mg.log, (0.01,), order=2, eps=2.0**-9)


def test_first_steps_over_a_kink_or_out_of_the_domain_are_made_up_for_by_the_later_ones() -> None:
    # The step is 2⁻⁵ and is halved nine times: from the third on it stays on this side of 0.
    check_grads(mg.relu, (0.01,), order=1)
    with np.errstate(all="ignore"):
        check_grads(mg.log, (0.01,), order=1)


def test_order_counts_how_often_is_differentiated() -> None:
    seen: set[int] = set()

    def f(x: Any) -> Any:
        seen.add(depth(x))
        return x * x

    def depth(x: Any) -> int:
        """How many derivatives are being taken of x: aliases of aliases."""
        n = 0
        while isinstance(x, mg.Tensor):
            x, n = (x.parents[0] if x.op is not None else None), n + 1
        return n

    for order in (1, 2, 3):
        seen.clear()
        check_grads(f, (0.5,), order=order)
        assert max(seen) == order


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"order": 0}, "check_grads: order 0, modes ('fwd', 'rev'); order starts at 1, modes are 'fwd', 'rev'"),
        ({"order": -1}, "check_grads: order -1, modes ('fwd', 'rev'); order starts at 1, modes are 'fwd', 'rev'"),
        ({"modes": ("bwd",)}, "check_grads: order 2, modes ('bwd',); order starts at 1, modes are 'fwd', 'rev'"),
        ({"modes": ["fwd", "reverse"]}, "check_grads: order 2, modes ['fwd', 'reverse']; order starts at 1, modes are 'fwd', 'rev'"),
        ({"modes": "rev"}, "check_grads: order 2, modes rev; order starts at 1, modes are 'fwd', 'rev'"),
    ],
    ids=str,
)  # fmt: skip
def test_options_that_are_not_are_named(options: Any, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_grads(mg.sin, (1.0,), **options)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "options", [{"modes": ()}, {"order": 1.5}, {"eps": 0.0}, {"eps": -0.01}], ids=str
)
def test_options_that_would_check_nothing_or_something_else_are_refused(options: Any) -> None:
    with pytest.raises(ConfigError, match="^check_grads: "):
        check_grads(mg.sin, (1.0,), **options)


@pytest.mark.parametrize("args", [1.0, np.ones(2), mg.tensor([1.0, 2.0])], ids=repr)
def test_arguments_must_come_in_a_tuple_or_list(args: Any) -> None:
    with pytest.raises(MicrogradError, match="^check_grads: "):
        check_grads(mg.sin, args)


def test_lists_of_arguments_are_fine_and_integers_are_refused() -> None:
    check_grads(lambda x, y: x * y, [1.0, 2.0])
    with pytest.raises(
        DTypeError, match=": an argument is int, which has no gradient; make it float"
    ):
        check_grads(mg.sin, (1,))


def test_a_function_of_text_is_refused_with_a_typed_error() -> None:
    with pytest.raises(DTypeError, match="f returned str"):
        check_grads(lambda x: "text", (1.0,))


def test_it_is_public_under_both_names() -> None:
    assert mg.check.check_grads is check_grads is mg.check_grads
    assert "check_grads" in mg.__all__
