"""Modules: names and order of parameters, state, repr, errors; layers against NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, ShapeError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 9))
def test_an_mlp_is_its_layers_in_order(widths: list[int], n: int, seed: int) -> None:
    model = nn.MLP(n, widths, "tanh", dtype=np.float64, rng=rng(seed))
    x = y = rng(seed + 1).normal(size=(3, n))
    layers = [m for m in model if isinstance(m, nn.Linear)]
    for i, layer in enumerate(layers):
        y = y @ layer.weight.data + layer.bias.data
        y = y if i == len(layers) - 1 else np.tanh(y)
    np.testing.assert_array_equal(model(x).data, y)
    assert [p.shape for p in layers[0].parameters()] == [(n, widths[0]), (widths[0],)]


def test_parameters_are_named_by_position_and_are_float32() -> None:
    model = nn.MLP(2, [3, 1], rng=rng())
    names = [name for name, _ in model.named_parameters()]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float32)}


def test_a_shared_parameter_is_counted_once() -> None:
    layer = nn.Linear(2, 2, rng=rng())
    assert len(nn.Sequential(layer, nn.ReLU(), layer).parameters()) == 2


def test_state_dict_round_trip_restores_the_outputs() -> None:
    one, two = nn.MLP(2, [3, 1], rng=rng(1)), nn.MLP(2, [3, 1], rng=rng(2))
    x = np.ones((1, 2), np.float32)
    assert (one(x).data != two(x).data).all()
    two.load_state_dict(one.state_dict())
    np.testing.assert_array_equal(one(x).data, two(x).data)


def test_load_state_dict_lists_everything_wrong_and_changes_nothing() -> None:
    model = nn.MLP(2, [3, 1], rng=rng())
    before = model.state_dict()
    state = model.state_dict()
    state["0.wieght"] = state.pop("0.weight")
    state["2.bias"] = np.zeros(5)
    with pytest.raises(ConfigError) as error:
        model.load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: missing 0.weight; 2.bias has shape (5,), expected (1,); "
        "unexpected 0.wieght (did you mean 0.weight?)"
    )
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_the_same_seed_gives_the_same_weights_within_torchs_bounds() -> None:
    one, two = nn.Linear(300, 100, rng=rng(5)), nn.Linear(300, 100, rng=rng(5))
    np.testing.assert_array_equal(one.weight.data, two.weight.data)
    bound = 1 / np.sqrt(300)
    assert 0.99 * bound < abs(one.weight.data).max() <= bound * (1 + 1e-7)
    assert 0.8 * bound < abs(one.bias.data).max() <= bound * (1 + 1e-7)


def test_train_and_eval_reach_every_module() -> None:
    model = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh())
    assert not model.eval()[0][0].training
    assert model.train()[0][0].training


def test_zero_grad_forgets_all_gradients() -> None:
    model = nn.MLP(2, [1], rng=rng())
    model(np.ones((1, 2), np.float32)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("module", "function"),
    [
        (nn.ReLU(), lambda x: np.maximum(x, 0)),
        (nn.Tanh(), np.tanh),
        (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (nn.Softplus(), lambda x: np.log1p(np.exp(x))),
        (nn.LeakyReLU(0.25), lambda x: np.where(x > 0, x, 0.25 * x)),
        (nn.ELU(2.0), lambda x: np.where(x > 0, x, 2 * (np.exp(x) - 1))),
        (nn.Identity(), lambda x: x),
        (nn.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else "",
)
def test_activation_modules_compute_their_formula(module: nn.Module, function: object) -> None:
    x = np.linspace(-3, 3, 12).reshape(3, 4)
    np.testing.assert_allclose(module(mg.tensor(x)).data, function(x), rtol=1e-14, atol=1e-15)


def test_repr_reads_as_the_model() -> None:
    assert repr(nn.MLP(2, [3, 1], "relu", rng=rng())) == (
        "MLP(\n  (0): Linear(2, 3)\n  (1): ReLU()\n  (2): Linear(3, 1)\n)"
    )
    assert repr(nn.Linear(2, 3, bias=False, rng=rng())) == "Linear(2, 3, bias=False)"


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: nn.Linear(3, 2)(np.ones((4, 2))),
            ShapeError,
            "Linear: input has shape (4, 2), expected (..., 3)",
        ),
        (
            lambda: nn.Linear(0, 2),
            ConfigError,
            "Linear: in_features is 0, need a positive integer",
        ),
        (
            lambda: nn.MLP(2, [1], "rleu"),
            ConfigError,
            "MLP: activation 'rleu'; use one of relu, tanh, sigmoid, softplus, leaky_relu, elu, "
            "identity, linear",
        ),
        (
            lambda: nn.Sequential(3),
            ConfigError,
            "Sequential: got int, need modules such as nn.Linear(2, 1)",
        ),
        (
            lambda: nn.Linear(1, 1).weigth,
            AttributeError,
            "Linear.weigth: no such attribute; did you mean 'weight'?",
        ),
    ],
)
def test_mistakes_are_named(make: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text
