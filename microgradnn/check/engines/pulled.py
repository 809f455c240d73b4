"""What programs give: the true results, and how a gradient of each goes on to its operands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...engine.value import Value
from ...transforms.derivatives import vjp
from .programs import Program, Step, apply, evaluated

Pull = Callable[[Any], Any]


@dataclass(eq=False)
class Result:
    """One result of a program: a number or an array.

    parents  the operands that are results, one that occurs twice there twice
    pulls    of each the function from the gradient of this result to that of the operand
    """

    data: Any
    op: str
    parents: list["Result"]
    pulls: list[Pull]

    def parts(self) -> Iterator[tuple["Result", Pull]]:
        """The parents, each with its pull."""
        return zip(self.parents, self.pulls, strict=True)

    def ones(self) -> Any:
        """The gradient of a result by itself."""
        return np.ones(np.shape(self.data)) if np.ndim(self.data) else 1.0


def ours(program: Program) -> list[Result]:
    """The true results of a program, inputs first."""
    found = [Result(np.array(x) if isinstance(x, tuple) else x, "", [], []) for x in program.inputs]
    for step in program.steps:
        operands = [found[o] if isinstance(o, int) else o for o in step.operands]
        parents = [x for x in operands if isinstance(x, Result)]
        values = [x.data if isinstance(x, Result) else x for x in operands]
        pulls = [i for i, x in enumerate(operands) if isinstance(x, Result)]
        made = _of_arrays if step.text else _of_numbers
        data, functions = made(step, values, pulls)
        found.append(Result(data, step.op, parents, functions))
    return found


def _of_numbers(step: Step, xs: list[Any], wanted: list[int]) -> tuple[Any, list[Pull]]:
    given = [Value(x) if i in wanted else x for i, x in enumerate(xs)]
    y = apply(step.op, given)
    y.backward()
    slopes = [float(given[i].grad) for i in wanted]
    return float(y.data), [partial(float.__mul__, s) for s in slopes]


def _of_arrays(step: Step, xs: list[Any], wanted: list[int]) -> tuple[Any, list[Pull]]:
    def f(*some: Any) -> Any:
        given = dict(zip(wanted, some, strict=True))
        return evaluated(step.op, [given.get(i, x) for i, x in enumerate(xs)])

    y, pull = vjp(f, *(np.asarray(xs[i], float) for i in wanted))

    def of(k: int, g: Any) -> Any:
        return np.asarray(pull(np.broadcast_to(np.asarray(g, float), np.shape(y)))[k])

    return np.asarray(y), [partial(of, k) for k in range(len(wanted))]
