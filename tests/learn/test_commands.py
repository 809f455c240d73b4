"""The commands as a learner gives them, the state they keep, and what they refuse."""

import json
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from microgradnn.__main__ import main
from microgradnn.errors import CheckError
from microgradnn.learn.exercise import Told
from microgradnn.learn.kept import Kept, keep, kept, learnt, next_hint
from microgradnn.learn.shelf import BY_NUMBER, EXERCISES, exercise, part_named

from .answers import a01


def run(*words: str) -> int:
    return main(["exercise", *words])


def written(number: str, text: str) -> Path:
    path = Path(BY_NUMBER[number].file)
    path.write_text(text, encoding="utf-8")
    return path


def test_from_the_first_file_to_the_last_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("start", "1") == 0
    assert "ex01_add_mul.py is written" in capsys.readouterr().out
    written("01", a01.KEYS[0][1].replace("return g * b, g * a", "return b, a"))
    assert run("check", "01") == 3
    assert capsys.readouterr().out == (
        "01 sums, products, and a number that is used twice: 2 of 3 parts are right\n"
        "  ✓ add_backward\n"
        "  ✗ mul_backward: g, the gradient from above, is not used\n"
        "      mul_backward(g=1.46, a=-1.38, b=-2.75): your da is -2.75, right is -4.015\n"
        "  ✓ twice_backward\n"
        "a hint: python -m microgradnn exercise hint 01\n"
    )
    for number in (1, 2, 2):
        assert run("hint", "01") == 0
        out = capsys.readouterr().out
        assert out.startswith("mul_backward: g, the gradient from above, is not used\nhint ")
        assert f"hint {number} of 2: " in out
    written("01", a01.KEYS[0][1])
    assert run("check", "ex01_add_mul.py", "--lang", "zh") == 0
    assert capsys.readouterr().out.endswith(
        "全部正确！下一个练习：python -m microgradnn exercise start 02\n"
    )
    assert run("hint", "01") == 0
    assert capsys.readouterr().out.endswith("3 of 3 parts are right\n")
    assert run("progress") == 0
    assert "3 of 3 parts, 2 checks, 2 hints" in capsys.readouterr().out
    assert run("list") == 0
    out = capsys.readouterr().out
    assert out.startswith("✓ 01 add_mul") and out.endswith("exercise start 02\n")


def test_a_stub_scores_nothing_and_its_status_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    run("start", "03", "--lang", "zh")
    capsys.readouterr()
    assert run("check", "03", "--json") == 7
    told = json.loads(capsys.readouterr().out)
    assert (told["score"], told["of"]) == (0, len(BY_NUMBER["03"].parts))


def test_what_hangs_ends_or_forges_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    written("01", """
import os
import numpy as np

def add_backward(g, a, b):
    while True:
        pass

def mul_backward(g, a, b):
    os._exit(0)

def twice_backward(g, a):
    np.allclose = lambda *args, **how: True
    return 1.0
""")  # fmt: skip
    assert run("check", "01", "--time-limit", "1") == 3
    out = capsys.readouterr().out
    assert "✗ add_backward: it does not come back within 1 s" in out
    assert "✗ mul_backward: the program ended while it was graded: " in out
    assert "✗ twice_backward: the code changes numpy.allclose" in out


def test_a_file_that_is_no_python(capsys: pytest.CaptureFixture[str]) -> None:
    written("01", "def add_backward(g, a, b)\n    return g, g\n")
    assert run("check", "01") == 2
    assert capsys.readouterr().err == "microgradnn: ex01_add_mul.py:1: SyntaxError: expected ':'\n"


def test_start_does_not_overwrite_and_reset_keeps_the_old_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written("01", "mine")
    assert run("start", "01") == 2
    assert "is there already and was not touched" in capsys.readouterr().err
    assert path.read_text() == "mine"
    learnt("01", [Told("add_backward")])
    assert run("reset", "01") == 0
    assert Path("ex01_add_mul.old1").read_text() == "mine"
    assert path.read_text().startswith('"""Exercise 01')
    assert kept("01").right == []


def test_a_grader_gets_what_it_reads(capsys: pytest.CaptureFixture[str], state: Path) -> None:
    folder = Path("handed_in")
    folder.mkdir()
    text = a01.KEYS[0][1].replace("return g * b, g * a", "return b, a")
    (folder / "named_otherwise.py").write_text(text)
    words = ("check", "01", "handed_in", "--format", "gradescope", "--output", "r.json")
    assert run(*words) == 0
    told = json.loads(Path("r.json").read_text())
    assert told["score"] == 2
    assert told["tests"][1]["output"].startswith(
        "wrong: g, the gradient from above, is not used\nmul_backw"
    )
    assert not state.exists()  # nothing is remembered of a student on a grader
    assert run("pack", "gradescope", "01", "--lang", "zh") == 0
    with zipfile.ZipFile("gradescope-01.zip") as packed:
        names = set(packed.namelist())
        assert {"setup.sh", "run_autograder", "microgradnn/learn/zh.toml"} <= names
        script = packed.read("run_autograder").decode()
    assert 'exercise check 01 "$home/submission" --format gradescope --lang zh --output' in script


def test_an_assignment_for_otter_as_otter_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """otter executes a test file and calls what test_case decorated, with the notebook's globals."""
    assert run("pack", "otter", "05", "--lang", "zh") == 0
    with zipfile.ZipFile("otter-05.zip") as packed:
        names = set(packed.namelist())
        assert {"README.txt", "requirements.txt", "microgradnn/learn/zh.toml"} <= names
        book = json.loads(packed.read("ex05_pow_div.ipynb"))
        tests = packed.read("tests/ex05_pow_div.py").decode()
    assert [c["cell_type"] for c in book["cells"]] == ["markdown", "code", "code", "code"]
    assert book["cells"][0]["source"].startswith("# 练习 05")
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    cases: list[Any] = []

    def test_case(**options: Any) -> Any:
        assert set(options) == {"name", "points", "hidden"}
        return lambda function: cases.append((options, function))

    module = ModuleType("otter.test_files")
    module.test_case = test_case  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "otter", ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", module)
    scope: dict[str, Any] = {}
    exec(tests, scope)
    assert (scope["OK_FORMAT"], scope["points"]) == (False, len(cases)) == (False, 2)
    env: dict[str, Any] = {}
    exec(book["cells"][2]["source"], env)
    for options, function in cases:
        with pytest.raises(CheckError, match="^还没有写$"):
            function(env=env)
        assert options["name"] in env
    exec("def pow_backward(g, a, n):\n    return g * n * a ** (n - 1)", env)
    exec("def div_backward(g, a, b):\n    return g / b, g * a / b**2", env)
    cases[0][1](env=env)
    with pytest.raises(CheckError, match="\n.*div_backward"):
        cases[1][1](env=env)


def test_the_steps_of_the_engine_share_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("start", "e1") == 0
    learnt("e1", [Told("Value")])
    path = Path("my_engine.py")
    text = path.read_text()
    assert run("start", "e2") == 0
    assert "my_engine.py is here already: go on in it, then: " in capsys.readouterr().out
    assert path.read_text() == text
    assert run("check", "e2") == 7
    assert run("reset", "e2") == 0
    assert kept("e1").right == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["check", "01"], "exercise: ex01_add_mul.py is not in this folder; write it with: python -m "
         "microgradnn exercise start 01, or say where it is: exercise check 01 FOLDER"),
        (["start", "ordr"], "exercise: there is no exercise 'ordr'; did you mean 'order'?"),
        (["start", "99999"], "exercise: there is no exercise '99999'; see exercise list"),
        (["check", "01", "nothing.py"], "nothing.py: no such file"),
        (["list", "--lang", "xx"], "exercise: no language is called 'xx'; use one of en, zh"),
        (["check", "01", "--time-limit", "0"],
         "exercise: ex01_add_mul.py is not in this folder; write it with: python -m "
         "microgradnn exercise start 01, or say where it is: exercise check 01 FOLDER"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    assert capsys.readouterr().err == f"microgradnn: {said}\n"


def test_what_cannot_be_done_is_told_in_chinese_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    for words, said in (
        (["start", "ordr"], "exercise：没有练习 'ordr'；你要的是 'order' 吗？"),
        (["check", "01", "nothing.py"], "nothing.py：没有这个文件"),
        (["check", "01"], "exercise：当前文件夹里没有 ex01_add_mul.py；用 python -m microgradnn exercise "
         "start 01 生成，或者说明它在哪里：exercise check 01 文件夹"),
    ):  # fmt: skip
        assert run(*words) == 2
        assert capsys.readouterr().err == f"microgradnn: {said}\n"
    path = written("01", "def add_backward(g, a, b)\n    return g, g\n")
    assert run("check", "01") == 2
    assert capsys.readouterr().err.startswith(f"microgradnn: {path.name} 第 1 行有语法错误")
    assert main(["explain", "tanh(x*q)", "x=2"]) == 2
    assert capsys.readouterr().err == (
        "microgradnn: explain：没有给 q 数值；请在公式后面加上 q=1\n"
    )


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '{"right": {}}', '{"tries": "x"}', '{"hints": {"a": "b"}}', "\x00",
     '{"words": {"a": 3}}', '{"words": {"a": {"b": 3}}}', '{"right": [1]}'],
)  # fmt: skip
def test_a_damaged_state_is_told_and_left(
    text: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep("02", Kept(right=["exp_backward"]))
    (state / "01.json").write_text(text)
    assert run("progress") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"microgradnn: exercise: {state / '01.json'} is damaged (")
    assert err.endswith("mend it, or move it away to begin that exercise anew\n")
    assert (state / "01.json").read_text() == text
    assert kept("02").right == ["exp_backward"]


def test_a_state_that_cannot_be_written(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state.parent.parent.mkdir(exist_ok=True)
    state.parent.write_text("a file where a folder should be")
    assert run("start", "01") == 2
    assert "set XDG_STATE_HOME to a folder that can be read and written" in capsys.readouterr().err


def test_what_is_remembered_comes_back() -> None:
    what = Kept("a.py", ["p"], 3, {"q": "sign"}, {"q": {"yours": "1"}}, {"q sign": 1})
    keep("01", what)
    assert kept("01") == what
    learnt("01", [Told("q")])
    assert kept("01").right == ["p", "q"] and not kept("01").causes
    assert [next_hint("01", "q", "zero", 2) for _ in range(3)] == [1, 2, 2]


def test_an_exercise_has_many_names() -> None:
    for e in EXERCISES:
        files = [] if e.series else [e.file, f"some/folder/{e.file}"]
        for name in (e.number, e.name, f"{e.number}_{e.name}", *files):
            assert exercise(name) is e
        for part in e.parts:
            assert part_named(part.name)[1].name == part.name
