"""Derivatives of results that are already there: PyTorch's torch.autograd.grad and backward."""

from collections.abc import Sequence
from typing import Any

from .anomaly import detect_anomaly
from .errors import GradientError, ShapeError
from .node import Node
from .walk import pullback


def grad(
    outputs: Any, inputs: Any, grad_outputs: Any = None, create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:  # fmt: skip
    """d(outputs)/d(inputs), one for each input, in a tuple; no `.grad` is changed.

    outputs and inputs are one node or a sequence of them; grad_outputs are the cotangents, needed
    for outputs of more than one number. Plain arrays; nodes with create_graph. Raises
    GradientError for an input that outputs do not depend on, or gives None with allow_unused.
    """
    ys, xs = _several(outputs), _several(inputs)
    seeds = [None] * len(ys) if grad_outputs is None else _several(grad_outputs)
    if len(seeds) != len(ys):
        raise ShapeError(f"autograd.grad: {len(ys)} outputs but {len(seeds)} grad_outputs")
    for what, nodes in (("output", ys), ("input", xs)):
        for i, node in enumerate(nodes):
            if not isinstance(node, Node) or not node.requires_grad:
                raise GradientError(
                    f"autograd.grad: {what} {i} does not require grad; make it with "
                    "requires_grad=True, outside no_grad()"
                )
    gs = [y._seed(g, create_graph) for y, g in zip(ys, seeds, strict=True)]
    found = pullback(ys, gs, xs, create_graph)
    for i, x in enumerate(xs):
        if x not in found and not allow_unused:
            raise GradientError(
                f"autograd.grad: the outputs do not depend on input {i}; leave it out, or pass "
                "allow_unused=True to get None for it"
            )
    return tuple(found.get(x) for x in xs)


def backward(tensors: Any, grad_tensors: Any = None, create_graph: bool = False) -> None:
    """None; adds the gradients of all `tensors` to `.grad` of the leaves, in one pass."""
    ys = _several(tensors)
    seeds = [None] * len(ys) if grad_tensors is None else _several(grad_tensors)
    gs = [y._seed(g, create_graph) for y, g in zip(ys, seeds, strict=True)]
    ys[0]._deposit(pullback(ys, gs, None, create_graph))


def _several(x: Any) -> Sequence[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


__all__ = ["backward", "detect_anomaly", "grad"]
