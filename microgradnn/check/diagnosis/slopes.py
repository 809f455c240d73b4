"""What people do to the slope of one step on the way back, and should not."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .graph import Edge, Graph
from .mistake import Mistake
from .probe import Probe


def _never(probe: Probe, k: int) -> Iterator[tuple[str, Any]]:
    return iter(())


def _entry(key: str, name: str, why: str, fix: str, rank: int) -> Mistake:
    return Mistake(key, name, why, fix, rank, _never)


DROPPED = _entry(
    "path", "the gradient that flows through {0} is left out",
    "backward takes its result for a constant, but it depends on the input",
    "add the gradient that comes back through it", 3,
)  # fmt: skip
UNUSED = _entry(
    "use", "one use is left out: {0}",
    "a value that is used several times gets the sum of what comes back from each use; here one "
    "is missing, as where = overwrites what += should add to", "add it: +=", 4,
)  # fmt: skip
NO_SLOPE = _entry(
    "slope_missing", "the derivative of {0} is missing", "backward passes the gradient on "
    "unchanged there", "multiply by that derivative", 3,
)  # fmt: skip
NO_MASK = _entry(
    "mask_missing", "the mask of {0} is missing", "the gradient passes where forward has cut off",
    "multiply by the mask of forward", 3,
)  # fmt: skip
WRONG_MASK = _entry(
    "mask_inverted", "the mask of {0} is inverted", "the gradient passes exactly where it should "
    "not", "use the mask of forward", 5,
)  # fmt: skip
SIGN = _entry(
    "step_sign", "the sign is flipped in the derivative of {0}", "everything that comes back "
    "through this step has the other sign", "the derivative of a - b by b is -1, of 1/b it is "
    "-1/b**2: follow the minus sign", 5,
)  # fmt: skip
FACTOR = _entry(
    "step_factor", "the derivative of {0}", "what comes back through this step is off by it, the "
    "rest is right", "compare it with the derivative of this step", 6,
)  # fmt: skip
SQUARED = _entry(
    "step_twice", "the derivative of {0} is applied twice", "its square is multiplied in",
    "multiply by it once", 6,
)  # fmt: skip
AT_OUTPUT = _entry(
    "step_output", "the derivative of {0} is taken at the output of that step, not at its input",
    "the formula is right and is given the wrong number", "keep the input for backward", 5,
)  # fmt: skip
AT_INPUT = _entry(
    "step_input", "the derivative of {0} is written for the output and given the input",
    "the formula is right and is given the wrong number", "keep the output for backward", 5,
)  # fmt: skip
OWN_OPERAND = _entry(
    "step_operand", "the derivative of {0} uses the operand itself, not the other one",
    "the derivative of a * b by a is b", "multiply by the other factor", 6,
)  # fmt: skip
TRANSPOSED = _entry(
    "step_transposed", "a matrix is not transposed in the derivative of {0}",
    "it is square here, so that the shapes do not tell", "multiply by its transpose", 4,
)  # fmt: skip
ONE_VISIT = _entry(
    "overwritten", "gradients of {0} are overwritten instead of added up",
    "the value is used several times, and only one use counts", "write += (or np.add.at for "
    "indices that occur several times) where = stands", 3,
)  # fmt: skip


OTHER_VARIABLE = _entry(
    "variable", "in the derivative of {0}", "forward multiplies by another variable there",
    "use the variable that forward uses", 5,
)  # fmt: skip


# ---- the slope of an edge with a mistake; None where it does not apply ---------------------------


def _masks(e: Edge) -> bool:
    return e.op.name == "mul" and e.others[1 - e.operand] is None and e.slope in (0.0, 1.0)


def _at_output(e: Edge) -> float | None:
    """The slope with the output in the place of the input, of an op of one input."""
    if len(e.xs) != 1:
        return None
    with np.errstate(all="ignore"):
        beyond = e.op.on_numbers([e.y], e.params)
        return float(e.op.pull(0, 1.0, beyond, [e.y], e.params))


def _at_input(e: Edge) -> float | None:
    if len(e.xs) != 1:
        return None
    with np.errstate(all="ignore"):
        return float(e.op.pull(0, 1.0, e.xs[0], [e.xs[0]], e.params))


def _own(e: Edge) -> float | None:
    return float(e.xs[e.operand]) if e.op.name == "mul" and len(e.xs) == 2 else None


def _without(f: Callable[[float, float], float], e: Edge) -> float | None:
    return e.slope / f(e.xs[0], e.y) if len(e.xs) == 1 and e.op.name != "neg" else None


def _with(f: Callable[[float, float], float], e: Edge) -> float | None:
    return e.slope * f(e.xs[0], e.y) if len(e.xs) == 1 and e.op.name != "neg" else None


_PARTS: dict[str, Callable[[float, float], float]] = {
    "y": lambda x, y: y, "1 - y": lambda x, y: 1 - y, "1 + y": lambda x, y: 1 + y,
    "x": lambda x, y: x, "y / (1 - y)": lambda x, y: y / (1 - y), "y**2": lambda x, y: y * y,
}  # fmt: skip
_CHAINED = [
    (_entry("step_part", f"a factor {text} {word} in the derivative of {{0}} (y is its output)",
            "the rest of the derivative is right", fix, 5), partial(change, f))
    for text, f in _PARTS.items()
    for word, fix, change in (("is missing", "multiply by it", _without),
                              ("is too many", "leave it out", _with))
]  # fmt: skip

CHANGES: tuple[tuple[Mistake, Callable[[Edge], float | None]], ...] = (
    (NO_MASK, lambda e: 1.0 if _masks(e) else None),
    (WRONG_MASK, lambda e: 1.0 - e.slope if _masks(e) else None),
    (NO_SLOPE, lambda e: None if _masks(e) or e.op.name in ("neg", "sub", "add") else 1.0),
    (SIGN, lambda e: -e.slope),
    (SQUARED, lambda e: e.slope**2 if len(e.xs) == 1 else None),
    (AT_OUTPUT, _at_output),
    (AT_INPUT, _at_input),
    (OWN_OPERAND, _own),
    *_CHAINED,
)


def turned(graph: Graph) -> Callable[[Edge], float | None]:
    """The slope of a product with the other factor taken from the transposed matrix."""
    turned = graph.turned

    def change(e: Edge) -> float | None:
        if e.op.name != "mul" or len(e.others) != 2:
            return None
        other = e.others[1 - e.operand]
        return turned.get(other) if other is not None else None

    return change


def exchanged(values: dict[int, float], e: Edge) -> float | None:
    """The slope of a product with another number in the place of the other factor."""
    if e.op.name != "mul" or len(e.others) != 2:
        return None
    other = e.others[1 - e.operand]
    return None if other is None else values.get(other)


# ---- which uses of a number count ----------------------------------------------------------------


def _last_of_each(graph: Graph, edges: Sequence[int]) -> set[int]:
    """Of each number the use that comes last in forward; edges run from the last to the first."""
    last: dict[int, Edge] = {}
    for i in edges:
        if graph.edges[i].slope:
            last.setdefault(graph.edges[i].parent, graph.edges[i])
    return {id(e) for e in last.values()}


def several(graph: Graph, edges: Sequence[int]) -> bool:
    """Whether some number has several uses here that count."""
    parents = [graph.edges[i].parent for i in edges if graph.edges[i].slope]
    return len(set(parents)) < len(parents)


def _last_visit(graph: Graph, edges: Sequence[int]) -> set[int]:
    most = max(graph.edges[i].visit for i in edges)
    return {id(graph.edges[i]) for i in edges if graph.edges[i].visit == most}


def _first_visit(graph: Graph, edges: Sequence[int]) -> set[int]:
    least = min(graph.edges[i].visit for i in edges)
    return {id(graph.edges[i]) for i in edges if graph.edges[i].visit == least}


ONE_USE = (_last_of_each, _last_visit, _first_visit)
