"""Mistakes on the way back through the forward pass: a path left out, a slope that is another.

Each is tried on the graph of the user's own forward: some edges get another slope, the rest stays.
So the line of forward is known whose derivative is wrong, whatever the layer is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .forms import named_factor, worded
from .graph import Edge, Graph
from .lines import Line, said, source
from .mistake import Mistake, Named
from .probe import Probe, near

MOST_GROUPS = 400
MOST_WORK = 4_000_000  # edges to walk along: half a second
Slopes = Callable[[Probe], list[float] | None]


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
    "slope_missing", "the derivative of {0} is missing", "backward passes the gradient on unchanged "
    "there", "multiply by that derivative", 3,
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


def _quoted(line: Line) -> str:
    text = source(line)
    return f"`{text[:60]}` ({said(line)})" if text else said(line)


def _words_step(graph: Graph, e: Edge) -> str:
    of = "" if len(e.others) == 1 else f" by its {('first', 'second', 'third')[min(e.operand, 2)]} operand"
    return f"{e.op.label}{of} in {_quoted(e.place[-1])}"


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
        return Path(key, value, _quoted(value), value)
    if kind == "use":
        made, line = value
        what = made if isinstance(made, str) else f"the result of {_quoted(made)}"
        return Path(key, value, f"that of {what} in {_quoted(line)}", line)
    words = _words_step(graph, e)
    if kind == "call" and len(e.place) > 1:
        words += f", called in {_quoted(e.place[-2])}"
    if kind == "all":
        words = f"{e.op.label} in {_quoted(e.place[-1])}"
    return Path(key, value, words, e.line)


# ---- trying them ---------------------------------------------------------------------------------


def along_paths(
    found: Sequence[Probe], wrong: Sequence[int], scaled: bool = False
) -> dict[int, list[Named]]:
    """Of each wrong gradient, the mistakes on the way back that give it at every point.

    With `scaled` a factor besides is allowed: two mistakes at once.
    """
    out: dict[int, list[Named]] = {k: [] for k in wrong}
    groups = paths(found[0].graph)
    for p in found:
        p.graph.walked = 0
    for kind, some in groups.items():
        for path in some:
            if _spent(found) > MOST_WORK:
                break
            if scaled:
                _try_others(found, wrong, path, out, scaled)
                _try_dropped(found, wrong, kind, path, out)
                continue
            _try_scaled(found, wrong, kind, path, out)
            if kind in ("step", "call"):
                _try_others(found, wrong, path, out)
            if kind == "step":
                _try_variables(found, wrong, path, out)
            if kind == "use":
                _try_visits(found, wrong, path, out)
    for names in out.values():
        names.sort(key=lambda n: n.mistake.rank)
    return out


def _spent(found: Sequence[Probe]) -> int:
    """How many edges have been walked along."""
    return sum(p.graph.walked for p in found)


def _changed(probe: Probe, path: Path, change: Callable[[Edge], float | None]) -> list[Any] | None:
    """The gradients if the slopes of these edges are others; None if nothing changes."""
    slopes = list(probe.graph.slopes)
    moved = False
    for i in path.edges(probe.graph):
        new = change(probe.graph.edges[i])
        if new is not None and new != slopes[i]:
            slopes[i] = new
            moved = True
    if not moved:
        return None
    probe.graph.walked += len(slopes)
    return probe.graph.pull(probe.douts, slopes)


def _try_scaled(
    found: Sequence[Probe], wrong: Sequence[int], kind: str, path: Path, out: Any
) -> None:  # fmt: skip
    """Finds a factor for the slopes, the same at all points or a size."""
    for k, cs in _at_all(found, wrong, path, _fitted).items():
        if _confirmed(found, k, path, cs):
            named = _scaled(found, kind, path, cs)
            if named:
                out[k].append(named)


def _at_all(
    found: Sequence[Probe], wrong: Sequence[int], path: Path, find: Callable[..., float | None]
) -> dict[int, list[float]]:
    """The numbers that `find` gives at every point, of the gradients that have one everywhere."""
    numbers: dict[int, list[float]] = {k: [] for k in wrong}
    for probe in found:
        g0 = _changed(probe, path, lambda e: 0.0)
        for k in list(numbers):
            c = None if g0 is None or near(g0[k], probe.true[k]) else find(probe, k, g0[k])
            if c is None:
                del numbers[k]
            else:
                numbers[k].append(c)
        if not numbers:
            break
    return numbers


def _try_dropped(
    found: Sequence[Probe], wrong: Sequence[int], kind: str, path: Path, out: Any
) -> None:  # fmt: skip
    """A path left out, and a factor besides."""
    for k, cs in _at_all(found, wrong, path, lambda p, k, g0: p.scale(g0, k)).items():
        if words := named_factor(found, cs):
            entry = UNUSED if kind == "use" else DROPPED
            out[k].append(Named(entry, path.words, path.line, words))


def _fitted(probe: Probe, k: int, g0: Any) -> float | None:
    """The c for which g0 + c (true - g0) is the user's gradient."""
    yours, true = probe.yours[k], probe.true[k]
    if g0 is None or yours is None or yours.shape != true.shape:
        return None
    along = true - g0
    size = float(np.vdot(along, along))
    if not size or not np.isfinite(size):
        return None
    c = float(np.vdot(yours - g0, along)) / size
    if abs(c) < 1e-9:
        c = 0.0
    return c if probe.fits(g0 + c * along, k) else None


def _confirmed(found: Sequence[Probe], k: int, path: Path, cs: Sequence[float]) -> bool:
    """Whether the slopes times c really give it: edges of a group may follow each other."""
    for p, c in zip(found[:2], cs[:2], strict=True):
        got = _changed(p, path, lambda e, c=c: c * e.slope)
        if got is None or not p.fits(got[k], k):
            return False
    return True


def _scaled(found: Sequence[Probe], kind: str, path: Path, cs: Sequence[float]) -> Named | None:
    same = max(cs) - min(cs) <= 1e-6 * max(map(abs, cs), default=0.0)
    if same and abs(cs[0]) < 1e-9:
        kinds = {"exit": DROPPED, "use": UNUSED}
        words = path.words if kind in kinds else path.words
        return Named(kinds.get(kind, DROPPED), words, path.line)
    if kind in ("exit", "use"):
        return None
    if same and abs(cs[0] + 1) < 1e-6:
        return Named(SIGN, path.words, path.line)
    if same:
        return Named(FACTOR, f"{path.words} is {worded(cs[0])} × what it should be", path.line)
    words = named_factor(found, cs)
    return Named(FACTOR, f"{path.words}: {words}", path.line) if words else None


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


_CHANGES: tuple[tuple[Mistake, Callable[[Edge], float | None]], ...] = (
    (NO_MASK, lambda e: 1.0 if _masks(e) else None),
    (WRONG_MASK, lambda e: 1.0 - e.slope if _masks(e) else None),
    (NO_SLOPE, lambda e: 1.0 if not _masks(e) else None),
    (SQUARED, lambda e: e.slope**2 if len(e.xs) == 1 else None),
    (AT_OUTPUT, _at_output),
    (AT_INPUT, _at_input),
    (OWN_OPERAND, _own),
)


def _try_others(
    found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any, scaled: bool = False
) -> None:  # fmt: skip
    for entry, change in (*_CHANGES, (TRANSPOSED, None)):
        factors: dict[int, list[float]] = {k: [] for k in wrong}
        for i, p in enumerate(found):
            try:
                got = _changed(p, path, change or _turned(p.graph))
            except (ArithmeticError, ValueError, TypeError):
                got = None
            if got is None:
                break
            for k in wrong:
                c = p.scale(got[k], k) if scaled else 1.0 if p.fits(got[k], k) else None
                if c is not None and len(factors[k]) == i:
                    factors[k].append(c)
            if not any(len(cs) > i for cs in factors.values()):
                break
        for k, cs in factors.items():
            if len(cs) == len(found):
                besides = named_factor(found, cs) if scaled else ""
                if besides or not scaled:
                    out[k].append(Named(entry, path.words, path.line, besides))


def _turned(graph: Graph) -> Callable[[Edge], float | None]:
    """The slope of a product with the other factor taken from the transposed matrix."""
    turned = graph.turned

    def change(e: Edge) -> float | None:
        if e.op.name != "mul" or len(e.others) != 2:
            return None
        other = e.others[1 - e.operand]
        return turned.get(other) if other is not None else None

    return change


def _try_visits(found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any) -> None:
    """What remains if only the last (or first) use counts, of each number or of all at once."""
    for one in (_last_of_each, _last_visit, _first_visit):
        left = list(wrong)
        for p in found:
            keep = one(p.graph, path.edges(p.graph))
            got = _changed(p, path, lambda e, keep=keep: None if id(e) in keep else 0.0)
            left = [k for k in left if got is not None and p.fits(got[k], k)]
            if not left:
                break
        for k in left:
            what = path.value[0]
            words = what if isinstance(what, str) else f"the result of {_quoted(what)}"
            out[k].append(Named(ONE_VISIT, f"{words} in {_quoted(path.value[1])}", path.line))


def _last_of_each(graph: Graph, edges: Sequence[int]) -> set[int]:
    """Of each number the use that comes last in forward; edges run from the last to the first."""
    last: dict[int, Edge] = {}
    for i in edges:
        last.setdefault(graph.edges[i].parent, graph.edges[i])
    return {id(e) for e in last.values()}


def _last_visit(graph: Graph, edges: Sequence[int]) -> set[int]:
    most = max(graph.edges[i].visit for i in edges)
    return {id(graph.edges[i]) for i in edges if graph.edges[i].visit == most}


def _first_visit(graph: Graph, edges: Sequence[int]) -> set[int]:
    least = min(graph.edges[i].visit for i in edges)
    return {id(graph.edges[i]) for i in edges if graph.edges[i].visit == least}


# ---- another variable ----------------------------------------------------------------------------

OTHER_VARIABLE = _entry(
    "variable", "in the derivative of {0}", "forward multiplies by another variable there",
    "use the variable that forward uses", 5,
)  # fmt: skip
MOST_OTHERS = 40


def _try_variables(found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any) -> None:
    """The factor of a product taken from another array of the same shape."""
    first = found[0].graph
    names = _beside(first, path)
    for own, other in names[:MOST_OTHERS]:
        left = list(wrong)
        for p in found:
            try:
                values = p.graph.exchanged(own, other)
            except KeyError:
                left = []
                break
            got = _changed(p, path, lambda e, values=values: _exchanged(e, values))
            left = [k for k in left if got is not None and p.fits(got[k], k)]
            if not left:
                break
        for k in left:
            words = f"{path.words} {other} stands where {own} belongs"
            out[k].append(Named(OTHER_VARIABLE, words, path.line))


def _exchanged(e: Edge, values: dict[int, float]) -> float | None:
    if e.op.name != "mul" or len(e.others) != 2:
        return None
    other = e.others[1 - e.operand]
    return None if other is None else values.get(other)


def _beside(graph: Graph, path: Path) -> list[tuple[str, str]]:
    """Pairs of names of one shape, the first that of the factors used here."""
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
    own = [n for n, a in named.items() if used & set(a.ravel().tolist())]
    return [(a, b) for a in own for b in named
            if a != b and named[a].shape == named[b].shape and (named[a] != named[b]).any()]  # fmt: skip
