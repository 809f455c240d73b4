"""mg.compile(f): f and its gradient as one function of straight-line NumPy."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NoReturn

from ..engine.node import Node
from ..errors import RAW, GradientError, TraceError
from ..transforms import tree
from ..transforms.call import need_function, select
from ..transforms.derivatives import value_and_grad
from .captures import Captures
from .executable import Differs, Executable
from .given import (
    check_values,
    check_wanted,
    data_of,
    is_traced,
    key_of,
    leaves_of,
    lowered,
)
from .looped import Looped, LoopedNumbers, check_backend
from .printed import VARIANTS, Printed
from .program import StraightProgram
from .traced_program import program_of


class Variant:
    """One program of a function, for arguments of one form."""

    def __init__(
        self, program: StraightProgram, captures: Captures, values: bool, backend: str
    ) -> None:
        self.program, self.captures = program, captures
        self.executable: Executable
        if backend == "numba":
            self.executable = LoopedNumbers(program) if values else Looped(program)
        else:
            self.executable = Executable(program, "python" if values else "numpy")
        captures.note({id(x) for x in program.captured.values()})


class Compiled(Printed):
    """A function compiled: call it as the function; it returns (value, gradient).

    The gradient is by the arguments `argnums` and has their form, as of mg.value_and_grad; with
    argnums=None the values alone are returned, of whatever form. The first call with arguments of
    new shapes or dtypes traces the function (twice: a function with side effects has them twice)
    and makes a program of it; `.source` is its text. Results are those of mg.value_and_grad, to the
    last bit; with backend="numba" as `.plan` says.
    """

    def __init__(self, f: Callable[..., Any], argnums: Any = 0, backend: str = "numpy") -> None:
        need_function("compile", f)
        check_backend(backend)
        self.function, self.argnums, self.backend = f, argnums, backend
        functools.update_wrapper(self, f)
        self._variants: OrderedDict[Any, list[Variant]] = OrderedDict()
        self._last: Variant | None = None
        self._lock = threading.RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """(value, gradient), or the value alone with argnums=None."""
        value, gradients = self._run(args, kwargs)
        if self.argnums is None:
            return value
        return value, gradients

    def grad(self, *args: Any, **kwargs: Any) -> Any:
        """The gradient alone."""
        if self.argnums is None:
            raise GradientError("compile: argnums=None computes no gradient; leave it out")
        return self._run(args, kwargs)[1]

    # ---- running --------------------------------------------------------------------------------

    def _run(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        leaves = leaves_of(args, kwargs)
        given = [data_of(x) for x in leaves if is_traced(x)]
        key = key_of((args, kwargs))
        for variant in list(self._variants.get(key, ())):
            if not variant.captures.hold():
                self._forget(key, variant)
                continue
            try:
                raw = variant.executable(given)
            except Differs:
                continue
            except RAW:  # the function itself says what is wrong, or follows IEEE
                return self._eagerly(args, kwargs)
            self._last = variant
            return self._lowered(raw, args, leaves)
        variant = self._trace(key, args, kwargs, leaves)
        try:
            raw = variant.executable(given)
        except RAW:
            return self._eagerly(args, kwargs)
        return self._lowered(raw, args, leaves)

    def _trace(self, key: Any, args: Any, kwargs: Any, leaves: list[Any]) -> Variant:
        with self._lock:
            values = check_values(leaves)
            if self.argnums is not None:
                _, wanted = select("compile", self.function, self.argnums, args, kwargs)
                check_wanted("compile", tree.leaves(wanted))
            captures = Captures(self.function)
            states = [(g, g.bit_generator.state) for g in captures.generators]
            try:
                program, _ = program_of(self.function, args, kwargs, self._numbers(args), values)
            except TraceError:
                self._eagerly(args, kwargs)  # what is wrong with the arguments comes first
                raise
            finally:
                for g, state in states:
                    g.bit_generator.state = state
            program.name = _name(self.function, self.argnums is not None)
            variant = self._last = Variant(program, captures, values, self.backend)
            self._variants.setdefault(key, []).append(variant)
            self._variants.move_to_end(key)
            while sum(map(len, self._variants.values())) > VARIANTS:
                oldest = next(iter(self._variants))
                del self._variants[oldest][0]
                if not self._variants[oldest]:
                    del self._variants[oldest]
            return variant

    def _numbers(self, args: Any) -> Any:
        n = self.argnums
        if n is None or hasattr(n, "__index__"):
            return n if n is None else int(n) % len(args)
        return [int(i) % len(args) for i in n]

    def _forget(self, key: Any, variant: Variant) -> None:
        with self._lock:
            if variant in self._variants.get(key, ()):
                self._variants[key].remove(variant)

    def _eagerly(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """Without the program: where Python's arithmetic raises, IEEE has inf or nan."""
        if self.argnums is None:
            return self.function(*args, **kwargs), None
        return value_and_grad(self.function, self.argnums)(*args, **kwargs)

    def _lowered(self, raw: Any, args: Any, leaves: list[Any]) -> tuple[Any, Any]:
        value, gradients = raw
        if self.argnums is None:
            like = _kind(leaves)
            return tree.map_leaves(lambda v: lowered(v, like), value), None
        numbers = self._numbers(args)
        wanted = [args[i] for i in ([numbers] if isinstance(numbers, int) else numbers)]
        flat = tree.leaves(wanted)
        given = [lowered(g, x) for g, x in zip(gradients, flat, strict=True)]
        gs = tree.rebuild(wanted, iter(given))
        return lowered(value, _kind(flat)), gs[0] if isinstance(numbers, int) else tuple(gs)

    # ---- reading --------------------------------------------------------------------------------

    def trace(self, *args: Any, **kwargs: Any) -> StraightProgram:
        """The program for arguments like these, which are not computed."""
        key, leaves = key_of((args, kwargs)), leaves_of(args, kwargs)
        for variant in self._variants.get(key, ()):
            if variant.captures.hold():
                self._last = variant
                return variant.program
        return self._trace(key, args, kwargs, leaves).program

    def inputs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The arguments of `source` by name, for these arguments: source's function(**inputs)."""
        self.trace(*args, **kwargs)
        given = [data_of(x) for x in leaves_of(args, kwargs) if is_traced(x)]
        run = self._executable()
        return dict(zip(run.names, [*given, *run.outside()], strict=True))

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TraceError(
            "pickle: a compiled function belongs to its process; save its .source, or pickle the "
            "function and compile it again"
        )

    def __repr__(self) -> str:
        return f"<compiled {_name(self.function, False)}>"


def _kind(leaves: list[Any]) -> Any:
    """A leaf whose kind a value has: a node if there is one, a float if all are floats."""
    node = next((x for x in leaves if isinstance(x, Node)), None)
    return node if node is not None else 1.0 if all(type(x) is float for x in leaves) else None


def _name(f: Any, both: bool) -> str:
    name = getattr(f, "__name__", "")
    if not name.isidentifier() or not name.isascii():
        return "step"
    return f"{name}_and_gradient" if both else name
