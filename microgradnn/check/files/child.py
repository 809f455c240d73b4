"""Files checked in a child process, which may hang or crash: the parent's side of it."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..report import Report
from .process import Child
from .settings import FileError, NothingError, Settings, again

__all__ = ["FileError", "NothingError", "Settings", "again", "check_file", "list_file"]

DEFAULT = Settings()
WORKER = "microgradnn.check.files.worker"  # whose main() is the child's side


def check_file(
    path: str, names: Sequence[str] = (), how: Settings = DEFAULT,
    started: Callable[[str], None] = lambda name: None, worker: str = WORKER,
    stopped: Callable[[], bool] = lambda: False,
) -> Generator[Report, None, None]:  # fmt: skip
    """The reports on what a Python file holds, or on `names` in it, as they get ready.

    `started` is called with the name of what is checked next. What hangs or crashes gets a report
    too, and a new child goes on with the rest. `worker` is the module whose main() finds and checks
    in the child, if not by the rules of this room. Raises FileError if the file cannot be loaded,
    and StoppedError once `stopped` says so.
    """
    left: list[str] | None = None  # not known before the first child has looked
    done = 0
    while left is None or left:
        name, first = "", done
        request = _request(path, names, how, first=done)
        with closing(Child({**request, "worker": worker}, stopped)) as child:
            for message in child.messages():
                _raise_error(message)
                if "found" in message and left is None:
                    left = _names(message["found"])
                elif "start" in message:
                    name = message["start"]
                    started(name)
                elif left and {"report", "changed"} & set(message):
                    report = child.told(message, left[0], how)
                    left, done, name = left[1:], done + 1, ""
                    yield report
        if left is None:
            raise child.unloadable()
        if left and not ("end" in child.last and done > first):
            yield child.report(name or left[0], how)
            left, done = left[1:], done + 1


def list_file(
    path: str, names: Sequence[str] = (), how: Settings = DEFAULT
) -> list[dict[str, Any]]:
    """What would be checked: dicts with "name", "line" and "what". Raises FileError."""
    with closing(Child(_request(path, names, how, first=None))) as child:
        for message in child.messages():
            _raise_error(message)
            if "found" in message:
                return message["found"]
    raise child.unloadable()


def _names(found: list[Any]) -> list[str]:
    return [str(f["name"]) for f in found if isinstance(f, dict)]


def _raise_error(message: dict[str, Any]) -> None:
    if "error" in message:
        raise (NothingError if message["nothing"] else FileError)(message["error"])


def _request(path: str, names: Sequence[str], how: Settings, first: int | None) -> dict[str, Any]:
    """What a child is to do, from the first-th function on; FileError where it need not try."""
    file = Path(path)
    if file.is_dir():
        raise FileError(f"{path}: is a folder and has no parts: name a file in it")
    if not file.is_file():
        raise FileError(f"{path}: no such file")
    what = {"file": str(file.resolve()), "shown": path, "names": list(names), "first": first}
    return {**what, **asdict(how), "worker": WORKER}
