"""The same elements in another form: reshaped, joined, split, moved, repeated, padded."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.errors import RuleError
from ..engine.node import plain
from ..engine.protocol import array, implements

Axis = int | tuple[int, ...] | None
Shape = int | tuple[int, ...]


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def _in_c(name: str, order: str | None) -> bool:
    if order not in ("C", "F", None):
        raise RuleError(f"{name}: order={order!r} depends on memory, not on values; use 'C' or 'F'")
    return order != "F"


# ---- one array ----------------------------------------------------------------------------------


@implements(np.reshape)
def reshape(a: Any, shape: Shape, order: str = "C") -> Any:
    """The same elements in another shape; one length may be -1. Order "F" runs columns first."""
    if _in_c("reshape", order):
        return ops.reshape(array(a), shape=shape)
    backwards = tuple(reversed((shape,) if isinstance(shape, int) else tuple(shape)))
    return ops.transpose(ops.reshape(ops.transpose(array(a)), shape=backwards))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """All elements in one row."""
    return reshape(a, -1, "C" if order == "K" else order)


@implements(np.transpose)
def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order, reversed by default."""
    return ops.transpose(array(a), axes=axes)


permute_dims = transpose


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    """The last two axes exchanged."""
    return ops.swapaxes(array(x), axis1=-1, axis2=-2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Two axes exchanged."""
    return ops.swapaxes(array(a), axis1=axis1, axis2=axis2)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Axes moved to new places, the others in their order."""
    a = array(a)
    start, end = _axes(source, a.ndim), _axes(destination, a.ndim)
    rest = [i for i in range(a.ndim) if i not in start]
    for to, i in sorted(zip(end, start, strict=True)):
        rest.insert(to, i)
    return ops.transpose(a, axes=tuple(rest)) if a.ndim else a


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """An axis moved before the axis `start`."""
    a = array(a)
    axis, start = axis % a.ndim, start + a.ndim if start < 0 else start
    return moveaxis(a, axis, start - 1 if axis < start else start)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Shape) -> Any:
    """New axes of length 1 at the given places."""
    return ops.expand_dims(array(a), axis=axis)


@implements(np.squeeze)
def squeeze(a: Any, axis: Axis = None) -> Any:
    """Axes of length 1 removed: all of them, or those given."""
    return ops.squeeze(array(a), axis=axis)


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Shape) -> Any:
    """The array repeated to `shape` by NumPy's rule."""
    return ops.broadcast_to(_array(array), shape=shape)


_array = array


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    """The arrays, all repeated to the one shape they broadcast to."""
    shape = np.broadcast_shapes(*[np.shape(plain(a)) for a in args])
    return tuple(broadcast_to(a, shape) for a in args)


def _at_least(n: int, arys: Any, shape: Any) -> Any:
    out = [a if a.ndim >= n else reshape(a, shape(a.shape)) for a in map(array, arys)]
    return out[0] if len(out) == 1 else tuple(out)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Each array with at least one axis."""
    return _at_least(1, arys, lambda s: (1,))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Each array with at least two axes, new ones in front."""
    return _at_least(2, arys, lambda s: (1, math.prod(s)))


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Each array with at least three axes: (n,) becomes (1, n, 1), (m, n) becomes (m, n, 1)."""
    return _at_least(3, arys, lambda s: (*s, 1) if len(s) == 2 else (1, math.prod(s), 1))


@implements(np.copy)
def copy(a: Any) -> Any:
    """The same elements, still differentiable: nothing is changed in place here."""
    return ops.alias(array(a))


@implements(np.astype if hasattr(np, "astype") else "astype")
def astype(x: Any, dtype: Any) -> Any:
    """x in another dtype; to integers no gradient passes."""
    return ops.astype(array(x), dtype=np.dtype(dtype))


# ---- moved, repeated, padded --------------------------------------------------------------------


@implements(np.flip)
def flip(m: Any, axis: Axis = None) -> Any:
    """The order along the axes (all by default) reversed."""
    return ops.flip(array(m), axis=axis)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """The columns reversed."""
    return ops.flip(array(m), axis=1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """The rows reversed."""
    return ops.flip(array(m), axis=0)


@implements(np.roll)
def roll(a: Any, shift: Shape, axis: Axis = None) -> Any:
    """The elements moved by `shift` along axis; those that leave come in at the other end."""
    return ops.roll(array(a), shift=shift, axis=axis)


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Axis = None) -> Any:
    """The two halves along the axes exchanged."""
    x = array(x)
    on = range(x.ndim) if axes is None else _axes(axes, x.ndim)
    return roll(x, tuple(x.shape[i] // 2 for i in on), tuple(on))


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Axis = None) -> Any:
    """The inverse of fftshift."""
    x = array(x)
    on = range(x.ndim) if axes is None else _axes(axes, x.ndim)
    return roll(x, tuple(-(x.shape[i] // 2) for i in on), tuple(on))


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(x: Any, window_shape: Shape, axis: Axis = None) -> Any:
    """The windows of x along the axes, as new last axes."""
    x = array(x)
    shape = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    axes = _axes(range(x.ndim) if axis is None else axis, x.ndim)
    if len(axes) != len(shape):
        raise ValueError(f"{len(shape)} window lengths for {len(axes)} axes")
    for i, n in zip(axes, shape, strict=True):  # one axis after the other; an axis may come twice
        last = ops.windows(moveaxis(x, i, -1), shape=(n,), stride=(1,), dilation=(1,))
        x = moveaxis(last, -2, i)
    return x


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """Turned by k quarter turns in the plane of two axes."""
    return ops.rot90(array(m), k=k, axes=axes)


@implements(np.tile)
def tile(A: Any, reps: Shape) -> Any:  # noqa: N803
    """The array repeated as a whole."""
    return ops.tile(array(A), reps=reps)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element repeated."""
    return ops.repeat(array(a), repeats=plain(repeats), axis=axis)


@implements(np.resize)
def resize(a: Any, new_shape: Shape) -> Any:
    """As many elements as new_shape has, starting again at the front where they run out."""
    return ops.resize(array(a), new_shape=new_shape)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """The array with elements added around it: constants, or elements of its own.

    Modes: constant (constant_values=0), edge, reflect, symmetric, wrap, empty.
    """
    a, known = _array(array), ("constant", "edge", "reflect", "symmetric", "wrap", "empty")
    if mode not in known or kwargs.get("reflect_type", "even") != "even":
        how = f"mode={mode!r}" if mode not in known else "reflect_type='odd'"
        raise RuleError(f"np.pad: {how} is not supported for tensors; use {', '.join(known)}")
    if mode == "empty":
        mode = "constant"
    values = plain(kwargs.pop("constant_values", 0))
    y = ops.pad(a, pad_width=pad_width, mode=mode, **kwargs)
    if np.any(values):
        border = np.zeros(a.shape, y.dtype)
        y = y + np.pad(border, pad_width, mode, constant_values=values)
    return y


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle, zeros above the k-th diagonal."""
    return ops.tril(array(m), k=k)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle, zeros below the k-th diagonal."""
    return ops.triu(array(m), k=k)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix with that diagonal."""
    return ops.diag(array(v), k=k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix whose k-th diagonal holds all elements of v."""
    return ops.diag(ravel(v), k=k)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal over two axes, placed last."""
    return ops.diagonal(array(a), offset=offset, axis1=axis1, axis2=axis2)


@implements(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum of the diagonal over two axes."""
    y = ops.sum(diagonal(a, offset, axis1, axis2), axis=-1)
    return y if dtype is None else astype(y, dtype)


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, *, offset: int = 0) -> Any:
    return diagonal(x, offset, -2, -1)


@implements(np.linalg.trace)
def _linalg_trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@implements(np.meshgrid)
def meshgrid(*xi: Any, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """One grid of coordinates for each vector."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing {indexing!r}; use 'xy' or 'ij'")
    n = len(xi)
    out = [reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if not sparse:
        out = list(broadcast_arrays(*out))
    return tuple(swapaxes(x, 0, 1) for x in out) if indexing == "xy" and n > 1 else tuple(out)


# ---- joined -------------------------------------------------------------------------------------


def array_of(object: Any, dtype: Any = None) -> Any:
    """The array of nested lists of numbers and nodes: np.array, which takes no Tensors in lists."""
    y = array(object)
    return y if dtype is None else astype(y, dtype)


def _all(arrays: Sequence[Any]) -> list[Any]:
    return [array(a) for a in arrays]


@implements(np.concatenate)
def concatenate(arrays: Sequence[Any], axis: int | None = 0, *, dtype: Any = None) -> Any:
    """Arrays joined along an existing axis; flattened first if axis is None."""
    y = ops.concatenate(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


concat = concatenate


@implements(np.stack)
def stack(arrays: Sequence[Any], axis: int = 0, *, dtype: Any = None) -> Any:
    """Arrays of one shape joined along a new axis."""
    y = ops.stack(*_all(arrays), axis=axis)
    return y if dtype is None else astype(y, dtype)


@implements(np.vstack)
def vstack(tup: Sequence[Any], *, dtype: Any = None) -> Any:
    """Arrays below each other; vectors are rows."""
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@implements(np.hstack)
def hstack(tup: Sequence[Any], *, dtype: Any = None) -> Any:
    """Arrays beside each other; vectors one after the other."""
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype)


@implements(np.dstack)
def dstack(tup: Sequence[Any]) -> Any:
    """Arrays joined along the third axis."""
    return concatenate([atleast_3d(a) for a in tup], 2)


@implements(np.column_stack)
def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as columns beside matrices."""
    return concatenate([a if a.ndim > 1 else reshape(a, (-1, 1)) for a in _all(tup)], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """arr with values behind it; both flattened if axis is None."""
    return concatenate([arr, values], axis)


@implements(np.block)
def block(arrays: Any) -> Any:
    """A matrix put together from nested lists of blocks, innermost lists along the last axis."""
    depth, inner = 0, arrays
    while isinstance(inner, list):
        if not inner:
            raise ValueError("a list of blocks is empty")
        depth, inner = depth + 1, inner[0]
    ndim = max([depth, *(np.ndim(plain(x)) for x in _leaves(arrays))])
    return _joined(arrays, depth, ndim)


def _leaves(arrays: Any) -> list[Any]:
    return [x for a in arrays for x in _leaves(a)] if isinstance(arrays, list) else [arrays]


def _joined(arrays: Any, depth: int, ndim: int) -> Any:
    if not isinstance(arrays, list):
        a = array(arrays)
        return reshape(a, (1,) * (ndim - a.ndim) + a.shape)
    return concatenate([_joined(a, depth - 1, ndim) for a in arrays], -depth)


# ---- split --------------------------------------------------------------------------------------


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Pieces along axis: as many as given, or cut at the given indices."""
    a = array(ary)
    n = a.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        k = int(indices_or_sections)
        if k <= 0:
            raise ValueError("number of sections must be larger than 0")
        cuts = np.cumsum([0] + [n // k + (i < n % k) for i in range(k)]).tolist()
    else:
        cuts = [0, *map(int, indices_or_sections), n]
    lead = (slice(None),) * (axis % a.ndim)
    return [a[(*lead, slice(i, j))] for i, j in zip(cuts, cuts[1:], strict=False)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Equal pieces along axis, or pieces cut at the given indices."""
    n = np.shape(plain(ary))[axis]
    if isinstance(indices_or_sections, (int, np.integer)) and n % indices_or_sections:
        raise ValueError(f"{n} elements do not split into {indices_or_sections} equal parts")
    return array_split(ary, indices_or_sections, axis)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """split along the first axis."""
    if np.ndim(plain(ary)) < 2:
        raise ValueError("needs two dimensions or more")
    return split(ary, indices_or_sections, 0)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """split along the second axis, of a vector along its only one."""
    return split(ary, indices_or_sections, 1 if np.ndim(plain(ary)) > 1 else 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """split along the third axis."""
    if np.ndim(plain(ary)) < 3:
        raise ValueError("needs three dimensions or more")
    return split(ary, indices_or_sections, 2)


@implements(getattr(np, "unstack", "unstack"))
def unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    """The slices along axis."""
    x = array(x)
    lead = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*lead, i)] for i in range(x.shape[axis]))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """arr without the elements at obj along axis; flattened if axis is None."""
    return ops.delete(array(arr), obj=obj, axis=axis)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """arr with values inserted before the indices obj along axis; flattened if axis is None."""
    a, v = array(arr), array(values)
    if axis is None:
        a, axis = ravel(a), 0
    # np.insert of places says where every element of a and of values went.
    places = np.arange(a.size).reshape(a.shape)
    shape = np.insert(places, obj, 0, axis=axis).shape
    room = list(a.shape)
    room[axis] = shape[axis] - a.shape[axis]
    single = isinstance(obj, (int, np.integer)) or np.ndim(obj) == 0
    if single and v.ndim:
        v = moveaxis(reshape(v, (1,) * (a.ndim - v.ndim) + v.shape), 0, axis)
        if v.shape[axis] != room[axis]:
            room[axis] = v.shape[axis]
    v = broadcast_to(v, tuple(room))
    new = a.size + np.arange(v.size).reshape(v.shape)
    index = np.insert(places, obj, np.moveaxis(new, axis, 0) if single else new, axis=axis)
    return concatenate([ravel(a), ravel(v)])[index]


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb") -> Any:
    """A vector without the zeros at its front ("f") and back ("b")."""
    a = array(filt)
    nonzero = np.flatnonzero(plain(a))
    if not nonzero.size:
        return a[:0]
    first = int(nonzero[0]) if "f" in trim.lower() else 0
    last = int(nonzero[-1]) + 1 if "b" in trim.lower() else len(a)
    return a[first:last]


__all__ = [
    "append", "array_split", "astype", "atleast_1d", "atleast_2d", "atleast_3d", "block",
    "broadcast_arrays", "broadcast_to", "column_stack", "concat", "concatenate", "copy", "delete",
    "diag", "diagflat", "diagonal", "dsplit", "dstack", "expand_dims", "flip", "fliplr", "flipud",
    "hsplit", "hstack", "insert", "matrix_transpose", "meshgrid", "moveaxis", "pad",
    "permute_dims", "ravel", "repeat", "reshape", "resize", "roll", "rollaxis", "rot90", "split",
    "squeeze", "stack", "swapaxes", "tile", "trace", "transpose", "tril", "trim_zeros", "triu",
    "unstack", "vsplit", "vstack",
]  # fmt: skip
