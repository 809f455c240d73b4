"""A program as loops over single numbers: the text of one function, for a compiler of loops.

Results lie one behind the other in a few rows of memory; what only moves elements (reshape,
transpose, windows) costs nothing, because the loops that read them count otherwise. Each
instruction is one loop nest, in the order of the program. Derivatives do not stand here: they came
from the table, as instructions.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .addresses import Address
from .loop_nests import KINDS, Nests, refused
from .loop_ops import SPECIAL
from .lowering import lowered
from .program import Instruction, StraightProgram, Variable
from .spelled import KERNEL_OPTIONS, filled, spelled
from .spellings import SPELLINGS

# Where loops say it otherwise than Python's single numbers do.
ELEMENTS = {
    "pow": "a ** b", "heaviside": "a if a != a else b if a == 0 else 1 if a > 0 else 0",
    "relu": "a if a != a or a > 0 else 0", "astype": "a",
    "sign": "a if a != a else 1 if a > 0 else -1 if a < 0 else 0",
}  # fmt: skip
WITHOUT = ("ldexp",)  # its second input stays an integer
# Reductions: where they start, and what each element e does to the result o.
REDUCTIONS = {
    "sum": ("0", "{o} += {e}"), "sum_to": ("0", "{o} += {e}"), "prod": ("1", "{o} *= {e}"),
    "max": ("-inf", "{o} = {o} if {o} != {o} or {o} > {e} else {e}"),
    "min": ("inf", "{o} = {o} if {o} != {o} or {o} < {e} else {e}"),
    "np.any": ("0", "{o} = {o} or {e} != 0"), "np.all": ("1", "{o} = {o} and {e} != 0"),
}  # fmt: skip
OWN = ("add", "sub", "mul", "div", "neg", "sqrt", "maximum", "minimum", "abs", "square")


class Loops(Nests):
    """The lines of one program: `host` of Python's numbers, `lines` of the loops, what they need.

    Raises TraceError, with the op's name, for what has no loop.
    """

    def __init__(self, program: StraightProgram, bound: set[Variable]) -> None:
        super().__init__()
        self.program, self.body = program, lowered(program)
        self.host: list[str] = []  # lines of Python, which run before the loops
        for n, v in enumerate(program.inputs):
            self._given(v, f"p{n}" if v in bound else f"x{n}")
        for n, v in enumerate([*program.captured, *program.generators]):
            self._given(v, f"c{n}")
        for i in self.body.body:
            self._line(i)
            self._guard(i.out)
        self._end()
        self._plan()

    def _given(self, v: Variable, name: str) -> None:
        if v.dtype is None:
            self.numbers[v] = name
        elif v.dtype.char in KINDS:
            self.places[v] = Address.row(name, v.shape, v.dtype)

    # ---- instructions ---------------------------------------------------------------------------

    def _line(self, i: Instruction) -> None:
        if i.out.dtype is None:
            return self._on_host(i)
        place = self.places.get(i.inputs[0]) if _variable(i.inputs[:1]) else None
        moved = place.moved(i) if place is not None else None
        if isinstance(moved, Address):
            self.places[i.out] = moved
        elif moved is not None and place is not None:
            self.assign(i.out, lambda at: f"{place.name}[{self.constant(moved).at(at)}]")
        elif i.op in REDUCTIONS:
            self._reduction(i)
        elif i.op in SPECIAL:
            SPECIAL[i.op](self, i)
        else:
            self._elementwise(i)
        return None

    def _on_host(self, i: Instruction) -> None:
        if not all(v in self.numbers for v in i.reads()):
            raise refused(f"{i.op} of an array that gives a number")
        tree = spelled(i, "numpy", lambda v: ast.Name(self.numbers[v]))
        self.numbers[i.out] = name = f"n{len(self.host)}"
        self.host.append(f"{name} = {ast.unparse(ast.fix_missing_locations(tree))}")

    def _elementwise(self, i: Instruction) -> None:
        text = _template(i.op)
        if text is None:
            raise refused(i.op)
        if i.op not in OWN and i.op in SPELLINGS and "(" in text:
            self.functions.add(i.op)
        dtype = _computed_in(i)
        options = KERNEL_OPTIONS.get(i.op, {}) | i.params
        known = {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}
        if not known.issuperset(set(i.params) - {"dtype"}):
            raise refused(f"{i.op} with {', '.join(sorted(i.params))}")

        def element(at: list[str]) -> str:
            def part(x: Any) -> ast.expr:
                truth = i.op == "where" and x is i.inputs[0]
                return ast.Name(self.element(x, at, None if truth else dtype))

            options_known = {k: v for k, v in options.items() if k in known}
            of = Instruction(i.op, i.inputs, {}, i.out)
            return ast.unparse(ast.fix_missing_locations(filled(text, of, options_known, part)))

        self.assign(i.out, element)

    def _reduction(self, i: Instruction) -> None:
        x = self.place(i.inputs[0])
        start, step = REDUCTIONS[i.op]
        if "inf" in start:
            if 0 in x.shape:
                raise refused(f"{i.op} of nothing")
            if x.dtype.kind in "iu":
                edge = np.iinfo(x.dtype)
                start = str(edge.min if start == "-inf" else edge.max)
        gone, once = self._axes(i, x.shape)
        self.longest = max(self.longest, math.prod(x.shape[k] for k in gone | once))
        self.assign(i.out, lambda at: start)
        out = self.places[i.out]
        at = self.nest(x.shape)
        to = ["0" if k in once else name for k, name in enumerate(at) if k not in gone]
        dtype = None if i.op.startswith("np.") else out.dtype
        self.put(step.format(o=out.at(to), e=self.element(i.inputs[0], at, dtype)))
        self.depth = 0

    def _axes(self, i: Instruction, shape: tuple[int, ...]) -> tuple[set[int], set[int]]:
        """The axes that a reduction leaves out, and those of which one element stays."""
        if i.op == "sum_to":
            lead = len(shape) - len(i.out.shape)
            once = {k for k in range(lead, len(shape)) if i.out.shape[k - lead] != shape[k]}
            return set(range(lead)), once
        axis = i.params.get("axis")
        axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        found = {k % max(len(shape), 1) for k in axes}
        return (set(), found) if i.params.get("keepdims", False) else (found, set())

    # ---- the end --------------------------------------------------------------------------------

    def _guard(self, v: Variable) -> None:
        for truth in {t for g, t in self.body.guards if g is v}:
            if v in self.numbers:
                self.host.append(f"if bool({self.numbers[v]}) != {truth}: raise Differs")
            else:
                self.put(f"if bool({self.places[v].at(())}) != {truth}: return 1")

    def _end(self) -> None:
        """What is returned is copied out, then what is updated is written back."""
        self.results: list[tuple[str, tuple[int, ...], np.dtype[Any]]] = []
        self.value = self._result(self.body.value)
        self.gradients = [self._result(g) for _, g in self.body.gradients]
        new: list[tuple[Variable, Address]] = []
        for old, x in self.body.updates:
            if old.dtype is not None:
                new.append((old, self._settled(x)))
        for old, place in new:
            self.copy(self.places[old], place)
        numbers = [x for old, x in self.body.updates if old.dtype is None]
        self.counts = [self.numbers[x] if isinstance(x, Variable) else repr(x) for x in numbers]

    def _result(self, x: Any) -> str:
        """The name of a result: an array of its own, which the caller keeps, or a number."""
        if isinstance(x, Variable) and x in self.numbers:
            return self.numbers[x]
        if not isinstance(x, Variable) or x.dtype is None:
            raise refused("a result that is no array")
        name = f"o{len(self.results)}"
        self.results.append((name, x.shape, x.dtype))
        self.copy(Address.row(name, x.shape, x.dtype), self.place(x))
        return name

    def _settled(self, x: Any) -> Address:
        """The new value of what is updated, where no update overwrites it."""
        place = self.place(x)
        if place.name.startswith("s_"):
            return place
        copy = Variable(place.shape, place.dtype)
        self.assign(copy, place.at)
        return self.places[copy]

    def _plan(self) -> None:
        """Where results may differ from NumPy's, and by how much."""
        self.plan = []
        if self.longest > 2:
            self.plan.append(
                "sums and matrix products add one number after another, where NumPy adds in "
                f"blocks: at most {self.longest} roundings of the sum of the absolute values"
            )
        if self.functions:
            self.plan.append(
                f"{', '.join(sorted(self.functions))}: from the C library, a few ulps from NumPy's"
            )


def _variable(xs: Sequence[Any]) -> bool:
    return bool(xs) and isinstance(xs[0], Variable)


def _template(op: str) -> str | None:
    """The expression of an element; else NumPy's function of a number."""
    if op in ELEMENTS or op in WITHOUT:
        return ELEMENTS.get(op)
    numpy, python = SPELLINGS.get(op, (f"{op}(a)" if op in PREDICATES else None, None))[:2]
    return python or (numpy if numpy is not None and numpy.startswith("np.") else None)


PREDICATES = ("np.isfinite", "np.isnan", "np.isinf")


def _computed_in(i: Instruction) -> np.dtype[Any]:
    """The dtype that NumPy would compute in: that of the result, or of what is compared."""
    assert i.out.dtype is not None
    if i.out.dtype.kind != "b":
        return i.out.dtype
    kinds = [x.dtype for x in i.inputs if getattr(x, "dtype", None) is not None]
    return np.result_type(*kinds, *(x for x in i.inputs if isinstance(x, (int, float))))
