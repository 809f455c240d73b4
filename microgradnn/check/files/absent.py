"""Stand-ins for what a file has not got: a package, or a name whose statement failed.

They can be passed around, called and asked for more while the file is loaded. Used later, they say
what is missing, and why.
"""

from types import ModuleType
from typing import Any

COMPILERS = ("numba", "line_profiler", "typeguard", "beartype")  # their decorators change no value


class NotThereError(ModuleNotFoundError):
    """Something is used that the file could not get; the text says what, and why."""


class Loading:
    """Whether a file is still being loaded."""

    on = True


class AbsentModule(ModuleType):
    """A stand-in for a package that is not installed."""

    __path__: list[str] = []  # noqa: RUF012
    __all__: list[str] = []  # noqa: RUF012

    def __init__(self, name: str, loading: Loading):
        super().__init__(name)
        self._loading = loading

    def __getattr__(self, word: str) -> Any:
        if word.startswith("__"):
            raise AttributeError(word)
        package = self.__name__.partition(".")[0]
        return StandIn(f"{package}, which is not installed here", self._loading, package)


class StandIn:
    """Anything that is not there; using it says so, once the file is loaded."""

    _why: str
    _loading: Loading
    _package: str

    def __init__(self, why: str, loading: Loading, package: str = ""):
        vars(self).update(_why=why, _loading=loading, _package=package)

    def __getattr__(self, word: str) -> "StandIn":
        if word.startswith("__"):
            raise AttributeError(word)
        return self

    def __setattr__(self, word: str, value: Any) -> None:
        """Nothing is kept."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """While the file is loaded: a decorator, a logger; what comes of it is missing too."""
        if not self._loading.on:
            raise self._error()
        if self._package in COMPILERS and len(args) == 1 and callable(args[0]):
            return args[0]
        return self

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        def refuse(cls: type, *args: Any, **options: Any) -> Any:
            raise self._error()

        return (type("Missing", (), {"__new__": refuse}),)

    def _error(self) -> NotThereError:
        return NotThereError(f"needs {self._why}")

    def _refuse(self, *others: Any) -> Any:
        raise self._error()

    __iter__ = __len__ = __getitem__ = __bool__ = __float__ = __enter__ = __array__ = _refuse
    __setitem__ = __contains__ = __index__ = __eq__ = __ne__ = __neg__ = __abs__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = _refuse
    __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __lt__ = __gt__ = _refuse
    __le__ = __ge__ = __mod__ = __floordiv__ = _refuse
    __hash__ = object.__hash__


class Anything:
    """get_ipython(), in notebooks that became Python files: whatever it is asked, it does it."""

    def __getattr__(self, word: str) -> Any:
        return self

    def __call__(self, *args: Any) -> Any:
        return self
