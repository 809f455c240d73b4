"""The graph of a forward pass, made by running it on Values of floats."""

from typing import Any

import numpy as np

from ...engine.node import plain
from ...engine.op import Carrier
from ...engine.value import Value
from ...engine.walk import order
from ...errors import MicrogradError
from ...numerics.changes import next_stamp
from ..oracle.traced import Traced, values
from ..oracle.tracing import tracing
from ..subject import Pass, Subject
from .graph import Edge, Graph
from .lines import Line, Watched, watching

BUDGET = 30_000  # nodes of a graph in which mistakes are tried


def traced(subject: Subject) -> tuple[Graph, Pass]:
    """The graph of the forward pass at subject.arrays, and the pass: its pull takes Values.

    Raises MicrogradError if the forward cannot be traced, or is too long.
    """
    watched = Watched(subject.places)
    with np.errstate(all="ignore"), tracing(float, subject.places, None, BUDGET, masks=True):
        inputs = [values(a, float) for a in subject.arrays]
        start = next_stamp()
        with watching(watched):
            run = _started(subject, inputs)
        return _graph(run, inputs, start, watched, subject), run


def _started(subject: Subject, inputs: list[Any]) -> Pass:
    try:
        return subject.start([x.copy() if isinstance(x, np.ndarray) else x for x in inputs])
    except MicrogradError:
        raise
    except Exception as error:
        raise MicrogradError(f"{type(error).__name__}: {error}") from error


def elements(x: Any) -> list[Any]:
    """The numbers of an array, or the number, in a row."""
    if isinstance(x, Traced):
        x = x.view(np.ndarray)
    return list(np.ravel(x)) if isinstance(x, (np.ndarray, list, tuple)) else [x]


def _graph(run: Pass, inputs: list[Any], start: int, watched: Watched, subject: Subject) -> Graph:
    leaves = [v for x in inputs for v in elements(x)]
    ends = [v if isinstance(v, Value) else Value(float(v)) for o in run.outs for v in elements(o)]
    found = order([*dict.fromkeys(ends)], leaves)
    nodes = {n: i for i, n in enumerate(found)}
    for leaf in leaves:
        nodes.setdefault(leaf, len(nodes))
    visits = watched.visits(start)
    edges: list[Edge] = []
    made: list[tuple[Line, int] | None] = [None] * len(nodes)
    for node in found:
        if node.op is None:
            continue
        place, visit = visits(node.stamp)
        made[nodes[node]] = (place[-1], visit) if place else None
        edges += _edges(node, nodes, place, visit)
    return Graph(
        edges, len(nodes), [[nodes[v] for v in elements(x)] for x in inputs],
        [nodes[v] for v in ends], made, subject.names, list(map(np.shape, subject.arrays)),
        watched, nodes,
    )  # fmt: skip


def _edges(node: Any, nodes: dict[Any, int], place: tuple[Line, ...], visit: int) -> list[Edge]:
    parents, y = node.parents, plain(node)
    xs = tuple(plain(p) for p in parents)
    others = tuple(nodes.get(p) if isinstance(p, Carrier) else None for p in parents)
    slopes = node.op.rules(1.0, y, *xs, **node.params) if node.op.variadic else None
    out = []
    for i, parent in enumerate(others):
        if parent is None:
            continue
        s = node.op.pull(i, 1.0, y, xs, node.params) if slopes is None else slopes[i]
        slope = 0.0 if s is None else float(s)
        out.append(Edge(
            nodes[node], parent, slope, i, node.op, place, visit, others, xs, y, node.params
        ))  # fmt: skip
    return out
