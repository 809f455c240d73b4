"""The page of diff(): where two runs differ, in the picture of the first and in two tables."""

import html
import math
from pathlib import Path
from typing import Any

from . import texts
from .backprop import BackwardPass
from .graph_drawing import LIMIT, Drawing

ROOM = Path(__file__).parent / "page"
PAGE = (
    '<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'\">"
    '<link rel="icon" href="data:,"><title>{title}</title><style>{css}</style></head>'
    "<body>{body}</body></html>\n"
)
FAINTEST = 12  # powers of ten below the largest difference


def page(d: Any, one: BackwardPass) -> str:
    """The text of the page."""
    head, *rest = map(html.escape, d.sentences())
    body = f"<h1>{head}</h1>" + "".join(
        f"<p{' class=first' if i == 0 and d else ''}>{line}</p>" for i, line in enumerate(rest)
    )
    if d:
        body += _picture(d, one)
        body += f"<p><small>{html.escape(texts.say('diff.legend', d.lang))}</small></p>"
    for what in ("numbers", "gradients"):
        body += _table(d, what)
    css = "".join((ROOM / n).read_text(encoding="utf-8") for n in ("steps.css", "diff.css"))
    return PAGE.format(lang=d.lang, title=head, css=css, body=f"<main>{body}</main>")


def _share(relative: float, most: float) -> float:
    """0 to 1, by powers of ten: 1 for the largest difference."""
    if not math.isfinite(relative):
        return 1.0
    if relative <= 0 or most <= 0:
        return 0.0
    return max(0.05, 1 + math.log10(relative / most) / FAINTEST)


def _most(found: Any) -> float:
    return max((f.relative for f in found if math.isfinite(f.relative)), default=1.0)


def _picture(d: Any, one: BackwardPass) -> str:
    """The graph; the boxes of numbers that differ are filled, the first one has a thick edge."""
    place = {n: i for i, n in enumerate(reversed(one.nodes))}
    most = _most(d.numbers)
    rules = []
    for f in d.numbers:
        if f.cause != "constant":
            fill = f"fill:#b3261e;fill-opacity:{0.08 + 0.5 * _share(f.relative, most):.2f}"
            rules.append(f'#picture [data-n="{place[f.node]}"] .box{{{fill}}}')
    if d.first is not None:
        edge = "stroke:#b3261e;stroke-width:3.5"
        rules.append(f'#picture [data-n="{place[d.first.node]}"] .box{{{edge}}}')
    drawn = Drawing(one, None, LIMIT, d.lang)
    return (
        f"<style>{''.join(rules)}</style>"
        f'<div id="picture" tabindex="0" style="--w:{drawn.width}px">{drawn.svg}</div>'
    )


def _table(d: Any, what: str) -> str:
    rows = d.rows(what)
    if not rows:
        return ""
    found = d.numbers if what == "numbers" else d.gradients
    columns = [c for c in rows[0] if any(r[c] for r in rows)]
    heads = [texts.say(f"diff.{what if c == 'number' else c}", d.lang) for c in columns]
    most = _most(found)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(row[c])}</td>" for c in columns)
        + f'<td><i style="width:{100 * _share(f.relative, most):.0f}%"></i></td></tr>'
        for row, f in zip(rows, found, strict=True)
    )  # fmt: skip
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads) + "<th></th>"
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
