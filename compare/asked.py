"""Points at which a model is asked that its training does not come to: where sums have no rounding.

Inputs, parameters, values of nodes and their gradients are small whole numbers, so every sum of
products is exact in any order, and a correct gradient of a linear layer or a convolution is right
to the last bit. They have ties and zeros; of an absolute error some are zero. Activations are asked
between -6 and 6, at 0, and far out; norms where mean, variance and root are exact, with few
gradients that are not zero. So a parameter whose gradient vanishes in training is asked where it
does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import layers
from .model_graph import Cell, Sync, users
from .reference import Reference

Array = np.ndarray
FAR = (-50.0, -12.0, 12.0, 22.0, 50.0)
FEW = 7  # gradients of a norm's channel that are not zero


@dataclass
class Asked:
    """Parameters, a batch, and what nodes and their gradients are set to."""

    params: list[Array]
    x: Array
    y: Array
    sync: Sync


def asked(of: Reference, x: Array, y: Array, params: Sequence[Array], seed: int) -> Asked:
    """A point for the model with arrays of the shapes that its training has."""
    rng = np.random.default_rng(seed)
    found, _ = of.run(params, x, y)
    shapes = [np.shape(x), *(node.shape for node in found.nodes)]
    uses = users(of.cells)
    reach = [_reach(of, cell, shapes, i + 1) for i, cell in enumerate(of.cells)]
    values = [
        _values(
            rng, shapes[n], [of.cells[i] for i in uses[n]], min([8, *(reach[i] for i in uses[n])])
        )
        for n in range(len(shapes))
    ]
    if of.model.loss == "mae":  # its kink
        ties = rng.random(shapes[-1]) < 0.2
        values[-1] = np.where(ties, of.round(y), values[-1])
    slopes = [_slopes(rng, cell, shapes[i + 1], reach[i]) for i, cell in enumerate(of.cells)]
    own = [rng.integers(-3, 4, np.shape(p)).astype(float) for p in params]
    for i, cell in enumerate(of.cells):
        for p in cell.params:
            if cell.layer and cell.layer.fan_in:
                own[p] = _whole(rng, np.shape(params[p]), reach[i])
    return Asked(own, values[0], y, Sync(values[1:], slopes))


def _whole(rng: np.random.Generator, shape: Sequence[int], reach: int) -> Array:
    return rng.integers(-reach, reach + 1, shape).astype(float)


def _reach(of: Reference, cell: Cell, shapes: Sequence[Sequence[int]], out: int) -> int:
    """How large whole numbers may be so that sums of products fit the significand."""
    if cell.layer is None or cell.layer.fan_in is None:
        return 8
    weight = cell.layer.shapes[0]
    rows = int(np.prod(shapes[out])) // weight[1 if len(weight) == 2 else 0]
    terms = max(rows, cell.layer.fan_in, int(np.prod(weight)))
    return max(1, min(32, int((2.0 ** (of.rounding.digits - 1) / terms) ** 0.5)))


def _values(
    rng: np.random.Generator, shape: Sequence[int], uses: Sequence[Cell], reach: int
) -> Array:
    """The values of a node for the layers that use it; for the last node, logits."""
    kinds = [cell.layer for cell in uses if cell.layer is not None]
    if not uses:
        return rng.integers(-12, 13, shape) / 4
    for layer in kinds:
        if isinstance(layer, (layers.BatchNorm, layers.LayerNorm)):
            return _standard(rng, shape, layer)
    if any(isinstance(layer, layers.Activation) for layer in kinds):
        values = rng.integers(-48, 49, shape) / 8
        far = rng.random(shape)
        values = np.where(far < 0.04, rng.choice(FAR, shape), values)
        return np.where(far > 0.9, 0.0, values)
    if any(isinstance(layer, layers.MaxPool2d) for layer in kinds):
        return _whole(rng, shape, 2)
    return _whole(rng, shape, reach)


def _standard(rng: np.random.Generator, shape: Sequence[int], layer: layers.Layer) -> Array:
    """Values of mean 0 in every channel or row, with √(var + eps) a power of two if eps is one."""
    eps = vars(layer)["eps"]
    root = eps**0.5
    size = root if np.frexp(root)[0] == 0.5 else 1.0
    batch = isinstance(layer, layers.BatchNorm)
    order = (shape[1], shape[0], *shape[2:]) if batch else shape
    n = int(np.prod(order[1:])) if batch else shape[-1]
    pattern = np.resize([-1.0, -1.0, -1.0, 3.0] if n % 4 == 0 else [-1.0, 1.0, 3.0, -2.0], n)
    rows = [rng.permutation(pattern) for _ in range(int(np.prod(order)) // n)]
    made = size * np.stack(rows).reshape(order)
    return np.ascontiguousarray(np.moveaxis(made, 0, 1)) if batch else made


def _slopes(rng: np.random.Generator, cell: Cell, shape: Sequence[int], reach: int) -> Array:
    """The gradient of a cell's output."""
    made = _whole(rng, shape, reach)
    if isinstance(cell.layer, (layers.BatchNorm, layers.LayerNorm)):
        channels = np.moveaxis(made, 1, 0).reshape(shape[1], -1)
        keep = np.argsort(rng.random(channels.shape), axis=1) < FEW
        wide = keep.reshape(shape[1], shape[0], *shape[2:])
        made = (np.abs(made) + 1) * np.sign(made + 0.5) * np.moveaxis(wide, 0, 1)
    return made
