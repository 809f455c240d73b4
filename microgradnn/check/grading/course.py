"""The submissions of a class: each in processes of its own, several at once, none twice.

They are graded here, or by the workers of a Dask cluster.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ...atomic import write_atomically
from ...errors import ConfigError
from ...workers import workers
from ..files.child import Settings
from ..files.settings import StoppedError
from ..printable import clean
from .marks import Grade, grade
from .remote import Parcel, contents, opened
from .worth import Points

CODE = (".py", ".ipynb")
_NOT_OURS = {"venv", "env", "site-packages", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Submission:
    """What one student, or one group, has handed in: its name, and its files."""

    name: str
    files: tuple[str, ...]

    def root(self) -> Path:
        """Its folder, or its only file."""
        first = Path(*self.files[:1])
        return next((p for p in first.parents if p.name == self.name), first)

    def digest(self) -> str:
        """Of the names and the bytes of the files."""
        total = hashlib.sha256()
        for file in self.files:
            try:
                content = Path(file).read_bytes()
            except OSError as error:
                content = type(error).__name__.encode()
            for part in (os.fsencode(Path(file).name), content):
                total.update(len(part).to_bytes(8) + part)
        return total.hexdigest()


@dataclass(frozen=True)
class Course:
    """How a class is graded.

    limit   seconds for one submission, 0 for any number
    out     the folder where results are kept: what is there already is not graded again
    scheduler  the address of a Dask scheduler whose workers grade, "" for this machine
    """

    points: Points
    how: Settings
    hints: str
    limit: float
    out: Path
    scheduler: str = ""
    stop: threading.Event = field(default_factory=threading.Event)

    def digest(self) -> str:
        """Of all that decides about grades but the submissions."""
        how = {**asdict(self.how), "key_file": "", "verbose": False, "graded": ()}
        key = Path(self.how.key_file).read_bytes().hex() if self.how.key_file else ""
        said = [self.points.to_dict(), how, self.hints, self.limit, key, _library()]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def grade(self, submission: Submission) -> Grade:
        """The grade of one submission; raises StoppedError after Ctrl-C."""
        return grade(
            submission.name, submission.files, self.points, self.how, self.hints,
            limit=self.limit, stopped=self.stop.is_set,
        )  # fmt: skip

    def submitted(self, pool: Executor, submission: Submission) -> "Future[Grade]":
        """The grade to come, of this machine or of the cluster."""
        if not self.scheduler:
            return pool.submit(self.grade, submission)
        return pool.submit(_elsewhere, self.parcel(submission))

    def parcel(self, submission: Submission) -> Parcel:
        """A submission and all that its grade depends on, to be sent."""
        root = submission.root()
        base = root if root.is_dir() else root.parent
        key = Path(self.how.key_file) if self.how.key_file else None
        return Parcel(
            submission.name, contents(root, submission.files) if submission.files else {},
            tuple(Path(f).relative_to(base).as_posix() for f in submission.files),
            (key.name, key.read_bytes()) if key else None,
            self.points, self.how, self.hints, self.limit, _library(),
        )  # fmt: skip


def _elsewhere(parcel: Parcel) -> Grade:
    """What a worker runs."""
    return opened(parcel, _library())


@cache
def _library() -> str:
    """A digest of this library, whose changes may change a verdict."""
    total = hashlib.sha256()
    for path in sorted(Path(__file__).parents[2].rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()


# ---- what there is -------------------------------------------------------------------------------


def submissions(folder: Path, key: str = "") -> list[Submission]:
    """The submissions in a folder: its files, and its folders with all their files.

    Of a folder that holds a file of the key's name only that counts. Raises ConfigError if there
    are none.
    """
    mine = Path(key).resolve() if key else None
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _NOT_OURS or path.resolve() == mine:
            continue
        if path.is_dir():
            found.append(Submission(path.name, tuple(files_in(path, Path(key).name))))
        elif path.suffix in CODE:
            found.append(Submission(path.name, (str(path),)))
    if not found:
        raise ConfigError(f"check --class: no Python files, notebooks or folders in {folder}")
    return found


def files_in(folder: Path, wanted: str = "") -> list[str]:
    """The Python files and notebooks in a folder and below; those of a wanted name if there are."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in CODE and path.is_file()
        and not any(p in _NOT_OURS or p.startswith(".") for p in path.relative_to(folder).parts)
    ]  # fmt: skip
    named = [path for path in found if wanted and path.name == wanted]
    return [str(path) for path in named or found]


# ---- grading -------------------------------------------------------------------------------------


def graded(course: Course, given: list[Submission], jobs: int) -> Iterator[tuple[Grade, bool]]:
    """The grades as they get ready, and whether an earlier run has left them.

    After Ctrl-C what is running ends, and KeyboardInterrupt goes on; what is done has been kept.
    """
    digest = course.digest()
    left = []
    for submission in given:
        old = kept(course.out, submission, digest)
        if old is None:
            left.append(submission)
        else:
            yield old, True
    if not left:
        return
    with workers(jobs, course.scheduler) as pool:
        try:
            waiting = {course.submitted(pool, s): s for s in left}
            while waiting:
                done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    submission = waiting.pop(future)
                    result = _result(future, course, submission)
                    keep(course.out, submission, digest, result)
                    yield result, False
        finally:
            course.stop.set()


def _result(future: "Future[Grade]", course: Course, submission: Submission) -> Grade:
    try:
        return future.result()
    except StoppedError:  # it is stopped only by what is on its way here
        raise KeyboardInterrupt from None
    except ConfigError:
        raise
    except Exception:  # its workers died again and again: here it has limits of its own
        if not course.scheduler:
            raise
        return course.grade(submission)


def place(out: Path, submission: str, kind: str, suffix: str) -> Path:
    """Where something about a submission is kept: out/kind/NAME-HASH.suffix."""
    safe = re.sub(r"[^\w.-]", "_", clean(submission), flags=re.ASCII)[:80]
    mark = hashlib.sha256(os.fsencode(submission)).hexdigest()[:8]
    return out / kind / f"{safe}-{mark}.{suffix}"


def keep(out: Path, submission: Submission, digest: str, result: Grade) -> None:
    """Writes a grade where kept() finds it."""
    text = {"digest": [digest, submission.digest()], "grade": result.to_dict()}
    path = place(out, submission.name, "results", "json")
    write_atomically(path, json.dumps(text, indent=1).encode("utf-8", "surrogateescape"))


def kept(out: Path, submission: Submission, digest: str) -> Grade | None:
    """The grade that an earlier run left, if nothing has changed since."""
    path = place(out, submission.name, "results", "json")
    try:
        text: dict[str, Any] = json.loads(path.read_bytes())
        if text["digest"] == [digest, submission.digest()]:
            return Grade.from_dict(text["grade"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # none, half a file, or one of another version
    return None
