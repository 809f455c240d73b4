"""The losses that compile() knows by name, in Keras's words, and how any other loss is called.

Keras's names mean Keras's definitions: the mean over the last axis for each sample, the
crossentropies of *probabilities* clipped to [1e-7, 1 - 1e-7], hinge labels of -1 and 1 (or 0
and 1), targets (n,) taken for (n, 1) beside outputs (n, 1). PyTorch's names mean PyTorch's:
cross_entropy and binary_cross_entropy_with_logits take logits, which is the better choice for a
model without softmax at its end.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functions as f
from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..errors import ConfigError, DTypeError, ShapeError, unknown
from ..functions import losses
from ..functions.losses.reduction import same_shape
from ..functions.losses.targets import check_targets
from ..functions.types import A, ArrayLike, Like
from ..nn.training import LossLike

EPSILON = 1e-7
PerSample = Callable[[Any, Any], Any]  # (y_pred, y_true) to one loss for each sample


def mean_squared_error(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """(y_pred - y_true)², the mean over the last axis."""
    y_true = _column(y_true, y_pred)
    return _last_mean(losses.mse_loss(y_pred, y_true, "none"))


def root_mean_squared_error(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """√ of the mean over everything of (y_pred - y_true)²: one number."""
    y_true = _column(y_true, y_pred)
    mean: Any = losses.mse_loss(y_pred, y_true)
    return ops.sqrt(mean)


def mean_absolute_error(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """|y_pred - y_true|, the mean over the last axis."""
    y_true = _column(y_true, y_pred)
    return _last_mean(losses.l1_loss(y_pred, y_true, "none"))


def huber(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """e²/2 where |e| < 1, |e| - 1/2 elsewhere, the mean over the last axis."""
    y_true = _column(y_true, y_pred)
    return _last_mean(losses.huber_loss(y_pred, y_true, "none"))


def binary_crossentropy(y_true: ArrayLike, y_pred: Like[A], from_logits: bool = False) -> A:
    """-t·log p - (1 - t)·log(1 - p), the mean over the last axis."""
    y_true = _column(y_true, y_pred)
    if from_logits:
        return _last_mean(losses.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none"))
    return _last_mean(
        losses.binary_cross_entropy(y_pred, y_true, reduction="none", clip_eps=EPSILON)
    )


def categorical_crossentropy(y_true: ArrayLike, y_pred: Like[A], from_logits: bool = False) -> A:
    """-Σ t·log p over classes, of probabilities scaled to sum 1; t one-hot or probabilities."""
    if np.shape(plain(y_true)) != np.shape(plain(y_pred)):
        raise ShapeError(
            f"categorical_crossentropy: targets have shape {np.shape(plain(y_true))}, outputs "
            f"{np.shape(plain(y_pred))}; for integer labels use sparse_categorical_crossentropy"
        )
    if from_logits:
        return -f.sum(array(y_true) * f.log_softmax(y_pred), axis=-1)
    p = array(y_pred)
    p = p / f.sum(p, axis=-1, keepdims=True)
    return -f.sum(array(y_true) * ops.log(ops.clip(p, EPSILON, 1 - EPSILON)), axis=-1)


def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: Like[A], from_logits: bool = False
) -> A:
    """-log p at the integer labels, of shape (n,) or (n, 1)."""
    labels = np.asarray(plain(y_true))
    if labels.ndim == np.ndim(plain(y_pred)) and labels.shape[-1:] == (1,):
        labels = labels[..., 0]
    if labels.dtype.kind == "f" and np.all(labels == np.round(labels)):
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"sparse_categorical_crossentropy: labels are {labels.dtype}, need whole numbers; for "
            "one-hot targets use categorical_crossentropy"
        )
    check_targets(plain(y_pred), labels)
    z = y_pred if from_logits else ops.log(ops.clip(y_pred, EPSILON, 1 - EPSILON))
    return ops.ce_with_logits(z, labels)


def kl_divergence(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """Σ t·log(t/p) over the last axis, both clipped to [1e-7, 1]."""
    same_shape("kl_divergence", y_pred, y_true)
    t, p = (ops.clip(v, EPSILON, 1.0) for v in (array(y_true), y_pred))
    return f.sum(t * ops.log(t / p), axis=-1)


def hinge(y_true: ArrayLike, y_pred: Like[A]) -> A:
    """max(1 - t·y, 0), the mean over the last axis; labels -1 and 1, or 0 and 1."""
    y_true = _column(y_true, y_pred)
    same_shape("hinge", y_pred, y_true)
    t = array(y_true)
    if plain(t).dtype.kind in "iub":  # 2·t - 1 of unsigned labels would wrap around
        t = plain(t).astype(plain(y_pred).dtype)
    raw = plain(t)
    if np.all((raw == 0) | (raw == 1)):
        t = 2 * t - 1
    elif not np.all((raw == -1) | (raw == 1)):
        raise ConfigError("hinge: labels must be -1 and 1, or 0 and 1")
    return _last_mean(ops.relu(1 - t * y_pred))


def _column(y_true: Any, y_pred: Any) -> Any:
    """Targets (n,) as a column beside outputs (n, 1)."""
    shape = np.shape(plain(y_true))
    column = np.shape(plain(y_pred)) == (*shape, 1)
    return f.reshape(array(y_true), (*shape, 1)) if column else y_true


def _last_mean(each: Any) -> Any:
    return f.mean(each, axis=-1) if each.ndim > 1 else each


KERAS: dict[str, Callable[..., Any]] = {
    "mean_squared_error": mean_squared_error, "mse": mean_squared_error,
    "root_mean_squared_error": root_mean_squared_error, "rmse": root_mean_squared_error,
    "mean_absolute_error": mean_absolute_error, "mae": mean_absolute_error,
    "huber": huber, "kl_divergence": kl_divergence, "hinge": hinge,
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}  # fmt: skip
TORCH: dict[str, Callable[..., Any]] = {
    name: getattr(losses, name)
    for name in (
        "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "binary_cross_entropy",
        "binary_cross_entropy_with_logits", "cross_entropy", "nll_loss", "kl_div",
        "soft_margin_loss",
    )
}  # fmt: skip


class Loss:
    """How compile() calls a loss: loss(y_pred, y_true, weights) is one number to minimise.

    `loss` is a name, a module such as nn.CrossEntropyLoss(), or a function. A function whose first
    parameter is called y_true is called as in Keras, (y_true, y_pred), any other as in PyTorch,
    (input, target). Sample weights need a loss for each sample: a function that returns them, or
    that has a parameter `reduction`. Raises ConfigError for anything else.
    """

    def __init__(self, loss: LossLike, caller: str = "compile") -> None:
        self.by_name = isinstance(loss, str)  # then it may be called before training, as a check
        if isinstance(loss, str):
            loss = _named(loss, caller)
        if not callable(loss):
            raise ConfigError(
                f"{caller}: loss is a {type(loss).__name__}; use a name such as 'mse', a loss "
                "module or a function of (input, target)"
            )
        self.function = loss
        self.name = getattr(loss, "__name__", type(loss).__name__)
        names = _parameters(loss)
        self.keras_order = bool(names) and names[0] == "y_true"
        self.reducible = "reduction" in names

    def __call__(self, y_pred: Any, y_true: Any, weights: Any = None) -> Any:
        """The mean over samples; with weights Σ w·loss divided by their number, as in Keras."""
        if weights is None:
            value = self._call(y_pred, y_true)
            return value if value.ndim == 0 else f.mean(value)
        each = self.per_sample(y_pred, y_true)
        return f.sum(each * weights) / len(weights)

    def per_sample(self, y_pred: Any, y_true: Any) -> Any:
        """One loss for each sample, shape (n,)."""
        if self.reducible:
            each = self._call(y_pred, y_true, reduction="none")
        elif (before := getattr(self.function, "reduction", None)) is not None:
            module: Any = self.function
            module.reduction = "none"
            try:
                each = self._call(y_pred, y_true)
            finally:
                module.reduction = before
        else:
            each = self._call(y_pred, y_true)
        if each.ndim == 0:
            raise ConfigError(
                f"fit: weights need a loss for each sample, but {self.name} returns one number"
            )
        return f.mean(f.reshape(each, (len(each), -1)), axis=1) if each.ndim > 1 else each

    def _call(self, y_pred: Any, y_true: Any, **how: Any) -> Any:
        if self.keras_order:
            return self.function(y_true, y_pred, **how)
        return self.function(y_pred, y_true, **how)


def _parameters(loss: Any) -> list[str]:
    try:
        return list(inspect.signature(loss).parameters)
    except (TypeError, ValueError):
        return []


def _named(name: str, caller: str) -> Callable[..., Any]:
    known = {**KERAS, **TORCH}
    if name in known:
        return known[name]
    raise unknown(caller, "loss", name, known)
