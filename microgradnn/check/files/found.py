"""A found pair, layer or net of a file: arguments guessed, then checked."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from ...errors import MicrogradError
from ..engines.judged import engine
from ..examine import examine
from ..options import Options
from ..report import Finding, Report
from ..source import all_parameters, line
from ..stages.configured import configured
from ..stages.results import raised
from ..subject import Subject, Variation, alone, quiet
from ..words import is_constant
from .arguments import Found, GuessError, Made, Maker, maker, single
from .laid import columns_as, laid_otherwise, one_of_many, runs_for_one, subject_of

SHAPES = 3  # variants of sizes to look at
DOUBTFUL = 1.3  # cost of a guess from which on it may be wrong
UNDOUBTED = 2.0  # times as much where a framework says what is called with what


@alone
def check_found(
    found: Found, *, seed: int = 0, select: tuple[str, ...] = (), ignore: tuple[str, ...] = (),
    certify: bool = False,
) -> Report:  # fmt: skip
    """The report on what was found, at guessed arguments of several sizes; raises GuessError."""
    known = _without_arguments(found, seed)
    if known is not None:
        return known
    try:
        make = maker(found, seed)
    except GuessError as error:
        return _unguessed(found, error, seed)
    rng = np.random.default_rng(seed)
    try:
        subject = subject_of(found, make(rng, 0), make.said)
    except MicrogradError as error:  # ours: it cannot be run in any way that is known
        finding = Finding("GC204", "INCONCLUSIVE", str(error), hint="say how in GRADCHECK")
        return Report(found.name, (finding,), ("GC204",), seed=seed)
    except Exception as error:
        return Report(found.name, (raised("forward", error),), ("GC001",), seed=seed)
    untried = _configure(found, subject, make, rng)
    report = examine(subject, Options(seed, select, ignore, certify=certify))
    report = _believed(report, found, make, subject, rng)
    if report.verdict in ("FAIL", "CONTRACT"):
        for other in _cheaper(found, make, seed):
            again = check_found(found, seed=other, select=select, ignore=ignore, certify=certify)
            return replace(again, seed=seed)
    return replace(report, untried=(*untried, *report.untried))


def _believed(report: Report, found: Found, make: Maker, subject: Subject, rng: Any) -> Report:
    """The report, with what may come from our guesses not called wrong."""
    if not report.ok and DOUBTFUL <= make.cost and make.natural < NATURAL:
        make = _proven(subject, make, rng)
    report = _trusted(report, found, make, subject)
    report = _of_one_sample(_of_one_shape(report, subject), make)
    if report.verdict == "FAIL":
        made = make(np.random.default_rng(report.seed))
        report = _as_one(report, one_of_many(found, made, subject), subject)
    return report


def _unguessed(found: Found, error: GuessError, seed: int) -> Report:
    """The report where no arguments were found, if that is the code's own fault or its machine's.

    Raises the error where it is not.
    """
    if found.thing is not None and _CUDA.search(str(error)):
        text = "it runs on a GPU (CUDA), which is not here: it was not run"
        finding = Finding("GC204", "INCONCLUSIVE", text)
    elif isinstance(error.__cause__, NameError):  # whatever the arguments are
        finding = raised("forward", error.__cause__)
        if finding.data["depends"]:
            raise error
    else:
        raise error
    return Report(found.name, (finding,), (finding.code,), seed=seed)


def _cheaper(found: Found, make: Maker, seed: int) -> Iterator[int]:
    """Seeds with which clearly more natural arguments are found, where these were no natural ones.

    The search may turn the natural ones down by the chance of the numbers it drew.
    """
    natural = make.said or make.cost < CHEAPER
    for other in () if natural else (seed + 1, seed + 2):
        with suppress(GuessError):
            if maker(found, other).cost < make.cost - CHEAPER:
                yield other


def _configure(found: Found, subject: Subject, make: Maker, rng: Any) -> list[str]:
    """Adds other shapes and configurations; what the forward does not take is told."""
    for variant in range(1, SHAPES):
        try:
            other = subject_of(found, make(rng, variant), make.said)
        except Exception:  # sizes that do not fit after all
            continue
        new = [np.shape(a) for a in other.arrays] != [np.shape(a) for a in subject.arrays]
        if new and other.names == subject.names:  # sizes may be numbers of layers
            subject.others.append(other)
    untried = []
    for setting, draw in make.others:
        try:
            with quiet():
                other = _configured(found, subject, draw(rng), setting)
        except Exception as error:  # whatever the user's code raises
            untried.append(f"{setting.label}: it raises {type(error).__name__}")
            continue
        raises = other.broken is not None and setting.kind == "flags" and setting.sure
        alike = _key(other) == _key(subject) or setting.kind == "flags" and _alike(other, subject)
        if raises or alike:
            subject.others.append(other)
        else:
            untried.append(f"{setting.label}: backward is read in another way there")
    return untried


def _configured(found: Found, subject: Subject, made: Made, setting: Variation) -> Subject:
    """What was found in another configuration, read as it is in the first one."""
    if all(a.dtype == np.float32 for a in subject.arrays):
        made = replace(made, args=tuple(map(single, made.args)))
    made = columns_as(found, subject, made)
    other = found.subject(made.args, made.init, made.wrt, made.attributes, subject.read)
    if other.names != subject.names and found.cls is None:  # sizes are alike
        names = all_parameters(found.forward or other.start)
        wrt = tuple(names.index(n) for n in subject.names if n in names)
        other = found.subject(made.args, made.init, wrt, None, subject.read)
    if setting.kind == "dtype":
        other.arrays = [single(a) for a in other.arrays]
    other.setting = setting
    return other


def _alike(other: Subject, subject: Subject) -> bool:
    """Whether two are read alike but for what an argument of backward is."""
    notes = [note for s in (other, subject) for note in s.notes if "is read so" in note]
    return _key(other)[:-1] == _key(subject)[:-1] and not any("gradient of" in n for n in notes)


def _key(subject: Subject) -> tuple[Any, ...]:
    """How it is read."""
    losses = [note for note in subject.notes if "is read so" in note]
    return subject.names, subject.read, subject.scaled, subject.descends, subject.opaque, losses


def _proven(subject: Subject, make: Maker, rng: Any) -> Maker:
    """The maker, whose guess is no doubtful one if what is odd is right where sizes are equal."""
    for other in subject.others:
        if other.setting and other.setting.kind == "equal":
            seen = configured(subject, other, rng)
            if seen.nonzero and not seen.findings:
                return replace(make, cost=make.natural, backward="")
    return make


def _without_arguments(found: Found, seed: int) -> Report | None:
    """The report on what is not written yet, and on an engine."""
    if found.empty is not None:
        text = f"{found.empty.__qualname__} is not written yet (line {line(found.empty)})"
        finding = Finding("GC003", "NOT_WRITTEN", text)
        return Report(found.name, (finding,), ("GC003",), seed=seed)
    if found.style == "engine" and found.cls is not None:
        return engine(found.cls, seed=seed, name=found.name)
    if found.style == "optimizer":
        return _optimizer(found, seed)
    return None


def _of_one_sample(report: Report, make: Maker) -> Report:
    """The report, and a word on a backward that only takes one sample at a time."""
    if not make.single or report.verdict == "INCONCLUSIVE":
        return report
    text = f"backward takes one sample at a time: for more it raises {make.single}"
    return replace(report, findings=(*report.findings, Finding("GC209", "CONVENTION", text)))


def _as_one(report: Report, one: Subject | None, many: Subject) -> Report:
    """The report on one sample in place of many, and a word on these, if it is right there."""
    if one is None:
        return report
    options = Options(report.seed, report.checks)
    text = (
        f"right for one sample, of one axis: of {many.names[0]} with two axes forward mixes the "
        "rows, and backward does not"
    )
    there = examine(one, options)
    remark = Finding("GC209", "CONVENTION", text)
    return replace(there, findings=(*there.findings, remark)) if there.ok else report


def _of_one_shape(report: Report, subject: Subject) -> Report:
    """The report; inconclusive where backward only wants the gradient from above in other axes."""
    first = next((f for f in report.findings if f.verdict == "CONTRACT"), None)
    ours = first is not None and first.code == "GC001" and first.message.startswith("backward")
    if not ours or subject.broken is None or not (shape := laid_otherwise(subject)):
        return report
    text = f"backward runs with a gradient from above of shape {shape}, which is not the output's"
    finding = Finding("GC204", "INCONCLUSIVE", text, hint="say how it is meant in GRADCHECK")
    return replace(report, findings=(finding,))


def _optimizer(found: Found, seed: int) -> Report:
    recognised = import_module("microgradnn.check.replayed.recognised")
    try:
        return recognised.optimizer(found.cls or found.forward, seed=seed, name=found.name)
    except MicrogradError as error:  # it cannot be called in any way that is known
        finding = Finding("GC204", "INCONCLUSIVE", str(error).removeprefix("optimizer: "))
        return Report(found.name, (finding,), ("GC204",), seed=seed)


# What no arguments of ours can be the reason of, once forward has run.
_DEFINITE = ("NameError", "UnboundLocalError")
_MISFITS = ("ValueError", "IndexError", "TypeError", "RuntimeError")  # the last of frameworks
_CUDA = re.compile("CUDA|NVIDIA|cuda")
_PRODUCT = re.compile(
    r"matmul: .*mismatch|shapes .* not aligned|(?<!'NoneType' object )is not callable"
)
CHEAPER = 0.2  # by so much another guess must cost less to be the better one
NATURAL = 0.5  # cost of a guess up to which it is what anybody would take
BROKEN = 1.6  # what a guess costs whose backward raises


def _definite(f: Finding, found: Found, make: Maker) -> bool:
    """Whether an exception is the code's own: a name that is not there, a product in backward.

    A product counts where backward raised for all arguments tried, these are natural ones, and it
    raises for one sample, too.
    """
    if f.code != "GC001":
        return False
    if f.data.get("exception") in _DEFINITE:
        return not f.data.get("depends")
    natural = make.backward and make.cost - BROKEN < NATURAL
    product = natural and f.message.startswith("backward") and _PRODUCT.search(f.message)
    return bool(product) and not runs_for_one(found, make(np.random.default_rng(0)))


def _seeded(f: Finding, report: Report) -> Finding:
    """A forward that draws numbers is right if it is right once they are fixed."""
    fixed = any(note.startswith("values were checked with np.random.seed") for note in report.notes)
    if f.code == "GC010" and fixed and report.points:
        hint = "np.random was seeded before every forward: it is right for the numbers drawn then"
        return replace(f, verdict="PASS", message="forward draws random numbers", hint=hint)
    return f


def _formless(subject: Subject) -> bool:
    """Whether labels or masks are given any floats: these have a form of their own."""
    args = subject.frame.args
    return any(
        is_constant(name) and not np.isin(a, (0, 1)).all()
        for name, a in zip(args.leaf_names, args.arrays, strict=True)
    )


def _trusted(report: Report, of: Found, make: Maker, subject: Subject) -> Report:
    """The report; inconclusive where a complaint may be about the guessed arguments."""
    framed = subject.frame is not None
    doubtful = make.cost >= DOUBTFUL * (UNDOUBTED if framed else 1.0)
    doubtful = not make.said and (doubtful or framed and _formless(subject))
    found = []
    for f in report.findings:
        f = _seeded(f, report)
        if _definite(f, of, make):
            found.append(f)
            continue
        shapes = f.data.get("exception") in _MISFITS[: None if framed else -1]
        shapes |= bool(f.data.get("depends"))
        misfit = f.code == "GC001" and shapes and not make.said and (framed or not make.backward)
        misfit &= "configuration" not in f.data
        if f.verdict in ("FAIL", "CONTRACT") and (doubtful or misfit):
            hint = (
                f"the arguments were guessed and may not be meant: say them in GRADCHECK; {f.hint}"
            )
            f = replace(f, verdict="INCONCLUSIVE", hint=hint.rstrip("; "))
        found.append(f)
    return replace(report, findings=tuple(found))
