"""The counting, on a small part of the zoo; the whole is python -m compare gradbugs."""

import json
from pathlib import Path

from compare import __main__ as cli
from compare import gradbugs
from tests.check.zoo import BY_NAME, WRONG

NAMED = BY_NAME | {entry.name: entry for entry in WRONG}
PART = [
    NAMED[name]
    for name in ("sigmoid", "relu", "sigmoid_backward_abs", "affine_backward_no_db",
                 "relu_backward_in_place")
]  # fmt: skip


def counted(tool, seeds=1):
    return gradbugs.measure(gradbugs.TOOLS[tool], PART, seeds)[0]


def test_torch_passes_the_absolute_value_of_the_cotangent_and_flags_relu_at_zero():
    counts = counted("torch gradcheck")
    wrong = counts[gradbugs.WRONG_ONES]
    assert wrong.rejected == ["affine_backward_no_db"] and wrong.total == 2
    assert len(wrong.crashed) == 1 and "number of gradients" in wrong.crashed[0]
    assert str(counts[gradbugs.RIGHT_ONES]) == "0 of 2"
    assert (
        counts[gradbugs.HARD].rejected == ["relu, kinks and ties"]
        and counts[gradbugs.HARD].total == 6
    )


def test_ours_finds_all_and_flags_nothing():
    counts = counted("microgradnn check", seeds=2)
    said = [str(counts[c]) for c in (gradbugs.WRONG_ONES, gradbugs.CONTRACTS)]
    assert said == ["4 of 4", "2 of 2"]
    assert str(counts[gradbugs.RIGHT_ONES]) == "0 of 4" and str(counts[gradbugs.HARD]) == "0 of 12"


def test_the_rule_of_the_course_finds_the_absolute_value_and_not_what_is_done_to_the_cotangent():
    counts = counted("cs231n rule")
    assert len(counts[gradbugs.WRONG_ONES].rejected) == 2
    assert str(counts[gradbugs.CONTRACTS]) == "0 of 1"


def test_hard_inputs_stay_where_the_forward_is_finite():
    names = [name for name, _ in gradbugs.hard_inputs(BY_NAME["bce"], 0)]
    assert names == ["bce, times 1e-3"]


def test_the_table_and_the_json(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(gradbugs, "RIGHT", PART[:1])
    monkeypatch.setattr(gradbugs, "WRONG", PART[2:3])
    words = ["gradbugs", "--tools", "cs231n rule", "--json", str(tmp_path / "checkers.json")]
    assert cli.main(words) == 0
    head, rule, line = capsys.readouterr().out.strip().split("\n")
    assert head.count("|") == rule.count("|") == line.count("|") == 7
    assert "cs231n rule | 1 of 1 | 0 of 0 | 0 of 1 | 1 of 3 |" in line
    said = json.loads((tmp_path / "checkers.json").read_text())["cs231n rule"]
    assert said[gradbugs.HARD]["rejected"] == ["sigmoid, times 30"]


def test_the_other_tools_find_what_they_can():
    for tool in ("HIPS check_grads", "scipy check_grad"):
        counts = counted(tool)
        assert "affine_backward_no_db" in counts[gradbugs.WRONG_ONES].rejected
        assert str(counts[gradbugs.RIGHT_ONES]) == "0 of 2"


def test_one_mistake_is_shown_with_all_that_is_said(capsys):
    assert cli.main(["gradbugs", "sigmoid_backward_abs", "--tools", "cs231n rule"]) == 0
    said = capsys.readouterr().out
    assert "def sigmoid_backward_abs" in said
    assert "cs231n rule          found" in said
    assert "in place of the gradient from above it uses its absolute value" in said


def test_a_name_that_is_none(capsys):
    assert cli.main(["gradbugs", "nothing"]) == 2
    assert capsys.readouterr().err == (
        "compare: gradbugs: no mistake is called 'nothing'; --list prints their names\n"
    )


def test_the_page_has_all_mistakes(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "gradbugs.md").read_text()
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert rows == {entry.name for entry in WRONG}
    monkeypatch.setattr(gradbugs, "WRONG", PART[2:3])
    words = ["gradbugs", "--tools", "cs231n rule", "--page", str(tmp_path / "page.md")]
    assert cli.main(words) == 0
    last = (tmp_path / "page.md").read_text().splitlines()[-1]
    assert last.startswith("| `sigmoid_backward_abs` | not linear in the cotangent | + | dx: in ")


def test_the_names_are_listed(capsys):
    assert cli.main(["gradbugs", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(WRONG)
