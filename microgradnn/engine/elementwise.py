"""Operators and methods that are one op of the table: a + b, x.exp(), x.maximum(y)."""

from typing import Any, Self

from . import ops
from .op import Carrier

# fmt: off


class Elementwise(Carrier):
    """What Value and Tensor can do element by element.

    NumPy asks the elements of object arrays for methods named like its ufuncs, so the names are
    NumPy's: np.exp of an array of Values calls .exp() of each.
    """

    __slots__ = ()

    def __add__(self, other: Any) -> Self: return ops.add(self, other)
    def __radd__(self, other: Any) -> Self: return ops.add(other, self)
    def __sub__(self, other: Any) -> Self: return ops.sub(self, other)
    def __rsub__(self, other: Any) -> Self: return ops.sub(other, self)
    def __mul__(self, other: Any) -> Self: return ops.mul(self, other)
    def __rmul__(self, other: Any) -> Self: return ops.mul(other, self)
    def __truediv__(self, other: Any) -> Self: return ops.div(self, other)
    def __rtruediv__(self, other: Any) -> Self: return ops.div(other, self)
    def __pow__(self, other: Any) -> Self: return ops.pow(self, other)
    def __rpow__(self, other: Any) -> Self: return ops.pow(other, self)
    def __mod__(self, other: Any) -> Self: return ops.remainder(self, other)
    def __rmod__(self, other: Any) -> Self: return ops.remainder(other, self)
    def __floordiv__(self, other: Any) -> Self: return ops.floor_divide(self, other)
    def __rfloordiv__(self, other: Any) -> Self: return ops.floor_divide(other, self)
    def __divmod__(self, other: Any) -> tuple[Self, Self]: return self // other, self % other
    def __rdivmod__(self, other: Any) -> tuple[Self, Self]: return other // self, other % self
    def __neg__(self) -> Self: return ops.neg(self)
    def __pos__(self) -> Self: return self
    def __abs__(self) -> Self: return ops.abs(self)
    def __floor__(self) -> Self: return ops.floor(self)
    def __ceil__(self) -> Self: return ops.ceil(self)
    def __trunc__(self) -> Self: return ops.trunc(self)
    def __round__(self, ndigits: int = 0) -> Self: return ops.round(self, decimals=ndigits)

    def abs(self) -> Self: return ops.abs(self)
    def absolute(self) -> Self: return ops.abs(self)
    def add(self, other: Any) -> Self: return ops.add(self, other)
    def arccos(self) -> Self: return ops.arccos(self)
    def arccosh(self) -> Self: return ops.arccosh(self)
    def arcsin(self) -> Self: return ops.arcsin(self)
    def arcsinh(self) -> Self: return ops.arcsinh(self)
    def arctan(self) -> Self: return ops.arctan(self)
    def arctan2(self, other: Any) -> Self: return ops.arctan2(self, other)
    def arctanh(self) -> Self: return ops.arctanh(self)
    def cbrt(self) -> Self: return ops.cbrt(self)
    def ceil(self) -> Self: return ops.ceil(self)
    def copysign(self, other: Any) -> Self: return ops.copysign(self, other)
    def cos(self) -> Self: return ops.cos(self)
    def cosh(self) -> Self: return ops.cosh(self)
    def deg2rad(self) -> Self: return ops.radians(self)
    def degrees(self) -> Self: return ops.degrees(self)
    def div(self, other: Any) -> Self: return ops.div(self, other)
    def divide(self, other: Any) -> Self: return ops.div(self, other)
    def elu(self, alpha: Any = 1.0) -> Self: return ops.elu(self, alpha=alpha)
    def erf(self) -> Self: return ops.erf(self)
    def erfc(self) -> Self: return ops.erfc(self)
    def exp(self) -> Self: return ops.exp(self)
    def exp2(self) -> Self: return ops.exp2(self)
    def expm1(self) -> Self: return ops.expm1(self)
    def fabs(self) -> Self: return ops.abs(self)
    def floor(self) -> Self: return ops.floor(self)
    def floor_divide(self, other: Any) -> Self: return ops.floor_divide(self, other)
    def fmax(self, other: Any) -> Self: return ops.fmax(self, other)
    def fmin(self, other: Any) -> Self: return ops.fmin(self, other)
    def fmod(self, other: Any) -> Self: return ops.fmod(self, other)
    def heaviside(self, other: Any) -> Self: return ops.heaviside(self, other)
    def hypot(self, other: Any) -> Self: return ops.hypot(self, other)
    def ldexp(self, n: Any) -> Self: return ops.ldexp(self, n)
    def leaky_relu(self, negative_slope: Any = 0.01) -> Self:
        return ops.leaky_relu(self, negative_slope=negative_slope)
    def log(self) -> Self: return ops.log(self)
    def log10(self) -> Self: return ops.log10(self)
    def log1p(self) -> Self: return ops.log1p(self)
    def log2(self) -> Self: return ops.log2(self)
    def logaddexp(self, other: Any) -> Self: return ops.logaddexp(self, other)
    def logaddexp2(self, other: Any) -> Self: return ops.logaddexp2(self, other)
    def maximum(self, other: Any) -> Self: return ops.maximum(self, other)
    def minimum(self, other: Any) -> Self: return ops.minimum(self, other)
    def mul(self, other: Any) -> Self: return ops.mul(self, other)
    def nan_to_num(self, **to: Any) -> Self: return ops.nan_to_num(self, **to)
    def neg(self) -> Self: return ops.neg(self)
    def negative(self) -> Self: return ops.neg(self)
    def pow(self, other: Any) -> Self: return ops.pow(self, other)
    def power(self, other: Any) -> Self: return ops.pow(self, other)
    def rad2deg(self) -> Self: return ops.degrees(self)
    def radians(self) -> Self: return ops.radians(self)
    def reciprocal(self) -> Self: return ops.reciprocal(self)
    def relu(self) -> Self: return ops.relu(self)
    def relu6(self) -> Self: return ops.relu6(self)
    def remainder(self, other: Any) -> Self: return ops.remainder(self, other)
    def rint(self) -> Self: return ops.rint(self)
    def round(self, decimals: int = 0) -> Self: return ops.round(self, decimals=decimals)
    def sigmoid(self) -> Self: return ops.sigmoid(self)
    def sign(self) -> Self: return ops.sign(self)
    def sin(self) -> Self: return ops.sin(self)
    def sinc(self) -> Self: return ops.sinc(self)
    def sinh(self) -> Self: return ops.sinh(self)
    def softplus(self) -> Self: return ops.softplus(self)
    def sqrt(self) -> Self: return ops.sqrt(self)
    def square(self) -> Self: return ops.square(self)
    def sub(self, other: Any) -> Self: return ops.sub(self, other)
    def tan(self) -> Self: return ops.tan(self)
    def tanh(self) -> Self: return ops.tanh(self)
    def trunc(self) -> Self: return ops.trunc(self)
    def xlogy(self, other: Any) -> Self: return ops.xlogy(self, other)


for _name, _method in vars(Elementwise).items():
    if not _name.startswith("_"):
        _method.__doc__ = f"{_name} of the table of ops, of each element; see help(mg.{_name})."
