"""The same step again: what must be asked before it may run, in as little time as possible.

A step holds for the arrays of its parameters, the attributes of its modules, the options of its
optimiser. All that is in dicts is compared with a tuple of what they held: Python compares tuples
of the same objects in a tenth of a microsecond.
"""

from __future__ import annotations

from functools import partial
from operator import is_
from typing import Any

import numpy as np

from ..engine.node import Node
from ..errors import OtherwiseError
from ..numerics.changes import changes, next_stamp
from ..numerics.recording import special
from ..numerics.wrapped import USED
from .captures import Captures
from .executable import silently
from .looped import LoopedStep
from .planned import Planned


class FastStep:
    """A program of a step, bound to the arrays of a model and to what an optimiser remembers."""

    def __init__(
        self, planned: Planned | LoopedStep, batch: Any, model: Any, memory: Any, held: list[Any],
        captures: Captures,
    ) -> None:  # fmt: skip
        self.planned, self.memory = planned, memory
        self.captures = captures.without([vars(m) for m in model.modules()])
        self.batch = [
            (x.shape, x.strides, x.dtype) if isinstance(x, np.ndarray) else (None, None, None)
            for x in batch
        ]
        self.tensors = [p for p in held if isinstance(p, Node)]
        self.params = [(p, p._data, p.requires_grad) for p in self.tensors]
        self.moved = [p for p in self.tensors if p.requires_grad]
        optimizer = memory.optimizer
        modules = [vars(m) for m in model.modules()]
        self.watched = [(d, tuple(d.values())) for d in modules]
        self.groups, self.state = optimizer.param_groups, optimizer.state
        self.lists = tuple(self.groups), tuple(self.state)
        self.lengths = [(g["params"], len(g["params"])) for g in self.groups]
        self.counts = memory.numbers()
        self.remembered = [d for d in self.state if d]
        self._bind(planned, memory, held)
        self._remember()

    def _bind(self, planned: Planned | LoopedStep, memory: Any, held: list[Any]) -> None:
        """Gives the program the arrays that it works on."""
        program = planned.program
        self.captured = [x for x in program.captured.values() if isinstance(x, Node)]
        self.captured_data = [x._data for x in self.captured]
        arrays = [p._data if isinstance(p, Node) else p for p in held]
        arrays += [x for _, _, x in memory.slots() if isinstance(x, np.ndarray)]
        outside = [x._data if isinstance(x, Node) else x for x in program.captured.values()]
        outside += [g or np.random.default_rng() for g in program.generators.values()]
        run = planned.bind(arrays, outside)
        self.run = run if planned.quiet else partial(silently, run)
        self.generators = [g for g in program.generators.values() if g is not None]
        self.guarded = bool(self.generators)

    def _remember(self) -> None:
        """Takes tuples of what groups and memory hold now."""
        self.options = [tuple(g.values()) for g in self.groups]
        self.memories = [tuple(d.values()) for d in self.remembered]

    def holds(self, batch: Any) -> bool:
        """Whether nothing that the program depends on has changed."""
        if special or changes.watchers or len(batch) != len(self.batch):
            return False
        for x, (shape, strides, dtype) in zip(batch, self.batch, strict=True):
            if type(x) is not np.ndarray or x.shape != shape or x.strides != strides:
                return False
            if x.dtype is not dtype and x.dtype != dtype:
                return False
        return self._same()

    def _same(self) -> bool:
        """By identity: an array that holds the same numbers is another array."""
        for p, data, tracked in self.params:
            if p._data is not data or p.requires_grad is not tracked:
                return False
        for d, values in self.watched:
            if len(d) != len(values) or not all(map(is_, d.values(), values)):
                return False
        for d, values in zip(self.groups, self.options, strict=False):
            if not all(map(is_, d.values(), values)) and not self._only_rate(d, values):
                return False
        for d, values in zip(self.remembered, self.memories, strict=True):
            if len(d) != len(values) or not all(map(is_, d.values(), values)):
                return False
        groups, state = self.lists
        if len(groups) != len(self.groups) or not all(map(is_, groups, self.groups)):
            return False
        if len(state) != len(self.state) or not all(map(is_, state, self.state)):
            return False
        for params, n in self.lengths:
            if len(params) != n:
                return False
        return self._same_outside()

    @staticmethod
    def _only_rate(group: dict[str, Any], values: tuple[Any, ...]) -> bool:
        """Whether nothing but the rate of a group is another."""
        now = tuple(group.values())
        names = zip(group, now, values, strict=True) if len(now) == len(values) else ()
        return bool(names) and all(k == "lr" or x is y for k, x, y in names)

    def _same_outside(self) -> bool:
        for x, data in zip(self.captured, self.captured_data, strict=True):
            if x._data is not data:
                return False
        return self.captures.hold()

    def __call__(self, batch: Any) -> float:
        """The loss, after the step. Raises Differs, with nothing changed, if a guard does."""
        states = [g.bit_generator.state for g in self.generators] if self.guarded else ()
        numbers = [g["lr"] for g in self.groups]
        for k, lr in enumerate(numbers):
            if callable(lr):
                numbers[k] = float(lr(self.groups[k]["updates"]))
        numbers += [d[name] for d, name, _ in self.counts]
        try:
            value, new = self.run(*batch, *numbers)
        except BaseException as error:
            for g, state in zip(self.generators, states, strict=bool(states)):
                g.bit_generator.state = state
            if isinstance(error, IndexError):  # the model itself says which is out of range
                raise OtherwiseError(str(error)) from error
            raise
        for (_, name, all_of), number in zip(self.counts, new, strict=True):
            for d in all_of:
                d[name] = number
        for g in self.groups:
            g["updates"] += 1
        self._remember()
        changes.last = stamp = next_stamp()
        for p in self.moved:
            p.stamp, p.grad = stamp, None
            if p.seen is not USED:
                p.seen = None
        return float(value)
