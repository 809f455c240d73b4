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
from microgradnn.check.files.discover import bases, find
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


# More ways, of courses: x is unpacked, shapes are read, something is printed, and nothing follows.
STARTED = [
    "return NotImplemented",
    "raise NotImplemented",
    "raise Exception('Not implemented yet')",
    "raise ValueError('TODO')",
    "assert False, 'your code here'",
    "print('not done')",
    "import logging\nlogging.warning('not done')",
    "x, w = cache",
    "x, w = cache\ndx, dw = None, None\n#### TODO ####\npass\nreturn dx, dw",
    "dx = dw = None\nreturn dx, dw",
    "dx: object = None\nreturn dx",
    "x, w = cache\nn = x.shape[0]\nfor i in range(n):\n    pass\nreturn None, None",
    "dx = None\nassert dx.shape == dout.shape\nreturn dx",
    "return [None, None]",
    "return {'dx': None, 'dw': None}",
    "dx = None\ngrads = {'dx': dx, 'dw': None}\nreturn grads",
    "dx, dw = ..., ...\nreturn dx, dw",
    "dx = ____\nreturn dx, ____",
    "dx, dw = 'TODO', 'TODO'\nreturn dx, dw",
    "if dout is not None:\n    pass\nreturn",
    "self = dout\nself.dW = None\nreturn None",
]


@pytest.mark.parametrize("body", STARTED)
def test_a_start_alone_is_not_written(load, body):
    text = "def mul_forward(x, w):\n    return x * w, (x, w)\n\ndef mul_backward(dout, cache):\n"
    static = (
        "class Mul:\n    @staticmethod\n    def forward(x, w):\n        return x * w, (x, w)\n\n"
    )
    static += "    @staticmethod\n    def backward(dout, cache):\n"
    context = "class Mul:\n    @staticmethod\n    def forward(ctx, x, w):\n        ctx.x = x\n"
    context += "        return x * w\n\n    @staticmethod\n    def backward(ctx, dout):\n"
    for head, depth in ((text, 1), (static, 2), (context, 2)):
        (found,) = find(load(head + textwrap.indent(body, "    " * depth)))
        assert check_found(found).verdict == "NOT_WRITTEN"


# Right code that has something in common with what is empty.
KEPT = "class Linear:\n    def __init__(self, n, m):\n        self.W = np.random.randn(n, m)\n\n    def forward(self, x):\n        self.x = x\n        self.output = x @ self.W\n        {}\n\n    def backward(self, dout):\n        self.dW = self.x.T @ dout\n        self.dx = dout @ self.W.T\n        {}\n"  # fmt: skip
WRITTEN = {
    "gradients are kept": KEPT.format("return self.output", "return"),
    "gradients and outputs are kept": KEPT.format("pass", "pass"),
    "labels have none": "def pick_forward(x, at):\n    return x[at], (x.shape, at)\n\ndef pick_backward(dout, cache):\n    dx, dat = np.zeros(cache[0]), None\n    np.add.at(dx, cache[1], dout)\n    return dx, dat\n",
    "zeros": "def step(x):\n    return np.where(x > 0, 1.0, 0.0)\n\ndef step_grad(x):\n    return np.zeros_like(x)\n",
    "None first": "def relu_forward(x):\n    out = None\n    out = np.maximum(0, x)\n    return out, x\n\ndef relu_backward(dout, cache):\n    dx, x = None, cache\n    dx = np.where(x > 0, dout, 0)\n    return dx\n",
    "a dict of None first": "def sq_forward(x):\n    return x**2, x\n\ndef sq_backward(dout, x):\n    grads = {'dx': None}\n    grads['dx'] = 2 * x * dout\n    return grads\n",
    "texts": "def sq_forward(x):\n    # TODO: your code here\n    return x**2, x\n\ndef sq_backward(dout, x):\n    'Not implemented yet.'\n    return 2 * x * dout\n",
    "a branch": "def sq_forward(x):\n    return x**2, x\n\ndef sq_backward(dout, x):\n    if dout is None:\n        raise NotImplementedError('todo')\n    return 2 * x * dout\n",
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_right_code_is_written(load, name):
    (found,) = find(load(WRITTEN[name]))
    assert check_found(found).verdict == "PASS"


BASES = {
    "abstract": "class Layer(ABC):\n    @abstractmethod\n    def forward(self, x): ...\n\n    @abstractmethod\n    def backward(self, dout): ...\n",
    "ABC": "class Op(ABC):\n    def forward(self, x):\n        pass\n\n    def backward(self, dout):\n        pass\n",
    "Protocol": "class Op(Protocol):\n    def forward(self, x): ...\n\n    def backward(self, dout): ...\n",
    "its name": "class Layer:\n    def forward(self, x):\n        pass\n\n    def backward(self, dout):\n        pass\n",
    "its heirs": "class Thing:\n    def forward(self, x):\n        pass\n\n    def backward(self, dout):\n        pass\n\n\nclass Same(Thing):\n    def forward(self, x):\n        return x\n\n    def backward(self, dout):\n        return dout\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BASES)
def test_a_base_class_is_no_exercise(load, name):
    module = load(
        "from abc import ABC, abstractmethod\nfrom typing import Protocol\n\n" + BASES[name]
    )
    assert [f.name for f in find(module)] == ["Same"] * (name == "its heirs")
    assert len(bases(module)) == 1


def test_a_zero_gradient_is_wrong_and_no_accident(load):
    (found,) = find(load(PAIR["backward"].format("    return 0 * dout, 0 * dout")))
    assert check_found(found).verdict == "FAIL"


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
    base = BASES["its name"].replace("class", "\n\nclass")
    (tmp_path / "b.py").write_text(base)
    assert main(["check", "b.py"]) == 2
    told = capsys.readouterr().err
    assert told.endswith("; Layer is a base class of others: it is not checked\n")
    assert main(["check", "f.py"]) == 7
    out = capsys.readouterr().out
    assert out.startswith("NOT_WRITTEN mul: mul_backward is not written yet (line 6)\n  GC003 ")
