"""Points to look at beside the user's own: zeros, ties, saturation, tiny and huge numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Subject
from .results import apart, copies, in_a_row


@dataclass(frozen=True)
class Point:
    """Arrays to check at. extreme: far from where anybody works, so lost digits are no news."""

    label: str
    arrays: list[Any]
    extreme: bool = False
    given: bool = False


@dataclass
class Seen:
    """What one point showed.

    nonzero   where true gradients are not zero, by argument
    smallest  the smallest relative error that would have been found, by argument
    method    how the truth was found
    work      what it cost, in nodes of a trace; budgets count these, not seconds, so that a busy
              machine looks at the same points
    """

    findings: list[Finding] = field(default_factory=list)
    nonzero: dict[str, Any] = field(default_factory=dict)
    smallest: dict[str, float] = field(default_factory=dict)
    method: str = ""
    notes: list[str] = field(default_factory=list)
    work: int = 0
    skipped: str = ""
    comparisons: list[Any] = field(default_factory=list)


Look = Callable[[Subject, Point], Seen]


def gives_a_number(subject: Subject) -> bool:
    """Whether all that forward gives is one number, as a loss does."""
    outs = subject.start(copies(subject.arrays)).outs
    return len(outs) == 1 and np.size(outs[0]) == 1


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
    if subject.peers or [a for a in rest if a.shape == first.shape]:
        yield Point("equal arguments", [_with_equal(rng, first, subject.peers, rest), *rest])
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


def _with_equal(rng: np.random.Generator, a: Any, peers: list[Any], rest: list[Any]) -> Any:
    """The array with a few entries as in another argument: a prediction that meets its target."""
    other = np.asarray(next((p for p in [*peers, *rest] if p.shape == a.shape), a))
    out = np.array(a)
    inside = (other > out.min(initial=0.0)) & (other < out.max(initial=0.0))
    inside |= _domain(out) == "any"
    places = np.flatnonzero(inside)
    at: Any = rng.choice(places, min(2, places.size), replace=False) if places.size else []
    out.flat[at] = other.flat[at]
    return out


def on_kinks(subject: Subject, comparisons: list[Any], rng: np.random.Generator) -> Iterator[Point]:
    """Points where comparisons that the forward pass made become ties.

    Each comparison comes as (difference, support, normal): one Newton step along the normal leads
    to the kink, or close enough for the comparison to be a matter of rounding.
    """
    arrays = [np.asarray(a, float) for a in subject.arrays]
    flat, low, high = (in_a_row([f(a) for a in arrays]) for f in (np.ravel, _least, _most))
    used: set[int] = set()
    moved = flat.copy()
    count = 0
    for k in rng.permutation(len(comparisons)):
        difference, support, normal = comparisons[int(k)]
        if count == 3 or used & set(support.tolist()):
            continue
        step = -difference * normal / (normal @ normal)
        there = flat[support] + step
        if not ((there >= low[support]) & (there <= high[support])).all():
            continue
        moved[support] += step
        used |= set(support.tolist())
        count += 1
    if count:
        like = list(map(np.asarray, subject.arrays))
        there = [_like(x, a) for x, a in zip(apart(moved, like), like, strict=True)]
        yield Point("kinks of your forward", there)


def _least(a: Any) -> Any:
    """The smallest number that each entry may be moved to: not out of the domain."""
    if _domain(a) == "any":
        return np.full(a.shape, -3 * np.abs(a).max(initial=1.0))
    return np.full(a.shape, 0.5 * a.min(initial=1.0))


def _most(a: Any) -> Any:
    top = a.max(initial=0.0)
    unit = _domain(a) == "unit"
    return np.full(a.shape, (1 + top) / 2 if unit else 3 * np.abs(a).max(initial=1.0))
