"""Real numbers with proven error bounds: arb balls of python-flint, at a chosen precision."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...optional import missing

try:
    import flint
except ImportError as error:  # then other oracles have to do
    flint = None  # type: ignore[assignment]
    absent = str(missing("flint", "a proof", error))
else:
    absent = ""

available = flint is not None
HIGH = 192  # bits: what is proved; any formula a person writes keeps more than 50 digits of it


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """A context in which balls are computed to this many bits."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def ball(x: Any) -> Any:
    """The ball of radius 0 around a number of any dtype NumPy has."""
    return flint.arb(float(x))


def middle(x: Any) -> float:
    """The nearest float to the centre of a ball, or to another number."""
    return float(x.mid()) if hasattr(x, "mid") else float(x)


def radius(x: Any) -> float:
    """An upper bound of the distance of the true number from the centre; 0 for plain numbers."""
    if not hasattr(x, "rad"):
        return 0.0
    r = float(x.rad())
    return math.inf if math.isnan(r) or x.is_nan() else r


def middles(balls: Any) -> Any:
    """The centres as a float64 array."""
    return np.asarray(np.frompyfunc(middle, 1, 1)(balls), np.float64)


def radii(balls: Any) -> Any:
    """The radii as a float64 array."""
    return np.asarray(np.frompyfunc(radius, 1, 1)(balls), np.float64)
