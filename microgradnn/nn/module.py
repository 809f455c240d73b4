"""Module: a callable with parameters, buffers and modules inside, in PyTorch's vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike

from ..engine.node import plain
from ..engine.tensor import Tensor
from ..errors import ConfigError, DTypeError, nearest
from . import config
from .loading import IncompatibleKeys, load
from .members import Members, is_buffer, is_state
from .parameter import Parameter
from .summary import Inputs, Summary, summarise
from .training import Trainable


class Module(Members["Module"], Trainable):
    """Base of models. Attributes that are Parameters or Modules are found by name, in order.

    Subclasses define `forward`; calling the module calls it. Arrays that belong to the state but
    are not trained are buffers: register_buffer.
    """

    holds_modules = False  # whether it is a container, which get_config describes by its contents
    _given: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """The module; what it is made from is kept for get_config."""
        self = super().__new__(cls)
        object.__setattr__(self, "_given", (args, kwargs))
        return self

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """self, with all parameters frozen (False) or trained (True).

        Frozen parameters get no gradient, and optimisers pass them by: so one trains only the
        last layer of a model that has learnt something else.
        """
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def penalty(self) -> Tensor:
        """Σ kernel_regularizer(weight) over the layers that have one: a Tensor to add to the loss.

        0 if there is none. See nn.L2 for how λ relates to weight_decay.
        """
        total: Tensor | None = None
        for module in self.modules():
            has = vars(module)
            if (regularizer := has.get("kernel_regularizer")) is not None:
                term = regularizer(has["weight"])
                total = term if total is None else total + term
        if total is None:
            total = Tensor(np.zeros((), next(iter(self.parameters()), np.zeros(0, "f4")).dtype))
        return total

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """self, after fn(module) was called for all modules inside, innermost first, and self."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    # ---- numbers --------------------------------------------------------------------------------

    def to(self, dtype: DTypeLike) -> Self:
        """self, its parameters and floating-point buffers converted to dtype."""
        if np.dtype(dtype).kind != "f":
            raise DTypeError(f"to: dtype {np.dtype(dtype)}, need a floating-point one")
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    value.recast(dtype)
                elif is_buffer(module, name, value) and value.dtype.kind == "f":
                    setattr(module, name, value.astype(dtype))
        return self

    def float(self) -> Self:
        """self in float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """self in float64."""
        return self.to(np.float64)

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of the array of every parameter and buffer, by name."""
        return {name: plain(v).copy() for name, v in self._named(is_state)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> IncompatibleKeys:
        """(missing_keys, unexpected_keys), after all parameters and buffers were set from `state`.

        Raises ConfigError that lists all missing, unexpected and mis-shaped names; then nothing
        has changed. With strict=False only mis-shaped ones are an error.
        """
        own = dict(self._named(is_state))
        return load(own, dict(self._named(is_state, remove_duplicate=False)), state, strict)

    def summary(
        self, input: Inputs | None = None, batch: int = 1, dtype: DTypeLike | None = None
    ) -> Summary:
        """A table of the modules inside, their output shapes and how many parameters they have.

        `input` is the shape of one sample, such as (1, 28, 28), and then `batch` samples of zeros
        in `dtype` (that of the parameters) pass through; or it is an example input, a tuple of
        them for a model of several inputs. A model that begins with Linear knows its own. Nothing
        is changed: not the training mode, not buffers, not random generators.
        """
        return summarise(self, input, batch, dtype)

    def get_config(self) -> dict[str, Any]:
        """What the model is made of, as plain data; Module.from_config makes one like it.

        Raises ConfigError if it holds a module that is not of this library.
        """
        dtypes = {p.dtype.name for p in self.parameters()}
        dtype = dtypes.pop() if len(dtypes) == 1 else "float32"
        return config.describe(self, _classes()) | {"dtype": dtype}

    @staticmethod
    def from_config(described: dict[str, Any]) -> Module:
        """A new model as get_config described it, with weights drawn anew. Raises ConfigError."""
        made: Module = config.make(described, _classes())
        return made.to(described.get("dtype", "float32"))

    # ---- as text, and mistakes ------------------------------------------------------------------

    def extra_repr(self) -> str:
        return ""

    def _repr_html_(self) -> str:
        return str(import_module("microgradnn.show.reprs").module_html(self))

    def __treescope_repr__(self, path: Any, subtree_renderer: Any) -> Any:
        return import_module("microgradnn.show.reprs").module_treescope(
            self, path, subtree_renderer
        )

    def __repr__(self) -> str:
        name, inside = type(self).__name__, self._inside()
        if not inside:
            return f"{name}({self.extra_repr()})"
        rows = [self.extra_repr()] if self.extra_repr() else []
        rows += [f"({k}): {v!r}" for k, v in inside.items()]
        return f"{name}(\n" + "".join(f"  {r}\n".replace("\n", "\n  ")[:-2] for r in rows) + ")"

    def __setattr__(self, name: str, value: Any) -> None:
        if mistake := _mistake(self, name, value):
            raise ConfigError(f"{type(self).__name__}.{name}: {mistake}")
        object.__setattr__(self, name, value)

    if not TYPE_CHECKING:  # a type checker is to find a mistyped name, not to believe in it

        def __getattr__(self, name: str) -> Any:
            hint = "" if name.startswith("__") else nearest(name, dir(self))
            raise AttributeError(f"{type(self).__name__}.{name}: no such attribute{hint}")


def _mistake(module: Module, name: str, value: Any) -> str | None:
    """What is wrong with setting module.name = value, if anything is."""
    if callable(getattr(Module, name, None)) and name != "forward":
        return "is a method of every module; choose another name"
    if name in ("requires_grad", "trainable"):
        return "would do nothing; use .requires_grad_(False) to freeze a module"
    if isinstance(value, (Parameter, Module)):
        return None
    if isinstance(value, Tensor) and value.requires_grad and value.op is None:
        return (
            "a Tensor that requires grad is not found among the parameters; use "
            "nn.Parameter(array), or .detach() for a constant"
        )
    if isinstance(value, (list, tuple, dict)):
        held = value.values() if isinstance(value, dict) else value
        if any(isinstance(v, (Parameter, Module)) for v in held):
            use = "ModuleDict" if isinstance(value, dict) else "ModuleList"
            kind = type(value).__name__
            return f"modules and parameters in a {kind} are not found; use nn.{use}"
    before, kind = vars(module).get(name), type(value).__name__
    if before is value:  # as after module.buffer += 1
        return None
    if value is not None and isinstance(before, Parameter):
        return f"is a parameter, got {kind}; assign to its .data, or an nn.Parameter"
    if value is not None and isinstance(before, Module):
        return f"is a module, got {kind}; assign a module, or None"
    if name in module._buffers and not (value is None or isinstance(value, np.ndarray)):
        return f"is a buffer, got {kind}; assign an array"
    return None


def _classes() -> dict[str, type[Module]]:
    """The modules of this library, by name."""
    found, todo = {}, [Module]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith(f"{__package__}."):
            found[kind.__name__] = kind
    return found
