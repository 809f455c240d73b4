"""The zoo through the public calls: right layers pass wherever they are looked at, wrong ones fail."""

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from microgradnn.check import CODES
from tests.check.hard import Recipe, checked, finite, made, recipes
from tests.check.zoo import BY_NAME, RIGHT, WRONG, Entry

FORMULA_IS_RIGHT = ("PASS", "PASS_SUBGRADIENT", "UNSTABLE")
# A copy that is not made is no fault until somebody writes into it: a remark.
REMARKED = {"add_backward_alias": "GC031"}
# Right where no two numbers are equal: it takes other points than the user's to see it.
ONLY_AT_TIES = {"max_pool_backward_ties"}
# How a mistake shows (entry.py) and the codes that may say so.
SAID_BY = {
    "value": {"GC201", "GC302"},
    "forward": {"GC201"},
    "float32": {"GC201"},
    "large": {"GC102"},
    "nan": {"GC202", "GC201"},
    "shape": {"GC041"},
    "count": {"GC040"},
    "raises": {"GC001"},
    "random forward": {"GC010"},
    "random backward": {"GC011"},
    "mutates cotangent": {"GC022"},
    "mutates input": {"GC020", "GC021"},
    "not idempotent": {"GC061"},
    "overwrites": {"GC061"},
    "stale": {"GC060"},
    "second forward": {"GC060"},
    "strided": {"GC050"},
    "aliases": {"GC031"},
}
# Every one of equal maxima gets the whole gradient, which is a convention.
TIED = {"max_rows_backward_ties", "max_pool_backward_ties"}
VERDICTS = {"0": "CONTRACT", "1": "FAIL", "2": "FAIL", "3": "FAIL"}


def each(entries: list[Entry]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def inputs_of(entry: Entry, seed: int):
    return entry.make_inputs(np.random.default_rng(seed))


@each(RIGHT)
def test_right_layers_pass(entry: Entry) -> None:
    report = checked(entry, inputs_of(entry, 0), seed=0)
    assert report.verdict == "PASS", report
    assert len(report.points) > 1 and report.coverage and max(report.smallest.values()) < 1e-11
    for seed in (1, 2):
        report = checked(entry, inputs_of(entry, seed), seed=seed, probes=False)
        assert report.verdict == "PASS", report


@each(WRONG)
def test_wrong_layers_do_not_pass(entry: Entry) -> None:
    probes = entry.name in ONLY_AT_TIES
    for seed in (0, 1):
        report = checked(entry, inputs_of(entry, seed), seed=seed, probes=probes)
        codes = {f.code for f in report.findings}
        if entry.name in REMARKED:
            assert report.ok and codes == {REMARKED[entry.name]}
            assert report.findings[0].verdict == "PASS"
            continue
        assert report.conventional if entry.name in TIED else not report.ok, report
        said = SAID_BY[entry.shows]
        if "GC102" in codes and entry.shows == "value":
            said = said | {"GC102"}
        assert codes & said, report
        first = max(f.code for f in report.findings if f.verdict == report.verdict)
        if not entry.shows.startswith("random") and entry.name not in TIED:
            assert report.verdict == VERDICTS[first[2]], report


@each(RIGHT)
@settings(max_examples=max(3, settings.default.max_examples // 10))
@given(data=st.data())
def test_no_false_alarm_on_hard_inputs(entry: Entry, data: st.DataObject) -> None:
    recipe = data.draw(recipes(entry))
    inputs = made(entry, recipe)
    assume(finite(entry, inputs))
    seed = data.draw(st.integers(0, 99))
    probes = settings.default.max_examples > 100 and data.draw(st.integers(0, 4)) == 0
    report = checked(entry, inputs, seed=seed, probes=probes)
    event(report.verdict)
    # At one point alone a gradient may be zero throughout: then nothing was tested there.
    found = [f.verdict for f in report.findings if probes or f.code != "GC206"]
    assert set(found) <= {*FORMULA_IS_RIGHT}, (recipe, str(report))


def test_every_way_to_be_wrong_is_in_the_table() -> None:
    assert {entry.shows for entry in WRONG} <= set(SAID_BY)
    assert set().union(*SAID_BY.values()) <= set(CODES)
    assert set(REMARKED) <= {entry.name for entry in WRONG}


@pytest.mark.parametrize("seed", range(3))
def test_the_first_of_equal_entries_of_overlapping_windows_may_win(seed: int) -> None:
    entry = BY_NAME["max_pool_naive"]
    inputs = inputs_of(entry, seed)
    x = np.broadcast_to(inputs.args[0][:1, :1, :1], inputs.args[0].shape).copy()
    report = checked(entry, inputs.replaced([x]), seed=seed, probes=False)
    assert report.verdict == "PASS_SUBGRADIENT", report


@pytest.mark.parametrize("seed", range(4))
def test_gradients_that_cancel_to_nothing_are_no_broken_law(seed: int) -> None:
    entry = BY_NAME["attention"]  # equal values: the queries do not matter
    q, k, v = inputs_of(entry, seed).args
    report = checked(entry, inputs_of(entry, seed).replaced([q, k, np.ones_like(v)]), seed=seed)
    assert report.ok, report


@pytest.mark.parametrize("name", ["outer", "groupnorm", "matmul", "conv_im2col", "scale_shift"])
def test_float32_sums_in_another_order_are_no_broken_contract(name: str) -> None:
    for seed in range(4):
        inputs = inputs_of(BY_NAME[name], seed)
        inputs = inputs.replaced([(30 * a).astype(np.float32) for a in inputs.arrays()])
        report = checked(BY_NAME[name], inputs, seed=seed, probes=False)
        assert report.ok, report


@pytest.mark.parametrize("seed", [172, 1191])
def test_margins_that_are_zero_but_for_rounding_have_two_sides(seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(3)
    W = np.zeros((3, 5))
    W[:, 0], W[:, 4] = -x / (x @ x) / 2, x / (x @ x) / 2  # one score is less by 1, the margin
    inputs = inputs_of(BY_NAME["linear_svm_loss"], 0)
    inputs.args[:3] = W, x[None], np.array([4])
    report = checked(BY_NAME["linear_svm_loss"], inputs, probes=False)
    assert report.verdict in FORMULA_IS_RIGHT, report


@pytest.mark.parametrize("name", ["relu_mask", "leaky_relu", "prelu", "max_rows", "residual"])
def test_kinks_nearer_than_any_difference_reaches(name: str) -> None:
    inputs = inputs_of(BY_NAME[name], 0)
    report = checked(BY_NAME[name], inputs.replaced([1e-8 * a for a in inputs.arrays()]))
    assert report.verdict in FORMULA_IS_RIGHT, report


def test_forwards_that_overflow_on_the_way_are_none_of_a_warning_filters_business() -> None:
    inputs = inputs_of(BY_NAME["sigmoid"], 0)
    x = inputs.args[0].copy()
    x[0, 0] = -1000.0
    report = checked(BY_NAME["sigmoid"], inputs.replaced([x]), probes=False)
    assert report.verdict in FORMULA_IS_RIGHT, report


def test_a_kink_in_front_of_a_saturated_layer_has_no_digits_to_lose() -> None:
    fills = ("zeros", "normal", "integers", "to a hundred", "normal")
    entry = BY_NAME["Sequential"]  # gradients of 1e-20, half their digits gone, at a ReLU of 0
    inputs = made(entry, Recipe(30, fills, (0.0,), "as drawn"))
    for seed in range(3):
        report = checked(entry, inputs, seed=seed, probes=False)
        # One of its gradients is zero throughout at this one point: nothing was tested there.
        others = [f.verdict for f in report.findings if f.code != "GC206"]
        assert others and set(others) <= set(FORMULA_IS_RIGHT), report
