"""See a backward pass: explain it in words, draw it, step through it."""

from .explain import ChainStep, Explanation, explain
from .graph_drawing import Drawing, draw
from .reprs import node_bundle, node_html, node_treescope

__all__ = [
    "ChainStep", "Drawing", "Explanation", "draw", "explain", "node_bundle", "node_html",
    "node_treescope",
]  # fmt: skip
