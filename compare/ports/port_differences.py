"""Where two ports differ, and what was found in one mode."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .experiments import Cause


@dataclass
class PortDifference:
    """Where two ports differ: `what` is "output", "gradient", "kept", "chance" or "weights"."""

    what: str
    a: str
    b: str
    said: str
    causes: list[Cause] = field(default_factory=list)
    together: bool = False  # whether the causes are one after the other, and not a choice
    mode: str = ""

    @property
    def place(self) -> str:
        """The layer, by its name in both ports."""
        return self.a if self.a == self.b else f"{self.a} of A, {self.b} of B"


@dataclass
class ModeResult:
    """What was found in one mode."""

    differences: list[PortDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: int = 0  # nodes that were judged
    whole: bool = True
    gradients: int = 0  # of parameters that were judged


def moved(differences: Sequence[PortDifference]) -> list[PortDifference]:
    """A call that is missing in one place and too many in another is one that was moved."""
    found: list[PortDifference] = []
    for one in differences:
        for other in found:
            pairs = [(c, d) for c in other.causes for d in one.causes
                     if (c.a, c.b) == (d.b, d.a) and c.name == d.name]  # fmt: skip
            if pairs and "missing" in pairs[0][0].name:
                cause = pairs[0][0]
                early = cause.a.startswith("no ")
                kind = (cause.b if early else cause.a).removeprefix("no ")
                words = (f"{kind} later", f"{kind} earlier")
                moved_ = Cause("order of layers", cause.place, *(words if early else words[::-1]))
                other.causes = [moved_]
                break
        else:
            found.append(one)
    return found
