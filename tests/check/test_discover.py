"""What a file holds: names, styles and lines, and what is left out."""

import inspect

import numpy as np
import pytest

from microgradnn.check.files.discover import find
from microgradnn.errors import ConfigError
from tests.check.zoo import RIGHT, found, right


def gradients(found, *args, dout=3.0):
    """What the backward gives for a cotangent that is the same everywhere."""
    subject = found.subject(args)
    passed = subject.start(subject.arrays)
    return passed.pull(*(np.full(np.shape(out), dout) for out in passed.outs))


def styles(module, names=()):
    return {f.name: f.style for f in find(module, names)}


def test_the_whole_zoo_is_found_and_nothing_else():
    assert {f.name: f.style for f in found().values()} == {e.name: e.style for e in RIGHT}
    lines = [f.line for f in found().values()]
    assert lines == sorted(lines)
    assert styles(right, ["lstm", "Linear"]) == {"lstm": "pair", "Linear": "layer"}


@pytest.mark.parametrize("entry", [e for e in RIGHT if e.backward], ids=lambda e: e.name)
def test_zoo_functions_come_as_they_are(entry):
    it = found()[entry.name]
    assert (it.forward, it.backward) == (entry.forward, entry.backward)
    assert it.line == inspect.getsourcelines(entry.backward)[1]


@pytest.mark.parametrize(
    ("forward", "backward", "name"),
    [
        ("f_forward", "f_backward", "f"),
        ("forward_f", "backward_f", "f"),
        ("f_fwd", "f_bwd", "f"),
        ("FForward", "FBackward", "F"),
        ("f_forward_naive", "f_backward_naive", "f_naive"),
        ("f_forward", "f_backward_alt", "f_alt"),
        ("f_forward_strides", "f_backward_fast", "f_fast"),
        ("f", "f_backward", "f"),
        ("linear_activation_forward", "linear_activation_backward", "linear_activation"),
    ],
)
def test_names_of_pairs(load, forward, backward, name):
    module = load(f"""
    def {forward}(x, w):
        return x * w, (x, w)

    def {backward}(dout, cache):
        x, w = cache
        return dout * w, dout * x
    """)
    (found,) = find(module)
    assert (found.name, found.style) == (name, "pair")
    for chosen in (name, forward, backward):
        assert [f.name for f in find(module, [chosen])] == [name]


@pytest.mark.parametrize("backward", ["f_grad", "grad_f", "df", "f_backward", "f_vjp"])
def test_names_of_plain_ones(load, backward):
    module = load(f"""
    def f(x):
        return x ** 2

    def {backward}(dout, x):
        return dout * 2 * x
    """)
    (found,) = find(module)
    assert (found.name, found.style, found.line) == ("f", "plain", 6)
    assert gradients(found, np.array(2.0)) == [12.0]


def test_two_backwards_of_one_forward(load):
    module = load("""
    def bn_forward(x):
        return x, None

    def bn_backward(dout, cache):
        return dout

    def bn_backward_alt(dout, cache):
        return dout
    """)
    found = find(module)
    assert [f.name for f in found] == ["bn", "bn_alt"]
    assert found[0].forward is found[1].forward
    assert found[1].backward is module.bn_backward_alt


def test_a_derivative_without_cotangent_is_multiplied_by_one(load):
    module = load("""
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def sigmoid_derivative(x):
        return sigmoid(x) * (1 - sigmoid(x))
    """)
    (found,) = find(module)
    assert (found.style, found.backward) == ("plain", module.sigmoid_derivative)
    assert gradients(found, np.array(0.0), dout=2.0) == [0.5]


def test_a_derivative_in_terms_of_the_output(load):
    module = load("""
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def sigmoid_derivative(s):
        return s * (1 - s)
    """)
    (found,) = find(module)
    assert gradients(found, np.array(0.0), dout=2.0) == [0.5]
    assert found.subject((np.array(1.0),)).notes == [
        "sigmoid_derivative is read so: the derivative in terms of the output"
    ]


def test_odd_signatures_are_made_to_fit(load):
    module = load("""
    def act_forward(A, W, mode):
        Z = A @ W
        return np.maximum(Z, 0), (A, W), Z

    def act_backward(dA, linear, Z, mode):
        A, W = linear
        dZ = dA * (Z > 0)
        return dZ @ W.T, A.T @ dZ
    """)
    (found,) = find(module)
    A, W = np.ones((2, 3)), np.ones((3, 4))
    assert [g.shape for g in gradients(found, A, W, "relu")] == [(2, 3), (3, 4)]
    assert "act_backward" in found.names()


@pytest.mark.parametrize(
    ("forward", "backward"),
    [
        ("return x * w, (x, w)", "(dout, tape):\n        x, w = tape"),
        ("return x * w, (x, w)", "(cache, dout):\n        x, w = cache"),
        ("return x * w, (x, w)", "(res, g):\n        x, w = res; dout = g"),
        ("return x * w, x, w", "(dout, x, w):\n        pass"),
        ("return x * w, x", "(dout, w, x):\n        pass"),
        ("return x * w, x", "(dout, w, cache):\n        x = cache"),
        ("return x * w", "(dout, w, x):\n        pass"),
        ("return x * w", "(x, w, dout):\n        pass"),
        ("return x * w", "(x, upper, w):\n        dout = upper"),
    ],
)
def test_orders_of_the_arguments_of_backward(load, forward, backward):
    module = load(f"""
    def mul_forward(x, w):
        {forward}

    def mul_backward{backward}
        return dout * w, dout * x
    """)
    (found,) = find(module)
    x, w = np.array([1.0, 2.0]), np.array([5.0, 7.0])
    np.testing.assert_equal(gradients(found, x, w), [3 * w, 3 * x])


def test_a_decorated_backward_is_called_as_it_is(load):
    module = load("""
    import functools

    def logged(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)
        return call

    def mul_forward(x, w):
        return x * w

    @logged
    def mul_backward(x, w, dout):
        return dout * w, dout * x
    """)
    (found,) = find(module)
    x, w = np.array([1.0, 2.0]), np.array([5.0, 7.0])
    assert (found.backward, found.line) == (module.mul_backward, 14)
    np.testing.assert_equal(gradients(found, x, w), [3 * w, 3 * x])


def test_both_functions_get_the_same_settings(load):
    module = load("""
    def leaky_forward(x, alpha=0.1):
        return np.where(x > 0, x, alpha * x)

    def leaky_backward(dout, x, alpha=0.2):
        return dout * np.where(x > 0, 1, alpha)
    """)
    (found,) = find(module)
    (grad,) = gradients(found, np.array([-1.0, 1.0]), 0.5)
    np.testing.assert_equal(grad, [1.5, 3.0])


def test_what_only_looks_like_a_pair_is_left_out(load):
    module = load("""
    from math import exp
    from numpy import mean as x_forward

    dx = 3.0

    def x():
        return 1.0

    def weights(shape):
        return np.zeros(shape)

    def grad_weights():
        return None

    def softmax_loss(x, y):
        return -np.log(x[y])
    """)
    assert find(module) == []


def test_losses(load):
    module = load("""
    def hinge_loss_naive(W, X, y):
        return 0.0, np.zeros_like(W)

    def computeLoss(x):
        out = x.sum(), np.ones_like(x)
        return out

    def gloss(x):
        return x, x
    """)
    assert styles(module) == {"hinge_loss_naive": "loss", "computeLoss": "loss"}


def test_classes(load):
    module = load("""
    from abc import ABC, abstractmethod

    class Layer:
        def forward(self, x):
            raise NotImplementedError

        def backward(self, dout):
            raise NotImplementedError

    class Abstract(ABC):
        @abstractmethod
        def forward(self, x): ...

        def backward(self, dout):
            return dout

    class ReLU(Layer):
        def forward(self, x, retain_derived=True):
            self.x = x
            return np.maximum(x, 0)

        def backward(self, dout):
            return dout * (self.x > 0)

    class Called:
        def __call__(self, x):
            return x

        def backward(self, dout):
            return dout

    class Static:
        @staticmethod
        def forward(x):
            return x, None

        @staticmethod
        def backward(dout, cache):
            return dout

    class Net:
        def loss(self, X, y=None):
            return X.sum(), {"W": X}

    class BookNet:
        def loss(self, x, t):
            return x.sum()

        def gradient(self, x, t):
            return {"W1": x}

    class Meter:
        def loss(self, x, t):
            return x.sum()
    """)
    assert styles(module) == {
        "ReLU": "layer", "Called": "layer", "Static": "pair", "Net": "net", "BookNet": "net",
    }  # fmt: skip
    by_name = {f.name: f for f in find(module)}
    assert by_name["Called"].forward is module.Called.__call__
    assert by_name["BookNet"].backward is module.BookNet.gradient


def test_a_name_that_is_not_there(load):
    module = load("""
    def affine_forward(x):
        return x, None

    def affine_backward(dout, cache):
        return dout
    """)
    with pytest.raises(ConfigError, match="did you mean 'affine'"):
        find(module, ["afine"])
    with pytest.raises(
        ConfigError, match=r"no forward .*student0\.py is called 'zzz'; use one of affine"
    ):
        find(module, ["affine", "zzz"])
