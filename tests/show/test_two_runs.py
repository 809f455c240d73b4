"""diff(): the first number that differs between two runs, and how it spreads."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import Value, tensor
from microgradnn.errors import ConfigError, GradientError
from microgradnn.show import diff

NAMES = ("x", "w", "b")


def run(x: float = 2.0, w: float = -3.0, b: float = 6.88, act: str = "tanh") -> Value:
    x_, w_, b_ = Value(x, "x"), Value(w, "w"), Value(b, "b")
    out: Value = (getattr(x_ * w_ + b_, act)() - 1) ** 2
    return out


def test_the_text_is_a_table() -> None:
    L = run()
    assert (
        str(diff(L, run(2.0001), lang="en", names={"L": L}))
        == """\
two runs of L: 0.0861896 and 0.0862779
the first difference: x, which is 2 in the first run and 2.0001 in the second; an input
6 of 8 numbers differ, and 7 gradients

number         first run  second run  apart by  relative  why
x              2          2.0001      0.0001    5e-05     an input
v1 = x*w       -6         -6.0003     0.0003    5e-05     because its inputs differ
v2 = v1 + b    0.88       0.8797      0.0003    0.00034   because its inputs differ
v3 = tanh(v2)  0.706419   0.706269    0.00015   0.00021   because its inputs differ
v4 = v3 - 1    -0.293581  -0.293731   0.00015   0.00051   because its inputs differ
L = v4**2      0.0861896  0.0862779   8.83e-05  0.001     because its inputs differ

gradient  first run  second run  apart by  relative  why
dL/dv4    -0.587161  -0.587462   0.000301  0.00051
dL/dv3    -0.587161  -0.587462   0.000301  0.00051
dL/dv2    -0.294151  -0.294427   0.000275  0.00094
dL/dv1    -0.294151  -0.294427   0.000275  0.00094
dL/db     -0.294151  -0.294427   0.000275  0.00094
dL/dw     -0.588302  -0.588883   0.00058   0.00099
dL/dx     0.882454   0.88328     0.000826  0.00094"""
    )


@given(st.sampled_from(NAMES), st.floats(-3, 3), st.floats(1e-9, 1))
def test_the_first_difference_is_what_was_changed(name: str, at: float, by: float) -> None:
    """Whatever input is changed; and runs of the same numbers do not differ."""
    first, second = run(**{name: at}), run(**{name: at + by})
    found = diff(first, second, names={})
    assert found.first is not None and (found.first.name, found.first.cause) == (name, "input")
    assert found.first.apart == pytest.approx(by, rel=1e-6)
    assert not diff(first, run(**{name: at}), names={})
    back = diff(second, first, names={})
    assert [d.name for d in back.numbers] == [d.name for d in found.numbers]


def test_another_operation_and_another_array_are_found() -> None:
    found = diff(run(), run(act="relu"), names={})
    assert found.first is not None and found.first.cause == "op"
    assert found.first.computed == "tanh(v2)" and len(found.numbers) == 3
    X = np.arange(12.0).reshape(4, 3) / 7
    other = X.copy()
    other[1, 2] += 1e-3
    found = diff(net(X), net(other), names={"X": X})
    assert found.first is not None and (found.first.name, found.first.cause) == ("X", "constant")
    assert found.first.where == (1, 2) and "X[1, 2]" in str(found)
    assert {d.name.partition("/d")[2] for d in found.gradients} >= {"W", "V"}


def net(X: np.ndarray) -> Any:
    W = tensor(np.linspace(-1, 1, 6).reshape(3, 2), requires_grad=True, name="W")
    V = tensor(np.full((2, 2), 0.3) + np.eye(2), requires_grad=True, name="V")
    return mg.cross_entropy(mg.tanh(X @ W) @ V, np.array([0, 1, 1, 0]))


def test_a_derivative_of_its_own_is_found_where_all_numbers_are_the_same() -> None:
    def double(right: bool) -> Any:
        @mg.custom_vjp
        def f(x: Any) -> Any:
            return 2 * x

        f.defvjp(lambda x: (f(x), None), lambda _, g: (2.0 * g if right else g,))
        x = tensor([1.0, 2.0], requires_grad=True, name="x")
        return f(x).sum()

    found = diff(double(True), double(False), names={})
    assert found.numbers == []
    assert found.first is not None and (found.first.name[-3:], found.first.cause) == (
        "/dx",
        "slope",
    )


def test_rounding_may_be_left_out_and_nan_is_the_same_as_nan() -> None:
    first, second = run(), run(2.0 * (1 + 1e-12))
    assert diff(first, second, names={}) and not diff(first, second, rtol=1e-9, names={})
    nan = float("nan")
    assert not diff(run(nan), run(nan), names={})
    found = diff(run(), run(nan), names={})
    assert found.first is not None and found.first.apart == float("inf")


def test_results_of_several_numbers_are_compared_without_gradients() -> None:
    x = tensor([1.0, 2.0], requires_grad=True, name="x")
    y = tensor([1.0, 2.5], requires_grad=True, name="x")
    found = diff(x * 2, y * 2, names={})
    assert [d.where for d in found.numbers] == [(1,), (1,)] and found.gradients == []


def test_the_page_is_one_file_that_shows_the_first_difference(tmp_path: Path) -> None:
    L = run()
    found = diff(L, run(2.5), names={"L": L}, lang="zh")
    page = found.to_html(tmp_path / "diff.html").read_text("utf-8")
    assert page == found.html and "L 的两次运行" in page and '<html lang="zh">' in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in page and page.count("<tr>") == 2 + 6 + 7
    assert re.search(r'data-n="0"\] \.box\{stroke:#b3261e;stroke-width:3.5\}', page)
    same = diff(L, run(), names={"L": L}, lang="en").html
    assert "all 8 numbers are the same" in same and "<table" not in same


def test_what_has_no_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match="^diff: rtol is -1, expected a number from 0 on$"):
        diff(run(), run(), rtol=-1)
    with pytest.raises(GradientError, match="^diff: got float, expected a Value or a Tensor"):
        diff(run(), 2.0)
