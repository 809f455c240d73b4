"""Ctrl-C waits while something is half done, and comes right after.

    with held:              # all of this happens, or nothing of it
        optimizer.step()
        ema.update()

Python calls signal handlers between any two steps of the main thread, and that of Ctrl-C raises
KeyboardInterrupt there. `held` puts a handler in its place that takes a note, and calls the
program's own one at the end. Handlers are changed once for a whole bracket(): inside, `held` only
counts. In other threads it does nothing, for signals never arrive there.
"""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = [getattr(signal, n) for n in ("SIGINT", "SIGTERM", "SIGALRM") if hasattr(signal, n)]
PATIENCE = 1.0  # seconds after which a second Ctrl-C does not wait


class Held:
    """A context that signals wait for; `held` is the only one. It may be entered again inside."""

    def __init__(self) -> None:
        self.depth = self.users = 0  # users: how many contexts need the handlers in place
        self.waiting: list[int] = []
        self.since = 0.0
        self.own: dict[int, Any] = {}  # the program's handlers

    def __enter__(self) -> None:
        if in_main_thread():
            if not self.users:
                self._replace()
            # depth first: a signal between the two assignments waits
            self.depth, self.users = self.depth + 1, self.users + 1

    def __exit__(self, *error: object) -> None:
        if in_main_thread():
            self.users, self.depth = self.users - 1, self.depth - 1
            if not self.users:
                self._put_back()
            self.deliver()

    def deliver(self) -> None:
        """Calls the program's handler if a signal waits, unless inside a held context."""
        if self.waiting and not self.depth:
            number = self.waiting[0]
            self.waiting.clear()
            self.own[number](number, None)

    def _replace(self) -> None:
        try:
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler) and handler != self._handle:
                    self.own[number] = handler
                    signal.signal(number, self._handle)
        except BaseException:  # a handler that was not yet replaced raised
            self._put_back()
            raise

    def _put_back(self) -> None:
        for number, handler in self.own.items():
            if signal.getsignal(number) == self._handle:  # else the program has a new one
                signal.signal(number, handler)

    def _handle(self, number: int, frame: Any) -> None:
        now = time.monotonic()
        if self.depth and not (self.waiting and now - self.since > PATIENCE):
            self.since = self.since if self.waiting else now
            self.waiting.append(number)
        else:
            self.waiting.clear()
            if not self.users:  # while a context begins or ends
                self._put_back()
            self.own[number](number, frame)


held = Held()


def bracket(enter: Callable[[], Any], body: Callable[[], T], leave: Callable[[], Any]) -> T:
    """Returns body(), called between enter() and leave(), neither of which Ctrl-C breaks off.

    leave() is called in any case. The body is interrupted as always, unless all of this is inside
    a held context.
    """
    main, before = in_main_thread(), held.depth
    with held:
        try:
            enter()
            if main:
                held.depth = before
                held.deliver()
            return body()
        finally:
            if main:
                held.depth = before + 1
            leave()


def in_main_thread() -> bool:
    """Returns whether this thread is the one in which Python calls signal handlers."""
    return threading.current_thread() is threading.main_thread()
