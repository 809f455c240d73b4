"""What compiled functions and training steps share: the text of their programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import TraceError
from .emit import emit
from .executable import Executable
from .program import StraightProgram

VARIANTS = 32  # programs that one function keeps; the one that was not used for longest goes


class Printed:
    """What has a program that ran last, and its text."""

    _last: Any = None

    @property
    def program(self) -> StraightProgram:
        """The program that ran last. Raises TraceError before the first call."""
        if self._last is None:
            raise TraceError(
                "compile: no program yet; call the function once, or use .trace(*args)"
            )
        return self._last.program

    @property
    def source(self) -> str:
        """The text of the program that ran last; it runs alone, with NumPy."""
        return self.source_in(self._language())

    def source_in(self, language: str, *, keep: bool = False) -> str:
        """The same program in "numpy", "python", "js" or "c"; the last three of single numbers."""
        return emit(self.program.printed(), language, keep)

    @property
    def plan(self) -> list[str]:
        """Where the program computes in another order than the function, with a bound: nowhere."""
        return list(self.program.plan)

    def _executable(self) -> Executable:
        assert self._last is not None
        return self._last.executable

    def _language(self) -> str:
        return self._executable().language if self._last else "numpy"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """The path, after the text was written there, in one step; .js and .c choose the language.

        Raises OSError; then the file that was there is still there.
        """
        language = {".js": "js", ".c": "c"}.get(Path(path).suffix, "")
        return self.write(path, self.source_in(language) if language else self.source)

    @staticmethod
    def write(path: str | os.PathLike[str], text: str) -> Path:
        """The path, after a text was written there."""
        return write_atomically(path, text)
