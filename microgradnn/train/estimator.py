"""Models as scikit-learn estimators: its cross-validation and searches then work on them.

from sklearn.model_selection import KFold, cross_val_score, learning_curve, validation_curve

Needs scikit-learn; nothing else in the library imports this file.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..optional import missing

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
except ImportError as error:
    raise missing("sklearn", "a scikit-learn estimator", error) from error


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """fit, predict and score of a model that `make_model(n_features, n_outputs)` makes anew."""

    def __init__(
        self,
        make_model: Callable[[int, int], Any],
        optimizer: Any = "adam",
        loss: Any = None,
        epochs: int = 100,
        batch_size: int | None = None,
        seed: int = 0,
    ) -> None:
        self.make_model, self.optimizer, self.loss = make_model, optimizer, loss
        self.epochs, self.batch_size, self.seed = epochs, batch_size, seed

    def _fit(self, x: Any, y: np.ndarray, n_outputs: int, loss: Any) -> Any:
        x = np.asarray(x)
        if x.ndim < 2:
            raise ConfigError(f"fit: x has shape {x.shape}, need a row for each sample")
        self.model_ = self.make_model(x.shape[1], n_outputs)
        self.model_.compile(self.optimizer, self.loss or loss)
        size = None if self.batch_size is None else min(self.batch_size, len(x))
        how = dict(epochs=self.epochs, batch_size=size, seed=self.seed, verbose=0)
        self.history_ = self.model_.fit(x, y, **how)
        return self

    def _outputs(self, x: Any) -> np.ndarray:
        if not hasattr(self, "model_"):
            raise ConfigError(f"{type(self).__name__}: call fit first")
        return np.asarray(self.model_.predict(np.asarray(x)))


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A model of real targets, (n,) or (n, outputs); loss "mse", score R²."""

    def fit(self, x: Any, y: Any) -> "Regressor":
        """self, with a new model in `model_`, trained on x and y."""
        y = np.asarray(y)
        self.flat_ = y.ndim == 1
        columns = y[:, None] if self.flat_ else y
        self._fit(x, columns, columns.shape[1], "mse")
        return self

    def predict(self, x: Any) -> np.ndarray:
        """The outputs, in the shape of the targets."""
        out = self._outputs(x)
        return out[:, 0] if self.flat_ else out


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A model of classes, any labels; loss "cross_entropy" of its logits, score accuracy."""

    def fit(self, x: Any, y: Any) -> "Classifier":
        """self, with a new model in `model_`, trained on x and y; `classes_` holds the labels."""
        self.classes_, labels = np.unique(np.asarray(y), return_inverse=True)
        self._fit(x, labels.astype(np.int64), len(self.classes_), "cross_entropy")
        return self

    def predict(self, x: Any) -> np.ndarray:
        """The label with the largest output for each row."""
        return self.classes_[self._outputs(x).argmax(-1)]
