"""optim.schedules against Keras' own and against values computed by hand."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn.errors import ConfigError
from microgradnn.optim import schedules
from tests.frameworks import framework

SLOWER = settings(max_examples=max(5, settings().max_examples // 2))
counts = st.integers(1, 20)
rates = st.sampled_from([0.0, 0.125, 0.5, 0.75, 1.0])
steps = st.integers(0, 60)


def agree(ours: Any, name: str, step: int, **options: Any) -> None:
    """Ours at step is Keras' with the same options. np.float64 keeps Keras out of float32."""
    keras = framework("keras")
    options = {k: np.float64(v) if type(v) is float else v for k, v in options.items()}
    theirs = getattr(keras.optimizers.schedules, name)(np.float64(0.5), **options)
    got = ours(step)
    assert type(got) is float
    # pow and cos of TensorFlow and of C are right to an ulp or two, the cosine next to cos = -1
    # only relative to 1.
    np.testing.assert_allclose(got, float(theirs(step)), rtol=2.0**-49, atol=2.0**-52)


@given(steps, counts, rates, st.booleans())
@SLOWER
def test_exponential_and_inverse_time(step: int, n: int, rate: float, staircase: bool) -> None:
    options = dict(decay_steps=n, decay_rate=rate, staircase=staircase)
    agree(schedules.ExponentialDecay(0.5, **options), "ExponentialDecay", step, **options)
    agree(schedules.InverseTimeDecay(0.5, **options), "InverseTimeDecay", step, **options)


@given(steps, counts, rates, st.sampled_from([0.5, 1.0, 2.0]), st.booleans())
@SLOWER
def test_polynomial(step: int, n: int, end: float, power: float, cycle: bool) -> None:
    options = dict(decay_steps=n, end_learning_rate=end / 4, power=power, cycle=cycle)
    agree(schedules.PolynomialDecay(0.5, **options), "PolynomialDecay", step, **options)


@given(steps, counts, rates, st.one_of(st.none(), rates), st.integers(0, 10))
@SLOWER
def test_cosine_with_and_without_warmup(
    step: int, n: int, alpha: float, target: float | None, warm: int
) -> None:
    options: dict[str, Any] = dict(decay_steps=n, alpha=alpha)
    if target is not None:
        options |= dict(warmup_target=target, warmup_steps=warm)
    agree(schedules.CosineDecay(0.5, **options), "CosineDecay", step, **options)


@given(steps, st.lists(st.integers(1, 50), min_size=1, max_size=4, unique=True).map(sorted))
@SLOWER
def test_piecewise_constant(step: int, boundaries: list[int]) -> None:
    keras = framework("keras")
    values = [2.0**-i for i in range(len(boundaries) + 1)]
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    assert schedules.PiecewiseConstantDecay(boundaries, values)(step) == float(theirs(step))


def by_hand() -> Iterator[tuple[Any, int, float]]:
    yield schedules.ExponentialDecay(0.1, 10, 0.5), 5, 0.07071067811865475
    yield schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True), 19, 0.05
    yield schedules.InverseTimeDecay(0.1, 10, 0.5), 5, 0.08
    yield schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True), 9, 0.1
    yield schedules.PolynomialDecay(0.1, 10), 10, 0.0001
    yield schedules.PolynomialDecay(0.5, 10, 0.25, power=2.0), 5, 0.3125
    yield schedules.PolynomialDecay(0.5, 10, 0.25, cycle=True), 15, 0.25 + 0.25 * 0.25
    yield schedules.CosineDecay(0.5, 10), 5, 0.25
    yield schedules.CosineDecay(0.5, 10, alpha=0.5), 10, 0.25
    yield schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4), 1, 0.25
    yield schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4), 4, 1.0
    yield schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4), 9, 0.5
    yield schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25]), 10, 1.0
    yield schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25]), 11, 0.5
    yield schedules.PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25]), 21, 0.25


@pytest.mark.parametrize(("schedule", "step", "lr"), list(by_hand()))
def test_by_hand(schedule: Any, step: int, lr: float) -> None:
    assert math.isclose(schedule(step), lr, rel_tol=1e-15)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "ExponentialDecay: decay_steps is 0, must be > 0"),
        (lambda: schedules.CosineDecay(0.1, -1), "CosineDecay: decay_steps is -1, must be a finite number >= 0"),
        (lambda: schedules.InverseTimeDecay(-0.1, 10, 0.5), "InverseTimeDecay: initial_learning_rate is -0.1, must be a finite number >= 0"),
        (lambda: schedules.ExponentialDecay(0.1, 10, -0.5), "ExponentialDecay: decay_rate is -0.5, must be a finite number >= 0"),
        (lambda: schedules.PolynomialDecay(0.1, 10, power=-1), "PolynomialDecay: power is -1, must be a finite number >= 0"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=5), "CosineDecay: warmup_steps without warmup_target; give both"),
        (lambda: schedules.PiecewiseConstantDecay([10], [0.1]), "PiecewiseConstantDecay: 1 boundaries need 2 values, got 1"),
        (lambda: schedules.PiecewiseConstantDecay([10, 10], [1.0, 0.5, 0.1]), "PiecewiseConstantDecay: boundaries [10, 10] must increase"),
        (lambda: schedules.PiecewiseConstantDecay([10], [0.1, -0.1]), "PiecewiseConstantDecay: values[1] is -0.1, must be a finite number >= 0"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(make: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        make()
    assert str(error.value) == text
