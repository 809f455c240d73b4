"""Losses of sequences: connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...errors import ConfigError, LabelError, ShapeError
from ..choosing import take_along_axis, where
from ..shape import float_array
from ..types import A, Array, ArrayLike, Like
from .reduction import labels_of, reduced

_NEVER = -1e30  # log of a probability that is 0: finite, so that no gradient becomes nan


def ctc_loss(
    log_probs: Like[A],
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> A:
    """-log of the probability of each target, summed over all its alignments (Graves et al. 2006).

    log_probs is (time, batch, classes) or (time, classes), from log_softmax; targets are labels,
    (batch, most) or all in a row, without `blank`. The mean divides each by its target's length.
    A target that does not fit into its input has the loss inf, or 0 with zero_infinity.
    The gradient is that by log_probs themselves; torch's takes log_softmax before it for granted.
    """
    x = float_array(log_probs)
    if x.ndim not in (2, 3) or not x.shape[0]:
        raise ShapeError(
            f"ctc_loss: log_probs has shape {x.shape}, need (time, batch, classes), time at least 1"
        )
    if single := x.ndim == 2:
        x = ops.expand_dims(x, axis=1)
    times = _lengths("input_lengths", input_lengths, x.shape[1], x.shape[0])
    sizes = _lengths("target_lengths", target_lengths, x.shape[1], None)
    target = _padded(targets, sizes, x.shape[2], blank), times, sizes, blank
    loss = _possible(x, _minus_log(x, *target), target, zero_infinity)
    if reduction == "mean":
        loss = ops.div(loss, np.maximum(sizes, 1).astype(plain(loss).dtype))
    loss = reduced("ctc_loss", loss, reduction)
    return loss[0] if single and reduction == "none" else loss


def _possible(x: Any, loss: Any, target: Any, zero_infinity: bool) -> Any:
    """loss; where a target does not fit inf without any gradient that is a number, or 0."""
    never = np.isinf(plain(loss)) | (plain(loss) > -_NEVER / 2)
    if not never.any():
        return loss
    if zero_infinity:
        kept = where(never[:, None], 0.0, x)
        return where(never, 0.0, _minus_log(kept, *target))
    return where(
        never, (1 + ops.sum(ops.square(x), axis=(0, 2))) * np.where(never, np.inf, 1), loss
    )


def _minus_log(x: Any, labels: Array, times: Array, sizes: Array, blank: int) -> Any:
    """-log of Σ over alignments: the forward variables α of the target with blanks between."""
    n, most = labels.shape
    path = np.full((n, 2 * most + 1), blank)
    path[:, 1::2] = labels
    dtype = plain(x).dtype
    skips = np.zeros(path.shape, bool)  # from a label to the next one, if that is another
    skips[:, 3::2] = labels[:, 1:] != labels[:, :-1]
    never = np.full((n, 2), _NEVER, dtype)
    a = where(np.arange(path.shape[1]) < 2, take_along_axis(x[0], path, 1), dtype.type(_NEVER))
    for t in range(1, x.shape[0]):
        wide = ops.concatenate(never, a, axis=1)
        skip = where(skips, wide[:, :-2], dtype.type(_NEVER))
        sums = ops.logsumexp(ops.stack(a, wide[:, 1:-1], skip, axis=0), axis=0)
        a = where((t < times)[:, None], sums + take_along_axis(x[t], path, 1), a)
    last = take_along_axis(a, 2 * sizes[:, None], 1)
    before = take_along_axis(a, np.maximum(2 * sizes[:, None] - 1, 0), 1)
    before = where(sizes[:, None] > 0, before, dtype.type(_NEVER))
    return -ops.logsumexp(ops.concatenate(last, before, axis=1), axis=1)


def _lengths(name: str, given: Any, n: int, most: int | None) -> Array:
    lengths = np.atleast_1d(labels_of(given))
    if lengths.dtype.kind not in "iu" or lengths.shape != (n,):
        raise ShapeError(
            f"ctc_loss: {name} is {lengths.dtype} of shape {lengths.shape}, need {n} integers"
        )
    if n and (lengths.min() < 0 or (most is not None and lengths.max() > most)):
        raise ConfigError(f"ctc_loss: {name} must be 0 to {'…' if most is None else most}")
    return lengths.astype(int)


def _padded(targets: Any, sizes: Array, classes: int, blank: int) -> Array:
    """The labels as (batch, most), filled up with blanks. Raises LabelError or ShapeError."""
    t = labels_of(targets)
    most = int(sizes.max(initial=0))
    fits = t.size == sizes.sum() if t.ndim == 1 else t.ndim == 2 and len(t) == len(sizes)
    if t.ndim == 2:
        fits = fits and t.shape[1] >= most
    if t.dtype.kind not in "iu" or not fits:
        raise ShapeError(
            f"ctc_loss: targets are {t.dtype} of shape {t.shape}, need integers "
            f"({len(sizes)}, {most} or more), or {sizes.sum()} in a row"
        )
    if not 0 <= blank < classes:
        raise LabelError(f"ctc_loss: blank is {blank}, need 0 to {classes - 1}")
    labels, inside = np.full((len(sizes), most), blank), np.arange(most) < sizes[:, None]
    labels[inside] = t if t.ndim == 1 else t[:, :most][inside]
    wrong = inside & ((labels < 0) | (labels >= classes) | (labels == blank))
    if wrong.any():
        raise LabelError(
            f"ctc_loss: label {labels[wrong][0]} is the blank or not one of 0 to {classes - 1}"
        )
    return labels


__all__ = ["ctc_loss"]
