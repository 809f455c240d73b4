"""What must be true of a verdict: the trace is the function, and what cancels is compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnn import check

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
