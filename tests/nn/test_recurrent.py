"""RNN, LSTM, GRU and their cells against PyTorch's, with the same weights, in float64."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn

torch = pytest.importorskip("torch", reason="compares with torch.nn")
F64, T64 = {"dtype": np.float64}, {"dtype": torch.float64}
KINDS = ["RNN", "LSTM", "GRU"]


def copied(ours: nn.Module, theirs: Any) -> None:
    own = dict(ours.named_parameters())
    assert list(own) == [name for name, _ in theirs.named_parameters()]
    with torch.no_grad():
        for name, p in theirs.named_parameters():
            p.copy_(torch.from_numpy(own[name].data.T.copy()))


def flat(result: Any) -> list[Any]:
    """The arrays in (output, (h, c)) and the like, in their order."""
    if isinstance(result, tuple):
        return [x for part in result for x in flat(part)]
    return [result]


def agree(ours: nn.Module, theirs: Any, x: np.ndarray, states: Sequence[np.ndarray] | None) -> None:
    """Outputs, final states and all gradients are PyTorch's but for the rounding of their sums.

    The tolerance counts the terms of the longest chain of sums: 2⁻⁵⁰ for each.
    """
    copied(ours, theirs)
    mine = [mg.tensor(a, requires_grad=True) for a in (x, *(states or ()))]
    other = [torch.tensor(a, requires_grad=True) for a in (x, *(states or ()))]

    def called(module: Any, args: list[Any]) -> list[Any]:
        if states is None:
            return flat(module(args[0]))
        return flat(module(args[0], args[1] if len(args) == 2 else tuple(args[1:])))

    ys, zs = called(ours, mine), called(theirs, other)
    assert [y.shape for y in ys] == [tuple(z.shape) for z in zs]
    gs = [np.random.default_rng(i).normal(size=y.shape) for i, y in enumerate(ys)]
    sum([(y * g).sum() for y, g in zip(ys, gs, strict=True)]).backward()
    sum([(z * torch.from_numpy(g)).sum() for z, g in zip(zs, gs, strict=True)]).backward()
    pairs = [(y.data, z.detach().numpy()) for y, z in zip(ys, zs, strict=True)]
    pairs += [(a.grad, b.grad.numpy()) for a, b in zip(mine, other, strict=True)]
    grads = {name: p.grad.numpy().T for name, p in theirs.named_parameters()}
    pairs += [(p.grad, grads[name]) for name, p in ours.named_parameters()]
    terms = 64 + x.size + sum(p.size for p in ours.parameters())
    for got, wanted in pairs:
        size = max(1.0, np.abs(wanted).max(initial=0.0))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=terms * 2.0**-50 * size)


@settings(max_examples=40)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_layers_agree_with_torch(kind: str, data: Any) -> None:
    side, flag = st.integers(1, 3), st.booleans()
    n, h, length, batch = (data.draw(side, name) for name in ("in", "hidden", "length", "batch"))
    given = {
        "num_layers": data.draw(st.integers(1, 2), "layers"),
        "bias": data.draw(flag, "bias"),
        "batch_first": data.draw(flag, "batch_first"),
        "bidirectional": data.draw(flag, "bidirectional"),
    }
    if kind == "RNN":
        given["nonlinearity"] = data.draw(st.sampled_from(["tanh", "relu"]))
    ours = getattr(nn, kind)(n, h, **given, **F64)
    theirs = getattr(torch.nn, kind)(n, h, **given, **T64)
    rng = np.random.default_rng(data.draw(st.integers(0, 9), "seed"))
    single = data.draw(flag, "single")
    shape = (length, n) if single else (length, batch, n)
    if given["batch_first"] and not single:
        shape = (batch, length, n)
    states = None
    if data.draw(flag, "states"):
        rows = given["num_layers"] * (1 + given["bidirectional"])
        of_state = (rows, h) if single else (rows, batch, h)
        states = [rng.normal(size=of_state) for _ in range(2 if kind == "LSTM" else 1)]
    agree(ours, theirs, rng.normal(size=shape), states)


@settings(max_examples=15)
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_cells_agree_with_torch(kind: str, data: Any) -> None:
    n, h = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    bias, lead = data.draw(st.booleans()), data.draw(st.sampled_from([(), (2,)]))
    ours = getattr(nn, f"{kind}Cell")(n, h, bias, **F64)
    theirs = getattr(torch.nn, f"{kind}Cell")(n, h, bias, **T64)
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    count = 2 if kind == "LSTM" else 1
    states = (
        [rng.normal(size=(*lead, h)) for _ in range(count)] if data.draw(st.booleans()) else None
    )
    agree(ours, theirs, rng.normal(size=(*lead, n)), states)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_acts_between_layers_in_training_only(kind: str) -> None:
    x = np.random.default_rng(0).normal(size=(4, 2, 3))
    made = [
        getattr(nn, kind)(3, 5, 2, dropout=p, rng=np.random.default_rng(1), **F64) for p in (0, 0.5)
    ]
    plain, dropping = (m(x)[0].data for m in made)
    assert not np.allclose(plain, dropping)
    np.testing.assert_array_equal(plain, made[1].eval()(x)[0].data)
    one = getattr(nn, kind)(3, 5, 1, dropout=0.5, rng=np.random.default_rng(1), **F64)
    np.testing.assert_array_equal(one(x)[0].data, one.eval()(x)[0].data)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_start_in_torchs_range_and_models_are_described(kind: str) -> None:
    layer = getattr(nn, kind)(3, 16, num_layers=2, bidirectional=True)
    most = max(np.abs(p.data).max() for p in layer.parameters())
    assert 0.2 < most <= 0.25 and all(p.dtype == np.float32 for p in layer.parameters())
    again = nn.Module.from_config(layer.get_config())
    again.load_state_dict(layer.state_dict())
    x = np.random.default_rng(0).normal(size=(2, 1, 3)).astype(np.float32)
    np.testing.assert_array_equal(again(x)[0].data, layer(x)[0].data)
    assert repr(layer) == f"{kind}(3, 16, num_layers=2, bidirectional=True)"
