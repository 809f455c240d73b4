"""Objects whose loss gives the gradients of all parameters, as subjects."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import ConfigError
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
    with quiet():
        grads = _both(copy.deepcopy(thing), args.filled([], []))[1]
    if not isinstance(grads, Mapping):
        raise ConfigError(f"layer: loss of {type(thing).__name__} returned no dict of gradients")
    bound = _bound(thing, grads)
    wanted = chosen(wrt, list(bound), "layer")
    names = list(bound) if wanted is None else [list(bound)[k] for k in wanted]
    places = _everywhere(thing, bound)

    def start(arrays: list[Any]) -> Pass:
        new = copy.deepcopy(thing)
        state.traced_state(new)
        here = state.places(new)
        for path, x in [(p, x) for n, x in zip(names, arrays, strict=True) for p in places[n]]:
            here[path].set(x)
        given = args.filled([], [])
        held = args.held(given)
        loss, grads = _both(new, given)
        return Pass([loss], lambda dout: [grads.get(key) for key in names], *held)

    return Subject(
        name or type(thing).__name__, tuple(names),
        [np.array(state.find(thing, bound[key])) for key in names], start,
        namespaces(type(thing), *state.parts(thing)), scaled=True, object=True,
        code=(type(thing), *state.parts(thing)),
    )  # fmt: skip


def _everywhere(thing: Any, bound: Mapping[str, str]) -> dict[str, list[str]]:
    """All places of each parameter: a net may hold it in a dict and in its layers."""
    found = state.arrays(thing)
    return {
        key: [path for path, place in found.items() if place.get() is state.find(thing, where)]
        for key, where in bound.items()
    }


def _both(thing: Any, given: list[Any]) -> tuple[Any, Any]:
    """The loss and the gradients."""
    if hasattr(thing, "gradient"):
        return thing.loss(*given), thing.gradient(*given)
    loss, grads, *_ = thing.loss(*given)
    return loss, grads


def _bound(thing: Any, grads: Mapping[Any, Any]) -> dict[str, str]:
    """The path of the parameter that each key of the gradients belongs to."""
    paths: dict[str, str] = {}
    for path, place in state.arrays(thing).items():
        paths.setdefault(place.name, path)
    found = gradients_among([k for k in grads if isinstance(k, str)], paths, bare=True)
    return {found[word]: path for word, path in paths.items() if word in found}


def is_network(thing: Any) -> bool:
    """Whether this is an object whose loss method returns gradients."""
    return not isinstance(thing, type) and callable(getattr(thing, "loss", None))
