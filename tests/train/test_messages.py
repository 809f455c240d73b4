"""What training, losses, metrics and checkpoints say where they refuse: the exact texts, in one table.

Of fit and compile, which must also leave the model as it was: test_fit.py.
"""

from math import inf, nan
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn
from microgradnn.errors import ConfigError, DataError, DTypeError, LabelError, ShapeError
from microgradnn.train import CheckpointManager, Trainer, losses
from microgradnn.train import metrics as m
from microgradnn.train.losses import KERAS

from .. import messages

X, Y = np.ones((11, 3), np.float32), np.ones((11, 1), np.float32)
P, T = mg.tensor([[0.5, 0.25], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
THREE = np.zeros((3, 3))
NAN = np.array([[0.1, 0.9], [0.5, nan]])


def mlp() -> nn.MLP:
    return nn.MLP(3, [4, 1], rng=np.random.default_rng(1))


def compiled() -> Any:
    model = mlp()
    model.compile("sgd", "mse")
    return model


test_messages = messages.table(
    # ---- the trainer
    (lambda: Trainer(len, "adam", "mse"), ConfigError, "Trainer: model is a builtin_function_or_method, need an nn.Module"),
    (lambda: Trainer(mlp()), ConfigError, "Trainer: no loss; write loss='mse' or another"),
    (lambda: Trainer(mlp(), "adamm", "mse"), ConfigError, "Trainer: no optimizer is called 'adamm'; did you mean 'adam'?"),
    (lambda: Trainer(mlp(), "adam", "msee"), ConfigError, "Trainer: no loss is called 'msee'; did you mean 'mse'?"),
    (lambda: mlp().compile("adam", "msee"), ConfigError, "compile: no loss is called 'msee'; did you mean 'mse'?"),
    (lambda: compiled().predict(X[:0]), ShapeError, "predict: x has no samples, need at least one"),
    (lambda: compiled().evaluate(X[:0], Y), ShapeError, "evaluate: x has no samples, need at least one"),
    (lambda: compiled().predict([["a"]]), DTypeError, "predict: x has dtype <U1, expected numbers"),
    (lambda: compiled().evaluate([["a"]], Y), DTypeError, "evaluate: x has dtype <U1, expected numbers"),
    (lambda: compiled().predict(1.0), ShapeError, "predict: x is a single number, expected one row per sample"),
    (lambda: compiled().evaluate(1.0, Y), ShapeError, "evaluate: x is a single number, expected one row per sample"),
    # ---- losses
    (lambda: KERAS["sparse_categorical_crossentropy"](np.array([0.5, 1]), P), DTypeError, "sparse_categorical_crossentropy: labels are float64, need whole numbers; for one-hot targets use categorical_crossentropy"),
    (lambda: KERAS["sparse_categorical_crossentropy"](np.array([0, 2]), P), LabelError, "cross_entropy: label 2 at index (1,) is out of range; labels for 2 classes are 0 to 1"),
    (lambda: KERAS["categorical_crossentropy"](np.array([0, 1]), P), ShapeError, "categorical_crossentropy: targets have shape (2,), outputs (2, 2); for integer labels use sparse_categorical_crossentropy"),
    (lambda: KERAS["hinge"](np.array([[0, 2], [1, 0]]), P), ConfigError, "hinge: labels must be -1 and 1, or 0 and 1"),
    (lambda: KERAS["hinge"](np.zeros(2), P), ShapeError, "hinge: input has shape (2, 2), target (2,); reshape one of them"),
    (lambda: KERAS["kl_divergence"](np.zeros((2, 1)), P), ShapeError, "kl_divergence: input has shape (2, 2), target (2, 1); reshape one of them"),
    (lambda: KERAS["mse"](np.zeros(2), P), ShapeError, "mse_loss: input has shape (2, 2), target (2,); reshape one of them"),
    (lambda: KERAS["binary_crossentropy"](np.zeros((2, 1)), P), ShapeError, "binary_cross_entropy: input has shape (2, 2), target (2, 1); reshape one of them"),
    (lambda: losses.binary_crossentropy(T, mg.tensor([[1.5, 0.0], [0.0, 0.0]])), ConfigError, "binary_cross_entropy: a probability is outside 0 to 1; pass σ(logits)"),
    # ---- metrics
    (lambda: m.Accuracy()([0, 1], [0.0]), ShapeError, "accuracy: y_true has shape (2,) and y_pred (1,), expected equal shapes"),
    (lambda: m.Accuracy()([0, 1], THREE), ShapeError, "accuracy: y_true has shape (2,) and y_pred (3, 3), expected one label for each row of scores"),
    (lambda: m.MeanSquaredError()([[0.0, 1.0]], [0.0, 1.0]), ShapeError, "mean_squared_error: y_true has shape (1, 2) and y_pred (2,), expected equal shapes"),
    (lambda: m.CategoricalAccuracy()([0, 1, 2], THREE), ShapeError, "categorical_accuracy: y_true has shape (3,) and y_pred (3, 3), expected one-hot labels and scores of one shape (n, classes)"),
    (lambda: m.CategoricalAccuracy()([[1, 0], [1, 1]], NAN[:1].repeat(2, 0)), LabelError, "categorical_accuracy: row 1 of y_true sums to 2, expected a one-hot row; for several labels in a row use BinaryAccuracy"),
    (lambda: m.Accuracy()([], []), ShapeError, "accuracy: y_true is empty, its shape is (0,)"),
    (lambda: m.Accuracy()([0], 0.5), ShapeError, "accuracy: y_pred is a single number, expected one row per sample"),
    (lambda: m.Accuracy()([0, 1], [[0.1], [0.2, 0.3]]), ShapeError, "accuracy: y_pred has rows of different lengths"),
    (lambda: m.Accuracy()([0, 1], NAN), DataError, "accuracy: y_pred is nan in row 1"),
    (lambda: m.F1Score("macro")([0, 1], NAN), DataError, "f1_score: y_pred is nan in row 1"),
    (lambda: m.MeanSquaredError()([nan], [0.0]), DataError, "mean_squared_error: y_true is nan in row 0"),
    (lambda: m.R2Score()([0.0, 1.0], [0.0, inf]), DataError, "r2_score: y_pred is infinite in row 1"),
    (lambda: m.Accuracy()([0, 3, 1], THREE), LabelError, "accuracy: label 3 in row 1, expected 0 to 2"),
    (lambda: m.Accuracy()([0, 1, -1], THREE), LabelError, "accuracy: label -1 in row 2, expected 0 to 2"),
    (lambda: m.Accuracy()([0, 2], [0.1, 0.2]), LabelError, "accuracy: label 2 in row 1, expected 0 or 1"),
    (lambda: m.ConfusionMatrix(2)([0, 2], [0, 1]), LabelError, "confusion_matrix: label 2 in row 1, expected 0 to 1"),
    (lambda: m.ConfusionMatrix(2)([0, 1], [5, 1]), LabelError, "confusion_matrix: prediction 5 in row 0, expected 0 to 1"),
    (lambda: m.ConfusionMatrix()([0, -1], [0, 1]), LabelError, "confusion_matrix: label -1 in row 1, expected 0 or more"),
    (lambda: m.ConfusionMatrix(2)([0, 1, 0], THREE), ShapeError, "confusion_matrix: y_pred has scores of 3 classes, expected 2"),
    (lambda: m.Accuracy()([0.0, 1.0, 2.0], THREE), DTypeError, "accuracy: labels of dtype float64, expected integers; write y.astype(int)"),
    (lambda: m.Accuracy()(["a"], [0.5]), DTypeError, "accuracy: y_true has dtype <U1, expected numbers"),
    (lambda: m.Mean()([1j]), DTypeError, "mean: values has dtype complex128, expected numbers"),
    (lambda: m.Accuracy()([0, 1], [0.5, 3.25]), ConfigError, "accuracy: y_pred is 3.25 in row 1, expected a probability; if these are logits, write from_logits=True"),
    (lambda: m.TopKAccuracy(4)([0, 1, 2], THREE), ConfigError, "top_k_accuracy: k is 4, but there are 3 classes; write k=3 or less"),
    (lambda: m.TopKAccuracy(0), ConfigError, "top_k_accuracy: k is 0, expected an integer >= 1"),
    (lambda: m.TopKAccuracy(1.5), ConfigError, "top_k_accuracy: k is 1.5, expected an integer >= 1"),
    (lambda: m.ConfusionMatrix(1), ConfigError, "confusion_matrix: num_classes is 1, expected an integer >= 2"),
    (lambda: m.Precision("samples"), ConfigError, "precision: average is 'samples', expected 'binary', 'macro', 'micro', 'weighted' or None"),
    (lambda: m.Precision(zero_division=2), ConfigError, "precision: zero_division is 2, expected 0.0, 1.0 or nan"),
    (lambda: m.Precision(threshold="high"), ConfigError, "precision: threshold is 'high', expected a number"),
    (lambda: m.Accuracy(threshold=1.0, from_logits=True), ConfigError, "accuracy: threshold is 1.0, expected a number between 0 and 1"),
    (lambda: m.R2Score("mean"), ConfigError, "r2_score: class_aggregation is 'mean', expected 'uniform_average', 'variance_weighted_average' or None"),
    (lambda: m.Precision()([0, 1, 2], THREE), ConfigError, "precision: average='binary' with 3 classes; write average='macro', 'micro', 'weighted' or None"),
    (lambda: m.Recall()(np.eye(3), THREE), ConfigError, "recall: average='binary' with 3 labels; write average='macro', 'micro', 'weighted' or None"),
    (lambda: m.Recall("macro", num_classes=2)(np.eye(3), THREE), ShapeError, "recall: y_true has 3 labels in a row, expected 2"),
    (lambda: m.Accuracy()([0, 1], [0, 1], [1.0]), ShapeError, "accuracy: sample_weight has shape (1,), expected one weight for each of 2 rows"),
    (lambda: m.Accuracy()([0, 1], [0, 1], [1.0, -2.0]), DataError, "accuracy: sample_weight is -2 in row 1, expected a finite number >= 0"),
    (lambda: m.Mean()(1.0, nan), DataError, "mean: sample_weight is nan in row 0, expected a finite number >= 0"),
    (lambda: m.Accuracy().result(), DataError, "accuracy: no data, or none of weight > 0; call update_state first"),
    (lambda: m.F1Score().result(), DataError, "f1_score: no data, or none of weight > 0; call update_state first"),
    (lambda: m.R2Score()([1.0, 2.0], [1.0, 2.0], [0, 0]), DataError, "r2_score: no data, or none of weight > 0; call update_state first"),
    (lambda: m.R2Score()(THREE[None], THREE[None]), ShapeError, "r2_score: y_true has shape (1, 3, 3), expected (n,) or (n, outputs)"),
    (lambda: m.get("acuracy"), ConfigError, "get: no metric is called 'acuracy'; did you mean 'accuracy'?"),
    (lambda: m.get("MSE"), ConfigError, "get: no metric is called 'MSE'; did you mean 'mse'?"),
    (lambda: m.get("zzz"), ConfigError, f"get: no metric is called 'zzz'; use one of {', '.join(m.NAMES)}"),
    (lambda: m.get(3), DTypeError, "get: a metric is a name, a Metric or a function, not int"),
    (lambda: m.get(int), DTypeError, "get: a metric is a name, a Metric or a function, not int"),
    (lambda: m.MeanMetricWrapper(lambda t, p: t[:1], "f")([1, 2], [1, 2]), ShapeError, "f: the result has 1 values, expected one for each of 2 rows, or a number"),
    (lambda: m.MeanMetricWrapper(lambda t, p: 1.0, "f")([1, 2], [1, 2], [1, 2]), ShapeError, "f: the result is one number, which sample_weight cannot weigh; return a value for each row"),
    # ---- checkpoints
    (lambda: CheckpointManager("run", max_to_keep=0), ConfigError, "CheckpointManager: max_to_keep is 0, need 1 or more"),
    (lambda: CheckpointManager("run", checkpoint_name="a/b"), ConfigError, "CheckpointManager: checkpoint_name 'a/b' is no plain file name"),
    (lambda: CheckpointManager("run", checkpoint_name="a*"), ConfigError, "CheckpointManager: checkpoint_name 'a*' is no plain file name"),
)  # fmt: skip
