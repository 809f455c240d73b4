"""Is a point in the hull of others? Small quadratic problems, solved one step after another."""

from typing import Any

import numpy as np


def nearest(corners: Any, target: Any) -> Any:
    """The point of the corners' convex hull nearest to target: Frank and Wolfe, with away steps."""
    weights = np.zeros(len(corners))
    weights[int(np.argmin(np.abs(corners - target).sum(axis=1)))] = 1.0
    for _ in range(2000):
        rest = weights @ corners - target
        slope = corners @ rest
        to = int(np.argmin(slope))
        used = np.flatnonzero(weights > 1e-15)
        away = int(used[np.argmax(slope[used])])
        if slope[away] - slope[to] < 1e-18 * (1 + np.abs(slope).max()):
            break
        step = corners[to] - corners[away]
        length = float(step @ step)
        t = min(weights[away], -float(step @ rest) / length) if length else 0.0
        if t <= 0:
            break
        weights[to] += t
        weights[away] -= t
    return weights @ corners


def off_plane(rows: Any, yours: Any, tolerance: float) -> bool:
    """Whether all sides lie in one plane (shares of a maximum sum to the whole), and yours not."""
    steps = rows[1:] - rows[0]
    _, sizes, axes = np.linalg.svd(steps, full_matrices=False)
    rank = int((sizes > 1e-9 * max(1.0, sizes.max(initial=0.0))).sum())
    if len(steps) < rank + 3:  # too few sides to know the plane
        return False
    rest = yours - rows[0]
    rest = rest - axes[:rank].T @ (axes[:rank] @ rest)
    return bool(np.abs(rest).max() > tolerance)


def box_weights(deltas: Any, target: Any) -> Any:
    """Least squares with weights between 0 and 1, one coordinate after another."""
    weights = np.full(len(deltas), 0.5)
    squares = (deltas**2).sum(axis=1)
    rest = target - weights @ deltas
    for _ in range(400):
        before = weights.copy()
        for k, delta in enumerate(deltas):
            if squares[k]:
                new = np.clip(weights[k] + (delta @ rest) / squares[k], 0.0, 1.0)
                rest -= (new - weights[k]) * delta
                weights[k] = new
        if np.abs(weights - before).max(initial=0.0) < 1e-13:
            break
    return weights
