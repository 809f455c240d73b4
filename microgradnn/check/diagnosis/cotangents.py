"""Mistakes in what is done with the gradient from above."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .mistake import mistake
from .probe import Probe

Guess = Iterator[tuple[str, Any]]


@mistake(
    "ignored", "the gradient from above is not used", "whatever comes from above, it is the same: "
    "the true gradient for a cotangent of ones", "multiply by the gradient from above (dout)", 1,
)  # fmt: skip
def _ignored(probe: Probe, k: int) -> Guess:
    if not probe.subject.scaled:
        ones = [np.ones_like(np.asarray(d)) for d in probe.douts]
        yield "", probe.for_cotangents(ones)[k]


# What people do to a cotangent, and should not.
_DISTORTIONS: dict[str, Callable[[Any], Any]] = {
    "its absolute value": np.abs,
    "its square": np.square,
    "its sign": np.sign,
    "its negative": np.negative,
    "its positive part (a mask taken of the gradient, not of the input)": lambda v: v * (v > 0),
    "its negative part": lambda v: v * (v < 0),
    "its entries larger than 0.5": lambda v: np.where(np.abs(v) > 0.5, v, 0.0),
    "its sum in all places": lambda v: np.full_like(v, v.sum()),
    "its mean in all places": lambda v: np.full_like(v, v.mean()),
    "its transpose": lambda v: v.T,
    "its entries in reverse order": lambda v: np.flip(v),
    "its square root": lambda v: np.sqrt(np.abs(v)),
}  # fmt: skip


@mistake(
    "distorted", "in place of the gradient from above it uses {0}",
    "a backward pass is linear in the gradient from above: it may only be multiplied",
    "use the gradient from above as it is", 2,
)  # fmt: skip
def _distorted(probe: Probe, k: int) -> Guess:
    if probe.subject.scaled:
        return
    for what, change in _DISTORTIONS.items():
        changed = [np.asarray(change(np.asarray(d, float))) for d in probe.douts]
        if all(np.shape(c) == np.shape(d) for c, d in zip(changed, probe.douts, strict=True)):
            yield what, probe.for_cotangents(changed)[k]


@mistake(
    "clipped", "the gradient from above is clipped to ±{0}",
    "entries beyond it are cut off: clipping belongs into the training loop",
    "take the clip out of backward", 2,
)  # fmt: skip
def _clipped(probe: Probe, k: int) -> Guess:
    if probe.subject.scaled:
        return
    for limit in (0.1, 0.25, 0.5, 0.75, 1.0):
        clipped = [np.clip(np.asarray(d, float), -limit, limit) for d in probe.douts]
        yield f"{limit:g}", probe.for_cotangents(clipped)[k]


@mistake(
    "rounded", "digits are cut off: {0}", "it is right to 7 digits, and no further",
    "keep the numbers in the dtype they come in", 2,
)  # fmt: skip
def _rounded(probe: Probe, k: int) -> Guess:
    yours, true = probe.yours[k], probe.true[k]
    if yours is None or yours.shape != true.shape:
        return
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(true), 1e-2 * np.abs(true).max(initial=0.0))
        off = float((np.abs(yours - true) / size).max(initial=0.0))
        if off <= 2.0**-21:  # a few roundings of 2**-24: an eps of 1e-7 shows by more
            yield "a cast to float32", yours
        elif off <= 2.0**-8:
            single = [np.asarray(d, np.float16).astype(float) for d in probe.douts]
            yield "a cast to float16", probe.for_cotangents(single)[k]


@mistake(
    "whole", "it is made of integers", "an array of integers cuts off what is behind the point",
    "make the array with a float dtype", 2,
)  # fmt: skip
def _whole(probe: Probe, k: int) -> Guess:
    yield "", np.trunc(probe.true[k])
    yield "", np.floor(probe.true[k])


@mistake(
    "added", "a term that does not depend on the gradient from above is added: {0}",
    "forward has no such term, as of weight decay", "add it in forward too, or in the optimiser", 2,
)  # fmt: skip
def _added(probe: Probe, k: int) -> Guess:
    yours, true = probe.yours[k], probe.true[k]
    if yours is None or yours.shape != true.shape:
        return
    rest = yours - true
    for name, array in zip(probe.names, probe.arrays, strict=True):
        a = np.asarray(array, float)
        if a.shape == rest.shape and np.any(a):
            c = float(np.vdot(rest, a) / np.vdot(a, a))
            yield f"{c:.4g} × {name}", true + c * a
    if rest.size > 1 and np.ptp(rest) <= 1e-9 * np.abs(rest).max() and np.any(rest):
        yield f"{rest.flat[0]:.4g}", true + rest.flat[0]


@mistake(
    "part", "of the gradient from above {0}", "the rest is right: a loop or an index does not "
    "reach all of it", "look at the bounds of loops, and at indices like [0] and [:-1]", 3,
)  # fmt: skip
def _part(probe: Probe, k: int) -> Guess:
    if len(probe.douts) != 1 or probe.subject.scaled:
        return
    v = np.asarray(probe.douts[0], float)
    for axis in range(v.ndim):
        if v.shape[axis] > 1:
            for word, at in (("first", 0), ("last", -1)):
                here = (slice(None),) * axis + (at,)
                without, alone = np.array(v), np.zeros_like(v)
                without[here] = 0
                alone[here] = v[here]
                yield (
                    f"the {word} place of axis {axis} is left out",
                    probe.for_cotangents([without])[k],
                )
                yield (
                    f"only the {word} place of axis {axis} counts",
                    probe.for_cotangents([alone])[k],
                )


@mistake(
    "one_output", "the gradient from above of {0} is left out",
    "forward has several outputs, and each brings its gradient",
    "add what comes back from that output too", 2,
)  # fmt: skip
def _one_output(probe: Probe, k: int) -> Guess:
    if len(probe.douts) > 1:
        for i in range(len(probe.douts)):
            douts = [np.zeros_like(d) if j == i else d for j, d in enumerate(probe.douts)]
            yield f"output {i}", probe.for_cotangents(douts)[k]


@mistake(
    "repeated", "of an entry that is used several times only {0} counts",
    "indices that occur several times: dW[i] += d adds only once for each index",
    "write np.add.at(dW, i, d), or add in a loop", 1,
)  # fmt: skip
def _repeated(probe: Probe, k: int) -> Guess:
    outs = probe.graph.outs
    if len(set(outs)) == len(outs):
        return
    seeds = np.concatenate([np.ravel(np.asarray(d, float)) for d in probe.douts])
    last = {node: i for i, node in enumerate(outs)}
    first = {node: i for i, node in reversed(list(enumerate(outs)))}
    for word, kept in (("the last use", last), ("the first use", first)):
        some = np.zeros_like(seeds)
        some[list(kept.values())] = seeds[list(kept.values())]
        parts = np.split(some, np.cumsum([np.size(d) for d in probe.douts])[:-1])
        shaped = [p.reshape(np.shape(d)) for p, d in zip(parts, probe.douts, strict=True)]
        yield word, probe.for_cotangents(shaped)[k]


@mistake(
    "own_mask", "the mask is taken of the gradient from above, not of the input",
    "it is the gradient from above where that is positive", "take the mask of x: dout * (x > 0)", 1,
)  # fmt: skip
def _own_mask(probe: Probe, k: int) -> Guess:
    if len(probe.douts) == 1 and not probe.subject.scaled:
        v = np.asarray(probe.douts[0], float)
        yield "", v * (v > 0)
