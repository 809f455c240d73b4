"""Derivatives without a trace: the complex step, and differences extrapolated at several scales.

Complex step: Squire and Trapp, SIAM Review 40 (1998); it is right to the last bit where the code
is analytic, and silently wrong in abs, var, norm: so it only counts where differences agree.
Differences: Ridders, Advances in Engineering Software 4 (1982), from several first steps, because
no one step is right for log(1e-8) and for sin(1000 x).
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ...engine.node import plain
from ..subject import Subject
from . import balls

SCALES = (2.0**-5, 2.0**-9, 2.0**-2, 2.0**-14, 2.0**-20)
CALL = 20  # what one forward call costs at least, in nodes of a trace
OPERATION = 3  # what one operation of a framework costs, in nodes
ELEMENTS = 500  # numbers that NumPy handles while a trace makes one node
SLOW = 1000  # nodes: the cost of a call from which on few of them must do
NEAR = 2.0**-17  # steps to see the noise at, relative to the numbers moved
SAFETY = 16.0  # an error estimate is not a bound; measured on smooth functions ×10 was enough


def extrapolate(
    at: Callable[[float], list[Any]], step: float, unit: float, scale: float, moved: float = 0.0,
    levels: int = 10, noise: float = 0.0,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """The derivative of at(h) at h = 0, and an estimate of its error: two lists of arrays.

    unit is the rounding unit of the results and scale their size, or more; moved is what rounding
    of the arguments does to h itself, noise what rounding on the way does to the results.
    """
    table: list[Any] = []
    best: list[Any] = []
    bound: list[Any] = []
    h = step
    for i in range(levels):  # halve the step, extrapolate to zero, keep what agrees best
        ends = at(h), at(-h)
        row = [[(a - b) / (2 * h) for a, b in zip(*ends, strict=True)]]
        scale = max([scale, *(float(np.abs(y).max(initial=0.0)) for end in ends for y in end)])
        for k in range(i):
            row.append(
                [c + (c - p) / (4.0 ** (k + 1) - 1) for c, p in zip(row[k], table[k], strict=True)]
            )
            errors = [
                np.maximum(np.abs(n - c), np.abs(n - p))
                + (4 * unit * scale + 4 * noise + 2 * moved * np.abs(n)) / h
                for n, c, p in zip(row[k + 1], row[k], table[k], strict=True)
            ]
            if not best:
                best, bound = row[k + 1], errors
            else:
                better = [(e < b) | np.isnan(b) for e, b in zip(errors, bound, strict=True)]
                best = [np.where(t, n, b) for t, n, b in zip(better, row[k + 1], best, strict=True)]
                bound = [np.where(t, e, b) for t, e, b in zip(better, errors, bound, strict=True)]
        table, h = row, h / 2
    return best, bound


def noise_of(at: Callable[[float], float], step: float) -> float:
    """What rounding does to a result of at() near 0: log(1 + 1e-10) is only right to 1e-6 of it.

    From fifth differences of nine results, in which what is smooth cancels (Moré and Wild, SIAM
    Journal on Scientific Computing 33 (2011)). Steps grow while rounding makes results equal.
    """
    for by in (1.0, 2.0**4, 2.0**8, 2.0**12):
        near = [at(k * step * by) for k in range(-4, 5)]
        if all(a != b for a, b in pairwise(near)):
            break
    fifth = np.diff(near, 5).astype(float)
    noise = float(np.sqrt(np.mean(np.square(fifth)) / 252))
    return noise if np.isfinite(noise) else 0.0


def _objects(a: Any) -> Any:
    out = np.empty(np.shape(a), object)
    for i, x in enumerate(np.ravel(a)):
        out.flat[i] = balls.ball(x)
    return out


def _grain(out: Any) -> float:
    dtype = np.asarray(out).dtype
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0


@dataclass
class Slope:
    """A derivative along one direction, what it may be wrong by, and how it was found."""

    value: float
    bound: float
    method: str


class Numeric:
    """Directional derivatives of ⟨douts, outputs⟩ of a subject at its arrays.

    `nodes` is how many nodes a trace of it would have, if that is known to be many.
    """

    def __init__(self, subject: Subject, douts: Sequence[Any], nodes: int = 0) -> None:
        self.subject, self.douts = subject, [np.asarray(d) for d in douts]
        self.arrays = [np.asarray(a) for a in subject.arrays]
        elements = sum(a.size for a in (*self.arrays, *self.douts))
        nodes = max(nodes, ELEMENTS * subject.calls // CALL * OPERATION)
        self.cost = max(CALL, elements // ELEMENTS, nodes // ELEMENTS * CALL)
        self.slow = self.cost > SLOW
        self.work = 0  # what all calls did cost
        self._terms = 0.0  # the size of what the last call added up
        self.grain = 0.0  # the rounding unit of the outputs, where they are floats

    @cached_property
    def balls(self) -> bool:
        """Whether it runs on balls."""
        return self.subject.opaque and balls.available and self._takes_balls()

    @cached_property
    def long(self) -> bool:
        """Whether it runs in 80 bits."""
        fine = float(np.finfo(np.longdouble).eps) < 2.0**-60
        return fine and not self.slow and self._works(np.longdouble)

    @cached_property
    def complex(self) -> bool:
        """Whether it runs on complex numbers."""
        return self._works(np.complex128)

    def _works(self, dtype: Any) -> bool:
        try:
            value = self._value([a.astype(dtype) for a in self.arrays])
            here = self._value([np.array(a) for a in self.arrays])
        except Exception:
            return False
        kind = np.asarray(value).dtype
        # Code that looks at dtypes may be another function there.
        near = abs(value - here) <= 2.0**-20 * self._terms
        return kind == dtype and bool(np.isfinite(value)) and bool(near)

    def _takes_balls(self) -> bool:
        try:
            slope = self._by_balls([np.ones(a.shape) for a in self.arrays])
        except Exception:
            return False
        return bool(np.isfinite(slope.value))

    def _by_balls(self, direction: Sequence[Any]) -> Slope:
        """A difference so fine, in balls so precise, that what it neglects does not show.

        Two steps say how much that is. It is not proved, for the third derivative is not known.
        """
        with balls.precision(768), np.errstate(all="ignore"):
            xs = [_objects(a) for a in self.arrays]
            ds = [_objects(d) for d in direction]

            def difference(bits: int) -> Any:
                h = balls.ball(2.0**-bits)
                ends = []
                for sign in (1, -1):
                    outs = self.subject.start(
                        [x + sign * h * d for x, d in zip(xs, ds, strict=True)]
                    ).outs
                    total = balls.ball(0)
                    for out, dout in zip(outs, self.douts, strict=True):
                        for y, d in zip(np.ravel(out), np.ravel(dout), strict=True):
                            total = total + plain(y) * balls.ball(d)
                    ends.append(total)
                return (ends[0] - ends[1]) / (2 * h)

            coarse, fine = difference(160), difference(161)
            bound = 2 * abs(balls.middle(coarse - fine)) + balls.radius(fine)
            return Slope(balls.middle(fine), bound, "differences in balls of 768 bits")

    def _value(self, arrays: list[Any]) -> Any:
        self.work += self.cost
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            outs = self.subject.start(arrays).outs
            parts = zip(outs, self.douts, strict=True)
            self._terms = float(sum(np.sum(np.abs(o) * np.abs(d)) for o, d in parts))
            self.grain = max(map(_grain, outs), default=0.0)
            return sum(np.sum(np.asarray(o) * d) for o, d in zip(outs, self.douts, strict=True))

    def along(self, direction: Sequence[Any]) -> Slope:
        """The derivative along a direction, in the form of the subject's arrays."""
        if self.balls:
            return self._by_balls(direction)
        if self.complex:
            fast = self._complex_step(direction)
            for h in (1e-4, 1e-6):
                value, error = self.rough(direction, h * self.smallest(direction))
                far = max(8 * error, 1e-12 * abs(fast))
                if abs(fast - value) <= far <= 1e-3 * abs(fast) + 1e-12:
                    # It is no surer than what confirms it: np.var loses a part of a complex step.
                    bound = max(far, 64 * 2.0**-52 * self._size(direction, fast))
                    return Slope(fast, bound, "complex step, confirmed by differences")
        return self._differences(direction)

    def smallest(self, direction: Sequence[Any]) -> float:
        """The size of the smallest number moved, at most 1: steps are relative to it."""
        sizes = [
            float(np.abs(x[np.asarray(d) != 0]).min(initial=np.inf))
            for x, d in zip(self.arrays, direction, strict=True)
        ]
        return min([s for s in sizes if s > 0] + [1.0])

    def rough(self, direction: Sequence[Any], h: float) -> tuple[float, float]:
        """A derivative along a direction by two differences, and how far they are apart."""
        xs = [a.astype(np.float64) for a in self.arrays]

        def at(t: float) -> float:
            return float(self._value([x + t * d for x, d in zip(xs, direction, strict=True)]))

        wide, fine = (at(h) - at(-h)) / (2 * h), (at(h / 2) - at(-h / 2)) / h
        return fine, abs(wide - fine) + 2.0**-50 * abs(at(0.0)) / h

    def noise(self, direction: Sequence[Any]) -> float:
        """What rounding does to the terms of a slope along a direction, in float64."""
        xs = [a.astype(np.float64) for a in self.arrays]

        def at(t: float) -> float:
            return float(self._value([x + t * d for x, d in zip(xs, direction, strict=True)]))

        return noise_of(at, NEAR * self.smallest(direction))

    def _size(self, direction: Sequence[Any], value: float) -> float:
        """The size of a slope along such directions: what rounding is relative to."""
        turned = [d * np.where(np.arange(d.size).reshape(d.shape) % 2, 1, -1) for d in direction]
        return max(abs(value), abs(self._complex_step(turned)))

    def _complex_step(self, direction: Sequence[Any]) -> float:
        h = 1e-150
        moved = [a + 1j * h * d for a, d in zip(self.arrays, direction, strict=True)]
        return float(np.imag(self._value(moved)) / h)

    def _differences(self, direction: Sequence[Any]) -> Slope:
        """The best of several first steps, each relative to the size of the arguments moved."""
        number: Any = np.longdouble if self.long else np.float64
        xs = [a.astype(number) for a in self.arrays]
        ds = [np.asarray(d).astype(number) for d in direction]

        def at(h: float) -> list[Any]:
            return [self._value([x + number(h) * d for x, d in zip(xs, ds, strict=True)])]

        here = max(abs(float(at(0.0)[0])), 1e-30)
        unit = max(float(np.finfo(number).eps), self.grain)  # float32 code rounds more
        size = sum(float(np.abs(x).max(initial=0.0)) for x in xs)
        best, bound = np.nan, np.inf
        near = self.smallest(direction)
        noise = noise_of(lambda t: at(t)[0], NEAR * near)
        steps = [s * near for s in SCALES] + (list(SCALES) if near < 1 else [])
        for step in steps[:2] if self.slow else steps:
            with np.errstate(all="ignore"):
                levels = 4 if self.slow else 6
                value, error = extrapolate(at, step, unit, here, unit * size, levels, noise)
            if np.isfinite(value[0]) and error[0] < bound:
                best, bound = float(value[0]), float(error[0])
            if bound <= 1e-12 * abs(best):
                break
        name = "80-bit" if self.long else "float64"
        return Slope(best, SAFETY * bound, f"extrapolated differences ({name})")
