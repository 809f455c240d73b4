"""How far two correct evaluations of one training step may lie apart: a running error bound.

Both start from the same parameters. Values, majorants of their gradients, and error bounds in units
of the unit roundoff u are carried through the network forwards and backwards, as in Higham,
Accuracy and Stability of Numerical Algorithms, §3: layer_bounds.py has the layers, update_bounds.py
the optimisers. Twice that bound separates two evaluations. Terms of order u² are left out.
"""

from collections.abc import Sequence

import numpy as np

from . import layer_bounds
from .layer_bounds import FUNCTION
from .specs import Model, Optimizer
from .update_bounds import UpdateBound


class StepBound:
    """Bounds on |difference| after one step: `loss`, `grads`, and, from update(), the rest."""

    def __init__(self, model: Model, optimizer: Optimizer, dtype: str) -> None:
        self.model = model
        self.u = 2 * float(np.finfo(dtype).eps) / 2  # of each of two evaluations
        self.loss = 0.0
        self.grads: list[np.ndarray] = []
        self.moves = UpdateBound(optimizer, self.u)
        self.statistics = [0 * a for a in model.kept()]
        self.kept = model.kept()

    def step(self, params: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> None:
        """Sets `loss` and `grads` for a step from params on the batch (x, y)."""
        run = layer_bounds.Run(iter(params), self.u)
        z, ez, back = run.chain(self.model.chain, x, np.zeros(x.shape))
        loss, error, g, eg = _loss(self.model.loss, z, ez, y, self.u)
        scale = self.model.scale(x)
        _, _, found = back(scale * g, scale * (eg + 2 * g))
        errors = [eg for _, eg in found]
        error = scale * (error + 2 * loss)
        if self.model.l2:
            error += self._penalty(params, found, errors) + 2 * scale * loss
        self.loss, self.grads = self.u * error, [self.u * e for e in errors]
        self._statistics(run.statistics)

    def _penalty(
        self,
        params: Sequence[np.ndarray],
        found: Sequence[tuple[np.ndarray, np.ndarray]],
        errors: list[np.ndarray],
    ) -> float:
        """The error of l2·Σw²; that of its gradient is added to `errors`."""
        total = 0.0
        for i, (p, (g, _)) in enumerate(zip(params, found, strict=True)):
            if self.model.penalised[i]:
                total += self.model.l2 * float((p * p).sum()) * (p.size + 4 + len(params))
                errors[i] = errors[i] + 2 * g + 8 * self.model.l2 * abs(p)
        return total

    def _statistics(self, new: Sequence[tuple[np.ndarray, np.ndarray, float]]) -> None:
        """Bounds on the running statistics after r = r + m·(new - r)."""
        for i, (value, error, m) in enumerate(new):
            size = abs(self.kept[i]) + abs(value)
            self.statistics[i] = (1 - m) * self.statistics[i] + m * error + 4 * size
            self.kept[i] = self.kept[i] + m * (value - self.kept[i])

    def update(
        self, params: Sequence[np.ndarray], grads: Sequence[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Bounds after the optimiser's step with grads: on the parameters, on the shadow."""
        moves, averages = self.moves.step(params, grads, self.grads)
        return moves, [*averages, *(self.u * e for e in self.statistics)]


def _loss(
    name: str, z: np.ndarray, ez: np.ndarray, y: np.ndarray, u: float
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """A majorant of the mean loss, its error, and the same of dloss/dz."""
    if name.startswith("ce"):
        (n, c), top = z.shape, ez.max(1, keepdims=True)
        width = abs(z).max(1, keepdims=True)
        each = 2 * top + (FUNCTION + c) * (width + np.log(c) + 1)
        g = np.full(z.shape, 1.0 / n)
        size = 2 * width + np.log(c) + 1
        eg = g * (2 * top + c + FUNCTION * (1 + width))
        return float(size.mean()), float(each.mean() + (n + c) * size.mean()), g, eg
    n = z.size
    if name == "bce":
        size = 2 * abs(z) + 1
        g = np.full(z.shape, 1.0 / n)
        error = ez + FUNCTION * size
        return float(size.mean()), float(error.mean() + n * size.mean()), g, g * (ez + FUNCTION)
    r = abs(z - y)
    er = ez + r
    if name == "mse":
        return _mean(r * r, 2 * r * er + 2 * r * r, 2 * r / n, 2 * (er + 3 * r) / n)
    if name == "mae":  # the sign of a residual within its error may be either
        g = np.full(z.shape, 1.0 / n)
        return _mean(r, er, g, g * (2 + np.where(r < u * er, 2 / u, 0)))
    h = np.where(r < 1, r * r / 2, r - 0.5)
    slope = np.minimum(r, 1)
    return _mean(h, slope * er + 3 * r, slope / n, (er + 3 * slope) / n)


def _mean(
    each: np.ndarray, error: np.ndarray, g: np.ndarray, eg: np.ndarray
) -> tuple[float, float, np.ndarray, np.ndarray]:
    return float(each.mean()), float(error.mean() + each.size * each.mean()), g, eg
