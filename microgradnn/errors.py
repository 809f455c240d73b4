"""Typed exceptions. Each is also the built-in exception a NumPy or PyTorch user would catch."""

from collections.abc import Iterable


class MicrogradError(Exception):
    """Base of every error that microgradnn raises on purpose."""


class ShapeError(MicrogradError, ValueError):
    """Shapes, axes or sizes do not fit together."""


class DTypeError(MicrogradError, TypeError):
    """A number type or dtype cannot be used here (an integer gradient, a string as a number)."""


class ForeignError(DTypeError):
    """An array of another library came, which has rules of its own for what is done with it."""


class GradientError(MicrogradError, RuntimeError):
    """A derivative was asked for that cannot be given (not a scalar, data changed, no graph)."""


class RuleError(MicrogradError, TypeError):
    """An op was called in a way its table entry does not describe, or has no derivative rule."""


class TraceError(MicrogradError, RuntimeError):
    """A function cannot be compiled: what it does depends on numbers, or differs in each run."""


class OtherwiseError(TraceError):
    """With these numbers a function cannot be compiled; with others it can."""


class LabelError(MicrogradError, IndexError):
    """A class label lies outside 0 … number of classes - 1."""


class DataError(MicrogradError, ValueError):
    """A data file is missing, truncated, corrupt or not what it claims to be."""


class CheckpointError(DataError):
    """A checkpoint is missing, cut off, damaged, foreign, or of another model."""


class ConfigError(MicrogradError, ValueError):
    """A setting has a value that is not allowed; the message lists the allowed ones."""


class MissingPackageError(MicrogradError, ImportError):
    """A feature needs a package that is not installed; the message says how to install it."""


class UndecidedError(MicrogradError, RuntimeError):
    """Two numbers known within bounds (balls) overlap, so that a comparison has no answer."""


class CheckError(MicrogradError, AssertionError):
    """A derivative does not agree with the numerical one."""


class MicrogradWarning(UserWarning):
    """Base of every warning that microgradnn gives; it points at the line of the user's program."""


class NumericWarning(MicrogradWarning, RuntimeWarning):
    """A number became infinite or nan, where NumPy would warn too."""


def _similar(name: str, known: list[str], least: float) -> list[str]:
    """The known name that is most like this one, if any is."""
    import difflib  # only mistakes need it, and it takes as long to import as five of our files

    return difflib.get_close_matches(name, known, 1, least)


def nearest(name: str, names: Iterable[str], form: str = "; did you mean {!r}?") -> str:
    """The hint with that of the names that is most like this one; "" if none is."""
    found = _similar(str(name), list(names), 0.6)
    return form.format(found[0]) if found else ""


RAW = (
    TypeError, ValueError, AttributeError, LookupError, ZeroDivisionError, OverflowError,
    RecursionError, MemoryError, AssertionError, UnboundLocalError,
)  # fmt: skip
"""What Python and NumPy raise in the depths when an argument does not fit."""


def unknown(caller: str, kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is none of the known ones: it says which is nearest."""
    known = list(known)
    near = _similar(str(name).lower(), known, 0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
    return ConfigError(f"{caller}: no {kind} is called {name!r}; {hint}")
