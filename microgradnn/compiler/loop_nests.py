"""Loop nests, as they are written: lines, places of results, what stands for an element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import TraceError
from .addresses import Address
from .program import Variable

KINDS = "?bhilqBHILQfd"  # dtypes that loops know, by their letters


def refused(what: str) -> TraceError:
    """The error for what has no loop."""
    return TraceError(f"compile: {what} has no loop; leave out backend='numba'")


def letter(dtype: np.dtype[Any]) -> str:
    """The letter of a dtype, in names of rows and conversions."""
    return "bool" if dtype.char == "?" else dtype.char


class Nests:
    """The lines of loops, and where each variable lies.

    places     of the arrays, by their variables
    numbers    names of Python's numbers, which are computed before the loops run
    taken      the numbers that the loops need, in order
    constants  arrays that are the same in every run
    sizes      of the rows of results, by name
    longest    sum, for what rounding may do; `functions` that are not NumPy's own
    """

    def __init__(self) -> None:
        self.places: dict[Variable, Address] = {}
        self.numbers: dict[Variable, str] = {}
        self.taken: dict[str, None] = {}
        self.constants: dict[str, Any] = {}
        self.sizes: dict[str, int] = {}
        self.lines: list[str] = []
        self.depth, self.longest, self.functions = 0, 0, set[str]()

    def put(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def nest(self, shape: Sequence[int], letter: str = "i") -> list[str]:
        """The names that count through a shape, after the lines that begin the loops."""
        names = []
        for n, size in enumerate(shape):
            names.append("0" if size == 1 else f"{letter}{n}")
            if size != 1:
                self.put(f"for {letter}{n} in range({size}):")
                self.depth += 1
        return names

    def new(self, v: Variable) -> Address:
        """A place for a result, behind the others of its dtype."""
        if v.dtype is None or v.dtype.char not in KINDS:
            raise refused(f"an array of {v.dtype}")
        name = f"s_{letter(v.dtype)}"
        start = self.sizes.get(name, 0)
        self.sizes[name] = start + int(np.prod(v.shape))
        place = self.places[v] = Address.row(name, v.shape, v.dtype, start)
        return place

    def constant(self, x: Any) -> Address:
        """An array that is the same in every run."""
        x = np.ascontiguousarray(x)
        name = f"q{len(self.constants)}"
        self.constants[name] = x.reshape(-1)
        return Address.row(name, x.shape, x.dtype)

    def place(self, x: Any) -> Address:
        if isinstance(x, Variable) and x in self.places:
            return self.places[x]
        if isinstance(x, np.ndarray):
            return self.constant(x)
        raise refused(f"an operation on {type(x).__name__}")

    def element(self, x: Any, index: Sequence[str], dtype: np.dtype[Any] | None) -> str:
        """One element of an input, or a number, in the dtype that is computed in."""
        if isinstance(x, Variable) and x in self.numbers:
            self.taken[self.numbers[x]] = None
            text, kind = self.numbers[x], None
        elif isinstance(x, (bool, int, float)):
            text, kind = repr(x), None
        else:
            place = self.place(x)
            if len(place.shape) > len(index):
                raise refused(f"an operation on {place.shape} that gives {len(index)} axes")
            text, kind = place.at(index), place.dtype
        return text if dtype is None or kind == dtype else f"to_{letter(dtype)}({text})"

    def assign(self, v: Variable, element: Callable[[list[str]], str]) -> None:
        """A new result, element by element."""
        place = self.new(v)
        at = self.nest(v.shape)
        self.put(f"{place.at(at)} = {element(at)}")
        self.depth = 0

    def copy(self, to: Address, source: Address) -> None:
        at = self.nest(to.shape)
        self.put(f"{to.at(at)} = {source.at(at)}")
        self.depth = 0
