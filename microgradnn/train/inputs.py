"""The data that fit, evaluate and predict are given: brought into form and checked before use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError, DataError, LabelError, ShapeError
from .reading import numbers

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Samples:
    """Inputs (one array or several), targets and weights with one row for each sample."""

    x: Arrays
    y: np.ndarray | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x[0])

    def take(self, index: Any) -> "Samples":
        """The samples at index."""
        y, w = self.y, self.weights
        return Samples(
            tuple(a[index] for a in self.x),
            None if y is None else y[index],
            None if w is None else w[index],
        )


def samples(caller: str, x: Any, y: Any = None, weights: Any = None) -> Samples:
    """The Samples of what a user gave. x is an array, or a tuple of them for several inputs.

    Raises ShapeError for no data or unequal lengths, DTypeError for text, DataError for nan.
    """
    xs = tuple(numbers(caller, "x", a, empty=True) for a in (x if isinstance(x, tuple) else (x,)))
    ys = None if y is None else numbers(caller, "y", y, empty=True)
    ws = None if weights is None else numbers(caller, "sample_weight", weights, empty=True)
    if not xs or not len(xs[0]):
        raise ShapeError(f"{caller}: x has no samples, need at least one")
    for name, a in [*(("x", a) for a in xs), ("y", ys), ("sample_weight", ws)]:
        if a is not None and len(a) != len(xs[0]):
            raise ShapeError(f"{caller}: x has {len(xs[0])} samples, {name} has {len(a)}")
    if ws is not None and ws.ndim != 1:
        raise ShapeError(f"{caller}: sample_weight has shape {ws.shape}, need one number a sample")
    if ws is not None and not (ws >= 0).all():
        at = int(np.argmin(ws >= 0))
        raise DataError(f"{caller}: sample_weight is {ws[at]} at sample {at}, need numbers >= 0")
    return Samples(xs, ys, ws)


def check_finite(caller: str, data: Samples, batch_size: int) -> None:
    """Raises DataError that names the sample, its batch and the feature of the first nan or inf."""
    for name, a in [*(("x", a) for a in data.x), ("y", data.y)]:
        if a is None or a.dtype.kind != "f":
            continue
        # nan first: where both are there, inf comes of nan less often than the other way round
        for kind, wrong in (("nan", np.isnan(a)), ("inf", np.isinf(a))):
            if not wrong.any():
                continue
            bad = np.argwhere(wrong)
            row, *where = (int(i) for i in bad[0])
            feature = f", feature {where[0] if len(where) == 1 else tuple(where)}" if where else ""
            raise DataError(
                f"{caller}: {name} is {kind} at sample {row} (batch {row // batch_size} in the "
                f"order of the data){feature}; {len(bad)} {kind} in all; fill them or leave the "
                "samples out"
            )


def check_labels(caller: str, y: np.ndarray | None, classes: int) -> None:
    """Raises LabelError for the first integer label that is no class of the outputs."""
    if y is None or y.dtype.kind not in "iu":
        return
    wrong = np.argwhere(((y < 0) & (y != -100)) | (y >= classes))  # -100: ignored, as in PyTorch
    if len(wrong):
        at = int(wrong[0][0])
        raise LabelError(
            f"{caller}: label {int(y[tuple(wrong[0])])} of sample {at} is out of range; the model "
            f"has {classes} outputs, for labels 0 to {classes - 1}"
        )


def check_shares(caller: str, y: np.ndarray | None, shape: tuple[int, ...]) -> None:
    """Raises DataError for the first row of soft labels that is no share of each class."""
    if y is None or y.dtype.kind not in "fiu" or y.ndim != 2 or y.shape[1:] != shape[1:]:
        return
    sums = y.sum(1, dtype=np.float64)
    # Each entry was rounded once, by half a unit in the last place of at most 1.
    near = y.shape[1] * float(np.finfo(y.dtype).eps) if y.dtype.kind == "f" else 0.0
    wrong = np.argwhere(np.abs(sums - 1) > near)
    low = np.argwhere(y < 0)
    if len(low):
        at = int(low[0][0])
        raise DataError(f"{caller}: the soft label of sample {at} has an entry below 0")
    if len(wrong):
        at = int(wrong[0][0])
        raise DataError(
            f"{caller}: the soft label of sample {at} sums to {sums[tuple(wrong[0])]:.6g}, need 1; "
            "divide each row by its sum"
        )


def split(data: Samples, share: float) -> tuple[Samples, Samples]:
    """The first samples to train with and the last `share` of them to validate, as Keras does."""
    n = len(data)
    first = int(n * (1 - share)) if share == share else 0  # nan is not itself
    if not 0 < share < 1 or not 0 < first < n:
        raise ConfigError(
            f"fit: validation_split is {share}, which leaves {first} of {n} samples to train with; "
            "need a share between 0 and 1"
        )
    return data.take(slice(0, first)), data.take(slice(first, n))


def weighted_by_class(data: Samples, class_weight: Mapping[int, float]) -> Samples:
    """The samples, each weight times that of its class; classes not listed weigh 1."""
    extra = _by_class(data.y, class_weight)
    return Samples(data.x, data.y, extra if data.weights is None else data.weights * extra)


def _by_class(y: np.ndarray | None, class_weight: Mapping[int, float]) -> np.ndarray:
    if y is None:
        raise ConfigError("fit: class_weight needs targets y")
    if not isinstance(class_weight, Mapping):
        kind = type(class_weight).__name__
        raise ConfigError(f"fit: class_weight is a {kind}, need a dict of class: weight")
    labels = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y))
    weights = np.ones(len(labels))
    for label, weight in class_weight.items():
        real = all(isinstance(v, (int, float, np.number)) for v in (label, weight))
        if not real or not np.isfinite(weight) or min(weight, label) < 0 or label % 1:
            raise ConfigError(
                f"fit: class_weight {{{label!r}: {weight!r}}}, need class: number >= 0"
            )
        if not (labels == label).any():
            there = ", ".join(f"{v:g}" for v in np.unique(labels)[:8])
            raise ConfigError(
                f"fit: class_weight {{{label!r}: {weight!r}}}, but no sample is of class "
                f"{label!r}; the classes are {there}{', …' if len(np.unique(labels)) > 8 else ''}"
            )
        weights[labels == label] = weight
    return weights
