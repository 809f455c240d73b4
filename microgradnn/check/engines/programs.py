"""Programs: a few numbers, and steps that compute new ones from them. Any engine can run one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...engine import ops

# How each step is written in the user's own program, for engines and for messages alike.
OPERATORS: dict[str, tuple[Callable[..., Any], str]] = {
    "add": (lambda a, b: a + b, "{} + {}"), "mul": (lambda a, b: a * b, "{} * {}"),
    "sub": (lambda a, b: a - b, "{} - {}"), "div": (lambda a, b: a / b, "{} / {}"),
    "pow": (lambda a, b: a**b, "{} ** {}"), "neg": (lambda a: -a, "-{}"),
}  # fmt: skip
METHODS = (
    "relu", "tanh", "exp", "log", "sigmoid", "sqrt", "sin", "cos", "abs", "softplus", "square",
    "reciprocal", "log1p", "expm1", "sinh", "cosh", "arctan",
)  # fmt: skip
POSITIVE = ("log", "sqrt", "log1p")  # of which the operand must be positive

Operand = int | float  # the number of an earlier result, or a constant


@dataclass(frozen=True)
class Step:
    """One computation: an operator or a method, and its operands."""

    op: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Program:
    """inputs, and steps that may use them and each other; the last result is the output.

    Operands that are int are results (inputs first), operands that are float are constants.
    """

    inputs: tuple[float, ...]
    steps: tuple[Step, ...]

    def run(self, make: Callable[[float], Any]) -> list[Any]:
        """All results, inputs first, as objects of the engine whose constructor is `make`."""
        found = [make(x) for x in self.inputs]
        for step in self.steps:
            xs = [found[o] if isinstance(o, int) else o for o in step.operands]
            found.append(apply(step.op, xs))
        return found

    def __str__(self) -> str:
        names = [*"abcdefg"[: len(self.inputs)], *(f"t{i + 1}" for i in range(len(self.steps)))]
        used = {o for s in self.steps for o in s.operands if isinstance(o, int)}
        lines = [f"{names[i]} = Value({x:g})" for i, x in enumerate(self.inputs) if i in used]
        for name, step in zip(names[len(self.inputs) :], self.steps, strict=True):
            lines.append(f"{name} = {written(step, names)}")
        return "; ".join(lines)

    def smaller(self) -> Iterator["Program"]:
        """The same with one step less, or with plainer numbers."""
        for i in reversed(range(len(self.steps))):
            for o in self.steps[i].operands:
                if isinstance(o, int):
                    yield self._without(i, o)
        for i, x in enumerate(self.inputs):
            for plain in (2.0, 3.0) if x not in (2.0, 3.0) else ():
                yield replace(self, inputs=(*self.inputs[:i], plain, *self.inputs[i + 1 :]))

    def _without(self, i: int, instead: int) -> "Program":
        """Without step i, whose result is replaced by another."""
        gone = len(self.inputs) + i

        def moved(o: Operand) -> Operand:
            if not isinstance(o, int):
                return o
            o = instead if o == gone else o
            return o - (o > gone)

        steps = [
            Step(s.op, tuple(map(moved, s.operands))) for k, s in enumerate(self.steps) if k != i
        ]
        return replace(self, steps=tuple(steps))


def apply(op: str, xs: Sequence[Any]) -> Any:
    """The result of an operator or a method."""
    return OPERATORS[op][0](*xs) if op in OPERATORS else getattr(xs[0], op)()


def written(step: Step, names: Sequence[str]) -> str:
    """A step as Python: "a * t1", "t2.tanh()"."""
    words = [names[o] if isinstance(o, int) else f"{o:g}" for o in step.operands]
    if step.op in OPERATORS:
        return OPERATORS[step.op][1].format(*words)
    return f"{words[0]}.{step.op}()"


def method(name: str) -> Any:
    """The op of the table that a method of this name should compute."""
    return getattr(ops, name)


def drawn(rng: np.random.Generator, known: Sequence[str], steps: int) -> Program:
    """A random program of the ops that an engine has; results are often used more than once."""
    inputs = tuple(float(x) for x in np.round(rng.uniform(0.5, 2.0, 3), 2))
    out: list[Step] = []
    for _ in range(steps):
        op = str(rng.choice(list(known)))
        size = len(inputs) + len(out)
        recent = int(rng.integers(max(0, size - 3), size))
        if op == "pow":
            out.append(Step(op, (recent, float(rng.choice([2.0, 3.0])))))
        elif op in ("add", "mul", "sub", "div"):
            pair = [recent, int(rng.integers(0, size))]
            out.append(Step(op, tuple(pair if rng.random() < 0.5 else pair[::-1])))
        else:
            out.append(Step(op, (recent,)))
    return Program(inputs, tuple(out))
