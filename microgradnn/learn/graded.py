"""A learner's file graded, in a child process of the checker: its time limit, its signed reports.

main() is the child's side.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..check.files import worker
from ..check.files.child import check_file
from ..check.files.importing import Loaded
from ..check.files.limits import File
from ..check.files.opening import failures
from ..check.files.settings import Settings
from ..check.report import Report
from .exercise import Exercise, Part, Told, told
from .shelf import BY_NUMBER

SECONDS = 20.0  # for loading a file, and for each part


@dataclass(frozen=True)
class PartOfFile:
    """A part in a loaded file, in the form in which a child announces it."""

    part: Part
    loaded: Loaded
    line: int = 0
    style: str = "exercise"

    @property
    def name(self) -> str:
        """The part's name."""
        return self.part.name


def grade(path: str, exercise: Exercise, seconds: float = SECONDS) -> Iterator[Told]:
    """What there is to say of each part of an exercise in a file, as it gets known.

    Raises FileError where there is no such file, or it cannot be loaded.
    """
    how = Settings(time_limit=seconds)
    for report in check_file(path, [exercise.number], how, worker=__name__):
        yield told(report)


def _find(file: File, loaded: Loaded, names: list[str]) -> list[PartOfFile]:
    return [PartOfFile(part, loaded) for part in BY_NUMBER[names[0]].parts]


def _check(place: PartOfFile, file: File, how: Settings, notes: tuple[str, ...]) -> Report:
    said = place.part.grade(place.loaded.module)
    lost = failures(file, place.loaded)
    if said.cause in ("missing", "raises") and lost:  # why the file did not run to its end
        said = Told(said.part, "raises", {
            "call": file.shown, "error": lost[0].removeprefix("went on without "), "line": "?",
        } | dict(said.words) if said.cause == "raises" else {
            "call": file.shown, "error": lost[0].removeprefix("went on without "), "line": "?",
        })  # fmt: skip
    return said.to_report()


def main(request: dict[str, Any]) -> None:
    """Does in a child what grade asks for."""
    sys.setrecursionlimit(1000)
    worker.main(request, worker.Side(_find, _check))
