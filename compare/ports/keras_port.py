"""A Keras model on TensorFlow as a port: its layers are seen, and functions between them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.errors import ConfigError

from ..frameworks import one_line
from . import sources, weight_layouts
from .keras_watching import KerasSeen, install
from .recorder import Hands, Recorder
from .seen_calls import Array, Passed, PortParameter, PortProgram

import tensorflow as tf  # noqa: I001, E402  isort: skip
import keras  # noqa: I001, E402  isort: skip

__all__ = ["KIND", "LAST", "Port", "fits", "install", "version"]
KIND = "keras"
LAST = True


def version() -> str:
    """The versions of Keras and TensorFlow."""
    return f"keras {keras.__version__} on {keras.backend.backend()}"


def fits(thing: Any) -> bool:
    """Whether this is a model of Keras."""
    return isinstance(thing, keras.layers.Layer)


class Port:
    """See port_process.RemotePort."""

    kind, last = KIND, LAST

    def version(self) -> str:
        """The version of its framework."""
        return version()

    def __init__(self, model: Any, dtype: str) -> None:
        self.model, self.dtype = model, dtype
        self.held: dict[str, tuple[str, str]] = {}
        self.halves: dict[tuple[int, int], tuple[Any, int]] = {}
        self.start: dict[str, Array] = {}

    def variables(self) -> dict[str, tuple[Any, int | None]]:
        """Parameters and what layers keep; the two rows of a GRU's bias are two."""
        found: dict[str, tuple[Any, int | None]] = {}
        for layer in self.model._flatten_layers():
            bias = getattr(getattr(layer, "cell", None), "bias", None)
            if type(layer).__name__ == "GRU" and bias is not None and len(bias.shape) == 2:
                for i in (0, 1):
                    self.halves.setdefault((id(bias), i), (bias, i))
        split = {id(v): v for v, _ in self.halves.values()}
        for v in self.model.weights:
            if str(v.dtype).startswith("float"):
                if id(v) in split:
                    found |= {f"{v.path}[{i}]": (v, i) for i in (0, 1)}
                else:
                    found[v.path] = (v, None)
        return found

    def params(self) -> list[PortParameter]:
        """All of them, in the layout of all."""
        trained = {id(v) for v in self.model.trainable_weights}
        found = []
        for name, (v, i) in self.variables().items():
            part, held = self.held.get(name, ("", ""))
            value = np.array(v.numpy(), float)
            value = weight_layouts.common(value if i is None else value[i], held)
            found.append(PortParameter(name, value, part, held, id(v) in trained))
        return found

    def load(self, values: Mapping[str, Array]) -> None:
        """Sets arrays by name."""
        own = self.variables()
        for name, value in values.items():
            v, i = own[name]
            array = v.numpy().copy()
            held = self.held.get(name, ("", ""))[1]
            shape = array.shape if i is None else array.shape[1:]
            array[... if i is None else i] = weight_layouts.own(value, held, shape)
            v.assign(array)

    def restore(self, path: Path) -> None:
        """Sets the weights in a file: .weights.h5, or arrays by the paths of the variables."""
        if path.name.endswith(".weights.h5"):
            try:
                self.model.load_weights(path)
            except Exception as error:  # whatever is in the file
                raise ConfigError(f"{path} does not fit the model: {one_line(error)}") from error
            return
        own = {v.path: v for v in self.model.weights}
        for name, value in sources.weights(path).items():
            if name not in own or tuple(own[name].shape) != value.shape:
                raise ConfigError(
                    f"{path} has {name} of shape {value.shape}; the model has "
                    f"{', '.join(f'{n} {tuple(v.shape)}' for n, v in own.items())}"
                )
            own[name].assign(value)

    def input_shape(self) -> list[tuple[tuple[int, ...], int | None]]:
        """Shapes of a sample, if the model says them; of integers, how many there are."""
        shape = getattr(self.model, "input_shape", None) if self.model.built else None
        sizes = [int(layer.input_dim) for layer in self.model._flatten_layers()
                 if type(layer).__name__ == "Embedding"]  # fmt: skip
        if not isinstance(shape, tuple) or isinstance(shape[0], tuple | list):
            return []
        return [(tuple(6 if n is None else int(n) for n in shape[1:]), min(sizes, default=None))]

    def trace(self, x: Array, training: bool) -> PortProgram:
        """The calls of one pass; the first makes the variables."""
        if not self.model.built:
            self.model(tf.constant(x), training=False)
        before = [(v, v.numpy().copy()) for v in self.model.non_trainable_variables]
        recorder, outs, _ = self._run(x, {}, training)
        for v, value in before:
            v.assign(value)
        self.held = {**recorder.held, **self.held}
        return PortProgram(recorder.calls, recorder.outputs(outs), self.params())

    def passed(
        self, x: Array, values: Mapping[int, Array], slopes: Mapping[int, Array], training: bool
    ) -> Passed:
        """A pass with `values` set at their nodes, and `slopes` as the gradients behind them."""
        before = [(v, v.numpy().copy()) for v in self.model.non_trainable_variables]
        own = self.variables()
        with tf.GradientTape() as tape:
            recorder, _, total = self._run(x, values, training, tape, slopes)
        trained = {
            n: (v, i)
            for n, (v, i) in own.items()
            if any(v is t for t in self.model.trainable_weights)
        }
        at = [n for n, h in enumerate(recorder.used) if h.dtype.is_floating]
        wanted = [[recorder.used[n] for n in at], [v.value for v, _ in trained.values()]]
        got = tape.gradient(total, wanted)
        found: list[Array | None] = [None] * len(recorder.used)
        for n, g in zip(at, got[0], strict=True):
            found[n] = None if g is None else _numpy(g)
        grads: dict[str, Array | None] = {}
        for (name, (_, i)), g in zip(trained.items(), got[1], strict=True):
            held = self.held.get(name, ("", ""))[1]
            value = None if g is None else _numpy(g) if i is None else _numpy(g)[i]
            grads[name] = None if value is None else weight_layouts.common(value, held)
        kept = {n: np.array(v.numpy(), float) for n, (v, _) in own.items() if n not in trained}
        for v, value in before:
            v.assign(value)
        return Passed([_numpy(h) for h in recorder.given], found, grads, kept)

    def _run(
        self, x: Array, values: Mapping[int, Array], training: bool, tape: Any = None,
        slopes: Mapping[int, Array] | None = None,
    ) -> tuple[Recorder, list[Any], Any]:  # fmt: skip
        names = {id(v): n for n, (v, i) in self.variables().items() if i is None}
        names |= {
            id(self.halves[id(v), i]): n for n, (v, i) in self.variables().items() if i is not None
        }

        def watch(t: Any) -> Any:
            if tape is not None and t.dtype.is_floating:
                tape.watch(t)
            return t

        hands = Hands(
            tf.is_tensor, _numpy, lambda a, like: watch(tf.constant(a, like.dtype)), watch
        )
        recorder = Recorder(hands, names, values)
        start = recorder.enter(tf.constant(x, self.dtype if x.dtype.kind == "f" else "int32"))
        keras.utils.set_random_seed(0)
        with KerasSeen(recorder, self, training).on():
            out = self.model(start, training=training)
        outs = [t for t in tf.nest.flatten(out) if tf.is_tensor(t)]
        parts = [
            tf.reduce_sum(tf.cast(recorder.given[n], self.dtype) * s)
            for n, s in (slopes or {}).items()
        ]
        total = sum(parts, start=tf.constant(0.0, self.dtype))
        return recorder, outs, total


def _numpy(t: Any) -> Array:
    array = tf.convert_to_tensor(t).numpy()
    return np.array(
        array,
        float if np.issubdtype(array.dtype, np.floating) or "bfloat" in str(array.dtype) else None,
    )
