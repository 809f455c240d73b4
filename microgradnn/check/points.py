"""Points to look at beside the user's own: zeros, ties, saturation, tiny and huge numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .subject import Subject


@dataclass(frozen=True)
class Point:
    """Arrays to check at. extreme: far from where anybody works, so lost digits are no news."""

    label: str
    arrays: list[Any]
    extreme: bool = False
    given: bool = False


def around(subject: Subject, rng: np.random.Generator) -> Iterator[Point]:
    """Points for a subject's arrays, most telling first. Some may lie outside its domain.

    Where the user's numbers all lie between 0 and 1 (probabilities), or are all positive, so do
    these: what the code does elsewhere is nobody's concern.
    """
    here = [np.asarray(a) for a in subject.arrays]
    if not here:
        return
    first, *rest = here
    free = _domain(first) == "any"
    yield Point("random numbers", [_drawn(rng, a) for a in here])
    if free or (first == 0).any():
        yield Point("zeros among the inputs", [_with_zeros(rng, a) for a in here])
    yield Point("a tie of neighbours", [_with_tie(rng, first, -1), *rest])
    if free:
        yield Point("ties", [_like(rng.integers(-1, 2, a.shape), a) if _domain(a) == "any" else a
                             for a in here])  # fmt: skip
        yield Point("inputs × 30 (saturation)", _scaled(here, 30.0), True)
    yield Point("a tie of rows", [_with_tie(rng, first, -2), *rest])
    if free:
        yield Point("inputs × 1e-8", _scaled(here, 1e-8), True)
        yield Point("inputs × 1000", _scaled(here, 1000.0), True)
    yield Point("near your point", [_near(rng, a) for a in here])


def _domain(a: Any) -> str:
    """Where the numbers of an array seem to have to lie: "unit", "positive" or "any"."""
    if a.size and (a >= 0).all() and (a > 0).any():
        return "unit" if (a <= 1).all() else "positive"
    return "any"


def _drawn(rng: np.random.Generator, a: Any) -> Any:
    domain = _domain(a)
    if domain == "any":
        return _like(rng.standard_normal(a.shape), a)
    return _like(rng.uniform(0.05, 0.95, a.shape) * (1 if domain == "unit" else 3), a)


def _near(rng: np.random.Generator, a: Any) -> Any:
    top = 1.0 if _domain(a) == "unit" else np.inf
    return _like(np.minimum(a * rng.uniform(0.7, 1.2, a.shape), top), a)


def _like(x: Any, a: Any) -> Any:
    return np.asarray(x).astype(a.dtype)


def _scaled(arrays: list[Any], factor: float) -> list[Any]:
    """The first array scaled: it is the input, the others are weights of a usual size."""
    return [_like(arrays[0] * factor, arrays[0]), *arrays[1:]]


def _with_zeros(rng: np.random.Generator, a: Any) -> Any:
    """The array with a few exact zeros, at most three."""
    out = np.array(a)
    count = min(3, max(1, out.size // 4))
    if out.size:
        out.flat[rng.choice(out.size, count, replace=False)] = 0
    return out


def _with_tie(rng: np.random.Generator, a: Any, axis: int) -> Any:
    """The array with two neighbours along an axis equal, and larger than all others."""
    out = np.array(a)
    if out.ndim < -axis or out.shape[axis] < 2 or not out.size:
        return out
    line = np.moveaxis(out, axis, 0)
    at = tuple(int(rng.integers(n)) for n in line.shape[1:])
    first = int(rng.integers(len(line) - 1))
    top = np.abs(out).max()
    value = (1 + top) / 2 if _domain(out) == "unit" else float(np.ceil(top) + 1)
    line[(first, *at)] = line[(first + 1, *at)] = value
    return out
