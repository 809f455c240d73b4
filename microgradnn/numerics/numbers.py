"""Single numbers of any type: comparisons, and functions that `math` has for floats only.

A number may be a float, Fraction, Decimal, mpf (mpmath), arb (a ball of flint: a number known
within bounds), longdouble, or a Value that holds one of them.
"""

import builtins
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, UndecidedError
from .wrapped import WrappedArray, WrappedNumber

PLAIN = frozenset({float, int, bool})

# ---- comparisons --------------------------------------------------------------------------------
# Of two balls that overlap neither a > b nor a <= b is known; any other number answers at once.


def _comparison(yes: Callable[..., Any], no: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """yes(a, b), also element by element. Raises UndecidedError if `no` is not known either."""

    def compare(a: Any, b: Any) -> Any:
        if _ordered(a) and _ordered(b):
            return yes(a, b)
        c = yes(a, b)
        if isinstance(c, np.ndarray):
            if c.size and any(isinstance(x, np.ndarray) and x.dtype.char == "O" for x in (a, b)):
                return np.frompyfunc(compare, 2, 1)(a, b).astype(bool)
            return c
        if isinstance(c, (WrappedArray, WrappedNumber)):  # the compiler's: to be asked later
            return c
        if c or no(a, b) or a != a or b != b:
            return c
        if a is b:
            return yes in (operator.eq, operator.ge, operator.le)
        raise UndecidedError(
            f"comparison: {a} and {b} overlap, so their order is not known; raise the precision, "
            "or choose a point away from the kink"
        )

    compare.__name__ = yes.__name__
    compare.__doc__ = f"{yes.__name__}(a, b). Raises UndecidedError where that is not known."
    return compare


def _ordered(x: Any) -> bool:
    return type(x) in PLAIN or type(x) is np.ndarray and x.dtype.char in "dfli?"


gt, le = _comparison(operator.gt, operator.le), _comparison(operator.le, operator.gt)
lt, ge = _comparison(operator.lt, operator.ge), _comparison(operator.ge, operator.lt)
eq, ne = _comparison(operator.eq, operator.ne), _comparison(operator.ne, operator.eq)

# ---- the functions of math, on any number -------------------------------------------------------

# What others call it: math, mpmath and flint say asin for arcsin, decimal says ln for log.
_NAMES: dict[str, tuple[str, ...]] = {
    "arctan2": ("arctan2", "atan2"),
    "log": ("log", "ln"),
    "sinc": ("sincpi", "sinc_pi", "sinc"),  # sinc alone is sin(x)/x in mpmath and flint
} | {f"arc{f}": (f"arc{f}", f"a{f}") for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}


def from_math(
    name: str,
    array: Callable[..., Any],
    floats: Callable[..., Any] | None = None,
    own: bool = True,
) -> Callable[..., Any]:
    """A function of numbers: `floats` on int and float, else the number's own of that name.

    `floats` is math's function unless given, or the array kernel if math has none. Numbers without
    such a function, and all with own=False (mpmath's cbrt(-8) is complex), are computed by the
    formula in _OTHERWISE.
    """
    names = _NAMES.get(name, (name,))
    in_math = [getattr(math, word) for word in (name, *names) if hasattr(math, word)]
    plain = floats or (in_math[0] if in_math else on_floats(array))

    def function(x: Any, *rest: Any) -> Any:
        if type(x) is float or type(x) in PLAIN:
            if not rest or type(rest[0]) in PLAIN:
                return plain(x, *rest)
            x = rest[0] * 0 + x  # the same number in the type of the second
        # The functions of an mpf are its context's; its own attribute `exp` is the exponent.
        home = np if isinstance(x, np.generic) else getattr(x, "context", x)
        for word in names if own else ():
            theirs = getattr(home, word, None)
            if theirs is not None:
                return real(getattr(type(x), word)(x, *rest) if home is x else theirs(x, *rest))
        if isinstance(x, np.float64 | np.float32 | np.float16):
            return type(x)(plain(float(x), *rest))
        if name in _OTHERWISE:
            return _OTHERWISE[name](x, *rest)
        raise missing(name, x)

    return function


def missing(name: str, x: Any) -> DTypeError:
    """The error for a type of numbers that has no function of that name, or for no number."""
    kind = type(x).__name__
    if not hasattr(type(x), "__mul__") or hasattr(type(x), "__len__"):
        return DTypeError(f"{name}: got {kind}, need numbers")
    return DTypeError(f"{name}: {kind} numbers have no {name}; convert to float first")


def on_floats(array: Callable[..., Any]) -> Callable[..., Any]:
    """The array kernel, on floats."""

    def function(*xs: Any) -> float:
        with np.errstate(all="ignore"):
            return float(array(*xs))

    return function


def real(y: Any) -> Any:
    """The number itself, or nan for a complex one: (-1) ** 0.5 is nan in IEEE, not 1j."""
    if isinstance(y, complex):
        return math.nan
    return y if getattr(y, "imag", 0) == 0 else y.real * math.nan  # mpmath has its own


# ---- numbers whose type has no function of that name: Fraction, Decimal, mpf, arb ---------------

exp, log, log1p = from_math("exp", np.exp), from_math("log", np.log), from_math("log1p", np.log1p)
sqrt, arctan = from_math("sqrt", np.sqrt), from_math("arctan", np.arctan)
floor, ceil = from_math("floor", np.floor), from_math("ceil", np.ceil)


def _pi(x: Any) -> Any:
    return 4 * arctan(x * 0 + 1)


def _trunc(x: Any) -> Any:
    return floor(x) if ge(x, 0) else ceil(x)


def _larger(a: Any, b: Any) -> Any:
    return a if a != a or gt(a, b) else b


_OTHERWISE: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: 2**x,
    "log2": lambda x: log(x) / log(x * 0 + 2),
    "log10": lambda x: log(x) / log(x * 0 + 10),
    "cbrt": lambda x: sign(x) * exp(log(abs(x)) / 3),
    "degrees": lambda x: x * 180 / _pi(x),
    "radians": lambda x: x * _pi(x) / 180,
    "hypot": lambda a, b: sqrt(a * a + b * b),
    "logaddexp": lambda a, b: _larger(a, b) + log1p(exp(-abs(a - b))),
    "logaddexp2": lambda a, b: _larger(a, b) + log(1 + 2 ** -abs(a - b)) / log(a * 0 + 2),
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": _trunc,
    "floor_divide": lambda a, b: floor(a / b),
    "fmod": lambda a, b: a - b * _trunc(a / b),
    "remainder": lambda a, b: a - b * floor(a / b),
    "copysign": lambda a, b: abs(a) if ge(b, 0) else -abs(a),
    "heaviside": lambda x, h: h if eq(x, 0) else h * 0 + gt(x, 0),
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "softplus": lambda x: log1p(exp(x)),
    "bce": lambda p, t: -(t * log(p) + (1 - t) * log(1 - p)),
    "bce_with_logits": lambda z, t: log1p(exp(z)) - z * t,
}

# ---- kernels on single numbers ------------------------------------------------------------------


def power(a: Any, b: Any) -> Any:
    """a to the power b, nan where that is complex."""
    return a**b if type(b) is complex or type(a) is complex else real(a**b)


def sign(x: Any) -> Any:
    """-1, 0 or 1, and nan for nan."""
    return x if x != x else int(gt(x, 0)) - int(lt(x, 0))


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) of a float, from exp(-|x|), which cannot overflow."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def relu(x: Any) -> Any:
    """max(x, 0) in the type of x; nan stays nan."""
    if type(x) is float:
        return 0.0 if x <= 0.0 else x
    return x if x != x or gt(x, 0) else type(x)(0)


def rounded(name: str) -> Callable[..., Any]:
    """Rounding for numbers that Python can round, for mpf, which have their own, and for balls."""

    def kernel(x: Any, decimals: int = 0) -> Any:
        if hasattr(x, "context") and not decimals:
            return x.context.nint(x)
        if hasattr(type(x), "floor") and not decimals:  # a ball
            half = type(x)(1) / 2
            y = (x + half).floor()
            odd = y - x == half and y * half != (y * half).floor()
            return y - 1 if odd else y  # a tie goes to the even neighbour
        if not hasattr(type(x), "__round__"):
            raise missing(name, x)
        return builtins.round(x, decimals)

    return kernel


def ldexp(x: Any, n: Any) -> Any:
    """x·2ⁿ, rounded once."""
    if type(x) in (float, int):
        try:
            return math.ldexp(x, int(n))
        except OverflowError:
            return math.copysign(math.inf, x)
    if isinstance(x, np.generic):
        return np.ldexp(x, n)
    return x * 2**n if n >= 0 else x / 2**-n


def nan_to_num(x: Any, **to: Any) -> Any:
    """np.nan_to_num of one number of any type."""
    if hasattr(x, "nan_to_num"):  # a Value
        return x.nan_to_num(**to)
    if type(x) in (float, int):
        return float(np.nan_to_num(x, **to))
    if isinstance(x, np.generic):
        return np.nan_to_num(x, **to)[()]
    finite = x.is_finite() if hasattr(x, "is_finite") else math.isfinite(x)
    return x if finite else type(x)(float(np.nan_to_num(float(x), **to)))
