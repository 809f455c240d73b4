"""What the comparison found of one framework on one task."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .claims import Claim, Measure, Violation

FIELDS = {"loss": "loss", "grad": "grad", "param": "param"}


class Poorest(NamedTuple):
    """The array with the largest error relative to its own largest element, and its worst entry."""

    relative: float = 0.0
    where: str = ""
    theirs: float = float("nan")
    expected: float = float("nan")


@dataclass
class Row:
    """One framework on one task, as far as it was run."""

    task: str
    framework: str
    verdict: str = "agree"
    steps: int = 0
    final_loss: float = float("nan")
    loss_ulps: float = 0.0
    grad_ulps: float = 0.0
    param_ulps: float = 0.0
    loss_rel: float = 0.0
    grad_rel: float = 0.0
    param_rel: float = 0.0
    share_of_bound: float = 0.0
    looseness: float = 0.0  # RMS of bounds over RMS of errors in training, of the loosest gradient
    detectable: float = 0.0  # relative error of a median entry that is found in every gradient
    seconds: float = 0.0
    known: list[str] = field(default_factory=list)  # ids of differences.toml that were met
    violation: Violation | None = None
    poorest: Poorest = Poorest()
    layers: dict[str, float] = field(default_factory=dict)  # largest error in ulps, by cell
    losses: list[tuple[int, float]] = field(default_factory=list)  # some steps
    errors: list[tuple[int, float, float]] = field(default_factory=list)  # grad, param in ulps
    now: dict[str, float] = field(default_factory=dict, repr=False)  # ulps in this step, by kind
    squares: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        found = asdict(self)
        del found["squares"], found["now"]
        return found

    @property
    def good(self) -> bool:
        """Whether it agrees so far."""
        return self.verdict == "agree"

    def say(self, verdict: str, violation: Violation | None = None) -> None:
        """Sets the verdict, unless there is one already."""
        if self.good:
            self.verdict, self.violation = verdict, violation

    def note(self, place: Claim, found: Measure, scale: float, dtype: str, training: bool) -> None:
        """Raises the figures for one claim; `scale` is its largest element so far in the run."""
        ulps = found.largest / (float(np.spacing(np.asarray(scale, dtype))) or 1.0)
        relative = found.largest / scale if scale else found.largest
        self.share_of_bound = max(self.share_of_bound, found.share)
        if place.kind in FIELDS:
            for name, value in ((f"{place.kind}_ulps", ulps), (f"{place.kind}_rel", relative)):
                setattr(self, name, max(getattr(self, name), value))
            self.now[place.kind] = max(self.now.get(place.kind, 0.0), ulps)
        where = place.name.partition("layer ")[2] or place.name
        self.layers[where] = max(self.layers.get(where, 0.0), ulps)
        if place.kind == "grad" and training:
            error, bound = self.squares.get(place.name, (0.0, 0.0))
            self.squares[place.name] = error + found.squares[0], bound + found.squares[1]
            pairs = [(e, b) for e, b in self.squares.values() if e > 0]
            self.looseness = max(((b / e) ** 0.5 for e, b in pairs), default=0.0)
