"""See a backward pass: explain it in words, draw it, step through it."""

from .explain import ChainStep, Explanation, explain

__all__ = ["Explanation", "ChainStep", "explain"]
