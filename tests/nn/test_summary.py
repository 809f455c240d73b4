"""module.summary: the text, the numbers, and that nothing is changed by looking."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn import nn
from microgradnn.errors import ConfigError, ShapeError


def cnn() -> nn.Sequential:
    r = np.random.default_rng(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=r), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Residual(nn.Sequential(nn.Conv2d(8, 8, 3, padding="same", rng=r), nn.ReLU())),
        nn.Flatten(), nn.Dropout(0.5, rng=r), nn.Linear(1568, 10, rng=r),
    )  # fmt: skip


def test_the_table() -> None:
    model = cnn()
    model[0].requires_grad_(False)
    assert str(model.summary((1, 28, 28), batch=2)) == (
        "Sequential: (2, 1, 28, 28) -> (2, 10)\n"
        "\n"
        "layer       type         output shape    parameters\n"
        "0           Conv2d       (2, 8, 28, 28)          80\n"
        "1           BatchNorm2d  (2, 8, 28, 28)          16\n"
        "2           ReLU         (2, 8, 28, 28)           0\n"
        "3           MaxPool2d    (2, 8, 14, 14)           0\n"
        "4           Residual     (2, 8, 14, 14)           0\n"
        "4.module    Sequential   (2, 8, 14, 14)           0\n"
        "4.module.0  Conv2d       (2, 8, 14, 14)         584\n"
        "4.module.1  ReLU         (2, 8, 14, 14)           0\n"
        "5           Flatten      (2, 1568)                0\n"
        "6           Dropout      (2, 1568)                0\n"
        "7           Linear       (2, 10)             15,690\n"
        "\n"
        "parameters     16,370\n"
        "trainable      16,290\n"
        "non-trainable      80\n"
        "buffers            17\n"
        "size in KB       64.0"
    )


class Odd(nn.Module):
    """A parameter of its own, a layer used twice, one not used, one under two names."""

    def __init__(self) -> None:
        self.scale = nn.Parameter(np.ones(3))
        self.twice = nn.Linear(3, 3)
        self.unused = nn.Linear(3, 1)
        self.tied = nn.Linear(3, 3)
        self.tied.weight = self.twice.weight
        self.same = self.twice

    def forward(self, x: Any, y: Any = 0) -> Any:
        return self.tied(self.twice(self.twice(x + y))) * self.scale


def test_layers_shared_unused_and_called_twice() -> None:
    assert str(Odd().summary(3)) == (
        "Odd: (1, 3) -> (1, 3)\n"
        "\n"
        "layer     type    output shape  parameters\n"
        "(itself)  Odd     (1, 3)                 3\n"
        "twice     Linear  (1, 3) ×2             12\n"
        "unused    Linear  not called             4\n"
        "tied      Linear  (1, 3)                 3\n"
        "\n"
        "parameters      22\n"
        "trainable       22\n"
        "non-trainable    0\n"
        "buffers          0\n"
        "size in KB     0.1"
    )


@given(st.integers(1, 5), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 4))
def test_the_column_adds_up_and_shapes_are_those_of_the_forward_pass(
    n: int, widths: list[int], batch: int
) -> None:
    model = nn.MLP(n, widths)
    summary = model.summary((n,), batch)
    assert sum(row.parameters for row in summary.rows) == summary.total == model.num_parameters()
    assert summary.trainable == model.num_parameters(trainable=True)
    assert summary.bytes == 4 * summary.total
    y = np.zeros((batch, n), np.float32)
    for row, layer in zip(summary.rows, model, strict=True):
        y = layer(y)
        assert row.outputs == [y.shape]
    assert repr(summary) == str(summary)
    assert all(line == line.rstrip() for line in str(summary).splitlines())


def test_an_example_input_or_several() -> None:
    words = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2))
    assert words.summary(np.zeros((3, 5), int)).rows[-1].outputs == [(3, 5, 2)]
    assert words.summary((5,), batch=3, dtype=int).rows[-1].outputs == [(3, 5, 2)]
    assert words.summary([[1, 2, 3]]).title == "Sequential: (1, 3) -> (1, 3, 2)"
    pair = (np.ones((2, 3)), np.ones((2, 3)))
    assert Odd().summary(pair).title == "Odd: (2, 3), (2, 3) -> (2, 3)"
    assert nn.Linear(3, 2, dtype=np.float64).summary(3).bytes == 64


class Restless(nn.Module):
    """Changes its buffer and draws whatever the mode."""

    def __init__(self) -> None:
        self.register_buffer("calls", np.zeros(2))
        self.rng = np.random.default_rng(0)
        self.inner = nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        self.calls += self.rng.random()
        self.last = x
        return self.inner(x)


@pytest.mark.parametrize("fails", [False, True])
def test_looking_changes_nothing(fails: bool) -> None:
    model = nn.Sequential(cnn(), Restless())
    model[0][1].eval()
    before, twin = model.state_dict(), copy.deepcopy(model)
    attributes = [dict(vars(m)) for m in model.modules()]
    states = {name: g.bit_generator.state for name, g in model.named_generators()}
    if fails:
        with pytest.raises(ShapeError):
            model.summary((3, 28, 28))
    else:
        model.summary((1, 28, 28))
    assert [dict(vars(m)) for m in model.modules()] == attributes
    assert {name: g.bit_generator.state for name, g in model.named_generators()} == states
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    x = np.random.default_rng(1).normal(size=(2, 1, 28, 28)).astype(np.float32)
    np.testing.assert_array_equal(model(x).data, twin(x).data)  # the same draws
    assert all(p.grad is None for p in model.parameters())


def test_one_sample_is_enough_for_batch_norm() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    assert model.summary(3).title == "Sequential: (1, 3) -> (1, 2)"
    assert model.training and model[1].training and model[1].num_batches_tracked == 0


def test_a_shape_without_numbers_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        nn.Linear(2, 1).summary((0,))
    assert str(error.value) == "summary: shape (0,) and batch 1, need positive integers"


def test_a_model_that_begins_with_linear_knows_its_input() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    assert str(model.summary()) == str(model.summary((3,)))
    assert str(nn.Linear(3, 2).summary()) == str(nn.Linear(3, 2).summary(3))
    with pytest.raises(ConfigError) as error:
        nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).summary()
    assert str(error.value) == (
        "Sequential.summary: give the shape of one sample, as in summary((1, 28, 28))"
    )
