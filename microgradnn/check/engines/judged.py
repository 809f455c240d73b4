"""check.engine: is an engine right, and if not, what mistake is it?"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..codes import CODES
from ..report import Finding, Report
from ..subject import quiet
from .array_driver import driven_arrays, holds_arrays
from .driven import Driven, Known, ResultError, UnwrittenError, driven, known
from .programs import OPERATORS, Program, Step, drawn
from .repeated import deep, twice
from .single import CORE, fault, named_slope, programs_of_one
from .tensors import of_arrays
from .told import told

PROGRAMS = 80  # random ones
CHECKS = tuple(c for c in CODES if c in ("GC001", "GC003", "GC006", "GC021", "GC031", "GC041",
                                         "GC061", "GC201", "GC209", "GC211", "GC302", "GC401",
                                         "GC402"))  # fmt: skip


def engine(engine: Callable[..., Any], *, seed: int = 0, name: str = "") -> Report:
    """The report on an autodiff engine: of numbers, such as micrograd's Value, or of arrays.

        check.engine(Value)
        check.engine(Tensor)

    It is driven through single operations, programs that use a result twice, random programs, and
    deep ones, beside ours. Needed are a constructor that takes a number or an array, `.data`,
    `.grad` and `.backward()`; of operators and methods any subset. `seed` draws the programs. What
    is wrong is told at the smallest program that shows it, with the mistake by its name. Raises
    ConfigError if it is no engine; what the engine itself raises is in the report.
    """
    start = time.perf_counter()
    name = name or getattr(engine, "__name__", type(engine).__name__)
    notes: list[str] = []
    points: list[str] = []
    found: list[Finding] = []
    with quiet():
        try:
            user, numbers = _driven(engine)
            found += (_of_numbers if numbers else of_arrays)(user, seed, points, notes)
            if not points and not found:
                found.append(Finding("GC003", "NOT_WRITTEN", f"{name} has no operator yet"))
        except UnwrittenError:
            found.append(Finding("GC003", "NOT_WRITTEN", f"{name} is still empty"))
    return Report(
        name, tuple(found), CHECKS, tuple(points), seed=seed, notes=tuple(notes),
        reproduce=f"check.engine({name}, seed={seed})", seconds=time.perf_counter() - start,
    )  # fmt: skip


def is_engine(cls: type) -> bool:
    """Whether a class looks like an engine: it adds or multiplies, and takes a number or array."""
    if not any(hasattr(cls, name) for name in ("__add__", "__mul__")):
        return False
    try:
        _driven(cls)
    except Exception:  # another constructor, no gradient: it is something else
        return False
    return True


def _driven(engine: Any) -> tuple[Any, bool]:
    """How to drive an engine, and whether it is one of numbers."""
    if not holds_arrays(engine):
        return driven(engine), True
    try:
        return driven_arrays(engine), False
    except ConfigError as error:
        try:
            return driven(engine), True
        except ConfigError:
            raise error from None


def _of_numbers(user: Driven, seed: int, points: list[str], notes: list[str]) -> list[Finding]:
    """What is to be said of an engine of numbers; what was tried goes to points and notes."""
    can = known(user)
    found = [*_unwritten(can), *_one_sided(can), *_raising(can), *_judged(user, can, seed)]
    if spelled := _spelled(can):
        points += [f"{len(spelled)} operations", f"{2 * PROGRAMS} random programs"]
        notes.append(f"operators and methods tried: {', '.join(spelled)}")
    if can.both and not any(f.verdict != "PASS" for f in found):
        found += [*twice(user, can.both), *deep(user, can.both)]
    return found


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
            return told(user, some, singles, wrong, core if ops is core else [], named_slope)
    return []


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
