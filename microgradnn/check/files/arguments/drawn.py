"""Arguments drawn from a guess."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...subject import is_float
from . import repair
from .search import Search
from .shapes import Guess


@dataclass(frozen=True)
class Made:
    """Arguments of the forward and of the class's constructor.

    wrt are the places of the arguments that are differentiated, where the file says them;
    attributes are set on the object before it is used.
    """

    args: tuple[Any, ...]
    init: tuple[Any, ...] = ()
    wrt: tuple[int, ...] = ()
    attributes: Mapping[str, Any] | None = None


Draw = Callable[[np.random.Generator], Made]


@dataclass(frozen=True)
class Drawn:
    """Draws the arguments of a guess.

    sizes   other sizes than those of the table
    change  what is done to them afterwards
    """

    search: Search
    guess: Guess
    variant: int
    sizes: Mapping[str, int] | None = None
    change: Callable[[Made], Made] | None = None

    def __call__(self, rng: np.random.Generator) -> Made:
        made = Made(*self.search.arguments(self.guess, self.variant, rng, self.sizes))
        return self.change(made) if self.change else made


def repaired(search: Search, guess: Guess, variant: int, tries: int = 12) -> Guess:
    """The guess, or one that follows from what goes wrong with it, and runs."""
    queue = [guess]
    while queue and tries:
        here, tries = queue.pop(0), tries - 1
        try:
            if not search.problem(search.run(*search.arguments(here, variant))[1]):
                return here
        except Exception as error:  # whatever the user's code raises
            queue += repair.repairs(error, here, here.sizes(variant))
    return guess


def told(search: Search, guess: Guess, variant: int) -> str:
    """The shapes and whole numbers among the arguments, for a user."""
    args, init = search.arguments(guess, variant)
    parts = []
    for name, value in zip(search.names, (*init, *args), strict=True):
        items = value.items() if isinstance(value, dict) else [(name, value)]
        for word, x in items:
            if isinstance(x, np.ndarray) and x.ndim:
                parts.append(f"{word} {x.shape}")
            elif type(x) in (int, tuple):
                parts.append(f"{word}={x}")
    return ", ".join(parts)


def single(x: Any) -> Any:
    """The same in float32, also inside dicts."""
    if isinstance(x, dict):
        return {k: single(v) for k, v in x.items()}
    return x.astype(np.float32) if is_float(x) else x
