"""File mode reaches the configurations that forward takes: what is wrong in one only is found."""

import pytest

from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from tests.check.configured import FAMILIES

ENTRIES = [(family, k) for family, entries in FAMILIES.items() for k in range(len(entries))]
MUTANTS = [(f, k, name) for f, k in ENTRIES for name in FAMILIES[f][k][1]]


@pytest.fixture
def checked(load):
    """A function from the text of a file to the report on the one thing in it."""

    def checked(text):
        (found,) = find(load(text))
        return check_found(found)

    return checked


@pytest.mark.parametrize(("family", "k"), ENTRIES)
def test_what_is_right_in_all_configurations_passes(checked, family, k):
    report = checked(FAMILIES[family][k][0])
    assert report.verdict == "PASS", report
    assert len(report.shapes) >= 5, report.explain()


@pytest.mark.parametrize(("family", "k", "name"), MUTANTS)
def test_what_is_wrong_in_one_configuration_is_found(checked, family, k, name):
    text, mutants = FAMILIES[family][k]
    old, new = mutants[name]
    assert old in text
    report = checked(text.replace(old, new))
    assert report.verdict in ("FAIL", "CONTRACT"), report.explain()


TWO_SHAPES = """
def mul_forward(x, w):
    return x * w, (x, w)

def mul_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
"""


def test_what_may_not_be_meant_is_a_remark(checked):
    report = checked(TWO_SHAPES)
    assert report.verdict == "PASS"
    said = report.explain()
    assert "right where both have one shape" in said and "w of shape (3,)" in said
    linear = checked("""
    def linear_forward(x, w):
        return x @ w, (x, w)

    def linear_backward(dout, cache):
        x, w = cache
        return dout @ w.T, x.T @ dout
    """)  # fmt: skip
    assert linear.verdict == "PASS" and "x with 3 axes" in linear.explain()


def test_what_forward_does_not_take_is_told(checked):
    report = checked("""
    def norm_forward(x, p=2):
        N, D = x.shape
        if p != 2:
            raise NotImplementedError(p)
        return np.sqrt((x * x).sum(1)), x

    def norm_backward(dout, x):
        return x * (dout / np.sqrt((x * x).sum(1)))[:, None]
    """)  # fmt: skip
    assert report.verdict == "PASS"
    assert "2 not tried" in str(report)
    assert "not tried  p=3: it raises NotImplementedError" in report.explain()
    assert "not tried  x with 3 axes: it raises ValueError" in report.explain()


@pytest.mark.parametrize("names", ["x w", "x b", "h gamma", "x scale"])
@pytest.mark.parametrize("right", [True, False])
def test_an_array_of_parameters_that_backward_forgets(checked, names, right):
    x, w = names.split()
    back = f"dout * {w}" + (f", (dout * {x}).sum(0)" if right else "")
    report = checked(f"""
    def gate_forward({x}, {w}):
        '''{x} (N, D), {w} (D,)'''
        return {x} * {w}, ({x}, {w})

    def gate_backward(dout, cache):
        {x}, {w} = cache
        return {back}
    """)  # fmt: skip
    assert report.verdict == "PASS" if right else not report.ok, report
    if not right:
        assert f"of {w}" in str(report) or f"{w}: no gradient found" in str(report)


def test_arrays_that_forward_does_not_use_need_no_gradient(checked):
    text = """
    def shift_forward(x, z):
        return x + 1 {} z.mean() * 0, (x, z)

    def shift_backward(dout, cache):
        return dout
    """
    assert checked(text.replace("{} z.mean() * 0", "")).verdict == "PASS"
    used = checked(text.replace("{} z.mean() * 0", "+ z.mean()"))
    assert used.verdict == "INCONCLUSIVE" and "z: no gradient found" in str(used)
