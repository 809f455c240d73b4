"""Streaming metrics with Keras's names: fed batch by batch, the result is that of all the data.

y_true and y_pred are Tensors, arrays or lists with one row per sample; sample_weight is None, one
number >= 0 for each row, or one for all. Bad data raise ShapeError, DTypeError, LabelError or
DataError, bad settings ConfigError; an update that raises has changed nothing.

The metrics are defined in averages.py, confusion.py and regression.py; here are their names.
"""

from collections.abc import Callable
from typing import Any

from ..errors import DTypeError, unknown
from .averages import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    Mean,
    MeanMetricWrapper,
    Metric,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKAccuracy,
    TopKCategoricalAccuracy,
)
from .confusion import ConfusionMatrix, F1Score, Precision, Recall
from .regression import MeanAbsoluteError, MeanSquaredError, R2Score, RootMeanSquaredError

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "ConfusionMatrix",
    "F1Score",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "R2Score",
    "Recall",
    "RootMeanSquaredError",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKAccuracy",
    "TopKCategoricalAccuracy",
    "get",
]

NAMES: dict[str, type[Metric]] = {
    "acc": Accuracy,
    "accuracy": Accuracy,
    "binary_accuracy": BinaryAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "confusion_matrix": ConfusionMatrix,
    "f1": F1Score,
    "f1_score": F1Score,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "precision": Precision,
    "r2": R2Score,
    "r2_score": R2Score,
    "recall": Recall,
    "rmse": RootMeanSquaredError,
    "root_mean_squared_error": RootMeanSquaredError,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy,
    "top_k_accuracy": TopKAccuracy,
    "top_k_categorical_accuracy": TopKCategoricalAccuracy,
}


def get(
    metric: str | Metric | type[Metric] | Callable[[Any, Any], Any], caller: str = "get"
) -> Metric:
    """The metric of a name, new in each call and called by that name; a Metric is itself.

    A function f(y_true, y_pred) becomes its mean (MeanMetricWrapper), a class a metric with its
    defaults. Raises ConfigError for an unknown name, DTypeError for anything else.
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        return _named(metric, caller)
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if callable(metric) and not isinstance(metric, type):
        return MeanMetricWrapper(metric)
    came = metric.__name__ if isinstance(metric, type) else type(metric).__name__
    raise DTypeError(f"{caller}: a metric is a name, a Metric or a function, not {came}")


def _named(name: str, caller: str) -> Metric:
    if name not in NAMES:
        raise unknown(caller, "metric", name, NAMES)
    return NAMES[name](name=name)
