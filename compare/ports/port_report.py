"""What is said of two ports: lines of text, report.json, a page."""

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.atomic import write_atomically

from ..page import STYLE
from .experiments import Cause
from .port_differences import PortDifference
from .two_ports import PortsResult

SCHEMA = 1  # of report.json of ports; raised when an entry changes its meaning or goes


@dataclass
class PortReport:
    """The lines, the exit status, and what report.json holds."""

    lines: list[str]
    status: int
    report: dict[str, Any]


def told(found: PortsResult, a: str, b: str) -> PortReport:
    """What there is to say of an outcome; the last line is about all."""
    lines = [f"A is {a} ({found.versions[0]}), B is {b} ({found.versions[1]})"]
    lines += [f"note: {one}" for one in found.notes]
    lines += [f"no partner: {name} of {'AB'[k]}" for k in (0, 1) for name in found.matched.alone[k]]
    lines += [line for one in found.differences for line in difference(one)]
    last = closing(found)
    entries = {
        "versions": dict(zip("AB", found.versions, strict=True)),
        "sources": {"A": a, "B": b},
        "agree": found.agree,
        "input_shape": list(found.shape),
        "dtype": found.dtype,
        "modes": {m: {"compared": f.compared, "gradients": f.gradients, "to_the_end": f.whole}
                  for m, f in found.modes.items()},
        "parameters": found.matched.pairs,
        "without_partner": dict(zip("AB", found.matched.alone, strict=True)),
        "notes": found.notes,
        "differences": [{**asdict(d), "place": d.place} for d in found.differences],
        "calls": dict(zip("AB", found.calls, strict=True)),
    }  # fmt: skip
    status = 0 if found.agree else 1 if found.differences else 3
    return PortReport([*lines, last], status, report(entries, [last]))


def report(entries: Mapping[str, Any], sentences: Sequence[str]) -> dict[str, Any]:
    """report.json; docs/comparison.md says what each entry is."""
    return {
        "schema": SCHEMA,
        "kind": "ports",
        "command": ["python", "-m", "compare", *sys.argv[1:]],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": np.__version__,
        "sentences": list(sentences),
        **entries,
    }


def difference(one: PortDifference) -> list[str]:
    """A difference in words: where, which number, why."""
    mode = f", in {one.mode} mode" if one.mode else ""
    return [f"DIFFERS at {one.place}{mode}: {one.said}", f"    {why(one)}"]


def why(one: PortDifference) -> str:
    """The cause, or the causes between which experiment cannot decide, or that there is none."""
    if not one.causes:
        return (
            "cause unknown: no repair that was tried makes them agree" if one.what != "kept"
            else "cause unknown"
        )  # fmt: skip
    join = "; and " if one.together else "; or "
    return "cause: " + join.join(map(str, one.causes))


def closing(found: PortsResult) -> str:
    """One sentence about all."""
    if not found.compared:
        return "nothing was compared"
    if found.differences:
        first = found.differences[0]
        more = len(found.differences) - 1
        others = f"; {more} more {'differs' if more == 1 else 'differ'}" if more else ""
        end = "" if all(f.whole for f in found.modes.values()) else (
            "; what comes after is not compared"
        )  # fmt: skip
        return f"A and B differ, first at {first.place}: {_short(first.causes, first)}{others}{end}"
    modes = " and ".join(found.modes)
    grads = max(f.gradients for f in found.modes.values())
    return (
        f"A and B agree within the rounding of every layer: {found.compared} outputs and their "
        f"gradients, gradients of {grads} parameters, in {modes} mode ({found.dtype})"
    )


def _short(causes: Sequence[Cause], one: PortDifference) -> str:
    return why(one).removeprefix("cause: ") if causes else "cause unknown"


def write(folder: Path, what: PortReport) -> Path:
    """The path of index.html; it and report.json are written whole or not at all."""
    write_atomically(folder / "report.json", json.dumps(_plain(what.report), indent=1))
    return write_atomically(folder / "index.html", page(what))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def page(what: PortReport) -> str:
    """One page without anything to load."""
    bad, last = what.status != 0, escape(what.lines[-1])
    cards, soft = [], []
    rest = what.lines[:-1]
    for i, line in enumerate(rest):
        if line.startswith("DIFFERS"):
            cards.append(f'<div class="card">{escape(line)}<br><b>{escape(rest[i + 1])}</b></div>')
        elif not line.startswith("    "):
            soft.append(f"<li>{escape(line)}</li>")
    tables = [_pairs(what.report.get("parameters", {})), _calls(what.report.get("calls", {}))]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>compare ports: {last}</title><style>{STYLE}</style></head><body>"
        f'<h1>Two ports of one model</h1><p class="last {"bad" if bad else "good"}">{last}.</p>'
        f"{''.join(cards)}<ul class=soft>{''.join(soft)}</ul>{''.join(tables)}</body></html>\n"
    )


def _pairs(pairs: Mapping[str, str]) -> str:
    if not pairs:
        return ""
    rows = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for b, a in pairs.items())
    return (
        "<h2>Parameters that were matched</h2><div class=scroll><table><tr><th>A</th><th>B</th>"
        f"</tr>{rows}</table></div>"
    )


def _calls(calls: Mapping[str, Sequence[str]]) -> str:
    columns = "".join(
        f"<details><summary>Calls of {side}</summary><ol>"
        + "".join(f"<li>{escape(one)}</li>" for one in names)
        + "</ol></details>"
        for side, names in calls.items()
    )
    return f"<h2>What was seen</h2>{columns}" if columns else ""
