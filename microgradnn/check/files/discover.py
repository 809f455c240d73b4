"""Which forward and backward passes a file holds: pairs of functions, losses, layers and nets."""

import ast
import functools
import inspect
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ...engine.errors import unknown
from . import source

# How a backward is named after what it differentiates. {} is the layer, {v} what comes behind:
# conv_backward_naive. Earlier ones win; those without "forward" are taken only if nothing else is.
_PAIRS = (
    ("{}_forward{v}", "{}_backward{v}"),
    ("{}_forward{v}", "{}_backwards{v}"),
    ("{}_forward{v}", "{}_backprop{v}"),
    ("{}_forward{v}", "{}_grad{v}"),
    ("forward_{}{v}", "backward_{}{v}"),
    ("{}_fwd{v}", "{}_bwd{v}"),
    ("{}_fw{v}", "{}_bw{v}"),
    ("{}_fprop{v}", "{}_bprop{v}"),
    ("{}_forward_pass{v}", "{}_backward_pass{v}"),
    ("{}Forward{v}", "{}Backward{v}"),
    ("{}_prop{v}", "{}_backprop{v}"),
    ("forward_propagate_{}", "backward_propagate_{}"),
    ("{}", "{}_backward"),
    ("{}", "{}_backprop"),
    ("{}", "{}_grad"),
    ("{}", "{}_gradient"),
    ("{}", "{}_derivative"),
    ("{}", "{}_deriv"),
    ("{}", "{}_prime"),
    ("{}", "{}_vjp"),
    ("{}", "{}_bwd"),
    ("{}", "{}Backward"),
    ("{}", "{}Grad"),
    ("{}", "backward_{}"),
    ("{}", "grad_{}"),
    ("{}", "d_{}"),
    ("{}", "d{}"),
)
_VARIANT = r"(?P<v>(?:_[A-Za-z0-9]+)?)"
_LOSS = re.compile(
    r"((^|_)(loss|cost|cross_entropy|objective)|(^|_|[a-z])(Loss|Cost))([A-Z_0-9]|$)"
)


@dataclass(frozen=True)
class Found:
    """What can be checked, and how it is run (see the zoo's entry.py for the styles).

    name      what users see: "affine", "Linear", "softmax_loss"
    forward   also the class's own forward or __call__ (layer) or loss (net), unbound
    backward  also the class's backward, or gradient (net); None where the forward returns them
    line      of the backward (pair, plain), else of the function or class

    Unusual signatures are adapted: forward and backward of a pair or plain Found can be called as
    its style says, and inspect.unwrap gives what the user wrote.
    """

    name: str
    style: str
    forward: Callable[..., Any] | None
    backward: Callable[..., Any] | None
    cls: type | None
    line: int

    def names(self) -> set[str]:
        """All names by which users may select it."""
        if self.cls is not None:
            return {self.name, self.cls.__name__}
        parts = (inspect.unwrap(f) for f in (self.forward, self.backward) if f is not None)
        return {self.name, *(f.__name__ for f in parts)}


def find(module: ModuleType, names: Collection[str] = ()) -> list[Found]:
    """What the module's own file defines, in its order; only `names` if there are any.

    ConfigError if a name is not there.
    """
    found = [*_functions(module), *_classes(module)]
    found.sort(key=lambda f: f.line)
    known = {name for f in found for name in f.names()}
    for name in names:
        if name not in known:
            where = getattr(module, "__file__", None) or module.__name__
            kind = f"forward with a backward in {where}"
            raise unknown("check", kind, name, list(dict.fromkeys(f.name for f in found)))
    return [f for f in found if not names or f.names() & set(names)]


def _own(module: ModuleType, kind: Callable[[Any], bool]) -> dict[str, Any]:
    """What is defined in the module itself, by name."""
    return {
        name: thing
        for name, thing in vars(module).items()
        if kind(thing) and thing.__module__ == module.__name__ and not name.startswith("__")
    }


# ---- functions -----------------------------------------------------------------------------------


def _functions(module: ModuleType) -> Iterator[Found]:
    functions = _own(module, inspect.isfunction)
    used: set[str] = set()
    for name, backward in functions.items():
        match = _forward_of(name, functions)
        if match is None:
            continue
        layer, forward = match
        found = _pair(layer, functions[forward], backward)
        if found is not None:
            used |= {name, forward}
            yield found
    for name, function in functions.items():
        if name not in used and _LOSS.search(name) and source.tuples(function) != 1:
            yield Found(name, "loss", function, None, None, source.line(function))


def _forward_of(name: str, functions: dict[str, Any]) -> tuple[str, str] | None:
    """The layer's name and its forward's, if `name` is called like a backward of it."""
    for forward, backward in _PAIRS:
        pattern = re.escape(backward).replace(r"\{\}", "(?P<x>.+?)").replace(r"\{v\}", _VARIANT)
        match = re.fullmatch(pattern, name)
        if match is None or match["x"].startswith("_") and not match["x"].strip("_"):
            continue
        v = match["v"] if "v" in match.groupdict() else ""
        for x in dict.fromkeys([match["x"], match["x"].lower(), match["x"].capitalize()]):
            for tail in dict.fromkeys([v, ""]):
                other = forward.format(x, v=tail)
                if other in functions and other != name:
                    return x + v, other
            if v and (tail := _only_variant(forward, x, functions)):
                return x + v, tail
    return None


def _only_variant(forward: str, x: str, functions: dict[str, Any]) -> str | None:
    """conv_forward_strides for conv_backward_fast, where it is the only one."""
    pattern = re.escape(forward.format(x, v="\0")).replace("\0", _VARIANT)
    others = [name for name in functions if re.fullmatch(pattern, name)]
    return others[0] if len(others) == 1 else None


def _pair(name: str, forward: Any, backward: Any) -> Found | None:
    """A pair or plain Found, or None if the signatures do not look like one."""
    given, taken = source.required(forward), source.required(backward)
    inputs = list(inspect.signature(forward).parameters)
    if not inputs or not taken or _empty(forward) or _empty(backward):
        return None
    line = source.line(backward)
    count = source.tuples(forward)
    if count == 1 or (count == 0 and _takes_inputs(inputs, taken)):
        if taken[: len(given)] == given or len(taken) == 1 and count != 0:
            if len(taken) == 1 and source.cotangent(taken[0]) and taken != given:
                return None  # backward_step(dout), of globals
            return Found(name, "plain", forward, _times(backward, len(taken)), None, line)
        ordered = _by_name(backward, inputs)
        return Found(name, "plain", forward, ordered, None, line) if len(taken) > 1 else None
    if len(taken) < 2:
        return None
    forward, backward = _standard(forward, backward, count, inputs, taken)
    return Found(name, "pair", forward, backward, None, line)


def _empty(function: Any) -> bool:
    """Whether there is nothing in it, as in an exercise not done yet."""
    tree = source.tree(function)
    body = [s for s in getattr(tree, "body", []) if not isinstance(s, ast.Pass)]
    return tree is not None and all(isinstance(s, (ast.Expr, ast.Raise)) for s in body)


def _takes_inputs(inputs: list[str], taken: list[str]) -> bool:
    return len(taken) > 1 and all(name in inputs for name in taken[1:])


def _times(backward: Any, count: int) -> Any:
    """A derivative f'(x), called without a cotangent, as backward(dout, x)."""

    @functools.wraps(backward)
    def pull(dout: Any, *args: Any) -> Any:
        grads = backward(*args[:count])
        return tuple(dout * g for g in grads) if isinstance(grads, tuple) else dout * grads

    return pull


def _by_name(backward: Any, inputs: list[str]) -> Any:
    """backward(dout, *inputs), where it takes only some of them, or in another order."""
    taken = list(inspect.signature(backward).parameters)
    if taken[1:] == inputs:
        return backward
    if not all(name in inputs for name in source.required(backward)[1:]):
        return backward

    @functools.wraps(backward)
    def pull(dout: Any, *args: Any) -> Any:
        given = dict(zip(inputs, args, strict=False))
        return backward(dout, **{name: given[name] for name in taken if name in given})

    return pull


def _standard(
    forward: Any, backward: Any, count: int, inputs: list[str], taken: list[str]
) -> tuple[Any, Any]:
    """Both so that forward(*args) -> *outs, cache and backward(*douts, cache) fit together."""
    lead = max(1, next((i for i, n in enumerate(taken) if not source.cotangent(n)), len(taken)))
    if len(taken) == lead:
        lead -= 1
    everything = list(inspect.signature(backward).parameters)[lead:]
    rest = taken[lead:]
    extras = [n for n in everything[1:] if n in inputs]
    caches = [n for n in rest if n not in extras]
    if not extras and len(caches) == 1 and count in (0, lead + 1):
        return forward, backward

    @functools.wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        results = forward(*args, **kwargs)
        bound = inspect.signature(forward).bind(*args, **kwargs)
        bound.apply_defaults()
        kept = results[-len(caches) :]
        more = {n: bound.arguments[n] for n in extras}
        return (*results[:lead], (dict(zip(caches, kept, strict=True)), more))

    @functools.wraps(backward)
    def pull(*args: Any) -> Any:
        *douts, (kept, more) = args
        return backward(*douts, **kept, **more)

    return call, pull


# ---- classes -------------------------------------------------------------------------------------


def _classes(module: ModuleType) -> Iterator[Found]:
    for name, cls in _own(module, inspect.isclass).items():
        if inspect.isabstract(cls) or issubclass(cls, BaseException):
            continue
        found = _layer(name, cls) or _net(name, cls)
        if found is not None:
            yield found


def _layer(name: str, cls: type) -> Found | None:
    forward = _method(cls, "forward", "forward_pass", "fprop", "__call__")
    backward = _method(cls, "backward", "backward_pass", "bprop", "backprop")
    if forward is None or backward is None or _abstract(cls):
        return None
    if all(isinstance(inspect.getattr_static(cls, f.__name__), staticmethod)
           for f in (forward, backward)):  # fmt: skip
        found = _pair(name, forward, backward)
        return found and Found(name, found.style, found.forward, found.backward, None, found.line)
    return Found(name, "layer", forward, backward, cls, source.line(cls))


def _net(name: str, cls: type) -> Found | None:
    loss, gradient = _method(cls, "loss"), _method(cls, "gradient")
    if loss is None:
        return None
    takes = list(inspect.signature(loss).parameters)
    if len(takes) < 2 or gradient is None and source.tuples(loss) == 1:
        return None
    return Found(name, "net", loss, gradient, cls, source.line(cls))


def _abstract(cls: type) -> bool:
    """Whether a method only raises NotImplementedError."""
    for name in dir(cls):
        node = source.tree(m) if inspect.isfunction(m := getattr(cls, name, None)) else None
        raised = [s for s in getattr(node, "body", []) if isinstance(s, ast.Raise)]
        if raised and "NotImplementedError" in ast.dump(raised[0]):
            return True
    return False


def _method(cls: type, *names: str) -> Any:
    """The first of these methods that does something, or None."""
    for name in names:
        method = getattr(cls, name, None)
        if inspect.isfunction(method) and not _empty(method):
            return method
    return None
