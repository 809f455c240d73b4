"""Forward computations that are more than one NumPy call. Plain numbers and arrays, no rules.

The formulas are chosen so that no input in range overflows and no digits are lost; the docstring of
each says how.
"""

import math
from typing import Any

import numpy as np

from .errors import LabelError, ShapeError

# ---- on single numbers --------------------------------------------------------------------------


def real(y: Any) -> Any:
    """The number itself, or nan for a complex one: (-1) ** 0.5 is nan in IEEE, not 1j."""
    return math.nan if isinstance(y, complex) else y


def sign_number(x: Any) -> Any:
    """-1, 0 or 1, and nan for nan."""
    return x if x != x else (x > 0) - (x < 0)


def sigmoid_number(x: float) -> float:
    """1 / (1 + exp(-x)) of a float, from exp(-|x|), which cannot overflow."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def relu_number(x: Any) -> Any:
    """max(x, 0) in the type of x; nan stays nan."""
    return x if x > 0 or x != x else type(x)(0)


# ---- on arrays, element by element --------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) as exp(min(x, 0)) / (1 + exp(-|x|)), which cannot overflow."""
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def relu(x: Any) -> Any:
    """max(x, 0); nan stays nan."""
    return np.maximum(x, 0)


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where positive, negative_slope · x elsewhere."""
    return np.where(np.asarray(x) > 0, x, np.multiply(x, negative_slope))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha · (exp(x) - 1) elsewhere."""
    return np.where(np.asarray(x) > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|)): exact in both tails, no threshold."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def bce_with_logits(z: Any, t: Any) -> Any:
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)).

    max(z, 0) - z·t comes first: it is exactly 0 for a right and certain answer, and the sum then
    keeps the digits of log1p.
    """
    return np.maximum(z, 0) - np.multiply(z, t) + np.log1p(np.exp(-np.abs(z)))


def where(c: Any, a: Any, b: Any) -> Any:
    """a where c is true, b elsewhere.

    The gradients of relu and its like ask for where(c, a, 0): there the bits of a are masked, which
    is exact and, on irregular masks, eight times faster than np.where's branches.
    """
    if type(b) is int and b == 0 and type(a) is np.ndarray and type(c) is np.ndarray:
        bits = {"f": np.int32, "d": np.int64}.get(a.dtype.char)
        if bits is not None and c.dtype.char == "?" and c.shape == a.shape and a.ndim:
            return (a.view(bits) & -c.astype(bits)).view(a.dtype)
    return np.where(c, a, b)


# ---- on arrays, along an axis -------------------------------------------------------------------


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) along axis, shifted by the maximum where that is finite."""
    x = np.asarray(x)
    top = np.max(x, axis, keepdims=True)
    if top.dtype.kind == "f":
        top = np.where(np.isfinite(top), top, 0)
    y = np.log(np.sum(np.exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - logsumexp(x)."""
    return x - logsumexp(x, axis, keepdims=True)


def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / Σ exp(x) along axis, shifted by the maximum."""
    x = np.asarray(x)
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return e / np.sum(e, axis, keepdims=True)


def cross_entropy(z: Any, t: Any) -> Any:
    """-Σ t·log softmax(z) over the last axis; t holds labels (integers) or probabilities."""
    logp = log_softmax(z)
    if t.dtype.kind in "iu":
        return -np.take_along_axis(logp, t[..., None], -1)[..., 0]
    return -np.sum(t * logp, -1)


def one_hot(t: Any, classes: int) -> Any:
    """A boolean array (*t.shape, classes), true at the label."""
    return np.asarray(t)[..., None] == np.arange(classes)


def check_targets(z: Any, t: Any) -> None:
    """None; raises ShapeError or LabelError unless t fits the logits z (..., classes)."""
    if t.dtype.kind not in "iu":
        if t.shape != z.shape:
            raise ShapeError(
                f"cross_entropy: probabilities have shape {t.shape}, logits {z.shape}; they must "
                f"be equal, or pass integer labels of shape {z.shape[:-1]}"
            )
        return
    if t.shape != z.shape[:-1]:
        raise ShapeError(
            f"cross_entropy: labels have shape {t.shape}, expected {z.shape[:-1]} for logits of "
            f"shape {z.shape}"
        )
    wrong = (t < 0) | (t >= z.shape[-1])
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise LabelError(
            f"cross_entropy: label {int(t[where])} at index {where} is out of range; "
            f"labels for {z.shape[-1]} classes are 0 to {z.shape[-1] - 1}"
        )


def linear(x: Any, w: Any, b: Any) -> Any:
    """x @ w + b with b of shape (out,); written over the product where that has the dtype."""
    y = np.matmul(x, w)
    if y.dtype != b.dtype:
        return y + b
    y += b
    return y


# ---- shapes -------------------------------------------------------------------------------------


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """x summed down to `shape`, which must broadcast to x.shape. The transpose of broadcast_to."""
    lead = x.ndim - len(shape)
    if x.shape[lead:] == shape and lead > 0:  # the usual case, a bias: only leading axes go
        return np.add.reduce(x, tuple(range(lead)))
    fits = lead >= 0 and all(n in (1, m) for n, m in zip(shape, x.shape[lead:], strict=True))
    if not fits:
        raise ShapeError(f"sum_to: an array of shape {x.shape} does not sum to shape {shape}")
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1
    )
    return np.reshape(np.sum(x, axes, keepdims=True), shape)


def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated to `shape`; a single number fills a new array, which is faster than a view."""
    if x.size == 1 and isinstance(shape, tuple) and x.ndim <= len(shape):
        out = np.empty(shape, x.dtype)
        out.fill(x.item() if x.dtype.char != "O" else x.ravel()[0])
        return out
    return np.broadcast_to(x, shape)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """np.sum, without its first microsecond on arrays."""
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]
    return np.sum(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Σx / n along axis; of nothing nan, without a warning."""
    x = np.asarray(x)
    total = sum(x, axis, keepdims)
    n = x.size // total.size if total.size else 1
    return total / n if n else np.full_like(total, np.nan, dtype=(total / 1).dtype)


def put(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with g added at `index`, again where it repeats: x[index] transposed."""
    out = np.zeros(shape, np.asarray(g).dtype)
    if is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def is_basic(index: Any) -> bool:
    """Whether an index is made of integers, slices, None and ... only: no element occurs twice."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    return all(isinstance(p, plain) and not isinstance(p, bool) for p in parts)
