"""What happens when NumPy is given a Tensor: `np.tanh(t)`, `np.var(t, axis=0)`, `np.linalg.det(t)`.

NumPy asks its arguments first (NEP 13 and 18), and the answer is looked up here: a ufunc becomes an
op of the table, a function becomes ours of the same meaning, a question about shapes or order
(argsort, isnan) is answered from the data, and anything else is refused by name: nothing that
NumPy is asked loses a gradient silently.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..errors import DTypeError, GradientError, MicrogradError, RuleError, ShapeError
from .op import OPS, UFUNCS, Carrier, constant
from .value import Value

F = TypeVar("F", bound=Callable[..., Any])
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""Our function for each NumPy function: filled by `implements` in functions/."""

REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {}
"""What `ufunc.reduce` means: np.add.reduce is sum."""

ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {}
"""What `ufunc.accumulate` means: np.add.accumulate is cumsum."""


def _named(module: Any, names: str) -> set[Any]:
    return {getattr(module, n) for n in names.split() if hasattr(module, n)}


# Answers that do not change when the data moves a little: given as plain numbers and arrays.
PLAIN = _named(
    np,
    "all allclose angle any argmax argmin argpartition argsort argwhere array2string array_equal "
    "array_equiv array_repr array_str bincount can_cast common_type count_nonzero "
    "diag_indices_from digitize empty_like equal flatnonzero greater greater_equal histogram "
    "histogram_bin_edges iscomplex iscomplexobj isclose isfinite isin isinf isnan isneginf "
    "isposinf isreal isrealobj less less_equal lexsort logical_and logical_not logical_or "
    "logical_xor may_share_memory min_scalar_type nanargmax nanargmin ndim nonzero not_equal "
    "ones_like result_type searchsorted shape shares_memory signbit size spacing "
    "tril_indices_from triu_indices_from unravel_index zeros_like",
) | {np.linalg.matrix_rank}
# Of these some results move with the data, or with the weights.
_MOVING = _named(np, "bincount histogram histogram_bin_edges")
_SAME: dict[Any, Any] = {np.fabs: np.absolute, np.deg2rad: np.radians, np.rad2deg: np.degrees}
_IN_PLACE = _named(np, "copyto fill_diagonal place put put_along_axis putmask")
_INSTEAD = {
    "out": "use the tensor that is returned",
    "where": "choose with np.where",
    "dtype": "use .astype on the result",
}


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """A decorator: our function is what these NumPy functions mean for Tensors.

    Called as NumPy's or as ours, what it raises is typed and begins with the name.
    """

    def enter(ours: F) -> F:
        for function in numpy_functions:
            if callable(function):  # a name stands for what this NumPy does not have yet
                FUNCTIONS[function] = _adapted(function, ours)

        @functools.wraps(ours)
        def named(*args: Any, **kwargs: Any) -> Any:
            try:
                return ours(*args, **kwargs)
            except MicrogradError:
                raise
            except (TypeError, ValueError, IndexError, OverflowError) as error:
                raise _typed(ours.__name__, error) from error

        return named if inspect.isfunction(ours) else ours  # type: ignore[return-value]

    return enter


def _typed(name: str, error: Exception) -> Exception:
    """One of our errors for NumPy's, the name of the function before what it says."""
    kind = DTypeError if isinstance(error, TypeError | OverflowError) else ShapeError
    return kind(f"{name}: {error}")


def array(x: Any) -> Any:
    """x as it is if it is a node or an array, else the array of it; lists of nodes are stacked."""
    if isinstance(x, (Carrier, np.ndarray)):
        return x
    if isinstance(x, (list, tuple)) and _holds_node(x):
        return OPS["stack"](*map(array, x))
    return np.asarray(x)


def _holds_node(x: Any) -> bool:
    return any(
        _holds_node(v) if isinstance(v, (list, tuple)) else isinstance(v, Carrier) for v in x
    )


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """The result of ufunc on inputs among which there are Tensors."""
    op = UFUNCS.get(ufunc)
    if op is not None and method == "__call__" and not kwargs:
        for x in inputs:
            if isinstance(x, (list, tuple)):
                return op(*map(array, inputs))
        return op(*inputs)
    name, ufunc = f"np.{ufunc.__name__}", _SAME.get(ufunc, ufunc)
    if method == "__call__":
        if ufunc in FUNCTIONS:
            return FUNCTIONS[ufunc](*inputs, **kwargs)
        for key in kwargs:
            raise _unsupported(name, key)
        if ufunc in UFUNCS:
            return UFUNCS[ufunc](*[array(x) if isinstance(x, (list, tuple)) else x for x in inputs])
        if ufunc in PLAIN:
            return ufunc(*map(bare, inputs))
    elif method in ("reduce", "accumulate"):
        table = REDUCTIONS if method == "reduce" else ACCUMULATIONS
        if ufunc in table:
            kwargs = {"axis": 0, **kwargs}
            out = kwargs.pop("out", None)
            if out not in (None, (None,)):
                raise _unsupported(f"{name}.{method}", "out")
            return table[ufunc](inputs[0], **_defined(kwargs))
    elif method == "outer" and ufunc in UFUNCS and len(inputs) == 2:
        a, b = map(array, inputs)
        return UFUNCS[ufunc](a[(..., *(None,) * b.ndim)], b)
    raise RuleError(_no_rule(name if method == "__call__" else f"{name}.{method}"))


def call_function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The result of a NumPy function on arguments among which there are Tensors."""
    ours = FUNCTIONS.get(function)
    if ours is not None:
        return ours(*args, **kwargs)
    name = _name(function)
    if function in _MOVING:
        for x in (*args, *kwargs.values()):
            constant(name, "an argument", x)
    if function in PLAIN:
        return function(*map(bare, args), **{k: bare(v) for k, v in kwargs.items()})
    if function in _IN_PLACE:
        raise GradientError(
            f"{name}: tensors are not changed in place; build the result with np.where, "
            "np.concatenate or np.stack"
        )
    raise RuleError(_no_rule(name))


def _adapted(function: Any, ours: Any) -> Callable[..., Any]:
    """Our function behind NumPy's signature: what ours has no parameter for is refused by name."""
    accepted = inspect.signature(ours).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    try:
        theirs = inspect.signature(ours if isinstance(function, np.ufunc) else function).parameters
    except ValueError:  # older NumPy hides some; ours have the same order
        return ours
    names = list(theirs)
    first = max(1, sum(p.kind is p.POSITIONAL_ONLY for p in theirs.values()))
    several = any(p.kind is p.VAR_POSITIONAL for p in theirs.values())
    name = _name(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not several and len(args) > first:
            kwargs = dict(zip(names[first:], args[first:], strict=False)) | kwargs
            args = args[:first]
        given = {}
        for key, value in kwargs.items():
            default = theirs[key].default if key in theirs else inspect.Parameter.empty
            if key in accepted or anything and key not in theirs:
                given[key] = value
            elif not (value is None or value is default or value is np._NoValue):
                raise _unsupported(name, key)
        try:
            return ours(*args, **given)
        except MicrogradError:
            raise
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise _typed(name, error) from error

    return call


def _defined(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in kwargs.items() if v is not np._NoValue}


def bare(x: Any) -> Any:
    """What NumPy's own function gets of an argument: the data, without a graph.

    Objects come as Values, whose comparisons never guess (balls that overlap raise).
    """
    if isinstance(x, (list, tuple)):
        return type(x)(map(bare, x)) if not hasattr(x, "_fields") else x
    if not isinstance(x, Carrier):
        return x
    data = x.data
    objects = isinstance(data, np.ndarray) and data.dtype.char == "O"
    return np.frompyfunc(Value, 1, 1)(data) if objects else data


def _name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def _no_rule(name: str) -> str:
    return (
        f"{name}: has no derivative rule here; use .data if its result is a constant for you, or "
        "give it a rule with mg.custom_vjp"
    )


def _unsupported(name: str, key: str) -> RuleError:
    instead = _INSTEAD.get(key, "leave it out")
    return RuleError(f"{name}: {key}= is not supported for tensors; {instead}")
