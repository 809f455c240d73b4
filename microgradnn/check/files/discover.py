"""Which forward and backward passes a file holds: pairs of functions, losses, layers and nets."""

import inspect
from abc import ABC
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from ...errors import unknown
from .. import source
from ..engines.judged import is_engine
from ..replayed import naming
from ..source import all_parameters, is_empty, line, only_raises, required, tuples
from ..subject import Arguments, Subject
from ..subjects import networks, objects, pairs
from ..verbs import (
    BACKWARD_METHODS,
    DERIVATIVE_METHODS,
    FORWARD_METHODS,
    FUNCTION_METHODS,
    GRADIENT_METHODS,
    PREDICT_METHODS,
    among,
    is_base,
    is_loss,
)
from ..words import is_cache, is_cotangent
from . import adapted, foreign
from .adapted import takes_context, without_context
from .matching import forward_of, returns_loss
from .preparing import built


@dataclass(frozen=True)
class Found:
    """What can be checked, as the file has it.

    name      what users see: "affine", "Linear", "softmax_loss"
    style     pair: forward and backward; plain: a function and its derivative; loss: a function
              that returns its gradients; layer, net and engine: classes; or the framework's name
    forward   also the class's own forward or __call__ (layer) or loss (net), unbound
    backward  also the class's backward, or gradient (net); None where the forward returns them
    line      of the backward (pair, plain), else of the function or class
    empty     which of the two is not written yet
    """

    name: str
    style: str
    forward: Callable[..., Any] | None
    backward: Callable[..., Any] | None
    cls: type | None
    line: int
    empty: Callable[..., Any] | None = None
    thing: Any = None  # a framework's own: a Function, a Module, a custom_vjp

    def names(self) -> set[str]:
        """All names by which users may select it."""
        if self.thing is not None:
            return {self.name}
        if self.cls is not None:
            return {self.name, self.cls.__name__}
        return {self.name, *(f.__name__ for f in (self.forward, self.backward) if f is not None)}

    def subject(
        self, args: tuple[Any, ...], init: tuple[Any, ...] = (), wrt: Collection[int] = (),
        attributes: Mapping[str, Any] | None = None, read: int | None = None,
    ) -> Subject:  # fmt: skip
        """What is checked at these arguments; raises what the constructor or the forward raises.

        `wrt` are the places of the arguments whose gradients backward returns, if not those that
        names and shapes tell; `attributes` are set on the object, `read` is the
        number of a reading of a pair.
        """
        try:
            return self._subject(args, init, wrt, attributes, read)
        except SystemExit as error:  # of arguments that it does not like
            raise ValueError(f"it calls sys.exit({error.code!r})") from error

    def _subject(
        self, args: tuple[Any, ...], init: tuple[Any, ...], wrt: Collection[int],
        attributes: Mapping[str, Any] | None, read: int | None,
    ) -> Subject:  # fmt: skip
        if self.thing is not None:
            return foreign.subject(self.thing, args, init, self.name)
        if self.cls is not None:
            return self._object(built(self.cls, self.forward, init), args, attributes)
        assert self.forward is not None
        arguments = Arguments(args, all_parameters(self.forward))
        chosen = [i for i, path in enumerate(arguments.paths) if path in {(w,) for w in wrt}]
        if self.backward is None:
            return pairs.loss(self.forward, arguments, name=self.name, wrt=chosen or None)
        return pairs.pair(
            self.forward, self.backward, arguments, name=self.name, wrt=chosen or None, read=read,
            free=True,
        )  # fmt: skip

    def _object(self, thing: Any, args: tuple[Any, ...], attributes: Any) -> Subject:
        if self.style == "layer":
            return objects.layer_object(thing, args, name=self.name, hyper=attributes)
        if self.backward is None or isinstance(thing.gradient(*args), Mapping):
            return networks.network(thing, args, name=self.name)
        arguments = Arguments(args, all_parameters(thing.loss))  # of an argument, not of parameters
        return pairs.pair(thing.loss, thing.gradient, arguments, name=self.name, cache=False)


def find(module: ModuleType, names: Collection[str] = ()) -> list[Found]:
    """What the module's own file defines, in its order; only `names` if there are any.

    ConfigError if a name is not there.
    """
    found = [Found(**m) for m in (*foreign.found(module), *naming.found(module))]
    taken = {f.name for f in found}
    found += [f for f in (*_functions(module), *_classes(module)) if f.name not in taken]
    found.sort(key=lambda f: f.line)
    known = {name for f in found for name in f.names()}
    for name in names:
        if name not in known:
            where = getattr(module, "__file__", None) or module.__name__
            kind = f"forward with a backward in {where}"
            raise unknown("check", kind, name, list(dict.fromkeys(f.name for f in found)))
    return [f for f in found if not names or f.names() & set(names)]


def bases(module: ModuleType) -> list[str]:
    """The classes that others are made of: their empty methods are no exercise."""
    return [
        name
        for name, cls in _own(module, inspect.isclass).items()
        if (methods := [_method(cls, FORWARD_METHODS), _method(cls, BACKWARD_METHODS)])
        and None not in methods
        and (inspect.isabstract(cls) or _is_base(cls, methods))
    ]


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
        match = forward_of(name, functions)
        if match is None:
            continue
        layer, forward = match
        used |= {name, forward}  # a forward that returns its cache returns no gradients
        found = _pair(layer, functions[forward], backward)
        if found is not None:
            yield found
    for name, function in functions.items():
        flagged = adapted.by_flag(function) if name not in used else None
        if flagged is not None:
            used.add(name)
            yield Found(name, "plain", *flagged, None, line(function))
        if name in used or not (is_loss(name) or returns_loss(function)):
            continue
        if is_empty(function, output=True):
            if len(all_parameters(function)) > 1:
                yield Found(name, "loss", function, None, None, line(function), function)
        elif tuples(function) != 1:
            yield Found(name, "loss", function, None, None, line(function))


def _pair(name: str, forward: Any, backward: Any) -> Found | None:
    """A pair or plain Found, or None if the signatures do not look like one."""
    inputs, taken = all_parameters(forward), required(backward)
    if not inputs or not taken:
        return None
    if empty := _empty(forward, backward):
        return Found(name, "pair", forward, backward, None, line(backward), empty)
    count = tuples(forward) or int(getattr(forward, "__name__", "") == "<lambda>")
    plain = count == 1 or count == 0 and len(taken) > 1 and set(taken[1:]) <= set(inputs)
    if len(taken) == 1 and is_cache(taken[0]) and count == 2:
        return Found(name, "pair", forward, backward, None, line(backward))
    if len(taken) == 1 and not (count == 1 and (taken[0] in inputs or not is_cotangent(taken[0]))):
        return None  # backward_step(dout), of globals
    return Found(name, "plain" if plain else "pair", forward, backward, None, line(backward))


def _empty(forward: Any, backward: Any) -> Any:
    """Which of the two is not written yet, or None."""
    if is_empty(forward, output=True):
        return forward
    return backward if backward is not None and is_empty(backward) else None


# ---- classes -------------------------------------------------------------------------------------


def _classes(module: ModuleType) -> Iterator[Found]:
    for name, cls in _own(module, inspect.isclass).items():
        if inspect.isabstract(cls) or issubclass(cls, BaseException):
            continue
        found = _layer(name, cls) or _net(name, cls) or _with_derivative(name, cls)
        found = found or _with_flag(name, cls) or _fitted(name, cls) or _engine(name, cls)
        if found is not None:
            yield found


def _layer(name: str, cls: type) -> Found | None:
    forward, backward = _method(cls, FORWARD_METHODS), _method(cls, BACKWARD_METHODS)
    forward = forward or _method(cls, PREDICT_METHODS)
    if forward is None or backward is None or _is_base(cls, (forward, backward)):
        return None
    if takes_context(forward) and takes_context(backward):
        if empty := _empty(forward, backward):
            return Found(name, "pair", forward, backward, None, line(backward), empty)
        return Found(name, "pair", *without_context(forward, backward), None, line(backward))
    if _static(cls, forward, backward):
        return _pair(name, forward, backward)
    return Found(name, "layer", forward, backward, cls, line(cls), _empty(forward, backward))


def _with_derivative(name: str, cls: type) -> Found | None:
    """A class with a function and its derivative, of the same arguments."""
    function, derivative = _method(cls, FUNCTION_METHODS), _method(cls, DERIVATIVE_METHODS)
    if function is None or derivative is None or _is_base(cls, (function, derivative)):
        return None
    if only_raises(function) or only_raises(derivative):
        return None  # one that others are made of
    methods = adapted.bound(cls, function, derivative)
    return _pair(name, *methods) if methods is not None else None


def _with_flag(name: str, cls: type) -> Found | None:
    """A class with a function that is its own derivative where a flag says so."""
    function = _method(cls, FUNCTION_METHODS)
    methods = adapted.bound(cls, function) if function is not None else None
    flagged = adapted.by_flag(methods[0]) if methods else None
    return Found(name, "plain", *flagged, None, line(cls)) if flagged else None


def _net(name: str, cls: type) -> Found | None:
    loss, gradient = _method(cls, ("loss",)), _method(cls, ("gradient",))
    if loss is None or len(all_parameters(loss)) < 2:
        return None
    if gradient is not None and _static(cls, loss, gradient):
        return _pair(name, loss, gradient)
    empty = _empty(loss, gradient)
    if empty is None and gradient is None and tuples(loss) == 1 or _is_base(cls, (loss,)):
        return None
    return Found(name, "net", loss, gradient, cls, line(cls), empty)


def _fitted(name: str, cls: type) -> Found | None:
    """A model with predict(X) and compute_gradients(X, y)."""
    forward = _method(cls, FORWARD_METHODS + PREDICT_METHODS)
    backward = _method(cls, GRADIENT_METHODS)
    if forward is None or backward is None or _is_base(cls, (forward, backward)):
        return None
    return Found(name, "layer", forward, backward, cls, line(cls), _empty(forward, backward))


def _engine(name: str, cls: type) -> Found | None:
    """An autodiff engine: numbers that are added or multiplied, and then differentiated."""
    backward = _method(cls, BACKWARD_METHODS)
    if backward is None or len(required(backward)) > 1 or not is_engine(cls):
        return None
    return Found(name, "engine", None, backward, cls, line(cls))


def _static(cls: type, *methods: Any) -> bool:
    found = [inspect.getattr_static(cls, f.__name__, None) for f in methods]
    return all(isinstance(f, staticmethod) for f in found)


def _is_base(cls: type, methods: Collection[Any]) -> bool:
    """Whether other classes are made of it: it has such, or only its name and what it raises."""
    if cls.__subclasses__():
        everything = [m for name in dir(cls) if inspect.isfunction(m := getattr(cls, name, None))]
        return any(only_raises(m) for m in everything) or any(map(is_empty, methods))
    if cls.__bases__[0] in (ABC, Protocol) or is_base(cls.__name__):
        return all(map(is_empty, methods))
    return False


def _method(cls: type, names: Collection[str]) -> Any:
    """The first of these methods that does something, else one that is this class's own, or None.

    __call__ counts where there is no other: it often only calls forward.
    """
    found = [m for n in among(dir(cls), names) if inspect.isfunction(m := getattr(cls, n, None))]
    found = [m for m in found if not source.takes_a_step(m)]
    found.sort(key=lambda m: m.__name__ == "__call__")
    written = [m for m in found if not is_empty(m)]
    own = [m for m in found if m.__name__ in vars(cls)]
    return next((m for m in [*own, *written] if m in written), own[0] if own else None)
