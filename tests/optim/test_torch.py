"""Every optimiser with all its options against torch's own, step by step, in float64."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import optim
from tests.frameworks import framework
from tests.optim import recorded
from tests.optim.recorded import (
    START,
    Grads,
    assert_close,
    decays,
    epsilons,
    fractions,
    runs,
    walk,
)

betas = st.tuples(fractions, st.sampled_from([0.5, 0.875, 1 - 2.0**-10]))
shared: dict[str, Any] = dict(weight_decay=decays, maximize=st.booleans())


def torch_walk(name: str, options: dict[str, Any], run: list[tuple[float, Grads]]) -> list[Any]:
    torch = framework("torch")
    torch.set_default_dtype(torch.float64)  # else NAdam's product is in float32
    try:
        return _torch_walk(torch, name, options, run)
    finally:
        torch.set_default_dtype(torch.float32)


def _torch_walk(
    torch: Any, name: str, options: dict[str, Any], run: list[tuple[float, Grads]]
) -> list[Any]:
    params = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in START]
    optimizer = getattr(torch.optim, name)(params, lr=run[0][0], **options)
    out = []
    for lr, grads in run:
        optimizer.param_groups[0]["lr"] = lr
        for p, g in zip(params, grads, strict=True):
            p.grad = None if g is None else torch.tensor(g, dtype=torch.float64)
        optimizer.step()
        out.append([p.detach().numpy().copy() for p in params])
    return out


def both(name: str, options: dict[str, Any], run: list[tuple[float, Grads]]) -> tuple[Any, Any]:
    make = getattr(optim, name)
    return walk(lambda p, lr: make(p, lr=lr, **options), run), torch_walk(name, options, run)


@given(
    runs(),
    st.fixed_dictionaries(shared | dict(momentum=fractions, dampening=fractions)),
    st.booleans(),
)
def test_sgd(run: Any, options: dict[str, Any], nesterov: bool) -> None:
    if nesterov and options["momentum"]:
        options |= dict(nesterov=True, dampening=0.0)
    # Ten operations at most, on numbers that no step makes larger than the largest parameter by
    # more than the velocity: 2·(1 + 0.875 + …) < 16.
    assert_close(*both("SGD", options, run), roundings=20, size=16)


@given(
    runs(),
    st.fixed_dictionaries(
        shared | dict(alpha=st.sampled_from([0.5, 0.875, 0.99]), eps=epsilons, momentum=fractions)
    ),
)
def test_rmsprop(run: Any, options: dict[str, Any]) -> None:
    # g/d is at most 1/√(1 - alpha) = 10, a velocity of it 40.
    assert_close(*both("RMSprop", options, run), roundings=20, size=40)


@given(
    runs(),
    st.fixed_dictionaries(
        shared | dict(alpha=st.sampled_from([0.5, 0.875]), eps=epsilons, momentum=fractions)
    ),
)
def test_rmsprop_centered(run: Any, options: dict[str, Any]) -> None:
    # s - m² loses digits: s/(s - m²) is at most alpha^-4 = 16, its root enters g/d; g/d grows with
    # it, to 4·√8.
    assert_close(*both("RMSprop", options | dict(centered=True), run), roundings=20 * 16, size=48)


@given(
    runs(),
    st.fixed_dictionaries(
        shared
        | dict(
            lr_decay=fractions,
            eps=st.sampled_from([1e-10, 2.0**-10]),
            initial_accumulator_value=fractions,
        )
    ),
)
def test_adagrad(run: Any, options: dict[str, Any]) -> None:
    assert_close(*both("Adagrad", options, run), roundings=20)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@given(
    runs(), st.fixed_dictionaries(shared | dict(betas=betas, eps=epsilons, amsgrad=st.booleans()))
)
def test_adam(name: str, run: Any, options: dict[str, Any]) -> None:
    # |m|/√v with β₂ >= 1/2 is at most √(4·2³) < 6, and so are its rounding errors.
    assert_close(*both(name, options, run), roundings=20, size=6)


@given(
    runs(),
    st.fixed_dictionaries(
        shared | dict(rho=st.sampled_from([0.0, 0.5, 0.9]), eps=st.sampled_from([1e-6, 2.0**-10]))
    ),
)
def test_adadelta(run: Any, options: dict[str, Any]) -> None:
    # √(d + eps)/√(s + eps)·g is at most √(d + eps)/√(1 - rho) < 4, with d at most that squared.
    assert_close(*both("Adadelta", options, run), roundings=20, size=4)


@given(runs(), st.fixed_dictionaries(shared | dict(betas=betas, eps=epsilons)))
def test_adamax(run: Any, options: dict[str, Any]) -> None:
    # u halves at most in a step, so |m|/u is at most 2³, over 1 - β₁ᵗ of which 1 - β₁ is in m.
    assert_close(*both("Adamax", options, run), roundings=20, size=8)


@pytest.mark.parametrize("name", ["NAdam", "RAdam"])
@given(
    runs(),
    st.fixed_dictionaries(
        shared | dict(betas=betas, eps=epsilons, decoupled_weight_decay=st.booleans())
    ),
    st.sampled_from([0.0, 4e-3, 0.5]),
)
def test_the_other_adams(name: str, run: Any, options: dict[str, Any], decay: float) -> None:
    if name == "NAdam":
        options |= dict(momentum_decay=decay)
    # As Adam's, in twice as many steps: |m|/√v is at most √(8·2⁷) = 32. RAdam is Adam's from the
    # step on at which its length passes 5, and that is the sixth at the earliest.
    assert_close(*both(name, options, run * 2), roundings=20, size=32)


@given(
    runs(),
    st.booleans(),
    st.sampled_from([(0.5, 1.2), (0.25, 2.0)]),
    st.sampled_from([(1e-6, 50), (0.125, 0.25)]),
)
def test_rprop(run: Any, maximize: bool, etas: Any, step_sizes: Any) -> None:
    options = dict(maximize=maximize, etas=etas, step_sizes=step_sizes)
    assert_close(*both("Rprop", options, run), roundings=20)


@given(runs(), st.booleans())
def test_adam_with_decoupled_weight_decay_is_adamw(run: Any, amsgrad: bool) -> None:
    options = dict(weight_decay=0.125, amsgrad=amsgrad)
    a = walk(lambda p, lr: optim.Adam(p, lr, **options, decoupled_weight_decay=True), run)
    b = walk(lambda p, lr: optim.AdamW(p, lr, **options), run)
    assert_close(a, b, roundings=0)


RULES = sorted(set(optim.__all__) - {"EMA", "Optimizer", "lr_scheduler", "schedules"})


@pytest.mark.parametrize("name", RULES)
def test_defaults_are_torchs(name: str) -> None:
    torch = framework("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1)], lr=0.5).defaults
    # What is torch's own way to run a rule is not here.
    how = {"foreach", "fused", "capturable", "differentiable"}
    ours = getattr(optim, name)([mg.tensor([0.0], requires_grad=True)], lr=0.5).defaults
    assert {k: ours[k] for k in theirs if k not in how} == {
        k: v for k, v in theirs.items() if k not in how
    }
    if name != "SGD":  # there lr is mandatory
        mine = getattr(optim, name)([mg.tensor([0.0], requires_grad=True)])
        assert mine.lr == getattr(torch.optim, name)([torch.zeros(1)]).defaults["lr"]


OPTIONS: dict[str, list[dict[str, Any]]] = {
    "SGD": [dict(), dict(momentum=0.9, weight_decay=0.1), dict(momentum=0.9, nesterov=True), dict(momentum=0.9, lr_in_velocity=True, dampening=0.1)],
    "RMSprop": [dict(), dict(momentum=0.9, centered=True), dict(eps_inside=True, initial_square_avg=1.0)],
    "Adagrad": [dict(lr_decay=0.1), dict(eps_inside=True, initial_accumulator_value=0.1)],
    "Adam": [dict(weight_decay=0.1), dict(amsgrad=True), dict(eps_hat=True, maximize=True)],
    "AdamW": [dict(), dict(clipvalue=0.1), dict(clipnorm=0.25)],
    "Adadelta": [dict(), dict(rho=0.5, weight_decay=0.1)],
    "Adamax": [dict(), dict(maximize=True, eps=0.125)],
    "NAdam": [dict(), dict(weight_decay=0.1, decoupled_weight_decay=True)],
    "RAdam": [dict(betas=(0.5, 0.875)), dict(weight_decay=0.1, decoupled_weight_decay=True)],
    "Rprop": [dict(), dict(etas=(0.25, 2.0), step_sizes=(0.125, 0.25))],
}  # fmt: skip
ALL = [(name, options) for name, several in OPTIONS.items() for options in several]


@pytest.mark.parametrize(("name", "options"), ALL)
@given(recorded.runs(missing=False))
def test_values_move_exactly_as_a_tensors_numbers(name: str, options: Any, run: Any) -> None:
    def make(params: Any, lr: float) -> Any:
        return getattr(optim, name)(params, lr, **options)

    if "clipnorm" in options:  # the norm is the tensor's: let each number be one
        run = [(lr, (np.array([g[0][0], 0, 0]), g[1])) for lr, g in run]
    tensors = [np.concatenate([np.ravel(x) for x in row]) for row in walk(make, run)]
    np.testing.assert_array_equal(recorded.value_walk(make, run), tensors)


@pytest.mark.parametrize(("name", "options"), ALL)
def test_float32_stays_float32_also_with_numpys_float64_settings(name: str, options: Any) -> None:
    p = mg.tensor([1.0, 2.0], np.float32, requires_grad=True)
    q = mg.tensor(1.0, np.float32, requires_grad=True)
    kept = (bool, tuple)
    options = {k: v if isinstance(v, kept) else np.float64(v) for k, v in options.items()}
    optimizer = getattr(optim, name)([p, q], np.float64(0.1), **options)
    for _ in range(2):
        for x in (p, q):
            x.grad = np.full(x.shape, 0.5, np.float32)
        optimizer.step()
    for x, memory in zip((p, q), optimizer.state, strict=True):
        assert x.dtype == np.float32 and x.grad.dtype == np.float32
        single = {"step", *optimizer.numbers}
        assert {k: v.dtype.name for k, v in memory.items() if k not in single} == {
            k: "float32" for k in memory if k not in single
        }


@pytest.mark.parametrize(("name", "options"), ALL)
@given(run=runs(missing=False))
@settings(max_examples=5)
def test_the_array_is_changed_in_place_and_the_gradient_is_not(
    name: str, options: Any, run: Any
) -> None:
    p = mg.tensor(START[0], requires_grad=True)
    array, optimizer = p.data, getattr(optim, name)([p], 0.5, **options)
    kept = [g.copy() for _, (g, _) in run]
    for _, (g, _) in run:
        p.grad = g
        optimizer.step()
        assert p.data is array
    for copy, (_, (g, _)) in zip(kept, run, strict=True):
        np.testing.assert_array_equal(g, copy)


def test_adam_reproduces_the_published_three_steps() -> None:
    recorded_run = [([0.1, -0.2, 0.0]), ([0.3, 0.0, 1e-6]), ([-0.05, 0.4, 1e-6])]
    p = mg.tensor([1.0, -2.0, 0.5], requires_grad=True)
    optimizer = optim.Adam([p], 0.1)
    for g in recorded_run:
        p.grad = np.array(g)
        optimizer.step()
    np.testing.assert_allclose(p.data, [0.74813057, -1.86699763, 0.34182], atol=5e-6)


def test_centered_rmsprop_survives_a_constant_gradient() -> None:
    # s - m² rounds to less than 0 here, and torch's parameter becomes nan.
    p = mg.tensor([1.0, 1.0, 1.0], requires_grad=True)
    optimizer = optim.RMSprop([p], 1e-9, alpha=0.5, centered=True)
    for _ in range(80):
        p.grad = np.array([0.1, 0.3, 0.7])
        optimizer.step()
        assert np.isfinite(p.data).all()


@pytest.mark.parametrize(("name", "options"), ALL)
def test_a_nan_gradient_is_no_error_and_stays_in_its_place(name: str, options: Any) -> None:
    if "clipnorm" in options:
        pytest.skip("the norm of a tensor with a nan is nan")
    p, v = mg.tensor([1.0, 1.0], requires_grad=True), mg.Value(1.0)
    optimizer = getattr(optim, name)([p, v], 0.1, **options)
    p.grad, v.grad = np.array([np.nan, 1.0]), float("nan")
    optimizer.step()
    assert np.isnan(p.data).tolist() == [True, False] and v.data != v.data


def test_a_value_divides_by_zero_as_an_array_does() -> None:
    p, v = mg.tensor([1.0, 1.0], requires_grad=True), mg.Value(1.0)
    p.grad, v.grad = np.array([0.0, 1.0]), 0.0
    with np.errstate(invalid="ignore"):
        optim.Adagrad([p, v], 0.5, eps=0.0).step()
    assert np.isnan(p.data[0]) and p.data[1] == 0.5 and v.data != v.data
