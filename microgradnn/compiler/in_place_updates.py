"""Updates in place: which instructions may write over the old value, as in W -= lr * dW."""

from __future__ import annotations

from .program import Instruction, StraightProgram, Variable, variables_in

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def updates_last(program: StraightProgram) -> None:
    """Moves what only updates need to the end: until then all old values are there.

    So a program that stops before, at a guard, has changed nothing.
    """
    needed = set(variables_in([program.value, [g for _, g in program.gradients]]))
    needed.update(truth for truth, _ in program.guards)
    early, late = [], []
    for i in reversed(program.body):
        if i.out in needed and i.part != "update":
            early.append(i)
            needed.update(i.reads())
        elif i.part == "update" and i.out not in needed or _only_updates(i, program, needed):
            late.append(i)
        else:
            early.append(i)
            needed.update(i.reads())
    for i in late:
        i.part = "update"
    program.body = early[::-1] + late[::-1]


def _only_updates(i: Instruction, program: StraightProgram, needed: set[Variable]) -> bool:
    """Whether nothing but an update needs an instruction of the forward pass."""
    return i.out not in needed and i.part == "forward"


def chains(program: StraightProgram) -> dict[Variable, Variable]:
    """The results that take the place of an input: m *= 0.9, then m += 0.1 * g."""
    made = {i.out: (n, i) for n, i in enumerate(program.body)}
    readers: dict[Variable, list[int]] = {}
    for n, i in enumerate(program.body):
        for v in i.reads():
            readers.setdefault(v, []).append(n)
    found: dict[Variable, Variable] = {}
    for old, new in program.updates:
        links: list[Variable] = []
        at = new
        while isinstance(at, Variable) and at in made and at is not old and at not in found:
            n, i = made[at]
            before = i.inputs[0]
            if i.op not in SIGNS or not isinstance(before, Variable) or not before.like(old):
                break
            if max(readers.get(before, [n])) > n or i.part != "update":
                break
            links.append(at)
            at = before
        if at is old:
            found |= dict.fromkeys(links, old)
    return found
