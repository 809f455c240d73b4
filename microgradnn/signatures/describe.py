"""What help(mg.relu) and inspect.signature(mg.relu) say of an op: read off its row of the table."""

import inspect
import linecache
from collections.abc import Callable
from typing import Any

_SHAPES = {
    "pointwise": "any; inputs broadcast to their common shape, which is that of the result",
    "linear": "as the array function of that name; the op is linear in its inputs",
    "multilinear": "as the array function of that name; the op is linear in each input",
    "reduction": "the axes named by axis (None for all) go, or keep length 1 with keepdims=True",
    "custom": "as its formula says",
}


class Described:
    """An attribute that each object computes by `make` when it is read; the class has `own`."""

    def __init__(self, make: Callable[[Any], Any], own: Any = None) -> None:
        self.make, self.own = make, own

    def __get__(self, op: Any, kind: type[Any]) -> Any:
        if op is not None:
            return self.make(op)
        if self.own is None:
            raise AttributeError("only objects have it")
        return self.own


def text(op: Any) -> str:
    """The help text of an op: value, derivative, kinks, shapes, dtype."""
    call = f"{op.name}{signature(op)}".replace(", /", "")
    lines = [f"{call} = {op.formula}", "", f"One {op.kind} op of the table in engine/ops.py."]
    lines += ["Nodes in, node out; arrays in, array out; numbers in, number out.", ""]
    lines += [f"    value       y = {op.formula}"]
    names = inputs(op)
    for name, rule in zip(names, _rules(op), strict=False):
        lines.append(f"    derivative  {_slope(op, name, rule)}")
    if op.kink:
        lines.append(f"    kinks       {op.kink}")
    lines.append(f"    shapes      {_SHAPES['pointwise' if op.pointwise else op.kind]}")
    lines.append("    dtype       NumPy's promotion: float32 stays float32, longdouble longdouble")
    return "\n".join([*lines, "", "g is the cotangent of y: the slope of the loss by y."])


def signature(op: Any) -> inspect.Signature:
    """Inputs by position only, options by name only."""
    several = inspect.Parameter.VAR_POSITIONAL if op.variadic else inspect.Parameter.POSITIONAL_ONLY
    parameters = [inspect.Parameter(name, several) for name in inputs(op)]
    for rule in _rules(op):
        if rule is not None:
            given = list(inspect.signature(rule).parameters.values())
            options = [p for p in given[2:] if p.name not in inputs(op)]
            parameters += [
                p if p.kind is p.VAR_KEYWORD else p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                for p in options
            ]
            break
    return inspect.Signature(parameters)


def inputs(op: Any) -> tuple[str, ...]:
    """The names of an op's inputs, as its rules call them."""
    for rule in _rules(op):
        if rule is not None:
            code = rule.__code__
            if op.variadic:
                return (code.co_varnames[code.co_argcount + code.co_kwonlyargcount],)
            return tuple(code.co_varnames[2 : 2 + op.arity])
    return ("x",) if op.arity == 1 else tuple("abc"[: op.arity])


def options(op: Any) -> frozenset[str] | None:
    """The names of an op's options, as its rules (or else its kernel on numbers) call them.

    None if it takes any.
    """
    told = [(2 if op.variadic else 2 + op.arity, rule) for rule in _rules(op) if rule is not None]
    for skipped, function in [*told, (op.arity, op.number)]:
        code = getattr(function, "__code__", None)
        if code is not None:
            named = code.co_varnames[skipped : code.co_argcount + code.co_kwonlyargcount]
            return None if code.co_flags & inspect.CO_VARKEYWORDS else frozenset(named)
    return None if told else frozenset()


def _rules(op: Any) -> tuple[Any, ...]:
    return (op.rules,) if op.variadic else op.rules


def _slope(op: Any, name: str, rule: Any) -> str:
    """The derivative by one input, in the words of the table."""
    if rule is None:
        return f"by {name}: 0"
    if op.weight is not None:
        return f"dy/d{name} = {source(op.weight)}"
    return f"by {name}: {source(rule)}"


def source(function: Any) -> str:
    """What a lambda returns, as it is written; of other functions the name."""
    code = function.__code__
    if code.co_name != "<lambda>":
        return f"see {function.__name__} in {function.__module__}"
    spans = [p for p in code.co_positions() if p[3]]
    if not spans:
        return "see the table"
    first, last = min((p[0], p[2]) for p in spans), max((p[1], p[3]) for p in spans)
    lines = [linecache.getline(code.co_filename, n) for n in range(first[0], last[0] + 1)]
    lines[-1] = lines[-1].encode()[: last[1]].decode()  # columns count bytes
    lines[0] = lines[0].encode()[first[1] :].decode()
    return " ".join(" ".join(lines).split()) or "see the table"
