"""Where a layer object leaves the gradients of its inputs and parameters, by convention."""

from collections.abc import Mapping
from typing import Any

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
            keys = {w: k for k, w in enumerate(words) if w and k >= len(plan.inputs)}
    found = gradients_among(keys, names, bare=isinstance(raw, Mapping))
    return {p: keys[found[n]] for p in stable if (n := p.rpartition(".")[2]) in found}


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
