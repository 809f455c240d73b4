"""The code in README.md and docs/ runs as printed, and what they name exists."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")))
}
README, CHECKER = PAGES["README.md"], PAGES["docs/checker.md"]
# How many checks and points there were, how long it took, and what it could have found.
VARYING = re.compile(r"\d+ (?:checks|points?)|\d+\.\d+ s")
PYTHON = re.compile(r"```python\n(.*?)```", re.S)
BLOCKS = [
    pytest.param(block, id=f"{page}-{number}")
    for page, text in PAGES.items()
    for number, block in enumerate(PYTHON.findall(text), 1)
]


def run(*command: str, status: int = 0, folder: Path | None = None) -> str:
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=env,
        timeout=240,
        cwd=folder,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", BLOCKS)
def test_every_python_block_runs_and_prints_what_its_comments_say(
    block: str, tmp_path: Path
) -> None:
    script = tmp_path / "block.py"
    script.write_text(block, encoding="utf-8")
    printed = run(str(script)).split()
    claimed = re.findall(r"print\(.*\)\s+# (.*)", block)
    said = " ".join(re.split(r" = ", c)[0] for c in claimed)
    squeeze = re.compile(r"[\s\[\]]+")
    assert squeeze.sub(" ", " ".join(printed)).split() == squeeze.sub(" ", said).split()


def test_the_printed_result_of_the_first_block_is_the_real_one(tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(PYTHON.findall(README)[0], encoding="utf-8")
    (claimed,) = re.findall(r"It prints\n\n```text\n(.*?)```", README, re.S)
    assert run(str(script)) == claimed


def test_the_report_that_is_shown_is_the_real_one(tmp_path: Path) -> None:
    block, *_ = [b for b in PYTHON.findall(CHECKER) if "report = check.layer(" in b]
    script = tmp_path / "block.py"
    script.write_text(block + "print(report)\n", encoding="utf-8")
    (claimed,) = re.findall(r"`print\(report\)` shows\n\n```text\n(.*?)```", CHECKER, re.S)
    _, _, printed = run(str(script)).partition("\n")
    assert VARYING.sub("", printed) == VARYING.sub("", claimed)


def test_the_command_prints_what_is_shown() -> None:
    words = "-m", "microgradnn", "check", "examples/layers_to_check.py"
    (claimed,) = re.findall(rf"python {' '.join(words)}\n```\n\n```text\n(.*?)```", README, re.S)
    printed = run(*words, status=3, folder=ROOT)
    assert VARYING.sub("", printed) == VARYING.sub("", claimed)


def test_the_test_with_the_fixture_passes(tmp_path: Path) -> None:
    (block,) = [b for b in PYTHON.findall(CHECKER) if "(gradcheck)" in b]
    (tmp_path / "test_block.py").write_text(block, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "pytest_plugins = ['microgradnn.check.files.pytest_plugin']"
    )
    how = ["-p", "no:gradcheck", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    assert "1 passed" in run("-m", "pytest", *how, folder=tmp_path)


def test_readme_is_short() -> None:
    assert README.count("\n") <= 220


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_heading_that_a_page_names_exists(page: str) -> None:
    for name in re.findall(r"`((?:microgradnn|tests|examples|compare|docs)/[\w/.]*)`", PAGES[page]):
        assert (ROOT / name).exists(), name
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGES[page]):
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_the_rules_that_are_quoted_stand_in_the_table() -> None:
    (quoted,) = re.findall(r"```text\n(mul .*?)```", PAGES["docs/engine.md"], re.S)
    table = (ROOT / "microgradnn" / "engine" / "ops.py").read_text(encoding="utf-8")
    rules = re.findall(r"lambda .*", quoted)
    assert len(rules) == 3
    for rule in rules:
        assert rule in table


def test_the_picture_shows_the_numbers_of_the_engine(tmp_path: Path) -> None:
    lines = PYTHON.findall(README)[0].split("\n\n")[:2]
    script = tmp_path / "block.py"
    save = f"o.draw(lang='en').save({str(tmp_path / 'graph.svg')!r})"
    script.write_text("\n".join([*lines, save]), encoding="utf-8")
    run(str(script))
    drawn = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert drawn == (ROOT / "docs" / "graph.svg").read_text(encoding="utf-8")
    assert ">1.002<" in drawn  # which is the number of the first lines, w.grad


def test_every_extra_is_in_the_table() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\n", text, re.S)
    assert extras
    for name in re.findall(r"^(\w+) = \[", extras[1], re.M):
        assert f"| `{name}` |" in README
    assert "pip install microgradnn" not in "".join(PAGES.values())
    assert "pip install 'microgradnn" not in "".join(PAGES.values())


def test_importing_microgradnn_imports_numpy_and_no_other_package() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import microgradnn;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'microgradnn', 'numpy'}))"
    )
    assert run("-c", code).strip() == "[]"
