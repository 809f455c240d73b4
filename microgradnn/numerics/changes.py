"""Data that changed between the forward pass and backward: noticed here, whoever changed it.

A change that goes through an attribute (t.data = …) draws a new stamp, larger than those of the
results that used the old data. Changes made inside an array are found as follows.

- Results lend their array out read-only, and plain arrays, masks and indices are copied when an op
  is recorded, so nobody can change what the graph holds of them.
- A leaf lends its array out as it is. While nobody else holds it (Python counts references), there
  is nothing to look at. When it is lent, a note is taken of what it holds (numerics/memory.py), and
  what no longer agrees with its note has changed: it draws a new stamp, as if it had been set.
"""

import itertools
import weakref
from sys import getrefcount
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..errors import GradientError
from . import memory
from .wrapped import USED, WrappedArray

next_stamp = itertools.count(1).__next__


class _Changes:
    """What walks must look out for, in all threads."""

    last = 0  # the stamp of the latest change of any node's data: older graphs must be checked
    watchers: "weakref.WeakSet[Any]" = weakref.WeakSet()  # hooks, and ops under detect_anomaly


changes = _Changes()


def _holders(leaf: Any) -> int:
    return getrefcount(leaf._data)


_ALONE = _holders(
    SimpleNamespace(_data=np.zeros(1))
)  # what is counted if only the leaf holds its array


def settle(leaf: Any, times: int) -> None:
    """Before a graph uses the leaf: looks whether it has changed, and whether it could again.

    The op that uses it holds the array so many times.
    """
    look(leaf)
    alone = leaf._data.base is None and _holders(leaf) == _ALONE + times
    leaf.seen = USED if alone else memory.note(leaf._data)


def look(leaf: Any) -> None:
    """Gives the leaf a new stamp if its data does not agree any more with a note on it."""
    if type(getattr(leaf, "seen", None)) is tuple and not memory.agrees(leaf._data, leaf.seen):
        changes.last = leaf.stamp = next_stamp()
        leaf.seen = memory.note(leaf._data)


def held(xs: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """Inputs of an op that nobody can change unnoticed, and the large ones, each with a note."""
    kept, large = [], []
    for x in xs:
        if type(x) is np.ndarray and x.nbytes <= memory.SMALL:
            x = x.copy()
        elif isinstance(x, WrappedArray):
            if x.op is None and x.seen is not USED:
                settle(x, sum(v is x for v in xs))
        else:
            x = memory.kept(x)
            if isinstance(x, np.ndarray) and x.nbytes > memory.LIMIT and not memory.frozen(x):
                large.append((x, memory.note(x)))
        kept.append(x)
    return tuple(kept), large


PLAIN = {int, float, bool, str, type(None)}


def held_options(params: dict[str, Any]) -> dict[str, Any]:
    """The options of an op such that nobody can change them: indices and lists are copied."""
    try:
        return {name: memory.kept_option(x) for name, x in params.items()}
    except RecursionError:  # lists without end: the op says so
        return params


def check(node: Any) -> None:
    """Raises GradientError if an input of node has changed since."""
    for p in node.parents:
        if isinstance(p, WrappedArray) and p.op is None:
            look(p)
        if getattr(p, "stamp", 0) > node.stamp:
            _refuse(node, f"the data of {p.describe()}")
    for x, note in node.large:
        if not memory.agrees(x, note):
            _refuse(node, f"a plain array of shape {x.shape}")


def _refuse(node: Any, what: str) -> None:
    raise GradientError(
        f"{node.op.name}: {what} was changed after it was used here; "
        "run the forward pass again, and change data only after backward"
    )
