"""Exercises that grade themselves and say what is wrong: `python -m microgradnn exercise`.

check(function) grades a function that was just written, in a notebook or at the prompt.
"""

from .notebook import Graded, check

__all__ = ["Graded", "check"]
