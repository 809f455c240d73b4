"""The rounding errors of standardising: (x - mean) / √(var + eps) · gain + shift.

With d = x - mean and s = √(var + eps): y' = d/s, and backwards, h the gradient of y',
(h - mean(h) - y'·mean(h·y')) / s. It holds for variances by squared deviations or by Welford, for
shifts that are folded (x·a + (shift - mean·a), as torch and Keras do), and for gradients that go
through mean and variance by themselves, whose terms with mean(d) = 0 are left over by rounding.
"""

import numpy as np

Array = np.ndarray
Pair = tuple[Array, Array]


def normalised(
    v: Array,
    e: Array,
    gain: Array,
    shift: Array,
    axes: tuple[int, ...],
    summed: tuple[int, ...],
    eps: float,
    u: float,
) -> tuple[Pair, Pair, "Scaled"]:
    """(mean, its error), (variance, its error), and what follows from them."""
    mean, var, n = v.mean(axes, keepdims=True), v.var(axes, keepdims=True), _count(v, axes)
    size = abs(v).mean(axes, keepdims=True)
    e_mean = e.mean(axes, keepdims=True) + (n + 1) * size
    d = v - mean
    ed = e + e_mean + abs(d)
    e_var = (2 * abs(d) * ed).mean(axes, keepdims=True) + (n + 3) * var
    s = np.sqrt(var + eps)
    low = np.sqrt(np.maximum(var - u * e_var, 0) + eps)  # the smallest s can be
    es = e_var / (2 * low) + 2 * s
    y = d / s
    # The last term: what folding adds, x/s - mean/s.
    ey = ed / low + abs(d) * es / (low * s) + 2 * abs(y) + 3 * (abs(v) + abs(mean)) / s
    scaled = Scaled(y, ey, low, es / low, ed, gain, shift, axes, summed)
    return (mean, e_mean), (var, e_var), scaled


class Scaled:
    """y·gain + shift, and the way back."""

    def __init__(
        self,
        y: Array,
        ey: Array,
        low: Array,
        es: Array,
        ed: Array,
        gain: Array,
        shift: Array,
        axes: tuple[int, ...],
        summed: tuple[int, ...],
    ) -> None:
        self.y, self.ey, self.low, self.es, self.ed = abs(y), ey, low, es, ed
        self.gain, self.axes, self.summed = abs(gain), axes, summed
        self.value = y * gain + shift
        self.error = self.gain * ey + 3 * (self.gain * self.y + abs(shift))

    def back(self, g: Array, eg: Array) -> tuple[Array, Array, list[Pair]]:
        """Majorant and error of the gradient of x; those of gain and shift."""
        own = [self._sum(g * self.y, eg * self.y + g * self.ey), self._sum(g, eg)]
        h, eh = g * self.gain, eg * self.gain + g * self.gain
        mean, e_mean = self._mean(h, eh)
        along, e_along = self._mean(h * self.y, eh * self.y + h * self.ey + h * self.y)
        left_over = along * self.ed.mean(self.axes, keepdims=True) / self.low
        size = h + mean + self.y * along
        error = eh + e_mean + self.ey * along + self.y * e_along + left_over + 5 * size
        return size / self.low, (error + size * (self.es + 2)) / self.low, own

    def _mean(self, a: Array, e: Array) -> Pair:
        mean = a.mean(self.axes, keepdims=True)
        return mean, e.mean(self.axes, keepdims=True) + (_count(a, self.axes) + 2) * mean

    def _sum(self, a: Array, e: Array) -> Pair:
        n, total = _count(a, self.summed), a.sum(self.summed)
        return total, e.sum(self.summed) + (n + 2) * total


def _count(a: Array, axes: tuple[int, ...]) -> int:
    return int(np.prod([a.shape[i] for i in axes]))
