"""Gamma and its derivatives, and the inverse of erf: in float64 arrays, and on any one number.

Each formula is used where it loses no digits. Sources: NIST DLMF 5.7 (series), 5.11 (large x), 5.5
(reflection), 25.11 (Hurwitz' zeta by Euler and Maclaurin); Winitzki 2008 for a first erfinv.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ConfigError, DTypeError
from .kernels import erf, erfc
from .numbers import PLAIN, missing

# (-1)ᵏ(ζ(k) - 1)/k from k = 2 on: log Γ(2 + z) = z·(1 - γ) + Σ of these times zᵏ.
_ZETA = (
    0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
    0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
    9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
    4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
    2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08,
    -2.2711094608943164e-08, 1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09,
    -1.1921401405860912e-09, 5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10,
    -6.4229645638381e-11, 3.1044247747322276e-11, -1.5021384080754142e-11,
)  # fmt: skip
_ONE_LESS_GAMMA = 0.42278433509846713  # 1 - γ
# Where digamma is 0, in two floats, and its Taylor coefficients there from the first power on.
_ROOT = (1.4616321449683622, 9.549995429965697e-17)
_AT_ROOT = (
    0.9676722454476212, -0.4427631689835921, 0.258499760955651, -0.16394270544240652,
    0.10782405069126237, -0.07219956125645471, 0.04880428816414311, -0.03316112647484736,
    0.022597648232218104, -0.01542476590494896, 0.010538791616612175, -0.007204534386356869,
    0.004926781395729853, -0.003369801655439328, 0.002305126326734928, -0.0015769367714301972,
    0.0010788252019162967, -0.0007380709389960052, 0.000504953265834602, -0.0003454680251063077,
    0.00023635601564027053, -0.00016170622091974803, 0.0001106337276874741, -7.569179582195066e-05,
    5.178575795222081e-05, -3.5430070947659604e-05, 2.424006611860132e-05, -1.6584242271854135e-05,
    1.134638458466385e-05,
)  # fmt: skip
_BERNOULLI = (
    1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798,
    -174611 / 330,
)  # fmt: skip
_LOG_ROOT_2PI = 0.9189385332046728


def _in_double(f: Callable[..., Any]) -> Callable[..., Any]:
    """f of float64 arrays, on arrays of any real dtype; the result has that dtype."""

    def kernel(x: Any, **options: Any) -> Any:
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise DTypeError(f"{f.__name__.lstrip('_')}: got dtype {x.dtype}, need numbers")
        with np.errstate(all="ignore"):
            y = f(np.asarray(x, np.float64), **options)
        return np.asarray(y, x.dtype if x.dtype.kind == "f" else np.float64)

    kernel.__name__, kernel.__doc__ = f.__name__.lstrip("_"), f.__doc__
    return kernel


def _horner(coefficients: tuple[float, ...], t: Any) -> Any:
    total = np.zeros_like(t)
    for c in reversed(coefficients):
        total = total * t + c
    return total


def _from_whole(x: Any) -> Any:
    """x less the nearest integer: sin πx and cot πx depend on it alone."""
    return x - np.round(x)


def _cot(x: Any) -> Any:
    """cot πx."""
    r = _from_whole(x)
    size = np.abs(r)
    far = np.tan(np.pi * (0.5 - np.maximum(size, 0.25)))
    return np.copysign(np.where(size > 0.25, far, 1 / np.tan(np.pi * size)), r)


class _Near:
    """x below 8, brought near 2 by Γ(x + 1) = x·Γ(x): z from there, and the steps back."""

    def __init__(self, x: Any) -> None:
        self.small, self.low = np.abs(x) < 0.5, x < 1.5
        self.x = np.where(x < 8, x, 2.0)
        steps = np.floor(self.x - 1.5)
        self.down = [np.where(i <= steps, self.x - i, np.nan) for i in range(1, 7)]
        u = self.x - np.maximum(steps, 0)
        self.z = np.where(self.small, x, np.where(self.low, self.x - 1, u - 2))

    def back(self, step: Callable[[Any], Any], y: Any) -> Any:
        """y, of 2 + z, at x: step(v) leads from v to v + 1."""
        up = np.where(self.low, y - step(1 + self.z), y)
        up = np.where(self.small, up - step(self.x), up)
        for v in self.down:
            up = up + np.where(np.isnan(v), 0, step(v))
        return up


def _log_gamma(x: Any) -> Any:
    """log |Γ(x)| of x > -0.5."""
    near = _Near(x)
    series = near.z * (_ONE_LESS_GAMMA + near.z * _horner(_ZETA, near.z))
    y = near.back(lambda v: np.log(np.abs(v)), series)
    q = np.maximum(x, 8.0)
    terms = tuple(b / (2 * k * (2 * k - 1)) for k, b in enumerate(_BERNOULLI, 1))
    tail = _horner(terms, 1 / (q * q)) / q
    return np.where(x >= 8, (q - 0.5) * (np.log(q) - 1) - 0.5 + _LOG_ROOT_2PI + tail, y)


def _lgamma(x: Any) -> Any:
    """log |Γ(x)|: inf at 0 and the negative integers."""
    right = _log_gamma(np.where(x > -0.5, x, -x))
    sine = np.sin(np.pi * np.abs(_from_whole(np.where(np.isfinite(x), x, 0))))
    left = np.log(np.pi / (-x * sine)) - right
    y = np.where(x > -0.5, right, left)
    return np.where(np.isinf(x), np.inf, np.where(x == 0, np.inf, y))


def _psi(x: Any) -> Any:
    """digamma(x) of x > -0.5."""
    near = _Near(x)
    slope = tuple(k * c for k, c in enumerate(_ZETA, 2))
    y = near.back(lambda v: 1 / v, _ONE_LESS_GAMMA + near.z * _horner(slope, near.z))
    t = (x - _ROOT[0]) - _ROOT[1]
    y = np.where(np.abs(t) <= 0.4, t * _horner(_AT_ROOT, np.clip(t, -0.4, 0.4)), y)
    q = np.maximum(x, 8.0)
    terms = tuple(b / (2 * k) for k, b in enumerate(_BERNOULLI, 1))
    square = 1 / (q * q)
    return np.where(x >= 8, np.log(q) - 0.5 / q - square * _horner(terms, square), y)


def _digamma(x: Any) -> Any:
    """The derivative of log |Γ(x)|: ∓inf at ±0, nan at the negative integers."""
    right = _psi(np.where(x > -0.5, x, -x))
    left = right - 1 / x - np.pi * _cot(x)
    pole = (x < 0) & (np.floor(x) == x)
    y = np.where(x > -0.5, right, np.where(pole, np.nan, left))
    return np.where(x == 0, -np.copysign(np.inf, x), y)


def _power(b: Any, n: int) -> Any:
    """n!·b⁻ⁿ⁻¹, also where the power alone is no normal number."""
    y = b ** -(n + 1.0)
    small = np.asarray(y < 1e-290)
    y = float(math.factorial(n)) * y
    if small.any():
        product = 1 / b
        for k in range(1, n + 1):
            product = product * (k / b)
        y = np.where(small, product, y)
    return y


def _zeta(s: int, q: Any) -> Any:
    """(s - 1)! · Σ (q + k)⁻ˢ over k = 0, 1, …, for q > 0 and an integer s > 1."""
    n = 12 + s
    total = sum((_power(q + k, s - 1) for k in range(n - 1, -1, -1)), np.zeros_like(q))
    a = q + n
    square, term, series = 1 / (a * a), s / 2.0, np.zeros_like(q)
    factors = []
    for k, b in enumerate(_BERNOULLI, 1):
        factors.append(b * term)  # B₂ₖ/(2k)! · s(s + 1)…(s + 2k - 2)
        term *= (s + 2 * k - 1) * (s + 2 * k) / ((2 * k + 1) * (2 * k + 2))
    series = square * _horner(tuple(factors), square)
    return total + _power(a, s - 2) * (1 + (s - 1) * (0.5 / a + series))


def _polygamma(x: Any, n: int = 1) -> Any:
    """The n-th derivative of digamma: at 0, -1, … inf for odd n, nan for even n."""
    if n == 0:
        return _digamma(x)
    n = _order(n, 170)  # 171! is no float
    sign = (-1.0) ** (n + 1)
    right = sign * _zeta(n + 1, np.where(x > 0, x, 1 - x))
    slope = [0.0, 1.0]  # dⁿ cot(πx)/dxⁿ as a polynomial of the cotangent, over πⁿ
    for _ in range(n):
        d = [i * c for i, c in enumerate(slope)][1:]
        slope = [-a - b for a, b in zip([*d, 0.0, 0.0], [0.0, 0.0, *d], strict=True)]
    left = -sign * right - np.pi ** (n + 1) * _horner(tuple(slope), _cot(x))
    whole = (x <= 0) & (np.floor(x) == x)
    at_pole = np.inf if n % 2 else np.where(x == 0, -np.copysign(np.inf, x), np.nan)
    return np.where(x > 0, right, np.where(whole, at_pole, left))


def _order(n: int, most: int) -> int:
    if not 0 <= n <= most:
        raise ConfigError(f"polygamma: n is {n:.6g}, need an integer from 0 to {most}")
    return n


def _erfinv(x: Any) -> Any:
    """y with erf(y) = x: ±inf at ±1, nan beyond."""
    inside = np.where(np.abs(x) < 1, x, 0.0)
    size = np.abs(inside)
    log = np.log1p(-size * size)
    t = 2 / (np.pi * 0.147) + log / 2
    y = np.sqrt(np.maximum(np.sqrt(t * t - log / 0.147) - t, 0))
    for _ in range(3):  # Halley's, which triples the digits; the first guess has two
        excess = np.where(size < 0.5, erf(y) - size, (1 - size) - erfc(y))
        step = excess * (math.sqrt(math.pi) / 2) * np.exp(y * y)
        y = y - step / (1 + y * step)
    edge = np.where(np.abs(x) == 1, np.inf, np.nan)
    return np.copysign(np.where(np.abs(x) < 1, y, edge), x)


lgamma, digamma = _in_double(_lgamma), _in_double(_digamma)
polygamma, erfinv = _in_double(_polygamma), _in_double(_erfinv)

# ---- on one number of any type ------------------------------------------------------------------

_MPF: dict[str, Callable[..., Any]] = {
    "lgamma": lambda c, x: c.log(abs(c.gamma(x))),
    "digamma": lambda c, x: c.digamma(x),
    "polygamma": lambda c, x, n=1: c.psi(_order(n, 1000), x),
    "erfinv": lambda c, x: c.erfinv(x),
}
_BALL: dict[str, Callable[..., Any]] = {
    "lgamma": lambda x: x.lgamma() if x > 0 else abs(x.gamma()).log(),
    "digamma": lambda x: x.digamma(),
    "polygamma": lambda x, n=1: _ball_polygamma(x, n),
    "erfinv": lambda x: x.erfinv(),
}


def _ball_polygamma(x: Any, n: int) -> Any:
    n = _order(n, 1000)
    return (type(x)(n + 1).zeta(x) * (-1) ** (n + 1) * math.factorial(n)) if n else x.digamma()


def of_one(name: str, array: Callable[..., Any]) -> Callable[..., Any]:
    """The function of that name, of one number: floats by the array kernel, others their own."""

    def number(x: Any, **options: Any) -> Any:
        if type(x) in PLAIN:
            return float(array(float(x), **options))
        if isinstance(x, np.float64 | np.float32 | np.float16):
            return array(x, **options)[()]
        if hasattr(x, "context"):
            return _MPF[name](x.context, x, **options)
        if hasattr(x, "mid"):
            return _BALL[name](x, **options)
        own = getattr(x, name, None)
        if own is None:
            raise missing(name, x)
        return own(**options)  # a Value

    return number


# Both kernels of an op, on one number and on arrays.
LGAMMA, DIGAMMA, POLYGAMMA, ERFINV = (
    (of_one(f.__name__, f), f) for f in (lgamma, digamma, polygamma, erfinv)
)
