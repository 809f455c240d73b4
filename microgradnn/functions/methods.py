"""The methods of Tensors: NumPy's array methods, which are the functions of this folder."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops
from ..engine.node import Node
from ..engine.tensor import Tensor
from ..errors import DTypeError, GradientError
from ..signatures.telling import told
from . import arrange, choosing, diagonals, elements, reduce, running, shape, splitting
from .shape import reshape

_SAME = {
    "argpartition": np.argpartition, "argsort": np.argsort, "argmax": np.argmax,
    "argmin": np.argmin, "all": np.all, "any": np.any, "nonzero": np.nonzero,
    "searchsorted": np.searchsorted,
}  # fmt: skip
"""Answered from the data: plain arrays."""

for _module, _names in {
    reduce: "sum prod mean max min ptp var std logsumexp softmax log_softmax",
    running: "cumsum cumprod",
    shape: "swapaxes squeeze ravel copy astype expand_dims broadcast_to moveaxis",
    arrange: "repeat flip roll tile",
    diagonals: "diagonal trace tril triu",
    splitting: "split unstack",
    choosing: "clip take choose take_along_axis",
    elements: "round",
}.items():
    for _name in _names.split():
        _function = getattr(_module, _name)
        setattr(Tensor, _name, told(_function))


def _plain(function: Any) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__doc__ = f"Answered from the data, plain: see np.{function.__name__}."
    method.__name__ = function.__name__
    return told(method)


for _name, _function in _SAME.items():
    setattr(Tensor, _name, _plain(_function))


def _reshape(self: Tensor, *shape: Any, order: str = "C") -> Any:
    """The same elements in another shape: reshape(2, 3), reshape((2, 3)) or reshape(-1)."""
    return reshape(self, shape[0] if len(shape) == 1 else shape, order)


def _transpose(self: Tensor, *axes: Any) -> Any:
    """The axes in another order, reversed by default; of more than two, two are exchanged.

    So x.transpose(1, 2) is NumPy's of a matrix, and PyTorch's where NumPy refuses.
    """
    if len(axes) == 2 and self.ndim > 2:
        return shape.swapaxes(self, *axes)
    given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return ops.transpose(self, axes=given or None)


def _flatten(self: Tensor, order: str = "C") -> Any:
    """All elements in one row."""
    return shape.ravel(self, order)


def _compress(self: Tensor, condition: Any, axis: int | None = None) -> Any:
    """The slices along axis where the condition is true."""
    return choosing.compress(condition, self, axis)


def _dot(self: Tensor, b: Any) -> Any:
    """np.dot(self, b)."""
    return np.dot(self, b)


def _conj(self: Tensor) -> Any:
    """The tensor itself: its numbers are real."""
    return self


def _refused(name: str, instead: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise GradientError(f"{name}: tensors are not changed in place; use {instead}")

    method.__doc__ = f"Raises GradientError: use {instead}."
    return method


_OWN: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "view": _reshape, "transpose": _transpose, "permute": _transpose,
    "flatten": _flatten, "compress": _compress, "dot": _dot, "conj": _conj, "conjugate": _conj,
    "sort": _refused("sort", "np.sort, or PyTorch's x.sort(dim=-1)"),
    "partition": _refused("partition", "np.partition"),
    "fill": _refused("fill", "np.full_like"), "put": _refused("put", "np.where"),
    "resize": _refused("resize", "np.resize"),
}  # fmt: skip
for _name, _own in _OWN.items():
    setattr(Tensor, _name, _own)

for _name, _text, _get in (
    ("real", "The tensor itself: its numbers are real.", lambda x: x),
    ("imag", "Zeros: its numbers are real.", lambda x: x.zeros()),
    ("flat", "The elements one by one, each a 0-d tensor.", lambda x: iter(shape.ravel(x))),
):
    setattr(Tensor, _name, property(_get, doc=_text))


def _format(self: Node, spec: str) -> str:
    """f"{loss:.4f}" shows the number of a Value, or of a Tensor that holds one."""
    if not spec:
        return str(self)
    data = self.data
    if isinstance(data, np.ndarray):
        if data.size != 1:
            raise DTypeError(
                f"format: {spec!r} is for one number, got a tensor of shape {data.shape}; write "
                "x.mean(), or str(x)"
            )
        data = data.item()
    return format(data, spec)


setattr(Node, "__format__", _format)  # noqa: B010  mypy refuses to assign a method


for _name in ("__init__", "requires_grad_"):
    setattr(Tensor, _name, told(getattr(Tensor, _name)))
