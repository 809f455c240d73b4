"""Module: a callable with named parameters, in PyTorch's vocabulary."""

import difflib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import ConfigError, ShapeError
from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that requires grad and that a Module counts among its parameters."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data, dtype, requires_grad=True, name=name)


class Module:
    """Base of models. Attributes that are Parameters or Modules are found by name, in order.

    Subclasses define `forward`; calling the module calls it.
    """

    training = True

    def forward(self, *args: Any) -> Any:
        """The output for the inputs; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *args: Any) -> Any:
        """forward(*args)."""
        return self.forward(*args)

    def children(self) -> dict[str, "Module"]:
        """The modules directly inside this one, by name."""
        return {k: v for k, v in vars(self).items() if isinstance(v, Module)}

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """(name, module) of this module and all inside it, outermost first."""
        yield prefix, self
        for name, child in self.children().items():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) such as ("0.weight", …), each parameter once."""
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, p in vars(module).items():
                if isinstance(p, Parameter) and id(p) not in seen:
                    seen.add(id(p))
                    yield (f"{prefix}.{name}" if prefix else name), p

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of named_parameters()."""
        return [p for _, p in self.named_parameters()]

    def zero_grad(self) -> None:
        """None; forgets the gradients of all parameters."""
        for p in self.parameters():
            p.grad = None

    def train(self, mode: bool = True) -> "Module":
        """self, with `training` set on it and on all modules inside."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        """self, with `training` False everywhere."""
        return self.train(False)

    def state_dict(self) -> dict[str, np.ndarray]:
        """A copy of every parameter's array, by name."""
        return {name: p.data.copy() for name, p in self.named_parameters()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """None; sets every parameter from `state`.

        Raises ConfigError that lists all missing, unexpected and mis-shaped names; then no
        parameter has changed.
        """
        own = dict(self.named_parameters())
        wrong = [f"missing {n}" for n in own if n not in state]
        for name, array in state.items():
            if name not in own:
                near = difflib.get_close_matches(name, own, 1)
                wrong.append(f"unexpected {name}" + (f" (did you mean {near[0]}?)" if near else ""))
            elif np.shape(array) != own[name].shape:
                wrong.append(f"{name} has shape {np.shape(array)}, expected {own[name].shape}")
        if wrong:
            raise ConfigError("load_state_dict: " + "; ".join(wrong))
        for name, p in own.items():
            p.data = np.array(state[name], p.dtype)

    def extra_repr(self) -> str:
        """What stands between the parentheses of the repr of a module without children."""
        return ""

    def __getattr__(self, name: str) -> Any:
        near = difflib.get_close_matches(name, dir(self), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"{type(self).__name__}.{name}: no such attribute{hint}")

    def __repr__(self) -> str:
        name, inside = type(self).__name__, self.children()
        if not inside:
            return f"{name}({self.extra_repr()})"
        rows = "\n".join(f"  ({k}): {v!r}".replace("\n", "\n  ") for k, v in inside.items())
        return f"{name}(\n{rows}\n)"


class Sequential(Module):
    """Modules applied one after another; `model[i]` is the i-th."""

    def __init__(self, *modules: Module) -> None:
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> "Sequential":
        """self, with one more module at the end."""
        if not isinstance(module, Module):
            raise ConfigError(
                f"Sequential: got {type(module).__name__}, need modules such as nn.Linear(2, 1)"
            )
        setattr(self, str(len(self)), module)
        return self

    def forward(self, x: Any) -> Any:
        """x, passed through the modules in order."""
        for module in self.children().values():
            x = module(x)
        return x

    def __getitem__(self, i: int) -> Module:
        return list(self.children().values())[i]

    def __iter__(self) -> Iterator[Module]:
        return iter(self.children().values())

    def __len__(self) -> int:
        return len(self.children())


def check_features(name: str, x: Any, expected: int) -> None:
    """None. Raises ShapeError unless the last axis of x has `expected` elements."""
    shape = np.shape(x.data if isinstance(x, Tensor) else x)
    if not shape or shape[-1] != expected:
        raise ShapeError(f"{name}: input has shape {shape}, expected (..., {expected})")
