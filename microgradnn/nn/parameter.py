"""Parameter: a Tensor that is trained, or frozen."""

from __future__ import annotations

from numpy.typing import DTypeLike

from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import GradientError
from ..functions.types import ArrayLike, DType


class Parameter(Tensor):
    """A Tensor that requires grad and that a Module counts among its parameters.

    With requires_grad=False, or after p.requires_grad_(False), it is frozen: it stays a parameter,
    gets no gradient, and optimisers pass it by.
    """

    __slots__ = ()

    def __init__(
        self,
        data: ArrayLike,
        dtype: DType = None,
        name: str | None = None,
        requires_grad: bool = True,
    ) -> None:
        if isinstance(data, Tensor) and data.op is not None:
            raise GradientError(
                f"Parameter: {data.describe()} has a history that would be lost; use .data"
            )
        super().__init__(plain(data), dtype, requires_grad=requires_grad, name=name)

    def requires_grad_(self, requires_grad: bool = True) -> Parameter:
        """self, frozen or not; what is frozen forgets its gradient."""
        super().requires_grad_(requires_grad)
        if not requires_grad:
            self.grad = None
        return self

    def recast(self, dtype: DTypeLike) -> None:
        """Converts the array, and the gradient if there is one, to another dtype."""
        if self._data.dtype != dtype:
            self._data = self._data.astype(dtype)
            self.data = self._data  # marks the graphs that used it as out of date
            self.grad = None if self.grad is None else plain(self.grad).astype(dtype)
