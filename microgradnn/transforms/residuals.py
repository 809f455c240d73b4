"""What a user's fwd keeps for bwd, safe from changes made in between."""

from typing import Any

import numpy as np

from ..engine.node import Node, plain
from ..errors import GradientError
from ..numerics import memory


class Residual:
    """A residual as it is now: others may hold its array, and change it before backward."""

    def __init__(self, x: Any) -> None:
        self.base = x.base if isinstance(x, Node) else None
        self.array = memory.kept(plain(x)) if isinstance(plain(x), np.ndarray) else plain(x)
        large = self.array is plain(x) and isinstance(self.array, np.ndarray)
        self.note = memory.note(self.array) if large else None

    def value(self, name: str) -> Any:
        """The residual for one call of bwd, which may change it.

        Raises GradientError if it was too large to be copied and has changed since.
        """
        if self.note is not None and not memory.agrees(self.array, self.note):
            raise GradientError(
                f"{name}: a residual of shape {self.array.shape} was changed after fwd returned "
                "it; run the forward pass again, and change data only after backward"
            )
        array = own(self.array)
        return array if self.base is None else self.base(array)


def own(x: Any) -> Any:
    """x, an array as a copy: whoever gets it may change it."""
    return x.copy() if isinstance(x, np.ndarray) else x


def detached(x: Any) -> Any:
    """x, a node without its history."""
    return x.detach() if isinstance(x, Node) else x
