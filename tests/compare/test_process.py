"""Frameworks in processes of their own: what they raise, how they die, adapters from outside."""

from pathlib import Path
from typing import Any

import pytest

from compare import __main__ as cli
from compare import lockstep, own_process, tasks
from compare.frameworks import Broken, ours

ADAPTER = """
import os, signal
import numpy as np
from compare.frameworks import ours

class Right(ours.Session):
    @staticmethod
    def version():
        return "1.2"

class Raises(ours.Session):
    def update(self):
        raise RuntimeError("mine")

class Dies(ours.Session):
    def gradients(self, *args):
        os.kill(os.getpid(), signal.SIGSEGV)

class Leaves(ours.Session):
    def __init__(self, *args):
        os._exit(3)

class Prints(ours.Session):
    def gradients(self, *args):
        print("noise")
        return super().gradients(*args)

class Wrong(ours.Session):
    def gradients(self, *args):
        found = super().gradients(*args)
        found.grads = [g * 1.5 for g in found.grads]
        return found
"""


def write(folder: Path, text: str = ADAPTER) -> str:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(names: list[str], steps: int = 2) -> dict[str, lockstep.Row]:
    loaded = own_process.load(names)
    try:
        task = tasks.gates()[3]
        rows = lockstep.run(task, {"microgradnn": ours, **loaded}, steps)
        rows += lockstep.run(task, {"microgradnn": ours, **loaded}, 1)  # and once more
    finally:
        own_process.close(loaded)
    return {row.framework.rpartition(":")[2]: row for row in rows}


def test_sessions_from_a_file_in_processes_are_rows(tmp_path: Path) -> None:
    path = write(tmp_path)
    kinds = ("Right", "Raises", "Dies", "Leaves", "Prints", "Wrong")
    rows = run([f"{path}:{kind}" for kind in kinds])
    verdicts = {name: row.verdict for name, row in rows.items()}
    assert verdicts.pop("Wrong").startswith("DISAGREE at the asked point 0: gradient of ")
    assert verdicts == {
        "microgradnn": "agree",
        "Right": "agree",
        "Prints": "agree",
        "Raises": "FAILED at step 0: RuntimeError: mine",
        "Dies": "FAILED in step 0: its process was ended by signal 11 (SIGSEGV)",
        "Leaves": "FAILED before the first step: its process ended with status 3",
    }
    assert rows["Right"].seconds >= 0 and rows["Right"].steps == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("x = ", "SyntaxError: invalid syntax (mine.py, line 1)"),
        ("", "AttributeError: {path} has no class Right"),
        ("import os; os._exit(4)", "its process ended with status 4"),
    ],
)
def test_a_file_that_cannot_be_loaded_says_why(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    loaded = own_process.load([f"{path}:Right"])
    own_process.close(loaded)
    (why,) = loaded.values()
    assert isinstance(why, Broken)
    assert why == f"{path}:Right cannot be imported: {said.format(path=path)}"


def test_an_adapter_from_outside_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args: list[Any] = ["--tasks", "gates", "--steps", "2", "--out", str(tmp_path / "out")]
    assert cli.main([*args, "--framework", f"{write(tmp_path)}:Right"]) == 0
    assert "2 frameworks, 4 tasks: all right within " in capsys.readouterr().out
    assert cli.main([*args, "--framework", f"{write(tmp_path)}:Wrong"]) == 1
