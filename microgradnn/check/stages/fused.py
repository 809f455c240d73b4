"""Backward passes that are only right beside the loss that they are meant for: fused with it."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..habits import hands_on
from ..report import Finding
from ..source import text
from ..subject import Pass, Subject
from .points import Look, Point, gives_a_number
from .results import copies, same

ONE_ENTRY = "that is not zero, as that of a cross entropy of one sample; else only one counts"


def meant_for_a_loss(f: Finding, subject: Subject, look: Look) -> str:
    """What to say of a gradient that is right beside a loss of a certain kind; "" if it is not."""
    return _fused(f, subject) or _handed_on(f, subject) or _one_entry(f, subject, look)


def _fused(f: Finding, subject: Subject) -> str:
    """What to say where a cross entropy of probabilities gives the gradient p - y of the scores."""
    if "yours" not in f.data or np.size(f.data["true"]) < 2 or not gives_a_number(subject):
        return ""
    p = subject.arrays[subject.names.index(str(f.argument))]
    yours, true = (np.asarray(f.data[k], float) for k in ("yours", "true"))
    if not ((p > 0) & (p < 1)).all():
        return ""
    for n, word in ((1, ""), (np.shape(p)[0], "/N"), (np.size(p), "/N")):
        y = p - n * yours
        if (y < -1e-9).any() or (y > 1 + 1e-9).any() or not (y > 0.01).any():
            continue
        for unit in (-y / p, (p - y) / (p * (1 - p))):
            if _proportional(true, unit):
                return (
                    f"d{f.argument} is ({f.argument} - labels){word}, the gradient of the scores "
                    "before softmax or sigmoid: right where backward stands for both"
                )
    return ""


def _handed_on(f: Finding, subject: Subject) -> str:
    """What to say where softmax's backward gives the gradient from above as it is."""
    if "yours" not in f.data or subject.scaled or len(subject.arrays) != 1:
        return ""
    run = subject.start(copies(subject.arrays))
    out = np.asarray(run.outs[0])
    if out.ndim < 1 or out.size < 2 or not ((out > 0) & (out < 1)).all():
        return ""
    softmax = any(np.allclose(out.sum(axis=axis), 1, rtol=1e-5) for axis in range(out.ndim))
    if not (softmax or _on_purpose(subject)):
        return ""
    v = np.random.default_rng(0).uniform(0.1, 1.0, out.shape)
    if not np.array_equal(run.pull(v.copy())[0], v):
        return ""
    return (
        "backward hands on the gradient from above: right where the loss before it gives that of "
        "the scores, as softmax and cross entropy in one do"
    )


_LOG = re.compile(r"\blog\(|entropy", re.I)


def _on_purpose(subject: Subject) -> bool:
    """Whether backward is nothing but `return dout`, in a file that has a loss of logarithms."""
    methods = [m for c in subject.code if isinstance(c, type) for m in vars(c).values()]
    homes = {sys.modules.get(getattr(c, "__module__", "")) for c in subject.code}
    others = (f for home in homes for f in _functions(home))
    return any(map(hands_on, methods)) and any(_LOG.search(text(f)) for f in others)


def _functions(home: Any) -> Iterator[Any]:
    for thing in list(vars(home).values()) if home is not None else ():
        yield from vars(thing).values() if isinstance(thing, type) else (thing,)


def _one_entry(f: Finding, subject: Subject, look: Look) -> str:
    """What to say where only one entry of the gradient from above may be other than zero.

    A cross entropy of one sample gives such gradients; loops that skip zeros count on it.
    """
    if subject.scaled or "true" not in f.data:
        return ""
    outs = subject.start(copies(subject.arrays)).outs
    size = np.size(outs[0])
    if len(outs) != 1 or size < 2 or not _counts_one(subject, np.shape(outs[0])):
        return ""
    for k in (size - 1, 0, size // 2):
        one = replace(subject, start=_only(subject, k), others=[], scaled=False)
        seen = look(one, Point("one entry", one.arrays))
        if not seen.nonzero or any(g.verdict == "FAIL" for g in seen.findings):
            return ""
    return f"d{f.argument} is right where the gradient from above has one entry {ONE_ENTRY}"


def _counts_one(subject: Subject, shape: tuple[int, ...]) -> bool:
    """Whether backward gives for a full gradient from above what it gives for the first entry."""
    whole = np.random.default_rng(0).uniform(0.5, 1.0, shape)
    first = np.zeros(shape)
    first.flat[0] = whole.flat[0]
    pulled = [subject.start(copies(subject.arrays)).pull(v) for v in (whole, first)]
    return all(map(same, *pulled))


def _only(subject: Subject, k: int) -> Any:
    """start() with one entry of the output as the output."""

    def start(arrays: list[Any]) -> Pass:
        run = subject.start(arrays)
        out = np.asarray(run.outs[0])

        def pull(dout: Any) -> list[Any]:
            v = np.zeros(out.shape, np.asarray(dout).dtype)
            v.flat[k] = dout
            return run.pull(v)

        return replace(run, outs=[out.reshape(-1)[k]], pull=pull)

    return start


def takes_labels(subject: Subject) -> str:
    """What to say where softmax's backward takes the labels and gives p - y, times 1 or 1/N."""
    if subject.scaled or len(subject.arrays) != 1:
        return ""
    out = np.asarray(subject.start(copies(subject.arrays)).outs[0])
    if out.ndim < 1 or out.size < 2 or not ((out > 0) & (out < 1)).all():
        return ""
    rng = np.random.default_rng(0)
    for n, word in ((1, ""), (out.shape[0], "/N")):
        given = [rng.uniform(0.1, 1.0, out.shape) for _ in range(2)]
        grads = [subject.start(copies(subject.arrays)).pull(v)[0] for v in given]
        if any(np.shape(g) != out.shape for g in grads):
            return ""
        if all(np.allclose(n * g, out - v, rtol=1e-9, atol=1e-12)
               for g, v in zip(grads, given, strict=True)):  # fmt: skip
            return (
                f"backward takes the labels and gives (output - labels){word}: softmax or sigmoid "
                "and cross entropy in one"
            )
    return ""


def _proportional(a: Any, b: Any) -> bool:
    """Whether one array is a multiple of the other."""
    size = float(np.vdot(b, b))
    if not size or not np.isfinite(size):
        return False
    c = float(np.vdot(a, b)) / size
    return c > 0 and bool(np.allclose(a, c * b, rtol=1e-5, atol=1e-9 * c * np.sqrt(size)))
