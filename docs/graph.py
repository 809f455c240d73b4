"""Draws docs/graph.svg: the graph of README's first lines, with its numbers.

python docs/graph.py > docs/graph.svg
"""

from microgradnn import Value

WIDTH, HEIGHT = 104, 58
STYLE = (
    "text { font: 14px Menlo, Consolas, monospace; text-anchor: middle; fill: #1f2328 }"
    " .grad { fill: #b3261e } .data { fill: #0b57d0 } rect, circle { fill: #fff; stroke: #57606a }"
    " line { stroke: #57606a; marker-end: url(#tip) } .paper { stroke: none }"
)


def box(name: str, node: Value, x: int, y: int) -> str:
    """A value: its name, its number, and the derivative of o with respect to it."""
    lines = ((name, 16, ""), (f"{node.data:.4g}", 34, "data"), (f"{node.grad:.4g}", 51, "grad"))
    texts = [
        f'<text class="{c}" x="{x + WIDTH // 2}" y="{y + dy}">{t}</text>' for t, dy, c in lines
    ]
    return "".join([f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>', *texts])


def op(sign: str, x: int, y: int) -> str:
    """An operation: a circle with its sign."""
    return f'<circle cx="{x}" cy="{y}" r="20"/><text x="{x}" y="{y + 5}">{sign}</text>'


def arrow(x1: int, y1: int, x2: int, y2: int) -> str:
    """An arrow in the direction of the computation; backward() goes against it."""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def svg() -> str:
    """The drawing, every number of it from the engine."""
    x, w, b = Value(2.0), Value(-3.0), Value(6.88)
    product = x * w
    total = product + b
    o = total.tanh()
    o.backward()
    parts = [
        box("x", x, 8, 8), box("w", w, 8, 82), box("x·w", product, 212, 45),
        box("b", b, 212, 119), box("x·w + b", total, 416, 82), box("o", o, 620, 82),
        op("×", 162, 74), op("+", 366, 111), op("tanh", 570, 111),
        arrow(112, 45, 143, 63), arrow(112, 103, 143, 85), arrow(182, 74, 209, 74),
        arrow(316, 82, 348, 100), arrow(316, 140, 348, 122), arrow(386, 111, 413, 111),
        arrow(520, 111, 547, 111), arrow(590, 111, 617, 111),
        '<text x="366" y="196">blue: the number   red: ∂o/∂ that number</text>',
    ]  # fmt: skip
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 732 206" width="732" height="206">'
        "<title>The graph of o = tanh(x·w + b), with numbers and gradients</title>"
        f'<style>{STYLE}</style><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#57606a"/>'
        '</marker></defs><rect class="paper" width="732" height="206"/>\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


if __name__ == "__main__":
    print(svg())
