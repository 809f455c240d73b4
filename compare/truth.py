"""The true value of any number of a pass, proved: balls, and differences of the definitions.

A value is the definition of the layer on arb balls (python-flint). A derivative is its difference
over h = 2⁻⁹⁰ to both sides, which knows no rule of differentiation: a wrong rule of ours cannot
hide in it. Where the two sides differ there is a kink, and both one-sided derivatives are told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnn.check.oracle import balls
from microgradnn.optional import need

from . import definitions, layers
from .claims import Claim
from .model_graph import Sync, users
from .reference import Reference

BITS = 320
STEP = 90  # h = 2^-90: what the difference leaves out is far below float64
Array = np.ndarray


@dataclass(frozen=True)
class Proved:
    """A proved value; of a derivative at a kink the values from the left and from the right."""

    value: float
    rest: float = 0.0  # what the float leaves out
    sides: tuple[float, float] | None = None
    usual: bool = False  # at a kink: the value is what all frameworks choose there

    def __str__(self) -> str:
        if self.sides is None:
            return f"{self.value:.17g}"
        said = "at a kink, {:.17g} from the left and {:.17g} from the right".format(*self.sides)
        return said + (f", where {self.value:.17g} is usual" if self.usual else "")

    def off(self, got: float) -> float:
        """How far a number is from it; at a kink without a usual choice 0 between the sides."""
        if self.sides is None or self.usual:
            return abs((got - self.value) - self.rest)
        low, high = sorted(self.sides)
        return max(low - got, got - high, 0.0)


class Truth:
    """Proved values of one pass of a model at given parameters, nodes and slopes."""

    def __init__(
        self, of: Reference, params: Sequence[Array], x: Array, y: Array, sync: Sync
    ) -> None:
        need("flint", "a proof")
        self.of, self.sync = of, sync
        self.params = [of.round(p) for p in params]
        self.nodes = [of.round(x), *(of.round(v) for v in sync.nodes)]
        self.slopes = [of.round(s) for s in sync.slopes]
        self.y = y if of.model.labels else of.round(y)
        self.uses = users(of.cells)

    def of_claim(self, claim: Claim, entry: tuple[int, ...]) -> Proved | None:
        """The true value of one entry, or None for a claim that is no value of a pass."""
        with balls.precision(BITS), np.errstate(all="ignore"):
            if claim.kind == "node":
                return _true(self.output(claim.index, {})[entry])
            if claim.kind == "loss":
                return _true(self.loss({}))
            if claim.kind == "slope":
                return self.derivative("node", claim.index + 1, entry)
            if claim.kind == "grad":
                return self.derivative("param", claim.index, entry)
        return None

    def output(self, i: int, moved: dict[tuple[str, int], Array]) -> Array:
        """The output of cell i, with other arrays of balls for what is in `moved`."""
        cell = self.of.cells[i]
        given = [self.given("node", s, moved) for s in cell.sources]
        given += [self.given("param", p, moved) for p in cell.params]
        return definitions.cell(cell, _dot, *given)

    def given(self, kind: str, i: int, moved: dict[tuple[str, int], Array]) -> Array:
        """The balls of a node or a parameter."""
        known = self.nodes if kind == "node" else self.params
        return moved[kind, i] if (kind, i) in moved else _balls(known[i])

    def loss(self, moved: dict[tuple[str, int], Array]) -> Any:
        """The loss, its penalty included."""
        model, z = self.of.model, self.given("node", len(self.nodes) - 1, moved)
        y = self.y if model.labels else _balls(self.y)
        total = definitions.LOSS[model.loss](z, y) * model.scale(self.nodes[-1])
        for i, counts in enumerate(model.penalised):
            if model.l2 and counts:
                p = self.given("param", i, moved)
                total = total + (p * p).sum() * model.l2
        return total

    def along(self, kind: str, index: int, moved: dict[tuple[str, int], Array]) -> Any:
        """What a node or a parameter is differentiated in: Σ slope · output of its cells, loss."""
        if kind == "node":
            cells = set(self.uses[index])
            last = not cells
        else:
            cells = {i for i, cell in enumerate(self.of.cells) if index in cell.params}
            last = bool(self.of.model.l2) and self.of.model.penalised[index]
        total = self.loss(moved) if last else _balls(np.zeros(1))[0]
        for i in cells:
            total = total + (self.output(i, moved) * _balls(self.slopes[i])).sum()
        return total

    def slope_of(self, moves: dict[tuple[str, int], Array]) -> Proved:
        """The derivative of all cells and the loss together, along moves of nodes and parameters.

        It confirms all gradients at once: it is Σ slope · move + Σ gradient · move, if they are
        right. Moves do not cross kinks (see smooth).
        """
        with balls.precision(BITS), np.errstate(all="ignore"):
            h, ends = _balls(np.full(1, 2.0**-STEP))[0], []
            for sign in (-1, 1):
                moved = {
                    (kind, i): self.given(kind, i, {}) + _balls(move) * (sign * h)
                    for (kind, i), move in moves.items()
                }
                total = self.loss(moved)
                for i, slope in enumerate(self.slopes):
                    total = total + (self.output(i, moved) * _balls(slope)).sum()
                ends.append(total)
            return _true((ends[1] - ends[0]) / (2 * h))

    def smooth(self, node: int) -> Array:
        """Which entries of a node can be moved without meeting a kink or a tie."""
        value = self.nodes[node]
        free = np.ones(value.shape, bool)
        for i in self.uses[node]:
            layer = self.of.cells[i].layer
            if isinstance(layer, layers.Activation) and layer.name in ("relu", "leaky_relu"):
                free &= value != 0
            if isinstance(layer, layers.MaxPool2d):
                free &= _untied(value, layer.k)
        if not self.uses[node] and self.of.model.loss == "mae":
            free &= value != self.y
        return free

    def derivative(self, kind: str, index: int, entry: tuple[int, ...]) -> Proved:
        """The derivative in one entry of a node or a parameter."""
        h = _balls(np.full(1, 2.0**-STEP))[0]
        at = []
        for sign in (-1, 0, 1):
            moved = self.given(kind, index, {})
            moved[entry] = moved[entry] + sign * h
            at.append(self.along(kind, index, {(kind, index): moved}))
        left, right = (at[1] - at[0]) / h, (at[2] - at[1]) / h
        a, b = balls.middle(left), balls.middle(right)
        if abs(a - b) > 1e-15 * max(abs(a), abs(b), 1e-280):
            return self.at_kink(kind, index, a, b)
        return _true((left + right) / 2)

    def at_kink(self, kind: str, index: int, left: float, right: float) -> Proved:
        """The choice where there is one: of |x| the middle, of relu and leaky_relu the left side.

        Of tied maxima any may have the gradient, which is between the sides.
        """
        kinds = [self.of.cells[i].layer for i in self.uses[index]] if kind == "node" else []
        if any(isinstance(layer, layers.MaxPool2d) for layer in kinds) or kind != "node":
            return Proved((left + right) / 2, sides=(left, right))
        return Proved(left if kinds else (left + right) / 2, sides=(left, right), usual=True)


def _untied(x: Array, k: int) -> Array:
    """For each place whether it is in a window with one largest number."""
    n, c, height, width = (*x.shape[:2], x.shape[2] // k * k, x.shape[3] // k * k)
    inside = x[:, :, :height, :width].reshape(n, c, height // k, k, width // k, k)
    top = inside.max((3, 5), keepdims=True)
    alone = ((inside == top).sum((3, 5), keepdims=True) == 1) & np.ones(inside.shape, bool)
    found = np.zeros(x.shape, bool)
    found[:, :, :height, :width] = alone.reshape(n, c, height, width)
    return found


def _balls(a: Array) -> Array:
    return np.asarray(np.frompyfunc(balls.ball, 1, 1)(np.asarray(a)), object)


def _dot(a: Array, b: Array) -> Array:
    """The product of two matrices of balls."""
    mat = need("flint", "a proof").arb_mat
    product = mat(a.tolist()) * mat(b.tolist())
    return np.array(product.tolist(), object).reshape(len(a), b.shape[1])


def _true(ball: Any) -> Proved:
    value = balls.middle(ball)
    return Proved(value, balls.middle(ball - balls.ball(value)) if np.isfinite(value) else 0.0)
