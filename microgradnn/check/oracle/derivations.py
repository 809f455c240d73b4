"""A framework's own derivatives of a forward pass that has a hand-written backward.

The forward alone, without the backward that is checked, runs on the framework's recorded numbers in
float64. What that gives counts only where its outputs are those of the real forward and differences
do not speak against it: a forward that leaves the graph (detach, numpy, item) gives zeros there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import MicrogradError

Arrays = Sequence[Any]


class Underived(MicrogradError):
    """The framework cannot differentiate this forward; the message says why."""


@dataclass(frozen=True)
class Derivation:
    """How a framework differentiates the forward of a subject.

    run       run(arrays, douts) gives outputs and gradients as arrays; raises Underived
    method    what reports call it
    through   the same with steps (round, sign) taken for the identity, or None
    unit      the rounding unit of what it computes with
    """

    run: Callable[[Arrays, Arrays], tuple[list[Any], list[Any]]]
    method: str
    through: Callable[[Arrays, Arrays], tuple[list[Any], list[Any]]] | None = None
    unit: float = 2.0**-52


def scales(arrays: Arrays) -> list[float]:
    """The size of the numbers of each array, 1 where all are zero."""
    return [float(np.abs(a).max(initial=0.0)) or 1.0 for a in arrays]


def nudged(arrays: Arrays, rng: np.random.Generator, unit: float) -> list[Any]:
    """The arrays with every number moved by at most some rounding units of its own."""
    return [
        np.asarray(a * (1 + unit * rng.integers(-4, 5, np.shape(a))), np.asarray(a).dtype)
        for a in arrays
    ]
