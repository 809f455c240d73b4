"""CONVENTION: what many write and mean is named, exits with 0, and with 3 where it is forbidden."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from microgradnn import check
from microgradnn.check.codes import STATUS, VERDICTS
from microgradnn.check.files.cli import main
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found
from microgradnn.check.report import Finding, Report, junit
from microgradnn.errors import CheckError

MEAN_SQUARES = """
import numpy as np

def mse_loss(pred, target):
    return np.mean((pred - target) ** 2), {grad}
"""
LINEAR = """
import numpy as np

class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        N = len(dout)
        self.dW, self.db = {dW}, {db}
        return dout @ self.W.T
"""
SIGMOID = """
import numpy as np

def sigmoid_forward(x):
    y = 1 / (1 + np.exp(-x))
    return y, y

def sigmoid_backward(dout, y):
    return dout * y * (1 - y){more}
"""
LOSS_PAIR = """
import numpy as np

def loss_forward(p, t):
    return np.sum(t * np.log(p)), (p, t)

def loss_backward(cache):
    p, t = cache
    return t / p
"""
CROSS_ENTROPY = """
import numpy as np

class CategoricalCrossEntropy:
    def forward(self, probs, y_true):
        self.p, self.t = probs, y_true
        return -np.sum(y_true * np.log(probs{eps})) / len(probs)

    def backward(self):
        return {grad}
"""
SOFTMAX = """
import numpy as np

class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.out = e / e.sum(axis=1, keepdims=True)
        return self.out

    def backward(self, y):
        return {grad}
"""
MEAN = """
import numpy as np

def mean_forward(x):
    return x.mean(axis=1), x.shape

def mean_backward(dout, shape):
    return np.broadcast_to({grad}, shape).copy()
"""
TIES = """
import numpy as np

def rowmax_forward(x):
    return x.max(axis=1), x

def rowmax_backward(dout, x):
    here = x == x.max(axis=1, keepdims=True)
    return {grad}
"""
STEPS = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout, lr):
        dx = dout @ self.W.T
        self.W -= {step}
        return dx
"""
CLIPPED = """
import numpy as np

class CategoricalCrossEntropy:
    def forward(self, y_pred, y_true):
        self.probs, self.n = {clip}, len(y_pred)
        self.probs = np.clip(y_pred, 1e-15, 1 - 1e-15)
        self.y_true = y_true
        return -np.sum(self.y_true * np.log(self.probs)) / self.n

    def backward(self):
        return -(self.y_true / self.probs) / self.n
"""
PICKED = """
import numpy as np

class Loss_CategoricalCrossentropy:
    def forward(self, y_pred, y_true):
        y_pred_clipped = np.clip(y_pred, 1e-7, 1 - 1e-7)
        if len(y_true.shape) == 1:
            confidences = y_pred_clipped[range(len(y_pred)), y_true]
        elif len(y_true.shape) == 2:
            confidences = np.sum(y_pred_clipped * y_true, axis=1)
        return -np.log(confidences)

    def backward(self, y_true, dvalues):
        if len(y_true.shape) == 1:
            y_true = np.eye(len(dvalues[0]))[y_true]
        self.dinputs = {sign}y_true / dvalues / len(dvalues)
"""
SATURATED = """
import numpy as np

class SoftmaxLoss:
    def forward(self, scores, y):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.p, self.y = e / e.sum(axis=1, keepdims=True), y
        q = np.clip(self.p[np.arange(len(y)), y], {low}, 1)
        return -np.mean(np.log(q))

    def backward(self):
        dx = self.p.copy()
        dx[np.arange(len(self.y)), self.y] -= 1
        return dx / len(self.y)
"""
SQUARES = "2 * (pred - target)"
RIGHT_W, RIGHT_B = "self.x.T @ dout", "dout.sum(axis=0)"
# A file, what is written in its gap, the verdict, and words of the sentence.
CASES: list[tuple[str, dict[str, str], str, str]] = [
    (MEAN_SQUARES, {"grad": SQUARES + " / pred.size"}, "PASS", ""),
    (MEAN_SQUARES, {"grad": SQUARES}, "CONVENTION", r"factor N: yours is 12 .*, N = 12"),
    (MEAN_SQUARES, {"grad": SQUARES + " / len(pred)"}, "CONVENTION", r"factor N: yours is 3 .* N = 3"),
    (MEAN_SQUARES, {"grad": SQUARES + " / pred.size / len(pred)"}, "CONVENTION", "factor 1/N"),
    (MEAN_SQUARES, {"grad": "(pred - target) / pred.size"}, "FAIL", "wrong"),
    (MEAN_SQUARES, {"grad": "-" + SQUARES + " / pred.size"}, "FAIL", "wrong"),
    (MEAN_SQUARES, {"grad": SQUARES + " / 4"}, "FAIL", "wrong"),
    (LINEAR, {"dW": RIGHT_W, "db": RIGHT_B}, "PASS", ""),
    (LINEAR, {"dW": RIGHT_W + " / N", "db": RIGHT_B + " / N"}, "CONVENTION", "1/N.*the batch"),
    (LINEAR, {"dW": RIGHT_W + " / N", "db": RIGHT_B}, "CONVENTION", "dW is right up to"),
    (LINEAR, {"dW": RIGHT_W + " * 2", "db": RIGHT_B}, "FAIL", "dW is wrong"),
    (LINEAR, {"dW": "-" + RIGHT_W, "db": RIGHT_B}, "FAIL", "dW is wrong"),
    (LINEAR, {"dW": RIGHT_W + " / N", "db": RIGHT_B + " * 3"}, "FAIL", "db is wrong"),
    (LINEAR, {"dW": RIGHT_W + " / 5", "db": RIGHT_B}, "FAIL", "dW is wrong"),
    (MEAN, {"grad": "dout[:, None] / shape[1]"}, "PASS", ""),
    (MEAN, {"grad": "dout[:, None]"}, "FAIL", "dx is wrong"),
    (CROSS_ENTROPY, {"eps": "", "grad": "-self.t / self.p / len(self.p)"}, "PASS", ""),
    (CROSS_ENTROPY, {"eps": " + 1e-12", "grad": "-self.t / self.p / len(self.p)"}, "CONVENTION", "an eps"),
    (CROSS_ENTROPY, {"eps": " + 1e-8", "grad": "-self.t / self.p / len(self.p)"}, "CONVENTION", "an eps"),
    (CROSS_ENTROPY, {"eps": " + 1e-3", "grad": "-self.t / self.p / len(self.p)"}, "FAIL", "wrong"),
    (CROSS_ENTROPY, {"eps": "", "grad": "(self.p - self.t) / len(self.p)"}, "CONVENTION", "labels"),
    (CROSS_ENTROPY, {"eps": "", "grad": "self.p - self.t"}, "CONVENTION", "labels"),
    (CROSS_ENTROPY, {"eps": "", "grad": "(self.t - self.p) / len(self.p)"}, "FAIL", "wrong"),
    (SIGMOID, {"more": ""}, "PASS", ""),
    # 1e-9 off, and no eps anywhere in the code: nothing excuses it.
    (SIGMOID, {"more": " + dout * y**3 / 1000000000"}, "FAIL", "wrong"),
    (CLIPPED, {"clip": "None"}, "PASS", ""),
    (PICKED, {"sign": "-"}, "PASS", ""),
    (PICKED, {"sign": ""}, "FAIL", "wrong"),
    (SATURATED, {"low": "1e-12"}, "CONVENTION", "a clip makes the loss flat"),
    (SOFTMAX, {"grad": "self.out * (y - (y * self.out).sum(axis=1, keepdims=True))"}, "PASS", ""),
    (SOFTMAX, {"grad": "self.out - y"}, "CONVENTION", "takes the labels"),
    (SOFTMAX, {"grad": "(self.out - y) / len(y)"}, "CONVENTION", "labels.*/N"),
    (SOFTMAX, {"grad": "y - self.out"}, "FAIL", "not 0 where dout is 0"),
    (SOFTMAX, {"grad": "self.out * y"}, "FAIL", "wrong"),
    (TIES, {"grad": "dout[:, None] * here / here.sum(axis=1, keepdims=True)"}, "PASS", ""),
    (TIES, {"grad": "dout[:, None] * here"}, "CONVENTION", "every one of several equal entries"),
    (TIES, {"grad": "0.9 * dout[:, None] * here * (1 + (here.sum(axis=1) > 1)[:, None] / 9)"},
     "FAIL", "wrong"),
    (STEPS, {"step": "lr * (self.x.T @ dout)"}, "CONVENTION", "backward updates W itself"),
    (STEPS, {"step": "lr * 2 * (self.x.T @ dout)"}, "FAIL", "dW is wrong"),
    (STEPS, {"step": "-lr * (self.x.T @ dout)"}, "FAIL", "dW is wrong"),
]  # fmt: skip


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("text", "gaps", "verdict", "words"), CASES)
def test_a_convention_is_named_and_an_error_stays_one(
    text: str, gaps: dict[str, str], verdict: str, words: str, seed: int, load: Any
) -> None:
    (found,) = find(load(text.format(**gaps)))
    report = check_found(found, seed=seed)
    assert report.verdict == verdict, report
    said = " ".join(f.message for f in report.findings if f.verdict == verdict)
    assert not words or re.search(words, said), said


def test_what_a_loss_keeps_for_its_backward_is_not_taken_for_gradients(load: Any) -> None:
    """Such pairs are not understood yet; right ones may not be called wrong."""
    for found in find(load(LOSS_PAIR)):
        assert check_found(found).verdict in ("PASS", "INCONCLUSIVE")


def test_a_factor_needs_a_second_shape() -> None:
    """One shape cannot tell 1/N from a number that is wrong."""
    x, t = np.random.default_rng(0).normal(size=(2, 4, 3))

    def mse(p: Any, t: Any) -> Any:
        return np.mean((p - t) ** 2), 2 * (p - t) / len(p)

    assert check.layer(mse, None, (x, t)).verdict == "FAIL"
    assert check.layer(mse, None, (x, t), others=[(x[:, :2], t[:, :2])]).verdict == "CONVENTION"
    assert check.layer(mse, None, (x, t), others=[(x[:3], t[:3])]).verdict == "FAIL"


def test_what_is_wrong_elsewhere_is_found_behind_a_factor(load: Any) -> None:
    grad = "self.x.T @ dout / N * (1 + (np.abs(self.x).max() > 20))"
    (found,) = find(load(LINEAR.format(dW=grad, db=RIGHT_B)))
    report = check_found(found)
    assert report.verdict == "FAIL", report


def test_a_convention_exits_with_0_and_strictly_with_3(tmp_path: Path, capsys: Any) -> None:
    file, xml = tmp_path / "layers.py", tmp_path / "out.xml"
    file.write_text(TIES.format(grad="dout[:, None] * here"))
    assert main([str(file), "--junit", str(xml)]) == 0
    suite = ElementTree.parse(xml).getroot()
    assert suite.get("failures") == "0"
    assert str(suite.findtext("testcase/system-out")).startswith("CONVENTION ")
    assert main([str(file), "-q", "--strict", "--junit", str(xml)]) == 3
    assert ElementTree.parse(xml).getroot().get("failures") == "1"
    shown = capsys.readouterr().out
    assert shown.count("CONVENTION rowmax:") == 2  # quiet shows it too
    assert shown.count("the whole gradient") == 2


def test_a_convention_is_ok_but_not_strictly() -> None:
    report = Report("f", (Finding("GC209", "CONVENTION", "by 1/N"),))
    assert report.ok and report.conventional and (report.status, report.strict_status()) == (0, 3)
    report.raise_if_failed()
    with pytest.raises(CheckError):
        report.raise_if_failed(strict=True)
    assert 'failures="0"' in junit([report]) and 'failures="1"' in junit([report], strict=True)
    assert report.to_dict()["verdict"] == "CONVENTION"
    wrong = Report("f", (*report.findings, Finding("GC201", "FAIL", "wrong")))
    assert wrong.verdict == "FAIL" and not wrong.conventional and wrong.strict_status() == 3


def test_every_verdict_that_is_not_ok_has_a_status_of_its_own() -> None:
    assert {v: Report("f", (Finding("GC001", v, ""),)).status for v in VERDICTS} == {
        **dict.fromkeys(("PASS", "PASS_SUBGRADIENT", "UNSTABLE", "CONVENTION"), 0), **STATUS,
    }  # fmt: skip
    assert STATUS == {
        "FAIL": 3, "INCONCLUSIVE": 4, "CONTRACT": 5, "NONDETERMINISTIC": 6, "NOT_WRITTEN": 7,
        "NOTHING": 8,
    }  # fmt: skip
