"""From a function to its program: it is traced twice, and both traces must agree.

What differs between them is not a constant: numbers drawn at random, the time. What is one and the
same object in both was there before, and the program reads it anew in each run.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.value import Value
from ..errors import DTypeError, ShapeError, TraceError
from ..transforms import tree
from ..transforms.call import single
from .carriers import Carried, TracedValue
from .given import data_of, is_traced, leaves_of
from .literal import LARGEST, pattern
from .outside import Foreign
from .passes import improved
from .program import StraightProgram, mapped
from .trace import Tracer


def program_of(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    argnums: Any,
    values: bool = False,
) -> tuple[StraightProgram, Tracer]:
    """The program of f and, unless argnums is None, of its gradient; and the trace it is from.

    Raises TraceError where f cannot be compiled, and whatever f raises.
    """
    first = _traced(f, args, kwargs, argnums, values)
    second = _traced(f, args, kwargs, argnums, values)
    resolve(first, second)
    return improved(first.program), first


def _traced(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], argnums: Any, values: bool
) -> Tracer:
    trace = Tracer(values)
    with trace.running():
        wanted = [] if argnums is None else [argnums] if single(argnums) else list(argnums)
        flags = [i in wanted for i, x in enumerate(args) for _ in tree.leaves(x)]
        flags += [False] * len(tree.leaves(kwargs))
        leaves = zip(leaves_of(args, kwargs), flags, strict=True)
        carriers = [_carrier(trace, x, flag) for x, flag in leaves]
        given, named = tree.rebuild([list(args), kwargs], iter(carriers))
        for i in wanted:
            for leaf in tree.leaves(given[i]):
                leaf.wanted = True
        y = f(*given, **named)
        name_arguments(f, given, named)
        if argnums is None:
            trace.program.value = tree.map_leaves(lambda v: _result(trace, v), y)
        else:
            _differentiate(trace, given, y, argnums)
    return trace


def _carrier(trace: Tracer, x: Any, wanted: bool) -> Any:
    """What stands for a leaf of the arguments; a float by which is differentiated is an array."""
    if not is_traced(x):
        return x
    data = data_of(x)
    if type(data) is float and wanted and not trace.values:
        data = np.asarray(data)
    real = getattr(data, "dtype", np.dtype(float)).kind == "f"
    if trace.values and type(data) is float and not isinstance(x, Node):
        return trace.argument(data, False)
    if type(data) is float and not isinstance(x, Node):  # beside arrays: a number without a dtype
        return trace.argument(data, True)
    return trace.argument(x if isinstance(x, Node) else data, real)


def name_arguments(f: Callable[..., Any], given: list[Any], named: dict[str, Any]) -> None:
    """Names for arguments that have none yet: of the parameter, or the key in a dict."""
    try:
        words = list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        words = []
    words += [f"x{i}" for i in range(len(words), len(given))]
    for word, x in [*zip(words, given, strict=False), *named.items()]:
        for path, leaf in _paths(word, x):
            if isinstance(leaf, Carried) and not leaf.variable.name:
                leaf.variable.name = path


def _paths(name: str, x: Any) -> Iterator[tuple[str, Any]]:
    """(name, leaf): the last key that is a word, with the numbers after it."""
    if isinstance(x, dict):
        for key, part in x.items():
            yield from _paths(key if isinstance(key, str) else f"{name}_{key}", part)
    elif isinstance(x, (list, tuple)):
        for i, part in enumerate(x):
            yield from _paths(f"{name}{i + 1}", part)
    else:
        yield name, x


def _result(trace: Tracer, y: Any) -> Any:
    if isinstance(y, str) or not hasattr(y, "__mul__"):
        raise DTypeError(f"compile: f returned {type(y).__name__}, need numbers or arrays")
    y = trace.lift(y)
    return y.variable if isinstance(y, Carried) else y


def _differentiate(trace: Tracer, given: list[Any], y: Any, argnums: Any) -> None:
    numbers = [argnums] if single(argnums) else list(argnums)
    wanted = tree.leaves([given[i] for i in numbers])
    if isinstance(y, (tuple, list, dict)) or np.shape(_plain(y)) != ():
        several = isinstance(y, (tuple, list, dict))
        what = type(y).__name__ if several else f"shape {np.shape(_plain(y))}"
        raise ShapeError(
            f"compile: f returned {what}, need one number; sum it, or use compile(f, argnums=None) "
            "for its values alone"
        )
    trace.program.value = _result(trace, y)
    y = trace.lift(y)
    one = 1.0 if isinstance(y, TracedValue) else np.ones((), getattr(y, "dtype", float))
    found: list[Any] = [None] * len(wanted)
    if isinstance(y, Carried) and y.requires_grad:
        found = trace.backward(y, wanted, one)
    for x, g in zip(wanted, found, strict=True):
        g = _zero(x) if g is None else g
        g = trace.lift(g)
        trace.program.gradients.append((x.variable, g.variable if isinstance(g, Carried) else g))


def _zero(x: Any) -> Any:
    return 0.0 if isinstance(x, Value) else np.zeros(x.shape, x.dtype)


def _plain(y: Any) -> Any:
    return y.concrete if isinstance(y, Carried) else y._data if isinstance(y, Node) else y


# ---- the two traces -----------------------------------------------------------------------------


def resolve(first: Tracer, second: Tracer) -> None:
    """Says of everything from outside whether it is a constant, or read anew in each run.

    Raises TraceError if the two traces of a function are not the same.
    """
    a, b = first.program, second.program
    if [(i.op, i.out.shape, i.out.dtype) for i in a.body] != [
        (i.op, i.out.shape, i.out.dtype) for i in b.body
    ] or len(first.foreign) != len(second.foreign):
        raise TraceError(
            "compile: the function does something else each time that it runs; pass what changes "
            "as an argument"
        )
    for i, k in zip(a.body, b.body, strict=True):
        if _literals(i) != _literals(k):
            where = "" if i.line is None else f" in line {i.line.line}, `{i.line.source}`,"
            raise TraceError(
                f"compile: a number{where} is another each time that the function runs; pass it as "
                "an argument"
            )
    for x, y in zip(first.foreign, second.foreign, strict=True):
        _settle(a, x, y)


def _literals(i: Any) -> str:
    found: list[Any] = []
    mapped(lambda v: found.append(v) if isinstance(v, (bool, int, float, np.generic)) else v,
           (i.inputs, i.params))  # fmt: skip
    return repr(found)


def _settle(program: StraightProgram, x: Foreign, y: Foreign) -> None:
    variable = x.carrier.variable
    if x.held is y.held or _one_memory(x.held, y.held):
        program.captured[variable] = x.held
    elif x.content != y.content and not (x.content != x.content and y.content != y.content):
        raise TraceError(
            f"compile: the array in line {x.place.line}, `{x.place.source}`, is another each time "
            "that the function runs; pass it as an argument, or draw it with F.dropout"
        )
    else:
        data = x.held._data if isinstance(x.held, Node) else x.held
        if isinstance(data, np.ndarray) and data.size > LARGEST and pattern(data) is None:
            program.captured[variable] = data
            variable.name = variable.name or "constant"
        else:
            program.constants[variable] = data


def _one_memory(a: Any, b: Any) -> bool:
    """Whether both are views of one array, which may change."""
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        return False
    return (
        a.base is not None
        and a.size > 0
        and a.__array_interface__["data"] == b.__array_interface__["data"]
        and a.strides == b.strides
    )
