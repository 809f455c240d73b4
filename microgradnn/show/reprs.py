"""What notebooks show of a Value, a Tensor, a model, a report, a training run: small HTML.

It has neither scripts nor ids, and its colours follow the reader's light or dark theme.
"""

import html
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..engine.node import Node
from ..engine.walk import order
from . import texts
from .graph_drawing import draw
from .notation import brief, number
from .pictures import curve

ROWS, SMALL = 8, 100  # rows and columns of an array that are shown; boxes of a graph
LARGE = 3000  # nodes of a graph that is not drawn unless it is asked for
FONT = "font:13px/1.5 ui-monospace,Menlo,Consolas,monospace"
BOX = f"{FONT};display:inline-block;border:1px solid #8886;border-radius:6px;padding:4px 10px"


def node_bundle(node: Node, include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a Value or a Tensor is in a notebook: text, HTML, and its graph as SVG."""
    bundle = {"text/plain": repr(node)}
    svg = _graph(node)
    if svg:
        bundle["image/svg+xml"] = svg
    body = svg or (array_table(node) if not node.scalar else "")
    bundle["text/html"] = f'<div style="{FONT}">{html.escape(_head(node))}</div>{body}'
    return bundle


def node_html(node: Node) -> str:
    """The HTML of node_bundle()."""
    return node_bundle(node)["text/html"]


def node_treescope(node: Node, path: Any, render: Any) -> Any:
    """A Value or a Tensor in Treescope: its data, its gradient, and what made it."""
    made = {"name": node.name, "op": node.op.name if node.op else None}
    return treescope(node, {"data": node._data, "grad": node.grad, **made}, path, render)


def treescope(thing: Any, attributes: dict[str, Any], path: Any, render: Any) -> Any:
    """What an object is in Treescope: its class, and attributes to open."""
    lib = import_module("treescope.repr_lib")
    return lib.render_object_constructor(
        object_type=type(thing),
        attributes={k: v for k, v in attributes.items() if v is not None},
        path=path,
        subtree_renderer=render,
        roundtrippable=False,
    )


def module_treescope(module: Any, path: Any, render: Any) -> Any:
    """A model in Treescope: its parameters and the modules inside."""
    own = {k: v for k, v in vars(module).items() if isinstance(v, Node)}
    return treescope(module, {**own, **dict(module.named_children())}, path, render)


def _graph(node: Any) -> str:
    if node.op is None or not node.requires_grad or len(order([node])) > LARGE:
        return ""
    main = vars(sys.modules["__main__"])  # a notebook keeps its variables there
    drawn = draw(node, names=main, limit=SMALL)
    return drawn.svg


def _head(node: Any) -> str:
    name = f"{node.name}: " if node.name else ""
    if node.scalar:
        return f"{name}{number(node._data)}   grad {number(node.grad)}"
    kind = f"{name}tensor {tuple(node.shape)} {node.dtype}"
    grad = "" if node.grad is None else ", grad"
    return f"{kind}{', requires_grad' if node.requires_grad else ''}{grad}"


def array_table(x: Any) -> str:
    """The first numbers of an array as a table, each cell the darker the larger its number."""
    data = np.asarray(x._data if isinstance(x, Node) else x)
    flat = data.reshape(-1, data.shape[-1]) if data.ndim > 1 else np.atleast_2d(data)
    shown = flat[:ROWS, :ROWS]
    if shown.dtype.kind not in "fiub" or not shown.size:
        return f'<pre style="{FONT}">{html.escape(str(data))}</pre>'
    most = float(np.max(np.abs(shown[np.isfinite(shown)]), initial=0.0)) or 1.0
    more = ("<td>…</td>" if flat.shape[1] > ROWS else "") + "</tr>"
    rows = "".join("<tr>" + "".join(_cell(v, float(v) / most) for v in row) + more for row in shown)
    rows += "<tr><td>…</td></tr>" if len(flat) > ROWS else ""
    return f'<table style="{FONT};border-collapse:collapse">{rows}</table>'


def _cell(value: Any, share: float) -> str:
    colour = "11,87,208" if share >= 0 else "179,38,30"
    strength = min(abs(share), 1.0) * 0.4 if np.isfinite(share) else 0.0
    style = f"padding:2px 8px;text-align:right;background:rgba({colour},{strength:.2f})"
    return f'<td style="{style}">{brief(value)}</td>'


def module_html(module: Any) -> str:
    """A model as a tree to open: each module, its class and how many numbers it trains."""
    return f'<div style="{BOX}">{_module(module, "")}</div>'


def _module(module: Any, name: str) -> str:
    own: list[Any] = [(k, v) for k, v in vars(module).items() if isinstance(v, Node)]
    inside = list(module.named_children())
    count = f"{sum(p.size for p in module.parameters()):,}".replace(",", " ")
    title = html.escape(f"{name} {type(module).__name__}".strip())
    lang = texts.language()
    head = f"{title} <small>{texts.say('repr.parameters', lang, n=count)}</small>"
    if not own and not inside:
        return f"<div>{head}</div>"
    rows = "".join(
        f"<div style='padding-left:1.5em'>{html.escape(k)} {tuple(v.shape)} {v.dtype}</div>"
        for k, v in own
    )
    rows += "".join(
        f"<div style='padding-left:1.5em'>{_module(child, k)}</div>" for k, child in inside
    )
    return f"<details{' open' if not name else ''}><summary>{head}</summary>{rows}</details>"


def report_html(text: str, good: bool) -> str:
    """A report of the checker: its text, with a bar in the colour of its verdict."""
    colour = "#1a7f37" if good else "#cf222e"
    style = f"{FONT};border-left:5px solid {colour};padding:4px 12px;white-space:pre-wrap"
    return f'<pre style="{style}">{html.escape(text)}</pre>'


def history_html(epochs: list[int], figures: Mapping[str, list[float]], text: str) -> str:
    """A training run: a small curve for each figure, with its last number."""
    drawn = "".join(
        f'<div style="display:inline-block;margin:4px 12px 4px 0">{html.escape(name)} '
        f"{brief(float(values[-1]))}<br>{curve(epochs, values)}</div>"
        for name, values in figures.items()
        if values
    )
    return f'<div style="{FONT}">{drawn or html.escape(text)}</div>'
