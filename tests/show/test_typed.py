"""Formulas that are typed: read safely, refused with a sentence."""

import re
from pathlib import Path

import pytest

from microgradnn.__main__ import main
from microgradnn.errors import ConfigError
from microgradnn.show.typed import computed, variables


@pytest.mark.parametrize(
    "formula, words, value",
    [
        ("tanh(x*w+b)", "x=2 w=-3 b=6.88", 0.706419),
        ("-x**2", "x=3", -9.0),
        ("+x", "x=3", 3.0),
        ("x % 2 + x // 2", "x=5", 3.0),
        ("where(x > 0, 1, 2)", "x=5", None),
        ("9**9**9*x", "x=1", float("inf")),
        ("1/x", "x=0", float("inf")),
        ("leaky_relu(x, negative_slope=0.5)", "x=-2", -1.0),
    ],
)
def test_numbers(formula: str, words: str, value: float | None) -> None:
    given = variables(words.split(), "explain")
    if value is None:
        with pytest.raises(ConfigError, match="'x > 0' is not understood"):
            computed(formula, given)
    else:
        assert computed(formula, given).data == pytest.approx(value, abs=1e-6)


def test_lists_are_tensors() -> None:
    given = variables(["x=[[1,2],[3,4]]", "w=[1,1]", "b=2"], "explain")
    y = computed("sum(x[1:] @ w * b)", given)
    assert y.item() == 14.0 and given["b"].shape == ()


@pytest.mark.parametrize(
    "formula, words, message",
    [
        ("tanhh(x)", "x=2", "there is no function tanhh; did you mean tanh?"),
        ("tanh(x", "x=2", "cannot read 'tanh(x' ('(' was never closed); write it as in Python: tanh(x*w + b)"),
        ("__import__('os')", "", "there is no function __import__"),
        ("x.data", "x=2", "'x.data' is not understood in a formula; write numbers, names, + - * / ** @ and functions such as tanh(x)"),
        ("(lambda: 1)()", "x=2", "'(lambda: 1)()' is not understood in a formula; write numbers, names, + - * / ** @ and functions such as tanh(x)"),
        ("x", "", "x has no number; add x=1 behind the formula"),
        ("tanh", "x=1", "tanh is a function; write tanh(x)"),
        ("x", "x=1 y=2", "y is not in the formula 'x'; leave y= out"),
        ("sum(x)", "x=2", "a function of arrays got a single number; give lists, as in x=[1,2]"),
        ("x", "x=a", "x is 'a', expected a number or a list of numbers, as in x=2 or x=[1,2]"),
        ("x", "x=[[1],[1,2]]", "x is '[[1],[1,2]]', expected a number or a list of numbers, as in x=2 or x=[1,2]"),
        ("x", "x", "got 'x', expected a name and its number, as in x=2"),
        ("3", "", "the formula has no variable; write one, as in tanh(x) x=2"),
        ("x --wrt w", "x=1", "--wrt w: the formula has x"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_one_line(
    formula: str, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    head, *options = formula.split(" --") if " --" in formula else [formula]
    extra = [w for o in options for w in f"--{o}".split()]
    assert main(["explain", head, *words.split(), *extra]) == 2
    assert capsys.readouterr().err == f"microgradnn: explain: {message}\n"


def test_what_cannot_be_computed_or_written_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "x[5]", "x=[1,2]"]) == 2
    assert capsys.readouterr().err == (
        "microgradnn: explain: 'x[5]' cannot be computed: index 5 is out of bounds for axis 0 with "
        "size 2\n"
    )
    (tmp_path / "file").write_text("")
    assert main(["draw", "x*2", "x=1", "--out", str(tmp_path / "file" / "g.svg")]) == 2
    assert re.fullmatch(
        r"microgradnn: draw: cannot write .*g\.svg \(.*\); give --out another place\n",
        capsys.readouterr().err,
    )


def test_a_very_deep_formula_is_refused() -> None:
    with pytest.raises(ConfigError, match="^explain: "):
        computed("-" * 20000 + "x", variables(["x=1"], "explain"))


def test_the_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "-x*x", "x=3", "--lang", "en"]) == 0
    assert capsys.readouterr().out.endswith("dL/dx = -6  (2 paths, added up)\n")
    assert main(["explain", "tanh(x)", "x=3", "--latex"]) == 0
    assert capsys.readouterr().out.startswith("\\begin{align*}")


def test_the_commands_write_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "tanh(x*w)", "x=2", "w=1"]) == 0
    assert main(["steps", "tanh(x*w)", "x=2", "w=1", "--out", "page.html", "--lang", "zh"]) == 0
    assert capsys.readouterr().err == "wrote graph.svg\n已写入 page.html\n"
    assert (tmp_path / "graph.svg").exists() and "前向传播" in (tmp_path / "page.html").read_text(
        "utf-8"
    )
    assert main(["draw", "y(", "y=1"]) == 2
    assert capsys.readouterr().err.startswith("microgradnn: draw: cannot read 'y('")
