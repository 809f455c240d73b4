"""What an argument may be, judged by its name, default and the facts of the text; likely first."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .facts import REQUIRED, Facts, said
from .shapes import Dim, Slot

Option = tuple[float, Slot]  # what it costs, and what it is


@dataclass
class Context:
    """What is known of the whole: `images` and `steps` say what data are likely; `roles` fills."""

    facts: Facts
    name: str
    images: bool
    steps: bool
    roles: dict[str, str]
    entropy: bool = False
    constructor: bool = False

    @classmethod
    def of(cls, facts: Facts, name: str, names: Sequence[str]) -> "Context":
        """The context of a function or class with parameters of these names."""
        keys = [k for d in facts.keys.values() for k in d]
        windows = [n for n in [*names, *keys] if _kind(n) in ("stride", "pad", "pool")]
        low = name.lower()
        images = bool(windows) or bool(re.search(r"conv|pool|im2col|spatial|image|flatten", low))
        one = "1d" in low or any(len(a) < 4 for n, a in facts.axes.items() if n in facts.sure
                                 and _kind(n) == "data")  # fmt: skip
        steps = bool(re.search(r"(rnn|lstm|gru|temporal|time|seq|atten)", low))
        steps &= not re.search(r"step|cell", low)
        entropy = bool(re.search(r"softmax|entropy|nll|logistic|sigmoid|bce", low))
        return cls(facts, name, images and not one, steps, {}, entropy or bool(facts.logged))


# Names, the most particular ones first; the whole name has to match, in lower case.
_KINDS = (
    ("seed", r"(random_)?seed|random_state"),
    ("stride", r"strides?|s|step_size|hop"),
    ("pad", r"pad(ding)?s?|pad_(size|width|amount)|zero_padding"),
    ("groups", r"g|n?_?groups?|(num|n)_?(groups?|heads?)|h(eads)?|groups?_?(num|count)"),
    ("pool", r"(pool|filter|kernel|window|k|f|patch|field)_?(h|w|height|width|size|shape|rows|cols|"
             r"dims?|s)?[12]?|ph|pw|fh|fw|kh|kw|ksize|hh|ww|size|[hw]_(pool|filter|kernel)"),
    ("keep", r"keep_?(prob|rate|ratio)?|p|prob|kp"),
    ("drop", r"(drop|dropout)_?(out)?_?(prob|rate|ratio|p|out)?|rate|ratio"),
    ("train", r"(is_)?train(ing)?(_?(flg|flag|mode|phase))?"),
    ("mode", r"mode|phase"),
    ("activation", r"act(ivation)?(_?(fn|func|function|type|name))?|non_?lin(earity)?|func"),
    ("eps", r"eps(ilon)?"),
    ("momentum", r"momentum|decay|rho"),
    ("reg", r"reg(ularization|_strength|_rate)?|lambda?|lambd|lambda_|weight_decay(_lambda)?|l2(_reg)?"
            r"|lam|wd"),
    ("rate", r"lr|learning_rate|step"),
    ("number", r"alpha|slope|leak(iness)?|negative_slope|delta|temperature|temp|tau|scale(_?factor)?|"
               r"margin|threshold|constant?|c(oef(f)?)?|factor|value|gain|weight_scale|"
               r"weight_init_std|std"),
    ("none", r"optimi[sz]er|dtype|name|logger|callback|parent|device|regularizer|rng"),
    ("init", r"(weights?_?)?(init(ializ(er|ation))?)(_?(fn|method|type|mode|w|b))?"),
    ("mask", r".*mask.*"),
    ("indices", r"ind(ex|ices|xs)|idxs?|tokens?|words?|ids?|contexts?|captions?(_in)?|word_ids?"),
    ("labels", r"y|t|labels?|y_?(true|batch|train|label)?|targets?|ts|gt|ground_?truth|classes|"
               r"captions?_out|answers?|y_?real|expected|true"),
    ("running", r"(running|moving|pop|population|r)_?(mean|var(iance)?|mu|std)?|mean|var(iance)?|mu"),
    ("bias", r"b[a-z0-9]{0,2}|bias(es)?[a-z0-9_]{0,3}|b_.{1,5}|beta[s0-9]?|.*_bias|by|bh"),
    ("scale", r"gammas?[0-9]?|g_?scale"),
    ("state", r"h0|c0|a0|s0|.*prev.*(h|c|s|state|hidden|cell)|(h|c|s)_?(prev|t_1|tm1|0|init|old).*|"
              r"(prev|last|initial|init)_?(h|c|s|a|state|hidden|cell|h_state)|hprev|cprev|state|"
              r"[hc]_next|a_prev_t|hidden(_state)?"),
    ("weights", r"(w|u|theta)[a-z0-9]{0,3}|w_.*|u_[a-z0-9]{1,3}|weights?.*|kernels?|filters?|.*_(w|"
                r"weights?)|table|embeddings?|emb|params?_w"),
    ("dict", r".*param(eter)?s?|cache|hp|config|options|kwargs|settings|opts?"),
    ("widths", r"(hidden|layer)s?_?(dims?|sizes?|units|layers|size_list|list)|layers?_?dims?|sizes|"
               r"hidden_size_list|layers"),
    ("data", r"x.*|[xaz]_?prev.*|a|z|inp.*|data|features?|img.*|images?|in_?|scores?|logits?|pred.*|"
             r"y_?(pred|hat|p)|yhat|output|out|q|k|v|quer(y|ies)|keys?|values?|u|signal|h|f|"
             r"src|tgt|.*_in|seq.*|vec.*|p|probs?"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)
_SIZE = re.compile(
    r"n|m|d|t|(n|num|nb|no)_?(of_)?\w+|\w*(_|^)?(in|out)(put)?(_?(dims?|size|features?|units|ch|"
    r"channels?|shape|neurons|num|n|chan|c|nodes|width|planes))?s?|\w*_?(dims?|size|features?|units|"
    r"channels|neurons|width|nodes|classes|length|len)|fan_(in|out)|[dvhcm]|(d|dim)_\w+|units|"
    r"size|vocab|\w*_(in|out|d|n)|hidden|depth|dim"
)


def _kind(name: str) -> str:
    """The kind of an argument by its name, or ""."""
    low = name.lower().strip("_")
    return next((kind for kind, pattern in _COMPILED if pattern.fullmatch(low)), "")


def options(
    name: str, context: Context, parameter: inspect.Parameter | None = None, prefix: str = ""
) -> list[Option]:
    """The options for a parameter, or for a key of a dict (then without a parameter)."""
    default = parameter.default if parameter is not None else inspect.Parameter.empty
    found = _options(name, context, default, _annotation(parameter), prefix or name)
    if default is not inspect.Parameter.empty:
        natural = 0.0 if default is None or isinstance(default, (str, bool)) else 0.35
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
    facts, kind = context.facts, _kind(name)
    if name in facts.keys or kind == "dict" and default is inspect.Parameter.empty:
        if name in facts.keys and kind not in ("weights", "data"):
            return [(0.0, _dict(name, context))]
        if name in facts.keys:
            return [(0.0, _dict(name, context)), *_array(kind, name, context, prefix)]
        return [(0.0, Slot("dict")), *_array("data", name, context, prefix)]
    literal = [v for v in facts.literals.get(name, []) if isinstance(v, str)]
    if literal and default is inspect.Parameter.empty:
        order = sorted(dict.fromkeys(literal), key=lambda s: s not in ("train", "max", "relu"))
        return [(0.2 * i, Slot("const", value=s)) for i, s in enumerate(order)]
    number = hint in ("int", "float", "bool", "str")
    if context.constructor or number:
        static = _static(name, kind, context, default, hint, prefix)
        if number or default is not inspect.Parameter.empty:
            return static
        arrays = kind in ("weights", "bias", "scale", "running")
        sized = not arrays and bool(_SIZE.fullmatch(name.lower()) or name in facts.times)
        more = _array(kind, name, context, prefix)
        return [(c + (0 if sized or not arrays else 2), s) for c, s in static] + [
            (c + (1.5 if sized else 0.5 * (not arrays)), s) for c, s in more
        ]
    static = []
    shaped = name in facts.axes or name in facts.index
    if kind in _VALUES and not shaped:
        static = _static(name, kind, context, default, hint, prefix)
        if kind not in ("pool", "keep", "groups", "number", "mode"):
            return static
        return static + [(c + 1.0, s) for c, s in _array("data", name, context, prefix)]
    if isinstance(default, (bool, str, int, float)) or default is None:
        arrays = _array(kind, name, context, prefix) if default is None else []
        return [(c + 1.0, s) for c, s in arrays]
    return _array(kind, name, context, prefix) + [(3.0, Slot("const", value=0.7))]


# ---- numbers, words and dicts --------------------------------------------------------------------

_VALUES: dict[str, tuple[Any, ...]] = {
    "seed": (3,), "keep": (0.6,), "drop": (0.4,), "train": (True,), "mode": ("train", "max"),
    "eps": (1e-3,), "momentum": (0.9,), "reg": (0.05,), "rate": (0.1,), "number": (0.8,),
    "activation": ("relu", "sigmoid"), "none": (None,), "init": (), "stride": (), "pad": (),
    "pool": (), "groups": (),
}  # fmt: skip


def _static(
    name: str, kind: str, context: Context, default: Any, hint: str, prefix: str
) -> list[Option]:
    """Numbers, strings and sizes."""
    if kind in ("stride", "pad", "pool", "groups"):
        sized = isinstance(default, str) or kind == "groups" and default == 1
        out = [(0.5 * sized, Slot(kind)), (0.6, Slot(kind, value=_pair))]
        if hint == "tuple" or re.search("shape|dims$", name) or isinstance(default, tuple):
            out = [(c, s) for (c, _), (_, s) in zip(out, out[::-1], strict=True)]
        if kind == "pool" and name.lower() in ("size", "f", "h", "w", "k"):
            out += [(0.4, Slot("size", (name,)))]
        return out
    if kind == "widths":
        return [(0.1 * i, Slot("sizes", (f"{prefix}0", f"{prefix}1"), value=t))
                for i, t in enumerate((list, tuple))]  # fmt: skip
    if context.constructor and isinstance(default, tuple) and len(default) == 3:
        axes = [f"{prefix}{i}" for i in range(3)]
        context.roles |= dict(zip(axes, ("channel", "spatial", "spatial"), strict=True))
        return [(0.0, Slot("sizes", tuple(axes), value=tuple))]
    if context.constructor and kind not in ("weights", "bias", "scale") and _number(default):
        if _SIZE.fullmatch(name.lower()) and kind not in _VALUES:
            sizes: list[Option] = [(0.0, Slot("size", (name,)))]
            if re.search("shape", name):
                axes = [f"{prefix}{i}" for i in range(3)]
                sizes.append((0.5, Slot("sizes", tuple(axes), value=tuple)))
            return sizes
    values = _VALUES.get(kind, ())
    if hint == "int" and not values:
        return [(0.0, Slot("size", (name,)))]
    if hint in ("float", "bool", "str") and not values:
        values = {"float": (0.7,), "bool": (False,), "str": ("relu",)}[hint]
    if isinstance(default, (int, float)) and default is not True and kind in ("eps", "number"):
        values = values if kind == "eps" else (abs(default) * 1.3 or 0.8,)
    return [(0.2 * i, Slot("const", value=v)) for i, v in enumerate(values)]


def _number(default: Any) -> bool:
    whole = isinstance(default, int) and not isinstance(default, bool)
    return default is inspect.Parameter.empty or whole


def _pair(value: Any) -> tuple[Any, Any]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _dict(name: str, context: Context) -> Slot:
    """A dict with the keys that are read and have no default; eps and seed also if they have."""
    items = []
    for key, default in context.facts.keys[name].items():
        kind = _kind(key)
        needed = default is REQUIRED or kind in ("seed", "eps", "stride", "pad", "mode")
        words = context.facts.literals.get(key, [])
        if key in context.facts.keys or not needed:
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


# ---- arrays --------------------------------------------------------------------------------------

# Ranks and what they cost; "c" is a column (M, 1), "r" a row (1, M), "4" and "3" as the text says.
_RANKS: dict[str, tuple[tuple[float, Any], ...]] = {
    "bias": ((0.0, 1), (0.5, "r"), (0.6, "c"), (1.0, "1111"), (1.4, 2)),
    "scale": ((0.0, 1), (0.5, "r"), (0.6, "c"), (0.8, "1c11"), (1.4, 2)),
    "running": ((0.0, 1), (0.5, "r"), (0.6, "c"), (0.8, "1c11")),
    "weights": ((0.0, 2), (0.9, 4), (1.3, 1), (1.5, 3)),
    "state": ((0.0, 2), (1.2, 1), (1.3, "c"), (1.4, 3)),
    "data": ((0.0, 2), (0.8, 4), (0.7, 3), (0.9, 1), (1.4, "c"), (1.6, 0)),
}


def _array(kind: str, name: str, context: Context, prefix: str) -> list[Option]:
    """The array options of an argument."""
    if kind in ("labels", "indices", "mask"):
        return _targets(kind, name, context, prefix)
    axes, facts = context.facts.axes.get(name), context.facts
    kind = kind if kind in _RANKS else "data"
    fill = "positive" if re.search(r"var|std|sigma", name.lower()) else "normal"
    out: list[Option] = []
    for cost, rank in _ranks(kind, context):
        if axes is not None and len(axes) != (rank if isinstance(rank, int) else -1):
            cost += 3.0 if name in facts.sure else 1.5
        shape = _shape(kind, name, rank, axes, context, prefix)
        out.append((cost, Slot(fill, shape)))
    if axes is not None:
        out.append((0.0, Slot(fill, _named(kind, axes, context, prefix))))
    if name in facts.index and name not in facts.flat:
        return _targets("indices", name, context, prefix) + [(c + 2, s) for c, s in out]
    return out


def _ranks(kind: str, context: Context) -> list[tuple[float, Any]]:
    ranks = list(_RANKS[kind])
    if context.images and kind in ("data", "weights"):
        ranks = [(0.0 if r == 4 else c + 0.6, r) for c, r in ranks]
    if context.images and kind == "bias":
        ranks = [(0.3 if r in ("c", "1111") else c, r) for c, r in ranks]
    if context.steps and kind == "data":
        ranks = [(0.0 if r == 3 else c + 0.2, r) for c, r in ranks]
    if context.facts.columns and kind == "bias":
        ranks = [(0.0 if r == "c" else c + 0.3, r) for c, r in ranks]
    return ranks


def _shape(
    kind: str, name: str, rank: Any, axes: list[str] | None, context: Context, prefix: str
) -> tuple[Dim, ...]:
    last = f"{prefix}.0"
    special: dict[Any, tuple[Dim, ...]] = {
        "c": (last, 1), "r": (1, last), "1111": (1, 1, 1, last), "1c11": (1, last, 1, 1),
    }  # fmt: skip
    if rank in special:
        return special[rank]
    names = axes if axes is not None and len(axes) == rank else [""] * rank
    return _named(kind, names, context, prefix)


def _named(kind: str, axes: list[str], context: Context, prefix: str) -> tuple[Dim, ...]:
    """The shape with these names of axes, with names made up where there are none."""
    shape: list[Dim] = []
    last = _channels_last(kind, axes)
    for i, axis in enumerate(axes):
        dim = _expression(axis) if axis else f"{prefix}.{i}"
        shape.append(dim)
        if isinstance(dim, str):
            role = _role(kind, i, len(axes), last)
            context.roles.setdefault(dim, role)
    return tuple(shape)


def _channels_last(kind: str, axes: list[str]) -> bool:
    named = [a.lower() for a in axes]
    if len(axes) != 4 or not any(named):
        return False
    heights = [i for i, a in enumerate(named) if re.search(r"(^|_)(h|hh|height|rows?|fh|kh|f)(_|$)", a)
               or re.search(r"n_h|_h|rows|height", a)]  # fmt: skip
    return bool(heights) and heights[0] == (1 if kind == "data" else 0)


def _role(kind: str, at: int, rank: int, last: bool) -> str:
    """What an axis is of images and their windows."""
    if rank != 4:
        return ""
    if kind == "data":
        places = (1, 2) if last else (2, 3)
        return "spatial" if at in places else "channel" if at == (3 if last else 1) else ""
    places = (0, 1) if last else (2, 3)
    return "kernel" if kind == "weights" and at in places else ""


def _expression(text: str) -> Dim:
    """N, 1, 4H, 4 * H, n_a + n_x as a Dim; a name of its own for what is none of these."""
    text = text.replace(" ", "")
    if text == "1":
        return 1
    if match := re.fullmatch(r"(\d)\*?([A-Za-z_]\w*)", text):
        return ("*", (int(match[1]), match[2]))
    for sign in "+*":
        parts = text.split(sign)
        if len(parts) > 1 and all(re.fullmatch(r"[A-Za-z_]\w*|\d", p) for p in parts):
            return (sign, tuple(int(p) if p.isdigit() else p for p in parts))
    return text


def _targets(kind: str, name: str, context: Context, prefix: str) -> list[Option]:
    """Labels, indices and masks."""
    facts = context.facts
    axes = facts.axes.get(name)
    high = f"{prefix}.classes"
    flat: Callable[[str, int], Slot] = lambda k, r: Slot(  # noqa: E731
        k, _named("labels", axes if axes and len(axes) == r else [""] * r, context, prefix)
    )
    if kind == "mask":
        return [(c, flat("mask", r)) for c, r in ((0.0, 2), (0.5, 1), (0.6, 3), (0.7, 4))]
    ranks = [(0.0, 1), (0.4, 2)] if not context.steps else [(0.0, 2), (0.3, 1)]
    if axes is not None:
        ranks = [(c + 2.0 * (r != len(axes)), r) for c, r in ranks]
    labels = [(c, Slot("labels", flat("labels", r).shape, high)) for c, r in ranks]
    words = said(name, facts.text).lower()
    certain = name in facts.index or bool(re.search(r"label|ind(ex|ic)|integer|word", words))
    if kind == "indices" or certain and "one-hot" not in words and "one hot" not in words:
        return labels
    spread = [(0.6 * i + (0.5 if axes and len(axes) != r else 0), r) for i, r in enumerate((2, 1, 3))]
    out: list[Option] = []
    columns = "columns" if facts.columns else None
    for cost, rank in spread:
        shape = flat("onehot", rank).shape
        hot = Slot("onehot", shape, columns)
        binary = Slot("binary", shape)
        # Cross entropy with targets that do not sum to one has another gradient.
        order = [hot, binary, Slot("normal", shape)] if context.entropy and rank > 1 else [
            Slot("normal", shape), binary]  # fmt: skip
        if re.search(r"bce|binary|logistic|sigmoid", context.name.lower()):
            order = [binary, hot]
        out += [(cost + 0.3 * i, s) for i, s in enumerate(order)]
    return [(c + 0.7 * (name in facts.flat), s) for c, s in labels] + out
