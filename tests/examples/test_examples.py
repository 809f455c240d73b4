"""Every example runs with no package but those it asks for, and says so where one is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microgradnn.optional import PACKAGES

from .without import without

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
# What an example needs besides NumPy, by its number; the others need nothing.
NEEDS = {
    "07": ["matplotlib"],
    "08": ["safetensors"],
    "09": ["matplotlib"],
    "13": ["matplotlib"],
    "14": ["matplotlib"],
    "15": ["sklearn", "matplotlib"],
    "17": ["matplotlib"],
    "19": ["torch", "tensorflow"],
    "20": ["flint"],
}
BESIDE = {"19": {"rich"}}  # what comes with those
MISSING = [(number, package) for number, packages in NEEDS.items() for package in packages]
ON_MNIST = [p for p in EXAMPLES if "mnist(" in p.read_text(encoding="utf-8")]


def path_of(number: str) -> Path:
    (path,) = [p for p in EXAMPLES if p.stem.startswith(number)]
    return path


def run(
    example: Path, env: dict[str, str], folder: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(example), *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240, cwd=folder)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.stem)
def test_every_example_runs_and_its_assertions_hold(example: Path, tmp_path: Path) -> None:
    number = example.stem[:2]
    needed = {*NEEDS.get(number, ()), *BESIDE.get(number, ())}
    if example in ON_MNIST and "MICROGRADNN_DATA" not in os.environ:
        needed.add("sklearn")  # its digits stand in for MNIST
    if "matplotlib" in needed:
        needed.add("PIL")  # which it imports itself
    env = without(set(PACKAGES) - needed, tmp_path, ROOT)
    here = tmp_path / "here"
    here.mkdir()
    words = ["--quick"] if "args.quick" in example.read_text(encoding="utf-8") else []
    done = run(example, env | {"TMPDIR": str(tmp_path)}, here, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert not list(here.iterdir())  # it writes where --out says, or to a temporary folder


@pytest.mark.parametrize(("number", "package"), MISSING)
def test_a_missing_package_is_one_sentence_before_anything_is_computed(
    number: str, package: str, tmp_path: Path
) -> None:
    example = path_of(number)
    done = run(example, without({package}, tmp_path, ROOT), tmp_path)
    name, extra = PACKAGES[package]
    assert done.stderr == (
        f"{example.name}: this example needs {name}, which is not installed; in a clone of "
        f"microgradnn write: pip install -e '.[{extra}]'\n"
    )
    assert (done.stdout, done.returncode) == ("", 2)


@pytest.mark.parametrize("example", ON_MNIST, ids=lambda p: p.stem)
def test_without_mnist_and_what_stands_in_for_it_one_sentence_says_so(
    example: Path, tmp_path: Path
) -> None:
    env = without({"sklearn"}, tmp_path, ROOT)
    env.pop("MICROGRADNN_DATA", None)
    done = run(example, env, tmp_path)
    assert done.stderr.splitlines()[-1].startswith(f"{example.name}: MNIST was not found and ")
    assert done.stderr.endswith(
        "pip install -e '.[data]' to use scikit-learn's 8x8 digits instead\n"
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_folder_without_mnist_is_one_sentence(tmp_path: Path) -> None:
    env = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    done = run(path_of("05"), env, tmp_path, "--data", "nowhere")
    assert done.stderr == (
        "05_mnist.py: data=nowhere: no such folder; name the one with MNIST's four files\n"
    )
    assert (done.stdout, done.returncode) == ("", 2)


def test_pictures_go_where_out_says(tmp_path: Path) -> None:
    env = without(set(PACKAGES) - {"matplotlib", "PIL"}, tmp_path, ROOT)
    done = run(path_of("13"), env, tmp_path, "--quick", "--out", "pictures")
    assert done.returncode == 0, done.stderr
    assert "picture: pictures/gradients.png" in done.stdout
    assert (tmp_path / "pictures" / "gradients.png").stat().st_size > 1000
