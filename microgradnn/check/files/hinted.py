"""What the text of a function tells of its arguments, by their names."""

from dataclasses import dataclass, field
from typing import Any

REQUIRED = object()  # the default of a dict's key that has none


@dataclass
class Hints:
    """By the name of a variable; `self.W` counts as W, and an alias as what it stands for.

    axes      names of the axes where they are unpacked or documented; "" for one without a name
    least     names of some of the axes, as in N = x.shape[0]: there may be more of them
    sure      whether the axes come from the code: the rank is certain
    keys      keys read from a dict, with their defaults or REQUIRED
    index     used as an index: whole numbers
    flat      used in arithmetic as it is, and not as an index
    logged    a logarithm is taken of it
    literals  strings it is compared with
    numbers   whole numbers it is compared with, or those that are defaults of what it is
    columns   it is multiplied with weights on its left: samples are columns
    times     factors k in k * H
    sized     an axis of an array that is made: np.zeros((n, m)), np.random.randn(n, m)
    parts     how many parts are taken of it: h, w = size; shape[2]
    listed    of any length: len(sizes), for n in sizes
    lines     convolved, or what is convolved with: one of them is longer
    """

    axes: dict[str, list[str]] = field(default_factory=dict)
    least: dict[str, list[str]] = field(default_factory=dict)
    sure: set[str] = field(default_factory=set)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    index: set[str] = field(default_factory=set)
    flat: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    literals: dict[str, list[Any]] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    columns: bool = False
    times: set[int] = field(default_factory=set)
    sized: set[str] = field(default_factory=set)
    parts: dict[str, int] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    text: str = ""
    comments: str = ""
