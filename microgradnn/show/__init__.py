"""See a backward pass: explain it in words, draw it, step through it."""

from .by_element import scalars
from .costs import Cost, cost
from .explain import ChainStep, Explanation, explain
from .film import Film
from .graph_drawing import Drawing, draw
from .plots import Plot, plot
from .reprs import node_bundle, node_html, node_treescope
from .step_page import StepPage, steps
from .teaching import TeachingWarning, teach
from .two_runs import TwoRuns, diff

__all__ = [
    "ChainStep", "Cost", "TwoRuns", "Drawing", "Explanation", "Film", "Plot", "StepPage",
    "TeachingWarning", "cost", "diff", "draw", "explain", "node_bundle", "node_html",
    "node_treescope", "plot", "scalars", "steps", "teach",
]  # fmt: skip
