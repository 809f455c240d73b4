"""TensorFlow's custom_gradient and Keras layers that use it, as subjects of the checker."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from microgradnn import check
from microgradnn.check.files.foreign import found

X, Y = np.random.default_rng(3).normal(size=(2, 4, 3))
WEIGHT = tf.Variable(Y[:3, :2], name="weight")


@tf.custom_gradient
def log1pexp(x):
    e = tf.exp(x)

    def grad(upstream):
        return upstream * (1 - 1 / (1 + e))

    return tf.math.log(1 + e), grad


@tf.custom_gradient
def doubled(x, y):
    def grad(dy):
        return dy * y, 2 * dy * x

    return x * y, grad


@tf.custom_gradient
def squared_cotangent(x):
    def grad(dy):
        return dy**2 * tf.cos(x)

    return tf.sin(x), grad


@tf.custom_gradient
def linear(x):
    def grad(dy, variables=None):
        return dy @ tf.transpose(WEIGHT), [tf.transpose(x) @ dy]

    return x @ WEIGHT, grad


@tf.custom_gradient
def linear_without_variable(x):
    def grad(dy, variables=None):
        return dy @ tf.transpose(WEIGHT), [0 * tf.transpose(x) @ dy]

    return x @ WEIGHT, grad


@tf.custom_gradient
def clip_gradient(x):
    def grad(dy):
        return tf.clip_by_value(dy, -0.1, 0.1)

    return tf.identity(x), grad


class Soft(tf.keras.layers.Layer):
    def __init__(self, units=2):
        super().__init__()
        self.units = units

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], self.units), name="kernel")

    def call(self, x):
        return log1pexp(x @ self.kernel)


CASES = [
    (log1pexp, (X,), "PASS", ["x"]), (linear, (X,), "PASS", ["x", "weight"]),
    (doubled, (X, Y), "FAIL", ["x", "y"]), (squared_cotangent, (X,), "FAIL", ["x"]),
    (linear_without_variable, (X,), "FAIL", ["x", "weight"]),
    (clip_gradient, (X,), "CONVENTION", ["x"]),
]  # fmt: skip


@pytest.mark.parametrize("f, inputs, verdict, names", CASES, ids=[c[0].__name__ for c in CASES])
def test_gradients_are_judged(f, inputs, verdict, names):
    report = check.layer(f, inputs, probes=False)
    assert report.verdict == verdict, str(report)
    assert list(report.methods) == names


def test_a_layer_of_keras():
    report = check.layer(Soft(), X, probes=False)
    assert report.verdict == "PASS", str(report)
    assert list(report.methods) == ["x", "kernel"]


def test_found_in_this_file():
    names = {f["name"]: f["style"] for f in found(sys.modules[__name__])}
    assert names == {
        **{c[0].__name__: "tensorflow" for c in CASES}, "Soft": "layer of Keras"
    }  # fmt: skip
