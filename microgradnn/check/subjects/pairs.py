"""Functions as subjects: forward and backward, a function and its gradient, a loss with grads."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...engine.value import Value
from ...errors import ConfigError
from ..source import returned_names
from ..subject import Arguments, Pass, Subject, called, cotangents_like, quiet
from ..words import is_constant
from .calling import Reading, readings
from .labelled import Match, agrees, fitting, usual, with_loss
from .namespaces import namespaces
from .reader import Reader
from .targeted import with_targets


def arguments_of(inputs: Any, params: Any, names: Sequence[str]) -> Arguments:
    """Inputs and parameters, tuples or single arrays or dicts by name, in the order of names."""
    given: list[Any] = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if isinstance(inputs, Mapping) and (set(inputs) & set(names)):
        given = _by_name(inputs, names)
    if isinstance(params, Mapping) and set(params) <= set(names):
        rest = names[len(given) :]
        given += _by_name(params, [n for n in rest if n in params])
    elif params is not None:
        given += list(params) if isinstance(params, (tuple, list)) else [params]
    return Arguments(given, names)


def _by_name(values: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    unknown = set(values) - set(names)
    if unknown:
        raise ConfigError(f"layer: forward has no argument {sorted(unknown)}; it has {list(names)}")
    return [values[n] for n in names if n in values]


def pair(
    forward: Callable[..., Any], backward: Callable[..., Any], args: Arguments, *,
    hyper: Mapping[str, Any] | None = None, wrt: Any = None, name: str = "", cache: bool = True,
    read: int | None = None, free: bool = False,
) -> Subject:  # fmt: skip
    """forward(*args) -> (out, cache) or out, and backward(dout, cache) or (dout, *args) -> grads.

    Where their signatures can be read in several ways, the first one counts whose gradients agree
    with differences of forward; the first of all if none does. `read` is the number of one of them.
    With `free` the gradients may come in another order than the arguments, if names or shapes tell.
    """
    call = partial(forward, **hyper) if hyper else forward
    with quiet():
        found = readings(call, backward, args, cache)
        if read is not None:
            return _as_read(found[read], forward, backward, args, wrt, name, read, free)
        subjects = (
            _as_read(r, forward, backward, args, wrt, name, k, free) for k, r in enumerate(found)
        )
        first = next(subjects)
        if first.broken is None and agrees(first):
            return first
        best = next((s for s in subjects if agrees(s)), None)
        return best or _with_targets(call, forward, backward, args, wrt, name) or first


def _with_targets(
    call: Any, forward: Any, backward: Any, args: Arguments, wrt: Any, name: str
) -> Subject | None:
    """A net whose backward is given the targets, under the loss that fits best; None if it is none.

    Where no loss fits any of the gradients, the subject says that it is not understood.
    """
    best: tuple[Match, Subject] | None = None
    unread: Subject | None = None
    for reading, full in with_targets(call, backward, args):
        subject = _as_read(reading, forward, backward, args, wrt, name)
        if subject.broken is not None or not subject.names:
            continue
        fit = fitting(subject, list(usual(reading.run(args.filled([], []))[0][0], full)))
        if fit is not None and (best is None or fit.rank > best[0].rank):
            best = fit, subject
        unread = unread or subject
        if best is not None and all(best[0].agrees) and not subject.missing:
            break
    if best is not None and any(best[0].agrees):
        return with_loss(best[1], best[0])
    if unread is not None:
        unread.unread = (
            f"{called(backward)} is given the targets, but its gradients are those of no loss "
            "that is known"
        )
    return unread


def _as_read(
    reading: Reading, forward: Any, backward: Any, args: Arguments, wrt: Any, name: str,
    read: int | None = None, free: bool = False,
) -> Subject:  # fmt: skip
    raw: Any = None
    broken: Exception | None = None
    outs, pull = reading.run(args.filled(range(len(args.arrays)), [a.copy() for a in args.arrays]))
    try:
        raw = pull(*cotangents_like(outs, np.random.default_rng(0)))
    except Exception as error:
        broken = error
        raw = [None] * len([i for i in args.top() if not is_constant(args.leaf_names[i])])
    reader = Reader(args, raw, returned_names(backward), wrt, free)
    code = [forward, backward]
    label = name or _name(forward)
    subject = _subject(label, args, reader, reading.run, code, reading.scaled)
    subject.broken, subject.read = broken, read
    if wrt is None and broken is None:
        subject.unfound = _unfound(args, reader, reading, outs)
    subject.reordered = bool(reader.order)
    order = f"its gradients are those of {reader.order}" if reader.order else ""
    subject.notes += [f"{called(backward)} is read so: {s}" for s in (reading.said, order) if s]
    return subject


_DATA = re.compile(r"x\d?|x_\w+|inputs?|data|images?|features", re.I)  # nothing comes before it


def _unfound(args: Arguments, reader: Reader, reading: Reading, outs: Any) -> tuple[str, ...]:
    """The arrays that move the outputs of a layer and that no gradient came back of."""
    names = args.leaf_names
    return tuple(
        names[i]
        for i in args.top()
        if not (i in reader.wrt or names[i] in reader.missing or is_constant(names[i]))
        and not _DATA.fullmatch(names[i])
        and args.arrays[i].ndim
        and any(np.ndim(out) for out in outs)
        and _moves(args, reading, i)
    )


def _moves(args: Arguments, reading: Reading, i: int) -> bool:
    """Whether the outputs are others when the i-th array is another."""
    given = [a.copy() for a in args.arrays]
    places = range(len(given))
    first = reading.run(args.filled(places, given))[0]
    given[i] = given[i] * 1.0625 + 0.0625
    moved = reading.run(args.filled(places, given))[0]
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, moved, strict=True))


def _subject(
    name: str, args: Arguments, reader: Reader, plan: Any, code: list[Any], scaled: bool = False
) -> Subject:
    def run(arguments: Arguments, arrays: list[Any]) -> Pass:
        given = arguments.filled(reader.wrt, arrays)
        held = args.held(given)
        outs, pull = plan(given)
        return Pass(outs, lambda *douts: reader(pull(*douts)), *held)

    arrays = [args.arrays[i] for i in reader.wrt]
    others = [a for i, a in enumerate(args.arrays) if i not in reader.wrt]
    return Subject(
        name, tuple(args.leaf_names[i] for i in reader.wrt), arrays, partial(run, args),
        namespaces(*code), scaled, missing=reader.missing, extra=reader.extra, spare=reader.spare,
        turned=partial(run, args.turned()),
        peers=[a for a in others if arrays and a.shape == arrays[0].shape], code=tuple(code),
    )  # fmt: skip


def _name(f: Any) -> str:
    word = str(getattr(f, "__name__", "") or called(getattr(f, "func", f)))
    return re.sub(r"(_?forward_?|_fwd)", "", word).strip("_") or word


def _is_number(x: Any) -> bool:
    """Whether x is a single number, or one in a trace."""
    return isinstance(x, (float, Value)) or isinstance(x, np.ndarray) and x.ndim == 0


def loss(f: Callable[..., Any], args: Arguments, *, wrt: Any = None, name: str = "") -> Subject:
    """f(*args) -> (loss, gradients…): the gradients belong to the cotangent 1."""

    def plan(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = f(*given)
        if not isinstance(result, tuple) or len(result) < 2:
            raise ConfigError(
                f"layer: {_name(f)} without a backward has to return (loss, gradients), "
                f"got {type(result).__name__}"
            )
        k = next((k for k, x in enumerate(result) if _is_number(x)), 0)
        rest = [*result[:k], *result[k + 1 :]]
        grads = rest[0] if len(rest) == 1 else tuple(rest)
        return [result[k]], lambda dout: grads

    with quiet():
        raw = plan(args.filled([], []))[1](1.0)
    words = returned_names(f)
    sample = f(*args.filled([], []))
    first = next((k for k, x in enumerate(sample) if _is_number(x)), 0)
    reader = Reader(args, raw, words[:first] + words[first + 1 :], wrt)
    reader.missing = ()  # the data of a loss has no gradient
    return _subject(name or _name(f), args, reader, plan, [f], scaled=True)
