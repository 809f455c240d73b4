"""Operators and methods that are one op of the table: a + b, x.exp(), x.maximum(y)."""

from collections.abc import Callable
from typing import Any, Self

from ..errors import ForeignError
from ..signatures.element_methods import ElementMethods
from . import ops
from .op import OPS, Carrier, Op


class Elementwise(Carrier, ElementMethods):
    """What Value and Tensor can do element by element: each such op of up to two inputs.

    NumPy asks the elements of object arrays for methods named like its ufuncs, so the names are
    NumPy's: np.exp of an array of Values calls .exp() of each.
    """

    __slots__ = ()

    # fmt: off
    def __pos__(self) -> Self: return self
    def __divmod__(self, other: Any) -> tuple[Self, Self]: return self // other, self % other
    def __rdivmod__(self, other: Any) -> tuple[Self, Self]: return other // self, other % self
    # fmt: on


def _method(op: Op) -> Callable[..., Any]:
    more = op.arity - 1

    def method(self: Elementwise, *others: Any, **options: Any) -> Any:
        if len(others) != more or options:
            return op(self, *others, **options)  # refuses what it does not know
        return self.record(op, (self, *others), options)

    return method


def _with_option(op: Op, option: str) -> Callable[..., Any]:
    """The same of an op whose option may also be given by position: x.round(2)."""
    return lambda self, *given, **options: op(
        self, *given[1:], **dict(zip((option,), given, strict=False)), **options
    )


def operator(op: Op, swapped: bool = False) -> Callable[..., Any]:
    """a + b as a method of a, or swapped of b; arrays of other libraries have their own."""

    def method(self: Elementwise, other: Any) -> Any:
        try:
            return self.record(op, (other, self) if swapped else (self, other), {})
        except ForeignError:
            return NotImplemented

    return method


def _enter(name: str, method: Callable[..., Any]) -> None:
    method.__name__, method.__qualname__ = name, f"Elementwise.{name}"
    method.__doc__ = f"{name} of the table of ops, of each element; see help(mg.{name})."
    setattr(Elementwise, name, method)


for _name, _op in OPS.items():
    if _op.pointwise and _op.arity < 3 and _op not in (ops.bce, ops.bce_with_logits):
        _enter(_name, _method(_op))
for _name, _op in {
    "absolute": ops.abs, "fabs": ops.abs, "negative": ops.neg, "power": ops.pow,
    "divide": ops.div, "deg2rad": ops.radians, "rad2deg": ops.degrees, "__neg__": ops.neg,
    "__abs__": ops.abs, "__floor__": ops.floor, "__ceil__": ops.ceil, "__trunc__": ops.trunc,
}.items():  # fmt: skip
    _enter(_name, _method(_op))
for _name, _op, _option in (
    ("round", ops.round, "decimals"), ("__round__", ops.round, "decimals"),
    ("elu", ops.elu, "alpha"), ("leaky_relu", ops.leaky_relu, "negative_slope"),
    ("polygamma", ops.polygamma, "n"),
):  # fmt: skip
    _enter(_name, _with_option(_op, _option))
for _name, _op in {
    "add": ops.add, "sub": ops.sub, "mul": ops.mul, "truediv": ops.div, "pow": ops.pow,
    "mod": ops.remainder, "floordiv": ops.floor_divide,
}.items():  # fmt: skip
    _enter(f"__{_name}__", operator(_op))
    _enter(f"__r{_name}__", operator(_op, True))
