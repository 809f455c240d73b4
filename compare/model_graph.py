"""A model as cells between nodes: what the lockstep judges one by one.

Node 0 is the input; cell i, a layer or the sum of two branches, makes node i + 1; the last node
goes into the loss. The order is that of layers.walk, so a framework's probe counts the nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .layers import Layer, flat, walk

Array = np.ndarray


@dataclass(frozen=True)
class Cell:
    """One layer, or the sum of two branches (layer None): from its sources to one node."""

    layer: Layer | None
    sources: tuple[int, ...]
    params: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Linear(784, 500), or "sum of two branches"."""
        if self.layer is None:
            return "sum of two branches"
        shown = [v for k, v in vars(self.layer).items() if k not in ("eps", "momentum")]
        shown = [v for v in shown if not isinstance(v, bool)]
        return f"{type(self.layer).__name__}({', '.join(map(str, shown))})"


@dataclass
class Sync:
    """What every node from 1 on, and the gradient of each, is set to in a synchronised pass."""

    nodes: list[Array]
    slopes: list[Array]


@dataclass
class Recorded:
    """What a framework computed in one pass, forwards and backwards.

    `nodes[i]` is what cell i gave, `slopes[i]` the gradient with respect to it, as the cells that
    use it gave it; in a synchronised pass neither is what was computed with afterwards.
    """

    loss: float
    grads: Sequence[Array | None]
    nodes: Sequence[Array] = field(default_factory=list)
    slopes: Sequence[Array | None] = field(default_factory=list)


def cells(chain: Sequence[Layer]) -> list[Cell]:
    """The cells of a chain of layers, in the order in which layers.walk comes to them."""
    made: list[Cell] = []

    def apply(layer: Layer, node: int, own: list[int], kept: list[int]) -> Cell:
        return Cell(layer, (node,), tuple(own), tuple(kept))

    def probe(cell: Cell) -> int:
        made.append(cell)
        return len(made)

    every = flat(chain)
    n = iter(range(sum(len(layer.shapes) for layer in every)))
    k = iter(range(sum(len(layer.kept) for layer in every)))
    walk(chain, 0, n, k, apply, lambda a, b: Cell(None, (a, b)), probe)
    return made


def parameter_names(chain: Sequence[Layer]) -> list[str]:
    """A name for each parameter: its layer, counted from 1, and what it is there."""
    names: list[str] = []
    for i, cell in enumerate(cells(chain)):
        assert cell.layer is not None or not cell.params
        kinds = ("weight", "bias") if cell.layer and cell.layer.fan_in else ("gain", "shift")
        names += [f"{kinds[k]} of layer {i + 1}, {cell.name}" for k, _ in enumerate(cell.params)]
    return names


def users(found: Sequence[Cell]) -> list[list[int]]:
    """For each node the cells that use it, a cell that uses it twice two times."""
    uses: list[list[int]] = [[] for _ in range(len(found) + 1)]
    for i, cell in enumerate(found):
        for node in cell.sources:
            uses[node].append(i)
    return uses


def user_names(found: Sequence[Cell]) -> list[str]:
    """For each node what uses it, in words."""
    each = [[f"layer {i + 1}, {found[i].name}" for i in uses] for uses in users(found)]
    return [" and of ".join(names) or "the loss" for names in each]


def shown(index: Any) -> str:
    """[3, 12], as in NumPy, or nothing for a single number."""
    return f"[{', '.join(str(int(i)) for i in index)}]" if len(index) else ""
