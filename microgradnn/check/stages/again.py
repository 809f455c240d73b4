"""GC01 and GC06: what a second call gives, of the same arguments, of others, of a used object."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..oracle.draws import drawn
from ..subject import Subject
from .results import Outcome, close, copies, raised, same, size_of, where

UPDATED = "backward itself updates what forward uses"


def deterministic(subject: Subject, outcome: Outcome, outs: Any, douts: Any, kept: Any) -> bool:
    """Whether second calls give the same; if forward does not, backward is not asked."""
    before = drawn()
    again = subject.start(copies(subject.arrays))
    tries = 24 if drawn() != before else 0  # masks of few numbers are the same now and then
    others = [again, *(subject.start(copies(subject.arrays)) for _ in range(tries))]
    if not all(same(a, b) for run in others for a, b in zip(outs, run.outs, strict=True)):
        outcome.random = True
        outcome.say(
            "GC010", "forward gives other results at a second call with the same arguments",
            "NONDETERMINISTIC",
            hint="draw from a generator whose seed is an argument, or fix the mask",
        )  # fmt: skip
        return False
    grads = again.pull(*copies(douts))
    if not all(_equal(a, b) for a, b in zip(kept, grads, strict=True)):
        outcome.noisy = True
        outcome.say(
            "GC011", "backward gives other results at a second call with the same arguments",
            "NONDETERMINISTIC", hint="reuse what forward drew: keep the mask in the cache",
        )  # fmt: skip
        return False
    return True


def _equal(a: Any, b: Any) -> bool:
    return a is b if a is None or b is None else same(a, b)


def repeated_backward(subject: Subject, outcome: Outcome, douts: Any, kept: Any) -> None:
    """A second backward on the same cache repeats the gradients, or adds to them."""
    if subject.scaled or subject.descends:
        return
    run = subject.start(copies(subject.arrays))
    run.pull(*copies(douts))
    # Objects may give up what one backward needs; a cache is the caller's, who may use it again.
    try:
        second = run.pull(*copies(douts))
    except Exception as error:
        outcome.say(
            "GC061", f"a second backward raises {type(error).__name__}: {str(error)[:120]}",
            "PASS" if subject.object else "CONTRACT", data={"line": where(error)},
        )  # fmt: skip
        return
    again = _again(subject, kept, second)
    changed = [name for name, what in again.items() if what == "changed"]
    added = [name for name, what in again.items() if what == "added"]
    replaced = [name for name, what in again.items() if what == "replaced"]
    if changed:
        verdict = "PASS" if subject.flushes else "CONTRACT"
        text = f"a second backward gives another d{changed[0]}"
        if subject.moves():
            verdict, text = "CONVENTION", f"{text}: {UPDATED}"
        outcome.say("GC061", text, verdict, argument=changed[0])
    elif added and replaced:
        both = f"d{added[0]} adds up, d{replaced[0]} is replaced"
        outcome.say("GC061", f"in a second backward {both}: all gradients of a layer should do one")
    elif added:
        outcome.say("GC061", "gradients of parameters add up until they are set to zero", "PASS")


def _again(subject: Subject, kept: Any, second: Any) -> dict[str, str]:
    """What a second backward did to each gradient: "replaced" it, "added" to it, or "changed" it.

    Replacing counts for parameters only, and where it can be told from adding.
    """
    out = {}
    for name, g, h in zip(subject.names, kept, second, strict=True):
        if g is None or h is None:
            continue
        if same(g, h):
            if np.any(g != 0) and name in subject.params:
                out[name] = "replaced"
        else:
            doubled = close(2 * np.asarray(g), h, size=size_of(kept))
            out[name] = "added" if doubled else "changed"
    return out


def reentrant(subject: Subject, rng: Any, outcome: Outcome, douts: Any, kept: Any) -> None:
    """f(x1); f(x2); backward of the first. Of an object: its second call must forget the first."""
    if subject.used is not None:
        _second_call(subject, outcome, douts, kept)
    # Of an object each start() is a copy: what they share belongs to the class or the module.
    # Other signs if the domain has them, else other sizes.
    others = [[-np.asarray(a) for a in subject.arrays], [_other(rng, a) for a in subject.arrays]]
    calls = [partial(subject.start, other) for other in others]
    if subject.turned is not None:
        calls.append(partial(subject.turned, copies(subject.arrays)))
    for call in calls:
        try:
            first = subject.start(copies(subject.arrays))
            call()
            grads = first.pull(*copies(douts))
        except Exception:
            continue
        for name, g, k in zip(subject.names, grads, kept, strict=True):
            if g is not None and k is not None and not same(g, k):
                outcome.say(
                    "GC060", f"after another forward, d{name} of the first call is different: "
                    "what backward needs is kept where the next call overwrites it", argument=name,
                )  # fmt: skip
                return


def _second_call(subject: Subject, outcome: Outcome, douts: Any, kept: Any) -> None:
    """An object that was used before gives the gradients of its last call."""
    assert subject.used is not None
    try:
        grads = subject.used(copies(subject.arrays)).pull(*copies(douts))
    except Exception as error:
        if not subject.flushes:
            finding = raised("forward and backward of a second call", error)
            refused = isinstance(error, AssertionError)  # it says itself that it is used once
            outcome.findings.append(replace(finding, verdict="PASS") if refused else finding)
        return
    for name, g, k in zip(subject.names, grads, kept, strict=True):
        both = g is not None and k is not None
        if both and not same(g, k) and not close(k, g, size=size_of(kept)):
            moved = subject.moves()
            why = UPDATED if moved else "something is left over from the first"
            outcome.say(
                "GC060", f"in a second call of the same object d{name} is different: {why}",
                "CONVENTION" if moved else "CONTRACT", argument=name,
            )  # fmt: skip
            return


def _other(rng: Any, a: Any) -> Any:
    a = np.asarray(a)
    return (a * rng.uniform(0.5, 0.9, a.shape)).astype(a.dtype)
