"""One op: how it is computed on numbers and arrays, its rules, and whether it is recorded."""

import threading
from collections.abc import Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from ..errors import DTypeError, GradientError, RuleError
from ..numerics.numbers import PLAIN
from ..signatures import describe

Rule = Callable[..., Any]
Interval = tuple[float, float]
_ARRAYS = (np.ndarray, np.generic)
_ARRAY, _ARRAY_OF = np.ndarray, np.asarray
_OPERATORS = (np.add, np.subtract, np.multiply, np.negative, np.divide)
OPS: dict[str, "Op"] = {}
UFUNCS: dict[np.ufunc, "Op"] = {}  # the op of the same meaning
MANY = object()  # in the place of a second parent: the first slot holds all of them
NO_PARAMS: MappingProxyType[str, Any] = MappingProxyType({})


class Carrier:
    """What an op knows of nodes: they are Carriers, and `record(op, xs, params)` makes one."""

    __slots__ = ()
    record: Callable[..., Any]
    requires_grad: bool
    op: "Op | None"
    first: Any
    second: Any
    parents: Any
    data: Any
    stamp: int
    describe: Callable[[], str]
    _data: Any


C = TypeVar("C", bound=Carrier)

# ---- whether ops are recorded -------------------------------------------------------------------


class Recording(threading.local):
    """Whether the ops of this thread are recorded, and as what."""

    on = True
    replace: "Callable[[Op], Op] | None" = None  # given each op: what is recorded in its place

    def recorded(self, op: "Op") -> "Op | None":
        """What to record for op, or None for nothing."""
        if not self.on:
            return None
        return op if self.replace is None else self.replace(op)

    def set(self, on: bool, replace: "Callable[[Op], Op] | None" = None) -> "_Setting":
        """A context with these settings; without `replace` the one in force stays."""
        return _Setting(on, self.replace if replace is None else replace)


recording = Recording()
special = [0]  # how many threads have other settings than (True, None)
_counting = threading.Lock()
# To find a thread-local takes 50 ns: nodes are made without asking while special[0] is 0.


class _Setting:  # contextlib would take three times as long, and walks are short
    __slots__ = ("before", "now")

    def __init__(self, *now: Any) -> None:
        self.now = now

    def __enter__(self) -> None:
        self.before = (recording.on, recording.replace)
        self._switch(self.before, self.now)

    def __exit__(self, *error: object) -> None:
        self._switch(self.now, self.before)

    @staticmethod
    def _switch(old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
        if old != new:
            recording.on, recording.replace = new
            with _counting:
                special[0] += (new != (True, None)) - (old != (True, None))


def constant(name: str, option: str, x: Any) -> Any:
    """The plain data of an option that has no derivative rule.

    Raises GradientError if it requires grad, because its gradient would be lost.
    """
    if not isinstance(x, Carrier):
        return x
    if x.requires_grad and recording.on:
        raise GradientError(
            f"{name}: {option} requires grad, but has no derivative here and would count as a "
            f"constant; pass its .detach(), or write the formula with other functions"
        )
    return x._data


# ---- the op -------------------------------------------------------------------------------------


class Op:
    """One primitive: how to compute it on numbers and on arrays, and its derivative rules."""

    watch: Callable[..., None] | None = None  # for detect_anomaly: looks at what a node passed on
    __doc__ = describe.Described(describe.text, __doc__)
    __signature__ = describe.Described(describe.signature)

    def __init__(
        self,
        name: str,
        kind: str,
        number: Callable[..., Any] | None,
        array: Callable[..., Any],
        rules: tuple[Rule | None, ...] | Rule,
        push: Callable[..., Any] | None = None,
        *,
        formula: str = "",
        label: str = "",
        kink: str = "",
        domain: tuple[Interval, ...] = (),
        ufunc: np.ufunc | None = None,
        weight: Rule | None = None,
        boundary: bool = False,
    ) -> None:
        self.name, self.kind, self.label = name, kind, label or name  # label: in drawings
        self.number, self.array = number, array  # number: None where only arrays make sense
        self.rules = rules  # one for each input, or one function returning all (variadic ops)
        self.variadic = callable(rules)
        self.arity = 0 if callable(rules) else len(rules)
        self.push = push  # push(op, tangents, y, xs, params), None: transpose the rules
        self.formula, self.kink = formula or f"np.{name}", kink  # for help(): plain text
        self.weight = weight  # of a reduction: dy/dx
        self.domain = domain  # only for tests: an interval for each input, to draw values from
        self.ufunc = ufunc  # NumPy's function of the same meaning
        self.boundary = boundary  # the result stands for an argument: walks to it end there
        self.pointwise = kind in ("elementwise", "nondifferentiable")
        # Whether objects are computed one by one; NumPy's loops are right for the operators.
        self.by_element = self.pointwise and array not in _OPERATORS

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """A node if any input is one, else the plain number or array."""
        if len(xs) != self.arity and not self.variadic:
            raise self._miscounted(len(xs))
        for option, value in params.items():
            if isinstance(value, Carrier):
                params[option] = constant(self.name, option, value)
        arrays = False
        for x in xs:
            if type(x) is _ARRAY:
                arrays = True
            elif isinstance(x, Carrier):
                return x.record(self, xs, params)
            elif isinstance(x, _ARRAYS):
                arrays = True
        if not arrays:
            return self.compute(xs, params)
        try:
            y = self.array(*xs, **params)
        except (TypeError, AttributeError, ArithmeticError, ValueError):
            return self.on_arrays(xs, params)
        plain = isinstance(y, _ARRAYS) and y.dtype.char != "O"
        return y if plain else self.settled(y, xs, params)

    def _miscounted(self, n: int) -> RuleError:
        names = ", ".join(describe.inputs(self))
        text = f"{self.name}: takes {self.arity} inputs ({names}), got {n}"
        if self.arity == 1:
            text = f"{self.name}: takes one input ({names}), got {n}"
        return RuleError(
            f"{text}; options are given by name, and the result is returned, not written into "
            "an argument"
            if n > self.arity
            else text
        )

    def compute(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value of the op on raw numbers or arrays: nothing is recorded."""
        if self.number is None:
            xs = [x if isinstance(x, _ARRAYS) else np.asarray(x) for x in xs]
            return self.on_arrays(xs, params)
        for x in xs:
            if type(x) not in PLAIN and isinstance(x, (*_ARRAYS, list, tuple)):
                return self.on_arrays(xs, params)
        return self.on_numbers(xs, params)

    def settled(self, y: Any, xs: Any, params: Any) -> Any:
        """y, from the array kernel, as an array; made of objects, it is computed one by one."""
        if self.by_element and not (isinstance(y, np.generic) and y.dtype.char != "O"):
            return self.on_arrays(xs, params)
        return y if isinstance(y, _ARRAYS) else _ARRAY_OF(y)

    def on_arrays(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on arrays; on arrays of objects one by one.

        NumPy's loops over objects would round an mpf through float, or stop where IEEE has inf.
        """
        if self.pointwise and any(isinstance(x, _ARRAY) and x.dtype.char == "O" for x in xs):
            one = np.frompyfunc(lambda *v: self.on_numbers(v, params), len(xs), 1)
            return _ARRAY_OF(one(*xs))
        y = self.array(*xs, **params)
        return y if isinstance(y, _ARRAYS) else _ARRAY_OF(y)  # an object out of its array

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
        except TypeError as error:
            if all(hasattr(type(x), "__mul__") and not hasattr(type(x), "__len__") for x in xs):
                raise DTypeError(f"{self.name}: {error}") from error  # types that do not mix
            kinds = " and ".join(type(x).__name__ for x in xs)
            raise DTypeError(f"{self.name}: got {kinds}, need numbers") from error

    def _as_ieee(self, xs: Any, params: Any) -> Any:
        with np.errstate(all="ignore"):
            y = float(self.array(*[np.float64(x) for x in xs], **params))
        for x in xs:
            if type(x) not in PLAIN and not isinstance(x, Carrier):
                try:
                    return type(x)(y)
                except (TypeError, ValueError, OverflowError):  # no infinite fractions
                    pass
        return y

    def pull(self, i: int, g: Any, y: Any, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The cotangent of input `i`, or None for zero."""
        if self.variadic:
            return self.rules(g, y, *xs, **params)[i]  # type: ignore[operator]
        rule = self.rules[i]  # type: ignore[index]
        return None if rule is None else rule(g, y, *xs, **params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


if TYPE_CHECKING:  # what type checkers know of ops of one and of two inputs

    class Unary(Op):
        """An op of one input."""

        @overload
        def __call__(self, x: C, /) -> C: ...
        @overload
        def __call__(self, x: float, /) -> float: ...
        @overload
        def __call__(self, x: npt.ArrayLike, /) -> np.ndarray: ...
        def __call__(self, x: Any, /) -> Any: ...  # noqa: D102

    class Binary(Op):
        """An op of two inputs."""

        @overload
        def __call__(self, a: C, b: C | npt.ArrayLike, /) -> C: ...
        @overload
        def __call__(self, a: npt.ArrayLike, b: C, /) -> C: ...
        @overload
        def __call__(self, a: float, b: float, /) -> float: ...
        @overload
        def __call__(self, a: npt.ArrayLike, b: npt.ArrayLike, /) -> np.ndarray: ...
        def __call__(self, a: Any, b: Any, /) -> Any: ...  # noqa: D102

else:
    Unary = Binary = Op


def register(op: Op) -> Any:
    """The op itself, entered in the registry that tests, docs and comparisons iterate over."""
    if op.name in OPS:
        raise RuleError(f"{op.name}: already in the table; choose another name")
    OPS[op.name] = op
    if op.ufunc is not None:
        UFUNCS[op.ufunc] = op
    return op
