"""Programs run as loops: numba compiles them where it is installed (the extra `fast`)."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ConfigError, OtherwiseError
from ..optional import need
from .executable import Differs, Executable
from .kept_kernels import UNREADABLE, again, kept_file
from .loop_nests import KINDS, letter
from .loops import Loops
from .program import StraightProgram, Variable
from .spelled import helpers_in
from .support import HELPERS

BACKENDS = ("numpy", "numba")
OPTIONS = {"error_model": "numpy", "nogil": True}


def check_backend(backend: str) -> None:
    """Raises ConfigError for a backend that there is not, MissingPackageError without numba."""
    if backend not in BACKENDS:
        raise ConfigError(f"compile: no backend {backend!r}; use 'numpy' or 'numba'")
    if backend == "numba":
        need("numba", "compile: backend='numba'")


def numba_compiled(f: Callable[..., Any], kept: bool = False) -> Callable[..., Any]:
    """f, compiled when it is first called; single numbers follow IEEE, threads do not wait.

    With `kept`, the machine code is kept on disk, beside the file of f.
    """
    numba = need("numba", "compile: backend='numba'")
    compiled: Callable[..., Any] = numba.njit(cache=kept, **OPTIONS)(f)
    return compiled


def _kernel(
    loops: Loops, names: list[str], compiled: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> Callable[..., int]:
    """The loops as a function: 0, or 1 where a guard differs, or 2 where an index is too large."""
    arrays = [name for name in names if name not in loops.taken]
    text = [f"def kernel({', '.join(names)}):"]
    text += [f"    {name} = {name}.ravel()" for name in arrays if name[0] in "xc"]
    text += [f"    {row} = np.empty({n}, to_{row[2:]})" for row, n in loops.sizes.items()]
    text += [f"    {line}" for line in loops.lines] + ["    return 0"]
    source = "\n".join(text) + "\n"
    space: dict[str, Any] = {"np": np, "math": math, "inf": math.inf, "nan": math.nan}
    space["__name__"] = __name__  # what numba reads from disk belongs to a module
    space |= {f"to_{letter(np.dtype(c))}": np.dtype(c).type for c in KINDS} | loops.constants
    helpers = helpers_in(ast.parse(source), "python")
    for helper in helpers:
        exec(HELPERS["python"][helper], space)  # noqa: S102  our own text
        space[helper] = compiled(space[helper])
    also = "".join(HELPERS["python"][helper] for helper in helpers)
    file = None
    if compiled is numba_compiled:
        file = kept_file(source, f"{OPTIONS}\n{also}", loops.constants)
    exec(compile(source, str(file or "<loops>"), "exec"), space)  # noqa: S102  our own text
    kernel = space["kernel"]
    if file is None:
        return compiled(kernel)
    # numba finds machine code by name: no two kernels in a process share one.
    kernel.__name__ = kernel.__qualname__ = f"kernel_{file.parent.name}"
    return numba_compiled(kernel, kept=True)


class LoopedStep:
    """A program as loops; `bind` gives the function that runs it, as Planned does."""

    quiet = True  # NumPy, which would warn, computes nothing here

    def __init__(
        self, program: StraightProgram, bound: list[Variable], compiled: Any = numba_compiled
    ) -> None:
        self.program = program
        held = set(bound)
        loops = Loops(program, held)
        program.plan = loops.plan
        inputs = [(v, f"p{n}" if v in held else f"x{n}") for n, v in enumerate(program.inputs)]
        others = [(v, f"c{n}") for n, v in enumerate(program.captured)]
        self.bound = [name for v, name in inputs if v in held]
        self.outside = [name for _, name in others]
        self.given = [name for v, name in inputs if v not in held]
        arrays = [name for v, name in (*inputs, *others) if v.dtype is not None]
        out = [name for name, *_ in loops.results]
        names = [*arrays, *loops.taken, *out]
        self.kernel = _kernel(loops, names, compiled)
        self.text = self._host(loops, names)
        self.code = compile(self.text, "<host of loops>", "exec")

    def _host(self, loops: Loops, names: list[str]) -> str:
        outer = [*self.bound, *(self.outside if self.bound else [])]
        inner = [*self.given, *([] if self.bound else self.outside)]
        lines = [*loops.host]
        lines += [f"{n} = np.empty({math.prod(s)}, {d.char!r})" for n, s, d in loops.results]
        lines += [
            f"try: status = kernel({', '.join(names)})",
            f"except UNREADABLE: status = again(kernel, {', '.join(names)})",
            "if status == 1: raise Differs",
            "if status == 2: raise IndexError('index out of range')",
        ]
        lines += [f"{n} = {n}.reshape({s})" for n, s, _ in loops.results if len(s) != 1]
        rest = ", ".join([*loops.counts, *loops.gradients])
        lines.append(f"return {loops.value}, ({rest}{',' * bool(rest)})")
        text = [f"def make({', '.join(outer)}):", f"    def run({', '.join(inner)}):"]
        text += [f"        {line}" for line in lines] + ["    return run"]
        return "\n".join(text) + "\n"

    def bind(self, arrays: list[np.ndarray], outside: list[Any]) -> Callable[..., Any]:
        """The function of the dynamic inputs, for these arrays of the bound ones."""
        space: dict[str, Any] = {"np": np, "math": math, "Differs": Differs, "kernel": self.kernel}
        space |= {"UNREADABLE": UNREADABLE, "again": again}
        exec("".join(HELPERS["numpy"].values()), space)  # noqa: S102  our own text
        exec(self.code, space)  # noqa: S102  our own text
        rows = [x.reshape(-1) for x in arrays]
        if not all(np.shares_memory(x, row) for x, row in zip(arrays, rows, strict=True) if x.size):
            raise OtherwiseError("compile: a parameter does not lie in C order")
        run: Callable[..., Any] = space["make"](*rows, *outside)
        return run


class Looped(Executable):
    """A program as a function of the list of its inputs, run as loops."""

    def __init__(self, program: StraightProgram) -> None:
        super().__init__(program, "numpy")
        self.run = LoopedStep(program, []).bind([], [])

    def __call__(self, given: list[Any]) -> tuple[Any, list[Any]]:
        """(value, gradients). Raises Differs if the program does not hold for these inputs."""
        for k in self.single:
            given[k] = np.asarray(given[k])
        value, gradients = self.run(*given, *self.outside())
        return value, list(gradients)


class LoopedNumbers(Executable):
    """A program of single floats as a function that numba compiles; ints run as they are."""

    def __init__(self, program: StraightProgram) -> None:
        super().__init__(program, "python")
        space: dict[str, Any] = {"math": math, "Differs": Differs}
        exec(compile(self.source, f"<program {program.name}>", "exec"), space)  # noqa: S102
        for helper in HELPERS["python"]:
            if helper in space:
                known = _power if helper == "power" else space[helper]
                space[helper] = numba_compiled(known)
        self.interpreted = self.function
        self.compiled = numba_compiled(space[program.name])

    def __call__(self, given: list[Any]) -> tuple[Any, list[Any]]:
        """(value, gradients); of numbers that are no floats, as without numba."""
        floats = all(type(x) is float for x in (*given, *self.captured))
        self.function = self.compiled if floats else self.interpreted
        return super().__call__(given)


def _power(a: float, b: float) -> float:
    """nan where a ** b is complex, as the C library has it."""
    return a**b
