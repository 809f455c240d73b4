"""Tracer: runs a function once, and writes down every op that it applies to its arguments.

The backward pass is written down in the same way: the rules of the table run on traced tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.op import MANY, OPS, Op
from ..engine.walk import between, order, pull
from ..errors import TraceError
from ..numerics import memory
from ..numerics.changes import next_stamp
from ..numerics.forward import NO_PARAMS
from ..numerics.recording import quietly, recording, special
from ..signatures import describe
from ..transforms import code_lines
from ..transforms.code_lines import users_place
from .carriers import Carried, TracedTensor, TracedValue
from .outside import Foreign, own_name, same_content, variable_of
from .program import Instruction, StraightProgram, Variable, mapped


class Tracer:
    """The instructions so far, and the carriers of the function's arguments."""

    def __init__(self, values: bool = False) -> None:
        self.program = StraightProgram()
        self.values = values  # whether the arguments are Values
        self.part, self.current, self.noted = "forward", None, None
        self.foreign: list[Foreign] = []
        self.known: dict[int, Foreign] = {}  # by id of what is held
        self.lifted: dict[int, Any] = {}  # results that others computed from tensors, by id
        self.root: FrameType | None = None

    # ---- arguments ------------------------------------------------------------------------------

    def carries(self, x: Any) -> bool:
        """Whether x belongs to this trace."""
        return isinstance(x, Carried) and x.trace is self

    def carrier(self, variable: Variable, concrete: Any, tracked: bool) -> Any:
        """A leaf of the trace."""
        kind = TracedTensor if isinstance(concrete, np.ndarray) else TracedValue
        out = kind(self, variable, concrete, tracked)
        out.op, out.params, out.first, out.second = None, NO_PARAMS, None, None
        out.stamp = next_stamp()
        return out

    def argument(self, x: Any, tracked: bool, name: str = "") -> Any:
        """The carrier of an argument x, a new input of the program."""
        data = x._data if isinstance(x, Node) else x
        name = name or own_name(x)
        variable = variable_of(data, name)
        self.program.inputs.append(variable)
        out = self.carrier(variable, data, tracked)
        out.theirs = True
        return out

    def lift(self, x: Any) -> Any:
        """x as an input of an instruction: a carrier, or a number that is written down."""
        if isinstance(x, Carried):
            if x.trace is not self:
                raise TraceError(
                    "compile: an array of another trace came; return it, and pass it as an argument"
                )
            return x._now() if x.buffer else x
        if isinstance(x, Node) and x.op is not None:
            return self._lift_graph(x)
        if isinstance(x, (list, tuple)):
            x = np.array(x)
        return self._outside(x) if isinstance(x, (Node, np.ndarray)) else x

    def _outside(self, x: Any) -> Any:
        found = self.known.get(id(x))
        data = x._data if isinstance(x, Node) else x
        if found is not None:
            now = memory.note(data) if isinstance(data, np.ndarray) else data
            if not same_content(found.content, now):
                raise TraceError(
                    f"compile: an array changes while the function runs, before line "
                    f"{users_place().line}, `{users_place().source}`; make a new array instead"
                )
            return found.carrier
        variable = variable_of(data, own_name(x))
        found = Foreign(x, self.carrier(variable, data, False))
        found.carrier.theirs = True
        self.foreign.append(found)
        self.known[id(x)] = found
        return found.carrier

    def _lift_graph(self, x: Node) -> Any:
        """What was computed from tensors alone, written down as if they had been traced."""
        for node in reversed(order([x])):
            if node.op is not None and id(node) not in self.lifted:
                xs = [self.lifted.get(id(p), (p, p))[0] for p in node.parents]
                self.lifted[id(node)] = self.record(node.op, tuple(xs), dict(node.params)), node
        return self.lifted[id(x)][0]

    # ---- instructions ---------------------------------------------------------------------------

    def record(self, op: Op, xs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The carrier of op(*xs, **params)."""
        if self.values and any(isinstance(x, np.ndarray) for x in xs):  # each element a number
            return np.frompyfunc(lambda *v: op(*v, **params), len(xs), 1)(*xs)
        if OPS.get(op.name) is not op:
            raise TraceError(
                f"compile: {op.name} is an op of your own, which has no source; write the function "
                "in functions of NumPy or of microgradnn"
            )
        xs = tuple(map(self.lift, xs))
        params = mapped(self._option, params)
        raw, options = [_concrete(x) for x in xs], mapped(_concrete, params)
        if op.number is None or any(isinstance(x, (np.ndarray, np.generic)) for x in raw):
            y = np.asarray(op(*raw, **options))
        else:
            y = op.on_numbers(raw, options)
        out = self.enter(op.name, xs, params, y)
        self._remember(out, op, xs, params)
        return out

    def _option(self, x: Any) -> Any:
        return self.lift(x) if isinstance(x, (Node, np.ndarray)) else x

    def _remember(self, out: Any, op: Op, xs: tuple[Any, ...], params: Any) -> None:
        """Gives a result its history if it has a gradient."""
        real = getattr(out.concrete, "dtype", np.dtype(float)).kind == "f"
        if not (recording.on and real and any(isinstance(x, Node) and x.requires_grad for x in xs)):
            return
        out.op, out.params = op, params
        if isinstance(out, TracedTensor):
            out.requires_grad, out.keeps_grad = True, False
        else:
            out.tracked = True
        out.first, out.second = (*xs, None)[:2] if len(xs) < 3 and not op.variadic else (xs, MANY)

    def enter(self, name: str, xs: Any, params: Any, y: Any) -> Any:
        """A leaf for the result y of an instruction."""
        variable, summed = variable_of(y), False
        if name == "add" and self.part == "backward":  # a cotangent that has several parts
            of = {x.variable.of if isinstance(x, Carried) else None for x in xs}
            variable.of = of.pop() if len(of) == 1 else None
            summed = isinstance(xs[-1], Carried) and xs[-1].variable is self.noted
        place = users_place() if self.part == "forward" else None
        self._look_for_names()
        self.program.body.append(
            Instruction(
                name,
                mapped(_variable, tuple(xs)),
                mapped(_variable, dict(params)),
                variable,
                self.part,
                "used more than once: the sum" if summed else "",
                place,
            )  # fmt: skip
        )
        return self.carrier(variable, y, False)

    def call(self, name: str, function: Any, args: Any, kwargs: Any) -> Any:
        """The carrier of a function of NumPy that has no derivative."""
        args, kwargs = mapped(self._option, tuple(args)), mapped(self._option, dict(kwargs))
        y = function(*mapped(_concrete, args), **mapped(_concrete, kwargs))
        if isinstance(y, (tuple, list)):
            raise TraceError(f"compile: {name} returns several arrays; it cannot be compiled")
        arrays: list[Any] = []
        mapped(lambda x: arrays.append(x) if hasattr(_concrete(x), "dtype") else None, args)
        return self.enter(name, args, kwargs, np.asarray(y) if arrays else bool(y))

    def number(self, x: Any) -> Any:
        """The carrier of the number that a 0-d array holds, a number of Python's."""
        return self.enter("number", (x,), {}, x.concrete.item())

    def draw(self, rng: Any, method: str, args: tuple[Any, ...]) -> Any:
        """The carrier of numbers that a random generator draws anew in each run."""
        held = self.known.get(id(rng)) if rng is not None else None
        if held is None:
            variable = Variable((), None, "rng")
            self.program.generators[variable] = rng
            if rng is not None:
                self.known[id(rng)] = Foreign(None, TracedValue(self, variable, None, False))
        else:
            variable = held.carrier.variable
        y = getattr(np.random.default_rng(0), method)(*args)
        out = self.enter(f"draw.{method}", (), {"args": args}, y)
        self.program.body[-1].inputs = (variable,)
        return out

    def truth(self, x: Carried) -> bool:
        """What x is in the trace, where the library asks; TraceError where the user's program does.

        The program then holds only for arguments for which this is the same.
        """
        frame: Any = sys._getframe(2)
        if code_lines._users(frame.f_code.co_filename):
            place = code_lines.CodeLine(frame.f_code.co_filename, frame.f_lineno)
            raise TraceError(
                f"compile: line {place.line}, `{place.source}`, asks whether something holds of "
                "the numbers, and a compiled program does the same for all numbers; write "
                "np.where(condition, a, b), which computes both"
            )
        self.program.guards.append((x.variable, bool(x.concrete)))
        return bool(x.concrete)

    # ---- the backward pass ----------------------------------------------------------------------

    def backward(self, y: Any, inputs: list[Any], seed: Any) -> list[Any]:
        """The gradient of y by each of inputs, None for zero: pullback, with notes on each line."""
        self.part = "backward"
        nodes = order([y], inputs)
        grads: dict[Any, Any] = dict.fromkeys(between(nodes, inputs))
        if y not in grads:
            return [None] * len(inputs)
        grads[y] = seed
        quietly(self._sweep, nodes, grads)
        return [grads.get(x) for x in inputs]

    def _sweep(self, nodes: list[Any], grads: dict[Any, Any]) -> None:
        for node in nodes:
            g = grads.get(node)
            if g is not None and node.op is not None:
                self.current = node
                pull(node, g, grads, False)
                for p in node.parents:
                    total = grads.get(p) if isinstance(p, Node) else None
                    if isinstance(total, Carried) and total.variable.of is None:
                        total.variable.of = p.variable

    def note_cotangent(self, g: Any, x: Any) -> None:
        """Notes that g is a part of the cotangent of x, and by which rule."""
        if self.part != "backward":
            return
        variable = self.noted = g.variable
        inner = x.variable.name and x.variable not in self.program.inputs
        better = variable.of is None or inner and not variable.of.name
        if better and variable not in self.program.inputs:
            variable.of = x.variable
        for instruction in reversed(self.program.body):
            if instruction.rule or instruction.part != "backward":
                break
            instruction.rule = _rule(self.current, x)

    # ---- the names of the user's variables ------------------------------------------------------

    def _look_for_names(self) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self.root:
            if code_lines._users(frame.f_code.co_filename):
                self.name_from(frame.f_locals)
            frame = frame.f_back

    def name_from(self, variables: Any) -> None:
        """Takes over the names under which carriers are found."""
        for name, x in variables.items():
            if isinstance(x, Carried) and x.trace is self and not x.variable.name:
                x.variable.name = name

    def _on_return(self, frame: FrameType, event: str, result: Any) -> None:
        if event == "return" and code_lines._users(frame.f_code.co_filename):
            self.name_from(frame.f_locals)

    @contextmanager
    def running(self) -> Iterator[None]:
        """A context in which this thread's ops are written down."""
        before, token, profile = recording.trace, object(), sys.getprofile()
        recording.trace, self.root = self, sys._getframe(2)
        special.add(token)
        sys.setprofile(self._on_return)
        try:
            yield
        finally:
            sys.setprofile(profile)
            special.discard(token)
            recording.trace, self.root = before, None


def _rule(node: Any, x: Any) -> str:
    """The line of the table by which node passes a cotangent to x."""
    op = node.op
    i = next((i for i, p in enumerate(node.parents) if p is x), 0)
    if op.variadic or op.weight is not None:
        return f"{op.name}: {describe.source(op.weight or op.rules)}"
    return f"{op.name}: {describe.source(op.rules[i])}"


def _concrete(x: Any) -> Any:
    return x.concrete if isinstance(x, Carried) else x


def _variable(x: Any) -> Any:
    return x.variable if isinstance(x, Carried) else x
