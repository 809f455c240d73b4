"""Whether the ops of a thread are recorded."""

import threading
from collections.abc import Callable
from typing import Any

Replace = Callable[[Any], Any]
"""Given an op: what is recorded in its place."""


class Recording(threading.local):
    """Whether the ops of this thread are recorded, and as what."""

    on = True
    replace: Replace | None = None

    def recorded(self, op: Any) -> Any:
        """What to record for op, or None for nothing."""
        if not self.on:
            return None
        return op if self.replace is None else self.replace(op)

    def set(self, on: bool, replace: Replace | None = None) -> "_Setting":
        """A context with these settings; without `replace` the one in force stays."""
        return _Setting(on, self.replace if replace is None else replace)


recording = Recording()
special = [0]  # how many threads have other settings than (True, None)
_counting = threading.Lock()
# To find a thread-local takes 50 ns: nodes are made without asking while special[0] is 0.


class _Setting:  # contextlib would take three times as long, and walks are short
    __slots__ = ("before", "now")

    def __init__(self, *now: Any) -> None:
        self.now = now

    def __enter__(self) -> None:
        self.before = (recording.on, recording.replace)
        self._switch(self.before, self.now)

    def __exit__(self, *error: object) -> None:
        self._switch(self.now, self.before)

    @staticmethod
    def _switch(old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
        if old != new:
            recording.on, recording.replace = new
            with _counting:
                special[0] += (new != (True, None)) - (old != (True, None))
