"""Moving averages against tf.train.ExponentialMovingAverage, against their formula, and swap()."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError
from microgradnn.optim import EMA, SGD
from tests.frameworks import framework
from tests.optim.recorded import numbers

SLOWER = settings(max_examples=max(5, settings().max_examples // 3))
paths = st.lists(st.lists(numbers, min_size=3, max_size=3).map(np.array), min_size=2, max_size=6)
dyadic = st.sampled_from([0.0, 0.5, 0.875, 1 - 2.0**-10])


def follow(path: list[np.ndarray], steps: Any = None, **options: Any) -> list[np.ndarray]:
    """The shadow values after each update along the path, which starts the average."""
    p = mg.tensor(path[0], requires_grad=True)
    ema, out = EMA([p], **options), []
    for i, x in enumerate(path[1:]):
        p.data = x
        ema.update(None if steps is None else steps[i])
        out.append(ema.shadow["0"].copy())
    return out


def tf_follow(path: list[np.ndarray], decay: float, steps: Any = None) -> list[np.ndarray]:
    tf = framework("tensorflow")
    v, n = tf.Variable(path[0], dtype=tf.float64), tf.Variable(0.0)
    ema = tf.train.ExponentialMovingAverage(decay, None if steps is None else n)
    with tf.init_scope():
        ema.apply([v])  # eager: the shadow starts from the value here; s - v = 0, nothing moves
    out = []
    for i, x in enumerate(path[1:]):
        v.assign(x)
        if steps is not None:
            n.assign(steps[i])
        ema.apply([v])
        out.append(ema.average(v).numpy())
    return out


@given(paths, dyadic)
@SLOWER
def test_tensorflow_with_a_decay_that_float32_holds(path: list[np.ndarray], decay: float) -> None:
    for a, b in zip(follow(path, decay=decay), tf_follow(path, decay), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=len(path) * 4 * 2 * 2.0**-53)


@given(paths, st.sampled_from([0.5, 0.99, 0.999]), st.integers(0, 2000))
@SLOWER
def test_tensorflow_with_num_updates(path: list[np.ndarray], decay: float, first: int) -> None:
    steps = range(first, first + len(path))
    ours = follow(path, steps, decay=decay, num_updates=True)
    # TensorFlow computes d and 1 - d in float32: two roundings of numbers up to 1, times a
    # difference up to 4, in each update.
    for a, b in zip(ours, tf_follow(path, decay, steps), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=len(path) * 3 * 4 * 2.0**-24)


@given(paths, st.sampled_from([0.0, 0.5, 0.99, 0.999]), st.booleans())
def test_the_formula_in_exact_arithmetic(
    path: list[np.ndarray], decay: float, counted: bool
) -> None:
    exact = [Fraction(float(x)) for x in path[0]]
    for n, (x, got) in enumerate(
        zip(path[1:], follow(path, decay=decay, num_updates=counted), strict=True)
    ):
        d = min(Fraction(decay), Fraction(1 + n, 10 + n)) if counted else Fraction(decay)
        exact = [d * s + (1 - d) * Fraction(float(v)) for s, v in zip(exact, x, strict=True)]
        np.testing.assert_allclose(
            got, [float(s) for s in exact], rtol=0, atol=(n + 1) * 6 * 2 * 2.0**-52
        )


@pytest.mark.parametrize(
    ("n", "weight"),
    [(0, 0.9), (1, 9 / 11), (5, 0.6), (100, 9 / 110), (1000, 9 / 1010), (10**6, 0.001)],
)
def test_the_weight_of_the_new_value(n: int, weight: float) -> None:
    [shadow] = follow([np.zeros(1), np.ones(1)], [n], decay=0.999, num_updates=True)
    np.testing.assert_allclose(shadow, weight, rtol=1e-13)


@given(paths)
def test_values_average_as_tensors_do(path: list[np.ndarray]) -> None:
    values = [mg.Value(float(x)) for x in path[0]]
    ema = EMA(values, 0.9)
    for x in path[1:]:
        for v, y in zip(values, x, strict=True):
            v.data = float(y)
        ema.update()
    assert list(ema.shadow.values()) == follow(path, decay=0.9)[-1].tolist()


def model() -> tuple[Any, EMA]:
    net = nn.Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float32)
    ema = EMA(net, decay=0.5)
    for p in net.parameters():
        p.data = p.data + np.float32(1)
    ema.update()
    return net, ema


def test_a_models_parameters_have_their_names_and_dtypes() -> None:
    net, ema = model()
    assert list(ema.shadow) == [name for name, _ in net.named_parameters()] == ["weight", "bias"]
    for name, p in net.named_parameters():
        assert ema.shadow[name].dtype == p.dtype == np.float32
        np.testing.assert_allclose(ema.shadow[name], p.data - 0.5, rtol=1e-6)
        assert not np.shares_memory(EMA([p]).shadow["0"], p.data)
    named = EMA(net.named_parameters())
    assert list(named.shadow) == ["weight", "bias"]


def test_swap_puts_the_shadow_in_and_always_takes_it_out() -> None:
    net, ema = model()
    arrays = [p.data for p in net.parameters()]
    before = [x.copy() for x in arrays]
    x = np.ones((1, 2), np.float32)
    own = net(x).data
    with ema.swap():
        assert net(x).data != own
        for p, s in zip(net.parameters(), ema.shadow.values(), strict=True):
            np.testing.assert_array_equal(p.data, s)
            p.data -= 1  # lost, and no harm to the shadow
    with pytest.raises(ZeroDivisionError), ema.swap():
        raise ZeroDivisionError
    for p, array, copy in zip(net.parameters(), arrays, before, strict=True):
        assert p.data is array
        np.testing.assert_array_equal(array, copy)
    with ema.swap():  # still usable
        pass


def test_inside_swap_nothing_else_is_done() -> None:
    net, ema = model()
    shadow = {name: s.copy() for name, s in ema.shadow.items()}
    with ema.swap():
        for what, call in (
            ("swap", lambda: ema.swap().__enter__()),
            ("update", ema.update),
            ("copy_to", ema.copy_to),
        ):
            with pytest.raises(ConfigError) as error:
                call()
            assert (
                str(error.value) == f"EMA.{what}: inside swap(), which still holds the own values"
            )
    for name, s in ema.shadow.items():
        np.testing.assert_array_equal(s, shadow[name])


def test_a_backward_pass_across_a_swap_is_refused() -> None:
    net, ema = model()
    loss = net(np.ones((1, 2), np.float32)).sum()
    with ema.swap():
        pass
    with pytest.raises(mg.errors.GradientError):
        loss.backward()


def test_copy_to_gives_copies() -> None:
    net, ema = model()
    other = nn.Linear(2, 1, rng=np.random.default_rng(1))
    for target in (other, list(other.parameters()), None):
        ema.copy_to(target)
        for p, s in zip(
            (net if target is None else other).parameters(), ema.shadow.values(), strict=True
        ):
            np.testing.assert_array_equal(p.data, s)
            assert not np.shares_memory(p.data, s)


@given(paths, paths, st.booleans())
def test_averaging_continues_to_the_last_bit(before: Any, after: Any, counted: bool) -> None:
    def run(ema: EMA, path: list[np.ndarray]) -> EMA:
        for x in path:
            p.data, v.data = x, float(x[0])
            ema.update()
        return ema

    p, v = mg.tensor(before[0]), mg.Value(1.0)
    ema = run(EMA([p, v], 0.9, num_updates=counted), before)
    state = ema.state_dict()
    twin = EMA([p, v], 0.5)
    twin.load_state_dict(json.loads(json.dumps(state, default=np.ndarray.tolist)))
    assert repr(run(ema, after).state_dict()) == repr(run(twin, after).state_dict())
    assert repr(state) != repr(ema.state_dict()) or all(
        np.array_equal(x, before[0]) for x in [*before, *after]
    )


def test_training_with_swap_is_training_without() -> None:
    def train(swapping: bool) -> list[float]:
        p = mg.tensor([1.0, -2.0], requires_grad=True)
        optimizer, ema = SGD([p], 0.1, momentum=0.9), EMA([p], 0.9)
        for _ in range(5):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
            ema.update()
            if swapping:
                with ema.swap():
                    assert not np.array_equal(p.data, [1.0, -2.0])
        return p.data.tolist() + ema.shadow["0"].tolist()

    assert train(True) == train(False)


def loaded(change: Any) -> None:
    _, ema = model()
    state = ema.state_dict()
    change(state)
    before = repr(ema.state_dict())
    try:
        ema.load_state_dict(state)
    finally:
        assert repr(ema.state_dict()) == before


W = mg.tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: EMA([]), "EMA: no parameters; pass a model or model.parameters()"),
        (lambda: EMA(W), "EMA: got one Tensor, need several parameters; write [w]"),
        (lambda: EMA([W], 1.5), "EMA: decay is 1.5, must be in [0, 1)"),
        (lambda: EMA([W], num_updates=7), "EMA: num_updates is 7, must be True or False; give the step to update(step)"),
        (lambda: EMA([W]).update(3), "EMA.update: step has no effect; make the EMA with num_updates=True"),
        (lambda: EMA([W], num_updates=True).update(-11), "EMA.update: step is -11, must be a finite number >= 0"),
        (lambda: EMA([W]).copy_to([W, mg.tensor([1.0])]), "EMA.copy_to: got 2 parameters, expected ['0']"),
        (lambda: EMA([W]).copy_to([("w", W)]), "EMA.copy_to: got ['w'], expected ['0']"),
        (lambda: EMA([W]).load_state_dict({}), "EMA.load_state_dict: got [], need ['decay', 'num_updates', 'updates', 'shadow']"),
        (lambda: loaded(lambda s: s["shadow"].pop("bias")), "EMA.load_state_dict: bias is missing"),
        (lambda: loaded(lambda s: s["shadow"].update(weigth=1)), "EMA.load_state_dict: unexpected weigth; did you mean 'weight'?"),
        (lambda: loaded(lambda s: s["shadow"].update(bias=np.ones(3), weight=np.ones(2))), "EMA.load_state_dict: weight has shape (2,), expected (2, 1); bias has shape (3,), expected (1,)"),
        (lambda: loaded(lambda s: s.update(decay=2.0)), "EMA.load_state_dict: decay is 2.0, must be in [0, 1)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        call()
    assert str(error.value) == text
