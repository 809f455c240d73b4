"""The weights that two ports have themselves: alike, turned, exchanged, or initialisation only."""

from collections.abc import Iterator, Mapping

import numpy as np

from .experiments import Cause
from .pairing import Pairing
from .port_differences import PortDifference
from .seen_calls import Array

ROUNDING = 1e-6  # of the largest number: weights are stored in float32


def compared(
    ours: Mapping[str, Array], theirs: Mapping[str, Array], pairing: Pairing, natural: bool
) -> list[PortDifference]:
    """A PortDifference for each pair of parameters whose numbers are not the same."""
    found = []
    for b, a in pairing.matched.pairs.items():
        due, got = pairing.across(a, ours[a], 0), theirs[b]
        if _near(due, got):
            continue
        causes = list(_causes(a, b, ours, theirs, pairing))
        apart = float(np.abs(due - got).max()) if due.shape == got.shape else float("nan")
        said = f"{b} is not {a}: off by up to {apart:.3g}"
        found.append(PortDifference("weights", a, b, said, causes[:1]))
    return found


def _near(a: Array, b: Array) -> bool:
    scale = float(np.abs(a).max(initial=0.0))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=0, atol=ROUNDING * scale))


def _causes(
    a: str, b: str, ours: Mapping[str, Array], theirs: Mapping[str, Array], pairing: Pairing
) -> Iterator[Cause]:
    """What was done with A's numbers, if they are there in another way."""
    due, got, plain = pairing.across(a, ours[a], 0), theirs[b], ours[a]
    if b in pairing.rows and _near(plain, got):
        yield Cause("flatten order", b, f"{a}", "its rows in A's order")
    if due.ndim == 2 and _near(due.T, got):
        yield Cause("transposed weight", b, a, "it transposed")
    if due.ndim == 4 and _near(due.transpose(0, 1, 3, 2), got):
        yield Cause("transposed weight", b, a, "it with height and width turned")
    if due.ndim == 4 and _near(due[:, :, ::-1, ::-1], got):
        yield Cause("flipped kernel", b, a, "it turned by 180°")
    for gates in (3, 4):
        if due.ndim in (1, 2) and len(due) % gates == 0 and _blocks(due, got, gates):
            yield Cause("gate order", b, a, "its gates in another order")
    for other, value in ours.items():
        if other != a and _near(value, got) and np.ptp(value) > 0:
            yield Cause("weights of two layers swapped", b, a, other)
    if got.size and not np.any(got) and np.any(due):
        yield Cause("initialisation only", b, a, "zeros")
    yield Cause("initialisation only", b, a, "other numbers; with A's the difference is gone")


def _blocks(due: Array, got: Array, gates: int) -> bool:
    """Whether blocks of rows are the same in another order."""
    if due.shape != got.shape:
        return False
    one, two = np.split(due, gates), np.split(got, gates)
    return all(any(_near(x, y) and np.ptp(x) > 0 for y in two) for x in one)
