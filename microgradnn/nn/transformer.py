"""Transformers (Vaswani et al. 2017): layers of attention and of two Linear, with PyTorch's names.

Sequences are (length, batch, d_model), or (batch, length, d_model) with batch_first. Masks are
those of MultiheadAttention. Dropout is drawn from `rng`.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..functions.types import ArrayLike
from ..signatures.expected import affordable
from . import functional as F
from . import init
from .attention import MultiheadAttention
from .checks import arguments, positive
from .containers import ModuleList
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .norm import LayerNorm

Activation = str | Callable[[Any], Any]
_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"relu": F.relu, "gelu": F.gelu}


class _Layer(Module):
    """Base of both kinds of layers: how they are made, and their feed-forward part."""

    attentions: tuple[str, ...]
    self_attn: Any
    multihead_attn: Any

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", layer_norm_eps: float = 1e-5, batch_first: bool = False,
        norm_first: bool = False, bias: bool = True, *, dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        owner, rng = type(self).__name__, rng or np.random.default_rng()
        positive(owner, d_model=d_model, nhead=nhead, dim_feedforward=dim_feedforward)
        if not callable(activation) and activation not in _ACTIVATIONS:
            raise ConfigError(
                f"{owner}: activation is {activation!r}, need 'relu', 'gelu' or a function"
            )
        for name in self.attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, dtype=dtype, rng=rng
            )
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype=dtype, rng=rng)
        self.dropout = Dropout(dropout, rng)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype=dtype, rng=rng)
        parts = range(1, len(self.attentions) + 2)
        for i in parts:
            self.add_module(f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype))
        for i in parts:
            self.add_module(f"dropout{i}", Dropout(dropout, rng))
        self.activation, self.norm_first = activation, norm_first

    def _beside(self, i: int, x: Any, part: Callable[[Any], Any]) -> Any:
        """x plus the i-th part of it, normalised before (norm_first) or after."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        if self.norm_first:
            return x + dropout(part(norm(x)))
        return norm(x + dropout(part(x)))

    def _feed_forward(self, x: Any) -> Any:
        f = _ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        return self.linear2(self.dropout(f(self.linear1(x))))

    def extra_repr(self) -> str:
        return arguments(norm_first=(self.norm_first, False))


class TransformerEncoderLayer(_Layer):
    """x beside its attention to itself, then beside two Linear: of the shape of x."""

    attentions = ("self_attn",)

    def forward(
        self,
        src: ArrayLike,
        src_mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Returns the sequence that the layer makes of src; masks as in MultiheadAttention."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, src_mask, is_causal)

        x = self._beside(1, src, attend)
        return self._beside(2, x, self._feed_forward)


class TransformerDecoderLayer(_Layer):
    """x beside its attention to itself, its attention to `memory`, and two Linear."""

    attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: ArrayLike,
        memory: ArrayLike,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Returns the sequence that the layer makes of tgt; masks as in MultiheadAttention."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, tgt_mask, tgt_is_causal)

        def look(x: Any) -> Any:
            masks = memory_key_padding_mask, memory_mask, memory_is_causal
            return self.multihead_attn(x, memory, memory, *masks)

        x = self._beside(2, self._beside(1, tgt, attend), look)
        return self._beside(3, x, self._feed_forward)


class _Stack(Module):
    """Base of encoder and decoder: copies of one layer in a row, then a norm if there is one."""

    def _copies(self, layer: Module, num_layers: int, norm: Module | None) -> None:
        positive(type(self).__name__, num_layers=num_layers)
        shared = {id(g): g for _, g in layer.named_generators()}  # else all would drop the same
        self.layers = ModuleList([copy.deepcopy(layer, dict(shared)) for _ in range(num_layers)])
        self.num_layers, self.norm = num_layers, norm

    def _through(self, x: Any, *given: Any) -> Any:
        for layer in self.layers:
            x = layer(x, *given)
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """num_layers copies of encoder_layer in a row, and `norm` at the end if it is given."""

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self._copies(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: ArrayLike,
        mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Returns the sequence that the last layer makes; every layer has the same masks."""
        return self._through(src, mask, src_key_padding_mask, is_causal)


class TransformerDecoder(_Stack):
    """num_layers copies of decoder_layer in a row, and `norm` at the end if it is given."""

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        self._copies(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: ArrayLike,
        memory: ArrayLike,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Returns the sequence that the last layer makes; every layer has the same masks."""
        return self._through(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip


class Transformer(Module):
    """An encoder of `src` and a decoder of `tgt` that attends to what the encoder made.

    Matrices start from xavier_uniform, as in torch.
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6,
        num_decoder_layers: int = 6, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: Activation = "relu", custom_encoder: Module | None = None,
        custom_decoder: Module | None = None, layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True, *,
        dtype: DTypeLike = np.float32, rng: np.random.Generator | None = None,
    ) -> None:  # fmt: skip
        rng = rng or np.random.default_rng()
        same = (
            d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
            norm_first, bias,
        )  # fmt: skip
        norms = [LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype) for _ in range(2)]
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*same, dtype=dtype, rng=rng), num_encoder_layers, norms[0]
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*same, dtype=dtype, rng=rng), num_decoder_layers, norms[1]
        )
        for p in self.parameters():
            if p.ndim > 1:
                p.data = init.xavier_uniform(p.shape, rng, dtype)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def forward(
        self,
        src: ArrayLike,
        tgt: ArrayLike,
        src_mask: ArrayLike | None = None,
        tgt_mask: ArrayLike | None = None,
        memory_mask: ArrayLike | None = None,
        src_key_padding_mask: ArrayLike | None = None,
        tgt_key_padding_mask: ArrayLike | None = None,
        memory_key_padding_mask: ArrayLike | None = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Returns the decoder's sequence, of the shape of tgt."""
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, dtype: DTypeLike = np.float32) -> np.ndarray:
        """The mask of a causal model: -inf above the diagonal, 0 elsewhere."""
        positive("generate_square_subsequent_mask", sz=sz)
        affordable("generate_square_subsequent_mask", 30_000, sz=sz)
        return np.triu(np.full((sz, sz), -np.inf, dtype), 1)
