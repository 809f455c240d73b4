"""What a file's code may use, and where in the file Python is when it uses more."""

import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

if sys.platform != "win32":
    import resource

Send = Callable[..., None]


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


def limit_memory(memory: int) -> None:
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


BUSY = 3  # how many times the limit may pass on a machine that has other things to do


def _queued() -> float:
    """Seconds in which the main thread waited for a processor; 0 if that is unknown."""
    try:
        with open(f"/proc/self/task/{threading.main_thread().native_id}/schedstat") as stat:
            return int(stat.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Watch:
    """While it is open, a time limit: what is over it ends the process, after a last message.

    "late" is "hangs" if Python stayed in one call from outside into the file for half the time.
    A call that began in the second half gets half the time more, to show which it is.
    """

    def __init__(self, send: Send, fd: int, leave: Callable[[int], Any], file: File, limit: float):
        self.send, self.fd, self.leave, self.file, self.limit = send, fd, leave, file, limit
        self.over, self.main = threading.Event(), threading.get_ident()
        self.last_word = threading.Lock()

    def __enter__(self) -> None:
        self._arm()
        threading.Thread(target=self._wait, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        with self.last_word:
            self.over.set()
        faulthandler.cancel_dump_traceback_later()

    def _arm(self) -> None:
        """For code in C that never lets another thread run, this one too."""
        with self.last_word:
            if not self.over.is_set():
                limit = 1.5 * self.limit + 1
                faulthandler.dump_traceback_later(limit, exit=True, file=self.fd)

    def _ended(self) -> bool:
        """After half the limit: whether all is over.

        Time in which a busy machine did not let the file run does not count, but for a third of it.
        """
        began, queued = time.monotonic(), _queued()
        while True:
            passed = time.monotonic() - began
            left = self.limit / 2 - max(passed - (_queued() - queued), passed / BUSY)
            if left <= 0:
                return False
            if self.over.wait(left + 0.01):
                return True
            self._arm()

    def _wait(self) -> None:
        before, hangs = None, False
        for half in (1, 2, 3):
            if self._ended():
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
                self.send(late="hangs" if hangs else "slow", line=line, function=function)
                self.leave(1)
