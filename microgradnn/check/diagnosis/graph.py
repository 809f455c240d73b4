"""A forward pass as a list of edges: every use of one number in another, with its slope.

The forward runs on Values of floats, so that its graph is that of the user's own code, each edge
with the line it was made on. A backward pass over edges is one loop, so that backward passes with
a mistake in them (an edge left out, its slope doubled) cost about a millisecond each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...engine.node import plain
from ...engine.value import Value
from ..oracle.traced import Traced
from .lines import Line, Watched


@dataclass(frozen=True)
class Edge:
    """One use of a number: child was computed from parent, its operand number `operand`.

    slope  the derivative of child by parent
    place  the lines of the user's code that were running then, the innermost last
    visit  the how-manieth line that was run
    others, xs  all operands: their nodes (None for constants), and their numbers
    """

    child: int
    parent: int
    slope: float
    operand: int
    op: Any
    place: tuple[Line, ...]
    visit: int
    others: tuple[int | None, ...]
    xs: tuple[Any, ...]
    y: Any
    params: Any

    @property
    def line(self) -> Line | None:
        """The innermost line, None where no user's code ran."""
        return self.place[-1] if self.place else None


@dataclass
class Graph:
    """A traced forward pass.

    inputs  the positions of each input's numbers; outs: of all the outputs' numbers in a row
    made    the line on which each node was computed and which visit it was, None for inputs
    """

    edges: list[Edge]
    size: int
    inputs: list[list[int]]
    outs: list[int]
    made: list[tuple[Line, int] | None]
    names: tuple[str, ...]
    shapes: list[tuple[int, ...]]
    watched: "Watched"
    nodes: dict[Any, int]
    walked: int = 0
    grouped: dict[Any, dict[Any, list[int]]] = field(default_factory=dict)

    def pull(self, douts: Sequence[Any], slopes: Sequence[float] | None = None) -> list[Any]:
        """The gradients of the inputs, with other slopes of the edges if they are given."""
        return self.shaped(self.cotangents(douts, slopes))

    def cotangents(
        self, douts: Sequence[Any], slopes: Sequence[float] | None = None,
        forced: Mapping[int, float] | None = None,
    ) -> list[float]:  # fmt: skip
        """The cotangent of every node; those in `forced` have the one given."""
        g = [0.0] * self.size
        seeds = np.concatenate([np.ravel(np.asarray(d, float)) for d in douts])
        for k, d in zip(self.outs, seeds.tolist(), strict=True):
            g[k] += d
        ends, slopes = self.ends, self.slopes if slopes is None else slopes
        if forced:
            last = -1
            for (child, parent), slope in zip(ends, slopes, strict=True):
                if child != last:
                    last = child
                    g[child] = forced.get(child, g[child])
                g[parent] += g[child] * slope
            for k, d in forced.items():
                g[k] = d
        else:
            for (child, parent), slope in zip(ends, slopes, strict=True):
                g[parent] += g[child] * slope
        return g

    @cached_property
    def slopes(self) -> list[float]:
        """The true slopes of all edges."""
        return [e.slope for e in self.edges]

    @cached_property
    def base(self) -> list[float]:
        """The slopes from which mistakes are tried: those of steps that cancel are 0.

        The maximum that softmax subtracts is one: nobody differentiates it, and nobody has to.
        """
        slopes = list(self.slopes)
        ones = [1.0 + 0.37 * np.cos(np.arange(len(self.outs)))]
        true = self.cotangents(ones)
        inputs = [i for places in self.inputs for i in places]
        for some in self.groups(_inert).values():
            tried = list(slopes)
            for i in some:
                tried[i] = 0.0
            got = self.cotangents(ones, tried)
            size = max((abs(true[i]) for i in inputs), default=0.0)
            if all(abs(got[i] - true[i]) <= 1e-10 * size for i in inputs):
                slopes = tried
        return slopes

    @cached_property
    def ends(self) -> list[tuple[int, int]]:
        """Child and parent of all edges."""
        return [(e.child, e.parent) for e in self.edges]

    def groups(self, key: Callable[["Graph", Edge], Any]) -> dict[Any, list[int]]:
        """The numbers of the edges with the same key; those of key None are left out."""
        if key not in self.grouped:
            found: dict[Any, list[int]] = {}
            for i, e in enumerate(self.edges):
                k = key(self, e)
                if k is not None:
                    found.setdefault(k, []).append(i)
            self.grouped[key] = found
        return self.grouped[key]

    def shaped(self, g: Sequence[float]) -> list[Any]:
        """The numbers of each input among those of all nodes, in the input's shape."""
        return [
            np.array([g[k] for k in places]).reshape(shape)
            for places, shape in zip(self.inputs, self.shapes, strict=True)
        ]

    def input_of(self, node: int) -> str | None:
        """The name of the input that a node is a number of."""
        return self.owner.get(node)

    @cached_property
    def owner(self) -> dict[int, str]:
        """The name of the input that each of the inputs' nodes is a number of."""
        return {i: n for n, places in zip(self.names, self.inputs, strict=True) for i in places}

    @cached_property
    def versions(self) -> dict[str, list[Any]]:
        """The nodes of the inputs, and of the arrays that forward named, each time it did."""
        found = {
            n: [np.array(places).reshape(shape)]
            for n, places, shape in zip(self.names, self.inputs, self.shapes, strict=True)
            if shape
        }
        for s in self.watched.seen:
            if isinstance(s.value, Traced):
                values = s.value.view(np.ndarray).flat
                nodes = [self.nodes.get(v) if isinstance(v, Value) else None for v in values]
                if all(n is not None for n in nodes):
                    found.setdefault(s.name, []).append(np.array(nodes).reshape(s.value.shape))
        return found

    @property
    def named(self) -> dict[str, Any]:
        """The nodes of each named array, as it was last."""
        return {name: some[-1] for name, some in self.versions.items()}

    @cached_property
    def turned(self) -> dict[int, float]:
        """Of each number in a square matrix the one it changes places with in the transpose."""
        out: dict[int, float] = {}
        for matrix in [m for some in self.versions.values() for m in some]:
            if matrix.ndim >= 2 and matrix.shape[-1] == matrix.shape[-2] > 1:
                out |= self._instead(matrix, np.swapaxes(matrix, -1, -2))
        return out

    def moved(self, name: str, step: int) -> dict[int, float]:
        """Of each node of an array of several steps the number at the same place a step later.

        Or before, if step is -1.
        """
        out: dict[int, float] = {}
        some = self.versions[name][::step]
        for a, b in zip(some, some[1:], strict=False):
            out = self._instead(a, b) | out
        return out

    def exchanged(self, own: str, other: str) -> dict[int, float]:
        """Of each node of one named array the number at the same place of another."""
        return self._instead(self.named[own], self.named[other])

    def _instead(self, a: Any, b: Any) -> dict[int, float]:
        """The numbers of b by the nodes of a; none if they have different shapes."""
        if a.shape != b.shape:
            return {}
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        return {i: self.numbers[j] for i, j in pairs}

    @cached_property
    def numbers(self) -> dict[int, float]:
        """The value of every node."""
        return {i: float(plain(n)) for n, i in self.nodes.items()}


def _inert(graph: Graph, e: Edge) -> Any:
    return (e.line, e.operand) if e.op.name == "sub" and e.operand == 1 else None
