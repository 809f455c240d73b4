"""Module: what is found inside it, state, freezing, copies, penalties, repr, mistakes."""

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, GradientError


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


def cnn(seed: int = 0, **options: Any) -> nn.Sequential:
    r = rng(seed)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=r, **options), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(0.5, rng=r),
        nn.Flatten(), nn.Linear(8, 3, rng=r, **options),
    )  # fmt: skip


IMAGE = np.ones((2, 1, 4, 4), np.float32) * np.arange(2, dtype=np.float32)[:, None, None, None]


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> None:
    assert list(one) == list(two)
    for name, array in one.items():
        assert array.dtype == two[name].dtype, name
        np.testing.assert_array_equal(array, two[name], err_msg=name)


# ---- what is inside -----------------------------------------------------------------------------


class Tied(nn.Module):
    """One layer under two names, and a parameter under two names."""

    def __init__(self) -> None:
        self.first = nn.Linear(2, 2, rng=rng())
        self.again = self.first
        self.scale = nn.Parameter(np.ones(2))
        self.block = nn.Sequential(nn.ReLU(), self.first)
        self.same = self.scale

    def forward(self, x: Any) -> Any:
        return self.block(self.first(x)) * self.scale * self.same


def test_what_is_shared_comes_once_and_in_order() -> None:
    model = Tied()
    assert [n for n, _ in model.named_children()] == ["first", "block"]
    assert list(model.children()) == [model.first, model.block]
    assert [n for n, _ in model.named_modules()] == ["", "first", "block", "block.0"]
    assert [n for n, _ in model.named_modules(remove_duplicate=False)] == [
        "", "first", "again", "block", "block.0", "block.1",
    ]  # fmt: skip
    assert [n for n, _ in model.named_parameters()] == ["scale", "first.weight", "first.bias"]
    assert list(model.state_dict()) == ["scale", "first.weight", "first.bias"]
    assert len(list(model.modules())) == 4
    assert model.num_parameters() == 2 + 6


def test_a_state_may_use_any_name_of_what_is_shared() -> None:
    model, state = Tied(), {"same": np.full(2, 5.0), "again.weight": np.eye(2)}
    state["block.1.bias"] = np.arange(2)
    assert model.load_state_dict(state) == ([], [])
    np.testing.assert_array_equal(model.scale.data, [5, 5])
    np.testing.assert_array_equal(model.first.weight.data, np.eye(2))
    np.testing.assert_array_equal(model.first.bias.data, [0, 1])


def test_the_gradient_of_what_is_shared_is_the_sum_over_its_uses() -> None:
    model, x = Tied(), np.array([[1.0, 2.0]])
    model(x).sum().backward()
    mg.check_grads(lambda s: (model.block(model.first(x)) * s * s).sum(), (np.ones(2),))
    hidden = model.block(model.first(x)).data
    np.testing.assert_allclose(model.scale.grad, 2 * hidden.sum(0), rtol=1e-6)


def test_buffers_are_state_but_not_parameters() -> None:
    model = cnn()
    names = ["1.running_mean", "1.running_var", "1.num_batches_tracked"]
    assert [n for n, _ in model.named_buffers()] == names
    assert [b.shape for b in model.buffers()] == [(2,), (2,), ()]
    assert list(model.state_dict()) == [
        "0.weight", "0.bias", "1.weight", "1.bias", *names, "5.weight", "5.bias",
    ]  # fmt: skip
    assert [n for n, _ in model.named_parameters()] == [
        "0.weight", "0.bias", "1.weight", "1.bias", "5.weight", "5.bias",
    ]  # fmt: skip
    assert model[1].num_batches_tracked.dtype == np.int64


def test_a_buffer_of_your_own() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.register_buffer("scale", [1.0, 2.0])
            self.register_buffer("absent", None)

        def forward(self, x: Any) -> Any:
            return x * self.scale

    model = Scaled()
    assert list(model.state_dict()) == ["scale"]
    state = model.state_dict()
    state["scale"][0] = 7
    assert model.scale[0] == 1  # a copy
    model.load_state_dict(state)
    np.testing.assert_array_equal(model(np.ones(2)), [7, 2])
    model.scale = np.zeros(2, np.float32)
    assert [b.dtype for b in model.double().buffers()] == [np.float64]


def test_named_generators_reach_every_generator_once() -> None:
    r = rng()
    model = nn.Sequential(nn.Dropout(rng=r), nn.Dropout(rng=r), nn.Sequential(nn.RReLU()))
    assert [n for n, _ in model.named_generators()] == ["0.rng", "2.0.rng"]
    assert dict(model.named_generators())["0.rng"] is r


def test_apply_visits_innermost_first() -> None:
    seen: list[nn.Module] = []
    model = nn.Sequential(nn.Sequential(nn.ReLU()), nn.Tanh())
    assert model.apply(seen.append) is model
    assert seen == [model[0][0], model[0], model[1], model]


# ---- training -----------------------------------------------------------------------------------


def test_frozen_layers_get_no_gradient_and_do_not_move() -> None:
    model = cnn()
    assert model[:4].requires_grad_(False) is not None
    before = model.state_dict()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.1, weight_decay=0.1)
    model(IMAGE).sum().backward()
    optimizer.step()
    after = model.state_dict()
    moved = {n for n, p in model.named_parameters() if (before[n] != after[n]).any()}
    assert moved == {"5.weight", "5.bias"}
    assert [p.grad is None for p in model.parameters()] == [True] * 4 + [False] * 2
    assert (model.num_parameters(), model.num_parameters(trainable=True)) == (51, 27)
    model.requires_grad_()
    model(IMAGE).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_freezing_forgets_a_gradient_so_that_no_optimiser_uses_it() -> None:
    layer = nn.Linear(2, 1, rng=rng())
    optimizer = mg.optim.SGD(layer.parameters(), lr=1.0)
    layer(np.ones((1, 2), np.float32)).sum().backward()
    layer.weight.requires_grad_(False)
    before = layer.state_dict()
    optimizer.step()
    np.testing.assert_array_equal(layer.weight.data, before["weight"])
    assert layer.bias.data != before["bias"]


def test_a_penalty_is_what_weight_decay_does() -> None:
    lam, lr = 0.25, 0.5
    one = nn.MLP(2, [3, 1], kernel_regularizer=nn.L2(lam / 2), dtype=np.float64, rng=rng())
    two = nn.MLP(2, [3, 1], dtype=np.float64, rng=rng())
    x = rng(1).normal(size=(4, 2))
    kernels = [m.weight for m in two if isinstance(m, nn.Linear)]
    biases = [m.bias for m in two if isinstance(m, nn.Linear)]
    steps = [mg.optim.SGD(one.parameters(), lr=lr)]
    steps += [mg.optim.SGD(kernels, lr=lr, weight_decay=lam), mg.optim.SGD(biases, lr=lr)]
    for _ in range(3):
        one.zero_grad(), two.zero_grad()
        (mg.mse_loss(one(x), np.ones((4, 1))) + one.penalty()).backward()
        mg.mse_loss(two(x), np.ones((4, 1))).backward()
        for step in steps:
            step.step()
    for p, q in zip(one.parameters(), two.parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=0, atol=1e-14)


def test_a_penalty_sums_over_layers_and_is_zero_without() -> None:
    model = nn.Sequential(
        nn.Linear(2, 3, kernel_regularizer=nn.L1(0.5), rng=rng()),
        nn.Conv1d(1, 1, 3, kernel_regularizer=nn.L2(2.0), rng=rng()),
        nn.Embedding(2, 2, kernel_regularizer=lambda w: w.sum()),
        nn.Linear(2, 3),
    )
    w = [model[i].weight.data.astype(float) for i in range(3)]
    wanted = 0.5 * np.abs(w[0]).sum() + 2 * (w[1] ** 2).sum() + w[2].sum()
    assert abs(model.penalty().item() - wanted) < 1e-5
    nothing = nn.Linear(2, 2, dtype=np.float64).penalty()
    assert (nothing.item(), nothing.dtype, nothing.requires_grad) == (0.0, np.float64, False)
    assert nn.ReLU().penalty().dtype == np.float32


# ---- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_to_converts_parameters_gradients_and_float_buffers(dtype: str) -> None:
    model = cnn()
    model(IMAGE).sum().backward()
    before = {n: p.data for n, p in model.named_parameters()}
    assert model.to(dtype) is model
    for name, p in model.named_parameters():
        assert p.dtype == p.grad.dtype == dtype
        np.testing.assert_array_equal(p.data, before[name].astype(dtype))
    assert [b.dtype for b in model.buffers()] == [dtype, dtype, np.int64]
    assert model.float().double()(IMAGE).dtype == np.float64


def test_a_graph_from_before_a_conversion_is_refused() -> None:
    layer = nn.Linear(1, 1)
    loss = layer(np.ones((1, 1), np.float32)).sum()
    layer.double()
    with pytest.raises(GradientError):
        loss.backward()


@given(st.integers(0, 99), st.booleans())
def test_a_copy_is_equal_and_independent(seed: int, trained: bool) -> None:
    model = cnn(seed)
    model[0].bias.requires_grad_(False)
    if trained:
        model(IMAGE).sum().backward()
    twin = copy.deepcopy(model)
    same(model.state_dict(), twin.state_dict())
    assert [p.requires_grad for p in twin.parameters()] == [
        p.requires_grad for p in model.parameters()
    ]
    np.testing.assert_array_equal(model(IMAGE).data, twin(IMAGE).data)  # the same draws, too
    before = model.state_dict()
    twin(IMAGE).sum().backward()
    mg.optim.SGD(twin.parameters(), lr=1.0).step()
    twin.eval()
    same(model.state_dict(), before)
    assert model.training
    assert model[3].rng is not twin[3].rng


def test_a_copy_shares_what_the_original_shares() -> None:
    twin = copy.deepcopy(Tied())
    assert twin.again is twin.first and twin.block[1] is twin.first and twin.same is twin.scale


# ---- loading ------------------------------------------------------------------------------------


@given(st.integers(0, 99))
def test_state_restores_outputs_with_buffers_and_other_dtypes(seed: int) -> None:
    one, two = cnn(seed), cnn(seed + 1)
    one(IMAGE)
    state = {n: a.astype(float).tolist() for n, a in one.state_dict().items()}
    assert two.load_state_dict(state) == ([], [])
    same(one.state_dict(), two.state_dict())
    np.testing.assert_array_equal(one.eval()(IMAGE).data, two.eval()(IMAGE).data)


def test_strict_false_returns_the_names_and_still_refuses_shapes() -> None:
    model, state = cnn(0), cnn(1).state_dict()
    state["head.weight"] = state.pop("5.weight")
    del state["5.bias"]
    keys = model.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["5.weight", "5.bias"]
    assert keys.unexpected_keys == ["head.weight"]
    np.testing.assert_array_equal(model[0].weight.data, state["0.weight"])
    before = model.state_dict()
    state = cnn(2).state_dict() | {"5.weight": np.zeros((3, 8)), "0.bias": np.array(["a", "b"])}
    with pytest.raises(ConfigError) as error:
        model.load_state_dict(state, strict=False)
    assert str(error.value) == (
        "load_state_dict: 0.bias has dtype <U1, expected float32; 5.weight has shape (3, 8), "
        "expected (8, 3) (transpose it: weights are (in, out) here)"
    )
    same(model.state_dict(), before)


def test_one_message_lists_all_that_is_wrong() -> None:
    model = cnn()
    state = model.state_dict()
    state["1.runing_mean"] = state.pop("1.running_mean")
    state["5.wieght"] = state.pop("5.weight")
    state["0.bias"] = np.zeros(3)
    state["zzz"] = np.zeros(3)
    with pytest.raises(ConfigError) as error:
        model.load_state_dict(state)
    assert str(error.value) == (
        "load_state_dict: missing 1.running_mean, 5.weight; 0.bias has shape (3,), expected (2,); "
        "unexpected 1.runing_mean (did you mean 1.running_mean?), 5.wieght (did you mean "
        "5.weight?), zzz"
    )


# ---- repr and mistakes --------------------------------------------------------------------------


def test_repr_reads_as_the_model() -> None:
    assert repr(nn.MLP(2, [3, 1], "relu", rng=rng())) == (
        "MLP(\n  (0): Linear(2, 3)\n  (1): ReLU()\n  (2): Linear(3, 1)\n)"
    )
    assert repr(nn.Sequential({"a": nn.Residual(nn.Linear(2, 2)), "b": nn.Tanh()})) == (
        "Sequential(\n  (a): Residual(\n    (module): Linear(2, 2)\n  )\n  (b): Tanh()\n)"
    )
    assert repr(nn.Sequential()) == "Sequential()"


def test_what_may_be_assigned() -> None:
    layer = nn.Linear(1, 1)
    layer.weight = nn.Parameter(mg.tensor(np.ones((1, 1))))
    layer.bias = None
    layer.seen = mg.tensor([1.0], requires_grad=True) * 2  # a result: for looking at
    layer.constant, layer.sizes = mg.tensor([1.0]), [1, 2]
    assert [n for n, _ in layer.named_parameters()] == ["weight"]
    frozen = nn.Parameter([1.0], requires_grad=False)
    layer.scale = frozen
    assert layer.num_parameters() == 2 and layer.num_parameters(trainable=True) == 1
