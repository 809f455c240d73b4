"""Kinks and ties: is a gradient one of the derivatives that the function has on some side?

Where a comparison is a tie (relu at 0, equal entries under max), the trace is repeated for points
nearby in random directions: each falls on a definite side, and gives the exact derivative there.
A gradient is right at the kink if it lies between these, that is in their convex hull (Clarke 1983,
Optimization and Nonsmooth Analysis, theorem 2.5.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..oracle.exact import Comparer, Tie, evaluate
from ..report import Finding
from ..subject import Subject
from .compared import ROOM, Compared, entry
from .hulls import box_weights, nearest, off_plane
from .points import Point, Seen
from .results import apart, in_a_row

QUIET = 12  # random directions at least
MOST_KEYS = 24
GIVEN, ELSEWHERE = 600_000, 60_000  # nodes to spend at the user's point, at any other one


@dataclass
class Sides:
    """The derivatives seen beside a kink, one row each, of all arguments in a row."""

    subject: Subject
    douts: Sequence[Any]
    bits: int
    rng: np.random.Generator
    rows: list[Any] = field(default_factory=list)
    ties: dict[Any, Tie] = field(default_factory=dict)
    first: Any = None
    work: int = 0  # nodes spent
    budget: int = 0  # nodes after which to be content with what was seen
    complete: bool = True  # whether all sides were seen
    alone: dict[tuple[int, int], float] = field(default_factory=dict)  # of an input moved by itself

    def run(self, direction: Any, flipped: Sequence[Any] = ()) -> Any:
        """The derivative beside the kink in this direction."""
        comparer = Comparer(direction, flipped, ROOM)
        exact = evaluate(self.subject, self.douts, self.bits, comparer, backward=self.first is None)
        if self.first is None:
            self.first = exact
        self.ties.update(comparer.ties)
        self.work += exact.work
        return in_a_row(exact.true)

    def spent(self) -> bool:
        """Whether the budget is used up."""
        return self.work > self.budget

    def direction(self) -> Any:
        """A random direction of all inputs."""
        return self.rng.standard_normal(sum(np.size(a) for a in self.subject.arrays))

    def look(self, groups: Any) -> None:
        """Fills rows, so that every input at a tie wins and loses it once.

        Groups have nothing to do with each other, so one run serves all of them.
        """
        touched = np.zeros(sum(np.size(a) for a in self.subject.arrays), bool)
        for tie in self.ties.values():
            touched[tie.support] = True
        members = [[int(i) for i in group if touched[i]] for group in groups]
        most = max((len(m) for m in members), default=0)
        for k in range(2 * most):
            if self.spent():
                self.complete = False
                return
            direction, sign = self.direction(), (-1) ** k
            moved = [m[k // 2 % len(m)] for m in members if m]
            direction[moved] = 1e3 * sign
            self.rows.append(self.run(direction))
            self.alone.update({(i, sign): float(self.rows[-1][i]) for i in moved})
        for _ in range(max(0, QUIET - most)):
            if not self.spent():
                self.rows.append(self.run(self.direction()))


def at_kink(
    subject: Subject, douts: Sequence[Any], compared: Sequence[Compared], bits: int,
    point: Point, rng: np.random.Generator, seen: Seen,
) -> list[Compared]:  # fmt: skip
    """The gradients without the entries that a kink concerns; adds what these show to `seen`.

    `compared` holds the user's gradients; the true ones are filled in here. `bits` is the precision
    of the code's own floats: two numbers nearer to each other than that count as a tie.
    """
    sides = Sides(subject, douts, bits, rng, budget=GIVEN if point.given else ELSEWHERE)
    moved = _compare(sides, compared, point, seen)
    seen.work += sides.work
    return _plain(compared, sides, moved)


def _compare(sides: Sides, compared: Sequence[Compared], point: Point, seen: Seen) -> Any:
    """Which entries of all arguments in a row a kink concerns, None if there is no kink at all."""
    subject = sides.subject
    # "The first of equals wins" and "the last wins" are what most code does; then any side.
    ramp = np.arange(1.0, 1.0 + sum(np.size(a) for a in subject.arrays))
    sides.rows = [sides.run(d) for d in (-ramp, ramp, sides.direction(), sides.direction())]
    if not sides.ties:
        return None
    yours = in_a_row([j.yours for j in compared])
    size = np.abs(np.array(sides.rows)).max(initial=0.0) or 1.0
    lost = max(float(np.nan_to_num(j.rounding, posinf=0.0).max(initial=0.0)) for j in compared)
    tolerance = 64 * np.sqrt(max(j.eps for j in compared)) * size + ROOM * lost
    groups = _groups(sides, tolerance)
    sides.look(groups)
    rows = np.array(sides.rows)
    moved = np.ptp(rows, axis=0) > 1e-9 * size
    if not moved.any() and sides.complete:
        return None
    wrong = np.zeros(moved.shape, bool)
    unsure = np.zeros(moved.shape, bool)
    for group in _groups(sides, tolerance):
        group = group[moved[group]]
        if group.size:
            verdict = _member(sides, rows[:, group], yours[group], group, tolerance)
            wrong[group], unsure[group] = verdict is False, verdict is None
    low, high = rows.min(axis=0), rows.max(axis=0)
    seen.findings += _findings(compared, sides, (moved, wrong, unsure, low, high, tolerance), point)
    for tie in sides.ties.values():  # what a tie is about may have sides that were not seen
        moved[tie.support] = True
    return moved if sides.complete else np.ones_like(moved)


def _plain(compared: Sequence[Compared], sides: Sides, moved: Any) -> list[Compared]:
    """The gradients beside the true ones of one side, without those entries that moved."""
    exact, like = sides.first, [j.true for j in compared]
    # On which side of a near tie the float program is, is rounding too.
    gaps = apart(np.ptp(np.array(sides.rows), axis=0), like)
    gone = apart(np.zeros(sides.rows[0].shape, bool) if moved is None else moved, like)
    known = exact.yours is not None
    return [
        replace(
            j, true=exact.true[k], bound=np.where(gone[k], np.inf, exact.bound[k]),
            formula=exact.yours[k] if known else None, slack=exact.spread[k] if known else None,
            rounding=j.rounding + gaps[k],
        )
        for k, j in enumerate(compared)
    ]  # fmt: skip


def _groups(sides: Sides, tolerance: float) -> list[Any]:
    """Entries whose kinks have to do with each other; all in one if parameters share them."""
    n = sum(np.size(a) for a in sides.subject.arrays)
    parent = np.arange(n)

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    touched = np.zeros(n, bool)
    for tie in sides.ties.values():
        touched[tie.support] = True
        for i in tie.support[1:]:
            parent[root(int(i))] = root(int(tie.support[0]))
    moved = np.ptp(np.array(sides.rows), axis=0) > 1e-3 * tolerance
    if (moved & ~touched).any():
        return [np.arange(n)]
    roots = np.array([root(i) for i in range(n)])
    return [np.flatnonzero(roots == r) for r in np.unique(roots[touched])]


def _member(sides: Sides, rows: Any, yours: Any, group: Any, tolerance: float) -> bool | None:
    """Whether yours lies in the hull of the rows; None if that cannot be told."""
    if not np.isfinite(yours).all():
        return False
    low, high = rows.min(axis=0), rows.max(axis=0)
    inside = bool(((yours >= low - tolerance) & (yours <= high + tolerance)).all())
    if not sides.complete:
        return True if inside else None
    if len(group) == 1:
        return inside
    corners = np.unique(np.round(rows, 9), axis=0)
    for _ in range(6):  # where the hull falls short of it, there may be corners not yet seen
        rest = yours - nearest(corners, yours)
        if np.abs(rest).max() <= tolerance:
            return True
        aim = np.zeros(sum(np.size(a) for a in sides.subject.arrays))
        aim[group] = rest
        new = [sides.run(sign * aim + 1e-6 * sides.direction())[group] for sign in (1, -1)]
        more = np.unique(np.round(np.vstack([corners, *new]), 9), axis=0)
        if len(more) == len(corners) or sides.spent():
            break
        corners = more
    if off_plane(rows, yours, tolerance):
        return False
    return _zonotope(sides, yours, group, tolerance)


def _zonotope(sides: Sides, yours: Any, group: Any, tolerance: float) -> bool | None:
    """The same where kinks are many but add up: base + Σ sₖδₖ with every sₖ between 0 and 1."""
    inside = set(group.tolist())
    keys = [key for key, tie in sides.ties.items() if inside & set(tie.support.tolist())]
    if len(keys) > MOST_KEYS or sides.spent():
        return None
    direction = sides.direction()
    base = sides.run(direction)[group]
    deltas = np.array([sides.run(direction, [key])[group] - base for key in keys])
    weights = box_weights(deltas, yours - base)
    if np.abs(weights @ deltas + base - yours).max() <= tolerance:
        return True
    together = sides.run(direction, keys)[group] - base
    if np.abs(together - deltas.sum(axis=0)).max() <= tolerance:
        return False  # they do add up, so these are all there are
    # Few corners, all of them seen (a maximum of a few equal entries): their hull is the answer.
    return False if len(group) <= 4 else None


def _findings(
    compared: Sequence[Compared], sides: Sides, marks: Any, point: Point
) -> list[Finding]:
    *marks, tolerance = marks
    found = []
    method = f"exact derivatives on {len(sides.rows)} sides of the kink"
    parts = zip(*(apart(m, [j.true for j in compared]) for m in marks), strict=True)
    for k, (j, here) in enumerate(zip(compared, parts, strict=True)):
        if not here[0].any():
            continue
        j = replace(j, true=sides.first.true[k], formula=None, slack=None)
        about = {"argument": j.name, "point": point.label, "method": method}
        count = int(here[0].sum())
        if here[1].any():
            found.append(_outside(sides, compared, k, here, about, tolerance))
        elif not here[2].any():
            at = tuple(int(i) for i in np.argwhere(here[0])[0])
            worst = entry(j, at, (float(here[3][at]), float(here[4][at])))
            found.append(Finding(
                "GC301", "PASS_SUBGRADIENT" if point.given else "PASS",
                f"d{j.name} is a valid subgradient at {count} of {j.true.size} entries, "
                "which have a kink", worst=worst,
                data={"entries": count, "low": here[3], "high": here[4], "kink": here[0]}, **about,
            ))  # fmt: skip
    return found


def _whole(
    sides: Sides, compared: Sequence[Compared], k: int, wrong: Any, tolerance: float
) -> bool:
    """Whether each of the wrong entries has the gradient that it has where it wins alone."""
    before = sum(c.true.size for c in compared[:k])
    at = np.flatnonzero(wrong)
    yours = np.ravel(compared[k].yours)[at]
    up, down = (np.array([sides.alone.get((before + i, s), np.nan) for i in at]) for s in (1, -1))
    wins, loses = (up, down) if np.abs(up).sum() > np.abs(down).sum() else (down, up)
    apart = (np.abs(wins - loses) > tolerance).all()
    return bool(apart and (np.abs(yours - wins) <= tolerance).all())


def _outside(
    sides: Sides, compared: Sequence[Compared], k: int, here: Any, about: dict[str, Any],
    tolerance: float,
) -> Finding:  # fmt: skip
    j = replace(compared[k], true=sides.first.true[k], formula=None, slack=None)
    moved, wrong, _, low, high = here
    with np.errstate(all="ignore"):
        beyond = np.nan_to_num(np.maximum(low - j.yours, j.yours - high), nan=np.inf)
    beyond = np.where(wrong, beyond, -np.inf)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(beyond)), beyond.shape))
    worst = entry(j, at, (float(low[at]), float(high[at])))
    message, verdict = f"d{j.name} is not between the one-sided derivatives", "FAIL"
    hint = ""
    if _whole(sides, compared, k, wrong, tolerance):
        message = f"d{j.name} gives every one of several equal entries the whole gradient"
        hint = "where entries are equal, only what sums to the whole is a derivative of the maximum"
        verdict = "CONVENTION"
    elif beyond[at] <= tolerance:
        together = float(np.sum(j.yours[wrong]))
        hint = (
            "each entry alone would do, but not together: equal entries may share the gradient in "
            f"any way that sums to the whole; yours sum to {together:.6g}"
        )
    return Finding(
        "GC302", verdict, message, worst=worst, hint=hint,
        data={"low": low, "high": high, "yours": j.yours, "wrong": wrong, "kink": moved}, **about,
    )  # fmt: skip
