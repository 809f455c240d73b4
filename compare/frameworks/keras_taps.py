"""Keras layers that note what passes through them, forwards and backwards, on each backend.

On TensorFlow the training step is a graph, so what is noted is kept in variables; PyTorch and JAX
run step by step (JAX with run_eagerly), and notes are arrays.
"""

from typing import Any

import keras
import numpy as np

Array = np.ndarray


class Tap(keras.layers.Layer):  # type: ignore[misc]
    """Notes what a layer gives and the gradient that comes back; sets both where it is told to."""

    def __init__(self, dtype: str) -> None:
        super().__init__(dtype=dtype)
        self.notes: Any = _NOTES[keras.backend.backend()](dtype)

    def set(self, new: Array | None = None, back: Array | None = None) -> None:
        """Sets values and gradient from now on, or, without them, leaves both as they are."""
        given = (None if a is None else _last(a) for a in (new, back))
        self.notes.set(*given)

    def noted(self) -> tuple[Array, Array]:
        """What came forwards and what came backwards, images with their channels first."""
        node, slope = (_first(np.array(a)) for a in self.notes.noted())
        return node, slope

    def compute_output_spec(self, h: Any) -> Any:
        return keras.KerasTensor(h.shape, h.dtype)

    def call(self, h: Any) -> Any:
        return self.notes.passed(h)


class OnTensorFlow:
    """Variables that a graph writes and reads."""

    def __init__(self, dtype: str) -> None:
        import tensorflow as tf

        self.tf, self.dtype = tf, dtype
        self.node, self.slope, self.new, self.back = (
            tf.Variable(0.0, dtype=dtype, shape=tf.TensorShape(None), trainable=False)
            for _ in range(4)
        )
        self.on = tf.Variable(False, trainable=False)

    def set(self, new: Array | None, back: Array | None) -> None:
        """See Tap."""
        self.on.assign(new is not None)
        for variable, array in ((self.new, new), (self.back, back)):
            if array is not None:
                variable.assign(array.astype(self.dtype))

    def noted(self) -> tuple[Array, Array]:
        """See Tap."""
        return self.node.numpy(), self.slope.numpy()

    def passed(self, h: Any) -> Any:
        """h, by a rule of its own."""
        tf = self.tf

        def either(own: Any, other: Any) -> Any:
            chosen = tf.cond(self.on, lambda: other.read_value(), lambda: own)
            return tf.ensure_shape(chosen, own.shape)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def probed(h: Any) -> Any:
            self.node.assign(h)

            def grad(g: Any) -> Any:
                self.slope.assign(g)
                return either(g, self.back)

            return either(h, self.new), grad

        return probed(h)


class InArrays:
    """Arrays, set while the step runs."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.node = self.slope = np.zeros((), dtype)
        self.new: Array | None = None
        self.back: Array | None = None

    def set(self, new: Array | None, back: Array | None) -> None:
        """See Tap."""
        self.new, self.back = (None if a is None else a.astype(self.dtype) for a in (new, back))

    def noted(self) -> tuple[Array, Array]:
        """See Tap."""
        return self.node, self.slope


class OnTorch(InArrays):
    """By an autograd.Function."""

    def passed(self, h: Any) -> Any:
        """h, by a rule of its own."""
        import torch

        class Probed(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, h: torch.Tensor) -> torch.Tensor:
                self.node = h.detach().numpy().copy()
                return h.clone() if self.new is None else torch.from_numpy(self.new.copy())

            @staticmethod
            def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:
                self.slope = g.numpy().copy()
                return g if self.back is None else torch.from_numpy(self.back.copy())

        return Probed.apply(h)  # type: ignore[no-untyped-call]


class OnJax(InArrays):
    """By a custom_vjp, whose two halves see numbers because nothing is traced by jit."""

    def passed(self, h: Any) -> Any:
        """h, by a rule of its own."""
        import jax
        from jax import numpy as jnp

        def forward(h: Any) -> tuple[Any, None]:
            if not isinstance(h, jax.core.Tracer):  # Keras calls a model once without numbers
                self.node = np.asarray(h)
            return h if self.new is None else jnp.asarray(self.new), None

        def backward(_: None, g: Any) -> tuple[Any]:
            self.slope = np.asarray(g)
            return (g if self.back is None else jnp.asarray(self.back),)

        probed = jax.custom_vjp(lambda h: forward(h)[0])  # also where nothing is differentiated
        probed.defvjp(forward, backward)
        return probed(h)


_NOTES = {"tensorflow": OnTensorFlow, "torch": OnTorch, "jax": OnJax}


class Numbers(np.ndarray):
    """An array with the method that variables have."""

    def __new__(cls, a: Array) -> "Numbers":
        return np.array(a).view(cls)

    def numpy(self) -> Array:
        """The array."""
        return np.array(self)


def record(optimizer: Any, net: keras.Model) -> dict[str, Any]:
    """The gradients that the optimiser is given, by path of their variable, from now on."""
    graph = keras.backend.backend() == "tensorflow"
    seen: dict[str, Any] = {}
    for v in net.trainable_variables:
        seen[v.path] = OnTensorFlow(v.dtype).node if graph else None
    apply = optimizer.apply

    def recorded(grads: Any, variables: Any = None) -> Any:
        for v, g in zip(variables or net.trainable_variables, grads, strict=True):
            if graph:
                seen[v.path].assign(g)
            else:
                seen[v.path] = Numbers(keras.ops.convert_to_numpy(g))
        return apply(grads, variables)

    optimizer.apply = recorded
    return seen


def _first(a: Array) -> Array:
    """Images with their channels first."""
    return a.transpose(0, 3, 1, 2) if a.ndim == 4 else a


def _last(a: Array) -> Array:
    """The reverse of _first."""
    return a.transpose(0, 2, 3, 1) if a.ndim == 4 else a
