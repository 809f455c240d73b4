"""The terminal table, report.json and index.html."""

import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.atomic import write_atomically

from . import closing
from .page import page
from .row import Row

SCHEMA = 1  # of report.json; raised when an entry changes its meaning or goes
HEADER = ("task", "framework", "final loss", "loss", "gradient", "parameter", "steps", "ms/step")


def cells(row: Row) -> tuple[str, ...]:
    """A row of the table as text: differences as ulps and relative."""
    if row.verdict.startswith("not run"):
        return (row.task, row.framework, "", "", "", "", "", "", "not run")
    pairs = ("loss", "grad", "param")
    apart = (f"{getattr(row, p + '_ulps'):.3g} ({getattr(row, p + '_rel'):.1e})" for p in pairs)
    each = 1e3 * row.seconds / max(row.steps, 1)
    return (
        row.task,
        row.framework,
        f"{row.final_loss:.5g}",
        *apart,
        str(row.steps),
        f"{each:.2f}",
        row.verdict,
    )


def print_table(rows: Sequence[Row]) -> None:
    """Prints the table, with rich where it is installed."""
    _print_lines(rows, "largest error at any step, in ulps of the largest element (relative)")
    for reason in dict.fromkeys(r.verdict for r in rows if r.verdict.startswith("not run")):
        names = ", ".join(f"{r.task} {r.framework}" for r in rows if r.verdict == reason)
        print(f"{names}: {reason}")


def text(rows: Sequence[Row]) -> list[str]:
    """The table as lines of text."""
    header, lines = (*HEADER, "verdict"), [cells(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
        for line in (header, *lines)
    ]


def _print_lines(rows: Sequence[Row], title: str) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print("\n".join([title, *text(rows)]))
        return
    table = Table(title=title)
    for name in (*HEADER, "verdict"):
        left = name in ("task", "framework", "verdict")
        table.add_column(name, overflow="fold", justify="left" if left else "right")
    for row in rows:
        table.add_row(*cells(row))
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    console.print(table)


def try_out(folder: Path) -> None:
    """Makes the folder and writes to it, before the work. Raises OSError if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
    if (folder / "report.json").is_dir():
        raise IsADirectoryError(f"{folder / 'report.json'} is a folder, need a place for a file")


def report(rows: Sequence[Row], facts: dict[str, Any], said: dict[str, str]) -> dict[str, Any]:
    """What report.json holds; docs/comparison.md says what each entry is."""
    found = {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": np.__version__,
        "command": ["python", "-m", "compare", *sys.argv[1:]],
        **facts,
        "sentences": closing.sentences(rows),
        "rows": [row.to_dict() for row in rows],
        "results": said,
    }
    return dict(_plain(found))


def write(folder: Path, rows: Sequence[Row], facts: dict[str, Any], said: dict[str, str]) -> Path:
    """The path of index.html; it and report.json are written whole or not at all."""
    found = report(rows, facts, said)
    content = json.dumps(found, indent=1, allow_nan=False)
    changes = _changes(folder / "report.json", found)
    write_atomically(folder / "report.json", content)
    return write_atomically(folder / "index.html", page({**found, "changes": changes}))


def _changes(before: Path, now: dict[str, Any]) -> list[str]:
    """What another verdict has than in the report that lies there, if it is one of this schema."""
    try:
        old = json.loads(before.read_text(encoding="utf-8"))
        if old["schema"] != SCHEMA:
            return []
        was = {(row["task"], row["framework"]): row["verdict"] for row in old["rows"]}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    lines = []
    for row in now["rows"]:
        old_verdict = was.get((row["task"], row["framework"]), row["verdict"])
        if old_verdict != row["verdict"]:
            where = f"{row['framework']} in {row['task']}"
            lines.append(f"{where}: {row['verdict']} (before: {old_verdict})")
    return lines


def _plain(value: Any) -> Any:
    """JSON has no nan and no inf: they become text."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
