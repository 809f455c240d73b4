"""Judges what frameworks recorded, claim by claim, and keeps the rows of the report."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from microgradnn.optional import have

from .claims import Claim, Measure, Violation, judge, value_of
from .known_differences import without_known
from .model_graph import Recorded, parameter_names, user_names
from .reference import Expected, Reference
from .row import Poorest, Row
from .truth import Proved, Truth

PROOFS = 12  # of single entries, in one task
TRIED = 4  # entries of a gradient that is wrong somewhere
Array = np.ndarray
Got = Sequence[Any]  # arrays and numbers, or whatever a framework gave instead


class Judge:
    """Sets verdicts and raises figures of `rows`, by framework."""

    def __init__(self, of: Reference, rows: dict[str, Row]) -> None:
        self.of, self.rows = of, rows
        self.names = parameter_names(of.model.chain)
        self.users = user_names(of.cells)
        self.scales: dict[Claim, float] = {}  # the largest element so far
        self.found: dict[str, Recorded] = {}  # of all frameworks, in the pass that is judged
        self.truth: Callable[[], Truth] | None = None  # of that pass
        self.doubtful: set[Claim] = set()  # what the reference was proved wrong in
        self.proofs = PROOFS

    def recorded(self, name: str, when: str, found: Recorded, expected: Expected) -> None:
        """Every layer forwards, the loss, every layer backwards, in this order."""
        e = expected

        def claim(place: Claim, got: Got, due: Got, limits: Got) -> None:
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
        if what in self.doubtful:
            return None
        found = judge(what, got, expected, limit)
        if isinstance(found, Violation):
            args = got, expected, limit, self.of.dtype, self.of.model.loss
            rest, ids = without_known(name, what, *args)
            row.known += [one for one in ids if one not in row.known]
            found = judge(what, rest, expected, limit) if ids else found
        if isinstance(found, Violation):
            return self.settle(name, when, what, found)
        return self._note(row, when, what, found)

    def settle(self, name: str, when: str, what: Claim, found: Violation) -> None:
        """Says who is wrong: the framework or, where that is proved, the reference."""
        true = self.proved(what, found.entry) if not found.words else None
        if true is None:
            return self.rows[name].say(f"DISAGREE {when}: {found}", found)
        if not true.off(found.theirs) <= found.allowed:
            found.true = f"true is {true}, proved"
            return self.rows[name].say(f"DISAGREE {when}: {found}", found)
        if true.sides and not true.usual:
            found.true = f"another choice of two that are right: true is {true}, proved"
            return self.rows[name].say(f"DISAGREE {when}: {found}", found)
        return self.blame(when, what, found, true)

    def blame(self, when: str, what: Claim, found: Violation, true: Proved) -> None:
        """The reference is wrong in one entry: every framework that is too is told so.

        Then its claim is no measure any more. Where nobody was told, because the pass is that of a
        framework which is right, it is still to be found.
        """
        part = "rule" if what.kind in ("slope", "grad") else "function"
        why = f"true is {true}, proved: a {part} of this library is wrong, and so was the reference"
        for name, recorded in self.found.items():
            theirs = value_of(what, recorded, found.entry)
            if not true.off(theirs) <= found.allowed:
                one = replace(found, theirs=theirs, expected=true.value, count=1, true=why)
                self.rows[name].say(f"DISAGREE {when}: {one}", one)
                self.doubtful.add(what)

    def proved(self, what: Claim, entry: tuple[int, ...]) -> Proved | None:
        """The true value of an entry, or None where there is no proof, or too many were asked."""
        if self.truth is None or self.proofs == 0 or not have("flint"):
            return None
        self.proofs -= 1
        return self.truth().of_claim(what, entry)

    def confirm(self, when: str, expected: Expected) -> None:
        """Confirms the reference's gradients by differences; finds those that are wrong."""
        if self.truth is None or not have("flint"):
            return
        truth, rng = self.truth(), np.random.default_rng(0)
        claims = self.gradients(expected)
        moves = {place: rng.choice([-1.0, 1.0], v.shape) for place, (_, v, _) in claims.items()}
        for (kind, i), move in moves.items():
            if kind == "node":
                move *= truth.smooth(i)
        if _confirmed(truth, claims, moves):
            return
        for place, (what, value, limit) in claims.items():
            if not _confirmed(truth, {place: claims[place]}, {place: moves[place]}):
                self._search(when, what, value, limit, moves[place])

    def _search(self, when: str, what: Claim, value: Array, limit: Array, move: Array) -> None:
        """Blames the first of the largest entries that is proved wrong."""
        for flat in np.argsort(-np.abs(value * move), axis=None)[:TRIED]:
            entry = tuple(int(i) for i in np.unravel_index(flat, value.shape))
            true = self.truth and self.truth().of_claim(what, entry)
            allowed = float(np.broadcast_to(limit, value.shape)[entry])
            if true and not true.off(float(value[entry])) <= allowed:
                numbers = float(value[entry]), true.value, allowed, 1, value.size
                return self.blame(
                    when, what, Violation(**vars(what), **_named(entry, numbers)), true
                )
        return None

    def gradients(self, e: Expected) -> dict[tuple[str, int], tuple[Claim, Array, Array]]:
        """The claims that are derivatives, by what they are derivatives in; value and bound."""
        found = {}
        for i, name in enumerate(self.names):
            what = Claim("grad", i, f"gradient of {name}")
            found["param", i] = what, e.grads[i], e.grad_limits[i]
        for i, learns in enumerate(self.of.learns):
            if learns:
                what = Claim("slope", i, f"gradient of the input of {self.users[i + 1]}")
                found["node", i + 1] = what, e.slopes[i], e.slope_limits[i]
        return found

    def _note(self, row: Row, when: str, what: Claim, found: Measure) -> None:
        scale = max(self.scales.get(what, 0.0), found.scale)
        if when.startswith("at step"):
            self.scales[what] = scale
        row.note(what, found, scale, self.of.dtype, "step" in when)
        # A gradient that has all but vanished has no digits of its own.
        counts = what.kind == "loss" or (what.kind == "grad" and found.scale > 1e-3 * scale)
        if counts and found.largest > row.poorest.relative * found.scale:
            where = f"{what.name} {when}"
            row.poorest = Poorest(found.largest / found.scale, where, *found.worst)


def _named(entry: tuple[int, ...], numbers: tuple[Any, ...]) -> dict[str, Any]:
    names = ("theirs", "expected", "allowed", "count", "size")
    return {"entry": entry, **dict(zip(names, numbers, strict=True))}


def _confirmed(truth: Truth, claims: dict[Any, Any], moves: dict[Any, Array]) -> bool:
    """Whether the derivative along the moves is what the claims say, within their bounds."""
    said, allowed = 0.0, 0.0
    for place, move in moves.items():
        _, value, limit = claims[place]
        said += float((value * move).sum())
        allowed += float((np.broadcast_to(limit, value.shape) * abs(move)).sum())
        allowed += float(np.abs(value).sum()) * 2.0**-50  # this sum's own rounding
    return truth.slope_of(moves).off(said) <= allowed
