"""Derivatives by a framework at a point, some ulps away and to its sides: rounding, and kinks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..oracle.derivations import Derivation, nudged, scales
from ..subject import Subject
from .results import close, copies, unit

NUDGES = 4
# Steps to the side, relative to the size of an array, and what is a jump after a fine one.
FINE, COARSE, JUMP = 2.0**-30, 2.0**-20, 2.0**-16
FINE_SINGLE, COARSE_SINGLE, JUMP_SINGLE = 2.0**-14, 2.0**-6, 2.0**-4
MOST_SIDES = 12  # entries at a kink that are moved one by one, to both sides


class Aside:
    """Derivatives at a point, at points some ulps away, and to its sides."""

    def __init__(self, subject: Subject, douts: Sequence[Any], rng: Any) -> None:
        self.subject, self.rng = subject, rng
        self.how: Derivation = subject.derivation
        self.douts = [np.asarray(d, float) for d in douts]
        self.spread: list[Any] = []  # what rounding does to the true gradients, entry by entry
        self.yours: list[Any] = []  # and to the user's
        self.moved: list[Any] = []
        self.here: list[Any] = []
        self.coarse: list[Any] = []
        double = self.how is None or self.how.unit < 1e-10
        self.fine, self.far, self.jump = (
            (FINE, COARSE, JUMP) if double else (FINE_SINGLE, COARSE_SINGLE, JUMP_SINGLE)
        )
        self.rows: list[list[Any]] = []

    def at(self, arrays: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The outputs and the true gradients at the point; what is around it is looked at, too."""
        here = [np.asarray(a, float) for a in arrays]
        outs, true = self.how.run(here, self.douts)
        self.here = here
        self.spread = _spread(true, [self.near(here) for _ in range(NUDGES)])
        sides = [self.side() for _ in range(2)]
        fine = [self.aside(self.fine, d, sign) for d in sides for sign in (1, -1)]
        self.coarse = _spread(true, [self.aside(self.far, sides[0], sign) for sign in (1, -1)])
        self.rows = [true, *fine]
        self.moved = self.jumps()
        if any(m.any() for m in self.moved):
            self.rows += [self.aside(self.fine, self.side(), 1) for _ in range(12)]
            self.moved = self.jumps()
            self.one_by_one([(k, int(i)) for k, m in enumerate(self.moved)
                             for i in np.flatnonzero(m)])  # fmt: skip
        self.yours = self.own_rounding()
        return outs, true

    def jumps(self) -> list[Any]:
        """Where the derivatives seen do not come together as the points do."""
        fine = _spread(self.rows[0], self.rows[1:])
        some = zip(self.rows[0], fine, self.coarse, strict=True)
        return [_jumps(*three, self.jump) for three in some]

    def near(self, here: Sequence[Any]) -> list[Any]:
        """True gradients some ulps away, by cotangents that round in another way."""
        c = self.rng.uniform(0.6, 1.7)
        moved = nudged(here, self.rng, self.how.unit)
        return [g / c for g in self.how.run(moved, [c * d for d in self.douts])[1]]

    def side(self) -> list[Any]:
        """A direction of all inputs."""
        return [
            np.asarray(size * self.rng.uniform(0.5, 1.5, np.shape(a))
                       * self.rng.choice([-1.0, 1.0], np.shape(a)))
            for a, size in zip(self.here, scales(self.here), strict=True)
        ]  # fmt: skip

    def aside(self, step: float, side: Sequence[Any], sign: float) -> list[Any]:
        """True gradients to a side."""
        moved = [a + sign * step * d for a, d in zip(self.here, side, strict=True)]
        return self.how.run(moved, self.douts)[1]

    def one_by_one(self, places: Sequence[tuple[int, int]]) -> None:
        """Looks where one of these entries is ahead of all others, or behind."""
        for at in self.rng.permutation(len(places))[:MOST_SIDES]:
            k, i = places[int(at)]
            for sign in (16.0, -16.0):
                side = self.side()
                side[k].flat[i] = sign * scales(self.here)[k]
                self.rows.append(self.aside(self.fine, side, 1))
        self.moved = self.jumps()

    def own_rounding(self) -> list[Any]:
        """What rounding does to the user's gradients: how they move if inputs do by some ulps.

        Also how B(c·v) / c differs from B(v), where B is linear in v as far as powers of 2 show it.
        """
        arrays = self.subject.arrays
        units = [max(unit(a), self.how.unit) for a in arrays]

        def pulled(c: float) -> list[Any]:
            near = [nudged([a], self.rng, u)[0] for a, u in zip(arrays, units, strict=True)]
            return self._pulled(near, c)

        with np.errstate(all="ignore"):
            here, twice = (self._pulled(copies(arrays), c) for c in (1.0, 2.0))
            linear = all(close(a, b) for a, b in zip(here, twice, strict=True))
            factors = self.rng.uniform(0.6, 1.7, 3) if linear else np.ones(3)
            return _spread(here, [pulled(float(c)) for c in factors])

    def _pulled(self, arrays: Sequence[Any], c: float) -> list[Any]:
        kinds = [np.asarray(a).dtype for a in self.subject.arrays]
        run = self.subject.start([np.asarray(a, d) for a, d in zip(arrays, kinds, strict=True)])
        douts = zip(self.douts, run.outs, strict=True)
        grads = run.pull(*[np.array(c * d, np.asarray(o).dtype) for d, o in douts])
        return [
            np.zeros(np.shape(a)) if g is None else np.array(g, float) / c
            for g, a in zip(grads, arrays, strict=True)
        ]

    def box(self, k: int) -> tuple[Any, Any]:
        """The least and the most of what was seen of one gradient."""
        rows = np.array([row[k] for row in self.rows])
        rows = np.where(np.isfinite(rows), rows, np.nan)
        with np.errstate(all="ignore"):
            return np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)


def _spread(middle: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """How far the gradients in rows are from those in the middle, at most."""
    out = []
    for k, m in enumerate(middle):
        off = [np.abs(row[k] - m) for row in rows if np.shape(row[k]) == np.shape(m)]
        out.append(np.max(np.nan_to_num(off, nan=0.0, posinf=0.0), axis=0) if off else 0.0 * m)
    return out


def _jumps(true: Any, fine: Any, coarse: Any, jump: float) -> Any:
    """Which entries change as much after a fine step to the side as after a coarse one."""
    size = np.abs(true[np.isfinite(true)]).max(initial=0.0)
    size = max(size, np.max(coarse, initial=0.0))
    return (fine > jump * size) & (fine > 0.1 * coarse) & (size > 0)
