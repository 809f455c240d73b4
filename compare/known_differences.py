"""differences.toml: which entries of a claim a known difference between frameworks explains."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .claims import Claim

FILE = Path(__file__).with_name("differences.toml")
Array = np.ndarray


@dataclass(frozen=True)
class Difference:
    """One entry of the file; what is not given fits everything."""

    id: str
    frameworks: tuple[str, ...]
    reason: str
    source: str
    kinds: tuple[str, ...] = ()
    name: str = ""
    dtypes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    theirs: float | None = None
    expected_below: Any = None
    relative_below: float | None = None
    times: float | None = None

    def concerns(self, framework: str, what: Claim, dtype: str, loss: str) -> bool:
        """Whether it may explain an entry of this claim."""
        allowed = ((self.kinds, what.kind), (self.dtypes, dtype), (self.losses, loss))
        fits = all(not some or one in some for some, one in allowed)
        return framework in self.frameworks and fits and self.name in what.name

    def explains(self, a: Array, b: Array, dtype: str) -> Array:
        """Which entries of a, where b was expected."""
        found = np.ones(b.shape, bool)
        if self.theirs is not None:
            found &= a == self.theirs
        if self.expected_below is not None:
            found &= np.abs(b) < self.expected_below[dtype]
        if self.relative_below is not None:
            found &= np.abs(a - b) <= self.relative_below * np.abs(b)
        if self.times is not None:
            found &= a == self.times * b
        return found


@cache
def differences() -> tuple[Difference, ...]:
    """Those of the file."""
    table: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["difference"]
    return tuple(_difference(one) for one in table)


def _difference(entry: dict[str, Any]) -> Difference:
    made: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
    return Difference(**made)


def without_known(
    framework: str, what: Claim, got: Any, expected: Any, limit: Any, dtype: str, loss: str
) -> tuple[Any, list[str]]:
    """What was got, with what is expected in the place of explained entries; the ids of why."""
    ids: list[str] = []
    for one in differences():
        if one.concerns(framework, what, dtype, loss):
            a, b = np.asarray(got, float), np.asarray(expected, float)
            if a.shape == b.shape:
                explained = one.explains(a, b, dtype) & ~(np.abs(a - b) <= limit)
                if explained.any():
                    got, ids = np.where(explained, b, a), [*ids, one.id]
    return got, ids
