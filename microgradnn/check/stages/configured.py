"""The backward pass in other configurations: first along directions, entry by entry if they differ.

A configuration that the forward takes has to be right, or it is told what is wrong there. What the
code was not written for, as far as that can be seen, is a remark or a convention.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..oracle.numeric import Numeric
from ..report import Finding
from ..subject import Subject, Variation, cotangents_like, quiet
from .again import UPDATED
from .points import Point, Seen
from .results import close, copies, same, size_of, unit
from .values import look, misfits, run


def configured(base: Subject, here: Subject, rng: np.random.Generator) -> Seen:
    """What the gradients are worth in a configuration; `skipped` if the forward does not run."""
    seen = Seen()
    label = here.setting.label if here.setting else ""
    with quiet():
        done = run(here, label, rng, seen)
        if done is not None:
            seen.findings = misfits(here, done[2], label)
        if done is None or seen.findings:
            return seen
        _, douts, grads = done
        kept = [np.array(g) for g in grads]
        if _agrees(here, douts, kept, rng):
            seen.nonzero = {n: g != 0 for n, g in zip(here.names, kept, strict=True)}
            seen.findings = _stale(base, here, douts, kept, label)
        else:
            found = look(here, Point(label, here.arrays), rng, [True] * len(kept))
            seen.nonzero = found.nonzero
            seen.findings = [f for f in found.findings if f.verdict == "FAIL"]
    return seen


def weighed(subject: Subject, seen: Sequence[Seen]) -> list[Seen]:
    """What its configurations showed, with the weight that it has.

    Code that sums over the axes of one argument that broadcasts is to do so for all.
    """
    settings = [o.setting for o in subject.others]
    pairs = list(zip(settings, seen, strict=False))
    sums = any(s and s.kind == "broadcast" and x.nonzero and not x.findings for s, x in pairs)
    out = []
    for s, x in pairs:
        if s is not None:
            broadcast = s.kind == "broadcast"
            s = replace(s, sure=s.sure or sums and broadcast)
            first = broadcast and not s.sure and s.about == subject.names[0]
            x = replace(x, findings=[] if first else [_weighed(f, s) for f in x.findings])
        out.append(x)
    return out


_WHY = {
    "axes": "forward takes such an array, backward was not written for it",
    "flags": "backward does not ask for this flag",
    "broadcast": "it is right where both have one shape: sum it over the axes that broadcast",
}


def _agrees(here: Subject, douts: Any, grads: Sequence[Any], rng: Any) -> bool:
    """Whether the gradients agree with differences along two random directions."""
    numeric = Numeric(here, douts)
    eps = max([unit(a) for a in (*here.arrays, *(g for g in grads if g is not None))], default=0.0)
    for _ in range(2):
        direction = cotangents_like(numeric.arrays, rng)
        pairs = [(np.asarray(g, float), d) for g, d in zip(grads, direction, strict=True)]
        yours = float(sum((g * d).sum() for g, d in pairs))
        size = float(sum(np.abs(g * d).sum() for g, d in pairs))
        try:
            value, error = numeric.rough(direction, 1e-4 * numeric.smallest(direction))
        except Exception:
            return False
        room = max(1e-6, 1e4 * eps) * size
        if not (error < 10 * room + 1e-9 and abs(yours - value) <= room + error):
            return False
    return True


def _stale(base: Subject, here: Subject, douts: Any, kept: Any, label: str) -> list[Finding]:
    """What is wrong where another call came before, or in between."""
    try:
        if here.used is not None:
            grads = here.used(copies(here.arrays)).pull(*copies(douts))
        else:
            passed = here.start(copies(here.arrays))
            base.start(copies(base.arrays))
            grads = passed.pull(*copies(douts))
    except Exception:
        return []
    for name, g, k in zip(here.names, grads, kept, strict=True):
        if g is not None and not same(g, k) and not close(k, g, size=size_of(kept)):
            moved = base.moves()
            why = UPDATED if moved else "something is left over"
            text, verdict = f"d{name} is different after another call: {why}", "CONVENTION"
            return [Finding("GC060", verdict if moved else "CONTRACT", text, name, point=label)]
    return []


# ---- what it makes of the report -----------------------------------------------------------------


def _weighed(f: Finding, setting: Variation) -> Finding:
    """The finding, with the weight that it has in such a configuration."""
    f = replace(f, data={**f.data, "configuration": setting.kind})
    if setting.sure or f.verdict == "PASS":
        return f
    text = f"{f.message}; {_WHY.get(setting.kind, 'it is right elsewhere')}"
    if setting.likely and f.code == "GC201":
        return f
    loud = f.code == "GC001" or f.code == "GC041" and setting.kind in ("axes", "flags", "broadcast")
    if loud and not setting.likely:
        return replace(f, verdict="PASS", message=text)
    return replace(f, code="GC209", verdict="CONVENTION", message=text)
