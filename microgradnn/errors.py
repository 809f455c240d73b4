"""The exceptions under the name that users import: `from microgradnn.errors import ShapeError`."""

from .engine import errors as _errors
from .engine.errors import *  # noqa: F403

for _error in vars(_errors).values():  # what a traceback calls them
    if isinstance(_error, type) and issubclass(_error, _errors.MicrogradError):
        _error.__module__ = __name__
