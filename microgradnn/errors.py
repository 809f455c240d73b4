"""The exceptions under the name that users import: `from microgradnn.errors import ShapeError`."""

from .engine.errors import *  # noqa: F403
