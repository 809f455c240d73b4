"""speed.html: the times as tables and as curves of cost against size, in one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .. import curves
from ..page import STYLE
from .cases import ROWS

Report = Mapping[str, Any]


def page(report: Report) -> str:
    """The page of a report of speed.report()."""
    forms = list(dict.fromkeys(row["form"] for row in report["rows"]))
    classes = {form: f"k{i % 7}" for i, form in enumerate(forms)}
    cases = list(dict.fromkeys(row["case"] for row in report["rows"]))
    in_rows = {case.name for row in ROWS.values() for case in row}
    tables = [_table(case, report) for case in cases if case not in in_rows]
    drawn = [_curves(name, report, classes) for name in ROWS]
    facts = "".join(
        f"<li>{escape(k)}: <code>{escape(str(v))}</code></li>" for k, v in report["facts"].items()
    )
    body = (
        f"<h1>The time of a training step</h1><p class=soft>{escape(report['how'])}</p>"
        f"{''.join(tables)}{_figures(drawn, classes)}{_started(report)}"
        f"<h2>This run</h2><ul class=soft>{facts}</ul>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>compare speed</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def _table(case: str, report: Report) -> str:
    of = next((row["of"] for row in report["rows"] if row["case"] == case), "")
    head = ("", "µs a step", f"× {of}", "first step, s", "memory added, MiB")
    lines = []
    for row in report["rows"]:
        if row["case"] == case:
            cells = (
                [row["error"], "", "", ""] if row["error"]
                else [f"{1e6 * row['step_s']:,.1f}", f"{row['ratio']:.2f}", f"{row['first_s']:.2g}",
                      f"{row['memory']:.0f}"]
            )  # fmt: skip
            numbers = "".join(f"<td class=n>{escape(c)}</td>" for c in cells)
            lines.append(f"<tr><td>{escape(row['form'])}</td>{numbers}</tr>")
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    return (
        f'<h2>{escape(case)}</h2><div class="scroll"><table><tr>{top}</tr>{"".join(lines)}'
        "</table></div>"
    )


def _curves(name: str, report: Report, classes: Mapping[str, str]) -> str:
    """Microseconds a step against the size, both on logarithmic axes."""
    sizes = {case.name: case.size for case in ROWS[name]}
    found: dict[str, list[tuple[float, float]]] = {}
    for row in report["rows"]:
        if row["case"] in sizes and not row["error"]:
            found.setdefault(row["form"], []).append((sizes[row["case"]], 1e6 * row["step_s"]))
    return curves.drawn(f"µs a step against {name}", found, classes, 1e-3, sizes=True)


def _figures(drawn: Sequence[str], classes: Mapping[str, str]) -> str:
    if not any(drawn):
        return ""
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 32 10"><path class="line {kind}" d="M0 5H32"/></svg>'
        f"{escape(form)}</span>"
        for form, kind in classes.items()
    )
    return f'<h2>Cost against size</h2><p>{keys}</p><div class="figures">{"".join(drawn)}</div>'


def _started(report: Report) -> str:
    lines = "".join(
        f"<tr><td>{escape(form)}</td><td class=n>{said.get('import_s', float('nan')):.2f}</td>"
        f"<td class=n>{said.get('memory', float('nan')):.0f}</td>"
        f"<td>{escape(_versions(said))}</td></tr>"
        for form, said in report["started"].items()
    )
    head = "<tr><th></th><th>import, s</th><th>memory, MiB</th><th>versions</th></tr>"
    return f'<h2>Before the first step</h2><div class="scroll"><table>{head}{lines}</table></div>'


def _versions(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in said.get("versions", {}).items())
