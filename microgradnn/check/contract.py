"""GC0: what every caller of a backward pass relies on, beside that its numbers are right."""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .pairs import cotangents_like
from .report import Finding
from .subject import Pass, Subject, quiet

Wants = Callable[[str], bool]


def same(a: Any, b: Any) -> bool:
    """Whether two results are equal, bit for bit but for the sign of zero; nan equals nan."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))


def close(a: Any, b: Any, ulps: float = 2**12, size: float = 0.0) -> bool:
    """Whether two results of one formula are equal but for another order of summation.

    size is that of the terms that are summed, where it is more than that of the results.
    """
    eps = max(unit(a), unit(b))
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return False
    with np.errstate(all="ignore"):
        scale = np.abs(a[np.isfinite(a)]).max(initial=size)
        fine = (np.abs(a - b) <= ulps * eps * scale) | (a == b) | (np.isnan(a) & np.isnan(b))
    return bool(fine.all())


def unit(a: Any) -> float:
    """The rounding unit of an array's dtype; of float64 for what is no array of floats."""
    dtype = np.asarray(a).dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 2.0**-52


def size_of(*groups: Any) -> float:
    """The largest finite number in lists of arrays: that of the terms whose sums may cancel."""
    arrays = [np.asarray(a, float) for group in groups for a in group if a is not None]
    return max((float(np.abs(a[np.isfinite(a)]).max(initial=0.0)) for a in arrays), default=0.0)


def where(error: BaseException) -> str:
    """The place in the user's code where an exception came from: "line 12 of layers.py"."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [f for f in frames if not _ours(f.filename)]
    if not users:
        return ""
    last = users[-1]
    return f"line {last.lineno} of {last.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}"


def _ours(file: str) -> bool:
    return "microgradnn/check" in file.replace("\\", "/") or "site-packages" in file


def raised(what: str, error: BaseException, point: str = "your point") -> Finding:
    """The finding that something raised."""
    text = str(error).strip().split("\n")[0][:200]
    at = where(error)
    message = f"{what} raises {type(error).__name__}: {text}" + (f" ({at})" if at else "")
    data = {"exception": type(error).__name__, "line": at}
    return Finding("GC001", "CONTRACT", message, point=point, data=data)


@dataclass
class Facts:
    """What the contract stage learned.

    fatal      nothing else can be checked
    random     forward is not deterministic
    good       which gradients have the right shape, and can be compared
    """

    findings: list[Finding] = field(default_factory=list)
    fatal: bool = False
    random: bool = False
    good: list[bool] = field(default_factory=list)

    def say(self, code: str, message: str, verdict: str = "CONTRACT", **more: Any) -> None:
        """None; adds a finding about the user's point."""
        self.findings.append(Finding(code, verdict, message, point="your point", **more))


def copies(arrays: Sequence[Any]) -> list[Any]:
    """Copies that own their memory, in C order; numbers as they are."""
    return [np.array(a) if isinstance(a, np.ndarray) else a for a in arrays]


def contract(subject: Subject, rng: np.random.Generator, wants: Wants) -> Facts:
    """What is wrong with how the code treats its surroundings, at the subject's point."""
    facts = Facts()
    try:
        with quiet():
            _contract(subject, rng, facts, wants)
    except _Stop:
        facts.fatal = True
    facts.findings = [f for f in facts.findings if wants(f.code)]
    return facts


class _Stop(Exception):
    """Nothing more can be looked at."""


def _contract(subject: Subject, rng: Any, facts: Facts, wants: Wants) -> None:
    before = _globals(subject)
    arrays = copies(subject.arrays)
    try:
        first = subject.start(arrays)
    except Exception as error:
        facts.findings.append(raised("forward", error))
        raise _Stop from error
    _unchanged(subject, arrays, facts, "GC020", "forward")
    outs = [np.array(o) for o in first.outs]
    douts = cotangents_like(outs, rng)
    given = copies(douts)
    try:
        grads = first.pull(*given)
    except Exception as error:
        facts.findings.append(raised("backward", error))
        raise _Stop from error
    kept = [None if g is None else np.array(g) for g in grads]
    _after(subject, facts, arrays, (douts, given), first)
    _globals_unchanged(subject, before, facts)
    _shapes(subject, grads, facts)
    _aliases(subject, arrays, given, grads, facts)
    if not _deterministic(subject, facts, outs, douts, kept):
        return
    _repeated(subject, facts, douts, kept)
    _layouts(subject, facts, douts, kept, wants)
    _reentrant(subject, rng, facts, douts, kept)
    if wants("GC052"):
        _empty(subject, facts)


def _empty(subject: Subject, facts: Facts) -> None:
    """A remark if forward takes a batch of none, and backward does not."""
    first, *rest = subject.arrays
    if not np.ndim(first):
        return
    none = np.empty((0, *np.shape(first)[1:]), np.asarray(first).dtype)
    try:
        run = subject.start([none, *copies(rest)])
    except Exception:
        return
    try:
        grads = run.pull(*[np.zeros(np.shape(o), _dtype(o))[()] for o in run.outs])
        shape = np.shape(grads[0])
        problem = "" if shape == none.shape else f"has shape {shape}, expected {none.shape}"
    except Exception as error:
        problem = f"raises {type(error).__name__}: {str(error)[:120]}"
    if problem:
        facts.say("GC052", f"of an empty {subject.names[0]} backward {problem}", "PASS")


def _unchanged(subject: Subject, arrays: Any, facts: Facts, code: str, who: str) -> bool:
    """Whether the inputs are what they were."""
    for name, now, was in zip(subject.names, arrays, subject.arrays, strict=True):
        if not same(now, was) and not (subject.descends and name in subject.params):
            facts.say(code, f"{who} changes its input {name} in place", argument=name)
            return False
    return True


def _after(
    subject: Subject, facts: Facts, arrays: Any, cotangents: Any, first: Pass
) -> None:
    douts, given = cotangents
    already = any(f.code == "GC020" for f in facts.findings)
    if not already:
        _unchanged(subject, arrays, facts, "GC021", "backward")
    for k, (was, now) in enumerate(zip(douts, given, strict=True)):
        if not same(was, now):
            which = "" if len(douts) == 1 else f" {k + 1}"
            facts.say("GC022", f"backward changes the cotangent{which} it is given, in place")
    for name, was in first.before.items():
        if name not in subject.names and not same(was, first.held[name]):
            facts.say("GC020", f"the argument {name} is changed in place", argument=name)


def _globals(subject: Subject) -> list[dict[str, Any]]:
    """The numbers, strings and arrays in the module's variables, and in lists and dicts of them."""
    return [
        {k: _frozen(v) for k, v in place.items() if not k.startswith("__")}
        for place in subject.places
    ]


def _frozen(x: Any, depth: int = 4) -> Any:
    """The content of x in a form that can be compared; None where it is more than data."""
    if isinstance(x, np.ndarray):
        return (x.shape, x.dtype.str, x.tobytes()) if x.dtype.char != "O" else None
    if isinstance(x, (int, float, str, np.generic)):
        return (type(x), repr(x))
    if isinstance(x, (list, tuple, dict)) and depth and len(x) < 1000:
        parts = [*x.keys(), *x.values()] if isinstance(x, dict) else x
        frozen = [_frozen(v, depth - 1) for v in parts]
        return None if None in frozen else (type(x), frozen)
    return None


def _globals_unchanged(subject: Subject, before: list[dict[str, Any]], facts: Facts) -> None:
    for place, old in zip(subject.places, before, strict=True):
        for name, was in old.items():
            if was is not None and _frozen(place.get(name)) != was:
                facts.say("GC023", f"the module's variable {name} is changed by a call")


def _shapes(subject: Subject, grads: Any, facts: Facts) -> None:
    if subject.extra:
        facts.say("GC040", f"backward returns {subject.extra}")
    for name in subject.missing:
        facts.say("GC040", f"backward returns no gradient of {name}", argument=name)
    for name, g, x in zip(subject.names, grads, subject.arrays, strict=True):
        right = g is not None and np.shape(g) == np.shape(x)
        if g is None:
            facts.say("GC040", f"the gradient of {name} is None", argument=name)
        elif not right:
            facts.say(
                "GC041",
                f"d{name} has shape {np.shape(g)}, but {name} has shape {np.shape(x)}",
                argument=name, data={"shape": list(np.shape(g)), "expected": list(np.shape(x)),
                                     "yours": np.asarray(g) if np.size(g) <= 400 else None},
            )  # fmt: skip
        elif np.asarray(g).dtype.kind != "f" or unit(g) > unit(x):
            kinds = np.asarray(g).dtype, np.asarray(x).dtype
            facts.say(
                "GC042", "d{} has dtype {}, but {} has dtype {}".format(name, kinds[0], name, kinds[1]),
                "PASS" if kinds[0].kind in "iub" else "CONTRACT", argument=name,
                hint="cast nothing to float32 or int on the way" if kinds[0].kind == "f" else "",
            )  # fmt: skip
        facts.good.append(bool(right and np.asarray(g).dtype.kind in "fiub"))


def _aliases(subject: Subject, arrays: Any, given: Any, grads: Any, facts: Facts) -> None:
    parts = [(n, g) for n, g in zip(subject.names, grads, strict=True) if isinstance(g, np.ndarray)]
    for name, g in parts:
        for other, x in zip(subject.names, arrays, strict=True):
            if isinstance(x, np.ndarray) and g.size and np.shares_memory(g, x):
                facts.say("GC030", f"d{name} shares memory with the input {other}", argument=name)
        if any(isinstance(d, np.ndarray) and g.size and np.shares_memory(g, d) for d in given):
            facts.say("GC031", f"d{name} shares memory with the cotangent", "PASS", argument=name)
    for i, (name, g) in enumerate(parts):
        for other, h in parts[:i]:
            if g.size and np.shares_memory(g, h):
                facts.say("GC031", f"d{name} and d{other} share memory", "PASS", argument=name)


def _deterministic(subject: Subject, facts: Facts, outs: Any, douts: Any, kept: Any) -> bool:
    """Whether second calls give the same; if forward does not, backward is not asked."""
    again = subject.start(copies(subject.arrays))
    if not all(same(a, b) for a, b in zip(outs, again.outs, strict=True)):
        facts.random = True
        facts.say(
            "GC010", "forward gives other results at a second call with the same arguments",
            "NONDETERMINISTIC",
            hint="draw random numbers from a generator with a seed that is an argument, or fix the mask",
        )  # fmt: skip
        return False
    grads = again.pull(*copies(douts))
    if not all(_equal(a, b) for a, b in zip(kept, grads, strict=True)):
        facts.say(
            "GC011", "backward gives other results at a second call with the same arguments",
            "NONDETERMINISTIC", hint="reuse what forward drew: keep the mask in the cache",
        )  # fmt: skip
        return False
    return True


def _equal(a: Any, b: Any) -> bool:
    return a is b if a is None or b is None else same(a, b)


def _repeated(subject: Subject, facts: Facts, douts: Any, kept: Any) -> None:
    """A second backward on the same cache repeats the gradients, or adds to them."""
    if subject.scaled or subject.descends:
        return
    run = subject.start(copies(subject.arrays))
    run.pull(*copies(douts))
    # Objects may give up what one backward needs; a cache is the caller's, who may use it again.
    try:
        second = run.pull(*copies(douts))
    except Exception as error:
        facts.say(
            "GC061", f"a second backward raises {type(error).__name__}: {str(error)[:120]}",
            "PASS" if subject.object else "CONTRACT", data={"line": where(error)},
        )  # fmt: skip
        return
    verdict = "PASS" if subject.flushes else "CONTRACT"
    doubled, repeated = [], []
    for name, g, h in zip(subject.names, kept, second, strict=True):
        if g is None or h is None:
            continue
        if same(g, h):
            if np.any(g != 0) and name in subject.params:
                repeated.append(name)
        elif close(2 * np.asarray(g), h, size=size_of(kept)):
            doubled.append(name)
        else:
            facts.say("GC061", f"a second backward gives another d{name}", verdict, argument=name)
            return
    if doubled and repeated:
        both = f"d{doubled[0]} adds up, d{repeated[0]} is replaced"
        facts.say("GC061", f"in a second backward {both}: all gradients of a layer should do one")
    elif doubled:
        facts.say("GC061", "gradients of parameters add up until they are set to zero", "PASS")


def _layouts(subject: Subject, facts: Facts, douts: Any, kept: Any, wants: Wants) -> None:
    if wants("GC050") and not subject.scaled:
        changed = any(f.code == "GC022" for f in facts.findings)
        for label, make in _LAYOUTS.items():
            if changed and label == "read-only":
                continue
            given = [make(d) for d in douts]
            problem = _tried(subject, copies(subject.arrays), given, kept, size_of(kept, douts))
            if problem:
                facts.say("GC050", f"with a {label} cotangent {problem}", data={"layout": label})
                break
        _spread_cotangent(subject, facts, kept)
    if wants("GC051") and not subject.descends and not any(f.code in ("GC020", "GC021") for f in facts.findings):
        for label in ("strided", "read-only"):
            arrays = [_LAYOUTS[label](a) for a in subject.arrays]
            problem = _tried(subject, arrays, copies(douts), kept, size_of(kept, douts))
            if problem:
                facts.say("GC051", f"with {label} inputs {problem}", data={"layout": label})
                break


def _strided(a: Any) -> Any:
    """The same numbers with gaps between them in memory."""
    if not isinstance(a, np.ndarray) or not a.ndim:
        return a
    wide = np.empty((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)  # + 1: rows are apart too
    wide[...] = np.nan if a.dtype.kind == "f" else 0
    view = wide[..., : 2 * a.shape[-1] : 2]
    view[...] = a
    return view


def _read_only(a: Any) -> Any:
    if isinstance(a, np.ndarray):
        a = a.copy()
        a.flags.writeable = False
    return a


_LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "strided": _strided,
    "Fortran-ordered": lambda a: np.array(a, order="F") if isinstance(a, np.ndarray) else a,
    "read-only": _read_only,
}


def _tried(subject: Subject, arrays: Any, douts: Any, kept: Any, size: float = 0.0) -> str:
    """What goes wrong with these arrays and cotangents, or ""."""
    try:
        grads = subject.start([*arrays]).pull(*douts)
    except Exception as error:
        at = where(error)
        text = f"it raises {type(error).__name__}: {str(error)[:120]}"
        return text + (f" ({at})" if at else "")
    for name, g, k in zip(subject.names, grads, kept, strict=True):
        if k is not None and g is not None and not close(k, g, size=size):
            return f"d{name} is different"
    return ""


def _spread_cotangent(subject: Subject, facts: Facts, kept: Any) -> None:
    """A cotangent as the sum's backward makes it: one number, seen everywhere with stride 0."""
    run = subject.start(copies(subject.arrays))
    ones = [np.broadcast_to(np.asarray(1.0, _dtype(o)), np.shape(o)) for o in run.outs]
    if all(o.ndim == 0 for o in ones) or any(f.code in ("GC050", "GC022") for f in facts.findings):
        return
    try:
        expected = subject.start(copies(subject.arrays)).pull(*[np.array(o) for o in ones])
    except Exception:
        return
    # The gradient of a sum may cancel to nothing (softmax): its terms are as large as others'.
    problem = _tried(subject, copies(subject.arrays), ones, expected, size_of(kept, ones))
    if problem:
        facts.say("GC050", f"with a stride-0 cotangent {problem}", data={"layout": "stride-0"})


def _dtype(out: Any) -> Any:
    dtype = np.asarray(out).dtype
    return dtype if dtype.kind == "f" else np.dtype(float)


def _reentrant(subject: Subject, rng: Any, facts: Facts, douts: Any, kept: Any) -> None:
    """f(x1); f(x2); backward of the first. Of an object: its second call must forget the first."""
    if subject.used is not None:
        _second_call(subject, facts, douts, kept)
    # Of an object each start() is a copy: what they share belongs to the class or the module.
    # Other signs if the domain has them, else other sizes.
    others = [[-np.asarray(a) for a in subject.arrays], [_other(rng, a) for a in subject.arrays]]
    calls = [partial(subject.start, other) for other in others]
    if subject.turned is not None:
        calls.append(partial(subject.turned, copies(subject.arrays)))
    for call in calls:
        try:
            first = subject.start(copies(subject.arrays))
            call()
            grads = first.pull(*copies(douts))
        except Exception:
            continue
        for name, g, k in zip(subject.names, grads, kept, strict=True):
            if g is not None and k is not None and not same(g, k):
                facts.say(
                    "GC060", f"after another forward, d{name} of the first call is different: "
                    "what backward needs is kept where the next call overwrites it", argument=name,
                )  # fmt: skip
                return


def _second_call(subject: Subject, facts: Facts, douts: Any, kept: Any) -> None:
    """An object that was used before gives the gradients of its last call."""
    assert subject.used is not None
    try:
        grads = subject.used(copies(subject.arrays)).pull(*copies(douts))
    except Exception as error:
        if not subject.flushes:
            facts.findings.append(raised("forward and backward of a second call", error))
        return
    for name, g, k in zip(subject.names, grads, kept, strict=True):
        if g is not None and k is not None and not same(g, k) and not close(k, g, size=size_of(kept)):
            facts.say(
                "GC060", f"in a second call of the same object d{name} is different: something is "
                "left over from the first", argument=name,
            )  # fmt: skip
            return


def _other(rng: Any, a: Any) -> Any:
    a = np.asarray(a)
    return (a * rng.uniform(0.5, 0.9, a.shape)).astype(a.dtype)
