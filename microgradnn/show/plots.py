"""plot(history): the curves of a training run as SVG, in one line of code."""

import html
import math
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..atomic import write_atomically
from ..errors import ConfigError
from . import pictures, texts

COLOURS = ("#0b57d0", "#b3261e", "#1a7f37", "#8250df", "#9a6700", "#57606a")
WIDTH, HEIGHT, LEFT, BOTTOM, ROW = 420, 240, 62, 34, 18
STYLE = (
    ".mg-plot text{font:12px system-ui,sans-serif;fill:#1f2328}.mg-plot .paper{fill:#fff}"
    ".mg-plot .axis{stroke:#8c959f;fill:none}.mg-plot .grid{stroke:#8c959f;stroke-opacity:.25}"
    "@media (prefers-color-scheme:dark){.mg-plot text{fill:#e6edf3}.mg-plot .paper{fill:#0d1117}}"
)


class Plot:
    """What plot() returns: `.svg`, `.save("loss.svg")` or .png; notebooks show it."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def __repr__(self) -> str:
        return f"Plot({len(self.svg)} characters of SVG)"

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | PathLike[str]) -> Path:
        """The path, after the picture was written: .svg, or .png where a converter is installed."""
        kind = Path(path).suffix.lower()
        if kind not in (".svg", ".png"):
            raise ConfigError(f"save: got {str(path)!r}, expected a name that ends in .svg or .png")
        return write_atomically(path, self.svg if kind == ".svg" else pictures.png(self.svg))


def plot(history: Any, *, log: bool = False, lang: str | None = None) -> Plot:
    """The curves of what fit() returned, or of {"loss": numbers}, or of several runs by name.

    A figure and its "val_" twin share a panel; so do the same figures of several runs, given as
    {"SGD": history, "Adam": history}. With `log` the vertical axis is logarithmic, where all
    numbers are positive. Raises ConfigError if there is nothing to draw.
    """
    panels = _panels(history)
    if not panels:
        raise ConfigError(
            "plot: there are no numbers; give what fit() returned, or {'loss': [...]}"
        )
    said = texts.say("plot.epoch", texts.language(lang))
    width = WIDTH * len(panels)
    body = "".join(
        f'<g transform="translate({i * WIDTH} 0)">{_panel(name, curves, log, said)}</g>'
        for i, (name, curves) in enumerate(panels.items())
    )
    height = HEIGHT + ROW * max(map(len, panels.values()))
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return Plot(
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mg-plot" role="img" {size}>'
        f"<title>{html.escape(', '.join(panels))}</title><style>{STYLE}</style>"
        f'<rect class="paper" width="{width}" height="{height}"/>{body}</svg>'
    )


Curves = dict[str, tuple[list[float], list[float]]]  # (epochs, numbers) by name


def _panels(history: Any) -> dict[str, Curves]:
    """The curves of each panel."""
    found: dict[str, Curves] = {}
    for run, (epochs, figures) in _runs(history).items():
        for name, values in figures.items():
            numbers = [float(v) for v in values]
            if numbers:
                own = f"{run} {name}".strip()
                xs = epochs if len(epochs) == len(numbers) else list(range(1, len(numbers) + 1))
                found.setdefault(name.removeprefix("val_"), {})[own] = (
                    [float(x) for x in xs],
                    numbers,
                )
    return found


def _runs(history: Any) -> dict[str, tuple[list[float], Mapping[str, Sequence[float]]]]:
    if hasattr(history, "history"):
        return {"": ([e + 1 for e in history.epoch], history.history)}
    if isinstance(history, Mapping) and history:
        if all(hasattr(v, "history") for v in history.values()):
            return {str(k): ([e + 1 for e in v.epoch], v.history) for k, v in history.items()}
        return {"": ([], history)}
    if isinstance(history, Sequence) and not isinstance(history, str) and history:
        return {"": ([], {"loss": history})}
    return {}


def _panel(name: str, curves: Curves, log: bool, epoch: str) -> str:
    ys = [y for _, numbers in curves.values() for y in numbers if math.isfinite(y)]
    xs = [x for epochs, _ in curves.values() for x in epochs]
    title = f'<text x="{LEFT}" y="18" font-weight="600">{html.escape(name)}</text>'
    if not ys:
        return title + f'<text x="{LEFT}" y="60">nan</text>'
    scale = math.log10 if log and min(ys) > 0 else float
    low, high = scale(min(ys)), scale(max(ys))
    ticks = nice_ticks(low, high) if scale is float else _decades(low, high)
    low, high = min(low, scale(ticks[0])), max(high, scale(ticks[-1]))
    right, foot, start = WIDTH - 14, HEIGHT - BOTTOM, min(xs)
    wide, tall = (max(xs) - start) or 1.0, (high - low) or 1.0

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - start) / wide * (right - LEFT)
        return across, foot - (scale(y) - low) / tall * (foot - 40)

    parts = [title]
    for tick in ticks:
        y = at(start, tick)[1]
        said = f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>{said}')
    end = f"{html.escape(epoch)} {max(xs):g}"
    parts.append(
        f'<path class="axis" d="M{LEFT} 36V{foot}H{right}"/><text x="{LEFT}" y="{foot + 16}">'
        f'{start:g}</text><text x="{right}" y="{foot + 16}" text-anchor="end">{end}</text>'
    )
    for i, (own, curve) in enumerate(curves.items()):
        parts.append(_curve(own, i, *curve, at))
    return "".join(parts)


def _curve(
    own: str, i: int, epochs: list[float], numbers: list[float], at: Callable[..., Any]
) -> str:
    """One curve, with its line in the legend below; it breaks where there is nan."""
    dash = ' stroke-dasharray="5 3"' * own.rpartition(" ")[2].startswith("val_")
    stroke = f'stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="2"{dash}'
    path, pen = "", "M"
    for x, y in zip(epochs, numbers, strict=True):
        good = math.isfinite(y)
        if good:
            path += "{}{:.1f} {:.1f}".format(pen, *at(x, y))
        pen = "L" if good else "M"
    return (
        f'<path d="{path}" fill="none" {stroke}/><path d="M{LEFT} {HEIGHT + ROW * i}h22" {stroke}/>'
        f'<text x="{LEFT + 28}" y="{HEIGHT + 4 + ROW * i}">{html.escape(own)} '
        f"{numbers[-1]:.4g}</text>"
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers, three to six, from at most low to at least high."""
    step = 10.0 ** math.floor(math.log10((high - low) / 3 or abs(high) or 1.0))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= 4.5)
    start, n = math.floor(low / step), 1
    while (start + n) * step < high - 1e-9 * step:
        n += 1
    return [(start + i) * step for i in range(n + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(low), math.ceil(high)
    return [10.0**e for e in range(first, max(last, first + 1) + 1)]
