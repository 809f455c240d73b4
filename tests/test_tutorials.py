"""The five tutorials this project grew from: their systems and numbers, one row after another.

The long trainings are examples 08 to 11, run by test_readme.py; here is what takes no time. Where a
tutorial's printed number does not follow from its own listing, a comment says what is true.
"""

import math
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import nn, optim, train
from microgradnn.data import batches
from microgradnn.nn import functional as F
from microgradnn.train import metrics

GATES = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], np.float32)  # 1, x1, x2
PATHS = {
    "AND": ([0, 0, 0, 1], [(-50, 0, 0), (0, 50, 50), (-125, 0, 0), (-75, 50, 50)]),
    "OR": ([0, 1, 1, 1], [(50, 50, 50), (0, 50, 50), (-25, 50, 50), (-25, 50, 50)]),
}


@pytest.mark.parametrize("gate", PATHS)
def test_one_neuron_learns_a_gate_in_a_few_steps_of_two_hundred(gate: str) -> None:
    truth, path = PATHS[gate]
    w = mg.tensor(np.zeros((3, 1)), np.float32, requires_grad=True)
    optimizer, target = optim.SGD([w], lr=200), np.array(truth, np.float32)[:, None]
    for expected in path:
        loss = mg.binary_cross_entropy_with_logits(GATES @ w, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert tuple(w.data.ravel()) == expected  # exactly, in float32
    loss = mg.binary_cross_entropy_with_logits(GATES @ w, target)
    assert math.isclose(loss.item(), 1.0415958e-11, rel_tol=1e-6)


def test_the_logistic_loss_in_three_formulas() -> None:
    """As it is written it is nan, clipped it stops at the clip, and stable it is right."""
    z, t = np.float32([-75.0]), np.float32([0.0])
    p = 1 / (1 + np.exp(-z))
    with np.errstate(all="ignore"):
        naive = -(t * np.log(p) + (1 - t) * np.log(1 - p))
        wrong = -(0 * np.log(np.float32(0)) + 1 * np.log(np.float32(1)))
    assert np.isnan(wrong) and naive == 0.0
    clipped = F.binary_cross_entropy(p, t, clip_eps=1e-7)
    assert math.isclose(clipped.item(), 1.19e-7, rel_tol=0.01)  # float32's 1 - 1e-7
    assert math.isclose(
        F.binary_cross_entropy_with_logits(z, t).item(), math.exp(-75), rel_tol=1e-6
    )


def test_logit_is_the_inverse_of_sigmoid() -> None:
    assert mg.logit(0.5) == 0.0
    p = np.array([1e-9, 0.2, 0.9])
    # σ turns the rounding of z, up to 21 · 2⁻⁵², into a relative error of that size.
    np.testing.assert_allclose(mg.sigmoid(mg.logit(p)), p, rtol=22 * 2.0**-52)
    assert mg.grad(mg.logit)(0.5) == 4.0


# y, p and the loss: by formula for log loss; Keras prints 0.16425204 in float32.
LOSSES: list[tuple[str, Any, Any, float]] = [
    ("binary_crossentropy", [0.0, 1.0, 0.0, 1.0], [0.1, 0.9, 0.2, 0.8], 0.16425203348601802),
    ("mse", [1.0, 2.0], [2.0, 4.0], 2.5),
    ("rmse", [1.0, 2.0], [2.0, 4.0], math.sqrt(2.5)),
    ("mae", [1.0, 2.0], [2.0, 4.0], 1.5),
]


@pytest.mark.parametrize(("name", "y", "p", "expected"), LOSSES, ids=[row[0] for row in LOSSES])
def test_the_catalogue_of_losses(name: str, y: Any, p: Any, expected: float) -> None:
    value = train.losses.Loss(name)(np.array(p), np.array(y))
    # 1 - 1e-7 is not reached: the clipping of probabilities changes nothing here.
    assert math.isclose(float(value), expected, rel_tol=1e-15)


def test_sparse_and_one_hot_crossentropy_are_one_loss() -> None:
    z = np.random.default_rng(0).normal(size=(5, 3))
    labels = np.array([0, 2, 1, 1, 0])
    sparse = mg.cross_entropy(z, labels)
    assert sparse.item() == pytest.approx(mg.cross_entropy(z, np.eye(3)[labels]).item(), rel=1e-15)


def test_squares_by_hand() -> None:
    """From (4, 16): slope 8; the tutorial's 9.4 after a step of 0.1 is a slip for 3.2² = 10.24."""
    slope = mg.grad(lambda x: x * x)(4.0)
    assert (slope, 4 - 1.0 * slope, 4 - 0.1 * slope, (4 - 0.1 * slope) ** 2) == (
        8.0, -4.0, pytest.approx(3.2), pytest.approx(10.24),
    )  # fmt: skip


def test_a_line_diverges_beyond_two_over_the_curvature() -> None:
    x = np.linspace(-10, 10, 100)
    curvature = np.linalg.eigvalsh(
        mg.hessian(lambda p: np.mean((p[0] * x + p[1] - 2 * x) ** 2))(np.zeros(2))
    )
    assert 2 / curvature.max() == pytest.approx(0.0294, rel=0.002)


SIZES = {
    "784-500-10": (nn.MLP(784, [500, 10]), 397_510),
    "784-128-256-10": (nn.MLP(784, [128, 256, 10], "sigmoid"), 136_074),
    "784-128-10": (nn.Sequential([nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)]), 101_770),
    "784-512-256-10": (nn.MLP(784, [512, 256, 10]), 535_818),
    "1-2-5-1": (nn.MLP(1, [2, 5, 1], "sigmoid"), 25),
    "8-10-1": (nn.Sequential(nn.Linear(8, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid()), 101),
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_how_many_numbers_a_network_has(name: str) -> None:
    model, expected = SIZES[name]
    assert model.num_parameters() == expected


def test_an_epoch_of_a_thousand_samples_in_batches_of_ten_is_a_hundred_steps() -> None:
    assert len(list(batches(np.zeros((1000, 1)), batch_size=10, shuffle=False))) == 100


def test_the_slope_of_sigmoid_is_y_times_one_minus_y_and_at_most_a_quarter() -> None:
    x = np.linspace(-6, 6, 49)
    y = mg.sigmoid(x)
    np.testing.assert_allclose(mg.elementwise_grad(mg.sigmoid)(x), y * (1 - y), rtol=1e-15)
    assert mg.grad(mg.sigmoid)(0.0) == 0.25


def test_a_loss_of_several_numbers_needs_a_vector() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(mg.errors.GradientError, match="pass gradient="):
        (x * x).backward()
    (x * x).backward(np.array([1.0, 0.5]))
    assert x.grad.tolist() == [2.0, 2.0]


def test_the_rate_and_the_average_of_the_first_network() -> None:
    rate = optim.schedules.ExponentialDecay(0.8, 550, 0.99)  # not in steps of 550: not staircase
    assert [rate(0), rate(550), rate(1100)] == pytest.approx([0.8, 0.792, 0.78408], rel=1e-15)
    assert 0.792 < rate(275) < 0.8
    w = mg.tensor([0.0], requires_grad=True)
    ema = optim.EMA([w], 0.99, num_updates=True)
    w.data = np.array([1.0])
    followed = []
    for _ in range(3):  # decay min(0.99, (1 + n) / (10 + n)): 0.1, 2/11, 3/12
        ema.update()
        followed.append(float(ema.shadow["0"][0]))
    assert followed == pytest.approx([0.9, 1 - 0.1 * 2 / 11, 1 - 0.1 * 2 / 11 / 4], rel=1e-15)


def test_l2_in_three_words() -> None:
    """tf.contrib's l2_regularizer(λ) is λ/2·Σw²: nn.L2(λ/2), and weight_decay=λ."""
    w = np.array([[1.0, -2.0, 0.5]])
    assert nn.L2(0.1 / 2)(w) == pytest.approx(0.2625)
    assert nn.L2(0.1)(w) == pytest.approx(0.525)  # Keras


def test_precision_recall_and_f1_from_counts() -> None:
    truth, said = [1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0]  # TP 2, FP 1, FN 1
    found = []
    for metric in (metrics.Precision(), metrics.Recall(), metrics.F1Score()):
        metric.update_state(np.array(truth), np.array(said))
        found.append(metric.result())
    assert found == pytest.approx([2 / 3, 2 / 3, 2 / 3])


def test_relu_and_its_variants() -> None:
    x = np.array([-2.0, 3.0])
    assert mg.relu(x).tolist() == [0.0, 3.0]
    assert F.leaky_relu(x, 0.01).tolist() == [-0.02, 3.0]
    prelu = nn.PReLU()
    assert prelu(x.astype(np.float32)).data.tolist() == [-0.5, 3.0]
    assert [name for name, _ in prelu.named_parameters()] == ["weight"]
