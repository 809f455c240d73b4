"""What one submission gets: a mark for each function, and why."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import ConfigError
from ..codes import OK
from ..files.child import FileError, NothingError, Settings, check_file
from ..files.settings import StoppedError
from ..printable import clean
from ..report import Report
from .worth import Points

# What there is to say of a function in one or two words, from the best to the worst.
STATUS = ("right", "wrong", "not written", "missing", "not readable", "unclear")
Found = dict[str, list[tuple[str, Report]]]  # of each function the files and their reports
_OF_VERDICT = {"NOT_WRITTEN": "not written", "INCONCLUSIVE": "unclear", "NOTHING": "unclear"}


@dataclass(frozen=True)
class Mark:
    """What one function gets.

    status   one of STATUS; unclear is for the teacher to look at
    text     the report, with no more help than was allowed
    mistake  the mistake by its name, for the teacher
    """

    name: str
    worth: float
    score: float
    status: str
    verdict: str
    text: str
    mistake: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether it is right; what is worth nothing may be right, too."""
        return self.status == "right"


@dataclass(frozen=True)
class Grade:
    """What one submission gets; `errors` say what of it could not be read, `notes` what else."""

    submission: str
    marks: tuple[Mark, ...]
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """The points earned."""
        return round(sum(m.score for m in self.marks), 9)

    @property
    def total(self) -> float:
        """The points there are."""
        return round(sum(m.worth for m in self.marks), 9)

    def to_dict(self) -> dict[str, Any]:
        """The grade as dicts, lists, strings and numbers."""
        return asdict(self)

    @staticmethod
    def from_dict(d: dict[str, Any]) -> "Grade":
        """What to_dict made; raises KeyError or TypeError if it did not."""
        marks = tuple(Mark(**m) for m in d["marks"])
        rest = {name: tuple(d[name]) for name in ("errors", "notes")}
        return Grade(d["submission"], marks, seconds=float(d["seconds"]), **rest)

    def told(self) -> str:
        """In one line: "7 of 10: affine right, relu wrong"."""
        words = ", ".join(f"{m.name} {m.status}" for m in self.marks)
        return clean(f"{number(self.score)} of {number(self.total)}: {words}")

    def feedback(self) -> str:
        """All that there is to say to the student."""
        parts = [f"{number(self.score)} of {number(self.total)} points", *self.errors]
        parts += [f"{_earned(m)}\n{m.text}" for m in self.marks]
        return "\n\n".join([*parts, *self.notes]) + "\n"


def _earned(m: Mark) -> str:
    return f"{m.name}: {m.status}, {number(m.score)} of {number(m.worth)}"


def number(x: float) -> str:
    """Points as people write them: 3, 2.5."""
    return f"{x:.10g}"


def grade(
    submission: str, files: Sequence[str], points: Points, how: Settings, hints: str = "fix", *,
    limit: float = 0.0, started: Callable[[str], None] = lambda name: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Grade:  # fmt: skip
    """The grade of a submission that consists of these files.

    `limit` is how many seconds all of it may take, 0 for any number. Raises StoppedError once
    `stopped` says so, and ConfigError for points of what has another name.
    """
    start, found, errors = time.monotonic(), Found(), list[str]()
    how = replace(how, graded=tuple(points.worth))

    def over() -> bool:
        return stopped() or bool(limit) and time.monotonic() - start > limit

    why = ("missing", "")
    for file in files:
        try:
            _look(file, found, points, how, started, over)
        except NothingError:
            continue
        except FileError as error:
            errors.append(clean(str(error)))
            why = ("not readable", errors[-1])
        except StoppedError:
            if stopped():
                raise
            errors.append(f"not done within {limit:g} s: what is left was not checked")
            why = ("unclear", errors[-1])
            break
    marks = tuple(_mark(name, found.get(name, []), points, hints, *why) for name in points.worth)
    notes = dict.fromkeys(n for each in found.values() for _, r in each for n in r.notes)
    told = tuple(n for n in notes if n.startswith("went on without "))
    return Grade(submission, marks, tuple(errors), told, round(time.monotonic() - start, 3))


def _look(
    file: str, found: Found, points: Points, how: Settings, started: Callable[[str], None],
    over: Callable[[], bool],
) -> None:  # fmt: skip
    """Adds the reports on a file to what was found."""
    with closing(check_file(file, (), how, started, stopped=over)) as reports:
        for report in reports:
            if report.name not in points.worth:  # it was found by another of its names
                text = f"points: {report.name} is named otherwise; write {report.name!r}"
                raise ConfigError(f"{text}, as check --list does")
            found.setdefault(report.name, []).append((file, report))
            if over():
                raise StoppedError(f"{file}: stopped")


def _mark(
    name: str, reports: list[tuple[str, Report]], points: Points, hints: str, absent: str, why: str
) -> Mark:
    """`absent` and `why` are the status and the text of what no report came of."""
    worth = points.worth[name]
    if not reports:
        text = why or f"{name} is not in the submission"
        return Mark(name, worth, 0.0, absent, "MISSING", text)
    if len(reports) > 1:
        files = " and ".join(sorted(Path(file).name for file, _ in reports))
        return Mark(name, worth, 0.0, "unclear", "MISSING", f"{name} is in {files}: which counts?")
    report = reports[0][1]
    wrong = "right" if report.verdict in OK else "wrong"
    status = _OF_VERDICT.get(report.verdict, wrong)
    if points.strict and report.conventional:
        status = "wrong"
    named = (f.message for f in report.findings if f.code in ("GC401", "GC212", "GC001"))
    mistake = clean(next(named, "")) if status == "wrong" else ""
    text = str(report.hinted(hints))
    return Mark(name, worth, points.earned(name, report.verdict), status, report.verdict, text,
                mistake, report.seconds)  # fmt: skip
