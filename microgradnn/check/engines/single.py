"""One program, and one operation: is what an engine gives right, and what is it instead?"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..report import Entry, Finding
from .driven import NONE, ChangedError, Driven, Known, UnwrittenError
from .programs import OPERATORS, POSITIVE, Operand, Program, Step, method, shown
from .pulled import ours
from .suspects import true

CLOSE = 1e-9
SINGLE = 1e-5  # some hundred roundings of float32
LONG = 400  # characters of a message
FEW = 6  # entries of an array that are all shown

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


def expected(program: Program) -> tuple[list[Any], list[Any]]:
    """The true values of all results of a program, and the true gradients of its inputs."""
    results = ours(program)
    g = true(results)
    return [r.data for r in results], [g.get(id(r), 0.0) for r in results[: len(program.inputs)]]


def differs(a: Any, b: Any, close: float = CLOSE, beside: float = 1e-6) -> bool:
    """Whether two numbers or arrays differ by more than rounding, beside their largest entries.

    In float32, if the first is one of these numbers. `beside` is a number beside which both are
    small, if it is larger.
    """
    if np.ndim(a) or np.ndim(b):
        if np.shape(a) != np.shape(b):
            if np.ndim(a) and np.ndim(b):
                return True
            a, b = np.broadcast_arrays(a, b)
        sizes = [np.abs(x).max(initial=beside) for x in (a, b)]
        return not bool((np.abs(np.asarray(a) - b) <= close * max(sizes)).all())
    if abs(a) < 1e30 and float(np.float32(a)) == a:  # float32, whose terms may cancel
        close, beside = max(close, SINGLE), max(beside, 1.0)
    return not (a == b or abs(a - b) <= close * max(abs(a), abs(b), beside))


def fault(user: Driven, program: Program) -> Finding | None:
    """What is wrong with an engine in one program; None if nothing."""
    results = ours(program)
    slopes = true(results)
    values, grads = [r.data for r in results], [slopes.get(id(r), 0.0) for r in results]
    if not all(np.isfinite(x).all() for x in (*values, *grads)):
        return None
    try:
        got, yours = user.gradients(program)
    except UnwrittenError:
        return Finding("GC003", "NOT_WRITTEN", f"{program}: the result is None")
    except ChangedError as error:
        return Finding("GC021", "CONTRACT", f"{program}: {error}")
    except RecursionError:
        return Finding("GC001", "CONTRACT", f"{program}: RecursionError")
    except NotImplementedError:
        return Finding("GC003", "NOT_WRITTEN", "backward is still empty")
    except Exception as error:
        text = f"{program}: raises {type(error).__name__}: {error}"
        return Finding("GC001", "CONTRACT", text if len(text) < LONG else f"…{text[-LONG:]}")
    return _compared(user, program, values, grads, got, yours)


def _compared(
    user: Driven, program: Program, values: list[Any], grads: list[Any], got: Sequence[Any],
    yours: Sequence[Any],
) -> Finding | None:  # fmt: skip
    """The first value or gradient of a program that is wrong."""
    close = user.tolerance(got, values)
    size = user.beside(values)
    for mine, right in zip(got, values, strict=True):
        if differs(mine, right, close, size):
            return Finding("GC211", "FAIL", f"{program}: the result is {shown(mine)}, true is "
                           f"{shown(right)}")  # fmt: skip
    size = user.beside([*values, *grads])
    for k, (mine, right) in enumerate(zip(yours, grads, strict=False)):
        if mine is not NONE and np.shape(mine) != np.shape(values[k]):
            return _misshapen(program, k, mine, values[k])
        if differs(mine, right, close, size):
            return _gradient(program, k, mine, right)
    return None


def _misshapen(program: Program, k: int, yours: Any, x: Any) -> Finding:
    name = "abcdefg"[k]
    text = f"{program}: {name}.grad has shape {np.shape(yours)}, {name} has {np.shape(x)}"
    return Finding("GC041", "CONTRACT", text, name)


def _gradient(program: Program, k: int, yours: Any, right: Any) -> Finding:
    index: tuple[int, ...] = ()
    name = "abcdefg"[k]
    if np.ndim(right) or np.ndim(yours):
        yours, right = np.broadcast_arrays(yours, right)
        if right.size > FEW:
            off = np.nan_to_num(np.abs(yours - right), nan=np.inf)
            index = tuple(int(i) for i in np.unravel_index(int(off.argmax()), right.shape))
            yours, right = float(yours[index]), float(right[index])
    place = f"{name}.grad" + (f"[{', '.join(map(str, index))}]" if index else "")
    text = f"{program}: {place} is {shown(yours)}, true is {shown(right)}"
    if np.ndim(right):
        return Finding("GC201", "FAIL", text, name)
    error = abs(yours - right)
    return Finding(
        "GC201",
        "FAIL",
        text,
        name,
        worst=Entry(name, index, yours, right, error, float("nan"), 0.0),
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
        said = next((words for words, guess in mistakes(step, program, k, x, y, right)
                     if not differs(yours, guess)), "")  # fmt: skip
        if said:
            yield Finding("GC401", "FAIL", f"the derivative of {text} by {'abcdefg'[k]}: {said}",
                          "abcdefg"[k], data={"mistake": "slope", "about": said})  # fmt: skip


def mistakes(
    step: Step, program: Program, k: int, x: Any, y: float, right: float
) -> Iterator[tuple[str, float]]:
    """What people write for a slope of one operation, and what it gives here."""
    yield "it is 0: backward of this operation does nothing", 0.0
    yield "the sign is flipped", -right
    if step.op in ("mul", "div") and len(program.inputs) == 2:
        other: Any = program.inputs[1 - k]
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
