"""python -m microgradnn check: files that are no good, code that hangs and crashes, the output.

What the checker finds is not tested here: a stub that says what it is told takes its place.
"""

import builtins
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from microgradnn.__main__ import main
from microgradnn.check.files import process
from microgradnn.check.files.absent import NotThereError
from microgradnn.check.files.child import FileError, Settings, check_file, list_file
from microgradnn.check.files.cli import Result
from microgradnn.check.files.importing import load
from microgradnn.check.report import Entry, Finding, Report, report_from_dict
from microgradnn.errors import ConfigError
from tests.check.stub import STUB, pair, verdict

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="of signals and forks")


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    """The folder whose sitecustomize a child runs when it starts."""
    folder = tmp_path_factory.mktemp("stub")
    (folder / "sitecustomize.py").write_text(STUB)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, stub):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(stub))
    return tmp_path


def run(capsys, *words):
    """Status, stdout and stderr of the command."""
    status = main(["check", *map(str, words)])
    return status, *capsys.readouterr()


# ---- files that cannot be checked ----------------------------------------------------------------

NOTHING = (
    "nothing to check: no pair like affine_forward and affine_backward, no class with forward and "
    "backward, no loss function that returns gradients"
)
GUARD = 'put what is to run as a program under if __name__ == "__main__":'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"", f"f.py: {NOTHING}"),
        (b"x = 1\ndef f(:\n", "f.py:2: SyntaxError: invalid syntax"),
        (b"import os\nx = 'caf\xe9'\ny = 1\n", f"f.py: {NOTHING}"),
        (b"x = 1\n\ny = 2\0", "f.py:3: SyntaxError: source code …"),
        (b"import os\nimport no_such_thing\n", f"f.py: {NOTHING}; not installed here: no_such_thing"),
        (b"import no_such_thing\nx = no_such_thing.load()\ny = x / 255\n", "f.py:3: needs no_such_thing, which is not installed here"),
        (b"from no_such_thing import torch\nimport jax\n", f"f.py: {NOTHING}; it is written for jax: of that autograd.Functions, functions with a custom gradient, and modules and layers that use them are checked"),
        (b"from .layers import x\n", "f.py:1: ModuleNotFoundError: No module named '…"),
        (b"x = 1\nprint 'x'\n", "f.py:2: SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?; this is Python 2: convert it with 2to3"),
        (b"def f():\n    return 1 / 0\n\nf()\n", "f.py:2: ZeroDivisionError: division by zero"),
        (b"class E(Exception):\n    def __str__(self): raise ValueError\nraise E\n", "f.py:3: E"),
        (b"raise KeyboardInterrupt\n", "f.py:1: KeyboardInterrupt"),
        (b"def f(): f()\nf()\n", "f.py:1: RecursionError: maximum recursion depth exceeded…"),
        (b"x = [0] * 10**13\n", "f.py:1: MemoryError"),
        (b"import sys\nsys.exit(3)\n", f"f.py:2: calls sys.exit(3) while it is loaded; {GUARD}"),
        (b"exit()\n", f"f.py:1: calls sys.exit() while it is loaded; {GUARD}"),
        (b"n = int(input('n? '))\n", "f.py:1: EOFError: EOF when reading a line; there is no input while a file is checked"),
        (b"import os\nos._exit(0)\n", "f.py:2: ends the process with os._exit(0) while it is loaded"),
        (b"import os\n\nos.abort()\n", "f.py:3: crashes Python (Aborted) while it is loaded"),
        (b"import os\nos.closerange(3, 200)\n", "f.py: the process ended with status 1 while it is loaded"),
    ],
    ids=lambda x: x.decode(errors="replace")[-25:] if isinstance(x, bytes) else "",
)  # fmt: skip
def test_a_file_that_cannot_be_checked_is_told_in_one_line(here, capsys, text, error):
    (here / "f.py").write_bytes(text)
    status, out, err = run(capsys, "f.py")
    error, cut, _ = f"microgradnn: {error}\n".partition("…")  # Python's own words may change
    assert (status, out) == (2, "") and (err.startswith(error) if cut else err == error)
    assert err.count("\n") == 1


def test_what_is_no_file(here, capsys):
    (here / "folder").mkdir()
    (here / "n.ipynb").write_text('{"cells": []}')
    assert run(capsys, "folder", "no.py", "n.ipynb", "no.py::affine") == (2, "", (
        "microgradnn: folder: nothing to check in this folder\n"
        "microgradnn: no.py: no such file\n"
        f"microgradnn: n.ipynb: {NOTHING}\n"
        "microgradnn: no.py: no such file\n"
    ))  # fmt: skip


def test_an_endless_loop_while_loading(here, capsys):
    (here / "f.py").write_text("x = 0\nwhile True:\n    x += 0\n")
    status, out, err = run(capsys, "f.py", "--time-limit", "0.5")
    assert (status, out) == (2, "")
    assert err.replace(".py:3", ".py:2") == (
        "microgradnn: f.py:2: does not come back in time while it is loaded "
        "(if it is only slow, give a longer --time-limit)\n"
    )


def test_json_of_what_cannot_be_checked(here, capsys):
    (here / "f.py").write_text("1 / 0")
    (here / "good.py").write_text(pair("a"))
    status, out, _ = run(capsys, "no.py", "f.py", "good.py", "--json")
    first, second, third = json.loads(out)
    assert first == {"file": "no.py", "error": "no.py: no such file"}
    assert second == {"file": "f.py", "error": "f.py:1: ZeroDivisionError: division by zero"}
    assert [r["name"] for r in third["reports"]] == ["a"] and set(third) == {"file", "reports"}
    assert status == 2


# ---- files that are unusual, but can be ----------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "print('{\"error\": \"x\"}\\n' * 10)\nimport os\nos.write(1, b'{}\\n' * 10)\n",
        "import sys\nsys.stdout.close()\nsys.stderr.close()\n",
        "import threading\ndef go():\n    while True: print('x' * 1000)\nthreading.Thread(target=go).start()\n",
        "import os\nos.chdir('/')\n",
        "import argparse\nargparse.ArgumentParser().parse_args()\n",
        "import sys\nassert sys.argv[0].endswith('random.py') and __name__ != '__main__'\n",
        "# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    ],
    ids=["prints", "closes stdout", "endless thread", "chdir", "argparse", "argv", "latin-1"],
)
def test_what_a_file_may_do_while_it_is_loaded(here, capsys, text):
    (here / "random.py").write_bytes((text + pair("a")).encode("latin-1"))  # named as Python's own
    assert run(capsys, "random.py", "-q") == (0, "", "")


@posix
@pytest.mark.parametrize("then", ["", "if pid == 0: import time; time.sleep(60)\n"])
def test_a_fork_while_loading_neither_reports_twice_nor_holds_up(here, capsys, then):
    (here / "f.py").write_text(f"import os\npid = os.fork()\n{then}" + pair("a"))
    start = time.monotonic()
    status, out, _ = run(capsys, "f.py")
    assert (status, out.count("PASS a:")) == (0, 1) and time.monotonic() - start < 30


def test_a_file_of_a_package_with_its_relative_imports(here, capsys):
    (here / "deep" / "pkg").mkdir(parents=True)
    (here / "deep" / "pkg" / "__init__.py").write_text("from . import layers\n")
    (here / "deep" / "pkg" / "utils.py").write_text("SAID = 'FAIL'\n")
    layers = here / "deep" / "pkg" / "layers.py"
    layers.write_text("from .utils import SAID\n" + pair("a", result="SAID"))
    assert run(capsys, "deep/pkg/layers.py", "-q")[0] == 3
    (here / "deep" / "pkg" / "__init__.py").write_text("x = 1\n1 / 0\n")
    assert run(capsys, "deep/pkg/layers.py")[2] == (
        f"microgradnn: {here}/deep/pkg/__init__.py:2: ZeroDivisionError: division by zero\n"
    )


def test_relative_imports_without_a_package(here, capsys):
    (here / "my-net" / "layers").mkdir(parents=True)
    (here / "my-net" / "said.py").write_text("SAID = 'FAIL'\n")
    (here / "my-net" / "layers" / "again.py").write_text("from ..said import SAID\n")
    layers = here / "my-net" / "layers" / "a.py"
    layers.write_text("from .again import SAID\nfrom ..said import *\n" + pair("a", result="SAID"))
    assert run(capsys, "my-net/layers/a.py", "-q")[0] == 3


def test_modules_in_the_folders_above(here, capsys):
    (here / "src" / "deep").mkdir(parents=True)
    (here / "src" / "said.py").write_text("SAID = 'FAIL'\n")
    (here / "src" / "package").mkdir()
    (here / "src" / "package" / "more.py").write_text("from said import SAID\n")
    text = "from package.more import SAID\n" + pair("a", result="SAID")
    (here / "src" / "deep" / "f.py").write_text(text)
    assert run(capsys, "src/deep/f.py", "-q")[0] == 3


def test_a_missing_package_loses_only_what_uses_it(here, capsys):
    (here / "f.py").write_text(
        "import no_such.plots as plots\n"
        "from no_such.nn import Module, jit\n"
        "from another import *\n"
        "try:\n    import cupy_missing as np\nexcept ImportError:\n    import numpy as np\n"
        "log = plots.logger(__name__)\n\n"
        "class Net(Module):\n"
        "    def forward(self, x): return x\n"
        "    def backward(self, dout): return dout\n\n"
        "@jit\ndef fast_forward(x): return x, x\n\n" + pair("a", "np.ones(3)") + pair("b", "log.info(x)")
    )  # fmt: skip
    status, out, _ = run(capsys, "f.py", "--json")
    reports = {r["name"]: r for r in json.loads(out)[0]["reports"]}
    assert {name: r["verdict"] for name, r in reports.items()} == {
        "Net": "INCONCLUSIVE", "a": "PASS", "b": "INCONCLUSIVE",
    }  # fmt: skip
    told = reports["b"]["findings"][0]["message"]
    assert told == "needs no_such, which is not installed here, at f.py:25"


@pytest.mark.parametrize(
    "text",
    [
        b"get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().system('pip list')\n",
        b"# caf\xe9\nname = 'caf\xe9'\n",
        b"\xef\xbb\xbfx = 1\r\ny = 2\r\n",
        b"class Odd:\n    forward = lambda self, x: x\n    backward = staticmethod(print)\n",
        b"def plain(f): return lambda *a: f(*a)\n\nclass Odd:\n    @plain\n    def call(self, x): return x\n    other = property(len)\n",
    ],
    ids=["ipython", "bytes", "mark and returns", "lambda", "decorated"],
)  # fmt: skip
def test_oddities_do_not_take_the_file_down(here, capsys, text):
    (here / "f.py").write_bytes(text + pair("a").encode())
    assert run(capsys, "f.py::a", "-q") == (0, "", "")


def test_methods_that_a_decorator_hides(here, capsys):
    (here / "f.py").write_text(
        "def plain(f): return lambda *a: f(*a)\n\nclass Same:\n"
        "    @plain\n    def forward(self, x): return x\n\n"
        "    backward = lambda self, dout: dout\n\n" + pair("a")
    )
    assert run(capsys, "f.py::a", "-q") == (0, "", "")
    assert "Same" in run(capsys, "f.py", "--list")[1]


def test_a_notebook(here, capsys):
    cells = [
        "%matplotlib inline\n!pip install x\nimport numpy as np",
        "%%bash\nls",
        "np.load('none')",
        pair("a"),
    ]
    notebook = {
        "cells": [{"cell_type": "code", "source": c.splitlines(keepends=True)} for c in cells]
    }
    notebook["cells"].insert(0, {"cell_type": "markdown", "source": ["# ("]})
    (here / "n.ipynb").write_text(json.dumps(notebook))
    assert run(capsys, "n.ipynb", "--list")[1] == "n.ipynb:10: a (pair)\n"
    assert run(capsys, "n.ipynb", "-q") == (0, "", "")


def test_a_folder(here, capsys):
    (here / "deep" / ".venv").mkdir(parents=True)
    (here / "deep" / ".venv" / "f.py").write_text("1 / 0")
    (here / "b.py").write_text(pair("b"))
    (here / "deep" / "a.py").write_text(verdict("a", "FAIL"))
    (here / "deep" / "nothing.py").write_text("x = 1\n")
    status, out, err = run(capsys, ".", "--list")
    assert (status, out, err) == (0, "b.py:4: b (pair)\ndeep/a.py:4: a (pair)\n", "")
    assert run(capsys, ".", "-q")[0] == 3
    (here / "deep" / "a.py").unlink()
    assert run(capsys, "deep") == (
        2, "", "microgradnn: deep: nothing to check in this folder\n"
    )  # fmt: skip


def test_a_broken_file_beside_it(here, capsys):
    (here / "f.py").write_text("import beside\n" + pair("a"))
    (here / "beside.py").write_text("x = 1\ny = = 2\n")
    without = f"f.py: 1 checked: 1 PASS\n  went on without {here}/beside.py:2: SyntaxError: invalid"
    assert without in run(capsys, "f.py")[1]
    (here / "beside.py").write_text("x = 1\n1 / 0\n")
    assert run(capsys, "f.py")[1].endswith(
        "  went on without f.py:1: ZeroDivisionError: division by zero\n"
    )
    (here / "f.py").write_text("import beside\n" + pair("a", "beside.f(x)"))
    (finding,) = next(check_file("f.py")).findings
    assert (finding.code, finding.verdict) == ("GC204", "INCONCLUSIVE")
    assert finding.message == (
        "needs beside: what line 1 did not give (ZeroDivisionError), at f.py:3"
    )


def test_odd_names_and_places_of_files(here, capsys, monkeypatch):
    odd = here / "we ird-é::x.py"
    odd.write_text(pair("a", "while True: pass") + pair("b"))
    report = next(check_file(str(odd), ["a"], Settings(time_limit=0.5)))
    assert f", at {odd}:2 in a_forward" in str(report)
    assert f"again: python -m microgradnn check '{odd}::a'" in str(report)
    monkeypatch.chdir("/")
    assert run(capsys, f"{odd}::b", "-q") == (0, "", "")


def test_nothing_is_left_beside_the_file(here, capsys):
    (here / "f.py").write_text("import beside\n" + pair("a"))
    (here / "beside.py").write_text("")
    run(capsys, "f.py")
    assert sorted(p.name for p in here.iterdir()) == ["beside.py", "f.py"]


# ---- functions that hang, crash and leave --------------------------------------------------------

HOSTILE = {
    "fine": [],
    "hangs": ["helper()"],
    "swallows": ["try: helper()", "except BaseException: helper()"],
    "in_c": ["9 ** 9 ** 9"],
    "crashes": ["import ctypes", "ctypes.string_at(0)"],
    "aborts": ["os.abort()"],
    "leaves": ["os._exit(0)"],
    "exits": ["sys.exit(1)"],
    "killed": ["os.kill(os.getpid(), 9)"],
    "recurses": ["recurses_forward(x)"],
    "eats": ["np.zeros(10**15)"],
    "interrupts": ["raise KeyboardInterrupt"],
    "reads": ["input()"],
    "prints": ["for _ in range(3000): print('x' * 1000)"],
    "last": [],
}
TOLD = {
    "hangs": "GC001 does not come back within 0.5 s while hangs is checked, at f.py:4 in helper",
    "swallows": "GC001 does not come back within 0.5 s while swallows is checked, at f.py:4 in helper",
    "in_c": "GC001 does not come back within 0.5 s while in_c is checked, at f.py:{} in in_c_forward",
    "crashes": "GC001 crashes Python (Segmentation fault) while crashes is checked, at f.py:{} in crashes_forward",
    "aborts": "GC001 crashes Python (Aborted) while aborts is checked, at f.py:{} in aborts_forward",
    "leaves": "GC001 ends the process with os._exit(0) while leaves is checked, at f.py:{} in leaves_forward",
    "exits": "GC001 calls sys.exit(1), at f.py:{}",
    "killed": "GC001 the process was ended by SIGKILL, perhaps for want of memory, while killed is checked",
    "recurses": "GC001 raises RecursionError: maximum recursion depth exceeded, at f.py:{}",
    "eats": "GC001 raises MemoryError: Unable to allocate 7.11 PiB for an array with shape (1000000000000000,) and data type float64, at f.py:{}",
    "interrupts": "GC001 raises KeyboardInterrupt, at f.py:{}",
    "reads": "GC001 raises EOFError: EOF when reading a line, at f.py:{}",
}
# These take their half second; what is quick is not to be stopped by it on a busy machine.
SLOW = {"hangs", "swallows", "in_c"}


def hostile(names):
    head = "import os, sys; import numpy as np\ndef helper():\n    while True:\n        pass\n\n"
    text, lines = head, {}
    for name in names:
        lines[name] = text.count("\n") + 1 + len(HOSTILE[name])
        text += pair(name, *HOSTILE[name])
    return text, lines


@posix
@pytest.mark.parametrize("kind", ["slow", "quick"])
def test_what_a_function_does_is_reported_and_the_rest_is_checked(here, capsys, kind):
    names = [n for n in HOSTILE if kind == ("slow" if n in SLOW else "quick")] + ["fine"][
        kind == "quick" :
    ]
    text, lines = hostile(names)
    (here / "f.py").write_text(text)
    limit = "0.5" if kind == "slow" else "60"
    status, out, err = run(capsys, "f.py", "--time-limit", limit, "--json")
    (result,) = json.loads(out)
    assert (status, err) == (5, "")
    reports = {r["name"]: r for r in result["reports"]}
    assert list(reports) == names
    for name, report in reports.items():
        if name not in TOLD:
            assert (report["verdict"], report["findings"]) == ("PASS", [])
            continue
        (finding,) = report["findings"]
        told = f"{finding['code']} {finding['message']}"
        told = told.replace("f.py:3 in helper", "f.py:4 in helper").replace("_Array", "")
        assert (report["verdict"], told) == ("CONTRACT", TOLD[name].format(lines[name]))
        assert report["reproduce"] == f"python -m microgradnn check f.py::{name}"


def test_many_calls_that_come_back_are_slow_and_hang_not(here):
    (here / "f.py").write_text(
        "import time\ndef step():\n    time.sleep(0.05)\n\n" + pair("a", result="step")
    )
    stub = STUB.replace(
        "out = found", "step = found.forward(1.0)[0]\n    while True: step()\n    out = found"
    )
    (here / "stub").mkdir()
    (here / "stub" / "sitecustomize.py").write_text(stub)
    os.environ["PYTHONPATH"] = str(here / "stub")  # which monkeypatch puts right again
    (report,) = check_file("f.py", how=Settings(time_limit=1.0))
    assert report.verdict == "INCONCLUSIVE"
    (finding,) = report.findings
    assert finding.code == "GC204" and finding.message.startswith(
        "not done within 1 s while a is checked"
    )
    assert (
        finding.hint == "nothing hangs, it is slow: give smaller arrays, or a longer --time-limit"
    )
    assert 1 <= report.seconds < 30


@posix
def test_a_child_that_is_silent_is_killed_by_the_parent(here, monkeypatch):
    (here / "f.py").write_text(
        "import os, signal\n" + pair("a", "os.kill(os.getpid(), signal.SIGSTOP)") + pair("b")
    )
    monkeypatch.setattr(process, "GRACE", 0.5)
    a, b = check_file("f.py", how=Settings(time_limit=1.0))
    assert (a.verdict, b.verdict) == ("CONTRACT", "PASS")
    assert a.findings[0].message == "does not come back within 1 s while a is checked"


@posix
def test_what_a_function_has_started_dies_with_it(here):
    body = ["pid = os.fork()", "if pid == 0: time.sleep(60)", "open('pid', 'w').write(str(pid))"]
    (here / "f.py").write_text("import os, time\n" + pair("a", *body, "os._exit(1)") + pair("b"))
    start = time.monotonic()
    assert [r.verdict for r in check_file("f.py")] == ["CONTRACT", "PASS"]
    assert time.monotonic() - start < 30
    grandchild = int((here / "pid").read_text())
    assert not alive(grandchild)


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_a_guess_that_fails_says_what_to_write(here, capsys):
    (here / "f.py").write_text(verdict("a", "guess"))
    status, out, _ = run(capsys, "f.py")
    assert status == 4 and out.splitlines() == [
        "INCONCLUSIVE a: no arguments found for f(x) in 3 tries",
        "  GC204 TypeError",
        "      write x",
        "  no values compared; 1 check, seed 0, 0.00 s",
        "  again: python -m microgradnn check f.py::a",
        "f.py: 1 checked: 1 INCONCLUSIVE",
    ]


def test_a_mistake_of_the_checker_is_not_laid_to_the_file(here):
    (here / "f.py").write_text(verdict("a", "bug"))
    (report,) = check_file("f.py")
    assert report.verdict == "INCONCLUSIVE"
    assert report.findings[0].message == "the checker could not finish: KeyError: 'ours'"


def test_the_memory_limit(here):
    if not sys.platform.startswith("linux"):
        pytest.skip("RLIMIT_DATA counts arrays on Linux only")
    (here / "f.py").write_text("import numpy as np\n" + pair("a", "np.ones(10**8)"))
    (report,) = check_file("f.py", how=Settings(memory=600 * 2**20))
    assert report.verdict == "CONTRACT" and "Unable to allocate 763. MiB" in str(report)


# ---- the command line ----------------------------------------------------------------------------

FOUR = (
    verdict("a", "PASS")
    + verdict("b", "FAIL")
    + verdict("c", "INCONCLUSIVE")
    + verdict("d", "PASS")
)


@pytest.mark.parametrize(
    ("verdicts", "error", "status"),
    [
        (["PASS", "UNSTABLE", "PASS_SUBGRADIENT"], "", 0), (["FAIL", "PASS"], "", 3), ([], "x", 2),
        (["FAIL", "INCONCLUSIVE"], "x", 4), (["NONDETERMINISTIC", "CONTRACT"], "", 6),
        (["PASS"], "x", 2),
    ],
)  # fmt: skip
def test_the_status_of_a_file_is_that_of_the_worst(verdicts, error, status):
    reports = [Report("a", (Finding("GC201", v, ""),)) for v in verdicts]
    assert Result("f.py", reports, error=error).status() == status


NONE = "no values compared; 0 checks, seed 0, 0.00 s"


def test_the_output_in_words(here, capsys):
    (here / "f.py").write_text(FOUR)
    status, out, err = run(capsys, "f.py")
    assert (status, err) == (4, "") and out.splitlines() == [
        f"PASS a: {NONE}",
        "FAIL b: as told",
        "  GC201 a gradient is wrong",
        f"  {NONE}",
        "  again: python -m microgradnn check f.py::b",
        "INCONCLUSIVE c: as told",
        "  GC201 a gradient is wrong",
        f"  {NONE}",
        "  again: python -m microgradnn check f.py::c",
        f"PASS d: {NONE}",
        "f.py: 4 checked: 2 PASS, 1 FAIL, 1 INCONCLUSIVE",
    ]
    assert run(capsys, "f.py::a::b_backward", "-q")[1].splitlines() == [
        "FAIL b: as told", "  GC201 a gradient is wrong", f"  {NONE}",
        "  again: python -m microgradnn check f.py::b",
    ]  # fmt: skip
    assert "verdict    PASS: no rule is broken" in run(capsys, "f.py::a", "--explain")[1]


def test_seed_select_and_ignore_reach_the_check(here, capsys):
    (here / "f.py").write_text(pair("a"))
    words = ["--json", "--seed", "7", "--select", "GC2,GC041", "--ignore", "GC201"]
    (result,) = json.loads(run(capsys, "f.py", *words)[1])
    assert (result["reports"][0]["seed"], result["reports"][0]["checks"]) == (
        7,
        ["GC2", "GC041", "GC201"],
    )


def test_numbers_drawn_do_not_depend_on_what_was_checked_before(here, capsys):
    (here / "f.py").write_text(
        "import random\nimport numpy as np\n"
        + "".join(pair(n, result="(random.random(), np.random.rand(), hash('x'))") for n in "ab")
    )
    a, b = check_file("f.py")
    (again,), (other,) = (check_file("f.py", ["b"], Settings(seed=seed)) for seed in (0, 1))
    assert a.notes == b.notes == again.notes != other.notes


def test_the_list(here, capsys):
    (here / "f.py").write_text("x = 1\n" + pair("a") + pair("b"))
    assert run(capsys, "f.py", "--list") == (0, "f.py:5: a (pair)\nf.py:11: b (pair)\n", "")
    status, out, _ = run(capsys, "f.py::b", "no.py", "--list", "--json")
    assert status == 2 and json.loads(out) == [
        {"file": "f.py", "found": [{"name": "b", "line": 11, "what": "pair"}]},
        {"file": "no.py", "error": "no.py: no such file"},
    ]


def test_a_name_that_is_not_there(here, capsys):
    (here / "f.py").write_text(pair("affine"))
    status, out, err = run(capsys, "f.py::afine")
    assert (status, out) == (2, "") and err == (
        f"microgradnn: f.py: check: no forward with a backward in {here}/f.py is called 'afine'; "
        "did you mean 'affine'?\n"
    )


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["f.py::"], "check: 'f.py::' is not FILE or FILE::NAME, as layers.py::affine"),
        (["::a"], "check: '::a' is not FILE or FILE::NAME, as layers.py::affine"),
        (["f.py", "--select", "GX"], "--select: no check has the code 'GX'; codes begin with GC0 (contract), GC1 (algebra), GC2 (value), GC3 (points), GC4 (mistakes), GC5 (lines)"),
        (["f.py", "--time-limit", "0"], "time limit: 0.0 s, need more than 0, at most 1e6"),
        (["f.py", "--time-limit", "nan"], "time limit: nan s, need more than 0, at most 1e6"),
        (["f.py", "--time-limit", "inf"], "time limit: inf s, need more than 0, at most 1e6"),
        (["f.py", "--seed", "-1"], "seed: -1, need a whole number from 0 on"),
        (["f.py", "--memory-limit", "-1"], "memory limit: -1048576 bytes, need 0 (automatic) or more"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense(capsys, words, error):
    assert run(capsys, *words) == (2, "", f"microgradnn: {error}\n")


@pytest.mark.parametrize("words", [[], ["f.py", "--seed", "x"], ["f.py", "--frob"]])
def test_usage(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(["check", *words])
    assert stop.value.code == 2 and "usage: python -m microgradnn check" in capsys.readouterr().err


def test_help_names_the_exit_status(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["check", "--help"])
    out = capsys.readouterr().out
    assert (
        stop.value.code == 0
        and "3 FAIL, 4 INCONCLUSIVE, 5 CONTRACT" in out
        and "--junit FILE" in out
    )


def test_junit_names_files_and_holds_errors(here, capsys):
    (here / "f.py").write_text(FOUR)
    assert run(capsys, "f.py", "no.py", "-q", "--junit", "out.xml")[0] == 4
    suite = ElementTree.parse(here / "out.xml").getroot()
    cases = {c.get("name"): c.find("failure") for c in suite.iter("testcase")}
    assert list(cases) == ["f.py::a", "f.py::b", "f.py::c", "f.py::d", "no.py"]
    assert [name for name, failed in cases.items() if failed is not None] == [
        "f.py::b",
        "f.py::c",
        "no.py",
    ]
    assert "no.py: no such file" in cases["no.py"].text


def test_junit_that_cannot_be_written(here, capsys):
    (here / "f.py").write_text(pair("a"))
    status, out, err = run(capsys, "f.py", "--junit", "no/out.xml")
    assert status == 2 and "PASS a" in out
    assert err == "microgradnn: --junit no/out.xml: No such file or directory\n"


def command(*words, **options):
    """The command as users start it, with what PYTHONPATH holds."""
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT)])
    return subprocess.Popen(
        [sys.executable, "-m", "microgradnn", "check", *words], text=True,
        env={**os.environ, "PYTHONPATH": path, **options.pop("env", {})},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )  # fmt: skip


def test_what_a_file_prints_is_seen_only_when_asked_for(here):
    (here / "f.py").write_text("print('loading')\n" + pair("a", "print('±\\udc80')"))
    out, err = command("f.py").communicate(timeout=60)
    assert out.splitlines()[0].startswith("PASS a") and err == ""
    verbose, err = command("f.py", "--verbose").communicate(timeout=60)
    assert verbose == out and "loading\n±\\udc80\n" in err


def test_a_terminal_that_knows_no_unicode(here):
    (here / "f.py").write_text(pair("a", result="'FAIL'").replace("a_", "ä_"))
    out, err = command("f.py", env={"PYTHONIOENCODING": "ascii"}).communicate(timeout=60)
    assert "FAIL \\xe4" in out and err == ""


def test_a_reader_that_has_seen_enough(here):
    (here / "f.py").write_text("".join(pair(f"a{i}") for i in range(300)))
    process = command("f.py")
    assert process.stdout.readline().startswith("PASS a0")
    process.stdout.close()
    with process.stderr as err:
        assert (err.read(), process.wait(60)) == ("", 141)


@posix
@pytest.mark.parametrize("form", ["--junit=out.xml", "--json"])
def test_ctrl_c_ends_the_child_and_keeps_what_is_known(here, form):
    # The report on a has reached the parent before it is interrupted.
    said = "open('pid', 'w').write(str(os.getpid()))"
    hang = pair("b", "time.sleep(0.5)", said, "while True: pass")
    (here / "f.py").write_text("import os, time\n" + verdict("a", "FAIL") + hang)
    process = command("f.py", "later.py", form)
    deadline = time.monotonic() + 60
    while not (pid := (here / "pid").read_text() if (here / "pid").exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "microgradnn: interrupted\n")
    assert not alive(int(pid))
    if form == "--json":
        (result,) = json.loads(out)
        assert result["error"] == "interrupted" and [r["name"] for r in result["reports"]] == ["a"]
    else:
        assert out.startswith("FAIL a")
        names = [c.get("name") for c in ElementTree.parse(here / "out.xml").getroot()]
        assert names == ["f.py::a", "f.py"]


@posix
def test_a_terminal_shows_what_is_being_checked(here):
    (here / "f.py").write_text(pair("a"))
    ours, theirs = os.openpty()
    process = command("f.py", stderr=theirs)
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    seen = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "\r\x1b[Kchecking a …\r\x1b[K" in seen and out.startswith("PASS a")


def test_the_command_loads_no_models(here):
    code = (
        "import sys; from microgradnn.__main__ import main; status = main(['check', 'no.py']);"
        "print(status, [m for m in ('microgradnn.nn', 'microgradnn.train', 'microgradnn.train.watch') if m in sys.modules])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, text=True, capture_output=True, timeout=60
    )
    assert done.stdout == "2 []\n"


LAYERS = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(0)

def sigmoid_forward(x):
    s = 1 / (1 + np.exp(-x))
    return s, s

def sigmoid_backward(dout, s):
    return dout * s

class Square:
    def forward(self, x):
        self.x = x
        return x**2
    def backward(self, dout):
        while self.x.size > 1: pass
"""


def test_with_the_checker_itself(here, capsys, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    (here / "layers.py").write_text(LAYERS)
    status, out, err = run(capsys, "layers.py", "--time-limit", "3")
    assert (status, err) == (5, "")
    assert [line for line in out.splitlines() if not line.startswith("  ")][3:] == [
        "layers.py: 3 checked: 1 PASS, 1 FAIL, 1 CONTRACT"
    ]
    assert "PASS affine: x " in out and "FAIL sigmoid: dx is wrong: 12 of 12 entries" in out
    assert "  again: python -m microgradnn check layers.py::sigmoid\n" in out
    assert (
        "CONTRACT Square: does not come back within 3 s while Square is checked, at layers.py:23 in backward"
        in out
    )


# ---- reports as dicts ----------------------------------------------------------------------------

FULL = Report(
    "affine",
    (
        Finding("GC201", "FAIL", "wrong", "x", "zeros", "traced",
                Entry("x", (0, 2), 1.5, math.nan, math.inf, -math.inf, 0.0, (-1.0, math.inf)),
                "hint", {"grads": [[1.0, 2.0]], "n": 3, "name": "x"}),
        Finding("GC301", "PASS_SUBGRADIENT", "kink", worst=Entry("b", (), 1.0, 2.0, 1.0, 3.0, 1e-17)),
        Finding("GC204", "PASS", "remark"),
    ),
    ("GC201",), ("yours", "zeros"), {"x": "traced"}, {"x": math.inf, "b": 1e-15},
    {"x": (3, 4)}, 5, "again", 1.25, ("a note",),
)  # fmt: skip


@pytest.mark.parametrize("report", [FULL, Report("empty")], ids=["full", "empty"])
def test_a_report_survives_the_way_through_json(report):
    back = report_from_dict(json.loads(report.to_json()))
    assert back.to_dict() == report.to_dict()
    assert (back.explain(), back.status) == (report.explain(), report.status)
    if report is FULL:
        assert math.isnan(back.findings[0].worst.true)
        assert back.findings[1:] == report.findings[1:] and back.coverage == report.coverage


def test_a_report_of_numpy_numbers_survives_too():
    entry = Entry("x", (np.int64(1),), np.float32(1), np.float64(2), np.float64(1), 0.0, 0.0)
    report = Report("f", (Finding("GC201", "FAIL", "", worst=entry, data={"a": np.eye(2)}),))
    back = report_from_dict(json.loads(report.to_json()))
    assert back.findings[0].worst == Entry("x", (1,), 1.0, 2.0, 1.0, 0.0, 0.0)
    assert back.findings[0].data == {"a": [[1.0, 0.0], [0.0, 1.0]]}


# ---- as functions --------------------------------------------------------------------------------


def test_reports_come_one_by_one_and_the_child_ends_when_no_more_are_wanted(here):
    (here / "f.py").write_text(
        "import os\nopen('pid', 'w').write(str(os.getpid()))\n"
        + pair("a")
        + pair("b", "while 1: pass")
    )
    started = []
    reports = check_file("f.py", started=started.append)
    assert next(reports).name == "a" and started == ["a"]
    reports.close()
    assert not alive(int((here / "pid").read_text()))


def test_errors_are_typed(here):
    with pytest.raises(FileError, match="^no.py: no such file$"):
        next(check_file("no.py"))
    with pytest.raises(FileError, match="^no.py: no such file$"):
        list_file("no.py")
    with pytest.raises(ConfigError, match="^seed: -3, need"):
        Settings(seed=-3)


def test_a_file_that_changes_its_mind_keeps_the_reports_before(here):
    (here / "f.py").write_text(
        "import os\nif os.path.exists('seen'): raise SystemExit\nopen('seen', 'w').close()\n"
        + pair("a") + pair("b", "os._exit(1)") + pair("c")
    )  # fmt: skip
    reports = check_file("f.py")
    assert [next(reports).verdict, next(reports).verdict] == ["PASS", "CONTRACT"]
    with pytest.raises(FileError, match="^f.py:2: calls sys.exit"):
        next(reports)


FAILING = {
    "data that is not there": "data = open('no.csv').read()\nX = data.splitlines()[0]",
    "arguments": "import sys\nn = int(sys.argv[1])",
    "argparse": "import argparse\np = argparse.ArgumentParser()\np.add_argument('x')\nargs = p.parse_args()",
    "input": "name = input('who? ')",
    "an assert": "assert 1 + 1 == 3",
    "Python 2": "for i in xrange(3): pass",
    "a debugger": "import pdb; pdb.set_trace()",
    "data of a missing package": "import no_such as pd\nX = pd.read_csv('x').values[:, 1:] / 255",
    "a part of a package": "from xml.no_such import parse\nparse('x')",
    "training": "w = 1.0\nwhile True:\n    w = w - 0.1 * w",
    "waiting": "import time\ntime.sleep(1000)",
    "a decorator": "@no_such_decorator\ndef f(x): return x",
    "a base class": "class Net(no_such.Module):\n    def forward(self, x): return x",
}  # fmt: skip


@pytest.mark.parametrize("name", FAILING)
def test_a_statement_that_fails_loses_nothing_else(here, name):
    """It may stand before the functions, or behind them."""
    (here / "f.py").write_text(
        FAILING[name] + "\n\n" + pair("a") + FAILING[name] + "\n" + pair("b")
    )
    reports = list(check_file("f.py", how=Settings(time_limit=2.0)))
    assert [r.verdict for r in reports] == ["PASS", "PASS"]
    notes = reports[0].notes
    assert sum(note.startswith("went on without f.py:") for note in notes) >= 2


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("data = open('no.csv').read()\n", "data"),
        ("from no_such import *\n", "helper"),
        ("import no_such.deep as deep\n", "deep"),
        ("a, (b, scale) = load()\n", "scale"),
        ("@no_such\ndef helper(x): return x\n", "helper"),
        ("for scale in range(1 // 0): pass\n", "scale"),
    ],
)
@pytest.mark.parametrize(
    "use", ["x * {}", "{}(x)", "{}[x]", "np.exp({})", "{}.f(x)", "{} == 3", "{} + x"]
)
def test_what_is_not_there_is_no_mistake_of_the_function(tmp_path, text, missing, use):
    """Where a name is missing, the one verdict on its users is INCONCLUSIVE."""
    path = tmp_path / "f.py"
    path.write_text(text + "import numpy as np\n" + pair("a", result=use.format(missing)))
    finder = list(sys.meta_path), list(sys.path), sys.argv
    try:
        loaded = load(path, 1.0)
        with pytest.raises(NotThereError, match="^needs "):
            loaded.module.a_forward(1.0)
    finally:
        sys.meta_path[:], sys.path[:], sys.argv = finder
        sys.modules.pop("f", None)
        vars(builtins).pop("get_ipython", None)  # jax asks for it
