"""The state of an optimiser as torch's dict of plain data, and back, checked in full first."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..errors import ConfigError, nearest
from .groups import number_problem, option_problems, plain_number

Groups = list[dict[str, Any]]


class Saveable(Protocol):
    """What is needed of an optimiser to save it."""

    defaults: dict[str, Any]
    param_groups: Groups
    state: Groups
    always: tuple[str, ...]
    sometimes: tuple[str, ...]
    numbers: tuple[str, ...]

    def problems(self, group: Mapping[str, Any]) -> list[str]: ...


def pack(optimizer: Saveable) -> dict[str, Any]:
    """{"state": {position: {…}}, "param_groups": [{…, "params": [positions]}]}, all copied."""
    groups, start = [], 0
    for group in optimizer.param_groups:
        packed = {name: _plain_option(x) for name, x in group.items() if name != "params"}
        packed["params"] = list(range(start, start + len(group["params"])))
        start += len(group["params"])
        groups.append(packed)
    state = {
        i: {name: copied(x) for name, x in memory.items()}
        for i, memory in enumerate(optimizer.state)
        if memory
    }
    return {"state": state, "param_groups": groups}


def unpack(optimizer: Saveable, saved: Mapping[str, Any]) -> tuple[Groups, Groups]:
    """The options of each group and the state of each parameter, out of what pack() returned.

    Raises ConfigError that lists everything that does not fit the optimiser.
    """
    owner = f"{type(optimizer).__name__}.load_state_dict"
    if not isinstance(saved, Mapping) or set(saved) != {"state", "param_groups"}:
        got = list(saved) if isinstance(saved, Mapping) else type(saved).__name__
        raise ConfigError(f"{owner}: got {got}, need a dict with 'state' and 'param_groups'")
    own, given = optimizer.param_groups, saved["param_groups"]
    sizes = [[len(g["params"]) for g in groups] for groups in (own, given)]
    if sizes[0] != sizes[1]:
        raise ConfigError(f"{owner}: groups of {sizes[1]} parameters, expected {sizes[0]}")
    wrong: list[str] = []
    groups = [_group(optimizer, i, given[i], wrong) for i in range(len(own))]
    memory = _states(optimizer, saved, wrong)
    if wrong:
        raise ConfigError(f"{owner}: {'; '.join(wrong)}")
    return groups, memory


def copied(x: Any) -> Any:
    """A copy of an array; a NumPy number as an array of it; other numbers as they are."""
    return np.array(x) if isinstance(x, np.ndarray | np.generic) else x


def too_large(x: Any, p: Any) -> str:
    """What is wrong if a finite number in x becomes infinite in the dtype of p, else ""."""
    saved, dtype = np.asarray(x), np.asarray(p).dtype
    if dtype.kind != "f" or saved.dtype.kind not in "fiu" or saved.dtype == dtype:
        return ""
    with np.errstate(over="ignore"):
        lost = np.isfinite(saved) & ~np.isfinite(saved.astype(dtype))
    return f"holds {saved[lost].flat[0]:g}, too large for {dtype}" if lost.any() else ""


def restored(p: Any, x: Any) -> Any:
    """x in the form of the parameter data p: an array of its dtype, or a number."""
    if isinstance(p, np.ndarray):
        return np.array(x, p.dtype)
    if isinstance(x, np.ndarray | np.generic):
        return x.item() if x.dtype == np.float64 else np.asarray(x)[()]
    return x


def describe_schedule(lr: Any) -> str:
    """What stands in a saved state for a schedule."""
    return getattr(lr, "__qualname__", None) or repr(lr)


def _plain_option(x: Any) -> Any:
    if callable(x):
        return describe_schedule(x)
    return list(x) if isinstance(x, list) else x


def _group(
    optimizer: Saveable, i: int, saved: Mapping[str, Any], wrong: list[str]
) -> dict[str, Any]:
    own, at = optimizer.param_groups[i], f"group {i}: "
    found = {name: plain_number(x) for name, x in saved.items()}
    found.pop("params")
    names = found.pop("param_names", None)
    if names is not None and "param_names" in own and list(names) != own["param_names"]:
        wrong.append(f"{at}parameters {list(names)}, expected {own['param_names']}")
    known = [*optimizer.defaults, "updates"]
    extra = [name for name in found if name not in known and name != "initial_lr"]
    wrong += [f"{at}no option {name!r}{nearest(name, known)}" for name in extra]
    wrong += [f"{at}{name} is missing" for name in known if name not in found]
    if callable(own["lr"]) or isinstance(found.get("lr"), str):
        was = found.pop("lr", None)
        if not isinstance(was, str):
            wrong.append(f"{at}lr was {was!r}, is a schedule here; load first, then set .lr")
        elif not callable(own["lr"]):
            wrong.append(f"{at}lr was the schedule {was}, is {own['lr']!r} here")
    if not _is_count(found.get("updates", 0)):
        wrong.append(f"{at}updates is {found['updates']!r}, must be a whole number >= 0")
    problems = option_problems(found)
    if not problems and not extra:
        problems = optimizer.problems(own | found)
    wrong += [at + text for text in problems]
    return found


def _states(optimizer: Saveable, saved: Mapping[str, Any], wrong: list[str]) -> Groups:
    ids = [int(k) for group in saved["param_groups"] for k in group["params"]]
    params = [p for group in optimizer.param_groups for p in group["params"]]
    place = {k: i for i, k in enumerate(ids)}
    memory: Groups = [{} for _ in params]
    for key, entry in saved["state"].items():
        i = place.get(int(key))  # JSON makes strings of the positions
        if i is None:
            wrong.append(f"state of parameter {key}, which is in no group")
        else:
            memory[i] = _state(optimizer, f"parameter {i}: ", params[i].data, entry, wrong)
    return memory


def _state(
    optimizer: Saveable, at: str, p: Any, saved: Mapping[str, Any], wrong: list[str]
) -> dict[str, Any]:
    known = (*optimizer.always, *optimizer.sometimes)
    found = {}
    for name in optimizer.always:
        if saved and name not in saved:
            wrong.append(f"{at}{name} is missing")
    for name, x in saved.items():
        if name not in known:
            wrong.append(f"{at}unexpected {name}{nearest(name, known)}")
        elif name == "step":
            found[name] = plain_number(x)
            if not _is_count(found[name]):
                wrong.append(f"{at}step is {x!r}, must be a whole number >= 0")
        elif name in optimizer.numbers:
            found[name] = plain_number(x)
            problem = number_problem(name, found[name], 0)
            wrong += [at + problem] if problem else []
        elif np.shape(x) != np.shape(p):
            wrong.append(f"{at}{name} has shape {np.shape(x)}, expected {np.shape(p)}")
        elif np.asarray(x).dtype.kind not in "fiuO":
            wrong.append(f"{at}{name} holds {np.asarray(x).dtype}, need numbers")
        elif problem := too_large(x, p):
            wrong.append(f"{at}{name} {problem}")
        else:
            found[name] = restored(p, x)
    return found


def _is_count(x: Any) -> bool:
    return isinstance(x, int) and x >= 0
