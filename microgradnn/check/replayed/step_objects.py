"""Classes of optimisers: update(params, grads), step(), update_params(layer); and their objects."""

import copy
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .hyper import Hyper, numbers, read, roles
from .naming import UPDATES
from .session import Session, Start
from .step_functions import HOLDERS, Holder
from .variants import Arrays

Make = Callable[..., tuple[Any, Hyper]]  # a new object, given what comes first, and its numbers
RESETS = ("pre_update_params", "post_update_params")  # around update_params, in some books


class GivenParameter:
    """A parameter as classes with step() take them."""

    def __init__(self, data: Any) -> None:
        self.data, self.requires_grad = data, True
        self.grad = np.zeros_like(data)

    def zero_grad(self) -> None:
        """Sets the gradient to zero."""
        self.grad = np.zeros_like(self.data)


class LayerLike:
    """A layer as classes with update_params(layer) take them."""

    def __init__(self, weights: Any, biases: Any) -> None:
        self.weights, self.biases = weights, biases
        self.dweights, self.dbiases = np.zeros_like(weights), np.zeros_like(biases)


def ways(thing: Any, drawn: Hyper) -> list[tuple[str, Start]]:
    """The ways to use a class, or an object, of an optimiser."""
    found: list[tuple[str, Start]] = []
    make = partial(_made, thing, drawn)
    for name in UPDATES:
        method = getattr(thing, name, None)
        if not callable(method) or name == "__call__" and inspect.isclass(thing):
            continue
        takes = _taken(method, inspect.isclass(thing))
        if len(takes) == 0:
            found.append((f"{name}()", partial(_stepping, make, name)))
        elif len(takes) == 1:
            found.append((f"{name}(layer)", partial(_layered, make, name)))
        else:
            swap = "grads" in roles(takes)[takes[0]]
            for holder in HOLDERS:
                text = f"{name} with {holder.name}"
                found.append((text, partial(_updating, make, name, holder, swap)))
            found.append((f"{name}, an array at a time", partial(_arrays, make, name, swap)))
    return found


def _taken(method: Any, unbound: bool) -> list[str]:
    """The names of a method's arguments that have no default."""
    try:
        parameters = list(inspect.signature(method).parameters.values())[unbound:]
    except (TypeError, ValueError):
        return []
    fixed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in fixed]


def _made(thing: Any, drawn: Hyper, *first: Any) -> tuple[Any, Hyper]:
    """An object of the class, with our numbers, and these numbers; an object stays what it is."""
    if not inspect.isclass(thing):
        if first:
            raise TypeError("it holds parameters that are not known")
        made = copy.deepcopy(thing)
        return made, read(_plain(made))
    parameters = list(inspect.signature(thing).parameters.values())
    own = parameters[: len(first)] if first else []
    rest = {p.name: p.default for p in parameters[len(own) :]}
    hyper, given = numbers(rest, drawn)
    made = thing(*first, **given)
    return made, {**read(_plain(made)), **hyper}


def _plain(thing: Any) -> dict[str, Any]:
    known = vars(thing) if hasattr(thing, "__dict__") else {}
    return {n: x for n, x in known.items() if isinstance(x, (int, float, tuple, list))
            and not isinstance(x, bool)}  # fmt: skip


def _session(thing: Any, hyper: Hyper, step: Callable[[Arrays, int], Arrays]) -> Session:
    """A session of an object, whose lr is set before each step where it has one."""
    names = [n for n, each in roles(_plain(thing)).items() if each == ("lr",)]

    def steered(grads: Arrays, lr: float, k: int) -> Arrays:
        for name in names:
            setattr(thing, name, lr)
        return step(grads, k)

    return Session(steered, hyper, lambda: _first(thing), bool(names))


def _first(thing: Any) -> dict[str, Any]:
    """What an object remembers of the first parameter: arrays, or the first in a list or dict."""
    found = {}
    for name, x in vars(thing).items() if hasattr(thing, "__dict__") else ():
        while isinstance(x, (dict, list, tuple)) and x:
            x = next(iter(x.values())) if isinstance(x, dict) else x[0]
        if isinstance(x, (np.ndarray, int, float)):
            found[name] = x
    return found


def _updating(make: Make, name: str, holder: Holder, swap: bool, start: Arrays) -> Session:
    made, hyper = make()
    held = holder.params(start)

    def step(grads: Arrays, k: int) -> Arrays:
        nonlocal held
        given = [held, holder.grads(grads)]
        out = getattr(made, name)(*(given[::-1] if swap else given))
        held = held if out is None else out[0] if isinstance(out, tuple) else out
        return holder.back(held)

    return _session(made, hyper, step)


def _arrays(make: Make, name: str, swap: bool, start: Arrays) -> Session:
    """Each parameter has an object of its own."""
    pairs = [make() for _ in start]
    params = list(start)

    def step(grads: Arrays, lr: float, k: int) -> Arrays:
        for i, (made, _) in enumerate(pairs):
            for word, each in roles(_plain(made)).items():
                if each == ("lr",):
                    setattr(made, word, lr)
            given = [params[i], grads[i]]
            out = getattr(made, name)(*(given[::-1] if swap else given))
            params[i] = params[i] if out is None else out
        return params

    first = pairs[0][0]
    steerable = any(each == ("lr",) for each in roles(_plain(first)).values())
    return Session(step, pairs[0][1], lambda: _first(first), steerable)


def _stepping(make: Make, name: str, start: Arrays) -> Session:
    """A class that is given its parameters: objects with data and grad."""
    boxes = [GivenParameter(p) for p in start]
    made, hyper = make(boxes)

    def step(grads: Arrays, k: int) -> Arrays:
        for box, g in zip(boxes, grads, strict=True):
            box.grad = g
        getattr(made, name)()
        return [box.data for box in boxes]

    return _session(made, hyper, step)


def _layered(make: Make, name: str, start: Arrays) -> Session:
    """A class that is given layers, one after the other."""
    made, hyper = make()
    layers = [LayerLike(*start[i : i + 2]) for i in range(0, len(start), 2)]

    def step(grads: Arrays, k: int) -> Arrays:
        for i, layer in enumerate(layers):
            layer.dweights, layer.dbiases = grads[2 * i : 2 * i + 2]
        getattr(made, RESETS[0], lambda: None)()
        for layer in layers:
            getattr(made, name)(layer)
        getattr(made, RESETS[1], lambda: None)()
        return [x for layer in layers for x in (layer.weights, layer.biases)]

    return _session(made, hyper, step)
