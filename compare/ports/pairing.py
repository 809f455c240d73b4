"""The pairs of parameters, and how an array goes over from one port to the other."""

from dataclasses import dataclass, field

import numpy as np

from .partners import Matched
from .seen_calls import Array


@dataclass
class Pairing:
    """`rows` are for weights behind a flattening: B's row k is A's row rows[k]."""

    matched: Matched
    rows: dict[str, Array] = field(default_factory=dict)  # by name in B

    def partner(self, name: str, side: int) -> str | None:
        """The other port's name of a parameter of this side (0 is A)."""
        if side == 1:
            return self.matched.pairs.get(name)
        return next((b for b, a in self.matched.pairs.items() if a == name), None)

    def across(self, name: str, value: Array, side: int) -> Array:
        """An array of this side's parameter, or its gradient, as the other side has it."""
        theirs = name if side == 1 else self.partner(name, 0)
        assert theirs is not None
        rows = self.rows.get(theirs)
        if side == 0:
            value = value if rows is None else value[rows]
            return np.ascontiguousarray(value.T) if theirs in self.matched.turned else value
        value = value.T if theirs in self.matched.turned else value
        return np.ascontiguousarray(value if rows is None else value[np.argsort(rows)])

    def copied(self, values: dict[str, Array]) -> dict[str, Array]:
        """A's values by B's names, in B's way."""
        return {
            b: self.across(a, values[a], 0) for b, a in self.matched.pairs.items() if a in values
        }
