"""See a backward pass: explain it in words, draw it, step through it."""

from .by_element import scalars
from .costs import Cost, cost
from .explain import ChainStep, Explanation, explain
from .graph_drawing import Drawing, draw
from .reprs import node_bundle, node_html, node_treescope
from .step_page import StepPage, steps
from .teaching import TeachingWarning, teach

__all__ = [
    "ChainStep", "Cost", "Drawing", "Explanation", "StepPage", "TeachingWarning", "cost", "draw",
    "explain", "node_bundle", "node_html", "node_treescope", "scalars", "steps", "teach",
]  # fmt: skip
