"""What a training run left behind."""

from importlib import import_module
from typing import Any


class History:
    """`history["loss"]` is the loss of each epoch, and so for every metric and "val_" name.

    `epoch` holds the numbers of the epochs, `params` what fit() was called with.
    """

    def __init__(self, params: dict[str, Any] | None = None) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.params: dict[str, Any] = params or {}

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        """Appends the figures of one epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of the figures."""
        return {"epoch": list(self.epoch), "history": {k: list(v) for k, v in self.history.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the figures of state_dict()."""
        self.epoch = list(state["epoch"])
        self.history = {k: list(v) for k, v in state["history"].items()}

    def __repr__(self) -> str:
        last = "  ".join(f"{k} {v[-1]:.4g}" for k, v in self.history.items() if v)
        return f"History({len(self.epoch)} epochs{': ' if last else ''}{last})"

    def _repr_html_(self) -> str:
        reprs = import_module("microgradnn.show.reprs")
        return str(reprs.history_html(self.epoch, self.history, repr(self)))
