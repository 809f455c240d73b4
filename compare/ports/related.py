"""How the same numbers lie in two ports: alike, channels first or last, flattened in two orders."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import weight_layouts
from .seen_calls import Array

NEAR = 1e-6  # to recognise numbers again; whether they are right is judged by rounding


@dataclass(frozen=True)
class Relation:
    """How an array of A becomes that of B.

    kind   "same", "last" (B has channels last), "first", "flat last" (B flattens images with
           channels last; `grid` is the image, channels first), "flat first", "shape" (other ones
           between)
    """

    kind: str
    grid: tuple[int, ...] = ()
    shapes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())

    def to_b(self, a: Array) -> Array:
        """A's array as B has it."""
        return np.ascontiguousarray(_turned(a, self.kind, self.grid, self.shapes[1]))

    def to_a(self, b: Array) -> Array:
        """The reverse."""
        other = {"last": "first", "first": "last", "flat last": "flat first"}
        kind = other.get(self.kind, "flat last" if self.kind == "flat first" else self.kind)
        return np.ascontiguousarray(_turned(b, kind, self.grid, self.shapes[0]))


def _turned(a: Array, kind: str, grid: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    match kind:
        case "last":
            return np.asarray(weight_layouts.last(a))
        case "first":
            return np.asarray(weight_layouts.first(a))
        case "flat last":
            return np.asarray(weight_layouts.last(a.reshape(-1, *grid))).reshape(a.shape)
        case "flat first":
            image = a.reshape(-1, *grid[1:], grid[0])
            return np.asarray(weight_layouts.first(image)).reshape(a.shape)
        case "shape":
            return a.reshape(shape)
    return a


def candidates(
    a: Sequence[int], b: Sequence[int], grids: Sequence[tuple[int, ...]], last: bool
) -> list[Relation]:
    """The relations that shapes allow, the likeliest first; `last`: B is the one with last."""
    a, b = tuple(a), tuple(b)
    found = [Relation("same")] if a == b else []
    if len(a) > 2 and len(a) == len(b):
        if (a[0], *a[2:], a[1]) == b:
            found.append(Relation("last"))
        if (a[0], a[-1], *a[1:-1]) == b:
            found.append(Relation("first"))
    if a == b and len(a) >= 2:
        for grid in grids:
            if int(np.prod(grid)) == a[-1]:
                found += [Relation("flat last", grid), Relation("flat first", grid)]
    squeezed = [n for n in a if n != 1], [n for n in b if n != 1]
    if a != b and squeezed[0] == squeezed[1]:
        found.append(Relation("shape", shapes=(a, b)))
    return found


def relation(a: Array, b: Array, grids: Sequence[tuple[int, ...]], last: bool) -> Relation | None:
    """The relation by which a is b, or None."""
    if a.dtype.kind != "f" or b.dtype.kind != "f":
        good = a.shape == b.shape and bool((a == b).all())
        return Relation("same") if good else None
    scale = float(np.abs(a).max(initial=0.0))
    if not np.isfinite(scale) or scale == 0.0:
        return None
    for one in candidates(a.shape, b.shape, grids, last):
        if np.allclose(one.to_b(a), b, rtol=0, atol=NEAR * scale):
            return one
    return None
