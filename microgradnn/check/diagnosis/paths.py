"""Mistakes on the way back through the forward pass: a path left out, a slope that is another.

Each is tried on the graph of the user's own forward: some edges get another slope, the rest stays.
So the line of forward is known whose derivative is wrong, whatever the layer is.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from .graph import Edge
from .mistake import Named
from .probe import Probe, near
from .scales import named_factor, worded
from .slopes import (
    CHANGES,
    DROPPED,
    FACTOR,
    ONE_USE,
    ONE_VISIT,
    OTHER_VARIABLE,
    SIGN,
    TRANSPOSED,
    UNUSED,
    exchanged,
    several,
    turned,
)  # fmt: skip
from .ways import Path, exchanges, paths, quoted

MOST_WORK = 4_000_000  # edges to walk along: half a second


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
                if kind in ("step", "call"):
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


def _times(c: float, e: Edge) -> float:
    return c * e.slope


def _only(kept: set[int], e: Edge) -> float | None:
    return None if id(e) in kept else 0.0


def _changed(probe: Probe, path: Path, change: Callable[[Edge], float | None]) -> list[Any] | None:
    """The gradients if the slopes of these edges are others; None if nothing changes."""
    slopes = list(probe.graph.base)
    moved = False
    for i in path.edges(probe.graph):
        new = change(probe.graph.edges[i])
        if new is not None and new != probe.graph.slopes[i]:
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
        got = _changed(p, path, partial(_times, c))
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


def _try_others(
    found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any, scaled: bool = False
) -> None:  # fmt: skip
    for entry, change in (*CHANGES, (TRANSPOSED, None)):
        factors: dict[int, list[float]] = {k: [] for k in wrong}
        for i, p in enumerate(found):
            try:
                got = _changed(p, path, change or turned(p.graph))
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


def _try_visits(found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any) -> None:
    """What remains if only the last (or first) use counts, of each number or of all at once."""
    graph = found[0].graph
    for one in ONE_USE if several(graph, path.edges(graph)) else ():
        left = list(wrong)
        for p in found:
            keep = one(p.graph, path.edges(p.graph))
            got = _changed(p, path, partial(_only, keep))
            left = [k for k in left if got is not None and p.fits(got[k], k)]
            if not left:
                break
        for k in left:
            what = path.value[0]
            words = what if isinstance(what, str) else f"the result of {quoted(what)}"
            out[k].append(Named(ONE_VISIT, f"{words} in {quoted(path.value[1])}", path.line))


MOST_OTHERS = 40


def _try_variables(found: Sequence[Probe], wrong: Sequence[int], path: Path, out: Any) -> None:
    """The factor of a product taken from another array of the same shape, or another step."""
    for words, values in exchanges(found[0].graph, path)[:MOST_OTHERS]:
        left = list(wrong)
        for p in found:
            try:
                got = _changed(p, path, partial(exchanged, values(p.graph)))
            except KeyError:  # at other shapes there is no such array
                got = None
            left = [k for k in left if got is not None and p.fits(got[k], k)]
            if not left:
                break
        for k in left:
            out[k].append(Named(OTHER_VARIABLE, f"{path.words} {words}", path.line))
