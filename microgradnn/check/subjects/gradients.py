"""Where a layer object leaves the gradients of its inputs and parameters, by convention."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..source import returned_names
from ..subject import is_float
from ..words import gradients_among, is_constant, is_parameter
from . import state
from .plan import Plan


def find_inputs(plan: Plan, thing: Any, raw: Any) -> None:
    """Sets where the gradients of the inputs are."""
    top = plan.args.top()
    names = plan.args.leaf_names
    if plan.targets and not isinstance(raw, Mapping) and raw is not None:
        _find_data(plan, raw)
        return
    if isinstance(raw, Mapping):
        keys = gradients_among([k for k in raw if isinstance(k, str)], names, bare=True)
        plan.inputs += [(i, (keys[names[i]],)) for i in top if names[i] in keys]
        return
    wanted = [i for i in top if not is_constant(names[i])] or top
    if raw is None:
        words = [path for path in state.arrays(thing) if "." not in path]
        keys = gradients_among(words, [names[i] for i in top])
        for word in gradients_among(words, ("x", "prev")).values():  # whatever forward calls it
            keys.setdefault(names[wanted[0]], word)
        plan.inputs += [(i, keys[names[i]]) for i in top if names[i] in keys]
        return
    parts = list(raw) if isinstance(raw, (tuple, list)) else [raw]
    if len(parts) >= len(top) and len(top) > len(wanted) and len(parts) == len(top):
        wanted = top
    single = not isinstance(raw, (tuple, list))
    for k, i in enumerate(wanted[: len(parts)]):
        plan.inputs.append((i, None if single else k))
    plan.missing = tuple(names[i] for i in wanted[len(parts) :])


def _find_data(plan: Plan, raw: Any) -> None:
    """Sets where a net that is given targets leaves the gradient of its data, if it does."""
    names = plan.args.leaf_names
    if isinstance(raw, (tuple, list)):
        words = returned_names(getattr(type(plan.thing), plan.backward))
        known = {w: k for k, w in enumerate(words) if w and len(words) == len(raw)}
        keys = gradients_among(known, names)
        plan.inputs += [(i, known[keys[n]]) for i, n in enumerate(names) if n in keys]
    elif plan.args.arrays and np.shape(raw) == np.shape(plan.args.arrays[0]):
        plan.inputs.append((0, None))


def find_params(
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
    inputs = {where for _, where in plan.inputs if isinstance(where, str)}
    returned = _returned(plan, raw, stable)
    kept = state.gradient_paths(stable, after, inputs)
    plan.unfound = {}
    for paths in groups.values():
        if named is not None and not any(p in named for p in paths):
            continue
        moved = [p for p in paths if not state.same_array(after[p].get(), was.get(p))]
        found = [table[p] for table in (returned, kept) for p in paths if p in table]
        found += moved if plan.descends else []
        label = _label(paths, plan)
        if found:
            plan.params[label] = (paths, found[0])
        else:
            plan.unfound[label] = paths
    _part_missing(plan)


def _part_missing(plan: Plan) -> None:
    """Parameters without a gradient, where others have one, are missing."""
    if plan.params and not plan.descends:
        missing = tuple(label for label in plan.unfound if is_parameter(label))
        plan.missing += missing
        plan.unfound = {k: v for k, v in plan.unfound.items() if k not in missing}


def _returned(plan: Plan, raw: Any, stable: list[str]) -> dict[str, Any]:
    """Where in what backward returns the gradients of parameters are, by the parameter's path."""
    names = list(dict.fromkeys(path.rpartition(".")[2] for path in stable))
    keys: dict[str, Any] = {}
    if isinstance(raw, Mapping):
        keys = {k: (k,) for k in raw if isinstance(k, str)}
    elif isinstance(raw, (tuple, list)) and len(raw) > len(plan.inputs):
        words = returned_names(getattr(type(plan.thing), plan.backward))
        if len(words) == len(raw):
            taken = {where for _, where in plan.inputs}
            keys = {w: k for k, w in enumerate(words) if w and k not in taken}
    found = gradients_among(keys, names, bare=isinstance(raw, Mapping))
    alone = {p: keys[found[n]] for p in stable if (n := p.rpartition(".")[2]) in found}
    return _in_lists(plan, raw, stable, keys) | alone


def _in_lists(plan: Plan, raw: Any, stable: list[str], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Where the gradients of the arrays in a list are, if backward returns lists of them too."""
    parts = raw if isinstance(raw, (tuple, list)) else ()
    places = [*keys.values(), *(k for k in range(len(parts)) if k not in keys.values())]
    lists: dict[str, list[str]] = {}
    for path in stable:
        home, _, last = path.rpartition(".")
        if home and last.isdigit():
            lists.setdefault(home, []).append(path)
    named = gradients_among(keys, [h.rpartition(".")[2] for h in lists], isinstance(raw, Mapping))
    out: dict[str, Any] = {}
    for home, paths in lists.items():
        word = named.get(home.rpartition(".")[2])
        for place in [keys[word]] if word is not None else places:
            key = place if isinstance(place, tuple) else (place,)
            held = raw[key[0]] if key else None
            shapes = [np.shape(state.find(plan.thing, p)) for p in paths]
            if isinstance(held, (list, tuple)) and [np.shape(g) for g in held] == shapes:
                out |= {p: (*key, k) for k, p in enumerate(paths)}
                break
    return out


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
