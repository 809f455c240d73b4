"""Judges what frameworks recorded, claim by claim, and keeps the rows of the report."""

from typing import Any

import numpy as np

from .claims import Claim, Measure, Violation, judge
from .model_graph import Recorded, parameter_names, user_names
from .reference import Expected, Reference
from .row import Row

Array = np.ndarray


class Judge:
    """Sets verdicts and raises figures of `rows`, by framework."""

    def __init__(self, of: Reference, rows: dict[str, Row]) -> None:
        self.of, self.rows = of, rows
        self.names = parameter_names(of.model.chain)
        self.users = user_names(of.cells)
        self.scales: dict[Claim, float] = {}  # the largest element so far

    def recorded(self, name: str, when: str, found: Recorded, expected: Expected) -> None:
        """Every layer forwards, the loss, every layer backwards, in this order."""
        e = expected

        def claim(place: Claim, got: list[Any], due: list[Any], limits: list[Any]) -> None:
            i = place.index
            one = got[i] if i < len(got) else None
            self.claim(name, when, place, one, due[i], limits[i])

        for i, cell in enumerate(self.of.cells):
            place = Claim("node", i, f"output of layer {i + 1}, {cell.name}")
            claim(place, found.nodes, e.nodes, e.node_limits)
        claim(Claim("loss", 0, "the loss"), [found.loss], [e.loss], [e.loss_limit])
        if len(found.grads) != len(e.grads):
            said = f"{len(found.grads)} gradients, expected {len(e.grads)}"
            self.rows[name].say(f"DISAGREE {when}: {said}")
        for i in reversed(range(len(self.of.cells))):
            if self.of.learns[i]:
                place = Claim("slope", i, f"gradient of the input of {self.users[i + 1]}")
                claim(place, found.slopes, e.slopes, e.slope_limits)
            for p in self.of.cells[i].params:
                place = Claim("grad", p, f"gradient of {self.names[p]}")
                claim(place, found.grads, e.grads, e.grad_limits)

    def claim(self, name: str, when: str, what: Claim, got: Any, expected: Any, limit: Any) -> None:
        """Judges one claim: raises the row's figures, or sets its verdict."""
        row = self.rows[name]
        if not row.good:
            return
        for owner, values in (("what is expected", expected), ("its bound", limit)):
            if not np.isfinite(values).all():
                bad = np.asarray(values)[~np.isfinite(values)].flat[0]
                return row.say(f"NOT JUDGED {when}: {what.name}: {owner} is {bad}")
        found = judge(what, got, expected, limit)
        if isinstance(found, Violation):
            return row.say(f"DISAGREE {when}: {found}", found)
        return self._note(row, when, what, found)

    def _note(self, row: Row, when: str, what: Claim, found: Measure) -> None:
        scale = max(self.scales.get(what, 0.0), found.scale)
        if when.startswith("at step"):
            self.scales[what] = scale
        row.note(what, found, scale, self.of.dtype, "step" in when)
