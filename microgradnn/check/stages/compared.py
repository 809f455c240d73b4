"""Is a gradient right? Each entry against the true one, by what rounding can do and no more.

There is nothing to tune. An entry is wrong if its *formula*, evaluated in balls of 192 bits, misses
the true derivative, or if its floating-point value lies outside what rounding can do to that
formula: the radius of the same evaluation in balls of the precision of the user's dtype, times a
small factor for other orders of summation and for functions rounded to an ulp, not half of one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..report import Entry, Finding

ROOM = 32.0  # other orders of summation, libm's and BLAS's last bits


@dataclass
class Compared:
    """One argument's gradient beside the truth.

    yours        the float gradient; true, bound: the truth and what it may be wrong by
    formula      the user's formula without rounding, or None; slack: how wide its balls are
    rounding     what rounding may do to it, entry by entry
    terms        what rounding did to a trace: that of the terms, where they cancel
    """

    name: str
    yours: Any
    true: Any
    bound: Any
    formula: Any
    slack: Any
    rounding: Any
    dtype: Any
    terms: Any = 0.0

    def __post_init__(self) -> None:
        info = np.finfo(self.dtype)
        self.eps, self.tiny = float(info.eps), float(info.tiny) * 64
        with np.errstate(all="ignore"):
            # What is zero within its bound is zero by cancellation: of terms whose rounding is
            # known, which is all that may be left of them.
            left = np.nan_to_num(np.maximum(self.rounding, self.terms), nan=0.0, posinf=0.0)
            zero = (np.abs(self.true) <= self.bound) & (self.bound <= 1e-3 * left)
            self.cancelled = zero & (left > self.tiny)
            self.rounding = np.where(self.cancelled, left, self.rounding)
        self.true = np.where(self.cancelled, 0.0, self.true)
        finite = np.abs(self.true[np.isfinite(self.true)])
        self.scale = float(finite.max(initial=0.0))

    def known(self) -> Any:
        """Where the true derivative is finite and its bound is of use."""
        with np.errstate(all="ignore"):
            worth = self.bound <= np.maximum(1e-3 * np.abs(self.true), 1e-6 * self.scale)
            small = worth | (self.bound <= self.tiny) | self.cancelled
            return np.isfinite(self.true) & small

    def tested(self) -> Any:
        """Where a wrong gradient would have shown: the true one is not 0, or cancels to 0."""
        return self.known() & ((self.true != 0) | self.cancelled)

    def allowed(self) -> Any:
        """What |yours - true| may be: rounding of the user's formula and the oracle's bound."""
        with np.errstate(all="ignore"):
            # Sums in another order round otherwise, relative to their largest terms.
            room = ROOM * self.rounding + 16 * self.eps * max(self.scale, 0.0)
            return self.bound + np.where(np.isnan(room), np.inf, room) + self.tiny

    def formula_wrong(self) -> Any:
        """Where the formula itself, without rounding, misses the truth.

        Constants such as 1/3 are rounded before they get here, so a few ulps are forgiven, and
        what few ulps become in an ill-conditioned formula, up to a billionth of the largest entry.
        """
        with np.errstate(all="ignore"):
            room = 4 * np.nan_to_num(self.rounding, nan=np.inf)
            rounded = np.where(self.cancelled, room, np.minimum(room, 1e-9 * self.scale))
            literal = np.maximum(8 * self.eps * np.abs(self.true), rounded)
            miss = np.abs(self.formula - self.true)
            return miss > self.bound + self.slack + literal + self.tiny

    def outside(self) -> Any:
        """Where the float value is not what rounding can make of the truth."""
        with np.errstate(all="ignore"):
            error = np.abs(self.yours - self.true)
            return ~((error <= self.allowed()) | (self.yours == self.true))

    def noisy(self) -> Any:
        """Where digits are lost, though no more than rounding explains: half of them or more."""
        with np.errstate(all="ignore"):
            error = np.abs(self.yours - self.true)
            lost = np.sqrt(self.eps) * np.maximum(np.abs(self.true), 1e-3 * self.scale)
            return (error > lost + self.tiny) & ~self.outside() & ~self.cancelled

    def lost(self) -> Any:
        """Where not one digit is right, and it shows beside cotangents of about 1."""
        with np.errstate(all="ignore"):
            error = np.abs(self.yours - self.true)
            nothing = 0.5 * np.maximum(np.abs(self.true), 1e-3 * self.scale)
            return self.noisy() & (error > nothing) & (error > np.sqrt(self.eps))

    def entry(self, where: Any) -> Entry:
        """The worst of the entries marked in `where`."""
        with np.errstate(all="ignore"):
            error = np.abs(self.yours - self.true)
            rank = np.where(
                np.isfinite(error), error / (np.abs(self.true) + 1e-3 * self.scale), np.inf
            )
        rank = np.where(where, np.nan_to_num(rank, nan=np.inf, posinf=np.inf), -1.0)
        i = np.unravel_index(int(np.argmax(rank)), rank.shape) if rank.ndim else ()
        at = tuple(int(k) for k in i)
        return entry(self, at)

    def smallest(self) -> float:
        """The smallest relative error of a nonzero entry that would have been found here."""
        good = self.known() & (self.true != 0)
        if not good.any():
            return float("inf")
        if self.formula is not None:
            least = 8 * self.eps + (self.bound + self.slack)[good] / np.abs(self.true[good])
        else:
            least = self.allowed()[good] / np.abs(self.true[good])
        return float(np.median(least))


def entry(j: Compared, at: tuple[int, ...], interval: tuple[float, float] | None = None) -> Entry:
    """The numbers at one index."""
    yours, true, bound = float(j.yours[at]), float(j.true[at]), float(j.bound[at])
    error = abs(yours - true)
    unit = float(np.spacing(np.abs(np.asarray(true, j.dtype)))) if np.isfinite(true) else np.nan
    ulps = error / unit if unit > 0 else float("nan")
    return Entry(j.name, at, yours, true, error, ulps, bound, interval)


def findings_about(j: Compared, point: str, method: str, extreme: bool = False) -> list[Finding]:
    """The most severe finding about one gradient at one point; none if it is right."""
    known = j.known()
    wrong = j.formula_wrong() & known if j.formula is not None else np.zeros(j.true.shape, bool)
    outside = j.outside() & known
    with np.errstate(all="ignore"):
        material = wrong & (outside | (np.abs(j.yours - j.true) > 8 * j.eps * np.abs(j.true)))
    holes, noisy = ~np.isfinite(j.yours) & known, j.noisy() & known
    if material.any():
        where, said = material, _wrong(j, material)
    elif holes.any():
        where, said = holes, _holes(j, holes, extreme)
    elif outside.any():
        where, said = outside, _wrong(j, outside)
    elif noisy.any():
        where, said = noisy, _unstable(j, noisy, extreme)
    else:
        return []
    code, verdict, message, hint = said
    return [Finding(
        code, verdict, message, j.name, point, method, j.entry(where), hint, _data(j, where)
    )]  # fmt: skip


Said = tuple[str, str, str, str]  # a finding's code, verdict, message and hint


def _wrong(j: Compared, where: Any) -> Said:
    total, count = where.size, int(where.sum())
    what = "" if total == 1 else f": {count} of {total} entries"
    hint = ("" if j.formula is None else _truncated(j, where)) or _ratio(j, where)
    return "GC201", "FAIL", f"d{j.name} is wrong{what}", hint


def _ratio(j: Compared, where: Any) -> str:
    """A remark where all entries are wrong by one factor."""
    with np.errstate(all="ignore"):
        ratios = (j.yours / j.true)[(np.abs(j.true) > 1e-9 * j.scale) & np.isfinite(j.true)]
    if ratios.size and 1e-12 < np.abs(ratios - 1).max() < 1e-4:
        off = float(np.abs(ratios - 1).max())
        return (
            f"every entry is within {off:.0e} of right: an eps, a clip or a rounded constant that "
            "forward and backward do not share?"
        )
    if ratios.size < 2 or not np.ptp(ratios) <= 1e-9 * np.abs(ratios[0]) or not where.sum() > 1:
        return ""
    factor = float(ratios[0])
    return (
        "" if abs(factor - 1) < 1e-9 else f"yours is {factor:.10g} × the true gradient everywhere"
    )


def _factor(j: Compared) -> float:
    """The one factor by which all entries are wrong; nan if there is none."""
    known, here = j.known(), np.abs(j.true) > 1e-9 * j.scale
    with np.errstate(all="ignore"):
        ratios = (j.yours / j.true)[here & known]
        least = np.abs(j.true[here & known])
        slack = np.maximum(1e-9, 4 * j.bound[here & known] / least)
        rest = np.abs(j.yours[~here]) <= 1e-7 * max(j.scale, np.abs(j.yours).max(initial=0.0))
    if not ratios.size or not known.all() or not rest.all() or not np.isfinite(ratios).all():
        return np.nan
    factor = float(np.median(ratios))
    return factor if (np.abs(ratios - factor) <= slack * abs(factor)).all() else np.nan


def _off(j: Compared) -> float:
    """How far entries are from right at most, if that is the formula's fault; else inf.

    Without a trace of the formula, what is more than a billionth may be a cast as well.
    """
    if j.formula is None:
        with np.errstate(all="ignore"):
            off = np.abs(j.yours - j.true) / np.maximum(np.abs(j.true), 1e-3 * j.scale)
        worst = float(np.nan_to_num(off[j.known()], nan=np.inf).max(initial=0.0))
        return worst if worst < 1e-9 else np.inf
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(j.true), 1e-3 * j.scale)
        off, rounded = (np.abs(j.formula - x) / size for x in (j.true, j.yours))
    worst = float(np.nan_to_num(off, nan=np.inf).max(initial=0.0))
    return worst if rounded.max(initial=0.0) < max(0.5 * worst, 1e-12) else np.inf


def _truncated(j: Compared, where: Any) -> str:
    """A remark where the formula is right and the number is not."""
    if (j.formula_wrong() & where).any():
        return ""
    with np.errstate(all="ignore"):
        near = np.abs(j.yours - j.true) <= 2.0**-22 * np.maximum(np.abs(j.true), 1e-3 * j.scale)
    if near[where].all() and j.eps < 1e-10:
        return "in exact arithmetic it is right: digits are cut off, as by a cast to float32"
    return "in exact arithmetic it is right: a cast or an integer buffer changes the numbers"


def _holes(j: Compared, holes: Any, extreme: bool) -> Said:
    message = f"d{j.name} is not finite in {int(holes.sum())} of {holes.size} entries"
    right = j.formula is not None and not (j.formula_wrong() & holes).any()
    hint = "0·inf, inf/inf or 0/0 on the way; in exact arithmetic it is right" if right else ""
    return (*(("GC303", "UNSTABLE") if extreme else ("GC202", "FAIL")), message, hint)


def _unstable(j: Compared, noisy: Any, extreme: bool) -> Said:
    message = f"d{j.name} loses digits in {int(noisy.sum())} of {noisy.size} entries"
    lost = j.lost() & noisy
    if lost.any() and not extreme:
        message = f"d{j.name} has no right digit in {int(lost.sum())} of {lost.size} entries"
        return "GC203", "FAIL", message, "the formula is right, its evaluation in floats is not"
    hint = "the error is within what rounding of the inputs explains"
    if j.formula is not None:
        hint = "in exact arithmetic the formula is right"
    return (*(("GC303", "PASS") if extreme else ("GC203", "UNSTABLE")), message, hint)


def _data(j: Compared, where: Any) -> dict[str, Any]:
    small = j.true.size <= 400
    return {
        "entries": int(where.sum()), "size": int(where.size),
        "factor": _factor(j), "off": _off(j),
        **({"yours": j.yours, "true": j.true, "bound": j.bound, "wrong": where} if small else {}),
    }  # fmt: skip
