"""How a layer object works, learned by running it once: its outputs, arguments, gradients."""

import copy
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..source import all_parameters, required
from ..subject import cotangents_like, is_float
from ..verbs import ZERO_METHODS
from ..words import (
    OUTPUT_ATTRIBUTES,
    is_cache,
    is_constant,
    is_cotangent,
    is_data,
    is_parameter,
    is_rate,
)
from . import state
from .gradients import find_inputs, find_params
from .labelled import is_array
from .plan import Plan


def forget_gradients(plan: Plan, thing: Any) -> None:
    """Sets gradients that were added up to what they were before."""
    for word in ZERO_METHODS:
        if callable(getattr(thing, word, None)):
            getattr(thing, word)()
            return
    for _, where in plan.params.values():
        if isinstance(where, str):
            before = state.find(plan.thing, where)
            place = state.places(thing).get(where)
            if place is not None and is_float(before):
                place.set(np.array(before))


def backward_args(
    plan: Plan, thing: Any, given: list[Any], y: Any, douts: Sequence[Any]
) -> list[Any]:
    """The arguments of backward, as the plan says."""
    out = []
    for what in plan.takes:
        if type(what) is int:
            out.append(douts[what])
        elif what == "result":  # what forward gave
            out.append(plan.result(thing, y)[0])
        elif what == "output":  # what the loss was given, or made of it: softmax and loss in one
            kept: Any = (getattr(thing, word, None) for word in OUTPUT_ATTRIBUTES)
            like = (x for x in kept if is_array(x) and x.shape == np.shape(given[0]))
            out.append(next(like, given[0]))
        elif what == "cache":
            out.append(y[-1])
        elif what[0] == "arg":
            out.append(given[what[1]])
        else:
            out.append(copy.deepcopy(what[1]))
    return out


def learn(plan: Plan, params: Any) -> Exception | None:
    """What backward raised, or None; fills the plan in."""
    broken = try_out(plan, params)
    if plan.params or broken is not None or params is not None:
        return broken
    if plan.unfound and _steps(plan):
        return None
    # No parameters: perhaps the first forward makes them.
    for forget in (True, False):
        warm = Plan(copy.deepcopy(plan.thing), plan.args, plan.forward, plan.backward)
        try:
            getattr(warm.thing, warm.forward)(*warm.args.filled([], []))
            if forget:
                forget_gradients(warm, warm.thing)
            if try_out(warm, None) is None and warm.params:
                vars(plan).update(vars(warm))
                break
        except Exception:  # a second call of a kind that is not meant
            continue
    return broken


def _steps(plan: Plan) -> bool:
    """Whether backward takes a step at a rate of its own or the object's; then it is planned so."""
    moving = Plan(copy.deepcopy(plan.thing), plan.args, plan.forward, plan.backward, descends=True)
    own = any(map(is_rate, all_parameters(getattr(moving.thing, moving.backward))))
    if not state.full_rate(moving.thing) and not own:
        return False
    try:
        fine = try_out(moving, None) is None and bool(moving.params)
    except Exception:  # whatever the user's code raises
        return False
    if fine:
        vars(plan).update(vars(moving))
    return fine


def try_out(plan: Plan, params: Any) -> Exception | None:
    """Runs forward and backward once, and fills the plan in; what backward raised, or None."""
    thing = copy.deepcopy(plan.thing)
    given = plan.args.filled([], [])
    y = getattr(thing, plan.forward)(*given)
    outs = _results(plan, thing, y)
    if not plan.targets:
        _takes(plan, outs)
    outs = plan.result(thing, y)
    stable = _stable(plan, thing)
    was = {path: np.array(p.get()) for path, p in state.arrays(thing).items()}
    douts = cotangents_like(outs, np.random.default_rng(0))
    broken: Exception | None = None
    raw: Any = None
    try:
        raw = getattr(thing, plan.backward)(*backward_args(plan, thing, given, y, douts))
    except Exception as error:
        broken = error
        if _takes_predictions(plan, outs):
            thing = copy.deepcopy(plan.thing)
            y = getattr(thing, plan.forward)(*given)
            with suppress(Exception):  # then it raises so, too
                args = backward_args(plan, thing, given, y, douts)
                raw, broken = getattr(thing, plan.backward)(*args), None
    find_inputs(plan, thing, raw)
    if plan.scaled and plan.inputs and not np.ndim(outs[0]):  # the data of a loss has no gradient
        plan.missing = tuple(name for name in plan.missing if is_parameter(name))
    find_params(plan, thing, raw, stable, was, params)
    if broken is None and _is_of_parameter(plan, thing, raw, was):
        plan.inputs = []
    return broken


def _is_of_parameter(plan: Plan, thing: Any, raw: Any, was: dict[str, Any]) -> bool:
    """Whether what backward returns is the gradient of a parameter: that of a first layer."""
    if [where for _, where in plan.inputs] != [None] or not isinstance(raw, np.ndarray):
        return False
    if raw.shape == np.shape(plan.args.arrays[plan.inputs[0][0]]):
        return False
    for paths, where in plan.params.values():
        if plan.descends or isinstance(where, str):
            now = state.find(thing, paths[0] if plan.descends else where)
            grad = was[paths[0]] - now if plan.descends else now
            if np.shape(grad) == raw.shape and np.allclose(grad, raw, atol=1e-12):
                return True
    return False


def _results(plan: Plan, thing: Any, y: Any) -> list[Any]:
    """The outputs of a forward call; sets how to find them."""
    takes = required(getattr(thing, plan.backward))
    if y is None:
        word = next((w for w in OUTPUT_ATTRIBUTES if is_float(getattr(thing, w, None))), None)
        if word is None:
            raise ConfigError(
                f"layer: forward of {type(thing).__name__} returns None and leaves no output; "
                "return the output"
            )
        plan.result = lambda thing, y: [getattr(thing, word)]
    elif isinstance(y, (tuple, list)):
        cached = any(is_cache(w) for w in takes)
        count = max(1, len([w for w in takes if not is_cache(w)]))
        n = min(count, len(y) - 1 if cached else len(y))
        plan.result = lambda thing, y: list(y[:n])
    return plan.result(thing, y)


_COUNTER = re.compile(r"(iter(ation)?s?|epochs?|steps?|t)(_?(count|num(ber)?|idx|index|no))?", re.I)


def _takes(plan: Plan, outs: list[Any]) -> None:
    """Sets what each argument of backward is."""
    method = getattr(plan.thing, plan.backward)
    needed, every = required(method), all_parameters(method)
    if len(needed) > 1 and needed == plan.args.names[: len(needed)]:  # a loss's own arguments
        plan.takes = [("arg", i) for i in range(len(needed))]
        if np.shape(outs[0])[:1] == np.shape(plan.args.args[0])[:1] != ():  # one for each sample
            plan.result = lambda thing, y: [np.mean(y)]
        plan.scaled = True
        return
    used = 0
    for word in needed or every[:1]:
        labels = len(needed) > 1 and is_constant(word)
        later = any(is_cotangent(w) and w not in plan.args.names for w in needed if w != word)
        if word in plan.args.names and (used or labels or later and not is_cotangent(word)):
            plan.takes.append(("arg", plan.args.names.index(word)))
        elif len(needed) > 1 and is_rate(word):
            plan.takes.append(("value", 1.0))
            plan.descends = True
        elif used and _COUNTER.fullmatch(word):
            plan.takes.append(("value", 1))
        elif later and is_data(word) and plan.args.names:
            plan.takes.append(("arg", 0))
        elif is_cache(word):
            plan.takes.append("cache")
        else:
            plan.takes.append(min(used, len(outs) - 1))
            used += 1
    if plan.descends and any(map(is_rate, every[len(needed) : len(needed) + 1])):
        plan.takes.append(("value", 1.0))  # in place of its default
    plan.scaled = not every or (not needed and len(outs) == 1 and _ignores(plan))


def _takes_predictions(plan: Plan, outs: list[Any]) -> bool:
    """Whether a loss's backward(predictions, targets) can be meant; then it is planned so."""
    first: Any = plan.args.args[0] if plan.args.args else None
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
    gradients = state.gradients(start)
    return [
        path for path, p in start.items()
        if path not in gradients and state.same_array(p.get(), state.find(other, path))
    ]  # fmt: skip
