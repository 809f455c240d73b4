"""A program that allocates nothing: every result has its place, planned when it is made.

Results are written into arrays that live as long as the program, and share memory where one is no
longer needed when another begins. Parameters and what an optimiser remembers are bound: the program
knows the arrays themselves, their views are made once, and they are written in place. What has no
`out=` is computed as in the text that people read. Operations and their order are those of the
lowered program, so that results are the same to the last bit.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import OPS
from ..numerics.kernels import is_basic
from .executable import Differs
from .in_place_updates import chains
from .lowering import lowered
from .program import Instruction, StraightProgram, Variable
from .spelled import spelled
from .storage import Storage
from .support import HELPERS

REDUCTIONS = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}
VIEWS = ("reshape", "swapaxes", "transpose", "expand_dims", "squeeze", "getitem", "broadcast_to")
Make = Callable[..., Any]


def ufunc_of(op: str) -> np.ufunc | None:
    """The ufunc that an op is, if it is one."""
    if op.startswith("np."):
        found = getattr(np, op[3:], None)
        return found if isinstance(found, np.ufunc) else None
    if op in ("where", "relu", "clip", "sigmoid", "pow") or op not in OPS:
        return None
    return OPS[op].ufunc


class Planned:
    """A program with places for its results; `bind` gives the function that runs it."""

    quiet = False

    def __init__(self, program: StraightProgram, bound: list[Variable]) -> None:
        self.program = program
        self.bound = set(bound)
        self.dynamic = [v for v in program.inputs if v not in self.bound]
        body = lowered(program)
        self.body = body
        self.chains = chains(body)
        self.names: dict[Variable, str] = {}
        self.statics: dict[str, Any] = {}
        self.views: list[tuple[str, str, Instruction]] = []
        self.lines: list[str] = []
        self.ufuncs: dict[str, Any] = {}
        self.numbers: dict[Any, str] = {}
        self.storage = Storage(body, self.chains)
        self._name_inputs()
        for n, i in enumerate(body.body):
            self._line(n, i)
            self._guard(i.out)
        self._end()
        self.code = self._compiled()

    # ---- names ----------------------------------------------------------------------------------

    def _name_inputs(self) -> None:
        for n, v in enumerate(self.program.inputs):
            self.names[v] = f"p{n}" if v in self.bound else f"x{n}"
        for n, v in enumerate([*self.program.captured, *self.program.generators]):
            self.names[v] = f"c{n}"

    def _is_static(self, v: Variable) -> bool:
        name = self.names[v]
        return name in self.statics or v in self.bound or name[0] == "v"

    def _static(self, prefix: str, x: Any) -> str:
        name = f"{prefix}{len(self.statics)}"
        self.statics[name] = x
        return name

    def _text(self, x: Any, like: Variable | None = None) -> str:
        """An input of a call: a name, or a constant that is made once."""
        if isinstance(x, Variable):
            if x.dtype is None and like is not None:
                return self._number(x, like)
            return self.names[x]
        if type(x) in (int, float, bool) and like is not None and like.dtype is not None:
            return self._static("k", np.array(x, like.dtype))
        if isinstance(x, (np.ndarray, np.generic)):
            return self._static("k", np.asarray(x))
        return repr(x)

    def _number(self, x: Variable, like: Variable) -> str:
        """A number of Python's as an array, which ufuncs take five times as fast."""
        key = x, like.dtype
        if key not in self.numbers:
            self.numbers[key] = self._static("n", np.zeros((), like.dtype))
            self.lines.append(f"{self.numbers[key]}.fill({self.names[x]})")
        return self.numbers[key]

    def _ufunc(self, ufunc: np.ufunc, method: str = "") -> str:
        name = f"{ufunc.__name__}_{method}" if method else ufunc.__name__
        self.ufuncs[name] = getattr(ufunc, method) if method else ufunc
        return name

    # ---- one line -------------------------------------------------------------------------------

    def _line(self, n: int, i: Instruction) -> None:
        out = i.out
        if i.op in VIEWS and self._as_view(i):
            return
        if out.dtype is None or not out.c_order:
            self._plainly(i)
        elif (ufunc := self._as_ufunc(i)) is not None:
            self._elementwise(n, i, ufunc)
        elif i.op in REDUCTIONS and out.dtype == i.inputs[0].dtype and out.dtype.kind == "f":
            self._reduction(n, i, i.params.get("axis"), i.params.get("keepdims", False))
        elif i.op == "sum_to" and self._sums_leading(i):
            lead = len(i.inputs[0].shape) - len(out.shape)
            self._reduction(n, i, 0 if lead == 1 else tuple(range(lead)), False)
        elif i.op == "where" and self._masks(i):
            self._mask(n, i)
        elif not self._written(n, i):
            self._plainly(i)

    @staticmethod
    def _as_ufunc(i: Instruction) -> np.ufunc | None:
        if i.op == "pow":
            b = i.inputs[1]
            return {2: np.square, 0.5: np.sqrt}.get(b) if type(b) in (int, float) else None
        ufunc = ufunc_of(i.op)
        usual = ufunc is not None and ufunc.nout == 1 and ufunc.signature is None and not i.params
        return ufunc if usual else None

    def _written(self, n: int, i: Instruction) -> bool:
        """Whether the result could be written to its place by what else has an `out`."""
        x, out = i.inputs[0], i.out
        matrices = all(isinstance(x, Variable) and len(x.shape) == 2 for x in i.inputs)
        texts = [self._text(x) for x in i.inputs if isinstance(x, Variable)]
        if i.op == "matmul" and matrices:
            call = f"{self._ufunc(np.matmul)}({', '.join(texts)}, {{}})"
        elif i.op == "astype" and out.dtype is not None and out.dtype.kind == "f":
            call = f"copyto({{}}, {self._text(x)}, 'unsafe')"
        elif i.op == "draw.random" and out.dtype == np.float64 and out.shape:
            call = f"{self._text(x)}.random(None, out={{}})"
        else:
            return False
        self.lines.append(call.format(self._place(n, i, in_place=False)))
        return True

    def _plainly(self, i: Instruction) -> None:
        """As in the text that people read: a new array in each run."""
        name = self.names[i.out] = f"y{len(self.names)}"
        tree = spelled(i, "numpy", lambda v: ast.Name(self.names[v]))
        text = ast.unparse(ast.fix_missing_locations(tree))
        old = self.chains.get(i.out)
        if old is not None and old.dtype is not None:
            self.names[i.out] = self.names[old]
            text, name = f"copyto({self.names[old]}, {text})", ""
        elif i.out.dtype is not None and not i.out.shape:
            text = f"asarray({text})"
        self.lines.append(f"{name} = {text}" if name else text)

    def _as_view(self, i: Instruction) -> bool:
        x = i.inputs[0]
        if not isinstance(x, Variable) or i.op == "getitem" and not is_basic(i.params["index"]):
            return False
        contiguous = self.storage.contiguous(x)
        if not self._is_static(x) or i.op == "reshape" and not contiguous:
            return False
        name = f"v{len(self.names)}"
        self.views.append((name, self.names[x], i))
        self.names[i.out] = name
        self.storage.view(i.out, x, contiguous and i.op in ("reshape", "expand_dims", "squeeze"))
        return True

    def _elementwise(self, n: int, i: Instruction, ufunc: np.ufunc) -> None:
        wide = [x for x in i.inputs if isinstance(x, Variable) and x.dtype is not None]
        like = next((v for v in wide if v.dtype is not None and v.dtype.kind == "f"), None)
        inputs = i.inputs[:1] if i.op == "pow" else i.inputs
        texts = [self._text(x, like) for x in inputs]
        place = self._place(n, i, in_place=True)
        named = "out=" if ufunc in (np.maximum, np.minimum) else ""  # NumPy asks for it in these
        self.lines.append(f"{self._ufunc(ufunc)}({', '.join([*texts, named + place])})")

    def _reduction(self, n: int, i: Instruction, axis: Any, keepdims: bool) -> None:
        ufunc = getattr(np, REDUCTIONS.get(i.op, "add"))
        x = self._text(i.inputs[0])
        place = self._place(n, i, in_place=False)
        self.lines.append(f"{self._ufunc(ufunc, 'reduce')}({x}, {axis}, None, {place}, {keepdims})")

    @staticmethod
    def _sums_leading(i: Instruction) -> bool:
        x, out = i.inputs[0], i.out
        lead = len(x.shape) - len(out.shape)
        return bool(lead > 0 and x.shape[lead:] == out.shape and x.dtype == out.dtype)

    @staticmethod
    def _masks(i: Instruction) -> bool:
        c, a, b = i.inputs
        if not (isinstance(c, Variable) and isinstance(a, Variable) and type(b) is int and b == 0):
            return False
        alike = c.shape == a.shape == i.out.shape and a.dtype == i.out.dtype
        return alike and c.dtype == bool and bool(i.out.shape)

    def _mask(self, n: int, i: Instruction) -> None:
        """where(c, a, 0): zeros, then a where c holds."""
        c, a = (self._text(x) for x in i.inputs[:2])
        place = self._place(n, i, in_place=False)
        self.lines.append(f"{place}.fill(0)")
        self.lines.append(f"copyto({place}, {a}, 'same_kind', {c})")

    def _place(self, n: int, i: Instruction, in_place: bool) -> str:
        """The name of the array that the result is written to."""
        old = self.chains.get(i.out)
        if old is not None:
            self.names[i.out] = self.names[old]
            return self.names[old]
        array = self.storage.place(n, i, in_place)
        known = next((k for k, x in self.statics.items() if x is array), None)
        name = self.names[i.out] = known or self._static("b", array)
        return name

    def _guard(self, v: Variable) -> None:
        for truth in {t for g, t in self.body.guards if g is v}:
            self.lines.append(f"if bool({self.names[v]}) != {truth}: raise Differs")

    def _end(self) -> None:
        for old, new in self.body.updates:
            if old.dtype is not None and self.chains.get(new) is not old:
                self.lines.append(f"copyto({self.names[old]}, {self._text(new)})")
        numbers = [self._text(new) for old, new in self.body.updates if old.dtype is None]
        gradients = [self._text(g) for _, g in self.body.gradients]
        results = ", ".join([*numbers, *gradients])
        self.lines.append(f"return {self._text(self.body.value)}, ({results}{',' * bool(results)})")

    # ---- the function ---------------------------------------------------------------------------

    def _compiled(self) -> Any:
        outer = [*self.statics, *(name for name, _, _ in self.views)]
        outer += [self.names[v] for v in self.program.inputs if v in self.bound]
        outer += [self.names[v] for v in (*self.program.captured, *self.program.generators)]
        outer += [*self.ufuncs, "np", "math", "copyto", "asarray", "Differs"]
        inner = ", ".join(self.names[v] for v in self.dynamic)
        text = [f"def make({', '.join(outer)}):", f"    def run({inner}):"]
        text += [f"        {line}" for line in self.lines] + ["    return run"]
        self.source = "\n".join(text) + "\n"
        return compile(self.source, "<planned program>", "exec")

    def bind(self, arrays: list[np.ndarray], outside: list[Any]) -> Callable[..., Any]:
        """The function of the dynamic inputs, for these arrays of the bound ones."""
        space: dict[str, Any] = {"np": np, "math": math}
        exec("".join(HELPERS["numpy"].values()), space)  # noqa: S102  our own text
        exec(self.code, space)  # noqa: S102  our own text
        given = dict(self.statics)
        bound = [v for v in self.program.inputs if v in self.bound]
        given |= {self.names[v]: x for v, x in zip(bound, arrays, strict=True)}
        others = (*self.program.captured, *self.program.generators)
        given |= {self.names[v]: x for v, x in zip(others, outside, strict=True)}
        for name, source, i in self.views:
            given[name] = OPS[i.op].array(given[source], **i.params)
        given |= self.ufuncs
        given |= {"np": np, "math": math, "copyto": np.copyto, "asarray": np.asarray}
        return space["make"](**given, Differs=Differs)
