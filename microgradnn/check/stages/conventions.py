"""Gradients that are not those of forward, but what many write and mean: named, not called wrong.

A mean taken by forward only (1/N), softmax and cross entropy in one backward, an eps that only one
of the two has, parameters that backward updates itself. What is taken for a convention holds at the
user's point and at another shape; a factor that is not 1/N or N there stays an error.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ..report import Finding
from ..subject import Pass, Subject
from .fused import ONE_ENTRY, meant_for_a_loss, takes_labels
from .meant import by_steps
from .points import Look, Point, Seen, gives_a_number
from .reached import approximates, uses_eps, words

NEAR = 1e-6  # what an eps may change
ROUGH = 1e-4  # and the constants of an approximation
CODE = "GC209"


def settle(subject: Subject, seen: Seen, look: Look) -> tuple[Subject, Seen]:
    """The subject and what was seen of it, with what is only a convention not called wrong.

    Of gradients that are right but for a factor the subject has the right ones, so that all other
    points can be looked at, too.
    """
    wrong = [f for f in seen.findings if f.verdict == "FAIL"]
    if not wrong or not all(f.code == "GC201" and f.argument and f.data for f in wrong):
        return subject, seen
    labels = takes_labels(subject)
    if labels:
        found = Finding(CODE, "CONVENTION", labels, point=seen.findings[0].point)
        return subject, replace(seen, findings=[found])
    there = [look(o, Point("other shapes", o.arrays)) for o in subject.others[:2]]
    factors: dict[str, Callable[[Subject], float]] = {}
    findings, steps = [], _of_momentum(wrong, there, subject)
    if steps:  # elsewhere the factor is not known
        subject = replace(subject, others=subject.others[: len(there)])
    for f in seen.findings:
        others = [_same(f, s.findings) for s in there]
        said = ""
        if f in wrong:
            said, factor = _factor(f, others, subject)
            if not said and steps:
                said = f"the step of {f.argument} is {steps[0]:.6g} × its gradient: {_STEPS}"
                factor = partial(_nth, subject, steps)
            if factor is not None and f.argument is not None:
                factors[f.argument] = factor
            said = said or _surrogate(f, subject) or meant_for_a_loss(f, subject, look)
            said = said or _eps(f, others, subject)
        findings.append(_by_convention(f, said) if said else f)
    if len(factors) < len(wrong):
        return subject, replace(seen, findings=findings)
    return _divided(subject, factors), replace(seen, findings=findings)


def beyond(seen: Seen, subject: Subject) -> Seen:
    """What was seen at another point, where the user's own showed nothing wrong."""
    findings = []
    for f in seen.findings:
        said = ""
        if (f.code, f.verdict) == ("GC201", "FAIL") and subject.others and "off" in f.data:
            said = _eps(f, [None], subject) or _clipped(f, subject) or _of_clip(f, subject)
        findings.append(_by_convention(f, said) if said else f)
    return replace(seen, findings=findings)


def updating(subject: Subject) -> list[Finding]:
    """A word on a backward that updates the parameters itself."""
    if not (subject.descends and subject.params):
        return []
    names = ", ".join(subject.params)
    return [Finding(
        CODE, "CONVENTION", f"backward updates {names} itself: what was compared is its step "
        "for a learning rate of 1", point="your point",
        hint="return or keep the gradients, and leave the step to an optimizer",
    )]  # fmt: skip


def _by_convention(f: Finding, said: str) -> Finding:
    data = {**f.data, "meant": True} if said.endswith(ONE_ENTRY) else f.data  # it is not linear
    return replace(f, code=CODE, verdict="CONVENTION", message=said, hint="", data=data)


def _same(f: Finding, others: Sequence[Finding]) -> Finding | None:
    """The finding of the same kind about the same argument."""
    return next((o for o in others if (o.code, o.argument) == (f.code, f.argument)), None)


# ---- a factor ------------------------------------------------------------------------------------


def _factor(
    f: Finding, others: Sequence[Finding | None], subject: Subject
) -> tuple[str, Callable[[Subject], float] | None]:
    """What to say of a gradient that is right up to 1/N or N, and the factor at other shapes."""
    factor = f.data["factor"]
    if np.isnan(factor) or not others:
        return "", None
    for what, key in _sizes(subject, str(f.argument)):
        for power in (-1, 1):

            def of(s: Subject, key: Any = key, power: int = power) -> float:
                return float(key(s)) ** power

            fits = abs(of(subject) - factor) < 1e-6 * abs(factor)
            for o, s in zip(others, subject.others, strict=False):
                other = np.nan if o is None else o.data["factor"]
                fits &= bool(abs(of(s) - other) < 1e-6 * abs(other))
            moves = any(key(s) != key(subject) for s in subject.others[: len(others)])
            if fits and moves:
                n = key(subject)
                word = "1/N" if power < 0 else "N"
                return (
                    f"d{f.argument} is right up to the constant factor {word}: yours is "
                    f"{factor:.6g} × the true gradient everywhere, N = {n}, {what}"
                ), of
    return "", None


def _sizes(subject: Subject, about: str) -> Iterator[tuple[str, Callable[[Subject], int]]]:
    """The sizes over which a mean is usually taken, in words and as functions of the subject.

    Of a loss any size may be meant. Of a layer only the batch: the first axis, or the last one of
    columns, which the array in question does not have.
    """
    first, k = subject.arrays[0], subject.names.index(about)
    loss = gives_a_number(subject)
    if np.ndim(first):
        yield "the batch", lambda s: np.shape(s.arrays[0])[0]
    if np.ndim(first) > 1 and (loss or np.shape(first)[-1] not in np.shape(subject.arrays[k])):
        text = "the last axis" if loss else "the batch in columns"
        yield text, lambda s: np.shape(s.arrays[0])[-1]
    if np.ndim(first) > 2:
        yield "the rows", lambda s: int(np.prod(np.shape(s.arrays[0])[:-1]))
    if loss:
        yield "all entries", lambda s: int(np.size(s.arrays[0]))
        for i in range(1, np.ndim(first) - 1):
            yield f"axis {i}", partial(_axis, i)


def _axis(i: int, subject: Subject) -> int:
    return int(np.shape(subject.arrays[0])[i])


def _divided(subject: Subject, factors: dict[str, Callable[[Subject], float]]) -> Subject:
    """The same with these gradients divided by their factors, at all shapes."""
    by = [factors[n](subject) if n in factors else 1.0 for n in subject.names]
    inner = subject.start

    def start(arrays: list[Any]) -> Pass:
        run = inner(arrays)

        def pull(*douts: Any) -> list[Any]:
            grads = run.pull(*douts)
            return [g if g is None or c == 1.0 else g / c for g, c in zip(grads, by, strict=True)]

        return replace(run, pull=pull)

    others = [_divided(o, factors) for o in subject.others]
    return replace(subject, start=start, used=None, others=others)


_STEP = re.compile(r"step|threshold|sign|spik|heaviside|binar|quanti|round|straight|ste\b", re.I)


def _surrogate(f: Finding, subject: Subject) -> str:
    """What to say where the name says that forward moves by steps, and it does."""
    return by_steps(f, subject) if _STEP.search(subject.name) else ""


# ---- a step ----

_STEPS = "as the first step with momentum is; what was compared is the direction"
_MOMENTUM = re.compile(
    r"(\w*_)?(beta_?\d?|momentum\w*|velocity\w*|v_\w+|rho|adam\w*|optim\w*)", re.I
)


def _of_momentum(wrong: Sequence[Finding], there: Sequence[Seen], subject: Subject) -> list[float]:
    """The one factor of all steps, here and at each other shape, where the code has momentum."""
    if not subject.descends or not any(map(_MOMENTUM.fullmatch, words(subject))):
        return []
    found = [[f.data["factor"] for f in wrong]]
    found += [[o.data["factor"] for f in wrong if (o := _same(f, s.findings))] for s in there]
    alike = all(len(x) == len(wrong) and np.ptp(x) < 1e-6 * abs(x[0]) for x in found)
    return [x[0] for x in found] if alike and there else []


def _nth(subject: Subject, steps: Sequence[float], s: Subject) -> float:
    """The factor at a shape, 1 where it is not known."""
    shapes = [subject, *subject.others[: len(steps) - 1]]
    return next((c for c, known in zip(steps, shapes, strict=True) if known is s), 1.0)


# ---- an eps --------------------------------------------------------------------------------------


def _eps(f: Finding, others: Sequence[Finding | None], subject: Subject) -> str:
    """What to say where the formula is off by next to nothing, here and at another shape.

    A small error is only excused where the code has an eps or a clip at all.
    """
    off = max([f.data["off"], *(o.data["off"] for o in others if o is not None)])
    if others and off <= ROUGH and approximates(subject):
        return (
            f"d{f.argument} is within {off:.0e} of right in every entry: forward is an "
            "approximation with rounded constants, whose own derivative is another"
        )
    if not others or not off <= NEAR or not uses_eps(subject):
        return ""
    if abs(f.data["factor"] - 1) > 1e-8:  # a rounded constant
        return ""
    return (
        f"d{f.argument} is within {off:.0e} of right in every entry: an eps or a clip that only "
        "one of forward and backward has"
    )


def _clipped(f: Finding, subject: Subject) -> str:
    """What to say of a loss that is flat at an extreme point only, where its gradient is not.

    Also of any layer whose gradient is next to nothing there.
    """
    if not f.point.startswith("inputs ×") or "true" not in f.data:
        return ""
    true, yours, wrong = (np.asarray(f.data[k]) for k in ("true", "yours", "wrong"))
    tiny = np.abs(yours[wrong]).max(initial=0.0) < 1e-30
    loss = gives_a_number(subject)
    if not np.any(true[wrong]) and (tiny or loss):
        what = "the loss" if loss else "forward"
        return f"d{f.argument} goes on where a clip makes {what} flat, which backward leaves out"
    little = loss or np.abs(yours[wrong] - true[wrong]).max(initial=0.0) < 1e-2
    if little and uses_eps(subject):
        what = "the loss" if loss else "forward"
        return f"d{f.argument} is another far out, where an eps or a clip decides about {what}"
    return ""


def _of_clip(f: Finding, subject: Subject) -> str:
    """What to say of next to nothing where a clip makes all of forward flat: one class alone."""
    if "true" not in f.data or np.any(f.data["true"]) or not uses_eps(subject):
        return ""
    if not np.abs(f.data["yours"]).max(initial=0.0) <= NEAR:
        return ""
    return (
        f"d{f.argument} is next to nothing where a clip makes forward flat: what the clip cut off"
    )
