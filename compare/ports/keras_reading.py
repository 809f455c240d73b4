"""A layer or a function of Keras as a kind of port_formulas.py with its options."""

from collections.abc import Callable, Sequence
from typing import Any

from .call_reading import Read, binary, reduced, ring, same_shape, sizes
from .keras_functions import SAME, function

Reader = Callable[[Any, Any, Any, bool], Read | None]  # layer, input, output, training
LAYERS: dict[str, Reader] = {}


def layer(*names: str) -> Callable[[Reader], Reader]:
    """Enters the reader of a layer."""

    def enter(do: Reader) -> Reader:
        LAYERS.update(dict.fromkeys(names, do))
        return do

    return enter


def _grid(of: Any, x: Any) -> tuple[bool, list[int]]:
    """Whether channels are last, and the places of x."""
    last = getattr(of, "data_format", "channels_last") == "channels_last"
    shape = [int(n) for n in x.shape]
    return last, shape[1:-1] if last else shape[2:]


def _own(of: Any, **parts: str) -> dict[str, Any]:
    found = {part: getattr(of, name, None) for part, name in parts.items()}
    return {part: v for part, v in found.items() if v is not None}


@layer("Dense")
def _dense(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("linear", {"input": x, **_own(of, weight="kernel", bias="bias")})


@layer("Conv1D", "Conv2D", "Conv3D")
def _conv(of: Any, x: Any, out: Any, training: bool) -> Read:
    last, grid = _grid(of, x)
    o = _windows(of, grid, of.kernel_size) | {"groups": of.groups, "last": last}
    if of.padding == "causal":
        o["padding"] = (((of.kernel_size[0] - 1) * o["dilation"][0], 0),)
    given = {"input": x, **_own(of, weight="kernel", bias="bias")}
    return Read("conv", given, o, {"weight": "kernel last"})


@layer("DepthwiseConv1D", "DepthwiseConv2D")
def _depthwise(of: Any, x: Any, out: Any, training: bool) -> Read:
    last, grid = _grid(of, x)
    channels = int(x.shape[-1 if last else 1])
    o = _windows(of, grid, of.kernel_size) | {"groups": channels, "last": last}
    given = {"input": x, **_own(of, weight="kernel", bias="bias")}
    return Read("conv", given, o, {"weight": "depthwise"})


def _windows(of: Any, grid: Sequence[int], size: Sequence[int]) -> dict[str, Any]:
    n = len(grid)
    stride = sizes(of.strides, n)
    dilation = sizes(getattr(of, "dilation_rate", 1), n)
    padding = ring(of.padding, grid, size, stride, dilation)
    return {"stride": stride, "padding": padding, "dilation": dilation}


@layer("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D")
def _pool(of: Any, x: Any, out: Any, training: bool) -> Read:
    last, grid = _grid(of, x)
    size = sizes(of.pool_size, len(grid))
    found = _windows(of, grid, size)
    o = {"size": size, "stride": found["stride"], "padding": found["padding"], "last": last}
    o["ceil_mode"] = False
    if "Average" not in type(of).__name__:
        return Read("max_pool", {"input": x}, o)
    return Read("avg_pool", {"input": x}, {**o, "count_include_pad": False})


@layer("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
       "GlobalMaxPooling2D")  # fmt: skip
def _global(of: Any, x: Any, out: Any, training: bool) -> Read:
    last, grid = _grid(of, x)
    start = 1 if last else 2
    kind = "mean" if "Average" in type(of).__name__ else "max"
    return reduced(kind, x, range(start, start + len(grid)), bool(of.keepdims), {})


@layer("BatchNormalization")
def _batch_norm(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    n, axis = len(x.shape), of.axis if isinstance(of.axis, int) else of.axis[0]
    if axis % n not in (1, n - 1):
        return None
    parts = dict(weight="gamma", bias="beta", mean="moving_mean", var="moving_variance")
    o = dict(eps=of.epsilon, training=training and of.trainable, momentum=1 - of.momentum)
    more = {"unbiased": False, "last": axis % n == n - 1 and n > 2}
    return Read("batch_norm", {"input": x, **_own(of, **parts)}, o | more)


@layer("LayerNormalization")
def _layer_norm(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    n = len(x.shape)
    axes = tuple(sorted(i % n - n for i in ([of.axis] if isinstance(of.axis, int) else of.axis)))
    if getattr(of, "rms_scaling", False):
        return None
    given = {"input": x, **_own(of, weight="gamma", bias="beta")}
    return Read("layer_norm", given, {"eps": of.epsilon, "axes": axes})


@layer("RMSNormalization")
def _rms_norm(of: Any, x: Any, out: Any, training: bool) -> Read:
    given = {"input": x, **_own(of, weight="scale")}
    return Read("rms_norm", given, {"eps": of.epsilon, "axes": (-1,)})


@layer("GroupNormalization")
def _group_norm(of: Any, x: Any, out: Any, training: bool) -> Read:
    given = {"input": x, **_own(of, weight="gamma", bias="beta")}
    o = {"groups": of.groups, "eps": of.epsilon, "last": of.axis in (-1, len(x.shape) - 1)}
    return Read("group_norm", given, o)


@layer("Embedding")
def _embedding(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("embedding", {"input": x, "weight": of._embeddings})


@layer("Dropout", "SpatialDropout1D", "SpatialDropout2D")
def _dropout(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("dropout", {"input": x}, {"p": float(of.rate), "training": training})


@layer("Activation")
def _activation(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    return function(getattr(of.activation, "__name__", ""), {"x": x}, out)


@layer("LeakyReLU")
def _leaky(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("leaky_relu", {"input": x}, {"slope": float(of.negative_slope)})


@layer("ELU")
def _elu(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("elu", {"input": x}, {"alpha": float(of.alpha)})


@layer("ReLU")
def _relu(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    if of.threshold:
        return None
    if of.max_value is not None:
        return Read("relu6", {"input": x}) if of.max_value == 6 and not of.negative_slope else None
    if of.negative_slope:
        return Read("leaky_relu", {"input": x}, {"slope": float(of.negative_slope)})
    return Read("relu", {"input": x})


@layer("Softmax")
def _softmax(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    if not isinstance(of.axis, int):
        return None
    return Read("softmax", {"input": x}, {"axis": of.axis % len(x.shape)})


@layer("Flatten", "Reshape")
def _reshape(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    if getattr(of, "data_format", "channels_last") != "channels_last":
        return None
    return same_shape(x, out)


@layer("Permute")
def _permute(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("transpose", {"input": x}, {"axes": (0, *of.dims)})


@layer("ZeroPadding1D", "ZeroPadding2D")
def _pad(of: Any, x: Any, out: Any, training: bool) -> Read:
    last, grid = _grid(of, x)
    given = of.padding
    pairs = tuple(tuple(p) for p in given) if len(grid) > 1 else (tuple(given),)
    return Read("pad", {"input": x}, {"padding": pairs, "mode": "constant", "last": last})


@layer("Add", "Subtract", "Multiply", "Maximum", "Minimum")
def _merge(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    name = type(of).__name__.lower()
    return binary(SAME.get(name, name), *x) if len(x) == 2 else None


@layer("Concatenate")
def _concatenate(of: Any, x: Any, out: Any, training: bool) -> Read:
    axis = of.axis % len(out.shape)
    return Read("concatenate", {str(i): t for i, t in enumerate(x)}, {"axis": axis})


@layer("Identity", "InputLayer")
def _identity(of: Any, x: Any, out: Any, training: bool) -> Read:
    return Read("identity", {"input": x})


@layer("LSTM", "GRU", "SimpleRNN")
def _recurrent(of: Any, x: Any, out: Any, training: bool) -> Read | None:
    cell = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}[type(of).__name__]
    named = [getattr(of.cell, n, None) for n in ("activation", "recurrent_activation")]
    names = [getattr(f, "__name__", None) for f in named]
    usual = [["tanh", "sigmoid"], ["tanh", "hard_sigmoid"]]
    gated = cell != "rnn" and names not in (usual if cell == "lstm" else usual[:1])
    if of.stateful or of.return_state or of.unroll or gated:
        return None
    if cell == "gru" and not of.reset_after:
        return None
    o: dict[str, Any] = {"cell": cell, "sequences": bool(of.return_sequences)}
    o |= {"backwards": True} if of.go_backwards else {}
    o |= {"nonlinearity": names[0]} if cell == "rnn" and names[0] != "tanh" else {}
    o |= {"gate": "hardsigmoid"} if names[1:] == ["hard_sigmoid"] else {}
    held = "gates of Keras' GRU, transposed" if cell == "gru" else "transposed"
    given = {"input": x, **_own(of.cell, weight="kernel", recurrent="recurrent_kernel")}
    laid = {"weight": held, "recurrent": held}
    if cell == "gru" and of.cell.bias is not None:
        halves = {"bias": (of.cell.bias, 0), "recurrent_bias": (of.cell.bias, 1)}
        laid |= dict.fromkeys(halves, "gates of Keras' GRU")
        return Read("recurrent", {**given, **halves}, o, laid)
    return Read("recurrent", {**given, **_own(of.cell, bias="bias")}, o, laid)
