"""GC2: how a gradient is judged: the ladder of oracles, what each can see, what none may claim."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import check
from microgradnn.check import Report
from microgradnn.check.oracle import balls
from tests.check.hard import checked
from tests.check.zoo import BY_NAME, right
from tests.strategies import seeds, signed

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 4))
PROOF = "traced exactly"


def pair(f: Callable[..., Any], df: Callable[..., Any], x: Any = X, **options: Any) -> Report:
    """The report on an elementwise function and its derivative."""

    def forward(x):
        return f(x), x

    def backward(dout, x):
        return dout * df(x)

    return check.layer(forward, backward, (x,), **{"probes": False, **options})


def only(report: Report) -> Any:
    """What there is beside remarks, or the remark."""
    seen = [f for f in report.findings if f.code[2] not in "45"]  # no diagnosis of it
    found = [f for f in seen if f.verdict != "PASS"] or seen
    (finding,) = found
    return finding


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def dsigmoid(x):
    return sigmoid(x) * (1 - sigmoid(x))


# ---- the exact rung ------------------------------------------------------------------------------


def test_right_values_are_proved() -> None:
    report = pair(sigmoid, dsigmoid)
    assert report.verdict == "PASS" and report.methods == {"x": PROOF}
    assert report.smallest["x"] < 1e-14 and report.coverage == {"x": (12, 12)}
    assert "12 of 12 entries were nonzero at some point" in report.explain()


@pytest.mark.parametrize("off", [1e-13, -1e-13, 1e-12, 1e-9, 1e-3])
def test_a_factor_next_to_one_is_wrong(off: float) -> None:
    finding = only(pair(sigmoid, lambda x: dsigmoid(x) * (1 + off)))
    assert finding.code == "GC201" and finding.verdict == "FAIL"
    assert finding.worst.error == pytest.approx(abs(off * finding.worst.true), rel=0.05)
    assert finding.worst.bound < 1e-30 and finding.data["entries"] == 12


@pytest.mark.parametrize("off", [1e-16, 2e-16])
def test_a_factor_that_rounding_could_make_is_not(off: float) -> None:
    assert pair(sigmoid, lambda x: dsigmoid(x) * (1 + off)).verdict == "PASS"


@pytest.mark.parametrize("eps", [1.0000001e-5, 0.9999999e-5, 1.001e-5, 1e-8])
def test_an_eps_that_differs_in_the_seventh_digit_is_wrong(eps: float) -> None:
    entry = BY_NAME["batchnorm_alt"]
    x, gamma, beta, _ = entry.make_inputs(np.random.default_rng(0)).args

    def backward(dout, cache):
        x_norm, gamma, std = cache
        return right.batchnorm_alt_backward(dout, (x_norm, gamma, np.sqrt(std**2 - 1e-5 + eps)))

    args = x, gamma, beta, 1e-5
    report = check.layer(entry.forward, backward, args, probes=False)
    assert report.verdict == "FAIL" and only(report).argument == "x"
    assert check.layer(entry.forward, entry.backward, args, probes=False).verdict == "PASS"


def test_one_wrong_entry_is_found_and_named() -> None:
    def df(x):
        d = dsigmoid(x)
        d[2, 1] *= 1 + 1e-12
        return d

    finding = only(pair(sigmoid, df))
    assert finding.worst.argument == "x" and finding.worst.index == (2, 1)
    assert finding.message == "dx is wrong: 1 of 12 entries"
    assert finding.data["wrong"].sum() == 1 and finding.data["wrong"][2, 1]
    assert finding.worst.ulps == pytest.approx(1e-12 / 2**-52, rel=0.5)


def test_a_common_factor_is_said() -> None:
    assert only(pair(sigmoid, lambda x: 2 * dsigmoid(x))).hint == (
        "yours is 2 × the true gradient everywhere"
    )
    assert "within 1e-07 of right" in only(pair(sigmoid, lambda x: dsigmoid(x) * (1 + 1e-7))).hint
    assert not only(pair(sigmoid, lambda x: dsigmoid(x) + x)).hint


@pytest.mark.parametrize("cast", [np.float32, np.float16])
def test_a_cast_inside_float64_code_is_wrong(cast: Any) -> None:
    finding = only(pair(sigmoid, lambda x: dsigmoid(x).astype(cast).astype(float)))
    assert finding.code == "GC201" and finding.verdict == "FAIL"
    assert finding.hint.startswith("in exact arithmetic it is right: ")


def test_an_integer_buffer_is_wrong() -> None:
    def df(x):
        out = np.zeros(x.shape, int)
        out[...] = 1000 * dsigmoid(x)
        return out / 1000

    assert pair(sigmoid, df).verdict == "FAIL"


# ---- float32 -------------------------------------------------------------------------------------


@given(seeds)
def test_float32_code_is_judged_at_its_own_numbers(seed: int) -> None:
    x = signed(np.random.default_rng(seed), 3, 4).astype(np.float32)
    report = pair(lambda x: np.exp(np.sin(x)), lambda x: np.exp(np.sin(x)) * np.cos(x), x)
    assert report.verdict == "PASS", report
    assert 1e-8 < report.smallest["x"] < 1e-5
    wrong = pair(lambda x: np.exp(np.sin(x)), lambda x: np.exp(np.sin(x)) * np.cos(x) * 1.0001, x)
    assert wrong.verdict == "FAIL", wrong


@pytest.mark.parametrize("name", ["batchnorm", "attention", "lstm_step", "softmax_loss", "gelu"])
def test_float32_layers_pass_and_ulps_are_those_of_float32(name: str) -> None:
    entry = BY_NAME[name]
    inputs = entry.make_inputs(np.random.default_rng(0))
    inputs = inputs.replaced([a.astype(np.float32) for a in inputs.arrays()])
    assert checked(entry, inputs).verdict == "PASS"
    finding = only(pair(sigmoid, lambda x: dsigmoid(x) * np.float32(1.5), X.astype(np.float32)))
    assert finding.worst.ulps == pytest.approx(0.5 * 2**23, rel=0.6)


# ---- right formulas that lose digits -------------------------------------------------------------


def naive_softmax_forward(x):
    e = np.exp(x)
    p = e / e.sum(axis=1, keepdims=True)
    return p, p


def naive_softmax_backward(dout, p):
    return p * (dout - (dout * p).sum(axis=1, keepdims=True))


@given(st.lists(st.floats(-300, 300), min_size=2, max_size=6))
def test_saturated_softmax_is_never_wrong(logits: list[float]) -> None:
    report = check.layer(
        naive_softmax_forward, naive_softmax_backward, (np.array([logits]),), probes=False
    )
    assert report.verdict in ("PASS", "UNSTABLE"), report


def test_saturated_softmax_is_unstable_and_wrong_formulas_are_wrong_there() -> None:
    x = np.array([[80.0, 0.0, -3.0]])
    report = check.layer(naive_softmax_forward, naive_softmax_backward, (x,), probes=False)
    assert report.verdict == "UNSTABLE" and report.ok and report.status == 0
    assert only(report).code == "GC203"
    assert only(report).hint == "in exact arithmetic the formula is right"
    assert only(report).worst.error > 1e-9 * abs(only(report).worst.true)

    def wrong(dout, p):
        return p * (dout - (dout * p).sum(axis=1, keepdims=True)) * (1 + 1e-10)

    assert check.layer(naive_softmax_forward, wrong, (x,), probes=False).verdict == "FAIL"


def test_not_a_number_where_the_derivative_is_one() -> None:
    x = np.array([[0.5, 0.0, 2.0]])
    slope = lambda x: (x / x) / (2 * np.sqrt(x + 1))  # noqa: E731
    finding = only(pair(lambda x: np.sqrt(x + 1), slope, x, select=["GC2"]))
    assert finding.code == "GC202" and finding.verdict == "FAIL" and finding.worst.index == (0, 1)
    assert finding.message == "dx is not finite in 1 of 3 entries"


def test_outside_the_domain_nothing_is_claimed() -> None:
    report = pair(np.log, lambda x: 1 / x, np.array([0.5, -1.0]))
    assert report.verdict == "INCONCLUSIVE" and not report.ok and report.status == 4
    assert only(report).code == "GC002" and "inside the domain" in only(report).hint


def test_zero_gradients_are_said_to_be_untested() -> None:
    report = pair(lambda x: 0 * x, lambda x: 0 * x, probes=True)
    assert report.verdict == "INCONCLUSIVE" and only(report).code == "GC206"
    assert "0 of 12 entries of dx were nonzero at any point" in report.explain()
    report = pair(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, -np.abs(X))
    assert report.coverage["x"] == (0, 12) and report.verdict == "INCONCLUSIVE"


# ---- lower rungs ---------------------------------------------------------------------------------


def by_numbers(x):
    """A forward that asks for the numbers themselves."""
    out = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        out[i] = math.sin(float(x[i]))
    return out


def by_items(x):
    return np.array([[v.item() ** 3 for v in row] for row in x])


class Opaque:
    """As a compiled function: no code that could be traced."""

    def __call__(self, x):
        if x.dtype != np.float64:
            raise TypeError("a buffer of doubles is needed")
        return x**3


class Analytic(Opaque):
    def __call__(self, x):
        if x.dtype == object:
            raise TypeError("a buffer of numbers is needed")
        return np.sin(x)


def absolute(x):
    """A kink that cannot be traced."""
    if x.dtype == object:
        raise TypeError("a buffer of numbers is needed")
    return np.abs(x)


OPAQUE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "float(x)": (by_numbers, np.cos),
    ".item()": (by_items, lambda x: 3 * x**2),
    "scipy": (scipy.special.expit, dsigmoid),
    "scipy erf": (scipy.special.erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-(x**2))),
    "compiled": (Opaque(), lambda x: 3 * x**2),
    "vectorize": (np.vectorize(lambda v: math.atan(float(v))), lambda x: 1 / (1 + x**2)),
    "fft": (lambda x: np.fft.ifft(np.fft.fft(x)).real ** 2, lambda x: 2 * x),
}


@pytest.mark.parametrize(("f", "df"), OPAQUE.values(), ids=OPAQUE)
def test_what_cannot_be_traced_is_still_checked(f: Any, df: Any) -> None:
    report = pair(f, df)
    assert report.verdict == "PASS", report
    for off in (1.5, 1.0001, -1.0):
        report = pair(f, lambda x, off=off: df(x) * off)
        assert report.verdict == "FAIL", report
        assert only(report).code == "GC201" and only(report).worst.bound > 0

    def one_off(x):
        d = np.array(df(x))
        d[1, 2] += 0.05
        return d

    assert pair(f, one_off).verdict == "FAIL"


@pytest.mark.parametrize("name", ["compiled", "fft", "scipy erf"])
def test_the_lower_rung_is_named(name: str) -> None:
    report = pair(*OPAQUE[name])
    text = report.explain()
    assert "the forward was not traced: " in text and report.methods["x"] != PROOF
    assert "differences" in report.methods["x"] and 1e-16 < report.smallest["x"] < 1e-6


def test_the_complex_step_counts_only_where_differences_agree() -> None:
    smooth = pair(Analytic(), np.cos)
    assert "complex step" in smooth.methods["x"] and smooth.verdict == "PASS"
    # No surer than the differences that confirm it, though the step itself is exact here.
    assert 1e-12 < smooth.smallest["x"] < 1e-8
    kinked = pair(lambda x: absolute(x) ** 3, lambda x: 3 * x * np.abs(x))
    assert kinked.verdict == "PASS" and "complex step" not in kinked.methods["x"]


def test_right_up_to_the_bound_of_differences_is_never_wrong() -> None:
    f, df = OPAQUE["compiled"]
    for off in (1e-15, 1e-14, 1e-13):
        assert pair(f, lambda x, off=off: df(x) * (1 + off)).verdict == "PASS"


@given(seeds, st.floats(-8, 8))
def test_no_false_alarm_by_differences(seed: int, scale: float) -> None:
    x = signed(np.random.default_rng(seed), 2, 3) * 10**scale
    f, df = OPAQUE["compiled"]
    report = pair(f, df, x)
    assert report.verdict in ("PASS", "INCONCLUSIVE", "UNSTABLE"), report


def test_a_kink_that_is_not_traced_is_no_verdict() -> None:
    slope = lambda x: np.where(x >= 0, 1.0, -1.0)  # noqa: E731
    report = pair(absolute, slope, np.array([[0.0, 1.0, -2.0]]))
    assert report.verdict == "INCONCLUSIVE" and only(report).code == "GC204", report
    assert pair(absolute, np.sign, np.array([[0.5, 1.0, -2.0]])).verdict == "PASS"


def test_too_long_a_trace_is_said_and_checked_otherwise() -> None:
    rng = np.random.default_rng(0)
    x, w, b = rng.standard_normal((256, 784)), rng.standard_normal((784, 100)), np.zeros(100)
    report = check.layer(right.affine_forward, right.affine_backward, (x, w, b), probes=False)
    assert report.verdict == "PASS", report
    assert any("more than 200000 nodes" in note for note in report.notes), report.notes

    def wrong(dout, cache):
        dx, dw, db = right.affine_backward(dout, cache)
        return dx, dw * 1.001, db

    report = check.layer(right.affine_forward, wrong, (x[:40], w, b), probes=False)
    assert report.verdict == "FAIL" and report.findings[0].code == "GC201"


# ---- without python-flint ------------------------------------------------------------------------


@pytest.fixture
def no_flint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balls, "available", False)
    monkeypatch.setattr(balls, "absent", "a proof needs python-flint")


@pytest.mark.parametrize("name", ["affine", "softmax_loss", "batchnorm", "Linear", "softplus"])
def test_without_flint_right_layers_pass(no_flint: None, name: str) -> None:
    report = checked(BY_NAME[name], BY_NAME[name].make_inputs(np.random.default_rng(0)))
    assert report.verdict == "PASS", report
    assert any("python-flint is not installed" in note for note in report.notes)


def test_without_flint_wrong_ones_fail_and_kinks_are_left_open(no_flint: None) -> None:
    assert pair(sigmoid, dsigmoid).verdict == "PASS"
    assert pair(sigmoid, lambda x: dsigmoid(x) * (1 + 1e-4)).verdict == "FAIL"
    report = pair(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 0.5 + 0.0, np.array([1.0, -1.0]))
    assert report.verdict == "FAIL"
    at_kink = pair(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, np.array([0.0, -1.0]))
    assert at_kink.verdict == "INCONCLUSIVE" and only(at_kink).code == "GC204"
    assert "move the point a little" in only(at_kink).hint
    assert not pair(sigmoid, lambda x: dsigmoid(x) + 1).ok


def test_a_check_says_whether_it_proves() -> None:
    assert check.can_prove() and pair(sigmoid, dsigmoid).proved
    code = """
import sys
sys.modules["flint"] = None
import numpy as np
from microgradnn import check
report = check.layer(lambda x: (x**2, x), lambda dout, x: 2 * x * dout, np.array([1.0, 2.0]))
print(check.can_prove(), report.verdict, report.proved, report.notes[-1], sep="|")
"""
    command = [sys.executable, "-c", code]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.strip() == (
        "False|PASS|False|a proof needs python-flint, which is not installed; in a clone of "
        "microgradnn write: pip install -e '.[check]'"
    )


# ---- cotangents ----------------------------------------------------------------------------------


def test_given_cotangents_are_used() -> None:
    used = []

    def forward(x):
        return np.sin(x), x

    def backward(dout, x):
        used.append(np.array(dout))
        return dout * np.cos(x) * (1 if np.any(dout != 7.0) else 2)

    assert check.layer(forward, backward, (X,), probes=False, select=["GC2"]).verdict == "PASS"
    sevens = np.full(X.shape, 7.0)
    report = check.layer(forward, backward, (X,), probes=False, select=["GC2"], cotangents=sevens)
    assert report.verdict == "FAIL" and any((u == 7).all() for u in used)


def test_the_seed_decides_the_cotangents() -> None:
    used: list[Any] = []

    def forward(x):
        return np.sin(x), x

    def backward(dout, x):
        if dout.dtype == float:
            used.append(np.array(dout))
        return dout * np.cos(x)

    drawn = []
    for seed in (1, 1, 2):
        used.clear()
        check.layer(forward, backward, (X,), probes=False, select=["GC2"], seed=seed)
        drawn.append(np.ravel(used))
    assert len(used) and np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
