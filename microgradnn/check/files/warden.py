"""A process between parent and child, on Linux: it ends what the child has started, daemons too.

A process that moves to a session of its own is no longer in its parent's group, and one whose
parent has died belongs to process 1. Here it belongs to the warden (PR_SET_CHILD_SUBREAPER), which
ends all that is left when the child has ended. If the warden is killed, the child dies with it
(PR_SET_PDEATHSIG). Elsewhere only the child's process group is ended.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

if sys.platform != "win32":
    import resource

_PDEATHSIG, _SUBREAPER = 1, 36  # from Linux' sys/prctl.h
PATIENCE = 5.0  # seconds for all to end


def stand_guard() -> None:
    """Forks, on Linux. The child returns; this process waits for it, cleans up and ends like it."""
    if sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None).prctl
    if prctl(_SUBREAPER, 1, 0, 0, 0) != 0:
        return
    child = os.fork()
    if child == 0:
        os.setsid()
        prctl(_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _kill(child))
    os.closerange(0, 3)  # the pipe is the child's alone, so that its end is seen
    _end_like(_waited(child))


def _waited(child: int) -> int:
    """The status of the child, once it and all that it has started have ended."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            break
    deadline = time.monotonic() + PATIENCE
    with contextlib.suppress(ChildProcessError):  # there is no other
        while time.monotonic() < deadline:
            for other in _children():
                _kill(other)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.002)
    return status


def _children() -> list[int]:
    """The processes whose parent this one is; those of an ended process are, too."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid() and state != "Z":
                found.append(int(path.parent.name))
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _end_like(status: int) -> None:
    """Ends this process as another one has ended."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):  # SIGKILL has no other meaning
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
