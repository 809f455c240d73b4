"""PyTorch's calls that move, reduce, or join numbers, and recurrent layers; see torch_reading."""

from typing import Any

from .call_reading import Read, Reader, enters, reduced

READERS: dict[str, Reader] = {}


@enters(READERS, "transpose", "permute", "movedim", "t")
def _transpose(a: dict[str, Any], args: tuple[Any, ...]) -> Read | None:
    x = a["input"]
    axes = list(range(x.dim()))
    if "dim0" in a:
        i, j = a["dim0"], a["dim1"]
        axes[i], axes[j] = axes[j], axes[i]
    elif len(args) == 1 and not (set(a) - {"input"}):
        axes = axes[::-1]
    else:
        given = a.get("dims", args[1:])
        axes = [
            int(n) % x.dim()
            for n in (given[0] if len(given) == 1 and not isinstance(given[0], int) else given)
        ]
    return Read("transpose", {"input": x}, {"axes": tuple(axes)}) if len(axes) == x.dim() else None


@enters(READERS, "pad")
def _pad(a: dict[str, Any], _: Any) -> Read | None:
    x, flat = a["input"], list(a["pad"])
    n = x.dim() - 2
    found = [(int(flat[i]), int(flat[i + 1])) for i in range(0, len(flat), 2)]
    if n < 1 or len(found) > n:
        return None
    found += [(0, 0)] * (n - len(found))
    o = {"padding": tuple(reversed(found)), "mode": a.get("mode", "constant")}
    return Read("pad", {"input": x}, o | {"value": float(a.get("value") or 0.0)})


def _reduction(kind: str) -> Reader:
    def do(a: dict[str, Any], args: tuple[Any, ...]) -> Read | None:
        if "dim" not in a and len(args) > 1 and kind in ("var", "std"):
            return None
        correction = a.get("correction", 1)
        if isinstance(correction, bool) or "unbiased" in a:
            correction = int(bool(a.get("unbiased", correction)))
        more = {"correction": correction} if kind in ("var", "std") else {}
        return reduced(kind, a["input"], a.get("dim"), bool(a.get("keepdim", False)), more)

    return do


READERS |= {name: _reduction(name) for name in ("mean", "sum", "var", "std")}
READERS["amax"] = _reduction("max")


@enters(READERS, "cat")
def _cat(a: dict[str, Any], _: Any) -> Read:
    given = {str(i): t for i, t in enumerate(a["tensors"])}
    n = a["tensors"][0].dim()
    return Read("concatenate", given, {"axis": int(a.get("dim", a.get("axis", 0))) % n})


@enters(READERS, "pow")
def _pow(a: dict[str, Any], _: Any) -> Read | None:
    n = a["exponent"]
    good = isinstance(n, int | float)
    return Read("pow", {"input": a["input"]}, {"exponent": n}) if good else None


@enters(READERS, "getitem")
def _getitem(a: dict[str, Any], args: tuple[Any, ...]) -> Read | None:
    index = args[1] if isinstance(args[1], tuple) else (args[1],)
    plain = all(i is None or i is ... or isinstance(i, int | slice) for i in index)
    return Read("getitem", {"input": args[0]}, {"index": index}) if plain else None


@enters(READERS, "scaled_dot_product_attention")
def _attention(a: dict[str, Any], _: Any) -> Read | None:
    if a.get("attn_mask") is not None or a.get("dropout_p"):
        return None
    o = {"causal": bool(a.get("is_causal", False)), "scale": a.get("scale")}
    o["scale"] = o["scale"] if o["scale"] is not None else a["query"].shape[-1] ** -0.5
    return Read("attention", {part: a[part] for part in ("query", "key", "value")}, o)


CELLS = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn", "rnn_relu": "rnn"}


def recurrent(name: str, args: tuple[Any, ...]) -> Read | None:
    """One layer of a recurrent network in one direction, that starts from zeros."""
    x, start, params, has_biases, layers, p, _, both, batch_first = args
    states = start if isinstance(start, tuple | list) else [start]
    if layers != 1 or both or not batch_first or any(bool((s != 0).any()) for s in states):
        return None
    parts = ("weight", "recurrent", "bias", "recurrent_bias")[: 4 if has_biases else 2]
    o: dict[str, Any] = {"cell": CELLS[name], "sequences": True}
    if name == "rnn_relu":
        o["nonlinearity"] = "relu"
    return Read("recurrent", {"input": x, **dict(zip(parts, params, strict=True))}, o)


for _name in CELLS:
    READERS[_name] = lambda a, args, name=_name: recurrent(name, args)  # type: ignore[misc]
