"""Typed exceptions. Each is also the built-in exception a NumPy or PyTorch user would catch."""


class MicrogradError(Exception):
    """Base of every error that microgradnn raises on purpose."""


class ShapeError(MicrogradError, ValueError):
    """Shapes, axes or sizes do not fit together."""


class DTypeError(MicrogradError, TypeError):
    """A number type or dtype cannot be used here (an integer gradient, a string as a number)."""


class GradientError(MicrogradError, RuntimeError):
    """A derivative was asked for that cannot be given (not a scalar, data changed, no graph)."""


class RuleError(MicrogradError, TypeError):
    """An op was called in a way its table entry does not describe, or has no derivative rule."""


class LabelError(MicrogradError, IndexError):
    """A class label lies outside 0 … number of classes - 1."""


class DataError(MicrogradError, ValueError):
    """A data file is missing, truncated, corrupt or not what it claims to be."""


class ConfigError(MicrogradError, ValueError):
    """A setting has a value that is not allowed; the message lists the allowed ones."""


class UndecidedError(MicrogradError, RuntimeError):
    """Two numbers known within bounds (balls) overlap, so that a comparison has no answer."""


class CheckError(MicrogradError, AssertionError):
    """A derivative does not agree with the numerical one."""
