"""What one program does not show: a second output, a second backward, a long chain."""

from collections.abc import Iterator

from ..report import Finding
from .driven import Driven, Known
from .programs import OPERATORS, Program, Step
from .single import differs, expected

DEPTHS = (50, 200, 900, 3000)


def twice(user: Driven, can: Known) -> Iterator[Finding]:
    """A second output of the same number, a second backward, and what backward may not change."""
    op = can.both[0] if can.both[0] != "neg" else can.both[-1]
    a, b = user.make(3.0), user.make(2.0)
    first, second = OPERATORS[op][0](a, b), OPERATORS[op][0](a, a) if op != "neg" else -a
    getattr(first, user.backward)()
    g1 = user.slope(a)
    getattr(second, user.backward)()
    both = user.slope(a)
    lone = Program((3.0,), (Step(op, (0, 0)),))
    g2 = expected(lone)[1][0]
    if differs(both, g1 + g2) and differs(both, g2):
        yield Finding(
            "GC061", "FAIL", f"two outputs of one number: its gradient after both is {both:.6g}; "
            f"{g1 + g2:.6g} would add up, {g2:.6g} would begin anew",
        )  # fmt: skip
    if user.read(a) != 3.0 or user.read(b) != 2.0:
        yield Finding("GC021", "CONTRACT", "backward changes the numbers themselves")
    x = user.make(3.0)
    y = OPERATORS[op][0](OPERATORS[op][0](x, x), x)
    getattr(y, user.backward)()
    once = user.slope(x)
    getattr(y, user.backward)()
    again = user.slope(x)
    if differs(again, once) and differs(again, 2 * once):
        yield Finding(
            "GC061", "PASS", f"a second backward() of one graph gives {again:.6g}, where the first "
            f"gave {once:.6g}: numbers in between keep their old gradient",
            hint="as in micrograd; set the gradients of all numbers in the graph to 0 first",
        )  # fmt: skip


def deep(user: Driven, can: Known) -> Iterator[Finding]:
    """Long chains: where a recursion ends."""
    op = next((o for o in ("add", "mul", "sub") if o in can.both), None)
    if op is None:
        return
    for depth in DEPTHS:
        x = user.make(1.0)
        y = x
        try:
            for _ in range(depth):
                y = OPERATORS[op][0](y, x)
            getattr(y, user.backward)()
        except RecursionError:
            yield Finding(
                "GC001", "PASS", f"RecursionError in a chain of {depth} operations: backward calls "
                "itself", hint="walk with a list as a stack instead of recursion",
            )  # fmt: skip
            return
        except Exception as error:
            yield Finding("GC001", "CONTRACT", f"a chain of {depth} operations raises "
                          f"{type(error).__name__}: {error}")  # fmt: skip
            return
