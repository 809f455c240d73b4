"""index.html: the report as one page without anything to load, made from what report.json holds."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from . import curves, overview

Report = Mapping[str, Any]
STYLE = (
    """
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2024;--soft:#5d6670;--line:#d7dce1;--card:#f5f7f9;
--good:#1a7f4b;--bad:#c02d2d;--warn:#9a6200;--c0:#2458c5;--c1:#b3471d;--c2:#18794e;--c3:#8e3bb0;
--c4:#8a6a00;--c5:#0b7285;--c6:#c2255c}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--fg:#e6e9ec;--soft:#9aa4ae;--line:#343b42;
--card:#1d2226;--good:#57c48c;--bad:#ff8a80;--warn:#e8b453;--c0:#7ea6ff;--c1:#ff9d73;--c2:#5fd09b;
--c3:#d29bf0;--c4:#e0c050;--c5:#5cc8dc;--c6:#ff8fb3}}
*{box-sizing:border-box}body{margin:0 auto;padding:1.2rem;max-width:72rem;background:var(--bg);
color:var(--fg);font:16px/1.5 system-ui,sans-serif}h1{font-size:1.3rem;margin:0}
h2{font-size:1.1rem;margin:2rem 0 .5rem}.soft{color:var(--soft);font-size:.88rem}
.last{font-size:1.15rem;margin:.5rem 0 1rem}.good{color:var(--good)}.bad{color:var(--bad)}
.warn{color:var(--warn)}.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.92rem}
th,td{padding:.3rem .7rem;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
td.n{text-align:right;font-variant-numeric:tabular-nums}.card{background:var(--card);
border-left:4px solid var(--bad);padding:.6rem .9rem;margin:.6rem 0;overflow-wrap:anywhere}
.card.warn{border-color:var(--warn);color:inherit}details{border-bottom:1px solid var(--line);
padding:.4rem 0}summary{cursor:pointer;overflow-wrap:anywhere}.figures{display:grid;gap:1rem;
grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));margin:.6rem 0}figure{margin:0}
figcaption{font-size:.88rem;color:var(--soft)}svg{width:100%;height:auto}svg text{font-size:11px;
fill:var(--soft)}.right{text-anchor:end}.grid{stroke:var(--line);fill:none}.line{fill:none;
stroke-width:1.8;stroke:var(--c)}.k0{--c:var(--c0)}.k1{--c:var(--c1);stroke-dasharray:6 3}
.k2{--c:var(--c2);stroke-dasharray:2 3}.k3{--c:var(--c3);stroke-dasharray:8 3 2 3}
.k4{--c:var(--c4);stroke-dasharray:1 4}.k5{--c:var(--c5)}.k6{--c:var(--c6);stroke-dasharray:4 4}
.key{display:inline-block;margin-right:1rem;white-space:nowrap}.key svg{width:2rem;height:.7rem;
vertical-align:middle;margin-right:.3rem}code{overflow-wrap:anywhere}
"""
    + overview.STYLE
)


def page(report: Report) -> str:
    """The page for a report (see output.report)."""
    rows = report["rows"]
    names = list(dict.fromkeys(row["framework"] for row in rows))
    classes = {name: f"k{i % 7}" for i, name in enumerate(names)}
    tasks = list(dict.fromkeys(row["task"] for row in rows))
    bad = any(_mark(row)[0] == "bad" for row in rows)
    body = [
        "<h1>Frameworks, compared layer by layer</h1>",
        f'<p class="last {"bad" if bad else "good"}">{escape(report["sentences"][-1])}.</p>',
        *_cards(rows),
        *_changes(report.get("changes", [])),
        "<h2>Verdicts</h2>",
        _matrix(rows, names, tasks),
        *_words(report["sentences"][:-1], rows),
        "<h2>How far from the right gradient</h2>",
        overview.drawn(rows, tasks, classes),
        "<h2>Tasks</h2>",
        _legend(classes),
        *_tasks(tasks, report, classes),
        "<h2>This run</h2>",
        _facts(report),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>compare: {escape(report['sentences'][-1])}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _mark(row: Report) -> tuple[str, str]:
    """The class and the word of a verdict."""
    verdict = row["verdict"]
    if verdict == "agree":
        return ("warn", "known difference") if row["known"] else ("good", "agrees")
    if verdict.startswith("not run"):
        return "soft", "–"
    return "bad", verdict.split(" ", 1)[0].lower()


def _cards(rows: Sequence[Report]) -> list[str]:
    made = []
    for row in rows:
        if _mark(row)[0] == "bad":
            v, detail = row["violation"], ""
            if v and not v["words"]:
                cells = [("there", v["theirs"]), ("expected", v["expected"])]
                cells += [("allowed ±", v["allowed"]), ("entries", f"{v['count']} of {v['size']}")]
                detail = _table(
                    ("", ""), [(k, _number(x)) for k, x in cells if x not in (None, "")]
                )
            title = f"<b>{escape(row['framework'])}</b> in <b>{escape(row['task'])}</b>"
            made.append(f'<div class="card">{title}<br>{escape(row["verdict"])}{detail}</div>')
    return made


def _changes(changes: Sequence[str]) -> list[str]:
    if not changes:
        return []
    items = "".join(f"<li>{escape(line)}</li>" for line in changes)
    return ["<h2>Since the last run</h2>", f"<ul>{items}</ul>"]


def _words(sentences: Sequence[str], rows: Sequence[Report]) -> list[str]:
    """What is known, and what has few digits; failures have cards."""
    bad = {f"{row['framework']}, {row['task']}: {row['verdict']}" for row in rows}
    return [f'<div class="card warn">{escape(line)}</div>' for line in sentences if line not in bad]


def _matrix(rows: Sequence[Report], names: Sequence[str], tasks: Sequence[str]) -> str:
    found = {(row["task"], row["framework"]): row for row in rows}
    lines = []
    for task in tasks:
        cells = [f"<td>{escape(task)}</td>"]
        for name in names:
            row = found.get((task, name))
            kind, word = _mark(row) if row else ("soft", "")
            why = escape(row["verdict"]) if row else ""
            cells.append(f'<td class="{kind}" title="{why}">{escape(word)}</td>')
        lines.append("<tr>" + "".join(cells) + "</tr>")
    head = "".join(f"<th>{escape(name)}</th>" for name in ("task", *names))
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def _legend(classes: Mapping[str, str]) -> str:
    keys = (
        f'<span class="key"><svg viewBox="0 0 32 10"><path class="line {kind}" d="M0 5H32"/></svg>'
        f"{escape(name)}</span>"
        for name, kind in classes.items()
    )
    return f"<p>{''.join(keys)}</p>"


def _tasks(tasks: Sequence[str], report: Report, classes: Mapping[str, str]) -> list[str]:
    found = {task: [row for row in report["rows"] if row["task"] == task] for task in tasks}
    return [_task(task, found[task], report, classes, task == tasks[0]) for task in tasks]


def _task(
    task: str, rows: Sequence[Report], report: Report, classes: Mapping[str, str], first: bool
) -> str:
    """All about one task, folded unless it is the first or differs."""
    ran = [row for row in rows if row["steps"]]
    bad = any(_mark(row)[0] == "bad" for row in rows)
    said = f"{report['dtypes'].get(task, '')}; {report['results'].get(task, '')}"
    state = '<b class="bad">differs</b>' if bad else '<span class="good">agrees</span>'
    smallest = max((row["detectable"] for row in ran), default=0.0)
    found = f'<p class="soft">An error of {_number(smallest)} in one entry is found.</p>'
    return (
        f"<details{' open' if bad or first else ''}><summary><b>{escape(task)}</b> {state} "
        f'<span class="soft">{escape(said)}</span></summary>'
        f'<div class="figures">{_figures(ran, classes)}</div>'
        f"{_numbers(ran)}{_layers(ran)}{found}</details>"
    )


def _figures(ran: Sequence[Report], classes: Mapping[str, str]) -> str:
    losses = {row["framework"]: row["losses"] for row in ran}
    ulps = {row["framework"]: [(k, g) for k, g, _ in row["errors"]] for row in ran}
    title = "largest error of a gradient in a step, ulps of the largest element"
    return curves.drawn("loss", losses, classes, 1e-300) + curves.drawn(title, ulps, classes, 1e-3)


def _numbers(ran: Sequence[Report]) -> str:
    keys = ("final_loss", "grad_ulps", "param_ulps", "share_of_bound")
    lines = [
        (
            escape(row["framework"]),
            *(_number(row[key]) for key in keys),
            _number(1e3 * row["seconds"] / max(row["steps"] - 1, 1)),
        )
        for row in ran
    ]
    head = ("", "last loss", "gradients, ulps", "parameters, ulps", "share of bound", "ms a step")
    return _table(head, lines)


def _layers(ran: Sequence[Report]) -> str:
    """The largest error of each layer, in ulps of its largest element, by framework."""
    names = list(dict.fromkeys(name for row in ran for name in row["layers"]))
    lines = [
        (escape(name), *(_number(row["layers"].get(name, "")) for row in ran)) for name in names
    ]
    head = ("error by layer, ulps", *(row["framework"] for row in ran))
    return _table(head, lines) if lines else ""


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(h)}</th>" for h in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td{' class=n' if i else ''}>{c}</td>" for i, c in enumerate(line))
        + "</tr>"
        for line in lines
    )
    start = f"<tr>{top}</tr>" if any(head) else ""
    return f'<div class="scroll"><table>{start}{body}</table></div>'


def _facts(report: Report) -> str:
    lines = [
        ("command", " ".join(report["command"])),
        ("seed", str(report["seed"])),
        ("data", "; ".join(report["data"])),
        *((name, version) for name, version in report["versions"].items()),
        ("NumPy, Python", f"{report['numpy']}, {report['python']}"),
        ("machine", report["platform"]),
    ]
    return (
        "<ul class=soft>"
        + "".join(f"<li>{escape(k)}: <code>{escape(v)}</code></li>" for k, v in lines)
        + "</ul>"
    )


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else escape(str(value))
