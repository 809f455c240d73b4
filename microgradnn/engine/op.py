"""One op: how it is computed on numbers and arrays, its rules, and whether it is recorded."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from ..errors import GradientError, RuleError
from ..numerics.changes import PLAIN
from ..numerics.forward import ARRAYS, NO_PARAMS, Forward, ordinary
from ..numerics.recording import recording, special
from ..signatures import describe

Rule = Callable[..., Any]
Interval = tuple[float, float]
_ARRAY = np.ndarray
OPS: dict[str, "Op"] = {}
UFUNCS: dict[np.ufunc, "Op"] = {}  # the op of the same meaning
MANY = object()  # in the place of a second parent: the first slot holds all of them


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
    seen: Any
    describe: Callable[[], str]
    _data: Any


C = TypeVar("C", bound=Carrier)
INSTEAD = {  # of NumPy's options, which ops do not have
    "out": "use the tensor that is returned",
    "where": "choose with np.where",
    "dtype": "use .astype on the result",
}


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


class Op(Forward):
    """One primitive: how to compute it on numbers and on arrays, and its derivative rules."""

    label = ""  # in drawings
    formula = kink = ""  # for help(): plain text
    domain: tuple[Interval, ...] = ()  # only for tests: intervals to draw the inputs from
    ufunc: np.ufunc | None = None  # NumPy's function of the same meaning
    weight: Rule | None = None  # of a reduction: dy/dx
    boundary = False  # the result stands for an argument: walks to it end there
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
        **info: Any,
    ) -> None:
        super().__init__(name, number, array, kind in ("elementwise", "nondifferentiable"))
        self.kind = kind
        self.rules = rules  # one for each input, or one function returning all (variadic ops)
        self.variadic = callable(rules)
        self.arity = 0 if callable(rules) else len(rules)
        self.push = push  # push(op, tangents, y, xs, params), None: transpose the rules
        for word, said in ({"label": name, "formula": f"np.{name}"} | info).items():
            assert word in Op.__dict__, word
            if said:
                setattr(self, word, said)
        self.options = describe.options(self)  # the parameters that it has, None for any

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """A node if any input is one, else the plain number or array."""
        if len(xs) != self.arity and not self.variadic:
            raise self.miscounted(len(xs))
        if params:
            self._admit(params)
            if special and (lead := recording.traced(params.values())) is not None:
                return lead.record(self, xs, params)
        arrays = False
        for x in xs:
            if type(x) is _ARRAY:
                arrays = True
            elif isinstance(x, Carrier):
                return x.record(self, xs, params)
            elif isinstance(x, ARRAYS):
                if isinstance(x, np.ndarray):
                    return self(*[ordinary(self.name, x) for x in xs], **params)
                arrays = True
        if not arrays:
            return self.compute(xs, params)
        try:
            y = self.array(*xs, **params)
        except (TypeError, AttributeError, ArithmeticError, ValueError, LookupError) as error:
            return self.second_try(xs, params, error)
        plain = isinstance(y, ARRAYS) and y.dtype.char != "O"
        return y if plain else self.settled(y, xs, params)

    def miscounted(self, n: int) -> RuleError:
        """The error for n inputs where there are more or fewer."""
        takes = "one input" if self.arity == 1 else f"{self.arity} inputs"
        text = f"{self.name}: takes {takes} ({', '.join(describe.inputs(self))}), got {n}"
        if n > self.arity:
            text += (
                "; options are given by name, and the result is returned, not written into "
                "an argument"
            )
        return RuleError(text)

    def _admit(self, params: dict[str, Any]) -> None:
        """Puts data in the place of nodes. Raises RuleError for an option that is none of ours."""
        if self.options is not None and not self.options.issuperset(params):
            known = ", ".join(f"{word}=" for word in sorted(self.options)) or "none"
            option = next(option for option in params if option not in self.options)
            raise RuleError(
                f"{self.name}: no option {option}=; {INSTEAD.get(option, f'it has {known}')}"
            )
        if not PLAIN.issuperset(map(type, params.values())):
            for option, value in params.items():
                params[option] = constant(self.name, option, value)

    def pull(self, i: int, g: Any, y: Any, xs: Any, params: Any = NO_PARAMS) -> Any:
        """The cotangent of input `i`, or None for zero."""
        if self.variadic:
            return self.rules(g, y, *xs, **params)[i]  # type: ignore[operator]
        rule = self.rules[i]  # type: ignore[index]
        return None if rule is None else rule(g, y, *xs, **params)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


if TYPE_CHECKING:  # what type checkers know of ops of one and of two inputs
    import numpy.typing as npt

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
