"""Runs tests on a copy of the project with one fault in it: what finds the fault, and how soon.

The tests of a fault run in a fork of a process that has the packages imported, one file at a time,
the nearest first, until one fails.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

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


def preload(
    names: Sequence[str] = ("numpy", "hypothesis", "torch", "flint", "scipy.special"),
) -> None:
    """Imports packages once, for all forks; those that are absent are left out."""
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONDONTWRITEBYTECODE": "1", "CI": "true", "HYPOTHESIS_PROFILE": "ci"}
    for name in names:
        with contextlib.suppress(ImportError):
            import_module(name)


def _passes(folder: Path, name: str, limit: float) -> bool:
    """Whether the tests of a file pass in a fork; one that takes too long counts as passed."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            sys.dont_write_bytecode = True  # a fault comes and goes within a second
            with open(os.devnull, "w") as nothing:
                os.dup2(nothing.fileno(), 1)
                os.dup2(nothing.fileno(), 2)
            sys.path[:] = [str(folder), *(p for p in sys.path if p not in ("", str(ROOT)))]
            os.environ["PYTHONPATH"] = str(folder)
            for module in [m for m in sys.modules if m.split(".")[0] in COPIED]:
                del sys.modules[module]
            alone = "ignore::pytest.PytestAssertRewriteWarning"  # of what is imported already
            words = [
                "-x",
                "-q",
                "-W",
                alone,
                "-p",
                "no:cacheprovider",
                "-p",
                "no:gradcheck",
                "--no-header",
            ]
            code = int(pytest.main([*words, "--rootdir", str(folder), name]))
        finally:
            os._exit(code)
    return _waited(child, limit) in (0, 5)


def _waited(child: int, limit: float) -> int:
    """The exit status of a child, or 0 when the time is over, and it with it."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 0
