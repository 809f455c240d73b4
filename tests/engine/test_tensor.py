"""Tensor: NumPy's behaviour, PyTorch's autograd, and refusals that say what to write."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

import microgradnn as mg


def leaf(x: Any, **kw: Any) -> mg.Tensor:
    return mg.tensor(x, requires_grad=True, **kw)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_broadcasting_is_undone_in_every_gradient(shapes: Any) -> None:
    (one, two), result = shapes.input_shapes, shapes.result_shape
    a, b = leaf(np.full(one, 2.0)), leaf(np.full(two, 3.0))
    y = a * b
    assert y.shape == result
    y.backward(np.ones(result))
    size = int(np.prod(result))
    for t, slope in ((a, 3.0), (b, 2.0)):
        times = size // t.size if t.size else 0
        np.testing.assert_array_equal(t.grad, np.full(t.shape, slope * times))


def test_promotion_is_numpys_and_gradients_keep_their_tensors_dtype() -> None:
    a, b = leaf([1.0], dtype=np.float32), leaf([2.0])
    y = a * b * 3
    assert y.dtype == np.float64
    y.sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    assert (a * 2.5).dtype == np.float32
    assert (a * np.float64(2.5)).dtype == np.float64


def test_numpy_arrays_may_stand_on_either_side() -> None:
    x = leaf([1.0, 2.0])
    (np.array([3.0, 4.0]) * x + x @ np.eye(2) + np.ones((2, 2)) @ x).sum().backward()
    assert x.grad.tolist() == [3 + 1 + 2, 4 + 1 + 2]


def test_basic_and_advanced_indexing_add_up() -> None:
    x = leaf(np.arange(12.0).reshape(3, 4))
    y = x[1, 2] + x[0].sum() + x[[0, 0, 2], 1].sum() + x[x > 10].sum() + x[..., None][-1, 0, 0]
    y.backward()
    expected = np.zeros((3, 4))
    expected[1, 2] += 1
    expected[0] += 1
    np.add.at(expected, ([0, 0, 2], 1), 1)
    expected[2, 3] += 1
    expected[2, 0] += 1
    np.testing.assert_array_equal(x.grad, expected)


def test_methods_are_numpys() -> None:
    data = np.random.default_rng(0).normal(size=(2, 3, 4))
    x = mg.tensor(data)
    pairs = [
        (x.sum(0), data.sum(0)), (x.mean((0, 2)), data.mean((0, 2))), (x.T, data.T),
        (x.max(1, keepdims=True), data.max(1, keepdims=True)), (x.min(), data.min()),
        (x.reshape(6, -1), data.reshape(6, -1)), (x.reshape((4, 6)), data.reshape(4, 6)),
        (x.transpose(2, 0, 1), data.transpose(2, 0, 1)), (x.transpose((1, 0, 2)), data.transpose(1, 0, 2)),
        (x.swapaxes(0, 1), data.swapaxes(0, 1)), (x.clip(-1, 1), data.clip(-1, 1)),
        (x.prod(2), data.prod(2)), (mg.expand_dims(x, 0).squeeze(0), data), (abs(x), abs(data)),
        (x.astype(np.float32), data.astype(np.float32)), (-x**2, -data**2), (2**x, 2**data),
    ]  # fmt: skip
    for got, expected in pairs:
        assert got.shape == expected.shape
        np.testing.assert_allclose(got.data, expected, rtol=4 * 2.0**-52)
    assert (len(x), x.ndim, x.size, x.shape) == (2, 3, 24, (2, 3, 4))
    assert [row.shape for row in x] == [(3, 4), (3, 4)]


def test_tensor_copies_what_it_is_given() -> None:
    array = np.ones(2)
    x = leaf(array)
    array[0] = 9.0
    assert x.data.tolist() == [1.0, 1.0]


def test_gradients_accumulate_and_are_nobodys_view() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    total = x + y
    seed = np.array([1.0, 10.0])
    total.backward(seed)
    assert not np.shares_memory(x.grad, y.grad) and not np.shares_memory(x.grad, seed)
    total.backward(seed)
    assert x.grad.tolist() == [2.0, 20.0]
    assert isinstance(x.grad, np.ndarray)


def test_create_graph_leaves_a_tensor_to_differentiate_again() -> None:
    x = leaf([2.0])
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert isinstance(first, mg.Tensor)
    x.grad = None
    first.sum().backward()
    assert x.grad.tolist() == [12.0]


def test_no_grad_records_nothing_in_this_thread_only() -> None:
    x = leaf(1.0)
    seen = []
    with mg.no_grad():
        assert not (x * 2).requires_grad
        thread = threading.Thread(target=lambda: seen.append((x * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]
    assert (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        raise ZeroDivisionError
    assert (x * 2).requires_grad


def test_detach_shares_the_array_and_drops_the_history() -> None:
    x = leaf([1.0])
    y = (x * 2).detach()
    assert not y.requires_grad and y.op is None
    (x * y).sum().backward()
    assert x.grad.tolist() == [2.0]


def test_retain_grad_keeps_an_inner_gradient() -> None:
    x = leaf([1.0, 2.0])
    h = x * 3
    h.retain_grad()
    (h * h).sum().backward()
    assert h.grad.tolist() == [6.0, 12.0]
    assert x.grad.tolist() == [18.0, 36.0]


def test_comparisons_are_plain_boolean_arrays() -> None:
    x = leaf([1.0, 3.0])
    assert isinstance(x > 2, np.ndarray)
    assert (x > 2).tolist() == [False, True]
    assert (x == x.data).all()
    assert len({x, leaf([1.0, 3.0])}) == 2


def test_repr_shows_the_array_and_what_made_it() -> None:
    x = leaf([1.0, 2.0])
    assert repr(x) == "tensor([1., 2.], requires_grad=True)"
    assert repr(x * 2) == "tensor([2., 4.], op=mul)"
    assert repr(mg.tensor([1.0], np.float32)) == "tensor([1.], dtype=float32)"
