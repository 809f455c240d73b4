"""What doctor says, with all packages, without one, with a wrong folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microgradnn.__main__ import main
from microgradnn.learn.catalogue import catalogue
from microgradnn.optional import PACKAGES

from .examples.without import without

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_package_is_good_for_something(
    language: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(catalogue(language).under("doctor.good_for")) == set(PACKAGES)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8" if language == "zh" else "C")
    main(["doctor"])
    said = capsys.readouterr().out
    assert ("这个库只需要它" if language == "zh" else "all that the library needs") in said


def test_what_is_missing_is_told_with_the_command(tmp_path: Path) -> None:
    env = without({"safetensors", "sklearn"}, tmp_path, ROOT)
    env.pop("MICROGRADNN_DATA", None)
    command = [sys.executable, "-m", "microgradnn", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert (
        "safetensors is not installed: saving a training run, and going on with it; "
        "pip install -e '.[checkpoints]'"
    ) in lines
    assert lines[0].startswith("Python 3.") and lines[1].startswith("NumPy ")
    assert lines[-1].startswith(f"MNIST is not here: it is downloaded to {tmp_path}")
    assert lines[-1].endswith("small digits take its place (they need scikit-learn)")


def test_a_wrong_folder_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MICROGRADNN_DATA", str(tmp_path / "nowhere"))
    assert main(["doctor"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == (
        f"MNIST: MICROGRADNN_DATA={tmp_path / 'nowhere'}: no such folder; name the one with "
        "MNIST's four files"
    )


@pytest.mark.skipif("MICROGRADNN_DATA" not in os.environ, reason="MNIST is not here")
def test_mnist_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "MNIST is in " in capsys.readouterr().out
