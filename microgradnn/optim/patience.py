"""When a figure no longer improves: for lr_scheduler.ReduceLROnPlateau and train's callbacks."""

import math
from collections.abc import Mapping
from typing import Any

COUNTS = ("best", "num_bad_epochs", "cooldown_counter")


class Patience:
    """Watches one figure, epoch by epoch: which is the best, and for how long was none better?

    Better, in mode "min", is below best - threshold, or below best·(1 - threshold) with
    threshold_mode "rel"; in mode "max" above best + threshold, or best·(1 + threshold).
    """

    best: float
    num_bad_epochs: int
    cooldown_counter: int

    def watch(
        self,
        mode: str = "min",
        threshold: float = 0.0,
        threshold_mode: str = "abs",
        patience: int = 0,
        cooldown: int = 0,
    ) -> None:
        """Sets what is better, and starts to count."""
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.patience, self.cooldown = patience, cooldown
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = 0

    def counts(self) -> dict[str, Any]:
        """Returns the best figure and the counters, for a checkpoint."""
        return {name: getattr(self, name) for name in COUNTS}

    def go_on(self, counts: Mapping[str, Any]) -> None:
        """Goes on from counts()."""
        for name in COUNTS:
            setattr(self, name, counts[name])

    def better(self, figure: float) -> bool:
        """Whether the figure is better than the best; then it is the best."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            edge = self.best * (1 + sign * self.threshold)
        else:
            edge = self.best + sign * self.threshold
        if figure > edge if sign > 0 else figure < edge:
            self.best = figure
            return True
        return False

    def stalled(self, figure: float) -> bool:
        """Whether this is the figure after `patience` that were not better, and is not better.

        Then it counts anew, and the next `cooldown` figures count as good ones.
        """
        self.num_bad_epochs = 0 if self.better(figure) else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs <= self.patience:
            return False
        self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        return True
