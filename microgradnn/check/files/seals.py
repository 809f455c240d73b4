"""Has the file changed what the check stands on: NumPy, Python's own modules, this package?

A check runs in the process of the code that it checks. After np.abs = my_abs no verdict means
anything. So all of it is remembered before the file is loaded, and compared after each step. What
is only added (np.float = float) changes nothing.
"""

import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

from ...engine.op import Op

# The check and NumPy use these. What a file reads or prints may be read or printed otherwise.
_TOPS = {*"""
ast builtins collections contextlib copy dataclasses flint functools hashlib hmac inspect itertools
json linecache math microgradnn numpy operator random re textwrap threading time tokenize traceback
weakref
""".split()}  # fmt: skip
_FREE = {"numpy": ("load", "loadtxt", "genfromtxt"), "builtins": ("print", "input")}
_HEAP_TYPE = 1 << 9  # a class that Python code has made: others cannot be changed

# A namespace, its name, and what stands in it.
Seal = tuple[Any, str, list[tuple[str, Any]]]


def _seals() -> Iterator[Seal]:
    """Everything whose change would change what a check says."""
    modules = [
        (name, module)
        for name, module in sys.modules.items()
        if isinstance(module, ModuleType) and name.partition(".")[0] in _TOPS
    ]
    yield sys.modules, "sys.modules", modules
    for name, module in modules:
        free = _FREE.get(name, ())
        found = [(w, x) for w, x in vars(module).items() if callable(x) and w not in free]
        yield vars(module), name, found
        for word, thing in found:
            if isinstance(thing, Op):
                yield vars(thing), f"{name}.{word}", list(vars(thing).items())
            elif isinstance(thing, type) and thing.__module__ == name:
                if thing.__flags__ & _HEAP_TYPE:
                    yield thing, f"{name}.{word}", _methods(thing)


def _methods(cls: type) -> list[tuple[str, Any]]:
    return [(w, x) for w, x in vars(cls).items() if callable(x) or hasattr(x, "__get__")]


def _by_package(thing: Any) -> bool:
    """Whether an installed package has put it there, as torch does with inspect.getfile."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    file, top = getattr(module, "__file__", None) or "", getattr(module, "__name__", "")
    return "site-packages" in file and top.partition(".")[0] not in _TOPS


def sealed() -> Callable[[], str]:
    """A function that says what has been changed since this call, "" if nothing; it puts it back.

    It calls nothing that could have been changed: only what is bound here.
    """
    seals = [(vars(p).get if isinstance(p, type) else p.get, p, *more) for p, *more in _seals()]
    codes = [
        (thing, thing.__code__, word)
        for *_, things in seals for word, thing in things if isinstance(thing, FunctionType)
    ]  # fmt: skip
    put, missing, dictionary, kind, by_package = setattr, object(), dict, type, _by_package
    gettrace, settrace, trace = sys.gettrace, sys.settrace, sys.gettrace()

    def changed() -> str:
        said = ""
        for get, place, name, things in seals:
            for word, thing in things:
                if get(word, missing) is not thing and not by_package(get(word, None)):
                    said = said or name + "." + word
                    if kind(place) is dictionary:
                        place[word] = thing
                    else:
                        put(place, word, thing)
        for function, code, name in codes:
            if function.__code__ is not code:
                function.__code__ = code
                said = said or name
        if gettrace() is not trace:
            settrace(trace)
            said = said or "sys.settrace"
        return said

    return changed
