"""Mistakes that leave the true gradient recognisable: a sign, a factor, another order or shape."""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np

from .mistake import mistake
from .probe import Probe, factor
from .scales import BY_SIZE, sizes, worded

Guess = Iterator[tuple[str, Any]]


@mistake(
    "sign", "the sign is flipped", "it is -1 times the true gradient everywhere",
    "look for y - p where p - y belongs, or a minus sign of forward that backward lost", 1,
)  # fmt: skip
def _sign(probe: Probe, k: int) -> Guess:
    yield "", -probe.true[k]


@mistake(
    "zero", "it is zero: the argument is taken for a constant",
    "the output depends on it, and no gradient comes back",
    "follow each use of it in forward, and add up what comes back along them", 1,
)  # fmt: skip
def _zero(probe: Probe, k: int) -> Guess:
    yield "", np.zeros_like(probe.true[k])


@mistake(
    "factor", "it is {0} times the true gradient everywhere", "the factor is the same at all "
    "points and shapes", "look for a constant that one of forward and backward has and the "
    "other has not: the 2 of a square, 1/2 of a root, a scale, a rate", 3,
)  # fmt: skip
def _constant(probe: Probe, k: int) -> Guess:
    c = factor(probe.yours[k], probe.true[k])
    if c is not None and abs(c + 1) > 1e-6 and abs(c) > 1e-12:
        yield worded(c), c * probe.true[k]


# ---- factors that are sizes ----------------------------------------------------------------------


def _by(scale: Any) -> Any:
    def guesses(probe: Probe, k: int) -> Guess:
        for what, n in sizes(probe).items():
            yield what, scale(n) * probe.true[k]

    return guesses


for _key, (_name, _why, _fix, _scale) in BY_SIZE.items():
    mistake(_key, _name, _why, _fix, 2)(_by(_scale))


@mistake(
    "ratio_of_sizes", "it is divided by {0}", "the mean is taken over other axes in backward than "
    "in forward", "divide by the number of entries that forward takes the mean of", 4,
)  # fmt: skip
def _ratio(probe: Probe, k: int) -> Guess:
    found = list(sizes(probe).items())
    for (a, n), (b, m) in permutations(found, 2):
        if n != m:
            yield f"{a} where forward divides by {b}", m / n * probe.true[k]


# ---- another order, another shape ----------------------------------------------------------------


@mistake(
    "swapped", "it is the true gradient of {0}", "gradients are returned in another order",
    "return them in the order of forward's arguments", 1,
)  # fmt: skip
def _swapped(probe: Probe, k: int) -> Guess:
    for j, name in enumerate(probe.names):
        if j != k:
            yield name, probe.true[j]


@mistake(
    "swapped_sign", "it is -1 times the true gradient of {0}",
    "gradients are returned in another order, and a sign is lost",
    "return them in the order of forward's arguments, and follow the minus sign", 3,
)  # fmt: skip
def _swapped_sign(probe: Probe, k: int) -> Guess:
    for j, name in enumerate(probe.names):
        if j != k:
            yield name, -probe.true[j]


@mistake(
    "transposed", "it is transposed", "its entries are right, its axes are exchanged",
    "exchange the factors of the product and transpose them, or add .T", 2,
)  # fmt: skip
def _transposed(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    if t.ndim == 2:
        yield "", t.T
    elif t.ndim > 2:
        yield "", t.T
        yield "", np.swapaxes(t, -1, -2)


@mistake(
    "flipped", "it is in reverse order along {0}", "its entries are right and in another order",
    "a convolution's kernel is flipped once only: look at [::-1]", 3,
)  # fmt: skip
def _flipped(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    for axis in range(t.ndim):
        yield f"axis {axis}", np.flip(t, axis)
    if t.ndim > 1:
        yield "its last two axes", np.flip(t, (-1, -2))
        yield "all axes", np.flip(t)


@mistake(
    "rolled", "it is shifted by one along {0}", "its entries are right, one place off",
    "look at where the slice begins", 3,
)  # fmt: skip
def _rolled(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    for axis in range(t.ndim):
        for step in (1, -1):
            yield f"axis {axis}", np.roll(t, step, axis)


@mistake(
    "reshaped", "its entries are in another order: reshaped without the transpose",
    "reshape keeps the order of numbers, so axes that were exchanged must be exchanged back",
    "transpose before the reshape, as forward does after it", 4,
)  # fmt: skip
def _reshaped(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    if t.ndim > 1:
        for axes in permutations(range(t.ndim)):
            if list(axes) != sorted(axes):
                yield "", t.transpose(axes).reshape(t.shape)
                turned = t.reshape([t.shape[i] for i in axes])
                yield "", turned.transpose(np.argsort(axes))


@mistake(
    "not_summed", "it is not summed over the axes that were broadcast",
    "forward repeats the argument along them, so its gradient is the sum over them",
    "sum over the axes that the argument does not have: .sum(axis=0)", 1,
)  # fmt: skip
def _not_summed(probe: Probe, k: int) -> Guess:
    yours, t = probe.yours[k], probe.true[k]
    if yours is None or yours.ndim < t.ndim or yours.size <= t.size:
        return
    lead = yours.ndim - t.ndim
    shape = (1,) * lead + t.shape
    axes = tuple(i for i, (n, m) in enumerate(zip(yours.shape, shape, strict=True)) if n != m)
    if all(shape[i] == 1 for i in axes):
        summed = yours.sum(axis=axes, keepdims=True).reshape(t.shape)
        if np.allclose(summed, t, rtol=1e-7, atol=1e-9):
            yield "", yours


@mistake(
    "shape", "its shape is {0}", "its entries are right and only the shape is not",
    "reshape it to the shape of the argument", 1,
)  # fmt: skip
def _shape(probe: Probe, k: int) -> Guess:
    yours, t = probe.yours[k], probe.true[k]
    if yours is None or yours.size != t.size or yours.shape == t.shape:
        return
    if t.ndim == 2 and yours.shape == t.T.shape and np.allclose(yours, t.T, rtol=1e-7, atol=1e-9):
        yield "that of the transpose: it is transposed", yours
    elif np.allclose(yours.ravel(), t.ravel(), rtol=1e-7, atol=1e-9):
        yield "not that of the argument", yours


@mistake(
    "slice", "it is zero in the {0}", "the other entries are right: a loop or a slice stops early "
    "or begins late", "look at the bounds of loops and slices", 2,
)  # fmt: skip
def _slice(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    for axis in range(t.ndim):
        if t.shape[axis] > 1:
            for word, at in (("first", 0), ("last", -1)):
                cut = np.array(t)
                cut[(slice(None),) * axis + (at,)] = 0
                yield f"{word} place of axis {axis}", cut


@mistake(
    "absolute", "its negative entries have lost their sign",
    "it is the absolute value of the true gradient", "look for np.abs and squares", 3,
)  # fmt: skip
def _absolute(probe: Probe, k: int) -> Guess:
    yield "", np.abs(probe.true[k])


@mistake(
    "reduced", "its entries are {0}", "it is reduced too far: over axes that the argument has",
    "sum over those axes only that the argument does not have", 2,
)  # fmt: skip
def _reduced(probe: Probe, k: int) -> Guess:
    t = probe.true[k]
    for axis in [None, *range(t.ndim)]:
        where = "all" if axis is None else f"axis {axis}"
        if t.size > 1 and (axis is None or t.shape[axis] > 1):
            total = t.sum(axis=axis, keepdims=True)
            yield f"summed over {where}", np.broadcast_to(total, t.shape)
            yield (
                f"averaged over {where}",
                np.broadcast_to(t.mean(axis=axis, keepdims=True), t.shape),
            )
            if axis is None:
                yield f"summed over {where}", t.sum()
