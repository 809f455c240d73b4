"""A call of a function of PyTorch, with its real arguments, as a kind of port_formulas.py.

Layers of torch.nn call these functions, so what is read is what is computed, and not what a layer
says of itself.
"""

from collections.abc import Mapping
from typing import Any

from . import torch_moves
from .call_reading import Read, Reader, binary, enters, pairs, ring, same_shape, sizes

# The arguments by position, as PyTorch names them.
NAMES = {
    "linear": "input weight bias",
    "conv1d": "input weight bias stride padding dilation groups",
    "conv_transpose1d": "input weight bias stride padding output_padding groups dilation",
    "batch_norm": "input running_mean running_var weight bias training momentum eps",
    "layer_norm": "input normalized_shape weight bias eps",
    "rms_norm": "input normalized_shape weight eps",
    "group_norm": "input num_groups weight bias eps",
    "max_pool1d": "input kernel_size stride padding dilation ceil_mode return_indices",
    "avg_pool1d": "input kernel_size stride padding ceil_mode count_include_pad divisor_override",
    "adaptive_avg_pool1d": "input output_size",
    "adaptive_max_pool1d": "input output_size",
    "gelu": "input approximate",
    "leaky_relu": "input negative_slope inplace",
    "elu": "input alpha inplace",
    "celu": "input alpha inplace",
    "softplus": "input beta threshold",
    "hardtanh": "input min_val max_val inplace",
    "clamp": "input min max",
    "softmax": "input dim",
    "log_softmax": "input dim",
    "dropout": "input p training inplace",
    "embedding": "input weight padding_idx",
    "flatten": "input start_dim end_dim",
    "unflatten": "input dim sizes",
    "squeeze": "input dim",
    "unsqueeze": "input dim",
    "transpose": "input dim0 dim1",
    "pad": "input pad mode value",
    "mean": "input dim keepdim",
    "sum": "input dim keepdim",
    "amax": "input dim keepdim",
    "var": "input dim correction keepdim",
    "std": "input dim correction keepdim",
    "cat": "tensors dim",
    "pow": "input exponent",
    "scaled_dot_product_attention": "query key value attn_mask dropout_p is_causal scale",
}
SAME = {"conv2d": "conv1d", "conv3d": "conv1d", "max_pool2d": "max_pool1d",
        "avg_pool2d": "avg_pool1d", "adaptive_avg_pool2d": "adaptive_avg_pool1d",
        "adaptive_max_pool2d": "adaptive_max_pool1d", "conv_transpose2d": "conv_transpose1d",
        "true_divide": "div", "multiply": "mul", "subtract": "sub", "swapaxes": "transpose",
        "concat": "cat", "concatenate": "cat", "alpha_dropout": "dropout", "dropout2d": "dropout",
        "feature_dropout": "dropout", "clip": "clamp", "mm": "matmul", "bmm": "matmul",
        "radd": "add", "rmul": "mul", "hard_sigmoid": "hardsigmoid"}  # fmt: skip
PLAIN = (
    "relu relu6 selu silu mish sigmoid tanh softsign hardsigmoid hardswish logsigmoid exp log sqrt "
    "rsqrt abs neg square erf reciprocal"
).split()
SHAPED = "view reshape flatten squeeze unsqueeze unflatten view_as reshape_as contiguous".split()
BINARY = ("add", "sub", "mul", "div", "matmul", "maximum", "minimum")
UNSEEN = ("clone", "contiguous", "to", "type", "double", "float", "type_as", "requires_grad_",
          "alias", "__getstate__")  # fmt: skip


def read(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], out: Any) -> Read | None:
    """What the call is, or None where that is not known. `out` is what it gave."""
    name = name.strip("_") if name.startswith("__") and name != "__getitem__" else name.rstrip("_")
    name = SAME.get(name, name) if not name.startswith("__get") else "getitem"
    if name in ("rsub", "rdiv", "rtruediv"):
        return binary("sub" if name == "rsub" else "div", args[1], args[0])
    if name in BINARY:
        plain = not kwargs or set(kwargs) <= {"other"}
        right = args[1] if len(args) > 1 else kwargs.get("other")
        return binary(name, args[0], right) if plain else None
    names = NAMES.get(name, "input").split()
    a = {**dict(zip(names, args, strict=False)), **kwargs}
    if name in PLAIN:
        return Read(name, {"input": args[0]} if args else {"input": kwargs.get("input")})
    if name in SHAPED:
        return same_shape(args[0], out)
    reader = READERS.get(name) or torch_moves.READERS.get(name)
    return reader(a, args) if reader else None


READERS: dict[str, Reader] = {}


def _with(a: Mapping[str, Any], *names: str, **others: str) -> dict[str, Any]:
    """The tensors among the arguments by the names of their parts."""
    found = {name: a.get(name) for name in names}
    found |= {part: a.get(name) for part, name in others.items()}
    return {part: t for part, t in found.items() if t is not None}


@enters(READERS, "linear")
def _linear(a: dict[str, Any], _: Any) -> Read:
    held = {"weight": "transposed"}
    return Read("linear", _with(a, "input", "weight", "bias"), held=held)


@enters(READERS, "conv1d", "conv2d", "conv3d")
def _conv(a: dict[str, Any], _: Any) -> Read:
    n = a["weight"].dim() - 2
    stride, dilation = sizes(a.get("stride", 1), n), sizes(a.get("dilation", 1), n)
    size = a["weight"].shape[2:]
    given = a.get("padding", 0)
    if isinstance(given, str):
        grid = a["input"].shape[2:]
        padding = ring(given, grid, size, stride, dilation)
    else:
        padding = tuple((p, p) for p in sizes(given, n))
    o = dict(stride=stride, padding=padding, dilation=dilation, groups=a.get("groups", 1))
    return Read("conv", _with(a, "input", "weight", "bias"), o)


@enters(READERS, "conv_transpose1d", "conv_transpose2d")
def _conv_transpose(a: dict[str, Any], _: Any) -> Read:
    n = a["weight"].dim() - 2
    defaults = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
    o: dict[str, Any] = {k: sizes(a.get(k, v), n) for k, v in defaults.items()}
    return Read(
        "conv_transpose", _with(a, "input", "weight", "bias"), o | {"groups": a.get("groups", 1)}
    )


@enters(READERS, "batch_norm")
def _batch_norm(a: dict[str, Any], _: Any) -> Read:
    given = _with(a, "input", "weight", "bias", mean="running_mean", var="running_var")
    training, momentum = bool(a.get("training", False)), a.get("momentum", 0.1)
    o = dict(eps=a.get("eps", 1e-5), training=training, momentum=momentum, unbiased=True)
    return Read("batch_norm", given, o)


@enters(READERS, "layer_norm")
def _layer_norm(a: dict[str, Any], _: Any) -> Read:
    axes = tuple(range(-len(a["normalized_shape"]), 0))
    o = dict(eps=a.get("eps", 1e-5), axes=axes)
    return Read("layer_norm", _with(a, "input", "weight", "bias"), o)


@enters(READERS, "rms_norm")
def _rms_norm(a: dict[str, Any], _: Any) -> Read:
    axes = tuple(range(-len(a["normalized_shape"]), 0))
    eps = a.get("eps")
    o = dict(eps=2.0**-52 if eps is None else eps, axes=axes)
    return Read("rms_norm", _with(a, "input", "weight"), o)


@enters(READERS, "group_norm")
def _group_norm(a: dict[str, Any], _: Any) -> Read:
    o = dict(groups=a["num_groups"], eps=a.get("eps", 1e-5))
    return Read("group_norm", _with(a, "input", "weight", "bias"), o)


@enters(READERS, "max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d")
def _pool(a: dict[str, Any], _: Any) -> Read | None:
    n = a["input"].dim() - 2
    size = sizes(a["kernel_size"], n)
    stride = sizes(a.get("stride") if a.get("stride") not in (None, []) else size, n)
    kind = "avg_pool" if "count_include_pad" in a or "divisor_override" in a else None
    o: dict[str, Any] = dict(size=size, stride=stride, padding=pairs(a.get("padding", 0), n))
    o["ceil_mode"] = bool(a.get("ceil_mode", False))
    if any(d != 1 for d in sizes(a.get("dilation", 1), n)) or a.get("divisor_override"):
        return None
    return Read(kind or "max_pool", {"input": a["input"]}, o)


def _avg(a: dict[str, Any], args: tuple[Any, ...]) -> Read | None:
    found = _pool({**a, "count_include_pad": a.get("count_include_pad", True)}, args)
    if found is not None:
        found.options["count_include_pad"] = bool(a.get("count_include_pad", True))
    return found


READERS["avg_pool1d"] = READERS["avg_pool2d"] = _avg


@enters(READERS, "adaptive_avg_pool1d", "adaptive_avg_pool2d")
def _adaptive(a: dict[str, Any], _: Any) -> Read | None:
    return _global(a, "mean")


@enters(READERS, "adaptive_max_pool1d", "adaptive_max_pool2d")
def _adaptive_max(a: dict[str, Any], _: Any) -> Read | None:
    return _global(a, "max")


def _global(a: dict[str, Any], how: str) -> Read | None:
    """Adaptive pooling whose windows are equal is pooling; to one place it is global."""
    grid = tuple(a["input"].shape[2:])
    to = sizes(a["output_size"], len(grid))
    if all(m == 1 for m in to):
        return Read("global_pool", {"input": a["input"]}, {"how": how})
    if any(m is None or n % m for n, m in zip(grid, to, strict=True)):
        return None
    size = tuple(n // m for n, m in zip(grid, to, strict=True))
    kind = "avg_pool" if how == "mean" else "max_pool"
    return Read(
        kind,
        {"input": a["input"]},
        dict(size=size, stride=size, padding=pairs(0, len(size)), ceil_mode=False),
    )


@enters(READERS, "gelu")
def _gelu(a: dict[str, Any], _: Any) -> Read:
    return Read("gelu", {"input": a["input"]}, {"approximate": a.get("approximate", "none")})


@enters(READERS, "leaky_relu")
def _leaky(a: dict[str, Any], _: Any) -> Read:
    return Read("leaky_relu", {"input": a["input"]}, {"slope": a.get("negative_slope", 0.01)})


@enters(READERS, "elu")
def _elu(a: dict[str, Any], _: Any) -> Read:
    return Read("elu", {"input": a["input"]}, {"alpha": a.get("alpha", 1.0)})


@enters(READERS, "celu")
def _celu(a: dict[str, Any], _: Any) -> Read:
    return Read("celu", {"input": a["input"]}, {"alpha": a.get("alpha", 1.0)})


@enters(READERS, "softplus")
def _softplus(a: dict[str, Any], _: Any) -> Read | None:
    return Read("softplus", {"input": a["input"]}) if a.get("beta", 1) == 1 else None


@enters(READERS, "hardtanh", "clamp")
def _hardtanh(a: dict[str, Any], _: Any) -> Read | None:
    low, high = a.get("min_val", a.get("min", -1.0)), a.get("max_val", a.get("max", 1.0))
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    return Read("hardtanh", {"input": a["input"]}, {"low": float(low), "high": float(high)})


@enters(READERS, "softmax")
def _softmax_like(a: dict[str, Any], _: Any) -> Read:
    return _softmax(a, _)


def _softmax(a: dict[str, Any], _: Any, kind: str = "softmax") -> Read:
    axis = a.get("dim")
    n = a["input"].dim()
    axis = (0 if n in (0, 1, 3) else 1) if axis is None else axis
    return Read(kind, {"input": a["input"]}, {"axis": int(axis) % n})


READERS["log_softmax"] = lambda a, args: _softmax(a, args, "log_softmax")


@enters(READERS, "dropout")
def _dropout(a: dict[str, Any], _: Any) -> Read:
    o = {"p": float(a.get("p", 0.5)), "training": bool(a.get("training", True))}
    return Read("dropout", {"input": a["input"]}, o)


@enters(READERS, "embedding")
def _embedding(a: dict[str, Any], _: Any) -> Read:
    return Read("embedding", _with(a, "input", "weight"))
