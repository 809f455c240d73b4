"""The ways back through a forward pass: groups of edges that mean the same at every point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .graph import Edge, Graph
from .lines import Line, said, source

MOST_GROUPS = 400


@dataclass(frozen=True)
class Path:
    """Edges of the same meaning at every point: the key finds them there."""

    key: Callable[[Graph, Edge], Any]
    value: Any
    words: str
    line: Line | None

    def edges(self, graph: Graph) -> list[int]:
        """The numbers of the edges."""
        return graph.groups(self.key).get(self.value, [])


def _step(graph: Graph, e: Edge) -> Any:
    return (e.line, e.op.name, e.operand) if e.line else None


def _step_all(graph: Graph, e: Edge) -> Any:
    return (e.line, e.op.name) if e.line else None


def _step_in_call(graph: Graph, e: Edge) -> Any:
    return (e.place, e.op.name, e.operand) if len(e.place) > 1 else None


def _exit(graph: Graph, e: Edge) -> Any:
    made = graph.made[e.parent]
    return made[0] if made and made[0] != e.line else None


def _use(graph: Graph, e: Edge) -> Any:
    made = graph.made[e.parent]
    if made is None:
        name = graph.input_of(e.parent)
        return (name, e.line) if name and e.line else None
    return (made[0], e.line) if e.line and made[1] != e.visit else None


def quoted(line: Line) -> str:
    """A line with its text and its number."""
    text = source(line)
    return f"`{text[:60]}` ({said(line)})" if text else said(line)


def _words_step(graph: Graph, e: Edge) -> str:
    of = (
        ""
        if len(e.others) == 1
        else f" by its {('first', 'second', 'third')[min(e.operand, 2)]} operand"
    )
    return f"{e.op.label}{of} in {quoted(e.place[-1])}"


def paths(graph: Graph) -> dict[str, list[Path]]:
    """All groups of edges of a graph, by kind."""
    out: dict[str, list[Path]] = {}
    for kind, key in (("exit", _exit), ("use", _use), ("step", _step), ("call", _step_in_call),
                      ("all", _step_all)):  # fmt: skip
        first = {k: graph.edges[some[0]] for k, some in graph.groups(key).items()}
        out[kind] = [_path(kind, key, k, e, graph) for k, e in first.items()][:MOST_GROUPS]
    if len(out["call"]) == len(out["step"]):
        out["call"] = []
    return out


def _path(kind: str, key: Any, value: Any, e: Edge, graph: Graph) -> Path:
    if kind == "exit":
        return Path(key, value, quoted(value), value)
    if kind == "use":
        made, line = value
        what = made if isinstance(made, str) else f"the result of {quoted(made)}"
        return Path(key, value, f"that of {what} in {quoted(line)}", line)
    words = _words_step(graph, e)
    if kind == "call" and len(e.place) > 1:
        words += f", called in {quoted(e.place[-2])}"
    if kind == "all":
        words = f"{e.op.label} in {quoted(e.place[-1])}"
    return Path(key, value, words, e.line)


def exchanges(graph: Graph, path: Path) -> list[tuple[str, Callable[[Graph], dict[int, float]]]]:
    """Arrays that may have been taken for a factor used here: in words, and their numbers."""
    used = {
        other
        for i in path.edges(graph)
        for e in [graph.edges[i]]
        if e.op.name == "mul" and len(e.others) == 2
        and (other := e.others[1 - e.operand]) is not None
    }  # fmt: skip
    if not used:
        return []
    named = graph.named
    pairs = [
        (f"{b} stands where {a} belongs", partial(_instead, a, b))
        for a in named
        if used & set(named[a].ravel().tolist())
        for b in named
        if a != b and named[a].shape == named[b].shape and (named[a] != named[b]).any()
    ]
    steps = [
        (f"{name} of {word} step stands where that of the step itself belongs",
         partial(_of_step, name, step))
        for name, some in graph.versions.items()
        if len(some) > 1 and any(used & set(a.ravel().tolist()) for a in some)
        for step, word in ((1, "the next"), (-1, "the previous"))
    ]  # fmt: skip
    return [*pairs, *steps]


def _instead(own: str, other: str, graph: Graph) -> dict[int, float]:
    return graph.exchanged(own, other)


def _of_step(name: str, step: int, graph: Graph) -> dict[int, float]:
    return graph.moved(name, step)
