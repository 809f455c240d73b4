"""What a module has inside: modules, parameters, buffers and random generators, by name."""

from __future__ import annotations  # np.random loads when it is used, not before

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, cast

import numpy as np

from ..engine.op import constant
from ..errors import RAW, ConfigError
from ..functions.types import ArrayLike
from ..signatures.handles import Handle
from ..signatures.telling import blame
from .hooks import Hooks
from .parameter import Parameter

M = TypeVar("M", bound="Members[Any]")  # what is inside: Module, which stands on this class
P = ParamSpec("P")
Out = TypeVar("Out", covariant=True)


class HasForward(Protocol[P, Out]):
    """What is called as its own `forward` says: the type of self in __call__."""

    def forward(self, *args: P.args, **kwargs: P.kwargs) -> Out: ...


class Members(Generic[M]):
    """Base of Module: attributes that are Parameters or modules are found by name, in order.

    Arrays that belong to the state but are not trained are buffers: register_buffer.
    """

    training = True
    _buffers: tuple[str, ...] = ()
    _hooks: Hooks | None = None

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the output for the inputs; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__}: no forward; define forward(self, x)")

    def __call__(self: HasForward[P, Out], *args: P.args, **kwargs: P.kwargs) -> Out:
        """Returns forward(*args, **kwargs), with the hooks around it if there are any."""
        hooks: Hooks | None = self._hooks  # type: ignore[attr-defined]
        if hooks is None:
            try:
                return self.forward(*args, **kwargs)
            except RAW as error:
                blame(self, args, kwargs, error)
                raise
        out: Out = hooks.call(self, args, kwargs)
        return out

    # ---- hooks ----------------------------------------------------------------------------------

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """A handle that removes the hook: hook(module, args) is called before each forward.

        What it returns, unless None, takes the place of the arguments. With with_kwargs it is given
        keyword arguments too, and returns (args, kwargs).
        """
        return self._to_hook().enter("before", hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """A handle that removes the hook: hook(module, args, output) is called after each forward.

        What it returns, unless None, takes the place of the output. With always_call it is called
        also where forward raises, with None for the output.
        """
        return self._to_hook().enter("after", hook, prepend, with_kwargs, always_call)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """A handle that removes the hook: hook(module, grad_output) before the module's backward.

        What it returns, unless None, takes the place of the gradients of the outputs.
        """
        return self._to_hook().enter("gradient_before", hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """A handle that removes the hook: hook(module, grad_input, grad_output) after its backward.

        Both are tuples, with None for what requires no gradient. What it returns, unless None,
        takes the place of the gradients of the inputs.
        """
        return self._to_hook().enter("gradient", hook, prepend)

    def _to_hook(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    def train(self, mode: bool = True) -> Self:
        """Returns self, with `training` set on it and on all modules inside."""
        for _, module in self._walk(""):
            module.training = mode
        return self

    def eval(self) -> Self:
        """Returns self, with `training` False everywhere."""
        return self.train(False)

    # ---- modules --------------------------------------------------------------------------------

    def _inside(self) -> dict[str, M]:
        """The modules directly inside, by name; a shared one under each of its names."""
        found = {k: v for k, v in vars(self).items() if isinstance(v, Members)}
        return cast("dict[str, M]", found)

    def named_children(self) -> Iterator[tuple[str, M]]:
        """(name, module) of the modules directly inside this one, each once."""
        return _once(self._inside().items())

    def children(self) -> Iterator[M]:
        """The modules directly inside this one, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, M]]:
        """(name, module) of this module and all inside it, outermost first, each once.

        With remove_duplicate=False a shared module comes under each of its names.
        """
        found = self._walk(prefix)
        return _once(found) if remove_duplicate else found

    def _walk(self, prefix: str) -> Iterator[tuple[str, M]]:
        yield prefix, cast("M", self)
        for name, child in self._inside().items():
            yield from child._walk(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[M]:
        """This module and all inside it, outermost first, each once."""
        return (module for _, module in self.named_modules())

    def _named(
        self, wanted: Callable[[Any, str, Any], bool], remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """(name, value) of the attributes of all modules inside that `wanted` chooses."""
        found = (
            (f"{prefix}.{name}" if prefix else name, value)
            for prefix, module in self.named_modules(remove_duplicate=remove_duplicate)
            for name, value in vars(module).items()
            if wanted(module, name, value)
        )
        return _once(found) if remove_duplicate else found

    # ---- parameters, buffers, generators --------------------------------------------------------

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) such as ("0.weight", …), each parameter once."""
        return self._named(lambda module, name, v: isinstance(v, Parameter))

    def parameters(self) -> list[Parameter]:
        """All parameters, in the order of named_parameters()."""
        return [p for _, p in self.named_parameters()]

    def num_parameters(self, trainable: bool = False) -> int:
        """Returns how many numbers the parameters hold; with `trainable` those not frozen."""
        return sum(p.size for p in self.parameters() if p.requires_grad or not trainable)

    def register_buffer(self, name: str, array: ArrayLike | None) -> None:
        """Makes self.name an array that is saved and converted like a parameter, not trained.

        Change it in place, or assign another array.
        """
        if name not in self._buffers:
            self._buffers = (*self._buffers, name)
        data = constant(type(self).__name__, name, array)
        setattr(self, name, None if data is None else np.array(data))

    def named_buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """(name, array) such as ("1.running_mean", …), each buffer once."""
        return self._named(is_buffer)

    def buffers(self) -> list[np.ndarray]:
        """All buffers, in the order of named_buffers()."""
        return [b for _, b in self.named_buffers()]

    def named_generators(self) -> Iterator[tuple[str, np.random.Generator]]:
        """(name, generator) of the random generators inside, such as Dropout's, each once.

        Training resumes exactly if their states are saved with the parameters:
        {name: g.bit_generator.state for name, g in model.named_generators()}.
        """
        return self._named(lambda module, name, v: isinstance(v, np.random.Generator))

    def add_module(self, name: str, module: M) -> None:
        """Sets self.name = module; the name may be any text without dots that is not taken."""
        owner = type(self).__name__
        need_module(owner, module)
        taken = name not in self._inside() and (name in vars(self) or hasattr(type(self), name))
        if not name or "." in name or taken:
            why = "is an attribute of its own" if taken else "is empty or has a dot"
            raise ConfigError(f"{owner}: the name {name!r} {why}; choose another")
        setattr(self, name, module)


def need_module(owner: str, module: Any) -> None:
    """Raises ConfigError unless it is a module."""
    if not isinstance(module, Members):
        kind = type(module).__name__
        raise ConfigError(f"{owner}: got {kind}, need modules such as nn.Linear(2, 1)")


def is_buffer(module: Any, name: str, value: Any) -> bool:
    """Whether the attribute is a buffer that is there."""
    return name in module._buffers and value is not None


def is_state(module: Any, name: str, value: Any) -> bool:
    """Whether the attribute is a parameter or a buffer."""
    return isinstance(value, Parameter) or is_buffer(module, name, value)


def _once(pairs: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The pairs whose second part did not come before."""
    seen: set[int] = set()
    for name, value in pairs:
        if id(value) not in seen:
            seen.add(id(value))
            yield name, value
