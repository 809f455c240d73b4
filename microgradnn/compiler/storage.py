"""Which results share an array: one that is no longer needed gives its memory to the next."""

from __future__ import annotations

from typing import Any

import numpy as np

from .program import Instruction, StraightProgram, Variable


class Storage:
    """The arrays of a program's results, handed out in the order of its instructions."""

    def __init__(self, program: StraightProgram, chains: dict[Variable, Variable]) -> None:
        self.program, self.chains = program, chains
        self.kept = set(program.outputs())
        self.readers: dict[Variable, list[int]] = {}
        for n, i in enumerate(program.body):
            for v in i.reads():
                self.readers.setdefault(v, []).append(n)
        self.root: dict[Variable, Variable] = {}  # of a view: whose memory it is
        self.array: dict[Variable, np.ndarray] = {}
        self.family: dict[Variable, list[Variable]] = {}  # of a root: its views
        self.dense: dict[Variable, bool] = {v: v.c_order for v in program.inputs}
        self.free: list[np.ndarray] = []
        self.alive: list[Variable] = []

    def contiguous(self, v: Variable) -> bool:
        """Whether the elements of v lie in memory as they are counted, one after another."""
        return self.dense.get(v, False)

    def view(self, out: Variable, of: Variable, dense: bool) -> None:
        """Notes that out is a view of another variable."""
        root = self.root[out] = self.root.get(of, of)
        self.family.setdefault(root, []).append(out)
        self.dense[out] = dense

    def _last(self, root: Variable) -> int:
        """The instruction that reads it last, by itself or by a view; far away if it is kept."""
        members = [root, *self.family.get(root, ())]
        if any(v in self.kept for v in members):
            return len(self.program.body)
        readers = [n for v in members for n in self._all_readers(v)]
        return max(readers, default=-1)

    def _all_readers(self, v: Variable) -> list[int]:
        """Those of v, and of the views of it that are still to come."""
        found, todo = [], [v]
        while todo:
            for n in self.readers.get(todo.pop(), ()):
                found.append(n)
                i = self.program.body[n]
                if i.op in _VIEWS and i.out not in self.root:
                    todo.append(i.out)
                    if i.out in self.kept:
                        found.append(len(self.program.body))
        return found

    def place(self, n: int, i: Instruction, in_place: bool) -> Any:
        """The array for the result of instruction n, which may be that of an input that ends."""
        for v in list(self.alive):
            if self._last(v) < n:
                self.alive.remove(v)
                self.free.append(self.array[v])
        out = i.out
        found = self._over_an_input(n, i) if in_place else None
        if found is None:
            found = self._from_free(out)
        self.array[out] = found
        self.dense[out] = True
        self.alive.append(out)
        return found

    def _over_an_input(self, n: int, i: Instruction) -> np.ndarray | None:
        roots = [self.root.get(x, x) for x in i.inputs if isinstance(x, Variable)]
        for x in i.inputs:
            if isinstance(x, Variable) and x in self.array and x in self.alive and x.like(i.out):
                if self._last(x) == n and roots.count(x) == list(i.inputs).count(x):
                    self.alive.remove(x)
                    return self.array[x]
        return None

    def _from_free(self, out: Variable) -> np.ndarray:
        for k, array in enumerate(self.free):
            if array.shape == out.shape and array.dtype == out.dtype:
                return self.free.pop(k)
        return np.empty(out.shape, out.dtype)


_VIEWS = ("reshape", "swapaxes", "transpose", "expand_dims", "squeeze", "getitem", "broadcast_to")
