"""What an argument may be, judged by its name, default and what the text tells; likely first."""

import inspect
import re
from typing import Any

from ...verbs import is_criterion
from ..hinted import REQUIRED
from .arrays import Option, array_options
from .context import SIZE, Context, kind_of
from .shapes import Slot


def options(
    name: str, context: Context, parameter: inspect.Parameter | None = None, prefix: str = ""
) -> list[Option]:
    """The options for a parameter, or for a key of a dict (then without a parameter)."""
    default = parameter.default if parameter is not None else inspect.Parameter.empty
    loss = (
        is_criterion(context.name)
        and kind_of(name) == "keep"
        and default is inspect.Parameter.empty
    )
    if name in context.alike or loss:
        found = array_options("data", name, context, prefix or name)
    else:
        found = _options(name, context, default, _annotation(parameter), prefix or name)
    if default is not inspect.Parameter.empty:
        target = default is None and kind_of(name) == "labels"
        chosen = default is None or isinstance(default, (str, bool))
        natural = 0.8 if target else 0.0 if chosen else 0.35
        if natural == 0.0:
            found = [(c + 0.3, s) for c, s in found]
        if found and found[0][1].kind == "size":
            natural = 0.8
        found.append((natural, Slot("const", value=default)))
    best: dict[str, Option] = {}
    for cost, slot in sorted(found, key=lambda o: o[0]):
        best.setdefault(repr(slot), (cost, slot))
    return list(best.values())[:9]


def _annotation(parameter: inspect.Parameter | None) -> str:
    if parameter is None or parameter.annotation is parameter.empty:
        return ""
    kind = parameter.annotation
    return kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))


def _options(name: str, context: Context, default: Any, hint: str, prefix: str) -> list[Option]:
    hints, kind = context.hints, kind_of(name)
    if name in hints.keys:
        more = array_options(kind, name, context, prefix) if kind in ("weights", "data") else []
        return [(0.0, _dict(name, context)), *more]
    if kind == "dict" and default is inspect.Parameter.empty:
        return [(0.0, Slot("dict")), *array_options("data", name, context, prefix)]
    words = [v for v in hints.literals.get(name, []) if isinstance(v, str)]
    if words and default is inspect.Parameter.empty:
        order = sorted(dict.fromkeys(words), key=lambda s: s not in ("train", "max", "relu"))
        return [(0.2 * i, Slot("const", value=s)) for i, s in enumerate(order)]
    if context.constructor or hint in ("int", "float", "bool", "str"):
        return _constructed(name, context, default, hint, prefix)
    if kind in _VALUES and not (name in hints.axes or name in hints.index):
        static = _static(name, context, default, hint, prefix)
        if kind not in ("pool", "keep", "groups", "number", "mode"):
            return static
        return static + [(c + 1.0, s) for c, s in array_options("data", name, context, prefix)]
    if default is None:
        late = 0.0 if kind == "labels" else 1.0
        return [(c + late, s) for c, s in array_options(kind, name, context, prefix)]
    if isinstance(default, (bool, str, int, float)):
        return []
    return array_options(kind, name, context, prefix) + [(3.0, Slot("const", value=0.7))]


def _constructed(name: str, context: Context, default: Any, hint: str, prefix: str) -> list[Option]:
    """A constructor's parameter, or one annotated as a number: sizes come before arrays."""
    kind = kind_of(name)
    static = _static(name, context, default, hint, prefix)
    if default is not inspect.Parameter.empty or hint in ("int", "float", "bool", "str"):
        return static
    static = [*_told(name, kind, context, prefix), *static]
    arrays = array_options(kind, name, context, prefix)
    if kind in ("weights", "bias", "scale", "running"):
        return arrays + [(c + 2.0, s) for c, s in static]
    late = 1.5 if SIZE.fullmatch(name.lower()) else 0.5
    return static + [(c + late, s) for c, s in arrays]


def _told(name: str, kind: str, context: Context, prefix: str) -> list[Option]:
    """Sizes in a tuple or a list, where the code takes parts of it, or its length."""
    count = context.hints.parts.get(name, 0)
    if kind in ("stride", "pad", "pool"):
        return [(0.0, Slot(kind, value=_pair))] if count == 2 else []
    if name in context.hints.listed and (count < 2 or kind == "widths"):
        axes = tuple(f"{prefix}{k}" for k in range(3))
        return [(0.05, Slot("sizes", axes, value=list))]
    if count < 2:
        return []
    out: list[Option] = []
    first = ("",) * (count - 3)
    orders = [(*first, "channel", "spatial", "spatial"), (*first, "spatial", "spatial", "channel")]
    for i, order in enumerate(orders if count > 2 and context.images else [("",) * count]):
        axes = tuple(f"{prefix}{'cl'[i]}{k}" for k in range(count))
        context.roles |= dict(zip(axes, order, strict=True))
        out.append((0.05 + 0.1 * i, Slot("sizes", axes, value=tuple)))
    return out


# ---- numbers, words and dicts --------------------------------------------------------------------

_VALUES: dict[str, tuple[Any, ...]] = {
    "seed": (3,), "keep": (0.6,), "drop": (0.4,), "train": (True,), "mode": ("train", "max"),
    "eps": (1e-3,), "momentum": (0.9,), "reg": (0.05,), "rate": (0.1,), "number": (0.8,),
    "activation": ("relu", "sigmoid"), "none": (None,), "init": (), "stride": (), "pad": (),
    "pool": (), "groups": (),
}  # fmt: skip


def _static(name: str, context: Context, default: Any, hint: str, prefix: str) -> list[Option]:
    """Numbers, strings and sizes."""
    kind = kind_of(name)
    if kind in ("stride", "pad", "pool", "groups"):
        return _windows(name, kind, default, hint)
    if kind == "widths":
        count = 2 if "hidden" in name.lower() else 3  # of a whole net: two layers at least
        axes = tuple(f"{prefix}{k}" for k in range(count))
        return [(0.1 * i, Slot("sizes", axes, value=t)) for i, t in enumerate((list, tuple))]
    if context.constructor and (sizes := _sizes(name, kind, context, default, prefix)):
        return sizes
    values = _VALUES.get(kind, ())
    if hint == "int" and not values:
        return [(0.0, Slot("size", (name,)))]
    if hint in ("float", "bool", "str") and not values:
        values = {"float": (0.7,), "bool": (False,), "str": ("relu",)}[hint]
    if kind == "drop" and default == 0:
        values = ()
    if kind == "reg" and context.constructor:  # of a layer: not in its output
        values = (0.0,)
    if kind == "number" and isinstance(default, (int, float)):
        small = 0 < abs(default) < 0.1  # a slope of 0.01 hides what is wrong with it
        values = (0.1 if small else abs(default) * 1.3 or 0.8,)
    return [(0.2 * i, Slot("const", value=v)) for i, v in enumerate(values)]


def _windows(name: str, kind: str, default: Any, hint: str) -> list[Option]:
    """Strides and the like, as one number or as a pair."""
    late = 0.5 if isinstance(default, str) or kind == "groups" and default == 1 else 0.0
    out: list[Option] = [(late, Slot(kind)), (0.6, Slot(kind, value=_pair))]
    if hint == "tuple" or re.search("shape|dims$", name) or isinstance(default, tuple):
        out = [(late, out[1][1]), (0.6, out[0][1])]
    if kind == "pool" and name.lower() in ("size", "f", "h", "w", "k"):
        out.append((0.4, Slot("size", (name,))))
    return out


def _sizes(name: str, kind: str, context: Context, default: Any, prefix: str) -> list[Option]:
    """A constructor's sizes: of the input, of layers."""
    needed = default is inspect.Parameter.empty
    pattern = r"(x|in|input|img|image|data)_?(dims?|shape|size)"
    image = context.images and needed and re.fullmatch(pattern, name.lower())
    if image or isinstance(default, tuple) and len(default) == 3:
        axes = [f"{prefix}{i}" for i in range(3)]
        context.roles |= dict(zip(axes, ("channel", "spatial", "spatial"), strict=True))
        shape: Option = (0.0, Slot("sizes", tuple(axes), value=tuple))
        return [shape, (0.3, Slot("size", (name,)))] if image else [shape]
    if needed and re.fullmatch(r"(x|in|input)_?shape", name.lower()):
        ranks = ((0.2, range(3)), (0.3, range(2)))
        told = [(c, Slot("sizes", tuple(f"{prefix}{k}" for k in r), value=tuple)) for c, r in ranks]
        return [(0.0, Slot("size", (name,))), *told]
    arrays = kind in _VALUES and name.lower() != "c" or kind in ("weights", "bias", "scale")
    sized = SIZE.fullmatch(name.lower()) or name in context.hints.sized
    if arrays or not _number(default) or not sized:
        return []
    return [(0.0, Slot("size", (name,)))]


def _number(default: Any) -> bool:
    whole = isinstance(default, int) and not isinstance(default, bool)
    return default is inspect.Parameter.empty or whole


def _pair(value: Any) -> tuple[Any, Any]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _dict(name: str, context: Context) -> Slot:
    """A dict with the keys that are read and have no default; eps and seed also if they have."""
    items = []
    for key, default in context.hints.keys[name].items():
        kind = kind_of(key)
        needed = default is REQUIRED or kind in ("seed", "eps", "stride", "pad", "mode")
        words = context.hints.literals.get(key, [])
        if key in context.hints.keys or not needed:
            continue
        if kind == "mode" and isinstance(default, str):
            slot = Slot("const", value=default)
        elif words:
            slot = Slot("const", value="train" if "train" in words else words[0])
        else:
            given = _options(key, context, inspect.Parameter.empty, "", f"{name}.{key}")
            slot = min(given, key=lambda o: o[0])[1]
        items.append((key, slot))
    return Slot("dict", items=tuple(items))
