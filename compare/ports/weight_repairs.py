"""Repairs of weights: turned, flipped, flattened in another order, left out, exchanged."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from . import weight_layouts
from .local_program import Local
from .seen_calls import PortCall
from .trials import COPIED, Around, Trial


def weights(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """A weight used otherwise than it lies: turned, flipped, flattened in another order."""
    for node, call in own.calls:
        for part, name in call.params.items():
            shape = own.params[name].shape
            for cause, said, turn in _turns(call, part, shape, around):
                local = own.with_turn(node, part, turn)
                yield Trial(cause, node, f"{name} as it is", f"it {said}", local, COPIED)


Turned = tuple[str, str, Callable[[Any], Any]]


def _turns(call: PortCall, part: str, shape: tuple[int, ...], around: Around) -> Iterator[Turned]:
    if len(shape) == 2 and shape[0] == shape[1]:
        yield "transposed weight", "transposed", lambda w: w.T
    if len(shape) == 4 and call.kind == "conv":
        if shape[2] == shape[3] and shape[2] > 1:
            yield "transposed weight", "with height and width turned", _square
        yield "flipped kernel", "turned by 180°", lambda w: w[:, :, ::-1, ::-1]
        if shape[0] == shape[1]:
            yield "transposed weight", "with in and out turned", _in_out
    if len(shape) == 2 and call.kind in ("linear", "matmul", "identity"):
        for grid in around.grids:
            if int(np.prod(grid)) == shape[0]:
                yield "flatten order", "with rows for channels last", _rows(grid, True)
                yield "flatten order", "with rows for channels first", _rows(grid, False)


def _square(w: Any) -> Any:
    return w.transpose(0, 1, 3, 2)


def _in_out(w: Any) -> Any:
    return w.transpose(1, 0, 2, 3)


def _rows(grid: tuple[int, ...], last: bool) -> Callable[[Any], Any]:
    """The rows of a weight in the order of images that are flattened otherwise."""

    def turn(w: Any) -> Any:
        n = int(np.prod(grid))
        rows = np.arange(n).reshape(1, *(grid if last else (*grid[1:], grid[0])))
        moved = weight_layouts.last(rows) if last else weight_layouts.first(rows)
        inverse = np.argsort(moved.ravel())
        return w[inverse]

    return turn


def without_bias(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """A bias, or a gain, that the other port does not have."""
    for node, call in own.calls:
        for part in ("bias", "weight", "recurrent_bias"):
            optional = part != "weight" or "norm" in call.kind
            if part in call.params and optional:
                kept = {p: n for p, n in call.params.items() if p != part}
                new = replace(call, params=kept)
                said = "bias" if "bias" in part else "gain"
                yield Trial(f"{said} missing", node, f"a {said}", f"no {said}",
                            own.with_call(node, new), COPIED)  # fmt: skip


def exchanged(own: Local, other: Local, around: Around) -> Iterator[Trial]:
    """The parameters of two calls, one in the place of the other."""
    for i, (node, call) in enumerate(own.calls):
        for later, twin in own.calls[i + 1 :]:
            shapes = [[own.params[n].shape for n in c.params.values()] for c in (call, twin)]
            if call.params and call.kind == twin.kind and shapes[0] == shapes[1]:
                local = own.with_call(node, replace(call, params=twin.params))
                local = local.with_call(later, replace(twin, params=call.params))
                yield Trial("weights of two layers swapped", node, f"{call.name}, {twin.name}",
                            "the weights of the other", local, COPIED)  # fmt: skip
