"""What PyTorch's methods do where NumPy has no function of just that meaning: composites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import RuleError, ShapeError
from . import elements, linalg, places, shape


def listed(given: tuple[Any, ...]) -> tuple[int, ...]:
    """(2, 3) from f(2, 3) and from f((2, 3))."""
    several = len(given) == 1 and isinstance(given[0], (tuple, list))
    return tuple(given[0]) if several else given


def axes(dim: Any) -> Any:
    """dim as NumPy wants it: a list becomes a tuple."""
    return tuple(dim) if isinstance(dim, list) else dim


def cast(x: Any, dtype: Any) -> Any:
    """x in another dtype, itself if it has that."""
    return x if x.dtype == dtype else shape.astype(x, dtype)


def casting(dtype: Any) -> Callable[[Any], Any]:
    """A function that casts to that dtype."""
    return lambda x: cast(x, dtype)


def ask(ufunc: Any) -> Callable[[Any, Any], Any]:
    """A question about the data, answered by a plain array."""
    return lambda x, other: ufunc(plain(x), plain(other))


def new(x: Any, size: Any, value: Any, dtype: Any, requires_grad: bool) -> Tensor:
    """A leaf of that size, full of value, in x's dtype unless another is given."""
    return Tensor(np.full(size, plain(value), dtype or x.dtype), None, requires_grad)


def expand(x: Any, sizes: tuple[int, ...]) -> Any:
    """x repeated along axes of length 1, and along new ones in front; -1 keeps a length."""
    new = len(sizes) - x.ndim
    if new < 0 or -1 in sizes[:new]:
        raise ShapeError(f"expand: shape {x.shape} does not become {sizes}")
    old = zip(sizes[new:], x.shape, strict=True)
    return shape.broadcast_to(x, (*sizes[:new], *(n if m == -1 else m for m, n in old)))


def turned(x: Any) -> Any:
    """The transpose of a matrix; a vector or a number as it is."""
    if x.ndim > 2:
        raise ShapeError(f"t: shape {x.shape} has more than two axes; use .mT or .swapaxes(0, 1)")
    return x.T


def unflatten(x: Any, dim: int, sizes: Any) -> Any:
    """x with one axis folded into several."""
    dim = places.axis_of("unflatten", x, dim)
    return shape.reshape(x, (*x.shape[:dim], *sizes, *x.shape[dim + 1 :]))


def divided(x: Any, other: Any, rounding_mode: str | None = None) -> Any:
    """x / other, rounded down or towards 0 if rounding_mode says so."""
    if rounding_mode not in (None, "floor", "trunc"):
        raise RuleError(f"div: rounding_mode={rounding_mode!r}; use 'floor', 'trunc' or None")
    if rounding_mode == "floor":
        return ops.floor_divide(x, other)
    y = ops.div(x, other)
    return ops.trunc(y) if rounding_mode else y


def norm(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    """(Σ|x|ᵖ)^(1/p) over the axes dim, of all elements by default; "nuc" is of a matrix."""
    if p == "nuc":
        return linalg.norm(x, "nuc", axes(dim), keepdims=keepdim)
    order = 2 if p in ("fro", None) else p
    return linalg.vector_norm(x, ord=order, axis=axes(dim), keepdims=keepdim)


def product(name: str, a: Any, b: Any, m: int, n: int) -> Any:
    """a @ b, of which a must have m axes and b n."""
    ndim = np.ndim(plain(a)), np.ndim(plain(b))
    if ndim != (m, n):
        raise ShapeError(f"{name}: got {ndim[0]} and {ndim[1]} axes, need {m} and {n}; see matmul")
    return ops.matmul(a, b)


def logdet(x: Any) -> Any:
    """log det(x), nan where the determinant is negative."""
    sign, logabsdet = linalg.slogdet(x)
    return ops.where(plain(sign) < 0, np.nan, logabsdet)


def flattened(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """x with the axes from start_dim to end_dim joined into one."""
    if not x.ndim:
        return shape.reshape(x, (1,))
    first = places.axis_of("flatten", x, start_dim)
    last = places.axis_of("flatten", x, end_dim)
    if first > last:
        raise ShapeError(f"flatten: start_dim {start_dim} comes after end_dim {end_dim}")
    n = int(np.prod(x.shape[first : last + 1]))
    return shape.reshape(x, (*x.shape[:first], n, *x.shape[last + 1 :]))


def logit(x: Any, eps: float | None = None) -> Any:
    """log(x / (1 - x)), of x moved into eps … 1 - eps if eps is given."""
    return elements.logit(x if eps is None else ops.clip(x, eps, 1 - eps))


def nonzero(x: Any, as_tuple: bool) -> Any:
    """Where elements are not 0: an array for each axis, or one row for each element."""
    return np.nonzero(plain(x)) if as_tuple else np.argwhere(plain(x))


def to(x: Any, *given: Any, dtype: Any = None, device: Any = None, copy: bool = False,
       non_blocking: bool = False) -> Any:  # fmt: skip
    """x in the dtype that is given, or in that of another tensor; a device must be the CPU."""
    for what in given:
        if isinstance(what, Tensor):
            dtype = what.dtype
        elif isinstance(what, bool):  # non_blocking, which changes nothing here
            pass
        elif isinstance(what, str) and what.split(":")[0] in DEVICES:
            device = what
        else:
            dtype = what
    if device is not None and str(device).split(":")[0] != "cpu":
        no_device("to", device)
    y = x if dtype is None else cast(x, np.dtype(dtype))
    return shape.copy(x) if copy and y is x else y


DEVICES = ("cpu", "cuda", "mps", "xpu", "meta")


def no_device(name: str, device: Any) -> Any:
    """Raises RuleError: everything is on the CPU."""
    raise RuleError(f"{name}: there is no device {str(device)!r}; everything is on the CPU")
