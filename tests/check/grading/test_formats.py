"""Grades in the words of graders: each of the form that the grader publishes, whatever is in it."""

import csv
import io
import json
import math
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.check.grading.formats import (
    FORMATS,
    autolab,
    classroom50,
    gradescope,
    prairielearn,
)
from microgradnn.check.grading.marks import STATUS, Grade, Mark
from microgradnn.check.grading.sheets import page, sheet
from microgradnn.check.grading.worth import Points
from microgradnn.check.printable import clean
from microgradnn.errors import ConfigError
from tests.check.grading.published import (
    AUTOLAB,
    AUTOLAB_SEMANTIC,
    CLASSROOM50,
    GRADESCOPE,
    PRAIRIELEARN,
    fits,
)

TEXTS = st.text(max_size=20) | st.sampled_from(
    ["<b>&amp;", "=1+1", 'a\nb,"c"', "\x1b[31m", "\ud800"]
)
WORDS = TEXTS.map(clean)
RUNNER = {
    "CLASSROOM": "ml", "ASSIGNMENT": "backprop", "USERNAME": "ana", "SUBMISSION_TAG": "submit/1",
    "COMMIT_URL": "https://x/c", "RELEASE_URL": "https://x/r",
}  # fmt: skip


@st.composite
def grades(draw, whole=False):
    """Any grade: the names are all different, a score is at most what there is."""
    names = draw(st.lists(WORDS.filter(bool), min_size=1, max_size=4, unique=True))
    number = st.integers(0, 9) if whole else st.floats(0, 9).map(lambda x: round(x, 3))
    marks = []
    for i, name in enumerate(names):
        worth = draw(number) + (i == 0)
        status = draw(st.sampled_from(STATUS))
        score = worth if status == "right" else 0
        marks.append(Mark(name, worth, score, status, "PASS", draw(WORDS), draw(WORDS), 0.5))
    errors, notes = (tuple(draw(st.lists(WORDS, max_size=2))) for _ in "ab")
    return Grade(draw(TEXTS), tuple(marks), errors, notes, draw(st.floats(0, 1e4)))


@given(grades())
def test_gradescope(grade):
    out = json.loads(gradescope(grade))
    fits(out, GRADESCOPE)
    assert math.isclose(out["score"], sum(t["score"] for t in out["tests"]), abs_tol=1e-6)
    assert [t["status"] for t in out["tests"]] == [
        "passed" if m.passed else "failed" for m in grade.marks
    ]


@given(grades())
def test_autolab(grade):
    *_, semantic, last = autolab(grade).rstrip("\n").split("\n")
    fits(json.loads(last), AUTOLAB)
    fits(json.loads(semantic), AUTOLAB_SEMANTIC)
    assert json.loads(last)["scores"] == {m.name: m.score for m in grade.marks}
    assert json.loads(semantic)["Gradients"].keys() == {m.name for m in grade.marks}


@given(grades())
def test_prairielearn(grade):
    out = json.loads(prairielearn(grade))
    fits(out, PRAIRIELEARN)
    if out["gradable"]:
        assert math.isclose(out["score"], grade.score / grade.total, abs_tol=1e-9)
    else:
        assert out["format_errors"] == list(grade.errors) and "score" not in out


@given(grades(whole=True))
def test_classroom50(grade):
    out = json.loads(classroom50(grade, RUNNER))
    fits(out, CLASSROOM50)
    assert out["score"] == sum(t["score"] for t in out["tests"]) <= out["max-score"]


def test_what_classroom50_cannot_say():
    half = Grade("a", (Mark("f", 2.5, 2.5, "right", "PASS", ""),))
    with pytest.raises(ConfigError) as error:
        classroom50(half, RUNNER)
    assert str(error.value) == "classroom50: the score is 2.5, its scores are whole numbers"
    with pytest.raises(ConfigError) as error:
        classroom50(half, {**RUNNER, "CLASSROOM": " ", "USERNAME": ""})
    assert str(error.value) == (
        "classroom50: CLASSROOM, USERNAME not set; its runner sets them for autograder.py"
    )


def test_long_reports_are_cut_to_what_prairielearn_takes():
    marks = tuple(Mark(f"f{i}", 1, 0, "wrong", "FAIL", "x" * 10**6) for i in range(3))
    for format_ in (gradescope, prairielearn):
        assert len(format_(Grade("a", marks))) < 10**6
    assert set(FORMATS) == {"gradescope", "autolab", "prairielearn", "classroom50"}


@given(grades())
def test_a_grade_survives_json(grade):
    assert Grade.from_dict(json.loads(json.dumps(grade.to_dict()))) == grade


# ---- the table of a class ------------------------------------------------------------------------


def _points(grade):
    return Points({m.name: m.worth for m in grade.marks})


@given(grades())
def test_the_sheet_holds_numbers_and_no_formulas(grade):
    head, line = csv.reader(io.StringIO(sheet([grade], _points(grade)), newline=""))
    assert len(head) == len(line) == 5 + 2 * len(grade.marks)
    assert float(line[1]) == pytest.approx(grade.score) and line[5:-1:2] == [
        m.status for m in grade.marks
    ]
    assert not [cell for cell in (*head, *line) if cell.lstrip()[:1] in tuple("=+-@")]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.open = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open += [tag] if tag not in ("meta", "br") else []
        assert not [
            name for name, _ in attrs if name not in ("class", "lang", "charset", "name", "content")
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@given(grades())
def test_the_page_shows_texts_and_runs_none(grade):
    parser = _Tags()
    parser.feed(page([grade], _points(grade), "<i>class</i>", 2))
    parser.close()
    assert parser.tags <= set(
        "html head meta title style body h1 p table thead tbody tr th td br details summary pre".split()
    )
    assert not parser.open and "<i>class</i>" in parser.text
    assert all(m.name in parser.text for m in grade.marks)
