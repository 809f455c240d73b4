"""What a repair is: a change of one side's formulas, and the words and values of options."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .local_program import Local
from .seen_calls import PortCall

COPIED, TABLED = 0, 1  # from the other port; from a table


@dataclass(frozen=True)
class Trial:
    """A change. `own` and `other` are what the two ports have there, in words."""

    cause: str
    node: int
    own: str
    other: str
    local: Local
    rank: int = COPIED


@dataclass(frozen=True)
class Around:
    """What a repair may look at beside the stretches: the images that are flattened."""

    grids: Sequence[tuple[int, ...]] = ()


Maker = Callable[[Local, Local, Around], Iterator[Trial]]

# The words for options; those that are not here are called by their own names.
WORDS = {
    ("batch_norm", "training"): "train/eval mode",
    ("batch_norm", "correction"): "biased variance",
    ("layer_norm", "correction"): "biased variance",
    ("var", "correction"): "biased variance",
    ("std", "correction"): "biased variance",
    ("gelu", "approximate"): "gelu variant",
    ("leaky_relu", "slope"): "slope of leaky_relu",
    ("softmax", "axis"): "axis of softmax",
    ("log_softmax", "axis"): "axis of softmax",
    ("layer_norm", "axes"): "axis of normalisation",
    ("layer_norm", "eps_outside"): "place of eps",
    ("batch_norm", "eps_outside"): "place of eps",
    ("conv", "mode"): "padding mode",
    ("pad", "mode"): "padding mode",
    ("pad", "value"): "padding value",
    ("recurrent", "gates"): "gate order",
    ("recurrent", "update_turned"): "gate order",
    ("recurrent", "gate"): "gate function",
    ("recurrent", "nonlinearity"): "activation",
    ("recurrent", "sequences"): "all states or the last",
    ("recurrent", "backwards"): "direction in time",
    ("group_norm", "groups"): "groups of normalisation",
    ("avg_pool", "count_include_pad"): "padding counted in averages",
    ("max_pool", "ceil_mode"): "rounding of sizes",
    ("avg_pool", "ceil_mode"): "rounding of sizes",
    ("attention", "scale"): "scale of attention",
    ("attention", "causal"): "causal mask",
    ("transpose", "axes"): "order of axes",
    ("reshape", "shape"): "shape",
    ("getitem", "index"): "index",
    ("concatenate", "axis"): "axis of concatenation",
}
EPS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 1e-4, 1e-2, 1e-10, 0.0)
# Values to try where the other port does not say its own.
VALUES: dict[tuple[str, str], Sequence[Any]] = {
    **{(kind, "eps"): EPS for kind in ("batch_norm", "layer_norm", "group_norm", "rms_norm")},
    ("batch_norm", "training"): (True, False),
    ("batch_norm", "correction"): (1,),
    ("layer_norm", "correction"): (1,),
    ("layer_norm", "eps_outside"): (True,),
    ("batch_norm", "eps_outside"): (True,),
    ("var", "correction"): (0, 1),
    ("std", "correction"): (0, 1),
    ("layer_norm", "axes"): ((-1,), (-2,), (-2, -1), (-3, -2, -1), (-3,)),
    ("gelu", "approximate"): ("none", "tanh"),
    ("leaky_relu", "slope"): (0.01, 0.1, 0.2, 0.3, 0.05, 0.25, 0.02, 0.001),
    ("elu", "alpha"): (1.0, 0.5, 0.1, 2.0, 1.67326324),
    ("softmax", "axis"): (0, 1, 2, 3),
    ("log_softmax", "axis"): (0, 1, 2, 3),
    ("conv", "mode"): ("constant", "reflect", "replicate", "circular"),
    ("pad", "mode"): ("constant", "reflect", "replicate", "circular"),
    ("avg_pool", "count_include_pad"): (True, False),
    ("recurrent", "gates"): ("ifgo",),
    ("recurrent", "update_turned"): (True,),
    ("recurrent", "gate"): ("hardsigmoid",),
    ("recurrent", "sequences"): (True, False),
    ("recurrent", "backwards"): (True, False),
    ("recurrent", "nonlinearity"): ("relu", "tanh"),
    ("attention", "causal"): (True, False),
}
QUIET = ("last", "momentum", "unbiased", "p", "dtype")


def word(call: PortCall, option: str) -> str:
    """The words for an option of a call."""
    return WORDS.get((call.kind, option), option)


def calls_like(other: Local, kind: str) -> list[PortCall]:
    """The other port's calls of a kind."""
    return [call for _, call in other.calls if call.kind == kind]
