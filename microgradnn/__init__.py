"""Reverse-mode automatic differentiation, small enough to read and exact enough to trust.

To read it: first two lines of the table in engine/ops.py (mul and tanh), then engine/walk.py, which
is all of backpropagation; then the rest of engine/, in the order its docstring gives. functions/
and transforms/ stand on the engine, and the other folders on these.
"""

from . import shadows  # noqa: F401 isort: skip  # before anything else is imported

import typing as _typing
from importlib import import_module

from . import errors as errors
from . import functions as _functions
from .engine import ops as _ops
from .engine.node import Node as _Node
from .engine.ops import *  # noqa: F403
from .engine.tensor import Tensor as Tensor
from .engine.tensor import tensor as tensor
from .engine.value import Value as Value
from .functions import *  # noqa: F403
from .numerics.recording import no_grad as no_grad

if _typing.TYPE_CHECKING:  # what loads when it is first used: see _LATER
    from . import autograd as autograd
    from . import check as check
    from . import data as data
    from . import nn as nn
    from . import optim as optim
    from . import scalar as scalar
    from . import show as show
    from .check import check_grads as check_grads
    from .compiler import compile as compile
    from .functions.losses import (
        binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
    )
    from .functions.losses import cross_entropy as cross_entropy
    from .functions.losses import mse_loss as mse_loss
    from .transforms import *  # noqa: F403

__version__ = "0.1.0"

_LATER = {  # the room of each name that loads when it is first used; "" for a room itself
    "": "autograd check data nn optim scalar show",
    "transforms": "custom_jvp custom_vjp detect_anomaly elementwise_grad grad hessian hvp jacfwd "
    "jacrev jvp linearize nan_origin stop_gradient value_and_grad vjp",
    "check": "check_grads",
    "compiler": "compile",
    "functions.losses": "binary_cross_entropy_with_logits cross_entropy mse_loss",
}
_ROOMS = {name: room for room, names in _LATER.items() for name in names.split()}


def _shown(name: str) -> _typing.Any:
    """A method of Value and Tensor that is a function of show/, which loads when it is called."""

    def method(self: _typing.Any, *args: _typing.Any, **kwargs: _typing.Any) -> _typing.Any:
        return getattr(import_module(".show", __name__), name)(self, *args, **kwargs)

    method.__name__, method.__qualname__ = name, f"Node.{name}"
    method.__doc__ = f"{name} of microgradnn.show, of this node; see help(microgradnn.show.{name})."
    return method


for _name, _function in {
    "draw": "draw",
    "explain": "explain",
    "_repr_mimebundle_": "node_bundle",
    "_repr_html_": "node_html",
    "__treescope_repr__": "node_treescope",
}.items():
    setattr(_Node, _name, _shown(_function))

if not _typing.TYPE_CHECKING:  # type checkers see the imports, and would take mg.expp for a name
    __all__ = ["Tensor", "Value", "errors", "no_grad", "tensor", *_ROOMS]
    __all__ = sorted(__all__ + _ops.__all__ + _functions.__all__)

    def __getattr__(name: str) -> _typing.Any:
        """Models, optimisers, transforms, the checker and so on load when they are first used."""
        if name not in _ROOMS:
            raise AttributeError(f"module 'microgradnn' has no attribute {name!r}")
        room = _ROOMS[name]
        found = import_module(f".{room or name}", __name__)
        globals()[name] = found = getattr(found, name) if room else found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
