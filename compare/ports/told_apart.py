"""What two stretches are told apart by: chance that is on, gradients that are not the same."""

from collections.abc import Callable

import numpy as np

from ..claims import Claim, judge
from .aligned import PortSide
from .seen_calls import Array


def active(side: PortSide, node: int) -> bool:
    """Whether a call drops numbers: each is 0, or what went in over 1 - p."""
    call = side.call(node)
    if call.kind != "dropout" or not call.options["training"]:
        return False
    source = call.sources[0]
    x, y = side.values.get(source, side.passed.nodes[source]), side.passed.nodes[node]
    p = call.options["p"]
    near = np.isclose(y * (1 - p), x, rtol=1e-5, atol=1e-12) | (y == 0)
    return bool(near.all()) and bool((y != x).any())


def same(a: Array | None, b: Array | None, limit: float) -> bool:
    """Whether two gradients are the same; None is none, and so is 0."""
    if a is None or b is None:
        some = a if b is None else b
        return some is None or not np.any(some)
    scale = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    allowed = max(limit, 1e-6 * scale)
    return a.shape == b.shape and bool((np.abs(a - b) <= allowed).all())


def gradient_said(
    name: str, mine: Array | None, theirs: Array | None, move: Callable[[Array], Array]
) -> str:
    """A gradient of B beside that of A, in words."""
    if mine is None or theirs is None:
        return f"{name}: there is none in {'A' if mine is None else 'B'}"
    found = judge(Claim("slope", 0, name), theirs, move(mine), 1e-6 * float(np.abs(mine).max()))
    return str(found)
