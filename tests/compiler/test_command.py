"""python -m microgradnn source prints a function with its gradient."""

from pathlib import Path
from typing import Any

import pytest

from microgradnn.__main__ import main

FILE = """
import numpy as np
import microgradnn as mg


def neuron(x, w, b):
    return (x * w + b).tanh()


@mg.compile
def loss(W, x):
    return np.mean((x @ W) ** 2)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "made.py"
    path.write_text(FILE)
    return path


def test_numbers_and_shapes(file: Path, capsys: Any) -> None:
    assert main(["source", f"{file}:neuron", "2.0", "-3.0", "6.88", "--lang", "js"]) == 0
    assert capsys.readouterr().out.startswith("function neuron_and_gradient(x, w, b) {\n")
    assert main(["source", f"{file}:neuron", "2.0", "-3.0", "6.88"]) == 0
    assert "    h = math.tanh(x * w + b)\n" in capsys.readouterr().out
    assert main(["source", f"{file}:loss", "3x1", "4x3", "--by", "0"]) == 0
    out = capsys.readouterr().out
    assert "    dW = x.T @ dz " in out and out.endswith("    return loss, dW\n")


def test_to_a_file(file: Path, tmp_path: Path, capsys: Any) -> None:
    to = tmp_path / "backprop.c"
    assert main(["source", f"{file}:neuron", "1", "2", "3", "--lang", "c", "--out", str(to)]) == 0
    assert to.read_text().startswith("#include <math.h>\n")
    assert capsys.readouterr().out == f"{to}\n"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["made.py:neuron"], "source: no arguments for the function; write, for one, python -m "),
        (["made.py:neuron", "two"], "source: 'two' is no number and no shape; write 0.5, or 4x2"),
        (["made.py:neurone", "2"], "has no function 'neurone'; it has neuron, loss"),
        (["absent.py:f", "2"], "source: no file 'absent.py'; write FILE.py:FUNCTION, as in python"),
    ],
    ids=["no arguments", "no number", "no function", "no file"],
)  # fmt: skip
def test_mistakes_are_one_sentence(
    file: Path, monkeypatch: Any, capsys: Any, words: Any, text: str
) -> None:
    monkeypatch.chdir(file.parent)
    status = main(["source", *words])
    seen = capsys.readouterr()
    assert status == 2 and seen.out == ""
    assert text in seen.err and seen.err.startswith("microgradnn: source: ")


def test_a_file_that_stops(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "broken.py"
    path.write_text("1 / 0\n")
    assert main(["source", f"{path}:f", "1"]) == 2
    assert capsys.readouterr().err == (
        f"microgradnn: source: {path} stops with ZeroDivisionError: division by zero\n"
    )
