"""The arrays inside an object: where they are, which of them is the gradient of which."""

import copy
import random
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..oracle.traced import Traced, tracer, values
from ..subject import is_float
from ..words import (
    GRADIENT_ATTRIBUTES,
    VALUE_ATTRIBUTES,
    gradients_among,
    holds_gradients,
    is_rate,
)

_DEPTH = 6


@dataclass(frozen=True)
class Place:
    """Where an array is: a container (object, dict or list) and the key in it."""

    path: str
    holder: Any
    key: Any

    def get(self) -> Any:
        """What is there now; None if nothing is."""
        if isinstance(self.holder, dict):
            return self.holder.get(self.key)
        if isinstance(self.holder, (list, tuple)):
            return self.holder[self.key] if self.key < len(self.holder) else None
        return getattr(self.holder, self.key, None)

    def set(self, value: Any) -> None:
        """Puts a value there."""
        if isinstance(self.holder, (dict, list)):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)

    @property
    def name(self) -> str:
        """The last word of the path that is a word."""
        return next((p for p in reversed(self.path.split(".")) if not p.isdigit()), self.path)


def places(thing: Any) -> dict[str, Place]:
    """Every place in an object, by its dotted path: W, layers.0.W, params.W1."""
    return {p.path: p for p in _walk(thing, "", _DEPTH, set())}


def arrays(thing: Any) -> dict[str, Place]:
    """The places that hold a float array."""
    return {path: p for path, p in places(thing).items() if is_float(p.get())}


def _walk(thing: Any, path: str, depth: int, seen: set[int]) -> Iterator[Place]:
    if depth == 0 or id(thing) in seen:
        return
    seen.add(id(thing))
    for key in _keys(thing):
        place = Place(f"{path}.{key}" if path else str(key), thing, key)
        try:
            value = place.get()
        except Exception:  # a property that raises
            continue
        yield place
        if not isinstance(value, tuple) or holds_gradients(str(key)):  # of others none can be set
            yield from _walk(value, place.path, depth - 1, seen)


def _keys(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return [k for k in thing if isinstance(k, (str, int))]
    if isinstance(thing, (list, tuple)):
        return list(range(len(thing)))
    if _is_users(type(thing)):
        slots = [s for c in type(thing).__mro__ for s in getattr(c, "__slots__", ())]
        return [*getattr(thing, "__dict__", {}), *slots]
    return []


def _is_users(kind: type) -> bool:
    word = kind.__module__.partition(".")[0]
    return word not in sys.stdlib_module_names - {"__main__"} and word not in ("numpy", "builtins")


def find(thing: Any, path: str) -> Any:
    """What is at a path; None if it leads nowhere."""
    for key in path.split("."):
        if isinstance(thing, dict):
            thing = thing.get(key, thing.get(int(key)) if key.isdigit() else None)
        elif isinstance(thing, (list, tuple)):
            thing = thing[int(key)] if key.isdigit() and int(key) < len(thing) else None
        else:
            thing = getattr(thing, key, None)
        if thing is None:
            return None
    return thing


def _split(path: str) -> tuple[str, str]:
    """The path of the container and the last word."""
    home, _, word = path.rpartition(".")
    return home, word


def _families(paths: Iterable[str]) -> dict[str, list[str]]:
    """The last words of paths by the container that they are in; no places in lists."""
    found: dict[str, list[str]] = {}
    for home, word in map(_split, paths):
        if not word.isdigit():
            found.setdefault(home, []).append(word)
    return found


def gradients(paths: Collection[str]) -> set[str]:
    """Which of the paths lead to something that is called a gradient."""
    named = {
        f"{home}.{word}" if home else word
        for home, words in _families(paths).items()
        for word in gradients_among(words, words).values()
    }
    return named | {p for p in paths if any(map(holds_gradients, p.split(".")))}


def gradient_paths(
    stable: Sequence[str], after: Mapping[str, Place], exclude: Collection[str]
) -> dict[str, str]:
    """Where the gradients of the arrays at some paths are after a backward pass, by their names."""
    there = {p for p in after if p not in exclude and after[p].get() is not None}
    numbers = {p for p in there if _is_number(after[p].get())}
    families, wanted = _families(there), _families(stable)
    found: dict[str, str] = {}
    for home, words in wanted.items():  # W beside dW
        pairs = gradients_among([w for w in families[home] if w not in words], words)
        found |= {_joined(home, name): _joined(home, word) for name, word in pairs.items()}
    for path in stable:
        if path not in found:
            options = (p for p in _elsewhere(path, families) if p in numbers and p != path)
            for option in options:
                found.setdefault(path, option)
    return _in_order(stable, numbers) | found


def _is_number(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, int, float))


def _in_order(stable: Sequence[str], there: Collection[str]) -> dict[str, str]:
    """The parts of a list of gradients beside as many arrays, which are taken in their order."""
    rows: dict[str, list[str]] = {}
    for path in there:
        home, word = _split(path)
        if word.isdigit() and holds_gradients(_split(home)[1]):
            rows.setdefault(home, []).append(path)
    found: dict[str, str] = {}
    for home, parts in rows.items():
        beside = [p for p in stable if _split(p)[0] == _split(home)[0]]
        if len(beside) == len(parts) > 1:
            found |= zip(beside, sorted(parts, key=lambda p: int(_split(p)[1])), strict=True)
    return found


def _joined(*words: str) -> str:
    return ".".join(w for w in words if w)


def _elsewhere(path: str, families: Mapping[str, list[str]]) -> Iterator[str]:
    """Paths where the gradient may be, if not beside the array; the likeliest first."""
    home, name = _split(path)
    if name in VALUE_ATTRIBUTES:  # p.data and p.grad
        yield from (_joined(home, word) for word in GRADIENT_ATTRIBUTES)
    *parts, _ = path.split(".")
    for i in range(len(parts), -1, -1):  # params.W and grads.W; W and grads.W
        before, here, rest = _joined(*parts[:i]), parts[i : i + 1], parts[i + 1 :]
        if here and here[0].isdigit():
            continue
        for word in families.get(before, ()):
            if [word] != here and holds_gradients(word, *here):
                inside = _joined(before, word, *rest)
                yield _joined(inside, name)
                keys = gradients_among(families.get(inside, ()), [name], bare=True)
                yield from (_joined(inside, key) for key in keys.values())


def traced_state(thing: Any) -> None:
    """In a trace, makes every float array in the object one of Values: buffers are added to."""
    number = tracer()
    if number is None:
        return
    known: dict[int, Any] = {}
    for place in list(places(thing).values()):
        value = place.get()
        if is_float(value) and not isinstance(value, Traced):
            new = known.setdefault(id(value), values(value, number))
            try:
                place.set(new)
            except Exception:  # read-only property
                continue


_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)


def rewind(thing: Any, before: Any) -> None:
    """Puts generators of random numbers in the object back to where they were before."""
    for path, place in places(thing).items():
        if isinstance(place.get(), _GENERATORS):
            place.set(copy.deepcopy(find(before, path)))


def draws(thing: Any) -> bool:
    """Whether there is a generator of random numbers in the object."""
    return any(isinstance(place.get(), _GENERATORS) for place in places(thing).values())


def full_rate(thing: Any) -> bool:
    """Sets the learning rates in the object to 1; whether there are any."""
    rates = [p for p in places(thing).values() if is_rate(p.name) and type(p.get()) is float]
    for place in rates:
        place.set(1.0)
    return bool(rates)


def same_array(a: Any, b: Any) -> bool:
    """Whether two arrays have the same numbers."""
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))


def parts(thing: Any) -> list[Any]:
    """The classes of the objects inside an object."""
    return list({type(p.get()) for p in places(thing).values()} - {np.ndarray, float, int})
