"""The parts of a drawing as SVG and as DOT, and PNG where a converter is installed."""

import html
import math
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import MissingPackageError
from .boxes import Box, Line
from .clusters import Group, Tree

TIP = 7.0


def frame(group: Group, title: str) -> str:
    """The frame of a neuron, a layer or a model."""
    w, h = group.size
    said = html.escape(title)
    return (
        f'<rect class="group" x="{group.x:.1f}" y="{group.y:.1f}" width="{w:.1f}" '
        f'height="{h:.1f}" rx="8"/><text class="title" x="{group.x + 8:.1f}" '
        f'y="{group.y + 14:.1f}">{said}</text>'
    )


def box(b: Box, corner: tuple[float, float]) -> str:
    """A node: the sign of its op, its name, its number, the derivative by it."""
    (x, y), (w, h) = corner, b.size
    left = x + b.pill
    middle = (left + x + w) / 2
    lines = [(b.name, "name"), (b.data, "data"), (b.grad, "grad")]
    lines = [line for line in lines if line[0]]
    step = h / (len(lines) + 0.5)
    mark = f' data-n="{b.key}"' if b.key else ""
    out = [f"<g{mark}><title>{html.escape(b.full)}</title>"]
    if b.op:
        out.append(
            f'<rect class="op" x="{x:.1f}" y="{y + h / 2 - 13:.1f}" width="{b.pill:.1f}" '
            f'height="26" rx="13"/><text x="{x + b.pill / 2:.1f}" y="{y + h / 2 + 4:.1f}">'
            f"{html.escape(b.op)}</text>"
        )
    out.append(
        f'<rect class="box" x="{left:.1f}" y="{y:.1f}" width="{x + w - left:.1f}" '
        f'height="{h:.1f}" rx="6"/>'
    )
    for i, (said, kind) in enumerate(lines):
        out.append(
            f'<text class="{kind}" x="{middle:.1f}" y="{y + step * (i + 0.75) + 4:.1f}">'
            f"{html.escape(said)}</text>"
        )
    return "".join([*out, "</g>"])


def arrow(line: Line, tree: Tree) -> str:
    """An arrow in the direction of the computation; backward() goes against it."""
    (x0, y0), (w0, h0) = tree.corner(line.start), line.start.size
    (x1, y1), (_, h1) = tree.corner(line.end), line.end.size
    x, y = x0 + w0, y0 + h0 / 2
    room = 20.0 if line.end.op else h1 - 16
    at = y1 + h1 / 2 + (line.place - (line.of - 1) / 2) * min(12.0, room / max(line.of - 1, 1))
    path = f"M{x:.1f} {y:.1f}"
    for left, right, height in [*tree.between(line.start, line.end), (x1 - TIP, x1 - TIP, at)]:
        mid = (x + left) / 2
        path += f"C{mid:.1f} {y:.1f} {mid:.1f} {height:.1f} {left:.1f} {height:.1f}"
        path += f"H{right:.1f}" if right != left else ""
        x, y = right, height
    lit = line.weight is not None and line.weight > 0
    wide = 1.2 if not lit else 1.2 + 1.8 * (line.weight or 0.0)
    faint = f' stroke-opacity="{0.35 + 0.65 * (line.weight or 0.0):.2f}"' if lit else ""
    closed = ' stroke-dasharray="2 4"' if line.weight == 0 else ""
    tip = f"M{x1:.1f} {at:.1f}l-{TIP} -3.5v7z"
    said = f"<title>{html.escape(line.said)}</title>" if line.said else ""
    mark = f' data-e="{line.key}"' if line.key else ""
    return (
        f'<g{mark}>{said}<path class="edge{" lit" if lit else ""}" stroke-width="{wide:.1f}"{faint}'
        f'{closed} d="{path}"/><path class="tip" d="{tip}"/></g>'
    )


# ---- DOT ----------------------------------------------------------------------------------------


def dot(boxes: Sequence[Box], lines: Sequence[Line], root: Group) -> str:
    """The graph for Graphviz, with its groups as clusters."""
    number = {b: i for i, b in enumerate(boxes)}
    out = ["digraph {", "  rankdir=LR; node [shape=record, fontname=monospace];"]
    out += _dot_group(root, number, "  ")
    for line in lines:
        out.append(f"  n{number[line.start]} -> n{number[line.end]}:i{line.place};")
    return "\n".join([*out, "}"]) + "\n"


def _dot_group(group: Group, number: dict[Any, int], indent: str) -> list[str]:
    out = []
    for item in group.inside:
        if isinstance(item, Group):
            name = _quoted(item.name)
            out.append(f'{indent}subgraph "cluster_{name}" {{ label="{name}";')
            out += [*_dot_group(item, number, indent + "  "), f"{indent}}}"]
        else:
            fields = [item.name, item.data, item.grad]
            said = " | ".join(_record(t) for t in fields if t)
            if item.op:
                ports = len([p for p in item.nodes[0].parents])
                ins = "|".join(f"<i{i}>" for i in range(ports))
                said = f"{{{ins}}} | {_record(item.op)} | {said}"
            else:
                said = f"<i0> {said}"
            out.append(f'{indent}n{number[item]} [label="{said}"];')
    return out


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _record(text: str) -> str:
    """Text inside of a record, whose signs have a meaning there."""
    return "".join("\\" + c if c in '\\"{}|<> ' else c for c in text)


# ---- PNG ----------------------------------------------------------------------------------------


def png(svg: str) -> bytes:
    """The picture as PNG, made by rsvg-convert, Inkscape or Chromium, whichever is found first.

    Raises MissingPackageError if none is.
    """
    for name, command in _CONVERTERS.items():
        program = shutil.which(name)
        if program:
            with tempfile.TemporaryDirectory() as folder:
                source, target = Path(folder, "graph.svg"), Path(folder, "graph.png")
                source.write_text(svg, encoding="utf-8")
                done = subprocess.run(
                    [program, *command(source, target, _size(svg))],
                    capture_output=True,
                    timeout=60,
                    check=False,
                )
                if done.returncode == 0 and target.exists():
                    return target.read_bytes()
    raise MissingPackageError(
        "save: a PNG needs rsvg-convert, inkscape or chromium, and none of them works here; save "
        "the picture as .svg, or install one: apt install librsvg2-bin"
    )


def _size(svg: str) -> str:
    width, height = (
        svg.partition(f' {side}="')[2].partition('"')[0] for side in ("width", "height")
    )
    return f"{width},{height}"


def _chromium(source: Path, target: Path, size: str) -> list[str]:
    flags = ["--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars"]
    return [*flags, f"--window-size={size}", f"--screenshot={target}", source.as_uri()]


_CONVERTERS: dict[str, Any] = {
    "rsvg-convert": lambda source, target, size: ["-o", str(target), str(source)],
    "inkscape": lambda source, target, size: ["-o", str(target), str(source)],
    "chromium": _chromium,
    "google-chrome": _chromium,
}


# ---- curves -------------------------------------------------------------------------------------


def curve(xs: Sequence[float], ys: Sequence[float], width: int = 200, height: int = 60) -> str:
    """A small curve as SVG, in the colour of the text around it; it breaks where ys has nan."""
    good = [y for y in ys if math.isfinite(y)]
    low, high = min(good, default=0.0), max(good, default=1.0)
    tall, wide = (high - low) or 1.0, (max(xs) - min(xs)) or 1.0
    path, pen = "", "M"
    for x, y in zip(xs, ys, strict=True):
        if not math.isfinite(y):
            pen = "M"
            continue
        right = 3 + (x - min(xs)) / wide * (width - 6)
        path += f"{pen}{right:.1f} {height - 3 - (y - low) / tall * (height - 6):.1f}"
        pen = "L"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'aria-label="{low:.4g} … {high:.4g}"><path d="{path}" fill="none" stroke="currentColor" '
        f'stroke-width="1.5"/></svg>'
    )
