"""Other ways in which a layer object may be meant, where the usual one gives what is not right."""

import copy
import inspect
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..source import positional, required
from ..subject import Arguments
from ..words import is_cotangent, is_output
from . import state
from .learning import learn
from .plan import Plan

_KEEPS = re.compile(
    r"(is_?|in_?)?train(ing)?|(save|keep|store|cache|record|remember|requires?|with|track)(_\w+)?|"
    r"\w+_(grads?|gradients?)|memori[sz]e", re.I
)  # fmt: skip


def called_otherwise(plan: Plan, params: Any, broken: Exception) -> tuple[Plan, Exception | None]:
    """The plan whose backward runs: of __call__, which may do more, or with keep_input=True.

    The one given, with what it raised, if there is none.
    """
    method = getattr(plan.thing, plan.forward)
    given = list(plan.args.args)
    for p in positional(method)[len(given) :]:
        given.append(p.default)
    keeps = [bool(_KEEPS.fullmatch(p.name)) for p in positional(method)]
    flags = [x is False and keep for x, keep in zip(given, keeps, strict=False)]
    ways = [(plan.args, "__call__")] if callable(plan.thing) else []
    if any(flags) and not any(x is inspect.Parameter.empty for x in given):
        kept = [True if flag else x for x, flag in zip(given, flags, strict=False)]
        ways.append((Arguments(kept, plan.args.names), plan.forward))
    for args, forward in ways:
        other = Plan(plan.thing, args, forward, plan.backward)
        with suppress(Exception):  # whatever the user's code raises
            if learn(other, params) is None:
                return other, None
    return plan, broken


def other_readings(plan: Plan) -> Iterator[tuple[Plan, str, bool]]:
    """Plans that may be meant, what to say of each, and whether it is meant even if it is wrong.

    A backward that is given no cotangent, but what forward was given or gave, and returns the
    derivative there; and one that is given one of these beside the cotangent, by any name.
    """
    needed, names = required(getattr(plan.thing, plan.backward)), plan.args.names
    if plan.scaled or plan.targets or not names:
        return
    # What takes a cotangent, or what forward has kept, is none: dy * (1 - self.y) would be "right".
    if len(needed) == 1 and not (plan.params or is_cotangent(needed[0]) or _keeps(plan)):
        word = needed[0]
        own = word in names
        at = names.index(word) if own else 0
        first = (replace(plan, takes=[("arg", at)], local=True), "the derivative at the input")
        last = (
            replace(plan, takes=["result"], local=True),
            "the derivative in terms of the output",
        )
        yield (*(first if own else last), False)
        yield (*(last if own else first), False)
        if own or is_output(word):
            yield (*(first if own else last), True)
    for k, word in enumerate(needed if len(needed) > 1 else ()):
        if not is_cotangent(word) and any(map(is_cotangent, needed)):
            for what, said in ((("arg", 0), "the input"), ("result", "the output")):
                takes = [*plan.takes[:k], what, *plan.takes[k + 1 :]]
                yield replace(plan, takes=takes), f"{word} is {said}", False


def gives_twice(plan: Plan) -> bool:
    """Whether one cotangent stands for two arguments of backward, for want of a better reading."""
    douts = [what for what in plan.takes if type(what) is int]
    return len(set(douts)) < len(douts)


def _keeps(plan: Plan) -> bool:
    """Whether forward leaves something in the object."""
    thing = copy.deepcopy(plan.thing)
    getattr(thing, plan.forward)(*plan.args.filled([], []))
    return {*state.places(thing)} != {*state.places(plan.thing)}
