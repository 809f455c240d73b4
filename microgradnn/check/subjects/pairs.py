"""Functions as subjects: forward and backward, a function and its gradient, a loss with grads."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...engine.errors import ConfigError
from ..subject import (
    Arguments,
    Pass,
    Subject,
    called,
    cotangents_like,
    is_float,
    quiet,
)
from ..words import is_cache, is_constant, is_cotangent, is_output, names_gradient
from .namespaces import namespaces
from .reader import Reader, all_parameters, parameters, returned_names


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
    adapted: bool = False,
) -> Subject:  # fmt: skip
    """forward(*args) -> (out, cache) or out, and backward(dout, cache) or (dout, *args) -> grads.

    If adapted, that is how they are called; otherwise their signatures are looked at.
    """
    call = partial(forward, **hyper) if hyper else forward
    raw, broken = None, None
    with quiet():
        plan = _literal(call, backward, cache) if adapted else _plan(call, backward, args, cache)
        outs, pull = plan(args.filled(range(len(args.arrays)), [a.copy() for a in args.arrays]))
        try:
            raw = pull(*cotangents_like(outs, np.random.default_rng(0)))
        except Exception as error:
            broken = error
            raw = [None] * len([i for i in args.top() if not is_constant(args.leaf_names[i])])
    reader = Reader(args, raw, returned_names(backward), wrt)
    subject = _subject(name or _name(forward), args, reader, plan, [forward, backward])
    subject.broken = broken
    return subject


def _subject(
    name: str, args: Arguments, reader: Reader, plan: Any, code: list[Any], scaled: bool = False
) -> Subject:
    def run(arguments: Arguments, arrays: list[Any]) -> Pass:
        given = arguments.filled(reader.wrt, arrays)
        held = {args.names[i]: x for i, x in enumerate(given) if isinstance(x, np.ndarray)}
        before = {name: x.copy() for name, x in held.items()}
        outs, pull = plan(given)
        return Pass(outs, lambda *douts: reader(pull(*douts)), held, before)

    arrays = [args.arrays[i] for i in reader.wrt]
    others = [a for i, a in enumerate(args.arrays) if i not in reader.wrt]
    return Subject(
        name, tuple(args.leaf_names[i] for i in reader.wrt), arrays, partial(run, args),
        namespaces(*code), scaled, missing=reader.missing, extra=reader.extra,
        turned=partial(run, args.turned()),
        peers=[a for a in others if arrays and a.shape == arrays[0].shape],
    )  # fmt: skip


def _name(f: Any) -> str:
    word = str(getattr(f, "__name__", "") or called(getattr(f, "func", f)))
    return re.sub(r"(_?forward_?|_fwd)", "", word).strip("_") or word


Run = Callable[[list[Any]], tuple[list[Any], Callable[..., Any]]]


def _plan(forward: Any, backward: Any, args: Arguments, cache: bool) -> Run:
    """A function that runs forward on arguments: the outputs, and what takes their cotangents."""
    takes = parameters(backward)
    sample = forward(*args.filled([], []))
    several = isinstance(sample, tuple) and len(sample) > 1 and cache
    if not several or _is_pair_of_outputs(sample, takes):
        return _without_cache(forward, backward, args, takes, sample)
    at = next((i for i, word in enumerate(takes) if is_cache(word)), len(takes) - 1)
    k = max(1, len(takes) - 1) if takes else len(sample) - 1
    which = _outputs(forward, sample, [w for i, w in enumerate(takes) if i != at], k)

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        kept = result[-1]

        def pull(*douts: Any) -> Any:
            return backward(*douts[:at], kept, *douts[at:]) if takes else backward(*douts, kept)

        return [result[i] for i in which], pull

    return run


def _literal(forward: Any, backward: Any, cache: bool) -> Run:
    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        if not cache:
            return [result], lambda dout: backward(dout, *given)
        *outs, kept = result
        return outs, lambda *douts: backward(*douts, kept)

    return run


def _is_pair_of_outputs(sample: Any, takes: list[str]) -> bool:
    return len(takes) > len(sample) and all(is_float(x) for x in sample)


def _outputs(forward: Any, sample: Any, takes: list[str], k: int) -> list[int]:
    """Which of the results get the k cotangents: by name if names tell, else the first k."""
    if len(sample) - 1 > k:
        inner = forward.func if isinstance(forward, partial) else forward
        called = returned_names(inner)
        if len(called) == len(sample):
            hits = [
                [i for i, word in enumerate(called[:-1]) if word and names_gradient(w, word)]
                for w in takes
            ]
            if all(hits):
                return [h[0] for h in hits]
    return list(range(min(k, len(sample) - 1)))


def _without_cache(
    forward: Any, backward: Any, args: Arguments, takes: list[str], sample: Any
) -> Run:
    """backward(dout, *args), backward(dout, out) or backward(*args, dout)."""
    inner = forward.func if isinstance(forward, partial) else forward
    own = all_parameters(inner)
    n = len(args.args)
    last = bool(takes) and takes[0] in own and is_cotangent(takes[-1])
    from_output = len(takes) == 2 and takes[1] not in own and (
        n != 1 or is_output(takes[1])
    )  # fmt: skip
    count = len(takes) - 1 if takes else n
    if takes and len(takes) == n and not last and takes[0] in own or _only_output(takes, own, n):
        return _by_derivative(forward, backward, takes[0] in own)

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)
        outs = list(result) if isinstance(result, tuple) and len(result) > 1 else [result]
        rest = [result] if from_output else given[: max(count, 0)]

        def pull(*douts: Any) -> Any:
            return backward(*rest, *douts) if last else backward(*douts, *rest)

        return outs, pull

    return run


def _only_output(takes: list[str], own: list[str], n: int) -> bool:
    return n == 1 and len(takes) == 1 and takes[0] not in own


def _by_derivative(forward: Any, derivative: Any, of_input: bool) -> Run:
    """derivative(x), or of the output, without a cotangent: f' of every entry, as sigmoid_prime."""

    def run(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = forward(*given)

        def pull(dout: Any) -> Any:
            slope = derivative(*given) if of_input else derivative(result)
            if isinstance(slope, tuple):
                return tuple(dout * s for s in slope)
            return dout * slope

        return [result], pull

    return run


def loss(f: Callable[..., Any], args: Arguments, *, wrt: Any = None, name: str = "") -> Subject:
    """f(*args) -> (loss, gradients…): the gradients belong to the cotangent 1."""

    def plan(given: list[Any]) -> tuple[list[Any], Callable[..., Any]]:
        result = f(*given)
        if not isinstance(result, tuple) or len(result) < 2:
            raise ConfigError(
                f"layer: {_name(f)} without a backward has to return (loss, gradients), "
                f"got {type(result).__name__}"
            )
        grads = result[1] if len(result) == 2 else result[1:]
        return [result[0]], lambda dout: grads

    with quiet():
        raw = plan(args.filled([], []))[1](1.0)
    reader = Reader(args, raw, returned_names(f)[1:], wrt)
    reader.missing = ()  # the data of a loss has no gradient
    return _subject(name or _name(f), args, reader, plan, [f], scaled=True)
