"""A module or an op of this library as a kind of port_formulas.py with its options."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microgradnn import nn

from .call_reading import Read, pairs, reduced, ring, same_shape

OWN = {"mean": "running_mean", "var": "running_var"}  # else a part is called as its attribute
PLAIN: dict[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.SELU: "selu", nn.SiLU: "silu", nn.Mish: "mish",
    nn.Sigmoid: "sigmoid", nn.Tanh: "tanh", nn.Softsign: "softsign", nn.Softplus: "softplus",
    nn.Hardsigmoid: "hardsigmoid", nn.Hardswish: "hardswish", nn.LogSigmoid: "logsigmoid",
}  # fmt: skip
OPS = ("add", "sub", "mul", "div", "matmul", "maximum", "minimum")
SINGLE = ("relu", "tanh", "sigmoid", "exp", "log", "sqrt", "abs", "neg", "square", "erf")


def read_module(
    of: nn.Module, x: Any, out: Any, training: bool, tokens: Mapping[str, Any]
) -> Read | None:
    """What a module is; `tokens` stand for its parameters and buffers, by their attributes."""
    kind = type(of)
    if kind in PLAIN:
        return Read(PLAIN[kind], {"input": x})
    if isinstance(of, nn.Flatten | nn.Unflatten):
        return same_shape(x, out)
    if isinstance(of, nn.Dropout):
        return Read("dropout", {"input": x}, {"p": float(of.p), "training": training})
    for reader in (_option, _pool):
        found = reader(of, x)
        if found is not None:
            return found
    return _weighted(of, x, training, tokens)


def _weighted(of: Any, x: Any, training: bool, tokens: Mapping[str, Any]) -> Read | None:
    """Layers with parameters."""
    if isinstance(of, nn.Linear):
        return Read("linear", _with(x, tokens, "weight", "bias"))
    if isinstance(of, nn.Embedding):
        return Read("embedding", _with(x, tokens, "weight"))
    if type(of) in (nn.Conv1d, nn.Conv2d):
        return _conv(of, x, tokens)
    if type(of) in (nn.BatchNorm1d, nn.BatchNorm2d):
        o = dict(eps=of.eps, training=training, momentum=of.momentum, unbiased=True)
        return Read("batch_norm", _with(x, tokens, "weight", "bias", "mean", "var"), o)
    if isinstance(of, nn.LayerNorm):
        axes = tuple(range(-len(of.normalized_shape), 0))
        return Read("layer_norm", _with(x, tokens, "weight", "bias"), {"eps": of.eps, "axes": axes})
    if isinstance(of, nn.GroupNorm):
        o = {"groups": of.num_groups, "eps": of.eps}
        return Read("group_norm", _with(x, tokens, "weight", "bias"), o)
    return _recurrent(of, x, tokens) if isinstance(of, nn.LSTM | nn.GRU | nn.RNN) else None


def _with(x: Any, tokens: Mapping[str, Any], *parts: str) -> dict[str, Any]:
    named = {part: tokens.get(OWN.get(part, part)) for part in parts}
    return {"input": x, **{part: t for part, t in named.items() if t is not None}}


def _option(of: nn.Module, x: Any) -> Read | None:
    """Activations that have a number or a word."""
    own = vars(of)
    match of:
        case nn.LeakyReLU():
            return Read("leaky_relu", {"input": x}, {"slope": own["negative_slope"]})
        case nn.ELU():
            return Read("elu", {"input": x}, {"alpha": own["alpha"]})
        case nn.GELU():
            return Read("gelu", {"input": x}, {"approximate": own["approximate"]})
        case nn.Hardtanh():
            return Read("hardtanh", {"input": x}, {"low": own["min_val"], "high": own["max_val"]})
        case nn.Softmax() | nn.LogSoftmax():
            kind = "softmax" if isinstance(of, nn.Softmax) else "log_softmax"
            return Read(kind, {"input": x}, {"axis": own["axis"] % len(x.shape)})
    return None


def _conv(of: Any, x: Any, tokens: Mapping[str, Any]) -> Read:
    size, padding = of.kernel_size, of.padding
    if isinstance(padding, str):
        padding = ring(padding, x.shape[2:], size, of.stride, of.dilation)
    else:
        padding = pairs(padding, len(size))
    o = dict(stride=of.stride, padding=padding, dilation=of.dilation, groups=of.groups)
    return Read("conv", _with(x, tokens, "weight", "bias"), o)


def _pool(of: Any, x: Any) -> Read | None:
    if isinstance(of, nn.AdaptiveAvgPool2d):
        if set(np.ravel(of.output_size)) == {1}:
            return Read("global_pool", {"input": x}, {"how": "mean"})
        return None
    if not isinstance(of, nn.MaxPool2d | nn.MaxPool1d | nn.AvgPool1d | nn.AvgPool2d):
        return None
    o: dict[str, Any] = dict(
        size=of.kernel_size, stride=of.stride, padding=pairs(of.padding, len(of.kernel_size))
    )
    o["ceil_mode"] = of.ceil_mode
    if isinstance(of, nn.AvgPool1d):  # and AvgPool2d
        return Read("avg_pool", {"input": x}, {**o, "count_include_pad": of.count_include_pad})
    return Read("max_pool", {"input": x}, o) if set(np.ravel(of.dilation)) == {1} else None


def _recurrent(of: Any, x: Any, tokens: Mapping[str, Any]) -> Read | None:
    if of.num_layers != 1 or of.bidirectional or not of.batch_first:
        return None
    names = {"weight": "weight_ih_l0", "recurrent": "weight_hh_l0", "bias": "bias_ih_l0",
             "recurrent_bias": "bias_hh_l0"}  # fmt: skip
    given = {part: tokens[n] for part, n in names.items() if n in tokens}
    cell = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}[type(of).__name__]
    o: dict[str, Any] = {"cell": cell, "sequences": True}
    if cell == "rnn":
        o["nonlinearity"] = of.nonlinearity
    held = {"weight": "transposed", "recurrent": "transposed"}
    return Read("recurrent", {"input": x, **given}, o, held)


def read_op(t: Any, parents: Sequence[Any], plain: Sequence[Any]) -> Read | None:
    """What an op between modules is. `plain` are its inputs, nodes replaced by `parents`."""
    name, o = str(t.op.name), dict(t.params)
    if name in OPS and len(plain) == 2:
        return Read(name, {"left": plain[0], "right": plain[1]})
    if name in SINGLE:
        return Read(name, {"input": plain[0]})
    if name in ("sum", "mean", "max"):
        return reduced(name, plain[0], o.get("axis"), bool(o.get("keepdims")), {})
    if name == "reshape":
        return same_shape(plain[0], t)
    if name == "transpose" and o.get("axes"):
        return Read("transpose", {"input": plain[0]}, {"axes": tuple(o["axes"])})
    if name in ("softmax", "log_softmax") and isinstance(o.get("axis"), int):
        return Read(name, {"input": plain[0]}, {"axis": o["axis"] % len(t.shape)})
    if name == "concatenate":
        return Read(
            name, {str(i): p for i, p in enumerate(plain)}, {"axis": o["axis"] % len(t.shape)}
        )
    if name == "pow" and isinstance(plain[1], int | float):
        return Read("pow", {"input": plain[0]}, {"exponent": plain[1]})
    if name == "getitem":
        index = o["index"] if isinstance(o["index"], tuple) else (o["index"],)
        simple = all(i is None or i is ... or isinstance(i, int | slice) for i in index)
        return Read("getitem", {"input": plain[0]}, {"index": index}) if simple else None
    return None
