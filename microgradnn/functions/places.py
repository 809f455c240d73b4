"""Elements chosen by arrays of indices along one axis, as PyTorch's gather and scatter do it.

Composites of getitem and its transpose, put: no derivative stands here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..errors import DTypeError, LabelError, ShapeError
from ..signatures.operands import Located
from . import choosing, shape, sorting, splitting


def axis_of(name: str, x: Any, dim: Any) -> int:
    """The axis dim of x, from 0. Raises ShapeError if there is none; a number has axis 0."""
    ndim = max(x.ndim, 1)
    if not isinstance(dim, (int, np.integer)) or isinstance(dim, bool):
        raise DTypeError(f"{name}: dim is {dim!r}, need one integer")
    if not -ndim <= dim < ndim:
        raise ShapeError(f"{name}: dim {dim} is outside {-ndim} … {ndim - 1}")
    return int(dim) % ndim


def integers(name: str, index: Any, n: int) -> np.ndarray:
    """The index as an array of integers in 0 … n - 1. Raises LabelError, DTypeError."""
    at = np.asarray(plain(index))
    if not at.size and at.dtype.kind == "f":
        at = at.astype(int)
    if at.dtype.kind not in "iu":
        raise DTypeError(f"{name}: index has dtype {at.dtype}, need integers")
    wrong = at[(at < 0) | (at >= n)]
    if wrong.size:
        raise LabelError(f"{name}: index {wrong.flat[0]} is outside 0 … {n - 1}")
    return at


def _within(name: str, x: Any, dim: int, index: Any, limit: Any = None) -> tuple[Any, ...]:
    """The places in x that index names along dim, as a tuple of arrays of index's shape."""
    at = integers(name, index, x.shape[dim])
    limit = x.shape if limit is None else limit
    if at.ndim != len(limit):
        raise ShapeError(f"{name}: index has {at.ndim} axes, need {len(limit)}")
    for i, (n, most) in enumerate(zip(at.shape, limit, strict=True)):
        if n > most and i != dim:
            raise ShapeError(f"{name}: index has shape {at.shape}, more than {tuple(limit)}")
    grid: Any = np.indices(at.shape, sparse=True)
    return tuple(at if i == dim else np.broadcast_to(g, at.shape) for i, g in enumerate(grid))


def gather(x: Any, dim: int, index: Any) -> Any:
    """At each place of index the element of x there, its place along dim replaced by the index."""
    dim = axis_of("gather", x, dim)
    if not x.ndim:
        return shape.reshape(x[None][integers("gather", index, 1).reshape(-1)], np.shape(index))
    return ops.getitem(x, index=_within("gather", x, dim, index))


def _source(name: str, at: tuple[Any, ...], src: Any) -> Any:
    """The part of src that has the shape of the index."""
    size, src = at[0].shape, array(src)
    if not src.ndim:
        return ops.broadcast_to(src, shape=size)
    if src.ndim != len(size) or any(n > m for n, m in zip(size, src.shape, strict=True)):
        raise ShapeError(f"{name}: src has shape {src.shape}, less than that of index, {size}")
    return src[tuple(slice(0, n) for n in size)]


def scatter(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with src at the places that index names along dim; of several at one place, the last."""
    dim = axis_of("scatter", x, dim)
    at = _within("scatter", x, dim, index)
    src = _source("scatter", at, src)
    flat = np.ravel_multi_index(at, x.shape).ravel()
    last = np.full(x.size, -1)
    last[flat] = np.arange(flat.size)
    chosen = (last[flat] == np.arange(flat.size)).reshape(at[0].shape)
    put = ops.put(ops.where(chosen, src, 0), index=at, shape=x.shape)
    return ops.where((last >= 0).reshape(x.shape), put, x)


def scatter_add(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x plus src at the places that index names along dim; those at one place add up."""
    at = _within("scatter_add", x, axis_of("scatter_add", x, dim), index)
    return x + ops.put(_source("scatter_add", at, src), index=at, shape=x.shape)


def _rows(name: str, x: Any, dim: int, index: Any) -> tuple[int, np.ndarray]:
    dim = axis_of(name, x, dim)
    at = integers(name, index, x.shape[dim])
    if at.ndim > 1:
        raise ShapeError(f"{name}: index has shape {at.shape}, need one axis")
    return dim, at.reshape(-1)


def _along(dim: int, index: Any) -> tuple[Any, ...]:
    """The index at axis dim, and everything before it."""
    return (*(slice(None),) * dim, index)


def index_select(x: Any, dim: int, index: Any) -> Any:
    """The slices of x at these places along dim."""
    dim, at = _rows("index_select", x, dim, index)
    return choosing.take(x, at, dim)


def index_add(x: Any, dim: int, index: Any, source: Any, alpha: Any = 1) -> Any:
    """x plus alpha times the slices of source, at these places along dim; they add up."""
    dim, at = _rows("index_add", x, dim, index)
    return x + ops.put(array(source) * alpha, index=_along(dim, at), shape=x.shape)


def index_copy(x: Any, dim: int, index: Any, source: Any) -> Any:
    """x with the slices of source at these places along dim; of several at one place, the last."""
    dim, at = _rows("index_copy", x, dim, index)
    last = {int(i): k for k, i in enumerate(at)}
    keep = np.array([last[int(i)] == k for k, i in enumerate(at)], bool)
    mask = np.zeros(x.shape, bool)
    mask[_along(dim, at)] = True
    rows = ops.getitem(array(source), index=_along(dim, np.flatnonzero(keep)))
    return ops.where(mask, ops.put(rows, index=_along(dim, at[keep]), shape=x.shape), x)


def index_fill(x: Any, dim: int, index: Any, value: Any) -> Any:
    """x with value in the slices at these places along dim."""
    dim, at = _rows("index_fill", x, dim, index)
    mask = np.zeros(x.shape, bool)
    mask[_along(dim, at)] = True
    return ops.where(mask, value, x)


def mask_of(name: str, mask: Any) -> np.ndarray:
    """The mask as a boolean array. Raises DTypeError."""
    m = np.asarray(plain(mask))
    if m.dtype != bool:
        raise DTypeError(f"{name}: mask has dtype {m.dtype}, need bool; write mask > 0")
    return m


def masked_select(x: Any, mask: Any) -> Any:
    """The elements where the mask is true, in one row; both are broadcast first."""
    m = mask_of("masked_select", mask)
    size = np.broadcast_shapes(x.shape, m.shape)
    return ops.getitem(shape.broadcast_to(x, size), index=(np.broadcast_to(m, size),))


# ---- order: values and where they were ----------------------------------------------------------


def _found(x: Any, at: Any, dim: int, keepdim: bool) -> Located[Any]:
    """The elements at the indices along dim, which has gone or has length 1, and the indices."""
    if not x.ndim:
        return Located(shape.copy(x), np.asarray(at)[()] if keepdim else at)
    at = np.expand_dims(at, dim)
    values = choosing.take_along_axis(x, at, dim)
    if keepdim:
        return Located(values, at)
    return Located(shape.squeeze(values, dim), np.squeeze(at, dim))


def extreme(name: str, x: Any, dim: int, keepdim: bool = False) -> Located[Any]:
    """(values, indices) of the largest or smallest elements along dim, the first of equal ones."""
    dim = axis_of(name, x, dim)
    find = sorting.argmax if name == "max" else sorting.argmin
    return _found(x, find(x, dim if x.ndim else None), dim, keepdim)


def running_extreme(name: str, x: Any, dim: int) -> Located[Any]:
    """(values, indices) of the extremes so far along dim, the latest of equal ones."""
    dim = axis_of(name, x, dim)
    if not x.ndim:
        return Located(shape.copy(x), np.zeros((), int))
    data, ufunc = plain(x), np.maximum if name == "cummax" else np.minimum
    so_far = ufunc.accumulate(data, dim)
    place = np.indices(data.shape, sparse=True)[dim]
    at = np.maximum.accumulate(np.where((data == so_far) | (data != data), place, 0), dim)
    return Located(choosing.take_along_axis(x, at, dim), at)


def ordered(x: Any, dim: int = -1, descending: bool = False) -> Located[Any]:
    """(values, indices) in order along dim; equal elements keep theirs."""
    dim = axis_of("sort", x, dim)
    at = order(x, dim, descending)
    return Located(choosing.take_along_axis(x, at, dim) if x.ndim else shape.copy(x), at)


def order(x: Any, dim: int = -1, descending: bool = False) -> np.ndarray:
    """The indices that sort along dim; equal elements keep their order also from above."""
    dim = axis_of("argsort", x, dim)
    if not x.ndim:
        return np.zeros((), int)
    if not descending:
        return sorting.argsort(x, dim)
    backwards = _along(dim, slice(None, None, -1))
    at = sorting.argsort(plain(x)[backwards], dim)[backwards]
    return x.shape[dim] - 1 - at


def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Located[Any]:
    """(values, indices) of the k largest (or smallest) elements along dim, in order."""
    dim = axis_of("topk", x, dim)
    n = x.shape[dim] if x.ndim else 1
    if not 0 <= k <= n:
        raise ShapeError(f"topk: k={k}, but dim {dim} has {n} elements")
    if not x.ndim:
        return Located(shape.copy(x), np.zeros((), int))
    at = order(x, dim, descending=largest)[_along(dim, slice(0, k))]
    return Located(choosing.take_along_axis(x, at, dim), at)


def kthvalue(x: Any, k: int, dim: int = -1, keepdim: bool = False) -> Located[Any]:
    """(values, indices) of the k-th smallest elements along dim, k from 1."""
    dim = axis_of("kthvalue", x, dim)
    n = x.shape[dim] if x.ndim else 1
    if not 1 <= k <= n:
        raise ShapeError(f"kthvalue: k={k}, but dim {dim} has {n} elements, the first is k=1")
    return _found(x, np.take(order(x, dim), k - 1, dim) if x.ndim else 0, dim, keepdim)


def median(x: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The lower of the middle elements, nan if there is one: of all, or (values, indices)."""
    if dim is None:
        return median(shape.ravel(x), 0).values
    dim = axis_of("median", x, dim)
    n = x.shape[dim] if x.ndim else 1
    if not n:
        raise ShapeError(f"median: dim {dim} has no elements")
    at = np.take(order(x, dim), (n - 1) // 2, dim) if x.ndim else np.zeros((), int)
    if x.ndim and x.dtype.kind == "f":
        unknown = np.isnan(plain(x))
        at = np.where(unknown.any(dim), unknown.argmax(dim), at)
    return _found(x, at, dim, keepdim)


# ---- parts --------------------------------------------------------------------------------------


def parts(x: Any, size: Any, dim: int = 0) -> tuple[Any, ...]:
    """Parts of length size along dim, the last may be shorter; or of the lengths in a list."""
    dim = axis_of("split", x, dim)
    n = x.shape[dim]
    if isinstance(size, (int, np.integer)):
        if size <= 0:
            raise ShapeError(f"split: size {size}, need 1 or more")
        return tuple(splitting.split(x, list(range(int(size), n, int(size))), dim))
    if sum_of(size) != n:
        raise ShapeError(f"split: sizes {list(size)} add up to {sum_of(size)}, dim {dim} has {n}")
    return tuple(splitting.split(x, np.cumsum(size)[:-1], dim))


def sum_of(sizes: Any) -> int:
    """Their sum."""
    return int(np.sum(np.asarray(sizes, int)))


def chunk(x: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """At most so many parts of equal length along dim; the last may be shorter."""
    if chunks < 1:
        raise ShapeError(f"chunk: {chunks} chunks, need 1 or more")
    n = x.shape[axis_of("chunk", x, dim)]
    return parts(x, max(-(-n // chunks), 1), dim)


def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """The `length` slices from `start` on, along dim."""
    dim = axis_of("narrow", x, dim)
    n = x.shape[dim]
    first = start + n if start < 0 else start
    if not 0 <= first <= first + length <= n:
        raise ShapeError(f"narrow: {length} from {start} on, but dim {dim} has {n}")
    return ops.getitem(x, index=_along(dim, slice(first, first + length)))


def select(x: Any, dim: int, index: int) -> Any:
    """The slice at that index along dim, which goes."""
    dim = axis_of("select", x, dim)
    if not -x.shape[dim] <= index < x.shape[dim]:
        raise LabelError(f"select: index {index}, but dim {dim} has {x.shape[dim]}")
    return ops.getitem(x, index=_along(dim, int(index)))


def unfold(x: Any, dimension: int, size: int, step: int) -> Any:
    """All windows of that size along an axis, `step` apart; a new last axis runs inside them."""
    dim = axis_of("unfold", x, dimension)
    n = x.shape[dim]
    if not 0 <= size <= n or step < 1:
        raise ShapeError(f"unfold: size {size}, step {step}, but the axis has {n} elements")
    at = np.arange(0, n - size + 1, step)[:, None] + np.arange(size)
    return shape.moveaxis(choosing.take(x, at, dim), dim + 1, -1)
