"""TensorFlow: tf.nn functions under a GradientTape inside tf.function, plain tf.Variables.

Keras is left out on purpose: its layers and losses cast to float32, and its optimisers keep their
hyper-parameters in float32 and place Adam's eps elsewhere. The update is written out in tf ops.
"""

import os
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # both are read when tensorflow is imported
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from ..specs import SLOPE, Model, Optimizer  # noqa: E402

ACTIVATION = {
    "identity": lambda z: z,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "leaky_relu": lambda z: tf.nn.leaky_relu(z, SLOPE),
    "elu": tf.nn.elu,
    "softplus": tf.nn.softplus,
}


def version() -> str:
    """The version of tensorflow."""
    return str(tf.__version__)


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.spec, self.dtype = model, optimizer, dtype
        self.params = [tf.Variable(p.astype(dtype)) for p in params]
        self.state = [[tf.Variable(tf.zeros_like(p)) for _ in "mv"] for p in self.params]
        self.grads: list[Any] = []
        self.t = 0
        self.compiled = tf.function(self._gradients, reduce_retracing=True)
        self.compiled_update = tf.function(self._update)

    def load(self, params: Sequence[np.ndarray]) -> None:
        """None; sets the parameters."""
        for p, array in zip(self.params, params, strict=True):
            p.assign(array.astype(self.dtype))

    def _gradients(self, x: Any, y: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            h = x
            for i in range(0, len(self.params), 2):
                h = h if i == 0 else ACTIVATION[self.model.activation](h)
                h = tf.matmul(h, self.params[i]) + self.params[i + 1]
            if self.model.loss == "mse":
                loss = tf.reduce_mean(tf.square(h - y))
            elif self.model.loss == "bce":
                loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, h))
            else:
                each = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h)
                loss = tf.reduce_mean(each)
        return loss, tape.gradient(loss, self.params)

    def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Loss and gradients."""
        target = y if self.model.loss == "ce" else y.astype(self.dtype)
        loss, self.grads = self.compiled(tf.constant(x.astype(self.dtype)), tf.constant(target))
        return float(loss), [g.numpy() for g in self.grads]

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        self.t += 1
        b1, b2 = self.spec.betas
        corrections = (self.spec.lr / (1 - b1**self.t), (1 - b2**self.t) ** 0.5)
        c1, c2 = (tf.constant(c, self.dtype) for c in corrections)
        self.compiled_update(self.grads, c1, c2, tf.constant(self.t == 1))
        return [p.numpy() for p in self.params]

    def _update(self, grads: list[Any], c1: Any, c2: Any, first: Any) -> None:
        s = self.spec
        for p, g, (m, v) in zip(self.params, grads, self.state, strict=True):
            g = g + s.weight_decay * p if s.weight_decay else g
            if s.name == "adam":
                b1, b2 = s.betas
                m.assign(b1 * m + (1 - b1) * g)
                v.assign(b2 * v + (1 - b2) * g * g)
                p.assign_sub(c1 * m / (tf.sqrt(v) / c2 + s.eps))
                continue
            if s.momentum:
                v.assign(tf.where(first, g, s.momentum * v + g))
                g = g + s.momentum * v if s.nesterov else v
            p.assign_sub(s.lr * g)
