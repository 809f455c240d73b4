"""What is packed for Gradescope runs there, and what otter and nbgrader read is of their forms."""

import json
import os
import subprocess
import sys
import types
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.__main__ import main
from microgradnn.check.grading.awards import award, nbgrader, otter, require
from microgradnn.check.grading.worth import Points
from microgradnn.errors import CheckError, ConfigError
from tests.check.grading.published import GRADESCOPE, NBGRADER, fits

CUBE = "import numpy as np\n\ndef cube_forward(x):\n    return x**3, x\n\ndef cube_backward(dout, cache):\n    return 3 * dout * cache**2\n"


def pack(folder, *more):
    (folder / "my key.py").write_text(CUBE)
    target = folder / "autograder.zip"
    words = [
        "check",
        "pack",
        "gradescope",
        "--key",
        str(folder / "my key.py"),
        "--output",
        str(target),
    ]
    assert main([*words, *more]) == 0
    return target.read_bytes()


def test_the_autograder_runs_as_gradescope_runs_it(tmp_path, capsys):
    (tmp_path / "p.toml").write_text("[points]\ncube = 7\n")
    first = pack(tmp_path, "--points", str(tmp_path / "p.toml"), "--hints", "line")
    assert capsys.readouterr().out.endswith("autograder.zip: 1 functions, 7 points\n")
    home = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        assert {"setup.sh", "run_autograder", "points.toml"} <= set(archive.namelist())
        archive.extractall(home / "source")
    (home / "submission").mkdir()
    (home / "submission" / "layers.py").write_text(CUBE.replace("3 * dout", "2 * dout"))
    env = {"AUTOGRADER": str(home), "PYTHON": sys.executable, "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", str(home / "source" / "run_autograder")], env=env,
                          capture_output=True, text=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    out = json.loads((home / "results" / "results.json").read_text())
    fits(out, GRADESCOPE)
    assert (out["score"], out["tests"][0]["max_score"], out["tests"][0]["tags"]) == (
        0,
        7,
        ["wrong"],
    )
    assert "it is 2/3 times the true gradient" in out["tests"][0]["output"]
    assert pack(tmp_path, "--points", str(tmp_path / "p.toml"), "--hints", "line") == first


def test_an_autograder_that_fails_still_says_so(tmp_path):
    pack(tmp_path)
    home = tmp_path / "autograder"
    with zipfile.ZipFile(tmp_path / "autograder.zip") as archive:
        archive.extractall(home / "source")
        runs = {i.filename for i in archive.infolist() if i.external_attr >> 16 == 0o100755}
    assert runs == {"setup.sh", "run_autograder"}
    env = {"AUTOGRADER": str(home), "PYTHON": "false", "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", str(home / "source" / "run_autograder")], env=env)
    out = json.loads((home / "results" / "results.json").read_text())
    fits(out, GRADESCOPE)
    assert done.returncode == 1 and out["score"] == 0


# ---- in notebooks --------------------------------------------------------------------------------


@pytest.fixture
def env(load):
    """A function from the text of a notebook's code to its globals()."""
    return lambda text: vars(load(text))


WRONG = CUBE.replace("3 * dout", "2 * dout")


def test_points_in_a_notebook(env, capsys):
    assert award(env(CUBE), "cube", 2) == 2 and capsys.readouterr().out == ""
    assert award(env(WRONG), "cube", 2, hints="none") == 0
    assert capsys.readouterr().out.startswith("FAIL cube: dx is wrong")
    assert award(env(CUBE.replace("return 3 * dout * cache**2", "pass")), "cube", 2) == 0
    assert capsys.readouterr().out.startswith("NOT_WRITTEN cube: cube_backward is not written yet")
    for call in (award, require):
        with pytest.raises(ConfigError) as error:
            call({}, "cube", hints="all")
        name = call.__name__
        assert str(error.value) == f"{name}: hints are 'all', need one of none, class, line, fix"
    with pytest.raises(CheckError) as missing:
        require({"np": np}, "cube")
    assert str(missing.value) == "cube: not found; its forward and backward go by this name"


def test_an_otter_test_file_as_otter_runs_it(env, monkeypatch):
    """otter executes the file and calls what test_case has decorated, with the globals as env."""
    cases = []

    def test_case(**options):
        assert set(options) <= {"name", "points", "hidden", "success_message", "failure_message"}
        return lambda function: cases.append((options, function))

    module = types.ModuleType("otter.test_files")
    module.test_case = test_case
    monkeypatch.setitem(sys.modules, "otter", types.ModuleType("otter"))
    monkeypatch.setitem(sys.modules, "otter.test_files", module)
    scope = {}
    exec(compile(otter(Points({"cube": 2.5}), "hw 1", "class"), "hw1.py", "exec"), scope)
    assert (scope["OK_FORMAT"], scope["name"], scope["points"]) == (False, "hw 1", 2.5)
    ((options, function),) = cases
    assert options == {"name": "cube", "points": 2.5, "hidden": False}
    function(env=env(CUBE))
    with pytest.raises(CheckError, match="FAIL cube: dx is wrong"):
        function(env=env(WRONG))


names = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=3, unique=True)


@given(names)
def test_files_for_notebooks_are_of_their_forms(names):
    points = Points({name: float(i) for i, name in enumerate(names, 1)})
    book = json.loads(nbgrader(points, "hw", "line"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"][1:]:
        fits(cell["metadata"]["nbgrader"], NBGRADER)
        fits(cell["id"], {"type": "string", "pattern": "^[a-zA-Z0-9-_]{1,64}$"})  # nbformat 4.5
        compile(cell["source"], "cell", "exec")
    compile(otter(points, "hw", "line"), "test", "exec")


def test_a_cell_of_nbgrader_gives_its_points(env):
    """The value of a cell's last line is what it gets (nbgrader's partial credit)."""
    book = json.loads(nbgrader(Points({"cube": 2.5}), "hw", "class"))
    first, _, last = book["cells"][1]["source"].rpartition("\n")
    for text, score in ((CUBE, 2.5), (WRONG, 0)):
        scope = dict(env(text))
        exec(first, scope)
        assert eval(last, scope) == score
