"""Files checked in a child process, which may hang or crash: the parent's side of it."""

import shlex
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ...engine.errors import CheckError, ConfigError, DataError
from ..report import Entry, Finding, Report
from .child import Child, Ending


class FileError(CheckError, DataError):
    """A file cannot be loaded, or holds nothing to check."""


class NothingError(FileError):
    """A file was loaded, but holds nothing to check."""


@dataclass(frozen=True)
class Settings:
    """How files are checked.

    time_limit  seconds for loading a file, and for each function in it
    memory      bytes that the child may use (on Linux); 0 for three quarters of the machine's
    verbose     lets the file's own output through, to stderr
    """

    seed: int = 0
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    time_limit: float = 60.0
    memory: int = 0
    verbose: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.time_limit <= 1e6:
            raise ConfigError(f"time limit: {self.time_limit} s, need more than 0, at most 1e6")
        if self.seed < 0:
            raise ConfigError(f"seed: {self.seed}, need a whole number from 0 on")
        if self.memory < 0:
            raise ConfigError(f"memory limit: {self.memory} bytes, need 0 (automatic) or more")


DEFAULT = Settings()


def check_file(
    path: str, names: Sequence[str] = (), how: Settings = DEFAULT,
    started: Callable[[str], None] = lambda name: None,
) -> Generator[Report, None, None]:  # fmt: skip
    """The reports on what a Python file holds, or on `names` in it, as they get ready.

    `started` is called with the name of what is checked next. What hangs or crashes gets a report
    too, and a new child goes on with the rest. Raises FileError if the file cannot be loaded.
    """
    left: list[str] | None = None  # not known before the first child has looked
    done = 0
    while left is None or left:
        name = ""
        with closing(Child(_request(path, names, how, first=done))) as child:
            for message in child.messages():
                _raise_error(message)
                if "found" in message and left is None:
                    left = [found["name"] for found in message["found"]]
                elif "start" in message:
                    name = message["start"]
                    started(name)
                elif "report" in message and left:
                    left, done, name = left[1:], done + 1, ""
                    yield report_from_dict(message["report"])
        if left is None:
            raise FileError(_line(path, child.ending("while it is loaded")))
        if left:
            yield _report(path, name or left[0], how, child)
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
    raise FileError(_line(path, child.ending("while it is loaded")))


def _raise_error(message: dict[str, Any]) -> None:
    if "error" in message:
        raise (NothingError if message["nothing"] else FileError)(message["error"])


def report_from_dict(d: dict[str, Any]) -> Report:
    """The Report that to_dict() made d from; numbers may be strings ("nan", "inf")."""
    kept = {f.name: d[f.name] for f in fields(Report) if f.name in d}
    kept["findings"] = tuple(
        Finding(**{**f, "worst": _entry(f["worst"]) if f.get("worst") else None})
        for f in d.get("findings", ())
    )
    for name in ("checks", "points", "notes"):
        kept[name] = tuple(d.get(name, ()))
    kept["smallest"] = {k: float(v) for k, v in d.get("smallest", {}).items()}
    kept["coverage"] = {k: (int(a), int(b)) for k, (a, b) in d.get("coverage", {}).items()}
    kept["seconds"] = float(d.get("seconds", 0))
    return Report(**kept)


def _entry(d: dict[str, Any]) -> Entry:
    yours, true, error, ulps, bound = (
        float(d[k]) for k in ("yours", "true", "error", "ulps", "bound")
    )
    low, high = d.get("interval") or (None, None)
    interval = None if low is None or high is None else (float(low), float(high))
    return Entry(d["argument"], tuple(d["index"]), yours, true, error, ulps, bound, interval)


def again(shown: str, name: str, how: Settings) -> str:
    """The command that checks one function of a file again."""
    seed = ["--seed", str(how.seed)] if how.seed else []
    return shlex.join(["python", "-m", "microgradnn", "check", f"{shown}::{name}", *seed])


def _request(path: str, names: Sequence[str], how: Settings, first: int | None) -> dict[str, Any]:
    """What a child is to do, from the first-th function on; FileError where it need not try."""
    file = Path(path)
    if file.is_dir():
        raise FileError(f"{path}: is a directory; name the Python files in it")
    if not file.is_file():
        raise FileError(f"{path}: no such file")
    if file.suffix == ".ipynb":
        raise FileError(
            f"{path}: is a notebook; make a Python file of it with jupyter nbconvert --to script"
        )
    what = {"file": str(file.resolve()), "shown": path, "names": list(names), "first": first}
    return {**what, **asdict(how)}


def _line(path: str, end: Ending) -> str:
    at = f":{end.line}" if end.line else ""
    return f"{path}{at}: {end.what}" + (f" ({end.hint})" if end.hint else "")


def _report(path: str, name: str, how: Settings, child: Child) -> Report:
    end = child.ending(f"while {name} is checked")
    at = f", at {path}:{end.line} in {end.function}" if end.line else ""
    code, verdict = ("GC204", "INCONCLUSIVE") if end.slow else ("GC001", "CONTRACT")
    return Report(
        name,
        (Finding(code, verdict, end.what + at, hint=end.hint),),
        (code,),
        seed=how.seed,
        seconds=end.seconds,
        reproduce=again(path, name, how),
    )
