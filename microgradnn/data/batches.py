"""Minibatches, balanced subsets and one-hot labels, with every random choice from a given rng."""

# Keeps np.random.Generator in a signature from loading numpy.random, a third of numpy's own time.
from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import ConfigError, DTypeError, ShapeError
from ..numerics import kernels

if TYPE_CHECKING:
    from .mnist import Split

Array = NDArray[Any]


def batches(
    x: Any,
    y: Any = None,
    *,
    batch_size: int,
    rng: np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Iterator[Any]:
    """An iterator over (x, y) minibatches along the first axis; over x alone without y.

    x and y are arrays or tuples of arrays, and a batch has the same form. Each sample comes once,
    in an order drawn from `rng`, or in the order of the data with shuffle=False. The last batch is
    smaller where batch_size does not divide the number of samples; drop_last=True leaves it out.
    A shuffled batch is a copy; with shuffle=False it is a view of the data.

    The arguments are checked, and the order is drawn, in the call. Raises ShapeError for unequal
    lengths, no samples, or a batch larger than the data.
    """
    x, y = _as_arrays(x), None if y is None else _as_arrays(y)
    n = _common_length(_named("x", x) + ([] if y is None else _named("y", y)))
    size = _positive("batches: batch_size", batch_size)
    if size > n:
        raise ShapeError(
            f"batches: batch_size {size} is larger than the data ({n} samples); "
            f"write batch_size={n} or less"
        )
    order = _order(n, rng, shuffle)
    stop = n - n % size if drop_last else n
    slices = [slice(start, min(start + size, n)) for start in range(0, stop, size)]
    # A slice taken from the data itself is a view; one taken through an order is a copy.
    chosen = slices if order is None else [order[s] for s in slices]
    if y is None:
        return (_take(x, i) for i in chosen)
    return ((_take(x, i), _take(y, i)) for i in chosen)


def subset(split: Split, n: int, rng: np.random.Generator) -> Split:
    """A Split of n samples of a split, drawn without replacement, with the classes balanced.

    The numbers of samples of any two classes differ by at most one, in the whole and in every
    first part of it, unless a class runs out. Raises ShapeError if the split has fewer than n.
    """
    count = _positive("subset: n", n)
    if count > len(split):
        raise ShapeError(
            f"subset: n {count} is larger than the split ({len(split)} samples); "
            f"write n={len(split)} or less"
        )
    drawn = _generator("subset", rng).permutation(len(split))
    labels = split.y[drawn]
    by_class = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[by_class], labels[by_class])
    rank = np.empty(len(split), dtype=np.int64)
    rank[by_class] = np.arange(len(split)) - first  # 0 for the first drawn of each class, then 1, …
    chosen = drawn[np.argsort(rank, kind="stable")[:count]]
    return type(split)(split.x[chosen], split.y[chosen])


def one_hot(y: Any, n_classes: int, dtype: DTypeLike = np.float32) -> Array:
    """The one-hot rows of integer labels: shape (*y.shape, n_classes), 1 at the label, else 0.

    Raises DTypeError for labels that are not integers, LabelError for one outside
    0 … n_classes - 1.
    """
    size = _positive("one_hot: n_classes", n_classes)
    return kernels.one_hot(kernels.labels(y, size), size).astype(dtype)


def _as_arrays(data: Any) -> Any:
    return tuple(np.asarray(a) for a in data) if isinstance(data, tuple) else np.asarray(data)


def _named(name: str, data: Any) -> list[tuple[str, Array]]:
    """The arrays of x or y with the names that errors call them by."""
    if isinstance(data, tuple):
        return [(f"{name}[{i}]", a) for i, a in enumerate(data)]
    return [(name, data)]


def _common_length(arrays: list[tuple[str, Array]]) -> int:
    for name, array in arrays:
        if array.ndim == 0:
            raise ShapeError(
                f"batches: {name} is a single {array.dtype} value, "
                f"expected an array with one row per sample"
            )
    if not arrays:
        raise ShapeError("batches: no arrays in x, expected an array or a tuple of arrays")
    first, lead = arrays[0]
    for name, array in arrays[1:]:
        if len(array) != len(lead):
            raise ShapeError(
                f"batches: {first} has {len(lead)} samples, {name} has {len(array)}; "
                f"expected equal numbers"
            )
    if len(lead) == 0:
        raise ShapeError(f"batches: {first} has no samples, expected at least one")
    return len(lead)


def _order(n: int, rng: np.random.Generator | None, shuffle: bool) -> NDArray[np.int64] | None:
    """A random order of n samples, or None for the order they have."""
    if shuffle:
        return _generator("batches", rng, "; or write shuffle=False").permutation(n)
    if rng is not None:
        raise ConfigError("batches: shuffle=False uses no rng; leave out one of the two")
    return None


def _generator(caller: str, rng: object, otherwise: str = "") -> np.random.Generator:
    if not isinstance(rng, np.random.Generator):
        came = "None" if rng is None else f"of type {type(rng).__name__}"
        raise DTypeError(
            f"{caller}: rng is {came}, expected a numpy Generator; "
            f"write rng=np.random.default_rng(0){otherwise}"
        )
    return rng


def _positive(name: str, number: object) -> int:
    try:
        value = operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        value = 0
    if value < 1 or isinstance(number, bool):
        raise ConfigError(f"{name} is {number!r}, expected a positive integer")
    return value


def _take(data: Any, index: Any) -> Any:
    return tuple(a[index] for a in data) if isinstance(data, tuple) else data[index]
