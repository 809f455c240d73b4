"""Mistakes in the slopes themselves: a term or a factor that is missing, or taken elsewhere."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .mistake import mistake
from .probe import Probe, near

Guess = Iterator[tuple[str, Any]]


@mistake(
    "no_local", "the derivative of the layer itself is missing",
    "it is the gradient from above, unchanged", "multiply it by the derivative of forward", 2,
)  # fmt: skip
def _no_local(probe: Probe, k: int) -> Guess:
    for d in probe.douts:
        if not probe.subject.scaled:
            yield "", np.asarray(d, float)


def _elementwise(probe: Probe, k: int) -> Any:
    """The cotangent and the output, if input k is the only one and forward works elementwise."""
    if len(probe.outs) != 1 or probe.outs[0].shape != probe.true[k].shape:
        return None
    js = probe.jacobians
    if js is None or probe.outs[0].size < 2 or np.any(js[k] - np.diag(np.diag(js[k]))):
        return None
    return np.asarray(probe.douts[0], float), probe.outs[0], np.asarray(probe.arrays[k], float)


@mistake(
    "diagonal", "only the diagonal of the Jacobian is used",
    "each output depends on all inputs of its row, not only on its own",
    "add the other terms: of softmax dx = p * (dout - (dout * p).sum(axis=-1, keepdims=True))", 2,
)  # fmt: skip
def _diagonal(probe: Probe, k: int) -> Guess:
    js = probe.jacobians
    if js is not None and probe.outs[0].shape == probe.true[k].shape:
        d = np.diag(js[k]).reshape(probe.true[k].shape)
        yield "", d * np.asarray(probe.douts[0], float)


@mistake(
    "jacobian", "the Jacobian is used where its transpose belongs",
    "backward must multiply by the transpose: sums run the other way round",
    "exchange rows and columns: a cumulative sum runs from the back", 2,
)  # fmt: skip
def _jacobian(probe: Probe, k: int) -> Guess:
    js = probe.jacobians
    if js is not None and probe.outs[0].shape == probe.true[k].shape:
        yield "", (js[k] @ np.ravel(probe.douts[0])).reshape(probe.true[k].shape)


@mistake(
    "twice", "the derivative is applied twice", "its square is multiplied in",
    "multiply by it once", 3,
)  # fmt: skip
def _twice(probe: Probe, k: int) -> Guess:
    found = _elementwise(probe, k)
    if found:
        v, _, _ = found
        yield "", probe.true[k] ** 2 / v


@mistake(
    "inverse", "it is divided by the derivative, not multiplied", "the slope is upside down",
    "multiply the gradient from above by the derivative", 3,
)  # fmt: skip
def _inverse(probe: Probe, k: int) -> Guess:
    found = _elementwise(probe, k)
    if found:
        v, _, _ = found
        yield "", v * v / probe.true[k]


@mistake(
    "one_minus", "1 minus the derivative stands where the derivative belongs",
    "the two add up to 1 times the gradient from above", "look at 1 - y, and at the sign of x", 6,
)  # fmt: skip
def _one_minus(probe: Probe, k: int) -> Guess:
    found = _elementwise(probe, k)
    if found:
        yield "", found[0] - probe.true[k]


# d(y) for which f' = d(f): derivatives that are written by means of the output.
_OF_OUTPUT: dict[str, Callable[[Any], Any]] = {
    "y * (1 - y)": lambda y: y * (1 - y), "1 - y**2": lambda y: 1 - y**2, "y": lambda y: y,
    "1/(2y)": lambda y: 0.5 / y, "1 + y**2": lambda y: 1 + y**2, "y > 0": lambda y: (y > 0) * 1.0,
    "-y**2": lambda y: -y * y, "1 - exp(-y)": lambda y: 1 - np.exp(-y), "1/y": lambda y: 1 / y,
    "exp(-y)": lambda y: np.exp(-y), "y**2": lambda y: y * y,
}  # fmt: skip


@mistake(
    "input_for_output", "the input is used where the output belongs: {0} holds for the output y",
    "the derivative is written by means of the output and is given the input",
    "keep the output in forward's cache, and use that", 3,
)  # fmt: skip
def _input_for_output(probe: Probe, k: int) -> Guess:
    found = _elementwise(probe, k)
    if found:
        v, y, x = found
        for text, d in _OF_OUTPUT.items():
            if near(v * d(y), probe.true[k], 1e-7):
                yield text, v * d(x)


@mistake(
    "output_for_input", "the output is used where the input belongs",
    "it is the true derivative at the output, not at the input",
    "keep the input in forward's cache, and use that", 3,
)  # fmt: skip
def _output_for_input(probe: Probe, k: int) -> Guess:
    for i, out in enumerate(probe.outs):
        if np.shape(out) == np.shape(probe.arrays[k]):
            there = probe.with_array(k, f"output {i}", out)
            if there is not None:
                yield "", there[k]


_FACTORS: dict[str, Callable[[Any, Any], Any]] = {
    "x": lambda x, y: x, "y": lambda x, y: y, "1 - x": lambda x, y: 1 - x,
    "1 - y": lambda x, y: 1 - y, "1 + y": lambda x, y: 1 + y, "x**2": lambda x, y: x * x,
    "y**2": lambda x, y: y * y, "(1 - y)**2": lambda x, y: (1 - y) ** 2,
    "1 - y**2": lambda x, y: 1 - y * y, "1 + x**2": lambda x, y: 1 + x * x,
    "y / (1 - y)": lambda x, y: y / (1 - y), "√x": lambda x, y: np.sqrt(x),
    "|x|": lambda x, y: np.abs(x),
}  # fmt: skip


@mistake(
    "factor_missing", "the factor {0} is missing", "it is the true gradient divided by it "
    "everywhere (x is the input, y the output)", "multiply by it", 3,
)  # fmt: skip
def _factor_missing(probe: Probe, k: int) -> Guess:
    yield from _scaled(probe, k, -1)


@mistake(
    "factor_extra", "there is a factor {0} too many", "it is the true gradient times it everywhere "
    "(x is the input, y the output)", "leave it out", 3,
)  # fmt: skip
def _factor_extra(probe: Probe, k: int) -> Guess:
    yield from _scaled(probe, k, 1)


def _scaled(probe: Probe, k: int, power: int) -> Guess:
    x, t = np.asarray(probe.arrays[k], float), probe.true[k]
    if t.size < 2:
        return
    y = probe.outs[0] if probe.outs[0].shape == t.shape else np.full_like(t, np.nan)
    for text, f in _FACTORS.items():
        phi = f(x, y)
        if np.isfinite(phi).all() and (phi != 0).all() and np.ptp(phi) > 1e-6 * np.abs(phi).max():
            yield text, t * phi**power


@mistake(
    "norm_missing", "it is not divided by the norm (or the deviation) of each slice along axis {0}",
    "it is the true gradient times one number for each slice: its norm or deviation",
    "divide by the norm (of normalisation: by the deviation)", 3,
)  # fmt: skip
def _norm_missing(probe: Probe, k: int) -> Guess:
    x, t = np.asarray(probe.arrays[k], float), probe.true[k]
    for axis in range(t.ndim):
        if t.shape[axis] > 1:
            norm = np.sqrt((x * x).sum(axis=axis, keepdims=True))
            spread = x.std(axis=axis, keepdims=True)
            yield f"{axis}", t * norm
            yield f"{axis}", t * np.sqrt(spread**2 + 1e-5)
            yield f"{axis}", t * spread


@mistake(
    "operand", "{0} is not transposed where it should be",
    "it is the true gradient of a layer whose {0} is transposed; its shape does not tell, as it is "
    "square here", "multiply by the transpose: dx = dout @ W.T", 2,
)  # fmt: skip
def _operand(probe: Probe, k: int) -> Guess:
    for j, name in enumerate(probe.names):
        a = np.asarray(probe.arrays[j])
        if a.ndim >= 2 and a.shape[-1] == a.shape[-2]:
            there = probe.with_array(j, "transposed", np.swapaxes(a, -1, -2).copy())
            if there is not None:
                yield name, there[k]


@mistake(
    "unflipped", "{0} is not flipped where it should be", "it is the true gradient of a layer "
    "whose {0} runs backwards", "a convolution's gradient convolves with the flipped kernel", 3,
)  # fmt: skip
def _unflipped(probe: Probe, k: int) -> Guess:
    for j, name in enumerate(probe.names):
        a = np.asarray(probe.arrays[j])
        if j != k and a.ndim in (1, 3, 4) and a.size > 1:
            axes = (-1,) if a.ndim == 1 else (-1, -2)
            there = probe.with_array(j, "flipped", np.flip(a, axes).copy())
            if there is not None:
                yield name, there[k]


@mistake(
    "centring", "a term that is the same along axis {0} is missing or wrong",
    "what it is off by is one number for each slice: the term that comes through a mean or a sum",
    "add the gradient that flows through the mean (or the sum) of the slice", 6,
)  # fmt: skip
def _centring(probe: Probe, k: int) -> Guess:
    yours, t = probe.yours[k], probe.true[k]
    if yours is None or yours.shape != t.shape:
        return
    for axis in range(t.ndim):
        if t.shape[axis] > 2:
            off = (yours - t).mean(axis=axis, keepdims=True)
            if (np.abs(off) > 1e-6 * np.abs(t).max()).mean() > 0.5:
                yield f"{axis}", t + off


@mistake(
    "projection", "the term through the norm (or the variance) along axis {0} is missing or wrong",
    "what it is off by is, in each slice, one number times the output",
    "add the gradient that flows through the norm: -y * (dout * y).sum(...)", 6,
)  # fmt: skip
def _projection(probe: Probe, k: int) -> Guess:
    yours, t = probe.yours[k], probe.true[k]
    if yours is None or yours.shape != t.shape:
        return
    for base in [o for o in probe.outs if o.shape == t.shape]:
        for axis in range(t.ndim):
            if t.shape[axis] > 2:
                top = ((yours - t) * base).sum(axis=axis, keepdims=True)
                c = top / (base * base).sum(axis=axis, keepdims=True)
                if (np.abs(c) > 1e-6).mean() > 0.5:
                    yield f"{axis}", t + c * base
