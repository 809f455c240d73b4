"""How far two right evaluations of a call may be apart: one layer's rounding (compare.rounding).

Sums of products are bounded as rounding.Rounding does, by the same sums of absolute values; other
calls by the number of their roundings times the largest number in them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microgradnn.errors import MicrogradError

from ..rounding import FUNCTION
from . import port_formulas
from .seen_calls import Array, PortCall

SUMS = ("linear", "conv", "conv_transpose", "matmul", "add", "sub", "mul", "neg", "mean", "sum",
        "avg_pool", "embedding")  # fmt: skip
MOVES = ("reshape", "transpose", "getitem", "concatenate", "identity", "pad", "max_pool", "relu",
         "item", "stop_gradient", "maximum", "minimum", "max", "abs", "dropout")  # fmt: skip
NORMS = ("batch_norm", "layer_norm", "group_norm", "rms_norm", "var", "std")


def unit(dtype: str) -> float:
    """The unit roundoff of a dtype, for two evaluations."""
    return float(np.finfo(dtype).eps)


def terms(call: PortCall, sources: Sequence[Array], params: Mapping[str, Array]) -> float:
    """How many numbers one output sums up."""
    given = [*sources, *(params[name] for name in call.params.values())]
    shapes = [np.shape(v) for v in given]
    if call.kind == "conv":
        return float(np.prod(params[call.params["weight"]].shape[1:]) + 1) if call.params else 1.0
    if call.kind in ("linear", "matmul"):
        return float(shapes[0][-1] + 1)
    if call.kind in ("add", "sub", "mul", "neg", "div", "embedding"):
        return 2.0
    return float(max((max((n for n in s), default=1) for s in shapes), default=1)) ** 2


def size(
    call: PortCall, sources: Sequence[Array], params: Mapping[str, Array], out: Array
) -> float:
    """The largest number that occurs inside a call."""
    own = {name: np.abs(params[name]) for name in call.params.values()}
    with np.errstate(all="ignore"):
        if call.kind in SUMS and call.kind != "embedding":
            plus = "add" if call.kind in ("sub", "neg") else call.kind
            call = PortCall(call.name, plus, call.sources, call.parts, call.options, call.params,
                        {k: np.abs(v) for k, v in call.constants.items()})  # fmt: skip
            try:
                given = [np.abs(s) for s in sources]
                made = port_formulas.evaluate(call, given, own) if plus != "neg" else given[0]
                return float(np.max(getattr(made, "data", made), initial=0.0))
            except (KeyError, ValueError, TypeError, MicrogradError):
                pass
        parts = [*sources, *own.values(), out]
        largest = max((float(np.nanmax(np.abs(p), initial=0.0)) for p in parts), default=0.0)
        if call.kind in NORMS and sources:
            largest *= max(1.0, 2.0 / max(_spread(sources[0]), 1e-3))
        return largest


def _spread(x: Array) -> float:
    """The smallest deviation of a row."""
    rows = x.reshape(len(x), -1) if x.ndim > 1 else x.reshape(1, -1)
    return float(rows.std(1).min(initial=np.inf))


def roundings(call: PortCall, sources: Sequence[Array], params: Mapping[str, Array]) -> float:
    """How many roundings one output of a call may have, each of its largest number."""
    if call.kind in MOVES:
        return 0.0
    n = terms(call, sources, params)
    if call.kind in SUMS or call.kind in NORMS:
        return n + 8
    if call.kind == "recurrent":
        return float(sources[0].shape[1]) * (n + 4 * FUNCTION)
    return FUNCTION * (1 + n**0.5)


def limit(
    calls: Sequence[PortCall],
    values: Sequence[Sequence[Array]],
    outs: Sequence[Array],
    params: Mapping[str, Array],
    u: float,
) -> float:
    """The bound for what a stretch of calls gives, on one side."""
    scale = float(np.nanmax(np.abs(outs[-1]), initial=0.0)) if outs else 0.0
    total = 0.0
    for call, sources, out in zip(calls, values, outs, strict=True):
        inside = size(call, sources, params, out)
        own = float(np.nanmax(np.abs(out), initial=0.0))
        total += roundings(call, sources, params) * inside * max(1.0, scale / max(own, 1e-300))
    return u * total


def data(a: Any) -> Array:
    """A Tensor's array."""
    return np.asarray(getattr(a, "data", a), float)
