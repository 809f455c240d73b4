"""Trainer: fit, evaluate and predict of a model, in Keras's words.

The same in PyTorch's words is the loop in Steps.step: zero_grad, backward, step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, overload

import numpy as np

from ..engine.node import plain
from ..errors import ConfigError, ShapeError
from ..nn import Module
from ..nn.history import History
from ..nn.training import (
    CallbackLike,
    Data,
    Inputs,
    Logs,
    LossLike,
    Metrics,
    OptimizerLike,
    Validation,
)
from ..optim import EMA
from . import inputs
from .recipe import Recipe
from .run import TrainingRun
from .steps import AT_ONCE, Steps, evaluating, in_order


class Trainer(Steps):
    """Trains a model: Trainer(model, "adam", "mse", ["mae"]).fit(x, y) returns a History.

    The arguments are those of Module.compile, and the methods are those of a compiled model, where
    they are described: model.fit(…) is this. Raises ConfigError for unknown names.
    """

    def __init__(
        self,
        model: Module,
        optimizer: OptimizerLike = "adam",
        loss: LossLike | None = None,
        metrics: Metrics | None = None,
        *,
        ema: float | EMA | None = None,
    ) -> None:
        if not isinstance(model, Module):
            raise ConfigError(f"Trainer: model is a {type(model).__name__}, need an nn.Module")
        super().__init__(model, Recipe("Trainer", model, optimizer, loss, metrics, ema))

    @classmethod
    def of(cls, model: Module, caller: str) -> Trainer:
        """Returns the Trainer of a compiled model. Raises ConfigError if it is not compiled."""
        recipe = _recipe(model)
        if recipe is None:
            raise ConfigError(f"{caller}: call compile(optimizer, loss) first")
        trainer = cls.__new__(cls)
        Steps.__init__(trainer, model, recipe)
        return trainer

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
        """Returns the History after training; see nn.Module.fit."""
        _check_options(epochs, initial_epoch, shuffle, seed)
        train, validation = inputs.samples("fit", x, y, sample_weight), None
        if class_weight:
            train = inputs.weighted_by_class(train, class_weight)
        if validation_data is not None:
            validation = inputs.samples("fit: validation_data", *validation_data)
        elif validation_split:
            train, validation = inputs.split(train, validation_split)
        size = _batch_size(batch_size, len(train))
        for part in filter(None, (train, validation)):
            self.check(part, size)
        run = TrainingRun(self, train, validation, size, epochs, initial_epoch, shuffle, seed)
        return run.train(list(callbacks), verbose)

    def train_on_batch(
        self, x: Inputs, y: Data | None = None, sample_weight: Data | None = None
    ) -> dict[str, float]:
        """Returns the loss of one batch under "loss", after one step of the optimiser on it."""
        loss, _ = self.step(inputs.samples("train_on_batch", x, y, sample_weight))
        return {"loss": loss}

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
        """Returns [loss, metrics…], a number without metrics, or a dict; see nn.Module.evaluate."""
        data = inputs.samples("evaluate", x, y, sample_weight)
        logs = self.test(data, _at_once("evaluate", batch_size))
        values = list(logs.values())
        return logs if return_dict else values if len(values) > 1 else values[0]

    def predict(self, x: Inputs, batch_size: int | None = None) -> np.ndarray:
        """Returns the outputs for x as one array; see nn.Module.predict."""
        return _outputs(self.model, self.recipe.ema, x, batch_size)


def predict(model: Module, x: Inputs, batch_size: int | None = None) -> np.ndarray:
    """Returns the outputs of a model, which need not be compiled, for x as one array."""
    recipe = _recipe(model)
    return _outputs(model, None if recipe is None else recipe.ema, x, batch_size)


def _recipe(model: Module) -> Recipe | None:
    recipe = vars(model).get("_recipe")
    return recipe if isinstance(recipe, Recipe) else None


def _outputs(model: Module, ema: EMA | None, x: Inputs, batch_size: int | None) -> np.ndarray:
    data, size = inputs.samples("predict", x), _at_once("predict", batch_size)

    def outputs() -> np.ndarray:
        return np.concatenate([plain(model(*part.x)) for part in in_order(data, size)])

    return evaluating(model, ema, outputs)


def _at_once(caller: str, batch_size: int | None) -> int:
    return AT_ONCE if batch_size is None else _checked(caller, batch_size)


def _batch_size(given: int | None, n: int) -> int:
    if given is None:
        return min(32, n)
    if (size := _checked("fit", given)) > n:
        raise ShapeError(
            f"fit: batch_size {size} is larger than the data ({n} samples); "
            f"write batch_size={n} or less"
        )
    return size


def _check_options(epochs: Any, initial_epoch: Any, shuffle: Any, seed: Any) -> None:
    counts = {"epochs": epochs, "initial_epoch": initial_epoch}
    for name, value in (counts if seed is None else counts | {"seed": seed}).items():
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < 0:
            raise ConfigError(f"fit: {name} is {value!r}, need a whole number from 0 on")
    if not isinstance(shuffle, (bool, np.bool_)):
        raise ConfigError(f"fit: shuffle is {shuffle!r}, need True or False")


def _checked(caller: str, batch_size: int) -> int:
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ConfigError(f"{caller}: batch_size is {batch_size!r}, need a positive integer")
    return int(batch_size)
