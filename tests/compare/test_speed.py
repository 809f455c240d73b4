"""compare speed: every form takes the same step, and the report holds what was measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compare import speed
from compare.timing.cases import CASES, MOONS, SMALL, Case, flops
from compare.timing.measured import Timed, missing
from compare.timing.timed_steps import FORMS, OF_SINGLE_NUMBERS, SLOW_TO_START, fits

NET = Case("net", (3, 4, 2), "relu", "ce", 5, dtype="float64", lr=0.5)
CHECKED = [f for f in FORMS if f not in (*SLOW_TO_START, *OF_SINGLE_NUMBERS)]


def after(form: str, case: Case) -> list[np.ndarray]:
    step, params = FORMS[form][1](case)
    for _ in range(3):
        step()
    return [np.array(p) for p in params()]


@pytest.mark.parametrize("form", [f for f in CHECKED if "loops" not in f and "alone" not in f])
@pytest.mark.parametrize("case", [*SMALL, NET], ids=lambda c: c.loss)
def test_every_form_takes_the_same_steps(form: str, case: Case) -> None:
    if missing(form):
        pytest.skip(f"{missing(form)} is not installed")
    mine, theirs = after("NumPy by hand", case), after(form, case)
    for a, b in zip(mine, theirs, strict=True):
        assert a.dtype == b.dtype and np.allclose(a, b, rtol=1e-12, atol=1e-14)
    assert not all((a == b).all() for a, b in zip(mine, case.start(), strict=True))


def test_the_products_alone_are_those_of_the_step() -> None:
    assert flops(NET) == 2 * 5 * (2 * 3 * 4 + 3 * 4 * 2)  # the first has no gradient of its input
    FORMS["matrix products alone"][1](NET)[0]()


def test_which_forms_are_timed_where() -> None:
    big = next(c for name, c in CASES.items() if name.startswith("784-500"))
    assert not fits("microgradnn loops", big) and fits("microgradnn loops", SMALL[0])
    assert not fits("torch", MOONS) and fits("micrograd", MOONS)
    a, b = Timed("a", "x", [2.0, 8.0, 3.0]), Timed("b", "x", [1.0, 2.0, 3.0])
    assert (a.ratio(b), a.step_s) == (2.0, 3.0)


def test_a_run_and_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--tasks small --forms microgradnn,NumPy --steps 2 --seconds 0.001 --out".split()
    words[3] = "microgradnn,NumPy by hand"
    assert speed.main([*words, str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "gate: 1 neuron, 4 samples: median of the turns" in out and "1.00 × microgradnn" in out
    saved: dict[str, Any] = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))
    assert [(r["case"], r["form"]) for r in saved["rows"]] == [
        (case.name, form) for case in SMALL for form in ("microgradnn", "NumPy by hand")
    ]
    assert all(len(r["turns"]) == 2 and r["step_s"] > 0 and not r["error"] for r in saved["rows"])
    assert saved["started"]["microgradnn"]["import_s"] > 0
    page = (tmp_path / "speed.html").read_text(encoding="utf-8")
    assert "<script" not in page and "NumPy by hand" in page and "Before the first step" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tasks", "huge"], "speed: no task 'huge'; use some of small, mnist, moons, width, depth, "
         "batch, or all"),
        (["--forms", "numpy"], "speed: no form 'numpy'; use some of " + ", ".join(FORMS)),
        (["--steps", "0"], "speed: --steps and --seconds must be positive, --threads 0 or more"),
    ],
)  # fmt: skip
def test_what_is_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(words) == 2
    assert capsys.readouterr().err == f"compare: {said}\n"


def test_a_form_that_fails_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("compare.timing.measured.IMPORTING", "raise ImportError('broken')")
    words = ["--tasks", "small", "--forms", "NumPy by hand", "--steps", "1", "--out", str(tmp_path)]
    assert speed.main(words) == 1
    rows = json.loads((tmp_path / "speed.json").read_text(encoding="utf-8"))["rows"]
    assert [row["error"] for row in rows] == ["ImportError: broken"] * 2
