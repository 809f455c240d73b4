"""Nets that are given the targets: backward(x, y), (y, output), (y, lr), as plans of an object."""

import copy
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from operator import itemgetter
from typing import Any

import numpy as np

from ..source import positional, required, returned_names
from ..subject import Arguments
from ..verbs import BACKWARD_METHODS, DERIVATIVE_METHODS, LOSS_METHODS, among, is_loss
from ..words import (
    OUTPUT_ATTRIBUTES,
    is_cache,
    is_count,
    is_data,
    is_label,
    is_output,
    is_rate,
)
from . import state
from .labelled import Objective, is_array, last_output, roles_in_loss, targets, usual
from .learning import try_out
from .plan import Plan

TARGET = ("target", None)
_LOSS_CLASS = re.compile("loss|cost|entropy|mse|squared|quadratic", re.I)
KINDS = 3  # of targets to look at, of those that backward runs with


def takes(plan: Plan) -> list[Any] | None:
    """What each argument of backward is, if one is the targets and all others are known."""
    parameters = positional(getattr(plan.thing, plan.backward))
    own = plan.args.names
    first = plan.args.arrays[0] if plan.args.arrays else None
    found: list[Any] = []
    for p in parameters:
        needed = p.default is p.empty
        if is_label(p.name) and p.name not in own and TARGET not in found and needed:
            found.append(TARGET)
        elif p.name in own:
            found.append(("arg", own.index(p.name)))
        elif is_rate(p.name):
            found.append(("value", 1.0))
        elif is_data(p.name) and first is not None and needed:
            found.append(("arg", 0))
        elif is_output(p.name) and needed:
            found.append("result")
        elif is_cache(p.name) and needed:
            found.append("cache")
        elif is_count(p.name) and first is not None and needed:
            found.append(("value", len(first) if np.ndim(first) else 1))
        elif needed and (made := _loss_object(plan, p.name)) is not None:
            found.append(("value", made))
        elif needed:
            return None
        else:
            found.append(("value", p.default))
    return found if TARGET in found else None


def _loss_object(plan: Plan, word: str) -> Any:
    """An object of a loss class that the net's module has, for an argument that is called so."""
    if not (is_loss(word) or word == "criterion"):
        return None
    home = vars(sys.modules.get(type(plan.thing).__module__, sys))
    for cls in list(home.values()):
        if inspect.isclass(cls) and not required(cls) and _LOSS_CLASS.search(cls.__name__):
            if among(dir(cls), (*DERIVATIVE_METHODS, *BACKWARD_METHODS)):
                return cls()
    return None


def planned(plan: Plan, takes: list[Any]) -> Iterator[tuple[Plan, list[Objective]]]:
    """The plans of a net with targets of every kind that it runs with, and the losses of each.

    Then those with the first of the samples alone: a net that learns from one at a time.
    """
    words = returned_names(getattr(type(plan.thing), plan.forward))
    for args in (plan.args, *_single(plan.args)):
        some = replace(plan, args=args)
        some.result = lambda thing, y: [_output(thing, y, words)]
        ran, out = 0, output(some)
        for given, full in targets(out) if is_array(out) else ():
            net = _planned(some, takes, given)
            if ran < (KINDS if args is plan.args else 1) and learned(net) is None:
                ran += 1
                yield net, [*own_losses(net, given), *usual(out, full)]


def _single(args: Arguments) -> Iterator[Arguments]:
    """The arguments with one sample in place of many, where there is only one array of them."""
    first = args.args[0] if args.args else None
    if len(args.args) == 1 and isinstance(first, np.ndarray) and first.ndim == 2:
        for part in (first[:, :1], first[:1], first[0]):
            yield Arguments([part.copy()], args.names)


def output(plan: Plan) -> Any:
    """What the net gives for its arguments; None if that cannot be seen."""
    thing = copy.deepcopy(plan.thing)
    try:
        y = getattr(thing, plan.forward)(*plan.args.filled([], []))
        return plan.result(thing, y)[0]
    except Exception:  # whatever the user's code raises
        return None


def _output(thing: Any, y: Any, words: list[str | None]) -> Any:
    """The output of a net in what forward returned or left: the last layer's."""
    if y is None:
        kept = [w for w in OUTPUT_ATTRIBUTES if is_array(getattr(thing, w, None))]
        return getattr(thing, kept[0]) if kept else None
    return last_output(y, words)


def _planned(plan: Plan, takes: list[Any], target: Any) -> Plan:
    """The plan of a net that is given this target."""
    thing = copy.deepcopy(plan.thing)
    state.full_rate(thing)
    given = [("value", target) if what == TARGET else what for what in takes]
    return Plan(
        thing, plan.args, plan.forward, plan.backward, given, plan.result, targets=True, scaled=True
    )


def learned(net: Plan) -> Exception | None:
    """Fills the plan of a net in; what backward raised, or None.

    A net that keeps no gradients takes a step down them.
    """
    broken: Exception | None = None
    for descends in (False, True):
        net.descends, net.inputs, net.params = descends, [], {}
        try:
            broken = try_out(net, None)
        except Exception as error:  # whatever the user's code raises
            return error
        if broken is not None or net.params:
            break
    return broken


# ---- the net's own losses ------------------------------------------------------------------------


def own_losses(net: Plan, target: Any) -> list[Objective]:
    """The losses that the class itself has, of its outputs and targets, as further outputs."""
    found = []
    inner, count = net.result, 1
    for word in LOSS_METHODS:
        method = getattr(net.thing, word, None)
        roles = roles_in_loss(method) if callable(method) else None
        if roles is None or not _runs(net, word, roles, target):
            continue
        inner = _with_own(inner, word, roles, target)
        found.append(Objective(f"its own {word}()", itemgetter(count), own=True))
        count += 1
    net.result = inner
    return found


def _runs(net: Plan, word: str, roles: list[str], target: Any) -> bool:
    thing = copy.deepcopy(net.thing)
    try:
        y = getattr(thing, net.forward)(*net.args.filled([], []))
        value = _called(thing, word, roles, net.result(thing, y)[0], target)
        return np.ndim(value) == 0 and bool(np.isfinite(float(value)))
    except Exception:  # whatever the user's code raises
        return False


def _with_own(inner: Any, word: str, roles: list[str], target: Any) -> Any:
    def result(thing: Any, y: Any) -> list[Any]:
        outs: list[Any] = inner(thing, y)
        return [*outs, _called(thing, word, roles, outs[0], target)]

    return result


def _called(thing: Any, word: str, roles: list[str], out: Any, target: Any) -> Any:
    known = {"output": out, "target": copy.deepcopy(target)}
    return getattr(thing, word)(*(known[role] for role in roles))
