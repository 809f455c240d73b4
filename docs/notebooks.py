"""Writes examples/notebooks/: the first examples as notebooks, made from the Python files.

python docs/notebooks.py [--check]: with --check nothing is written, and the exit status is 1 if a
notebook is not what its example says. Outputs are left out: run the cells.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
FIRST = ("00", "01", "02", "03", "04", "06")  # those that take no options of their own
OPTIONS = ("from settings import arguments\n", "args = arguments(__doc__)\n")  # of the command line
IMPORTS = (ast.Import, ast.ImportFrom)  # they stay in one cell
TITLE = re.compile(r"# -{4} (.*?) -*\n")


def blocks(source: str) -> Iterator[str]:
    """The statements that stand together, without the docstring."""
    lines = source.splitlines(keepends=True)
    statements = ast.parse(source).body[1:]
    start = statements[0].lineno - 1
    last = start
    for i, s in enumerate(statements):
        first = min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", []))]) - 1
        while first > last and lines[first - 1].startswith("#"):  # the comment above belongs to it
            first -= 1
        both = isinstance(s, IMPORTS) and isinstance(statements[max(0, i - 1)], IMPORTS)
        if any(not line.strip() for line in lines[last:first]) and not both:
            yield "".join(lines[start:last])
            start = first
        last = s.end_lineno or 0
    yield "".join(lines[start:])


def notebook(path: Path) -> str:
    """The notebook of an example, as JSON."""
    source = path.read_text(encoding="utf-8")
    for line in OPTIONS:
        source = source.replace(line, "")
    # the quick run is the notebook's
    source = re.sub(r" if args\.quick else [\w.-]+", "", source)
    title, _, text = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
    cells = [("markdown", f"# {title}\n{text}")]
    for block in blocks(source):
        head = TITLE.match(block)
        if head:
            cells.append(("markdown", f"## {head[1]}"))
            block = block[head.end() :]
        if block.strip():
            cells.append(("code", block.strip("\n")))
    made = [_cell(i, kind, text) for i, (kind, text) in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    book = {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, ensure_ascii=False, indent=1) + "\n"


def _cell(i: int, kind: str, text: str) -> dict[str, Any]:
    cell = {"cell_type": kind, "id": f"cell-{i}", "metadata": {},
            "source": text.splitlines(keepends=True)}  # fmt: skip
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def main() -> int:
    """The exit status."""
    for path in sorted(EXAMPLES.glob("[0-9]*.py")):
        if path.stem[:2] not in FIRST:
            continue
        made, there = notebook(path), EXAMPLES / "notebooks" / f"{path.stem}.ipynb"
        if "--check" in sys.argv:
            if not there.is_file() or there.read_text(encoding="utf-8") != made:
                print(f"{there.name} is not what {path.name} says; write: python docs/notebooks.py")
                return 1
            continue
        there.parent.mkdir(exist_ok=True)
        there.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
