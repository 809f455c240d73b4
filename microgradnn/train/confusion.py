"""Counts of true and predicted classes in one table; precision, recall and F1, read off it.

Formulas, averages and edge cases are those of scikit-learn; tests compare with it.
"""

import math
from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from .averages import Metric
from .reading import Array, Cutoff, binary, decided, numbers, sample_weights, whole


class Counts:
    """A table of (weighted) numbers of samples, from which every other count is a sum.

    Of classes: table[true, predicted], shape (C, C); it grows with the classes that come, unless
    their number is given. Of yes or no for each of L labels: table[label, true, predicted], shape
    (L, 2, 2). Without weights the numbers are integers. `seen` tells which classes have occurred.
    """

    def __init__(self, classes: int | None = None) -> None:
        self.table: Array = np.zeros((classes or 0,) * 2, np.int64)
        self.seen: Array = np.ones(classes or 0, bool)
        self.rows = 0

    def add_classes(self, true: Array, predicted: Array, classes: int, w: Array | None) -> None:
        """Counts samples with these true and predicted classes."""
        size = max(classes, len(self.table))
        more = size - len(self.table)
        self.table = np.pad(self.table, (0, more)) + _tally(true * size + predicted, w, (size,) * 2)
        self.seen = np.pad(self.seen, (0, more))
        self.seen[true] = self.seen[predicted] = True
        self.rows += true.size

    def add_flags(self, true: Array, predicted: Array, w: Array | None) -> None:
        """Counts rows of true and of predicted yes and no, shape (n, labels)."""
        labels = true.shape[-1]
        cells = np.arange(labels) * 4 + true * 2 + predicted
        weights = None if w is None else np.broadcast_to(w[..., None], cells.shape)
        tally = _tally(cells, weights, (labels, 2, 2))
        self.table = tally if self.rows == 0 else self.table + tally
        self.seen = np.ones(labels, bool)
        self.rows += len(true)

    def totals(self) -> tuple[Array, Array, Array]:
        """True positives, predicted and true numbers, each per class: TP, TP + FP, TP + FN."""
        if self.table.ndim == 3:
            yes = self.table[:, :, 1].sum(1), self.table[:, 1, :].sum(1)
            return self.table[:, 1, 1], *yes
        return self.table.diagonal(), self.table.sum(0), self.table.sum(1)


def _tally(cells: Array, w: Array | None, shape: tuple[int, ...]) -> Array:
    weights = None if w is None else w.ravel()
    return np.bincount(cells.ravel(), weights, math.prod(shape)).reshape(shape)


class _Counted(Metric):
    """Base: the counts, and the settings that say what is a class."""

    num_classes: int | None = None

    def __init__(
        self, name: str | None, num_classes: int | None, threshold: float, from_logits: bool
    ) -> None:
        super().__init__(name)
        if num_classes is not None:
            self.num_classes = whole(self.name, "num_classes", num_classes, 2)
        self.above = Cutoff(self.name, threshold, from_logits)
        self.reset_state()

    def reset_state(self) -> None:
        """Forgets all data."""
        self.counts = Counts(self.num_classes)

    def _add_classes(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
    ) -> None:
        t, p, classes = decided(self.name, y_true, y_pred, self.above, self.num_classes)
        self._refuse("classes", classes)
        w = sample_weights(self.name, sample_weight, t.shape)
        self.counts.add_classes(t, p, classes, w)

    def _refuse(self, what: str, classes: int) -> None:
        """Raises an error if so many classes, or labels, cannot be counted here."""

    def _counted(self) -> Counts:
        if not self.counts.rows:
            raise self._no_data()
        return self.counts


class ConfusionMatrix(_Counted):
    """How many samples of each class were taken for which: array[true, predicted], (C, C).

    Data as for Accuracy. C is num_classes, or else as many as have come. The numbers are integers,
    or sums of weights. str(metric) is a table.
    """

    def __init__(
        self,
        num_classes: int | None = None,
        name: str | None = None,
        *,
        threshold: float = 0.5,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, num_classes, threshold, from_logits)

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch."""
        self._add_classes(y_true, y_pred, sample_weight)

    def result(self) -> Array:
        """A copy of the table."""
        return self._counted().table.copy()

    def __str__(self) -> str:
        if not self.counts.rows:
            return f"{self.name}: no data"
        cells = [[f"{x:g}" if isinstance(x, float) else str(x) for x in row]
                 for row in self.counts.table.tolist()]  # fmt: skip
        head = ["true \\ predicted", *map(str, range(len(cells)))]
        rows = [head] + [[str(i), *row] for i, row in enumerate(cells)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.rjust, row, widths)) for row in rows)


class _Ratio(_Counted):
    """Base of precision, recall and F1: a ratio of counts for each class, then an average."""

    AVERAGES = ("binary", "macro", "micro", "weighted", None)

    def __init__(
        self,
        average: str | None = "binary",
        name: str | None = None,
        *,
        threshold: float = 0.5,
        from_logits: bool = False,
        zero_division: float = 0.0,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(name, num_classes, threshold, from_logits)
        if average not in self.AVERAGES:
            raise ConfigError(
                f"{self.name}: average is {average!r}, "
                f"expected 'binary', 'macro', 'micro', 'weighted' or None"
            )
        if not (zero_division in (0, 1) or zero_division != zero_division):
            raise ConfigError(
                f"{self.name}: zero_division is {zero_division!r}, expected 0.0, 1.0 or nan"
            )
        self.average, self.zero_division = average, zero_division

    def ratio(self, hits: Array, predicted: Array, true: Array) -> tuple[Array, Array]:
        """Numerator and denominator from TP, TP + FP and TP + FN of each class."""
        raise NotImplementedError

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch."""
        t, p = numbers(self.name, "y_true", y_true), numbers(self.name, "y_pred", y_pred)
        if t.shape == p.shape and t.ndim > 1 and t.shape[-1] > 1:
            self._add_flags(t, p, sample_weight)
        else:
            self._add_classes(t, p, sample_weight)

    def _add_flags(self, t: Array, p: Array, sample_weight: Any) -> None:
        true, predicted = binary(self.name, t, p, self.above)
        labels = t.shape[-1]
        self._refuse("labels", labels)
        if self.num_classes not in (None, labels):
            raise ShapeError(
                f"{self.name}: y_true has {labels} labels in a row, expected {self.num_classes}"
            )
        w = sample_weights(self.name, sample_weight, t.shape[:-1])
        rows = true.reshape(-1, labels), predicted.reshape(-1, labels)
        self.counts.add_flags(*rows, None if w is None else w.ravel())

    def _refuse(self, what: str, classes: int) -> None:
        if self.average == "binary" and (what == "labels" or classes > 2):
            raise ConfigError(
                f"{self.name}: average='binary' with {classes} {what}; "
                f"write average='macro', 'micro', 'weighted' or None"
            )
        shape = self.counts.table.shape
        fits = len(shape) == 2 if what == "classes" else shape == (classes, 2, 2)
        if self.counts.rows and not fits:
            before = f"{shape[0]} " + ("classes" if len(shape) == 2 else "labels in a row")
            raise ShapeError(
                f"{self.name}: data of {classes} {what} after data of {before}; "
                f"call reset_state between them"
            )

    def result(self) -> float | Array:
        """The average, or an array of one ratio for each class."""
        hits, predicted, true = self._counted().totals()
        if self.average == "binary":
            hits, predicted, true = hits[1:], predicted[1:], true[1:]
        elif self.average == "micro":
            hits, predicted, true = (a.sum(keepdims=True) for a in (hits, predicted, true))
        part, of = self.ratio(hits, predicted, true)
        ratios = np.full(part.shape, float(self.zero_division))
        np.divide(part, of, out=ratios, where=of != 0)
        if self.average is None:
            return ratios
        return self._averaged(ratios, true)

    def _averaged(self, ratios: Array, true: Array) -> float:
        used = ~np.isnan(ratios)
        if self.average in ("macro", "weighted"):
            used &= self.counts.seen
        if not used.any():
            return math.nan
        weighted = self.average == "weighted" and true[used].any()
        return float(np.average(ratios[used], weights=true[used] if weighted else None))


class Precision(_Ratio):
    """TP / (TP + FP): how much of what is predicted to be in a class is in it.

    average   "binary": class 1 of two. "macro": the mean over the classes that have occurred, in
              labels or predictions, or over all num_classes. "weighted": that mean with weights
              TP + FN. "micro": the ratio of the sums over classes. None: an array, one ratio for
              each class 0 … C-1.
    data      as for Accuracy, but y_true and y_pred both (n, L) are yes or no for each of L labels
              (multi-label), predictions against the threshold. For one-hot classes pass
              y_true.argmax(-1).
    zero_division   what 0 / 0 is: 0.0, 1.0, or nan, which averages leave out.

    It keeps a table of C × C counts.
    """

    def ratio(self, hits: Array, predicted: Array, true: Array) -> tuple[Array, Array]:
        """TP and TP + FP."""
        return hits, predicted


class Recall(_Ratio):
    """TP / (TP + FN): how much of what is in a class is predicted to be. Arguments: Precision's."""

    def ratio(self, hits: Array, predicted: Array, true: Array) -> tuple[Array, Array]:
        """TP and TP + FN."""
        return hits, true


class F1Score(_Ratio):
    """2·TP / (2·TP + FP + FN), the harmonic mean of precision and recall (van Rijsbergen 1979).

    Arguments: Precision's. An average is of the F1 of classes, not the F1 of averages.
    """

    def ratio(self, hits: Array, predicted: Array, true: Array) -> tuple[Array, Array]:
        """2·TP and (TP + FP) + (TP + FN)."""
        return 2 * hits, predicted + true
