"""compile, fit, evaluate, predict: training in Keras's words, on any model.

The same in PyTorch's words is the loop in the middle of Trainable._step: zero_grad, backward, step.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import ConfigError, ShapeError
from ..engine.node import no_grad, plain
from ..engine.tensor import tensor
from . import inputs
from .compiled import Compiled
from .history import History
from .inputs import Samples
from .metrics import MeanMetricWrapper
from .run import Run

if TYPE_CHECKING:
    from .callbacks import Callback

LABELLED = {
    "cross_entropy", "nll_loss", "sparse_categorical_crossentropy", "CrossEntropyLoss", "NLLLoss",
}  # fmt: skip


class Trainable:
    """What makes a model trainable by name; Module is one."""

    stop_training = False

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Sequence[Any] | None = None,
        *,
        ema: Any = None,
    ) -> None:
        """None; sets how the model is trained.

        `optimizer` is an optimiser of this model's parameters, a function of parameters that makes
        one, or a name (sgd with lr 0.01, adam, adamw, rmsprop, adagrad with 0.001, 0.001, 0.001,
        0.01). `loss` is a name, a loss module or a function (see train/losses.py), `metrics` names
        or metrics. `ema`, a decay or an optim.EMA, averages the weights: evaluate and predict then
        use the average. Raises ConfigError for unknown names.
        """
        if loss is None:
            raise ConfigError("compile: no loss; write loss='mse' or another")
        self._compiled = Compiled(self, optimizer, loss, metrics, ema)
        self.optimizer = self._compiled.optimizer

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *,
        verbose: int | str = "auto",
        callbacks: Iterable[Callback] = (),
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        seed: int | None = None,
    ) -> History:
        """The History of the loss and the metrics, after training for epochs - initial_epoch.

        x is an array or a tuple of arrays, one row a sample; batch_size 32 or all, if fewer. The
        order of samples is drawn anew in each epoch from `seed` and the epoch's number, so a run
        with a seed repeats and a resumed one goes on where it was. validation_split takes the last
        share of the data, as Keras does. Ctrl-C leaves the model as the last step made it.
        Raises ShapeError, DTypeError, DataError or LabelError for bad data before the first step.
        """
        from_user = inputs.samples("fit", x, y, sample_weight)
        how = self._ready("fit")
        if class_weight:
            extra = inputs.by_class(from_user.y, class_weight)
            given = from_user.weights
            from_user = Samples(from_user.x, from_user.y, extra if given is None else given * extra)
        train, validation = from_user, None
        if validation_data is not None:
            validation = inputs.samples("fit: validation_data", *validation_data)
        elif validation_split:
            train, validation = inputs.split(from_user, validation_split)
        size = _batch_size(batch_size, len(train))
        for part in (train, validation):
            if part is not None:
                self._check(how, part, size)
        run = Run(self, train, validation, size, epochs, initial_epoch, shuffle, seed)
        return run.train(list(callbacks), verbose)

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> dict[str, Any]:
        """The loss of one batch under "loss", after one step of the optimiser on it."""
        how = self._ready("train_on_batch")
        loss, _ = self._step(how, inputs.samples("train_on_batch", x, y, sample_weight))
        return {"loss": loss}

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        *,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """[loss, metrics…] on the data in eval mode, one number without metrics; or a dict."""
        how = self._ready("evaluate")
        logs = self._test(how, inputs.samples("evaluate", x, y, sample_weight), batch_size)
        values = list(logs.values())
        return logs if return_dict else values if len(values) > 1 else values[0]

    def predict(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """The outputs for x as one array, computed in eval mode and in batches."""
        data = inputs.samples("predict", x)
        how = vars(self).get("_compiled")
        with _evaluating(self, how):
            size = _some("predict", batch_size)
            parts = [plain(self._forward(b)) for b in _in_order(data, size)]
        return np.concatenate(parts)

    # ---- one step -------------------------------------------------------------------------------

    def _ready(self, caller: str) -> Compiled:
        how = vars(self).get("_compiled")
        if how is None:
            raise ConfigError(f"{caller}: call compile(optimizer, loss) first")
        return how

    def _forward(self, data: Samples) -> Any:
        return self(*data.x)  # type: ignore[operator]

    def _loss(self, how: Compiled, data: Samples) -> tuple[Any, Any]:
        y_pred = self._forward(data)
        loss = how.loss(y_pred, data.y, data.weights)
        if how.regularized:
            loss = loss + self.penalty()  # type: ignore[attr-defined]
        return loss, y_pred

    def _step(self, how: Compiled, data: Samples) -> tuple[float, Any]:
        """(loss, outputs) of a batch, after the step. This is the loop of every PyTorch program."""
        self.train()  # type: ignore[attr-defined]
        loss, y_pred = self._loss(how, data)
        how.optimizer.zero_grad()
        loss.backward()
        how.optimizer.step()
        if how.ema is not None:
            how.ema.update()
        return float(loss.item()), y_pred

    def _test(self, how: Compiled, data: Samples, batch_size: int | None) -> dict[str, Any]:
        how.reset()
        with _evaluating(self, how):
            for batch in _in_order(data, _some("evaluate", batch_size)):
                loss, y_pred = self._loss(how, batch)
                how.update(float(loss.item()), batch, y_pred)
        return how.logs()

    def _check(self, how: Compiled, data: Samples, size: int) -> None:
        """Everything that can be known to be wrong before the first step.

        Loss and metrics see all targets once, with the outputs of one sample in every row.
        """
        inputs.check_finite("fit", data, size)
        with _evaluating(self, None):
            one = self._forward(data.take(slice(0, 1)))
            shape = plain(one).shape
            if how.loss.name in LABELLED and len(shape) >= 2:
                inputs.check_labels("fit", data.y, shape[1] if len(shape) > 2 else shape[-1])
            if not shape or shape[0] != 1:
                return  # not a row for each sample: whatever the loss makes of it
            # A metric or a loss that is a function of the user's is not called before its time.
            kept = [copy.deepcopy(m) for m in how.metrics if not isinstance(m, MeanMetricWrapper)]
            for part in _in_order(data, 1024):
                outputs = np.broadcast_to(plain(one), (len(part), *shape[1:]))
                if how.loss.by_name:
                    how.loss(tensor(outputs), part.y, part.weights)
                for metric in kept:
                    metric.update_state(part.y, outputs, part.weights)


class _evaluating:
    """A context: eval mode, nothing recorded, the averaged weights in place; then all as before."""

    def __init__(self, model: Any, how: Compiled | None) -> None:
        self.model, self.swap = model, how.ema.swap() if how and how.ema is not None else None

    def __enter__(self) -> None:
        self.modes = [(m, m.training) for _, m in self.model.named_modules()]
        self.quiet = no_grad()
        if self.swap:
            self.swap.__enter__()
        self.quiet.__enter__()
        self.model.eval()

    def __exit__(self, *error: Any) -> None:
        for module, training in self.modes:
            module.training = training
        self.quiet.__exit__(*error)
        if self.swap:
            self.swap.__exit__(*error)


def _in_order(data: Samples, size: int) -> Iterator[Samples]:
    for start in range(0, len(data), size):
        yield data.take(slice(start, start + size))


def _some(caller: str, batch_size: Any) -> int:
    """How many samples are computed at once where nothing is learnt from them."""
    if batch_size is None:
        return 256
    if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ConfigError(f"{caller}: batch_size is {batch_size!r}, need a positive integer")
    return int(batch_size)


def _batch_size(given: int | None, n: int) -> int:
    if given is None:
        return min(32, n)
    if not isinstance(given, (int, np.integer)) or given < 1:
        raise ConfigError(f"fit: batch_size is {given!r}, need a positive integer")
    if given > n:
        raise ShapeError(
            f"fit: batch_size {given} is larger than the data ({n} samples); "
            f"write batch_size={n} or less"
        )
    return int(given)
