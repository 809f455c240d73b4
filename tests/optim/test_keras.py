"""The forms that Keras and TensorFlow 1 use, against their own optimisers and clipping.

Hyper-parameters are dyadic and Keras computes in float64: else its float32 constants show.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import optim
from tests.frameworks import framework
from tests.optim.recorded import (
    START,
    Grads,
    assert_close,
    decays,
    fractions,
    runs,
    walk,
)

SLOWER = settings(max_examples=max(5, settings().max_examples // 3))
small = st.sampled_from([2.0**-26, 2.0**-10])
clips = st.sampled_from(
    [
        {},
        dict(clipvalue=0.5),
        dict(clipnorm=0.5),
        dict(global_clipnorm=0.5),
        dict(global_clipnorm=8.0),
    ]
)


@pytest.fixture(scope="module", autouse=True)
def float64() -> Iterator[None]:
    keras = framework("keras")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def keras_walk(name: str, options: dict[str, Any], run: list[tuple[float, Grads]]) -> list[Any]:
    keras = framework("keras")
    params = [keras.Variable(x, dtype="float64") for x in START]
    optimizer = getattr(keras.optimizers, name)(learning_rate=run[0][0], **options)
    out = []
    for lr, grads in run:
        optimizer.learning_rate = lr
        gradients = [keras.ops.convert_to_tensor(g, dtype="float64") for g in grads]
        optimizer.apply_gradients(zip(gradients, params, strict=True))
        out.append([p.value.numpy() for p in params])
    return out


def agree(name: str, run: Any, theirs: dict[str, Any], ours: dict[str, Any], size: float) -> None:
    """Our optimiser of that name with `ours` against Keras' with `theirs`."""
    if "weight_decay" in theirs:
        ours = ours | dict(weight_decay=theirs["weight_decay"], decoupled_weight_decay=True)
    make = getattr(optim, name)
    moved = walk(lambda p, lr: make(p, lr, **ours), run)
    assert_close(moved, keras_walk(name, theirs, run), roundings=32, size=size)


@given(runs(missing=False), fractions, st.booleans(), decays, clips)
@SLOWER
def test_sgd_with_lr_in_the_velocity(
    run: Any, momentum: float, nesterov: bool, decay: float, clip: Any
) -> None:
    nesterov = nesterov and momentum > 0
    options = dict(momentum=momentum, nesterov=nesterov, **clip)
    agree("SGD", run, options | dict(weight_decay=decay), options | dict(lr_in_velocity=True), 16)


@given(
    runs(missing=False),
    fractions,
    st.sampled_from([0.5, 0.875]),
    st.booleans(),
    small,
    decays,
    clips,
)
@SLOWER
def test_rmsprop(
    run: Any, momentum: float, rho: float, centered: bool, eps: float, decay: float, clip: Any
) -> None:
    theirs = dict(rho=rho, momentum=momentum, centered=centered, epsilon=eps, weight_decay=decay)
    ours = dict(
        alpha=rho,
        momentum=momentum,
        centered=centered,
        eps=eps,
        eps_inside=True,
        lr_in_velocity=True,
    )
    # centered: see test_torch.py for the digits lost in s - m².
    agree("RMSprop", run, theirs | clip, ours | clip, 16 * 48 if centered else 40)


@given(runs(missing=False), fractions, small, decays, clips)
@SLOWER
def test_adagrad(run: Any, start: float, eps: float, decay: float, clip: Any) -> None:
    theirs = dict(initial_accumulator_value=start, epsilon=eps, weight_decay=decay)
    ours = dict(initial_accumulator_value=start, eps=eps, eps_inside=True)
    agree("Adagrad", run, theirs | clip, ours | clip, 1)


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@given(
    runs(missing=False),
    fractions,
    st.sampled_from([0.5, 0.875, 1 - 2.0**-10]),
    st.booleans(),
    small,
    decays,
    clips,
)
@SLOWER
def test_adam_with_eps_hat(
    name: str, run: Any, b1: float, b2: float, amsgrad: bool, eps: float, decay: float, clip: Any
) -> None:
    theirs = dict(beta_1=b1, beta_2=b2, amsgrad=amsgrad, epsilon=eps, weight_decay=decay)
    ours = dict(betas=(b1, b2), amsgrad=amsgrad, eps=eps, eps_hat=True)
    # Keras adds (1 - β)·(g - m) to m, and (1 - β₂)·(g² - v) to v: with β₂ = 1/2 and |g| falling
    # from 2 to 1e-6 some digits of v go, which β₂ keeps above 1/8 of the largest g².
    agree(name, run, theirs | clip, ours | clip, 64)


def tf1_walk(name: str, options: dict[str, Any], run: list[tuple[float, Grads]]) -> list[Any]:
    tf = framework("tensorflow")
    params = [tf.Variable(x, dtype=tf.float64) for x in START]
    lr = [0.0]
    optimizer = getattr(tf.compat.v1.train, name)(lambda: lr[0], **options)
    out = []
    for lr[0], grads in run:
        gradients = [tf.constant(g, tf.float64) for g in grads]
        optimizer.apply_gradients(list(zip(gradients, params, strict=True)))
        out.append([p.numpy() for p in params])
    return out


@given(runs(missing=False), fractions, st.booleans())
@SLOWER
def test_tf1_momentum_is_our_default_form(run: Any, momentum: float, nesterov: bool) -> None:
    ours = dict(momentum=momentum, nesterov=nesterov and momentum > 0)
    theirs = dict(momentum=momentum, use_nesterov=ours["nesterov"])
    moved = walk(lambda p, lr: optim.SGD(p, lr, **ours), run)
    assert_close(moved, tf1_walk("MomentumOptimizer", theirs, run), roundings=20, size=16)


@given(runs(missing=False), fractions, st.booleans(), small)
@SLOWER
def test_tf1_rmsprop_starts_from_one(run: Any, momentum: float, centered: bool, eps: float) -> None:
    theirs = dict(decay=0.875, momentum=momentum, centered=centered, epsilon=eps)
    ours = dict(alpha=0.875, momentum=momentum, centered=centered, eps=eps)
    tf1 = dict(eps_inside=True, lr_in_velocity=True, initial_square_avg=1.0)
    moved = walk(lambda p, lr: optim.RMSprop(p, lr, **ours, **tf1), run)
    assert_close(moved, tf1_walk("RMSPropOptimizer", theirs, run), roundings=32, size=16)


@given(runs(missing=False))
@SLOWER
def test_tf1_adagrad_has_no_eps(run: Any) -> None:
    moved = walk(lambda p, lr: optim.Adagrad(p, lr, initial_accumulator_value=0.125, eps=0.0), run)
    theirs = tf1_walk("AdagradOptimizer", dict(initial_accumulator_value=0.125), run)
    assert_close(moved, theirs, roundings=20)


@given(runs(missing=False), small)
@SLOWER
def test_tf1_adam_has_eps_hat(run: Any, eps: float) -> None:
    # TF1 keeps βᵗ in float32; with these β the powers are exact there up to t = 4, but not the
    # correction √(1 - β₂ᵗ)/(1 - β₁ᵗ): an error of 2^-24 in each step of at most 6·lr.
    moved = walk(lambda p, lr: optim.Adam(p, lr, betas=(0.5, 0.875), eps=eps, eps_hat=True), run)
    theirs = tf1_walk("AdamOptimizer", dict(beta1=0.5, beta2=0.875, epsilon=eps), run)
    assert_close(moved, theirs, roundings=4 * 2**29, size=6)
