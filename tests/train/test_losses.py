"""Losses by name against keras.losses and torch, and how compile() calls any other loss."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, DTypeError, ShapeError
from microgradnn.train import losses
from microgradnn.train.losses import KERAS, TORCH, Loss

from ..frameworks import Lazy

torch = pytest.importorskip("torch", reason="compares with PyTorch")
tf, keras = Lazy("tensorflow"), Lazy("keras")
FEWER = settings(max_examples=max(8, settings().max_examples // 2))
U = 2.0**-53

# 0 and 1 and the places where Keras clips, and what lies between
PROBABILITIES = st.one_of(
    st.sampled_from([0.0, 1.0, 1e-7, 1 - 1e-7, 5e-8, 1 - 5e-8, 0.5]), st.floats(0, 1)
)
NUMBERS = st.floats(-50, 50).map(lambda x: round(x, 3))


def rows(draw, values, n=None, width=None):
    n = n or draw(st.integers(1, 5))
    width = width or draw(st.integers(1, 4))
    return draw(hnp.arrays(np.float64, (n, width), elements=values))


@st.composite
def pairs(draw, name, low=1):
    """(y_true, y_pred) as the loss of that name wants them."""
    if name == "binary_crossentropy":
        p = rows(draw, PROBABILITIES)
        return draw(hnp.arrays(np.float64, p.shape, elements=PROBABILITIES)), p
    if name == "kl_divergence":
        p = rows(draw, PROBABILITIES)
        return draw(hnp.arrays(np.float64, p.shape, elements=PROBABILITIES)), p
    if name.endswith("categorical_crossentropy"):
        p = rows(draw, PROBABILITIES, width=draw(st.integers(2, 4)))
        assume((p.sum(-1) > 1e-3).all())  # they are scaled to sum 1
        labels = draw(hnp.arrays(np.int64, len(p), elements=st.integers(0, p.shape[1] - 1)))
        if name.startswith("sparse"):
            return labels, p
        return np.eye(p.shape[1])[labels], p
    p = rows(draw, NUMBERS)
    if name == "hinge":
        classes = draw(st.sampled_from([(-1.0, 1.0), (0.0, 1.0)]))
        return draw(hnp.arrays(np.float64, p.shape, elements=st.sampled_from(classes))), p
    return draw(hnp.arrays(np.float64, p.shape, elements=NUMBERS)), p


def ours(function, t, p, **options):
    """(one loss for each sample, the slopes of their sum) here."""
    leaf = mg.tensor(p, requires_grad=True)
    each = function(t, leaf, **options)
    each.sum().backward()
    return each.data, leaf.grad


def theirs(function, t, p, **options):
    """The same in Keras."""
    variable = tf.constant(p)
    with tf.GradientTape() as tape:
        tape.watch(variable)
        each = function(t, variable, **options)
    return each.numpy(), tf.convert_to_tensor(tape.gradient(each, variable)).numpy()


NAMES = [n for n in KERAS if n not in ("root_mean_squared_error", "rmse")]
CANONICAL = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@FEWER
def test_values_and_slopes_are_those_of_keras(name, data):
    name = CANONICAL.get(name, name)
    t, p = data.draw(pairs(name))
    values, slopes = ours(KERAS[name], t, p)
    wanted, their_slopes = theirs(keras.losses.get(name), t, p)
    assert values.shape == (len(p),)
    # 1 - p has an error of half an ulp of 1, which is 1e-9 of the least it can be, 1e-7; logarithms
    # feel it as an absolute error, slopes 1/(1 - p) as a relative one.
    near_one = U / 1e-7 if "entropy" in name or "kl" in name else 0
    # Else some ten roundings of numbers up to `scale`, and logarithms good to a few ulps.
    scale = max(1, np.abs(p).max() ** 2 if "squared" in name else np.abs(p).max(), np.abs(t).max())
    np.testing.assert_allclose(values, wanted, rtol=64 * U, atol=64 * U * scale + 8 * near_one)
    if name == "hinge":  # at its kink Keras has slope -t, we have relu's 0
        s = t if (t < 0).any() else np.where(((t == 0) | (t == 1)).all(), 2 * t - 1, t)
        at_kink = 1 - s * p == 0
        assert (slopes[at_kink] == 0).all()
        slopes, their_slopes = slopes[~at_kink], their_slopes[~at_kink]
    if name == "categorical_crossentropy":
        # Slopes are differences of terms up to t/p: with p near 0 these are large and cancel.
        scale = max(
            1.0, (1 / np.clip(p / p.sum(-1, keepdims=True), 1e-7, 1)).max() / p.sum(-1).min()
        )
    if name in ("binary_crossentropy", "kl_divergence", "sparse_categorical_crossentropy"):
        scale = 1e7  # 1/p, and p is at least 1e-7; for 1/(1-p) see near_one
    np.testing.assert_allclose(
        slopes, their_slopes, rtol=64 * U + 8 * near_one, atol=64 * U * scale
    )


LOGITS = st.floats(-40, 40).map(lambda x: round(x, 3))


@pytest.mark.parametrize(
    "name", ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]
)
@given(data=st.data())
@FEWER
def test_of_logits(name, data):
    t, p = data.draw(pairs(name))
    z = data.draw(hnp.arrays(np.float64, p.shape, elements=LOGITS))
    got = ours(KERAS[name], t, z, from_logits=True)
    wanted = theirs(keras.losses.get(name), t, z, from_logits=True)
    for a, b in zip(got, wanted, strict=True):
        # exp of a number up to 40 has 40 ulps more
        np.testing.assert_allclose(a, b, rtol=256 * U, atol=256 * U * 40)


EDGE = np.array([[0.0], [1.0], [1e-7], [1 - 1e-7], [0.5]])


@pytest.mark.parametrize("t", [0.0, 1.0, 0.25])
def test_binary_crossentropy_at_0_and_1(t):
    """Clipped to 1e-7 from both: -log 1e-7 is the most; outside the clipped range the slope is 0."""
    values, slopes = ours(losses.binary_crossentropy, np.full_like(EDGE, t), EDGE)
    p = np.clip(EDGE, 1e-7, 1 - 1e-7)
    wanted = -(t * np.log(p) + (1 - t) * np.log(1 - p))[:, 0]
    np.testing.assert_array_equal(values, wanted)
    inside = (EDGE == np.clip(EDGE, 1e-7, 1 - 1e-7))[:, 0]
    assert (slopes[~inside] == 0).all() and (slopes[inside] != 0).any()


@given(st.data())
def test_rmse_is_the_root_of_the_mean_of_all(data):
    t, p = data.draw(pairs("mse"))
    assume((t != p).any())
    value, slopes = ours(losses.root_mean_squared_error, t, p)
    n = p.size
    wanted = np.sqrt(np.mean((p - t) ** 2))
    np.testing.assert_allclose(value, wanted, rtol=(n + 8) * U)
    np.testing.assert_allclose(slopes, (p - t) / (n * wanted), rtol=(n + 16) * U, atol=0)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int64", "float32", "float64"])
@pytest.mark.parametrize("name", NAMES)
def test_targets_of_any_dtype_mean_the_same(name, dtype):
    p = np.array([[0.25, 0.75], [0.5, 0.5], [0.125, 0.875]])
    t = np.array([0, 1, 1]) if name.startswith("sparse") else np.array([[1, 0], [0, 1], [1, 0]])
    wanted = ours(KERAS[name], t.astype(np.float64), p)
    if name.startswith("sparse") and dtype == "bool":
        with pytest.raises(DTypeError):
            KERAS[name](t.astype(bool), mg.tensor(p))
        return
    # clipped in their own dtype, a target 0 is 1e-7 rounded to float32, times log(1e-7/p) or 1/p, both < 17
    atol = 1e-7 * 2.0**-24 * 17 if (name, dtype) == ("kl_divergence", "float32") else 0
    for a, b in zip(ours(KERAS[name], t.astype(dtype), p), wanted, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32])
def test_integer_labels_in_a_row_or_in_a_column(shape, dtype):
    p = np.random.default_rng(0).dirichlet(np.ones(4), 3)
    t = np.array([3, 0, 1])
    got = ours(losses.sparse_categorical_crossentropy, t.reshape(shape).astype(dtype), p)
    for a, b in zip(got, ours(losses.sparse_categorical_crossentropy, t, p), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(got[0], -np.log(p[range(3), t]), rtol=16 * U)


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("short, long", [("mse", "mean_squared_error"), ("mae", "mean_absolute_error"), ("rmse", "root_mean_squared_error")])  # fmt: skip
def test_short_names_are_the_same_loss(short, long):
    assert Loss(short).function is Loss(long).function


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MSE", "mse"), ("mean_square_error", "mean_squared_error"), ("huber_los", "huber_loss"),
        ("crossentropy", "cross_entropy"), ("binary_cross_entropi", "binary_cross_entropy"),
        ("sparse_categorical_cross_entropy", "sparse_categorical_crossentropy"),
        ("bce_with_logits", None), ("xyz", None), ("", None),
    ],
)  # fmt: skip
def test_an_unknown_name_suggests_the_nearest(name, nearest):
    with pytest.raises(ConfigError) as error:
        Loss(name)
    text = str(error.value)
    if nearest is not None:
        assert text == f"compile: no loss is called {name!r}; did you mean {nearest!r}?"
    elif name == "xyz":
        every = ", ".join(dict.fromkeys([*KERAS, *TORCH]))
        assert text == f"compile: no loss is called 'xyz'; use one of {every}"
    else:
        assert text.startswith(f"compile: no loss is called {name!r}; ")


@pytest.mark.parametrize("loss", [3, 0.5, [], {}, object()])
def test_what_cannot_be_called_is_no_loss(loss):
    with pytest.raises(ConfigError) as error:
        Loss(loss)
    assert str(error.value) == (
        f"compile: loss is a {type(loss).__name__}; use a name such as 'mse', a loss module or a "
        "function of (input, target)"
    )


# ---- the order of arguments, weights, means -----------------------------------------------------


def mark(name, *parameters):
    """A function with these parameters that tells what it was given."""
    space: dict[str, Any] = {"calls": []}
    exec(
        f"def {name}({', '.join(parameters)}):\n calls.append(({parameters[0]}, {parameters[1]}))\n return {parameters[0]} * 0",
        space,
    )  # noqa: S102
    return space[name], space["calls"]


@pytest.mark.parametrize(
    ("parameters", "keras_order"),
    [
        (["y_true", "y_pred"], True), (["y_true", "y_hat"], True), (["y_true", "y_pred", "k=1"], True),
        (["input", "target"], False), (["y_pred", "y_true"], False), (["a", "b"], False),
    ],
)  # fmt: skip
def test_the_first_parameter_decides_the_order(parameters, keras_order):
    function, calls = mark("own", *parameters)
    p, t = mg.tensor([1.0, 2.0]), np.array([3.0, 4.0])
    Loss(function)(p, t)
    wanted = (t, p) if keras_order else (p, t)
    assert calls[0][0] is wanted[0] and calls[0][1] is wanted[1]


def test_modules_partials_and_callable_objects_are_called_in_their_own_order():
    class KerasLoss:
        def __call__(self, y_true, y_pred):
            return losses.mean_squared_error(y_true, y_pred * 2)

    class TorchLoss(nn.Module):
        def forward(self, input, target):
            return mg.mse_loss(input * 2, target)

    p, t = mg.tensor([[1.0], [3.0]]), np.array([[0.0], [1.0]])
    partial = functools.partial(losses.binary_crossentropy, from_logits=True)
    assert Loss(KerasLoss())(p, t).item() == Loss(TorchLoss())(p, t).item() == (4 + 25) / 2
    assert Loss(partial)(p, t).item() == mg.binary_cross_entropy_with_logits(p, t).item()
    assert Loss(nn.MSELoss())(p, t).item() == (1 + 4) / 2
    assert Loss(nn.MSELoss(reduction="sum"))(p, t).item() == 5
    assert Loss(nn.MSELoss(reduction="none"))(p, t).item() == 5 / 2


MODULES = {
    "mse_loss": nn.MSELoss, "l1_loss": nn.L1Loss, "huber_loss": nn.HuberLoss,
    "smooth_l1_loss": nn.SmoothL1Loss, "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss, "cross_entropy": nn.CrossEntropyLoss,
    "nll_loss": nn.NLLLoss, "kl_div": nn.KLDivLoss, "soft_margin_loss": nn.SoftMarginLoss,
}  # fmt: skip


def torch_case(name, seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(3), 5)
    if name in ("cross_entropy", "nll_loss"):
        return (np.log(p) if name == "nll_loss" else p), rng.integers(0, 3, 5)
    if name == "soft_margin_loss":
        return p, rng.choice([-1.0, 1.0], (5, 3))
    return (np.log(p) if name == "kl_div" else p), rng.dirichlet(np.ones(3), 5)


@pytest.mark.parametrize("name", TORCH)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=8)
def test_torchs_names_are_torchs_losses_with_and_without_weights(name, seed):
    p, t = torch_case(name, seed)
    w = np.random.default_rng(seed + 1).integers(0, 9, 5) / 4
    function = functools.partial(getattr(torch.nn.functional, name), reduction="none")
    z, y = torch.tensor(p), torch.tensor(t)
    each = function(z, y).reshape(5, -1).mean(1).numpy()
    wanted = function(z, y).mean().item()
    module = MODULES[name]()
    for loss in (Loss(name), Loss(module)):
        leaf = mg.tensor(p)
        np.testing.assert_allclose(loss(leaf, t).item(), wanted, rtol=64 * U, atol=64 * U)
        np.testing.assert_allclose(loss.per_sample(leaf, t).data, each, rtol=64 * U, atol=64 * U)
        got = loss(leaf, t, w).item()
        np.testing.assert_allclose(got, (w * each).sum() / 5, rtol=64 * U, atol=64 * U * 9)
    assert module.reduction == "mean"  # as it was


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(max_examples=8)
def test_weights_multiply_the_loss_of_each_sample(name, data):
    """Σ w·l / n, and weights of 1 are none; Keras' own loss classes say the same."""
    name = CANONICAL.get(name, name)
    t, p = data.draw(pairs(name))
    w = data.draw(hnp.arrays(np.float64, len(p), elements=st.integers(0, 8).map(lambda k: k / 4)))
    loss, leaf = Loss(name), mg.tensor(p)
    each = loss.per_sample(leaf, t).data
    assert each.shape == (len(p),)
    np.testing.assert_allclose(loss(leaf, t, w).item(), (w * each).sum() / len(p), rtol=16 * U)
    np.testing.assert_allclose(loss(leaf, t).item(), each.mean(), rtol=16 * U)
    np.testing.assert_allclose(
        loss(leaf, t, np.ones(len(p))).item(), loss(leaf, t).item(), rtol=16 * U
    )
    class_ = "KLDivergence" if name == "kl_divergence" else "".join(
        word.capitalize() for word in name.split("_")
    )  # fmt: skip
    theirs = getattr(keras.losses, class_)(dtype="float64")(t, tf.constant(p), sample_weight=w)
    np.testing.assert_allclose(
        loss(leaf, t, w).item(), theirs.numpy(), rtol=1e-9, atol=64 * U * 2500 * 2
    )


def test_weights_need_a_loss_for_each_sample():
    p, t, w = mg.tensor([[1.0], [2.0]]), np.zeros((2, 1)), np.ones(2)
    for loss, name in [
        ("rmse", "root_mean_squared_error"),
        (lambda y_true, y_pred: losses.mean_squared_error(y_true, y_pred).mean(), "<lambda>"),
    ]:
        with pytest.raises(ConfigError) as error:
            Loss(loss)(p, t, w)
        assert str(error.value) == (
            f"fit: weights need a loss for each sample, but {name} returns one number"
        )


def test_a_module_keeps_its_reduction_after_an_error():
    module = nn.MSELoss(reduction="sum")
    with pytest.raises(ShapeError):
        Loss(module).per_sample(mg.tensor(np.eye(2)), np.zeros(3))
    assert module.reduction == "sum"


def test_ignored_labels_do_not_count():
    z, t = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, -100, 2, -100])
    wanted = torch.nn.functional.cross_entropy(torch.tensor(z), torch.tensor(t)).item()
    assert Loss("cross_entropy")(mg.tensor(z), t).item() == pytest.approx(wanted, rel=16 * U)


@pytest.mark.parametrize("name", ["mse", "rmse", "mae", "huber", "binary_crossentropy", "hinge"])
def test_a_row_of_targets_beside_a_column_of_outputs_is_a_column(name: str) -> None:
    """As in Keras; to broadcast (n, 1) against (n,) would compare all with all."""
    p = np.array([[0.2], [0.7], [0.4]])
    t = np.array([0.0, 1.0, 1.0])
    assert float(Loss(name)(p, t)) == float(Loss(name)(p, t[:, None]))
    with pytest.raises(ShapeError):
        Loss(name)(p, t[:2])
    with pytest.raises(ShapeError):
        Loss(name)(np.hstack([p, p]), t)
