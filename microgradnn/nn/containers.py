"""Modules made of modules: in a row, in a list, in a dict, beside a shortcut."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from ..engine.tensor import Tensor
from ..errors import ConfigError, ShapeError
from ..functions.types import ArrayLike
from ..signatures.expected import brief
from .checks import shape_of
from .members import need_module
from .module import Module


class Chain(Module):
    """Base of Sequential and ModuleList: modules in order, named "0", "1", … unless otherwise."""

    holds_modules = True

    def append(self, module: Module) -> Self:
        """self, with one more module at the end."""
        n, taken = len(self), self._inside()
        while str(n) in taken:
            n += 1
        self.add_module(str(n), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """self, with more modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """self, with a module before the one at index."""
        items = list(self._inside().items())
        items.insert(index, ("", module))
        self._replace(items)
        return self

    def _replace(self, items: list[tuple[str, Module]]) -> None:
        """Holds these modules instead; numbers among the names are given anew."""
        for _, module in items:
            need_module(type(self).__name__, module)
        for name in self._inside():
            delattr(self, name)
        for i, (name, module) in enumerate(items):
            self.add_module(name if name and not name.isdigit() else str(i), module)

    def _name(self, index: int) -> str:
        names = list(self._inside())
        if not -len(names) <= index < len(names):
            raise IndexError(
                f"{type(self).__name__}: index {index} is out of range, it has {len(names)} modules"
            )
        return names[index]

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> "Chain": ...
    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return self._part(list(self._inside().items())[index])
        return self._inside()[self._name(index)]

    def _part(self, items: list[tuple[str, Module]]) -> "Chain":
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        need_module(type(self).__name__, module)
        setattr(self, self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        items = list(self._inside().items())
        if isinstance(index, int):
            self._name(index)
        del items[index]
        self._replace(items)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._inside().values())

    def __len__(self) -> int:
        return len(self._inside())


class Sequential(Chain):
    """Modules applied one after another; `model[i]` is the i-th, `model[1:]` all but the first.

    Sequential(a, b), Sequential([a, b]) as in Keras, or Sequential({"first": a, "second": b}),
    whose modules are then also model.first and model.second. A slice holds the same modules, under
    the same names, not copies.
    """

    def __init__(self, *modules: Any) -> None:
        first = modules[0] if len(modules) == 1 else modules
        if isinstance(first, Mapping):
            for name, module in first.items():
                self.add_module(name, module)
        else:
            self.extend(first if isinstance(first, (list, tuple)) else modules)

    def add(self, module: Module) -> Self:
        """append, as Keras calls it."""
        return self.append(module)

    def _part(self, items: list[tuple[str, Module]]) -> Chain:
        return Sequential(dict(items))

    def forward(self, x: ArrayLike) -> Tensor:
        """Returns x, passed through the modules in order."""
        y: Any = x
        for module in self._inside().values():
            y = module(y)
        return y


class ModuleList(Chain):
    """A list of modules whose parameters are found; loop over it in your own forward."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.extend(modules)

    def _part(self, items: list[tuple[str, Module]]) -> Chain:
        return ModuleList(module for _, module in items)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Raises ConfigError: a list is no function."""
        raise ConfigError("ModuleList: has no forward; loop over it, or use nn.Sequential")


class ModuleDict(Module):
    """A dict of modules whose parameters are found; choose from it in your own forward."""

    holds_modules = True

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self.update({} if modules is None else modules)

    def update(self, modules: Mapping[str, Module]) -> None:
        """Adds these modules, or puts them in place of those of the same name."""
        if not isinstance(modules, Mapping):
            raise ConfigError(f"ModuleDict: modules is {brief(modules)}, need a dict of them")
        for name, module in modules.items():
            self.add_module(name, module)

    def keys(self) -> Iterable[str]:
        """The names, in order."""
        return self._inside().keys()

    def values(self) -> Iterable[Module]:
        """The modules, in order."""
        return self._inside().values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """(name, module), in order."""
        return self._inside().items()

    def __getitem__(self, name: str) -> Module:
        if name not in self._inside():
            raise KeyError(f"ModuleDict: no module {name!r}; it has {', '.join(self._inside())}")
        return self._inside()[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self.add_module(name, module)

    def __delitem__(self, name: str) -> None:
        self[name]
        delattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._inside()

    def __iter__(self) -> Iterator[str]:
        return iter(self._inside())

    def __len__(self) -> int:
        return len(self._inside())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Raises ConfigError: a dict is no function."""
        raise ConfigError("ModuleDict: has no forward; choose a module by its name")


class Residual(Module):
    """x + module(x) (He et al. 2015), or shortcut(x) + module(x) where the shapes differ."""

    def __init__(self, module: Module, shortcut: Module | None = None) -> None:
        for what, inner in (("module", module), ("shortcut", shortcut)):
            if not isinstance(inner, Module) and (what == "module" or inner is not None):
                raise ConfigError(
                    f"Residual: {what} is {inner!r}, need one module; join several in nn.Sequential"
                )
        self.module, self.shortcut = module, shortcut

    def forward(self, x: ArrayLike) -> Tensor:
        """Returns the output for x. Raises ShapeError unless both parts have one shape."""
        y = self.module(x)
        past = x if self.shortcut is None else self.shortcut(x)
        if shape_of(past) != shape_of(y):
            what = "input" if self.shortcut is None else "shortcut"
            raise ShapeError(
                f"Residual: {what} has shape {shape_of(past)}, module gives {shape_of(y)}; "
                f"give a shortcut from {shape_of(x)} to {shape_of(y)}, such as "
                f"{_such_as(shape_of(x), shape_of(y))}"
            )
        return past + y


def _such_as(x: tuple[int, ...], y: tuple[int, ...]) -> str:
    if len(x) != 4 or len(y) != 4:
        return f"nn.Linear({x[-1] if x else 1}, {y[-1] if y else 1})"
    stride = max(round(x[2] / max(y[2], 1)), 1)
    return f"nn.Conv2d({x[1]}, {y[1]}, 1" + (f", stride={stride})" if stride > 1 else ")")
