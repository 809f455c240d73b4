"""What stands in code anywhere that its forward or its backward gets to: an eps, a name."""

import inspect
from collections.abc import Iterator
from functools import partial
from types import CellType, CodeType, FunctionType
from typing import Any

from ..subject import Subject

EPS = 1e-3  # what is called one, at most
CLIPS = frozenset({"clip", "maximum", "minimum", "nan_to_num", "finfo", "max", "min"})


def uses_eps(subject: Subject) -> bool:
    """Whether what the subject calls, by whatever ways, has an eps or calls a clip."""
    return any(map(_has_eps, _reached(subject)))


def approximates(subject: Subject) -> bool:
    """Whether it has four rounded constants or more, as approximations of erf have."""
    functions = (f for f in _reached(subject) if isinstance(f, FunctionType))
    codes = (code for f in functions for code in _codes(f.__code__))
    constants = [c for code in codes for c in code.co_consts]
    constants += [c for some in constants if isinstance(some, tuple) for c in some]
    numbers = {c for c in constants if isinstance(c, float)}
    return sum(6 <= len(f"{c!r}".strip("-0").replace(".", "")) <= 13 for c in numbers) >= 4


def words(subject: Subject) -> set[str]:
    """The names of variables, attributes and arguments in all that the subject calls."""
    functions = (f for f in _reached(subject) if isinstance(f, FunctionType))
    codes = (code for f in functions for code in _codes(f.__code__))
    return {w for code in codes for w in (*code.co_names, *code.co_varnames)}


def _reached(subject: Subject) -> Iterator[Any]:
    """The functions, classes and numbers of the user's that the subject gets to."""
    todo, seen = list(subject.code), set[int]()
    while todo:
        thing = _bare(todo.pop())
        if id(thing) not in seen:
            seen.add(id(thing))
            yield thing
            todo += _called_by(thing)


def _bare(thing: Any) -> Any:
    """The function behind a method, a partial, a decorator."""
    thing = getattr(getattr(thing, "func", thing), "__func__", getattr(thing, "func", thing))
    return inspect.unwrap(thing) if isinstance(thing, FunctionType) else thing


def _called_by(thing: Any) -> list[Any]:
    """What a function names, what a class holds, what a net is made of."""
    if isinstance(thing, type):
        return [v for c in thing.__mro__ if c is not object for v in vars(c).values()]
    if not isinstance(thing, FunctionType):
        return []
    words = {w for code in _codes(thing.__code__) for w in code.co_names}
    cells = [c.cell_contents for c in thing.__closure__ or () if c != CellType()]
    named = [thing.__globals__[w] for w in words if w in thing.__globals__] + cells
    return [v for v in named if isinstance(v, (FunctionType, type, partial, float))]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function and of those inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _has_eps(thing: Any) -> bool:
    """Whether a function or a constant of the user's has an eps, or calls a clip."""
    if isinstance(thing, float):
        return 0 < abs(thing) <= EPS
    if isinstance(thing, FunctionType):
        constants = (*(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).values())
        return any(map(_has_eps, constants)) or any(map(_has_eps, _codes(thing.__code__)))
    if not isinstance(thing, CodeType):
        return False
    constants = tuple(c for c in thing.co_consts if isinstance(c, float))
    return not CLIPS.isdisjoint(thing.co_names) or any(map(_has_eps, constants))
