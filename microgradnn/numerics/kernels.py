"""Forward computations that are more than one NumPy call. Plain numbers and arrays, no rules.

The formulas are chosen so that no input in range overflows and no digits are lost; the docstring of
each says how.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataError, DTypeError, LabelError, NumericWarning, ShapeError
from ..notices import notice
from .numbers import from_math

COMPLEX = "complex numbers are out of scope; keep the real and imaginary parts as two arrays"

# ---- on arrays, element by element --------------------------------------------------------------


def astype(x: Any, dtype: Any) -> Any:
    """x in another dtype. Raises DTypeError where imaginary parts would be lost."""
    if x.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise DTypeError(COMPLEX)
    return x.astype(dtype)


def floating(x: Any) -> Any:
    """x as an array of floats: integers, which would wrap in -x and x², become float64."""
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return x
    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise DTypeError(COMPLEX)
    return x if x.dtype.kind in "fO" else x.astype(np.float64)


def wide(x: Any) -> Any:
    """x as an array of floats to add up: of float16 in float32, as NumPy's mean does."""
    x = floating(x)
    return x.astype(np.float32) if x.dtype.char == "e" else x


def like(y: Any, x: Any) -> Any:
    """y, computed from wide(x), in the dtype of x."""
    dtype = getattr(x, "dtype", None)
    return y.astype(np.float16) if dtype is not None and dtype.char == "e" else y


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) as exp(min(x, 0)) / (1 + exp(-|x|)), which cannot overflow."""
    x = floating(x)
    return np.exp(np.minimum(x, 0)) / (1 + np.exp(-np.abs(x)))


def _singular(ufunc: Any, pole: float) -> Any:
    """A logarithm of NumPy's that says at which line of the user's program it met its pole."""

    def kernel(x: Any) -> Any:
        here = x != pole if pole else x
        if type(x) is not np.ndarray or x.dtype.kind != "f" or here.all():
            return ufunc(x)
        if np.geterr()["divide"] != "warn":
            return ufunc(x)
        notice(
            f"{ufunc.__name__}: {pole:g} among the inputs, where it is -inf, its slope inf; keep "
            f"them away from it, as in maximum(x, {pole + 1e-12!r}), or take a loss of logits",
            NumericWarning,
        )
        with np.errstate(divide="ignore"):
            return ufunc(x)

    kernel.ufunc = ufunc  # type: ignore[attr-defined]
    return kernel


SINGULAR = {"log": _singular(np.log, 0), "log2": _singular(np.log2, 0),
            "log10": _singular(np.log10, 0), "log1p": _singular(np.log1p, -1)}  # fmt: skip


def relu(x: Any) -> Any:
    """max(x, 0); nan stays nan."""
    return np.maximum(x, 0)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6)."""
    return np.clip(x, 0, 6)


def erf(x: Any) -> Any:
    """2/√π ∫ exp(-t²) from 0 to x, each element by the C library: slow, right to the last digit."""
    return _one_by_one(math.erf, x)


def erfc(x: Any) -> Any:
    """1 - erf(x), without its loss of digits for large x."""
    return _one_by_one(math.erfc, x)


def _one_by_one(f: Callable[[float], float], x: Any) -> Any:
    x = floating(x)
    return np.asarray(np.frompyfunc(f, 1, 1)(x), x.dtype)


def xlogy(x: Any, y: Any) -> Any:
    """x·log(y), and 0 where x is 0, unless y is nan."""
    x, y = floating(x), floating(y)
    zero = (x == 0) & ~np.isnan(y)
    return np.where(zero, np.zeros_like(x), x * np.log(np.where(zero, 1, y)))


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where positive, negative_slope · x elsewhere."""
    x = floating(x)
    return np.where(x > 0, x, np.multiply(x, negative_slope))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where positive, alpha · (exp(x) - 1) elsewhere."""
    x = floating(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(-|x|)): exact in both tails, no threshold."""
    x = floating(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def bce(p: Any, t: Any) -> Any:
    """-t·log p - (1 - t)·log(1 - p), each logarithm at least -100."""
    p, t = floating(p), floating(t)
    return -(t * np.maximum(np.log(p), -100) + (1 - t) * np.maximum(np.log1p(np.negative(p)), -100))


def bce_with_logits(z: Any, t: Any) -> Any:
    """-t·log σ(z) - (1 - t)·log(1 - σ(z)).

    max(z, 0) - z·t comes first: it is exactly 0 for a right and certain answer, and the sum then
    keeps the digits of log1p.
    """
    z, t = floating(z), floating(t)
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
    given, x = x, wide(x)
    if not x.ndim:
        axis = None
    top = np.max(x, axis, keepdims=True) if x.size else np.sum(x, axis, keepdims=True)
    if top.dtype.kind == "f":
        top = np.where(np.isfinite(top), top, 0)
    y = like(log(np.sum(exp(x - top), axis, keepdims=True)) + top, given)
    return y if keepdims else np.squeeze(y, tuple(range(x.ndim)) if axis is None else axis)


_exp = np.frompyfunc(from_math("exp", np.exp), 1, 1)
_log = np.frompyfunc(from_math("log", np.log), 1, 1)


def exp(x: Any) -> Any:
    """exp of an array, of objects one by one."""
    return np.exp(x) if x.dtype.char != "O" else np.asarray(_exp(x))


def log(x: Any) -> Any:
    """log of an array, of objects one by one."""
    return np.log(x) if x.dtype.char != "O" else np.asarray(_log(x))


def extreme(ufunc: Any, number: Any) -> Callable[..., Any]:
    """The reduction by maximum or minimum; objects are compared by `number`, never guessed."""

    def kernel(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        x = np.asarray(x)
        if x.dtype.char != "O":
            return ufunc.reduce(x, axis, None, None, keepdims)
        axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        for i in axes:
            x = np.frompyfunc(number, 2, 1).reduce(x, i, None, None, True)
        return x if keepdims else np.squeeze(x, tuple(axes))

    return kernel


def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """√Σx² along axis."""
    return like(np.sqrt(np.sum(np.square(wide(x)), axis, keepdims=keepdims)), x)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    """x - logsumexp(x)."""
    exact = wide(x)
    return like(exact - logsumexp(exact, axis, keepdims=True), x)


def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / Σ exp(x) along axis, shifted by the maximum."""
    given, x = x, wide(x)
    if not x.size:
        return like(x.copy(), given)
    e = exp(x - np.max(x, axis, keepdims=True))
    return like(e / np.sum(e, axis, keepdims=True), given)


def cross_entropy(z: Any, t: Any) -> Any:
    """-Σ t·log softmax(z) over the last axis; t holds labels (integers) or probabilities."""
    logp = log_softmax(z)
    if t.dtype.kind in "iu":
        return -np.take_along_axis(logp, t[..., None], -1)[..., 0]
    return -like(np.sum(wide(t) * wide(logp), -1), logp)


def labels(t: Any, classes: int) -> Any:
    """Labels for one_hot: integers from 0 to classes - 1; DTypeError or LabelError for others."""
    t = np.asarray(t)
    if t.size and t.dtype.kind not in "iu":
        raise DTypeError(
            f"one_hot: labels of dtype {t.dtype}, expected integers; write y.astype(int)"
        )
    wrong = np.argwhere((t < 0) | (t >= classes))
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        where = "" if not at else f" at index {at[0] if len(at) == 1 else at}"
        raise LabelError(f"one_hot: label {t[at]}{where}, expected 0 to {classes - 1}")
    return t


def one_hot(t: Any, classes: int) -> Any:
    """A boolean array (*t.shape, classes), true at the label."""
    t = t if hasattr(t, "dtype") else np.asarray(t)
    return t[..., None] == np.arange(classes)


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
        return np.add.reduce(x, 0 if lead == 1 else tuple(range(lead)))
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
        out.fill(x[()] if not x.ndim else x.ravel()[0])
        return out
    return np.broadcast_to(x, shape)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """np.sum, without its first microsecond on arrays."""
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]
    return np.sum(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Σx / n along axis; of nothing nan, without a warning."""
    given, x = x, wide(x)
    total = sum(x, axis, keepdims)
    size = getattr(total, "size", 1)  # an object comes out of its array
    n = x.size // size if size else 1
    return like(total / n if n else np.full_like(total, np.nan), given)


def put(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with g added at `index`, again where it repeats: x[index] transposed."""
    out = np.zeros(shape, np.asarray(g).dtype)
    g = g[()] if isinstance(g, np.ndarray) and not g.ndim else g
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


def resize(x: Any, new_shape: Any) -> Any:
    """x repeated as often as new_shape needs, in order; zeros if x is empty."""
    return np.resize(x, new_shape)


# ---- sliding windows ----------------------------------------------------------------------------


def windows(
    x: Any, shape: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> Any:
    """(…, *places, *shape): the window at each place along the last axes of x, a view."""
    n = len(shape)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(shape, dilation, strict=True))
    view = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(-n, 0)))
    step = tuple(slice(None, None, s) for s in stride)
    index: Any = (..., *step, *(slice(None, None, d) for d in dilation))
    return view[index]


def fold(x: Any, size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Any:
    """(…, *size): windows (…, *places, *shape) added where they were taken from."""
    n = len(size)
    places, shape = x.shape[-2 * n : -n], x.shape[-n:]
    out = np.zeros((*x.shape[: -2 * n], *size), x.dtype)
    for at in np.ndindex(*shape):
        to: Any = tuple(
            slice(a * d, a * d + s * (p - 1) + 1, s)
            for a, d, s, p in zip(at, dilation, stride, places, strict=True)
        )
        here: Any = (..., *at)
        out[(..., *to)] += x[here]
    return out


# ---- matrices -----------------------------------------------------------------------------------


def finite(name: str, a: Any) -> None:
    """Raises DataError for matrices with inf or nan: LAPACK may never return from their SVD."""
    if not np.isfinite(a).all():
        raise DataError(
            f"linalg.{name}: the matrix holds inf or nan, and has no singular or eigenvalues"
        )


def pinv(a: Any, rcond: Any = None) -> Any:
    """np.linalg.pinv, with its default where rcond is None."""
    finite("pinv", a)
    return np.linalg.pinv(a) if rcond is None else np.linalg.pinv(a, rcond)


def logabsdet(a: Any) -> Any:
    """log |det a|."""
    return np.linalg.slogdet(a)[1]


def cofactor(a: Any) -> Any:
    """The matrix of cofactors, d det(a)/da, also of singular a: det(u)·det(v)·u·Π_{j≠i}sⱼ·v."""
    finite("det", a)
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(n)], -1) if n else s
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return np.asarray(sign)[..., None, None] * ((u * others[..., None, :]) @ vh)


def cofactor_change(a: Any, e: Any) -> Any:
    """How cofactor(a) changes as a moves along e, also of singular a: no number is divided by 0.

    Of a diagonal matrix s it is Σ_{k≠i} p_ik·e_kk at (i, i) and -p_ij·e_ji at (i, j), with p_ij the
    product of all s but the two; the SVD turns any matrix into one.
    """
    finite("det", a)
    u, s, vh = np.linalg.svd(a)
    sign = np.asarray(np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    ut, v = np.swapaxes(u, -1, -2), np.swapaxes(vh, -1, -2)
    e = ut @ e @ v
    nonzero, zero = np.where(s == 0, 1, s), s == 0
    outside = zero.sum(-1)[..., None, None] - zero[..., None] - zero[..., None, :]  # zeros in p_ij
    p = np.prod(nonzero, -1)[..., None, None] / (nonzero[..., None] * nonzero[..., None, :])
    p = np.where(outside > 0, 0, p) * (1 - np.eye(s.shape[-1]))
    diagonal = (p @ np.diagonal(e, 0, -2, -1)[..., None])[..., 0]
    change = -p * np.swapaxes(e, -1, -2) + diagonal[..., None] * np.eye(s.shape[-1])
    return (sign * (u @ change @ vh)).astype(u.dtype)


def eigh(a: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    """(…, n + 1, n): the row of eigenvalues, then the eigenvectors as columns."""
    finite("eigh", a)
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], -2)


def svd(a: Any) -> Any:
    """(…, 1 + m + n, k): the row of singular values, then u, then v, each with k columns."""
    finite("svd", a)
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([s[..., None, :], u, np.swapaxes(vh, -1, -2)], -2)


def qr(a: Any) -> Any:
    """(…, m + n, n) for m ≥ n: q, then r transposed."""
    q, r = np.linalg.qr(a)
    return np.concatenate([q, np.swapaxes(r, -1, -2)], -2)
