"""GC4 and GC5: what mistake it is, by name, and on which line."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Subject
from . import cotangents, forms, known, rows, terms  # noqa: F401  (they enter their mistakes)
from .first import first_wrong
from .mistake import CATALOGUE, Named, fitting, fitting_with_factor
from .paths import along_paths
from .probe import Probe, probes
from .scales import BY_SIZE, named_factor

# Findings that say that a gradient is wrong; shapes count too.
WRONG = ("GC041", "GC101", "GC102", "GC201", "GC202")
MOST_TIES = 2
PLAIN = ("2", "1/2")  # factors that are constants rather than sizes, if only one shape was seen


def diagnose(subject: Subject, findings: Iterable[Finding], seed: int = 0) -> list[Finding]:
    """What is to be said of the mistakes behind findings: their names, and the first wrong line.

    Nothing if no finding is about a wrong gradient, or if forward cannot be traced.
    """
    if not any(f.code in WRONG and f.verdict in ("FAIL", "CONTRACT") for f in findings):
        return []
    try:
        return _diagnosed(subject, seed)
    except Exception as error:  # what is wrong was found; that it has no name is no reason to stop
        return [
            Finding("GC402", "PASS", f"the mistake was not named: {type(error).__name__}: {error}")
        ]


def _diagnosed(subject: Subject, seed: int) -> list[Finding]:
    found = probes(subject, np.random.default_rng(seed))
    wrong = [k for k in range(len(subject.names)) if any(p.wrong(k) for p in found)]
    if not wrong:
        return []
    named = names(found, wrong)
    out = []
    for group in _grouped(named, wrong, _several_shapes(found)):
        told = all(group.values())
        out.append(_told(found, group) if told else _unrecognised(found, list(group)))
    line = first_wrong(next(p for p in found if any(map(p.wrong, wrong))), wrong)
    if line:
        out.append(Finding(
            "GC501", "FAIL", f"the first wrong line is {line}",
            data={"file": line.line[0], "line": line.line[1]},
        ))  # fmt: skip
    return out


def names(found: Sequence[Probe], wrong: Sequence[int]) -> dict[int, list[Named]]:
    """Of each wrong gradient the mistakes that give it at all points."""
    out = {k: fitting(found, k, CATALOGUE) for k in wrong}
    rest = along_paths(found, wrong)
    out = {k: out[k] + rest[k] for k in wrong}
    open_ = [k for k in wrong if not out[k]]
    if open_:  # two mistakes at once
        both = along_paths(found, open_, scaled=True)
        for k in open_:
            out[k] = fitting_with_factor(found, k, CATALOGUE, named_factor) + both[k]
    return out


def _several_shapes(found: Sequence[Probe]) -> bool:
    return len({tuple(map(np.shape, p.arrays)) for p in found}) > 1


def _grouped(
    named: dict[int, list[Named]], wrong: Sequence[int], several: bool
) -> list[dict[int, list[Named]]]:
    """The wrong gradients by the mistake that explains most of them: of each it and its ties."""
    shared = Counter(key for some in named.values() for key in {n.key for n in some})
    groups: dict[Any, dict[int, list[Named]]] = {}
    for k in wrong:
        best = _best(named[k], shared, several)
        groups.setdefault(best[0].key if best else None, {})[k] = best
    return list(groups.values())


def _best(some: Sequence[Named], shared: Mapping[Any, int], several: bool) -> list[Named]:
    """The mistake to tell, and those that explain it as simply; nothing of nothing."""
    plain = not several and any(n.mistake.key == "factor" and n.about in PLAIN for n in some)
    ranked = sorted(((_rank(n, plain), -shared[n.key], i, n) for i, n in enumerate(some)))
    if not ranked:
        return []
    simplest, most = ranked[0][0], min(r[1] for r in ranked)
    rank, _, _, best = next((r for r in ranked if r[1] == most and r[0] <= simplest + 2), ranked[0])
    ties = [n for r, _, _, n in ranked if r == rank and n.mistake is not best.mistake]
    return [best, *ties[:MOST_TIES]]


def _rank(n: Named, plain: bool) -> float:
    """The rank of a mistake; a size of 2 is taken for a constant where only one shape was seen."""
    return n.mistake.rank + (1.5 if plain and n.mistake.key in BY_SIZE else 0)


def _told(found: Sequence[Probe], group: Mapping[int, Sequence[Named]]) -> Finding:
    names = found[0].names
    best, *ties = next(iter(group.values()))
    texts: dict[str, list[str]] = {}  # the gradients of which one thing is to be said
    for k, (n, *_) in group.items():
        texts.setdefault(n.text, []).append(f"d{names[k]}")
    text = "; ".join(f"{', '.join(some)}: {said}" for said, some in texts.items())
    if ties:
        text += f" (or {' or '.join(t.text for t in ties)})"
    return Finding(
        "GC401", "FAIL", text, names[next(iter(group))] if len(group) == 1 else None,
        hint=f"{best.why}; to mend it: {best.fix}",
        data={"mistake": best.mistake.key, "about": best.about, "points": len(found),
              "arguments": [names[k] for k in group], "also": [t.mistake.key for t in ties]},
    )  # fmt: skip


def _unrecognised(found: Sequence[Probe], group: Sequence[int]) -> Finding:
    names = [found[0].names[k] for k in group]
    where = "; ".join(filter(None, (_whereabouts(found[0], k) for k in group)))
    return Finding(
        "GC402", "FAIL", f"{', '.join('d' + n for n in names)}: a mistake that has no name here",
        names[0] if len(names) == 1 else None, hint=where, data={"arguments": names},
    )  # fmt: skip


def _whereabouts(probe: Probe, k: int) -> str:
    """Where the wrong entries of a gradient lie: in which rows, for which inputs."""
    yours, true, name = probe.yours[k], probe.true[k], probe.names[k]
    if yours is None or yours.shape != true.shape or not true.size:
        return ""
    with np.errstate(all="ignore"):
        wrong = ~(np.abs(yours - true) <= probe.close * np.abs(true).max())
    if not wrong.any():
        return ""
    if wrong.all():
        return f"all {wrong.size} entries of d{name} are wrong"
    said = f"{int(wrong.sum())} of {wrong.size} entries of d{name} are wrong"
    for axis in range(true.ndim):
        others = tuple(i for i in range(true.ndim) if i != axis)
        places = np.flatnonzero(wrong.any(axis=others))
        if len(places) < true.shape[axis]:
            some = ", ".join(map(str, places[:6])) + (", …" if len(places) > 6 else "")
            said += f", all of them at {some} of axis {axis}"
    x = np.asarray(probe.arrays[k], float)
    if x.shape == true.shape:
        for word, mask in ((f"{name} is negative", x < 0), (f"{name} is positive", x > 0)):
            if mask.any() and not mask.all() and not (wrong & ~mask).any():
                said += f", only where {word}"
    return said
