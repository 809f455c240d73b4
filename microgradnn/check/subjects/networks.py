"""Objects whose loss gives the gradients of all parameters, as subjects."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine.errors import ConfigError
from ..oracle.traced import tracer
from ..source import all_parameters
from ..subject import Arguments, Pass, Subject, chosen, quiet
from ..words import gradients_among
from . import state
from .namespaces import namespaces


def network(thing: Any, inputs: Any, *, name: str = "", wrt: Any = None) -> Subject:
    """loss(*inputs) -> (loss, grads), or loss and gradient(*inputs) -> grads: those of params."""
    thing = copy.deepcopy(thing)
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments(given, all_parameters(thing.loss))

    def both(thing: Any, given: list[Any]) -> tuple[Any, Any]:
        if hasattr(thing, "gradient"):
            return thing.loss(*given), thing.gradient(*given)
        return thing.loss(*given)[:2]

    with quiet():
        _, grads = both(copy.deepcopy(thing), args.filled([], []))
    if not isinstance(grads, Mapping):
        raise ConfigError(f"layer: loss of {type(thing).__name__} returned no dict of gradients")
    places = state.arrays(thing)
    paths: dict[str, str] = {}
    for path, place in places.items():
        paths.setdefault(place.name, path)
    found = gradients_among([k for k in grads if isinstance(k, str)], paths, bare=True)
    bound = {found[word]: path for word, path in paths.items() if word in found}
    names = list(bound)
    keep = chosen(wrt, names, "layer") or list(range(len(names)))

    def start(arrays: list[Any]) -> Pass:
        new = copy.deepcopy(thing)
        number = tracer()
        if number is not None:
            state.traced_state(new, number)
        here = state.places(new)
        for k, x in zip(keep, arrays, strict=True):
            here[bound[names[k]]].set(x)
        args_given = args.filled([], [])
        held = {args.names[i]: x for i, x in enumerate(args_given) if isinstance(x, np.ndarray)}
        before = {name: x.copy() for name, x in held.items()}
        loss, grads = both(new, args_given)
        return Pass([loss], lambda dout: [grads.get(names[k]) for k in keep], held, before)

    arrays = [np.array(places[bound[names[k]]].get()) for k in keep]
    return Subject(
        name or type(thing).__name__, tuple(names[k] for k in keep), arrays, start,
        namespaces(type(thing), *state.parts(thing)), scaled=True, object=True,
    )  # fmt: skip


def is_network(thing: Any) -> bool:
    """Whether this is an object whose loss method returns gradients."""
    return not isinstance(thing, type) and callable(getattr(thing, "loss", None))
