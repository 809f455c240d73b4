"""How the value of an op is computed: on numbers, on arrays, on arrays of other objects."""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from ..errors import RAW, DTypeError, ForeignError, MicrogradError, RuleError, ShapeError
from .numbers import PLAIN

ARRAYS = (np.ndarray, np.generic)
NO_PARAMS: MappingProxyType[str, Any] = MappingProxyType({})
_OPERATORS = (np.add, np.subtract, np.multiply, np.negative, np.divide)


class Forward:
    """A function with a kernel for single numbers and one for arrays; nothing is recorded."""

    def __init__(
        self,
        name: str,
        number: Callable[..., Any] | None,
        array: Callable[..., Any],
        pointwise: bool,
    ) -> None:
        self.name, self.pointwise = name, pointwise
        self.number, self.array = number, array  # number: None where only arrays make sense
        # Whether objects are computed one by one; NumPy's loops are right for the operators.
        self.by_element = pointwise and array not in _OPERATORS

    def compute(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on raw numbers or arrays."""
        try:
            if self.number is None:
                xs = [x if isinstance(x, ARRAYS) else np.asarray(x) for x in xs]
                return self.on_arrays(xs, params)
            for x in xs:
                if type(x) not in PLAIN and isinstance(x, (*ARRAYS, list, tuple)):
                    return self.on_arrays(xs, params)
        except MicrogradError:
            raise
        except RAW as error:
            raise self.refusal(xs, error) from error
        return self.on_numbers(xs, params)

    def settled(self, y: Any, xs: Any, params: Any) -> Any:
        """y, from the array kernel, as an array; made of objects, it is computed one by one."""
        if self.by_element and not (isinstance(y, np.generic) and y.dtype.char != "O"):
            return self.on_arrays(xs, params)
        return y if isinstance(y, ARRAYS) else np.asarray(y)

    def on_arrays(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on arrays; on arrays of objects one by one.

        NumPy's loops over objects would round an mpf through float, or stop where IEEE has inf.
        """
        if self.pointwise and any(isinstance(x, np.ndarray) and x.dtype.char == "O" for x in xs):
            one = np.frompyfunc(lambda *v: self.on_numbers(v, params), len(xs), 1)
            return np.asarray(one(*xs))
        y = self.array(*xs, **params)
        return y if isinstance(y, ARRAYS) else np.asarray(y)  # an object out of its array

    def second_try(self, xs: Any, params: Any, error: Exception) -> Any:
        """The value on objects for which the array kernel raised `error`: NumPy has no loop.

        Raises our own error, with the shapes, where they cannot be computed one by one either.
        """
        try:
            return self.on_arrays(xs, params)
        except RAW as again:
            raise self.refusal(xs, again) from error

    def refusal(self, xs: Any, error: Exception) -> Exception:
        """Our own error for one of the kernels."""
        if isinstance(error, MicrogradError):
            return error if ": " in str(error) else type(error)(f"{self.name}: {error}")
        if not isinstance(error, ValueError) or not all(map(_regular, xs)):
            kinds = " and ".join(type(x).__name__ for x in xs)
            return DTypeError(f"{self.name}: got {kinds}, need arrays or numbers ({error})")
        if "negative integer powers" in str(error):
            return DTypeError(
                f"{self.name}: an integer to a negative power is no integer; make it float"
            )
        shapes = [np.shape(x) for x in xs]
        if self.name == "matmul" and min(map(len, shapes)) > 0:
            (a, b), inner = shapes, -2 if len(shapes[1]) > 1 else -1
            if a[-1] != b[inner]:
                return ShapeError(
                    f"matmul: shapes {a} and {b} do not align ({a[-1]} != {b[inner]})"
                )
        return ShapeError(f"{self.name}: inputs of shapes {', '.join(map(str, shapes))}: {error}")

    def on_numbers(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on single numbers, following IEEE where Python raises: 1/0 = inf.

        Every other number type (Fraction, mpf, arb, longdouble, Value) is handled by the number
        kernel through its own operators and methods.
        """
        if self.number is None:
            raise RuleError(f"{self.name}: works on arrays, got single numbers; use Tensor")
        try:
            return self.number(*xs, **params)
        except (ArithmeticError, ValueError):
            return self._as_ieee(xs, params)
        except DTypeError:
            raise
        except (TypeError, AttributeError) as error:
            if all(hasattr(type(x), "__mul__") and not hasattr(type(x), "__len__") for x in xs):
                raise DTypeError(f"{self.name}: {error}") from error  # types that do not mix
            raise self._no_numbers(xs) from error

    def _no_numbers(self, xs: Any) -> DTypeError:
        kinds = " and ".join(type(x).__name__ for x in xs)
        return DTypeError(f"{self.name}: got {kinds}, need numbers")

    def _as_ieee(self, xs: Any, params: Any) -> Any:
        if any(hasattr(type(x), "__len__") for x in xs):
            raise self._no_numbers(xs)
        with np.errstate(all="ignore"):
            y = float(self.array(*map(_rounded, xs), **params))
        for x in xs:
            if type(x) not in PLAIN:
                try:
                    return type(x)(y)
                except (TypeError, ValueError, OverflowError):  # no infinite fractions
                    pass
        return y


def ordinary(name: str, x: Any) -> Any:
    """x; of an array of another class that means the same, the plain array.

    Raises DTypeError for a masked array and np.matrix, and ForeignError for other libraries'.
    """
    if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
        if isinstance(x, np.ma.MaskedArray):
            raise DTypeError(
                f"{name}: got a masked array, whose mask would be lost; choose with np.where, or "
                "pass x.filled(...)"
            )
        if isinstance(x, np.matrix):
            raise DTypeError(
                f"{name}: got np.matrix, whose * is a matrix product; pass np.asarray(x)"
            )
        return x.view(np.ndarray)
    kind = type(x)
    if hasattr(kind, "__array_priority__") and not isinstance(x, ARRAYS):
        raise ForeignError(f"{name}: got {kind.__name__}, need an array; pass np.asarray(x)")
    return x


def real_array(name: str, data: Any, dtype: Any) -> np.ndarray:
    """A new array of data. Raises DTypeError for masked arrays and complex numbers."""
    x = np.array(ordinary(name, data) if isinstance(data, np.ndarray) else data, dtype)
    if x.dtype.kind == "c":
        raise complex_numbers(name)
    return x


def _rounded(x: Any) -> np.float64:
    """x as a float; of an integer beyond its range, an infinity."""
    try:
        return np.float64(x)
    except OverflowError:
        return np.float64(math.copysign(math.inf, x > 0 or -1))


def _regular(x: Any) -> bool:
    """Whether it has a shape: all rows of it are equally long."""
    try:
        np.shape(x)
    except (ValueError, RecursionError):
        return False
    return True


def complex_numbers(what: str) -> DTypeError:
    """The error for an array of complex numbers."""
    return DTypeError(
        f"{what}: complex numbers are out of scope; keep the real and imaginary parts as two "
        "tensors"
    )
