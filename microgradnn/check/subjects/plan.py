"""How a layer object is run: what learning.py found out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..subject import Arguments


@dataclass
class Plan:
    """How a layer object is run.

    inputs     which leaves of the arguments get a gradient from backward, and where it is
    params     dotted path of each parameter, its aliases, and where its gradient is
    unfound    paths of the arrays that no gradient was found of, by name
    takes      what each argument of backward is: the number of a cotangent, ("arg", i),
               ("value", x), "cache", "result" (what forward gave), "output" (what it was given)
    targets    whether they are those of a net that is given the targets
    local      whether backward returns a derivative, to be multiplied with the cotangent
    """

    thing: Any
    args: Arguments
    forward: str
    backward: str
    takes: list[Any] = field(default_factory=list)
    result: Callable[[Any, Any], list[Any]] = lambda thing, y: [y]
    inputs: list[tuple[int, Any]] = field(default_factory=list)
    params: dict[str, tuple[list[str], Any]] = field(default_factory=dict)
    targets: bool = False
    descends: bool = False
    local: bool = False
    scaled: bool = False
    missing: tuple[str, ...] = ()
    unfound: dict[str, list[str]] = field(default_factory=dict)
