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
    """Whether its first argument is called ctx."""
    first = positional(method)[:1]
    return bool(first) and first[0].name in _CONTEXT


def without_context(forward: Callable[..., Any], backward: Callable[..., Any]) -> Two:
    """forward(*args) -> (out, ctx), backward(*douts, ctx), of two that are given ctx first."""

    @wraps(forward)
    def run(*args: Any) -> Any:
        saved = Saved(len(args))
        out = forward(saved, *args)
        return (*out, saved) if isinstance(out, tuple) else (out, saved)

    @wraps(backward)
    def pull(*args: Any) -> Any:
        *douts, saved = args
        return backward(saved, *douts)

    first, *rest = inspect.signature(forward).parameters.values()
    vars(run)["__signature__"] = inspect.Signature(rest)
    first, *rest = inspect.signature(backward).parameters.values()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    douts = [p for p in rest if p.default is p.empty and p.kind == kind]
    vars(pull)["__signature__"] = inspect.Signature([*douts, first.replace(name="ctx", kind=kind)])
    return run, pull


def by_flag(function: Callable[..., Any]) -> Two | None:
    """f(x) and f(x, derivative=True) as two functions, where f has such an argument; else None."""
    every = inspect.signature(function).parameters.values()
    flags = [p for p in every if is_flag(p.name) and p.default in (False, 0, None)]
    flags = [p for p in flags if p.default is not p.empty]
    if len(flags) != 1 or flags[0] is next(iter(every)):
        return None
    flag = flags[0].name
    others = [p for p in every if p.name != flag]

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs, **{flag: False})

    @wraps(function)
    def slope(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs, **{flag: True})

    for two in (run, slope):
        vars(two)["__signature__"] = inspect.Signature(others)
    return run, slope


def bound(cls: type, *methods: Callable[..., Any]) -> list[Callable[..., Any]] | None:
    """These methods of a new object of the class; None if it needs arguments, or has none."""
    try:
        thing = cls()
        return [getattr(thing, m.__name__) for m in methods]
    except Exception:  # whatever the user's constructor raises
        return None
