"""A child process: how it is started, what it says, how it ends."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from ..report import Finding, Report, report_from_dict
from .limits import BUSY
from .settings import FileError, Settings, StoppedError, again
from .wire import Receiver

# A child ends itself at its time limit, or half as much later. Where it cannot, it is killed, after
# this many seconds more.
GRACE = 10.0
WHOLE = 2**26  # bytes of the longest line that is read
PATIENCE = 5.0  # seconds for a child to end in peace

# microgradnn is the parent's own, from wherever that was found. Other modules do not come from the
# folder where the file is, or where the command was given (random.py, say): these stand last.
_START = """
import json, sys
request = json.loads(sys.stdin.buffer.read())
sys.path[:] = request.pop("path")
from importlib import util
home = request.pop("home")
if "microgradnn" not in sys.modules:
    spec = util.spec_from_file_location(
        "microgradnn", home + "/__init__.py", submodule_search_locations=[home]
    )
    sys.modules["microgradnn"] = module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
from importlib import import_module
import_module(request.pop("worker")).main(request)
"""
_STRIDED = "as_strided reads what is not there: give arguments in GRADCHECK that its sizes fit"
_SLOW = "nothing hangs, it is slow: give smaller arrays, or a longer --time-limit"
_STANDS = "which the check itself needs: leave it as it is"
_HANGS = "if it is only slow, give a longer --time-limit"


class Child:
    """A worker process and what it says: signed messages, or Python's own words when it crashes."""

    def __init__(self, request: dict[str, Any], stopped: Callable[[], bool] = lambda: False):
        self.request, self.stopped = request, stopped
        self.since, self.silent, self.ended = time.monotonic(), False, False
        self.last: dict[str, Any] = {}
        self.trace: deque[str] = deque(maxlen=400)
        self.lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = _started(request["verbose"])
        key = token_hex(32)
        receiver = Receiver(bytes.fromhex(key))
        threading.Thread(target=self._read, args=(receiver,), daemon=True).start()
        assert self.process.stdin is not None
        try:
            with self.process.stdin as pipe:
                pipe.write(json.dumps({**request, **_places(request["file"]), "key": key}).encode())
        except OSError:
            pass  # it died at once: messages() ends, and ending() says so

    def _read(self, receiver: Receiver) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            while line := pipe.readline(WHOLE):
                message = receiver.read(line)
                if message is not None:
                    self.lines.put(message)
                elif line.strip():
                    self.trace.append(line[:1000].decode(errors="replace").rstrip())
        self.lines.put(None)

    def _next(self) -> dict[str, Any] | None:
        """The next message, None at the end; raises queue.Empty if neither comes in time."""
        deadline = time.monotonic() + 1.5 * BUSY * self.request["time_limit"] + GRACE
        while True:
            try:
                return self.lines.get(timeout=0.2)
            except queue.Empty:
                if self.stopped():
                    raise StoppedError(f"{self.request['shown']}: stopped") from None
                if self.process.poll() is not None:
                    self._kill()  # what it has forked may hold the pipe open
                if time.monotonic() > deadline:
                    raise

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the child says, until it has done its work, ends or is silent for too long."""
        while "end" not in self.last:
            try:
                message = self._next()
            except queue.Empty:
                self.silent = True
                return
            if message is None:
                self.ended = True
                return
            self.last = message
            if "start" in message:
                self.since = time.monotonic()
            yield message

    def close(self) -> None:
        """The child is dead, and so is what it has started."""
        try:
            # On its way out by itself it has a status to tell, which a signal would hide.
            self.process.wait(PATIENCE if self.ended or "end" in self.last else 0.0)
        except subprocess.TimeoutExpired:
            self._stop()
        self._kill()
        self.process.wait()

    def _stop(self) -> None:
        """Asks the warden to end all that there is."""
        if sys.platform == "linux":
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)  # it may have been stopped
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE)

    def _kill(self) -> None:
        if sys.platform == "win32":
            self.process.kill()
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS: of a group that is only a zombie
            pass

    def told(self, message: dict[str, Any], name: str, how: Settings) -> Report:
        """The report in a message, of the function that was to come next."""
        if "report" in message:
            try:
                report = report_from_dict(message["report"])
                if report.name == name and report.verdict:
                    return report
            except (KeyError, TypeError, ValueError, AttributeError):
                pass  # its form was changed on the way
        what = message.get("changed", "its report")
        return Report(
            name, (Finding("GC005", "INCONCLUSIVE", f"the code changes {what}, {_STANDS}"),),
            ("GC005",), seed=how.seed, seconds=time.monotonic() - self.since,
            reproduce=again(self.request["shown"], name, how),
        )  # fmt: skip

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
        if "Segmentation fault" in what and "as_strided" in _text(Path(self.request["file"])):
            hint = _STRIDED
        ours = hint in (_SLOW, _STRIDED)
        code, verdict = ("GC204", "INCONCLUSIVE") if ours else ("GC001", "CONTRACT")
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


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.is_file() else ""


def _places(file: str) -> dict[str, Any]:
    """Where a child finds modules: the folder it is called in and the file's own come last."""
    here = {os.getcwd(), str(Path(file).parent)}
    path = [str(p) for p in sys.path if str(p)]
    path.sort(key=lambda p: os.path.abspath(p) in here)
    return {"path": path, "home": str(Path(__file__).parents[2])}


def _started(verbose: bool) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"start_new_session": True}  # Ctrl-C is the parent's alone
    if sys.platform == "win32":
        options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    # The environment is the parent's, with what makes runs alike and quick beneath it.
    alike = {"PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "JAX_TRACEBACK_FILTERING": "off"}
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
