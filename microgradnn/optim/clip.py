"""Norms of gradients, and gradients cut down to a size. Of plain arrays and numbers."""

import math
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import Node
from ..errors import OtherwiseError

Gradient = Any  # an array, or a number for a Value

# Below this a sum of squares has lost digits to underflow: smallest normal number / eps².
_SAFE = {c: float(np.finfo(c).tiny) / float(np.finfo(c).eps) ** 2 for c in "fd"}


def norm(x: Any, p: float = 2.0) -> float:
    """(Σ|x|ᵖ)^(1/p); the largest |x| for p = inf. It overflows only if the norm itself does."""
    if type(x) is float:
        return abs(x)
    if isinstance(x, Node):
        return _traced_norm(x)
    a = np.asarray(x).ravel()
    if a.dtype.char not in "fd":
        a = a.astype(np.float64)
    if not a.size:
        return 0.0
    if p == 2:
        with np.errstate(over="ignore"):
            square = float(np.dot(a, a))
        if _SAFE[a.dtype.char] <= square < math.inf:
            return math.sqrt(square)
    a = np.abs(a)
    largest = float(a.max())
    if p == math.inf or not 0 < largest < math.inf:
        return largest
    a = (a / a.dtype.type(largest)).astype(np.float64)
    return largest * float((a**p).sum()) ** (1 / p)


def _traced_norm(x: Any) -> Any:
    """The norm of a gradient that the compiler traces, as long as its square has all its digits."""
    a = ops.reshape(x, shape=(-1,))
    safe = _SAFE[a.dtype.char]
    square = ops.matmul(a, a).item()
    if not (square >= safe and square < math.inf):
        raise OtherwiseError("clipping: the norm of a gradient is 0, tiny or infinite")
    return ops.sqrt(square)


def total_norm(grads: list[Gradient], p: float = 2.0) -> float:
    """The norm of all gradients as one long vector; None among them counts nothing."""
    norms = [norm(g, p) for g in grads if g is not None]
    return norm(
        ops.stack(*norms) if any(isinstance(n, Node) for n in norms) else np.array(norms), p
    )


def by_value(g: Gradient, limit: float) -> Gradient:
    """g with every number moved into -limit … limit; nan stays."""
    return np.clip(g, -limit, limit) if hasattr(g, "dtype") else min(max(g, -limit), limit)


def by_norm(g: Gradient, limit: float) -> Gradient:
    """g · min(1, limit / ‖g‖), each gradient by its own norm (tf.clip_by_norm, clipnorm)."""
    size = norm(g)
    if isinstance(size, Node):
        return g * ops.where(size <= limit, 1.0, limit / size)
    if size <= limit:
        return g
    with np.errstate(invalid="ignore"):  # inf · 0 is nan
        return g * (limit / size)


def by_global_norm(grads: list[Gradient], limit: float) -> list[Gradient]:
    """All gradients · min(1, limit / norm of all); all nan if that norm is not finite (TF)."""
    size = total_norm(grads)
    if isinstance(size, Node):
        share = ops.where(size < math.inf, limit / size, math.nan)
        scale = ops.where(size <= limit, 1.0, share)
        return [None if g is None else g * scale for g in grads]
    if size <= limit:
        return grads
    scale = limit / size if size < math.inf else math.nan
    return [None if g is None else g * scale for g in grads]
