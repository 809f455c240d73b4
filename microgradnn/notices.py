"""Warnings that point at the user's line: the first one outside this library and NumPy."""

import os
import sys
import warnings
from types import FrameType

from .errors import MicrogradWarning

_OURS = os.path.dirname(__file__)
_said: set[tuple[str, str, int]] = set()


def notice(text: str, category: type[Warning] = MicrogradWarning, once: bool = True) -> None:
    """Warns, once for each text and line of the user's program unless told otherwise."""
    frame = _users(sys._getframe(1))
    place = (text, frame.f_code.co_filename, frame.f_lineno)
    if once and place in _said:
        return
    warnings.warn_explicit(
        text,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__", "__main__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )
    _said.add(place)


def _users(frame: FrameType) -> FrameType:
    outer: FrameType | None = frame
    while outer is not None:
        package = str(outer.f_globals.get("__name__", "")).partition(".")[0]
        if package != "numpy" and not outer.f_code.co_filename.startswith((_OURS, "<")):
            return outer
        outer = outer.f_back
    return frame
