"""A program made to run: Python compiles the text that a user reads.

Nothing of a user's is executed: the text is made of the table's spellings, of numbers and of
identifiers.
"""

from __future__ import annotations

import contextvars
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.node import Node
from .emit import Text
from .program import StraightProgram

_QUIET = contextvars.Context()
_QUIET.run(np.seterr, all="ignore")


def silently(f: Callable[..., Any], *args: Any) -> Any:
    """f(*args), where NumPy does not warn; np.errstate would take twenty times as long."""
    return _QUIET.copy().run(f, *args)


class Differs(Exception):  # noqa: N818  no error: another program is needed
    """A guard of the program is not what it was in the trace."""


class Executable:
    """A program as a function of the list of its inputs."""

    def __init__(self, program: StraightProgram, language: str) -> None:
        self.program, self.language = program, language
        text = Text(program, language, guards=True)
        self.source, self.names = text.text(), text.arguments()
        namespace: dict[str, Any] = {"np": np, "math": math, "Differs": Differs}
        exec(compile(self.source, f"<program {program.name}>", "exec"), namespace)  # noqa: S102
        self.function = namespace[program.name]
        self.captured = list(program.captured.values())
        self.generators = list(program.generators.values())
        self.single = [
            k for k, v in enumerate(program.inputs) if v.dtype is not None and v.shape == ()
        ]

    def outside(self) -> list[Any]:
        """What the program reads from outside, as it is now."""
        now = [x._data if isinstance(x, Node) else x for x in self.captured]
        return now + [np.random.default_rng() if g is None else g for g in self.generators]

    def step(self, given: list[Any]) -> tuple[Any, list[Any]]:
        """(value, the new numbers) after all arrays were updated in place."""
        states = [(g, g.bit_generator.state) for g in self.generators if g is not None]
        try:
            out = silently(self.function, *given, *self.outside())
        except Exception:  # nothing has happened, then
            for g, state in states:
                g.bit_generator.state = state
            raise
        return (out[0], list(out[1:])) if isinstance(out, tuple) else (out, [])

    def __call__(self, given: list[Any]) -> tuple[Any, list[Any]]:
        """(value, gradients). Raises Differs if the program does not hold for these inputs."""
        for k in self.single:  # a float by which is differentiated
            given[k] = np.asarray(given[k])
        states = [(g, g.bit_generator.state) for g in self.generators if g is not None]
        try:
            out = silently(self.function, *given, *self.outside())
        except Exception:  # nothing has happened, then
            for g, state in states:
                g.bit_generator.state = state
            raise
        n = len(self.program.gradients)
        if not n:
            return out, []
        value, gradients = out
        return value, [gradients] if n == 1 else list(gradients)
