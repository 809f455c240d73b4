"""GC1: laws that every backward pass keeps, whatever its function: found without a reference."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import check
from tests.strategies import seeds, signed

X = np.array([[0.5, -1.25], [2.0, 0.75], [-0.3, 1.5]])
Y = np.array([[1.5, -0.5], [0.25, 2.0], [-1.0, 0.75]])


def forward(x):
    return np.sin(x), x


def right(dout, x):
    return dout * np.cos(x)


def laws(backward: Callable[..., Any], x: Any = X, **options: Any) -> Any:
    """The report of the laws only, of a backward pass of sin."""
    return check.layer(forward, backward, (x,), probes=False, select=["GC1"], **options)


WRONG: dict[str, tuple[Callable[..., Any], str]] = {
    "a constant term": (lambda d, x: d * np.cos(x) + 1e-3, "GC101"),
    "a regularisation term": (lambda d, x: d * np.cos(x) + 0.1 * x, "GC101"),
    "no cotangent at all": (lambda d, x: np.cos(x), "GC101"),
    "an eps": (lambda d, x: (d + 1e-10) * np.cos(x), "GC101"),
    "absolute": (lambda d, x: np.abs(d) * np.cos(x), "GC102"),
    "squared": (lambda d, x: d**2 * np.cos(x), "GC102"),
    "clipped to 1": (lambda d, x: np.clip(d, -1, 1) * np.cos(x), "GC102"),
    "clipped to 100": (lambda d, x: np.clip(d, -100, 100) * np.cos(x), "GC102"),
    "clipped at the end": (lambda d, x: np.clip(d * np.cos(x), -5, 5), "GC102"),
    "normalised": (lambda d, x: d * np.cos(x) / (np.abs(d).max() + 1e-30), "GC102"),
    "clipped by norm": (
        lambda d, x: d * np.cos(x) / max(1.0, float(np.linalg.norm(d)) / 50), "GC102",
    ),
    "positive only": (lambda d, x: np.where(d > 0, d, 0) * np.cos(x), "GC102"),
    "small ones dropped": (lambda d, x: np.where(np.abs(d) < 1e-2, 0, d) * np.cos(x), "GC102"),
    "a mask of the cotangent": (lambda d, x: d * (d > -0.8) * np.cos(x), "GC102"),
    "a sign": (lambda d, x: np.sign(d) * np.cos(x), "GC102"),
    "rounded": (lambda d, x: np.round(d, 2) * np.cos(x), "GC102"),
}  # fmt: skip


@pytest.mark.parametrize(("backward", "code"), WRONG.values(), ids=WRONG)
def test_what_is_not_linear_in_the_cotangent_fails(backward: Any, code: str) -> None:
    for seed in range(3):
        report = laws(backward, seed=seed)
        assert [f.code for f in report.findings] == [code], report
        (finding,) = report.findings
        assert report.verdict == "FAIL" and finding.argument == "x"
        assert finding.worst is not None and finding.worst.error > 0
        assert finding.method == "what this law asks for"
        assert laws(right, seed=seed).verdict == "PASS" and not laws(right, seed=seed).findings


@given(st.floats(-1e3, 1e3).filter(lambda c: abs(c) > 1e-3), seeds)
def test_every_linear_backward_keeps_the_laws_be_it_right_or_wrong(c: float, seed: int) -> None:
    x = signed(np.random.default_rng(seed), 4, 3)
    report = laws(lambda d, x: c * np.cumsum(d[::-1] * x, axis=0) - d / 3, x, seed=seed % 1000)
    assert not report.findings, report
    report = laws(lambda d, x: c * np.cumsum(d[::-1] * x, axis=0) - np.abs(d) / 3, x)
    assert [f.code for f in report.findings] == ["GC102"]


def test_messages() -> None:
    (finding,) = laws(lambda d, x: d * np.cos(x) + 1e-3).findings
    assert finding.message == "dx is not 0 where dout is 0: a part of it does not depend on dout"
    assert finding.worst is not None and finding.worst.yours == 1e-3 and finding.worst.true == 0
    (finding,) = laws(lambda d, x: np.abs(d) * np.cos(x)).findings
    law = "dx does not grow with dout as it must: for "
    assert finding.message == law + "-dout it is not minus what it is for dout"
    (finding,) = laws(lambda d, x: np.clip(d, -100, 100) * np.cos(x)).findings
    assert finding.message == law + "1024·dout it is not 1024 times what it is for dout"
    (finding,) = laws(lambda d, x: np.where(np.abs(d) < 1e-2, 0, d) * np.cos(x)).findings
    assert finding.message == law + "dout/1024 it is not 1/1024 of what it is for dout"


def test_a_law_that_only_sums_break() -> None:
    def backward(d, x):  # homogeneous, even odd, but not additive
        return d**3 / (d**2).sum() * np.cos(x) if np.any(d) else d * x

    (finding,) = laws(backward).findings
    assert finding.message == (
        "dx does not grow with dout as it must: for the sum of two it is not the sum of both"
    )


@pytest.mark.parametrize("code", ["GC101", "GC102"])
def test_losses_have_no_cotangent_and_so_no_laws(code: str) -> None:
    def loss(x):
        return np.sum(x**2), 2 * x

    assert check.layer(loss, None, (X,), select=[code]).verdict == "PASS"


def test_float32_rounds_more_and_is_no_less_linear() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 40)).astype(np.float32)

    def backward(d, x):
        return (d @ (x.T @ np.cos(x))).astype(np.float32)

    assert not laws(backward, x).findings
    assert laws(lambda d, x: np.clip(d, -9, 9) * np.cos(x), x).findings


def test_sums_that_cancel_are_linear_still() -> None:
    def backward(d, x):
        terms = d * np.cos(x)
        return (terms - terms.mean()) - (terms - terms.mean()) + terms.sum() - terms.sum()

    assert not laws(backward).findings


# ---- one array in two places ---------------------------------------------------------------------


def product_forward(x, y):
    return x * y, (x, y)


def product_backward(dout, cache):
    x, y = cache
    return dout * y, dout * x


def by_identity(dout, cache):
    """Gradients kept by the identity of the arrays: one of the two is lost."""
    x, y = cache
    grads = {id(x): dout * y}
    grads[id(y)] = grads.get(id(y), 0) + dout * x
    return grads[id(x)], grads[id(y)]


def test_one_array_in_two_places() -> None:
    report = check.layer(product_forward, by_identity, (X, Y), probes=False)
    assert [f.code for f in report.findings] == ["GC104"] and report.verdict == "FAIL", report
    (finding,) = report.findings
    assert finding.message == "dx is different when one array is given as x and as y"
    assert check.layer(product_forward, product_backward, (X, Y), probes=False).verdict == "PASS"
    assert check.layer(product_forward, by_identity, (X, Y), ignore=["GC104"], probes=False).ok


def test_arrays_of_different_shapes_are_not_exchanged() -> None:
    seen = []

    def forward(x, y):
        seen.append(x is y)
        return (x * y.sum()), (x, y)

    def backward(dout, cache):
        x, y = cache
        return dout * y.sum(), np.full(y.shape, (dout * x).sum())

    assert check.layer(forward, backward, (X, Y[:2]), probes=False).verdict == "PASS"
    assert not any(seen)


def test_equal_arguments_outside_the_domain_are_no_fault() -> None:
    def forward(x, y):
        if np.array_equal(x, y):
            raise ValueError("x and y must differ")
        return x / (x - y), (x, y)

    def backward(dout, cache):
        x, y = cache
        return -dout * y / (x - y) ** 2, dout * x / (x - y) ** 2

    assert check.layer(forward, backward, (X, Y), probes=False).verdict == "PASS"
