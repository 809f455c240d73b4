"""What must be true of a verdict: the trace is the function, and what cancels is compared."""

import json
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgradnn import check
from microgradnn.check import Report, examine
from microgradnn.check.report import report_from_dict

X = np.array([[0.5, -1.25, 2.0], [0.75, 1.5, -0.3]])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# ---- a trace that is another function ------------------------------------------------------------


def by_rounding(x: Any) -> Any:
    return np.where(x == np.round(x, 17), x * x, 1.5 * x * x), x


def by_dtype(x: Any) -> Any:
    return (1.5 * x * x if x.dtype == object else x * x), x


def by_type(x: Any) -> Any:
    return (x * x if isinstance(x.flat[0], float) else 1.5 * x * x), x


def by_detaching(x: Any) -> Any:
    still = np.array([float(str(v)) for v in x.ravel()]) if x.dtype != object else 0 * x.ravel()
    return 0.75 * x * x + 0.25 * still.reshape(x.shape) ** 2, x


@pytest.mark.parametrize("forward", [by_dtype, by_type, by_detaching])
def test_the_float_forward_decides_not_its_trace(forward: Callable[..., Any]) -> None:
    right = check.layer(forward, lambda dout, x: 2 * dout * x, (X,))
    assert right.verdict == "PASS" and len(right.points) >= 8, right
    assert not right.proved
    for factor in (3, 1.5, 2.001):
        wrong = check.layer(forward, lambda dout, x, c=factor: c * dout * x, (X,))
        assert wrong.verdict == "FAIL", (factor, wrong)


def test_a_function_of_the_last_bits_does_not_pass_with_the_gradient_of_its_trace() -> None:
    assert not check.layer(by_rounding, lambda dout, x: 3 * dout * x, (X,)).ok


def plain_relu(x: Any) -> Any:
    out = np.array([[float(repr(float(v))) for v in row] for row in x])
    return np.maximum(out, 0), x


def test_untraced_forwards_are_compared_at_all_points_also_beside_kinks() -> None:
    right = check.layer(plain_relu, lambda dout, x: dout * (x > 0), (X,))
    assert right.verdict == "PASS" and len(right.points) >= 8, right
    for wrong in (lambda d, x: d * (x > -0.3), lambda d, x: d * (np.abs(x) < 20) * (x > 0)):
        assert check.layer(plain_relu, wrong, (X,)).verdict == "FAIL"


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.zeros(shape=x.shape), lambda x: np.zeros_like(a=x),
        lambda x: np.full(shape=x.shape, fill_value=0.0), lambda x: np.empty_like(prototype=x),
        lambda x: np.full_like(x, 0), lambda x: np.empty(dtype=float, shape=x.shape),
        lambda x: np.full(x.shape, x[0, 0]), lambda x: np.full_like(a=x, fill_value=x[0, 0]),
    ],
)  # fmt: skip
def test_buffers_are_traced_however_they_are_asked_for(make: Callable[..., Any]) -> None:
    def forward(x: Any) -> Any:
        out = make(x)
        out[:] = x * x
        return out, x

    report = check.layer(forward, lambda dout, x: 2 * dout * x, (X,))
    assert report.verdict == "PASS" and report.proved, report


# ---- zero by cancellation ------------------------------------------------------------------------


def batch_norm(x: Any, b: Any) -> Any:
    z = x + b
    s = 1 / np.sqrt(z.var(0) + 1e-5)
    hat = (z - z.mean(0)) * s
    return hat, (hat, s)


def batch_norm_back(dout: Any, cache: Any) -> Any:
    hat, s = cache
    return s / len(hat) * (len(hat) * dout - dout.sum(0) - hat * (dout * hat).sum(0))


def softmax(x: Any, b: Any) -> Any:
    e = np.exp(x + b - (x + b).max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    return p, (p, p)


def softmax_back(dout: Any, cache: Any) -> Any:
    p, _ = cache
    return p * (dout - (dout * p).sum(1, keepdims=True))


def centred(x: Any, b: Any) -> Any:
    z = x + b
    return z - z.mean(0), (z, z)


def centred_back(dout: Any, cache: Any) -> Any:
    return dout - dout.mean(0)


CANCELLING = [
    (batch_norm, batch_norm_back, 0, (6, 3), (3,)),
    (softmax, softmax_back, 1, (4, 5), (4, 1)),
    (centred, centred_back, 0, (6, 3), (3,)),
]


@pytest.mark.parametrize(("forward", "back", "axis", "shape", "bias"), CANCELLING)
@pytest.mark.parametrize("seed", range(3))
def test_what_cancels_is_judged_against_the_rounding_of_its_terms(
    forward: Any, back: Any, axis: int, shape: Any, bias: Any, seed: int
) -> None:
    args = (rng(seed).standard_normal(shape), rng(seed + 1).standard_normal(bias))

    def backward(off: float, noise: float = 0.0) -> Any:
        def run(dout: Any, cache: Any) -> Any:
            dx = back(dout, cache)
            terms = dx * (1 + off * np.sign(dx))
            terms = terms + noise * dx * np.sin(1 + np.arange(dx.size)).reshape(dx.shape)
            return dx, terms.sum(axis).reshape(bias)

        return run

    for right in (backward(0.0), backward(0.0, 2e-16), lambda d, c: (back(d, c), np.zeros(bias))):
        report = check.layer(forward, right, args)
        assert report.verdict == "PASS" and report.coverage["b"][0], report
    for off in (1e-6, 1e-3, 1.0):
        report = check.layer(forward, backward(off), args, select=["GC2"])
        assert report.verdict == "FAIL" and report.worst.argument == "b", (off, report)
        assert report.worst.true == 0


# ---- digits --------------------------------------------------------------------------------------


def naive_variance(x: Any) -> Any:
    return (x * x).mean() - x.mean() ** 2, x


def test_no_right_digit_is_no_pass() -> None:
    def back(dout: Any, x: Any) -> Any:
        big = 1e9 + x
        return dout * ((2 * big - 2 * big.mean()) / x.size + (x * 1e17 - x * 1e17 + 0))

    def worse(dout: Any, x: Any) -> Any:
        return dout * (((2 * x + 1e17) - (2 * x.mean() + 1e17)) / x.size)

    some = check.layer(naive_variance, back, (X,), probes=False)
    assert some.verdict == "UNSTABLE" and some.ok, some
    none = check.layer(naive_variance, worse, (X,), probes=False)
    assert none.verdict == "FAIL" and none.status == 3, none
    assert "no right digit" in str(none)


def test_a_gradient_that_is_zero_everywhere_was_not_tested() -> None:
    report = check.layer(lambda x, w: (x + 0 * w, 0), lambda d, c: (d, 0 * d), (X, X + 1))
    assert report.verdict == "INCONCLUSIVE" and "0 of 6 entries of dw were nonzero" in str(report)


# ---- what was covered ----------------------------------------------------------------------------


class Hidden:
    """A layer whose weight's gradient is where nobody looks."""

    def __init__(self, word: str = "steepness") -> None:
        self.weight, self.word = rng().standard_normal((3, 4)), word

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weight

    def backward(self, dout: Any) -> Any:
        setattr(self, self.word, self.x.T @ dout)
        return dout @ self.weight.T


class Scaled:
    """A layer with an array of a name that no parameter has; forward uses it or not."""

    def __init__(self, used: bool) -> None:
        self.alloy, self.used, self.pe = np.array([1.5, 0.5, 2.0]), used, np.ones(3)

    def forward(self, x: Any) -> Any:
        return (x * self.alloy if self.used else x * 2.0) + self.pe

    def backward(self, dout: Any) -> Any:
        return dout * (self.alloy if self.used else 2.0)


def test_parameters_that_forward_uses_have_their_gradients_compared() -> None:
    report = check.layer(Hidden(), X)
    assert report.verdict == "INCONCLUSIVE", report
    assert "weight: no gradient found; looked for dweight, grad_weight, weight_grad" in str(report)
    assert check.layer(Hidden("dweight"), X).verdict == "PASS"
    assert check.layer(Hidden(), X, params={"weight": "steepness"}).verdict == "PASS"
    assert check.layer(Scaled(True), X).verdict == "INCONCLUSIVE"
    assert "alloy: no gradient found" in str(check.layer(Scaled(True), X))
    assert check.layer(Scaled(False), X).verdict == "PASS"


def test_shapes_are_shown_and_only_points_where_values_were_compared() -> None:
    other = rng().standard_normal((4, 3))
    report = check.layer(by_dtype, lambda dout, x: 2 * dout * x, (X,), others=[(other,)])
    assert report.shapes == ({"x": (2, 3)}, {"x": (4, 3)})
    assert "x (2, 3)" in report.explain() and "x (4, 3)" in report.explain()
    assert check_roundtrip(report).shapes == report.shapes
    log = check.layer(lambda x: (np.log(x), x), lambda dout, x: dout / x, (X,))
    assert log.points == () and log.shapes == ()


def check_roundtrip(report: Report) -> Report:
    return report_from_dict(json.loads(report.to_json()))


def test_nothing_looked_at_is_no_pass() -> None:
    right = (lambda x: (x * x, x), lambda dout, x: 2 * dout * x)
    for report in (
        check.layer(*right, (X,), ignore="GC"),
        check.layer(*right, (X,), select="GC2", ignore="GC2"),
        check.layer(*right, (np.zeros((0, 3)),)),
    ):
        assert report.verdict == "NOTHING" and not report.ok and report.status == 8, report
        assert "nothing was looked at" in str(report)
    contract = check.layer(*right, (X,), select="GC0")
    assert contract.verdict == "PASS" and "gradient is right" not in contract.explain()


# ---- threads -------------------------------------------------------------------------------------


def test_two_threads_may_check_at_once() -> None:
    def checks(seed: int) -> list[str]:
        args = (rng(seed).standard_normal((6, 3)), rng(seed + 1).standard_normal(3))

        def both(dout: Any, cache: Any) -> Any:
            dx = batch_norm_back(dout, cache)
            return dx, dx.sum(0)

        return [check.layer(batch_norm, both, args).verdict for _ in range(6)]

    with ThreadPoolExecutor(3) as pool:
        verdicts = [v for some in pool.map(checks, range(3)) for v in some]
    assert verdicts == ["PASS"] * 18


def test_another_thread_does_not_see_swapped_names() -> None:
    seen: list[Any] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            seen.append(type(np.zeros(3)))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(4):
            assert check.layer(by_dtype, lambda dout, x: 2 * dout * x, (X,)).verdict == "PASS"
    finally:
        stop.set()
        thread.join()
    assert set(seen) == {np.ndarray}


# ---- words ---------------------------------------------------------------------------------------


def test_swapped_gradients_are_named() -> None:
    def forward(x: Any, y: Any) -> Any:
        return x * x * y, (x, y)

    def backward(dout: Any, cache: Any) -> Any:
        x, y = cache
        return dout * x * x, dout * 2 * x * y

    report = check.layer(forward, backward, (X, X + 3))
    assert report.verdict == "FAIL"
    assert "your dx is the true dy" in str(report) and "your dy is the true dx" in str(report)


def test_an_error_of_our_own_is_inconclusive_with_a_dump(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        return np.random.default_rng(0).integers(3, 1)

    monkeypatch.setattr(examine, "look", broken)
    monkeypatch.setattr("microgradnn.check.stages.results.where", lambda error: "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = check.layer(by_dtype, lambda dout, x: 2 * dout * x, (X,))
    (sent,) = tmp_path.iterdir()
    assert report.verdict == "INCONCLUSIVE"
    assert report.findings[0].headline == "the checker could not finish: ValueError: low >= high"
    assert report.findings[0].hint == f"nothing is said about your code; to report it, send {sent}"
    text = sent.read_text()
    assert "test_trust.py" in text and "in broken: return np" in text and "NumPy 2" in text
    assert f"x = float64{X.shape} {X.tolist()}" in text
    assert str(Path.home()) not in text and str(Path(__file__).parent) not in text
