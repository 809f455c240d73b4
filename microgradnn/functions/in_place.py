"""`w -= 0.1 * w.grad`: a leaf that requires grad is changed inside no_grad(), refused outside.

Anything else with such an operator is as in plain Python: `h += 1` is h = h + 1, a new tensor.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import Argument, plain
from ..engine.op import Op
from ..engine.tensor import Tensor
from ..errors import DTypeError, GradientError, ShapeError
from ..numerics.recording import recording

OPERATORS = {
    "add": ("+=", ops.add), "sub": ("-=", ops.sub), "mul": ("*=", ops.mul),
    "truediv": ("/=", ops.div), "floordiv": ("//=", ops.floor_divide),
    "mod": ("%=", ops.remainder), "pow": ("**=", ops.pow), "matmul": ("@=", ops.matmul),
}  # fmt: skip


def _operator(sign: str, op: Op) -> Callable[[Tensor, Any], Any]:
    def change(self: Tensor, other: Any) -> Any:
        """self with new data; NotImplemented, so that Python makes a new tensor, unless a leaf."""
        if self.op is not None or not self.requires_grad or isinstance(self.name, Argument):
            return NotImplemented
        if recording.on:
            name = self.name or "w"
            raise GradientError(
                f"{sign}: {self.describe()} is a leaf that requires grad, and its history would "
                f"begin with the change; to update it, write with mg.no_grad(): {name} {sign} ...; "
                f"for a new tensor, {name} = {name} {sign[:-1]} ..."
            )
        _update(self, sign, plain(op(self, other)))
        return self

    return change


def _update(leaf: Tensor, sign: str, y: np.ndarray) -> None:
    if y.shape != leaf.shape:
        raise ShapeError(
            f"{sign}: the result has shape {y.shape}, the tensor {leaf.shape}; "
            "an update keeps the shape"
        )
    try:
        np.copyto(leaf._data, y, casting="same_kind")
    except TypeError as error:
        raise DTypeError(f"{sign}: dtype {y.dtype} does not fit {leaf.dtype}") from error
    leaf.data = leaf._data  # notes that it has changed


for _name, (_sign, _op) in OPERATORS.items():
    setattr(Tensor, f"__i{_name}__", _operator(_sign, _op))
