"""The grades of a class as a table: CSV for spreadsheets, HTML for reading."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from html import escape

from ..printable import clean
from .marks import STATUS, Grade, Mark, number
from .worth import Points


def sheet(grades: Sequence[Grade], points: Points) -> str:
    """CSV: a line for each submission; the score, what there was, and two columns a function."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    columns = [word for name in points.worth for word in (name, f"{name} status")]
    lines.writerow([_cell(w) for w in ("submission", "score", "of", "percent", *columns, "errors")])
    for g in grades:
        marks = [word for m in g.marks for word in (number(m.score), m.status)]
        percent = number(round(100 * g.score / points.total, 2))
        head = [_cell(g.submission), number(g.score), number(points.total), percent]
        lines.writerow([*head, *marks, _cell("; ".join(g.errors))])
    return out.getvalue()


def _cell(text: str) -> str:
    """The text, which no spreadsheet takes for a formula."""
    plain = clean(text).replace("\n", " ").replace("\t", " ")
    return f"'{plain}" if plain.lstrip()[:1] in tuple("=+-@") else plain


# ---- HTML ----------------------------------------------------------------------------------------

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em;
  color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0 }
th, td { padding: .25em .7em; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right }
.right { background: #e2f3e2 }
.wrong { background: #fbe1df }
.unclear { background: #fdf3cf }
.not_written, .missing, .not_readable { background: #eee }
pre { white-space: pre-wrap; font-size: 13px; max-width: 60em; margin: .3em 0 }
summary { cursor: pointer }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd }
  th, td { border-color: #444 }
  .right { background: #1f3d23 }
  .wrong { background: #4d2321 }
  .unclear { background: #4a3f14 }
  .not_written, .missing, .not_readable { background: #333 }
}
"""


def page(grades: Sequence[Grade], points: Points, title: str, left: int = 0) -> str:
    """One HTML page with no scripts and nothing from elsewhere; all texts are escaped.

    `left` is how many submissions have not been graded yet.
    """
    mean = sum(g.score for g in grades) / len(grades) if grades else 0.0
    told = f"{len(grades)} graded, on average {number(round(mean, 2))} of {number(points.total)}"
    told += f"; {left} not graded yet" if left else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>\n"
        f"<h1>{_text(title)}</h1>\n<p>{told} points.</p>\n"
        f"{_functions(grades, points)}\n{_students(grades, points)}\n</body></html>\n"
    )


def _functions(grades: Sequence[Grade], points: Points) -> str:
    """What became of each function, and the mistakes that were made most often."""
    rows = []
    for i, (name, worth) in enumerate(points.worth.items()):
        marks = [g.marks[i] for g in grades]
        counts = Counter(m.status for m in marks)
        often = Counter(m.mistake for m in marks if m.mistake).most_common(3)
        said = "<br>".join(f"{n} × {_text(text[:300])}" for text, n in often)
        cells = "".join(f'<td class="n">{counts[s] or ""}</td>' for s in STATUS)
        head = f'<th>{_text(name)}</th><td class="n">{number(worth)}</td>'
        rows.append(f"<tr>{head}{cells}<td>{said}</td></tr>")
    head = "".join(f'<th class="n">{s}</th>' for s in STATUS)
    return (
        f'<table><thead><tr><th>function</th><th class="n">points</th>{head}'
        "<th>most frequent mistakes</th></tr></thead>"
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table>"
    )


def _students(grades: Sequence[Grade], points: Points) -> str:
    rows = []
    for g in grades:
        cells = "".join(map(_mark, g.marks))
        said = "<br>".join(map(_text, (*g.errors, *g.notes)))
        rows.append(
            f'<tr><th>{_text(g.submission)}</th><td class="n">{number(g.score)}</td>{cells}'
            f"<td>{said}</td></tr>"
        )
    head = "".join(f"<th>{_text(name)}</th>" for name in points.worth)
    return (
        f'<table><thead><tr><th>submission</th><th class="n">of {number(points.total)}</th>{head}'
        f"<th></th></tr></thead><tbody>\n{chr(10).join(rows)}\n</tbody></table>"
    )


def _mark(m: Mark) -> str:
    kind = m.status.replace(" ", "_")
    head = f"{number(m.score)} {m.status}"
    body = f"<details><summary>{head}</summary><pre>{_text(m.text)}</pre></details>"
    return f'<td class="{kind}">{head if m.passed else body}</td>'


def _text(text: str) -> str:
    return escape(clean(text), quote=True)
