"""A found pair, layer or net of a file: arguments guessed, then checked."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...engine.errors import MicrogradError
from ..examine import Options, examine
from ..report import Finding, Report
from ..stages.results import raised
from ..subject import Arguments, Subject, is_float, quiet
from ..subjects import networks, objects, pairs, reader
from .arguments import Found, Made, Maker, maker

SHAPES = 3  # variants of sizes to look at
DOUBTFUL = 1.3  # cost of a guess from which on it may be wrong


def check_found(
    found: Found, *, seed: int = 0, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> Report:
    """The report on what was found, at guessed arguments of several sizes; raises GuessError."""
    make = maker(found, seed)
    options = Options(seed, select, ignore)
    rng = np.random.default_rng(seed)
    made = make(rng, 0)
    text = f"python -m microgradnn check FILE::{found.name} --seed {seed}"
    try:
        subject = as_subject(found, made, make.said)
    except MicrogradError as error:  # ours: it cannot be run in any way that is known
        finding = Finding("GC204", "INCONCLUSIVE", str(error), hint="say how in GRADCHECK")
        return Report(found.name, (finding,), ("GC204",), seed=seed, reproduce=text)
    except Exception as error:
        finding = raised("forward", error)
        return Report(found.name, (finding,), ("GC001",), seed=seed, reproduce=text)
    subject.reproduce = text
    for variant in range(1, SHAPES):
        try:
            other = as_subject(found, make(rng, variant), make.said)
        except Exception:  # sizes that do not fit after all
            continue
        if [np.shape(a) for a in other.arrays] != [np.shape(a) for a in subject.arrays]:
            subject.others.append(other)
    return _trusted(examine(subject, options), make)


def _trusted(report: Report, make: Maker) -> Report:
    """The report; inconclusive where a complaint may be about the guessed arguments."""
    doubtful = not make.said and make.cost >= DOUBTFUL
    found = []
    for f in report.findings:
        shapes = f.data.get("exception") in ("ValueError", "IndexError", "TypeError")
        misfit = f.code == "GC001" and shapes and not make.said and not make.backward
        if f.verdict in ("FAIL", "CONTRACT") and (doubtful or misfit):
            hint = (
                f"the arguments were guessed and may not be meant: say them in GRADCHECK; {f.hint}"
            )
            f = replace(f, verdict="INCONCLUSIVE", hint=hint.rstrip("; "))
        found.append(f)
    return replace(report, findings=tuple(found))


def _loss_object(thing: Any, args: Any, name: str) -> Subject:
    """An object whose loss(…) has a gradient(…) with respect to one of its arguments."""
    arguments = Arguments(args, reader.all_parameters(thing.loss))
    return pairs.pair(thing.loss, thing.gradient, arguments, name=name, cache=False)


def as_subject(found: Found, made: Made, said: bool = False) -> Subject:
    """What was found as a subject at these arguments."""
    subject = _subject(found, made, said)
    if subject.broken is None and subject.names:
        with quiet():
            outs = subject.start([np.array(a) for a in subject.arrays]).outs
        if not said and any(np.asarray(o).dtype == np.float32 for o in outs):
            # The code works in float32: it is given float32.
            return _subject(found, replace(made, args=tuple(_single(a) for a in made.args)), said)
    return subject


def _single(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _single(v) for k, v in x.items()}
    return x.astype(np.float32) if is_float(x) else x


def _subject(found: Found, made: Made, said: bool) -> Subject:
    args: Any = made.args
    if found.style == "layer":
        assert found.cls is not None
        return objects.layer_object(found.cls(*made.init), args, name=found.name)
    if found.style == "net":
        assert found.cls is not None
        thing = found.cls(*made.init)
        if found.backward is not None and not isinstance(thing.gradient(*args), Mapping):
            return _loss_object(thing, args, found.name)
        return networks.network(thing, args, name=found.name)
    assert found.forward is not None
    arguments = Arguments(args, reader.all_parameters(found.forward))
    places = {path[0]: i for i, path in enumerate(arguments.paths) if len(path) == 1}
    wrt = [places[i] for i in made.wrt if i in places] if said else None
    if found.backward is None:
        return pairs.loss(found.forward, arguments, name=found.name, wrt=wrt or None)
    cached = found.style == "pair"
    # What discover has wrapped is called as its style says, whatever its signature.
    adapted = any(hasattr(f, "__wrapped__") for f in (found.forward, found.backward))
    return pairs.pair(
        found.forward, found.backward, arguments, name=found.name, cache=cached, adapted=adapted,
        wrt=wrt or None,
    )  # fmt: skip
