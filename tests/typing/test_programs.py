"""mypy --strict on users' programs: the right one passes, each mistake is found on its line."""

import re
import runpy
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

import numpy as np
import pytest

import microgradnn as mg

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
MARK = re.compile(r"# (error|not yet)$")


@cache
def found() -> dict[str, dict[int, list[str]]]:
    """What mypy says, by program and line."""
    names = ROOT / ".mypy_cache/names.py"
    names.parent.mkdir(exist_ok=True)
    both = "".join(f"{name}, mg.{name}\n" for name in mg.__all__)
    names.write_text(f"import microgradnn as mg\nfrom microgradnn import *\n{both}mg.operator\n")
    run = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary",
            "--follow-imports=silent", "--hide-error-context", "--no-pretty", "--no-color-output",
            "--cache-dir", str(ROOT / ".mypy_cache/programs"),
            *map(str, [*sorted(PROGRAMS.glob("*.py")), names]),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode in (0, 1), run.stdout + run.stderr
    said: dict[str, dict[int, list[str]]] = {}
    for text in run.stdout.splitlines():
        match = re.match(r".*?(\w+)\.py:(\d+): error: (.*)", text)
        if match:
            said.setdefault(match[1], {}).setdefault(int(match[2]), []).append(match[3])
    return said


def marked(program: str) -> Iterator[tuple[int, str, str | None]]:
    for number, line in enumerate((PROGRAMS / f"{program}.py").read_text().splitlines(), 1):
        match = MARK.search(line)
        yield number, line, match[1] if match else None


def test_the_library_says_that_it_is_typed() -> None:
    assert (ROOT / "microgradnn/py.typed").exists()


def test_every_public_name_is_there_for_type_checkers_and_no_other() -> None:
    last = len(mg.__all__) + 3
    assert list(found()["names"]) == [last]  # mg.operator, which is imported below, is no name


def test_the_right_program_passes() -> None:
    said = found().get("good", {})
    lines = {n: (line, mark) for n, line, mark in marked("good")}
    wrong = [f"{n}: {lines[n][0]}\n    {said[n]}" for n in said if lines[n][1] != "not yet"]
    assert not wrong, "\n".join(wrong)
    now = [line for n, (line, mark) in lines.items() if mark == "not yet" and n not in said]
    assert not now, f"mypy understands these now; take the mark off: {now}"


@pytest.mark.parametrize(
    ("number", "line", "mark"), [row for row in marked("wrong") if row[2] is not None]
)
def test_each_mistake_is_found_on_its_line(number: int, line: str, mark: str) -> None:
    said = found().get("wrong", {}).get(number)
    if mark == "not yet":
        assert not said, "mypy finds this now; take the mark off"
    else:
        assert said, f"mypy finds nothing wrong with {line}"


def test_nothing_else_is_found_and_there_are_enough_mistakes() -> None:
    marks = {number: mark for number, _, mark in marked("wrong")}
    assert not [n for n in found().get("wrong", {}) if marks[n] is None]
    assert sum(mark == "error" for mark in marks.values()) >= 20


def test_the_types_are_those_of_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = 0

    def look(value: Any, expected: Any) -> Any:
        nonlocal checked
        checked += 1
        assert fits(value, expected), f"{value!r} is no {expected}"
        return value

    monkeypatch.setattr(typing, "assert_type", look)
    runpy.run_path(str(PROGRAMS / "good.py"))
    assert checked > 60


def fits(value: Any, expected: Any) -> bool:
    if expected is Any:
        return True
    if expected is None:
        return isinstance(value, NoneType)
    if expected is np.ndarray:  # also NumPy's scalars, as functions/types.py says
        return isinstance(value, (np.ndarray, np.generic))
    origin, inner = typing.get_origin(expected), typing.get_args(expected)
    if origin is UnionType:
        return any(fits(value, part) for part in inner)
    if origin is tuple:
        parts = inner[:1] * len(value) if inner[-1:] == (...,) else inner
        return type(value) is tuple and all(map(fits, value, parts))
    if origin is list:
        return type(value) is list and all(fits(part, inner[0]) for part in value)
    return callable(value) if origin is Callable else isinstance(value, expected)
