"""Losses of pairs and triples of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.protocol import array
from ...errors import ShapeError
from ..linalg.norms import vector_norm
from ..shape import float_array
from ..types import A, ArrayLike, Like
from .reduction import as_float, reduced, same_shape


def hinge_embedding_loss(
    input: Like[A], target: ArrayLike, margin: float = 1.0, reduction: str = "mean"
) -> A:
    """x for targets 1, max(0, margin - x) for targets -1; as PyTorch, slope -1 at the margin."""
    x, t = float_array(input), plain(target)
    same_shape("hinge_embedding_loss", x, t)
    loss = ops.where(t != 1, ops.clip(margin - x, 0.0, np.inf), 0) + ops.where(t != -1, x, 0)
    return reduced("hinge_embedding_loss", loss, reduction)


def margin_ranking_loss(
    input1: Like[A],
    input2: Like[A],
    target: Like[A],
    margin: float = 0.0,
    reduction: str = "mean",
) -> A:
    """max(0, -t·(x₁ - x₂) + margin) for t of 1 (x₁ should be larger) or -1."""
    same_shape("margin_ranking_loss", input1, input2)
    same_shape("margin_ranking_loss", input1, target)
    x = float_array(input1)
    raw = -as_float(target, x) * (x - float_array(input2)) + margin
    return reduced("margin_ranking_loss", ops.clip(raw, 0.0, np.inf), reduction)


def cosine_embedding_loss(
    input1: Like[A],
    input2: Like[A],
    target: ArrayLike,
    margin: float = 0.0,
    reduction: str = "mean",
) -> A:
    """1 - cos for targets 1, max(0, cos - margin) for targets -1."""
    a, b, t = float_array(input1), float_array(input2), array(plain(target))
    same_shape("cosine_embedding_loss", a, b)
    if t.shape != a.shape[:-1]:
        raise ShapeError(
            f"cosine_embedding_loss: target has shape {t.shape}, expected {a.shape[:-1]}"
        )
    tiny = 1e-12  # in PyTorch too
    dot, aa, bb = (ops.sum(u * v, axis=-1) for u, v in ((a, b), (a, a), (b, b)))
    cos = dot / ops.sqrt((aa + tiny) * (bb + tiny))
    loss = ops.where(t == 1, 1 - cos, 0) + ops.where(
        t == -1, ops.clip(cos - margin, 0.0, np.inf), 0
    )
    return reduced("cosine_embedding_loss", loss, reduction)


def triplet_margin_loss(
    anchor: Like[A],
    positive: Like[A],
    negative: Like[A],
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> A:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d = ‖· - · + eps‖ₚ."""

    same_shape("triplet_margin_loss", anchor, positive)
    same_shape("triplet_margin_loss", anchor, negative)

    def distance(u: Any, v: Any) -> Any:
        return vector_norm(float_array(u) - float_array(v) + eps, ord=p, axis=-1)

    far = distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    raw = distance(anchor, positive) - far + margin
    return reduced("triplet_margin_loss", ops.clip(raw, 0.0, np.inf), reduction)


__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss",
    "triplet_margin_loss",
]  # fmt: skip
