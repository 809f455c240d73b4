"""Which gradients that came back belong to which arguments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .context import kind_of
from .shapes import FLOATS, Slot

_ABLE = (*FLOATS, "onehot", "binary")


def matched(
    style: str, slots: Sequence[Slot], names: Sequence[str], args: Sequence[Any],
    grads: list[Any], raised: str, called: Sequence[str] = (),
) -> tuple[tuple[int, ...], float]:  # fmt: skip
    """The places of the arguments that are differentiated, and a cost if that is not clear.

    grads are what the backward returned (the items of a dict) and `called` its names for them.
    """
    able = [i for i, s in enumerate(slots) if s.kind in _ABLE and s.shape]
    normal = tuple(i for i in able if slots[i].kind in FLOATS)
    if style == "net":
        return (), float(not grads)
    if raised:
        return normal, 1.6
    if grads and isinstance(grads[0], tuple):
        return _by_name(names, args, grads, able, normal)
    shapes = [_shape(g) for g in grads]
    if style == "layer" and (shapes == [None] or len(shapes) > len(able)):
        shapes = [s for s in shapes if s is not None][: len(able)]  # then come the parameters'
    meant = [i for i in able if _bare(names[i]) in {*map(_bare, called)}]
    if len(meant) == len(shapes) < len(able):  # which of them; their order counts, not their names
        able = meant
    fits = _subsequence(shapes, [np.shape(args[i]) for i in able])
    if fits is None:
        return normal, 1.2
    return _completed(tuple(able[i] for i in fits), normal, style, names)


def _completed(
    wrt: tuple[int, ...], normal: tuple[int, ...], style: str, names: Sequence[str]
) -> tuple[tuple[int, ...], float]:
    """wrt with the weights whose gradients were forgotten, and a cost for all without one."""
    missing = {*normal} - {*wrt} if style in ("pair", "plain") else set()
    weights = {i for i in normal if kind_of(names[i]) in ("weights", "bias", "scale")}
    if weights & {*wrt}:  # then those of the other weights were forgotten
        wrt = tuple(sorted({*wrt} | weights & missing))
    return wrt, 0.25 * len(missing)


def _by_name(
    names: Sequence[str], args: Sequence[Any], grads: list[Any], able: list[int],
    normal: tuple[int, ...],
) -> tuple[tuple[int, ...], float]:  # fmt: skip
    """The same for a dict of gradients: dX, X or grad_X is X's."""
    shapes = {_bare(str(k)): _shape(g) for k, g in grads}
    wrt = tuple(i for i in able if _bare(names[i]) in shapes)
    wrong = sum(shapes[_bare(names[i])] != np.shape(args[i]) for i in wrt)
    return (wrt or normal), 0.4 * (len(wrt) < len(normal)) + 1.0 * wrong + (not wrt)


def _shape(grad: Any) -> Any:
    """The shape; None for None; what fits nothing for a list of arrays."""
    try:
        return None if grad is None else np.shape(grad)
    except ValueError:
        return "ragged"


def _bare(key: str) -> str:
    """x of dx, grad_X, X_grad."""
    low = key.lower()
    for start in ("grad_", "d_", "g_", "d"):
        if low.startswith(start) and len(low) > len(start):
            low = low[len(start) :]
            break
    return low.removesuffix("_grad").strip("_")


def _subsequence(shapes: list[Any], given: list[tuple[int, ...]]) -> list[int] | None:
    """The places in `given` where the shapes come in their order, or None; None fits anything."""
    if not shapes:
        return []
    for start in range(len(given) - len(shapes) + 1):
        if shapes[0] is None or shapes[0] == given[start]:
            rest = _subsequence(shapes[1:], given[start + 1 :])
            if rest is not None:
                return [start, *(start + 1 + r for r in rest)]
    return None
