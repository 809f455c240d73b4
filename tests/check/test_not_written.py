"""What an exercise leaves empty is said to be not written: it is neither skipped nor right."""

import os
import subprocess
import sys
import textwrap
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from microgradnn.__main__ import main
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from microgradnn.check.report import junit

# Ways to write nothing; what stands before it does not make it something.
EMPTY = {
    "pass": "pass",
    "dots": "...",
    "docstring": '"""The gradient."""',
    "none": "return None",
    "return": "return",
    "raises": "raise NotImplementedError",
    "raises with a text": 'raise NotImplementedError("your code here")',
    "raises after a start": "first = 1\nraise NotImplementedError()",
    "a comment": "# YOUR CODE HERE\npass",
    "names of nothing": "first, second = None, None\nreturn first, second",
    "a name of nothing": 'result = None\n"""START CODE HERE"""\nreturn result',
}
# Files with one part that is written and one that is not.
PAIR = {
    "forward": "def mul_forward(x, w):\n{}\n\ndef mul_backward(dout, cache):\n    return dout * cache[1], dout * cache[0]\n",
    "backward": "def mul_forward(x, w):\n    return x * w, (x, w)\n\ndef mul_backward(dout, cache):\n{}\n",
    "derivative": "def square(x):\n    return x * x\n\ndef square_grad(x):\n{}\n",
    "loss": "def square_loss(x, y):\n{}\n",
}  # fmt: skip
CLASS = {
    "method forward": "class Mul:\n    def forward(self, x):\n{}\n\n    def backward(self, dout):\n        return dout\n",
    "method backward": "class Mul:\n    def forward(self, x):\n        return x\n\n    def backward(self, dout):\n{}\n",
    "method loss": "class Net:\n    def loss(self, x, y):\n{}\n\n    def gradient(self, x, y):\n        return {{}}\n",
}  # fmt: skip
CASES = [
    (text.format(textwrap.indent(body, "    " * depth)), f"{where}, {how}")
    for depth, table in ((1, PAIR), (2, CLASS))
    for (where, text), (how, body) in product(table.items(), EMPTY.items())
]
RIGHT = "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n\ndef sigmoid_grad(x):\n    return sigmoid(x) * (1 - sigmoid(x))\n"  # fmt: skip


@pytest.mark.parametrize(("text", "name"), CASES, ids=[name for _, name in CASES])
def test_nothing_is_not_written(load, text, name):
    reports = [check_found(f) for f in find(load(text + "\n\n" + RIGHT))]
    assert [r.verdict for r in reports] == ["NOT_WRITTEN", "PASS"]
    (finding,) = reports[0].findings
    assert finding.code == "GC003" and "is not written yet" in finding.message
    assert (reports[0].ok, reports[0].status) == (False, 7)
    assert ElementTree.fromstring(junit(reports[:1])).get("failures") == "1"


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        # a dead raise after a return is nothing
        ("def f(x):\n    return 2 * x\n    raise NotImplementedError\n\ndef f_grad(x):\n    return 2 + 0 * x\n", ["PASS"]),
        # a branch that is not supported is not an empty function
        ("def f(x, kind=1):\n    if kind == 2:\n        raise NotImplementedError\n    return 2 * x\n\ndef f_grad(dout, x, kind=1):\n    return 2 * dout\n", ["PASS"]),
        # the base of other classes is no exercise, nor what they leave to it
        ("class Layer:\n    def forward(self, x):\n        raise NotImplementedError\n\n    def backward(self, dout):\n        pass\n\n\nclass Same(Layer):\n    def forward(self, x):\n        return x\n\n    def backward(self, dout):\n        return dout\n\n\nclass Eval(Layer):\n    def forward(self, x):\n        return x\n", ["PASS"]),
        ("class Function:\n    def forward(self, x):\n        raise NotImplementedError\n\n    def backward(self, dout):\n        raise NotImplementedError\n", []),
        # a backward of one expression is not empty
        ("class Table:\n    def __init__(self, n):\n        self.W, self.dW = np.ones((n, 3)), np.zeros((n, 3))\n\n    def forward(self, words):\n        self.words = words\n        return self.W[words]\n\n    def backward(self, dout):\n        np.add.at(self.dW, self.words, dout)\n", ["PASS"]),
        ("class Half:\n    def forward(self, x):\n        return x\n\n    def backward(self, dout):\n        return dout\n\n    def update(self):\n        raise NotImplementedError\n", ["PASS"]),
    ],
    ids=["dead raise", "branch", "base", "alone", "one expression", "another method"],
)  # fmt: skip
def test_something_is_written(load, text, verdicts):
    assert [check_found(f).verdict for f in find(load(text))] == verdicts


def test_pytest_fails_where_nothing_is_written(tmp_path):
    (tmp_path / "f.py").write_text(PAIR["backward"].format("    pass") + "\n\n" + "import numpy as np\n" + RIGHT)  # fmt: skip
    words = ["-m", "pytest", "-p", "microgradnn.check.files.pytest_plugin", "--gradcheck", "f.py"]
    ended = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]),
             "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
    )  # fmt: skip
    assert ended.returncode == 1 and "1 failed, 1 passed" in ended.stdout
    assert "NOT_WRITTEN mul: mul_backward is not written yet" in ended.stdout


def test_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f.py").write_text("import numpy as np\n\n" + PAIR["backward"].format("    pass"))
    assert main(["check", "f.py"]) == 7
    out = capsys.readouterr().out
    assert out.startswith("NOT_WRITTEN mul: mul_backward is not written yet (line 6)\n  GC003 ")
