"""Arrays taken apart: split, unstack; elements deleted or inserted."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from .implementing import implements
from .joining import concatenate
from .shape import broadcast_to, moveaxis, ravel, reshape
from .types import A, Array, Index, Like


@implements(np.array_split)
def array_split(
    ary: Like[A], indices_or_sections: int | Sequence[int] | Array, axis: int = 0
) -> list[A]:
    """Pieces along axis: as many as given, or cut at the given indices."""
    a = array(ary)
    n = a.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        k = int(indices_or_sections)
        if k <= 0:
            raise ValueError(f"{k} sections; need 1 or more")
        cuts = np.cumsum([0] + [n // k + (i < n % k) for i in range(k)]).tolist()
    else:
        cuts = [0, *map(operator.index, np.ravel(plain(indices_or_sections)).tolist()), n]
    lead: tuple[slice, ...] = (slice(None),) * (axis % a.ndim)
    return [a[(*lead, slice(i, j))] for i, j in zip(cuts, cuts[1:], strict=False)]


@implements(np.split)
def split(ary: Like[A], indices_or_sections: int | Sequence[int] | Array, axis: int = 0) -> list[A]:
    """Equal pieces along axis, or pieces cut at the given indices."""
    n = np.shape(plain(ary))[axis]
    if isinstance(indices_or_sections, (int, np.integer)) and n % indices_or_sections:
        raise ValueError(f"{n} elements do not split into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@implements(np.vsplit)
def vsplit(ary: Like[A], indices_or_sections: int | Sequence[int] | Array) -> list[A]:
    """split along the first axis."""
    if np.ndim(plain(ary)) < 2:
        raise ValueError(f"{np.ndim(plain(ary))} dimensions, need 2 or more")
    return split(ary, indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Like[A], indices_or_sections: int | Sequence[int] | Array) -> list[A]:
    """split along the second axis, of a vector along its only one."""
    return split(ary, indices_or_sections, 1 if np.ndim(plain(ary)) > 1 else 0)


@implements(np.dsplit)
def dsplit(ary: Like[A], indices_or_sections: int | Sequence[int] | Array) -> list[A]:
    """split along the third axis."""
    if np.ndim(plain(ary)) < 3:
        raise ValueError(f"{np.ndim(plain(ary))} dimensions, need 3 or more")
    return split(ary, indices_or_sections, 2)


@implements(getattr(np, "unstack", "unstack"))
def unstack(x: Like[A], *, axis: int = 0) -> tuple[A, ...]:
    """The slices along axis."""
    a = array(x)
    lead: tuple[slice, ...] = (slice(None),) * (axis % a.ndim)
    return tuple(a[(*lead, i)] for i in range(a.shape[axis]))


@implements(np.delete)
def delete(arr: Like[A], obj: Index, axis: int | None = None) -> A:
    """arr without the elements at obj along axis; flattened if axis is None."""
    return ops.delete(array(arr), obj=obj, axis=axis)


@implements(np.insert)
def insert(arr: Like[A], obj: Index, values: Like[A], axis: int | None = None) -> A:
    """arr with values inserted before the indices obj along axis; flattened if axis is None."""
    a, v = array(arr), array(values)
    v = ops.astype(v, dtype=a.dtype)
    if axis is None:
        a, axis = ravel(a), 0
    # np.insert of places says where every element of a and of values went.
    places = np.arange(a.size).reshape(a.shape)
    shape = np.insert(places, obj, 0, axis=axis).shape
    room = list(a.shape)
    room[axis] = shape[axis] - a.shape[axis]
    single = isinstance(obj, slice) or np.ndim(obj) == 0
    if single and v.ndim:
        v = moveaxis(reshape(v, (1,) * (a.ndim - v.ndim) + v.shape), 0, axis)
        if v.shape[axis] != room[axis]:
            room[axis] = v.shape[axis]
    v = broadcast_to(v, tuple(room))
    new = a.size + np.arange(v.size).reshape(v.shape)
    index = np.insert(places, obj, np.moveaxis(new, axis, 0) if single else new, axis=axis)
    return concatenate([ravel(a), ravel(v)])[index]


@implements(np.trim_zeros)
def trim_zeros(filt: Like[A], trim: str = "fb") -> A:
    """The array without the zeros at the front ("f") and back ("b") of each axis."""
    a = array(filt)
    if not a.ndim:
        raise ValueError("a single number has no front or back")
    places = np.argwhere(plain(a))
    if not len(places):
        return a[(slice(0, 0),) * a.ndim]
    first = places.min(0) if "f" in trim.lower() else (0,) * a.ndim
    last = places.max(0) + 1 if "b" in trim.lower() else a.shape
    return a[tuple(slice(int(i), int(j)) for i, j in zip(first, last, strict=True))]


__all__ = [
    "array_split", "delete", "dsplit", "hsplit", "insert", "split", "trim_zeros", "unstack",
    "vsplit",
]  # fmt: skip
