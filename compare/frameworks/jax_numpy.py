"""JAX: jax.nn and jax.lax under jax.value_and_grad, outside jax.jit.

From JAX are the gradients, the activations, matrix products, convolutions, poolings,
standardisation, and the functions that losses are made of. JAX has no losses and no optimisers
(optax has): losses are written here in jax.numpy, and updates are updates.Rule on JAX's arrays.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from .. import layers
from ..model_graph import Recorded, Sync
from ..pure_pass import PurePass
from ..specs import SLOPE, Model, Optimizer
from ..updates import Rule

Array = Any
ACTIVATION: dict[str, Callable[[Array], Array]] = {
    "identity": jax.nn.identity,
    "relu": jax.nn.relu,
    "tanh": jax.nn.tanh,
    "sigmoid": jax.nn.sigmoid,
    "leaky_relu": lambda z: jax.nn.leaky_relu(z, SLOPE),
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
    "gelu": partial(jax.nn.gelu, approximate=False),
    "silu": jax.nn.silu,
}


def _huber(z: Array, y: Array) -> Array:
    size = abs(z - y)
    small = jnp.minimum(size, 1.0)
    return small * (size - 0.5 * small)


# The loss of every element, of every sample for cross entropy.
EACH: dict[str, Callable[[Array, Array], Array]] = {
    "mse": lambda z, y: jnp.square(z - y),
    "mae": lambda z, y: jnp.abs(z - y),
    "huber": _huber,
    "bce": lambda z, y: jax.nn.softplus(z) - z * y,
    "ce": lambda z, y: jax.nn.logsumexp(z, 1) - z[jnp.arange(len(z)), y],
    "ce-onehot": lambda z, y: -(jax.nn.log_softmax(z) * y).sum(1),
}


def version() -> str:
    """The version of jax."""
    return str(jax.__version__)


class Session:
    """A model and its optimiser; see the package's docstring."""

    def __init__(
        self, model: Model, optimizer: Optimizer, dtype: str, params: Sequence[np.ndarray]
    ) -> None:
        self.model, self.spec, self.dtype = model, optimizer, dtype
        self.how = PurePass(model, _apply, EACH)
        self.running = self._arrays(model.kept())
        self.params = self._arrays(params)
        self.ema = self.params if optimizer.ema else []
        with jax.enable_x64(True):
            self.rule = Rule(optimizer, self.params, jnp.asarray)
        self.grads: Sequence[Array] = ()

    def _arrays(self, arrays: Sequence[np.ndarray]) -> list[Array]:
        """In the session's dtype."""
        with jax.enable_x64(True):  # else JAX makes float32 of float64
            return [jnp.array(a, self.dtype) for a in arrays]

    def load(self, params: Sequence[np.ndarray], kept: Sequence[np.ndarray] = ()) -> None:
        """Sets the parameters, and what the layers keep."""
        self.params = self._arrays(params)
        self.running = self._arrays(kept) or self.running

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded:
        """The pass at the parameters; see the package's docstring."""
        batch = [*self._arrays([x]), *([y] if self.model.labels else self._arrays([y]))]
        with jax.enable_x64(True):
            leaves = self._arrays(sync.nodes) if sync else self.zeros(batch)
            made = jax.value_and_grad(self.how.total, argnums=(0, 1), has_aux=True)(
                self.params,
                leaves,
                *batch,
                slopes=self._arrays(sync.slopes) if sync else (),
                kept=self.running,
            )
        (_, (loss, nodes, self.running)), (self.grads, slopes) = made
        grads, seen, back = ([np.asarray(a) for a in s] for s in (self.grads, nodes, slopes))
        return Recorded(float(loss), grads, seen, back)

    def zeros(self, batch: Sequence[Array]) -> list[Array]:
        """The leaves of a pass that is not synchronised."""
        x, y = batch
        return self.how.zeros_for(self.params, x, y, self.running)

    def update(self) -> list[np.ndarray]:
        """The parameters after one step."""
        ema, k = self.spec.ema, self.rule.t
        with jax.enable_x64(True):
            self.params = self.rule.step(self.params, self.grads)
            if ema:
                pairs = zip(self.ema, self.params, strict=True)
                self.ema = [s - (1 - ema.at(k)) * (s - p) for s, p in pairs]
        return [np.asarray(p) for p in self.params]

    def averages(self) -> list[np.ndarray]:
        """The averages of the parameters."""
        return [np.asarray(s) for s in self.ema]

    def kept(self) -> list[np.ndarray]:
        """The running statistics."""
        return [np.asarray(a) for a in self.running]


def _standardised(h: Array, axes: tuple[int, ...], eps: float) -> Array:
    """By two passes: JAX's own default takes the mean of squares less the square of the mean."""
    return jax.nn.standardize(h, axes, variance=jnp.var(h, axes, keepdims=True), epsilon=eps)


def _convolved(h: Array, w: Array, padding: int, *bias: Array) -> Array:
    y = lax.conv_general_dilated(h, w, (1, 1), [(padding, padding)] * 2)
    return y + bias[0].reshape(1, -1, 1, 1) if bias else y


def _apply(layer: layers.Layer, h: Array, own: Sequence[Array]) -> Array:
    match layer:
        case layers.Activation(name):
            return ACTIVATION[name](h)
        case layers.Linear():
            return h @ own[0] + (own[1] if len(own) > 1 else 0.0)
        case layers.Conv2d(padding=padding):
            return _convolved(h, own[0], padding, *own[1:])
        case layers.MaxPool2d(k):
            return lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, k, k), (1, 1, k, k), "VALID")
        case layers.Image(shape):
            return h.reshape(-1, *shape)
        case layers.Flatten():
            return h.reshape(len(h), -1)
        case layers.LayerNorm(_, eps):
            return _standardised(h, (-1,), eps) * own[0] + own[1]
        case layers.BatchNorm(_, space, eps, _):
            wide = (1, -1, 1, 1) if space else (1, -1)
            y = _standardised(h, (0, 2, 3) if space else (0,), eps)
            return y * own[0].reshape(wide) + own[1].reshape(wide)
    raise TypeError(f"no function for {layer}")
