"""Which function of a file is the forward of which, by their names and arguments."""

import re
from typing import Any

from ..source import required, returned_names
from ..verbs import BACKWARD_METHODS, FORWARD_METHODS, PAIRS, is_gradient, is_loss
from ..words import gradient_of, holds_gradients

_VARIANT = r"(?P<v>(?:_[A-Za-z0-9]+)?)"


def forward_of(name: str, functions: dict[str, Any]) -> tuple[str, str] | None:
    """The layer's name and its forward's, if `name` is called like a backward of it."""
    return _pairs(name, functions) or _bare(name, functions) or _loss_of(name, functions)


def _pairs(name: str, functions: dict[str, Any]) -> tuple[str, str] | None:
    """The same by the names of both."""
    for forward, backward in PAIRS:
        pattern = re.escape(backward).replace(r"\{\}", "(?P<x>.+?)").replace(r"\{v\}", _VARIANT)
        match = re.fullmatch(pattern, name)
        if match is None or match["x"].startswith("_") and not match["x"].strip("_"):
            continue
        v = match["v"] if "v" in match.groupdict() else ""
        for x in dict.fromkeys([match["x"], match["x"].lower(), match["x"].capitalize()]):
            for tail in dict.fromkeys([v, ""]):
                other = forward.format(x, v=tail)
                if other in functions and other != name:
                    return x + v, other
            if v and (tail := _only_variant(forward, x, functions)):
                return x + v, tail
    return None


def _bare(name: str, functions: dict[str, Any]) -> tuple[str, str] | None:
    """The same of functions called nothing but forward and backward: a net's own."""
    others = [f for f in FORWARD_METHODS if f in functions]
    return (others[0], others[0]) if name in BACKWARD_METHODS and others else None


def _loss_of(name: str, functions: dict[str, Any]) -> tuple[str, str] | None:
    """The same of compute_gradient(X, y, w), where one loss has the same arguments."""
    words = required(functions[name])
    others = [f for f in functions if is_loss(f) and required(functions[f]) == words != []]
    return (others[0], others[0]) if is_gradient(name) and len(others) == 1 else None


def returns_loss(function: Any) -> bool:
    """Whether a function returns a loss and gradients, by the names of the variables."""
    words = [w or "" for w in returned_names(function)]
    losses = [w for w in words if is_loss(w) or w in ("J", "cost")]
    grads = [w for w in words if holds_gradients(w) or gradient_of(w) is not None]
    return len(losses) == 1 and len(grads) == len(words) - 1 > 0


def _only_variant(forward: str, x: str, functions: dict[str, Any]) -> str | None:
    """conv_forward_strides for conv_backward_fast, where it is the only one."""
    pattern = re.escape(forward.format(x, v="\0")).replace("\0", _VARIANT)
    others = [name for name in functions if re.fullmatch(pattern, name)]
    return others[0] if len(others) == 1 else None
