"""What `module.summary(...)` answers: a table of layers, output shapes and parameters."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..engine.node import plain
from ..errors import ConfigError
from ..functions.types import ArrayLike
from ..numerics.recording import no_grad
from .members import Members
from .parameter import Parameter

Shapes = list[tuple[int, ...]]
Tree = Members[Any]


@dataclass(frozen=True)
class SummaryRow:
    """A module: its name and type, the shapes of its outputs, how many parameters are its own."""

    name: str
    kind: str
    outputs: Shapes
    parameters: int

    @property
    def output(self) -> str:
        """The shape it gave, and how often if it was called several times."""
        if not self.outputs:
            return "not called"
        several = f" ×{len(self.outputs)}" if len(self.outputs) > 1 else ""
        return f"{self.outputs[-1]}{several}"


@dataclass(frozen=True)
class Summary:
    """The rows of the modules inside a module, and totals; print it.

    A shared parameter counts once, for the first module that has it, so that the column adds up.
    """

    title: str
    rows: list[SummaryRow]
    total: int
    trainable: int
    buffers: int
    bytes: int

    def __str__(self) -> str:
        rows = [("layer", "type", "output shape", "parameters")]
        rows += [(r.name, r.kind, r.output, f"{r.parameters:,}") for r in self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.title, ""]
        for name, kind, output, n in rows:
            left = f"{name:{widths[0]}}  {kind:{widths[1]}}  {output:{widths[2]}}"
            lines.append(f"{left}  {n:>{widths[3]}}")
        totals = {
            "parameters": f"{self.total:,}",
            "trainable": f"{self.trainable:,}",
            "non-trainable": f"{self.total - self.trainable:,}",
            "buffers": f"{self.buffers:,}",
            "size in KB": f"{self.bytes / 1024:,.1f}",
        }
        width = max(map(len, totals.values()))
        return "\n".join([*lines, "", *(f"{k:13}  {v:>{width}}" for k, v in totals.items())])

    __repr__ = __str__


Inputs = ArrayLike | tuple[ArrayLike, ...]  # an example, or several; or the shape of one


def summarise(module: Tree, input: Inputs | None, batch: int, dtype: DTypeLike | None) -> Summary:
    """The summary of a module for one input: a shape without the batch axis, or an example."""
    inputs = _inputs(module, input, batch, dtype)
    outputs: dict[int, Shapes] = {}
    with _watched(module, outputs), no_grad():
        module(*inputs)
    seen: set[int] = set()
    rows = []
    for name, inner in module.named_modules():
        own = {id(p): p for p in vars(inner).values() if isinstance(p, Parameter)}
        count = sum(p.size for i, p in own.items() if i not in seen)
        seen.update(own)
        if name or count or not any(module.children()):
            rows.append(
                SummaryRow(name or "(itself)", type(inner).__name__, outputs[id(inner)], count)
            )
    arrows = ", ".join(str(np.shape(plain(x))) for x in inputs)
    title = f"{type(module).__name__}: {arrows} -> {outputs[id(module)][-1]}"
    arrays = [*module.parameters(), *module.buffers()]
    total, trained = module.num_parameters(), module.num_parameters(trainable=True)
    held = sum(b.size for b in module.buffers())
    return Summary(title, rows, total, trained, held, sum(plain(a).nbytes for a in arrays))


def _inputs(module: Tree, input: Any, batch: int, dtype: Any) -> tuple[Any, ...]:
    if input is None:
        first = next((m for m in module.modules() if not any(m.children())), module)
        input = getattr(first, "in_features", None)
        if input is None:
            raise ConfigError(
                f"{type(module).__name__}.summary: give the shape of one sample, as in "
                "summary((1, 28, 28))"
            )
    shape = (input,) if isinstance(input, (int, np.integer)) else input
    if not isinstance(shape, tuple):
        return (input,)
    if not all(isinstance(n, (int, np.integer)) for n in shape):
        return shape
    if min((batch, *shape)) < 1:
        raise ConfigError(f"summary: shape {shape} and batch {batch}, need positive integers")
    if dtype is None:
        dtype = next((p.dtype for p in module.parameters()), np.float32)
    return (np.zeros((batch, *shape), dtype),)


@contextmanager
def _watched(module: Tree, outputs: dict[int, Shapes]) -> Iterator[None]:
    """A context in which the modules inside note the shapes they give, and keep their state."""
    modules = list(module.modules())
    before = [dict(vars(m)) for m in modules]
    buffers = [(b, b.copy()) for b in module.buffers()]
    generators = [
        (g.bit_generator, copy.deepcopy(g.bit_generator.state))
        for _, g in module.named_generators()
    ]
    module.eval()
    for m in modules:
        outputs[id(m)] = []
        vars(m)["forward"] = _noting(m.forward, outputs[id(m)])
    try:
        yield
    finally:
        for m, attributes in zip(modules, before, strict=True):
            vars(m).clear()
            vars(m).update(attributes)
        for array, saved in buffers:
            array[...] = saved
        for bits, state in generators:
            bits.state = state


def _noting(forward: Callable[..., Any], shapes: Shapes) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        y = forward(*args, **kwargs)
        first = y[0] if isinstance(y, (tuple, list)) else y
        shapes.append(np.shape(plain(first)))
        return y

    return noting
