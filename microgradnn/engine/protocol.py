"""What happens when NumPy is given a Tensor: `np.tanh(t)`, `np.var(t, axis=0)`, `np.linalg.det(t)`.

NumPy asks its arguments first (NEP 13 and 18), and the answer is looked up here: a ufunc becomes an
op of the table, a function becomes ours of the same meaning, a question about shapes or order
(argsort, isnan) is answered from the data, and anything else is refused by name: nothing that
NumPy is asked loses a gradient silently.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DTypeError, GradientError, RuleError
from ..numerics.forward import ordinary
from .op import INSTEAD, OPS, UFUNCS, Carrier, constant
from .value import Value

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""Our function for each NumPy function, or for its name: functions/ fills it, and the next two."""

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
_SAME: dict[Any, Any] = {np.deg2rad: np.radians, np.rad2deg: np.degrees}
_IN_PLACE = _named(np, "copyto fill_diagonal place put put_along_axis putmask")


def array(x: Any) -> Any:
    """x as it is if it is a node or an array, else the array of it; lists of nodes are stacked."""
    if isinstance(x, (Carrier, np.ndarray)):
        return ordinary("array", x)
    if isinstance(x, (list, tuple)) and _holds_node(x):
        return OPS["stack"](*map(array, x))
    return np.asarray(x)


def _holds_node(x: Any) -> bool:
    return any(
        _holds_node(v)
        if isinstance(v, (list, tuple))
        else isinstance(ordinary("array", v) if isinstance(v, np.ndarray) else v, Carrier)
        for v in x
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
            raise unsupported(name, key)
        if ufunc in UFUNCS:
            return UFUNCS[ufunc](*[array(x) if isinstance(x, (list, tuple)) else x for x in inputs])
        if ufunc in PLAIN:
            return _plainly(name, ufunc, inputs, {})
    elif method in ("reduce", "accumulate"):
        table = REDUCTIONS if method == "reduce" else ACCUMULATIONS
        if ufunc in table:
            kwargs = {"axis": 0, **kwargs}
            out = kwargs.pop("out", None)
            if out not in (None, (None,)):
                raise unsupported(f"{name}.{method}", "out")
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
    name = np_name(function)
    if name in FUNCTIONS:  # in a package of NumPy's that loads when it is first used
        return FUNCTIONS[name](*args, **kwargs)
    if function in _MOVING:
        for x in (*args, *kwargs.values()):
            constant(name, "an argument", x)
    if function in PLAIN:
        return _plainly(name, function, args, kwargs)
    if function in _IN_PLACE:
        raise GradientError(
            f"{name}: tensors are not changed in place; build the result with np.where, "
            "np.concatenate or np.stack"
        )
    raise RuleError(_no_rule(name))


def _plainly(name: str, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    try:
        return function(*map(bare, args), **{k: bare(v) for k, v in kwargs.items()})
    except (TypeError, AttributeError) as error:  # NumPy's, of kinds of numbers it does not know
        kinds = ", ".join(str(x.dtype) for x in args if hasattr(x, "dtype"))
        raise DTypeError(f"{name}: not defined for dtypes {kinds}") from error


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


def np_name(function: Any) -> str:
    """What users call it: np.linalg.det."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def _no_rule(name: str) -> str:
    return (
        f"{name}: has no derivative rule here; use .data if its result is a constant for you, or "
        "give it a rule with mg.custom_vjp"
    )


def unsupported(name: str, key: str) -> RuleError:
    """The error for an argument that only NumPy's function has."""
    instead = INSTEAD.get(key, "leave it out")
    return RuleError(f"{name}: {key}= is not supported for tensors; {instead}")
