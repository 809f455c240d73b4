"""Keras' layers, and functions between them, wrapped so that the calls of a pass are seen."""

import functools
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from . import keras_functions, keras_reading
from .call_reading import Read
from .recorder import Recorder

import tensorflow as tf  # noqa: I001, E402  isort: skip
import keras  # noqa: I001, E402  isort: skip

for _set in (tf.config.threading.set_intra_op_parallelism_threads,
             tf.config.threading.set_inter_op_parallelism_threads):  # fmt: skip
    try:
        _set(1)  # small sums: more threads take longer
    except RuntimeError:
        pass  # it is at work already

WHOLE = ("LSTM", "GRU", "SimpleRNN", "MultiHeadAttention", "Bidirectional", "TimeDistributed",
         "GroupQueryAttention", "SeparableConv1D", "SeparableConv2D")  # fmt: skip
DROPOUTS = ("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout")
OPERATORS = {"add": "+", "radd": "+", "sub": "-", "rsub": "-", "mul": "·", "rmul": "·",
             "truediv": "/", "matmul": "@", "pow": "**", "neg": "-"}  # fmt: skip
OPS = (
    *keras_functions.PLAIN, *keras_functions.BINARY, *keras_functions.SHAPED, *keras_functions.SAME,
    "gelu", "leaky_relu", "elu", "celu", "softmax", "log_softmax", "mean", "sum", "max", "var",
    "std", "transpose", "concatenate", "stop_gradient", "cast", "power", "pow", "pad", "swapaxes",
    "stack", "einsum", "where", "dropout", "split", "take", "clip", "conv", "flip", "reverse",
    "clip_by_value", "max_pool", "average_pool", "roll", "l2_normalize", "normalize",
)  # fmt: skip


class KerasSeen:
    """Wraps Keras' ways to call, in this process, while a pass runs."""

    def __init__(self, recorder: Recorder, port: Any, calm: bool) -> None:
        self.recorder, self.port, self.inside, self.calm = recorder, port, 0, calm
        self.path: list[str] = []

    @contextmanager
    def on(self) -> Iterator[None]:
        """What is called meanwhile is seen."""
        ACTIVE.append(self)
        try:
            yield
        finally:
            ACTIVE.pop()

    def whole(self, of: Any) -> bool:
        """Whether a layer is one call, and not made of others."""
        inner = [one for one in of._flatten_layers() if one is not of]
        known = type(of).__module__.startswith("keras.") and type(of).__name__ in (
            *keras_reading.LAYERS, *WHOLE
        )  # fmt: skip
        return known or (not inner and type(of).__module__.startswith("keras."))

    def leaf(self, before: Any, of: Any, args: Any, kwargs: Any) -> Any:
        """One layer; its activation is a call of its own."""
        x = args[0]
        training = _training(kwargs)
        split = getattr(of, "activation", None) if hasattr(of, "kernel") else None
        named = getattr(split, "__name__", "")
        plan: dict[str, Any] = {}

        def activation(z: Any) -> Any:
            plan["z"] = self.note(of, x, z, training)
            self.inside -= 1
            out = split(plan["z"]) if named != "linear" else plan["z"]  # type: ignore[misc]
            self.inside += 1
            return out

        if callable(split) and type(of).__name__ not in WHOLE:
            of.activation = activation
        self.inside += 1
        self.path.append(of.name)
        calm = self.calm and training and type(of).__name__ in DROPOUTS
        try:
            out = tf.identity(x) if calm else before(of, *args, **kwargs)
        finally:
            self.inside -= 1
            self.path.pop()
            if callable(split) and type(of).__name__ not in WHOLE:
                of.activation = split
        return out if "z" in plan else self.note(of, x, out, training)

    def note(self, of: Any, x: Any, out: Any, training: bool) -> Any:
        """Tells the recorder of a layer that gave `out`."""
        reader = keras_reading.LAYERS.get(type(of).__name__)
        read: Read | None = None
        outs = [t for t in tf.nest.flatten(out) if tf.is_tensor(t)]
        if reader is not None and type(of).__module__.startswith("keras."):
            read = reader(of, x, outs[0], training)
        if read is not None:
            read.given = {part: self.half(t) for part, t in read.given.items()}
        before = [*tf.nest.flatten(x), *of.weights]
        if _same(read, before[0], outs[0]):
            return before[0]
        new = self.recorder.call(of.name, type(of).__name__, read, before, outs)
        return tf.nest.pack_sequence_as(out, new) if len(outs) > 1 else new[0]

    def half(self, thing: Any) -> Any:
        """The same object each time for one row of a variable."""
        if not isinstance(thing, tuple):
            return thing
        return self.port.halves.setdefault((id(thing[0]), thing[1]), thing)

    def function(self, name: str, before: Any, turned: bool, args: Any, kwargs: Any) -> Any:
        """A call of a function between layers."""
        flat = tf.nest.flatten((args, kwargs))
        if self.inside or not self.recorder.concerns(flat):
            return before(*args, **kwargs)
        self.inside += 1
        try:
            out = before(*args, **kwargs)
        finally:
            self.inside -= 1
        if not tf.is_tensor(out):
            return out
        shown = args[::-1] if turned else args
        read = keras_functions.function(name, _bound(before, shown, kwargs), out)
        if _same(read, flat[0], out):
            return flat[0]
        title = ".".join([*self.path, name])
        return self.recorder.call(title, "", read, flat, [out])[0]


ACTIVE: list[KerasSeen] = []  # the pass that is running


def install() -> None:
    """Wraps Keras' and TensorFlow's functions, before a user's file takes them by name."""
    spaces: list[Any] = [keras.ops, keras.activations, tf.nn, tf, tf.math]
    for space in spaces:
        for name in dict.fromkeys(OPS):
            if callable(getattr(space, name, None)):
                setattr(space, name, _function(name, getattr(space, name), False))
    for name in OPERATORS:
        turned = name in ("radd", "rsub", "rmul")
        before = getattr(tf.Tensor, f"__{name}__")
        setattr(
            tf.Tensor,
            f"__{name}__",
            _function(name.lstrip("r") if turned else name, before, turned),
        )
    keras.layers.Layer.__call__ = _layer(keras.layers.Layer.__call__)


def _function(name: str, before: Any, turned: bool) -> Any:
    @functools.wraps(before)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not ACTIVE:
            return before(*args, **kwargs)
        return ACTIVE[-1].function(name, before, turned, args, kwargs)

    return call


def _layer(before: Any) -> Any:
    @functools.wraps(before)
    def call(of: Any, *args: Any, **kwargs: Any) -> Any:
        seen = ACTIVE[-1] if ACTIVE else None
        if seen is None or seen.inside or isinstance(args[0], keras.KerasTensor):
            return before(of, *args, **kwargs)
        concerned = seen.recorder.concerns(tf.nest.flatten((args, kwargs)))
        if not concerned or not seen.whole(of):
            return before(of, *args, **kwargs)
        return seen.leaf(before, of, args, kwargs)

    return call


def _bound(do: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Arguments by name, in order."""
    try:
        found = inspect.signature(do).bind(*args, **kwargs).arguments
        return {n: v for n, v in found.items() if n != "name"}
    except (TypeError, ValueError):
        return {**{str(i): a for i, a in enumerate(args)}, **kwargs}


def _same(read: Read | None, before: Any, after: Any) -> bool:
    """Whether a call changed nothing."""
    quiet = read is not None and read.kind in ("identity", "dropout", "reshape", "cast")
    if read is not None and read.kind == "dropout" and read.options["training"]:
        quiet = not read.options["p"]
    if not quiet or not tf.is_tensor(before) or before.shape != after.shape:
        return False
    return before.dtype == after.dtype and bool(tf.reduce_all(before == after))


def _training(kwargs: Mapping[str, Any]) -> bool:
    given = kwargs.get("training")
    if given is None:
        context = keras.src.backend.common.global_state.get_global_attribute("current_call_ctx")
        given = getattr(context, "training", None)
    return bool(given)
