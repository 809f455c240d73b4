"""Where a layer object leaves the gradients of its inputs and parameters, by convention."""

from collections.abc import Mapping
from typing import Any

from ...engine.errors import ConfigError
from ..subject import is_float, is_parameter, names_gradient, often_constant
from . import state
from .plan import Plan
from .reader import returned_names


def find_inputs(plan: Plan, thing: Any, raw: Any) -> None:
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
