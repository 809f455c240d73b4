"""A call of a function of JAX as a kind of port_formulas.py with its options."""

import inspect
from collections.abc import Mapping
from typing import Any

import jax

from .call_reading import Read, sizes
from .keras_functions import function

SAME = {"soft_sign": "softsign", "logistic": "sigmoid", "truediv": "div", "flatten": "ravel",
        "dot": "matmul", "astype": "cast"}  # fmt: skip


DEFAULTS: dict[str, tuple[str, Any]] = {
    "gelu": ("approximate", True),
    "leaky_relu": ("negative_slope", 0.01),
}


def read(name: str, do: Any, args: Any, kwargs: Any, out: Any) -> Read | None:
    """What the call is, or None where that is not known."""
    try:
        a = dict(inspect.signature(do).bind(*args, **kwargs).arguments)
    except (TypeError, ValueError):
        a = {**{str(i): v for i, v in enumerate(args)}, **kwargs}
    name, x = SAME.get(name, name), args[0]
    if name in DEFAULTS:
        a.setdefault(*DEFAULTS[name])
    match name:
        case "getitem":
            return _getitem(x, args[1])
        case "transpose":
            axes = args[1:] if len(args) > 2 else a.get("axes", args[1] if len(args) > 1 else None)
            return function(name, {"x": x, "axes": axes}, out)
        case "reshape" | "ravel" | "squeeze" | "expand_dims":
            return function("reshape", {"x": x}, out)
        case "conv_general_dilated":
            return _conv(a, x)
        case "reduce_window":
            return _window(a, x)
    if name == "maximum" and len(args) == 2 and not hasattr(args[1], "shape") and args[1] == 0:
        return Read("relu", {"input": x})
    found = function(name, a, out)
    if found is not None and name in ("var", "std"):
        found.options["correction"] = int(a.get("ddof", 0) or 0)
    return found


def _getitem(x: Any, given: Any) -> Read | None:
    """Slices, or rows by an array of indices."""
    index = given if isinstance(given, tuple) else (given,)
    if all(i is None or i is ... or isinstance(i, int | slice) for i in index):
        return Read("getitem", {"input": x}, {"index": index})
    rows = len(index) == 1 and getattr(index[0], "ndim", 0) > 0
    return Read("embedding", {"input": index[0], "weight": x}) if rows else None


def _conv(a: Mapping[str, Any], x: Any) -> Read | None:
    w, n = a["rhs"], x.ndim - 2
    spec = jax.lax.conv_dimension_numbers(x.shape, w.shape, a.get("dimension_numbers"))
    first, last = tuple(range(n + 2)), (0, n + 1, *range(1, n + 1))
    if spec.lhs_spec not in (first, last) or spec.out_spec != spec.lhs_spec:
        return None
    is_last = spec.lhs_spec == last
    kernels = {first: "", (n + 1, n, *range(n)): "kernel last"}
    if spec.rhs_spec not in kernels or a.get("batch_group_count", 1) != 1:
        return None
    stride, dilation = sizes(a["window_strides"], n), sizes(a.get("rhs_dilation") or 1, n)
    grid = x.shape[1:-1] if is_last else x.shape[2:]
    size = [w.shape[i] for i in spec.rhs_spec[2:]]
    padding = a["padding"]
    if isinstance(padding, str):
        padding = jax.lax.padtype_to_pads(
            grid, [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)], stride, padding
        )
    o = dict(stride=stride, padding=tuple((int(p), int(q)) for p, q in padding), dilation=dilation,
             groups=a.get("feature_group_count", 1), last=is_last)  # fmt: skip
    return Read("conv", {"input": x, "weight": w}, o, {"weight": kernels[spec.rhs_spec]})


def _window(a: Mapping[str, Any], x: Any) -> Read | None:
    """Pooling by the largest, or by sums, of windows in space."""
    size, stride = a["window_dimensions"], a["window_strides"]
    n = x.ndim - 2
    is_last = size[-1] == 1
    what = getattr(a["computation"], "__name__", "")
    cut = slice(1, -1) if is_last else slice(2, None)
    if what != "max" or isinstance(a["padding"], str) and a["padding"].upper() != "VALID" or n < 1:
        return None
    padding = a["padding"]
    pairs = ((0, 0),) * n if isinstance(padding, str) else tuple(map(tuple, padding[cut]))
    o = {
        "size": tuple(size[cut]),
        "stride": tuple((stride or (1,) * x.ndim)[cut]),
        "padding": pairs,
    }
    return Read("max_pool", {"input": x}, {**o, "last": is_last, "ceil_mode": False})
