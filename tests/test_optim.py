"""Optimisers against their formulas in float64 and, where installed, against torch's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import ConfigError
from microgradnn.optim import SGD, Adam

GRADIENTS = [[0.1, -0.2, 0.0], [0.3, 0.0, 1e-6], [-0.05, 0.4, 1e-6]]
START = [1.0, -2.0, 0.5]


def walk(make: object, lrs: list[float]) -> np.ndarray:
    p = mg.tensor(START, requires_grad=True)
    optimizer = make([p], lrs[0])
    for lr, g in zip(lrs, GRADIENTS, strict=True):
        optimizer.lr = lr
        p.grad = np.array(g)
        optimizer.step()
    return p.data


def torch_walk(make: object, lrs: list[float]) -> np.ndarray:
    torch = pytest.importorskip("torch", reason="compares with torch.optim")
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make(torch.optim, [p], lrs[0])
    for lr, g in zip(lrs, GRADIENTS, strict=True):
        optimizer.param_groups[0]["lr"] = lr
        p.grad = torch.tensor(g, dtype=torch.float64)
        optimizer.step()
    return p.detach().numpy()


rates = st.lists(st.sampled_from([2.0**-k for k in range(1, 9)]), min_size=3, max_size=3)
fractions = st.sampled_from([0.0, 0.125, 0.5, 0.875])


@given(rates, fractions, fractions, fractions, st.booleans())
def test_sgd_is_torchs_with_a_changing_rate(
    lrs: list[float], momentum: float, dampening: float, decay: float, nesterov: bool
) -> None:
    nesterov = nesterov and momentum > 0
    kw = dict(
        momentum=momentum,
        dampening=0.0 if nesterov else dampening,
        weight_decay=decay,
        nesterov=nesterov,
    )
    ours = walk(lambda p, lr: SGD(p, lr, **kw), lrs)
    theirs = torch_walk(lambda optim, p, lr: optim.SGD(p, lr, **kw), lrs)
    # Three steps of at most five roundings each, of numbers below 8.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3 * 5 * 8 * 2.0**-53)


@given(rates, fractions, fractions, st.sampled_from([1e-8, 2.0**-10]), fractions)
def test_adam_is_torchs_with_tiny_gradients_and_a_changing_rate(
    lrs: list[float], b1: float, b2: float, eps: float, decay: float
) -> None:
    kw = dict(betas=(b1, b2), eps=eps, weight_decay=decay)
    ours = walk(lambda p, lr: Adam(p, lr, **kw), lrs)
    theirs = torch_walk(lambda optim, p, lr: optim.Adam(p, lr, **kw), lrs)
    # A step is lr·m/(√v + eps) <= 8 in size and takes about ten roundings.
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=3 * 10 * 8 * 2.0**-53)


def test_adam_reproduces_the_published_three_steps() -> None:
    got = walk(lambda p, lr: Adam(p, lr), [0.1, 0.1, 0.1])
    np.testing.assert_allclose(got, [0.74813057, -1.86699763, 0.34182], atol=5e-6)


@given(st.sampled_from(["sgd", "adam"]), st.floats(-4, 4), st.floats(-4, 4))
def test_values_move_exactly_as_tensors_do(kind: str, start: float, slope: float) -> None:
    make = {"sgd": lambda p: SGD(p, 0.1, momentum=0.5), "adam": lambda p: Adam(p, 0.1)}[kind]
    v, t = mg.Value(start), mg.tensor(start, requires_grad=True)
    for p in (v, t):
        optimizer = make([p])
        for _ in range(3):
            optimizer.zero_grad()
            (p * slope + p * p).backward()
            optimizer.step()
    # pow of a number and of an array may round differently: half an ulp in each of the steps.
    np.testing.assert_allclose(v.data, t.data, rtol=1e-14, atol=1e-15)


def test_a_parameter_without_gradient_stays() -> None:
    p, q = (mg.tensor([1.0], requires_grad=True) for _ in range(2))
    optimizer = SGD([p, q], 0.5, momentum=0.5)
    (p * 2).sum().backward()
    optimizer.step()
    assert (p.data.item(), q.data.item()) == (0.0, 1.0)


def test_steps_keep_float32() -> None:
    for optimizer in (lambda p: SGD(p, 0.1, momentum=0.9), Adam):
        p = mg.tensor([1.0], np.float32, requires_grad=True)
        p.grad = np.ones(1, np.float32)
        optimizer([p]).step()
        assert p.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda p: SGD([], 0.1), "SGD: no parameters; pass model.parameters()"),
        (lambda p: SGD(p, -1), "SGD: lr is -1, must be >= 0"),
        (lambda p: SGD(p, float("nan")), "SGD: lr is nan, must be >= 0"),
        (lambda p: Adam(p, betas=(0.9, 1.0)), "Adam: beta is 1.0, must be in [0, 1)"),
        (
            lambda p: SGD(p, 0.1, nesterov=True),
            "SGD: nesterov needs momentum > 0 and dampening = 0",
        ),
        (
            lambda p: SGD([np.ones(2)], 0.1),
            "SGD: parameters must be Tensors or Values, got ndarray",
        ),
    ],
)
def test_wrong_settings_are_named(make: object, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        make([mg.tensor([1.0], requires_grad=True)])
    assert str(error.value) == text
