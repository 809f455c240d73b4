"""The process that loads a file and checks it: started, listened to, ended, and its end told."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True)
class Ending:
    """How a child ended before it was done: what happened, in which line, what to do.

    slow tells a function that was called again and again from one that does not come back.
    """

    what: str
    line: int | None = None
    function: str = ""
    hint: str = ""
    slow: bool = False
    seconds: float = 0.0


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

    def ending(self, when: str) -> Ending:
        """Why the messages stopped; after close()."""
        seconds, limit = time.monotonic() - self.since, f"{self.request['time_limit']:g} s"
        said = self.last if {"late", "exit"} & set(self.last) else {}
        line, function = (said["line"], said["function"]) if said else self._where()
        place: dict[str, Any] = {"line": line, "function": function, "seconds": seconds}
        fatal = re.search(r"(?:Fatal Python error|fatal exception): (.*)", "\n".join(self.trace))
        if said.get("late") == "slow":
            hint = "nothing hangs, it is slow: give smaller arrays, or a longer --time-limit"
            return Ending(f"not done within {limit} {when}", hint=hint, slow=True, **place)
        if "exit" in said:
            return Ending(f"ends the process with os._exit({said['exit']}) {when}", **place)
        if fatal:
            return Ending(f"crashes Python ({fatal[1]}) {when}", **place)
        if said or self.silent or any(text.startswith("Timeout (") for text in self.trace):
            hint = "if it is only slow, give a longer --time-limit"
            return Ending(f"does not come back within {limit} {when}", hint=hint, **place)
        return Ending(f"{_status(self.process.returncode)} {when}", **place)

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
