"""Which functions and classes of a file are optimisers, by their names and arguments."""

import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from ..source import all_parameters, is_empty, line, only_raises
from ..verbs import BACKWARD_METHODS, FORWARD_METHODS, among, is_base
from .hyper import roles

UPDATES = ("update", "step", "apply_gradients", "apply", "update_params", "optimize", "__call__")
# The rules that names promise; the first that is found in a name.
_CLAIMS = {
    "adam_?w": "AdamW",
    "(?<![a-z])n_?adam": "NAdam",
    "(?<![a-z])r_?adam": "RAdam",
    "adamax": "Adamax",
    "ams_?grad": "AMSGrad",
    "ada_?factor": "Adafactor",
    "(?<![a-z])r_?prop": "Rprop",
    "(?<![a-z])asgd": "ASGD",
    "(?<![a-z])ftrl": "Ftrl",
    "(?<![a-z])lion(?![a-z])": "Lion",
    "adam": "Adam",
    "rms_?prop": "RMSprop",
    "ada_?grad": "Adagrad",
    "ada_?delta": "Adadelta",
    "nesterov|(?<![a-z])nag(?![a-z])": "Nesterov",
    "momentum": "momentum",
    "(?<![a-z])sgd": "SGD",
}


def claimed(name: str) -> str:
    """The rule that a name promises, or ""."""
    for pattern, claim in _CLAIMS.items():
        if re.search(pattern, name.lower()):
            return claim
    return ""


def is_optimizer(name: str, thing: Any) -> bool:
    """Whether it is named like an optimiser, and takes gradients, or has update or step."""
    if inspect.isfunction(thing):
        words = list(all_parameters(thing))[:3]
        found = roles(words)
        both = [any(role in found[w] for w in words) for role in ("params", "grads")]
        return bool(claimed(name)) and all(both)
    if not inspect.isclass(thing) or not (claimed(name) or re.search("optimi[sz]er", name, re.I)):
        return False
    methods = _updates(thing)
    layered = among(dir(thing), (*FORWARD_METHODS, *BACKWARD_METHODS))
    unlike = not methods or bool(set(layered) - {"__call__"}) or bool(thing.__subclasses__())
    return not unlike and not (
        any(map(only_raises, methods)) or is_base(name) and all(map(is_empty, methods))
    )


def found(module: ModuleType) -> Iterator[dict[str, Any]]:
    """The optimisers that a module defines, as files.discover.Found takes them."""
    for name, thing in vars(module).items():
        if getattr(thing, "__module__", None) == module.__name__ and is_optimizer(name, thing):
            cls, function = (thing, None) if inspect.isclass(thing) else (None, thing)
            yield {
                "name": name, "style": "optimizer", "forward": function, "backward": None,
                "cls": cls, "line": line(thing), "empty": emptied(thing),
            }  # fmt: skip


def emptied(thing: Any) -> Any:
    """The function or method that takes the step, if it is still empty, else None."""
    methods = [thing] if inspect.isfunction(thing) else _updates(thing)
    return methods[0] if methods and all(map(is_empty, methods)) else None


def _updates(cls: type) -> list[Any]:
    return [f for n in UPDATES if inspect.isfunction(f := getattr(cls, n, None))]
