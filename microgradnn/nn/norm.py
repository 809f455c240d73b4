"""Normalisation: (x - mean) / √(var + eps), scaled and shifted; they differ in what is pooled."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from . import functional as F
from .checks import (
    Shape,
    Sizes,
    arguments,
    check_channels,
    check_ending,
    divides,
    positive,
    shape_of,
    sizes,
)
from .module import Module
from .parameter import Parameter


class WithScale(Module):
    """Base: weight starts at ones and bias at zeros; both are None without `affine`."""

    weight: Parameter | None
    bias: Parameter | None

    def _scale(self, shape: Shape, weight: bool, bias: bool, dtype: DTypeLike) -> None:
        self.weight = Parameter(np.ones(shape, dtype)) if weight else None
        self.bias = Parameter(np.zeros(shape, dtype)) if bias else None


class Tracked(WithScale):
    """Base of norms that remember the mean and variance of what they saw in training."""

    affine_by_default = True
    running_mean: np.ndarray | None
    running_var: np.ndarray | None
    num_batches_tracked: Any

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        owner = type(self).__name__
        positive(owner, num_features=num_features)
        if momentum is not None and not 0 <= momentum <= 1:
            raise ConfigError(f"{owner}: momentum is {momentum}, must be in [0, 1], or None")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self._scale((num_features,), affine, affine, dtype)
        start = (np.zeros(num_features, dtype), np.ones(num_features, dtype), np.zeros((), int))
        names = ("running_mean", "running_var", "num_batches_tracked")
        for name, array in zip(names, start, strict=True):
            self.register_buffer(name, array if track_running_stats else None)

    def extra_repr(self) -> str:
        return arguments(
            self.num_features, eps=(self.eps, 1e-5), momentum=(self.momentum, 0.1),
            affine=(self.affine, self.affine_by_default),
            track_running_stats=(self.track_running_stats, self.affine_by_default),
        )  # fmt: skip


class BatchNorm1d(Tracked):
    """Each channel of (batch, channels) or (batch, channels, length) standardised over all else.

    In training by the batch's own mean and biased variance; meanwhile the buffers move:
    running += momentum · (batch - running), with the unbiased variance (momentum=None: their mean
    over all batches). With eval() by the buffers. (Ioffe and Szegedy 2015; torch's defaults.)

    Keras' BatchNormalization is momentum = 1 - its momentum of 0.99, eps=1e-3, and a running
    variance that is biased: (n - 1) / n of this one for n values in each channel of a batch.
    """

    def forward(self, x: ArrayLike) -> Tensor:
        self._check_input(x)
        own = self.training or self.running_mean is None
        moving = self.training and self.running_mean is not None
        share = self._share() if moving else 0.0
        kept = self.running_mean, self.running_var
        return F.batch_norm(x, *kept, self.weight, self.bias, own, share, self.eps)

    def _share(self) -> float:
        """How much of the running statistics this batch is, which is counted."""
        self.num_batches_tracked += 1
        return 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum

    def _check_input(self, x: Any) -> None:
        shape, c = shape_of(x), self.num_features
        if len(shape) not in (2, 3) or shape[1] != c:
            hint = "; use nn.BatchNorm2d" if len(shape) == 4 else ""
            raise ShapeError(
                f"BatchNorm1d: input has shape {shape}, expected (batch, {c}) or "
                f"(batch, {c}, length){hint}"
            )


class BatchNorm2d(BatchNorm1d):
    """Each channel of (batch, channels, height, width) standardised; see BatchNorm1d."""

    def _check_input(self, x: Any) -> None:
        check_channels("BatchNorm2d", x, self.num_features, "height width", single=False)


class BatchNorm3d(BatchNorm1d):
    """Each channel of (batch, channels, depth, height, width) standardised; see BatchNorm1d."""

    def _check_input(self, x: Any) -> None:
        check_channels("BatchNorm3d", x, self.num_features, "depth height width", single=False)


class InstanceNorm1d(Tracked):
    """Each channel of each sample of (batch, channels, length) standardised over its space.

    (Ulyanov et al. 2016.) No weight, no bias and no running statistics unless asked, as in torch.
    """

    affine_by_default = False
    space = "length"

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype=dtype)

    def forward(self, x: ArrayLike) -> Tensor:
        check_channels(type(self).__name__, x, self.num_features, self.space, single=False)
        own = self.training or self.running_mean is None
        share = self.momentum or 0.0
        return F.instance_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, own, share, self.eps
        )


class InstanceNorm2d(InstanceNorm1d):
    """Each channel of each sample of (batch, channels, height, width) standardised."""

    space = "height width"


class InstanceNorm3d(InstanceNorm1d):
    """Each channel of each sample of (batch, channels, depth, height, width) standardised."""

    space = "depth height width"


class GroupNorm(WithScale):
    """Groups of channels of each sample of (batch, channels, …) standardised (Wu and He 2018)."""

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        positive("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        divides("GroupNorm", "channels", num_channels, num_groups)
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self._scale((num_channels,), affine, affine, dtype)

    def forward(self, x: ArrayLike) -> Tensor:
        shape, c = shape_of(x), self.num_channels
        if len(shape) < 2 or shape[1] != c:
            raise ShapeError(f"GroupNorm: input has shape {shape}, expected (batch, {c}, ...)")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = (self.weight is not None, True)
        return arguments(self.num_groups, self.num_channels, eps=(self.eps, 1e-5), affine=affine)


class LayerNorm(WithScale):
    """The last axes, of lengths normalized_shape, standardised (Ba et al. 2016).

    An integer stands for one axis. Keras has eps=1e-3.
    """

    def __init__(
        self,
        normalized_shape: Sizes,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape, self.eps = _ending("LayerNorm", normalized_shape), eps
        affine = elementwise_affine
        self._scale(self.normalized_shape, affine, affine and bias, dtype)

    def forward(self, x: ArrayLike) -> Tensor:
        check_ending("LayerNorm", x, self.normalized_shape)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        affine = (self.weight is not None, True)
        bias = (self.bias is not None, self.weight is not None)
        return arguments(
            self.normalized_shape, eps=(self.eps, 1e-5), elementwise_affine=affine, bias=bias
        )


class RMSNorm(WithScale):
    """x / √(mean(x²) + eps) · weight over the last axes (Zhang and Sennrich 2019).

    eps=None is the spacing of the dtype at 1, as in torch.
    """

    def __init__(
        self,
        normalized_shape: Sizes,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.normalized_shape, self.eps = _ending("RMSNorm", normalized_shape), eps
        self._scale(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: ArrayLike) -> Tensor:
        check_ending("RMSNorm", x, self.normalized_shape)
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        affine = (self.weight is not None, True)
        return arguments(self.normalized_shape, eps=(self.eps, None), elementwise_affine=affine)


def _ending(owner: str, normalized_shape: Sizes) -> Shape:
    n = 1 if isinstance(normalized_shape, (int, np.integer)) else len(normalized_shape)
    return sizes(owner, max(n, 1), normalized_shape=normalized_shape)[0]
