"""What a program does not need goes: dead and repeated work, needless ones, views and broadcasts.

No pass changes the order of operations, so that results stay the same to the last bit: x · 1 is x,
an array full of one number times x is that number times x, and so on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import OPS
from ..numerics.recording import quietly
from .in_place_updates import updates_last
from .literal import uniform
from .program import Instruction, StraightProgram, Variable, replaced, variables_in

SAME = ("alias", "argument")
SHAPED = ("reshape", "broadcast_to", "sum_to", "squeeze", "expand_dims")
NUMBERS = (bool, int, float)


def improved(program: StraightProgram) -> StraightProgram:
    """The program after all passes."""
    literals(program)
    without_identities(program)
    without_broadcasts(program)
    without_repetition(program)
    without_dead(program)
    if program.updates:
        updates_last(program)
    return program


# ---- constants ----------------------------------------------------------------------------------


def literals(program: StraightProgram) -> None:
    """Constant arrays are written where they are used: as one number where that is the same.

    What is computed from constants alone is a constant too.
    """
    constants, kept = program.constants, []
    for instruction in program.body:
        if not instruction.op.startswith("draw.") and all(
            v in constants for v in instruction.reads()
        ):
            constants[instruction.out] = _computed(instruction, constants)
        else:
            kept.append(instruction)
    for instruction in kept:
        inputs = list(instruction.inputs)
        if is_elementwise(instruction.op):
            for i, x in enumerate(inputs):
                if isinstance(x, Variable) and x in constants:
                    inputs[i] = _as_number(constants, i, instruction)
        instruction.inputs = replaced(tuple(inputs), constants)
        instruction.params = replaced(instruction.params, constants)
    program.body = kept
    program.value = replaced(program.value, constants)
    program.gradients = [(v, replaced(g, constants)) for v, g in program.gradients]
    program.updates = [(v, replaced(x, constants)) for v, x in program.updates]


def _computed(instruction: Instruction, constants: dict[Variable, Any]) -> Any:
    xs, params = replaced(instruction.inputs, constants), replaced(instruction.params, constants)
    if instruction.op in OPS:
        op = OPS[instruction.op]
        numbers = instruction.out.dtype is None
        y = op.on_numbers(xs, params) if numbers else quietly(lambda: op(*xs, **params))
    else:
        y = getattr(np, instruction.op[3:])(*xs, **params)
    return y if instruction.out.dtype is None else np.asarray(y)


def is_elementwise(op: str) -> bool:
    """Whether each element of the result depends on one element of each input."""
    if op.startswith("np."):
        return isinstance(getattr(np, op[3:], None), np.ufunc)
    return OPS[op].pointwise if op in OPS else False


def _as_number(constants: dict[Variable, Any], i: int, instruction: Instruction) -> Any:
    """The number of which input i, an array, is full, if it does the same; else the array."""
    x = constants[instruction.inputs[i]]
    if not isinstance(x, np.ndarray):
        return x
    if not x.size or instruction.op in ("pow", "ldexp") or x.dtype.kind not in "fiub":
        return x
    flat = x.reshape(-1)
    if not uniform(flat):
        return x
    others = [replaced(v, constants) for k, v in enumerate(instruction.inputs) if k != i]
    if not _keeps_form(others, instruction.out):
        return x
    short = flat[0].dtype.kind == "f" and flat[0].dtype.itemsize < 8
    number = float(str(flat[0])) if short else flat[0].item()  # 0.1, not 0.10000000149011612
    kinds = [v.dtype if v.dtype is not None else 0.0 for v in others if isinstance(v, Variable)]
    kinds = [k for k in kinds if not isinstance(k, np.dtype) or k.kind != "b"]
    rest = [v.dtype if isinstance(v, np.ndarray) else v for v in others if _plain_number(v)]
    if not any(isinstance(k, np.dtype) for k in kinds):
        return flat[0]  # a number with its dtype
    try:
        before = np.result_type(x.dtype, *kinds, *rest)
        same = np.result_type(number, *kinds, *rest) == before
        exact = np.array(number).astype(before) == flat[0] or number != number
    except (TypeError, OverflowError):
        return x
    return number if same and exact else flat[0]


def _plain_number(x: Any) -> bool:
    return type(x) in NUMBERS or isinstance(x, (np.generic, np.ndarray))


def _keeps_form(others: list[Any], out: Variable) -> bool:
    """Whether the result has the same shape, and the same order in memory, from the others alone.

    The order matters: NumPy adds numbers up in the order in which they lie.
    """
    arrays = [v for v in others if isinstance(v, (Variable, np.ndarray))]
    if not arrays or np.broadcast_shapes(*(v.shape for v in arrays)) != out.shape:
        return False
    whole = [v for v in arrays if v.shape == out.shape and isinstance(v, Variable)]
    return len(out.shape) < 2 or out.c_order and any(v.c_order for v in whole)


# ---- what changes nothing -----------------------------------------------------------------------


def without_identities(program: StraightProgram) -> None:
    """Instructions whose result is one of their inputs, in shape, dtype and bits."""
    new: dict[Variable, Any] = {}
    parts = {i.out: i.part for i in program.body}
    for instruction in program.body:
        instruction.replace(new)
        same = _identity(instruction)
        if same is not None:
            new[instruction.out] = same
            if isinstance(same, Variable):
                same.name = same.name or instruction.out.name
                if parts.get(same) == instruction.part:  # what is forward is no gradient
                    same.of = same.of or instruction.out.of
    program.body = [i for i in program.body if i.out not in new]
    program.replace(new)


def _identity(instruction: Instruction) -> Any:
    op, xs, out = instruction.op, instruction.inputs, instruction.out
    if op in SAME:
        return xs[0]
    if op in (*SHAPED, "astype") and isinstance(xs[0], Variable) and xs[0].like(out):
        return xs[0]
    if op in ("mul", "div") and len(xs) == 2:
        for x, one in ((xs[0], xs[1]), (xs[1], xs[0]))[: 2 if op == "mul" else 1]:
            if type(one) in (int, float) and one == 1 and isinstance(x, Variable) and x.like(out):
                return x
    if op == "pow" and type(xs[1]) in (int, float) and xs[1] == 1 and isinstance(xs[0], Variable):
        return xs[0] if xs[0].like(out) else None
    return None


def without_broadcasts(program: StraightProgram) -> None:
    """Broadcasts whose result NumPy would broadcast anyway where it is used."""
    source = {
        i.out: i.inputs[0]
        for i in program.body
        if i.op == "broadcast_to" and isinstance(i.inputs[0], Variable)
    }
    for instruction in program.body:
        if not is_elementwise(instruction.op):
            continue
        for x in set(variables_in(instruction.inputs)) & set(source):
            narrow = replaced(instruction.inputs, {x: source[x]})
            if _keeps_form(list(narrow), instruction.out):
                instruction.inputs = narrow


# ---- what is done twice or for nothing ----------------------------------------------------------


def without_repetition(program: StraightProgram) -> None:
    """Of equal instructions with equal inputs the first stays."""
    seen: dict[Any, Variable] = {}
    parts = {i.out: i.part for i in program.body}
    new: dict[Variable, Any] = {}
    kept = []
    for instruction in program.body:
        instruction.replace(new)
        key = None if instruction.op.startswith("draw.") else _key(instruction)
        first = seen.get(key) if key is not None else None
        if first is None:
            kept.append(instruction)
            if key is not None:
                seen[key] = instruction.out
            continue
        first.name = first.name or instruction.out.name
        if parts[first] == instruction.part:
            first.of = first.of or instruction.out.of
        new[instruction.out] = first
    program.body = kept
    program.replace(new)


def _key(instruction: Instruction) -> Any:
    return instruction.op, _frozen(instruction.inputs), _frozen(instruction.params)


def _frozen(x: Any) -> Any:
    if isinstance(x, dict):
        return tuple((k, _frozen(v)) for k, v in x.items())
    if isinstance(x, (tuple, list)):
        return tuple(map(_frozen, x))
    if isinstance(x, slice):
        return "slice", _frozen((x.start, x.stop, x.step))
    if isinstance(x, np.ndarray):
        return "array", x.shape, str(x.dtype), x.tobytes()
    if isinstance(x, Variable):
        return "variable", id(x)
    return type(x).__name__, repr(x)


def without_dead(program: StraightProgram) -> None:
    """Instructions whose result nothing needs; and what only they read from outside."""
    program.body = program.needed()
    needed = {v for i in program.body for v in i.reads()} | set(program.outputs())
    program.captured = {v: x for v, x in program.captured.items() if v in needed}
    program.generators = {v: x for v, x in program.generators.items() if v in needed}
