"""The steps that are timed: small nets, MNIST-size nets, and rows of sizes for the plots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..specs import Model

Array = np.ndarray


@dataclass(frozen=True)
class Case:
    """A step of gradient descent on a net of dense layers; `size` is its place in a plot."""

    name: str
    widths: tuple[int, ...]
    activation: str
    loss: str  # "bce" of logits, "mse" or "ce" of logits
    batch: int
    dtype: str = "float32"
    lr: float = 0.01
    size: int = 0

    def start(self) -> list[Array]:
        """Weights (in, out) and biases, as every form begins."""
        model = Model(self.widths, self.activation, self.loss)
        return [p.astype(self.dtype) for p in model.start(np.random.default_rng(0))]

    def data(self) -> tuple[Array, Array]:
        """Inputs, and targets: numbers or labels."""
        rng = np.random.default_rng(1)
        x = rng.random((self.batch, self.widths[0])).astype(self.dtype)
        if self.loss == "ce":
            return x, rng.integers(0, self.widths[-1], self.batch)
        target = rng.integers(0, 2, (self.batch, self.widths[-1])).astype(self.dtype)
        return x, target


def _one(
    name: str, widths: tuple[int, ...], activation: str, loss: str, batch: int, **more: Any
) -> Case:
    return Case(name, widths, activation, loss, batch, **more)


SMALL = (
    _one("gate: 1 neuron, 4 samples", (2, 1), "identity", "bce", 4, dtype="float64", lr=0.5),
    _one("1-2-5-2 tanh, 20 samples", (1, 2, 5, 2), "tanh", "mse", 20, dtype="float64"),
)
MNIST = (
    _one("784-500-10 relu, 100 images", (784, 500, 10), "relu", "ce", 100),
    _one("784-128-256-10 relu, 256 images", (784, 128, 256, 10), "relu", "ce", 256),
    _one("784-512-256-10 relu, 200 images", (784, 512, 256, 10), "relu", "ce", 200),
)
WIDTHS, DEPTHS, BATCHES = (4, 16, 64, 256, 1024), (1, 2, 4, 8, 16), (1, 8, 64, 512, 4096)


def _rows() -> Iterator[tuple[str, tuple[Case, ...]]]:
    yield (
        "width",
        tuple(
            _one(f"{n}-{n}-{n}, 32 samples", (n, n, n), "tanh", "mse", 32, size=n) for n in WIDTHS
        ),
    )
    yield (
        "depth",
        tuple(
            _one(f"{d} layers of 32, 32 samples", (32,) * (d + 1), "tanh", "mse", 32, size=d)
            for d in DEPTHS
        ),
    )
    yield (
        "batch",
        tuple(
            _one(f"32-32-32, {b} samples", (32, 32, 32), "tanh", "mse", b, size=b) for b in BATCHES
        ),
    )


MOONS = _one("moons, 337 single numbers, 100 points", (2, 16, 16, 1), "relu", "svm", 100)
ROWS = dict(_rows())
GROUPS = {"small": SMALL, "mnist": MNIST, "moons": (MOONS,), **ROWS}
CASES = {case.name: case for group in GROUPS.values() for case in group}


def flops(case: Case) -> int:
    """Multiplications of the matrix products of a step: forward, by weights, by inputs."""
    pairs = list(zip(case.widths, case.widths[1:], strict=False))
    each = [2 * case.batch * a * b for a, b in pairs]
    return 3 * sum(each) - each[0]
