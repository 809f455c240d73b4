"""The commands say which package is missing before they compute anything."""

import subprocess
import sys
from pathlib import Path

from .without import without

ROOT = Path(__file__).parents[2]
LAYERS = str(ROOT / "examples" / "layers_to_check.py")
WITHOUT_FLINT = (
    "microgradnn: without python-flint nothing is proved and differences decide; in a clone of "
    "microgradnn write: pip install -e '.[check]'\n"
)


def run(package: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "microgradnn", *words]
    env = without({package}, folder, ROOT)
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, cwd=folder)


def test_watch_needs_safetensors(tmp_path: Path) -> None:
    done = run("safetensors", tmp_path, "watch", "folder", "--once")
    assert done.stderr == (
        "microgradnn: a checkpoint needs safetensors, which is not installed; in a clone of "
        "microgradnn write: pip install -e '.[checkpoints]'\n"
    )
    assert (done.stdout, done.returncode) == ("", 2)


def test_check_goes_on_without_flint_and_says_so_first(tmp_path: Path) -> None:
    done = run("flint", tmp_path, "check", f"{LAYERS}::relu")
    assert (done.stderr, done.returncode) == (WITHOUT_FLINT, 0)
    assert done.stdout.startswith("PASS relu: ")


def test_check_quiet_is_quiet(tmp_path: Path) -> None:
    done = run("flint", tmp_path, "check", f"{LAYERS}::relu", "--quiet")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
