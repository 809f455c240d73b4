"""The terminal table and report.json."""

import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from microgradnn.atomic import write_atomically

from .row import Row

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
    header = (*HEADER, "verdict")
    title = "largest difference from microgradnn at any step: ulps (relative)"
    lines = [cells(row) for row in rows]
    _print_lines(header, lines, title)
    for reason in dict.fromkeys(r.verdict for r in rows if r.verdict.startswith("not run")):
        names = ", ".join(f"{r.task} {r.framework}" for r in rows if r.verdict == reason)
        print(f"{names}: {reason}")


def _print_lines(header: Sequence[str], lines: Sequence[Sequence[str]], title: str) -> None:
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
        print(title)
        for line in (header, *lines):
            print("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
        return
    table = Table(title=title)
    for name in header:
        left = name in ("task", "framework", "verdict")
        table.add_column(name, overflow="fold", justify="left" if left else "right")
    for line in lines:
        table.add_row(*line)
    console = Console(width=None if sys.stdout.isatty() else 160, markup=False)
    console.print(table)


def try_out(folder: Path) -> None:
    """Makes the folder and writes to it, before the work. Raises OSError if that cannot be done."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x")
    if (folder / "report.json").is_dir():
        raise IsADirectoryError(f"{folder / 'report.json'} is a folder, need a place for a file")


def write(folder: Path, rows: Sequence[Row], facts: dict[str, Any], said: dict[str, str]) -> Path:
    """The path of report.json, written whole or not at all."""
    report = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": np.__version__,
        "command": ["python", "-m", "compare", *sys.argv[1:]],
        **facts,
        "rows": [row.to_dict() for row in rows],
        "results": said,
    }
    content = json.dumps(_plain(report), indent=1, allow_nan=False)
    return write_atomically(folder / "report.json", content)


def _plain(value: Any) -> Any:
    """JSON has no nan and no inf: they become text."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
