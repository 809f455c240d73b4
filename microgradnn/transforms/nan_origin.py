"""nan_origin: the first line of a function that made nan or inf, or whose derivative does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.node import plain
from ..engine.op import Carrier
from . import causes
from .code_lines import CodeLine


@dataclass(frozen=True)
class NanOrigin:
    """Where nan or inf begins. str() is the whole message.

    file, line, source  the line of the user's code
    op                  the op it called, by its name in the table
    direction           "forward", "backward" (its derivative is not finite), or "argument"
    numbers             what the op was given and what came of it, as text
    index               where in the array, or ()
    cause, fix          what happened, and what to write instead
    """

    file: str
    line: int
    source: str
    op: str
    direction: str
    numbers: str
    index: tuple[int, ...]
    cause: str
    fix: str

    def __str__(self) -> str:
        if self.direction == "argument":
            return f"{self.numbers}; {self.cause}; {self.fix}"
        what = (
            f"the result of {self.op} is not finite ({self.numbers})"
            if self.direction == "forward"
            else f"the gradient of {self.op} is not finite ({self.numbers})"
        )
        where = f"it was called in {self.file}:{self.line}: {self.source}"
        return f"{what}; {where}; {self.cause}; {self.fix}"


# ---- which op began -----------------------------------------------------------------------------


def finite(x: Any) -> bool:
    """Whether x, a number, an array or a node, has neither nan nor inf."""
    try:
        return bool(np.all(np.isfinite(plain(x))))
    except TypeError:  # exact numbers (Fraction) have no nan
        return True


def made_by(node: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """(the op that made node, its inputs), also where nothing was recorded; None for a leaf."""
    if node.op is not None:
        return node.op, node.parents
    found: tuple[Any, tuple[Any, ...]] | None = node.__dict__.get("unrecorded")
    return found


def of_value(node: Any) -> NanOrigin:
    """Where the nan or inf in node's data began."""
    relevant = _bad_ancestors(node)
    soft: dict[Any, Any] = {}  # nodes whose infinities a constant brought in on purpose
    later: Any = None
    for x in sorted(relevant, key=lambda n: n.stamp):
        made = made_by(x)
        if made is None:
            return _leaf(x, relevant)
        inputs = [p for p in made[1] if not finite(p)]
        brought = all(p in soft if isinstance(p, Carrier) else _no_nan(p) for p in inputs)
        if not inputs or not brought:
            return _forward(x, relevant[x], made)
        if not _no_nan(x):
            later = x if later is None else later
        soft[x] = made
    x = next(iter(soft)) if later is None else later
    return _forward(x, relevant[x], soft[x])


def _no_nan(x: Any) -> bool:
    return not np.any(np.isnan(np.asarray(plain(x), float)))


def _bad_ancestors(node: Any) -> dict[Any, Any]:
    """Those that led to what is not finite in node, each with a mask of the elements that did."""
    masks: dict[Any, Any] = {node: _bad(node)}
    waiting = {node}
    while waiting:
        x = max(waiting, key=lambda n: n.stamp)
        waiting.discard(x)
        made = made_by(x)
        for i, p in enumerate(made[1] if made else ()):
            if isinstance(p, Carrier) and not finite(p):
                mask = _reached(made, i, masks[x]) & _bad(p)
                if mask.any():
                    masks[p] = masks[p] | mask if p in masks else mask
                    waiting.add(p)
    return masks


def _bad(x: Any) -> Any:
    return ~np.isfinite(np.asarray(plain(x), float))


def _reached(made: Any, i: int, mask: Any) -> Any:
    """The elements of input i that the elements `mask` of the result were computed from."""
    op, parents = made
    shape = np.shape(plain(parents[i]))
    if not op.pointwise:
        return np.ones(shape, bool)
    if op.name == "where" and i:
        chosen = np.asarray(plain(parents[0]), bool)
        mask = mask & (chosen if i == 1 else ~chosen)
    mask = mask.any(tuple(range(mask.ndim - len(shape))))
    axes = tuple(k for k, n in enumerate(shape) if n == 1)
    return np.broadcast_to(mask.any(axes, keepdims=True), shape)


def _leaf(x: Any, relevant: dict[Any, Any]) -> NanOrigin:
    """A tensor that had it already, at the first op that used it."""
    for y in sorted(relevant, key=lambda n: n.stamp):
        made = made_by(y)
        if made is not None and any(p is x for p in made[1]):
            return replace(
                _forward(y, relevant[y], made),
                cause=f"{x.describe()}, one of its inputs, was not finite before",
                fix="look at the data, or at the step that made it",
            )
    return argument(x.describe(), x)


def argument(what: str, x: Any) -> NanOrigin:
    """Of a function's argument, or of a tensor that no op has used."""
    index = _first(_bad(x))
    at = f" at {list(index)}" if index else ""
    return NanOrigin(
        "", 0, "", "", "argument", f"{what} has {_text(plain(x), index)}{at}", index,
        "it was there before the function began",
        "look at the data, or at the step that made it",
    )  # fmt: skip


def _first(mask: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0]) if np.any(mask) else ()


def _text(x: Any, index: tuple[int, ...]) -> str:
    return f"{np.asarray(x)[index]:.6g}" if np.asarray(x).dtype.kind != "O" else str(x)


def _operands(op: Any, parents: Any, shape: tuple[int, ...], index: Any) -> list[Any]:
    """The numbers of the inputs at an element of the result, for ops element by element."""
    if not op.pointwise:
        return []
    return [np.broadcast_to(np.asarray(plain(p)), shape)[index] for p in parents]


def _forward(node: Any, mask: Any, made: Any) -> NanOrigin:
    op, parents = made
    index = _first(mask)
    y = np.asarray(plain(node))
    xs = _operands(op, parents, y.shape, index)
    given = ", ".join(f"{float(x):.6g}" for x in xs)
    numbers = (
        f"{op.name}({given}) = " * bool(xs) + f"{y[index]:.6g}" + f" at index {index}" * bool(index)
    )
    cause, fix = causes.of_value(op.name, xs, y[index], parents)
    return _at(op.place, op.name, "forward", numbers, index, cause, fix)


def _at(place: CodeLine, *rest: Any) -> NanOrigin:
    return NanOrigin(place.file, place.line, place.source, *rest)


# ---- which derivative began ---------------------------------------------------------------------


def of_gradient(node: Any, g: Any, grads: dict[Any, Any], pull: Callable[..., Any]) -> NanOrigin:
    """Where the nan or inf began that node, whose cotangent g is finite, gave to its inputs.

    The walk is finished here, because a line further up may make one too: the first counts.
    """
    rest = sorted((n for n in grads if n.stamp < node.stamp), key=lambda n: -n.stamp)
    grads, first = dict(grads), (node, g)
    for n in rest:
        h = grads.get(n)
        if h is not None and n.op is not None and hasattr(n.op, "place"):
            if _gives_bad(n, h, grads, pull) and (finite(h) or _singular(n)):
                first = n, h
    return _backward(*first)


def _gives_bad(node: Any, g: Any, grads: dict[Any, Any], pull: Callable[..., Any]) -> bool:
    """Whether node makes or passes on what is not finite; grads then have its parts."""
    inputs = [p for p in node.parents if isinstance(p, Carrier) and p in grads]
    good = [p for p in inputs if grads[p] is None or finite(grads[p])]
    pull(node, g, grads, False)
    if any(grads[p] is not None and not finite(grads[p]) for p in good):
        return True
    return len(good) < len(inputs) and not all(map(finite, _parts(node, g)))


def _parts(node: Any, g: Any) -> list[Any]:
    """What the rules of node make of g, for the inputs that have a gradient."""
    xs = [plain(p) for p in node.parents]
    parts = [
        node.op.pull(i, g, node._data, xs, node.params)
        for i, p in enumerate(node.parents)
        if isinstance(p, Carrier)
    ]
    return [part for part in parts if part is not None]


def _singular(node: Any) -> bool:
    """Whether the derivative itself is not finite here: a rule makes nan or inf of ones."""
    one = np.ones_like(node._data) if not node.scalar else 1.0
    return not all(map(finite, _parts(node, one)))


def _backward(node: Any, g: Any) -> NanOrigin:
    bad = [p for p in node.parents if isinstance(p, Carrier) and not finite(p)]
    if bad:
        origin = of_value(max(bad, key=lambda p: p.stamp))
        lost = _bad(node)
        if lost.any() and not np.any(np.asarray(plain(g))[lost]):  # masked further down
            cause, fix = causes.of_slope(origin.op, True, "nan")
            origin = replace(origin, cause=f"{origin.cause}; {cause}", fix=fix)
        return origin
    index: tuple[int, ...] = ()
    op, masked = node.op, False
    part = next((part for part in _parts(node, g) if not finite(part)), None)
    y = np.asarray(node._data)
    if part is not None and np.shape(part) == y.shape:
        index = _first(_bad(part))
        masked = np.broadcast_to(np.asarray(plain(g)), y.shape)[index] == 0 or _bad(y)[index]
    found = _text(part, _first(_bad(part))) if part is not None else "inf"
    numbers = found + f" at index {index}" * bool(index)
    cause, fix = causes.of_slope(op.name, bool(masked), found)
    return _at(op.place, op.name, "backward", numbers, index, cause, fix)
