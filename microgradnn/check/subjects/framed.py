"""Which framework a thing belongs to, and the subject that comes of it; none is imported for that.

A class, function or object of a framework exists only where somebody has imported it.
"""

import inspect
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from ..oracle.torch_forward import is_function
from ..subject import Subject
from . import hips_code, jax_code, tape_code, torch_code

Make = Callable[[Any], Subject]


def maker_of(thing: Any, wrt: Any = None, name: str = "") -> Make | None:
    """What makes a subject of inputs, of a framework's thing; None if it is none."""
    torch = sys.modules.get("torch")
    if torch is not None:
        if is_function(thing, torch):
            return partial(torch_code.torch_function, thing, wrt=wrt, name=name)
        if isinstance(thing, torch.nn.Module):
            return partial(torch_code.torch_net, thing, wrt=wrt, name=name)
        owner = getattr(thing, "__self__", None)
        if getattr(thing, "__name__", "") == "apply" and is_function(owner, torch):
            return partial(torch_code.torch_function, owner, wrt=wrt, name=name)
    jax = sys.modules.get("jax")
    if hasattr(jax, "custom_vjp") and jax_code.is_custom(thing, jax):
        return partial(jax_code.jax_function, thing, wrt=wrt, name=name)
    if tape_code.is_custom_gradient(thing) or is_keras_layer(thing):
        return partial(tape_code.tape_function, thing, wrt=wrt, name=name)
    if hips_code.is_primitive(thing):
        return partial(hips_code.hips_primitive, thing, wrt=wrt, name=name)
    return None


def is_keras_layer(thing: Any) -> bool:
    """Whether thing is a layer of Keras, an object."""
    keras = sys.modules.get("keras")
    return hasattr(keras, "Layer") and isinstance(thing, sys.modules["keras"].Layer)


def of_tensors(thing: Any, inputs: Any) -> Make | None:
    """The same of a function that is given tensors of a framework."""
    torch = sys.modules.get("torch")
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    if torch is None or not callable(thing) or inspect.isclass(thing):
        return None
    if any(isinstance(x, torch.Tensor) for x in given):
        return partial(torch_code.torch_callable, thing)
    return None
