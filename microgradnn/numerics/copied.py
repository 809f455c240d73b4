"""What a copy of a node has: pickle, copy and deepcopy ask here."""

import copy
import copyreg
from collections.abc import Callable
from typing import Any, NoReturn, Self

from ..errors import DTypeError, GradientError


class Copied:
    """Leaves are copied with all but their hooks, as in PyTorch; a graph by copy.copy alone."""

    __slots__ = ()
    _data: Any
    _leaf: Callable[..., None]
    describe: Callable[[], str]
    grad: Any
    op: Any
    requires_grad: bool
    scalar: bool

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if self.op is not None:
            raise GradientError(
                f"deepcopy: {self.describe()} is part of a graph; copy leaves, or .detach() first"
            )
        memo[id(self)] = out = object.__new__(type(self))
        out.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return out

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if self.op is not None:
            raise GradientError(f"pickle: {self.describe()} belongs to a graph; use .detach()")
        return copyreg.__newobj__, (type(self),), self.__getstate__()  # type: ignore[attr-defined]

    def __getstate__(self) -> tuple[Any, ...]:
        own = {name: value for name, value in vars(self).items() if name != "hooks"}
        return self._data, self.grad, self.requires_grad, own

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._data, self.grad, requires_grad, own = state
        vars(self).update(own)
        self._leaf(self._data)
        if not self.scalar:  # a Tensor says for itself whether it requires grad
            for slot, x in (("requires_grad", requires_grad), ("keeps_grad", True), ("seen", None)):
                setattr(self, slot, x)

    def __copy__(self) -> Self:
        """Another node of the same data, gradient and history."""
        if not self.scalar:
            self._lent()  # type: ignore[attr-defined]  # two share the array from now on
        out = object.__new__(type(self))
        out.__setstate__(self.__getstate__())
        kept = ("op", "params", "first", "second", "stamp") + ("keeps_grad",) * (not self.scalar)
        for slot in kept:
            setattr(out, slot, getattr(self, slot))
        return out

    @property
    def _mask(self) -> NoReturn:
        """Asked for by np.ma alone, which takes `_data` of what it meets, without the graph."""
        raise DTypeError(
            f"np.ma: a masked array and {self.describe()} do not mix; choose with np.where"
        )
