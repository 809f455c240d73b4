"""A class graded in one command: whatever students hand in, and whatever stops the command."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from microgradnn.__main__ import main
from microgradnn.check.files.child import Settings
from microgradnn.check.grading.marks import grade
from microgradnn.check.grading.worth import Points, points_of, read_points
from microgradnn.errors import ConfigError, MicrogradError
from tests.check.stub import STUB, pair, verdict

ROOT = Path(__file__).parents[3]
GOOD, WRONG, EMPTY = pair("relu"), verdict("relu", "FAIL"), verdict("relu", "NOT_WRITTEN")
CUBE = pair("cube")
KEY = GOOD + CUBE + "GRADCHECK = {'relu': {'points': 1}, 'cube': {'points': 2.5}}\n"
EXITS, HANGS = pair("relu", "import os; os._exit(0)"), pair("cube", "import time; time.sleep(999)")
START = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from microgradnn.__main__ import main; sys.exit(main())"
# What is handed in; score; what is said of relu and of cube.
HANDED_IN = {
    "=ana.py": (GOOD + CUBE, 3.5, "right", "right"),
    "ben.py": (EMPTY + verdict("cube", "FAIL"), 0, "not written", "wrong"),
    "cem.py": (pair("other") + verdict("cube", "INCONCLUSIVE"), 0, "missing", "unclear"),
    "eve.py": (b"def f(:\n", 0, "not readable", "not readable"),
    "fay.py": ("# caf\xe9\n".encode("latin-1") + (WRONG + CUBE).encode(), 2.5, "wrong", "right"),
    "gil.py": (EXITS + HANGS, 0, "wrong", "wrong"),
    "jo.py": (b"", 0, "missing", "missing"),
    "kim/key.py": (GOOD, 1, "right", "missing"),
    "kim/old.py": (GOOD + CUBE, None, "", ""),
    "mo/a.py": (GOOD + CUBE, 2.5, "unclear", "right"),
    "mo/b.py": (GOOD, None, "", ""),
}


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    """In the children a checker that says what it is told."""
    folder = tmp_path_factory.mktemp("stub")
    (folder / "sitecustomize.py").write_text(STUB)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        yield


@pytest.fixture(scope="module")
def room(tmp_path_factory, stub):
    """A folder with a key and a class, which has been graded once."""
    here = tmp_path_factory.mktemp("room")
    (here / "key.py").write_text(KEY)
    for name, (text, *_) in HANDED_IN.items():
        path = here / "class" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (here / "class" / "notes.txt").write_text("no code")
    assert main(command(here)) == 0
    return here


def command(here, *more):
    return ["check", "--class", str(here / "class"), "--key", str(here / "key.py"),
            "--out", str(here / "grades"), "--time-limit", "4", "--hints", "class", *more]  # fmt: skip


def rows(here):
    with open(here / "grades" / "grades.csv", encoding="utf-8-sig", newline="") as file:
        return {row["submission"]: row for row in csv.DictReader(file)}


def test_everybody_gets_what_is_due(room):
    found = rows(room)
    for name, (_, score, *status) in HANDED_IN.items():
        if score is not None:
            row = found.pop(("'" if name[0] == "=" else "") + name.partition("/")[0])
            assert (float(row["score"]), row["relu status"], row["cube status"]) == (
                score,
                *status,
            ), name
            assert row["of"] == "3.5"
    assert not found


def test_what_students_are_told(room):
    texts = {
        p.name.rpartition("-")[0]: p.read_text() for p in (room / "grades" / "feedback").iterdir()
    }
    assert "cube: wrong, 0 of 2.5\nFAIL cube: as told" in texts["ben.py"]
    assert "relu: not written, 0 of 1\nNOT_WRITTEN relu: " in texts["ben.py"]
    assert "eve.py:1: SyntaxError: invalid syntax" in texts["eve.py"]
    assert "relu is in a.py and b.py: which counts?" in texts["mo"]
    assert "cube is not in the submission" in texts["kim"]
    assert "ends the process with os._exit(0) while relu is checked" in texts["gil.py"]
    assert "does not come back within 4 s while cube is checked" in texts["gil.py"]


def test_only_what_has_changed_is_graded_again(room, capsys):
    (room / "class" / "jo.py").write_text("\n")
    for path in (room / "grades" / "results").glob("eve*"):
        path.write_text("{")
    assert main(command(room)) == 0
    again = capsys.readouterr().out.splitlines()[:-2]
    assert sum("(as before)" in line for line in again) == len(again) - 2 == 7
    assert {line[4:] for line in again if "(as before)" not in line} == {
        "jo.py: 0 of 3.5: relu missing, cube missing",
        "eve.py: 0 of 3.5: relu not readable, cube not readable",
    }


@pytest.mark.skipif(os.name != "posix", reason="of signals")
def test_after_an_interrupt_the_same_command_goes_on(tmp_path, stub):
    (tmp_path / "key.py").write_text(KEY)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a.py").write_text(GOOD + CUBE)
    (tmp_path / "class" / "b.py").write_text("import time\ntime.sleep(999)\n")
    words = [*command(tmp_path, "--jobs", "2"), "--time-limit", "300"]
    child = subprocess.Popen(
        [sys.executable, "-c", START, *words], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert child.stdout.readline() == "1/2 a.py: 3.5 of 3.5: relu right, cube right\n"
    child.send_signal(signal.SIGINT)
    start = time.monotonic()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130 and time.monotonic() - start < 30
    assert err == "microgradnn: stopped after 1 of 2; the same command goes on\n"
    assert (
        "1 of 2 graded" in out
        and "1 not graded yet" in (tmp_path / "grades/index.html").read_text()
    )
    assert len(list((tmp_path / "grades" / "results").glob("a.py-*"))) == 1


def test_a_limit_for_a_whole_submission(tmp_path, stub):
    (tmp_path / "a.py").write_text("import time\ntime.sleep(999)\n" + GOOD)
    result = grade("a", [str(tmp_path / "a.py")], Points({"relu": 1}), Settings(), limit=0.5)
    assert [(m.status, m.score) for m in result.marks] == [("unclear", 0)]
    assert result.errors == ("not done within 0.5 s: what is left was not checked",)


def test_without_a_key_most_decide(capsys, tmp_path, stub):
    (tmp_path / "in").mkdir()
    words = ["check", str(tmp_path / "in"), "--class", "--out", str(tmp_path / "out")]
    (tmp_path / "in" / "a.py").write_text("")
    assert main(words) == 2
    assert capsys.readouterr().err == (
        "microgradnn: check --class: what is to be graded? give --key or --points\n"
    )
    (tmp_path / "in" / "a.py").write_text(CUBE)
    assert main(words) == 0
    assert capsys.readouterr().err == (
        "microgradnn: no --key and no --points: one point for each function that most have, cube; "
        "forwards are not compared with a key\n"
    )


def test_a_key_that_is_wrong_is_refused(tmp_path, capsys, stub):
    (tmp_path / "key.py").write_text(WRONG)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a.py").write_text(GOOD)
    assert main(command(tmp_path)) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "microgradnn: the key itself does not get all points: FAIL relu: as told"
    )


# ---- one submission ------------------------------------------------------------------------------


def test_one_submission(room, capsys):
    key = ["--key", str(room / "key.py")]
    assert main(["check", str(room / "class" / "kim"), *key, "--format", "autolab"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("1 of 3.5 points\n\nrelu: right, 1 of 1\nPASS relu: ")
    assert out.endswith('{"scores": {"relu": 1.0, "cube": 0.0}}\n')


def test_points_of_the_file_itself(tmp_path, capsys, stub):
    (tmp_path / "a.py").write_text(KEY)
    path = tmp_path / "out" / "results.json"
    words = ["check", str(tmp_path / "a.py"), "--format", "prairielearn", "--output", str(path)]
    assert main(words) == 0 and '"max_points": 2.5' in path.read_text()


# ---- points --------------------------------------------------------------------------------------

HOW = "[points] with lines like affine = 3, and perhaps [credit] with lines like UNSTABLE = 0.5"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", f"p.toml: has nothing; need {HOW}"),
        ("relu = 1\n", f"p.toml: has ['relu']; need {HOW}"),
        ("[points\n", f"p.toml: cannot be read (Expected ']' at the end of a table declaration (at line 1, column 8)); need {HOW}"),
        ("[points]\nrelu = '1'\n", "p.toml: points of relu are '1', need a number from 0 on"),
        ("[points]\nrelu = -1\n", "p.toml: points of relu are -1, need a number from 0 on"),
        ("[points]\nrelu = inf\n", "p.toml: points of relu are inf, need a number from 0 on"),
        ("[points]\nrelu = true\n", "p.toml: points of relu are True, need a number from 0 on"),
        ("[points]\nrelu = 0\n", "p.toml: no function is worth any points"),
        ("[points]\nrelu = 1\n[credit]\nPASSED = 1\n", "p.toml: [credit]: no verdict is called 'PASSED'; use one of PASS, "),
        ("[points]\nrelu = 1\n[credit]\nCONTRACT = 2\n", "p.toml: credit for CONTRACT is 2, need at most 1, the whole"),
        ("[points]\nrelu = 1\n[credit]\nNOT_WRITTEN = 0.1\n", "p.toml: credit for NOT_WRITTEN is 0.1, need 0, there is nothing to mark"),
        ("[points]\ncubic = 1\n", "check --points: no function in key.py is called 'cubic'; did you mean 'cube'?"),
    ],
    ids=lambda text: text[-20:].strip() if "need" not in text and "p.toml" not in text else "",
)  # fmt: skip
def test_points_that_make_no_sense(tmp_path, monkeypatch, stub, text, error):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.py").write_text(KEY)
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        points_of("key.py" if "cubic" in text else "", Path("p.toml"), Settings())
    assert str(raised.value).startswith(error.partition(" (at")[0])


def test_credit_for_a_verdict(tmp_path):
    (tmp_path / "p.toml").write_text("[points]\nf = 4\n[credit]\nCONTRACT = 0.5\nUNSTABLE = 0.25\n")
    points = Points(*read_points(tmp_path / "p.toml"))
    verdicts = ("PASS", "CONVENTION", "UNSTABLE", "CONTRACT", "FAIL", "NOT_WRITTEN", "INCONCLUSIVE")
    assert [points.earned("f", v) for v in verdicts] == [4, 4, 1, 2, 0, 0, 0]
    assert Points({"f": 4.0}, strict=True).earned("f", "CONVENTION") == 0


def test_a_name_that_list_does_not_show_is_an_error(tmp_path, stub):
    (tmp_path / "a.py").write_text(GOOD)
    with pytest.raises(MicrogradError) as error:
        grade("a", [str(tmp_path / "a.py")], Points({"relu_forward": 1}), Settings())
    assert str(error.value) == (
        "points: relu is named otherwise; write 'relu', as check --list does"
    )
