"""Keras: a functional model, model.compile, train_on_batch, keras.optimizers, on any backend.

It can do what has Keras' own form: Optimizer.form "keras", or SGD where the two are one. float64
needs floatx and np.float64 hyper-parameters, or Keras keeps them in float32; its schedules are
float32 always. The gradients are seen on their way into the optimiser's apply. The backend is the
one that KERAS_BACKEND says when keras is imported (frameworks.load).
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .. import layers
from ..model_graph import Recorded, Sync
from ..specs import SLOPE, Model, Optimizer, Schedule
from .keras_taps import Tap, record

if keras.backend.backend() == "jax":
    import jax

    # Else JAX makes float32 of float64 and says so at each array; Keras does it in any case.
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.get_logger().setLevel(
        "ERROR"
    )  # each session traces its functions anew, as it has to

LOSS = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "bce": lambda **how: keras.losses.BinaryCrossentropy(from_logits=True, **how),
    "ce": lambda **how: keras.losses.SparseCategoricalCrossentropy(from_logits=True, **how),
    "ce-onehot": lambda **how: keras.losses.CategoricalCrossentropy(from_logits=True, **how),
}
Variable = Any


def version() -> str:
    """The version of keras, and its backend."""
    return f"{keras.__version__} on {backend()}"


def backend() -> str:
    """What Keras runs on in this process."""
    return str(keras.backend.backend())


def refuses(model: Model, optimizer: Optimizer, dtype: str) -> str | None:
    """Why Keras has no such thing, or None."""
    if keras.backend.result_type(dtype, float) != dtype:  # on PyTorch and JAX
        return f"on {backend()} Keras makes float32 of float64; ask for --dtype float32"
    s = optimizer
    shared = s.name == "sgd" and not s.weight_decay and not (s.schedule and s.momentum)
    if not (s.keras or shared):
        return "Keras's optimiser follows another formula than PyTorch's, which this task has"
    if s.ema is not None:
        return "Keras starts its average of the weights at the first update"
    if s.schedule and not _exact(s.schedule):
        return "Keras computes its schedules in float32"
    if any(layer == layers.Activation("gelu") for layer in layers.flat(model.chain)):
        return "Keras keeps the constants of its gelu in float32"
    if model.reduction != "mean" and not model.loss.startswith("ce"):
        return f"Keras's losses have no reduction like {model.reduction!r}"
    return None


def _exact(schedule: Schedule) -> bool:
    """Whether all its rates are exact in float32."""
    whole = schedule.staircase or schedule.steps == 1
    return schedule.rate == 0.5 and (
        schedule.kind == "step" or (schedule.kind == "exponential" and whole)
    )


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)  # which remembers an earlier floatx
        self.dtype = dtype
        self.net, self.params, self.probes = make_model(model, dtype)
        rule = make_optimizer(optimizer, dtype)
        rule.build(self.net.trainable_variables)  # so that gradients() can restore its state
        self.seen = record(rule, self.net)
        how = "sum" if model.reduction == "sum" else "sum_over_batch_size"
        loss = LOSS[model.loss](reduction=how, dtype=dtype)
        # In a graph of JAX nothing could be noted; TensorFlow's has variables for it.
        self.net.compile(optimizer=rule, loss=loss, run_eagerly=backend() == "jax")
        self.labels = model.labels
        self.before: list[tuple[Variable, np.ndarray]] = []
        self.load(params)

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters; Keras' running variance is another one than PyTorch's."""
        for v, value in self.before:  # the last pass was no step after all
            v.assign(value)
        self.before = []
        for p, array in zip(self.params, params, strict=True):
            p.assign(_turned(array).astype(self.dtype))

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass. train_on_batch takes the step with it, which load() undoes before update()."""
        for k, probe in enumerate(self.probes):
            probe.set(*(sync.nodes[k], sync.slopes[k]) if sync else ())
        own = [*self.net.variables, *self.net.optimizer.variables]
        self.before = [(v, v.numpy().copy()) for v in own]  # numpy() may be a view
        self.net.reset_metrics()  # else the loss is the mean of all steps
        target = y if self.labels else y.astype(self.dtype)
        loss = self.net.train_on_batch(x.astype(self.dtype), target)
        grads = [_back(self.seen[p.path].numpy().copy()) for p in self.params]
        noted = [probe.noted() for probe in self.probes]
        return Recorded(float(loss), grads, [n for n, _ in noted], [g for _, g in noted])

    def update(self) -> list[np.ndarray]:
        """The parameters after the step."""
        self.before = []
        return [_back(p.numpy().copy()) for p in self.params]


def make_model(model: Model, dtype: str) -> tuple[keras.Model, list[Variable], list[Tap]]:
    """The Keras model, its variables in the order of the parameters, a probe for each node."""
    found: list[Variable] = []
    probes: list[Tap] = []
    penalty = keras.regularizers.L2(model.l2) if model.l2 else None

    def apply(layer: layers.Layer, h: Any, *_: Any) -> Any:
        for made in _made(layer, penalty):
            h = made(h)
            names = ("gamma", "beta") if hasattr(made, "gamma") else ("kernel", "bias")
            own = [getattr(made, name, None) for name in names]
            found.extend(v for v in own if v is not None)
        return h

    def probe(h: Any) -> Any:
        probes.append(Tap(dtype))
        return probes[-1](h)

    x = keras.Input((model.widths[0],), dtype=dtype)
    nothing = iter(lambda: None, 0)  # endless: the layers make their own arrays
    y = layers.walk(model.chain, x, nothing, nothing, apply, keras.ops.add, probe)
    return keras.Model(x, y), found, probes


def _made(layer: layers.Layer, penalty: Any) -> list[keras.layers.Layer]:
    """The Keras layers for one of ours. Images have their channels last inside."""
    k = keras.layers
    match layer:
        case layers.Activation("leaky_relu"):
            return [k.LeakyReLU(SLOPE)]
        case layers.Activation("identity"):
            return [k.Activation("linear")]
        case layers.Activation(name):
            return [k.Activation(name)]
        case layers.Linear(_, m, bias):
            return [k.Dense(m, use_bias=bias, kernel_regularizer=penalty)]
        case layers.Conv2d(_, m, size, padding, bias):
            conv = k.Conv2D(m, size, use_bias=bias, kernel_regularizer=penalty)
            return [k.ZeroPadding2D(padding), conv] if padding else [conv]
        case layers.MaxPool2d(size):
            return [k.MaxPooling2D(size)]
        case layers.Image(shape):
            return [k.Reshape(shape), k.Permute((2, 3, 1))]
        case layers.Flatten():
            return [k.Permute((3, 1, 2)), k.Flatten()]
        case layers.BatchNorm(_, _, eps, momentum):
            return [k.BatchNormalization(epsilon=eps, momentum=1 - momentum)]
        case layers.LayerNorm(_, eps):
            return [k.LayerNormalization(epsilon=eps)]
    raise TypeError(f"no layer for {layer}")


def make_optimizer(spec: Optimizer, dtype: str) -> keras.optimizers.Optimizer:
    """The Keras optimiser of a spec."""
    number: Callable[[float], Any] = np.float64 if dtype == "float64" else float
    lr: Any = number(spec.lr)
    if spec.schedule:
        s = spec.schedule
        whole = s.staircase or s.kind == "step"
        lr = keras.optimizers.schedules.ExponentialDecay(spec.lr, s.steps, s.rate, whole)
    common = dict(learning_rate=lr, weight_decay=number(spec.weight_decay))
    eps = number(spec.eps)
    k = keras.optimizers
    match spec.name:
        case "sgd":
            return k.SGD(momentum=number(spec.momentum), nesterov=spec.nesterov, **common)
        case "rmsprop":
            return k.RMSprop(rho=number(spec.alpha), epsilon=eps, **common)
        case "adagrad":
            start = number(spec.accumulator)
            return k.Adagrad(initial_accumulator_value=start, epsilon=eps, **common)
    b1, b2 = map(number, spec.betas)
    common |= dict(amsgrad=spec.amsgrad)
    rule = k.AdamW if spec.name == "adamw" else k.Adam
    return rule(beta_1=b1, beta_2=b2, epsilon=eps, **common)


def _turned(p: np.ndarray) -> np.ndarray:
    """The array in Keras' layout: kernels of convolutions are (k, k, in, out)."""
    return p.transpose(2, 3, 1, 0) if p.ndim == 4 else p


def _back(p: np.ndarray) -> np.ndarray:
    """The reverse of _turned."""
    return p.transpose(3, 2, 0, 1) if p.ndim == 4 else p
