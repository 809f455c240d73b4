"""Other people's NumPy code, run unchanged on Values: arrays that record every number in them.

NumPy's loops on object arrays call the operators and methods of their elements, and a Value has
them all. What NumPy itself would do in C, and so refuse or drop, is put right here: buffers made by
np.zeros must hold objects, plain numbers that np.where or np.maximum let in become Values, and the
few functions without object loops (logaddexp, isnan, inv) run from the table of ops.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import plain
from ...engine.op import UFUNCS
from ...engine.value import Value
from ...errors import MicrogradError
from ...numerics.changes import next_stamp


def absolute(x: Any) -> Any:
    """|x| by a comparison, which the comparer sees."""
    if not isinstance(x, Value):
        return abs(x)
    return -x if x < 0 else x


def _finite(x: Any) -> bool:
    x = plain(x)
    return bool(x.is_finite()) if hasattr(x, "is_finite") else math.isfinite(x)


def _is_nan(x: Any) -> bool:
    x = plain(x)
    return bool(x.is_nan()) if hasattr(x, "is_nan") else math.isnan(x)


# On single numbers, where NumPy has no loop for objects or one that the comparer would not see.
_BY_ELEMENT: dict[np.ufunc, Callable[..., Any]] = {
    np.absolute: absolute,
    np.fabs: absolute,
    np.isfinite: _finite,
    np.isnan: _is_nan,
    np.isinf: lambda x: not _finite(x) and not _is_nan(x),
    np.sign: lambda x: (1 if x > 0 else -1 if x < 0 else 0) if isinstance(x, Value) else np.sign(x),
    np.signbit: lambda x: bool(x < 0),
    np.maximum: lambda a, b: a if a >= b else b,
    np.minimum: lambda a, b: a if a <= b else b,
    np.fmax: lambda a, b: a if a >= b else b,
    np.fmin: lambda a, b: a if a <= b else b,
    np.heaviside: lambda x, h: h if x == 0 else 1.0 if x > 0 else 0.0,
    np.logaddexp: ops.logaddexp,
    np.logaddexp2: ops.logaddexp2,
    np.cbrt: ops.cbrt,
    np.float_power: ops.pow,
    np.copysign: lambda x, s: absolute(x) if s >= 0 else -absolute(x),
}


def _chosen(first: bool, a: Any, b: Any) -> Any:
    """a or b, written so that both are there, times 1 and times 0."""
    return lift(a) * (1.0 if first else 0.0) + lift(b) * (0.0 if first else 1.0)


_CHOOSING: dict[np.ufunc, Callable[..., Any]] = {
    np.maximum: lambda a, b: _chosen(a >= b, a, b),
    np.minimum: lambda a, b: _chosen(a <= b, a, b),
}
_NO_LOOP = (np.logaddexp, np.logaddexp2)  # NumPy cannot reduce objects by these
_QUESTIONS = (np.isfinite, np.isnan, np.isinf, np.signbit)
for _ufunc, _op in UFUNCS.items():  # functions of one number whose method a plain number lacks
    if _ufunc.nin == 1 and _op.number is not None and _op.kind == "elementwise":
        _BY_ELEMENT.setdefault(_ufunc, _op)
for _ufunc in (np.negative, np.positive, np.square, np.conjugate):
    _BY_ELEMENT.pop(_ufunc, None)  # NumPy's own loops do


class Traced(np.ndarray[Any, Any]):
    """An object array of Values that stays one, whatever NumPy code does with it."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        """What ufunc gives on the elements, with plain numbers among them made Values."""
        xs = [bare(x) for x in inputs]
        spend(_products(xs) if ufunc is np.matmul else _count(xs))
        if np.dtype(kwargs.get("dtype") or object).kind in "fO":
            kwargs.pop("dtype", None)
        if out is not None:
            kwargs["out"] = tuple(bare(o) for o in out)
        call = getattr(ufunc, method)
        if trace.masks and ufunc in _CHOOSING and method == "__call__":
            call = np.frompyfunc(_CHOOSING[ufunc], 2, 1)
            kwargs.pop("casting", None)
        elif ufunc in _BY_ELEMENT and (method == "__call__" or ufunc in _NO_LOOP):
            call = getattr(np.frompyfunc(_BY_ELEMENT[ufunc], ufunc.nin, 1), method)
            kwargs.pop("casting", None)
        y = call(*xs, **kwargs)
        if out is not None:
            return out[0]
        if ufunc in _QUESTIONS and method == "__call__":
            return np.asarray(y, bool)[()]
        return lifted(y)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What func gives, its plain numbers made Values."""
        spend(_products(args) if func in _PRODUCTS else _indexed(args) if func is np.einsum else 0)
        if func is np.where and trace.masks and len(args) == 3:
            return lifted(np.frompyfunc(_chosen, 3, 1)(*map(bare, args)))
        own = _LINALG.get(func)
        if own is not None:
            return own(*args, **kwargs)
        if np.dtype(kwargs.get("dtype") or object).kind == "f":
            kwargs = {k: v for k, v in kwargs.items() if k != "dtype"}
        return lifted(super().__array_function__(func, types, args, kwargs))

    def dot(self, b: Any, out: Any = None) -> Any:
        """The product with b; the method asks neither of the two above."""
        spend(_products((self, b)))
        return lifted(bare(self).dot(bare(np.asarray(b)), out))

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """A copy: the numbers keep all their digits in any float type; integers are cut off."""
        if np.dtype(dtype).kind in "fO":
            return self.copy()
        values = [float(plain(x)) for x in self.ravel()]
        return np.array(values).astype(dtype).reshape(self.shape)


class TooLarge(MicrogradError):
    """A trace would have more nodes than its budget."""


def spend(nodes: int) -> None:
    """Raises TooLarge if so many more nodes are too many."""
    if trace.budget and next_stamp() - trace.start + nodes > trace.budget:
        raise TooLarge(f"a trace would have more than {trace.budget} nodes")


_PRODUCTS = (np.dot, np.tensordot, np.inner, np.outer, np.vdot, np.kron)


def _count(xs: Any) -> int:
    """How many numbers arrays that broadcast together make."""
    shapes = [x.shape for x in xs if isinstance(x, np.ndarray)]
    try:
        return math.prod(np.broadcast_shapes(*shapes))
    except ValueError:  # of other methods: reduceat, at
        return max(map(math.prod, shapes), default=0)


def _indexed(args: Any) -> int:
    """How many numbers einsum multiplies: one for each value of all its indices."""
    if not isinstance(args[0], str) or "." in args[0]:
        return 0
    sizes: dict[str, int] = {}
    for word, x in zip(args[0].partition("->")[0].split(","), args[1:], strict=False):
        sizes.update(zip(word.strip(), np.shape(x), strict=False))
    return math.prod(sizes.values())


def _products(args: Any) -> int:
    """How many numbers a product of two arrays multiplies."""
    a, b = (np.shape(x) for x in args[:2])
    shared = a[-1] if a else 1
    return math.prod(a) * math.prod(b) // max(1, shared)


def bare(x: Any) -> Any:
    """A Traced array as a plain object array of the same memory; others as they are."""
    return x.view(np.ndarray) if isinstance(x, Traced) else x


def lift(x: Any) -> Any:
    """A plain number as a Value; Values and what is no number as they are."""
    if isinstance(x, (float, int, np.generic)):
        return constant(x)
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x


def constant(x: Any) -> Value:
    """A Value of the kind of number that is being traced, which nothing is differentiated by."""
    return _leaf(trace.number(x))


def _leaf(number: Any) -> Value:
    """Value(number) without the questions: the number is one (measured: 5 ×)."""
    leaf = object.__new__(Value)
    leaf._leaf(number)
    leaf.grad = 0
    return leaf


class Trace:
    """The trace that is under way: what makes its numbers, and how many nodes it may have."""

    number: Callable[[Any], Any] = float
    on = False
    masks = False  # whether a choice of one of two numbers is recorded as a sum of both
    thread = 0  # where it is under way
    budget = 0  # nodes left until the trace is stopped; 0 for no limit
    start = 0


trace = Trace()
_lift = np.frompyfunc(lift, 1, 1)


def lifted(y: Any) -> Any:
    """y with every object array in it a Traced one of Values; 0-d ones are their element."""
    if isinstance(y, (tuple, list)) and type(y) in (tuple, list):
        return type(y)(lifted(v) for v in y)
    if not isinstance(y, np.ndarray) or y.dtype.char != "O":
        return y
    if y.ndim == 0:
        return y[()]
    if any(type(v) is not Value for v in y.flat):
        y = _lift(bare(y))
        if all(isinstance(v, (bool, np.bool_)) for v in y.flat) and y.size:
            return y.astype(bool)
    return y.view(Traced)


def values(array: Any, number: Callable[[Any], Any]) -> Any:
    """An array of fresh Values that hold the numbers of a float array."""
    array = np.asarray(array)
    if array.ndim == 0:
        return _leaf(number(array[()]))
    out = np.empty(array.shape, object)
    for i, x in enumerate(array.flat):
        out.flat[i] = _leaf(number(x))
    return out.view(Traced)


# ---- linear algebra, by elimination on the Values -----------------------------------------------


def _eliminated(a: Any, b: Any) -> tuple[Any, Any]:
    """The determinant of a and the solution x of a x = b, of one matrix each."""
    a, b, n = bare(lifted(a)).copy(), bare(lifted(b)).copy(), len(a)
    det: Any = constant(1)
    for k in range(n):
        pivot = k + int(np.argmax([abs(_size(v)) for v in a[k:, k]]))
        if pivot != k:
            a[[k, pivot]], b[[k, pivot]], det = a[[pivot, k]], b[[pivot, k]], -det
        det = det * a[k, k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] = a[i, k:] - factor * a[k, k:]
            b[i] = b[i] - factor * b[k]
    for k in reversed(range(n)):
        b[k] = (b[k] - a[k, k + 1 :] @ b[k + 1 :]) / a[k, k] if k + 1 < n else b[k] / a[k, k]
    return det, b


def _size(v: Any) -> float:
    x = plain(v)
    return float(x.mid()) if hasattr(x, "mid") else float(x)


def _matrices(f: Callable[..., Any]) -> Callable[..., Any]:
    """f of each matrix of a stack."""

    def run(a: Any, *rest: Any) -> Any:
        a = np.asarray(a, object)
        stack = a.shape[:-2]
        if not stack:
            return lifted(f(a, *rest))
        parts = [f(a[i], *(np.asarray(r, object)[i] for r in rest)) for i in np.ndindex(stack)]
        shape = (*stack, *np.shape(parts[0]))
        out = np.empty(len(parts), object) if shape == stack else np.stack(parts)
        out[...] = parts
        return lifted(out.reshape(shape))

    return run


_LINALG: dict[Any, Callable[..., Any]] = {
    np.linalg.inv: _matrices(lambda a: _eliminated(a, np.eye(len(a)).astype(object))[1]),
    np.linalg.solve: _matrices(lambda a, b: _eliminated(a, np.asarray(b, object))[1]),
    np.linalg.det: _matrices(lambda a: _eliminated(a, np.eye(len(a)).astype(object))[0]),
}


def tracer() -> Callable[[Any], Any] | None:
    """What makes numbers of the trace that is under way, or None outside of one."""
    return trace.number if trace.on else None
