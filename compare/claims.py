"""One claim of a framework, an array or a number, against what is expected."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .model_graph import Recorded, shown

Array = np.ndarray


@dataclass(frozen=True)
class Claim:
    """What is claimed: kind "node", "slope", "grad", "loss", "param", "average" or "kept"."""

    kind: str
    index: int
    name: str  # in words: gradient of weight of layer 1, Linear(784, 500)


@dataclass
class Violation:
    """An entry outside its bound: the one that is furthest outside, in units of the bound."""

    kind: str
    index: int
    name: str
    entry: tuple[int, ...]
    theirs: float
    expected: float
    allowed: float
    count: int
    size: int
    words: str = ""  # instead of the numbers, where there are none to tell
    true: str = ""  # the proved value, in words

    def __str__(self) -> str:
        if self.words:
            return f"{self.name}: {self.words}"
        at = shown(self.entry)
        many = f"; {self.count} of {self.size} entries" if self.size > 1 else ""
        true = f"; {self.true}" if self.true else ""
        return (
            f"{self.name}{at and f' at {at}'} is {self.theirs:.17g}, "
            f"expected {self.expected:.17g}, allowed ±{self.allowed:.2g}{many}{true}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)


@dataclass
class Measure:
    """How far a claim is from what is expected, and what was allowed."""

    largest: float  # difference
    scale: float  # of what is expected
    share: float  # the largest difference in units of its bound
    squares: tuple[float, float]  # mean squares of differences, of bounds
    worst: tuple[float, float]  # theirs and expected, where they differ most


def judge(what: Claim, got: Any, expected: Any, limit: Any) -> Violation | Measure:
    """A Violation, or how well it agrees."""
    b, limit = np.asarray(expected, float), np.asarray(limit, float)
    try:
        a = np.asarray(got, float)
    except (TypeError, ValueError) as error:
        return _words(what, f"is no array of numbers ({error})")
    if a.shape != b.shape:
        none = "None" if got is None else f"an array of shape {a.shape}"
        return _words(what, f"is {none}, expected shape {b.shape}")
    difference, limit = np.abs(a - b), np.broadcast_to(limit, b.shape)
    if not (difference <= limit).all():
        return _violation(what, a, b, limit)
    with np.errstate(over="ignore"):
        share = difference / np.maximum(limit, 5e-324)
    n = max(a.size, 1)
    at = int(difference.argmax()) if a.size else None
    return Measure(
        float(difference.max(initial=0.0)),
        float(np.abs(b).max(initial=0.0)),
        float(share.max(initial=0.0)) if limit.any() else 0.0,
        (float((difference**2).sum()) / n, float((limit**2).sum()) / n),
        (np.nan, np.nan) if at is None else (float(a.flat[at]), float(b.flat[at])),
    )


def _violation(what: Claim, a: Array, b: Array, limit: Array) -> Violation:
    """The entry that is furthest outside in units of its bound, of those the furthest off."""
    difference = np.nan_to_num(np.abs(a - b), nan=np.inf)
    outside = ~(difference <= limit)
    with np.errstate(over="ignore"):
        share = np.where(outside, difference / np.maximum(limit, 5e-324), -1.0)
    at = int(np.argmax(np.where(share == share.max(), difference, -1.0)))
    entry = tuple(int(i) for i in np.unravel_index(at, a.shape))
    return Violation(
        **vars(what),
        entry=entry,
        theirs=float(a[entry]),
        expected=float(b[entry]),
        allowed=float(limit[entry]),
        count=int(outside.sum()),
        size=a.size,
    )


def value_of(what: Claim, found: Recorded, entry: tuple[int, ...]) -> float:
    """One entry of what a framework recorded, or nan if it has no such entry."""
    if what.kind == "loss":
        return float(found.loss)
    arrays: Sequence[Array | None] = {
        "node": found.nodes,
        "slope": found.slopes,
        "grad": found.grads,
    }[what.kind]
    try:
        found_there: Any = arrays[what.index]
        return float(np.asarray(found_there, float)[entry])
    except (IndexError, TypeError, ValueError):
        return float("nan")


def _words(place: Claim, words: str) -> Violation:
    nothing = dict(entry=(), theirs=np.nan, expected=np.nan, allowed=np.nan, count=0, size=0)
    return Violation(**vars(place), **nothing, words=words)  # type: ignore[arg-type]
