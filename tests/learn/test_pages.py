"""The course's pages: line numbers, links, commands; the same steps in both languages."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from microgradnn.learn.shelf import BY_NUMBER

ROOT = Path(__file__).parents[2]
DOCS = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in
        ("course.md", "course.zh.md", "lecture.md", "lecture.zh.md", "reading.md", "reading.zh.md")}  # fmt: skip


def test_the_lines_that_are_quoted_stand_where_the_page_says() -> None:
    command = [sys.executable, str(ROOT / "docs" / "lines.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    quoted = re.findall(r"^\[engine/(\w+)\.py:\d+\]", DOCS["reading.md"], re.M)
    assert set(quoted) == {"ops", "rules", "op", "node", "value", "walk"}
    blocks = [
        re.findall(r"```.*?```", DOCS[name], re.S) for name in ("reading.md", "reading.zh.md")
    ]
    assert blocks[0] == blocks[1]


@pytest.mark.parametrize("name", ["course", "lecture"])
def test_both_languages_have_the_same_steps(name: str) -> None:
    def steps(text: str) -> list[tuple[str, ...]]:
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        return [(row.split("|")[1], *re.findall(r"examples/\w+|\b(?:0\d|1[0-2]|e\d)\b", row))
                for row in rows[1:]]  # fmt: skip

    english, chinese = (steps(DOCS[f"{name}{end}"]) for end in (".md", ".zh.md"))
    assert [{*row} for row in english] == [{*row} for row in chinese]


def test_the_course_asks_for_every_exercise_and_no_other() -> None:
    rows = [line.split("|") for line in DOCS["course.md"].splitlines() if re.match(r"\| \d", line)]
    asked = set()
    for row in rows:
        for first, last in re.findall(r"(\w\d)(?: – (\w\d))?", row[4]):
            asked |= {f"e{i}" for i in range(int(first[1]), int(last[1]) + 1)} if last else {first}
    assert asked == set(BY_NUMBER)


@pytest.mark.parametrize("page", DOCS)
def test_what_the_pages_link_and_run_exists(page: str) -> None:
    for link in re.findall(r"\]\(([\w./]+)", DOCS[page]):
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"python (examples/\w+\.py)", DOCS[page]):
        assert (ROOT / path).exists(), path


def test_the_notebooks_say_what_their_examples_say() -> None:
    command = [sys.executable, str(ROOT / "docs" / "notebooks.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "examples" / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem
)
def test_a_notebook_runs_from_its_first_cell_to_its_last(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert all(c.get("outputs", []) == [] for c in cells)
    scope: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{path.stem}.{cell['id']}", "exec"), scope)
    assert capsys.readouterr().out
