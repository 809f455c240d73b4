"""Where the elements of an array lie in memory, as text: what loops address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.op import OPS
from .program import Instruction, Variable

# Ops whose results are elements of their one array, in other places.
MOVES = (
    "reshape expand_dims squeeze transpose swapaxes broadcast_to getitem flip resize roll rot90 "
    "tile repeat diagonal take take_along_axis delete windows"
).split()


@dataclass(frozen=True)
class Address:
    """An array that lies in a row of memory: element [i, j] is name[offset + i*s0 + j*s1]."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    strides: tuple[int, ...]

    @classmethod
    def row(cls, name: str, shape: tuple[int, ...], dtype: Any, offset: int = 0) -> Address:
        """An array in C order."""
        steps = [1]
        for n in shape[:0:-1]:
            steps.append(steps[-1] * n)
        return cls(name, shape, np.dtype(dtype), offset, tuple(steps[::-1][: len(shape)]))

    def at(self, index: Sequence[str]) -> str:
        """The text of an element; an index of more axes broadcasts, as in NumPy."""
        index = index[len(index) - len(self.shape) :]
        parts = [
            i if s == 1 else f"{i} * {s}"
            for i, s, n in zip(index, self.strides, self.shape, strict=True)
            if n != 1 and s != 0 and i != "0"
        ]
        if self.offset or not parts:
            parts.append(str(self.offset))
        return f"{self.name}[{' + '.join(parts)}]"

    def numbers(self) -> np.ndarray:
        """The number in the row of each element."""
        found = np.full(self.shape, self.offset, np.int64)
        for axis, (n, s) in enumerate(zip(self.shape, self.strides, strict=True)):
            found += s * np.arange(n).reshape([-1 if k == axis else 1 for k in range(found.ndim)])
        return found

    def moved(self, i: Instruction) -> Address | np.ndarray | None:
        """The result of a move: a place in the same memory, or the numbers of its elements.

        None where the op does more than to move elements.
        """
        alone = all(isinstance(x, Variable) == (k == 0) for k, x in enumerate(i.inputs))
        if i.op not in MOVES or not alone or len(list(i.reads())) != 1:
            return None
        found = np.asarray(OPS[i.op].array(self.numbers(), *i.inputs[1:], **i.params))
        if found.dtype != np.int64 or found.shape != i.out.shape or not found.size:
            return None
        steps = tuple(
            int(np.take(found, 1, axis).flat[0] - found.flat[0]) if n > 1 else 0
            for axis, n in enumerate(found.shape)
        )
        place = Address(self.name, found.shape, self.dtype, int(found.flat[0]), steps)
        return place if (place.numbers() == found).all() else found
