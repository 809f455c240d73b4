"""Doors that say which argument did not fit: `told(f)` is f with errors that are sentences.

Where a call fails in the depths, the argument that is not what its annotation says is named (see
expected.py). A call that succeeds is not looked at and costs nothing.
"""

import inspect
import os
import re
from collections.abc import Callable, MutableMapping
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from ..errors import RAW, DTypeError, MicrogradError, RuleError, ShapeError
from .expected import brief, misfit

_UNKNOWN = r"unexpected keyword argument '(\w+)'"
_TORCHS_WORD = r"unexpected keyword argument '(dim|dims|keepdim)'"
_OURS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}
F = TypeVar("F", bound=Callable[..., Any])


def explained(
    name: str, f: Callable[..., Any], args: Any, kwargs: Any, error: BaseException
) -> BaseException:
    """Our error for one from the depths, or that error where the user's own code raised it."""
    if isinstance(error, MicrogradError):
        below = isinstance(error, DTypeError) and isinstance(error.__cause__, RAW)
        if below and (sentence := misfit(f, args, kwargs)) is not None:
            return DTypeError(f"{name}: {sentence}")
        return error if ": " in str(error) else type(error)(f"{name}: {error}")
    if isinstance(error, TypeError) and (word := re.search(_TORCHS_WORD, str(error))):
        return RuleError(
            f"{name}: {word[1]}= is PyTorch's word, here it is {_OURS[word[1]]}=; methods of a "
            "Tensor that PyTorch has too take both"
        )
    if _python(f, error):
        return error
    if (unknown := no_option(name, f, error)) is not None:
        return unknown
    if isinstance(error, MemoryError):
        return ShapeError(f"{name}: the result needs more memory than there is")
    if (sentence := misfit(f, args, kwargs)) is not None:
        return DTypeError(f"{name}: {sentence}")
    if _foreign(error):
        return error
    if isinstance(error, RecursionError):
        return ShapeError(f"{name}: an argument is nested too deeply")
    kind = DTypeError if isinstance(error, TypeError | OverflowError) else ShapeError
    if isinstance(error, TypeError | ValueError | IndexError | OverflowError):
        return kind(f"{name}: {error}")
    shown = ", ".join([*map(brief, args), *(f"{k}={brief(v)}" for k, v in kwargs.items())])
    return ShapeError(f"{name}: cannot be had of ({shown}); {type(error).__name__}: {error}")


def no_option(name: str, f: Callable[..., Any], error: BaseException) -> RuleError | None:
    """Our error for an option that f does not have; None for another one."""
    word = re.search(_UNKNOWN, str(error)) if isinstance(error, TypeError) else None
    if word is None:
        return None
    known = [f"{p}=" for p in inspect.signature(f).parameters if p not in ("self", "x")]
    return RuleError(f"{name}: no option {word[1]}=; it has {', '.join(known) or 'none'}")


HOUSE = (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(np.__file__), "<")
PYTHON = os.path.dirname(os.__file__)


def _foreign(error: BaseException) -> bool:
    """Whether code that is neither ours nor NumPy's nor Python's was running: the user's."""
    tb = error.__traceback__
    while tb is not None:
        file = tb.tb_frame.f_code.co_filename
        ours = file.startswith(HOUSE) or file.endswith(".pyx")
        if not (ours or file.startswith(PYTHON) and "site-packages" not in file):
            return True
        tb = tb.tb_next
    return False


def _python(f: Callable[..., Any], error: BaseException) -> bool:
    """Whether it is Python's own sentence about a wrong keyword or number of arguments.

    NumPy's functions say theirs with the name in front, as the ops do.
    """
    if not isinstance(error, TypeError) or f.__module__.startswith("microgradnn.functions."):
        return False
    return str(error).startswith((f"{f.__name__}()", f"{f.__qualname__}()"))


def blame(layer: Any, args: Any, kwargs: Any, error: Exception) -> None:
    """Raises our error for one from a layer of ours that was called with what does not fit."""
    if layer.holds_modules or not _inside(type(layer), "microgradnn.nn."):
        return  # what the user put inside may take anything
    better = explained(type(layer).__name__, layer.forward, args, kwargs, error)
    if better is not error:
        raise better from error


def told(f: F) -> F:
    """f, whose errors say which argument did not fit; those of the user's own code pass.

    Of a class's __init__, the name told is that of the class.
    """
    if hasattr(f, "told"):
        return f
    method = f.__name__ == "__init__"

    def named(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except RAW as error:
            name = type(args[0]).__name__ if method else f.__name__
            better = explained(name, f, args, kwargs, error)
            if better is error:
                raise
            raise better from error

    # What functools.wraps does, in half the time: there are five hundred of them.
    named.__module__, named.__name__, named.__qualname__ = f.__module__, f.__name__, f.__qualname__
    named.__doc__, named.__annotations__ = f.__doc__, f.__annotations__
    vars(named).update(vars(f), __wrapped__=f, told=True)
    return named  # type: ignore[return-value]


def tell(room: MutableMapping[str, Any], home: str, but: str = "") -> None:
    """Puts told(f) in the place of each function of the room that is written in `home`.

    Of classes, and of the classes they stand on: in the place of __init__ and of the methods that
    no step of training waits for.
    """
    for name, thing in list(room.items()):
        if name[0] == "_" or not _inside(thing, home) or name in but.split():
            continue
        if inspect.isfunction(thing) and not hasattr(thing, "told"):
            room[name] = told(thing)
        elif inspect.isclass(thing) and not issubclass(thing, BaseException):
            for base in thing.__mro__:
                if _inside(base, home):
                    tell_methods(base, home)


def _inside(thing: Any, home: str) -> bool:
    return str(getattr(thing, "__module__", "")).startswith(home)


HOT = frozenset("forward step zero_grad update parameters train eval".split())


def tell_methods(kind: type, home: str) -> None:
    """Puts told(f) in the place of the methods of the class that are written in `home`."""
    for name, f in list(vars(kind).items()):
        public = name == "__init__" or name[0] != "_" and name not in HOT
        if not public or not isinstance(f, FunctionType) or not _inside(f, home):
            continue
        if not f.__code__.co_flags & inspect.CO_GENERATOR:  # which fails later than in its call
            setattr(kind, name, told(f))
