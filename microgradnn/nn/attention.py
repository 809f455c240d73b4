"""Multi-head attention (Vaswani et al. 2017)."""

from __future__ import annotations  # np.random loads when it is used, not before

import functools
import math
import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .. import functions
from ..engine import ops
from ..engine.node import plain
from ..engine.protocol import array
from ..engine.tensor import Tensor
from ..errors import DTypeError, ShapeError
from ..functions.types import ArrayLike
from . import functional as F
from . import init
from .checks import arguments, divides, positive, probability, shape_of
from .linear import Linear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """softmax(Q·Kᵀ / √d)·V in num_heads heads of width d = embed_dim / num_heads, joined by Linear.

    (length, batch, embed_dim) to the same, or (batch, length, embed_dim) with batch_first; without
    the batch axis too. Q, K and V are query, key and value times the thirds of in_proj_weight
    (embed_dim, 3·embed_dim), plus those of in_proj_bias; that and out_proj start as in torch.
    `dropout` is applied to the softmax in training, with draws from `rng`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        batch_first: bool = False,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        positive("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        divides("MultiheadAttention", "features of embed_dim", embed_dim, num_heads)
        self.embed_dim, self.num_heads, self.batch_first = embed_dim, num_heads, batch_first
        self.dropout = probability("MultiheadAttention", dropout)
        self.rng = rng or np.random.default_rng()
        shape = (embed_dim, 3 * embed_dim)
        self.in_proj_weight = Parameter(init.xavier_uniform(shape, self.rng, dtype))
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        self.out_proj = Linear(
            embed_dim, embed_dim, bias, bias_initializer="zeros", dtype=dtype, rng=self.rng
        )

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike | None = None,
        value: ArrayLike | None = None,
        key_padding_mask: ArrayLike | None = None,
        attn_mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Returns the output, of the shape of query. (torch returns a pair, with the weights.)

        key is query by default and value is key. Masks are torch's: attn_mask (length, keys), or
        (batch·heads, length, keys), and key_padding_mask (batch, keys); True is kept OUT, a number
        is added to the score. is_causal keeps out the keys after each query.
        """
        given = [array(query), array(query if key is None else key)]
        given.append(given[1] if value is None else array(value))
        self._check_inputs(given)
        if single := given[0].ndim == 2:
            given = [ops.expand_dims(x, axis=0) for x in given]
        elif not self.batch_first:
            given = [ops.swapaxes(x, axis1=0, axis2=1) for x in given]
        q, k, v = (self._project(x, i) for i, x in enumerate(given))
        mask = self._mask(q, k, key_padding_mask, attn_mask, is_causal)
        p = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, mask, p, rng=self.rng)
        joined = (q.shape[0], q.shape[2], self.embed_dim)
        y = self.out_proj(ops.reshape(ops.swapaxes(y, axis1=1, axis2=2), shape=joined))
        return y[0] if single else y if self.batch_first else ops.swapaxes(y, axis1=0, axis2=1)

    def _project(self, x: Any, i: int) -> Any:
        """(batch, length, embed_dim) times the i-th third, as (batch, heads, length, width)."""
        third = slice(i * self.embed_dim, (i + 1) * self.embed_dim)
        y = ops.matmul(x, self.in_proj_weight[:, third])
        if self.in_proj_bias is not None:
            y = y + self.in_proj_bias[third]
        n, length, _ = x.shape
        y = ops.reshape(y, shape=(n, length, self.num_heads, self.embed_dim // self.num_heads))
        return ops.swapaxes(y, axis1=1, axis2=2)

    def _mask(self, q: Any, k: Any, padding: Any, mask: Any, causal: bool) -> Any:
        """The masks as one, which is added to scores of (batch, heads, length, keys)."""
        (n, heads, length, _), keys = q.shape, k.shape[2]
        parts = [] if not causal else [_added(~np.tri(length, keys, dtype=bool), q.dtype)]
        if padding is not None:
            _need_shape("key_padding_mask", padding, [(n, keys)])
            parts.append(functions.reshape(_added(padding, q.dtype), (n, 1, 1, keys)))
        if mask is not None:
            _need_shape("attn_mask", mask, [(length, keys), (n * heads, length, keys)])
            lead = (1, 1) if len(shape_of(mask)) == 2 else (n, heads)
            parts.append(functions.reshape(_added(mask, q.dtype), (*lead, length, keys)))
        return functools.reduce(operator.add, parts) if parts else None

    def _check_inputs(self, given: list[Any]) -> None:
        shapes = [x.shape for x in given]
        for name, shape in zip(("query", "key", "value"), shapes, strict=True):
            if len(shape) not in (2, 3) or shape[-1] != self.embed_dim:
                order = "batch, length" if self.batch_first else "length, batch"
                raise ShapeError(
                    f"MultiheadAttention: {name} has shape {shape}, expected ({order}, "
                    f"{self.embed_dim})"
                )
        batch = 0 if self.batch_first else 1
        same = shapes[1] == shapes[2] and len(shapes[0]) == len(shapes[1])
        if not same or (len(shapes[0]) == 3 and shapes[0][batch] != shapes[1][batch]):
            raise ShapeError(
                f"MultiheadAttention: query, key and value have shapes {shapes[0]}, {shapes[1]} "
                f"and {shapes[2]}; key and value must be alike, and the batch that of query"
            )

    def extra_repr(self) -> str:
        return arguments(
            self.embed_dim, self.num_heads, dropout=(self.dropout, 0.0),
            bias=(self.in_proj_bias is not None, True), batch_first=(self.batch_first, False),
        )  # fmt: skip


def _added(mask: Any, dtype: Any) -> Any:
    """What is added to the scores: -inf where a boolean mask is True."""
    mask = array(mask)
    kind = plain(mask).dtype.kind
    if kind == "b":
        return np.where(plain(mask), -math.inf, 0.0).astype(dtype)
    if kind != "f":
        raise DTypeError(
            f"MultiheadAttention: mask is {plain(mask).dtype}, need booleans, or numbers to add"
        )
    return ops.astype(mask, dtype=dtype)


def _need_shape(name: str, mask: Any, shapes: list[tuple[int, ...]]) -> None:
    if shape_of(mask) not in shapes:
        need = " or ".join(map(str, shapes))
        raise ShapeError(f"MultiheadAttention: {name} has shape {shape_of(mask)}, expected {need}")
