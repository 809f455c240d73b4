"""check.engine for engines of arrays: single operations, random programs, shapes, shared memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..report import Finding
from .abilities import Ability, KnownArrays, has, known_arrays
from .array_driver import DrivenArrays
from .notations import FLAT, SAME, drawn_for, within
from .operation_names import named_operation
from .programs import Program, Step, evaluated, frozen
from .repeated import deep, twice
from .single import fault
from .told import told

PROGRAMS = 36
_ALONE: Any = (((), TypeError()),)  # what makes only equal shapes be multiplied
CORE = ("{0} + {1}", "{0} * {1}", "{0} - {1}", "-{0}", "{0} @ {1}", "np.sum({0})", "{0} ** 2",
        "np.mean({0})")  # fmt: skip
MOST = 6  # operations whose mistake is named
SHAPES = (FLAT, FLAT, (3,), (3, 2), (2, 1), (3, 3))  # of the inputs of random programs


def of_arrays(user: DrivenArrays, seed: int, points: list[str], notes: list[str]) -> list[Finding]:
    """What is to be said of an engine of arrays; what was tried goes to points and notes."""
    can = known_arrays(user)
    found = [Finding("GC003", "NOT_WRITTEN", f"{text} is still empty") for text in can.empty]
    found += _raising(can)
    found += [f for p in can.wrong if (f := fault(user, p))]
    if can.found:
        points += [f"{len(can.found)} operations", f"{3 * PROGRAMS} random programs"]
        spelled = ", ".join(f.text.format("a", "b") for f in can.found)
        notes.append(f"operators and methods tried: {spelled}")
    if can.refused:
        notes.append(f"not taken: {'; '.join(can.refused)}")
    if not any(f.code == "GC211" for f in found):
        found += [*_judged(user, can, seed), *_refused(can)]
    if can.both and not any(f.verdict != "PASS" for f in found):
        found += [*twice(user, can.both), *deep(user, can.both), *_shares(user, can)]
    return found


def _raising(can: KnownArrays) -> Iterator[Finding]:
    """What raises, those that raise the same told together."""
    alike: dict[str, list[str]] = {}
    for text, error in can.errors.items():
        alike.setdefault(f"{type(error).__name__}: {error}"[:300], []).append(text)
    for said, texts in alike.items():
        more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
        verb = "raises" if len(texts) == 1 else "raise"
        yield Finding("GC001", "CONTRACT", f"{', '.join(texts[:3])}{more} {verb} {said}")


def _judged(user: DrivenArrays, can: KnownArrays, seed: int) -> list[Finding]:
    """What is wrong: first in what each program ends with, then in what others are made of."""
    rng = np.random.default_rng(seed)
    ending = [f for f in can.found if f.op in ("{0} * {1}", user.reduce[0])]
    core = [f for f in can.found if f.op in CORE]
    ending = [replace(f, shapes=f.shapes[:1], fails=f.fails or _ALONE) for f in ending]
    for some in filter(None, (ending, core, can.found)):
        singles = [f.program(user, s, rng) for f in some for s in f.shapes]
        programs = [*singles, *(_repeats(user, can) if some is not can.found else ())]
        programs += [p for f in some for p in _beside(user, can, f)]
        shapes = (FLAT,) if some is ending else SHAPES
        drawn = (_drawn(user, some, shapes, rng) for _ in range(PROGRAMS))
        programs += filter(None, drawn)
        wrong = [(p, w) for p in programs for w in [fault(user, p)] if w is not None]
        if wrong:
            ops = sorted(set.intersection(*({s.op for s in p.steps} for p, _ in wrong)))
            named = partial(named_operation, can=can, left=[MOST])
            return _once(told(user, programs, singles, wrong, ops, named))
    return []


def _once(found: Iterable[Finding]) -> list[Finding]:
    """Without what was said before."""
    return list({f.message: f for f in found}.values())


def _repeats(user: DrivenArrays, can: KnownArrays) -> Iterator[Program]:
    """Programs that use an array more than once."""
    a, b = frozen([[3.0, 2.0], [1.0, 4.0]]), frozen([[2.0, 0.5], [1.5, 3.0]])
    for found in filter(None, (has(can, "{0} + {1}"), has(can, "{0} * {1}"))):

        def step(i: int, j: int, found: Ability = found) -> Step:
            return Step(found.op, (i, j), found.text)

        yield user.program([a], [step(0, 0)])
        yield user.program([a], [step(0, 0), step(1, 0)])
        yield user.program([a], [step(0, 0), step(1, 1)])
        yield user.program([a, b], [step(0, 1), step(2, 0), step(3, 2)])
        yield user.program([a, b], [step(0, 1), step(2, 2), step(3, 2), step(4, 3)])


def _beside(user: DrivenArrays, can: KnownArrays, found: Ability) -> Iterator[Program]:
    """An operation of an array that is used besides, before and after: is its gradient added?"""
    add, (total, text) = has(can, "{0} + {1}"), user.reduce
    if add is None or not text or found.op in (add.op, total) or not found.shapes:
        return
    inputs = drawn_for(found.form, found.shapes[0], np.random.default_rng(2))
    n = len(inputs)
    shape = np.shape(evaluated(found.op, inputs))
    steps = [Step(found.op, tuple(range(n)), found.text)]
    steps += [Step(total, (n,), text)] if shape else []
    k = n + len(steps)
    for both in ((k - 1, k), (k, k - 1)):
        program = Program(tuple(map(frozen, inputs)), (
            *steps, Step(total, (0,), text), Step(add.op, both, add.text)))  # fmt: skip
        try:
            program.run(user.make)
        except Exception:  # numbers that it does not add: no program of its own
            return
        yield program


def _drawn(
    user: DrivenArrays, some: Sequence[Ability], among: Sequence[Any], rng: np.random.Generator
) -> Program | None:
    """A random program that the engine runs; None if its steps do not fit each other."""
    shapes = [among[i] for i in rng.permutation(max(3, len(among)))[:3] % len(among)]
    inputs = [np.round(rng.uniform(0.5, 2.0, s), 2) for s in shapes]
    values: list[Any] = list(inputs)
    mine = [user.make(frozen(x)) for x in inputs]
    steps: list[Step] = []
    for _ in range(int(rng.integers(3, 9)) * 3):
        found = some[int(rng.integers(len(some)))]
        count = 2 if "{1}" in found.op else 1
        at = [int(rng.integers(max(0, len(values) - 3), len(values))),
              int(rng.integers(len(values)))][:count]  # fmt: skip
        step = Step(found.op, tuple(at if rng.random() < 0.5 else at[::-1]), found.text)
        if _runs(user, found, step, values, mine):
            steps.append(step)
    if not steps:
        return None
    program = user.program([frozen(x) for x in inputs], steps)
    fails = any(f.fails for f in some if f.op in {s.op for s in steps})
    try:
        user.gradients(program) if fails else program.run(user.make)
    except Exception:  # told by _refused, or an ending that does not fit
        return None
    return program


def _runs(
    user: DrivenArrays, found: Ability, step: Step, values: list[Any], mine: list[Any]
) -> bool:
    """Whether a step can be done here, by NumPy and by the engine; adds what it gives."""
    xs = [values[i] for i in step.operands if isinstance(i, int)]
    if not within(found.form, xs) or not _fit(found, xs):
        return False
    try:
        value = np.asarray(evaluated(found.op, xs), float)
        result = evaluated(found.text, [mine[i] for i in step.operands if isinstance(i, int)])
        shape = user.read(result).shape
    except Exception:  # shapes that do not fit, or that it does not take
        return False
    if not 0 < value.size <= 60 or not np.isfinite(value).all() or np.abs(value).max() > 100:
        return False
    if shape != value.shape:  # sizes of 1 that are kept or not: at other shapes than it was tried
        return False
    values.append(value)
    mine.append(result)
    return True


def _refused(can: KnownArrays) -> Iterator[Finding]:
    """Shapes at which forward runs and backward raises: after broadcasting it may not."""
    broadcast = [(f, s, e) for f in can.found for s, e in f.fails
                 if f.form.shapes[0] == SAME and s != SAME]  # fmt: skip
    for _, shapes, error in broadcast[:1]:
        ops = ", ".join(dict.fromkeys(f.text.format("a", "b") for f, _, _ in broadcast))
        yield Finding(
            "GC001", "CONTRACT", f"backward raises after broadcasting ({ops}): at shapes "
            f"{shapes[0]} and {shapes[1]} {type(error).__name__}: {error}"[:400],
            hint="sum the gradient over the axes that were broadcast, down to the operand's shape",
        )  # fmt: skip
    rest = [(f, s, e) for f in can.found for s, e in f.fails
            if s not in f.shapes and f.form.shapes[0] != SAME]  # fmt: skip
    for found, shapes, error in rest[:1]:
        ops = ", ".join(dict.fromkeys(f.text.format("a", "b") for f, _, _ in rest))
        yield Finding(
            "GC001", "PASS", f"forward takes shapes that backward does not ({ops}): "
            f"{' and '.join(map(str, shapes))} in {found.text.format('a', 'b')} raises "
            f"{type(error).__name__}",
        )  # fmt: skip


def _fit(found: Ability, xs: Sequence[Any]) -> bool:
    """Whether an operation was tried at such shapes, and its backward did not raise at some."""
    shapes = tuple(x.shape for x in xs)
    if found.fails and len(set(shapes)) > 1 and found.form.shapes[0] == SAME:
        return False
    return tuple(map(len, shapes)) in {tuple(map(len, s)) for s in found.shapes}


def _shares(user: DrivenArrays, can: KnownArrays) -> Iterator[Finding]:
    """Gradients that are one array: a step that changes one in place changes the other."""
    if has(can, "{0} + {1}") is None:
        return
    a, b = user.sample(3.0), user.sample(2.0)
    user.pull(user.ended(a + b))
    held = [getattr(v, user.grad) for v in (a, b)]
    held = [getattr(h, user.value, h) if not isinstance(h, np.ndarray) else h for h in held]
    if all(isinstance(h, np.ndarray) for h in held) and np.shares_memory(*held):
        yield Finding(
            "GC031", "PASS", "a.grad and b.grad are one array after a + b: what changes one in "
            "place changes the other", hint="keep a copy: self.grad = out.grad.copy()",
        )  # fmt: skip
