"""A pass as one pure function, for frameworks that differentiate functions rather than graphs.

`PurePass.total` is the function to differentiate by its first two arguments: by the parameters it
gives the gradients, by the leaves the slopes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import layers
from .rounding import running
from .specs import Model

Array = Any


@dataclass(frozen=True)
class PurePass:
    """A model in a framework's own functions.

    `apply(layer, h, own)` is the output of a layer with the parameters `own`; `each[name](z, y)`
    the losses of all elements, of all samples for cross entropy.
    """

    model: Model
    apply: Callable[[layers.Layer, Array, list[Array]], Array]
    each: dict[str, Callable[[Array, Array], Array]]

    def total(
        self,
        params: Sequence[Array],
        leaves: Sequence[Array] | None,
        x: Array,
        y: Array,
        slopes: Sequence[Array] = (),
        kept: Sequence[Array] = (),
    ) -> tuple[Array, tuple[Array, list[Array], list[Array]]]:
        """What is differentiated; with it the loss, the nodes, the new running statistics.

        In a synchronised pass, one with slopes, the leaves take the place of the nodes. In another
        they are zeros like the nodes (see zeros_for), and are added to them.
        """
        nodes: list[Array] = []
        new: list[Array] = []

        def probe(h: Array) -> Array:
            nodes.append(h)
            if leaves is None:
                return h
            leaf = leaves[len(nodes) - 1]
            return leaf if slopes else h + leaf

        def apply(layer: layers.Layer, h: Array, own: list[Array], now: list[Array]) -> Array:
            new.extend(running(layer, h, now) if now else ())
            return self.apply(layer, h, own)

        own = iter(params), iter(kept)
        h = layers.walk(self.model.chain, x, *own, apply, probe=probe)
        total = loss = self.loss(params, h, y)
        for node, slope in zip(nodes, slopes, strict=False):
            total = total + (node * slope).sum()
        return total, (loss, nodes, new)

    def loss(self, params: Sequence[Array], z: Array, y: Array) -> Array:
        """The loss of the outputs z, reduced as the model says, with its penalty."""
        model, each = self.model, self.each[self.model.loss](z, y)
        loss = each.mean() if model.reduction == "mean" else each.sum()
        loss = loss / len(z) if model.reduction == "samples" else loss
        for p, counts in zip(params, model.penalised, strict=True):
            loss = loss + model.l2 * (p * p).sum() if model.l2 and counts else loss
        return loss

    def zeros_for(
        self, params: Sequence[Array], x: Array, y: Array, kept: Sequence[Array]
    ) -> list[Array]:
        """The leaves of a pass that is not synchronised."""
        _, (_, nodes, _) = self.total(params, None, x, y, kept=kept)
        return [0 * node for node in nodes]
