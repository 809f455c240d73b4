"""A whole check: contract, algebra, values at several points, and the report on it all."""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from ..errors import ConfigError
from .certificate import certificate
from .codes import CODES
from .diagnosis.diagnose import diagnose
from .options import Options
from .oracle.draws import rewinding
from .report import Finding, Report
from .stages.algebra import algebra
from .stages.configured import configured, weighed
from .stages.contract import contract
from .stages.conventions import beyond, settle, updating
from .stages.covered import coverage, untested
from .stages.frames import of_framework
from .stages.meant import moves_by_steps
from .stages.penalty import penalised, unpenalised
from .stages.points import Point, Seen, around, on_kinks
from .stages.results import Outcome, copies, failed, raised, same
from .stages.values import look
from .subject import Subject, alone, quiet

ELSEWHERE = ("GC005", "GC103", "GC207", "GC208")  # looked at by other calls
WORK = 60_000  # nodes to spend on the points beside the user's own


@alone
def examine(subject: Subject, options: Options) -> Report:
    """The report on a subject at its own point, its other shapes, and points around it."""
    start = time.perf_counter()
    state = np.random.get_state()
    checks = tuple(c for c in CODES if options.wants(c) and c not in ELSEWHERE)
    try:
        found, seen, points, notes = _nothing_to_do(subject, checks) or _examine(subject, options)
        found = _pruned(found)
        if options.wants("GC401") or options.wants("GC402") or options.wants("GC501"):
            found += _diagnosed(subject, found, options)
    except ConfigError:
        raise
    except Exception as error:
        found, seen, points, notes = [failed(error, subject)], [], [], list(subject.notes)
    finally:
        np.random.set_state(state)
    covered = coverage(subject, seen)
    notes += _uniform(options)
    left = untested(covered, seen, found)
    found += [_of_steps(f, subject) for f in left if options.wants(f.code)]
    given = seen[0] if seen else Seen()
    return Report(
        subject.name, tuple(found), checks, tuple(points),
        {n: given.method for n in subject.names if given.method},
        {n: v for n, v in given.smallest.items() if np.isfinite(v)}, covered,
        options.seed, subject.reproduce, time.perf_counter() - start, tuple(notes),
        _shapes(subject, points), tuple(s.skipped for s in seen[1:] if s.skipped),
        certificate(subject, options.seed) if options.certify else {},
    )  # fmt: skip


def _diagnosed(subject: Subject, found: list[Finding], options: Options) -> list[Finding]:
    """The mistake behind the findings, and where it is: no worse than what it explains."""
    if any(f.code == "GC205" for f in found):  # differences speak against that derivation
        subject = replace(subject, derivation=None)
    wrong = any(f.verdict == "FAIL" for f in found)
    said = [f for f in diagnose(subject, found, options.seed) if options.wants(f.code)]
    return [f if wrong or f.verdict != "FAIL" else replace(f, verdict="CONTRACT") for f in said]


def _nothing_to_do(subject: Subject, checks: Sequence[str]) -> Any:
    """What _examine gives, where there is nothing to look at; else None."""
    if not checks:
        why = "no check is selected, or all are ignored"
    elif subject.names and subject.broken is None and not sum(map(np.size, subject.arrays)):
        why = "all arrays are empty"
    else:
        return None
    return [Finding("GC004", "NOTHING", f"nothing was looked at: {why}")], [], [], []


def _shapes(subject: Subject, points: Sequence[str]) -> tuple[dict[str, tuple[int, ...]], ...]:
    """The shapes at which values were compared."""
    tried = [subject] if points else []
    tried += [o for k, o in enumerate(subject.others) if _label(k, o) in points]
    return tuple({n: np.shape(a) for n, a in zip(s.names, s.arrays, strict=True)} for s in tried)


def _label(k: int, other: Subject) -> str:
    return other.setting.label if other.setting else f"other shapes ({k + 1})"


def _examine(subject: Subject, options: Options) -> Any:
    rng = np.random.default_rng(options.seed)
    notes = list(subject.notes)
    if (known := _unable(subject)) is not None:
        return [known], [], [], notes
    subject, penalties = unpenalised(subject)
    outcome = contract(subject, rng, options.wants)
    found = [*outcome.findings, *_unfound(subject), *penalties]
    if outcome.fatal or outcome.noisy or not any(outcome.good or [True]):
        # Nothing can be checked: the reason is told, whatever is selected.
        return found + [f for f in outcome.unwanted if f.verdict != "PASS"], [], [], notes
    if outcome.random:
        subject = _seeded(subject, notes)
        if subject is None:
            return found + outcome.unwanted, [], [], notes
    if any(options.wants(c) for c in ("GC101", "GC102", "GC104")):
        found += algebra(subject, rng, options.wants)
    seen, points = _values(subject, options, outcome, rng)
    meant = [f for s in seen for f in s.findings if f.code == "GC209"]
    others = {f.argument for f in meant if f.data.get("meant")}  # than derivatives, on purpose
    if any(not f.argument for f in meant):
        others |= {f.argument for f in found}  # its cotangent is none
    found = [f for f in found if not (f.code.startswith("GC1") and f.argument in others)]
    for s in seen:
        found += [f for f in s.findings if options.wants(f.code) or f.code == "GC001"]
        notes += [n for n in s.notes if n not in notes]
    more = [] if any(f.verdict == "FAIL" for f in found) else updating(subject)
    more += of_framework(subject, rng, found)
    found += [f for f in more if options.wants(f.code)]
    return found, seen, points, notes


def _unable(subject: Subject) -> Finding | None:
    """Why nothing can be checked, known before anything is; else None."""
    if subject.broken is not None:
        return raised("backward", subject.broken)
    if not subject.names:
        return _nothing(subject)
    if subject.unread:
        hint = "say the loss: give the class a method loss(output, target)"
        return Finding("GC204", "INCONCLUSIVE", subject.unread, hint=hint)
    return None


def _nothing(subject: Subject) -> Finding:
    return Finding(
        "GC040", "INCONCLUSIVE",
        f"no gradient was found: {subject.extra or 'backward returns none'}",
        hint="return the gradients from backward, or name them: params={'W': 'dW'}",
    )  # fmt: skip


def _unfound(subject: Subject) -> list[Finding]:
    """Parameters that forward uses, and that no gradient was found of."""
    return [
        Finding(
            "GC040", "INCONCLUSIVE", f"{name}: no gradient found; looked for d{name}, "
            f"grad_{name}, {name}_grad, grads['{name}'], {name}.grad and the like", argument=name,
            hint=f"say where it is: params={{'{name}': '…'}}; a constant goes into no parameter",
        )
        for name in subject.unfound
    ]  # fmt: skip


def _with_seed(subject: Subject) -> Subject:
    inner = subject.start
    rewind = rewinding(subject.places)

    def start(arrays: list[Any]) -> Any:
        rewind()
        return inner(arrays)

    others = [_with_seed(o) for o in subject.others]
    return replace(subject, start=start, used=None, others=others)


def _steady(subject: Subject) -> Subject:
    """The subject, with a seed before every forward if it draws numbers in its configuration."""
    if subject.setting is None or subject.setting.kind != "flags":
        return subject
    try:
        with quiet():
            outs = [subject.start(copies(subject.arrays)).outs for _ in range(2)]
    except Exception:  # whatever the user's code raises: that is told
        return subject
    return subject if all(map(same, *outs)) else _with_seed(subject)


def _seeded(subject: Subject, notes: list[str]) -> Any:
    """The same with generators of random numbers put back before every forward, if that helps."""
    fixed = _with_seed(subject)
    again = [fixed.start(copies(subject.arrays)).outs for _ in range(2)]
    if any(not np.array_equal(a, b) for a, b in zip(*again, strict=True)):
        notes.append("values were not checked: forward is random even with np.random seeded")
        return None
    notes.append("values were checked with np.random.seed(0) before every forward")
    return fixed


def _values(
    subject: Subject, options: Options, outcome: Outcome, rng: Any
) -> tuple[list[Seen], list[str]]:
    if not any(options.wants(c) for c in CODES if c[2] in "23" or c == "GC002"):
        return [], []
    given = Point("your point", subject.arrays, given=True)
    seen = [look(subject, given, rng, outcome.good, options.cotangents)]
    points = [given.label] if seen[0].nonzero else []
    before = subject
    with quiet():
        subject, seen[0] = settle(subject, seen[0], lambda s, p: look(s, p, rng, outcome.good))
    stop = any(f.verdict in ("FAIL", "CONVENTION") for f in seen[0].findings)
    if not options.probes or stop and before is subject:
        return seen, points
    if any(f.code == "GC205" for f in seen[0].findings):  # its trace is not to be trusted
        why = "a trace of it is another function"
        others = [replace(o, untraced=why, derivation=None) for o in subject.others]
        subject = replace(subject, untraced=why, derivation=None, others=others)
    _elsewhere(subject, seen, points, outcome, rng)
    return [seen[0], *(beyond(s, subject) for s in seen[1:])], points


def _elsewhere(
    subject: Subject, seen: list[Seen], points: list[str], outcome: Outcome, rng: Any
) -> None:
    """Adds what other shapes and other points show to `seen`, and their names to `points`."""
    work, there = 0, []
    for k, other in enumerate(subject.others):
        if all(outcome.good):
            label = _label(k, other)
            if other.setting is None:
                s = look(other, Point(label, other.arrays), rng, outcome.good)
            elif other.setting.kind == "penalty":
                s = penalised(other, rng)
            else:
                s = configured(subject, _steady(other), rng)
            there.append(s)
            work += s.work
            points += [label] if s.nonzero else []
    seen += weighed(subject, there)
    kinks = on_kinks(subject, seen[0].comparisons, rng)
    for point in chain(kinks, around(subject, rng)):
        if work > WORK:
            break
        s = look(subject, point, rng, outcome.good)
        seen.append(s)
        work += s.work
        points += [point.label] if s.nonzero else []


def _pruned(findings: list[Finding]) -> list[Finding]:
    """One finding for each code and argument: the first, which is nearest to the user's point."""
    out: dict[Any, Finding] = {}
    for f in findings:
        out.setdefault((f.code, f.argument, f.verdict), f)
    return list(out.values())


def _uniform(options: Options) -> list[str]:
    """A note on cotangents that are the same everywhere."""
    given = [np.asarray(c) for c in options.cotangents or ()]
    if any(c.size > 1 and np.ptp(c) == 0 for c in given):
        return [
            "a cotangent of equal numbers hides errors: under it softmax and normalisation cancel"
        ]
    return []


def _of_steps(f: Finding, subject: Subject) -> Finding:
    """That nothing was tested, or where outputs do change: that all true gradients are 0."""
    if f.verdict == "PASS" or not moves_by_steps(subject, subject.names.index(str(f.argument))):
        return f
    text = (
        f"the true d{f.argument} is 0 at every point tried, and so is yours: forward moves with "
        f"{f.argument} by steps only"
    )
    return replace(f, verdict="PASS", message=text)
