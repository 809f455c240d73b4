"""The mistake in one operation of an engine of arrays, named as check.layer names it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..examine import examine
from ..options import Options
from ..report import Finding
from ..subject import Subject
from ..subjects.pairs import arguments_of, pair
from .abilities import Ability, KnownArrays
from .array_driver import DrivenArrays
from .driven import NONE, Driven
from .notations import drawn_for
from .programs import Program, Step, evaluated, frozen
from .single import differs, expected, mistakes


def named_operation(
    user: Driven, program: Program, can: KnownArrays, left: list[int]
) -> Iterator[Finding]:
    """The mistake in the first step of a program, as check.layer names it."""
    step = program.steps[0]
    found = next((f for f in can.found if f.op == step.op and f.text == step.text), None)
    if found is None or not isinstance(user, DrivenArrays) or left[0] == 0:
        return
    left[0] -= 1
    kind = np.float32 if user.single else np.float64
    inputs = [np.array(x, kind) for x in program.inputs[: len(step.operands)]]
    others = [tuple(x.astype(kind) for x in xs)
              for xs in _resized(user, found, [x.shape for x in inputs])]  # fmt: skip
    subject, *rest = [_subject(user, found, xs) for xs in (inputs, *others)]
    subject.others = rest
    report = examine(subject, Options(probes=False))
    told = [f for f in report.findings if f.code == "GC401" or f.verdict == "CONVENTION"]
    for finding in told:
        text = f"in {found.text.format('a', 'b')}: {finding.message}"
        yield Finding("GC401", "FAIL", text, hint=finding.hint, data=finding.data)
    if not told:
        yield from _of_factors(user, program, len(inputs))


def _of_factors(user: DrivenArrays, program: Program, n: int) -> Iterator[Finding]:
    """The mistake in a product or a quotient of two equal shapes, as in engines of numbers.

    The results have no weights here: they are products themselves.
    """
    op = {"{0} * {1}": "mul", "{0} / {1}": "div"}.get(program.steps[0].op)
    xs = [np.array(x) for x in program.inputs[:n]]
    if op is None or len({x.shape for x in xs}) > 1:
        return
    user = replace(user, weigh="")
    program = user.program(xs, program.steps[:1])
    (values, grads), slopes = expected(program), user.gradients(program)[1]
    alone = replace(program, inputs=tuple(xs))  # type: ignore[arg-type]
    for k in range(2):
        guesses = mistakes(Step(op, (0, 1)), alone, k, xs[k], values[n], grads[k])
        said = next((t for t, g in guesses if not differs(slopes[k], g)), "")
        if differs(slopes[k], grads[k]) and said:
            written = program.steps[0].text.format("a", "b")
            text = f"the derivative of {written} by {'ab'[k]}: {said}"
            yield Finding("GC401", "FAIL", text, "ab"[k], data={"mistake": "slope", "about": said})


_SIZES = ({1: 1, 2: 4, 3: 2, 4: 5}, {1: 1, 2: 3, 3: 5, 4: 2})


def _resized(
    user: DrivenArrays, found: Ability, shapes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[Any, ...]]:
    """Operands of other sizes, where the operation takes them."""
    rng = np.random.default_rng(1)
    for sizes in _SIZES:
        inputs = tuple(
            drawn_for(found.form, tuple(tuple(sizes[n] for n in s) for s in shapes), rng)
        )
        try:
            out = np.asarray(_forward(found, *inputs)[0])
            _backward(user, found, np.ones(out.shape), inputs)
        except Exception:  # sizes stand in the operation itself
            continue
        yield inputs


def _subject(user: DrivenArrays, found: Ability, inputs: Sequence[Any]) -> Subject:
    """An operation of the engine as a layer: NumPy's forward, the engine's backward."""
    one = len(inputs) == 1
    forward: Any = (lambda a: _forward(found, a)) if one else (lambda a, b: _forward(found, a, b))
    arguments = arguments_of(tuple(inputs), None, ["a", "b"][: len(inputs)])
    return pair(forward, partial(_backward, user, found), arguments, name=found.text)


def _forward(found: Ability, *xs: Any) -> Any:
    return evaluated(found.op, xs), xs


def _backward(user: DrivenArrays, found: Ability, dout: Any, xs: Any) -> tuple[Any, ...]:
    """The engine's gradients of one operation, for any cotangent."""
    made = [user.make(frozen(x)) for x in xs]
    y = evaluated(found.text, made)
    if np.ndim(dout) and user.weigh:
        y = evaluated(user.weigh, [y, user.make(frozen(dout))])
    user.pull(user.ended(y) if np.ndim(user.read(y)) else y)
    slopes = [user.slope(m) for m in made]
    scale = 1.0 if np.ndim(dout) else float(dout)
    pairs = zip(slopes, xs, strict=True)
    grads = [np.zeros(np.shape(x)) if s is NONE else scale * s for s, x in pairs]
    return tuple(g.astype(np.float32) if user.single else g for g in grads)
