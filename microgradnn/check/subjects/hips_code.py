"""HIPS autograd's primitives as subjects: the NumPy function inside, and the vjps that were given.

The function is NumPy code, so it is traced as any other; nothing of autograd differentiates here.
"""

import sys
from typing import Any

import numpy as np

from ...errors import ConfigError
from ..source import all_parameters
from ..subject import Arguments, Subject, called, cotangents_like, is_float, quiet
from . import pairs


def rules() -> Any:
    """What makes the vjps of each primitive, in autograd's own table; empty if it is not loaded."""
    return getattr(sys.modules.get("autograd.core"), "primitive_vjps", {})


def is_primitive(thing: Any) -> bool:
    """Whether thing is a primitive with vjps of its own."""
    try:
        return hasattr(thing, "fun") and thing in rules()
    except TypeError:  # cannot be a key
        return False


def hips_primitive(f: Any, inputs: Any, *, wrt: Any = None, name: str = "") -> Subject:
    """A primitive at its inputs; gradients are expected of the arguments that have a vjp."""
    args = Arguments(
        inputs if isinstance(inputs, (tuple, list)) else (inputs,), all_parameters(f.fun)
    )
    with quiet():
        out = f.fun(*args.filled([], []))
        floats = [i for i, a in enumerate(args.args) if is_float(a)]
        argnums = tuple(i for i in floats if _has_rule(f, i, out, args))
    if not argnums:
        raise ConfigError(f"{name or called(f)}: defvjp gave no vjp of a float argument")

    def forward(*given: Any) -> Any:
        out = f.fun(*given)
        return out, (out, given)

    def backward(g: Any, cache: Any) -> Any:
        out, given = cache
        grads = tuple(rules()[f](argnums, out, given, {})(g))
        return grads if len(grads) > 1 else grads[0]

    forward.__wrapped__ = f.fun  # type: ignore[attr-defined]
    paths = {path: i for i, path in enumerate(args.paths)}
    places = [paths[(i,)] for i in argnums] if wrt is None else wrt
    return pairs.pair(forward, backward, args, wrt=places, name=name or called(f))


def _has_rule(f: Any, i: int, out: Any, args: Arguments) -> bool:
    """Whether the i-th argument has a vjp that is not None."""
    try:
        v = cotangents_like([np.asarray(out)], np.random.default_rng(0))[0]
        found = tuple(rules()[f]((i,), out, tuple(args.filled([], [])), {})(v))
    except NotImplementedError:
        return False
    except TypeError as error:  # what calls a vjp that is None
        return "NoneType" not in str(error)
    except Exception:  # it has one, which raises: that is told later
        return True
    return found[0] is not None
