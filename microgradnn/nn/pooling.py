"""Pooling: the maximum or the mean of each window of (batch, channels, *space)."""

from collections.abc import Sequence
from typing import Any

from ..engine.tensor import Tensor
from ..errors import ConfigError
from ..functions.types import ArrayLike
from . import functional as F
from .checks import Shape, Sizes, arguments, check_channels, is_integer, sizes
from .conv import SPACE
from .module import Module


class Pool(Module):
    """Base of pooling over n axes: the windows."""

    n: int
    kernel_size: Shape
    stride: Shape
    padding: Shape

    def _windows(self, kernel_size: Sizes, stride: Sizes | None, padding: Sizes) -> None:
        owner = type(self).__name__
        self.kernel_size, self.stride = sizes(
            owner, self.n, kernel_size=kernel_size, stride=kernel_size if stride is None else stride
        )
        (self.padding,) = sizes(owner, self.n, 0, padding=padding)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ConfigError(
                f"{owner}: padding {self.padding} is more than half of kernel_size "
                f"{self.kernel_size}"
            )

    def _check_input(self, x: Any) -> None:
        check_channels(type(self).__name__, x, None, SPACE[self.n], single=True)

    def _repr(self, **options: tuple[Any, Any]) -> str:
        zero = (0,) * self.n
        return arguments(
            kernel_size=(self.kernel_size, None), stride=(self.stride, self.kernel_size),
            padding=(self.padding, zero), **options,
        )  # fmt: skip


class MaxPool1d(Pool):
    """The maximum of each window of (batch, channels, length); of ties the first gets the gradient.

    length' = (length + 2·padding - dilation·(kernel_size - 1) - 1) // stride + 1, rounded up with
    ceil_mode. stride is kernel_size by default; padding never wins.
    """

    n = 1

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        ceil_mode: bool = False,
    ) -> None:
        self._windows(kernel_size, stride, padding)
        (self.dilation,) = sizes(type(self).__name__, self.n, dilation=dilation)
        self.ceil_mode = ceil_mode

    def forward(self, x: ArrayLike) -> Tensor:
        self._check_input(x)
        pool: Any = getattr(F, f"max_pool{self.n}d")
        return pool(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)

    def extra_repr(self) -> str:
        one = (1,) * self.n
        return self._repr(dilation=(self.dilation, one), ceil_mode=(self.ceil_mode, False))


class MaxPool2d(MaxPool1d):
    """The maximum of each window of (batch, channels, height, width); see MaxPool1d."""

    n = 2


class MaxPool3d(MaxPool1d):
    """The maximum of each window of (batch, channels, depth, height, width); see MaxPool1d."""

    n = 3


class AvgPool1d(Pool):
    """The mean of each window of (batch, channels, length); see MaxPool1d for its length.

    Padding counts as zeros unless count_include_pad is False, as it is in Keras.
    """

    n = 1

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self._windows(kernel_size, stride, padding)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad

    def forward(self, x: ArrayLike) -> Tensor:
        self._check_input(x)
        pool: Any = getattr(F, f"avg_pool{self.n}d")
        return pool(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        counted = (self.count_include_pad, True)
        return self._repr(ceil_mode=(self.ceil_mode, False), count_include_pad=counted)


class AvgPool2d(AvgPool1d):
    """The mean of each window of (batch, channels, height, width); see AvgPool1d."""

    n = 2


class AvgPool3d(AvgPool1d):
    """The mean of each window of (batch, channels, depth, height, width); see AvgPool1d."""

    n = 3


class AdaptiveAvgPool1d(Module):
    """The means of as many windows as give (batch, channels, output_size), of nearly equal size.

    An output_size of 1 gives the mean of each channel; None keeps the length of an axis.
    """

    n, kind = 1, "avg"

    def __init__(self, output_size: int | None | Sequence[int | None]) -> None:
        several = isinstance(output_size, (tuple, list))
        given: Any = output_size if several else (output_size,) * self.n
        if len(given) != self.n or not all(k is None or (is_integer(k) and k > 0) for k in given):
            many = ("", ", or two of them", ", or three of them")[self.n - 1]
            raise ConfigError(
                f"{type(self).__name__}: output_size is {output_size!r}, need a positive integer "
                f"or None{many}"
            )
        self.output_size = tuple(given)

    def forward(self, x: ArrayLike) -> Tensor:
        check_channels(type(self).__name__, x, None, SPACE[self.n], single=True)
        pool: Any = getattr(F, f"adaptive_{self.kind}_pool{self.n}d")
        return pool(x, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(AdaptiveAvgPool1d):
    """The means of windows that give (batch, channels, *output_size); see AdaptiveAvgPool1d."""

    n = 2


class AdaptiveAvgPool3d(AdaptiveAvgPool1d):
    """The means of windows that give (batch, channels, *output_size); see AdaptiveAvgPool1d."""

    n = 3


class AdaptiveMaxPool1d(AdaptiveAvgPool1d):
    """The maxima of windows that give (batch, channels, output_size); see AdaptiveAvgPool1d."""

    kind = "max"


class AdaptiveMaxPool2d(AdaptiveMaxPool1d):
    """The maxima of windows that give (batch, channels, *output_size); see AdaptiveAvgPool1d."""

    n = 2


class AdaptiveMaxPool3d(AdaptiveMaxPool1d):
    """The maxima of windows that give (batch, channels, *output_size); see AdaptiveAvgPool1d."""

    n = 3
