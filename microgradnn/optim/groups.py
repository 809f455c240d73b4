"""What an optimiser is given: parameters, groups of them, and options. Here they are checked."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypedDict

import numpy as np

from ..engine.node import Node
from ..errors import ConfigError

Named: TypeAlias = tuple[str, Node]
Params: TypeAlias = Iterable[Node] | Iterable[Named] | Iterable[dict[str, Any]]
Rate: TypeAlias = float | Callable[[int], float]


class Shared(TypedDict, total=False):
    """Options that every optimiser takes by name."""

    maximize: bool
    clipvalue: float | None
    clipnorm: float | None
    global_clipnorm: float | None


class Common(Shared, total=False):
    """The same, and one that some optimisers also take by position."""

    decoupled_weight_decay: bool


CLIPS = ("clipvalue", "clipnorm", "global_clipnorm")

# The smallest allowed number of an option, and the number that it must stay below.
LIMITS = {
    "weight_decay": (0, math.inf),
    "momentum": (0, math.inf),
    "dampening": (-math.inf, math.inf),
    "alpha": (0, 1),
    "rho": (0, 1),
    "momentum_decay": (0, math.inf),
    "eps": (0, math.inf),
    "initial_square_avg": (0, math.inf),
    "lr_decay": (0, math.inf),
    "initial_accumulator_value": (0, math.inf),
    "initial_lr": (0, math.inf),
}
PAIRS = {"betas": (0, 1), "etas": (0, math.inf), "step_sizes": (0, math.inf)}
SWITCHES = {
    "maximize", "decoupled_weight_decay", "nesterov", "lr_in_velocity", "centered", "eps_inside",
    "amsgrad", "eps_hat",
}  # fmt: skip


def plain_number(x: Any) -> Any:
    """x as Python's number if it is a NumPy scalar or an array of one number; else x itself.

    NumPy's scalars would make float64 arrays out of float32 ones.
    """
    if isinstance(x, tuple | list):
        return tuple(plain_number(y) for y in x)
    return x.item() if isinstance(x, np.generic | np.ndarray) and x.size == 1 else x


def number_problem(name: str, x: Any, low: float, below: float = math.inf) -> str | None:
    """What is wrong with the number x, or None: it must be finite, >= low and < below."""
    try:
        if not isinstance(x, Node) and low <= x < below and x != -math.inf:
            return None
    except (TypeError, ValueError):  # a string, an array
        pass
    wanted = "a finite number" + (f" >= {low}" if low > -math.inf else "")
    return f"{name} is {x!r}, must be " + (wanted if below == math.inf else f"in [{low}, {below})")


def need(owner: str, low: float, **given: Any) -> None:
    """Raises ConfigError unless all the numbers given by name are finite and >= low."""
    wrong = [number_problem(name, x, low) for name, x in given.items()]
    if any(wrong):
        raise ConfigError(f"{owner}: {'; '.join(text for text in wrong if text)}")


def option_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the values of options that mean the same in all optimisers."""
    found: list[str | None] = []
    for name, x in options.items():
        if name == "lr":
            found.append(None if callable(x) else number_problem(name, x, 0))
        elif name in PAIRS:
            right = isinstance(x, tuple) and len(x) == 2
            found.append(None if right else f"{name} is {x!r}, must be two numbers")
            found += [number_problem(f"{name}[{i}]", x[i], *PAIRS[name]) for i in range(2 * right)]
        elif name in SWITCHES:
            right = isinstance(x, bool)
            found.append(None if right else f"{name} is {x!r}, must be True or False")
        elif name in LIMITS:
            found.append(number_problem(name, x, *LIMITS[name]))
    return [text for text in found if text]


def named_parameters(owner: str, params: Any) -> tuple[list[Node], list[str] | None]:
    """The parameters as a list, and their names if (name, parameter) pairs were given."""
    given = as_list(owner, params)
    names = [x[0] for x in given if isinstance(x, tuple) and len(x) == 2]
    if names and len(names) != len(given):
        raise ConfigError(f"{owner}: some parameters have names and some have none")
    nodes = [x[1] for x in given] if names else given
    seen: set[int] = set()
    for i, p in enumerate(nodes):
        if not isinstance(p, Node):
            raise ConfigError(
                f"{owner}: parameters must be Tensors or Values, got {type(p).__name__}"
            )
        if p.op is not None:
            raise ConfigError(
                f"{owner}: parameter {i} was made by {p.op.name}; optimise what it was "
                "computed from, or .detach() it"
            )
        if id(p) in seen:
            raise ConfigError(f"{owner}: parameter {i} is given twice")
        seen.add(id(p))
    return nodes, names or None


def as_list(owner: str, params: Any) -> list[Any]:
    """The list of what was given. Raises ConfigError if it is no ordered collection."""
    kind = type(params).__name__
    if isinstance(params, Node):
        raise ConfigError(f"{owner}: got one {kind}, need several parameters; write [w]")
    if isinstance(params, dict):
        raise ConfigError(f"{owner}: got a dict, need a list of groups; write [{{'params': …}}]")
    if isinstance(params, set | frozenset):
        raise ConfigError(f"{owner}: got a {kind}, which has no order; write a list")
    if not hasattr(type(params), "__iter__") or hasattr(params, "named_parameters"):
        raise ConfigError(f"{owner}: got {kind}, need parameters; pass model.parameters()")
    return list(params)
