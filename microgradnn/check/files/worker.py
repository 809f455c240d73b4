"""The child's side: loads a file, finds what it holds, checks it and tells the parent."""

import faulthandler
import io
import os
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..codes import OK, selected
from ..dump import add_code, unexpected, words
from ..report import Finding, Report
from ..source import text
from .absent import NotThereError
from .arguments import Found, GuessError
from .found import check_found
from .importing import Loaded
from .keyed import Key, compared, read_key
from .limits import File, Send, Watch, limit_memory
from .opening import FRAMEWORKS, exit_code, failures, found_in, left_out, opened
from .seals import sealed
from .settings import FileError, NothingError, Settings, again
from .warden import stand_guard
from .wire import sender


def _wire(key: bytes) -> tuple[Send, int]:
    """What sends a message to the parent by a pipe that print does not reach, and the pipe.

    What is printed goes where errors go.
    """
    fd, pid, getpid, leave = os.dup(1), os.getpid(), os.getpid, os._exit
    send = sender(fd, key)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # print must not fail for the locale's sake
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def say(**message: Any) -> None:
        if getpid() != pid:  # a fork of the file's own making has come back to us
            leave(0)
        try:
            send(**message)
        except OSError:  # the parent is gone
            leave(1)

    return say, fd


class Side(NamedTuple):
    """What a child finds in a file, by the names asked for, and how it checks one of these."""

    find: Callable[[File, Loaded, list[str]], Sequence[Any]]
    check: Callable[[Any, File, Settings, tuple[str, ...]], Report]


def main(request: dict[str, Any], side: Side | None = None) -> None:
    """Does what child.check_file asks for, and ends the process."""
    key = bytes.fromhex(request.pop("key"))
    stand_guard()
    (send, fd), leave = _wire(key), os._exit
    del key
    file = File(request["file"], request["shown"])
    how = Settings(**{name: request[name] for name in Settings.__dataclass_fields__})
    faulthandler.enable(fd, all_threads=False)
    limit_memory(how.memory)
    _announce_exits(send, file)
    watch = partial(Watch, send, fd, leave, file, how.time_limit)
    try:
        with watch():
            side = side or _side(how)
    except FileError as error:
        send(error=str(error), nothing=False)
    else:
        _work(request, file, how, watch, send, side)
    leave(0)  # whatever threads the file has started


def _side(how: Settings) -> Side:
    """The rules of this room; beside a teacher's key, which is read before the file can run."""
    if not how.key_file:
        return Side(partial(_asked_for, how, None), _checked)
    try:
        key = read_key(Path(how.key_file), how.time_limit / 3, how.seed)
    except BaseException as error:
        text = f"the key {Path(how.key_file).name} cannot be read: {words(error)}"
        raise FileError(text) from None
    return Side(partial(_asked_for, how, key), partial(_checked, key=key))


def _work(
    request: dict[str, Any], file: File, how: Settings, watch: Callable[[], Watch], send: Send,
    side: Side,
) -> None:  # fmt: skip
    """Loads the file and checks what is in it; ends early where it changes what a check uses."""
    changed = sealed()
    try:
        with watch():
            loaded = opened(file, how.time_limit / 3)
            before = changed()
            found = side.find(file, loaded, request["names"])
            notes = (*failures(file, loaded), *left_out(loaded.module))
    except FileError as error:
        changed()
        return send(error=str(error), nothing=isinstance(error, NothingError))
    send(found=[_described(f, loaded.module) for f in found])
    for f in found[request["first"] :] if request["first"] is not None else ():
        send(start=f.name)
        report = None
        if not before:
            with watch():
                report = side.check(f, file, how, notes)
            notes = ()  # they are about the file, and told once
        what = changed() or before
        if report is not None and not what:
            send(report=report.to_dict())
            continue
        send(changed=what)
        if not before:
            break  # the next ones get a new process
    send(end=True)


def _asked_for(
    how: Settings, key: Key | None, file: File, loaded: Loaded, names: list[str]
) -> list[Found]:
    """What is to be checked; with a key the arguments that the file itself says do not count."""
    if key is not None:
        loaded.module.GRADCHECK = key.table  # type: ignore[attr-defined]
        vars(loaded.module).pop("gradcheck_inputs", None)
    found = found_in(file, loaded, names)
    return [f for f in found if not how.graded or f.names() & set(how.graded)]


def _described(found: Any, module: ModuleType) -> dict[str, Any]:
    """What a list shows of it; and the points that its GRADCHECK gives it, if it does."""
    table = getattr(module, "GRADCHECK", None)
    entry = table.get(found.name) if isinstance(table, dict) else None
    points = entry.get("points") if isinstance(entry, dict) else None
    about = {"name": found.name, "line": found.line, "what": found.style}
    if points is None:
        return about
    plain = points if isinstance(points, (bool, int, float)) else repr(points)
    return {**about, "points": plain}


def _announce_exits(send: Send, file: File) -> None:
    exit_, pid = os._exit, os.getpid()

    def leave(status: int) -> Any:
        if os.getpid() == pid:
            line, function = file.innermost(sys._getframe(1))
            send(exit=str(status)[:80], line=line, function=function)
        exit_(status)

    os._exit = leave


# ---- a function ----------------------------------------------------------------------------------


def _checked(
    found: Found, file: File, how: Settings, notes: tuple[str, ...], key: Key | None = None
) -> Report:
    """The report of check_found; also where the file does what only a child process survives."""
    random.seed(how.seed)
    np.random.seed(how.seed % 2**32)
    try:
        asked = {"certify": True} if how.certify else {}
        report = check_found(found, seed=how.seed, select=how.select, ignore=how.ignore, **asked)
    except BaseException as error:
        finding = _finding(error, found.name, file)
        report = Report(found.name, (finding,), (finding.code,), seed=how.seed)
    wanted = selected("GC212", how.select, how.ignore)
    if key is not None and wanted and report.verdict != "NOT_WRITTEN":
        more = compared(found, key, report.conventional)
        report = replace(report, findings=(*report.findings, *more))
    code = "\n".join(text(f) for f in (found.forward, found.backward) if f is not None)
    for finding in report.findings:
        add_code(finding, code)
    framework = _written_for(found) if found.thing is None else ""
    report = replace(report, findings=tuple(_excused(f, framework) for f in report.findings))
    command = again(file.shown, found.name, how)
    return replace(report, reproduce=command, notes=(*report.notes, *notes))


def _excused(finding: Finding, framework: str) -> Finding:
    """A finding that is about what the file has not got, or about code that is not NumPy's."""
    if finding.data.get("exception") in ("NotThereError", "ModuleNotFoundError"):
        return replace(finding, code="GC204", verdict="INCONCLUSIVE")
    if framework and finding.verdict not in OK:
        text = (
            f"this is written for {framework}: of that autograd.Functions, functions with a custom "
            "gradient, and what uses them are checked"
        )
        return Finding("GC204", "INCONCLUSIVE", text, hint=f"not believed: {finding.message}")
    return finding


def _written_for(found: Found) -> str:
    """The framework whose functions or classes the code uses, or ""."""
    for function in (found.forward, found.backward, found.cls):
        for thing in (*getattr(found.cls, "__mro__", ()), *_used(function)):
            name = thing.__name__ if isinstance(thing, ModuleType) else type(thing).__module__
            for home in (name, str(getattr(thing, "__module__", ""))):
                if home.partition(".")[0] in FRAMEWORKS:
                    return home.partition(".")[0]
    return ""


def _used(function: Any) -> list[Any]:
    """What the global names in a function's code stand for."""
    code, scope = getattr(function, "__code__", None), getattr(function, "__globals__", {})
    return [scope[name] for name in code.co_names if name in scope] if code else []


def _finding(error: BaseException, name: str, file: File) -> Finding:
    """What there is to say where a check raises."""
    where = file.raised(error)
    if isinstance(error, GuessError):
        first, *rest = str(error).removeprefix("check: ").splitlines()  # how to say it, at the end
        hint = "\n      ".join(map(str.strip, rest))
        return Finding("GC204", "INCONCLUSIVE", first, hint=hint)
    if isinstance(error, NotThereError):
        return Finding("GC204", "INCONCLUSIVE", f"{error}, at {where}")
    if isinstance(error, ModuleNotFoundError):
        what = f"needs {error.name}, which is not installed here, at {where}"
        return Finding("GC204", "INCONCLUSIVE", what)
    if isinstance(error, SystemExit):
        return Finding("GC001", "CONTRACT", f"calls sys.exit({exit_code(error)}), at {where}")
    if where == file.shown and isinstance(error, Exception):
        return unexpected(error, name, {})
    return Finding("GC001", "CONTRACT", f"raises {words(error)}, at {where}")
