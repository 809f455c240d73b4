"""What a function reads from outside, and whether it is still what it was when it was traced.

A trace holds for the numbers, strings, functions and lists that the function saw. If one of them is
another now, a global that was set anew or an attribute of an object, the function is traced again.
Arrays and tensors that the program reads itself need no look: it reads what they hold now.
"""

from __future__ import annotations

import copy
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine.node import Node
from ..errors import TraceError
from ..numerics import memory
from ..transforms import code_lines

MOST = 20_000  # places that are looked at; a function that sees more is refused
_GONE = object()
_LEAVES = (str, bytes, bool, int, float, complex, type(None), type, types.ModuleType, np.dtype,
           types.BuiltinFunctionType, np.ufunc, np.random.Generator, range, slice)  # fmt: skip


class Captures:
    """The places from which a function reads, and what they held."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.places: list[tuple[Any, Any, Any]] = []  # (container, key, what it held)
        self.lengths: list[tuple[Any, int]] = []
        self.arrays: dict[int, Any] = {}
        self.notes: list[tuple[Any, memory.Note]] = []
        self.generators: list[np.random.Generator] = []
        self._seen: dict[int, Any] = {}
        self.look_into(f)

    def look_into(self, x: Any) -> None:
        """Adds what can be reached from x."""
        todo: list[Any] = [x]
        while todo:
            todo.extend(self._look(todo.pop()))
            if len(self.places) > MOST:
                raise TraceError(
                    f"compile: the function can reach more than {MOST} objects outside; pass what "
                    "it needs as arguments"
                )

    def note(self, read: set[int]) -> None:
        """Takes notes of the arrays that the program does not read itself."""
        self.notes = [
            (x, memory.note(_array(x)))
            for i, x in self.arrays.items()
            if i not in read and isinstance(_array(x), np.ndarray)
        ]

    def without(self, dicts: list[Any]) -> Captures:
        """The same places but for those in some dicts, which others look at."""
        ids, out = {id(d) for d in dicts}, copy.copy(self)
        out.places = [place for place in self.places if id(place[0]) not in ids]
        return out

    def hold(self) -> bool:
        """Whether all is as it was."""
        for n, (container, key, held) in enumerate(self.places):
            now = container.cell_contents if key is None else _now(container, key)
            if now is not held:
                if type(now) is not type(held) or not isinstance(now, _LEAVES) or now != held:
                    return False
                self.places[n] = container, key, now
        for container, length in self.lengths:
            if len(container) != length:
                return False
        return all(memory.agrees(_array(x), note) for x, note in self.notes)

    # ---- looking --------------------------------------------------------------------------------

    def _look(self, x: Any) -> Iterator[Any]:
        """What can be read from x, each noted."""
        if isinstance(x, np.random.Generator):
            self.generators.append(x)
        if isinstance(x, _LEAVES) or id(x) in self._seen:
            return
        self._seen[id(x)] = x
        if isinstance(x, (Node, np.ndarray)):
            self.arrays[id(x)] = x
        elif isinstance(x, types.FunctionType):
            if code_lines._users(x.__code__.co_filename):
                yield from self._of_function(x)
            else:  # the library's own: what it holds may be the user's
                yield from self._of_cells(x)
        elif isinstance(x, types.MethodType):
            yield from (x.__func__, x.__self__)
        elif isinstance(x, functools.partial):
            yield from (x.func, *x.args, *x.keywords.values())
        elif isinstance(x, (list, tuple, dict)):
            self.lengths.append((x, len(x)))
            keys = list(x) if isinstance(x, dict) else range(len(x))
            yield from self._places(x, keys)
        elif isinstance(getattr(x, "__dict__", None), dict) and not _foreign(x):
            yield from self._places(vars(x), list(vars(x)))
            call = getattr(type(x), "__call__", None)  # noqa: B004  the function itself
            yield from (c for c in (call, getattr(type(x), "forward", None)) if c is not None)

    def _of_function(self, f: types.FunctionType) -> Iterator[Any]:
        yield from self._of_cells(f)
        yield from f.__defaults__ or ()
        yield from (f.__kwdefaults__ or {}).values()
        yield from self._places(
            f.__globals__, [n for n in _names(f.__code__) if n in f.__globals__]
        )

    def _of_cells(self, f: types.FunctionType) -> Iterator[Any]:
        for cell in f.__closure__ or ():
            try:
                held = cell.cell_contents
            except ValueError:  # not set yet
                continue
            self.places.append((cell, None, held))
            yield held

    def _places(self, container: Any, keys: Any) -> Iterator[Any]:
        for key in keys:
            held = container[key]
            if isinstance(held, (Node, np.ndarray, *_LEAVES)) or not isinstance(container, tuple):
                self.places.append((container, key, held))
            yield held


def _now(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except LookupError:
        return _GONE


def _array(x: Any) -> Any:
    return x._data if isinstance(x, Node) else x


def _foreign(x: Any) -> bool:
    """Whether x belongs to another library, whose objects are not looked into."""
    module = type(x).__module__ or ""
    return module.split(".")[0] in ("numpy", "builtins", "threading", "logging", "collections")


@functools.cache
def _names(code: types.CodeType) -> tuple[str, ...]:
    """The names of globals and attributes that a function and those inside it use."""
    inner = [n for c in code.co_consts if isinstance(c, types.CodeType) for n in _names(c)]
    return (*code.co_names, *inner)
