"""Upsample: a layer that makes images larger, or smaller."""

from collections.abc import Sequence

from ..engine.tensor import Tensor
from ..functions.types import ArrayLike
from . import functional as F
from .checks import arguments
from .module import Module


class Upsample(Module):
    """(batch, channels, *space) with space of the given size, or times scale_factor.

    The modes and align_corners are those of nn.functional.interpolate.
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x: ArrayLike) -> Tensor:
        return F.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return arguments(
            size=(self.size, None),
            scale_factor=(self.scale_factor, None),
            mode=(self.mode, "nearest"),
            align_corners=(self.align_corners, None),
        )
