"""An optimiser at work on recorded gradients, in whatever way it is called."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from .hyper import Hyper
from .variants import Arrays

State = dict[str, Any]  # what is remembered, by the user's own names


@dataclass
class Session:
    """A started optimiser.

    step       what takes the gradients, lr and the number of the step, and gives the parameters
    hyper      the numbers it works with, by their roles, as far as known
    state      what it remembers of the first parameter now
    steerable  whether lr can be another at each step
    exact      how much of a number is rounding for it
    """

    step: Callable[[Arrays, float, int], Arrays]
    hyper: Hyper
    state: Callable[[], State] = dict
    steerable: bool = True
    exact: float = 1e-10


Start = Callable[[Arrays], Session]  # a way to call it, given copies of the parameters


@dataclass
class Replay:
    """The parameters before and after the steps, and all that led there."""

    start: Arrays
    grads: Sequence[Arrays]
    lrs: list[float]
    path: list[Arrays]
    states: list[State]
    hyper: Hyper
    exact: float
    how: str = ""

    @property
    def moves(self) -> bool:
        """Whether the first step moves something, and shapes stay as they are."""
        same = [np.shape(p) == np.shape(q) for p, q in zip(self.start, self.path[-1], strict=True)]
        first = zip(self.start, self.path[0], strict=True)
        return all(same) and any(np.any(p != q) for p, q in first)


def played(
    begin: Start, start: Arrays, grads: Sequence[Arrays], lrs: Sequence[float], how: str
) -> Replay:
    """What comes of gradients; raises what the user's code raises."""
    session = begin([np.array(p) for p in start])
    own = session.hyper.get("lr", 0.0)
    used = [lr if session.steerable else own for lr in lrs]
    path, states = [], []
    for k, (given, lr) in enumerate(zip(grads, used, strict=True), 1):
        after = session.step([np.array(g) for g in given], lr, k)
        path.append([np.array(p, float) for p in after])
        states.append({n: deepcopy(x) for n, x in session.state().items()})
    return Replay(start, grads, used, path, states, session.hyper, session.exact, how)
