"""Arrays that carry a bound of their rounding error through + - × ÷ √: a running error analysis.

A formula that is computed with them once says its value and how far a floating-point evaluation of
it may be away (Higham, Accuracy and Stability of Numerical Algorithms, §3.3).
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Rounded:
    """Values, and errors in units of the unit roundoff; both are arrays or numbers."""

    __slots__ = ("error", "value")
    __array_ufunc__ = None  # an array on the left leaves the operator to us

    def __init__(self, value: Any, error: Any = 0.0) -> None:
        self.value, self.error = value, error

    def __add__(self, other: Any) -> Rounded:
        other = rounded(other)
        value = self.value + other.value
        return Rounded(value, self.error + other.error + abs(value))

    def __neg__(self) -> Rounded:
        return Rounded(-self.value, self.error)

    def __sub__(self, other: Any) -> Rounded:
        return self + -rounded(other)

    def __rsub__(self, other: Any) -> Rounded:
        return rounded(other) + -self

    def __mul__(self, other: Any) -> Rounded:
        other = rounded(other)
        value = self.value * other.value
        size = abs(self.value) * other.error + abs(other.value) * self.error
        return Rounded(value, size + abs(value))

    def __truediv__(self, other: Any) -> Rounded:
        other = rounded(other)
        value = self.value / other.value
        size = (self.error + abs(value) * other.error) / abs(other.value)
        return Rounded(value, size + abs(value))

    def __rtruediv__(self, other: Any) -> Rounded:
        return rounded(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def sqrt(self) -> Rounded:
        """The square root; of an exact zero it is exact."""
        value = np.sqrt(self.value)
        slope = self.error / np.where(value > 0, 2 * value, np.inf)
        return Rounded(value, slope + value)

    def maximum(self, other: Rounded) -> Rounded:
        """The larger, element by element; the error is that of either."""
        larger = np.maximum(self.value, other.value)
        return Rounded(larger, np.maximum(self.error, other.error))


def rounded(x: Any) -> Rounded:
    """x, a number or an array taken as exact."""
    return x if isinstance(x, Rounded) else Rounded(x)
