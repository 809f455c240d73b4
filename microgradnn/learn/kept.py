"""What is remembered of a learner's work: one small file for each exercise."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import DataError
from .exercise import Told


@dataclass
class Kept:
    """What is remembered of one exercise.

    file    where the learner's file was last seen
    right   parts that were right at the last check; tries: how many checks there were
    causes  what was wrong at the last check, by part
    words   what is put into the texts on it, by part
    hints   how many hints were shown, by "part cause"
    """

    file: str = ""
    right: list[str] = field(default_factory=list)
    tries: int = 0
    causes: dict[str, str] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)


def folder() -> Path:
    """The folder of the user's state: $XDG_STATE_HOME, %LOCALAPPDATA% or ~/.local/state."""
    home = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(home):  # as the XDG rules say
        local = os.environ.get("LOCALAPPDATA", "")
        home = local or str(Path.home() / ".local" / "state")
    return Path(home) / "microgradnn" / "exercises"


def kept(number: str) -> Kept:
    """What is remembered of an exercise; an empty Kept if nothing is.

    Raises DataError for a file that is damaged; it is left as it is.
    """
    path = folder() / f"{number}.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        raise _unusable("read from", path, error) from None
    except ValueError as error:
        raise _damaged(path, type(error).__name__) from None
    if not isinstance(data, dict):
        raise _damaged(path, f"a {type(data).__name__}")
    made = Kept()
    for f in fields(Kept):
        found, wanted = data.get(f.name), getattr(made, f.name)
        if found is None:
            continue
        if type(found) is not type(wanted) or not _plain(f.name, found):
            raise _damaged(path, f"{f.name!r} is a {type(found).__name__} of something else")
        setattr(made, f.name, found)
    return made


def _plain(name: str, found: Any) -> bool:
    """Whether what a field holds is what it should hold."""
    inner = {"hints": int, "words": dict}.get(name, str)
    values = found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
    if not all(type(v) is inner for v in values):
        return False
    return name != "words" or all(type(w) is str for v in values for w in v.values())


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"exercise: {path} is damaged ({why}) and was left as it is; mend it, or move it away to "
        "begin that exercise anew"
    )


def keep(number: str, what: Kept) -> None:
    """Remembers it. Raises DataError where the file cannot be written."""
    path = folder() / f"{number}.json"
    try:
        write_atomically(path, json.dumps(asdict(what), ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise _unusable("written to", path, error) from None


def _unusable(what: str, path: Path, error: OSError) -> DataError:
    return DataError(
        f"exercise: progress cannot be {what} {path} ({error.strerror or error}); set "
        "XDG_STATE_HOME to a folder that can be read and written"
    )


def learnt(number: str, found: Sequence[Told], file: str = "") -> None:
    """Remembers what a check found: of the parts that it was about."""
    what = kept(number)
    seen = {f.part for f in found}
    what.file, what.tries = file or what.file, what.tries + 1
    what.right = [p for p in what.right if p not in seen] + [f.part for f in found if not f.cause]
    for f in found:
        what.causes.pop(f.part, None)
        what.words.pop(f.part, None)
        if f.cause:
            what.causes[f.part], what.words[f.part] = f.cause, dict(f.words)
    keep(number, what)


def next_hint(number: str, part: str, cause: str, count: int) -> int:
    """The number of the hint to show now, from 1; it is remembered, and stays at the last one."""
    what = kept(number)
    key = f"{part} {cause}"
    what.hints[key] = min(what.hints.get(key, 0) + 1, count)
    keep(number, what)
    return what.hints[key]
