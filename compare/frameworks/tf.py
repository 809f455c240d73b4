"""TensorFlow: tf.nn functions under a GradientTape inside tf.function, plain tf.Variables.

Keras is a framework of its own, keras.py: its optimisers place eps and the rate elsewhere. Here all
formulas are written out in tf ops, the updates in tf_rules.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .. import layers
from ..model_graph import Recorded, Sync
from ..specs import SLOPE, Model, Optimizer
from . import tf_rules

tf.get_logger().setLevel("ERROR")  # each session traces its functions anew, as it has to

ACTIVATION = {
    "identity": lambda z: z,
    "relu": tf.nn.relu,
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "leaky_relu": lambda z: tf.nn.leaky_relu(z, SLOPE),
    "elu": tf.nn.elu,
    "softplus": tf.nn.softplus,
    # tf.nn.gelu keeps its constants in float32.
    "gelu": lambda z: 0.5 * z * tf.math.erfc(-z * 0.5**0.5),
    "silu": lambda z: z * tf.sigmoid(z),
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
        self.running = [tf.Variable(a.astype(dtype)) for a in model.kept()]
        start = optimizer.accumulator if optimizer.name == "adagrad" else 0.0
        self.state = [
            [tf.Variable(np.full(p.shape, v, dtype)) for v in (0.0, start, 0.0)] for p in params
        ]
        self.ema = [tf.Variable(p) for p in self.params] if optimizer.ema else []
        self.grads: list[Any] = []
        self.t = 0
        self.compiled = tf.function(self._gradients, autograph=False, reduce_retracing=True)
        self.compiled_update = tf.function(self._update, autograph=False)

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters, and what the layers keep."""
        for p, array in zip([*self.params, *self.running], [*params, *kept], strict=False):
            p.assign(array.astype(self.dtype))

    def _gradients(
        self, x: Any, y: Any, values: Sequence[Any] = (), slopes: Sequence[Any] = ()
    ) -> tuple[Any, list[Any], list[Any], list[Any]]:
        """Loss, gradients, nodes and their slopes; synchronised where values are given."""
        seen: list[Any] = []

        def probe(h: Any) -> Any:
            seen.append(h)
            return values[len(seen) - 1] if values else h

        with tf.GradientTape() as tape:
            tape.watch(list(values))
            own, kept = iter(self.params), iter(self.running)
            h = layers.walk(self.model.chain, x, own, kept, _apply, tf.add, probe)
            loss = total = self._loss(x, h, y)
            for node, slope in zip(seen, slopes, strict=False):
                total += tf.reduce_sum(node * slope)
        sources = [self.params, list(values) or seen]
        grads, found = tape.gradient(total, sources)
        return loss, grads, seen, [tf.zeros(()) if g is None else g for g in found]

    def _loss(self, x: Any, h: Any, y: Any) -> Any:
        """The loss of the outputs h for the batch x."""
        each = _losses(self.model.loss, h, y)
        loss = tf.reduce_mean(each) if self.model.reduction == "mean" else tf.reduce_sum(each)
        if self.model.reduction == "samples":
            loss = loss / tf.cast(tf.shape(x)[0], loss.dtype)
        if self.model.l2:
            pairs = zip(self.params, self.model.penalised, strict=True)
            squares = [tf.reduce_sum(tf.square(p)) for p, counts in pairs if counts]
            loss = loss + self.model.l2 * tf.add_n(squares)
        return loss

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        target = y if self.model.labels else y.astype(self.dtype)
        given = [tf.constant(x.astype(self.dtype)), tf.constant(target)]
        if sync:
            given += [[tf.constant(a, self.dtype) for a in s] for s in (sync.nodes, sync.slopes)]
        loss, self.grads, nodes, slopes = self.compiled(*given)
        grads = [g.numpy() for g in self.grads]
        return Recorded(float(loss), grads, [h.numpy() for h in nodes], [g.numpy() for g in slopes])

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        b1, b2 = self.spec.betas
        numbers = {"lr": self.spec.rate(self.t)}
        numbers |= {"c1": 1 - b1 ** (self.t + 1), "c2": (1 - b2 ** (self.t + 1)) ** 0.5}
        if self.spec.ema:
            numbers["keep"] = self.spec.ema.at(self.t)
        tensors = {name: tf.constant(v, self.dtype) for name, v in numbers.items()}
        self.compiled_update(self.grads, tensors)
        self.t += 1
        return [p.numpy().copy() for p in self.params]

    def _update(self, grads: list[Any], now: dict[str, Any]) -> None:
        for p, g, state in zip(self.params, grads, self.state, strict=True):
            tf_rules.update(self.spec, p, g, state, now)
        for s, p in zip(self.ema, self.params, strict=False):
            s.assign_sub((1 - now["keep"]) * (s - p))

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return [a.numpy().copy() for a in self.ema]

    def kept(self) -> list[np.ndarray]:
        """The running statistics."""
        return [a.numpy().copy() for a in self.running]


def _losses(name: str, h: Any, y: Any) -> Any:
    """The loss of every element, of every sample for cross entropy."""
    if name == "bce":
        return tf.nn.sigmoid_cross_entropy_with_logits(y, h)
    if name == "ce":
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h)
    if name == "ce-onehot":
        return tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=h)
    r = h - y
    size = tf.abs(r)
    small = tf.minimum(size, 1.0)
    return {"mse": tf.square(r), "mae": size, "huber": small * (size - 0.5 * small)}[name]


def _standardised(h: Any, axes: Sequence[int], eps: float) -> tuple[Any, Any, Any]:
    """h standardised over axes, with the mean and the biased variance."""
    mean = tf.reduce_mean(h, axes, keepdims=True)
    var = tf.reduce_mean(tf.square(h - mean), axes, keepdims=True)
    return (h - mean) / tf.sqrt(var + eps), mean, var


def _batch_norm(layer: layers.BatchNorm, h: Any, own: Sequence[Any], kept: Sequence[Any]) -> Any:
    axes = [0, 2, 3] if layer.space else [0]
    wide = [1, -1, 1, 1] if layer.space else [1, -1]
    y, mean, var = _standardised(h, axes, layer.eps)
    n = tf.cast(tf.size(h) // layer.n, h.dtype)
    for running, new in zip(kept, (mean, var * n / (n - 1)), strict=True):
        running.assign_add(layer.momentum * (tf.reshape(new, [-1]) - running))
    return y * tf.reshape(own[0], wide) + tf.reshape(own[1], wide)


def _channels_last(function: Callable[[Any], Any], h: Any) -> Any:
    """function(h) for images with channels first: on a CPU TensorFlow has them last only."""
    return tf.transpose(function(tf.transpose(h, (0, 2, 3, 1))), (0, 3, 1, 2))


def _convolution(padding: int, h: Any, w: Any, b: Any = 0.0) -> Any:
    kernel, p = tf.transpose(w, (2, 3, 1, 0)), [padding, padding]
    around = [[0, 0], p, p, [0, 0]]
    return _channels_last(lambda x: tf.nn.conv2d(x, kernel, 1, around) + b, h)


def _apply(layer: layers.Layer, h: Any, own: Sequence[Any], kept: Sequence[Any]) -> Any:
    match layer:
        case layers.Activation(name):
            return ACTIVATION[name](h)
        case layers.Linear():
            return tf.matmul(h, own[0]) + (own[1] if len(own) > 1 else 0.0)
        case layers.Conv2d(padding=padding):
            return _convolution(padding, h, *own)
        case layers.MaxPool2d(k):
            return _channels_last(lambda x: tf.nn.max_pool2d(x, k, k, "VALID"), h)
        case layers.Image(shape):
            return tf.reshape(h, (-1, *shape))
        case layers.Flatten():
            return tf.reshape(h, (tf.shape(h)[0], -1))
        case layers.BatchNorm():
            return _batch_norm(layer, h, own, kept)
        case layers.LayerNorm(_, eps):
            return _standardised(h, [-1], eps)[0] * own[0] + own[1]
    raise TypeError(f"no function for {layer}")
