"""One program, and one operation: is what an engine gives right, and what is it instead?"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..report import Entry, Finding
from .driven import Driven, Known, UnwrittenError
from .programs import OPERATORS, POSITIVE, Operand, Program, Step, method
from .suspects import ours, true

CLOSE = 1e-9
SINGLE = 1e-5  # some hundred roundings of float32

# ---- one operation -------------------------------------------------------------------------------

_PAIRS = ((2.0, 3.0), (1.5, -0.5), (-0.75, 2.0))
_NUMBERS = (0.5, 2.0, -1.25)


CORE = ("add", "mul", "pow")  # what the other operators are often made of


def programs_of_one(can: Known, ops: Sequence[str]) -> Iterator[Program]:
    """Programs of one of these operations each, at several numbers."""
    for op in [o for o in can.both if o in ops]:
        if op == "neg":
            yield from (Program((x,), (Step(op, (0,)),)) for x in _NUMBERS)
        else:
            pairs = ((2.0, 3.0), (1.5, -0.5)) if op == "pow" else _PAIRS
            yield from (Program(p, (Step(op, (0, 1)),)) for p in pairs)
    for op in [o for o in can.constants if o in ops]:
        exponents: tuple[Operand, ...] = (2.0, -1.0, 0.5) if op == "pow" else (3.0, -0.5)
        yield from (Program((2.0,), (Step(op, (0, c)),)) for c in exponents)
    for op in [o for o in can.left if o in ops]:
        yield from (Program((x,), (Step(op, (3.0, 0)),)) for x in (2.0, 0.5))
    for op in [o for o in can.methods if o in ops]:
        points = (0.5, 2.0) if op in POSITIVE else _NUMBERS
        yield from (Program((x,), (Step(op, (0,)),)) for x in points)


def expected(program: Program) -> tuple[list[float], list[float]]:
    """The true values of all results of a program, and the true gradients of its inputs."""
    results = ours(program)
    g = true(results)
    return [float(r.data) for r in results], [
        g.get(id(r), 0.0) for r in results[: len(program.inputs)]
    ]


def differs(yours: float, right: float) -> bool:
    """Whether two numbers differ by more than rounding: in float32, if yours is one of these."""
    single = abs(yours) < 1e30 and float(np.float32(yours)) == yours
    close, least = (SINGLE, 1.0) if single else (CLOSE, 1e-6)  # least: of terms that may cancel
    return not (yours == right or abs(yours - right) <= close * max(abs(yours), abs(right), least))


def fault(user: Driven, program: Program) -> Finding | None:
    """What is wrong with an engine in one program; None if nothing."""
    values, grads = expected(program)
    if not all(map(np.isfinite, (*values, *grads))):
        return None
    try:
        got, slopes = user.gradients(program)
    except UnwrittenError:
        return Finding("GC003", "NOT_WRITTEN", f"{program}: the result is None")
    except RecursionError:
        return Finding("GC001", "CONTRACT", f"{program}: RecursionError")
    except NotImplementedError:
        return Finding("GC003", "NOT_WRITTEN", "backward is still empty")
    except Exception as error:
        text = f"{program}: raises {type(error).__name__}: {error}"
        return Finding("GC001", "CONTRACT", text[:400])
    if any(map(differs, got, values)):
        k = next(i for i, (a, b) in enumerate(zip(got, values, strict=True)) if differs(a, b))
        return Finding("GC211", "FAIL", f"{program}: the result is {got[k]:.6g}, true is "
                       f"{values[k]:.6g}")  # fmt: skip
    for k, (yours, right) in enumerate(zip(slopes, grads, strict=True)):
        if differs(yours, right):
            return _gradient(program, k, yours, right)
    return None


def _gradient(program: Program, k: int, yours: float, right: float) -> Finding:
    name = "abcdefg"[k]
    text = f"{program}: {name}.grad is {yours:.6g}, true is {right:.6g}"
    error = abs(yours - right)
    return Finding(
        "GC201", "FAIL", text, name, worst=Entry(name, (), yours, right, error, float("nan"), 0.0)
    )


def named_slope(user: Driven, program: Program) -> Iterator[Finding]:
    """What a wrong slope of one operation is instead, if it is one of the usual mistakes."""
    try:
        _, slopes = user.gradients(program)
    except Exception:
        return
    _, grads = expected(program)
    step = program.steps[0]
    y = float(ours(program)[-1].data)
    for k, (yours, right) in enumerate(zip(slopes, grads, strict=True)):
        if not differs(yours, right):
            continue
        x, text = program.inputs[k], str(program).rsplit("= ", 1)[-1]
        said = next((words for words, guess in _mistakes(step, program, k, x, y, right)
                     if not differs(yours, guess)), "")  # fmt: skip
        if said:
            yield Finding("GC401", "FAIL", f"the derivative of {text} by {'abcdefg'[k]}: {said}",
                          "abcdefg"[k], data={"mistake": "slope", "about": said})  # fmt: skip


def _mistakes(
    step: Step, program: Program, k: int, x: float, y: float, right: float
) -> Iterator[tuple[str, float]]:
    """What people write for a slope, and what it gives here."""
    yield "it is 0: backward of this operation does nothing", 0.0
    yield "the sign is flipped", -right
    if step.op in ("mul", "div") and len(program.inputs) == 2:
        other = program.inputs[1 - k]
        yield "the operand itself stands where the other one belongs", x
        yield "1 stands where the other operand belongs", 1.0
        yield "it is the other operand, without a sign or a square", other
        yield "1/b is missing its square or its sign", 1 / other
        yield "a / b**2 without the minus sign", -right
    if step.op == "pow" and not isinstance(step.operands[1], int):
        n = float(step.operands[1])
        yield "the exponent is not reduced: n * x**n", n * x**n
        yield "the factor n is missing: x**(n-1)", x ** (n - 1)
        yield "it is n * x", n * x
    if len(step.operands) == 1 and step.op not in OPERATORS:
        op = method(step.op)
        yield "it is 1: the function's own derivative is missing", 1.0
        yield "it is the value, not the derivative", y
        yield "its formula holds for the output and is given the input", _at(op, x, x)
        yield "its formula holds for the input and is given the output", _at(op, y, op(y))
        yield "it is the derivative times the value", right * y
        yield "it is the square of the derivative", right**2
    for c in (2.0, 0.5):
        yield f"it is {c:g} times what it should be", c * right


def _at(op: Any, x: float, y: float) -> float:
    return float(op.pull(0, 1.0, y, [x]) or 0.0)
