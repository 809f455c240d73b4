"""What a function reads from outside of its arguments: what it is, what it held, and where."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.node import Node
from ..numerics import memory
from ..transforms.code_lines import users_place
from .carriers import Carried
from .program import Variable


class Foreign:
    """An array, tensor or number from outside that the program reads: what it is, and where."""

    def __init__(self, held: Any, carrier: Carried) -> None:
        self.held, self.carrier, self.place = held, carrier, users_place()
        data = held._data if isinstance(held, Node) else held
        self.content = memory.note(data) if isinstance(data, np.ndarray) else data


def variable_of(x: Any, name: str = "") -> Variable:
    """A new variable for the number or array x."""
    flat = x.flags.c_contiguous if isinstance(x, np.ndarray) else True
    return Variable(np.shape(x), getattr(x, "dtype", None), name, None, flat)


def same_content(a: Any, b: Any) -> bool:
    """Whether two notes, or two numbers, are the same; nan is nan."""
    return a is b or (a == b) is True or (a != a and b != b) is True


def own_name(x: Any) -> str:
    """What a tensor's user calls it."""
    name = getattr(x, "name", None)
    return name if isinstance(x, Node) and isinstance(name, str) else ""
