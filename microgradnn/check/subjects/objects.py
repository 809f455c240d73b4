"""Layer objects as subjects: forward and backward methods, parameters found by convention."""

import copy
import re
from collections.abc import Mapping, Sequence
from functools import partial
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..habits import updates
from ..source import all_parameters, takes_a_step
from ..subject import Arguments, Pass, Subject, called, chosen, cotangents_like, quiet
from ..verbs import (
    BACKWARD_METHODS,
    FORWARD_METHODS,
    GRADIENT_METHODS,
    PREDICT_METHODS,
    ZERO_METHODS,
    among,
)
from ..words import is_constant
from . import nets, state
from .labelled import Match, agrees, fitting, with_loss
from .learning import backward_args, forget_gradients, learn
from .local import times
from .namespaces import namespaces
from .plan import Plan
from .rereading import called_otherwise, gives_twice, other_readings


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
    forward, backward = _methods(thing)
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    args = Arguments(given, all_parameters(getattr(thing, forward)))
    plan = Plan(thing, args, forward, backward)
    if hyper:
        for key, value in hyper.items():
            setattr(plan.thing, key, value)
    label = name or type(thing).__name__
    with quiet():
        broken = learn(plan, params)
        if broken is not None:
            plan, broken = called_otherwise(plan, params, broken)
        subject = _subject(plan, chosen(wrt, _names(plan), "layer"), label, broken)
        if broken is None and subject.names and not gives_twice(plan) and agrees(subject):
            return subject
        for other, said, sure in other_readings(plan):
            again = _subject(other, chosen(wrt, _names(plan), "layer"), label, None)
            if sure or agrees(again):
                again.notes.append(f"{backward} is read so: {said}")
                return again
        net = bool(plan.params or plan.unfound) and params is None
        return (_with_targets(plan, wrt, label) if net else None) or subject


def _methods(thing: Any) -> tuple[str, str]:
    """What its forward and its backward are called; "" for what it does not have."""
    have = [w for w in dir(thing) if callable(f := getattr(thing, w, None)) and not takes_a_step(f)]
    kinds = (FORWARD_METHODS + PREDICT_METHODS, BACKWARD_METHODS + GRADIENT_METHODS)
    found = [among(have, words) for words in kinds]
    forward, backward = ([*words, ""][0] for words in found)
    return forward, backward


def _with_targets(plan: Plan, wrt: Any, label: str) -> Subject | None:
    """A net whose backward is given the targets, under the loss that fits best; None if it is none.

    Where no loss fits any of the gradients, the subject says that it is not understood.
    """
    takes = nets.takes(plan)
    best: tuple[Match, Subject] | None = None
    unread: Subject | None = None
    whole = False  # all parameters have a gradient of their shape, of many samples at once
    for net, losses in nets.planned(plan, takes) if takes is not None else ():
        if whole and np.size(net.args.args[0]) < np.size(plan.args.args[0]):
            break
        subject = _subject(net, chosen(wrt, _names(net), "layer"), label, None)
        fit = fitting(subject, losses)
        if fit is not None and (best is None or fit.rank > best[0].rank):
            best = fit, subject
        unread = unread or subject
        whole |= fit is not None and not (subject.missing or subject.unfound)
        if best is not None and all(best[0].agrees) and not (subject.missing or subject.unfound):
            break
    if best is not None and any(best[0].agrees):
        return with_loss(best[1], best[0])
    if unread is not None:
        unread.unread = (
            f"{called(plan.thing)}.{plan.backward} is given the targets, but its gradients are "
            "those of no loss that is known"
        )
    return unread


def _names(plan: Plan) -> list[str]:
    return [plan.args.leaf_names[i] for i, _ in plan.inputs] + list(plan.params)


def _subject(plan: Plan, wanted: list[int] | None, name: str, broken: Any) -> Subject:
    if plan.descends and wanted is None and not plan.targets:  # velocities are moved, too
        plan.params = {k: v for k, v in plan.params.items() if _moves(plan, v[0])}
    names = _names(plan)
    arrays = [plan.args.arrays[i] for i, _ in plan.inputs]
    arrays += [state.find(plan.thing, paths[0]) for paths, _ in plan.params.values()]
    keep = wanted if wanted is not None else list(range(len(names)))

    def filled(new: Sequence[Any]) -> list[Any]:
        given = dict(zip(keep, new, strict=True))
        return [given.get(i, x) for i, x in enumerate(arrays)]

    def start(new: list[Any]) -> Pass:
        return _run(plan, copy.deepcopy(plan.thing), filled(new), keep)

    return Subject(
        name, tuple(names[i] for i in keep), [np.array(arrays[i]) for i in keep], start,
        namespaces(type(plan.thing), *state.parts(plan.thing)), plan.scaled, object=True,
        used=None if plan.descends else lambda new: _used(plan, filled(new), keep),
        params=tuple(plan.params), descends=plan.descends,
        flushes=any(hasattr(plan.thing, w) for w in ZERO_METHODS), moves=partial(_updates, plan),
        missing=plan.missing if wanted is None else (), broken=broken,
        unfound=_unfound(plan) if wanted is None and broken is None else (),
        code=(type(plan.thing), *state.parts(plan.thing)),
        notes=[OWN_DRAWS] if state.draws(plan.thing) else [],
    )  # fmt: skip


OWN_DRAWS = "its own generator of random numbers was put back before every forward"
# Arrays that forward uses and nobody learns.
_BUFFER = re.compile(
    r"pe|.*(pos|mask|mean|var|std|running|moving|table|grid|window|freq|sin|cos).*"
)


def _unfound(plan: Plan) -> tuple[str, ...]:
    """The arrays without a gradient that move the output when they are moved."""
    return tuple(
        label
        for label, paths in plan.unfound.items()
        if not (is_constant(label) or _BUFFER.fullmatch(label.rpartition(".")[2].lower()))
        and _moves(plan, paths)
    )


def _moves(plan: Plan, paths: Sequence[str]) -> bool:
    """Whether the outputs are others when an array is another, under the same seed."""
    results = []
    state_before = np.random.get_state()
    try:
        for factor in (1.0, 1.0, 1.0625):
            thing = copy.deepcopy(plan.thing)
            here = state.places(thing)
            for path in paths:
                here[path].set(_unevenly(here[path].get(), factor))
            np.random.seed(0)
            with quiet():
                y = getattr(thing, plan.forward)(*plan.args.filled([], []))
                results.append([np.array(out) for out in plan.result(thing, y)])
    except Exception:  # it is no number that can be another
        return False
    finally:
        np.random.set_state(state_before)
    first, again, moved = results
    steady = all(map(state.same_array, first, again))
    return steady and not all(map(state.same_array, first, moved))


def _unevenly(x: Any, factor: float) -> Any:
    """x, moved; not by one number everywhere, which a softmax would not see."""
    ramp = np.linspace(1.0, 2.0, np.size(x)).reshape(np.shape(x))
    return x * factor + (factor - 1) * ramp


def _updates(plan: Plan) -> bool:
    """Whether backward subtracts from what forward uses: forward gives something else after it."""
    classes = (c for kind in (type(plan.thing), *state.parts(plan.thing)) for c in kind.__mro__)
    methods = (vars(c).get(w) for c in classes for w in {plan.backward, *BACKWARD_METHODS})
    if not updates(m for m in methods if isinstance(m, FunctionType)):
        return False
    results = []
    for backward in (False, True):
        thing = copy.deepcopy(plan.thing)
        given = plan.args.filled([], [])
        y = getattr(thing, plan.forward)(*given)
        outs = plan.result(thing, y)
        if backward:
            douts = cotangents_like(outs, np.random.default_rng(0))
            getattr(thing, plan.backward)(*backward_args(plan, thing, given, y, douts))
        y = getattr(thing, plan.forward)(*plan.args.filled([], []))
        results.append([np.array(out) for out in plan.result(thing, y)])
    return not all(map(state.same_array, *results))


def _used(plan: Plan, arrays: list[Any], keep: list[int]) -> Pass:
    """A forward pass of an object that was used before, with other inputs and other sizes."""
    try:
        return _after(plan, arrays, keep, (0, 2))
    except Exception:  # it need not take other sizes
        return _after(plan, arrays, keep, ())


def _after(plan: Plan, arrays: list[Any], keep: list[int], times: Sequence[int]) -> Pass:
    """The same after one sample (0), or all of them so many times."""
    thing, n = copy.deepcopy(plan.thing), len(plan.inputs)
    other = [0.5 - np.asarray(a) for a in arrays[:n]]
    given = plan.args.filled([i for i, _ in plan.inputs], other)
    for k in times:
        more = (np.concatenate([a] * k or [a[:1]]) if np.ndim(a) else a for a in given)
        getattr(thing, plan.forward)(*more)
    first = _run(plan, thing, [*other, *arrays[n:]], keep)
    first.pull(*cotangents_like(first.outs, np.random.default_rng(1)))
    forget_gradients(plan, thing)
    state.rewind(thing, plan.thing)
    return _run(plan, thing, arrays, keep)


def _run(plan: Plan, thing: Any, arrays: list[Any], keep: list[int]) -> Pass:
    """One forward pass of this object, with these inputs and parameters."""
    count = len(plan.inputs)
    state.traced_state(thing)
    if plan.params:
        here = state.places(thing)
        for (paths, _), x in zip(plan.params.values(), arrays[count:], strict=True):
            for path in paths:
                here[path].set(x)
    given = plan.args.filled([i for i, _ in plan.inputs], arrays[:count])
    held = plan.args.held(given)
    y = getattr(thing, plan.forward)(*given)
    outs = plan.result(thing, y)

    def pull(*douts: Any) -> list[Any]:
        before = {n: np.array(state.find(thing, p[0])) for n, (p, _) in plan.params.items()}
        raw = getattr(thing, plan.backward)(*backward_args(plan, thing, given, y, douts))
        raw = times(douts[0], raw, given[0] if given else None) if plan.local else raw
        grads = [_read(thing, raw, where) for _, where in plan.inputs]
        for n, (paths, where) in plan.params.items():
            if plan.descends:  # it took a step of rate 1 down its gradient
                grads.append(before[n] - state.find(thing, paths[0]))
            else:
                grads.append(_read(thing, raw, where))
        return [grads[i] for i in keep]

    return Pass(outs, pull, *held)


def _read(thing: Any, raw: Any, where: Any) -> Any:
    """A gradient: backward's result, a part of it, or what is at a path in the object."""
    if where is None:
        return raw
    if isinstance(where, str):
        return state.find(thing, where)
    if isinstance(where, tuple):
        try:
            for key in where:
                raw = raw[key]
        except (TypeError, KeyError, IndexError):
            return None
        return raw
    return raw[where] if isinstance(raw, (tuple, list)) and where < len(raw) else None


def is_layer(thing: Any) -> bool:
    """Whether this is an object with forward (or __call__) and backward methods."""
    if isinstance(thing, (type, FunctionType, MethodType)):
        return False
    return all(_methods(thing))
