"""Arrays that a graph needs as they were: copies of small ones, notes on those others may change.

An array of up to LIMIT bytes is kept whole. Of a larger one 4096 numbers, spread evenly over it,
are kept and compared: what changes a row or a large part of it is noticed, a single number may not
be. Inside mg.detect_anomaly() there is no limit.
"""

import sys
import weakref
from typing import Any

import numpy as np

LIMIT = 1 << 20
SMALL = 1 << 12  # up to here a copy costs less than the question whether there is one already
_SAMPLE = 1 << 12
_limits = [LIMIT]  # the last one holds, in all threads: a larger one does no harm
_copies: "weakref.WeakValueDictionary[int, np.ndarray]" = weakref.WeakValueDictionary()
_BITS = {"e": np.int16, "f": np.int32, "d": np.int64}  # nan is equal to nan, and 0 is not -0
Note = tuple[Any, ...]
"""What an array held at one moment: its shape, dtype and bytes, or some of them."""


def note(x: np.ndarray) -> Note:
    """A note of what x holds now."""
    whole = x.nbytes <= _limits[-1]
    objects = x.copy() if x.dtype.hasobject else None  # so that no other gets their addresses
    return x.shape, x.dtype, (x if whole else _sample(x)).tobytes(), whole, objects


def agrees(x: np.ndarray, noted: Note) -> bool:
    """Whether x still holds what was noted, as far as the note goes."""
    shape, dtype, content, whole, _ = noted
    if x.shape != shape or x.dtype != dtype:
        return False
    return (x if whole else _sample(x)).tobytes() == content


def _sample(x: np.ndarray) -> np.ndarray:
    step = x.size // _SAMPLE | 1  # odd, so that it does not keep to one column
    flat: Any = x.flat  # slow, but of any layout
    if x.flags.forc:
        flat = (x if x.flags.c_contiguous else x.T).reshape(-1)
    sample: np.ndarray = flat[::step]
    return sample


def frozen(x: np.ndarray) -> bool:
    """Whether nobody can write into x, whatever else may be known of it."""
    if x.flags.writeable:
        return False
    base = x.base
    return base is None or (isinstance(base, np.ndarray) and frozen(base))


def kept(x: Any) -> Any:
    """x as it is now: a copy, unless it cannot change or is too large; of a list, its array."""
    if type(x) is np.ndarray and x.nbytes <= SMALL:
        return x.copy()
    if isinstance(x, (list, tuple)):
        try:
            return np.array(x)
        except (ValueError, RecursionError):  # rows of several lengths: the op says so
            return x
    if not isinstance(x, np.ndarray):
        return x
    if frozen(x) or x.nbytes > _limits[-1]:
        return x
    known = _copies.get(id(x))
    if known is None or not _same(known, x):
        known = _copies[id(x)] = x.copy("K")
        known.flags.writeable = False
    return known


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    bits = _BITS.get(a.dtype.char)
    return (
        a.tobytes() == b.tobytes() if bits is None else bool((a.view(bits) == b.view(bits)).all())
    )


def kept_option(x: Any) -> Any:
    """An option of an op as it is now: arrays and lists in it, such as an index, are copied."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
        return type(x)(map(kept_option, x))
    return x.copy("K") if isinstance(x, np.ndarray) and not frozen(x) else x


def keep_whole(change: int) -> None:
    """Begins (1) or ends (-1) a time in which arrays of any size are kept whole."""
    if change > 0:
        _limits.append(sys.maxsize)
    elif len(_limits) > 1:
        _limits.pop()
