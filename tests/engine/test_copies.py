"""Copies by pickle, copy and deepcopy: of leaves all but the hooks, as in PyTorch; of graphs none."""

import copy
import inspect
import pickle
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import microgradnn as mg
from microgradnn import nn, optim

PICKLES = [
    lambda x, n=n: pickle.loads(pickle.dumps(x, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)
]
COPIES: list[Callable[[Any], Any]] = [*PICKLES, copy.deepcopy, copy.copy]


def tensor() -> mg.Tensor:
    t = mg.tensor(np.array([1.0, -2.0], np.float32), requires_grad=True, name="w")
    (t * t).sum().backward()
    t.m = np.zeros(2)  # type: ignore[attr-defined]
    t.register_hook(lambda g: g * 0)
    return t


def value() -> mg.Value:
    v = mg.Value(Fraction(1, 3), label="v")
    (v * v).backward()
    v._vis_color = "red"  # type: ignore[attr-defined]
    v.register_hook(lambda g: g * 0)
    return v


@pytest.mark.parametrize("copied", COPIES)
def test_a_leaf_keeps_all_but_its_hooks(copied: Callable[[Any], Any]) -> None:
    t = tensor()
    u = copied(t)
    assert type(u) is mg.Tensor and u is not t and u.requires_grad and u.op is None
    assert u.name == "w" and u.dtype == np.float32 and list(u.m) == [0, 0] and u.hooks == ()
    np.testing.assert_array_equal(u.data, t.data)
    np.testing.assert_array_equal(u.grad, [2, -4])
    assert len(t.hooks) == 1
    (u * u).sum().backward()  # no hook: the gradient adds up
    np.testing.assert_array_equal(u.grad, [4, -8])
    v = value()
    w = copied(v)
    assert type(w) is mg.Value and w.data == Fraction(1, 3) and w.grad == Fraction(2, 3)
    assert w.label == "v" and w._vis_color == "red" and w.hooks == () and len(v.hooks) == 1
    w.backward()
    assert w.grad == Fraction(5, 3)
    plain = copied(mg.tensor([1, 2]))
    assert not plain.requires_grad and plain.dtype == np.int64 and plain.grad is None


@pytest.mark.parametrize("copied", [*PICKLES, copy.deepcopy])
def test_a_deep_copy_shares_no_array(copied: Callable[[Any], Any]) -> None:
    t = tensor()
    u, again, alias = copied([t, t.grad, t])
    assert alias is u and again is u.grad
    assert not np.shares_memory(u.data, t.data) and not np.shares_memory(u.grad, t.grad)


def test_a_shallow_copy_shares_the_array_and_the_history() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert copy.copy(x).data is x.data
    y = copy.copy(x * x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
    v = mg.Value(2.0)
    copy.copy(v * v).backward()
    assert v.grad == 4


def test_a_copied_leaf_belongs_to_no_graph_of_the_first() -> None:
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    u = copy.deepcopy(x)
    u.data[0] = 5.0
    u.data = u.data * 2
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
    assert u.grad is None


SIZES: dict[str, tuple[Any, ...]] = {
    "Linear": (3, 2), "Bilinear": (3, 2, 2), "Embedding": (4, 2), "Conv1d": (2, 3, 2),
    "Conv2d": (2, 3, 2), "ConvTranspose2d": (2, 3, 2), "MLP": (3, [4, 2]), "GroupNorm": (2, 4),
    "LayerNorm": (3,), "RMSNorm": (3,), "BatchNorm1d": (3,), "BatchNorm2d": (3,),
    "InstanceNorm2d": (3,), "MultiheadAttention": (4, 2), "RNN": (3, 4), "LSTM": (3, 4),
    "GRU": (3, 4), "RNNCell": (3, 4), "LSTMCell": (3, 4), "GRUCell": (3, 4), "Threshold": (0.1, 2),
    "MaxPool1d": (2,), "MaxPool2d": (2,), "AvgPool1d": (2,), "AvgPool2d": (2,),
    "AdaptiveAvgPool2d": (2,), "Unflatten": (1, (2, 2)), "Upsample": (2,),
    "AdaptiveAvgPool1d": (2,), "AdaptiveAvgPool3d": (2,), "AdaptiveMaxPool1d": (2,),
    "AdaptiveMaxPool2d": (2,), "AdaptiveMaxPool3d": (2,), "AvgPool3d": (2,), "MaxPool3d": (2,),
    "BatchNorm3d": (3,), "InstanceNorm1d": (3,), "InstanceNorm3d": (3,), "Conv3d": (2, 3, 2),
    "ConvTranspose1d": (2, 3, 2), "ConvTranspose3d": (2, 3, 2), "EmbeddingBag": (4, 2),
    "TransformerEncoderLayer": (4, 2, 8), "TransformerDecoderLayer": (4, 2, 8),
    "TransformerEncoder": (nn.TransformerEncoderLayer(4, 2, 8), 2),
    "TransformerDecoder": (nn.TransformerDecoderLayer(4, 2, 8), 2),
    "Transformer": (4, 2, 1, 1, 8),
    "Residual": (nn.Linear(3, 3),), "ModuleList": ([nn.Linear(2, 2)],),
    "ModuleDict": ({"a": nn.Linear(2, 2)},), "Sequential": (nn.Linear(3, 2), nn.Tanh()),
}  # fmt: skip
MODULES = [
    n
    for n in nn.__all__
    if inspect.isclass(getattr(nn, n)) and issubclass(getattr(nn, n), nn.Module)
]


@pytest.mark.parametrize("name", [n for n in MODULES if n != "Module"])
def test_every_module_is_pickled_and_copied(name: str) -> None:
    module = getattr(nn, name)(*SIZES.get(name, ()))
    for p in module.parameters():
        p.grad = np.ones_like(p.data)
    for copied in (PICKLES[2], PICKLES[-1], copy.deepcopy):
        twin = copied(module)
        assert type(twin) is type(module) and repr(twin) == repr(module)
        assert twin.training == module.training
        mine, theirs = module.state_dict(), twin.state_dict()
        assert list(mine) == list(theirs)
        for a, b in zip(mine.values(), theirs.values(), strict=True):
            np.testing.assert_array_equal(a, b)
        for p, q in zip(module.parameters(), twin.parameters(), strict=True):
            assert type(q) is nn.Parameter and q is not p and not np.shares_memory(p.data, q.data)
            np.testing.assert_array_equal(p.grad, q.grad)


def step(model: Any, optimizer: Any) -> None:
    optimizer.zero_grad()
    mg.mse_loss(model(np.ones((2, 3))), np.zeros((2, 1))).backward()
    optimizer.step()


OPTIMISERS = [
    n for n, c in vars(optim).items()
    if inspect.isclass(c) and issubclass(c, optim.Optimizer) and c is not optim.Optimizer
]  # fmt: skip


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_model_and_its_optimiser_go_on_as_if_nothing_had_happened(name: str) -> None:
    model = nn.MLP(3, [4, 1])
    optimizer = getattr(optim, name)(model.parameters(), lr=0.01)
    schedule = optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    step(model, optimizer)
    schedule.step()
    for copied in (PICKLES[2], PICKLES[-1], copy.deepcopy):
        twin, theirs, their_schedule = copied((model, optimizer, schedule))
        mine, own = copy.deepcopy((model, optimizer))
        for _ in range(2):
            step(twin, theirs)
            step(mine, own)
        for p, q in zip(mine.parameters(), twin.parameters(), strict=True):
            np.testing.assert_array_equal(p.data, q.data)
        their_schedule.step()
        assert theirs.param_groups[0]["lr"] == 0.0025 and optimizer.param_groups[0]["lr"] == 0.005


def test_a_generator_goes_on_where_it_was() -> None:
    drop = nn.Dropout(0.5, rng=np.random.default_rng(3))
    twin = pickle.loads(pickle.dumps(drop))
    x = np.ones((4, 4))
    np.testing.assert_array_equal(drop(mg.tensor(x)).data, twin(mg.tensor(x)).data)


x, v = mg.tensor([1.0], requires_grad=True), mg.Value(1.0)
