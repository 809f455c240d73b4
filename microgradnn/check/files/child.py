"""Files checked in a child process, which may hang or crash: the parent's side of it."""

import json
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...errors import CheckError, ConfigError, DataError
from ..report import Finding, Report, report_from_dict

# A child ends itself at its time limit, or half as much later. Where it cannot, it is killed, after
# this many seconds more.
GRACE = 10.0

# sys.path is the parent's, so that the same microgradnn is found, and no file beside the one
# that is checked (random.py, say) is imported in place of a standard module: -P.
_START = (
    "import json, sys; request = json.loads(sys.stdin.buffer.read()); "
    "sys.path[:] = request.pop('path'); "
    "from microgradnn.check.files.worker import main; main(request)"
)
_SLOW = "nothing hangs, it is slow: give smaller arrays, or a longer --time-limit"
_HANGS = "if it is only slow, give a longer --time-limit"


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
            raise child.unloadable()
        if left:
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


def _raise_error(message: dict[str, Any]) -> None:
    if "error" in message:
        raise (NothingError if message["nothing"] else FileError)(message["error"])


def again(shown: str, name: str, how: Settings) -> str:
    """The command that checks one function of a file again."""
    seed = ["--seed", str(how.seed)] if how.seed else []
    return shlex.join(["python", "-m", "microgradnn", "check", f"{shown}::{name}", *seed])


def _request(path: str, names: Sequence[str], how: Settings, first: int | None) -> dict[str, Any]:
    """What a child is to do, from the first-th function on; FileError where it need not try."""
    file = Path(path)
    if file.is_dir():
        raise FileError(f"{path}: is a folder and has no parts: name a file in it")
    if not file.is_file():
        raise FileError(f"{path}: no such file")
    what = {"file": str(file.resolve()), "shown": path, "names": list(names), "first": first}
    return {**what, **asdict(how)}


# ---- the process ---------------------------------------------------------------------------------


class Child:
    """A worker process and what it says: lines of JSON, or Python's own words when it crashes."""

    def __init__(self, request: dict[str, Any]):
        self.request = request
        self.since, self.silent, self.ended = time.monotonic(), False, False
        self.last: dict[str, Any] = {}
        self.trace: list[str] = []
        self.lines: queue.Queue[bytes | None] = queue.Queue()
        self.process = _started(request["verbose"])
        threading.Thread(target=self._read, daemon=True).start()
        assert self.process.stdin is not None
        try:
            with self.process.stdin as pipe:
                pipe.write(json.dumps({**request, "path": [str(p) for p in sys.path]}).encode())
        except OSError:
            pass  # it died at once: messages() ends, and ending() says so

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            for line in pipe:
                self.lines.put(line)
        self.lines.put(None)

    def _line(self) -> bytes | None:
        """The next line, None at the end; raises queue.Empty if neither comes in time."""
        deadline = time.monotonic() + 1.5 * self.request["time_limit"] + GRACE
        while True:
            try:
                return self.lines.get(timeout=0.2)
            except queue.Empty:
                if self.process.poll() is not None:
                    self._kill()  # what it has forked may hold the pipe open
                if time.monotonic() > deadline:
                    raise

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the child says, until it ends or is silent for too long."""
        while True:
            try:
                line = self._line()
            except queue.Empty:
                self.silent = True
                return
            if line is None:
                self.ended = True
                return
            try:
                self.last = dict(json.loads(line))
            except (ValueError, TypeError):
                self.trace.append(line.decode(errors="replace").rstrip())
                continue
            if "start" in self.last:
                self.since = time.monotonic()
            yield self.last

    def close(self) -> None:
        """The child is dead, and so is what it has started."""
        try:
            # On its way out by itself it has a status to tell, which a signal would hide.
            self.process.wait(1.0 if self.ended else 0.0)
        except subprocess.TimeoutExpired:
            pass
        self._kill()
        self.process.wait()

    def _kill(self) -> None:
        if sys.platform == "win32":
            self.process.kill()
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS: of a group that is only a zombie
            pass

    def unloadable(self) -> FileError:
        """What kept the file from being loaded; after close()."""
        what, line, _, hint = self._ending("while it is loaded")
        at = f":{line}" if line else ""
        return FileError(f"{self.request['shown']}{at}: {what}" + (f" ({hint})" if hint else ""))

    def report(self, name: str, how: Settings) -> Report:
        """What came of a function that the child did not survive; after close()."""
        seconds, path = time.monotonic() - self.since, self.request["shown"]
        what, line, function, hint = self._ending(f"while {name} is checked")
        at = f", at {path}:{line} in {function}" if line else ""
        code, verdict = ("GC204", "INCONCLUSIVE") if hint == _SLOW else ("GC001", "CONTRACT")
        return Report(
            name, (Finding(code, verdict, what + at, hint=hint),), (code,),
            seed=how.seed, seconds=seconds, reproduce=again(path, name, how),
        )  # fmt: skip

    def _ending(self, when: str) -> tuple[str, int | None, str, str]:
        """Why the messages stopped: what happened, in which line and function, and a hint."""
        said = self.last if {"late", "exit"} & set(self.last) else {}
        place = (said["line"], said["function"]) if said else self._where()
        limit = f"{self.request['time_limit']:g} s"
        fatal = re.search(r"(?:Fatal Python error|fatal exception): (.*)", "\n".join(self.trace))
        if said.get("late") == "slow":
            return f"not done within {limit} {when}", *place, _SLOW
        if "exit" in said:
            return f"ends the process with os._exit({said['exit']}) {when}", *place, ""
        if fatal:
            return f"crashes Python ({fatal[1]}) {when}", *place, ""
        if said or self.silent or any(text.startswith("Timeout (") for text in self.trace):
            return f"does not come back within {limit} {when}", *place, _HANGS
        return f"{_status(self.process.returncode)} {when}", *place, ""

    def _where(self) -> tuple[int | None, str]:
        """Line and function of the file in Python's last words; the main thread's come last."""
        name = re.escape(self.request["file"].encode("ascii", "backslashreplace").decode())
        blocks = re.split(r"^(?=(?:Current t|T)hread 0x)", "\n".join(self.trace), flags=re.M)
        current = [b for b in blocks if b.startswith("Current")] or blocks[-1:]
        at = re.search(rf'File "{name}", line (\d+) in (\S+)', "\n".join(current))
        return (int(at[1]), at[2]) if at else (None, "")


def _started(verbose: bool) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}  # Ctrl-C is the parent's alone
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    # The environment is the parent's, with what makes runs alike and quick beneath it.
    alike = {"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg"}
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=None if verbose else subprocess.DEVNULL,
        env={**alike, **threads, **os.environ},
        **options,
    )


def _status(code: int) -> str:
    if code >= 0:
        return f"the process ended with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    why = ", perhaps for want of memory," if name == "SIGKILL" else ""
    return f"the process was ended by {name}{why}"
