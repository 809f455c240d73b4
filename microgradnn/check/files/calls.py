"""Running what was found, quietly and on copies."""

import contextlib
import copy
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .discover import Found

# Where layers leave their output that do not return it.
RESULTS = ("output", "out", "outputs", "y", "a", "z", "result", "activation", "value", "loss")


@dataclass(frozen=True)
class Call:
    """One forward pass: its outputs, and the function from their cotangents to the gradients."""

    outs: tuple[Any, ...]
    backward: Callable[..., Any]
    thing: Any = None


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without output and warnings, and with NumPy's global generator as it was before."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def clone(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Copies of arguments: of arrays, and of those in dicts and lists."""
    return tuple(_clone(a) for a in args)


def _clone(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.copy()
    if isinstance(x, dict):
        return {k: _clone(v) for k, v in x.items()}
    if isinstance(x, list):
        return [_clone(v) for v in x]
    return copy.deepcopy(x) if hasattr(x, "__dict__") and not callable(x) else x


def run(found: Found, args: tuple[Any, ...], init: tuple[Any, ...] = ()) -> Call:
    """The forward pass, with the backward pass as a function of the outputs' cotangents."""
    assert found.forward is not None
    args, init = clone(args), clone(init)
    pull: Any = found.backward
    if found.style == "plain":
        return Call((found.forward(*args),), lambda *douts: pull(*douts, *args))
    if found.style == "pair":
        *outs, cache = found.forward(*args)
        return Call(tuple(outs), lambda *douts: pull(*douts, cache))
    if found.style == "loss":
        return _returned(found.forward(*args))
    assert found.cls is not None
    thing = found.cls(*init)
    if found.style == "net":
        result = found.forward(thing, *args)
        if pull is None:
            return _returned(result, thing)
        grads = pull(thing, *args)
        return Call((result,), lambda dout: grads, thing)
    out = found.forward(thing, *args)
    if out is None:  # it is left in the object
        out = next((v for w in RESULTS if (v := getattr(thing, w, None)) is not None), None)
    outs = out if isinstance(out, tuple) else (out,)
    return Call(outs, lambda *douts: pull(thing, *douts), thing)


def _returned(result: Any, thing: Any = None) -> Call:
    """loss, *grads: one dict or tuple of gradients counts as such."""
    if not isinstance(result, tuple) or len(result) < 2:
        raise TypeError("only a loss is returned, no gradients")
    loss, *grads = result
    if np.ndim(loss) > 0 and np.size(loss) > 1:
        raise TypeError(f"the first thing returned is no number but of shape {np.shape(loss)}")
    given = grads[0] if len(grads) == 1 else tuple(grads)
    return Call((loss,), lambda dout: given, thing)


def describe(error: BaseException) -> str:
    """One line for a user: the kind of error and its message."""
    text = str(error).split("\n")[0]
    return f"{type(error).__name__}: {text}"[:160]
