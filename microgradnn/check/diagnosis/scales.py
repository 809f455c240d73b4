"""What a factor is that a gradient is wrong by: a constant, or a size of one of the arrays."""

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from .probe import Probe


def worded(c: float) -> str:
    """A constant as a person would write it: 1/3, 0.8, 2."""
    for n in range(1, 13):
        if abs(c * n - round(c * n)) < 1e-6 * abs(c) and round(c * n):
            return f"{round(c * n)}" if n == 1 else f"{round(c * n)}/{n}"
    for n in (2, 3, 5, 6, 7, 8, 10):
        for text, root in ((f"√{n}", sqrt(n)), (f"1/√{n}", 1 / sqrt(n))):
            if abs(c - root) < 1e-7 * root:
                return text
    return f"{c:.5g}"


def sizes(probe: Probe) -> dict[str, int]:
    """The sizes that a mean may be taken over, by what they are: at most one for each number."""
    found: dict[str, int] = {}
    groups = [*zip(probe.names, probe.arrays, strict=True), *_outputs(probe)]
    for name, array in groups:
        shape = np.shape(array)
        for axis, n in enumerate(shape):
            found[f"the size of axis {axis} of {name}"] = n
        if len(shape) > 1:
            found[f"the number of entries of {name}"] = prod(shape)
        if len(shape) > 2:
            found[f"the number of rows of {name}"] = prod(shape[:-1])
            found[f"the size of axes 0 and 1 of {name} together"] = prod(shape[:2])
        if len(shape) > 3:
            found[f"the number of pixels of {name}"] = prod(shape[2:])
            found[f"axes 0, 2 and 3 of {name} together"] = shape[0] * prod(shape[2:])
    return {what: n for what, n in found.items() if n > 1}


def _outputs(probe: Probe) -> list[tuple[str, Any]]:
    if len(probe.outs) == 1:
        return [("the output", probe.outs[0])]
    return [(f"output {i}", out) for i, out in enumerate(probe.outs)]


BY_SIZE: dict[str, tuple[str, str, str, Callable[[float], float]]] = {
    "mean": (
        "the mean's 1/N is missing: it is N times the true gradient, N being {0}",
        "forward takes a mean, backward the gradient of a sum", "divide by N", lambda n: n,
    ),
    "twice_mean": (
        "it is divided by N, and should not be: N is {0}",
        "backward takes a mean, forward does not, or takes it already",
        "leave the division out, or take the mean in forward", lambda n: 1 / n,
    ),
    "ddof": (
        "N - 1 stands where N belongs: N is {0}",
        "it is N/(N-1) times the true gradient: backward divides by N - 1, forward by N",
        "use the same ddof in both", lambda n: n / (n - 1),
    ),
    "no_ddof": (
        "N stands where N - 1 belongs: N is {0}",
        "it is (N-1)/N times the true gradient: forward divides by N - 1, backward by N",
        "use the same ddof in both", lambda n: (n - 1) / n,
    ),
    "root": (
        "the scale 1/√N is missing: it is √N times the true gradient, N being {0}",
        "forward divides by the root, backward does not", "divide by √N", sqrt,
    ),
    "twice_root": (
        "it is divided by √N once more than it should be: N is {0}",
        "forward does not divide by the root, or once only", "leave one division out",
        lambda n: 1 / sqrt(n),
    ),
    "half_mean": (
        "a factor 2/N is missing: it is N/2 times the true gradient, N being {0}",
        "forward has the mean of a square, backward neither its 2 nor its 1/N",
        "multiply by 2/N", lambda n: n / 2,
    ),
    "twice_half_mean": (
        "a factor 2/N is there and should not be: N is {0}",
        "backward has the mean of a square, forward has not", "leave it out", lambda n: 2 / n,
    ),
}  # fmt: skip


def named_factor(found: Sequence[Probe], cs: Sequence[float]) -> str:
    """What factors, one for each point, are in words: a sign, a constant, a size; "" if nothing."""
    if max(cs) - min(cs) <= 1e-6 * max(map(abs, cs)):
        c = cs[0]
        return "the sign is flipped" if abs(c + 1) < 1e-6 else f"it is {worded(c)} times that"
    each = [sizes(p) for p in found]
    for name, _, _, scale in BY_SIZE.values():
        for what in each[0]:
            values = [size.get(what) for size in each]
            if all(n and abs(c - scale(n)) < 1e-6 * abs(c)
                   for n, c in zip(values, cs, strict=True)):  # fmt: skip
                return f"{name.split(':')[0]}, N being {what}"
    return ""
