"""The child's side: loads a file, finds what it holds, checks it and tells the parent."""

import faulthandler
import io
import os
import random
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..dump import add_code, unexpected, words
from ..report import Finding, Report
from ..source import text
from .arguments import Found, GuessError, find
from .discover import bases
from .found import check_found
from .importing import load
from .limits import File, Send, Watch, limit_memory
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


def main(request: dict[str, Any]) -> None:
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
    _work(request, file, how, lambda: Watch(send, fd, leave, file, how.time_limit), send)
    leave(0)  # whatever threads the file has started


def _work(
    request: dict[str, Any], file: File, how: Settings, watch: Callable[[], Watch], send: Send
) -> None:
    """Loads the file and checks what is in it; ends early where it changes what a check uses."""
    changed = sealed()
    try:
        with watch():
            module, absent = _loaded(file)
            before = changed()
            found = _found(file, module, absent, request["names"])
            notes = _left_out(module)
    except FileError as error:
        changed()
        send(error=str(error), nothing=isinstance(error, NothingError))
        return
    send(found=[{"name": f.name, "line": f.line, "what": f.style} for f in found])
    for f in found[request["first"] :] if request["first"] is not None else ():
        send(start=f.name)
        report = None
        if not before:
            with watch():
                report = _checked(f, file, how, notes)
            notes = ()  # they are about the file, and told once
        what = changed() or before
        if report is not None and not what:
            send(report=report.to_dict())
            continue
        send(changed=what)
        if not before:
            break  # the next ones get a new process
    send(end=True)


def _announce_exits(send: Send, file: File) -> None:
    exit_, pid = os._exit, os.getpid()

    def leave(status: int) -> Any:
        if os.getpid() == pid:
            line, function = file.innermost(sys._getframe(1))
            send(exit=str(status)[:80], line=line, function=function)
        exit_(status)

    os._exit = leave


# ---- the file ------------------------------------------------------------------------------------


def _loaded(file: File) -> tuple[ModuleType, list[str]]:
    """The module, and the packages that are not installed; FileError for what its code raises."""
    try:
        return load(Path(file.path))
    except SyntaxError as error:
        raise FileError(_syntax(file, error)) from None
    except SystemExit as error:
        raise FileError(
            f"{file.raised(error)}: calls sys.exit({_code(error)}) while it is loaded; put what is "
            'to run as a program under if __name__ == "__main__":'
        ) from None
    except BaseException as error:
        raise FileError(_told(file, error)) from None


def _found(file: File, module: ModuleType, absent: list[str], names: list[str]) -> list[Found]:
    try:
        if find(module):
            return find(module, names)
    except ConfigError as error:  # a name that is not there
        raise FileError(f"{file.shown}: {error}") from None
    except BaseException as error:  # of classes that are not what they seem
        raise FileError(_told(file, error)) from None
    raise NothingError(
        f"{file.shown}: nothing to check: no pair like affine_forward and affine_backward, no "
        f"class with forward and backward, no loss function that returns gradients{_why(absent)}"
        + "".join(f"; {text}" for text in _left_out(module))
    )


def _left_out(module: ModuleType) -> tuple[str, ...]:
    """What to say of classes that are not checked themselves."""
    return tuple(f"{name} is a base class of others: it is not checked" for name in bases(module))


def _why(absent: list[str]) -> str:
    """What may be the reason that nothing was found."""
    other = next((name for name in ("torch", "jax", "tensorflow") if name in sys.modules), None)
    if other is not None:
        return f"; it is written for {other}, and only NumPy code is read"
    return f"; not installed here: {', '.join(absent)}" if absent else ""


def _told(file: File, error: BaseException) -> str:
    hint = "; there is no input while a file is checked" if isinstance(error, EOFError) else ""
    trace = error.__traceback__
    where = file.raised(error)
    while where == file.shown and trace is not None:  # the __init__.py of its package, perhaps
        name = trace.tb_frame.f_code.co_filename
        inside = Path(name).is_file() and name != __file__
        where = f"{name}:{trace.tb_lineno}" if inside and trace.tb_next is None else where
        trace = trace.tb_next
    return f"{where}: {words(error)}{hint}"


def _code(error: SystemExit) -> str:
    return "" if error.code is None else repr(error.code)[:80]


# What Python 3 says of print "x", exec "x", except A, e, and 0777.
_PYTHON_2 = re.compile(
    "call to '(print|exec)'|multiple exception types must|leading zeros in decimal"
)


def _syntax(file: File, error: SyntaxError) -> str:
    line = error.lineno
    if not line and error.filename in (None, file.path):  # bytes that are no text
        line = Path(file.path).read_bytes().partition(b"\0")[0].count(b"\n") + 1
    shown = file.shown if error.filename in (None, file.path) else error.filename
    at = f"{shown}:{line}" if line else shown
    old = "; this is Python 2: convert it with 2to3" if _PYTHON_2.search(error.msg) else ""
    return f"{at}: {type(error).__name__}: {error.msg}{old}"


# ---- a function ----------------------------------------------------------------------------------


def _checked(found: Found, file: File, how: Settings, notes: tuple[str, ...]) -> Report:
    """The report of check_found; also where the file does what only a child process survives."""
    random.seed(how.seed)
    np.random.seed(how.seed % 2**32)
    try:
        report = check_found(found, seed=how.seed, select=how.select, ignore=how.ignore)
    except BaseException as error:
        finding = _finding(error, found.name, file)
        report = Report(found.name, (finding,), (finding.code,), seed=how.seed)
    code = "\n".join(text(f) for f in (found.forward, found.backward) if f is not None)
    for finding in report.findings:
        add_code(finding, code)
    command = again(file.shown, found.name, how)
    return replace(report, reproduce=command, notes=(*report.notes, *notes))


def _finding(error: BaseException, name: str, file: File) -> Finding:
    """What there is to say where a check raises."""
    where = file.raised(error)
    if isinstance(error, GuessError):
        first, *rest = str(error).removeprefix("check: ").splitlines()  # how to say it, at the end
        hint = "\n      ".join(map(str.strip, rest))
        return Finding("GC204", "INCONCLUSIVE", first, hint=hint)
    if isinstance(error, ModuleNotFoundError):
        what = f"needs {error.name}, which is not installed here, at {where}"
        return Finding("GC204", "INCONCLUSIVE", what)
    if isinstance(error, SystemExit):
        return Finding("GC001", "CONTRACT", f"calls sys.exit({_code(error)}), at {where}")
    if where == file.shown and isinstance(error, Exception):
        return unexpected(error, name, {})
    return Finding("GC001", "CONTRACT", f"raises {words(error)}, at {where}")
