"""A file that is wrong is never called right, whatever it does to the process that checks it.

Each attack is a few lines in a file with a wrong backward: some run while the file is loaded, some
in forward. Real students do most of these by accident. The checker itself is at work, no stub.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnn.check.codes import OK
from microgradnn.check.files import process, seals, worker
from microgradnn.check.files.child import FileError, Settings, check_file
from microgradnn.check.files.wire import Receiver, sender
from microgradnn.check.report import Report

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="of signals and forks")

PASSED = json.dumps({"report": Report("sq", (), ("GC201",), ("your point",)).to_dict()})
FORGED = "\\n".join([
    "", json.dumps({"found": [{"name": "sq", "line": 1, "what": "pair"}]}),
    json.dumps({"start": "sq"}), PASSED, json.dumps({"end": True}), "",
])  # fmt: skip
WRITE = f"""
forged = {FORGED!r}.replace(chr(92) + 'n', chr(10)).encode()
def write_everywhere(times=1):
    for fd in range(64):
        for _ in range(times):
            try: os.write(fd, forged)
            except OSError: pass
"""
AT_LOAD = {
    "leaves": "os._exit(0)",
    "leaves behind a report": "write_everywhere()\nos._exit(0)",
    "sys.exit": "sys.exit(0)",
    "SystemExit": "raise SystemExit",
    "atexit": "import atexit\natexit.register(write_everywhere)",
    "all descriptors": "write_everywhere(3)",
    "a thread that writes": "import threading\ndef go():\n    while True: write_everywhere()\nthreading.Thread(target=go, daemon=True).start()",
    "a process that writes": "if os.fork() == 0:\n    import time\n    for _ in range(200):\n        write_everywhere()\n        time.sleep(0.01)\n    os._exit(0)",
    "np.abs": "np.abs = lambda x: 0 * np.asarray(x)",
    "np.allclose": "np.allclose = lambda *a, **k: True\nnp.array_equal = lambda *a, **k: True",
    "np.isfinite": "np.isfinite = lambda x: np.zeros(np.shape(x), bool)",
    "np.nan_to_num": "np.nan_to_num = lambda x, **k: np.inf + 0 * np.asarray(x)",
    "np.maximum": "np.maximum = lambda *a, **k: np.inf",
    "np.asarray": "old = np.asarray\nnp.asarray = lambda *a, **k: 0 * old(*a, **k)",
    "np.random": "np.random.default_rng = None",
    "np.linalg": "np.linalg.norm = lambda *a, **k: 0.0",
    "np.errstate": "np.errstate = None",
    "json.dumps": f"import json\njson.dumps = lambda *a, **k: {PASSED!r}",
    "json's encoder": f"import json\njson.JSONEncoder.encode = lambda *a, **k: {PASSED!r}",
    "builtins.print": "builtins.print = lambda *a, **k: None",
    "builtins.len": "builtins.len = lambda x: 0",
    "builtins.isinstance": "builtins.isinstance = lambda *a: True",
    "builtins.any": "builtins.any = lambda x: False",
    "builtins.max": "builtins.max = lambda *a, **k: a[0]",
    "builtins.abs": "builtins.abs = lambda x: 0.0",
    "builtins.getattr": "builtins.getattr = lambda *a: None",
    "builtins.__import__": "builtins.__import__ = lambda *a, **k: np",
    "math": "import math\nmath.isfinite = lambda x: False",
    "inspect": "import inspect\ninspect.signature = lambda f: None",
    "settrace": "sys.settrace(lambda *a: None)",
    "the verdict": "import microgradnn.check.report as r\nr.Report.verdict = 'PASS'\nr.Report.findings = ()",
    "the check": "import microgradnn.check.files.worker as w\nw.check_found = lambda f, **k: w.Report(f.name)",
    "the comparison": "import microgradnn.check.stages.compared as c\nc.Compared.outside = c.Compared.formula_wrong = lambda j: j.true != j.true",
    "a comparison's code": "import microgradnn.check.stages.values as v\ndef findings_about(*a, **k): return []\nfor name in list(vars(v)):\n    if name == 'findings_about': v.findings_about.__code__ = findings_about.__code__",
    "the weights": "import microgradnn.check.codes as c\nc.WEIGHT['FAIL'] = -1\nc.STATUS.clear()",
    "the table": "import microgradnn.engine.ops as o\no.square.rules = o.exp.rules\no.pow = o.mul",
    "to_dict": "import microgradnn.check.report as r\nold = r.Report.to_dict\nr.Report.to_dict = lambda s: {**old(s), 'findings': [], 'verdict': 'PASS'}",
    "sys.modules": "import types\nfake = types.ModuleType('numpy')\nfake.__getattr__ = lambda n: lambda *a, **k: 0\nsys.modules['numpy'] = fake",
    "modules of ours": "for n in [n for n in sys.modules if n.startswith('microgradnn')]: del sys.modules[n]",
    "seeds": "import random\nnp.random.seed(0)\nrandom.seed(0)\nnp.random.seed = lambda *a: None",
    "cwd and environ": "os.chdir('/')\nos.environ.clear()",
    "no descriptors": "os.closerange(0, 64)",
    "other descriptors": "for fd in range(3, 12):\n    try: os.dup2(0, fd)\n    except OSError: pass",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "kills its parent": "os.kill(os.getppid(), 9)",
    "ends its parent": "os.kill(os.getppid(), 15)",
    "interrupts its parent": "os.kill(os.getppid(), 2)",
    "kills its group": "os.killpg(0, 9)",
    "os.write": "os.write = lambda fd, data: len(data)",
    "os.getpid": "os.getpid = lambda: 1",
    "a hook": "sys.excepthook = lambda *a: None\nsys.unraisablehook = lambda *a: None",
    "the stack": "f = sys._getframe()\nwhile f:\n    for v in list(f.f_locals.values()):\n        if hasattr(v, 'select'): v.__dict__['select'] = ('GC9',)\n    f = f.f_back",
}  # fmt: skip
IN_FORWARD = {
    **{f"{name}, in forward": AT_LOAD[name] for name in (
        "leaves behind a report", "sys.exit", "all descriptors", "np.abs", "builtins.any",
        "the comparison", "json.dumps", "kills its parent", "no descriptors", "to_dict",
    )},
    "recurses": "sq_forward(x)",
    "loops": "while True: pass",
    "eats": "np.ones(10**14)",
}  # fmt: skip
SQ = "def sq_forward(x):\n{}    return x**2, x\n\ndef sq_backward(dout, x):\n    return dout * x * 3\n"
HEAD = "import builtins, os, sys\nimport numpy as np\n" + WRITE


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


# Of several that differ in a name only, one; all of them in the deep profile.
if os.environ.get("HYPOTHESIS_PROFILE") != "deep":
    for name in ("np.isfinite", "np.nan_to_num", "np.maximum", "np.linalg", "np.errstate", "math",
                 "np.random", "inspect", "json's encoder", "builtins.print", "builtins.max",
                 "builtins.abs", "builtins.getattr", "ends its parent", "SystemExit"):  # fmt: skip
        del AT_LOAD[name]

FILES = {
    **{name: HEAD + text + "\n\n" + SQ.format("") for name, text in AT_LOAD.items()},
    **{name: HEAD + SQ.format(indented(text)) for name, text in IN_FORWARD.items()},
}


class Forked:
    """In the place of subprocess.Popen: a fork of this process, which has loaded everything."""

    def __init__(self, verbose):
        to_child, self.stdin = pipe()
        self.stdout, from_child = pipe()
        self.returncode, self.pid = None, os.fork()
        if self.pid == 0:
            os.setsid()
            for fd, to in enumerate(
                (to_child.fileno(), from_child.fileno(), os.open(os.devnull, 1))
            ):
                os.dup2(to, fd)
            os.closerange(3, 256)
            sys.stdout = sys.stderr = open(1, "w", closefd=False)
            work()
        to_child.close()
        from_child.close()

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout=60.0):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("the fork", timeout)
            time.sleep(0.002)

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)


def pipe():
    reads, writes = os.pipe()
    return os.fdopen(reads, "rb"), os.fdopen(writes, "wb")


def work():
    """What a child does, in a fork; it ends the process."""
    try:
        request = json.loads(os.read(0, 2**20))
        os.close(0)
        worker.main({k: v for k, v in request.items() if k not in ("path", "home")})
    finally:
        os._exit(1)


# They are stopped by the time limit: a short one.
ENDLESS = {"loops", "builtins.isinstance"}


def verdicts(file, limit=2.0):
    """What came of a file, in order."""
    out = []
    try:
        for report in check_file(str(file), how=Settings(time_limit=limit)):
            out.append(report.verdict)
    except FileError as error:
        out.append(f"not loaded: {error}")
    return out


@posix
@pytest.mark.parametrize("name", FILES)
def test_what_is_wrong_is_never_right(tmp_path, monkeypatch, name):
    monkeypatch.setattr(process, "_started", Forked)
    (tmp_path / "f.py").write_text(FILES[name])
    came = verdicts(tmp_path / "f.py", 0.5 if name in ENDLESS else 2.0)
    print(came)
    assert came and not set(came) & set(OK)


# ---- what is right stays right -------------------------------------------------------------------

HARMLESS = {
    "names of old": "np.float, np.int, np.bool8 = float, int, bool",
    "another np.load": "old = np.load\nnp.load = lambda *a, **k: old(*a, allow_pickle=True, **k)",
    "a print that flushes": "import functools\nbuiltins.print = functools.partial(print, flush=True)",
    "no warnings": "import warnings\nwarnings.warn = lambda *a, **k: None\nwarnings.filterwarnings('ignore')",
    "settings of NumPy": "np.set_printoptions(precision=2)\nnp.seterr(all='ignore')\nnp.random.seed(3)",
    "elsewhere": "os.chdir('/')\nos.environ['X'] = 'y'\nsys.setrecursionlimit(5000)",
    "a function of its own": "def abs(x): return x\nlen = None\nprint = None",
    "a class of its own": "class A(np.ndarray): pass\nA.sum = None",
    "a thread": "import threading, time\nthreading.Thread(target=lambda: time.sleep(9)).start()",
}  # fmt: skip


@posix
@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_nothing_is_no_alarm(tmp_path, monkeypatch, name):
    monkeypatch.setattr(process, "_started", Forked)
    right = SQ.replace("* 3", "* 2").format("")
    (tmp_path / "f.py").write_text(HEAD + HARMLESS[name] + "\n\n" + right)
    assert verdicts(tmp_path / "f.py") == ["PASS"]


@posix
def test_one_function_that_changes_numpy_does_not_spoil_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "_started", Forked)
    bad, right = SQ.format("    np.abs = abs\n"), SQ.replace("* 3", "* 2").format("")
    (tmp_path / "f.py").write_text(HEAD + bad + right.replace("sq_", "square_"))
    spoilt, fine = check_file(str(tmp_path / "f.py"))
    assert [(f.code, f.message) for f in spoilt.findings] == [
        ("GC005", "the code changes numpy.abs, which the check itself needs: leave it as it is")
    ]
    assert (spoilt.verdict, spoilt.status, fine.verdict) == ("INCONCLUSIVE", 4, "PASS")


# ---- messages ------------------------------------------------------------------------------------


def test_all_that_is_sealed_is_noticed_and_put_back():
    """All functions of NumPy of which a check might ask: some alone, then all at once."""
    names = [n for n in vars(np) if callable(getattr(np, n)) and n not in seals._FREE["numpy"]]
    assert len(names) > 400
    changed = seals.sealed()
    for some in (*([name] for name in names[::16]), names):
        before = {name: getattr(np, name) for name in some}
        for name in some:
            setattr(np, name, None)
        try:
            assert changed() in {f"numpy.{name}" for name in some}
            assert all(getattr(np, name) is function for name, function in before.items())
        finally:
            for name, function in before.items():
                setattr(np, name, function)
    assert changed() == ""


def sent(*messages, key=b"k"):
    """The lines that a sender writes."""
    reads, writes = os.pipe()
    send = sender(writes, key)
    for message in messages:
        send(**message)
    os.close(writes)
    with os.fdopen(reads, "rb") as all_of_it:
        return [line for line in all_of_it.read().split(b"\n") if line]


STARTS = [{"start": "a"}, {"start": "b"}, {"end": True}]


def test_messages_arrive():
    receiver = Receiver(b"k")
    assert [receiver.read(line) for line in sent(*STARTS)] == STARTS


@given(st.data())
def test_a_line_that_is_not_the_next_one_is_none(data):
    a, b, c = sent(*STARTS)
    strange = data.draw(st.sampled_from([b, c, *sent(*STARTS, key=b"other"), a[:-1], a + b" "])
                        | st.binary().filter(lambda line: line.strip() != a.strip()))  # fmt: skip
    receiver = Receiver(b"k")
    assert receiver.read(strange) is None
    assert receiver.read(a) == STARTS[0] and receiver.read(a) is None
    assert receiver.read(b) == STARTS[1]


@pytest.mark.parametrize(
    "message",
    [{"start": 3}, {"report": []}, {"found": "sq"}, {"start": "a", "more": 1}, {"frob": 1}, {}],
    ids=str,
)
def test_a_message_of_no_known_form_is_none(message):
    receiver = Receiver(b"k")
    first, second = sent(message, STARTS[1])
    assert receiver.read(first) is None
    assert receiver.read(second) == STARTS[1]


# ---- processes -----------------------------------------------------------------------------------

DAEMON = """
import os, sys, time
started = []
def away():
    if not started and not started.append(1) and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            open({pid!r}, "a").write(f"{{os.getpid()}} ")
            time.sleep(60)
        os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process may leave its group")
@pytest.mark.parametrize(
    "end", ["pass", "os._exit(0)", "while True: pass", "os.abort()", "reports"]
)
def test_no_process_outlives_the_check(tmp_path, end):
    """Daemons: of a session of their own, and with no parent."""
    pids = tmp_path / "pids"
    body = "    away()\n" + f"    time.sleep(0.05)\n    {'pass' if end == 'reports' else end}\n"
    text = DAEMON.format(pid=str(pids)) + SQ.format(body)
    (tmp_path / "f.py").write_text(text)
    limit = 0.5 if end.startswith("while") else 2.0
    reports = check_file(str(tmp_path / "f.py"), how=Settings(time_limit=limit))
    next(reports)
    reports.close()
    started = pids.read_text().split()
    assert started and not any(os.path.exists(f"/proc/{pid}") for pid in started)


def test_modules_beside_the_file_do_not_take_the_place_of_others(tmp_path):
    for name in ("numpy", "json", "random", "hashlib", "copy", "flint", "secrets", "queue", "ast"):
        (tmp_path / f"{name}.py").write_text("print('here')\nraise SystemExit(0)\n")
    text = "from decimal import Decimal\n" + SQ.replace("* 3", "* 2").format("")
    (tmp_path / "f.py").write_text(text)
    ran = subprocess.run(
        [sys.executable, "-m", "microgradnn", "check", "f.py"], cwd=tmp_path, text=True,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.stdout.startswith("PASS sq") and ran.stderr == ""
