"""Programs: a few numbers or arrays, and steps that compute new ones. Any engine can run one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import CodeType
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

LARGE = 12  # entries of an array that are not all shown
Operand = int | float  # the number of an earlier result, or a constant
Data = float | tuple[Any, ...]  # a number, or an array as nested tuples, which can be compared


@dataclass(frozen=True)
class Step:
    """One computation: an operator or a method, and its operands.

    Of arrays `op` is what NumPy calls it, "np.sum({0}, axis=0)", and `text` what the engine does:
    "{0}.sum(0)".
    """

    op: str
    operands: tuple[Operand, ...]
    text: str = ""


@dataclass(frozen=True)
class Program:
    """inputs, and steps that may use them and each other; the last result is the output.

    Operands that are int are results (inputs first), operands that are float are constants.
    """

    inputs: tuple[Data, ...]
    steps: tuple[Step, ...]

    def run(self, make: Callable[[Any], Any]) -> list[Any]:
        """All results, inputs first, as objects of the engine whose constructor is `make`."""
        found = [make(x) for x in self.inputs]
        for step in self.steps:
            xs = [found[o] if isinstance(o, int) else o for o in step.operands]
            found.append(evaluated(step.text, xs) if step.text else apply(step.op, xs))
        return found

    def __str__(self) -> str:
        names = [*"abcdefg"[: len(self.inputs)], *(f"t{i + 1}" for i in range(len(self.steps)))]
        used = {o for s in self.steps for o in s.operands if isinstance(o, int)}
        kind = "Tensor" if any(s.text for s in self.steps) else "Value"
        lines = [f"{names[i]} = {kind}({shown(x)})" for i, x in enumerate(self.inputs) if i in used]
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
            for plain in _plainer(x):
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
            replace(s, operands=tuple(map(moved, s.operands)))
            for k, s in enumerate(self.steps)
            if k != i
        ]
        return replace(self, steps=tuple(steps))


def _plainer(x: Data) -> tuple[Data, ...]:
    """Numbers that are easier to read than x."""
    if not isinstance(x, tuple):
        return (2.0, 3.0) if x not in (2.0, 3.0) else ()
    plain = frozen(np.arange(1.0, np.size(x) + 1).reshape(np.shape(x)))
    return (plain,) if x != plain else ()


def frozen(x: Any) -> Any:
    """An array as nested tuples of numbers."""
    return tuple(map(frozen, x)) if np.ndim(x) else float(x)


def shown(x: Any) -> str:
    """A number or an array as one writes it in Python."""
    if np.size(x) > LARGE:
        return f"… of shape {np.shape(x)}"
    if np.ndim(x):
        return "[" + ", ".join(map(shown, x)) + "]"
    return f"{float(x):.6g}"


@lru_cache(4096)
def _code(text: str) -> CodeType:
    return compile(text.format("a", "b", "c"), "<engine>", "eval")


def evaluated(text: str, xs: Sequence[Any]) -> Any:
    """What an expression such as "{0}.sum(axis=0)" gives for its operands."""
    return eval(_code(text), {"np": np, **dict(zip("abc", xs, strict=False))})


def apply(op: str, xs: Sequence[Any]) -> Any:
    """The result of an operator or a method."""
    return OPERATORS[op][0](*xs) if op in OPERATORS else getattr(xs[0], op)()


def written(step: Step, names: Sequence[str]) -> str:
    """A step as Python: "a * t1", "t2.tanh()"."""
    words = [names[o] if isinstance(o, int) else f"{o:g}" for o in step.operands]
    if step.text:
        return step.text.format(*words)
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
