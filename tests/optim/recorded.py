"""Gradients that are fed to every optimiser alike: recorded, not computed by the optimiser's path.

Among them are exact zeros and 1e-6, where a misplaced eps shows, missing gradients (None), and a
learning rate that changes, where lr inside and outside the velocity differ.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st

import microgradnn as mg

START = (np.array([1.0, -2.0, 0.5]), np.array(0.75))  # a vector and a 0-d parameter
Grads = tuple[np.ndarray | None, np.ndarray | None]


numbers = st.one_of(
    st.sampled_from([0.0, 1e-6, -1e-6, 0.1, -2.0]),
    st.floats(0.0625, 2.0),
    st.floats(-2.0, -0.0625),
)
vectors = st.lists(numbers, min_size=3, max_size=3).map(np.array)
rates = st.sampled_from([2.0**-k for k in range(1, 9)])
fractions = st.sampled_from([0.0, 0.125, 0.5, 0.875])
decays = st.sampled_from([0.0, 0.125])
epsilons = st.sampled_from([1e-8, 2.0**-10])


@st.composite
def runs(draw: st.DrawFn, missing: bool = True) -> list[tuple[float, Grads]]:
    """(lr, gradients of both parameters) of each step."""
    nothing = [st.none()] if missing else []
    vector, scalar = st.one_of(vectors, *nothing), st.one_of(numbers.map(np.array), *nothing)
    return draw(st.lists(st.tuples(rates, st.tuples(vector, scalar)), min_size=4, max_size=4))


def walk(make: Callable[..., Any], run: list[tuple[float, Grads]]) -> list[list[np.ndarray]]:
    """The parameters after every step of make(params, lr)."""
    params = [mg.tensor(x, requires_grad=True) for x in START]
    optimizer = make(params, run[0][0])
    return [[p.data.copy() for p in params] for _ in steps(optimizer, params, run)]


def steps(optimizer: Any, params: list[Any], run: list[tuple[float, Grads]]) -> Iterator[None]:
    """One step of a Tensor's optimiser for each entry of the run."""
    for lr, grads in run:
        optimizer.lr = lr
        for p, g in zip(params, grads, strict=True):
            p.grad = None if g is None else g.copy()
        optimizer.step()
        yield


def value_walk(make: Callable[..., Any], run: list[tuple[float, Grads]]) -> list[list[float]]:
    """The same with every number a Value of its own; no gradient may be missing."""
    values = [mg.Value(float(x)) for array in START for x in array.ravel()]
    optimizer = make(values, run[0][0])
    out = []
    for lr, grads in run:
        optimizer.lr = lr
        flat = [float(x) for g in grads for x in np.ravel(g)]
        for v, g in zip(values, flat, strict=True):
            v.grad = g
        optimizer.step()
        out.append([v.data for v in values])
    return out


def assert_close(ours: list[Any], theirs: list[Any], roundings: int, size: float = 0.0) -> None:
    """Every step within so many roundings per step of numbers no larger than those passed through.

    `size` is that of numbers which do not show in the parameters, such as a clipped gradient.
    """
    largest = size
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        largest = max(largest, *(float(np.max(np.abs(y))) for y in b))
        for x, y in zip(a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=(i + 1) * roundings * largest * 2.0**-53)
