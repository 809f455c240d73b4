"""Clipping: nn.utils against torch, the optimisers' arguments against TensorFlow and Keras."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn.errors import ConfigError, GradientError
from microgradnn.nn.utils import clip_grad_norm_, clip_grad_value_
from microgradnn.optim import SGD, clip
from tests.frameworks import framework
from tests.optim.recorded import numbers

arrays = st.lists(st.lists(numbers, min_size=1, max_size=4).map(np.array), min_size=1, max_size=3)
limits = st.sampled_from([0.0, 2.0**-30, 0.5, 1.0, 100.0])
ULP = 2.0**-52


def params_with(grads: list[Any]) -> list[mg.Tensor]:
    params = [mg.tensor(np.zeros(np.shape(g)), requires_grad=True) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = np.array(g)
    return params


def torchs_with(grads: list[Any]) -> list[Any]:
    torch = framework("torch")
    params = [torch.zeros(np.shape(g), dtype=torch.float64, requires_grad=True) for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = torch.tensor(g, dtype=torch.float64)
    return params


@given(arrays, limits, st.sampled_from([0.5, 1.0, 2.0, 3.0, math.inf]))
def test_by_norm_is_torchs(grads: list[np.ndarray], limit: float, norm_type: float) -> None:
    torch = framework("torch")
    ours, theirs = params_with(grads), torchs_with(grads)
    own = [p.grad for p in ours]
    a = clip_grad_norm_(ours, limit, norm_type, eps=1e-6)
    b = torch.nn.utils.clip_grad_norm_(theirs, limit, norm_type)
    assert type(a) is float
    # Up to 12 numbers are raised to the power p and added, and the root of the sum is 1/p times as
    # exact again; torch adds in another order.
    np.testing.assert_allclose(a, b.item(), rtol=64 * ULP)
    for p, q, array in zip(ours, theirs, own, strict=True):
        assert p.grad is array  # in place
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=64 * ULP)


@given(arrays, limits)
def test_by_value_is_torchs(grads: list[np.ndarray], limit: float) -> None:
    ours, theirs = params_with(grads), torchs_with(grads)
    clip_grad_value_(ours, limit)
    framework("torch").nn.utils.clip_grad_value_(theirs, limit)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(p.grad, q.grad.numpy())


@given(arrays, limits)
def test_norms_as_tensorflow_has_them(grads: list[np.ndarray], limit: float) -> None:
    tf = framework("tensorflow")
    ours = params_with(grads)
    norm = clip_grad_norm_(ours, limit)
    theirs, total = tf.clip_by_global_norm([tf.constant(g) for g in grads], limit)
    np.testing.assert_allclose(norm, total.numpy(), rtol=16 * ULP)
    for p, g, together in zip(ours, grads, theirs, strict=True):
        # TensorFlow multiplies by limit·(1/norm) and limit·(1/limit), which may be 1 - ulp.
        if limit:  # there 0/0
            np.testing.assert_allclose(p.grad, together.numpy(), rtol=16 * ULP)
            alone = tf.clip_by_norm(tf.constant(g), limit).numpy()
            np.testing.assert_allclose(clip.by_norm(g, limit), alone, rtol=16 * ULP)
    for p, g in zip(ours, clip.by_global_norm(grads, limit), strict=True):
        np.testing.assert_array_equal(p.grad, g)


@given(arrays, limits)
def test_a_norm_within_the_limit_changes_nothing(grads: list[np.ndarray], limit: float) -> None:
    ours = params_with(grads)
    norm = clip_grad_norm_(ours, limit)
    changed = any((p.grad != g).any() for p, g in zip(ours, grads, strict=True))
    assert changed == (norm > limit)
    # Clipped once, the norm is the limit to a rounding or two.
    assert clip_grad_norm_(ours, math.inf) <= min(norm, limit * (1 + 4 * ULP))


@given(arrays, limits)
def test_values_are_clipped_as_the_numbers_of_a_tensor(
    grads: list[np.ndarray], limit: float
) -> None:
    flat = np.concatenate(grads)
    values = [mg.Value(0.0) for _ in flat]
    for clipping in (clip_grad_norm_, clip_grad_value_):
        [tensor] = params_with([flat])
        for v, g in zip(values, flat, strict=True):
            v.grad = float(g)
        clipping([tensor], limit)
        clipping(values, limit)
        np.testing.assert_allclose([v.grad for v in values], tensor.grad, rtol=16 * ULP)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (dict(clipvalue=1.0), ([1.0, 1.0], [1.0])),
        (dict(clipnorm=1.0), ([0.6, 0.8], [1.0])),
        (dict(global_clipnorm=1.0), ([3 / 13, 4 / 13], [12 / 13])),
        (dict(global_clipnorm=13.0), ([3.0, 4.0], [12.0])),
    ],
)
def test_the_arguments_of_optimisers_leave_the_gradient(option: Any, expected: Any) -> None:
    p, q, idle = params_with([[3.0, 4.0], [12.0], [5.0]])
    idle.grad = None
    SGD([{"params": [p]}, {"params": [idle, q]}], lr=1.0, **option).step()
    np.testing.assert_allclose(-p.data, expected[0], rtol=4 * ULP)
    np.testing.assert_allclose(-q.data, expected[1], rtol=4 * ULP)
    assert (p.grad.tolist(), q.grad.tolist()) == ([3.0, 4.0], [12.0])


def test_weight_decay_is_added_after_clipping() -> None:
    p = mg.tensor([8.0], requires_grad=True)
    p.grad = np.array([4.0])
    SGD([p], lr=1.0, weight_decay=0.5, clipvalue=1.0).step()
    assert p.data.item() == 8 - (1 + 0.5 * 8)


def test_infinite_gradients() -> None:
    inf, nan = math.inf, math.nan
    torch, tf = framework("torch"), framework("tensorflow")
    [p], [q] = params_with([[inf, 1.0]]), torchs_with([[inf, 1.0]])
    assert clip_grad_norm_([p], 1.0) == torch.nn.utils.clip_grad_norm_([q], 1.0).item() == inf
    np.testing.assert_array_equal(p.grad, q.grad.numpy())
    np.testing.assert_array_equal(p.grad, [nan, 0.0])
    np.testing.assert_array_equal(clip.by_norm(np.array([inf, 1.0]), 1.0), [nan, 0.0])
    together, _ = tf.clip_by_global_norm([tf.constant([inf, 1.0])], 1.0)
    np.testing.assert_array_equal(together[0].numpy(), [nan, nan])
    np.testing.assert_array_equal(clip.by_global_norm([np.array([inf, 1.0])], 1.0)[0], [nan, nan])
    np.testing.assert_array_equal(clip.by_value(np.array([inf, nan]), 1.0), [1.0, nan])
    assert math.isnan(clip.by_value(nan, 1.0)) and clip.by_value(inf, 1.0) == 1.0
    [p] = params_with([[nan, 1.0]])
    assert math.isnan(clip_grad_norm_([p], 1.0)) and np.isnan(p.grad).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", ["huge", "tiny"])
def test_squares_out_of_range_do_not_matter(dtype: str, size: str) -> None:
    info = np.finfo(dtype)
    scale = float(info.max if size == "huge" else info.tiny) / (8 if size == "huge" else 1)
    g = np.array([3.0, 4.0], dtype) * info.dtype.type(scale)
    p = mg.tensor(np.zeros(2, dtype), requires_grad=True)
    p.grad = g
    for norm_type, norm in ((2.0, 5.0), (1.0, 7.0), (math.inf, 4.0)):
        if norm * scale < info.max:
            assert math.isclose(clip.norm(g, norm_type), norm * scale, rel_tol=4 * float(info.eps))
    assert math.isclose(clip_grad_norm_(p, scale), 5 * scale, rel_tol=4 * float(info.eps))
    np.testing.assert_allclose(p.grad / info.dtype.type(scale), [0.6, 0.8], rtol=1e-5)
    assert p.grad.dtype == dtype


def test_empty_and_missing_gradients() -> None:
    assert clip_grad_norm_([mg.tensor([1.0], requires_grad=True)], 1.0) == 0.0
    assert clip_grad_norm_([], 1.0) == 0.0
    assert clip.norm(np.zeros((0, 3))) == 0.0
    clip_grad_value_([mg.tensor([1.0], requires_grad=True)], 1.0)


def test_a_gradient_with_a_graph_keeps_it() -> None:
    for clipping, expected in ((clip_grad_norm_, 1.0), (clip_grad_value_, 1.0)):
        p = mg.tensor([3.0], requires_grad=True)
        (p * p).sum().backward(create_graph=True)
        clipping(p, 1.0)
        assert isinstance(p.grad, mg.Tensor) and p.grad.data.item() == expected


def test_half_precision_is_added_up_in_more() -> None:
    assert clip.norm(np.full(100, 60.0, np.float16)) == 600.0


W = mg.tensor([1.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: clip_grad_norm_([W], -1.0), "clip_grad_norm_: max_norm is -1.0, must be a finite number >= 0"),
        (lambda: clip_grad_norm_([W], 1.0, eps=-1.0), "clip_grad_norm_: eps is -1.0, must be a finite number >= 0"),
        (lambda: clip_grad_norm_([W], 1.0, 0), "clip_grad_norm_: norm_type is 0, must be > 0 or inf"),
        (lambda: clip_grad_value_([W], math.nan), "clip_grad_value_: clip_value is nan, must be a finite number >= 0"),
        (lambda: clip_grad_value_([1.0], 1.0), "clip_grad_value_: parameters must be Tensors or Values, got float"),
        (lambda: clip_grad_norm_(1.0, 1.0), "clip_grad_norm_: got float, need parameters; pass model.parameters()"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call: Any, text: str) -> None:
    with pytest.raises(ConfigError) as error:
        call()
    assert str(error.value) == text


def test_a_norm_that_is_not_finite_can_be_an_error() -> None:
    params = params_with([[math.nan, 1.0], [2.0]])
    with pytest.raises(GradientError) as error:
        clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    assert str(error.value) == (
        "clip_grad_norm_: the norm of the gradients is nan; look for the op with "
        "mg.detect_anomaly(), or pass error_if_nonfinite=False"
    )
    assert params[1].grad.tolist() == [2.0]
