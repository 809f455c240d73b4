"""Backward passes that are not meant to be the derivative of forward: named, not called wrong.

A forward that gives its input unchanged is there for its backward (gradient reversal, clipping,
scaling). A forward that moves by steps only (sign, round, a spike) has the derivative zero, and is
given another one to learn by: a surrogate, or that of the identity, straight through the step.
So is a forward of any kind that says of itself, by its name or its docstring, that gradients go
straight through it, where they do.
"""

import inspect
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...errors import MicrogradError
from ..report import Finding
from ..subject import Subject, quiet
from .compared import Compared
from .points import Point, Seen
from .results import copies, same

CODE = "GC209"


def as_meant(
    subject: Subject, point: Point, douts: Sequence[Any], compared: Sequence[Compared], seen: Seen
) -> None:
    """Replaces findings that say a gradient is wrong, where it is another one on purpose.

    `compared` holds the gradients beside those of a derivation; without one it is empty.
    """
    wrong = [f for f in seen.findings if f.verdict == "FAIL"]
    if not wrong or subject.frame is None:
        return
    with quiet():
        said = _identity(subject, wrong)
        if said:
            seen.findings = [Finding(CODE, "CONVENTION", said, point=point.label)]
            return
        through = _straight(subject, douts, compared)
        seen.findings = [
            _named(f, _about(f, subject, compared, through, douts)) if f in wrong else f
            for f in seen.findings
        ]


def _named(f: Finding, said: str) -> Finding:
    if not said:
        return f
    data = {**f.data, "meant": True}
    return replace(f, code=CODE, verdict="CONVENTION", message=said, hint="", data=data)


def _identity(subject: Subject, wrong: Sequence[Finding]) -> str:
    """What to say of a forward whose one output is one of its inputs, as it was."""
    outs = subject.start(copies(subject.arrays)).outs
    for name, a in zip(subject.names, subject.arrays, strict=True):
        if len(outs) == 1 and same(outs[0], a) and {f.argument for f in wrong} == {name}:
            factor = wrong[0].data.get("factor", np.nan)
            how = f"gives {factor:.6g} × its cotangent" if np.isfinite(factor) else "changes it"
            return (
                f"forward gives {name} unchanged, so it is there for its backward, which {how}: "
                "not the derivative, and not meant to be"
            )
    return ""


def _about(
    f: Finding, subject: Subject, compared: Sequence[Compared], through: Sequence[Any] | None,
    douts: Sequence[Any],
) -> str:  # fmt: skip
    """What to say of one gradient that is not the true one; "" where it is a mistake."""
    zero = all(not np.any(c.true) for c in compared if c.name == f.argument)
    if zero and (said := by_steps(f, subject)):
        return said
    for k, c in enumerate(compared):
        if c.name != f.argument:
            continue
        if through is not None and np.shape(through[k]) == np.shape(c.yours):
            with np.errstate(all="ignore"):
                room = c.allowed()
                near = np.abs(c.yours - through[k]) <= room
                other = np.abs(c.true - through[k]) > room
            if near.all() and other.any():
                return (
                    f"d{c.name} is right if the steps in forward (round, sign) are given the "
                    "derivative of the identity: straight through"
                )
        if _declared(subject) and any(_passed_on(c.yours, d) for d in douts):
            return (
                f"it is called straight through, and d{c.name} is the gradient from above as it "
                "is, or 0: not the derivative, and not meant to be"
            )
    return ""


_THROUGH = re.compile(r"(?<![A-Z])STE(?![a-z])|(?<![a-z])[Ss]te(?![a-z])|(?i:straight.?through)")


def _declared(subject: Subject) -> bool:
    """Whether the code calls itself a straight-through estimator."""
    words = [subject.name, *(inspect.getdoc(c) or "" for c in subject.code)]
    return any(map(_THROUGH.search, words))


def _passed_on(yours: Any, dout: Any) -> bool:
    """Whether a gradient is the cotangent, with 0 in some places and not in all."""
    yours, dout = np.asarray(yours), np.asarray(dout)
    if yours.shape != dout.shape:
        return False
    kept = yours == dout.astype(yours.dtype)
    return bool((kept | (yours == 0)).all() and kept.any())


def by_steps(f: Finding, subject: Subject) -> str:
    """What to say of a gradient where forward moves by steps only; "" where it does not."""
    if not f.argument or np.any(f.data.get("true", 0.0)):
        return ""
    if not moves_by_steps(subject, subject.names.index(f.argument)):
        return ""
    return (
        f"forward moves with {f.argument} by steps only, so its derivative is 0: d{f.argument} "
        "is that of something smooth in its place, a surrogate"
    )


def _straight(subject: Subject, douts: Sequence[Any], compared: Sequence[Compared]) -> Any:
    """The gradients with the steps of forward taken for the identity; None if there are none."""
    how = subject.derivation
    if how is None or how.through is None or len(compared) != len(subject.names):
        return None
    try:
        arrays = [np.asarray(a, float) for a in subject.arrays]
        return how.through(arrays, [np.asarray(d, float) for d in douts])[1]
    except MicrogradError:
        return None


def moves_by_steps(subject: Subject, k: int) -> bool:
    """Whether the outputs change when one array is changed by much, and only then."""
    a, outs = np.asarray(subject.arrays[k]), []
    far = (a, -a, a + a.dtype.type(1.5), a * a.dtype.type(3))
    for other in (x * by for x in far for by in (a.dtype.type(1), a.dtype.type(1 + 2.0**-16))):
        moved = copies(subject.arrays)
        moved[k] = other
        try:
            with quiet():
                outs.append([np.array(o) for o in subject.start(moved).outs])
        except Exception:  # a value that the user's code refuses
            return False
    near = zip(outs[::2], outs[1::2], strict=True)
    moves = any(not all(map(same, outs[0], more)) for more in outs[1:])
    return moves and all(all(map(same, *pair)) for pair in near)
