"""What user code sees while it is traced: numpy and math with other allocators.

Only names in the user's own modules are swapped. NumPy itself stays as it is: its compiled parts
(numpy.random) use its allocators too.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from ...engine import ops
from ...engine.node import judging, plain
from ...engine.value import Value
from ...numerics.changes import next_stamp
from .traced import Traced, absolute, bare, lift, lifted, trace

_lock = threading.RLock()  # names in the user's modules are swapped for all threads


def _buffer(original: Callable[..., Any], fill: Any = None) -> Callable[..., Any]:
    """np.zeros, np.full and their like: a float buffer becomes one of Values."""
    by_example = original.__name__.endswith("_like")
    first = "prototype" if original is np.empty_like else "a" if by_example else "shape"
    names = [first, *(["fill_value"] if fill is None else []), "dtype"]

    def allocate(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False)) | kwargs
        if len(args) > len(names) or first not in given:
            return original(*args, **kwargs)
        value = given.get("fill_value", fill)
        plainly = {k: np.zeros(v.shape) if isinstance(v, Traced) else v for k, v in given.items()}
        if isinstance(value, Value):
            plainly["fill_value"] = 0.0
        model = original(**plainly)
        if model.dtype.kind not in "fO":
            return model
        out = np.empty(model.shape, object)
        out[...] = lift(value) if np.ndim(value) == 0 else lifted(np.asarray(value, object))
        return out.view(Traced) if out.ndim else out[()]

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
            return original(bare(np.vectorize(plain)(x)).astype(float), dtype, **kwargs)
        if isinstance(x, Value):
            return x
        kwargs.pop("copy", None)
        y = np.array(bare(x), object)
        return y.view(Traced) if original in (np.array, np.copy) or y is not x else x

    return make


def _of_math(name: str) -> Callable[..., Any]:
    original, op = getattr(math, name), getattr(ops, name)
    return lambda *xs: op(*xs) if any(isinstance(x, Value) for x in xs) else original(*xs)


_SWAPPED: dict[Any, Any] = {}
_f: Any
for _f in (np.zeros, np.empty, np.zeros_like, np.empty_like):
    _SWAPPED[_f] = _buffer(_f, 0)
for _f in (np.ones, np.ones_like):
    _SWAPPED[_f] = _buffer(_f, 1)
for _f in (np.full, np.full_like):
    _SWAPPED[_f] = _buffer(_f)
for _f in (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray):
    _SWAPPED[_f] = _array(_f)


for _name in ("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "pow", "hypot", "erf",
              "erfc", "sin", "cos", "tan", "sinh", "cosh", "tanh", "fabs", "atan", "asin", "acos",
              "atan2"):  # fmt: skip
    if hasattr(math, _name) and hasattr(ops, _name):
        _SWAPPED[getattr(math, _name)] = _of_math(_name)
_SWAPPED[math.fabs] = absolute
_BUILTINS = {"abs": absolute}


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


def _here(original: Callable[..., Any], new: Callable[..., Any]) -> Callable[..., Any]:
    """new in the thread that traces, original in every other."""

    def call(*args: Any, **kwargs: Any) -> Any:
        f = new if threading.get_ident() == trace.thread else original
        return f(*args, **kwargs)

    return call


_SWAPPED = {f: _here(f, new) for f, new in _SWAPPED.items()}
_KINDS = tuple({type(f) for f in _SWAPPED})
_MODULES: dict[Any, Any] = {np: _proxy(np), math: _proxy(math)}
_UNSET = object()


@contextmanager
def tracing(
    number: Callable[[Any], Any],
    places: Any,
    comparer: Any = None,
    budget: int = 0,
    masks: bool = False,
) -> Iterator[None]:
    """A context in which NumPy code may run on values(): allocators are swapped, comparisons asked.

    `places` are the namespaces (module dicts) of the code to be run, where the swap takes place.
    The comparer answers comparisons, see node.Judging. Raises TooLarge after `budget` nodes.
    With masks np.where and np.maximum leave an edge in the graph for what they did not choose, too.
    """
    with _lock:
        before, judge = dict(vars(trace)), judging.by
        undo: list[tuple[dict[str, Any], str, Any]] = []
        try:
            trace.number, judging.by = number, comparer
            trace.budget, trace.start, trace.on = budget, next_stamp(), True
            trace.thread, trace.masks = threading.get_ident(), masks
            for home in places:
                _swap(home, undo)
            yield
        finally:
            vars(trace).clear()
            vars(trace).update(before)
            judging.by = judge
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
