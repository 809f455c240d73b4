"""What is seen of a port: its calls one by one, its parameters, and what a pass through it gives.

A call is that of a layer, or of a function between layers. Node 0 is the input, call i makes node
i + 1. Arrays stay in the port's own layout; weights have one layout for all (weight_layouts.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray
CODE = "code"  # the kind of a call whose formula is not known here


@dataclass(frozen=True)
class PortCall:
    """One call: `kind` is a name of port_formulas.FORMS, or CODE.

    options   numbers and words of the formula: eps, stride, axis, …; `last`: channels are last
    parts     what each of its sources is in the formula: input, left, right, …
    params    the names of its parameters by their part in the formula: weight, bias, …
    constants arrays that are no parameters, by their part
    """

    name: str
    kind: str
    sources: tuple[int, ...]
    parts: tuple[str, ...] = ("input",)
    options: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Array] = field(default_factory=dict)
    shown: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.shown})" if self.shown else self.name


@dataclass(frozen=True)
class PortParameter:
    """A parameter or, where not `trained`, an array that a layer keeps: a running mean.

    value   in the layout that all ports share
    part    what it is in its call: weight, bias, mean, …; "" if no call was seen to use it
    held    the layout in which the port holds it, a name of weight_layouts.LAYOUTS
    """

    name: str
    value: Array
    part: str = ""
    held: str = ""
    trained: bool = True


@dataclass
class PortProgram:
    """The calls of one pass, and where the output is."""

    calls: list[PortCall]
    outputs: tuple[int, ...]
    params: list[PortParameter]
    notes: list[str] = field(default_factory=list)

    def param(self, name: str) -> PortParameter:
        """The parameter of this name."""
        return next(p for p in self.params if p.name == name)


@dataclass
class Passed:
    """What a pass gave: the values of all nodes, their gradients, those of the parameters.

    `kept` are the arrays that layers keep, after the pass. A gradient is None where there is none.
    """

    nodes: list[Array]
    slopes: list[Array | None]
    grads: dict[str, Array | None]
    kept: dict[str, Array]


Sync = dict[int, tuple[Array, Array | None]]  # node to what it, and its gradient, are set to
