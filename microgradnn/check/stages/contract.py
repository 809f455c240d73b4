"""GC0: what every caller of a backward pass relies on, beside that its numbers are right."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..subject import Pass, Subject, cotangents_like, quiet
from .again import deterministic, reentrant, repeated_backward
from .layouts import empty, layouts
from .results import Outcome, copies, raised, same, unit

Wants = Callable[[str], bool]


def contract(subject: Subject, rng: np.random.Generator, wants: Wants) -> Outcome:
    """What is wrong with how the code treats its surroundings, at the subject's point."""
    outcome = Outcome()
    try:
        with quiet():
            _contract(subject, rng, outcome, wants)
    except _Stop:
        outcome.fatal = True
    outcome.unwanted = [f for f in outcome.findings if not wants(f.code)]
    outcome.findings = [f for f in outcome.findings if wants(f.code)]
    return outcome


class _Stop(Exception):
    """Nothing more can be looked at."""


def _contract(subject: Subject, rng: Any, outcome: Outcome, wants: Wants) -> None:
    before = _globals(subject)
    arrays = copies(subject.arrays)
    try:
        first = subject.start(arrays)
    except Exception as error:
        outcome.findings.append(raised("forward", error))
        raise _Stop from error
    _unchanged(subject, arrays, outcome, "GC020", "forward")
    outs = [np.array(o) for o in first.outs]
    douts = cotangents_like(outs, rng)
    given = copies(douts)
    try:
        grads = first.pull(*given)
    except Exception as error:
        outcome.findings.append(raised("backward", error))
        raise _Stop from error
    kept = [None if g is None else np.array(g) for g in grads]
    _after(subject, outcome, arrays, (douts, given), first)
    _globals_unchanged(subject, before, outcome)
    _shapes(subject, grads, outcome)
    _aliases(subject, arrays, given, grads, outcome)
    if not deterministic(subject, outcome, outs, douts, kept):
        return
    repeated_backward(subject, outcome, douts, kept)
    layouts(subject, outcome, douts, kept, wants)
    reentrant(subject, rng, outcome, douts, kept)
    if wants("GC052") and not outcome.findings:
        empty(subject, outcome)


def _unchanged(subject: Subject, arrays: Any, outcome: Outcome, code: str, who: str) -> bool:
    """Whether the inputs are what they were."""
    for name, now, was in zip(subject.names, arrays, subject.arrays, strict=True):
        if not same(now, was) and not (subject.descends and name in subject.params):
            outcome.say(code, f"{who} changes its input {name} in place", argument=name)
            return False
    return True


def _after(subject: Subject, outcome: Outcome, arrays: Any, cotangents: Any, first: Pass) -> None:
    douts, given = cotangents
    already = any(f.code == "GC020" for f in outcome.findings)
    if not already:
        _unchanged(subject, arrays, outcome, "GC021", "backward")
    for k, (was, now) in enumerate(zip(douts, given, strict=True)):
        if not same(was, now):
            which = "" if len(douts) == 1 else f" {k + 1}"
            outcome.say("GC022", f"backward changes the cotangent{which} it is given, in place")
    for name, was in first.before.items():
        if name not in subject.names and not same(was, first.held[name]):
            outcome.say("GC020", f"the argument {name} is changed in place", argument=name)


def _globals(subject: Subject) -> list[dict[str, Any]]:
    """The numbers, strings and arrays in the module's variables, and in lists and dicts of them."""
    return [
        {k: _frozen(v) for k, v in place.items() if not k.startswith("__")}
        for place in subject.places
    ]


def _frozen(x: Any, depth: int = 4) -> Any:
    """The content of x in a form that can be compared; None where it is more than data."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype.str, x.tobytes()) if x.dtype.char != "O" else None
    if isinstance(x, (int, float, str, np.generic)):
        return (type(x), repr(x))
    if isinstance(x, (list, tuple, dict)) and depth and len(x) < 1000:
        parts = [*x.keys(), *x.values()] if isinstance(x, dict) else x
        frozen = [_frozen(v, depth - 1) for v in parts]
        return None if None in frozen else (type(x), frozen)
    return None


def _globals_unchanged(subject: Subject, before: list[dict[str, Any]], outcome: Outcome) -> None:
    for place, old in zip(subject.places, before, strict=True):
        for name, was in old.items():
            if was is not None and _frozen(place.get(name)) != was:
                outcome.say("GC023", f"the module's variable {name} is changed by a call")


def _shapes(subject: Subject, grads: Any, outcome: Outcome) -> None:
    if subject.extra:
        outcome.say("GC040", f"backward returns {subject.extra}")
    for name in subject.missing:
        outcome.say("GC040", f"backward returns no gradient of {name}", argument=name)
    for name, g, x in zip(subject.names, grads, subject.arrays, strict=True):
        right = g is not None and np.shape(g) == np.shape(x)
        if g is None:
            outcome.say("GC040", f"the gradient of {name} is None", argument=name)
        elif not right:
            outcome.say(
                "GC041",
                f"d{name} has shape {np.shape(g)}, but {name} has shape {np.shape(x)}",
                argument=name, data={"shape": list(np.shape(g)), "expected": list(np.shape(x)),
                                     "yours": np.asarray(g) if np.size(g) <= 400 else None},
            )  # fmt: skip
        elif np.asarray(g).dtype.kind != "f" or unit(g) > unit(x):
            kinds = np.asarray(g).dtype, np.asarray(x).dtype
            outcome.say(
                "GC042", f"d{name} has dtype {kinds[0]}, but {name} has dtype {kinds[1]}",
                "PASS" if kinds[0].kind in "iub" else "CONTRACT", argument=name,
                hint="cast nothing to float32 or int on the way" if kinds[0].kind == "f" else "",
            )  # fmt: skip
        outcome.good.append(bool(right and np.asarray(g).dtype.kind in "fiub"))


def _aliases(subject: Subject, arrays: Any, given: Any, grads: Any, outcome: Outcome) -> None:
    parts = [(n, g) for n, g in zip(subject.names, grads, strict=True) if isinstance(g, np.ndarray)]
    for name, g in parts:
        for other, x in zip(subject.names, arrays, strict=True):
            if isinstance(x, np.ndarray) and g.size and np.shares_memory(g, x):
                outcome.say("GC030", f"d{name} shares memory with the input {other}", argument=name)
        if any(isinstance(d, np.ndarray) and g.size and np.shares_memory(g, d) for d in given):
            outcome.say("GC031", f"d{name} shares memory with the cotangent", "PASS", argument=name)
    for i, (name, g) in enumerate(parts):
        for other, h in parts[:i]:
            if g.size and np.shares_memory(g, h):
                outcome.say("GC031", f"d{name} and d{other} share memory", "PASS", argument=name)
