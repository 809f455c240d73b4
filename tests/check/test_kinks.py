"""GC3: at kinks and ties a gradient is right between the one-sided derivatives, and wrong outside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check import Report
from tests.check.zoo import right


def pair(f: Callable[..., Any], df: Callable[..., Any], x: Any, **options: Any) -> Report:
    """The report on an elementwise function and its derivative."""

    def forward(x):
        return f(x), x

    def backward(dout, x):
        return dout * df(x)

    ones = np.ones(np.shape(f(x)))
    return check.layer(
        forward, backward, (x,), probes=False, cotangents=options.pop("dout", ones), **options
    )


def whole(forward: Any, backward: Any, *args: Any, **options: Any) -> Report:
    return check.layer(forward, backward, args, probes=False, **options)


def finding(report: Report) -> Any:
    (found,) = [f for f in report.findings if f.code[2] in "23"]
    return found


# name: function, where its kink is, the one-sided derivatives there, derivatives elsewhere
def hardswish(x):
    return x * np.clip(x + 3, 0, 6) / 6


def relu(x):
    return np.maximum(x, 0)


KINKS: dict[str, tuple[Callable[..., Any], float, tuple[float, float], Callable[..., Any]]] = {
    "relu": (relu, 0.0, (0, 1), lambda x: (x > 0) * 1.0),
    "relu by where": (lambda x: np.where(x > 0, x, 0), 0.0, (0, 1), lambda x: (x > 0) * 1.0),
    "relu by mask": (lambda x: x * (x > 0), 0.0, (0, 1), lambda x: (x > 0) * 1.0),
    "relu by half": (lambda x: (x + np.abs(x)) / 2, 0.0, (0, 1), lambda x: (x > 0) * 1.0),
    "relu by clip": (lambda x: np.clip(x, 0, None), 0.0, (0, 1), lambda x: (x > 0) * 1.0),
    "abs": (np.abs, 0.0, (-1, 1), np.sign),
    "abs by sign": (lambda x: x * np.sign(x), 0.0, (-1, 1), np.sign),
    "abs by root": (lambda x: np.maximum(x, -x), 0.0, (-1, 1), np.sign),
    "leaky": (lambda x: np.where(x > 0, x, 0.1 * x), 0.0, (0.1, 1), lambda x: np.where(x > 0, 1, 0.1)),
    "leaky by max": (lambda x: np.maximum(x, 0.1 * x), 0.0, (0.1, 1),
                     lambda x: np.where(x > 0, 1, 0.1)),
    "elu of 2": (lambda x: np.where(x > 0, x, 2 * (np.exp(np.minimum(x, 0)) - 1)), 0.0, (1, 2),
                 lambda x: np.where(x > 0, 1, 2 * np.exp(x))),
    "hardswish at 3": (hardswish, 3.0, (1, 1.5),
                       lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, x > 0)),
    "hardswish at -3": (hardswish, -3.0, (-0.5, 0),
                        lambda x: np.where(np.abs(x) < 3, (2 * x + 3) / 6, x > 0)),
    "hardtanh at 1": (lambda x: np.clip(x, -1, 1), 1.0, (0, 1), lambda x: np.abs(x) < 1),
    "hardtanh at -1": (lambda x: np.clip(x, -1, 1), -1.0, (0, 1), lambda x: np.abs(x) < 1),
    "relu6": (lambda x: np.minimum(np.maximum(x, 0), 6), 6.0, (0, 1),
              lambda x: (x > 0) & (x < 6)),
    "hinge": (lambda x: np.maximum(0, 1 - x), 1.0, (-1, 0), lambda x: -1.0 * (x < 1)),
    "softshrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0), 0.5, (0, 1),
                   lambda x: np.abs(x) > 0.5),
}  # fmt: skip
FAR = np.array([-1.7, 0.3, 4.2])


@pytest.mark.parametrize(("f", "at", "sides", "df"), KINKS.values(), ids=KINKS)
def test_the_interval_at_a_kink_is_that_of_the_one_sided_derivatives(
    f: Any, at: float, sides: tuple[float, float], df: Any
) -> None:
    x = np.array([*FAR[:2], at, FAR[2]])

    def slope(value):
        def df_there(x):
            return np.where(x == at, value, df(x)) if x.dtype == float else df(x)

        return df_there

    low, high = sides
    for value in (low, (low + high) / 2, high):
        report = pair(f, slope(value), x, select=["GC2", "GC3"])
        assert report.verdict == "PASS_SUBGRADIENT" and report.ok and report.status == 0, report
        found = finding(report)
        assert found.code == "GC301" and found.worst.index == (2,)
        assert found.worst.interval == pytest.approx(sides)
        assert found.message == "dx is a valid subgradient at 1 of 4 entries, which have a kink"
    for value in (low - 1e-3, high + 1e-3, -5.0, 7.0):
        report = pair(f, slope(value), x, select=["GC2", "GC3"])
        assert report.verdict == "FAIL" and finding(report).code == "GC302", report
        assert finding(report).worst.yours == value
        assert finding(report).worst.interval == pytest.approx(sides)
        assert f"allowed [{low:.6g}, {high:.6g}]" in str(report)
    assert pair(f, df, FAR).verdict == "PASS"


@pytest.mark.parametrize(("f", "at", "sides", "df"), KINKS.values(), ids=KINKS)
def test_a_wrong_gradient_beside_a_kink_is_still_wrong(
    f: Any, at: float, sides: Any, df: Any
) -> None:
    x = np.array([*FAR, at])

    def wrong(x):
        return np.where(np.arange(4) == 1, df(x) + 0.01, df(x)) if x.shape == (4,) else df(x)

    report = pair(f, wrong, x, select=["GC2", "GC3"])
    assert report.verdict == "FAIL", report
    (found,) = [f for f in report.findings if f.verdict == "FAIL"]
    assert found.code == "GC201" and found.worst.index == (1,)


def test_what_only_looks_like_a_kink_has_one_derivative() -> None:
    # Both sides of the comparison have the same derivative: nothing to choose.
    report = pair(lambda x: np.where(x > 0, x**2, -(x**3)), lambda x: np.where(x > 0, 2 * x, -3 * x**2),
                  np.array([0.0, 1.0, -1.0]))  # fmt: skip
    assert report.verdict == "PASS", report
    report = pair(lambda x: np.where(x > 0, x**2, -(x**3)),
                  lambda x: np.where(x > 0, 2 * x, -3 * x**2) + (x == 0), np.array([0.0, 1.0, -1.0]))  # fmt: skip
    assert report.verdict == "FAIL"


def test_prelu_at_zero() -> None:
    x, a = np.array([[0.0, 1.5], [-2.0, 0.0]]), np.array([0.3, 2.0])
    report = whole(right.prelu_forward, right.prelu_backward, x, a)
    assert report.verdict == "PASS_SUBGRADIENT" and finding(report).argument == "x"

    def outside(dout, cache):
        dx, da = right.prelu_backward(dout, cache)
        return np.where(cache[0] == 0, 5 * dout, dx), da

    assert whole(right.prelu_forward, outside, x, a).verdict == "FAIL"


# ---- ties ----------------------------------------------------------------------------------------


def max_forward(x):
    return x.max(axis=-1), x


def first_backward(dout, x):
    dx = np.zeros(x.shape)
    dx[np.arange(len(x)), x.argmax(axis=-1)] = dout
    return dx


def last_backward(dout, x):
    return first_backward(dout, x[:, ::-1])[:, ::-1].copy()


def split_backward(dout, x):
    mask = x == x.max(axis=-1, keepdims=True)
    return mask / mask.sum(axis=-1, keepdims=True) * dout[:, None]


def double_backward(dout, x):
    return (x == x.max(axis=-1, keepdims=True)) * dout[:, None]


def none_backward(dout, x):
    mask = x == x.max(axis=-1, keepdims=True)
    return mask * (mask.sum(axis=-1, keepdims=True) == 1) * dout[:, None]


def negative_backward(dout, x):
    dx = first_backward(dout, x)
    mask = (x == x.max(axis=-1, keepdims=True)) & (dx == 0)
    return np.where(mask, -0.25, 1.0) * np.where(mask, dout[:, None], dx)


TIES = {
    "two": np.array([[3.0, -1.0, 3.0, 0.5]]),
    "four": np.full((1, 4), 2.0),
    "a row without": np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]]),
    "two rows": np.array([[1.0, 1.0, 0.0, 1.0], [2.0, 5.0, 5.0, -1.0]]),
    "zeros": np.zeros((3, 3)),
    "twelve": np.full((1, 12), -1.0),
}


@pytest.mark.parametrize("x", TIES.values(), ids=TIES)
def test_ties_may_be_split_in_any_way_that_sums_to_one(x: Any) -> None:
    for backward in (first_backward, last_backward, split_backward):
        for seed in range(2):
            report = whole(max_forward, backward, x, seed=seed)
            assert report.verdict == "PASS_SUBGRADIENT", (backward.__name__, str(report))
    low, high = finding(
        whole(max_forward, split_backward, x, cotangents=np.ones(len(x)))
    ).worst.interval
    assert (low, high) == (0, 1)


@pytest.mark.parametrize("x", TIES.values(), ids=TIES)
@pytest.mark.parametrize(
    ("backward", "verdict"),
    [(double_backward, "CONVENTION"), (none_backward, "FAIL"), (negative_backward, "FAIL")],
)
def test_ties_counted_twice_are_a_convention_and_not_at_all_fail(
    x: Any, backward: Any, verdict: str
) -> None:
    for seed in range(2):
        report = whole(max_forward, backward, x, seed=seed)
        assert report.verdict == verdict and finding(report).code == "GC302", report


def test_ties_that_sum_to_more_than_the_whole_say_what_they_sum_to() -> None:
    def most_backward(dout, x):
        return 0.75 * double_backward(dout, x)

    report = whole(max_forward, most_backward, TIES["two"], cotangents=np.ones(1))
    assert report.verdict == "FAIL" and finding(report).hint == (
        "each entry alone would do, but not together: equal entries may share the gradient in any "
        "way that sums to the whole; yours sum to 1.5"
    )
    assert finding(report).worst.interval == (0, 1)


def test_a_kink_seen_from_both_sides_at_once_is_no_convention() -> None:
    """relu(x · w) at 0, where dx takes one side of the kink and dw the other."""

    def forward(x, w):
        return np.maximum(x * w, 0), (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout * w * (x * w >= 0), dout * x * (x * w > 0)

    report = whole(forward, backward, np.array([0.0, 1.0]), np.array([0.0, 2.0]))
    assert report.verdict in ("PASS", "PASS_SUBGRADIENT"), report

    def product(x, w):
        return np.maximum((x * w).sum(keepdims=True), 0), (x, w)

    def pull(dout, cache):
        x, w = cache
        return dout * w * ((x * w).sum() >= 0), dout * x * ((x * w).sum() > 0)

    report = whole(product, pull, np.array([1.0, 1.0]), np.array([2.0, -2.0]))
    assert report.verdict == "FAIL", report


@settings(max_examples=max(15, settings.default.max_examples // 2))
@given(st.lists(st.integers(0, 2), min_size=2, max_size=6), st.integers(0, 99))
def test_ties_of_any_pattern(numbers: list[int], seed: int) -> None:
    x = np.array([numbers], float)
    for backward in (first_backward, last_backward, split_backward):
        report = whole(max_forward, backward, x, seed=seed)
        assert report.verdict in ("PASS", "PASS_SUBGRADIENT"), (backward.__name__, str(report))
    tied = numbers.count(max(numbers)) > 1
    assert whole(max_forward, double_backward, x, seed=seed).conventional is tied


def test_equal_arguments_of_maximum() -> None:
    def forward(a, b):
        return np.maximum(a, b), (a, b)

    def backward(share):
        def pull(dout, cache):
            a, b = cache
            wins = (a > b) + share * (a == b)
            return dout * wins, dout * (1 - wins)

        return pull

    def double(dout, cache):
        a, b = cache
        return dout * (a >= b), dout * (b >= a)

    a, b = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0])
    for share in (0, 0.25, 0.5, 1):
        assert whole(forward, backward(share), a, b).verdict == "PASS_SUBGRADIENT"
    assert whole(forward, double, a, b).verdict == "CONVENTION"
    assert whole(forward, backward(1.5), a, b).verdict == "FAIL"


def test_what_is_no_kink_is_not_taken_for_one_when_branches_change() -> None:
    x = np.array([-1.7, 0.3, 0.0, 4.2, -0.9])  # np.sign asks fewer questions right of zero
    report = pair(lambda x: x * np.sign(x), np.sign, x)
    assert finding(report).data["kink"].tolist() == [False, False, True, False, False]
    for i in (0, 1, 3, 4):
        report = pair(lambda x: x * np.sign(x), lambda x, i=i: np.sign(x) * (np.arange(5) != i), x)
        assert report.verdict == "FAIL", (i, str(report))


def test_svm_margins_that_are_exactly_one() -> None:
    scores, y = np.array([[2.0, 1.0, 0.0], [0.0, 0.5, 1.0]]), np.array([0, 2])  # margins 0
    report = check.layer(right.svm_loss, None, (scores, y), probes=False)
    assert report.verdict == "PASS_SUBGRADIENT", report

    def half_counted(x, y):
        loss, dx = right.svm_loss(x, y)
        margins = x - x[np.arange(len(x)), y][:, None] + 1
        tied = (margins == 0).astype(float)
        return loss, dx + tied / len(x)  # the wrong class's half of the kink only

    assert check.layer(half_counted, None, (scores, y), probes=False).verdict == "FAIL"


def test_max_pool_of_equal_pixels() -> None:
    x = np.ones((1, 2, 4, 4))
    assert whole(right.max_pool_reshape_forward, right.max_pool_reshape_backward, x).verdict == (
        "PASS_SUBGRADIENT"
    )

    def double(dout, cache):
        x, blocks, out = cache
        mask = blocks == out[:, :, :, None, :, None]
        return (mask * dout[:, :, :, None, :, None]).reshape(x.shape)

    assert whole(right.max_pool_reshape_forward, double, x).verdict == "CONVENTION"


def test_relu_of_an_affine_layer_that_is_off_to_the_last_unit() -> None:
    x, w, b = np.array([[1.0, 2.0], [3.0, -1.0]]), np.zeros((2, 3)), np.zeros(3)
    for args in ((x, w, b), (np.zeros((2, 2)), w + 1.0, b)):
        report = whole(right.affine_relu_forward, right.affine_relu_backward, *args)
        # With weights of zero dx is zero: nothing was tested there, and that is said.
        said = {f.verdict for f in report.findings if f.code != "GC206"}
        assert said <= {"PASS_SUBGRADIENT", "PASS"}, report

    def wrong(dout, cache):
        return tuple(2 * g - 1 for g in right.affine_relu_backward(dout, cache))

    assert whole(right.affine_relu_forward, wrong, x, w, b).verdict == "FAIL"


# ---- probes, numbers of kinks, time --------------------------------------------------------------


def test_probes_go_to_the_kinks_that_the_point_misses() -> None:
    def backward(dout, x):
        return dout * (x > 0) + 5.0 * dout * (x == 0)

    x = np.random.default_rng(0).standard_normal((3, 4))
    assert whole(right.relu_forward, backward, x).verdict == "PASS"
    report = check.layer(right.relu_forward, backward, (x,))
    assert report.verdict == "FAIL" and report.findings[0].code == "GC302"
    assert report.findings[0].point in ("zeros among the inputs", "kinks of your forward")
    assert check.layer(right.relu_forward, right.relu_backward, (x,)).verdict == "PASS"


def test_a_threshold_in_the_middle_is_found_by_its_comparison() -> None:
    def forward(x):
        return np.where(x > 1.234, x, 0.5 * x + 0.617), x

    def backward(dout, x):
        slope = np.where(x > 1.234, 1.0, 0.5)
        return dout * np.where(np.abs(x - 1.234) < 1e-9, 3.0, slope)

    x = np.random.default_rng(0).standard_normal((3, 4))
    report = check.layer(forward, backward, (x,))
    assert report.verdict == "FAIL" and report.findings[0].point == "kinks of your forward", report


@pytest.mark.parametrize("n", [100, 1000])
def test_many_kinks_at_once_are_judged(n: int) -> None:
    x = np.zeros((10, n // 10))
    assert whole(right.relu_forward, right.relu_backward, x).verdict == "PASS_SUBGRADIENT"

    def wrong(dout, x):
        return dout * (x > 0) - 0.01 * dout

    assert whole(right.relu_forward, wrong, x).verdict == "FAIL"


def test_more_ties_than_can_be_looked_at_are_said_to_be_left_out() -> None:
    x = np.zeros((64, 64))
    report = whole(right.relu_forward, right.relu_backward, x)
    assert report.ok
    assert report.verdict == "PASS_SUBGRADIENT" or any(
        "kinks were left out" in n for n in report.notes
    )


def test_the_rest_of_the_gradient_is_judged_at_a_tie() -> None:
    x = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]])

    def wrong(dout, x):
        dx = split_backward(dout, x)
        dx[1] *= 1 + 1e-9
        return dx

    report = whole(max_forward, wrong, x)
    assert report.verdict == "FAIL", report
