"""micrograd's demo, step by step: 337 parameters as single numbers, 100 points, an SVM loss."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnn import Value, scalar

Form = tuple[Callable[[], Any], Callable[[], list[Any]]]


def _step(value: Any, mlp: Any) -> Form:
    rng, angle = np.random.default_rng(0), np.linspace(0, np.pi, 50)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    points = np.r_[upper, [1, 0.5] - upper] + 0.1 * rng.normal(size=(100, 2))
    signs = [1] * 50 + [-1] * 50
    random.seed(1337)
    model = mlp(2, [16, 16, 1])
    rows = points.tolist()

    def step() -> None:
        scores = [model([value(v) for v in row]) for row in rows]
        losses = [(1 + -s * score).relu() for s, score in zip(signs, scores, strict=True)]
        total = sum(losses) * (1.0 / 100) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad

    return step, lambda: [p.data for p in model.parameters()]


def scalar_mlp(_: Any) -> Form:
    """Ours."""
    return _step(Value, scalar.MLP)


def micrograd(_: Any) -> Form:
    """micrograd's own."""
    import micrograd.engine
    import micrograd.nn

    return _step(micrograd.engine.Value, micrograd.nn.MLP)


def micrograd_on_ours(_: Any) -> Form:
    """micrograd's nn, whose neurons make their weights of our Value."""
    import micrograd.nn

    micrograd.nn.Value = Value
    return _step(Value, micrograd.nn.MLP)
