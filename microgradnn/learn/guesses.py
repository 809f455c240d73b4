"""Right answers, from the engine's table; and what a wrong use of the right slopes gives."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..check.api import layer
from ..transforms.derivatives import vjp
from .exercise import Told

Function = Callable[..., Any]


def pulled(f: Function) -> Function:
    """backward(g, *args) -> the gradients of f for the cotangent g, by the engine."""

    def backward(g: Any, *args: Any) -> tuple[Any, ...]:
        _, pull = vjp(f, *(np.asarray(a, float) for a in args))
        grads = pull(np.asarray(g, float))
        return tuple(grads) if isinstance(grads, (tuple, list)) else (grads,)

    return backward


def value(f: Function, *args: Any) -> Any:
    """f as a plain array."""
    y = f(*(np.asarray(a, float) for a in args))
    return np.asarray(getattr(y, "data", y), float)


# From g, the true slope s by an argument, and the result y.
USUAL: dict[str, Callable[[Any, Any, Any], Any]] = {
    "upstream": lambda g, s, y: s,
    "sign": lambda g, s, y: -g * s,
    "sign+": lambda g, s, y: -s,
    "zero": lambda g, s, y: 0 * s,
    "value": lambda g, s, y: g * y,
    "value+": lambda g, s, y: y,
    "no_local": lambda g, s, y: g + 0 * s,
    "added": lambda g, s, y: g + s,
    "inverse": lambda g, s, y: g / s,
    "inverse+": lambda g, s, y: s / g,
    "twice": lambda g, s, y: g * s * s,
}


def usual(f: Function, **others: Function) -> Mapping[str, Function]:
    """What the mistakes give that are made with every function of numbers, by cause.

    `others` are those of this function, which are asked first; what follows "_again" in a name
    tells several entries of one cause apart.
    """
    back = pulled(f)

    def of(result: Callable[..., Any]) -> Function:
        def guess(g: Any, *args: Any) -> tuple[Any, ...]:
            y = value(f, *args)
            return tuple(result(g, s, y) for s in back(1.0, *args))

        return guess

    return {
        **{name.replace("_again", "+"): guess for name, guess in others.items()},
        **{name: of(result) for name, result in USUAL.items()},
        "input_for_g": lambda g, *args: tuple(args[0] * s for s in back(1.0, *args)),
        "swapped": lambda g, *args: back(g, *args)[::-1] if len(args) == 2 else None,
        "swapped+": lambda g, *args: back(1.0, *args)[::-1] if len(args) == 2 else None,
    }


# The checker's names of mistakes, where a text of ours says the same.
CHECKERS = {
    "ignored": "upstream", "sign": "sign", "zero": "zero", "no_local": "no_local",
    "not_summed": "not_summed", "swapped": "swapped", "transposed": "transposed",
    "reshaped": "reshaped", "twice": "twice", "inverse": "inverse", "operand": "operand_transposed",
}  # fmt: skip
ALSO = tuple(dict.fromkeys(CHECKERS.values()))


def named_by_checker(f: Function, outputs: Sequence[str]) -> tuple[Function, tuple[str, ...]]:
    """What asks the checker for the name of a mistake, f being the right forward; its causes.

    The checker calls the gradients dargument0, …; the learner's names of them are in outputs.
    """

    def forward(*args: Any) -> tuple[Any, Any]:
        return f(*args), args

    def renamed(text: str) -> str:
        return re.sub(r"\bdargument(\d)", lambda m: outputs[int(m[1])], text)

    def named(backward: Function, part: str, args: Any) -> Told | None:
        def with_cache(dout: Any, cache: Any) -> Any:
            return backward(dout, *cache)

        report = layer(forward, with_cache, args[1:], probes=False)
        found = next((x for x in report.findings if x.code == "GC401"), None)
        if found is None:
            return None
        cause = CHECKERS.get(str(found.data.get("mistake")), "checker")
        fix = found.hint.partition("to mend it: ")[2] or found.hint
        words = {"said": renamed(found.message), "fix": renamed(fix)}
        place = next((x.data for x in report.findings if x.code == "GC501"), {})
        if place.get("file") == backward.__code__.co_filename:
            words["at"] = str(place["line"])
        return Told(part, cause, words)

    return named, ALSO
