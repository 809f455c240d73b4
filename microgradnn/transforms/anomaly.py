"""detect_anomaly: which line of the user's code made the first gradient that is not finite."""

import copy
import linecache
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine.node import plain
from ..engine.op import Carrier, Op, recording
from ..errors import GradientError
from ..numerics import memory
from ..numerics.changes import changes

_HERE = tuple(
    d + os.sep for d in (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(np.__file__))
)


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """A context whose results raise GradientError in backward where a gradient becomes nan or inf.

    The error names the op and the line that called it. Every op is slower in it: for debugging.
    """
    with recording.set(recording.on, replace=_traced), memory.whole():
        yield


def _traced(op: Op) -> Op:
    """The op with rules that look at what they return, and know where they were called."""
    place = _users_line()
    traced = copy.copy(op)

    def watched(rule: Callable[..., Any]) -> Callable[..., Any]:
        def rule_and_look(g: Any, y: Any, *xs: Any, **params: Any) -> Any:
            out = rule(g, y, *xs, **params)
            for part in out if isinstance(out, list) else [out]:
                if part is not None and not _finite(part) and _finite(g):
                    raise GradientError(
                        f"detect_anomaly: the gradient of {op.name} is not finite "
                        f"({_first_bad(part)}); {place}"
                    )
            return out

        return rule_and_look

    def watch(node: Any, given: Any, grads: dict[Any, Any]) -> None:
        """Gradients may also become infinite where parts are added, summed or cast."""
        for p in node.parents:
            g = grads.get(p) if isinstance(p, Carrier) else None
            if g is not None and not _finite(g) and _finite(given):
                raise GradientError(
                    f"detect_anomaly: the gradient of {p.describe()} is not finite "
                    f"({_first_bad(g)}) where {op.name} added its part; {place}"
                )

    traced.watch = watch
    changes.watchers.add(traced)  # while it lives: a graph may be walked after the context
    if op.variadic:
        traced.rules = watched(op.rules)  # type: ignore[arg-type]
    else:
        traced.rules = tuple(r and watched(r) for r in op.rules)  # type: ignore[union-attr]
    return traced


def _users_line() -> str:
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    name, line = frame.f_code.co_filename, frame.f_lineno
    return f"it was called in {name}:{line}: {linecache.getline(name, line).strip()}"


def _finite(x: Any) -> bool:
    try:
        return bool(np.all(np.isfinite(plain(x))))
    except TypeError:  # exact numbers (Fraction) have no nan
        return True


def _first_bad(x: Any) -> Any:
    raw = np.asarray(plain(x))
    at = tuple(int(i) for i in np.argwhere(~np.isfinite(raw))[0])
    return f"{raw[at]} at index {at}" if at else f"{raw[at]}"
