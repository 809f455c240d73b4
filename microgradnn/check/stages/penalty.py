"""A penalty on the weights that backward adds to their gradient: named, and taken away again.

The penalty λ/2 · |W|² belongs to the loss of a whole net; its gradient λ · W is often added where
dW is computed, so that it does not depend on the cotangent.
"""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Pass, Subject, quiet
from .points import Seen
from .reached import words
from .results import copies, unit

_WORD = re.compile(
    r"lambda?_?|lamb?|wd|(\w*_)?(reg(ulari[sz]\w*)?|decay|l2|penalty|ridge)(_\w*)?", re.I
)


STRENGTH = 0.3  # of a penalty that is tried


def penalised(subject: Subject, rng: np.random.Generator) -> Seen:
    """What a penalty of this strength adds to each gradient: λ · W or λ · sign(W), or it is wrong.

    Up to the factors 2 and 1/2, which are those of λ · |W|² and λ/2 · |W|², and 1/N.
    """
    seen = Seen()
    label, about = (subject.setting.label, subject.setting.about) if subject.setting else ("", "")
    arrays = [rng.standard_normal(np.shape(a)) for a in subject.arrays]
    try:
        with quiet():
            run = subject.start(copies(arrays))
            grads = run.pull(*(np.zeros_like(np.asarray(out)) for out in run.outs))
    except Exception:  # whatever the user's code raises: the stages tell it
        return seen
    counts = {1, *np.shape(subject.arrays[0])}
    for name, g, a in zip(subject.names, grads, arrays, strict=True):
        if g is None or np.shape(g) != np.shape(a) or not np.any(g):
            continue
        sizes = [STRENGTH * c / n for c in (0.5, 1, 2) for n in counts]
        if not any(np.allclose(g, c * w, rtol=1e-5) for c in sizes for w in (a, np.sign(a))):
            text = (
                f"d{name} is wrong by what {about} adds to it: not {about} × {name} or its sign, "
                "nor twice or half of that"
            )
            seen.findings.append(Finding("GC201", "FAIL", text, name, label))
    return seen


def unpenalised(subject: Subject) -> tuple[Subject, list[Finding]]:
    """The subject without the penalties in its gradients, and a word on each of them.

    Only where the code has something that is called like one, and all that is left of a gradient
    for a cotangent of 0 is a multiple of its array.
    """
    if subject.scaled or not any(map(_WORD.fullmatch, words(subject))):
        return subject, []
    try:
        with quiet():
            shares = _shares(subject)
            others = [_without(o, _shares(o)) for o in subject.others]
    except Exception:  # whatever the user's code raises: the stages tell it
        return subject, []
    found = [
        Finding(
            "GC209", "CONVENTION", f"d{name} has {c:.4g} × {name} added, the gradient of a penalty "
            f"on {name}: what was compared is the rest", argument=name, point="your point",
        )
        for name, c in zip(subject.names, shares, strict=True) if c
    ]  # fmt: skip
    if not found:
        return subject, []
    return replace(_without(subject, shares), others=others), found


def _shares(subject: Subject) -> list[float]:
    """Of each gradient how many times its array is added to it; 0 for none."""
    run = subject.start(copies(subject.arrays))
    grads = run.pull(*(np.zeros_like(np.asarray(out)) for out in run.outs))
    return [_share(g, a) for g, a in zip(grads, subject.arrays, strict=True)]


def _share(g: Any, a: Any) -> float:
    if g is None or np.shape(g) != np.shape(a) or np.size(a) < 2 or not np.any(g):
        return 0.0
    some = np.ravel(a)[np.ravel(a) != 0], np.ravel(g)[np.ravel(a) != 0]
    ratios = np.unique(some[1] / some[0])  # equal but for rounding, if it is one; one of them is it
    exact = max(ratios, key=lambda c: np.count_nonzero(c * a == g))
    return float(exact) if np.allclose(g, exact * a, rtol=16 * unit(g), atol=0) else 0.0


def _without(subject: Subject, shares: list[float]) -> Subject:
    """The same with these multiples of the arrays taken away from the gradients."""

    def taken(start: Any) -> Any:
        def run(arrays: list[Any]) -> Pass:
            now = [np.array(a) for a in arrays]  # backward may move them
            inner = start(arrays)

            def pull(*douts: Any) -> list[Any]:
                grads = zip(inner.pull(*douts), shares, now, strict=True)
                return [g - c * a if c and g is not None else g for g, c, a in grads]

            return replace(inner, pull=pull)

        return run

    used = taken(subject.used) if subject.used else None
    turned = taken(subject.turned) if subject.turned else None
    return replace(subject, start=taken(subject.start), used=used, turned=turned)
