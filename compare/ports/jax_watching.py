"""JAX's functions, operators and methods, wrapped so that the calls of a pass are seen."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp

from .jax_reading import read
from .recorder import Recorder

NN = (
    "relu relu6 gelu silu swish mish sigmoid softplus soft_sign leaky_relu elu celu selu softmax "
    "log_softmax hard_sigmoid hard_swish hard_silu log_sigmoid hard_tanh standardize"
).split()
NP = (
    "tanh exp log sqrt abs square reciprocal add subtract multiply divide true_divide maximum "
    "minimum matmul dot mean sum max var std reshape ravel squeeze expand_dims transpose "
    "concatenate negative einsum where pad tensordot stack flip take clip power"
).split()
LAX = (
    "conv_general_dilated conv_with_general_padding reduce_window stop_gradient rsqrt dot_general "
    "erf logistic"
).split()
METHODS = ("reshape", "transpose", "mean", "sum", "max", "var", "std", "squeeze", "ravel",
           "flatten", "dot", "astype")  # fmt: skip
OPERATORS = ("add", "sub", "mul", "truediv", "matmul", "pow", "neg", "getitem")


class JaxSeen:
    """Wraps JAX's functions while a pass runs."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder, self.inside = recorder, 0

    @contextmanager
    def on(self) -> Iterator[None]:
        """What is called meanwhile is seen."""
        ACTIVE.append(self)
        try:
            yield
        finally:
            ACTIVE.pop()

    def function(self, name: str, before: Any, turned: bool, args: Any, kwargs: Any) -> Any:
        """A call of a function, an operator or a method."""
        flat = jax.tree_util.tree_leaves((args, kwargs))
        if self.inside or not self.recorder.concerns(flat):
            return before(*args, **kwargs)
        self.inside += 1
        try:
            out = before(*args, **kwargs)
            if not hasattr(out, "dtype"):
                return out
            shown = args[::-1] if turned else args
            tensors = [t for t in flat if hasattr(t, "dtype")]
            try:
                found = read(name, before, shown, kwargs, out)
            except (KeyError, TypeError, ValueError, IndexError, StopIteration):
                found = None  # called in a way that is not known here
            return self.recorder.call(name, "", found, tensors, [out])[0]
        finally:
            self.inside -= 1


ACTIVE: list[JaxSeen] = []  # the pass that is running


def install() -> None:
    """Wraps JAX's functions, before a user's file takes them by name."""
    aval, array = jax.core.ShapedArray, type(jnp.zeros(()))
    for space, names in ((jax.nn, NN), (jnp, NP), (jax.lax, LAX)):
        for name in names:
            _set(space, name, name)
    for kind in (aval, array):
        for name in METHODS:
            _set(kind, name, name)
    for name in OPERATORS:
        for turned in ("", "r"):
            _set(aval, f"_{turned}{name}", name, bool(turned))
            _set(array, f"__{turned}{name}__", name, bool(turned))


def _set(owner: Any, name: str, title: str, turned: bool = False) -> None:
    before = inspect.getattr_static(owner, name, None)
    if before is None:
        return
    do = getattr(before, "fun", None) or getattr(before, "__func__", before)
    if inspect.ismodule(owner):
        do = before
    wrapped: Any = _function(title, do, turned)
    if isinstance(before, staticmethod):
        wrapped = staticmethod(wrapped)
    elif hasattr(before, "fun") and not inspect.ismodule(owner):  # what tracers forward to
        wrapped = type(before)(wrapped)
    setattr(owner, name, wrapped)


def _function(name: str, before: Callable[..., Any], turned: bool) -> Any:
    @functools.wraps(before)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not ACTIVE:
            return before(*args, **kwargs)
        return ACTIVE[-1].function(name, before, turned, args, kwargs)

    return call
