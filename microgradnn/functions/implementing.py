"""How a function of ours becomes what NumPy's function of that name means for Tensors."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from ..engine.protocol import FUNCTIONS, np_name, unsupported
from ..errors import RAW
from ..signatures.telling import explained, told

F = TypeVar("F", bound=Callable[..., Any])


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """A decorator: our function is what these NumPy functions mean for Tensors.

    Called as NumPy's or as ours, what it raises is typed and begins with the name.
    """

    def enter(ours: F) -> F:
        for function in numpy_functions:
            # "np.…" has not been loaded; another name is what this NumPy does not have yet.
            if callable(function) or function.startswith("np."):
                FUNCTIONS[function] = _Adapted(function, ours)

        return told(ours) if inspect.isfunction(ours) else ours

    return enter


class _Adapted:
    """Our function behind NumPy's signature: what ours has no parameter for is refused by name."""

    def __init__(self, function: Any, ours: Callable[..., Any]) -> None:
        self.called, self.ours = function, ours

    @functools.cached_property
    def function(self) -> Any:
        """NumPy's function."""
        names = self.called.split(".")[1:] if isinstance(self.called, str) else ()
        return functools.reduce(getattr, names, np) if names else self.called

    @functools.cached_property
    def name(self) -> str:
        """What users call it."""
        return np_name(self.function)

    @functools.cached_property
    def theirs(self) -> Mapping[str, inspect.Parameter] | None:
        """The parameters of NumPy's function, which older NumPy hides; ours have the same order."""
        try:
            source = self.ours if isinstance(self.function, np.ufunc) else self.function
            return inspect.signature(source).parameters
        except ValueError:
            return None

    @functools.cached_property
    def accepted(self) -> Mapping[str, inspect.Parameter]:
        """The parameters of our function."""
        return inspect.signature(self.ours).parameters

    @functools.cached_property
    def names(self) -> list[str]:
        """NumPy's names for arguments by position, from the second; none if there may be more."""
        kinds = [p.kind for p in (self.theirs or {}).values()]
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            return []
        return list(self.theirs or {})[max(1, kinds.count(inspect.Parameter.POSITIONAL_ONLY)) :]

    @functools.cached_property
    def anything(self) -> bool:
        """Whether our function takes any keyword."""
        return any(p.kind is p.VAR_KEYWORD for p in self.accepted.values())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result of our function on arguments as NumPy takes them."""
        if self.theirs is None:
            return self.ours(*args, **kwargs)
        first = len(self.theirs) - len(self.names)
        if self.names and len(args) > first:
            kwargs = dict(zip(self.names, args[first:], strict=False)) | kwargs
            args = args[:first]
        known = self._known(self.theirs, kwargs)
        try:
            return self.ours(*args, **known)
        except RAW as error:
            better = explained(self.name, self.ours, args, known, error)
            if better is error:
                raise
            raise better from error

    def _known(self, theirs: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Those keywords that our function has; another may only say NumPy's default."""
        given = {}
        for key, value in kwargs.items():
            default = theirs[key].default if key in theirs else inspect.Parameter.empty
            if key in self.accepted or self.anything and key not in theirs:
                given[key] = value
            elif not (value is None or value is default or value is np._NoValue):
                raise unsupported(self.name, key)
        return given
