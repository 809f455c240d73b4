"""Methods as plain functions: of forward(ctx, x) and backward(ctx, dout), and of f and derivative.

What reads signatures sees the functions without ctx and self; what reads text sees the methods.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from ..source import positional
from ..verbs import is_flag

Two = tuple[Callable[..., Any], Callable[..., Any]]
_CONTEXT = ("ctx", "context")
_SAVED = ("saved_tensors", "saved_values", "saved_variables", "saved_arrays", "saved_data", "saved")


class Saved:
    """What forward(ctx, …) keeps for backward: anything, by save_for_backward or by name."""

    def __init__(self, count: int) -> None:
        self.needs_input_grad = (True,) * count

    def save_for_backward(self, *values: Any) -> None:
        """Keeps the values under all names that are used for them."""
        vars(self).update(dict.fromkeys(_SAVED, values))


def takes_context(method: Callable[..., Any]) -> bool:
    """Whether one of its arguments is called ctx."""
    return _place(method) is not None


def _place(method: Callable[..., Any]) -> int | None:
    """The place of the argument that is called ctx."""
    words = [p.name for p in positional(method)]
    return next((k for k, word in enumerate(words) if word in _CONTEXT), None)


def without_context(forward: Callable[..., Any], backward: Callable[..., Any]) -> Two:
    """forward(*args) -> (out, ctx), backward(*douts, ctx), of two that are given ctx."""
    first, second = _place(forward) or 0, _place(backward) or 0

    @wraps(forward)
    def run(*args: Any) -> Any:
        saved = Saved(len(args))
        out = forward(*args[:first], saved, *args[first:])
        return (*out, saved) if isinstance(out, tuple) else (out, saved)

    @wraps(backward)
    def pull(*args: Any) -> Any:
        *douts, saved = args
        return backward(*douts[:second], saved, *douts[second:])

    rest = list(inspect.signature(forward).parameters.values())
    ctx = rest.pop(first)
    vars(run)["__signature__"] = inspect.Signature(rest)
    rest = list(inspect.signature(backward).parameters.values())
    del rest[second]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    douts = [p for p in rest if p.default is p.empty and p.kind == kind]
    vars(pull)["__signature__"] = inspect.Signature([*douts, ctx.replace(name="ctx", kind=kind)])
    return run, pull


def by_flag(function: Callable[..., Any]) -> Two | None:
    """f(x) and f(x, derivative=True) as two functions, where f has such an argument; else None."""
    every = inspect.signature(function).parameters.values()
    flags = [p for p in every if is_flag(p.name) and p.default in (False, 0, None)]
    flags = [p for p in flags if p.default is not p.empty]
    if len(flags) != 1 or flags[0] is next(iter(every)):
        return None
    flag = flags[0].name
    others = inspect.Signature([p for p in every if p.name != flag])

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return function(**others.bind(*args, **kwargs).arguments, **{flag: False})

    @wraps(function)
    def slope(*args: Any, **kwargs: Any) -> Any:
        return function(**others.bind(*args, **kwargs).arguments, **{flag: True})

    for two in (run, slope):
        vars(two)["__signature__"] = others
    return run, slope


def bound(cls: type, *methods: Callable[..., Any]) -> list[Callable[..., Any]] | None:
    """These methods of a new object of the class; None if it needs arguments, or has none."""
    try:
        thing = cls()
        return [getattr(thing, m.__name__) for m in methods]
    except Exception:  # whatever the user's constructor raises
        return None
