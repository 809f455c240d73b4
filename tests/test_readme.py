"""README's code runs as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def run(*command: str, folder: Path | None = None) -> str:
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        env=env,
        timeout=240,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: b.split("\n")[0][:40])
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
    script.write_text(BLOCKS[0], encoding="utf-8")
    (claimed,) = re.findall(r"It prints\n\n```text\n(.*?)```", README, re.S)
    assert run(str(script)) == claimed


def test_the_report_that_is_shown_is_the_real_one(tmp_path: Path) -> None:
    (block,) = [b for b in BLOCKS if "report = check.layer(" in b]
    script = tmp_path / "block.py"
    script.write_text(block + "print(report)\n", encoding="utf-8")
    (claimed,) = re.findall(r"`print\(report\)` shows\n\n```text\n(.*?)```", README, re.S)
    _, _, printed = run(str(script)).partition("\n")
    seconds = re.compile(r"\d+\.\d+ s;")
    assert seconds.sub("", printed) == seconds.sub("", claimed)


def test_the_test_with_the_fixture_passes(tmp_path: Path) -> None:
    (block,) = [b for b in BLOCKS if "(gradcheck)" in b]
    (tmp_path / "test_block.py").write_text(block, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "pytest_plugins = ['microgradnn.check.files.pytest_plugin']"
    )
    how = ["-p", "no:gradcheck", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    assert "1 passed" in run("-m", "pytest", *how, folder=tmp_path)


def test_every_file_the_readme_names_exists() -> None:
    for name in re.findall(r"`((?:microgradnn|tests)/[\w/.]+)`", README):
        assert (ROOT / name).exists(), name


def test_importing_microgradnn_imports_numpy_and_no_other_package() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules); import microgradnn;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'microgradnn', 'numpy'}))"
    )
    assert run("-c", code).strip() == "[]"
