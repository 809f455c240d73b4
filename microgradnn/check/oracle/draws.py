"""Random numbers that user code draws: from np.random, from random, from generators of its own."""

import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def rewinding(places: Sequence[dict[str, Any]]) -> Callable[[], None]:
    """A function that seeds np.random and random and puts generators in namespaces back."""
    found = [
        g for home in places for g in list(home.values())
        if isinstance(g, (np.random.Generator, np.random.RandomState, random.Random))
    ]  # fmt: skip
    before = [_state(g) for g in found]

    def rewind() -> None:
        np.random.seed(0)
        random.seed(0)
        if "torch" in sys.modules:  # a file that uses it has loaded it
            sys.modules["torch"].manual_seed(0)
        if "tensorflow.random" in sys.modules:
            sys.modules["tensorflow.random"].set_seed(0)
        for g, state in zip(found, before, strict=True):
            _put(g, state)

    return rewind


def drawn() -> tuple[Any, ...]:
    """Where np.random and random are: another answer means that numbers were drawn."""
    _, keys, at, *rest = np.random.get_state()
    more = (m.get_rng_state().numpy().tobytes(),) if (m := sys.modules.get("torch")) else ()
    return (np.asarray(keys).tobytes(), at, *rest, random.getstate(), *more)


def _state(g: Any) -> Any:
    if isinstance(g, np.random.Generator):
        return g.bit_generator.state
    return g.get_state() if isinstance(g, np.random.RandomState) else g.getstate()


def _put(g: Any, state: Any) -> None:
    if isinstance(g, np.random.Generator):
        g.bit_generator.state = state
    elif isinstance(g, np.random.RandomState):
        g.set_state(state)
    else:
        g.setstate(state)
