"""Which line of the user's code called an op."""

import functools
import linecache
import os
import sys
import threading
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

_HERE = tuple(
    d + os.sep for d in (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(np.__file__))
)
_LIBRARY = os.path.dirname(os.__file__) + os.sep  # but not site-packages below it


@dataclass(frozen=True)
class CodeLine:
    """A line of the user's code."""

    file: str
    line: int

    @property
    def source(self) -> str:
        """The line itself."""
        return linecache.getline(self.file, self.line).strip()


class _Inside(threading.local):
    """The place of the op whose rule runs: ops recorded in it belong to that line."""

    place: CodeLine | None = None


inside = _Inside()


def users_place() -> CodeLine:
    """The innermost line that is neither ours nor NumPy's nor of Python's own library."""
    if inside.place is not None:
        return inside.place
    frame: FrameType | None = sys._getframe(1)
    outermost = frame
    while frame is not None and not _users(frame.f_code.co_filename):
        outermost, frame = frame, frame.f_back
    found: Any = frame or outermost
    return CodeLine(found.f_code.co_filename, found.f_lineno)


@functools.cache
def _users(file: str) -> bool:
    if file.startswith("<frozen") or file.startswith(_HERE):
        return False
    return not file.startswith(_LIBRARY) or "-packages" + os.sep in file
