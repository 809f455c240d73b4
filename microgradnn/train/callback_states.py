"""What the callbacks of a run must get back when it goes on, and which of them would lose state."""

from __future__ import annotations

import types
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from ..errors import ConfigError
from .events import kept
from .run import TrainingRun

LIBRARY = __name__.partition(".")[0]
PLAIN = (bool, int, float, complex, str, bytes, type(None), PurePath)
OPAQUE = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
LARGE = 65536  # of larger arrays, as many entries at most are compared
DEEP = 8  # levels of objects inside objects


class CallbackStates:
    """The states of all callbacks of a run, as one object that a checkpoint can save.

    Those that save the run have none. Others are known by the name of their class, and among those
    of one class by their order.
    """

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self.before: dict[str, Any] = {}

    def state_dict(self) -> dict[str, Any]:
        """Returns the states by name. Raises ConfigError for a callback that would lose its own."""
        self.check()
        named = self._named()
        return {name: c.state_dict() for name, c in named if hasattr(c, "state_dict")}

    def load_state_dict(self, states: Mapping[str, Any]) -> None:
        """Gives every callback its state. Raises ConfigError if there is none for one of them."""
        for name, callback in self._named():
            if not hasattr(callback, "state_dict"):
                continue
            if name in states:
                callback.load_state_dict(states[name])
            elif callback.state_dict():
                there = ", ".join(states) or "no callback"
                raise ConfigError(
                    f"the run had no {name}, but {there}; resume with the same callbacks, or begin "
                    "anew in another folder"
                )

    def watch(self) -> None:
        """Notes how the callbacks are now, for check(). Raises ConfigError for half a pair."""
        for name, callback in self._named():
            pair = [_defines(callback, f) for f in ("state_dict", "load_state_dict")]
            if pair[0] != pair[1]:
                raise ConfigError(
                    f"BackupAndRestore: callback {name} needs both state_dict() and "
                    "load_state_dict(), or neither of them"
                )
        self.before = dict(self._unsaved())

    def check(self) -> None:
        """Raises ConfigError for a callback with attributes that changed and would not be saved."""
        for name, now in self._unsaved():
            then = self.before.get(name, now)
            changed = [key for key in {**then, **now} if then.get(key, then) != now.get(key, now)]
            if changed:
                which = changed[0]
                raise ConfigError(
                    f"BackupAndRestore: callback {name} changes its attribute {which!r}, which a "
                    f"resumed run would not have; write keeps = ({which!r},) in its class if it is "
                    "plain data, or give it state_dict() and load_state_dict(state) (which may "
                    "keep nothing: return {})"
                )

    def _named(self) -> Iterator[tuple[str, Any]]:
        seen: Counter[str] = Counter()
        for callback in self.run.callbacks:
            if getattr(callback, "saves_run", False):
                continue
            kind = type(callback).__name__
            seen[kind] += 1
            yield (kind if seen[kind] == 1 else f"{kind} {seen[kind]}"), callback

    def _unsaved(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The attributes of each callback that no state_dict keeps, as values to compare."""
        for name, callback in self._named():
            if _defines(callback, "state_dict"):
                continue
            saved = {"run", "model", "patient", *kept(type(callback))}
            frozen = Frozen(self.run)
            yield name, {k: frozen.of(v) for k, v in _attributes(callback) if k not in saved}


def _defines(callback: object, method: str) -> bool:
    """Whether the callback's class has this method, other than from a class of the library."""
    found = getattr(type(callback), method, None)
    return callable(found) and not str(found.__module__).startswith(LIBRARY + ".")


def _attributes(x: object) -> Iterator[tuple[str, Any]]:
    for kind in type(x).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(x, name) and not name.startswith("__"):
                yield name, getattr(x, name)
    yield from getattr(x, "__dict__", {}).items()


class Frozen:
    """What objects hold, as tuples that can be compared later.

    The parts of a run are not looked into: a checkpoint has them already. Functions, files and
    whatever else shows no attributes are compared by identity.
    """

    def __init__(self, run: TrainingRun) -> None:
        recipe = run.trainer.recipe
        parts: list[Any] = [
            run,
            run.trainer,
            recipe,
            run.optimizer,
            run.ema,
            run.history,
            *recipe.metrics,
        ]
        parts += [*run.model.modules(), *run.model.parameters()]
        self.seen = {id(part): part for part in parts if part is not None}

    def of(self, x: Any, depth: int = 0) -> Any:
        """Returns a value that is equal to a later one if nothing in x has changed."""
        if isinstance(x, PLAIN):
            return (type(x), repr(x))  # nan is then equal to itself, and 0.0 is not -0.0
        if id(x) in self.seen or isinstance(x, OPAQUE) or depth > DEEP:
            return Same(x)
        if isinstance(x, np.ndarray | np.generic):
            array = np.atleast_1d(x)
            part = array[:: max(1, array.size // LARGE)]
            plain = part.tobytes() if array.dtype.kind != "O" else repr(part.tolist())
            return (array.shape, array.dtype.str, plain)
        self.seen[id(x)] = x  # a circle ends here, and the id stays this object's
        if hasattr(x, "bit_generator"):
            return repr(x.bit_generator.state)
        if isinstance(x, Mapping):
            return [(self.of(k, depth + 1), self.of(v, depth + 1)) for k, v in x.items()]
        if isinstance(x, list | tuple | deque):
            return (type(x), [self.of(v, depth + 1) for v in x])
        if isinstance(x, set | frozenset):
            return sorted(map(repr, x))
        inside = [(name, self.of(v, depth + 1)) for name, v in _attributes(x)]
        return (type(x), inside) if inside else Same(x)


class Same:
    """Equal only to another one of the same object."""

    def __init__(self, x: object) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.x is self.x

    __hash__ = None  # type: ignore[assignment]
