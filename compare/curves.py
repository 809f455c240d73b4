"""Curves as inline SVG: one line for each framework, a logarithmic axis, nothing to load."""

import math
from collections.abc import Mapping, Sequence
from html import escape

Curve = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 440, 190, 52, 24, 10


def drawn(
    title: str,
    curves: Mapping[str, Curve],
    classes: Mapping[str, str],
    floor: float,
    sizes: bool = False,
) -> str:
    """A figure; values at or below `floor`, which have no logarithm worth drawing, lie on it.

    Across stand steps, or with `sizes` sizes, on a logarithmic axis too.
    """
    curves = {  # what is no number is a text in a report
        name: [(x, y) for x, y in curve if not isinstance(y, str) and math.isfinite(y)]
        for name, curve in curves.items()
    }
    points = [p for curve in curves.values() for p in curve]
    if not points:
        return ""
    axes = _Axes(points, floor, sizes)
    lines = [
        f'<polyline class="line {classes[name]}" points="{" ".join(axes.at(*p) for p in curve)}">'
        f"<title>{escape(name)}</title></polyline>"
        for name, curve in curves.items()
        if curve
    ]
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(title)}">{axes.drawn()}{"".join(lines)}</svg></figure>'
    )


class _Axes:
    """Where a point lies."""

    def __init__(self, points: Sequence[tuple[float, float]], floor: float, sizes: bool) -> None:
        self.floor, self.sizes = floor, sizes
        self.last = max(x for x, _ in points) or 1
        self.first = min(x for x, _ in points) if sizes else 0.0
        logs = [math.log10(max(y, floor)) for _, y in points]
        self.low, high = math.floor(min(logs)), math.ceil(max(logs))
        self.high = max(high, self.low + 1)

    def at(self, x: float, y: float) -> str:
        share = (math.log10(max(y, self.floor)) - self.low) / (self.high - self.low)
        part = x / self.last
        if self.sizes:
            part = math.log(x / self.first) / (math.log(self.last / self.first) or 1)
        across = LEFT + part * (WIDTH - LEFT - 8)
        return f"{across:.1f},{HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP):.1f}"

    def drawn(self) -> str:
        ends = ("0", f"step {self.last:g}")
        if self.sizes:
            ends = (f"{self.first:g}", f"{self.last:g}")
        return _axes(self.low, self.high, ends)


def _axes(low: int, high: int, ends: tuple[str, str]) -> str:
    parts = []
    every = max(1, math.ceil((high - low) / 5))
    for power in range(low, high + 1, every):
        y = HEIGHT - BOTTOM - (power - low) / (high - low) * (HEIGHT - BOTTOM - TOP)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - 8}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="right">{_power(power)}</text>')
    for x, said in zip((0.0, 1.0), ends, strict=True):
        place = LEFT + x * (WIDTH - LEFT - 8)
        side = "right" if x else "left"
        parts.append(f'<text x="{place:.0f}" y="{HEIGHT - 6}" class="{side}">{said}</text>')
    return "".join(parts)


def _power(n: int) -> str:
    return f"{10.0**n:g}" if -3 <= n <= 4 else f"1e{n}"
