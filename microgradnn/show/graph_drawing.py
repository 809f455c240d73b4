"""draw(L): the graph of a result as SVG, with its numbers, its gradients and what flows in it."""

import html
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomically
from ..engine.node import Node
from ..errors import ConfigError, GradientError
from . import pictures, texts
from .backprop import BackwardPass, backward, forward_only
from .boxes import LETTER, ROOM
from .clusters import Group
from .folding import arranged

LIMIT = 300  # boxes; a larger graph is folded
EDGE = 12.0  # around the picture
STYLE = """
.mg-graph text{font:12px ui-monospace,Menlo,Consolas,monospace;text-anchor:middle;fill:#1f2328}
.mg-graph .name{font-weight:600}.mg-graph .data{fill:#0b57d0}.mg-graph .grad{fill:#b3261e}
.mg-graph .box,.mg-graph .op{fill:#fff;stroke:#57606a}.mg-graph .paper{fill:#fff}
.mg-graph .group{fill:#57606a;fill-opacity:.06;stroke:#8c959f;stroke-dasharray:3 3}
.mg-graph .title{text-anchor:start;font-size:11px;fill:#57606a}
.mg-graph .edge{fill:none;stroke:#57606a}.mg-graph .lit{stroke:#b3261e}
.mg-graph .tip{fill:#57606a}.mg-graph .note{text-anchor:start;fill:#57606a}
@media (prefers-color-scheme:dark){
.mg-graph text{fill:#e6edf3}.mg-graph .data{fill:#79b8ff}.mg-graph .grad{fill:#ff9b94}
.mg-graph .box,.mg-graph .op{fill:#161b22;stroke:#8b949e}.mg-graph .paper{fill:#0d1117}
.mg-graph .title,.mg-graph .note{fill:#9ea7b3}.mg-graph .edge{stroke:#8b949e}
.mg-graph .lit{stroke:#ff9b94}.mg-graph .tip{fill:#8b949e}}
""".replace("\n", "")


class Drawing:
    """What draw() returns: `.svg`, `.save(path)`, `.to_dot()`; notebooks show it."""

    def __init__(
        self, done: BackwardPass, focus: Any, limit: int, lang: str, room: float = ROOM
    ) -> None:
        self.lang, self._pass = lang, done
        self.boxes, self.lines, self._tree, self.notes = arranged(done, focus, limit, lang, room)
        self.svg = _svg(self)

    def __repr__(self) -> str:
        return f"Drawing({len(self.boxes)} boxes, {len(self.lines)} arrows)"

    def _repr_svg_(self) -> str:
        return self.svg

    @property
    def width(self) -> int:
        """How wide the picture is, in pixels."""
        return round(_width(self))

    def to_dot(self) -> str:
        """The graph in the language of Graphviz."""
        return pictures.dot(self.boxes, self.lines, self._tree.root)

    def save(self, path: str | PathLike[str]) -> Path:
        """The path, after the picture was written to it: .svg, .dot, or .png with a converter.

        Raises ConfigError for other names, MissingPackageError if nothing here makes a PNG.
        """
        kind = Path(path).suffix.lower()
        if kind == ".svg":
            return write_atomically(path, self.svg)
        if kind in (".dot", ".gv"):
            return write_atomically(path, self.to_dot())
        if kind == ".png":
            return write_atomically(path, pictures.png(self.svg))
        raise ConfigError(
            f"save: got {str(path)!r}, expected a name that ends in .svg, .png or .dot"
        )


def draw(
    y: Any,
    *,
    gradient: Any = None,
    focus: Any = None,
    limit: int = LIMIT,
    lang: str | None = None,
    names: Mapping[str, Any] | None = None,
) -> Drawing:
    """A Drawing of the graph behind y: in a notebook it is shown, `.save("graph.svg")` writes it.

    Each box has the number of a node and the derivative of y by it; arrows go in the direction of
    the computation, and are the redder the more flows back. `focus` is a node: only what lies
    between y and it is drawn, with direct inputs. A graph of more than `limit` nodes is folded into
    its models and layers, and says so. names: variables as {"w": w}; without them the caller's.
    Raises GradientError if y depends on nothing that requires grad.
    """
    scalar = isinstance(y, Node) and (gradient is not None or np.size(y._data) == 1)
    passed = backward if scalar or not isinstance(y, Node) else forward_only
    done = passed(y, None, gradient, names, "draw")
    if focus is not None and focus not in set(done.nodes):
        raise GradientError("draw: focus= is no node of this graph")
    return Drawing(done, focus, limit, texts.language(lang))


# ---- SVG ----------------------------------------------------------------------------------------


def _svg(d: Drawing) -> str:
    tree, done = d._tree, d._pass
    root = done.names[done.output]
    legend = _legend(d)
    notes = [legend, *d.notes]
    width = _width(d)
    height = tree.root.placed.height + 2 * EDGE + 20 * len(notes)
    title = texts.say("draw.title", d.lang, root=root)
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mg-graph" role="img" {size}>',
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        f'<g transform="translate({EDGE:.0f} {EDGE:.0f})">',
        *(pictures.frame(g, _heading(d, g)) for g in tree.root.groups()),
        *(pictures.arrow(line, tree) for line in d.lines),
        *(pictures.box(b, tree.corner(b)) for b in d.boxes),
        "</g>",
    ]
    for i, note in enumerate(reversed(notes)):
        y = height - EDGE + 4 - 20 * i
        kind = "note" if i < len(d.notes) else "note legend"
        parts.append(f'<text class="{kind}" x="{EDGE:.0f}" y="{y:.0f}">{html.escape(note)}</text>')
    return "\n".join([*parts, "</svg>"])


def _legend(d: Drawing) -> str:
    root = d._pass.names[d._pass.output]
    return texts.say("draw.legend" if d._pass.totals else "draw.legend_plain", d.lang, root=root)


def _width(d: Drawing) -> float:
    longest = max(map(len, [_legend(d), *d.notes]))
    return max(d._tree.root.placed.width, longest * LETTER) + 2 * EDGE


def _heading(d: Drawing, group: Group) -> str:
    """The name of a group inside of the one around, and its class: "neurons[0] Neuron"."""
    around = [g.name for g in d._tree.root.groups() if group in g.inside]
    short = group.name[len(around[0]) :].lstrip(".") if around else group.name
    return f"{short} {d._pass.names.kinds.get(group.name, '')}".strip()
