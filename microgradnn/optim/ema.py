"""Exponential moving averages of parameters, after tf.train.ExponentialMovingAverage."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..engine.node import Node
from ..errors import ConfigError, nearest
from ..interrupts import held
from .groups import Params, named_parameters, need, number_problem, plain_number
from .saving import copied, restored, too_large


@runtime_checkable
class Parametrised(Protocol):
    """What has parameters by name: any Module."""

    def named_parameters(self) -> Iterable[tuple[str, Node]]: ...


class EMA:
    """Shadow values that follow the parameters: s = s - (1 - d)·(s - p) in every update().

        ema = EMA(model, decay=0.999)
        for ...:
            optimizer.step()
            ema.update()
        with ema.swap():
            ...                     # the model computes with the shadow values

    d is `decay`; with num_updates=True it is min(decay, (1 + n)/(10 + n)), where n is the step
    given to update(), or the number of updates before this one, 0 at first. The shadow values start
    as copies of the parameters (TensorFlow in eager mode; Keras' use_ema and torch's AveragedModel
    copy at the first update: make the EMA there for the same numbers).

    shadow  the values by name: the names of a model's parameters or of (name, parameter) pairs,
            else "0", "1", …
    updates  the number of updates so far
    """

    def __init__(
        self, parameters: Params | Parametrised, decay: float = 0.999, *, num_updates: bool = False
    ) -> None:
        if isinstance(parameters, Parametrised):
            parameters = list(parameters.named_parameters())
        nodes, names = named_parameters("EMA", parameters)
        if not nodes:
            raise ConfigError("EMA: no parameters; pass a model or model.parameters()")
        problem = number_problem("decay", decay, 0, 1)
        if problem:
            raise ConfigError(f"EMA: {problem}")
        if not isinstance(num_updates, bool):
            raise ConfigError(
                f"EMA: num_updates is {num_updates!r}, must be True or False; give the step to "
                "update(step)"
            )
        keys = [str(i) for i in range(len(nodes))] if names is None else names
        self.parameters: dict[str, Node] = dict(zip(keys, nodes, strict=True))
        self.shadow = {name: _copy(p._data) for name, p in self.parameters.items()}
        self.decay, self.num_updates, self.updates = plain_number(decay), num_updates, 0
        self._swapped = False

    def update(self, step: int | None = None) -> None:
        """Moves the shadow values towards the parameters."""
        self._refuse_swapped("update")
        if step is not None and not self.num_updates:
            raise ConfigError("EMA.update: step has no effect; make the EMA with num_updates=True")
        n = self.updates if step is None else step
        need("EMA.update", 0, step=n)
        d = min(self.decay, (1 + n) / (10 + n)) if self.num_updates else self.decay
        for name, p in self.parameters.items():
            s = self.shadow[name]
            s -= (1 - d) * (s - p._data)
            self.shadow[name] = s
        self.updates += 1

    @contextmanager
    def swap(self) -> Iterator[None]:
        """A context in which the parameters have the shadow values; at its end, their own again.

        What is done to the parameters inside is lost. Raises ConfigError if already inside.
        """
        own: dict[str, Any] = {}
        try:
            with held:
                own = self.swap_in()
            yield
        finally:
            with held:
                self.swap_out(own)

    def swap_in(self) -> dict[str, Any]:
        """Returns the parameters' own values by name, after they got the shadow values."""
        self._refuse_swapped("swap")
        own = {name: p._data for name, p in self.parameters.items()}
        self._swapped = True
        try:
            self._put(self.parameters)
        except BaseException:
            self.swap_out(own)
            raise
        return own

    def swap_out(self, own: Mapping[str, Any]) -> None:
        """Gives the parameters the values that swap_in returned."""
        for name, value in own.items():
            self.parameters[name].data = value
        self._swapped = self._swapped and not own

    def copy_to(self, parameters: Params | Parametrised | None = None) -> None:
        """Sets the parameters, or another model's or list's, to the shadow values."""
        if parameters is None:
            self._refuse_swapped("copy_to")
            return self._put(self.parameters)
        if isinstance(parameters, Parametrised):
            parameters = list(parameters.named_parameters())
        nodes, names = named_parameters("EMA.copy_to", parameters)
        keys = list(self.shadow) if names is None else names
        if sorted(keys) != sorted(self.shadow) or len(nodes) != len(keys):
            got = f"{len(nodes)} parameters" if names is None else names
            raise ConfigError(f"EMA.copy_to: got {got}, expected {list(self.shadow)}")
        self._put(dict(zip(keys, nodes, strict=True)))

    def _put(self, parameters: Mapping[str, Node]) -> None:
        for name, p in parameters.items():
            p.data = restored(p._data, self.shadow[name])

    def state_dict(self) -> dict[str, Any]:
        """A copy of the shadow values by name, the decay and the number of updates."""
        return {
            "decay": self.decay,
            "num_updates": self.num_updates,
            "updates": self.updates,
            "shadow": {name: copied(s) for name, s in self.shadow.items()},
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continues where state_dict() was called.

        Raises ConfigError that lists all that does not fit; then nothing has changed.
        """
        fields = ("decay", "num_updates", "updates", "shadow")
        if not isinstance(state_dict, Mapping) or set(state_dict) != set(fields):
            got = list(state_dict) if isinstance(state_dict, Mapping) else type(state_dict).__name__
            raise ConfigError(f"EMA.load_state_dict: got {got}, need {list(fields)}")
        saved, wrong = state_dict["shadow"], []
        if not isinstance(saved, Mapping):
            kind = type(saved).__name__
            raise ConfigError(f"EMA.load_state_dict: shadow is a {kind}, need a dict of arrays")
        for name, s in self.shadow.items():
            if name not in saved:
                wrong.append(f"{name} is missing")
            elif np.shape(saved[name]) != np.shape(s):
                wrong.append(f"{name} has shape {np.shape(saved[name])}, expected {np.shape(s)}")
            elif np.asarray(saved[name]).dtype.kind not in "fiuO":
                wrong.append(f"{name} holds {np.asarray(saved[name]).dtype}, need numbers")
            elif large := too_large(saved[name], s):
                wrong.append(f"{name} {large}")
        problem = number_problem("decay", plain_number(state_dict["decay"]), 0, 1)
        wrong += [problem] if problem else []
        updates = plain_number(state_dict["updates"])
        if not isinstance(updates, int) or updates < 0:
            wrong.append(f"updates is {updates!r}, must be a whole number >= 0")
        wrong += [f"unexpected {n}{nearest(n, self.shadow)}" for n in saved if n not in self.shadow]
        if wrong:
            raise ConfigError(f"EMA.load_state_dict: {'; '.join(wrong)}")
        self.shadow = {name: restored(s, saved[name]) for name, s in self.shadow.items()}
        self.decay, self.updates = plain_number(state_dict["decay"]), updates
        self.num_updates = bool(state_dict["num_updates"])

    def _refuse_swapped(self, what: str) -> None:
        if self._swapped:
            raise ConfigError(f"EMA.{what}: inside swap(), which still holds the own values")


def _copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x
