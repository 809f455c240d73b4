"""Whether ops are recorded, and as what: no_grad, and the settings of walks and detect_anomaly.

A setting belongs to one thread and lasts as long as its `with`. Neither a generator or coroutine
that waits inside of it nor an interrupt between two steps of Python leaves it to others: only weak
references are kept here, and the setting of a generator holds while that generator runs.
"""

import contextvars
import functools
import inspect
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import ContextDecorator
from types import FrameType
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
Replace = Callable[[Any], Any]  # given each op: what is recorded in its place
_USUAL = (True, None)
special: set[Any] = set()
"""The settings of all threads. To find a thread-local takes 50 ns: while this is empty, nodes are
made without asking."""


class Recording(threading.local):
    """The settings of this thread, the innermost last."""

    def __init__(self) -> None:
        self.settings: list[weakref.ref[Setting]] = []
        self.trace: Any = None  # of the compiler, while a function runs for it

    def now(self) -> tuple[bool, Replace | None]:
        """(whether ops are recorded, what replaces them)."""
        for ref in reversed(self.settings):
            setting = ref()
            if setting is None:  # its end was interrupted
                self.settings.remove(ref)
            # A generator that waits is called by nobody.
            elif setting.frame is None or setting.frame.f_back is not None:
                return setting.value
        return _USUAL

    @property
    def on(self) -> bool:
        """Whether ops are recorded."""
        return not self.settings or self.now()[0]

    @property
    def replace(self) -> Replace | None:
        """What replaces ops when they are recorded."""
        return self.now()[1] if self.settings else None

    def recorded(self, op: Any) -> Any:
        """What to record for op, or None for nothing."""
        on, replace = self.now()
        return None if not on else op if replace is None else replace(op)

    def traced(self, xs: Any) -> Any:
        """The first of xs that belongs to the compiler's trace, or None."""
        trace = self.trace
        return None if trace is None else next((x for x in xs if trace.carries(x)), None)

    def draw(self, rng: Any, method: str, *args: Any) -> Any:
        """rng.method(*args), of a fresh generator if rng is None; in a trace, drawn in each run."""
        if self.trace is not None:
            return self.trace.draw(rng, method, args)
        return getattr(np.random.default_rng() if rng is None else rng, method)(*args)

    def unrecorded(self, out: Any, op: Any, xs: Any) -> None:
        """Notes on a result without history what made it, where ops are replaced."""
        if (replace := self.replace) is not None:
            out.unrecorded = replace(op), xs

    def set(self, on: bool, replace: Replace | None = None) -> "Setting":
        """A context with these settings; without `replace` the one in force stays."""
        return Setting((on, self.replace if replace is None else replace))


recording = Recording()


def quietly(f: Callable[..., T], *args: Any) -> T:
    """f(*args), where NumPy does not warn: inf and nan are values.

    It runs in a context of its own, which ends with the call: np.errstate may be left in force by
    an interrupt at its end.
    """

    def run() -> T:
        np.seterr(all="ignore")
        return f(*args)

    return contextvars.copy_context().run(run)


class Setting:  # contextlib would take three times as long, and walks are short
    """A context in which ops are recorded as `value` says."""

    __slots__ = ("__weakref__", "frame", "mine", "value")

    def __init__(self, value: tuple[bool, Replace | None]) -> None:
        self.value, self.frame = value, None
        self.mine: tuple[list[Any], Any] | None = None

    frame: FrameType | None

    def __enter__(self) -> None:
        settings = recording.settings
        if settings or self.value != _USUAL:
            ref = weakref.ref(self, special.discard)  # no step of Python: no signal comes between
            self.mine = settings, ref
            special.add(ref)
            settings.append(ref)

    def __exit__(self, *error: object) -> None:
        if self.mine is not None:
            settings, ref = self.mine
            special.discard(ref)
            if ref in settings:
                settings.remove(ref)
            self.mine = None


# ---- for users ----------------------------------------------------------------------------------

_WAITING = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
# Whose generators wait while a block of their caller runs: @contextmanager, pytest's fixtures.
_HANDS_OVER = ("contextlib", "_pytest.fixtures")
_ENTERING = {"__enter__", "__aenter__", "enter_context", "enter_async_context"}


def _generator(frame: FrameType | None) -> FrameType | None:
    """The frame, if it is that of a generator or coroutine in which a `with` begins.

    A context that begins inside of another context's beginning is the caller's.
    """
    while frame is not None:
        code, caller = frame.f_code, frame.f_back
        if code.co_name in _ENTERING or frame.f_globals.get("__name__") in _HANDS_OVER:
            frame = caller
        elif code.co_flags & _WAITING and caller and caller.f_globals["__name__"] in _HANDS_OVER:
            frame = caller
        else:
            return frame if code.co_flags & _WAITING else None
    return None


class Switch(ContextDecorator):
    """A context for users, and a decorator of functions, generators and coroutines."""

    def __init__(self) -> None:
        self._entered: list[Setting] = []

    def _value(self) -> tuple[bool, Replace | None]:
        raise NotImplementedError

    def __enter__(self) -> None:
        setting = Setting(self._value())
        setting.frame = _generator(sys._getframe(1))
        self._entered.append(setting)
        setting.__enter__()

    def __exit__(self, *error: object) -> None:
        if self._entered:
            self._entered.pop().__exit__()

    def _recreate_cm(self) -> "Switch":
        return type(self)()

    def __call__(self, function: Any) -> Any:
        """The function as it runs in this context; a generator: when it runs, not when it waits."""
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def each(*args: Any, **kwargs: Any) -> Any:
                with type(self)():
                    async for value in function(*args, **kwargs):
                        yield value

            return each
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generated(*args: Any, **kwargs: Any) -> Any:
                with type(self)():
                    return (yield from function(*args, **kwargs))

            return generated
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with type(self)():
                    return await function(*args, **kwargs)

            return awaited
        return super().__call__(function)


class no_grad(Switch):  # noqa: N801
    """A context in which this thread's ops record nothing; their results require no gradient.

    It decorates too. A generator or coroutine that enters it is alone in it: whoever calls it, or
    runs while it waits, records as before.
    """

    def _value(self) -> tuple[bool, Replace | None]:
        return False, recording.replace
