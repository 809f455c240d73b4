"""Right answers pass, whatever their style; wrong ones are told their cause; stubs score nothing."""

import importlib
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.check.report import report_from_dict
from microgradnn.learn.catalogue import catalogue
from microgradnn.learn.edits import compiled, slips
from microgradnn.learn.exercise import GENERAL, Told, told
from microgradnn.learn.shelf import BY_NUMBER, EXERCISES
from microgradnn.learn.wording import cause_of, example_of, hints_for

from .answers import answer, fresh, graded, later, table

MODULES = [importlib.import_module(f".answers.a{e.number}", __package__) for e in EXERCISES]
KEYS = table(MODULES, "KEYS")
WRONG = table(MODULES, "WRONG") + later.WRONG + fresh.WRONG
LANGUAGES = ("en", "zh")


def ids(rows: list[tuple[str, ...]]) -> list[str]:
    counts: dict[tuple[str, ...], int] = {}
    out = []
    for row in rows:
        counts[row[:3]] = counts.get(row[:3], 0) + 1
        out.append(f"{row[0]}-{'-'.join(row[1:-1])}-{counts[row[:3]]}")
    return out


@pytest.mark.parametrize(("number", "style", "text"), KEYS, ids=ids(KEYS))
def test_a_right_answer_passes(number: str, style: str, text: str) -> None:
    found = graded(BY_NUMBER[number], text)
    assert [(f.part, f.cause, dict(f.words)) for f in found if f.cause] == []


@pytest.mark.parametrize(("number", "part", "cause", "body"), WRONG, ids=ids(WRONG))
def test_a_wrong_answer_is_told_its_cause(number: str, part: str, cause: str, body: str) -> None:
    e = BY_NUMBER[number]
    (found,) = graded(e, answer(e, part, body), part)
    assert found.cause == cause, dict(found.words)
    for language in LANGUAGES:
        say = catalogue(language)
        texts = [cause_of(found, say), example_of(found, say), *hints_for(e, found, say)]
        assert texts[0] and len(texts) >= 4
        assert not any("{" in text for text in texts)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("e", EXERCISES, ids=lambda e: e.number)
def test_a_stub_scores_nothing(e, language: str) -> None:
    found = graded(e, e.written(catalogue(language)))
    assert {f.cause for f in found} == {"empty"}
    assert len(found) == len(e.parts)


WRITTEN = [
    (e, p) for e in EXERCISES for p in e.parts if getattr(p, "answer", "") and not e.series
]  # fmt: skip


@pytest.mark.parametrize(("e", "part"), WRITTEN, ids=lambda x: getattr(x, "name", ""))
def test_the_answers_in_which_slips_are_looked_for_are_right(e, part) -> None:
    module = ModuleType("answer")
    setattr(module, part.name, compiled(part.answer))
    assert part.grade(module).cause == ""


@given(st.data())
def test_a_slip_of_the_pen_is_told(data: st.DataObject) -> None:
    """Any slip in a right answer has a name, and no slip is taken for right."""
    _, part = data.draw(st.sampled_from(WRITTEN))
    slip = data.draw(st.sampled_from(slips(part.answer)))
    module = ModuleType("answer")
    setattr(module, part.name, slip.function)
    assert part.grade(module).cause not in ("unnamed", "trajectory", "sometimes", "not_linear")


def test_there_are_enough_wrong_answers() -> None:
    assert all(len(m.WRONG) >= 5 and len(m.KEYS) >= 2 for m in MODULES)
    assert len(WRONG) >= 60


def test_every_cause_of_the_code_can_be_told_and_no_other() -> None:
    declared = {*GENERAL, *(cause for e in EXERCISES for part in e.parts for cause in part.causes)}
    assert declared == {key.split(".")[0] for key in catalogue("en").under("cause")}


def test_what_is_told_survives_the_way_from_the_child() -> None:
    for said in (Told("f"), Told("f", "sign", {"yours": "1", "right": "-1"})):
        assert told(report_from_dict(said.to_report().to_dict())) == said
