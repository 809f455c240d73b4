"""Convolutions. Images are (batch, channels, *space), weights (out, in / groups, *kernel): torch's.

Keras keeps channels last and weights as (*kernel, in, out): np.moveaxis(x, -1, 1) and
w.transpose(3, 2, 0, 1) turn them into these.
"""

from __future__ import annotations  # np.random loads when it is used, not before

import math
from typing import Any, Unpack

from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..functions.types import ArrayLike
from . import functional as F
from .checks import Shape, Sizes, arguments, check_channels, divides, positive, sizes
from .weights import Weighted, Weights

SPACE = {1: "length", 2: "height width", 3: "depth height width"}


class Convolution(Weighted):
    """Base of the convolutions over n axes: arguments, weights and their repr."""

    n: int
    kernel_size: Shape
    stride: Shape
    padding: Any  # a tuple, 'same' or 'valid'
    dilation: Shape
    groups: int

    def _make(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Sizes | str,
        dilation: Sizes,
        groups: int,
        bias: bool,
        transposed: bool,
        **weights: Unpack[Weights],
    ) -> None:
        owner = type(self).__name__
        positive(owner, in_channels=in_channels, out_channels=out_channels, groups=groups)
        divides(owner, "in_channels", in_channels, groups)
        divides(owner, "out_channels", out_channels, groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = sizes(
            owner, self.n, kernel_size=kernel_size, stride=stride, dilation=dilation
        )
        if isinstance(padding, str):
            self._check_padding(owner, padding, transposed)
            self.padding = padding
        else:
            (self.padding,) = sizes(owner, self.n, 0, padding=padding)
        first, second = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (first, second // groups, *self.kernel_size)
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self._start(shape, (out_channels,) if bias else None, bound, **weights)

    def _check_padding(self, owner: str, padding: str, transposed: bool) -> None:
        if padding not in ("same", "valid") or transposed:
            words = "" if transposed else ", 'same' or 'valid'"
            raise ConfigError(f"{owner}: padding is {padding!r}, need an integer{words}")
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ConfigError(
                f"{owner}: padding='same' needs stride 1, got {self.stride}; give the padding as a "
                "number"
            )

    def _check_input(self, x: Any) -> None:
        check_channels(type(self).__name__, x, self.in_channels, SPACE[self.n], single=True)

    def extra_repr(self) -> str:
        one, zero = (1,) * self.n, (0,) * self.n
        return arguments(
            self.in_channels, self.out_channels, kernel_size=(self.kernel_size, None),
            stride=(self.stride, one), padding=(self.padding, zero),
            output_padding=(getattr(self, "output_padding", zero), zero),
            dilation=(self.dilation, one), groups=(self.groups, 1),
            bias=(self.bias is not None, True),
        )  # fmt: skip


class Conv1d(Convolution):
    """(batch, in, length) to (batch, out, length'): a Linear over each window, plus a bias.

    length' = (length + 2·padding - dilation·(kernel_size - 1) - 1) // stride + 1; padding="same"
    keeps the length, "valid" adds nothing. It is a cross-correlation, as everywhere. weight
    (out, in / groups, k) and bias (out,) start from U(-1/√fan_in, 1/√fan_in), torch's default,
    or from initializers (see Linear; Keras has "glorot_uniform" and "zeros").
    """

    n = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        **weights: Unpack[Weights],
    ) -> None:
        self._make(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            False,
            **weights,
        )

    def forward(self, x: ArrayLike) -> Tensor:
        self._check_input(x)
        convolve: Any = getattr(F, f"conv{self.n}d")
        return convolve(
            x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class Conv2d(Conv1d):
    """(batch, in, height, width) to (batch, out, height', width'); see Conv1d for each axis.

    Sizes are one integer for both axes or a pair.
    """

    n = 2


class Conv3d(Conv1d):
    """(batch, in, depth, height, width) to (batch, out, depth', height', width'); see Conv1d."""

    n = 3


class ConvTranspose1d(Convolution):
    """(batch, in, length) to (batch, out, length'): the transpose of a Conv1d.

    length' = (length - 1)·stride - 2·padding + dilation·(kernel_size - 1) + output_padding + 1.
    weight is (in, out / groups, k), as in torch.
    """

    n = 1

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        **weights: Unpack[Weights],
    ) -> None:
        self._make(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
            True,
            **weights,
        )
        (self.output_padding,) = sizes(
            type(self).__name__, self.n, 0, output_padding=output_padding
        )

    def forward(self, x: ArrayLike) -> Tensor:
        self._check_input(x)
        convolve: Any = getattr(F, f"conv_transpose{self.n}d")
        return convolve(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding,
            self.groups, self.dilation,
        )  # fmt: skip


class ConvTranspose2d(ConvTranspose1d):
    """(batch, in, height, width) to (batch, out, height', width'): the transpose of a Conv2d."""

    n = 2


class ConvTranspose3d(ConvTranspose1d):
    """(batch, in, depth, height, width) to (batch, out, depth', …): the transpose of a Conv3d."""

    n = 3
