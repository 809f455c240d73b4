"""What takes the place of a graph where a framework differentiates the forward: no edges, no lines.

Gradients of the inputs are known for any cotangents, and nothing of what lies between.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..subject import Subject
from .graph import Graph
from .lines import Watched


class DerivedGraph(Graph):
    """The gradients of a subject's inputs, by its framework."""

    def __init__(self, subject: Subject, outs: Sequence[Any]) -> None:
        sizes = [int(np.size(a)) for a in subject.arrays]
        ends = np.cumsum([0, *sizes]).tolist()
        inputs = [list(range(a, b)) for a, b in zip(ends, ends[1:], strict=False)]
        last, count = ends[-1], sum(int(np.size(o)) for o in outs)
        super().__init__(
            [], last + count, inputs, list(range(last, last + count)), [], subject.names,
            list(map(np.shape, subject.arrays)), Watched(subject.places), {},
        )  # fmt: skip
        self.subject = subject

    def pull(self, douts: Sequence[Any], slopes: Sequence[float] | None = None) -> list[Any]:
        """The gradients of the inputs."""
        arrays, outs = self.subject.arrays, [np.asarray(d, float) for d in douts]
        if len(outs) == 1 and outs[0].ndim == 1 and len(outs[0]) == len(self.outs):
            outs = [outs[0].reshape(self._shape)]
        return self.subject.derivation.run([np.asarray(a, float) for a in arrays], outs)[1]

    @property
    def _shape(self) -> tuple[int, ...]:
        run = self.subject.start([np.array(a) for a in self.subject.arrays])
        return tuple(np.shape(run.outs[0]))

    def cotangents(
        self, douts: Sequence[Any], slopes: Sequence[float] | None = None,
        forced: Mapping[int, float] | None = None,
    ) -> list[float]:  # fmt: skip
        """The cotangents of the inputs' numbers and of the outputs'."""
        row = [float(g) for grad in self.pull(douts) for g in np.ravel(grad)]
        row += [float(d) for dout in douts for d in np.ravel(dout)]
        for k, value in (forced or {}).items():
            row[k] = value
        return row
