"""A function of Keras, TensorFlow or JAX as a kind of port_formulas.py with its options."""

from collections.abc import Mapping
from typing import Any

from .call_reading import Read, binary, reduced, same_shape

PLAIN = (
    "relu relu6 selu silu mish sigmoid tanh softsign exp log sqrt rsqrt square erf reciprocal "
    "softplus abs log_sigmoid swish absolute"
).split()
SAME = {"swish": "silu", "log_sigmoid": "logsigmoid", "absolute": "abs", "linear": "identity",
        "hard_sigmoid": "hardsigmoid", "hard_silu": "hardswish", "hard_swish": "hardswish",
        "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div",
        "truediv": "div", "negative": "neg", "concat": "concatenate",
        "reduce_mean": "mean", "reduce_sum": "sum", "reduce_max": "max", "amax": "max"}  # fmt: skip
BINARY = ("add", "sub", "mul", "div", "matmul", "maximum", "minimum")
SHAPED = ("reshape", "squeeze", "expand_dims", "ravel")


def function(name: str, a: Mapping[str, Any], out: Any) -> Read | None:
    """A function by its name; `a` are its arguments, the first of them the input."""
    name = SAME.get(name, name)
    rest = dict(list(a.items())[1:])
    x = next(iter(a.values()))
    if name in BINARY:
        return binary(name, x, next(iter(rest.values())))
    if name in ("identity", "neg", "hardsigmoid", "hardswish", "stop_gradient") or (
        name in PLAIN and name != "relu"
    ):
        return Read(name, {"input": x})
    if name in SHAPED:
        return same_shape(x, out)
    made = _activation_function(name, x, rest)
    return made if made is not None else _moving(name, x, rest, out)


def _activation_function(name: str, x: Any, rest: Mapping[str, Any]) -> Read | None:
    """Activations that have a number or a word."""
    given = {"input": x}
    match name:
        case "relu":
            slope = rest.get("negative_slope", 0.0)
            if rest.get("max_value") is not None or rest.get("threshold"):
                return None
            return Read("leaky_relu", given, {"slope": slope}) if slope else Read("relu", given)
        case "gelu":
            tanh = "tanh" if rest.get("approximate") else "none"
            return Read("gelu", given, {"approximate": tanh})
        case "leaky_relu":
            slope = rest.get("negative_slope", rest.get("alpha", 0.2))
            return Read("leaky_relu", given, {"slope": float(slope)})
        case "elu" | "celu":
            return Read(name, given, {"alpha": float(rest.get("alpha", 1.0))})
        case "softmax" | "log_softmax":
            axis = rest.get("axis")
            return Read(name, given, {"axis": (-1 if axis is None else axis) % len(x.shape)})
    return None


def _moving(name: str, x: Any, rest: Mapping[str, Any], out: Any) -> Read | None:
    """Reductions, and what moves numbers."""
    given, keep = {"input": x}, bool(rest.get("keepdims", False))
    match name:
        case "mean" | "sum" | "max":
            return reduced(name, x, rest.get("axis"), keep, {})
        case "var" | "std":
            return reduced(name, x, rest.get("axis"), keep, {"correction": 0})
        case "transpose":
            axes = rest.get("axes", rest.get("perm"))
            return Read("transpose", given, {"axes": tuple(axes or range(len(x.shape))[::-1])})
        case "concatenate":
            axis = int(rest.get("axis", -1)) % len(out.shape)
            return Read("concatenate", {str(i): t for i, t in enumerate(x)}, {"axis": axis})
        case "cast":
            return Read("cast", given, {"dtype": str(getattr(out.dtype, "name", out.dtype))})
        case "pow" | "power":
            n = next(iter(rest.values()))
            return Read("pow", given, {"exponent": n}) if isinstance(n, int | float) else None
    return None
