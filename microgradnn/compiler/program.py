"""What a trace leaves: a program, a list of instructions without jumps.

An instruction applies one op of the table, or one function of NumPy that has no derivative, to
variables and literals. A variable is set once. Passes and printers read this and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..transforms.code_lines import CodeLine


@dataclass(eq=False)
class Variable:
    """A number or an array of a program: its shape and dtype, and what its user calls it.

    `dtype` is None for a number of Python's. `of` is the variable whose cotangent this is, and
    `c_order` says whether its elements lie in memory as they are counted.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    name: str = ""
    of: Variable | None = None
    c_order: bool = True

    def like(self, other: Variable) -> bool:
        """Whether both have one shape and dtype."""
        return self.shape == other.shape and self.dtype == other.dtype


@dataclass(eq=False)
class Instruction:
    """out = op(*inputs, **params).

    `inputs` are variables, numbers, None or arrays; so are the leaves of `params`. `op` is a name
    in the table of ops, or "np." and the name of a function of NumPy. `part` says whether it stands
    in the forward pass, the backward pass or the update, `rule` which line of the table asked for
    it, `line` which line of the user's program.
    """

    op: str
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    out: Variable
    part: str = "forward"
    rule: str = ""
    line: CodeLine | None = None

    def reads(self) -> Iterator[Variable]:
        """The variables it needs, each as often as it stands there."""
        yield from variables_in(self.inputs)
        yield from variables_in(self.params)

    def replace(self, new: dict[Variable, Any]) -> None:
        """Puts other variables or literals in the place of some."""
        self.inputs = replaced(self.inputs, new)
        self.params = replaced(self.params, new)


@dataclass(eq=False)
class StraightProgram:
    """Instructions, and what goes in and out.

    inputs     the variables that are given, in the order of the arguments
    constants  arrays that were made while the function ran, and are the same in every run
    captured   variables of the user's that the function reads from outside, and what holds them
    value      what the function returns: variables or literals, or a structure of them
    gradients  (input, its gradient) in the order of the inputs that are differentiated
    updates    (input, its new value): what the program writes back
    guards     (a truth, what it was in the trace): where it is another, the program does not hold
    generators variables that stand for random generators, and these
    """

    name: str = "step"
    inputs: list[Variable] = field(default_factory=list)
    constants: dict[Variable, Any] = field(default_factory=dict)
    captured: dict[Variable, Any] = field(default_factory=dict)
    body: list[Instruction] = field(default_factory=list)
    value: Any = None
    gradients: list[tuple[Variable, Any]] = field(default_factory=list)
    updates: list[tuple[Variable, Any]] = field(default_factory=list)
    guards: list[tuple[Variable, bool]] = field(default_factory=list)
    generators: dict[Variable, Any] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)

    def printed(self) -> StraightProgram:
        """The program as people read it: without guards, and without what only they need."""
        shown = replace(self, guards=[])
        shown.body = shown.needed()
        return shown

    def needed(self) -> list[Instruction]:
        """The instructions whose results are needed."""
        needed, kept = set(self.outputs()), []
        for instruction in reversed(self.body):
            if instruction.out in needed:
                kept.append(instruction)
                needed.update(instruction.reads())
        return kept[::-1]

    def outputs(self) -> Iterator[Variable]:
        """The variables that are needed when the program has run."""
        yield from variables_in([self.value, [g for _, g in self.gradients]])
        yield from variables_in([new for _, new in self.updates])
        yield from (truth for truth, _ in self.guards)

    def uses(self) -> dict[Variable, int]:
        """How often each variable is read, by instructions and as an output."""
        count: dict[Variable, int] = {}
        for instruction in self.body:
            for v in instruction.reads():
                count[v] = count.get(v, 0) + 1
        for v in self.outputs():
            count[v] = count.get(v, 0) + 1
        return count

    def replace(self, new: dict[Variable, Any]) -> None:
        """Puts other variables or literals in the place of some, everywhere."""
        for instruction in self.body:
            instruction.replace(new)
        self.value = replaced(self.value, new)
        self.gradients = [(v, replaced(g, new)) for v, g in self.gradients]
        self.updates = [(v, replaced(x, new)) for v, x in self.updates]
        self.guards = [(replaced(v, new), truth) for v, truth in self.guards]


def variables_in(x: Any) -> Iterator[Variable]:
    """The variables in nested tuples, lists, dicts and slices."""
    if isinstance(x, Variable):
        yield x
    elif isinstance(x, (tuple, list)):
        for part in x:
            yield from variables_in(part)
    elif isinstance(x, dict):
        yield from variables_in(list(x.values()))
    elif isinstance(x, slice):
        yield from variables_in([x.start, x.stop, x.step])


def replaced(x: Any, new: dict[Variable, Any]) -> Any:
    """The same structure with other variables."""
    return mapped(lambda v: new.get(v, v) if isinstance(v, Variable) else v, x)


def mapped(f: Any, x: Any) -> Any:
    """The same structure of tuples, lists, dicts and slices, f applied to what they hold."""
    if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
        return type(x)([mapped(f, v) for v in x])
    if isinstance(x, dict):
        return {k: mapped(f, v) for k, v in x.items()}
    if isinstance(x, slice):
        return slice(*(mapped(f, v) for v in (x.start, x.stop, x.step)))
    return f(x)
