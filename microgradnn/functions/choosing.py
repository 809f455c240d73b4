"""Choosing elements: by a condition or an index; and arrays made of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..engine.value import Value
from .implementing import implements
from .joining import stack
from .shape import as_array, broadcast_arrays, expand_dims, moveaxis, ravel
from .types import A, Array, ArrayLike, DType, E, Each, Like, Shape, Some


@overload
def where(condition: ArrayLike) -> tuple[Array, ...]: ...
@overload
def where(condition: ArrayLike, x: Some[E], y: Some[E]) -> E: ...
@implements(np.where)  # type: ignore[misc]  # mypy solves E of y apart from that of x
def where(
    condition: ArrayLike, x: Some[E] | None = None, y: Some[E] | None = None
) -> E | tuple[Array, ...]:
    """x where the condition is true, y elsewhere; without them, the indices of the true elements.

    The gradient of the branch not chosen is 0, but 0·inf is nan: keep its input in the domain
    with a second where (x_safe = where(x > 0, x, 1)).
    """
    if x is None and y is None:
        return np.nonzero(plain(condition))
    if x is None or y is None:
        raise ValueError("got one of x and y; give both, or neither for the indices")
    c = plain(condition)
    return ops.where(np.asarray(c) if isinstance(c, (list, tuple)) else c, as_array(x), as_array(y))


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """For each element the first choice whose condition is true."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"{len(condlist)} conditions for {len(choicelist)} choices; need as many, at least one"
        )
    out = default
    for c, x in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = where(array(plain(c)), x, out)
    weak = (x if type(x) in (int, float) else array(x).dtype for x in (*choicelist, default))
    kind = np.result_type(*weak)  # of a choice that is one element too
    return out if out.dtype == kind else ops.astype(out, dtype=kind)


@implements(np.piecewise)
def piecewise(x: Like[A], condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> A:
    """For each element the last function (or constant) whose condition is true, else 0.

    A function sees only the elements it is chosen for.
    """
    a = array(x)
    conditions = [condlist] if np.ndim(condlist) == a.ndim and a.ndim else list(condlist)
    conditions = [np.broadcast_to(np.asarray(plain(c), bool), a.shape) for c in conditions]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        raise ValueError(f"{len(conditions)} conditions for {len(funclist)} functions")
    last = np.full(a.shape, -1)
    for i, c in enumerate(conditions):
        last = np.where(c, i, last)
    out: Any = np.zeros(a.shape, a.dtype)
    for i, f in enumerate(funclist):
        chosen = last == i
        y = f(a[chosen], *args, **kw) if callable(f) else np.full(int(chosen.sum()), f, a.dtype)
        out = out + ops.put(array(y), index=(chosen,), shape=a.shape)
    return out


@implements(np.choose)
def choose(a: ArrayLike, choices: Sequence[Any], mode: str = "raise") -> Any:
    """For each element of a the element of choices[a] at its place."""
    index = np.asarray(plain(a))
    parts = [array(c) for c in (choices if isinstance(choices, (list, tuple)) else list(choices))]
    index, *full = broadcast_arrays(index, *parts)
    n = len(full)
    if mode != "raise":
        index = np.clip(index, 0, n - 1) if mode == "clip" else index % n
    if np.any((index < 0) | (index >= n)):
        raise ValueError(f"an index is outside 0 to {n - 1}; use mode='clip' or 'wrap'")
    return take_along_axis(stack(full), index[None], 0)[0]


@implements(np.clip)
def clip(
    a: Each[E],
    a_min: ArrayLike | Value | None = None,
    a_max: ArrayLike | Value | None = None,
    *,
    min: ArrayLike | Value | None = None,
    max: ArrayLike | Value | None = None,
) -> E:
    """Each element moved into [min, max], either of which may be None; max wins if min > max.

    The gradient passes inside and at the bounds, as in PyTorch and TensorFlow.
    """
    lo, hi = a_min if min is None else min, a_max if max is None else max
    x, lo, hi = as_array(a), as_array(lo), as_array(hi)
    if lo is None and hi is None:
        return ops.alias(array(x))
    low, high = _limits(x, hi if lo is None else lo)
    return ops.clip(x, low if lo is None else lo, high if hi is None else hi)


def _limits(x: Any, bound: Any) -> tuple[Any, Any]:
    """What no number lies below or above: of integers the least and the largest."""
    kind, other = (getattr(plain(v), "dtype", np.dtype(type(plain(v)))) for v in (x, bound))
    if kind.kind not in "iub" or other.kind not in "iub":
        return -np.inf, np.inf
    if kind.kind == "b":
        return np.False_, np.True_
    return kind.type(np.iinfo(kind).min), kind.type(np.iinfo(kind).max)


@implements(np.take)
def take(a: Like[A], indices: ArrayLike, axis: int | None = None, *, mode: str = "raise") -> A:
    """The elements at integer indices along axis, of the flattened array by default."""
    x, at = array(a), array(plain(indices))
    if not at.size and at.dtype.kind == "f":
        at = at.astype(int)
    return ops.take(x, indices=at, axis=axis, mode=mode)


@implements(np.take_along_axis)
def take_along_axis(arr: Like[A], indices: ArrayLike, axis: int | None = -1) -> A:
    """At each place the element of arr at that index along axis."""
    return ops.take_along_axis(array(arr), indices=array(plain(indices)), axis=axis)


@implements(np.compress)
def compress(condition: ArrayLike, a: Like[A], axis: int | None = None) -> A:
    """The slices along axis where the condition is true."""
    return take(a, np.flatnonzero(np.asarray(plain(condition))), axis)


@implements(np.extract)
def extract(condition: ArrayLike, arr: Like[A]) -> A:
    """The elements where the condition is true, in one row."""
    return take(ravel(arr), np.flatnonzero(np.ravel(plain(condition))), 0)


@implements(np.full_like)
def full_like(
    a: ArrayLike, fill_value: Like[A], dtype: DType = None, *, shape: Shape | None = None
) -> A:
    """An array of a's shape filled with one number, which may be a Tensor."""
    like = np.empty_like(plain(array(a)), dtype, shape=shape)
    full = ops.broadcast_to(array(fill_value), shape=like.shape)
    return ops.astype(full, dtype=like.dtype)


@overload
def linspace(
    start: Like[A],
    stop: Like[A],
    num: int = 50,
    endpoint: bool = True,
    retstep: Literal[False] = False,
    dtype: DType = None,
    axis: int = 0,
) -> A: ...
@overload
def linspace(
    start: Like[A],
    stop: Like[A],
    num: int = 50,
    endpoint: bool = True,
    *,
    retstep: Literal[True],
    dtype: DType = None,
    axis: int = 0,
) -> tuple[A, A]: ...
@implements(np.linspace)
def linspace(
    start: Like[A],
    stop: Like[A],
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType = None,
    axis: int = 0,
) -> A | tuple[A, A]:
    """num numbers from start to stop, evenly spaced along a new axis."""
    a, b = array(start), array(stop)
    kind = np.result_type(a.dtype, b.dtype, float(num))
    a, b = broadcast_arrays(ops.astype(a, dtype=kind), ops.astype(b, dtype=kind))
    parts = num - 1 if endpoint else num
    step = (b - a) / parts if parts > 0 else (b - a) * np.nan
    y = _spaced(a, b, step, num, endpoint)
    if dtype is not None:
        y = ops.astype(np.floor(y) if np.dtype(dtype).kind in "iu" else y, dtype=np.dtype(dtype))
    if axis not in (0, -a.ndim - 1):
        y = moveaxis(y, 0, axis)
    return (y, step) if retstep else y


def _spaced(a: Any, b: Any, step: Any, num: int, endpoint: bool) -> Any:
    """num rows a, a + step, …; the last is b itself if it is an endpoint."""
    first, last = expand_dims(a, 0), expand_dims(b, 0)
    if num < 2:
        return first[:num]
    t = np.arange(num, dtype=a.dtype).reshape((-1,) + (1,) * a.ndim)
    y = first + t * expand_dims(step, 0)
    return ops.concatenate(y[:-1], last, axis=0) if endpoint else y


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Like[A], *args: Any, **kwargs: Any
) -> A:
    """func1d of every vector along axis."""
    a = array(arr)
    moved = ops.swapaxes(a, axis1=axis, axis2=-1)
    rest: tuple[int, ...] = moved.shape[:-1]
    rows = ops.reshape(moved, shape=(-1, moved.shape[-1]))
    out: Any = stack([array(func1d(rows[i], *args, **kwargs)) for i in range(rows.shape[0])])
    y = ops.reshape(out, shape=(*rest, *out.shape[1:]))
    return _put_back(y, axis % a.ndim, a.ndim, out.ndim - 1)


def _put_back(y: Any, axis: int, ndim: int, tail: int) -> Any:
    """The axes of y = (axes with `axis` swapped out, *tail) in the order NumPy gives them."""
    lead = list(range(ndim))
    lead[axis], lead[-1] = lead[-1], lead[axis]
    names = lead[:-1]  # the original axis each leading axis of y stands for
    order = [names.index(i) for i in range(ndim) if i != axis]
    places = list(range(ndim - 1, ndim - 1 + tail))
    return ops.transpose(y, axes=(*order[:axis], *places, *order[axis:])) if y.ndim else y


__all__ = [
    "apply_along_axis", "choose", "clip", "compress", "extract", "full_like", "linspace",
    "piecewise", "select", "take", "take_along_axis", "where",
]  # fmt: skip
