"""Runs tests on a copy of the project with one fault in it: what finds the fault, and how soon.

The tests of a fault run in a process of their own, one file at a time, the nearest first, until one
fails.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .mutations import Fault

ROOT = Path(__file__).parents[2]
PLACES = ("engine", "functions", "nn", "optim", "check", "transforms")
PARITY = ("tests/test_parity.py", "tests/compare/test_truth.py")
COPIED = ("microgradnn", "compare", "tests", "examples", "docs", "pyproject.toml", "README.md")


@dataclass
class Outcome:
    """The file of tests that found a fault, or "" if none did; and after how many seconds."""

    fault: Fault
    by: str
    seconds: float


def sources(places: Sequence[str] = PLACES) -> list[Path]:
    """The files that faults are planted in."""
    return [p for place in places for p in sorted((ROOT / "microgradnn" / place).rglob("*.py"))]


@contextlib.contextmanager
def copy(folder: Path) -> Iterator[Path]:
    """A copy of the project, in which this process is while it lasts."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)


def nearest(fault: Fault) -> list[str]:
    """Files of tests: of the file's own name, of its words, of its folder, of all."""
    path = Path(fault.path)
    words = {path.stem.strip("_"), path.stem.rstrip("s")}
    folder = ROOT / "tests" / path.parts[1]
    own = sorted(folder.rglob("test_*.py"))
    named = [p for p in own if words & set(p.stem.removeprefix("test_").split("_"))]
    first = [p.relative_to(ROOT).as_posix() for p in [*named, *(p for p in own if p not in named)]]
    rest = ["tests/test_parity.py", "tests/test_conventions.py", "tests/test_fuzz.py"]
    return [*first, *(name for name in rest if (ROOT / name).exists())]


def tried(fault: Fault, folder: Path, files: Sequence[str], limit: float) -> Outcome:
    """What finds a fault: a file of tests that fails with it, and passes without it."""
    outcome = planted(fault, folder, files, limit)
    while outcome.by and not sound(folder, outcome.by):
        files = [name for name in files if name != outcome.by]
        outcome = planted(fault, folder, files, limit)
    return outcome


@cache
def sound(folder: Path, name: str) -> bool:
    """Whether the tests of a file pass without a fault; says so where they do not."""
    good = _passes(folder, name, 600)
    if not good:
        print(f"{name} fails without a fault, and is left out", flush=True)
    return good


def planted(fault: Fault, folder: Path, files: Sequence[str], limit: float) -> Outcome:
    """Plants the fault in the copy, runs the files until one fails, and takes it out again."""
    target = folder / fault.path
    before, start = target.read_text(encoding="utf-8"), time.monotonic()
    target.write_text(fault.source(before), encoding="utf-8")
    try:
        for name in files:
            left = limit - (time.monotonic() - start)
            if left <= 0:
                break
            if not _passes(folder, name, left):
                return Outcome(fault, name, time.monotonic() - start)
        return Outcome(fault, "", time.monotonic() - start)
    finally:
        target.write_text(before, encoding="utf-8")


def _passes(folder: Path, name: str, limit: float) -> bool:
    """Whether the tests of a file pass in a new process; one that takes too long counts as passed.

    Not in a fork: inside of another run of pytest that would send its reports to that one.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    env |= {"PYTHONPATH": str(folder), "CI": "true", "HYPOTHESIS_PROFILE": "ci"}
    env |= {"PYTHONDONTWRITEBYTECODE": "1"}  # a fault comes and goes within a second
    words = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:gradcheck", "--no-header"]
    command = [sys.executable, "-m", "pytest", *words, "--rootdir", str(folder), name]
    child = subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        return child.wait(limit) in (0, 5)
    except subprocess.TimeoutExpired:
        return True
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # what it has started too
        child.wait()
