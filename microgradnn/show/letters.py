"""Formulas, read off the table: a rule is called with Letters, and what it does is written down.

A Letter stands for a number or an array and holds it too. So a rule that asks for a shape or for
the sign of its input gets the real answer, and every formula can be compared with its number.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import ops, protocol
from ..engine.elementwise import Elementwise, operator
from ..engine.op import Op

_matmul, _rmatmul = operator(ops.matmul), operator(ops.matmul, True)


class Letter(Elementwise):
    """A name with its value (op is None), or an op of the table applied to Letters and numbers."""

    __slots__ = ("_data", "args", "name", "op", "params")
    __array_ufunc__ = None  # arrays leave the operators to this class
    requires_grad = False

    def __init__(
        self, data: Any, name: str = "", op: Any = None, args: Any = (), params: Any = None
    ) -> None:
        self._data, self.name, self.op = data, name, op
        self.args: tuple[Any, ...] = tuple(args)
        self.params: dict[str, Any] = dict(params or {})

    @staticmethod
    def record(op: Op, xs: tuple[Any, ...], params: Any) -> Any:
        """The Letter of op(*xs, **params), or one of xs where the op changes nothing."""
        with np.errstate(all="ignore"):
            y = op.compute([value(x) for x in xs], params)
        simpler = _simpler(op, xs, y)
        return Letter(y, op=op, args=xs, params=params) if simpler is None else simpler

    # What rules ask of their inputs, beside operators.
    # fmt: off
    @property
    def shape(self) -> tuple[int, ...]: return np.shape(self._data)
    @property
    def ndim(self) -> int: return np.ndim(self._data)
    @property
    def size(self) -> int: return np.size(self._data)
    @property
    def dtype(self) -> Any: return np.asarray(self._data).dtype
    @property
    def data(self) -> Any: return self._data
    @property
    def T(self) -> Any: return ops.transpose(self)  # noqa: N802
    @property
    def mT(self) -> Any: return ops.swapaxes(self, axis1=-1, axis2=-2)  # noqa: N802
    def astype(self, dtype: Any) -> Any: return ops.astype(self, dtype=dtype)
    def __getitem__(self, index: Any) -> Any: return ops.getitem(self, index=index)
    def __matmul__(self, other: Any) -> Any: return _matmul(self, other)
    def __rmatmul__(self, other: Any) -> Any: return _rmatmul(self, other)
    __hash__ = object.__hash__
    def __eq__(self, other: object) -> Any: return _test("==", np.equal, self, other)
    def __ne__(self, other: object) -> Any: return _test("!=", np.not_equal, self, other)
    def __lt__(self, other: Any) -> Any: return _test("<", np.less, self, other)
    def __le__(self, other: Any) -> Any: return _test("<=", np.less_equal, self, other)
    def __gt__(self, other: Any) -> Any: return _test(">", np.greater, self, other)
    def __ge__(self, other: Any) -> Any: return _test(">=", np.greater_equal, self, other)
    def __and__(self, other: Any) -> Any: return _test("and", np.logical_and, self, other)
    def __rand__(self, other: Any) -> Any: return _test("and", np.logical_and, other, self)
    def __or__(self, other: Any) -> Any: return _test("or", np.logical_or, self, other)
    def __ror__(self, other: Any) -> Any: return _test("or", np.logical_or, other, self)
    # fmt: on

    def __bool__(self) -> bool:
        # A comparison of arrays has no truth value; the table asks only whether there is one.
        return bool(self._data) if np.ndim(self._data) == 0 else True

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return protocol.call_function(func, args, kwargs)


def value(x: Any) -> Any:
    """The number or array that a Letter stands for, anything else as it is."""
    return x._data if isinstance(x, Letter) else x


def written(function: Callable[..., Any], *args: Any, **params: Any) -> Any:
    """What function writes of Letters: a Letter, a plain number, or None if it cannot be written.

    Rules of users' own ops may ask of their inputs what only arrays know.
    """
    try:
        with np.errstate(all="ignore"):
            found = function(*args, **params)
    except Exception:  # whatever a user's rule raises of Letters: then there is no formula
        return None
    return found if isinstance(found, (Letter, int, float)) else None


def _test(sign: str, compare: np.ufunc, a: Any, b: Any) -> Letter:
    return Letter(compare(value(a), value(b)), sign, None, (a, b))


def _simpler(op: Op, xs: tuple[Any, ...], y: Any) -> Any:
    """The one of xs that the result is, whatever the numbers: x * 1, x + 0, -(-x)."""
    x = xs[0]
    found = None
    if op in (ops.alias, ops.argument, ops.astype):
        found = x
    elif op in (ops.reshape, ops.broadcast_to, ops.sum_to, ops.expand_dims, ops.squeeze):
        found = x
    elif op is ops.neg and isinstance(x, Letter) and x.op is ops.neg:
        found = x.args[0]
    elif op in (ops.mul, ops.add):
        unit = 1 if op is ops.mul else 0
        left, right = (_is(v, unit) for v in xs)
        found = xs[1] if left else x if right else None
        if op is ops.mul and found is None and any(_is(v, -1) for v in xs):
            return -(xs[1] if _is(x, -1) else x)
    elif (op in (ops.div, ops.pow) and _is(xs[1], 1)) or (op is ops.sub and _is(xs[1], 0)):
        found = x
    same = isinstance(found, Letter) and found.shape == np.shape(y)
    return found if same else None


def _is(x: Any, number: int) -> bool:
    return isinstance(x, (int, float)) and x == number
