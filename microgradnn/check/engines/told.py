"""What is told of an engine that is wrong: the smallest program that shows it, and the mistake."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..report import Finding
from .driven import Driven
from .programs import Program, Step
from .pulled import ours
from .single import differs, expected, fault
from .suspects import FIRST, ONCE, ORDER, PATHS, SUSPECTS, Suspect, in_one

TURNS = 6  # orders of operands, for engines that keep them in a set
GRADIENTS = ("GC201", "GC041")  # what is about gradients, not about values
Namer = Callable[[Driven, Program], Iterable[Finding]]


def told(
    user: Driven, some: Sequence[Program], singles: Sequence[Program],
    wrong: Sequence[tuple[Program, Finding]], core: Sequence[str], named_by: Namer,
) -> list[Finding]:  # fmt: skip
    """The smallest programs that show what is wrong, and the mistake's name.

    some     programs that were run; singles: those of one operation
    wrong    those of them that are wrong, with what is wrong
    core     the operations that are tried as the only ones with a mistake
    named_by what names a mistake in one operation
    """
    alone = [(p, w) for p, w in wrong if p in singles]
    others = [(p, w) for p, w in wrong if w.code not in GRADIENTS
              and not (alone and w.code == "GC001" and p not in singles)]  # fmt: skip
    if others:  # gradients can wait
        told = [w for _, w in alone if w.code not in GRADIENTS]
        first, how = others[0][0], _kind(others[0][1])
        shown = _one_of_each(told) or [_smallest(user, first, how) or others[0][1]]
        return list({w.message: w for w in shown}.values())
    bad = [p for p, _ in wrong]  # first, because they refuse most suspects
    named = _suspected(user, [*bad, *(p for p in some if p not in bad)], core)
    at = [p for p, _ in alone]
    if at and not named:
        by_op = {p.steps[0].op.partition("({0}")[0]: p for p in reversed(at)}
        return [f for p in by_op.values() for f in (fault(user, p), *named_by(user, p)) if f]
    # Operands in a set may come in another order at another time.
    found = [_smallest(user, wrong[0][0], "") or wrong[0][1]]
    return [*found, named or _by_size(user, some, len(wrong))]


def _one_of_each(found: Sequence[Finding]) -> list[Finding]:
    return list({f.message.rpartition("= ")[2].partition(":")[0]: f for f in found}.values())


def _by_size(user: Driven, some: Sequence[Program], count: int) -> Finding:
    """What it may be where no suspect gives all numbers: engines that keep operands in a set.

    A number used twice in one operation tells whether gradients are overwritten; else, of sums and
    products of positive numbers, whether gradients are too small or too large.
    """
    both = [p for p in some if _is_twice(p) and _fails(user, p)]
    if both:
        key, text, fix = OVERWRITTEN
    else:
        key, text, fix = _BY_SIGN.get(frozenset(_signs(user, some)), ("", "", ""))
    if not key:
        return Finding(
            "GC402", "FAIL", f"wrong in {count} of {len(some)} programs: a mistake that has no "
            "name here", data={"programs": len(some), "wrong": count},
        )  # fmt: skip
    return Finding(
        "GC401", "FAIL", f"{text}; wrong in {count} of {len(some)} programs, those that use a "
        "result twice", hint=f"to mend it: {fix}", data={"mistake": key, "about": ""},
    )  # fmt: skip


def _is_twice(program: Program) -> bool:
    """Whether a program is one sum or product of a number with itself."""
    first = program.steps[0]
    names = ("add", "mul", "{0} + {1}", "{0} * {1}")
    alone = len([s for s in program.steps if s.op in names]) == (2 if first.text else 1)
    return alone and first.op in names and first.operands == (0, 0)


OVERWRITTEN = (
    "overwritten", "`grad` is overwritten, not accumulated", "write self.grad += …, not =",
)  # fmt: skip
_BY_SIGN = {
    frozenset({-1}): ("order", ORDER, FIRST),
    frozenset({1}): ("paths", PATHS, ONCE),
}


def _signs(user: Driven, some: Sequence[Program]) -> set[int]:
    """Whether gradients of sums and products of positive numbers are too small (-1), too large."""
    signs = set()
    for p in some:
        if {s.op for s in p.steps} <= {"add", "mul"} and all(np.greater(p.inputs, 0)):
            pairs = zip(user.gradients(p)[1], expected(p)[1], strict=True)
            signs |= {(a > b) - (a < b) for a, b in pairs if differs(a, b)}
    return signs


def _kind(finding: Finding) -> str:
    """What is the same of two findings that one mistake may be behind; "" of wrong gradients."""
    raised = finding.message.partition(" raises ")[2].partition(":")[0]
    return "" if finding.code in GRADIENTS else f"{finding.code} {raised}"


def _fails(user: Driven, program: Program, how: str = "") -> bool:
    """Whether a program shows a mistake of one kind."""
    try:
        found = fault(user, program)
    except Exception:  # arrays that no longer fit each other
        return False
    return found is not None and _kind(found) == how


def _smallest(user: Driven, program: Program, how: str) -> Finding | None:
    """What is wrong in the smallest program found that fails in the same way."""
    return fault(user, _shrunk(program, lambda p: _fails(user, p, how)))


def _shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """The smallest program reached by leaving out steps that fails in the same way."""
    again = True
    while again:
        again = False
        for smaller in program.smaller():
            if smaller.steps and fails(smaller):
                program, again = smaller, True
                break
    return program


def _suspected(user: Driven, programs: Sequence[Program], core: Sequence[str]) -> Finding | None:
    """The mistake in the walk that gives this engine's gradients in all programs."""
    for suspect in [*SUSPECTS, *in_one(core)] if core else ():
        if all(_agrees(user, p, suspect) for p in programs):
            first = suspect.gradients(ours(Program((3.0,), (Step("add", (0, 0)),))))
            text = suspect.name.format(x_plus_x=f"{min(first.values()):g}")
            return Finding(
                "GC401", "FAIL", text, hint=f"to mend it: {suspect.fix}",
                data={"mistake": suspect.key, "about": "", "programs": len(programs)},
            )  # fmt: skip
    return None


def _agrees(user: Driven, program: Program, suspect: Suspect) -> bool:
    results = ours(program)
    if not all(np.isfinite(r.data).all() for r in results):
        return True
    try:
        _, slopes = user.gradients(program)
    except Exception:
        return False
    close = user.tolerance((), ())
    for turn in range(TURNS):
        guess = suspect.gradients(results, turn)
        pairs = zip(slopes, results, strict=False)
        if not any(differs(s, guess.get(id(r), 0.0), close) for s, r in pairs):
            return True
    return False
