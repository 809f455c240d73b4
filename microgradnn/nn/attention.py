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
from ..errors import DTypeError, ShapeError
from ..functions.types import ArrayLike
from . import functional as F
from . import init
from .checks import arguments, divides, positive, probability, shape_of
from .functional.layer import attention_weights
from .linear import Linear
from .module import Module
from .parameter import Parameter


class MultiheadAttention(Module):
    """softmax(Q·Kᵀ / √d)·V in num_heads heads of width d = embed_dim / num_heads, joined by Linear.

    (length, batch, embed_dim) to the same, or (batch, length, embed_dim) with batch_first; without
    the batch axis too. Q, K and V are query, key and value times the thirds of in_proj_weight
    (embed_dim, 3·embed_dim), plus those of in_proj_bias; that and out_proj start as in torch.
    `dropout` is applied to the softmax in training, with draws from `rng`. Keys and values may have
    other features, kdim and vdim; then there are q_proj_weight, k_proj_weight and v_proj_weight.
    add_bias_kv appends a learned key and value, add_zero_attn one of zeros.
    """

    q_proj_weight: Any  # Parameters or None, as are the others
    k_proj_weight: Any
    v_proj_weight: Any
    bias_k: Any
    bias_v: Any

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True,
        add_bias_kv: bool = False, add_zero_attn: bool = False, kdim: int | None = None,
        vdim: int | None = None, batch_first: bool = False, *, dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        positive("MultiheadAttention", embed_dim=embed_dim, num_heads=num_heads)
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        positive("MultiheadAttention", kdim=self.kdim, vdim=self.vdim)
        divides("MultiheadAttention", "features of embed_dim", embed_dim, num_heads)
        self.embed_dim, self.num_heads, self.batch_first = embed_dim, num_heads, batch_first
        self.dropout = probability("MultiheadAttention", dropout)
        self.rng = rng or np.random.default_rng()
        self._start(dtype)
        self.in_proj_bias = Parameter(np.zeros(3 * embed_dim, dtype)) if bias else None
        for name in ("bias_k", "bias_v"):
            start = init.xavier_normal((1, 1, embed_dim), self.rng, dtype) if add_bias_kv else None
            setattr(self, name, None if start is None else Parameter(start))
        self.add_zero_attn = add_zero_attn
        self.out_proj = Linear(
            embed_dim, embed_dim, bias, bias_initializer="zeros", dtype=dtype, rng=self.rng
        )

    def _start(self, dtype: DTypeLike) -> None:
        """The weights of the projections: in one matrix where all have embed_dim features."""
        e = self.embed_dim
        joint = self.kdim == self.vdim == e
        features = {"q": e, "k": self.kdim, "v": self.vdim}
        for name, n in features.items():
            start = None if joint else init.xavier_uniform((n, e), self.rng, dtype)
            setattr(self, f"{name}_proj_weight", None if start is None else Parameter(start))
        whole = init.xavier_uniform((e, 3 * e), self.rng, dtype) if joint else None
        self.in_proj_weight = None if whole is None else Parameter(whole)

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike | None = None,
        value: ArrayLike | None = None,
        key_padding_mask: ArrayLike | None = None,
        attn_mask: ArrayLike | None = None,
        is_causal: bool = False,
        need_weights: bool = False,
        average_attn_weights: bool = True,
    ) -> Any:
        """Returns the output, of the shape of query; with need_weights a pair with the weights.

        The weights are (batch, length, keys), the mean of the heads, or (batch, heads, length,
        keys) if not average_attn_weights. (In torch need_weights is True by default.)

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
        k, v, mask = self._with_more_keys(k, v, mask)
        weights = attention_weights(q, k, mask)
        weights = F.dropout(weights, self.dropout, self.training, self.rng)
        y = ops.swapaxes(ops.matmul(weights, v), axis1=1, axis2=2)
        y = self.out_proj(ops.reshape(y, shape=(q.shape[0], q.shape[2], self.embed_dim)))
        y = y[0] if single else y if self.batch_first else ops.swapaxes(y, axis1=0, axis2=1)
        if not need_weights:
            return y
        weights = functions.mean(weights, 1) if average_attn_weights else weights
        return y, weights[0] if single else weights

    def _with_more_keys(self, k: Any, v: Any, mask: Any) -> tuple[Any, Any, Any]:
        """k and v with the learned key and value and those of zeros; nothing masks them."""
        n, heads, _, width = k.shape
        added: list[Any] = [] if self.bias_k is None else [(self.bias_k, self.bias_v)]
        added += [(np.zeros((1, 1, self.embed_dim), k.dtype),) * 2] if self.add_zero_attn else []
        for pair in added:
            rows = [functions.reshape(x, (1, heads, 1, width)) for x in pair]
            rows = [functions.broadcast_to(x, (n, heads, 1, width)) for x in rows]
            k, v = (ops.concatenate(x, y, axis=2) for x, y in zip((k, v), rows, strict=True))
        if added and mask is not None:
            mask = functions.pad(mask, ((0, 0),) * 3 + ((0, len(added)),))
        return k, v, mask

    def _project(self, x: Any, i: int) -> Any:
        """(batch, length, embed_dim) times the i-th third, as (batch, heads, length, width)."""
        third = slice(i * self.embed_dim, (i + 1) * self.embed_dim)
        own = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)[i]
        y = ops.matmul(x, own if self.in_proj_weight is None else self.in_proj_weight[:, third])
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
        widths = self.embed_dim, self.kdim, self.vdim
        for name, shape, width in zip(("query", "key", "value"), shapes, widths, strict=True):
            if len(shape) not in (2, 3) or shape[-1] != width:
                order = "batch, length" if self.batch_first else "length, batch"
                raise ShapeError(
                    f"MultiheadAttention: {name} has shape {shape}, expected ({order}, {width})"
                )
        batch = 0 if self.batch_first else 1
        same = shapes[1][:-1] == shapes[2][:-1] and len(shapes[0]) == len(shapes[1])
        if not same or (len(shapes[0]) == 3 and shapes[0][batch] != shapes[1][batch]):
            raise ShapeError(
                f"MultiheadAttention: query, key and value have shapes {shapes[0]}, {shapes[1]} "
                f"and {shapes[2]}; key and value must be alike, and the batch that of query"
            )

    def extra_repr(self) -> str:
        return arguments(
            self.embed_dim, self.num_heads, dropout=(self.dropout, 0.0),
            bias=(self.in_proj_bias is not None, True),
            add_bias_kv=(self.bias_k is not None, False),
            add_zero_attn=(self.add_zero_attn, False), kdim=(self.kdim, self.embed_dim),
            vdim=(self.vdim, self.embed_dim), batch_first=(self.batch_first, False),
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
