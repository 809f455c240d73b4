"""What an array may be: its rank, the names of its axes, and what is in it; likely first."""

import re
from typing import Any

from .context import Context, kind_of
from .docstrings import said
from .shapes import Dim, Slot

Option = tuple[float, Slot]  # what it costs, and what it is

# Ranks and what they cost; "c" is a column (M, 1), "r" a row (1, M), "4" and "3" as the text says.
_RANKS: dict[str, tuple[tuple[float, Any], ...]] = {
    "bias": ((0.0, 1), (0.5, "r"), (0.6, "c"), (0.7, 0), (1.0, "1111"), (1.4, 2)),
    "scale": ((0.0, 1), (0.5, "r"), (0.6, "c"), (0.8, "1c11"), (1.4, 2)),
    "running": ((0.0, 1), (0.5, "r"), (0.6, "c"), (0.8, "1c11")),
    "weights": ((0.0, 2), (0.9, 4), (1.3, 1), (1.5, 3)),
    "state": ((0.0, 2), (1.2, 1), (1.3, "c"), (1.4, 3)),
    "data": ((0.0, 2), (0.8, 4), (0.7, 3), (0.6, 1), (1.4, "c"), (1.6, 0)),
}


def array_options(kind: str, name: str, context: Context, prefix: str) -> list[Option]:
    """The array options of an argument; `prefix` begins the names of its own sizes."""
    hints = context.hints
    if kind in ("labels", "indices", "mask"):
        return _targets(kind, name, context, prefix)
    kind = kind if kind in _RANKS else "data"
    fill = "positive" if re.search(r"var|std|sigma", name.lower()) else "normal"
    fill = "prob" if name in hints.logged else fill
    axes, least = hints.axes.get(name), hints.least.get(name, [])
    out: list[Option] = []
    ranks = _ranks(kind, context)
    if re.fullmatch(r"\w+(vec|vector|word_?v)", name.lower()):
        ranks = [(0.0 if r == 1 else c + 0.3, r) for c, r in ranks]
    for cost, rank in ranks:
        whole = rank if isinstance(rank, int) else -1
        if 0 <= whole < len(least):
            continue
        if axes is not None and len(axes) != whole:
            cost += 3.0 if name in hints.sure else 0.3 if rank == "1c11" else 1.5
        names = axes
        if axes is None and whole >= 0:
            names = [*least, *[""] * (whole - len(least))]
        out.append((cost, Slot(fill, _shape(kind, rank, names, context, prefix))))
    if axes is not None:
        out.append((0.0, Slot(fill, _named(kind, axes, context, prefix))))
    if name in hints.index and name not in hints.flat:
        return _targets("indices", name, context, prefix) + [(c + 2, s) for c, s in out]
    return out


def _ranks(kind: str, context: Context) -> list[tuple[float, Any]]:
    ranks = list(_RANKS[kind])
    if context.images and kind in ("data", "weights"):
        ranks = [(0.0 if r == 4 else c + 0.6, r) for c, r in ranks]
    if re.search(r"group", context.name.lower()) and kind in ("bias", "scale"):
        ranks = [(0.0, "1c11"), *[(c + 0.2, r) for c, r in ranks if r != "1c11"]]
    if re.search(r"norm|bn|ln", context.name.lower()) and kind == "weights":
        ranks = [(0.0 if r == 1 else c + 0.6, r) for c, r in ranks]
    if context.images and kind == "bias":
        ranks = [(0.3 if r in ("c", "1111") else c, r) for c, r in ranks]
    if context.steps and kind == "data":
        ranks = [(0.0 if r == 3 else c + 0.2, r) for c, r in ranks]
    if context.hints.columns and kind == "state":
        ranks = [(c + context.words, r) if r != "c" else (0.4, r) for c, r in ranks]
    if context.hints.columns and kind == "bias":
        ranks = [(0.0 if r == "c" else c + 0.3, r) for c, r in ranks]
    return ranks


def _shape(
    kind: str, rank: Any, axes: list[str] | None, context: Context, prefix: str
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
        dim = _expression(axis) if axis else f"{prefix}.{i}/{len(axes)}"
        shape.append(dim)
        if isinstance(dim, str):
            role = _role(kind, i, len(axes), last)
            if len(axes) == 1 and (prefix in context.hints.lines or "1d" in context.name.lower()):
                short = re.match(r"k|w|f", prefix)
                role = "short" if short else "long"
            context.roles.setdefault(dim, role)
    return tuple(shape)


def _channels_last(kind: str, axes: list[str]) -> bool:
    named = [a.lower() for a in axes]
    if len(axes) != 4 or not any(named):
        return False
    if kind != "data" and named[0] == named[1] != "":  # (f, f, n_C_prev, n_C)
        return True
    heights = [i for i, a in enumerate(named) if re.search(r"^(h|hh|fh|kh)$|n_h|_h|rows|height", a)]
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


def _like_data(name: str, context: Context) -> bool:
    """Whether a text gives labels the very axes of the data."""
    told = context.hints.axes
    return told.get(name) in [a for n, a in told.items() if n != name and kind_of(n) == "data"]


def _targets(kind: str, name: str, context: Context, prefix: str) -> list[Option]:
    """Labels, indices and masks."""
    hints, axes = context.hints, context.hints.axes.get(name)
    index = name in hints.index and name not in hints.flat
    if index and not context.steps and _like_data(name, context):  # the text is about one-hot ones
        axes = None

    def shape(rank: int) -> tuple[Dim, ...]:
        names = axes if axes and len(axes) == rank else [""] * rank
        return _named("labels", names, context, prefix)

    if kind == "mask":
        return [(c, Slot("mask", shape(r))) for c, r in ((0.0, 2), (0.5, 1), (0.6, 3), (0.7, 4))]
    ranks = [(0.0, 2), (0.3, 1)] if context.steps else [(0.0, 1), (0.4, 2)]
    ranks += [(0.7 - 0.8 * bool(re.search("word|idx$", name.lower())), 0)]
    odd = {r: 2.0 * (axes is not None and len(axes) != r) for r in (0, 1, 2, 3)}
    labels = [(c + odd[r], Slot("labels", shape(r), f"{prefix}.classes")) for c, r in ranks]
    if axes is None:
        labels.append((0.75, Slot("labels", (f"{prefix}.0/1", 1), f"{prefix}.classes")))
    hot = bool(re.search(r"one.?hot", hints.text.lower()))
    words = said(name, hints.text).lower()
    certain = index or bool(re.search(r"label|ind(ex|ic)|integer|word", words))
    if kind == "indices" or certain and not hot:
        return labels
    out = [(c + 0.7 * (name in hints.flat) + 0.7 * hot, s) for c, s in labels]
    for i, rank in enumerate((2, 1, 3)):
        for j, fill in enumerate(_fills(rank, hot, context)):
            column = "columns" if hints.columns and fill == "onehot" else None
            cost = 0.6 * i + odd[rank] / 4 + 0.3 * j
            out.append((cost, Slot(fill, shape(rank), column)))
    return out


def _fills(rank: int, hot: bool, context: Context) -> tuple[str, ...]:
    """What targets of the shape of the predictions may be.

    Cross entropy with targets that do not sum to one has another gradient.
    """
    if re.search(r"bce|binary|logistic|sigmoid", context.name.lower()):
        return ("binary", "onehot") if rank > 1 else ("binary",)
    if (context.entropy or hot) and rank > 1:
        return ("onehot", "binary", "normal")
    return ("normal", "binary")
