"""The Op record and its constructors: how one line of the table becomes a differentiable op.

A rule has one signature everywhere: `rule(g, y, *xs, **params)`, where `g` is the cotangent of
the output, `y` the output and `xs` the inputs; it returns the cotangent of one input, or None for
zero. Rules are written in ops, and ops are polymorphic (numbers in, number out; arrays in, array
out; nodes in, node out). So the same line is reverse mode when it is given arrays, higher order
when it is given nodes, and an exact oracle when it is given fractions or balls. Forward mode is
derived from it too, and how is what the constructors below differ in:

    elementwise         y[i] depends on xs[i] only   dy = Σ rule(dx, y, xs): J is diagonal
    linear              op(x + z) = op(x) + op(z)    dy = op(dx)
    multilinear         linear in each input         dy = op(da, b) + op(a, db)
    reduction           dy = Σ w·dx along an axis    the line is the weight w
    nondifferentiable   flat almost everywhere       dy = 0
    custom              anything else                dy = the transpose of the rule (see walk.py)
"""

import math
import threading
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

from .errors import DTypeError, RuleError

Rule = Callable[..., Any]
Interval = tuple[float, float]
_ARRAYS = (np.ndarray, np.generic)
_ARRAY, _ARRAY_OF = np.ndarray, np.asarray
_PLAIN = frozenset({float, int, bool})
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
    data: Any
    _data: Any
    op: Any
    a: Any
    b: Any
    parents: Any
    stamp: int
    describe: Callable[[], str]


class Recording(threading.local):
    """Whether this thread records ops on nodes: `recording.on`, `with recording.set(False):`.

    `on` may also be a function that is given each op and returns what to record in its place.
    """

    on: Any = True

    def set(self, on: Any) -> "_Setting":
        """A context in which `on` has this value."""
        return _Setting(self, on)


special = [0]  # how many settings other than True are in force, in all threads
_counting = threading.Lock()


class _Setting:  # contextlib would take three times as long, and walks are short
    __slots__ = ("mode", "on", "before")

    def __init__(self, mode: Recording, on: Any) -> None:
        self.mode, self.on, self.before = mode, on, True

    def __enter__(self) -> None:
        self.before = self.mode.on
        self._switch(self.before, self.on)

    def __exit__(self, *error: object) -> None:
        self._switch(self.on, self.before)

    def _switch(self, old: Any, new: Any) -> None:
        if old is not new:
            self.mode.on = new
            with _counting:
                special[0] += (new is not True) - (old is not True)


recording = Recording()
# To find a thread-local takes 50 ns: nodes are made without asking while special[0] is 0.


class Op:
    """One primitive: how to compute it on numbers and on arrays, and its derivative rules."""

    watch: Callable[..., None] | None = None  # for detect_anomaly: looks at what a node passed on

    def __init__(
        self,
        name: str,
        kind: str,
        number: Callable[..., Any] | None,
        array: Callable[..., Any],
        rules: tuple[Rule | None, ...] | Rule,
        push: Callable[..., Any] | None = None,
        *,
        label: str | None = None,
        domain: tuple[Interval, ...] = (),
        ufunc: np.ufunc | None = None,
        doc: str = "",
    ) -> None:
        self.name, self.kind, self.label = name, kind, label or name
        self.number, self.array = number, array
        self.rules = rules  # one for each input, or one function returning all (variadic ops)
        self.variadic = callable(rules)
        self.push = push  # push(op, tangents, y, xs, params), None: transpose the rules
        self.domain = domain  # one interval for each input, where tests may draw values
        self.ufunc = ufunc  # NumPy's function of the same meaning
        # Whether objects are computed one by one; the operators are right in NumPy's loops too.
        self.by_element = number is not None and bool(domain) and array not in _OPERATORS
        self.__doc__ = doc or f"{name}: one {kind} op; its derivative is in engine/ops.py."

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """A node if any input is one, else the plain number or array."""
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
        y = y if isinstance(y, _ARRAYS) else _ARRAY_OF(y)
        return self.on_arrays(xs, params) if y.dtype.char == "O" and self.by_element else y

    def compute(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value of the op on raw numbers or arrays: nothing is recorded."""
        if self.number is None:
            return self.on_arrays(
                [x if isinstance(x, _ARRAYS) else np.asarray(x) for x in xs], params
            )
        for x in xs:
            if type(x) not in _PLAIN and isinstance(x, (np.ndarray, np.generic, list, tuple)):
                return self.on_arrays(xs, params)
        return self.on_numbers(xs, params)

    def on_arrays(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on arrays; of objects that NumPy has no loop for (mpf), one by one."""
        objects = any(isinstance(x, np.ndarray) and x.dtype.char == "O" for x in xs)
        if objects and self.number is not None and self.domain:
            # NumPy's loops would round an mpf through float, or stop where IEEE has inf.
            y = by_element(lambda *v, **p: self.on_numbers(v, p), xs, params)
        else:
            y = self.array(*xs, **params)
        # NumPy takes an object out of its array of no axes.
        return y if isinstance(y, _ARRAYS) else np.asarray(y)

    def on_numbers(self, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The value on plain numbers, following IEEE where Python raises: 1/0 = inf, log(-1) = nan.

        Every other number type (Fraction, mpf, arb, longdouble, Value) is handled by the number
        kernel through its own operators and methods.
        """
        if self.number is None:
            raise RuleError(f"{self.name}: works on arrays, got single numbers; use Tensor")
        try:
            return self.number(*xs, **params)
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                y = float(self.array(*[np.float64(x) for x in xs], **params))
            for x in xs:
                if type(x) not in _PLAIN and not isinstance(x, Carrier):
                    try:
                        return type(x)(y)
                    except (TypeError, ValueError, OverflowError):  # no infinite fractions
                        pass
            return y
        except TypeError as error:
            if isinstance(error, DTypeError):
                raise
            if all(hasattr(type(x), "__mul__") and not hasattr(type(x), "__len__") for x in xs):
                raise DTypeError(f"{self.name}: {error}") from error  # types that do not mix
            kinds = " and ".join(type(x).__name__ for x in xs)
            raise DTypeError(f"{self.name}: got {kinds}, need numbers") from error

    def pull(self, i: int, g: Any, y: Any, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The cotangent of input `i`, or None for zero."""
        if self.variadic:
            return self.rules(g, y, *xs, **params)[i]  # type: ignore[operator]
        rule = self.rules[i]  # type: ignore[index]
        return None if rule is None else rule(g, y, *xs, **params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


def register(op: Op) -> Op:
    """The op itself, entered in the registry that tests, docs and comparisons iterate over."""
    if op.name in OPS:
        raise RuleError(f"{op.name}: already in the table; choose another name")
    OPS[op.name] = op
    if op.ufunc is not None:
        UFUNCS[op.ufunc] = op
    return op


# ---- the constructors -------------------------------------------------------------------------


def elementwise(
    name: str,
    number: Callable[..., Any],
    array: Callable[..., Any],
    *rules: Rule | None,
    **info: Any,
) -> Op:
    """An op that works element by element and broadcasts."""
    info.setdefault("domain", ((-3.0, 3.0),) * len(rules))
    info.setdefault("ufunc", array if isinstance(array, np.ufunc) else None)
    if not isinstance(array, np.ufunc) or info.pop("compares", False):
        array = _also_on_objects(number, array)
    return register(Op(name, "elementwise", number, array, rules, _push_elementwise, **info))


def nondifferentiable(
    name: str, number: Callable[..., Any], array: Callable[..., Any], arity: int = 1, **info: Any
) -> Op:
    """An elementwise op that is constant between its jumps: its derivative is zero, never None."""
    info.setdefault("domain", ((-3.0, 3.0),) * arity)
    info.setdefault("ufunc", array if isinstance(array, np.ufunc) else None)
    array = _also_on_objects(number, array)
    return register(
        Op(name, "nondifferentiable", number, array, (None,) * arity, _push_zero, **info)
    )


def linear(name: str, array: Callable[..., Any], transpose: Rule, **info: Any) -> Op:
    """A linear map of one array; `transpose` maps the cotangent of the output to the input's."""
    number = info.pop("number", None)
    return register(Op(name, "linear", number, array, (transpose,), _push_linear, **info))


def linear_variadic(name: str, array: Callable[..., Any], transpose: Rule, **info: Any) -> Op:
    """A linear map of any number of arrays (concatenate); `transpose` returns all cotangents."""
    return register(Op(name, "linear", None, array, transpose, _push_linear, **info))


def multilinear(name: str, array: Callable[..., Any], *rules: Rule, **info: Any) -> Op:
    """An op linear in each input: a rule for each, or of a variadic op one that returns all."""
    several = info.pop("variadic", False)
    return register(
        Op(
            name,
            "multilinear",
            None,
            array,
            rules[0] if several else rules,
            _push_multilinear,
            **info,
        )
    )


def reduction(
    name: str, array: Callable[..., Any], weight: Rule, expand: Rule, total: Rule, **info: Any
) -> Op:
    """A reduction over `axis`, given dy/dx as `weight(y, x, axis)` with y kept in x's rank.

    `expand(v, x, axis)` undoes the loss of the reduced axes and `total` sums over them again:
    reverse mode is expand(g)·w and forward mode total(t·w), both from the one line `weight`.
    """

    def rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return expand(g, x, axis) * weight(expand(y, x, axis), x, axis)

    def push(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
        (x,), axis = xs, params.get("axis")
        return total(ts[0] * weight(expand(y, x, axis), x, axis), **params)

    return register(Op(name, "reduction", None, array, (rule,), push, **info))


def custom(name: str, array: Callable[..., Any], *rules: Rule | None, **info: Any) -> Op:
    """Any other op; forward mode transposes its rules, so a rule must be linear in g."""
    number = info.pop("number", None)
    return register(Op(name, "custom", number, array, rules, **info))


def custom_variadic(name: str, array: Callable[..., Any], rule: Rule, **info: Any) -> Op:
    """A custom op of any number of inputs; `rule` returns the cotangents of all of them."""
    number = info.pop("number", None)
    return register(Op(name, "custom", number, array, rule, **info))


# ---- forward mode, from the same lines ----------------------------------------------------------


def _push_elementwise(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    total = None
    for i, t in enumerate(ts):
        part = None if t is None else op.pull(i, t, y, xs, params)
        if part is not None:
            total = part if total is None else total + part
    return total


def _push_linear(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    return op(*[x * 0 if t is None else t for t, x in zip(ts, xs, strict=True)], **params)


def _push_multilinear(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> Any:
    total = None
    for i, t in enumerate(ts):
        if t is not None:
            part = op(*xs[:i], t, *xs[i + 1 :], **params)
            total = part if total is None else total + part
    return total


def _push_zero(op: Op, ts: Any, y: Any, xs: Any, params: Any) -> None:
    return None


# ---- kernels on other numbers -------------------------------------------------------------------

# What mpmath, flint and decimal call it.
_ALIASES = (
    {"log": "ln"}
    | {f"arc{f}{h}": f"a{f}{h}" for f in ("sin", "cos", "tan") for h in ("", "h")}
    | {"arctan2": "atan2"}
)


def on_number(
    name: str,
    plain: Callable[..., Any],
    other: Callable[..., Any] | None = None,
    own: bool = True,
) -> Callable[..., Any]:
    """A number kernel: `plain` (of `math`) on int and float, else the number's own function.

    `other` is the formula for numbers that have no function of that name, and for all with
    own=False, where what they have means something else (mpmath's cbrt(-8) is complex).
    """

    def kernel(x: Any, *rest: Any) -> Any:
        if type(x) is float or type(x) is int:
            if not rest or type(rest[0]) in _PLAIN:
                return plain(x, *rest)
            x = rest[0] * 0 + x  # the same number in the type of the second
        # An mpf's functions are its context's; its own `exp` is the exponent.
        home = np if isinstance(x, np.generic) else getattr(x, "context", x)
        for word in (name, _ALIASES.get(name, name)):
            theirs = getattr(home, word, None) if own else None
            if theirs is not None:
                y = getattr(type(x), word)(x, *rest) if home is x else theirs(x, *rest)
                # Outside their domain mpmath's functions are complex; here they are nan.
                return y if getattr(y, "imag", 0) == 0 else y.real * math.nan
        if isinstance(x, (bool, np.float64, np.float32, np.float16)):
            return type(x)(plain(float(x), *rest)) if isinstance(x, np.generic) else plain(x, *rest)
        if other is not None:
            return other(x, *rest)
        if not hasattr(type(x), "__mul__") or hasattr(type(x), "__len__"):
            raise DTypeError(f"{name}: got {type(x).__name__}, need numbers")
        raise DTypeError(
            f"{name}: {type(x).__name__} numbers have no {name}; convert to float first"
        )

    return kernel


def _also_on_objects(number: Callable[..., Any], array: Callable[..., Any]) -> Callable[..., Any]:
    """An array kernel that runs object arrays (of Value, Fraction, arb) element by element."""

    def kernel(*xs: Any, **params: Any) -> Any:
        for x in xs:
            if isinstance(x, np.ndarray) and x.dtype.char == "O":
                return by_element(number, xs, params)
        return array(*xs, **params)

    return kernel


def by_element(number: Callable[..., Any], xs: Any, params: Any = NO_PARAMS) -> Any:
    """The number kernel on each element of broadcast arrays, as an object array."""
    return np.frompyfunc(lambda *v: number(*v, **params), len(xs), 1)(*xs)
