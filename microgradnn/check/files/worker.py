"""The child's side: loads a file, finds what it holds, checks it and tells the parent."""

import faulthandler
import io
import json
import os
import random
import re
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..report import Finding, Report
from .arguments import Found, GuessError, find
from .child import Settings, again
from .found import check_found
from .importing import load

if sys.platform != "win32":
    import resource


class Wire:
    """A pipe to the parent that print does not reach; what is printed goes where errors go."""

    def __init__(self) -> None:
        self.fd, self.pid, self.leave = os.dup(1), os.getpid(), os._exit
        os.dup2(2, 1)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # print must not fail for the locale's sake
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def send(self, **message: Any) -> None:
        """Sends one line of JSON."""
        if os.getpid() != self.pid:  # a fork of the file's own making has come back to us
            self.leave(0)
        line = (json.dumps(message) + "\n").encode()
        try:
            while line:
                line = line[os.write(self.fd, line) :]
        except OSError:  # the parent is gone
            self.leave(1)


class File:
    """The file that is checked, and where in it Python is or an error came from."""

    def __init__(self, path: str, shown: str):
        self.path, self.shown = path, shown

    def innermost(self, frame: FrameType | None) -> tuple[int | None, str]:
        """Line and function, seen from a frame outwards."""
        while frame is not None and frame.f_code.co_filename != self.path:
            frame = frame.f_back
        return (frame.f_lineno, frame.f_code.co_name) if frame else (None, "")

    def outermost(self, frame: FrameType | None) -> FrameType | None:
        """The frame by which the file was entered."""
        found = None
        while frame is not None:
            found = frame if frame.f_code.co_filename == self.path else found
            frame = frame.f_back
        return found

    def raised(self, error: BaseException) -> str:
        """FILE:LINE of the file's own line that an error came from; FILE alone if none is."""
        line, trace = None, error.__traceback__
        while isinstance(trace, TracebackType):
            if trace.tb_frame.f_code.co_filename == self.path:
                line = trace.tb_lineno
            trace = trace.tb_next
        return f"{self.shown}:{line}" if line else self.shown


def main(request: dict[str, Any]) -> None:
    """Does what child.check_file asks for, and ends the process."""
    wire, file = Wire(), File(request["file"], request["shown"])
    how = Settings(**{name: request[name] for name in Settings.__dataclass_fields__})
    faulthandler.enable(wire.fd, all_threads=False)
    _limit(how.memory)
    _announce_exits(wire, file)
    try:
        with Watch(wire, file, how.time_limit):
            found = _found(file, request["names"])
        wire.send(found=[{"name": f.name, "line": f.line, "what": f.style} for f in found])
        for f in found[request["first"] :] if request["first"] is not None else ():
            wire.send(start=f.name)
            with Watch(wire, file, how.time_limit):
                report = _checked(f, file, how)
            wire.send(report=report.to_dict())
    except FailedError as error:
        wire.send(error=str(error), nothing=error.nothing)
    wire.leave(0)  # whatever threads the file has started


class FailedError(Exception):
    """The file cannot be loaded, or holds nothing to check; the text says why."""

    nothing = False


class NothingError(FailedError):
    """It holds nothing to check."""

    nothing = True


def _limit(memory: int) -> None:
    """Too much memory is a MemoryError rather than the end of the process, or of the machine."""
    if sys.platform == "win32":
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        all_there_is = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        # Not RLIMIT_AS, which would count what is only reserved, as CUDA does by the terabyte.
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = memory or all_there_is * 3 // 4
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def _announce_exits(wire: Wire, file: File) -> None:
    def leave(status: int) -> Any:
        if os.getpid() == wire.pid:
            line, function = file.innermost(sys._getframe(1))
            wire.send(exit=status, line=line, function=function)
        wire.leave(status)

    os._exit = leave


class Watch:
    """While it is open, a time limit: what is over it ends the process, after a last message.

    "late" is "hangs" if Python stayed in one call from outside into the file for half the time.
    A call that began in the second half gets half the time more, to show which it is.
    """

    def __init__(self, wire: Wire, file: File, limit: float):
        self.wire, self.file, self.limit = wire, file, limit
        self.over, self.main = threading.Event(), threading.get_ident()
        self.last_word = threading.Lock()

    def __enter__(self) -> None:
        # For code in C that never lets another thread run.
        faulthandler.dump_traceback_later(1.5 * self.limit + 1, exit=True, file=self.wire.fd)
        threading.Thread(target=self._wait, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        with self.last_word:
            self.over.set()
        faulthandler.cancel_dump_traceback_later()

    def _wait(self) -> None:
        before, hangs = None, False
        for half in (1, 2, 3):
            if self.over.wait(self.limit / 2):
                return
            frame = sys._current_frames().get(self.main)
            entered = self.file.outermost(frame)
            hangs = entered is not None and entered is before
            if half == 2 and (hangs or entered is None):
                break
            before = entered
        line, function = self.file.innermost(frame)
        with self.last_word:
            if not self.over.is_set():
                self.wire.send(late="hangs" if hangs else "slow", line=line, function=function)
                self.wire.leave(1)


# ---- the file ------------------------------------------------------------------------------------


def _found(file: File, names: list[str]) -> list[Found]:
    try:
        module, absent = load(Path(file.path))
        found = find(module)
        if found:
            return find(module, names)
    except SyntaxError as error:
        raise FailedError(_syntax(file, error)) from None
    except SystemExit as error:
        raise FailedError(
            f"{file.raised(error)}: calls sys.exit({_code(error)}) while it is loaded; put what is "
            'to run as a program under if __name__ == "__main__":'
        ) from None
    except ConfigError as error:
        if file.raised(error) == file.shown:  # find says that it does not know a name
            raise FailedError(f"{file.shown}: {error}") from None
        raise FailedError(_told(file, error)) from None
    except BaseException as error:
        raise FailedError(_told(file, error)) from None
    raise NothingError(
        f"{file.shown}: nothing to check: no pair like affine_forward and affine_backward, no "
        f"class with forward and backward, no loss function that returns gradients{_why(absent)}"
    )


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
    return f"{where}: {_words(error)}{hint}"


def _words(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # a __str__ of the file's own
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


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


def _checked(found: Found, file: File, how: Settings) -> Report:
    """The report of check_found; also where the file does what only a child process survives."""
    random.seed(how.seed)
    np.random.seed(how.seed % 2**32)
    command = again(file.shown, found.name, how)
    chosen = {"select": tuple(how.select), "ignore": tuple(how.ignore)}
    try:
        return replace(check_found(found, seed=how.seed, **chosen), reproduce=command)
    except GuessError as error:
        text, *rest = str(error).removeprefix("check: ").splitlines()  # how to say it, at the end
        finding = Finding("GC204", "INCONCLUSIVE", text, hint="\n      ".join(map(str.strip, rest)))
    except ModuleNotFoundError as error:
        text = f"needs {error.name}, which is not installed here, at {file.raised(error)}"
        finding = Finding("GC204", "INCONCLUSIVE", text)
    except SystemExit as error:
        text = f"calls sys.exit({_code(error)}), at {file.raised(error)}"
        finding = Finding("GC001", "CONTRACT", text)
    except BaseException as error:
        where = file.raised(error)
        if where == file.shown and isinstance(error, Exception):
            text = f"the check itself fails, please report it: {_words(error)}"
            finding = Finding("GC204", "INCONCLUSIVE", text)
        else:
            finding = Finding("GC001", "CONTRACT", f"raises {_words(error)}, at {where}")
    codes = (finding.code,)
    return Report(found.name, (finding,), codes, seed=how.seed, reproduce=command)
