"""The pytest plugin: the fixture, and files collected with --gradcheck, in pytest runs of their own.

The checker is a stub that says what it is told, as in test_cli.py.
"""

import os
import re
import subprocess
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from microgradnn.check.files import pytest_plugin
from tests.check.stub import STUB, pair, verdict

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pytest_in(tmp_path):
    """A function that runs pytest in a new folder, for its status and output."""
    stub = tmp_path / "stub"
    stub.mkdir()
    (stub / "sitecustomize.py").write_text(STUB)
    (tmp_path / "work").mkdir()

    def run(*words, status, **files):
        for name, text in {"pytest.ini": "[pytest]\nfilterwarnings = error\n", **files}.items():
            (tmp_path / "work" / name.replace("__", ".")).write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "microgradnn.check.files.pytest_plugin", "-rA",
             "-p", "no:cacheprovider", "--strict-config", "--strict-markers", *words],
            cwd=tmp_path / "work", capture_output=True, text=True, timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(stub), str(ROOT)]),
                 "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "COLUMNS": "100"},
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    run.folder = tmp_path / "work"
    return run


def results(out):
    """Outcome by test, from the summary that -rA prints."""
    found = re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR)(?: \[\d+\])? (\S+)", out, flags=re.M)
    return {name: outcome for outcome, name in found}


# ---- the fixture ---------------------------------------------------------------------------------

# In the place of the checks, functions that tell how they were called.
CONFTEST = """
import microgradnn.check as check
from microgradnn.check.report import Finding, Report

def instead_of(name):
    def call(*args, verdict="PASS", **options):
        notes = (name, str(len(args)), *options)
        return Report("affine", (Finding("GC201", verdict, "as told"),), notes=notes)
    return call

for name in ("layer", "vjp", "grads"):
    setattr(check, name, instead_of(name))
"""

TESTS = """
import pytest
from microgradnn.errors import CheckError

def f(x): return x
class Layer:
    def forward(self, x): return x
    def backward(self, d): return d
class Called(Layer):
    def __call__(self, x): return x

def test_two_functions(gradcheck):
    report = gradcheck(f, f, (1.0,), seed=3)
    assert report.notes == ("layer", "3", "seed")
    assert gradcheck(f, backward=f).notes == ("layer", "1", "backward")

def test_layer(gradcheck):
    assert gradcheck(Layer(), 1.0).notes == ("layer", "2")
    assert gradcheck(Called(), 1.0).notes == ("layer", "2")

def test_one_function(gradcheck):
    assert gradcheck(f, (1.0,), order=2).notes == ("grads", "2", "order")

def test_by_name(gradcheck):
    assert gradcheck.vjp(f, f, (1.0,)).notes == ("vjp", "3")
    assert gradcheck.grads(f, (1.0,)).notes == ("grads", "2")
    assert gradcheck.layer(f, f, (1.0,)).notes == ("layer", "3")

def test_wrong(gradcheck):
    gradcheck(f, f, (1.0,), verdict="FAIL")

def test_inconclusive(gradcheck):
    with pytest.raises(CheckError, match="^INCONCLUSIVE affine"):
        gradcheck(f, (1.0,), verdict="INCONCLUSIVE")
"""


def test_the_fixture(pytest_in):
    out = pytest_in("--junitxml=out.xml", status=1, conftest__py=CONFTEST, test_a__py=TESTS)
    found = results(out)
    assert len(found) == 6
    assert {n for n, outcome in found.items() if outcome != "PASSED"} == {"test_a.py::test_wrong"}
    shown = re.search(
        r">( +gradcheck\(.*)\nE +(.*)\nE +(.*)\nE +no values.*\n\ntest_a.py:\d+: CheckError", out
    )
    assert [text.strip() for text in shown.groups()] == [
        'gradcheck(f, f, (1.0,), verdict="FAIL")',
        "microgradnn.errors.CheckError: FAIL affine: as told",
        "GC201 a gradient is wrong",
    ]
    cases = ElementTree.parse(pytest_in.folder / "out.xml").getroot().iter("testcase")
    properties = {c.get("name"): [dict(p.items()) for p in c.iter("property")] for c in cases}
    assert properties["test_wrong"] == [{"name": "gradcheck affine", "value": "FAIL"}]
    assert len(properties["test_by_name"]) == 3


CONVENTION = """
class Layer:
    def forward(self, x): return x
    def backward(self, d): return d

def test_it(gradcheck):
    gradcheck(Layer(), 1.0, verdict="CONVENTION")
"""


def test_a_convention_passes_is_told_and_fails_strictly(pytest_in):
    files = {"conftest__py": CONFTEST, "test_a__py": CONVENTION,
             "layers__py": verdict("a", "CONVENTION")}  # fmt: skip
    words = ("test_a.py", "layers.py", "--gradcheck")
    out = pytest_in(*words, status=0, **files)
    told = out.partition("right by a convention")[2]
    assert "test_a.py::test_it: CONVENTION affine: as told" in told
    assert "layers.py::a: CONVENTION a" in told
    out = pytest_in(*words, "--gradcheck-strict", status=1)
    assert set(results(out).values()) == {"FAILED"} and "right by a convention" not in out


# ---- files without test code ---------------------------------------------------------------------

LAYERS = verdict("a", "PASS") + verdict("b", "FAIL") + verdict("c", "INCONCLUSIVE")


def test_a_file_on_the_command_line(pytest_in):
    text = "import os\nassert 'PYTEST_VERSION' in os.environ\nprint('noise')\n" + LAYERS
    out = pytest_in("layers.py", "--gradcheck", "--junitxml=out.xml", status=1, layers__py=text)
    assert results(out) == {
        "layers.py::a": "PASSED", "layers.py::b": "FAILED", "layers.py::c": "FAILED",
    }  # fmt: skip
    told = (
        "FAIL b: as told\n  GC201 a gradient is wrong\n  no values .*\n  again: .* layers.py::b\n"
    )
    assert re.search(rf"^_+ b _+\n{told}_+ c _+$", out, re.M)
    assert "Traceback" not in out and "noise" not in out
    cases = ElementTree.parse(pytest_in.folder / "out.xml").getroot().iter("property")
    assert [(p.get("name"), p.get("value")) for p in cases] == [
        ("gradcheck a", "PASS"), ("gradcheck b", "FAIL"), ("gradcheck c", "INCONCLUSIVE"),
    ]  # fmt: skip


def test_inconclusive_may_be_skipped_and_options_reach_the_check(pytest_in):
    text = LAYERS.replace("'FAIL'", "'PASS'")
    out = pytest_in(
        "layers.py", "--gradcheck", "--gradcheck-inconclusive=skip", "--gradcheck-seed=7",
        "--gradcheck-select=GC2,GC1", "--gradcheck-ignore=GC201", status=0, layers__py=text,
    )  # fmt: skip
    assert "2 passed, 1 skipped" in out
    assert "INCONCLUSIVE c: as told" in out and "; 3 checks, seed 7" in out


def test_one_part_of_a_file(pytest_in):
    text = LAYERS + pair("d", "while True: pass")
    words = ["layers.py::a", "layers.py::b", "--gradcheck", "-k", "not b"]
    out = pytest_in(*words, status=0, layers__py=text)
    assert results(out) == {"layers.py::a": "PASSED"} and "1 deselected" in out


@pytest.mark.skipif(os.name != "posix", reason="of signals")
def test_a_crash_fails_its_item_and_nothing_else(pytest_in):
    text = "import os\n" + pair("a", "os.abort()") + pair("b", "os._exit(0)") + pair("c")
    out = pytest_in("layers.py", "--gradcheck", status=1, layers__py=text)
    assert list(results(out).values()).count("FAILED") == 2
    assert "CONTRACT a: crashes Python (Aborted) while a is checked, at layers.py:3 in a_fo" in out
    assert (
        "CONTRACT b: ends the process with os._exit(0) while b is checked, at layers.py:10" in out
    )


def test_the_time_limit_and_a_stop_at_the_first_failure(pytest_in):
    text = pair("a", "while True: pass") + pair("b", "while True: pass")
    start = time.monotonic()
    words = ["layers.py", "--gradcheck", "--gradcheck-time-limit=0.5", "-x"]
    out = pytest_in(*words, status=1, layers__py=text)
    assert "a: does not come back within 0.5 s while a is checked, at layers.py:2" in out
    assert results(out) == {"layers.py::a": "FAILED"} and time.monotonic() - start < 60


def test_files_that_cannot_be_checked_are_errors(pytest_in):
    files = {"a__py": "x = (\n", "b__py": "import os\nos._exit(0)\n", "c__py": ""}
    out = pytest_in("a.py", "b.py", "c.py", "--gradcheck", status=2, **files)
    told = {
        "a": "a.py:1: SyntaxError: '(' was never closed",
        "b": "b.py:2: ends the process with os._exit(0) while it is loaded",
        "c": "c.py: nothing to check: no pair like affine_forward",
    }
    for name, error in told.items():
        assert re.search(rf"^_+ ERROR collecting {name}.py _+\n" + re.escape(error), out, re.M)
    assert "Traceback" not in out and "pytest_plugin.py" not in out


INI = "[pytest]\nfilterwarnings = error\ngradcheck_files = my_*.py sub/*.py test_both.py\n"


def test_files_of_the_ini_option_beside_tests(pytest_in):
    (pytest_in.folder / "sub").mkdir()
    (pytest_in.folder / "sub" / "any.py").write_text(verdict("c", "PASS"))
    test = "def test_it(): pass\n"
    files = {
        "pytest__ini": INI, "my_layers__py": verdict("a", "PASS"), "my_empty__py": "x = 1\n",
        "other__py": verdict("b", "FAIL"), "test_it__py": test + verdict("d", "FAIL"),
        "test_both__py": test + verdict("e", "PASS"),
    }  # fmt: skip
    tests = {"test_it.py::test_it", "test_both.py::test_it"}
    out = pytest_in(".", "test_it.py", "--gradcheck", status=0, **files)
    assert set(results(out)) == tests | {"my_layers.py::a", "sub/any.py::c", "test_both.py::e"}
    assert set(results(pytest_in(status=0, pytest__ini=INI))) == tests


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"select": "GX"}, "^--gradcheck-select: no check has the code 'GX'; codes begin"),
        ({"ignore": "GX"}, "^--gradcheck-ignore: no check has the code 'GX'; codes begin"),
        ({"time_limit": 0.0}, "^time limit: 0.0 s, need more than 0, at most 1e6$"),
        ({"seed": -1}, "^seed: -1, need a whole number from 0 on$"),
    ],
)
def test_options_that_make_no_sense(option, error):
    given = {"": True, "select": None, "ignore": None, "time_limit": 60.0, "seed": 0, **option}

    class Config:
        stash = pytest.Stash()

        def getoption(self, name):
            return given[name.removeprefix("gradcheck").removeprefix("_")]

    with pytest.raises(pytest.UsageError, match=error):
        pytest_plugin.pytest_configure(Config())
    given[""] = False
    pytest_plugin.pytest_configure(Config())  # nobody looks at them


def test_workers_of_xdist_share_a_file(pytest_in):
    pytest.importorskip("xdist")
    out = pytest_in("layers.py", "--gradcheck", "-p", "xdist.plugin", "-n", "2", status=1,
                    layers__py=LAYERS)  # fmt: skip
    assert sorted(results(out).values()) == ["FAILED", "FAILED", "PASSED"]


REAL = """
import numpy as np
from scaled import scaled_backward, scaled_forward

def test_scaled(gradcheck):
    report = gradcheck(scaled_forward, scaled_backward, (np.ones(3), np.ones(3)))
    assert report.verdict == "PASS" and report.points

def test_wrong(gradcheck):
    gradcheck(scaled_forward, lambda dout, cache: (dout, dout * cache[0]), (2 * np.ones(3), 3 * np.ones(3)))
"""
SCALED = """
def scaled_forward(x, w):
    return x * w, (x, w)

def scaled_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
"""


def test_with_the_checker_itself(pytest_in):
    (pytest_in.folder.parent / "stub" / "sitecustomize.py").unlink()
    files = {"scaled__py": SCALED, "test_real__py": REAL}
    out = pytest_in("test_real.py", "scaled.py", "--gradcheck", status=1, **files)
    assert results(out) == {
        "test_real.py::test_scaled": "PASSED", "test_real.py::test_wrong": "FAILED",
        "scaled.py::scaled": "PASSED",
    }  # fmt: skip
    assert ": dx is wrong: 3 of 3 entries" in out


# ---- how it is installed -------------------------------------------------------------------------


def test_the_entry_point_is_the_plugin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugin = import_module(project["entry-points"]["pytest11"]["gradcheck"])
    assert plugin.pytest_addoption and plugin.gradcheck
