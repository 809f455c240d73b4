"""Layers with a matrix: Linear, Bilinear, Embedding. Weights are stored (in, out), as in Keras."""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Unpack

import numpy as np
from numpy.typing import DTypeLike

from ..engine import ops
from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from . import functional as F
from . import init, regularizers
from .checks import arguments, check_features, is_integer, positive, shape_of
from .init import Initializer
from .module import Module
from .parameter import Parameter
from .regularizers import Regularizer
from .weights import Weighted, Weights


class Linear(Weighted):
    """x @ weight + bias: (..., in_features) to (..., out_features).

    weight (in, out) and bias (out,) are drawn from U(-1/√in, 1/√in), torch's default, or as the
    options say: kernel_initializer, bias_initializer, kernel_regularizer, dtype, rng (see
    nn.weights.Weights). Keras' Dense starts from "glorot_uniform" and "zeros".
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        **weights: Unpack[Weights],
    ) -> None:
        positive("Linear", in_features=in_features, out_features=out_features)
        self.in_features, self.out_features = in_features, out_features
        self._start(
            (in_features, out_features),
            (out_features,) if bias else None,
            1 / math.sqrt(in_features),
            **weights,
        )

    def forward(self, x: ArrayLike) -> Tensor:
        """Returns x @ weight + bias."""
        check_features("Linear", x, self.in_features)
        if self.bias is None:
            return ops.matmul(x, self.weight)
        return ops.affine(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return arguments(self.in_features, self.out_features, bias=(self.bias is not None, True))


class Bilinear(Weighted):
    """x₁ᵀ·W·x₂ + b for each W: (..., in1) and (..., in2) to (..., out).

    weight (out, in1, in2) and bias (out,) are drawn from U(-1/√in1, 1/√in1), as in torch.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        **weights: Unpack[Weights],
    ) -> None:
        given = dict(
            in1_features=in1_features, in2_features=in2_features, out_features=out_features
        )
        positive("Bilinear", **given)
        self.in1_features, self.in2_features = in1_features, in2_features
        self.out_features = out_features
        self._start(
            (out_features, in1_features, in2_features),
            (out_features,) if bias else None,
            1 / math.sqrt(in1_features),
            **weights,
        )

    def forward(self, x1: ArrayLike, x2: ArrayLike) -> Tensor:
        """Returns the output for x1 and x2, which are alike but for the last axis."""
        check_features("Bilinear", x1, self.in1_features)
        check_features("Bilinear", x2, self.in2_features)
        if shape_of(x1)[:-1] != shape_of(x2)[:-1]:
            raise ShapeError(
                f"Bilinear: inputs of shapes {shape_of(x1)} and {shape_of(x2)} differ before the "
                "last axis"
            )
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = self.in1_features, self.in2_features, self.out_features
        return arguments(*sizes, bias=(self.bias is not None, True))


class Embedding(Module):
    """The rows of weight (num_embeddings, embedding_dim) at integer indices.

    (...) integers to (..., embedding_dim). Drawn from N(0, 1), as in torch. The row padding_idx
    starts at 0 and gets no gradient.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        kernel_initializer: Initializer = "normal",
        kernel_regularizer: Regularizer | None = None,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        n = num_embeddings
        positive("Embedding", num_embeddings=n, embedding_dim=embedding_dim)
        if padding_idx is not None and not (is_integer(padding_idx) and -n <= padding_idx < n):
            raise ConfigError(f"Embedding: padding_idx is {padding_idx!r}, need {-n} to {n - 1}")
        self.num_embeddings, self.embedding_dim = n, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % n
        start = init.draw(
            "Embedding", "kernel_initializer", kernel_initializer, (n, embedding_dim),
            rng or np.random.default_rng(), dtype,
        )  # fmt: skip
        if padding_idx is not None:
            start = np.where((np.arange(n) == self.padding_idx)[:, None], 0, start)
        self.weight = Parameter(start, dtype)
        self.kernel_regularizer = regularizers.checked(
            "Embedding", "kernel_regularizer", kernel_regularizer
        )

    def forward(self, indices: ArrayLike) -> Tensor:
        """Returns the rows at the indices."""
        return F.embedding(indices, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        sizes = self.num_embeddings, self.embedding_dim
        return arguments(*sizes, padding_idx=(self.padding_idx, None))


class EmbeddingBag(Embedding):
    """The sum, mean or maximum of the rows of each bag of integers: see F.embedding_bag.

    (bags, length), or (n,) with offsets, to (bags, embedding_dim).
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        mode: str = "mean",
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        *,
        kernel_initializer: Initializer = "normal",
        kernel_regularizer: Regularizer | None = None,
        dtype: DTypeLike = np.float32,
        rng: np.random.Generator | None = None,
    ) -> None:
        if mode not in ("sum", "mean", "max"):
            raise ConfigError(f"EmbeddingBag: mode is {mode!r}, need 'sum', 'mean' or 'max'")
        super().__init__(
            num_embeddings,
            embedding_dim,
            padding_idx,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            dtype=dtype,
            rng=rng,
        )
        self.mode, self.include_last_offset = mode, include_last_offset

    def forward(
        self,
        indices: ArrayLike,
        offsets: ArrayLike | None = None,
        per_sample_weights: ArrayLike | None = None,
    ) -> Tensor:
        """Returns a row for each bag."""
        return F.embedding_bag(
            indices,
            self.weight,
            offsets,
            mode=self.mode,
            per_sample_weights=per_sample_weights,
            include_last_offset=self.include_last_offset,
            padding_idx=self.padding_idx,
        )

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, mode={self.mode!r}"
