"""Derivatives of results that are already there: PyTorch's torch.autograd.grad and backward."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.walk import pullback
from ..errors import GradientError, RuleError, ShapeError
from .anomaly import detect_anomaly

Nodes = Node | Sequence[Node]


def grad(
    outputs: Nodes,
    inputs: Nodes,
    grad_outputs: Any = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Any, ...]:
    """d(outputs)/d(inputs), one for each input, in a tuple; no `.grad` is changed.

    outputs and inputs are one node or a sequence of them; grad_outputs are the cotangents, needed
    for outputs of more than one number. Plain arrays; nodes with create_graph. Raises
    GradientError for an input that outputs do not depend on, or gives None with allow_unused.
    """
    ys = _differentiable("autograd.grad: output", outputs)
    xs = _differentiable("autograd.grad: input", inputs)
    found = pullback(
        ys,
        _seeds("autograd.grad", ("outputs", "grad_outputs"), ys, grad_outputs, create_graph),
        xs,
        create_graph,
    )
    for i, x in enumerate(xs):
        if x not in found and not allow_unused:
            raise GradientError(
                f"autograd.grad: the outputs do not depend on input {i}; leave it out, or pass "
                "allow_unused=True to get None for it"
            )
    # NumPy takes a number out of an array of no axes; a Tensor's gradient is an array.
    return tuple(
        np.asarray(g) if isinstance(g, np.generic) and not x.scalar else g
        for x, g in ((x, found.get(x)) for x in xs)
    )


def backward(tensors: Nodes, grad_tensors: Any = None, create_graph: bool = False) -> None:
    """Adds the gradients of all `tensors` to `.grad` of the leaves, in one pass.

    grad_tensors are the cotangents, needed for tensors of more than one number. Raises
    GradientError for a tensor that does not require grad.
    """
    ys = _differentiable("autograd.backward: tensor", tensors)
    gs = _seeds("autograd.backward", ("tensors", "grad_tensors"), ys, grad_tensors, create_graph)
    ys[0]._deposit(pullback(ys, gs, None, create_graph))


def _differentiable(what: str, nodes: Any) -> Sequence[Any]:
    """The nodes as a list, all of one kind and requiring grad."""
    found = list(nodes) if isinstance(nodes, (list, tuple)) else [nodes]
    for i, node in enumerate(found):
        if not isinstance(node, Node) or not node.requires_grad:
            raise GradientError(
                f"{what} {i} does not require grad; make it with requires_grad=True, outside "
                "no_grad()"
            )
    if len({node.base for node in found}) > 1:
        raise RuleError(f"{what}s: a Value and a Tensor do not mix; make one call for each kind")
    return found


def _seeds(
    name: str, what: tuple[str, str], ys: Sequence[Any], given: Any, create_graph: bool
) -> list[Any]:
    if not ys:
        raise GradientError(f"{name}: no {what[0]}, need at least one")
    several = isinstance(given, (list, tuple))
    seeds = [None] * len(ys) if given is None else list(given) if several else [given]
    if len(seeds) != len(ys):
        raise ShapeError(f"{name}: {len(ys)} {what[0]} but {len(seeds)} {what[1]}")
    return [y._seed(g, create_graph, name) for y, g in zip(ys, seeds, strict=True)]


__all__ = ["backward", "detect_anomaly", "grad"]
