"""Penalties on weights, to be added to the loss: `Linear(2, 1, kernel_regularizer=nn.L2(1e-4))`.

model.penalty() adds up those of all layers. The definitions are Keras'.
"""

from collections.abc import Callable
from typing import Any

from ..engine import ops
from ..engine.tensor import Tensor
from ..errors import ConfigError

Regularizer = Callable[[Tensor], Tensor]


class L2:
    """lam · Σ w², as keras.regularizers.L2(lam); its slope is 2·lam·w.

    The same in other words: tf.contrib's l2_regularizer(2·lam), which halves the sum of squares,
    and weight_decay=2·lam of SGD (and of Adam, but not of AdamW) on these weights alone. So
    l2_regularizer(λ) is L2(λ / 2). weight_decay does not show in the loss; the penalty does.
    """

    def __init__(self, lam: float = 0.01) -> None:
        self.lam = _weight(self, lam)

    def __call__(self, w: Tensor) -> Tensor:
        """Returns the penalty on w."""
        return ops.sum(ops.square(w)) * self.lam

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.lam})"


class L1(L2):
    """lam · Σ |w|, as keras.regularizers.L1(lam); its slope at 0 is 0."""

    def __call__(self, w: Tensor) -> Tensor:
        """Returns the penalty on w."""
        return ops.sum(ops.abs(w)) * self.lam


def checked(owner: str, what: str, regularizer: Any) -> Regularizer | None:
    """The regularizer, if it is one or None. Raises ConfigError."""
    if regularizer is not None and not callable(regularizer):
        raise ConfigError(
            f"{owner}: {what} is {regularizer!r}, need nn.L2(1e-4), nn.L1(1e-4) or a function of "
            "the weight"
        )
    return regularizer


def _weight(owner: Any, lam: float) -> float:
    if not 0 <= lam < float("inf"):
        raise ConfigError(f"{type(owner).__name__}: lam is {lam}, must be >= 0 and finite")
    return lam
