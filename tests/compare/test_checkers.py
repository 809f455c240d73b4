"""The counting, on a small part of the zoo; the whole is python -m compare checkers."""

import json

from compare import __main__ as cli
from compare import checkers
from tests.check.zoo import BY_NAME, WRONG

NAMED = BY_NAME | {entry.name: entry for entry in WRONG}
PART = [
    NAMED[name]
    for name in ("sigmoid", "relu", "sigmoid_backward_abs", "affine_backward_no_db",
                 "relu_backward_in_place")
]  # fmt: skip


def counted(tool, seeds=1):
    return checkers.measure(checkers.TOOLS[tool], PART, seeds)[0]


def test_torch_passes_the_absolute_value_of_the_cotangent_and_flags_relu_at_zero():
    counts = counted("torch gradcheck")
    wrong = counts[checkers.WRONG_ONES]
    assert wrong.rejected == ["affine_backward_no_db"] and wrong.total == 2
    assert len(wrong.crashed) == 1 and "number of gradients" in wrong.crashed[0]
    assert str(counts[checkers.RIGHT_ONES]) == "0 of 2"
    assert (
        counts[checkers.HARD].rejected == ["relu, kinks and ties"]
        and counts[checkers.HARD].total == 6
    )


def test_ours_finds_all_and_flags_nothing():
    counts = counted("microgradnn check", seeds=2)
    said = [str(counts[c]) for c in (checkers.WRONG_ONES, checkers.CONTRACTS)]
    assert said == ["4 of 4", "2 of 2"]
    assert str(counts[checkers.RIGHT_ONES]) == "0 of 4" and str(counts[checkers.HARD]) == "0 of 12"


def test_the_rule_of_the_course_finds_the_absolute_value_and_not_what_is_done_to_the_cotangent():
    counts = counted("cs231n rule")
    assert len(counts[checkers.WRONG_ONES].rejected) == 2
    assert str(counts[checkers.CONTRACTS]) == "0 of 1"


def test_hard_inputs_stay_where_the_forward_is_finite():
    names = [name for name, _ in checkers.hard_inputs(BY_NAME["bce"], 0)]
    assert names == ["bce, times 1e-3"]


def test_the_table_and_the_json(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(checkers, "RIGHT", PART[:1])
    monkeypatch.setattr(checkers, "WRONG", PART[2:3])
    words = ["checkers", "--tools", "cs231n rule", "--json", str(tmp_path / "checkers.json")]
    assert cli.main(words) == 0
    head, rule, line = capsys.readouterr().out.strip().split("\n")
    assert head.count("|") == rule.count("|") == line.count("|") == 7
    assert "cs231n rule | 1 of 1 | 0 of 0 | 0 of 1 | 1 of 3 |" in line
    said = json.loads((tmp_path / "checkers.json").read_text())["cs231n rule"]
    assert said[checkers.HARD]["rejected"] == ["sigmoid, times 30"]
