"""Element by element: rounding, special values, activations with a parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import plain
from ..engine.op import Carrier
from ..engine.protocol import array
from ..errors import ConfigError
from ..signatures.expected import affordable
from .implementing import implements
from .shape import as_array, floats
from .types import A, Array, ArrayLike, E, Each, Like, Some


@implements(np.nan_to_num)
def nan_to_num(
    x: Each[E],
    copy: bool = True,
    nan: float = 0.0,
    posinf: float | None = None,
    neginf: float | None = None,
) -> E:
    """nan and infinities replaced by numbers; their gradient is 0."""
    return ops.nan_to_num(as_array(x), nan=nan, posinf=posinf, neginf=neginf)


@implements(np.round, np.around)
def round(a: Each[E], decimals: int = 0) -> E:
    """Rounded to decimals, half to even; its gradient is 0."""
    return ops.round(as_array(a), decimals=decimals)


@implements(np.fix)
def fix(x: Each[E]) -> E:
    """Rounded towards zero; its gradient is 0."""
    return ops.trunc(as_array(x))


@implements(np.float_power)
def float_power(x1: Like[A], x2: Like[A]) -> A:
    """x1 ** x2, computed in float64 at least."""
    a, b = array(x1), array(x2)
    kind = np.result_type(plain(a), plain(b), np.float64)
    return ops.pow(ops.astype(a, dtype=kind), ops.astype(b, dtype=kind))


@implements(np.divmod)
def divmod(x1: Some[E], x2: Some[E]) -> tuple[E, E]:
    """(x1 // x2, x1 % x2)."""
    a: Any = x1
    return ops.floor_divide(a, x2), ops.remainder(a, x2)


@implements(np.modf)
def modf(x: Each[E]) -> tuple[E, E]:
    """The parts behind and before the decimal point, both with the sign of x."""
    given: Any = as_array(x)
    if not isinstance(given, Carrier):
        part, whole = np.modf(given)
        return part, whole
    if isinstance(given.data, np.ndarray) and given.data.dtype.kind in "biu":
        given = ops.astype(given, dtype=np.modf(given.data)[0].dtype)
    raw, whole = given.data, ops.trunc(given)
    part = ops.fmod(given, 1)  # exact, with the sign of x; but of an infinite x it is nan
    infinite = abs(raw) == np.inf
    return ops.where(infinite, np.copysign(0.0, raw), part) if np.any(infinite) else part, whole


@implements(np.positive, np.real, np.real_if_close)
def positive(x: Each[E]) -> E:
    """x itself; so are, of real numbers, conjugate and real."""
    return ops.alias(as_array(x))


def _as_ufunc(ufunc: np.ufunc, x: Any) -> Any:
    """x in the dtype that NumPy's ufunc gives, where that is another one for integers or bool."""
    given = as_array(x)
    old = getattr(given, "dtype", None)
    if old is None or old.kind not in "biu":
        return given
    new = ufunc(np.zeros((), old)).dtype
    return given if new == old else ops.astype(given, dtype=new)


@implements(np.conjugate)
def _conjugate(x: Any) -> Any:
    return ops.alias(_as_ufunc(np.conjugate, x))


@implements(np.fabs)
def _fabs(x: Any) -> Any:
    return ops.abs(_as_ufunc(np.fabs, x))


@implements(np.imag)
def imag(val: ArrayLike) -> Array:
    """Zeros, of plain complex numbers the imaginary parts: a tensor's numbers are real."""
    return np.imag(plain(array(val)))


@implements(np.sinc)
def sinc(x: Each[E]) -> E:
    """sin(πx) / (πx), and 1 at 0."""
    return ops.sinc(as_array(x))


def leaky_relu(x: Each[E], negative_slope: float = 0.01) -> E:
    """x where positive, negative_slope · x elsewhere; the slope at 0 is negative_slope."""
    return ops.leaky_relu(x, negative_slope=negative_slope)


def elu(x: Each[E], alpha: float = 1.0) -> E:
    """x where positive, alpha · (exp(x) - 1) elsewhere; the slope at 0 is alpha."""
    return ops.elu(x, alpha=alpha)


def polygamma(n: int, x: Each[E]) -> E:
    """The n-th derivative of digamma at x; digamma itself for n = 0. Arguments as in SciPy."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise ConfigError(f"polygamma: n is {n!r}, need an integer >= 0")
    affordable("polygamma", 1000, n=n)
    given: Any = as_array(x)
    return ops.polygamma(given, n=int(n))


def logit(x: Each[E]) -> E:
    """log(x / (1 - x)) of probabilities: the inverse of sigmoid."""
    p = floats(x)
    return ops.log(p) - ops.log1p(-p)


# NumPy's longer names of ops.
subtract, multiply, divide, negative = ops.sub, ops.mul, ops.div, ops.neg
power, absolute, mod = ops.pow, ops.abs, ops.remainder

__all__ = [
    "absolute", "divide", "divmod", "elu", "fix", "float_power", "imag", "leaky_relu", "logit",
    "mod", "modf", "multiply", "nan_to_num", "negative", "polygamma", "positive", "power", "round",
    "sinc", "subtract",
]  # fmt: skip
