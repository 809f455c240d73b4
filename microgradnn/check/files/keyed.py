"""A teacher's key: what its functions give, and whether a student's forward gives the same.

A backward pass is checked against its own forward. A student who writes forward as `return x` has
an easy backward; only the key tells that this is another function.
"""

import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..finding import Finding
from ..source import all_parameters
from ..subject import Subject, cotangents_like, quiet
from .arguments import Found, GuessError, Made, find, maker
from .importing import load

SIZES = 2  # sets of arguments to compare at


@dataclass(frozen=True)
class Sample:
    """Arguments of a function of the key, and what its forward gives.

    words   the names of forward's arguments
    arrays  the values of what gradients are taken of, `names`
    """

    made: Made
    words: tuple[str, ...]
    names: tuple[str, ...]
    arrays: list[Any]
    outs: list[Any]
    grads: list[Any]


@dataclass(frozen=True)
class Key:
    """What is known of a key once its code is gone: numbers only, so that no student can call it.

    table    GRADCHECK of the key, with its arguments drawn
    unknown  why a function's forward can be compared with nothing
    """

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)


def read_key(path: Path, seconds: float, seed: int) -> Key:
    """What a key's functions give. Raises what loading it raises."""
    with _alone(path):
        module = load(path, seconds).module
        key = Key(table=_table(module, seed))
        for found in find(module):
            if found.cls is not None or found.forward is not None:
                _sample(found, key, seed)
    return key


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While it is open, what is imported belongs to the key: nothing of it is left behind."""
    before = dict(sys.modules), list(sys.path), list(sys.meta_path), list(sys.argv)
    try:
        yield
    finally:
        sys.path[:], sys.meta_path[:], sys.argv[:] = before[1:]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            own = file == str(path) or path.parent in Path(file).parents
            if name not in before[0] and own:
                del sys.modules[name]


def _table(module: ModuleType, seed: int) -> dict[str, Any]:
    """The key's GRADCHECK without its functions: through them its code could be reached."""
    table = getattr(module, "GRADCHECK", None)
    drawn: dict[str, Any] = {}
    for name, entry in table.items() if isinstance(table, Mapping) else ():
        said = entry if isinstance(entry, dict) else {"args": entry}
        if "args" in said:
            rng = np.random.default_rng(seed)
            drawn[name] = {
                word: tuple(value(rng)) if callable(value) else value
                for word, value in said.items()
                if word in ("args", "init", "wrt")
            }
    return drawn


def _sample(found: Found, key: Key, seed: int) -> None:
    """Adds to the key what one of its functions gives, or why that is not known."""
    if found.empty is not None or found.style in ("engine", "optimizer"):
        return
    try:
        make = maker(found, seed)
        rng = np.random.default_rng(seed)
        samples = [_given(found, make(rng, variant)) for variant in range(SIZES)]
        again = [_run(_subject(found, s.made), s.arrays, seed + 1)[0] for s in samples]
    except GuessError as error:
        key.unknown[found.name] = str(error).splitlines()[0]
    except Exception as error:  # whatever the key's code raises
        key.unknown[found.name] = f"the key raises {type(error).__name__}"
    else:
        if all(_alike(s.outs, outs) == "" for s, outs in zip(samples, again, strict=True)):
            key.samples[found.name] = samples
        else:
            key.unknown[found.name] = "the key's forward draws random numbers"


def _given(found: Found, made: Made) -> Sample:
    subject = _subject(found, made)
    rng = np.random.default_rng(0)
    arrays = [np.array(a) for a in subject.arrays]
    for i, name in enumerate(subject.names):
        if name in subject.params:  # they may start as zeros, which would hide what is done to them
            arrays[i] = (arrays[i] + rng.uniform(0.25, 0.75, arrays[i].shape)).astype(
                arrays[i].dtype
            )
    return Sample(made, _words(found), subject.names, arrays, *_run(subject, arrays, 0))


def _subject(found: Found, made: Made) -> Subject:
    with quiet():
        return found.subject(deepcopy(made.args), deepcopy(made.init), made.wrt)


def _run(subject: Subject, arrays: list[Any], seed: int) -> tuple[list[Any], list[Any]]:
    """The outputs, and the gradients for cotangents that are always the same."""
    random.seed(seed)
    np.random.seed(seed)
    with quiet():
        done = subject.start([np.array(a) for a in arrays])
        outs = [np.array(out) for out in done.outs]
        cotangents = cotangents_like(done.outs, np.random.default_rng(seed))
        return outs, [np.array(g) for g in done.pull(*cotangents)]


# ---- a student's ---------------------------------------------------------------------------------


def compared(found: Found, key: Key, conventional: bool = False) -> tuple[Finding, ...]:
    """FAIL where forward gives other values than the key's; INCONCLUSIVE where that is not known.

    A gradient that is right only by a convention has to be the key's gradient, too.
    """
    if found.name in key.unknown:
        text = f"forward was not compared with the key's: {key.unknown[found.name]}"
        return (Finding("GC212", "PASS", text),)
    for sample in key.samples.get(found.name, ()):
        finding = _compared(found, sample, conventional)
        if finding is not None:
            return (finding,)
    return ()


def _compared(found: Found, sample: Sample, conventional: bool) -> Finding | None:
    try:
        subject = _subject(found, _ordered(found, sample))
        arrays = _placed(subject, sample)
        outs, grads = ([], []) if arrays is None else _run(subject, arrays, 0)
    except Exception as error:  # whatever the student's code raises
        text = f"{type(error).__name__}: {error}"
        told = "with the arguments that the key takes it raises " + text[:200]
        return Finding("GC212", "FAIL", told)
    if arrays is None:
        names = f"{', '.join(subject.names)}; the key's {', '.join(sample.names)}"
        text = "forward could not be compared with the key's: other parameters"
        return Finding("GC212", "INCONCLUSIVE", text, hint=f"yours are {names}")
    if difference := _alike(sample.outs, outs):
        text = "forward gives other values than the key's"
        return Finding("GC212", "FAIL", text, hint=difference)
    if conventional and _alike(sample.grads, grads):
        text = "the key does not follow the convention by which a gradient would be right"
        return Finding("GC209", "FAIL", text)
    return None


def _words(found: Found) -> tuple[str, ...]:
    """The names of forward's arguments, without self."""
    words = tuple(all_parameters(found.forward)) if found.forward is not None else ()
    return words[found.cls is not None :]


def _ordered(found: Found, sample: Sample) -> Made:
    """The arguments in the student's order, where the names are the same."""
    count = len(sample.made.args)
    mine, theirs = _words(found)[:count], sample.words[:count]
    if mine == theirs or sorted(mine) != sorted(theirs):
        return sample.made
    given = dict(zip(theirs, sample.made.args, strict=True))
    wrt = tuple(mine.index(theirs[i]) for i in sample.made.wrt)
    return Made(tuple(given[word] for word in mine), sample.made.init, wrt)


def _placed(subject: Subject, sample: Sample) -> list[Any] | None:
    """The key's numbers in the places of the student's: by name, or by order where shapes fit."""
    given = dict(zip(sample.names, sample.arrays, strict=True))
    known = set(subject.names)
    if known == set(given) or known < set(given) and not subject.object:
        arrays = [given[name] for name in subject.names]
    elif len(subject.arrays) == len(sample.arrays):
        arrays = sample.arrays
    else:
        return None
    fits = [np.shape(a) == np.shape(b) for a, b in zip(subject.arrays, arrays, strict=True)]
    return arrays if all(fits) else None


def _alike(true: list[Any], yours: list[Any]) -> str:
    """Where outputs differ by more than half of their digits, "" if they do not.

    Half of the digits: other orders of summation, and an eps elsewhere, are no other function.
    """
    if len(true) != len(yours):
        return f"it returns {len(yours)} outputs, the key {len(true)}"
    for t, y in zip(true, yours, strict=True):
        if t.shape != y.shape:
            return f"the shape of its output is {y.shape}, the key's {t.shape}"
        with suppress(TypeError), np.errstate(all="ignore"):
            digits = max(np.finfo(o.dtype).eps if o.dtype.kind == "f" else 0.0 for o in (t, y))
            size = np.abs(t[np.isfinite(t)]).max(initial=0.0)
            near = np.abs(t - y) <= np.sqrt(digits) * size
            off = ~(near | (t == y) | (np.isnan(t) & np.isnan(y)))
            if off.any():
                at = tuple(int(i) for i in np.argwhere(off)[0])
                place = f"out[{', '.join(map(str, at))}]" if at else "the output"
                return f"{place} is {y[at]:.6g}, the key's {t[at]:.6g}"
    return ""
