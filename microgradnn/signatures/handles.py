"""What registering a hook returns: it takes the hook away again."""

from collections.abc import Callable
from typing import Self


class Handle:
    """Removes a hook: handle.remove(), handle(), or at the end of a with block."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self.remove = remove

    def __call__(self) -> None:
        """The same as remove()."""
        self.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
