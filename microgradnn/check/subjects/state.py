"""The arrays inside an object: where they are, which of them is the gradient of which."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..oracle.traced import Traced, values
from ..subject import is_float, names_gradient

_DEPTH = 6
_SINGLE = {"data", "value", "val", "w", "param", "params", "tensor", "array", "weight", "weights"}
_SINGLE_GRADS = ("grad", "gradient", "grads", "g", "dw", "delta", "d")
_HOMES = {
    "params": ("grads", "gradients", "dparams", "grad", "derivatives", "d_params", "param_grads"),
    "parameters": ("gradients", "grads", "dparams", "grad", "derivatives"),
    "weights": ("grads", "gradients", "dweights", "weight_grads"),
    "p": ("g", "grads", "dp"),
    "_params": ("_grads", "grads"),
}


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
        if isinstance(self.holder, list):
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
        yield from _walk(value, place.path, depth - 1, seen)


def _keys(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return [k for k in thing if isinstance(k, (str, int))]
    if isinstance(thing, list):
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


def is_gradient(path: str) -> bool:
    """Whether a path leads into something called gradients."""
    homes = {word for words in _HOMES.values() for word in words} | {"grads", "gradients"}
    *home, last = path.split(".")
    called = last.startswith(("grad_", "d_")) or last.endswith(("_grad", "_gradient", "_grads"))
    return called or any(word in homes for word in home) or last in homes


def gradient_path(path: str, after: dict[str, Place], exclude: set[str]) -> str | None:
    """Where the gradient of the array at a path is after a backward pass, by what it is called."""
    *home, name = path.split(".")
    options = [p for p in _options(home, name, after) if p in after and p not in exclude]
    full = [p for p in options if p != path and after[p].get() is not None]
    return full[0] if full else None


def _options(home: list[str], name: str, after: dict[str, Place]) -> Iterator[str]:
    """Paths where the gradient may be, the likeliest first."""
    prefix = ".".join(home)
    siblings = [p.path for p in after.values() if p.path.rpartition(".")[0] == prefix]
    if not name.isdigit():
        for path in siblings:
            word = path.rpartition(".")[2]
            if word != name and names_gradient(word, name):
                yield path
    if name in _SINGLE:
        for word in _SINGLE_GRADS:
            yield ".".join([*home, word])
    for i in range(len(home) - 1, -1, -1):  # params.W beside grads.W, layers.0.params beside …
        for other in _HOMES.get(home[i], ()):
            start = ".".join([*home[:i], other])
            rest = home[i + 1 :]
            for word in (name, f"d{name}", f"grad_{name}", f"{name}_grad", f"d_{name}"):
                yield ".".join([start, *rest, word])
    for word in ("grads", "gradients", "grad", "derivatives", "dparams"):  # W beside grads["W"]
        for key in (name, f"d{name}", f"grad_{name}", f"{name}_grad"):
            yield ".".join([*home, word, key])


def traced_state(thing: Any, number: Any) -> None:
    """None; every float array in the object becomes one of Values, as buffers are added to."""
    known: dict[int, Any] = {}
    for place in list(places(thing).values()):
        value = place.get()
        if is_float(value) and not isinstance(value, Traced):
            new = known.setdefault(id(value), values(value, number))
            try:
                place.set(new)
            except Exception:  # read-only property
                continue


def same_array(a: Any, b: Any) -> bool:
    """Whether two arrays have the same numbers."""
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))


def parts(thing: Any) -> list[Any]:
    """The classes of the objects inside an object."""
    return list({type(p.get()) for p in places(thing).values()} - {np.ndarray, float, int})
