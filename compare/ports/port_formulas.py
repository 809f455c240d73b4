"""What the kinds of calls compute, in this library's functions: in these, repairs are tried.

Nothing is believed of it: a call of a port has a form only where the form gives what the port gave.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.nn import functional as F

from . import weight_layouts
from .recurrent_formulas import recurrent
from .seen_calls import PortCall

Options = Mapping[str, Any]
Given = Mapping[str, Any]  # arrays by part
Array = np.ndarray

ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "relu": lambda x: F.relu(x),
    "relu6": lambda x: F.relu6(x),
    "leaky_relu": lambda x, slope: F.leaky_relu(x, slope),
    "elu": lambda x, alpha: F.elu(x, alpha),
    "celu": lambda x, alpha: F.celu(x, alpha),
    "selu": lambda x: F.selu(x),
    "gelu": lambda x, approximate: F.gelu(x, approximate),
    "silu": lambda x: F.silu(x),
    "mish": lambda x: F.mish(x),
    "sigmoid": lambda x: F.sigmoid(x),
    "tanh": lambda x: F.tanh(x),
    "softplus": lambda x: F.softplus(x),
    "softsign": lambda x: F.softsign(x),
    "hardtanh": lambda x, low, high: F.hardtanh(x, low, high),
    "hardsigmoid": lambda x: F.hardsigmoid(x),
    "hardswish": lambda x: F.hardswish(x),
    "logsigmoid": lambda x: F.logsigmoid(x),
    "exp": lambda x: mg.exp(x),
    "log": lambda x: mg.log(x),
    "sqrt": lambda x: mg.sqrt(x),
    "rsqrt": lambda x: 1 / mg.sqrt(x),
    "abs": lambda x: mg.abs(x),
    "neg": lambda x: -x,
    "square": lambda x: x * x,
    "erf": lambda x: mg.erf(x),
    "reciprocal": lambda x: 1 / x,
    "identity": lambda x: x * 1.0,
    "pow": lambda x, exponent: x**exponent,
    "dropout": lambda x, p, training: x * 1.0,  # what it keeps is chance: its rate is compared
}
ACTIVATIONS = (
    "relu", "relu6", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh",
    "softplus", "softsign", "hardtanh", "hardsigmoid", "hardswish", "logsigmoid", "softmax",
    "log_softmax", "exp",
)  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "matmul": lambda a, b: a @ b,
    "maximum": lambda a, b: mg.maximum(a, b),
    "minimum": lambda a, b: mg.minimum(a, b),
}
REDUCED: dict[str, Callable[..., Any]] = {
    "mean": lambda x, axis, keepdims: x.mean(axis, keepdims=keepdims),
    "sum": lambda x, axis, keepdims: x.sum(axis, keepdims=keepdims),
    "max": lambda x, axis, keepdims: x.max(axis, keepdims=keepdims),
    "var": lambda x, axis, keepdims, correction: mg.var(
        x, axis, ddof=correction, keepdims=keepdims
    ),
    "std": lambda x, axis, keepdims, correction: mg.std(
        x, axis, ddof=correction, keepdims=keepdims
    ),
}


def evaluate(call: PortCall, sources: Sequence[Any], params: Given) -> Any:
    """What the call gives for its sources, Tensors or arrays in the port's layout, and parameters.

    `params` are by name. Raises KeyError where there is no form.
    """
    given: dict[str, Any] = dict(zip(call.parts, sources, strict=True))
    given |= {part: params[name] for part, name in call.params.items()}
    given |= call.constants
    given = {part: mg.tensor(a) if isinstance(a, np.ndarray) else a for part, a in given.items()}
    return FORMS[call.kind](given, call.options)


def known(call: PortCall) -> bool:
    """Whether there is a form of this kind."""
    return call.kind in FORMS


def _spatial(do: Callable[..., Any]) -> Callable[..., Any]:
    """A form for channels first, for either."""

    def either(given: Given, o: Options) -> Any:
        if not o.get("last"):
            return do(given, o)
        return weight_layouts.last(do({**given, "input": weight_layouts.first(given["input"])}, o))

    return either


def _padded(x: Any, o: Options, value: float = 0.0) -> Any:
    """x with pairs of numbers around its spatial axes."""
    pairs = o.get("padding", ())
    if not any(map(any, pairs)):
        return x
    flat = tuple(int(n) for pair in reversed(pairs) for n in pair)
    mode = o.get("mode", "constant")
    return F.pad(x, flat, mode, value if mode == "constant" else None)


def _conv(given: Given, o: Options) -> Any:
    x, w = _padded(given["input"], o), given["weight"]
    every: list[Any] = [F.conv1d, F.conv2d, F.conv3d]
    do = every[len(w.shape) - 3]
    return do(x, w, given.get("bias"), o["stride"], 0, o["dilation"], o["groups"])


def _conv_transpose(given: Given, o: Options) -> Any:
    w = given["weight"]
    both: list[Any] = [F.conv_transpose1d, F.conv_transpose2d]
    do = both[len(w.shape) - 3]
    return do(
        given["input"], w, given.get("bias"), o["stride"], o["padding"], o["output_padding"],
        o["groups"], o["dilation"],
    )  # fmt: skip


def _max_pool(given: Given, o: Options) -> Any:
    x = _padded(given["input"], o, -np.inf)
    do = {3: F.max_pool1d, 4: F.max_pool2d}[len(x.shape)]
    return do(x, o["size"], o["stride"], ceil_mode=o.get("ceil_mode", False))


def _avg_pool(given: Given, o: Options) -> Any:
    x, pairs = given["input"], o.get("padding", ())
    do = {3: F.avg_pool1d, 4: F.avg_pool2d}[len(x.shape)]
    ceil = o.get("ceil_mode", False)
    sums = do(_padded(x, o), o["size"], o["stride"], ceil_mode=ceil)
    if o.get("count_include_pad", True) or not any(map(any, pairs)):
        return sums
    return sums / do(_padded(mg.tensor(np.ones(x.shape)), o), o["size"], o["stride"])


def _global_pool(given: Given, o: Options) -> Any:
    x = given["input"]
    axes = tuple(range(2, len(x.shape)))
    how = o.get("how", "mean")
    return (x.mean(axes, keepdims=True)) if how == "mean" else x.max(axes, keepdims=True)


def _batch_norm(given: Given, o: Options) -> Any:
    x = given["input"]
    own = [given.get("weight"), given.get("bias")]
    if o["training"] and o.get("correction"):
        axes = (0, *range(2, len(x.shape)))
        return _standardised(x, axes, own, (1, -1, *(1,) * (len(x.shape) - 2)), o)
    mean, var = (np.array(_plain(given[part])) if part in given else None for part in KEPT)
    kept = (None, None) if o["training"] else (mean, var)
    batch = o["training"] or mean is None
    return F.batch_norm(x, kept[0], kept[1], own[0], own[1], batch, 0.1, o["eps"])


def _standardised(x: Any, axes: Any, own: Sequence[Any], shape: Any, o: Options) -> Any:
    """x over axes, with a variance divided by n - correction, or eps added to the deviation."""
    d = x - x.mean(axes, keepdims=True)
    var = mg.var(x, axes, ddof=o.get("correction", 0), keepdims=True)
    root = mg.sqrt(var) + o["eps"] if o.get("eps_outside") else mg.sqrt(var + o["eps"])
    y = d / root
    gain, shift = own
    y = y if gain is None else y * gain.reshape(shape)
    return y if shift is None else y + shift.reshape(shape)


def _layer_norm(given: Given, o: Options) -> Any:
    x, axes = given["input"], tuple(o["axes"])
    own = [given.get("weight"), given.get("bias")]
    shape = tuple(n if i - len(x.shape) in axes else 1 for i, n in enumerate(x.shape))
    for part in own:  # of the last axes, whatever is standardised
        if part is not None and tuple(part.shape) == tuple(
            x.shape[len(x.shape) - len(part.shape) :]
        ):
            shape = tuple(part.shape)
    return _standardised(x, axes, own, shape, o)


def _rms_norm(given: Given, o: Options) -> Any:
    x, axes = given["input"], tuple(o["axes"])
    y = x / mg.sqrt((x * x).mean(axes, keepdims=True) + o["eps"])
    y = y if given.get("weight") is None else y * given["weight"]
    return y if given.get("bias") is None else y + given["bias"]


def _group_norm(given: Given, o: Options) -> Any:
    own = [given.get("weight"), given.get("bias")]
    return F.group_norm(given["input"], o["groups"], own[0], own[1], o["eps"])


def _attention(given: Given, o: Options) -> Any:
    q, k, v = given["query"], given["key"], given["value"]
    return F.scaled_dot_product_attention(q, k, v, is_causal=o["causal"], scale=o["scale"])


KEPT = ("mean", "var")


def _reshape(given: Given, o: Options) -> Any:
    x = given["input"]
    return x.reshape(*[x.shape[0] if n == "batch" else n for n in o["shape"]])


def _softmax(do: Callable[..., Any]) -> Callable[..., Any]:
    return lambda given, o: do(given["input"], o["axis"])


def _elementwise(do: Callable[..., Any]) -> Callable[..., Any]:
    return lambda given, o: do(given["input"], **{k: v for k, v in o.items() if k != "last"})


def _linear(given: Given, o: Options) -> Any:
    return F.linear(given["input"], given["weight"], given.get("bias"))


def _plain(a: Any) -> Any:
    return a.data if isinstance(a, nn.Parameter | mg.Tensor) else a


def _binary(do: Callable[[Any, Any], Any]) -> Callable[[Given, Options], Any]:
    return lambda given, o: do(given["left"], given["right"])


def _reduced(do: Callable[..., Any]) -> Callable[[Given, Options], Any]:
    return lambda given, o: do(given["input"], **o)


def _cast(given: Given, o: Options) -> Any:
    """The numbers as another dtype holds them; it holds the gradient too, on the way back."""

    def held(x: Any) -> Any:
        return np.asarray(x).astype(o["dtype"]).astype(float)

    @mg.custom_vjp
    def rounded(x: Any) -> Any:
        return held(_plain(x))

    def forward(x: Any) -> tuple[Any, None]:
        return held(_plain(x)), None

    def backward(_: None, g: Any) -> tuple[Any]:
        return (held(_plain(g)),)

    rounded.defvjp(forward, backward)
    return rounded(given["input"])


FORMS: dict[str, Callable[[Given, Options], Any]] = {
    **{name: _elementwise(do) for name, do in ELEMENTWISE.items()},
    **{name: _binary(do) for name, do in BINARY.items()},
    **{name: _reduced(do) for name, do in REDUCED.items()},
    "cast": _cast,
    "stop_gradient": lambda given, o: given["input"].detach() * 1.0,
    "linear": _linear,
    "conv": _spatial(_conv),
    "conv_transpose": _spatial(_conv_transpose),
    "max_pool": _spatial(_max_pool),
    "avg_pool": _spatial(_avg_pool),
    "global_pool": _spatial(_global_pool),
    "batch_norm": _spatial(_batch_norm),
    "group_norm": _spatial(_group_norm),
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "pad": _spatial(lambda given, o: _padded(given["input"], o, o.get("value", 0.0))),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
    "embedding": lambda given, o: F.embedding(np.asarray(_plain(given["input"])), given["weight"]),
    "attention": _attention,
    "recurrent": recurrent,
    "reshape": _reshape,
    "transpose": lambda given, o: given["input"].transpose(*o["axes"]),
    "getitem": lambda given, o: given["input"][o["index"]],
    "concatenate": lambda given, o: mg.concatenate(
        [given[part] for part in sorted(given, key=int)], axis=o["axis"]
    ),
}
