"""check.engine: is an engine right, and if not, what mistake is it?"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..codes import CODES
from ..report import Finding, Report
from ..subject import quiet
from .driven import Driven, Known, ResultError, UnwrittenError, driven, known
from .programs import OPERATORS, Program, Step, drawn
from .repeated import deep, twice
from .single import CORE, differs, expected, fault, named_slope, programs_of_one
from .suspects import FIRST, ONCE, ORDER, PATHS, SUSPECTS, Suspect, in_one, ours

PROGRAMS = 80  # random ones
TURNS = 6  # orders of operands, for engines that keep them in a set
CHECKS = tuple(c for c in CODES if c in ("GC001", "GC003", "GC006", "GC021", "GC061", "GC201",
                                         "GC211", "GC401", "GC402"))  # fmt: skip


def engine(engine: Callable[..., Any], *, seed: int = 0, name: str = "") -> Report:
    """The report on an autodiff engine of single numbers, such as micrograd's Value.

        check.engine(Value)

    It is driven through single operations, programs that use a number twice, random programs, and
    deep ones, beside ours. Needed are a constructor that takes a number, `.data`, `.grad` and
    `.backward()`; of operators and methods any subset. `seed` draws the programs. What is wrong is
    told at the smallest program that shows it, with the mistake by its name. Raises ConfigError if
    it is no engine; what the engine itself raises is in the report.
    """
    start = time.perf_counter()
    name = name or getattr(engine, "__name__", type(engine).__name__)
    found: list[Finding] = []
    points: list[str] = []
    notes: list[str] = []
    with quiet():
        try:
            user = driven(engine)
            can = known(user)
            found += [*_unwritten(can), *_one_sided(can), *_raising(can)]
            found += _judged(user, can, seed)
            spelled = _spelled(can)
            points += [f"{len(spelled)} operations", f"{2 * PROGRAMS} random programs"]
            notes.append(f"operators and methods tried: {', '.join(spelled) or 'none'}")
            if can.both and not any(f.verdict != "PASS" for f in found):
                found += [*twice(user, can), *deep(user, can)]
            if not can.ops and not found:
                found.append(Finding("GC003", "NOT_WRITTEN", f"{name} has no operator yet"))
        except UnwrittenError:
            found.append(Finding("GC003", "NOT_WRITTEN", f"{name} is still empty"))
    return Report(
        name, tuple(found), CHECKS, tuple(points), seed=seed, notes=tuple(notes),
        reproduce=f"check.engine({name}, seed={seed})", seconds=time.perf_counter() - start,
    )  # fmt: skip


def _spelled(can: Known) -> list[str]:
    return [OPERATORS[o][1].format("a", "b") if o in OPERATORS else f"a.{o}()" for o in can.ops]


def _unwritten(can: Known) -> list[Finding]:
    return [Finding("GC003", "NOT_WRITTEN", f"{text} is still empty") for text in can.empty]


_NAMES = {
    "add": "__add__", "mul": "__mul__", "sub": "__sub__", "div": "__truediv__", "pow": "__pow__",
    "neg": "__neg__",
}  # fmt: skip


def _raising(can: Known) -> list[Finding]:
    """Operators and methods that are there and do not work; a power may want a plain exponent."""
    out = []
    for op, word in _NAMES.items():
        written = OPERATORS[op][1]
        text = "-a" if op == "neg" else written.format("a", "3" if op == "pow" else "b")
        there = hasattr(can.kind, word)
        if there and text in can.errors:
            out.append(_broken(text, can.errors[text]))
    for text, error in can.errors.items():
        if text.endswith("()"):
            out.append(_broken(text, error))
    return out


def _broken(text: str, error: Exception) -> Finding:
    if isinstance(error, ResultError):
        return Finding("GC001", "CONTRACT", f"{text} {error}")
    return Finding("GC001", "CONTRACT", f"{text} raises {type(error).__name__}: {error}"[:400])


_REFLECTED = {"add": "__radd__", "mul": "__rmul__", "sub": "__rsub__", "div": "__rtruediv__"}


_WRAP = "make it one of yours first: other = other if isinstance(other, Value) else Value(other)"


def _one_sided(can: Known) -> list[Finding]:
    """Operators that work with a number on one side only."""
    out = []
    both = [op for op in _REFLECTED if op in can.both]
    if both and not set(both) & set(can.constants):  # by design: it says so everywhere
        text = OPERATORS[both[0]][1].format("a", "3")
        message = f"plain numbers are not taken: {text} raises {_raised(can, text)}"
        return [Finding("GC006", "PASS", message, hint=_WRAP)]
    for op, word in _REFLECTED.items():
        text = OPERATORS[op][1]
        if op not in can.both:
            continue
        if op not in can.constants and text.format("a", "3") not in can.empty:
            out.append(_lacks(
                f"{text.format('a', '3')} raises "
                f"{_raised(can, text.format('a', '3'))}: a plain number is not taken",
                _WRAP,
            ))  # fmt: skip
        elif op not in can.left and text.format("3", "a") not in can.empty:
            out.append(_lacks(
                f"`{word}` is missing: {text.format('3', 'a')} raises "
                f"{_raised(can, text.format('3', 'a'))}",
                "Python asks the right operand when a plain number stands on the left",
            ))  # fmt: skip
    return out


def _raised(can: Known, text: str) -> str:
    return type(can.errors.get(text, TypeError())).__name__


def _lacks(message: str, hint: str) -> Finding:
    return Finding("GC006", "CONTRACT", message, hint=hint)


def _judged(user: Driven, can: Known, seed: int) -> list[Finding]:
    """What is wrong with values and gradients: first in what the rest may be made of."""
    core = [o for o in (*CORE, *can.methods) if o in can.ops or o in can.left]
    for ops, random in ((core, [o for o in core if o in can.ops]), (can.ops, can.ops)):
        singles = list(programs_of_one(can, ops))
        some = [*singles, *(_repeats(can) if ops is core else ())]
        rng = np.random.default_rng(seed)
        if random:
            some += [drawn(rng, random, int(rng.integers(2, 9))) for _ in range(PROGRAMS)]
        wrong = [(p, w) for p in some for w in [fault(user, p)] if w is not None]
        if wrong:
            return _told(user, some, singles, wrong, core if ops is core else [])
    return []


def _told(
    user: Driven, some: Sequence[Program], singles: Sequence[Program],
    wrong: Sequence[tuple[Program, Finding]], core: Sequence[str],
) -> list[Finding]:  # fmt: skip
    """The smallest programs that show what is wrong, and the mistake's name."""
    if any(w.code != "GC201" for _, w in wrong):  # values, exceptions: gradients can wait
        first = next(w for _, w in wrong if w.code != "GC201")
        alone = [w for p, w in wrong if p in singles and w.code != "GC201"]
        return list({w.message: w for w in _one_of_each(alone)}.values()) or [first]
    named = _suspected(user, some, core)
    at = [p for p, _ in wrong if p in singles]
    if at and not named:
        by_op = {p.steps[0].op: p for p in reversed(at)}
        return [f for p in by_op.values() for f in (fault(user, p), *named_slope(user, p)) if f]
    program = _shrunk(wrong[0][0], lambda p: _kind(fault(user, p)) == ("GC201", ""))
    # Operands in a set may come in another order at another time.
    found = [fault(user, program) or wrong[0][1]]
    return [*found, named or _by_size(user, some, len(wrong))]


def _one_of_each(found: Sequence[Finding]) -> list[Finding]:
    return list({f.message.rpartition("= ")[2].partition(":")[0]: f for f in found}.values())


def _by_size(user: Driven, some: Sequence[Program], count: int) -> Finding:
    """What it may be where no suspect gives all numbers: engines that keep operands in a set.

    A number used twice in one operation tells whether gradients are overwritten; else, of sums and
    products of positive numbers, whether gradients are too small or too large.
    """
    both = [Program((3.0,), (Step(op, (0, 0)),)) for op in ("add", "mul")]
    if any(p in some and (f := fault(user, p)) and f.code == "GC201" for p in both):
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
        if {s.op for s in p.steps} <= {"add", "mul"} and min(p.inputs) > 0:
            pairs = zip(user.gradients(p)[1], expected(p)[1], strict=True)
            signs |= {(a > b) - (a < b) for a, b in pairs if differs(a, b)}
    return signs


# ---- programs ------------------------------------------------------------------------------------


def _repeats(can: Known) -> Iterator[Program]:
    """Programs that use a number more than once: the smallest that show a wrong walk."""
    for op in ("add", "mul"):
        if op in can.both:
            twice = Step(op, (0, 0))
            yield Program((3.0,), (twice,))
            yield Program((3.0,), (twice, Step(op, (1, 0))))
            yield Program((3.0,), (twice, Step(op, (1, 1))))
            yield Program((3.0, 2.0), (Step(op, (0, 1)), Step(op, (2, 0)), Step(op, (3, 2))))
            yield Program((3.0, 2.0), (Step(op, (0, 1)), Step(op, (2, 2)), Step(op, (3, 2)),
                                       Step(op, (4, 3))))  # fmt: skip


def _kind(finding: Finding | None) -> Any:
    return None if finding is None else (finding.code, finding.message.split(" raises ")[-1][:20]
                                         if finding.code == "GC001" else "")  # fmt: skip


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
    if not all(np.isfinite(float(r.data)) for r in results):
        return True
    try:
        _, slopes = user.gradients(program)
    except Exception:
        return False
    for turn in range(TURNS):
        guess = suspect.gradients(results, turn)
        pairs = zip(slopes, results, strict=False)
        if not any(differs(s, guess.get(id(r), 0.0)) for s, r in pairs):
            return True
    return False
