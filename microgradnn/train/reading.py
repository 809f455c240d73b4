"""What metrics read: arrays that are checked, and labels and scores turned into classes.

A sample's class is that of its highest score, the lower index where scores tie (np.argmax); yes is
a prediction above a threshold. A row is an index on the first axis. Errors begin with the name of
the metric. Formulas and edge cases are scikit-learn's, shapes and thresholds those of Keras.
"""

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.node import plain
from ..errors import ConfigError, DataError, DTypeError, LabelError, ShapeError

Array = NDArray[Any]
Floats = NDArray[np.float64]
Pair = tuple[Array, Array]

SLACK = 1e-2  # how far from 1 the sum of a row of probabilities may be: they were rounded

# ---- reading ------------------------------------------------------------------------------------


def numbers(name: str, what: str, data: Any, scalar: bool = False, empty: bool = False) -> Array:
    """The array of a Tensor, array or list of real numbers, one row per sample.

    `scalar` allows a single number, `empty` an array without elements.
    """
    try:
        array = np.asarray(_plain(data))
    except ValueError:
        raise ShapeError(f"{name}: {what} has rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{name}: {what} has dtype {array.dtype}, expected numbers")
    if array.ndim == 0 and not scalar:
        raise ShapeError(f"{name}: {what} is a single number, expected one row per sample")
    if array.size == 0 and not empty:
        raise ShapeError(f"{name}: {what} is empty, its shape is {array.shape}")
    return array


def known(name: str, what: str, data: Any) -> Array:
    """The array of numbers, none of which is nan."""
    array = numbers(name, what, data)
    wrong = np.isnan(array)
    if wrong.any():
        raise DataError(f"{name}: {what} is nan in row {first_row(wrong)}")
    return array


def finite_pair(name: str, y_true: Any, y_pred: Any) -> tuple[Floats, Floats]:
    """Both as float64 arrays of one shape; neither nan nor infinite."""
    t, p = paired(name, known(name, "y_true", y_true), known(name, "y_pred", y_pred))
    for what, array in (("y_true", t), ("y_pred", p)):
        if np.isinf(array).any():
            raise DataError(f"{name}: {what} is infinite in row {first_row(np.isinf(array))}")
    return t.astype(np.float64), p.astype(np.float64)


def paired(name: str, t: Array, p: Array) -> Pair:
    """Both with one shape: a last axis of length 1 that only one of them has is dropped."""
    if t.shape == p.shape:
        return t, p
    if _column(t).shape != _column(p).shape:
        raise ShapeError(
            f"{name}: y_true has shape {t.shape} and y_pred {p.shape}, expected equal shapes"
        )
    return _column(t), _column(p)


def sample_weights(name: str, weights: Any, shape: tuple[int, ...]) -> Floats | None:
    """The weights for values of that shape, or None: a number, one per row, or one per value."""
    if weights is None:
        return None
    w = numbers(name, "sample_weight", weights, scalar=True).astype(np.float64)
    wrong = ~((w >= 0) & (w < math.inf))
    if wrong.any():
        raise DataError(
            f"{name}: sample_weight is {w[wrong][0]:g} in row {first_row(wrong)}, "
            f"expected a finite number >= 0"
        )
    if w.shape != shape[: w.ndim]:
        w = _column(w)
    if w.shape != shape[: w.ndim]:
        raise ShapeError(
            f"{name}: sample_weight has shape {w.shape}, expected one weight for each of "
            f"{shape[0]} rows"
        )
    return np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)


def first_row(wrong: Array) -> int:
    """The index of the first row with a true entry."""
    rows = np.atleast_1d(wrong)
    return int(np.argmax(rows.reshape(len(rows), -1).any(1)))


def whole(name: str, what: str, number: object, low: int) -> int:
    """The number as an int; ConfigError unless it is an integer and not below `low`."""
    try:
        value = operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        value = low - 1
    if value < low or isinstance(number, bool):
        raise ConfigError(f"{name}: {what} is {number!r}, expected an integer >= {low}")
    return value


def _plain(data: Any) -> Any:
    return [_plain(d) for d in data] if isinstance(data, list | tuple) else plain(data)


def _column(a: Array) -> Array:
    return a[..., 0] if a.ndim > 1 and a.shape[-1] == 1 else a


# ---- deciding -----------------------------------------------------------------------------------


class Cutoff:
    """What is a yes: p > threshold of probabilities, σ(z) > threshold of logits.

    Logits z are compared with log(threshold / (1 - threshold)), so that σ does not round.
    """

    def __init__(self, name: str, threshold: float = 0.5, from_logits: bool = False) -> None:
        try:
            self.cut = float(threshold)
        except (TypeError, ValueError):
            self.cut = math.nan
        between = 0 < self.cut < 1
        if math.isnan(self.cut) or (from_logits and not between):
            allowed = "a number between 0 and 1" if from_logits else "a number"
            raise ConfigError(f"{name}: threshold is {threshold!r}, expected {allowed}")
        self.from_logits, self.probabilities = bool(from_logits), between and not from_logits
        if from_logits:
            self.cut = math.log(self.cut / (1 - self.cut))

    def __call__(self, name: str, p: Array) -> Array:
        """True where p is a yes. ConfigError where p should be a probability and is not one."""
        wrong = (p < -SLACK) | (p > 1 + SLACK)
        if self.probabilities and wrong.any():
            raise ConfigError(
                f"{name}: y_pred is {p[wrong][0]:g} in row {first_row(wrong)}, expected a "
                f"probability; if these are logits, write from_logits=True"
            )
        return p > self.cut


def binary(name: str, y_true: Any, y_pred: Any, above: Cutoff) -> Pair:
    """True and predicted yes or no, of one shape; labels are 0 or 1."""
    t, p = paired(name, known(name, "y_true", y_true), known(name, "y_pred", y_pred))
    wrong = (t != 0) & (t != 1)
    if wrong.any():
        raise LabelError(
            f"{name}: label {t[wrong][0]:g} in row {first_row(wrong)}, expected 0 or 1"
        )
    return t == 1, above(name, p)


def sparse(name: str, y_true: Any, y_pred: Any) -> Pair:
    """Labels, and scores with one more axis: integers (n,) or (n, 1) for scores (n, C)."""
    t, p = known(name, "y_true", y_true), known(name, "y_pred", y_pred)
    if t.shape != p.shape[:-1]:
        t = _column(t)
    if t.shape != p.shape[:-1]:
        raise ShapeError(
            f"{name}: y_true has shape {t.shape} and y_pred {p.shape}, "
            f"expected one label for each row of scores"
        )
    return _labels(name, "label", t, p.shape[-1]), p


def one_hot(name: str, y_true: Any, y_pred: Any) -> Pair:
    """The labels of one-hot rows or rows of probabilities, and scores: both were (n, C)."""
    t, p = known(name, "y_true", y_true), known(name, "y_pred", y_pred)
    if t.shape != p.shape or t.ndim < 2:
        raise ShapeError(
            f"{name}: y_true has shape {t.shape} and y_pred {p.shape}, "
            f"expected one-hot labels and scores of one shape (n, classes)"
        )
    sums = t.sum(-1)
    wrong = np.abs(sums - 1) > SLACK
    if wrong.any():
        raise LabelError(
            f"{name}: row {first_row(wrong)} of y_true sums to {sums[wrong][0]:g}, expected a "
            f"one-hot row; for several labels in a row use BinaryAccuracy"
        )
    return t.argmax(-1), p


def by_shape(name: str, y_true: Any, y_pred: Any) -> Pair:
    """Labels and scores: one_hot where the shapes are equal, else sparse."""
    t, p = numbers(name, "y_true", y_true), numbers(name, "y_pred", y_pred)
    return (one_hot if t.shape == p.shape else sparse)(name, t, p)


def decided(
    name: str, y_true: Any, y_pred: Any, above: Cutoff, limit: int | None = None
) -> tuple[Array, Array, int]:
    """True and predicted classes, and how many classes there are; `limit` is how many may be.

    Predictions (n,) or (n, 1) are labels if they and y_true are integers, else compared with the
    threshold; predictions (n, C) are scores.
    """
    t, p = numbers(name, "y_true", y_true), numbers(name, "y_pred", y_pred)
    if p.ndim > 1 and p.shape[-1] > 1:
        true, scores = by_shape(name, t, p)
        if limit not in (None, classes := scores.shape[-1]):
            raise ShapeError(f"{name}: y_pred has scores of {classes} classes, expected {limit}")
        return true, scores.argmax(-1), classes
    if t.dtype.kind in "iu" and p.dtype.kind in "iu" and not above.from_logits:
        t, p = paired(name, t, p)
        true, predicted = _labels(name, "label", t, limit), _labels(name, "prediction", p, limit)
        return true, predicted, max(2, int(true.max()) + 1, int(predicted.max()) + 1)
    yes, said = binary(name, t, p, above)
    return yes.astype(np.intp), said.astype(np.intp), 2


def _labels(name: str, what: str, labels: Array, classes: int | None) -> Array:
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"{name}: labels of dtype {labels.dtype}, expected integers; write y.astype(int)"
        )
    wrong = (labels < 0) | (labels >= (math.inf if classes is None else classes))
    if wrong.any():
        allowed = "0 or more" if classes is None else f"0 to {classes - 1}"
        raise LabelError(
            f"{name}: {what} {labels[wrong][0]} in row {first_row(wrong)}, expected {allowed}"
        )
    return labels.astype(np.intp)
