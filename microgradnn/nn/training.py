"""compile, fit, evaluate and predict of a model: they hand the model to a train.Trainer.

The training itself is in train/, which stands on nn/ and loads when one of these is called.
"""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike

from ..engine.tensor import Tensor
from ..optim import EMA, Optimizer
from .history import History

# ---- what these take ----------------------------------------------------------------------------

Data = ArrayLike | Tensor
Inputs = Data | tuple[Data, ...]
Logs = dict[str, Any]


class CallbackLike(Protocol):
    """What fit() calls while it runs; train.Callback is the base class to start from."""

    def set_run(self, run: Any) -> None: ...
    def on_train_begin(self, logs: Logs) -> None: ...
    def on_train_end(self, logs: Logs) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Logs) -> None: ...


class MetricLike(Protocol):
    """What adds up a figure over batches; train.metrics has many, and their base class Metric."""

    name: str

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None: ...
    def result(self) -> Any: ...
    def reset_state(self) -> None: ...


OptimizerLike = str | Optimizer | Callable[[Any], Optimizer]
LossLike = str | Callable[[Any, Any], Any]
Metrics = Sequence[str | MetricLike | type[MetricLike] | Callable[[Any, Any], Any]]
Validation = tuple[Inputs, Data] | tuple[Inputs, Data, Data]


# ---- what models have ---------------------------------------------------------------------------


class Trainable:
    """Base of Module: training in Keras's words."""

    stop_training = False  # a callback that sets it ends fit() after the batch
    optimizer: Optimizer  # set by compile
    _recipe: object  # a train.Recipe, set by compile

    def compile(
        self,
        optimizer: OptimizerLike = "adam",
        loss: LossLike | None = None,
        metrics: Metrics | None = None,
        *,
        ema: float | EMA | None = None,
    ) -> None:
        """Sets how the model is trained.

        `optimizer` is an optimiser of this model's parameters, a function of parameters that makes
        one, or a name (sgd with lr 0.01, rmsprop with 0.001; adam, adamw, adagrad, adadelta,
        adamax, nadam, radam, rprop with lr as in optim). `loss` is a name, a loss module or a
        function (see train/losses.py), `metrics` names or metrics. `ema`, a decay or an optim.EMA,
        averages the weights: evaluate and predict then use the average. Raises ConfigError for
        unknown names.
        """
        recipe = _train("recipe").Recipe("compile", self, optimizer, loss, metrics, ema)
        self._recipe, self.optimizer = recipe, recipe.optimizer

    def fit(
        self,
        x: Inputs,
        y: Data | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *,
        verbose: int | str = "auto",
        callbacks: Iterable[CallbackLike] = (),
        validation_split: float = 0.0,
        validation_data: Validation | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Data | None = None,
        initial_epoch: int = 0,
        seed: int | None = None,
    ) -> History:
        """Returns the History of loss and metrics, after training for epochs - initial_epoch.

        x is an array or a tuple of arrays, one row a sample; batch_size 32 or all, if fewer. The
        order of samples is drawn anew in each epoch from `seed` and the epoch's number, so a run
        with a seed repeats and a resumed one goes on where it was. validation_split takes the last
        share of the data, as Keras does. Ctrl-C leaves the model as the last step made it.
        Raises ShapeError, DTypeError, DataError or LabelError for bad data before the first step.
        """
        return _train("trainer").Trainer.of(self, "fit").fit(
            x, y, batch_size, epochs, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle,
            class_weight=class_weight, sample_weight=sample_weight, initial_epoch=initial_epoch,
            seed=seed,
        )  # fmt: skip

    def train_on_batch(
        self, x: Inputs, y: Data | None = None, sample_weight: Data | None = None
    ) -> dict[str, float]:
        """Returns the loss of one batch under "loss", after one step of the optimiser on it."""
        trainer = _train("trainer").Trainer.of(self, "train_on_batch")
        return trainer.train_on_batch(x, y, sample_weight)

    @overload
    def evaluate(
        self,
        x: Inputs,
        y: Data | None = None,
        batch_size: int | None = None,
        *,
        sample_weight: Data | None = None,
        return_dict: Literal[False] = False,
    ) -> float | list[Any]: ...
    @overload
    def evaluate(
        self,
        x: Inputs,
        y: Data | None = None,
        batch_size: int | None = None,
        *,
        sample_weight: Data | None = None,
        return_dict: Literal[True],
    ) -> Logs: ...
    def evaluate(
        self,
        x: Inputs,
        y: Data | None = None,
        batch_size: int | None = None,
        *,
        sample_weight: Data | None = None,
        return_dict: bool = False,
    ) -> float | list[Any] | Logs:
        """Returns [loss, metrics…] on the data in eval mode, one number without metrics; or a dict.

        `return_dict` chooses the dict. Nothing is trained.
        """
        trainer = _train("trainer").Trainer.of(self, "evaluate")
        return trainer.evaluate(
            x, y, batch_size, sample_weight=sample_weight, return_dict=return_dict
        )

    def predict(self, x: Inputs, batch_size: int | None = None) -> np.ndarray:
        """Returns the outputs for x as one array, computed in eval mode and in batches."""
        return _train("trainer").predict(self, x, batch_size)


def _train(module: str) -> Any:
    """The module of train/, which stands above nn/: it loads at the first call."""
    return import_module(f"..train.{module}", __package__)
