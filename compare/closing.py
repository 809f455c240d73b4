"""What a comparison says at its end, in plain words: what is wrong first."""

from collections.abc import Sequence

from .known_differences import differences
from .row import Row

POOR = 1e-3  # relative error of an array that is within its bound and yet worth a word


def sentences(rows: Sequence[Row]) -> list[str]:
    """The failures, what is known, what has few digits, and one sentence about all."""
    ran = [row for row in rows if not row.verdict.startswith("not run")]
    bad = [row for row in ran if not row.good]
    lines = [f"{row.framework}, {row.task}: {row.verdict}" for row in bad]
    reasons = {one.id: one.reason for one in differences()}
    for known in dict.fromkeys(one for row in ran for one in row.known):
        where = ", ".join(f"{row.framework} in {row.task}" for row in ran if known in row.known)
        lines.append(f"known difference {known} ({where}): {reasons[known]}")
    lines += [_poor(row) for row in ran if row.good and row.poorest.relative > POOR]
    return [*lines, last(ran, bad)]


def _poor(row: Row) -> str:
    """Few digits are right, and no rule is wrong: the formula itself loses them."""
    off, where, theirs, expected = row.poorest
    return (
        f"{row.framework}, {row.task}: {where} is {theirs:.3g} where {expected:.3g} is right, "
        f"{100 * off:.2g} % off: its formula loses these digits to rounding"
    )


def last(ran: Sequence[Row], bad: Sequence[Row]) -> str:
    """How many agree."""
    names = list(dict.fromkeys(row.framework for row in ran))
    tasks = len({row.task for row in ran})
    if not ran:
        return "nothing was run"
    what = f"{_count(len(names), 'framework')}, {_count(tasks, 'task')}"
    if not bad:
        known = " but for the known differences" if any(row.known for row in ran) else ""
        return f"{what}: all right within the rounding of every single layer{known}"
    where = ", ".join(f"{row.framework} in {row.task}" for row in bad)
    good = len(ran) - len(bad)
    return f"{what}: {good} of {len(ran)} runs right within rounding; not {where}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + "s" * (n != 1)
