"""Objects that another method makes ready before forward can run: build, init, set_target."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

from ..source import all_parameters, positional, required, tree
from ..verbs import BACKWARD_METHODS, FORWARD_METHODS, among

# Makes what the object learns, by its name alone; others only if forward misses what they set.
_READY = re.compile(
    r"_*(build|construct|set_?up|init|initiali[sz]e|prepare|compile|reset)|"
    r"_*(init|initiali[sz]e|create|make|generate|build|reset|random|randomi[sz]e)\w*_?"
    r"(weights?|param\w*|bias(es)?|layers?|network|model|variables)(_\w+)?", re.I
)  # fmt: skip
_OTHER = re.compile(
    r"__\w+|_*(load|restore|save|from|get|update|fit|train|step|predict|test|apply|optimi[sz]e|"
    r"adam|sgd|zero|clear)\w*|set_?(weights?|params?|parameters|state\w*)", re.I
)  # fmt: skip


def parameters(cls: type, forward: Any) -> list[inspect.Parameter]:
    """The parameters of the constructor, and of the method that makes the object ready."""
    own = positional(cls)
    ready = _ready(cls, forward)
    known = {p.name for p in own}
    return own + [p for p in positional(ready)[1:] if p.name not in known] if ready else own


def built(cls: type, forward: Any, init: tuple[Any, ...]) -> Any:
    """An object of these arguments of its constructor, made ready by the rest of them."""
    ready, words = _ready(cls, forward), [p.name for p in parameters(cls, forward)]
    count = len(positional(cls))
    if ready is None:
        return cls(*init)
    thing, given = cls(*init[:count]), dict(zip(words, init, strict=False))
    if _adds(ready) and isinstance(init[-1], list):
        for layer in init[-1]:
            ready(thing, layer)
    elif {*required(ready)[1:]} <= {*given}:
        ready(thing, **{w: given[w] for w in all_parameters(ready)[1:] if w in given})
    return thing


# Names alone, by classes that may go: of the key of a course nothing stays here.
_KNOWN: WeakKeyDictionary[type, dict[Any, str]] = WeakKeyDictionary()


def _ready(cls: type, forward: Any) -> Callable[..., Any] | None:
    """The method that sets what forward reads and the constructor does not set; None if none is."""
    known = _KNOWN.setdefault(cls, {})
    code = getattr(forward, "__code__", None)
    if code not in known:
        known[code] = _ready_name(cls, forward)
    return _methods(cls).get(known[code])


def _ready_name(cls: type, forward: Any) -> str:
    """Its name, or ""."""
    methods = _methods(cls)
    starts = [f for c in cls.__mro__[:-1] if inspect.isfunction(f := vars(c).get("__init__"))]
    first, there = _reached(starts, methods, surely=True), _reached([forward], methods)
    set_, empty = _set(first)
    missing = (_read(there) & {*_kept(methods)}) - set_ - _set(there)[0]
    lacking = {w for w in missing if not hasattr(cls, w)} - {*getattr(cls, "__annotations__", {})}
    called = {name for name, f in methods.items() if f in first or f in there}
    found = []
    for name, method in methods.items():
        if name in called or _OTHER.fullmatch(name) or _passes(name):
            continue
        here = _set(_reached([method], methods))[0] & lacking
        named = _READY.fullmatch(name) is not None
        if here - (set() if named else empty) or named and not required(method)[1:]:
            found.append((-len(here), not named, name))
    adding = [name for name, m in methods.items() if _adds(m) and m not in first]
    return min(found)[2] if found else next(iter(adding), "")


def _adds(method: Any) -> bool:
    """Whether a method adds one layer to those that a container has."""
    named = re.fullmatch(r"(add|append|push)(_?(layer|module))?", method.__name__, re.I)
    words = required(method)[1:]
    return bool(named) and len(words) == 1 and re.search("layer|module|block", words[0]) is not None


def _methods(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for c in reversed(cls.__mro__[:-1]):
        found |= {name: f for name, f in vars(c).items() if inspect.isfunction(f)}
    return found


def _passes(name: str) -> bool:
    """Whether a method of this name is a forward or a backward pass."""
    return bool(among([name], (*FORWARD_METHODS, *BACKWARD_METHODS)))


def _reached(some: list[Any], methods: dict[str, Any], surely: bool = False) -> list[Any]:
    """These methods and those that they call on self; or `surely`, under no condition."""
    todo, found = [*some], list[Any]()
    while todo:
        method = todo.pop()
        if method not in found:
            found.append(method)
            todo += [methods[w] for w in _read([method], surely) if w in methods]
    return found


def _attributes(methods: list[Any], surely: bool = False) -> Iterator[ast.Attribute]:
    """All places in methods that name an attribute of self; or `surely`, under no condition."""
    for method in methods:
        node = tree(method)
        me = all_parameters(method)[:1]
        for n in (_certain if surely else ast.walk)(node) if node is not None else ():
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in me:
                yield n


def _certain(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that no condition stands before."""
    yield node
    for child in ast.iter_child_nodes(node) if not isinstance(node, ast.If) else ():
        yield from _certain(child)


def _read(methods: list[Any], surely: bool = False) -> set[str]:
    return {n.attr for n in _attributes(methods, surely) if isinstance(n.ctx, ast.Load)}


def _kept(methods: dict[str, Any]) -> set[str]:
    """What any method sets."""
    return _set([*methods.values()])[0]


def _set(methods: list[Any]) -> tuple[set[str], set[str]]:
    """The attributes that are set to something, and those only ever to None or False."""
    words = {n.attr for n in _attributes(methods) if isinstance(n.ctx, ast.Store)}
    nodes = (n for m in methods if (node := tree(m)) is not None for n in ast.walk(node))
    pairs = [pair for n in nodes if isinstance(n, ast.Assign) for pair in _pairs(n)]
    none = {target.attr for target, value in pairs
            if isinstance(target, ast.Attribute) and _nothing(value)}  # fmt: skip
    some = {target.attr for target, value in pairs
            if isinstance(target, ast.Attribute) and not _nothing(value)}  # fmt: skip
    empty = (none - some) & words
    return words - empty, empty


def _pairs(node: ast.Assign) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned to what; of tuples their parts."""
    for target in node.targets:
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            yield from zip(target.elts, node.value.elts, strict=False)
        else:
            yield target, node.value


def _nothing(value: ast.expr | None) -> bool:
    return value is None or isinstance(value, ast.Constant) and value.value in (None, False)
