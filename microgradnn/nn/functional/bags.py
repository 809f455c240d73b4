"""Bags of rows: embedding_bag, as in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import functions
from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ConfigError, DTypeError, ShapeError
from ...functions.types import A, ArrayLike, Like
from .layer import embedding


def embedding_bag(
    input: ArrayLike,
    weight: Like[A],
    offsets: ArrayLike | None = None,
    *,
    mode: str = "mean",
    per_sample_weights: ArrayLike | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> A:
    """The sum, mean or maximum of the rows of weight in each bag of indices: (bags, dim).

    input is (bags, length), or (n,) with the start of each bag in `offsets`. A row padding_idx does
    not count; an empty bag gives 0. per_sample_weights, of the shape of input, go with mode="sum".
    """
    if mode not in ("sum", "mean", "max"):
        raise ConfigError(f"embedding_bag: mode {mode!r}; use 'sum', 'mean' or 'max'")
    index = array(plain(input))
    _check_weights(index, per_sample_weights, mode)
    bag, bags = _bags(index, offsets, include_last_offset)
    flat, w = index.reshape(-1), array(weight)
    rows = embedding(flat, w, padding_idx)
    kept = np.arange(flat.size)
    if padding_idx is not None:
        kept = np.flatnonzero(flat != padding_idx % w.shape[0])
    rows, bag = rows[kept], bag[kept]
    if mode == "max":
        return _largest(rows, bag, bags)
    if per_sample_weights is not None:
        rows = rows * functions.reshape(per_sample_weights, (-1, 1))[kept]
    y = ops.put(rows, index=bag, shape=(bags, w.shape[1]))
    if mode == "sum":
        return y
    counts = np.maximum(np.bincount(bag, minlength=bags), 1)[:, None]
    return ops.div(y, counts.astype(plain(rows).dtype))


def _check_weights(index: Any, weights: Any, mode: str) -> None:
    if weights is None:
        return
    if mode != "sum":
        raise ConfigError(f"embedding_bag: per_sample_weights need mode 'sum', not {mode!r}")
    shape = np.shape(plain(weights))
    if shape != index.shape:
        raise ShapeError(
            f"embedding_bag: per_sample_weights have shape {shape}, input {index.shape}; they "
            "must be equal"
        )


def _bags(index: Any, offsets: Any, include_last_offset: bool) -> tuple[np.ndarray, int]:
    """The number of the bag of each index, and how many bags there are."""
    if index.ndim == 2 and offsets is None:
        return np.repeat(np.arange(index.shape[0]), index.shape[1]), index.shape[0]
    if index.ndim != 1 or offsets is None:
        hint = "no offsets" if index.ndim == 2 else "offsets, the start of each bag"
        raise ShapeError(
            f"embedding_bag: input has shape {index.shape}, need (bags, length), or (n,) with "
            f"offsets; give {hint}"
        )
    starts = array(plain(offsets))
    if starts.dtype.kind not in "iu" or starts.ndim != 1:
        raise DTypeError(
            f"embedding_bag: offsets are {starts.dtype} of shape {starts.shape}, need integers of "
            "shape (bags,)"
        )
    if include_last_offset:
        starts = starts[:-1]
    rising = starts.size and starts[0] == 0 and (np.diff(starts) >= 0).all()
    if not (rising and starts[-1] <= index.size) and (starts.size or index.size):
        raise ShapeError(
            f"embedding_bag: offsets must begin with 0 and rise up to {index.size} at most"
        )
    return np.searchsorted(starts, np.arange(index.size), "right") - 1, starts.size


def _largest(rows: Any, bag: np.ndarray, bags: int) -> Any:
    """The largest rows of each bag, the first of equal ones, column by column; 0 of none."""
    raw, dim = plain(rows), rows.shape[1]
    if not len(bag):
        return functions.reshape(ops.sum(rows), (1, 1)) + np.zeros((bags, dim), raw.dtype)
    best, some = np.zeros((bags, dim), int), np.zeros((bags, 1), bool)
    for b in np.unique(bag):
        members = np.flatnonzero(bag == b)
        best[b], some[b] = members[raw[members].argmax(0)], True
    return ops.where(some, rows[best, np.arange(dim)], 0.0)


__all__ = ["embedding_bag"]
