"""Other people's NumPy code, run unchanged on Values: arrays that record every number in them.

NumPy's loops on object arrays call the operators and methods of their elements, and a Value has
them all. What NumPy itself would do in C, and so refuse or drop, is put right here: buffers made by
np.zeros must hold objects, plain numbers that np.where or np.maximum let in become Values, and the
few functions without object loops (logaddexp, isnan, inv) run from the table of ops.
"""

import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from .. import ops
from ..errors import MicrogradError
from ..functions import linalg
from ..node import judging, next_stamp, plain
from ..rules import UFUNCS
from ..tensor import Tensor, tensor
from ..value import Value

# The originals, for use while they are swapped.
_empty, _full_of, _new, _asarray = np.empty, np.full, np.array, np.asarray
_lock = threading.RLock()  # names in the user's modules are swapped for all threads


def _absolute(x: Any) -> Any:
    """|x| by a comparison, which the judge sees."""
    if not isinstance(x, Value):
        return abs(x)
    return -x if x < 0 else x


def _finite(x: Any) -> bool:
    x = plain(x)
    return bool(x.is_finite()) if hasattr(x, "is_finite") else math.isfinite(x)


def _is_nan(x: Any) -> bool:
    x = plain(x)
    return bool(x.is_nan()) if hasattr(x, "is_nan") else math.isnan(x)


# On single numbers, where NumPy has no loop for objects or one that the judge would not see.
_BY_ELEMENT: dict[np.ufunc, Callable[..., Any]] = {
    np.absolute: _absolute,
    np.fabs: _absolute,
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
    np.copysign: lambda x, s: _absolute(x) if s >= 0 else -_absolute(x),
}
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
        xs = [_bare(x) for x in inputs]
        spend(_products(xs) if ufunc is np.matmul else max(map(_count, xs), default=0))
        if np.dtype(kwargs.get("dtype") or object).kind in "fO":
            kwargs.pop("dtype", None)
        if out is not None:
            kwargs["out"] = tuple(_bare(o) for o in out)
        call = getattr(ufunc, method)
        if method == "__call__" and ufunc in _BY_ELEMENT:
            call = np.frompyfunc(_BY_ELEMENT[ufunc], ufunc.nin, 1)
            kwargs.pop("casting", None)
        y = call(*xs, **kwargs)
        if out is not None:
            return out[0]
        if ufunc in _QUESTIONS and method == "__call__":
            return _asarray(y, bool)[()]
        return lifted(y)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What func gives, its plain numbers made Values."""
        spend(_products(args) if func in _PRODUCTS else 0)
        own = _LINALG.get(func)
        if own is not None:
            return own(*args, **kwargs)
        if np.dtype(kwargs.get("dtype") or object).kind == "f":
            kwargs = {k: v for k, v in kwargs.items() if k != "dtype"}
        return lifted(super().__array_function__(func, types, args, kwargs))  # type: ignore[no-untyped-call]

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """A copy: the numbers keep all their digits in any float type; integers are cut off."""
        if np.dtype(dtype).kind in "fO":
            return self.copy()
        values = [float(plain(x)) for x in self.ravel()]
        return _new(values).astype(dtype).reshape(self.shape)


class TooLarge(MicrogradError):
    """A trace would have more nodes than its budget."""


def spend(nodes: int) -> None:
    """None; raises TooLarge if so many more nodes are too many."""
    if _state.budget and next_stamp() - _state.start + nodes > _state.budget:
        raise TooLarge(f"a trace would have more than {_state.budget} nodes")


_PRODUCTS = (np.dot, np.tensordot, np.inner, np.outer, np.vdot, np.kron)


def _count(x: Any) -> int:
    return x.size if isinstance(x, np.ndarray) else 1


def _products(args: Any) -> int:
    """How many numbers a product of two arrays multiplies."""
    a, b = (np.shape(x) for x in args[:2])
    shared = a[-1] if a else 1
    return math.prod(a) * math.prod(b) // max(1, shared)


def _bare(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, Traced) else x


def lift(x: Any) -> Any:
    """A plain number as a Value; Values and what is no number as they are."""
    if isinstance(x, (float, int, np.generic)):
        return constant(x)
    return x[()] if isinstance(x, np.ndarray) and x.ndim == 0 else x


def constant(x: Any) -> Value:
    """A Value of the kind of number that is being traced, which nothing is differentiated by."""
    return _leaf(_state.number(x))


def _leaf(number: Any) -> Value:
    """Value(number) without the questions: the number is one (measured: 5 ×)."""
    leaf = object.__new__(Value)
    leaf._leaf(number)
    leaf.grad = 0
    return leaf


class _State:
    number: Callable[[Any], Any] = float
    on = False
    budget = 0  # nodes left until the trace is stopped; 0 for no limit
    start = 0


_state = _State()
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
        y = _lift(_bare(y))
        if all(isinstance(v, (bool, np.bool_)) for v in y.flat) and y.size:
            return y.astype(bool)
    return y.view(Traced)


def values(array: Any, number: Callable[[Any], Any]) -> Any:
    """An array of fresh Values that hold the numbers of a float array."""
    array = _asarray(array)
    if array.ndim == 0:
        return _leaf(number(array[()]))
    out = _empty(array.shape, object)
    for i, x in enumerate(array.flat):
        out.flat[i] = _leaf(number(x))
    return out.view(Traced)


# ---- linear algebra on tensors of Values' numbers ------------------------------------------------


def _through_table(op: Callable[..., Any]) -> Callable[..., Any]:
    """A function of NumPy's linalg by elimination on the Values themselves."""

    def run(*args: Any, **kwargs: Any) -> Any:
        y = op(*[tensor(_bare(a)) if isinstance(a, Traced) else a for a in args], **kwargs)
        return lifted(_asarray(y.data, object)) if isinstance(y, Tensor) else y

    return run


_LINALG: dict[Any, Callable[..., Any]] = {
    np.linalg.inv: _through_table(linalg.inv),
    np.linalg.solve: _through_table(linalg.solve),
    np.linalg.det: _through_table(linalg.det),
}

# ---- allocators ----------------------------------------------------------------------------------


def _buffer(original: Callable[..., Any], fill: Any) -> Callable[..., Any]:
    """np.zeros and its like: a float buffer becomes one of Values."""

    def allocate(like: Any, *args: Any, **kwargs: Any) -> Any:
        by_example = original in (np.zeros_like, np.ones_like, np.empty_like)
        if by_example and isinstance(like, Traced):
            kind = np.dtype(kwargs.get("dtype", args[0] if args else None) or object).kind
            if kind not in "fO":
                return original(_empty(like.shape), *args, **kwargs)
            shape = kwargs.get("shape") or like.shape
        else:
            model = original(like, *args, **kwargs)
            if model.dtype.kind not in "fO":
                return model
            shape = model.shape
        out = _empty(shape, object)
        out[...] = constant(fill)
        return out.view(Traced) if out.ndim else out[()]

    return allocate


def _full(original: Callable[..., Any]) -> Callable[..., Any]:
    def allocate(shape: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(shape, Traced):
            shape = shape.shape
        elif original is np.full_like and _asarray(shape).dtype.kind == "f":
            shape = np.shape(shape)
        elif original is np.full_like:
            return original(shape, fill_value, *args, **kwargs)
        if not isinstance(fill_value, (float, Value)) and "dtype" not in kwargs and not args:
            return _full_of(shape, fill_value)
        out = _empty(shape, object)
        out[...] = lift(fill_value)
        return out.view(Traced)

    return allocate


def _holds_values(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_holds_values(v) for v in x)
    return isinstance(x, (Value, Traced)) or (isinstance(x, np.ndarray) and x.dtype.char == "O")


def _array(original: Callable[..., Any]) -> Callable[..., Any]:
    """np.array and its like: what holds Values stays an array of Values."""

    def make(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not _holds_values(x):
            return original(x, *args, **kwargs)
        dtype = kwargs.pop("dtype", args[0] if args else None)
        if dtype is not None and np.dtype(dtype).kind not in "fO":
            return original(_bare(np.vectorize(plain)(x)).astype(float), dtype, **kwargs)
        if isinstance(x, Value):
            return x
        kwargs.pop("copy", None)
        y = _new(_bare(x), object)
        return y.view(Traced) if original in (np.array, np.copy) or y is not x else x

    return make


_SWAPPED: dict[Any, Any] = {}
for _f, _value in ((np.zeros, 0), (np.empty, 0), (np.ones, 1)):
    _SWAPPED[_f] = _buffer(_f, _value)
for _f, _value in ((np.zeros_like, 0), (np.empty_like, 0), (np.ones_like, 1)):
    _SWAPPED[_f] = _buffer(_f, _value)
for _f in (np.full, np.full_like):
    _SWAPPED[_f] = _full(_f)
for _f in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray):
    _SWAPPED[_f] = _array(_f)


def _of_math(name: str) -> Callable[..., Any]:
    original, op = getattr(math, name), getattr(ops, name)
    return lambda *xs: op(*xs) if any(isinstance(x, Value) for x in xs) else original(*xs)


for _name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "pow", "hypot", "erf", "erfc",
              "sin", "cos", "tan", "sinh", "cosh", "tanh", "fabs", "atan", "asin", "acos",
              "atan2"):  # fmt: skip
    if hasattr(math, _name) and hasattr(ops, _name):
        _SWAPPED[getattr(math, _name)] = _of_math(_name)
_SWAPPED[math.fabs] = _absolute
_BUILTINS = {"abs": _absolute}


class _Proxy(ModuleType):
    """A module with some functions replaced: what user code sees in place of numpy and math."""

    def __init__(self, original: ModuleType, changed: dict[str, Any]) -> None:
        super().__init__(original.__name__)
        self.__dict__.update(changed)
        self.__dict__["original"] = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["original"], name)


def _proxy(original: ModuleType) -> _Proxy:
    names = vars(original).items()
    changed = {k: _SWAPPED[v] for k, v in names if isinstance(v, _KINDS) and v in _SWAPPED}
    return _Proxy(original, changed)


_KINDS = tuple({type(f) for f in _SWAPPED})
# NumPy itself stays as it is: its compiled parts (numpy.random) use its allocators too.
_MODULES: dict[Any, Any] = {np: _proxy(np), math: _proxy(math)}
_UNSET = object()


@contextmanager
def tracing(
    number: Callable[[Any], Any], places: Any, judge: Any = None, budget: int = 0
) -> Iterator[None]:
    """A context in which NumPy code may run on values(): allocators are swapped, comparisons asked.

    `places` are the namespaces (module dicts) of the code to be run, where the swap takes place.
    The judge answers comparisons, see node.Judging. Raises TooLarge after `budget` nodes.
    """
    with _lock:
        before = _state.number, judging.by, _state.budget, _state.start, _state.on
        undo: list[tuple[dict[str, Any], str, Any]] = []
        try:
            _state.number, judging.by = number, judge  # type: ignore[method-assign]
            _state.budget, _state.start, _state.on = budget, next_stamp(), True
            for home in places:
                _swap(home, undo)
            yield
        finally:
            _state.number, judging.by, _state.budget, _state.start, _state.on = before  # type: ignore[method-assign]
            for home, name, old in undo:
                if old is _UNSET:
                    home.pop(name, None)
                else:
                    home[name] = old


def _swap(home: dict[str, Any], undo: list[tuple[dict[str, Any], str, Any]]) -> None:
    for name, old in list(home.items()):
        if isinstance(old, ModuleType):
            new = _MODULES.get(old)
        else:
            new = _SWAPPED.get(old) if isinstance(old, _KINDS) else None
        if new is not None:
            undo.append((home, name, old))
            home[name] = new
    for name, new in _BUILTINS.items():
        if name not in home:
            undo.append((home, name, _UNSET))
            home[name] = new


def namespaces(*things: Any) -> list[dict[str, Any]]:
    """The module dicts of functions, classes and objects, and of user code that they use.

    Modules of installed packages and of Python itself are left out.
    """
    found: dict[int, dict[str, Any]] = {}
    todo, seen = list(things), set()
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        todo += _enclosed(thing)
        home = _home(thing)
        if home is None or id(home) in found or not _users(home):
            continue
        found[id(home)] = home
        todo += [v for v in home.values() if isinstance(v, (ModuleType, FunctionType, type))]
    return list(found.values())


def _enclosed(thing: Any) -> list[Any]:
    """What an inner function sees of the functions around it."""
    code = getattr(thing, "__func__", thing)
    out = []
    cells = code.__closure__ if isinstance(code, FunctionType) else ()
    for cell in cells or ():
        try:
            out.append(cell.cell_contents)
        except ValueError:  # not yet set
            continue
    return [v for v in out if isinstance(v, (ModuleType, FunctionType, type, partial))
            or _users_object(v)]  # fmt: skip


def _users_object(v: Any) -> bool:
    return type(v).__module__ not in sys.stdlib_module_names and hasattr(v, "__dict__")


def _home(thing: Any) -> dict[str, Any] | None:
    if isinstance(thing, partial):
        return _home(thing.func)
    if isinstance(thing, ModuleType):
        return vars(thing)
    code = getattr(thing, "__func__", thing)
    if isinstance(code, FunctionType):
        return code.__globals__
    kind = thing if isinstance(thing, type) else type(thing)
    module = sys.modules.get(kind.__module__)
    if module is not None:
        return vars(module)
    methods = (v for v in vars(kind).values() if isinstance(v, FunctionType))
    return next((m.__globals__ for m in methods), None)


def _users(home: dict[str, Any]) -> bool:
    """Whether a namespace is that of user code, not of a library."""
    file = home.get("__file__") or ""
    name = str(home.get("__name__", "")).partition(".")[0]
    return not (name in _LIBRARIES or "site-packages" in file or "dist-packages" in file)


_LIBRARIES = {*sys.stdlib_module_names, "numpy", "microgradnn"} - {"__main__"}


def tracer() -> Callable[[Any], Any] | None:
    """What makes numbers of the trace that is under way, or None outside of one."""
    return _state.number if _state.on else None
