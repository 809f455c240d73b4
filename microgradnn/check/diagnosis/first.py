"""GC5: the first line of a backward pass whose result is wrong.

A variable dX (grad_X, X_grad, …) of backward should be the true gradient of the X that forward
computed, which a trace of forward knows. The first that is not, in the order of execution, is where
to look. Where no name tells, it is the line that first gives the wrong gradient itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.value import Value
from ..subject import quiet
from ..words import gradient_of, names_gradient
from .lines import Assigned, Line, Watched, floats, said, source, watching
from .probe import Probe, factor, near
from .recorded import elements
from .scales import worded

CLOSE = 1e-7


@dataclass(frozen=True)
class Wrong:
    """The first wrong line: what it assigns, and what that is of what it should be."""

    line: Line
    text: str

    def __str__(self) -> str:
        return f"{said(self.line)}, `{source(self.line)[:80]}`: {self.text}"


def first_wrong(probe: Probe, wrong: Sequence[int]) -> Wrong | None:
    """The first line of the user's code that gives a wrong gradient; None if none is seen."""
    seen = _run(probe)
    if seen is None:
        return None
    by_value = _by_value(probe, wrong, seen)
    named = _by_name(probe, wrong, seen)
    if named and (by_value is None or named[0] <= by_value[0]):
        return named[1]
    return by_value[1] if by_value else None


def _run(probe: Probe) -> Watched | None:
    """What the user's code assigned, run once more in floats."""
    watched = Watched(probe.subject.places, floats)
    with quiet():
        try:
            with watching(watched):
                run = probe.subject.start([np.array(a)[()] for a in probe.arrays])
                run.pull(*[np.array(d)[()] for d in probe.douts])
        except Exception:  # it ran before; whatever it is now, there is no line to tell
            return None
    return watched


def _forward_names(probe: Probe) -> dict[str, list[Any]]:
    """The nodes of everything that forward gave a name, at each time it did, in its shape."""
    graph = probe.graph
    found: dict[str, list[Any]] = {}
    for name, places, shape in zip(probe.names, graph.inputs, graph.shapes, strict=True):
        found[name] = [np.array(places).reshape(shape)]
    for s in graph.watched.seen:
        nodes = [graph.nodes.get(v, -1) if isinstance(v, Value) else -1 for v in elements(s.value)]
        if len(nodes) == np.size(s.value) and any(n >= 0 for n in nodes):
            found.setdefault(s.name, []).append(np.array(nodes).reshape(np.shape(s.value)))
    return found


def _by_name(
    probe: Probe, wrong: Sequence[int], watched: Watched
) -> tuple[int, Wrong] | None:  # fmt: skip
    """The first variable dX that is not the gradient of X, and explains all wrong gradients.

    Explains: with the true derivatives of everything before X they follow from it.
    """
    known, g = _forward_names(probe), probe.graph.cotangents(probe.douts)
    last: dict[tuple[str, Line], Assigned] = {}
    for s in watched.seen:
        last[(s.name, s.line)] = s
    for s in sorted(last.values(), key=lambda s: s.visit):
        if gradient_of(s.name) is None:
            continue
        for of in [n for n in known if n != s.name and names_gradient(s.name, n)]:
            for nodes in known[of]:
                if nodes.shape != np.shape(s.value):
                    continue
                truth = np.array([g[i] if i >= 0 else 0.0 for i in nodes.flat])
                if not _same(s.value, truth.reshape(nodes.shape)) and _explains(
                    probe, wrong, nodes, s.value
                ):
                    what = _what(s.value, truth.reshape(nodes.shape))
                    return s.visit, Wrong(s.line, f"{s.name} is {what} gradient of {of}")
    return None


def _explains(probe: Probe, wrong: Sequence[int], nodes: Any, value: Any) -> bool:
    pairs = zip(nodes.ravel().tolist(), np.ravel(value).tolist(), strict=True)
    forced = {int(n): float(v) for n, v in pairs if n >= 0}
    got = probe.graph.shaped(probe.graph.cotangents(probe.douts, None, forced))
    return all(probe.fits(g, k) for k, g in enumerate(got) if k in wrong)


def _same(a: Any, b: Any) -> bool:
    return near(a, b, CLOSE) or not (np.any(a) or np.any(b))


def _what(yours: Any, true: Any) -> str:
    if np.shape(yours) != np.shape(true):
        return "not the"
    if near(yours, -np.asarray(true), CLOSE):
        return "minus the true"
    c = factor(yours, true)
    if c is not None and abs(c - 1) > 1e-6 and near(yours, c * true, CLOSE):
        return f"{worded(c)} × the true" if abs(c) > 1e-12 else "zero, not the true"
    return "not the true"


def _by_value(
    probe: Probe, wrong: Sequence[int], watched: Watched
) -> tuple[int, Wrong] | None:  # fmt: skip
    """The line that first gives one of the wrong gradients, in the outermost function that does."""
    found = []
    for k in wrong:
        yours, true = probe.yours[k], probe.true[k]
        events = [
            s for s in [*watched.seen, *watched.results]
            if yours is not None and np.shape(s.value) == yours.shape
            and np.array_equal(s.value, yours) and not _right_elsewhere(probe, s)
        ]  # fmt: skip
        if events:
            s = min(events, key=lambda s: (s.depth, s.visit))
            what = s.name or "what it returns"
            words = f"{what} is {_what(yours, true)} gradient of {probe.names[k]}"
            found.append((s.visit, Wrong(s.line, words)))
    return min(found, key=lambda f: f[0], default=None)


def _right_elsewhere(probe: Probe, s: Assigned) -> bool:
    """Whether a variable says that it is the gradient of another input, and is."""
    return any(
        s.name and names_gradient(s.name, name) and _same(s.value, true)
        for name, true in zip(probe.names, probe.true, strict=True)
    )
