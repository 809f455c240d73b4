"""Layer objects as subjects: forward and backward methods, parameters found by convention."""

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ..errors import ConfigError
from . import state
from .calls import RESULTS
from .pairs import all_parameters, cotangents_like, parameters, returned_names
from .subject import (
    Arguments,
    Pass,
    Subject,
    chosen,
    is_float,
    is_parameter,
    names_gradient,
    often_constant,
    quiet,
)
from .traced import namespaces, tracer

_RATE = re.compile(r"(lr|learn(ing)?_?rate|alpha|eta|l_?rate|step_?size)", re.IGNORECASE)
_CACHE = re.compile(r"(.*_)?(cache|ctx|context|saved|memory)s?")
FORWARDS = ("forward", "forward_pass", "fprop", "__call__")
BACKWARDS = ("backward", "backward_pass", "bprop", "backprop")
_ZERO = ("zero_grad", "zero_grads", "zero_gradients", "reset_gradients", "clear_grads", "clear_grad",
         "flush_gradients")  # fmt: skip


@dataclass
class Plan:
    """How a layer object is run.

    inputs     which leaves of the arguments get a gradient from backward, and where it is
    params     dotted path of each parameter, its aliases, and where its gradient is
    takes      what each argument of backward is: a cotangent number, ("arg", i) or a value
    """

    thing: Any
    args: Arguments
    forward: str
    backward: str
    takes: list[Any] = field(default_factory=list)
    result: Callable[[Any, Any], list[Any]] = lambda thing, y: [y]
    inputs: list[tuple[int, Any]] = field(default_factory=list)
    params: dict[str, tuple[list[str], Any]] = field(default_factory=dict)
    descends: bool = False
    scaled: bool = False
    missing: tuple[str, ...] = ()


def layer_object(
    thing: Any, inputs: Any, *, params: Any = None, wrt: Any = None, name: str = "",
    hyper: Mapping[str, Any] | None = None,
) -> Subject:  # fmt: skip
    """A layer's forward(*inputs) and backward(dout), with gradients of its inputs and parameters.

    params names the parameters, or maps each to where its gradient is ({"W": "dW"}); by default
    they are found by convention: dW, W_grad, grads["W"], .data and .grad, a list of grads.
    """
    try:
        thing = copy.deepcopy(thing)
    except Exception as error:
        raise ConfigError(f"layer: {type(thing).__name__} cannot be copied: {error}") from error
    forward = next(w for w in FORWARDS if callable(getattr(thing, w, None)))
    backward = next(w for w in BACKWARDS if callable(getattr(thing, w, None)))
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments(given, all_parameters(getattr(thing, forward)))
    plan = Plan(thing, args, forward, backward)
    if hyper:
        for key, value in hyper.items():
            setattr(plan.thing, key, value)
    with quiet():
        broken = _learn(plan, params)
    return _subject(plan, chosen(wrt, _names(plan), "layer"), name or type(thing).__name__, broken)


def _names(plan: Plan) -> list[str]:
    return [plan.args.leaf_names[i] for i, _ in plan.inputs] + list(plan.params)


def _subject(plan: Plan, wanted: list[int] | None, name: str, broken: Any) -> Subject:
    names = _names(plan)
    arrays = [plan.args.arrays[i] for i, _ in plan.inputs]
    arrays += [state.find(plan.thing, paths[0]) for paths, _ in plan.params.values()]
    keep = wanted if wanted is not None else list(range(len(names)))

    def filled(new: Sequence[Any]) -> list[Any]:
        whole = list(arrays)
        for i, x in zip(keep, new, strict=True):
            whole[i] = x
        return whole

    def start(new: list[Any]) -> Pass:
        return _run(plan, copy.deepcopy(plan.thing), filled(new), keep)

    def used(new: list[Any]) -> Pass:
        thing = copy.deepcopy(plan.thing)
        whole = filled(new)
        other = [0.5 - np.asarray(a) for a in whole[: len(plan.inputs)]]
        first = _run(plan, thing, [*other, *whole[len(plan.inputs) :]], keep)
        first.pull(*cotangents_like(first.outs, np.random.default_rng(1)))
        _forget(plan, thing)
        return _run(plan, thing, whole, keep)

    return Subject(
        name, tuple(names[i] for i in keep), [np.array(arrays[i]) for i in keep], start,
        namespaces(type(plan.thing), *_parts(plan.thing)), plan.scaled, object=True,
        used=None if plan.descends else used,
        params=tuple(plan.params), descends=plan.descends, flushes=any(hasattr(plan.thing, w) for w in _ZERO), missing=plan.missing if wanted is None else (), broken=broken,
    )  # fmt: skip


def _parts(thing: Any) -> list[Any]:
    """The classes of the objects inside an object."""
    return list({type(p.get()) for p in state.places(thing).values()} - {np.ndarray, float, int})


def _forget(plan: Plan, thing: Any) -> None:
    """None; gradients that were added up are set to what they were before."""
    for word in _ZERO:
        if callable(getattr(thing, word, None)):
            getattr(thing, word)()
            return
    for _, where in plan.params.values():
        if isinstance(where, str):
            before = state.find(plan.thing, where)
            place = state.places(thing).get(where)
            if place is not None and is_float(before):
                place.set(np.array(before))


def _run(plan: Plan, thing: Any, arrays: list[Any], keep: list[int]) -> Pass:
    """One forward pass of this object, with these inputs and parameters."""
    count = len(plan.inputs)
    number = tracer()
    if number is not None:
        state.traced_state(thing, number)
    if plan.params:
        here = state.places(thing)
        for (paths, _), x in zip(plan.params.values(), arrays[count:], strict=True):
            for path in paths:
                here[path].set(x)
    given = plan.args.filled([i for i, _ in plan.inputs], arrays[:count])
    held = {plan.args.names[i]: x for i, x in enumerate(given) if isinstance(x, np.ndarray)}
    was = {name: x.copy() for name, x in held.items()}
    y = getattr(thing, plan.forward)(*given)
    outs = plan.result(thing, y)

    def pull(*douts: Any) -> list[Any]:
        before = {n: np.array(state.find(thing, p[0])) for n, (p, _) in plan.params.items()}
        raw = getattr(thing, plan.backward)(*_backward_args(plan, thing, given, y, douts))
        grads = [_read(thing, raw, where) for _, where in plan.inputs]
        for n, (paths, where) in plan.params.items():
            if plan.descends:  # it took a step of rate 1 down its gradient
                grads.append(before[n] - state.find(thing, paths[0]))
            else:
                grads.append(_read(thing, raw, where))
        return [grads[i] for i in keep]

    return Pass(outs, pull, held, was)


def _backward_args(
    plan: Plan, thing: Any, given: list[Any], y: Any, douts: Sequence[Any]
) -> list[Any]:
    out = []
    for what in plan.takes:
        if isinstance(what, int):
            out.append(douts[what])
        elif what == "output":  # what the loss was given, or made of it: softmax and loss in one
            kept = getattr(thing, "output", None)
            out.append(kept if np.shape(kept) == np.shape(given[0]) else given[0])
        elif what == "cache":
            out.append(y[-1])
        elif isinstance(what, tuple):
            out.append(given[what[1]])
        else:
            out.append(what)
    return out


def _read(thing: Any, raw: Any, where: Any) -> Any:
    """A gradient: backward's result, a part of it, or what is at a path in the object."""
    if where is None:
        return raw
    if isinstance(where, str):
        return state.find(thing, where)
    if isinstance(where, tuple):
        return raw.get(where[0]) if isinstance(raw, Mapping) else None
    return raw[where] if isinstance(raw, (tuple, list)) and where < len(raw) else None


# ---- learning how an object works, by running it once --------------------------------------------


def _learn(plan: Plan, params: Any) -> Exception | None:
    """What backward raised, or None; fills the plan in."""
    broken = _try_out(plan, params)
    if plan.params or broken is not None or params is not None:
        return broken
    # No parameters: perhaps the first forward makes them.
    for forget in (True, False):
        warm = Plan(copy.deepcopy(plan.thing), plan.args, plan.forward, plan.backward)
        try:
            getattr(warm.thing, warm.forward)(*warm.args.filled([], []))
            if forget:
                _forget(warm, warm.thing)
            if _try_out(warm, None) is None and warm.params:
                vars(plan).update(vars(warm))
                break
        except Exception:  # a second call of a kind that is not meant
            continue
    return broken


def _try_out(plan: Plan, params: Any) -> Exception | None:
    thing = copy.deepcopy(plan.thing)
    given = plan.args.filled([], [])
    y = getattr(thing, plan.forward)(*given)
    outs = _results(plan, thing, y)
    _takes(plan, outs)
    outs = plan.result(thing, y)
    stable = _stable(plan, thing)
    was = {path: np.array(p.get()) for path, p in state.arrays(thing).items()}
    douts = cotangents_like(outs, np.random.default_rng(0))
    broken: Exception | None = None
    raw: Any = None
    try:
        raw = getattr(thing, plan.backward)(*_backward_args(plan, thing, given, y, douts))
    except Exception as error:
        broken = error
        if _takes_predictions(plan, outs):
            thing = copy.deepcopy(plan.thing)
            y = getattr(thing, plan.forward)(*given)
            raw, broken = getattr(thing, plan.backward)(*_backward_args(plan, thing, given, y, douts)), None
    _find_inputs(plan, thing, raw, was)
    _find_params(plan, thing, raw, stable, was, params)
    return broken


def _results(plan: Plan, thing: Any, y: Any) -> list[Any]:
    """The outputs of a forward call; sets how to find them."""
    takes = parameters(getattr(thing, plan.backward))
    if y is None:
        word = next((w for w in RESULTS if is_float(getattr(thing, w, None))), None)
        if word is None:
            raise ConfigError(
                f"layer: forward of {type(thing).__name__} returns None and leaves no output; "
                "return the output"
            )
        plan.result = lambda thing, y: [getattr(thing, word)]
    elif isinstance(y, (tuple, list)):
        cached = any(_CACHE.fullmatch(w) for w in takes)
        count = max(1, len([w for w in takes if not _CACHE.fullmatch(w)]))
        n = min(count, len(y) - 1 if cached else len(y))
        plan.result = lambda thing, y: list(y[:n])
    return plan.result(thing, y)


def _takes(plan: Plan, outs: list[Any]) -> None:
    """Sets what each argument of backward is."""
    method = getattr(plan.thing, plan.backward)
    required, every = parameters(method), all_parameters(method)
    if len(required) > 1 and required == plan.args.names[: len(required)]:  # a loss's own arguments
        plan.takes = [("arg", i) for i in range(len(required))]
        if np.ndim(outs[0]):
            plan.result = lambda thing, y: [np.mean(y)]
        plan.scaled = True
        return
    used = 0
    for word in required or every[:1]:
        if word in plan.args.names and used:
            plan.takes.append(("arg", plan.args.names.index(word)))
        elif used and _RATE.fullmatch(word):
            plan.takes.append(1.0)
            plan.descends = True
        elif _CACHE.fullmatch(word):
            plan.takes.append("cache")
        else:
            plan.takes.append(min(used, len(outs) - 1))
            used += 1
    plan.scaled = not every or (not required and len(outs) == 1 and _ignores(plan))


def _takes_predictions(plan: Plan, outs: list[Any]) -> bool:
    """Whether a loss's backward(predictions, targets) can be meant; then it is planned so."""
    first = plan.args.args[0] if plan.args.args else None
    given = any(isinstance(t, tuple) for t in plan.takes)
    if not given or np.ndim(outs[0]) >= np.ndim(first):
        return False
    plan.takes = ["output" if t == 0 and not isinstance(t, tuple) else t for t in plan.takes]
    before = plan.result
    plan.result = lambda thing, y: [np.mean(before(thing, y)[0])]  # gradients are those of the mean
    plan.scaled = True
    return True


def _ignores(plan: Plan) -> bool:
    """Whether a loss whose cotangent has a default pays no heed to it: it is always 1."""
    results = []
    for v in (1.0, 3.0):
        thing = copy.deepcopy(plan.thing)
        y = getattr(thing, plan.forward)(*plan.args.filled([], []))
        if np.ndim(plan.result(thing, y)[0]):
            return False
        try:
            raw = getattr(thing, plan.backward)(v)
        except Exception:
            return False
        results.append([np.array(g) for g in (raw if isinstance(raw, (tuple, list)) else [raw])])
    return all(state.same_array(a, b) for a, b in zip(*results, strict=True))


def _stable(plan: Plan, thing: Any) -> list[str]:
    """Paths of arrays that another forward leaves as they are: parameters, not caches."""
    start = state.arrays(plan.thing)
    other = copy.deepcopy(plan.thing)
    moved = [0.5 - a for a in plan.args.arrays]
    try:
        getattr(other, plan.forward)(*plan.args.filled(range(len(moved)), moved))
    except Exception:
        other = thing
    return [
        path for path, p in start.items()
        if not state.is_gradient(path) and state.same_array(p.get(), state.find(other, path))
        and isinstance(p.holder, (dict, list)) | (not isinstance(p.holder, tuple))
    ]  # fmt: skip


def _find_inputs(plan: Plan, thing: Any, raw: Any, was: Mapping[str, Any]) -> None:
    """Sets where the gradients of the inputs are."""
    top = plan.args.top()
    names = plan.args.leaf_names
    if isinstance(raw, Mapping):
        for i in top:
            keys = [k for k in raw if isinstance(k, str) and names_gradient(k, names[i])]
            plan.inputs += [(i, (keys[0],))] if keys else []
        return
    wanted = [i for i in top if not often_constant(names[i])] or top
    if raw is None:
        for i in top:
            known = [names[i], "x", "inputs", "input", "X", "prev"]
            words = known if i == wanted[0] else known[:1]
            for path in state.arrays(thing):
                word = path.rpartition(".")[2]
                fits = any(word != w and names_gradient(word, w) for w in words)
                if fits and "." not in path:
                    plan.inputs.append((i, path))
                    break
        return
    parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
    if len(parts) >= len(top) and len(top) > len(wanted) and len(parts) == len(top):
        wanted = top
    single = not isinstance(raw, (tuple, list))
    for k, i in enumerate(wanted[: len(parts)]):
        plan.inputs.append((i, None if single else k))
    plan.missing = tuple(names[i] for i in wanted[len(parts) :])


def _find_params(
    plan: Plan, thing: Any, raw: Any, stable: list[str], was: Mapping[str, Any], params: Any
) -> None:
    """Sets where the parameters and their gradients are."""
    if isinstance(params, Mapping):
        plan.params = {p.rpartition(".")[2]: ([p], where) for p, where in params.items()}
        _check_paths(plan)
        return
    named = [params] if isinstance(params, str) else params
    after = state.places(thing)
    groups: dict[int, list[str]] = {}
    for path in stable:
        groups.setdefault(id(state.find(plan.thing, path)), []).append(path)
    returned = _returned(plan, raw)
    inputs = {where for _, where in plan.inputs if isinstance(where, str)}
    missing = []
    for paths in groups.values():
        if named is not None and not any(p in named for p in paths):
            continue
        where = _gradient_of(plan, paths, after, inputs, returned, was)
        label = _label(paths, plan)
        if where is not None:
            plan.params[label] = (paths, where)
        elif is_parameter(label):
            missing.append(label)
    if plan.params and not plan.descends:
        plan.missing += tuple(missing)


def _gradient_of(
    plan: Plan, paths: list[str], after: Any, inputs: set[str], returned: Any, was: Any
) -> Any:
    for path in paths:
        name = path.rpartition(".")[2]
        for word, k in returned.items():
            if names_gradient(word, name) and word != name:
                return k
        where = state.gradient_path(path, after, inputs)
        if where is not None:
            return where
        if plan.descends and not state.same_array(after[path].get(), was.get(path)):
            return path
    return None


def _returned(plan: Plan, raw: Any) -> dict[str, Any]:
    """Names of what backward returns beside the gradients of the inputs."""
    if isinstance(raw, Mapping):
        return {k: (k,) for k in raw if isinstance(k, str)}
    if not isinstance(raw, (tuple, list)) or len(raw) <= len(plan.inputs):
        return {}
    words = returned_names(getattr(type(plan.thing), plan.backward))
    if len(words) != len(raw):
        return {}
    return {w: k for k, w in enumerate(words) if w and k >= len(plan.inputs)}


def _label(paths: list[str], plan: Plan) -> str:
    """The shortest name of a parameter that no other has."""
    path = min(paths, key=len)
    words = [w for w in path.split(".") if w not in ("params", "parameters", "data", "value")]
    short = ".".join(words) or path
    return short if short not in plan.params else path


def _check_paths(plan: Plan) -> None:
    for paths, _ in plan.params.values():
        if not is_float(state.find(plan.thing, paths[0])):
            have = ", ".join(state.arrays(plan.thing)) or "none"
            raise ConfigError(
                f"layer: {type(plan.thing).__name__} has no float array {paths[0]!r}; it has {have}"
            )


# ---- networks whose loss returns the gradients ---------------------------------------------------


def network(thing: Any, inputs: Any, *, name: str = "", wrt: Any = None) -> Subject:
    """loss(*inputs) -> (loss, grads), or loss beside gradient(*inputs) -> grads: those of params."""
    thing = copy.deepcopy(thing)
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments(given, all_parameters(thing.loss))

    def both(thing: Any, given: list[Any]) -> tuple[Any, Any]:
        if hasattr(thing, "gradient"):
            return thing.loss(*given), thing.gradient(*given)
        return thing.loss(*given)[:2]

    with quiet():
        _, grads = both(copy.deepcopy(thing), args.filled([], []))
    if not isinstance(grads, Mapping):
        raise ConfigError(f"layer: loss of {type(thing).__name__} returned no dict of gradients")
    places = state.arrays(thing)
    bound = {}
    for path, place in places.items():
        keys = [k for k in grads if names_gradient(str(k), place.name)]
        if keys and keys[0] not in bound:
            bound[keys[0]] = path
    names = list(bound)
    keep = chosen(wrt, names, "layer") or list(range(len(names)))

    def start(arrays: list[Any]) -> Pass:
        new = copy.deepcopy(thing)
        number = tracer()
        if number is not None:
            state.traced_state(new, number)
        here = state.places(new)
        for k, x in zip(keep, arrays, strict=True):
            here[bound[names[k]]].set(x)
        args_given = args.filled([], [])
        held = {args.names[i]: x for i, x in enumerate(args_given) if isinstance(x, np.ndarray)}
        before = {name: x.copy() for name, x in held.items()}
        loss, grads = both(new, args_given)
        return Pass([loss], lambda dout: [grads.get(names[k]) for k in keep], held, before)

    arrays = [np.array(places[bound[names[k]]].get()) for k in keep]
    return Subject(
        name or type(thing).__name__, tuple(names[k] for k in keep), arrays, start,
        namespaces(type(thing), *_parts(thing)), scaled=True, object=True,
    )  # fmt: skip


def is_layer(thing: Any) -> bool:
    """Whether this is an object with forward (or __call__) and backward methods."""
    if isinstance(thing, (type, FunctionType, MethodType)):
        return False
    has = [any(callable(getattr(thing, w, None)) for w in words) for words in (FORWARDS, BACKWARDS)]
    return all(has)


def is_network(thing: Any) -> bool:
    """Whether this is an object whose loss method returns gradients."""
    return not isinstance(thing, type) and callable(getattr(thing, "loss", None))

