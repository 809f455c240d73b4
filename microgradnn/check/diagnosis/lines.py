"""Which line of the user's code is run, and what it assigns, while it runs unmodified."""

import linecache
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ...engine.value import Value
from ...numerics.changes import next_stamp

Line = tuple[str, int]  # a file and the number of a line in it
MOST_EVENTS = 100_000
MOST_NUMBERS = 20_000  # larger arrays are not looked at


@dataclass(frozen=True)
class Assigned:
    """A name (of a variable, an attribute, a key) and what it was bound to, or held, then."""

    name: str
    value: Any
    line: Line
    visit: int
    depth: int = 0  # how many frames of user code were around it


@dataclass
class Watched:
    """What was seen of the code in `places` (namespaces).

    starts, stacks  when each line began to run, as a stamp, and the lines of all user frames then
    seen            assignments, in order; results: what functions returned
    """

    places: list[dict[str, Any]]
    keep: Callable[[Any], Any] = lambda x: x if isinstance(x, (Value, np.ndarray)) else None
    starts: list[int] = field(default_factory=list)
    stacks: list[tuple[Line, ...]] = field(default_factory=list)
    seen: list[Assigned] = field(default_factory=list)
    results: list[Assigned] = field(default_factory=list)

    def visits(self, start: int) -> Callable[[int], tuple[tuple[Line, ...], int]]:
        """A function of a node's stamp: the lines that made it, and which visit it was."""

        def of(stamp: int) -> tuple[tuple[Line, ...], int]:
            k = bisect_right(self.starts, stamp) - 1
            return (self.stacks[k], k) if k >= 0 and stamp >= start else ((), -1)

        return of


@contextmanager
def watching(watched: Watched) -> Iterator[None]:
    """A context in which the lines that user code runs are written into `watched`."""
    before = sys.gettrace()
    sys.settrace(_Tracer(watched).called)
    try:
        yield
    finally:
        sys.settrace(before)


class _Tracer:
    """What Python calls at every line of the user's code."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.homes = {id(p) for p in watched.places}
        self.last: dict[FrameType, dict[str, Any]] = {}

    def called(self, frame: FrameType, event: str, arg: Any) -> Any:
        """What is to watch a new frame; nothing watches frames of libraries."""
        if id(frame.f_globals) not in self.homes or len(self.watched.starts) > MOST_EVENTS:
            return None
        given = _named(frame.f_locals)
        self.last[frame] = {n: v for n, v in ((n, self.watched.keep(v)) for n, v in given)
                            if v is not None}  # fmt: skip
        self._arrive(frame)
        return self.line

    def line(self, frame: FrameType, event: str, arg: Any) -> Any:
        """Notes what the last line assigned, and that the next one begins."""
        self._look(frame)
        if event == "return":
            kept = _each(arg, self.watched.keep)
            self.watched.results += [self._entry("", v) for v in kept]
            self.last.pop(frame, None)
            if frame.f_back is not None and id(frame.f_back.f_globals) in self.homes:
                self._arrive(frame.f_back)
        elif event == "line":
            self._arrive(frame)
        return self.line

    def _arrive(self, frame: FrameType) -> None:
        stack: list[Line] = []
        at: FrameType | None = frame
        while at is not None and len(stack) < 20:
            if id(at.f_globals) in self.homes:
                stack.append((at.f_code.co_filename, at.f_lineno))
            at = at.f_back
        self.watched.starts.append(next_stamp())
        self.watched.stacks.append(tuple(reversed(stack)))

    def _entry(self, name: str, value: Any) -> Assigned:
        stacks = self.watched.stacks
        at = stacks[-1] if stacks else (("", 0),)
        return Assigned(name, value, at[-1], len(stacks) - 1, len(at))

    def _look(self, frame: FrameType) -> None:
        before = self.last.get(frame)
        if before is None:
            return
        for name, value in _named(frame.f_locals):
            kept = self.watched.keep(value)
            if kept is not None and not _unchanged(before.get(name), kept):
                before[name] = kept
                self.watched.seen.append(self._entry(name, kept))


def _named(variables: Any) -> Iterator[tuple[str, Any]]:
    """Local variables, and what dicts and the object itself hold under a name."""
    for name, value in variables.items():
        if isinstance(value, dict):
            yield from ((k, v) for k, v in value.items() if isinstance(k, str))
        elif name == "self" and hasattr(value, "__dict__"):
            yield from vars(value).items()
        else:
            yield name, value


def _unchanged(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if old is None or not isinstance(new, np.ndarray) or new.dtype.char == "O":
        return False
    return np.shape(old) == new.shape and bool(np.array_equal(old, new, equal_nan=True))


def _each(result: Any, keep: Callable[[Any], Any]) -> list[Any]:
    if isinstance(result, dict):
        return [v for v in map(keep, result.values()) if v is not None]
    if isinstance(result, (tuple, list)):
        return [v for v in map(keep, result) if v is not None]
    kept = keep(result)
    return [] if kept is None else [kept]


def floats(x: Any) -> Any:
    """A copy of a float number or array of moderate size, None for anything else."""
    if hasattr(x, "detach"):  # a tensor of PyTorch
        x = x.detach().numpy()
    if isinstance(x, (float, np.floating)):
        return np.float64(x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "f" and x.size <= MOST_NUMBERS:
        return np.array(x, float)
    return None


def source(line: Line) -> str:
    """The text of a line, without the spaces around it; empty if it cannot be read."""
    return linecache.getline(*line).strip()


def said(line: Line) -> str:
    """A line in words: "line 12 of layers.py"."""
    return f"line {line[1]} of {Path(line[0]).name}"
