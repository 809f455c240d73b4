"""Layers against Keras' with the same weights, where its conventions differ from PyTorch's."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn
from microgradnn.nn import init

from ..frameworks import Lazy

tf, keras = Lazy("tensorflow"), Lazy("keras")
F64: dict[str, Any] = dict(dtype="float64")
ATOL = 1e-12  # sums of at most a few hundred products of numbers near 1


def close(got: Any, wanted: Any, atol: float = ATOL) -> None:
    wanted = np.asarray(wanted)
    np.testing.assert_allclose(got, wanted, rtol=0, atol=atol * max(1, np.abs(wanted).max()))


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@given(st.integers(0, 99), st.sampled_from([0.5, 0.875]), st.integers(2, 6))
@settings(max_examples=8)
def test_batch_norm_with_keras_settings_is_keras(seed: int, momentum: float, n: int) -> None:
    """But for the running variance, which is biased there: (n - 1) / n of ours."""
    theirs = keras.layers.BatchNormalization(momentum=momentum, epsilon=2.0**-10, **F64)
    ours = nn.BatchNorm1d(3, eps=2.0**-10, momentum=1 - momentum, **F64)
    for i in range(4):
        x = 1 + 2 * normal(seed + i, n, 3)
        leaf, variable, g = mg.tensor(x, requires_grad=True), tf.constant(x), normal(i, n, 3)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            z = theirs(variable, training=True)
        slopes = tape.gradient(z, [variable, theirs.gamma, theirs.beta], tf.constant(g))
        y = ours(leaf)
        ours.zero_grad()
        y.backward(g)
        close(y.data, z)
        for got, wanted in zip((leaf, ours.weight, ours.bias), slopes, strict=True):
            close(got.grad, wanted)
    close(ours.running_mean, theirs.moving_mean)
    left = momentum**4  # of the 1 that both began with
    close((ours.running_var - left) * (n - 1) / n, np.asarray(theirs.moving_variance) - left)
    x = normal(seed, n, 3)
    ours.running_var[...] = np.asarray(theirs.moving_variance)
    close(ours.eval()(x).data, theirs(x, training=False))


def test_convolution_is_keras_after_moving_the_axes() -> None:
    theirs = keras.layers.Conv2D(5, (3, 2), strides=2, dilation_rate=1, **F64)
    ours = nn.Conv2d(4, 5, (3, 2), stride=2, **F64)
    x = normal(0, 2, 8, 9, 4)
    theirs.build(x.shape)
    kernel = ours.weight.data.transpose(2, 3, 1, 0)
    theirs.set_weights([kernel, ours.bias.data])
    close(np.moveaxis(ours(np.moveaxis(x, -1, 1)).data, 1, -1), theirs(x))
    np.testing.assert_array_equal(kernel.transpose(3, 2, 0, 1), ours.weight.data)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (nn.Linear(4, 3, **F64), keras.layers.Dense(3, **F64)),
        (
            nn.LayerNorm(4, eps=2.0**-10, **F64),
            keras.layers.LayerNormalization(epsilon=2.0**-10, **F64),
        ),
    ],
    ids=["Dense", "LayerNormalization"],
)
def test_weights_are_kept_as_keras_keeps_them(ours: nn.Module, theirs: Any) -> None:
    x = normal(1, 5, 4)
    theirs.build(x.shape)
    for p in ours.parameters():
        p.data = normal(2, *p.shape)
    theirs.set_weights([p.data for p in ours.parameters()])
    close(ours(x).data, theirs(x))


@pytest.mark.parametrize("name", ["L1", "L2"])
def test_a_penalty_is_keras_own(name: str) -> None:
    lam = 0.125  # a power of two: Keras keeps it in float32
    dense = keras.layers.Dense(3, kernel_regularizer=getattr(keras.regularizers, name)(lam), **F64)
    layer = nn.Linear(4, 3, kernel_regularizer=getattr(nn, name)(lam), **F64)
    dense.build((None, 4))
    dense.set_weights([layer.weight.data, layer.bias.data])
    model = nn.Sequential(nn.ReLU(), layer)
    with tf.GradientTape() as tape:
        wanted = dense.losses[0]
    model.penalty().backward()
    close(model.penalty().data, wanted)
    close(layer.weight.grad, tape.gradient(wanted, dense.kernel))
    assert layer.bias.grad is None


@pytest.mark.parametrize("shape", [(300, 100), (48, 20, 5, 5)], ids=str)
@pytest.mark.parametrize("name", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "truncated_normal"])  # fmt: skip
def test_initializers_have_keras_ends_and_spread(name: str, shape: tuple[int, ...]) -> None:
    options = dict(stddev=1.0) if name == "truncated_normal" else {}
    kind = getattr(keras.initializers, "".join(part.title() for part in name.split("_")))
    theirs = np.asarray(kind(seed=0, **options)(shape if len(shape) == 2 else (5, 5, 20, 48)))
    ours = init.get(name)(shape, np.random.default_rng(0))
    # Of 24000 draws the largest is within 1 % of the end; squares are at most 5.2 of their mean,
    # so that by Hoeffding their means are this close, each with probability 1 - 1e-9.
    assert abs(np.abs(ours).max() / np.abs(theirs).max() - 1) < 0.01
    spread = 5.2 * math.sqrt(math.log(2e9) / (2 * ours.size))
    assert abs((ours**2).mean() / (theirs**2).mean() - 1) <= 2 * spread / (1 - spread)
