"""What one program does not show: a second output, a second backward, a long chain."""

from collections.abc import Iterator, Sequence

from ..report import Finding
from .driven import Driven
from .programs import OPERATORS, Program, Step, shown
from .single import differs, expected

NEAR = 1e-4  # two counts of one gradient are farther apart, in float32 too
DEPTHS = (50, 200, 900, 3000)


def twice(user: Driven, both: Sequence[str]) -> Iterator[Finding]:
    """A second output of the same number, a second backward, and what backward may not change."""
    op = both[0] if both[0] != "neg" else both[-1]
    a, b = user.sample(3.0), user.sample(2.0)
    ones = user.read(a) / 3.0  # of the shape
    first, second = OPERATORS[op][0](a, b), OPERATORS[op][0](a, a) if op != "neg" else -a
    first, second = user.ended(first), user.ended(second)
    user.pull(first)
    g1 = user.slope(a)
    user.pull(second)
    g12 = user.slope(a)
    share = g1 / expected(Program((3.0, 2.0), (Step(op, (0, 1)),)))[1][0]  # of one number in all
    g2 = share * expected(Program((3.0,), (Step(op, (0, 0)),)))[1][0]
    if differs(g12, g1 + g2, NEAR) and differs(g12, g2, NEAR):
        yield Finding(
            "GC061", "FAIL", f"two outputs of one number: its gradient after both is {shown(g12)}; "
            f"{shown(g1 + g2)} would add up, {shown(g2)} would begin anew",
        )  # fmt: skip
    if differs(user.read(a), 3.0 * ones) or differs(user.read(b), 2.0 * ones):
        yield Finding("GC021", "CONTRACT", "backward changes the numbers themselves")
    yield from _again(user, op)


def _again(user: Driven, op: str) -> Iterator[Finding]:
    """A second backward of one graph."""
    x = user.sample(3.0)
    y = user.ended(OPERATORS[op][0](OPERATORS[op][0](x, x), x))
    user.pull(y)
    once = user.slope(x)
    try:
        user.pull(y)
    except Exception as error:
        text = f"a second backward() of one graph raises {type(error).__name__}: {error}"
        yield Finding("GC061", "PASS", text[:300])
        return
    again = user.slope(x)
    if differs(again, once, NEAR) and differs(again, 2 * once, NEAR):
        yield Finding(
            "GC061", "PASS", f"a second backward() of one graph gives {shown(again)}, where the "
            f"first gave {shown(once)}: numbers in between keep their old gradient",
            hint="as in micrograd; set the gradients of all numbers in the graph to 0 first",
        )  # fmt: skip


def deep(user: Driven, both: Sequence[str]) -> Iterator[Finding]:
    """Long chains: where a recursion ends."""
    op = next((o for o in ("add", "mul", "sub") if o in both), None)
    if op is None:
        return
    for depth in DEPTHS:
        x = user.sample(1.0)
        y = x
        try:
            for _ in range(depth):
                y = OPERATORS[op][0](y, x)
            user.pull(user.ended(y))
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
