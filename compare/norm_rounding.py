"""The rounding errors of standardising: (x - mean) / √(var + eps) · gain + shift, in units of u.

With d = x - mean and s = √(var + eps): y = d/s, and backwards, h = g·gain the gradient of y,
(h - mean(h) - y·mean(h·y)) / s. It holds for variances by squared deviations or by Welford, for
shifts that are folded (x·a + (shift - mean·a), as torch and Keras do), and for gradients that go
through mean and variance by themselves, whose terms with mean(d) = 0 are left over by rounding.
"""

from typing import Any

import numpy as np

Array = np.ndarray


class Standardised:
    """x over `axes`, in the arithmetic of a rounding.Rounding."""

    def __init__(self, rounding: Any, x: Array, axes: tuple[int, ...], eps: float) -> None:
        self.rounding, self.axes = rounding, axes
        middle = x.mean(axes, keepdims=True)
        d = x - middle
        self.ed = self.mean(x)[1] + abs(d) * (middle != 0)  # the error of d
        var, e_var = self.mean(d * d, 2 * abs(d) * self.ed + d * d)
        self.s = np.sqrt(var + eps)
        self.es = e_var / (2 * self.s) + 2 * self.s
        self.y = d / self.s
        self.ey = self.ed / self.s + abs(d) * self.es / self.s**2 + 2 * abs(self.y)
        self.ey = self.ey + 3 * (abs(x) + abs(middle)) / self.s  # what folding adds

    def mean(self, a: Array, error: Any = 0.0) -> tuple[Array, Array]:
        """The mean of |a|, and the error of a mean of a whose terms have `error`."""
        n = a.size / a.sum(self.axes, keepdims=True).size
        own = self.rounding.sum(a, self.axes, True) / n
        own = own + 2 * abs(a.mean(self.axes, keepdims=True))
        return abs(a).mean(self.axes, keepdims=True), own + np.mean(
            error + 0 * a, self.axes, keepdims=True
        )

    def out(self, gain: Array, shift: Array) -> Array:
        """The error of y·gain + shift."""
        return abs(gain) * self.ey + 3 * (abs(gain * self.y) + abs(shift))

    def own(self, g: Array, summed: tuple[int, ...]) -> list[Array]:
        """The errors of the gradients of gain and shift, sums over the axes `summed`."""
        terms = abs(g) * self.ey + abs(g * self.y)
        total = self.rounding.sum(g * self.y, summed) + terms.sum(summed)
        return [total, self.rounding.sum(g, summed)]

    def back(self, g: Array, gain: Array) -> Array:
        """The error of the gradient of x."""
        h, y = g * gain, self.y
        even, e_even = self.mean(h, abs(h))
        along, e_along = self.mean(h * y, abs(h) * (2 * abs(y) + self.ey))
        left_over = along * self.ed.mean(self.axes, keepdims=True) / self.s
        top = abs(h) + even + abs(y) * along
        error = abs(h) + e_even + self.ey * along + abs(y) * e_along + left_over + 5 * top
        return (error + top * (self.es / self.s + 2)) / self.s
