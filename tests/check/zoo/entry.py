"""What an entry of the zoo is, and one way to run every style of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# The taxonomy of backward-pass bugs: the numbers of the research report, then our own from 53 on.
KINDS = {
    1: "nondeterministic",
    2: "mutation or aliasing",
    3: "missing gradient",
    4: "not summed over broadcast axes",
    5: "wrong shape",
    6: "dtype truncation",
    7: "NaN from a masked branch",
    8: "NaN at a singular point",
    9: "cotangent ignored",
    10: "not linear in the cotangent",
    11: "term independent of the cotangent",
    12: "mask from the cotangent",
    13: "detached path",
    14: "sign flip",
    15: "constant factor",
    16: "missing or extra mean",
    17: "ddof",
    18: "gradients in the wrong order",
    19: "transposed, flipped or rolled gradient",
    20: "transposed operand",
    21: "kernel not flipped",
    22: "Jacobian not transposed",
    23: "diagonal only",
    24: "missing centring term",
    25: "missing projection term",
    26: "missing norm of the slice",
    27: "missing local derivative",
    28: "missing or extra factor",
    29: "input used for output",
    30: "output used for input",
    31: "wrong mask",
    32: "boundary convention",
    33: "ties",
    34: "overwritten instead of accumulated",
    35: "path counted twice",
    36: "not idempotent",
    37: "duplicate indices",
    38: "slice dropped or off by one",
    39: "wrong axis",
    40: "train and eval mixed up",
    41: "dropout scale or mask",
    42: "stale cache",
    43: "eps misplaced",
    44: "rounded constant",
    45: "derivative of an approximation",
    47: "unstable backward",
    48: "assumes a contiguous cotangent",
    51: "forward and backward disagree",
    53: "wrong variable",
    54: "window in the wrong place",
    55: "missing term",
    56: "rare branch",
    57: "wrong order of operations",
}


@dataclass(frozen=True)
class Inputs:
    """Positional arguments, which of them are differentiated, and a layer object's parameters."""

    args: list[Any]
    wrt: tuple[int, ...]
    params: dict[str, np.ndarray] = field(default_factory=dict)

    def arrays(self) -> list[np.ndarray]:
        """What gradients are taken of, in the order of the gradients."""
        return [*(self.args[i] for i in self.wrt), *self.params.values()]

    def replaced(self, arrays: list[np.ndarray]) -> "Inputs":
        """The same with other arrays(), and its own copy of dicts a forward may write into."""
        arrays = list(arrays)
        args = [dict(a) if isinstance(a, dict) else a for a in self.args]
        for i in self.wrt:
            args[i] = arrays.pop(0)
        return Inputs(args, self.wrt, dict(zip(self.params, arrays, strict=True)))


@dataclass(frozen=True)
class Entry:
    """A forward and its backward, or a layer's class.

    style  pair   forward(*args) -> *outs, cache   backward(*douts, cache) -> grads
           plain  forward(*args) -> out            backward(dout, *args) -> grads
           loss   forward(*args) -> loss, *grads   (or: loss, dict of grads)
           layer  build() has forward(*args) -> out, backward(dout) -> grads of the args,
                  and gradients of its parameters in attributes
           net    build() has loss(*args) -> loss, dict of the parameters' grads

    grads is an array, a tuple, or a dict: then keys are its keys in the order of the arguments.
    attrs leads from a parameter to its gradient, as dotted paths (layer), or to its key (net).
    """

    name: str
    layer: str
    style: str
    make_inputs: Callable[[np.random.Generator], Inputs]
    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None
    build: Callable[[], Any] | None = None
    outs: int = 1
    keys: tuple[str, ...] = ()
    attrs: dict[str, str] = field(default_factory=dict)
    # Of wrong ones: the right entry's name, the number in KINDS, what is wrong, the line, and how
    # it shows: "value" at make_inputs, or the contract it breaks (SHOWS in test_zoo).
    of: str = ""
    kind: int = 0
    what: str = ""
    line: str = ""
    shows: str = ""

    @property
    def kind_name(self) -> str:
        return KINDS.get(self.kind, "right")

    def run(self, inputs: Inputs) -> "Run":
        """The outputs, and a function from their cotangents to the gradients."""
        if self.style == "pair":
            *outs, cache = self.forward(*inputs.args)
            return Run(self, outs, lambda *douts: self.backward(*douts, cache))
        if self.style == "plain":
            out = self.forward(*inputs.args)
            return Run(self, [out], lambda dout: self.backward(dout, *inputs.args))
        if self.style == "loss":
            loss, *grads = self.forward(*inputs.args)
            grads = grads[0] if isinstance(grads[0], dict) else tuple(grads)
            return Run(self, [loss], lambda dout: grads, scaled=True)
        thing = self.build()
        for path, value in inputs.params.items():
            assign(thing, path, value)
        if self.style == "net":
            loss, grads = thing.loss(*inputs.args)
            return Run(self, [loss], lambda dout: grads, thing, scaled=True)
        out = thing.forward(*inputs.args)
        return Run(self, [out], thing.backward, thing)


@dataclass(frozen=True)
class Run:
    """One forward pass; pull(*douts) is the backward pass."""

    entry: Entry
    outs: list[Any]
    backward: Callable[..., Any]
    thing: Any = None
    scaled: bool = False  # a loss's gradients are those for the cotangent 1

    def pull(self, *douts: Any) -> list[Any]:
        """The gradients, in the order of Inputs.arrays()."""
        grads = self.backward(*douts)
        if isinstance(grads, dict):
            names = self.entry.keys or self.entry.attrs.values()
            grads = [grads[name] for name in names]
        else:
            grads = list(grads) if isinstance(grads, tuple) else [grads]
        if self.entry.style == "layer":
            grads += [find(self.thing, path) for path in self.entry.attrs.values()]
        return [g * douts[0] for g in grads] if self.scaled else grads


def step(thing: Any, key: str) -> Any:
    if isinstance(thing, dict):
        return thing[key]
    return thing[int(key)] if isinstance(thing, list) else getattr(thing, key)


def find(thing: Any, path: str) -> Any:
    for key in path.split("."):
        thing = step(thing, key)
    return thing


def assign(thing: Any, path: str, value: Any) -> None:
    *way, last = path.split(".")
    thing = find(thing, ".".join(way)) if way else thing
    if isinstance(thing, dict):
        thing[last] = value
    else:
        setattr(thing, last, value)
