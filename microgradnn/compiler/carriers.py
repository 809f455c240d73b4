"""What stands for the arguments while a function is traced: TracedTensor and TracedValue.

They are Tensor and Value with one difference: every op on them, every comparison, and every
function of NumPy becomes an instruction of the program, with or without a gradient. So their
`.data` is traced too, and nothing that is computed from an argument can slip into the program as a
constant. What would need the number itself (float(x), `if x > 0:`) is refused, and the error names
the line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..engine.elementwise import Elementwise
from ..engine.op import OPS, UFUNCS, Op
from ..engine.protocol import FUNCTIONS, PLAIN
from ..engine.tensor import Tensor
from ..engine.value import Value
from ..errors import TraceError
from ..functions.in_place import OPERATORS
from ..numerics.wrapped import USED
from ..transforms.code_lines import users_place
from .program import Variable

COMPARISONS = {
    "__lt__": "less", "__le__": "less_equal", "__gt__": "greater", "__ge__": "greater_equal",
    "__eq__": "equal", "__ne__": "not_equal", "__and__": "logical_and", "__or__": "logical_or",
    "__xor__": "logical_xor",
}  # fmt: skip
# Answered by the shape, which belongs to the program.
_BY_SHAPE = {np.shape: lambda x: x.shape, np.ndim: lambda x: x.ndim, np.size: lambda x: x.size}


class Carried:
    """What both have: the trace, the variable of the program, and what it was in the trace."""

    trace: Any
    variable: Variable
    concrete: Any
    requires_grad: bool
    theirs = False  # whether it stands for an array that others hold
    wanted = False  # whether the gradient by it is asked for
    buffer = False  # whether it stands for an array of a module, which is changed in place

    def _bare(self) -> Any:
        """The same variable without a history: what `.data` is, and what functions call plain."""
        tracked = self.requires_grad or getattr(self, "op", None) is not None
        return self._now() if tracked else self

    def _now(self) -> Any:
        """What it is now, which stays so if it is changed in place."""
        bare = self.trace.carrier(self.variable, self.concrete, False)
        bare.theirs, bare.wanted = self.theirs, self.wanted
        return bare

    def _refused(self, what: str, instead: str) -> NoReturn:
        place = users_place()
        raise TraceError(
            f"compile: {what} of a traced {'number' if isinstance(self, Value) else 'array'} in "
            f"line {place.line}, `{place.source}`: a compiled program cannot depend on one number; "
            f"{instead}"
        )

    def __bool__(self) -> bool:
        return self.trace.truth(self)

    def __float__(self) -> float:
        self._refused("float()", "write mg.exp(x) in the place of math.exp(x)")

    def __int__(self) -> int:
        self._refused("int()", "pass the integer as an argument of its own")

    def __index__(self) -> int:
        self._refused("the index", "pass the integer as an argument of its own")

    def item(self) -> Any:
        if self.trace.part == "update":  # of the optimiser's rule
            return self.trace.number(self)
        self._refused(".item()", "return the array, and take .item() outside")

    def tolist(self) -> Any:
        self._refused(".tolist()", "return the array, and take .tolist() outside")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self._refused("np.asarray()", "use functions of NumPy that microgradnn has too")

    def detach(self) -> Any:
        return self._bare()

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        v = self.variable
        return f"<traced {v.name or 'result'} {v.shape} {v.dtype or 'number'}>"


def _comparison(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Carried, other: Any) -> Any:
        return self.trace.call(f"np.{name}", getattr(np, name), (self, other), {})

    return method


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Carried, other: Any) -> Any:
        return self.trace.call(f"np.{name}", getattr(np, name), (other, self), {})

    return method


def _invert(self: Carried) -> Any:
    return self.trace.call("np.logical_not", np.logical_not, (self,), {})


def _record(op: Op, xs: tuple[Any, ...], params: Any) -> Any:
    for x in (*xs, *params.values()):
        if isinstance(x, Carried):
            return x.trace.record(op, xs, dict(params))
    raise AssertionError(op)


class TracedTensor(Carried, Tensor):
    """A Tensor of a trace; `concrete` is the array that it was."""

    __slots__ = ()
    record = staticmethod(_record)
    _data = property(Carried._bare)
    data = property(Carried._bare)
    dtype = property(lambda self: self.concrete.dtype)
    shape = property(lambda self: self.concrete.shape)
    ndim = property(lambda self: self.concrete.ndim)
    size = property(lambda self: self.concrete.size)
    itemsize = property(lambda self: self.concrete.itemsize)
    nbytes = property(lambda self: self.concrete.nbytes)

    def __init__(self, trace: Any, variable: Variable, concrete: Any, tracked: bool) -> None:
        self.trace, self.variable, self.concrete = trace, variable, concrete
        self.requires_grad, self.keeps_grad, self.seen, self.grad = tracked, not tracked, USED, None

    def zeros(self) -> np.ndarray:
        return np.zeros(self.shape, self.dtype)

    def var(self, *args: Any, **kwargs: Any) -> Any:
        """The variance; of plain data NumPy's own, which adds up in another order."""
        if self.requires_grad:
            return Tensor.var(self, *args, **kwargs)
        return self.trace.call("np.var", np.var, (self, *args), kwargs)

    def numpy(self) -> Any:
        return self._bare()

    def __len__(self) -> int:
        return len(self.concrete)

    @staticmethod
    def fit(g: Any, x: Any) -> Any:
        """As of any tensor; the result is noted to be a part of the cotangent of x."""
        g = Tensor.fit(g, x)
        if isinstance(g, TracedTensor):
            g.trace.note_cotangent(g, x)
        return g

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and ufunc in PLAIN and not kwargs:
            return self.trace.call(f"np.{ufunc.__name__}", ufunc, inputs, {})
        if kwargs.get("out") is not None:
            self._refused("out= in a call", "write the result to a name of its own")
        return super().__array_ufunc__(ufunc, method, *inputs, **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if func in _BY_SHAPE and len(args) == 1 and not kwargs:
            return _BY_SHAPE[func](*args)
        if func in (np.zeros_like, np.ones_like, np.empty_like, np.full_like) and not kwargs:
            like = np.empty(args[0].shape, args[0].dtype)
            if not any(isinstance(x, Carried) for x in args[1:]):
                return func(like, *args[1:])
        if func in (np.take, np.take_along_axis) and not isinstance(args[0], Carried):
            return self.trace.record(OPS[func.__name__], args[:1], _named(args[1:], kwargs))
        if func in PLAIN and func not in FUNCTIONS:
            return self.trace.call(f"np.{func.__name__}", func, args, kwargs)
        return super().__array_function__(func, types, args, kwargs)


def _in_place(sign: str, op: Op) -> Callable[[Any, Any], Any]:
    """x += y: of a module's array a change, of a result a new array, of other arrays refused."""

    def change(self: TracedTensor, other: Any) -> Any:
        if self.buffer:
            new = self.trace.record(op, (self._now(), other), {})
            self.variable, self.concrete = new.variable, new.concrete
            return self
        if self.theirs and not self.wanted:
            self._refused(f"{sign}=", f"write a {sign} b to make a new array")
        return NotImplemented

    return change


def _named(args: Any, kwargs: Any) -> dict[str, Any]:
    return dict(zip(("indices", "axis"), args, strict=False)) | kwargs


class TracedValue(Carried, Value):
    """A Value of a trace; `concrete` is the number that it was.

    It also stands for a number of Python's beside arrays.
    """

    __slots__ = ()
    record = staticmethod(_record)
    _data = property(Carried._bare)
    data = property(Carried._bare)

    def __init__(self, trace: Any, variable: Variable, concrete: Any, tracked: bool) -> None:
        self.trace, self.variable, self.concrete = trace, variable, concrete
        self.tracked, self.grad = tracked, 0

    @property
    def requires_grad(self) -> bool:  # type: ignore[override]
        """Whether it has a history, or is an argument."""
        return self.tracked

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs and ufunc in UFUNCS:
            return self.trace.record(UFUNCS[ufunc], inputs, {})
        if method == "__call__" and not kwargs and ufunc in PLAIN and not self.trace.values:
            return self.trace.call(f"np.{ufunc.__name__}", ufunc, inputs, {})
        self._refused(f"np.{ufunc.__name__}", "use functions of NumPy that microgradnn has too")

    @staticmethod
    def fit(g: Any, x: Any) -> Any:
        """g, noted to be a part of the cotangent of x."""
        if isinstance(g, TracedValue):
            g.trace.note_cotangent(g, x)
        return g


for _kind in (TracedTensor, TracedValue):
    for _dunder, _name in COMPARISONS.items():
        setattr(_kind, _dunder, _comparison(_name))
    for _dunder, _name in (("__rand__", "logical_and"), ("__ror__", "logical_or")):
        setattr(_kind, _dunder, _reflected(_name))
    setattr(_kind, "__invert__", _invert)  # noqa: B010
    setattr(_kind, "__hash__", Carried.__hash__)  # noqa: B010
for _name, (_sign, _op) in OPERATORS.items():
    setattr(TracedTensor, f"__i{_name}__", _in_place(_sign[:-1], _op))
# Not those that Value has for speed.
for _name in ("add", "sub", "mul", "truediv"):
    for _dunder in (f"__{_name}__", f"__r{_name}__"):
        setattr(TracedValue, _dunder, getattr(Elementwise, _dunder))
for _name in ("relu", "tanh"):
    setattr(TracedValue, _name, getattr(Elementwise, _name))
