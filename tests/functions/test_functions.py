"""Losses and composites: formulas, targets of every kind, refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradnn as mg
from microgradnn.errors import UndecidedError

logits = hnp.arrays(np.float64, (4, 3), elements=st.floats(-30, 30))
labels = hnp.arrays(np.int64, 4, elements=st.integers(0, 2))


@given(logits, labels)
def test_integer_and_one_hot_targets_give_the_same_loss_and_gradient(
    z: np.ndarray, t: np.ndarray
) -> None:
    a, b = mg.tensor(z, requires_grad=True), mg.tensor(z, requires_grad=True)
    one, two = mg.cross_entropy(a, t), mg.cross_entropy(b, np.eye(3)[t])
    one.backward()
    two.backward()
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_allclose(a.grad, b.grad, rtol=0, atol=2.0**-52)


@given(logits, hnp.arrays(np.float64, (4, 3), elements=st.floats(0, 1)))
def test_cross_entropy_gradient_is_softmax_times_sum_of_targets_minus_targets(
    z: np.ndarray, t: np.ndarray
) -> None:
    x = mg.tensor(z, requires_grad=True)
    mg.cross_entropy(x, t, reduction="sum").backward()
    e = np.exp(z - z.max(-1, keepdims=True))
    expected = e / e.sum(-1, keepdims=True) * t.sum(-1, keepdims=True) - t
    np.testing.assert_allclose(x.grad, expected, rtol=0, atol=3 * 8 * 2.0**-53)


@given(hnp.arrays(np.float64, (5,), elements=st.floats(-700, 700)), st.integers(0, 31))
def test_bce_with_logits_is_exact_in_both_tails(z: np.ndarray, bits: int) -> None:
    t = np.array([(bits >> i) & 1 for i in range(5)], float)
    got = mg.binary_cross_entropy_with_logits(z, t, reduction="none")
    signed = np.where(t == 1, -z, z)  # the loss of a hard target is log(1 + exp(±z))
    expected = np.where(signed > 0, signed + np.log1p(np.exp(-abs(z))), np.log1p(np.exp(-abs(z))))
    np.testing.assert_allclose(got, expected, rtol=4 * 2.0**-52)


@given(hnp.arrays(np.float64, (3, 2), elements=st.floats(-9, 9)), st.sampled_from(["mean", "sum"]))
def test_mse_and_its_gradient(p: np.ndarray, reduction: str) -> None:
    x = mg.tensor(p, requires_grad=True)
    loss = mg.mse_loss(x, np.ones((3, 2)), reduction)
    loss.backward()
    n = 6 if reduction == "mean" else 1
    np.testing.assert_allclose(loss.data, ((p - 1) ** 2).sum() / n, rtol=8 * 2.0**-53)
    np.testing.assert_allclose(x.grad, 2 * (p - 1) / n, rtol=4 * 2.0**-53)


def test_reductions_none_sum_mean_agree() -> None:
    z, t = np.array([[1.0, 2.0], [3.0, 0.0]]), np.array([0, 1])
    each = mg.cross_entropy(z, t, reduction="none")
    assert each.shape == (2,)
    assert mg.cross_entropy(z, t, reduction="sum") == each.sum()
    assert mg.cross_entropy(z, t) == each.mean()


def test_clip_with_one_open_side_passes_the_gradient_inside() -> None:
    x = mg.tensor([-2.0, 0.5, 2.0], requires_grad=True)
    y = mg.clip(x, max=1.0)
    np.testing.assert_array_equal(y.data, [-2, 0.5, 1])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 0])


def test_where_the_elements_are_is_told_in_plain_integers() -> None:
    x = np.array([[3.0, 1.0, 3.0], [2.0, 5.0, 0.0]])
    t = mg.tensor(x, requires_grad=True)
    for ours, numpys in (
        (mg.argmax(t), x.argmax()), (mg.argmax(t, 1, keepdims=True), x.argmax(1, keepdims=True)),
        (mg.argmin(t, axis=0), x.argmin(0)), (mg.argsort(t), np.argsort(x, kind="stable")),
        (mg.argsort(t, None), np.argsort(x, None, kind="stable")),
        (mg.argpartition(t, 1), np.argpartition(x, 1)),
    ):  # fmt: skip
        assert np.asarray(ours).dtype.kind == "i"
        np.testing.assert_array_equal(ours, numpys)


def test_sorting_balls_that_overlap_does_not_guess() -> None:
    from flint import arb

    balls = np.array([arb(0, 1), arb(0.5, 1)])
    for f in (np.sort, mg.argsort, mg.argmax, lambda t: np.partition(t, 0)):
        with pytest.raises(UndecidedError):
            f(mg.tensor(balls))
