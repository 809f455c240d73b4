"""Metrics of predicted numbers: y_true and y_pred have one shape, (n,), (n, 1) or (n, outputs)."""

import math

import numpy as np

from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from .averages import AverageMetric, Metric
from .reading import Array, Floats, finite_pair, sample_weights


class MeanSquaredError(AverageMetric):
    """mean (y_pred - y_true)², over all outputs."""

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """The squared errors."""
        t, p = finite_pair(self.name, y_true, y_pred)
        return np.square(p - t)


class RootMeanSquaredError(MeanSquaredError):
    """√ mean (y_pred - y_true)², over all outputs (scikit-learn: the mean of each output's)."""

    def result(self) -> float:
        """The root of the weighted mean."""
        return math.sqrt(super().result())


class MeanAbsoluteError(AverageMetric):
    """mean |y_pred - y_true|, over all outputs."""

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """The absolute errors."""
        t, p = finite_pair(self.name, y_true, y_pred)
        return np.abs(p - t)


class R2Score(Metric):
    """1 - Σ w·(y - ŷ)² / Σ w·(y - ȳ)², the coefficient of determination; best is 1.

    For several outputs their mean ("uniform_average"), their mean weighted with the sums below
    ("variance_weighted_average") or one score for each (None). As in scikit-learn an output whose
    y_true are all equal has 1 if they are predicted, else 0, and fewer than two rows have nan.

    The sum below is of batches (Chan, Golub and LeVeque 1983, formula 2.1) and of y minus the
    first row, so that neither a large mean nor the batches cost digits.
    """

    AGGREGATIONS = ("uniform_average", "variance_weighted_average", None)

    def __init__(
        self, class_aggregation: str | None = "uniform_average", name: str | None = None
    ) -> None:
        super().__init__(name)
        if class_aggregation not in self.AGGREGATIONS:
            raise ConfigError(
                f"{self.name}: class_aggregation is {class_aggregation!r}, "
                f"expected 'uniform_average', 'variance_weighted_average' or None"
            )
        self.class_aggregation = class_aggregation

    def reset_state(self) -> None:
        """Forgets all data."""
        self.rows, self.weight = 0, 0.0
        self.first: Floats | None = None
        self.mean: Array = np.zeros(1)  # of y_true - first, for each output
        self.spread: Array = np.zeros(1)  # Σ w·(y - ȳ)²
        self.residual: Array = np.zeros(1)  # Σ w·(y - ŷ)²

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch."""
        t, p = finite_pair(self.name, y_true, y_pred)
        given = sample_weights(self.name, sample_weight, t.shape[:1])
        t, p = (a[:, None] if a.ndim == 1 else a for a in (t, p))
        first = t[0] if self.first is None else self.first
        if t.shape[1:] != first.shape or t.ndim != 2:
            expected = "(n,) or (n, outputs)" if t.ndim != 2 else f"{first.size} outputs as before"
            raise ShapeError(f"{self.name}: y_true has shape {t.shape}, expected {expected}")
        w = np.ones((len(t), 1)) if given is None else given[:, None]
        self.first, self.rows = first, self.rows + len(t)
        self.residual = self.residual + (w * np.square(t - p)).sum(0)
        if w.any():
            self._merge(t - first, w, float(w.sum()))

    def _merge(self, y: Array, w: Array, weight: float) -> None:
        mean = (w * y).sum(0) / weight
        both, apart = self.weight + weight, mean - self.mean
        inside = (w * np.square(y - mean)).sum(0)
        self.spread = self.spread + inside + np.square(apart) * (self.weight * weight / both)
        self.mean = self.mean + apart * (weight / both)
        self.weight = both

    def result(self) -> float | Array:
        """The score, or an array of one for each output."""
        if self.weight == 0:
            raise self._no_data()
        if self.rows < 2:
            return math.nan if self.class_aggregation else np.full(self.mean.shape, math.nan)
        scores = np.where(self.residual == 0, 1.0, 0.0)
        varied = self.spread != 0
        scores[varied] = 1 - self.residual[varied] / self.spread[varied]
        if self.class_aggregation is None:
            return scores
        by_variance = self.class_aggregation == "variance_weighted_average" and varied.any()
        return float(np.average(scores, weights=self.spread if by_variance else None))
