"""What a framework and its sessions are, as types; frameworks/__init__.py says what they do."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from .model_graph import Recorded, Sync
from .specs import Model, Optimizer

Arrays = Sequence[np.ndarray]


class Session(Protocol):
    """A model and its optimiser in a framework."""

    def load(self, params: Arrays, kept: Arrays = ()) -> None: ...

    def gradients(self, x: np.ndarray, y: np.ndarray, sync: Sync | None = None) -> Recorded: ...

    def update(self) -> Arrays: ...


class Framework(Protocol):
    """A module, or what stands for one: it makes sessions."""

    @property
    def Session(self) -> Callable[[Model, Optimizer, str, Arrays], Session]: ...  # noqa: N802

    def version(self) -> str: ...


def refusal(module: Framework, model: Model, optimizer: Optimizer, dtype: str) -> str | None:
    """Why a framework does not do such a task, or None."""
    refuses = getattr(module, "refuses", None)
    reason: str | None = refuses(model, optimizer, dtype) if refuses else None
    return reason
