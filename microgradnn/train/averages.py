"""Metrics that are a mean over samples, the accuracies among them; and Metric, the base of all."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError, ShapeError
from ..functions.types import ArrayLike
from ..signatures.expected import brief
from . import reading
from .reading import Array, Cutoff


class Metric:
    """Base of metrics: update_state adds data, result reads, reset_state forgets.

    A subclass defines the three. Without `name` it is called as its class, in snake case.
    """

    def __init__(self, name: str | None = None) -> None:
        if not (name is None or isinstance(name, str)):
            raise ConfigError(f"{type(self).__name__}: name is {brief(name)}, need a word")
        words = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
        self.name = name or re.sub(words, "_", type(self).__name__).lower()
        self.reset_state()

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch."""
        raise NotImplementedError

    def result(self) -> Any:
        """The metric of all the data since the last reset. Raises DataError if there are none."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forgets all data."""
        raise NotImplementedError

    def __call__(self, *data: Any, **weights: Any) -> Any:
        """The result after update_state(*data): of this batch and, as in Keras, all before it."""
        self.update_state(*data, **weights)
        return self.result()

    def _no_data(self) -> DataError:
        return DataError(f"{self.name}: no data, or none of weight > 0; call update_state first")


# ---- means --------------------------------------------------------------------------------------


class AverageMetric(Metric):
    """Σ w·values / Σ w, where `values` of a subclass has one value for each weight."""

    total: float
    weight: float

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """What is averaged, shape (n,) or (n, …)."""
        raise NotImplementedError

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch."""
        self._add(self.values(y_true, y_pred), sample_weight)

    def result(self) -> float:
        """The weighted mean."""
        if self.weight == 0:
            raise self._no_data()
        return self.total / self.weight

    def reset_state(self) -> None:
        """Forgets all data."""
        self.total = self.weight = 0.0

    def _add(self, values: Array, sample_weight: Any) -> None:
        w = reading.sample_weights(self.name, sample_weight, values.shape)
        self.total += float(values.sum(dtype=np.float64) if w is None else (values * w).sum())
        self.weight += float(values.size if w is None else w.sum())


class Mean(AverageMetric):
    """The mean of given numbers, Σ w·v / Σ w: a loss over batches, its weight their length."""

    def update_state(  # type: ignore[override]  # a mean has no y_pred
        self, values: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a number or an array of them."""
        array = np.atleast_1d(reading.numbers(self.name, "values", values, scalar=True))
        self._add(array, sample_weight)


class MeanMetricWrapper(AverageMetric):
    """The mean of a function f(y_true, y_pred) of arrays, under its own name.

    f returns a value for each sample, or one number, which is taken to be the mean of its batch.
    """

    def __init__(self, fn: Callable[[Any, Any], Any], name: str | None = None) -> None:
        super().__init__(name or getattr(fn, "__name__", None))
        self.fn = fn

    def update_state(
        self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> None:
        """Adds a batch. Raises ShapeError if one number would have to be weighted."""
        t = reading.numbers(self.name, "y_true", y_true)
        p = reading.numbers(self.name, "y_pred", y_pred)
        values = reading.numbers(self.name, "the result", self.fn(t, p), scalar=True)
        if values.ndim and len(values) != len(t):
            raise ShapeError(
                f"{self.name}: the result has {len(values)} values, expected one for each of "
                f"{len(t)} rows, or a number"
            )
        if values.ndim == 0 and sample_weight is not None:
            raise ShapeError(
                f"{self.name}: the result is one number, which sample_weight cannot weigh; "
                f"return a value for each row"
            )
        self._add(values if values.ndim else np.full(len(t), values), sample_weight)


# ---- how often right ----------------------------------------------------------------------------


class Accuracy(AverageMetric):
    """How often the predicted class is the true one; the shapes decide how, as in Keras.

    labels (n,) or (n, 1), scores (n, C)    the class of the highest score
    one-hot (n, C), scores (n, C)           the same, and the label that of the highest entry
    0 or 1 (n,) or (n, 1), numbers likewise yes if above the threshold (see Cutoff)
    integers and integers likewise          both are labels
    """

    def __init__(
        self, name: str | None = None, *, threshold: float = 0.5, from_logits: bool = False
    ) -> None:
        super().__init__(name)
        self.above = Cutoff(self.name, threshold, from_logits)

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """True where right."""
        true, predicted, _ = reading.decided(self.name, y_true, y_pred, self.above)
        return true == predicted


class BinaryAccuracy(Accuracy):
    """How often y_pred > threshold says what y_true, 0 or 1, does, in any equal shapes."""

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """True where right."""
        true, predicted = reading.binary(self.name, y_true, y_pred, self.above)
        return true == predicted


class TopKAccuracy(AverageMetric):
    """How often the true class is among the k highest scores, for one-hot labels or integers.

    Of equal scores the lower index counts as higher, so k classes are chosen, never more (Keras
    takes all that tie at the k-th place). k=1 is Accuracy.
    """

    read = staticmethod(reading.by_shape)  # labels (n,) and scores (n, C)

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        super().__init__(name)
        self.k = reading.whole(self.name, "k", k, 1)

    def values(self, y_true: ArrayLike, y_pred: ArrayLike) -> Array:
        """True where the label is among the k."""
        true, scores = type(self).read(self.name, y_true, y_pred)
        classes = scores.shape[-1]
        if self.k > classes:
            raise ConfigError(
                f"{self.name}: k is {self.k}, but there are {classes} classes; "
                f"write k={classes} or less"
            )
        label = true[..., None]
        own = np.take_along_axis(scores, label, -1)
        ahead = (scores > own) | ((scores == own) & (np.arange(classes) < label))
        return ahead.sum(-1) < self.k


class TopKCategoricalAccuracy(TopKAccuracy):
    """TopKAccuracy of one-hot labels (n, C)."""

    read = staticmethod(reading.one_hot)


class SparseTopKCategoricalAccuracy(TopKAccuracy):
    """TopKAccuracy of integer labels (n,) or (n, 1)."""

    read = staticmethod(reading.sparse)


class _Top(TopKAccuracy):
    """TopKAccuracy with k=1."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(1, name)


class CategoricalAccuracy(_Top, TopKCategoricalAccuracy):
    """How often the highest of the scores (n, C) is where that of the one-hot row (n, C) is."""


class SparseCategoricalAccuracy(_Top, SparseTopKCategoricalAccuracy):
    """How often the highest of the scores (n, C) is at the integer label (n,) or (n, 1)."""
