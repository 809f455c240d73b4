"""Nets that are given the targets: the loss is found that their gradients are those of, or told."""

from typing import Any

import numpy as np
import pytest

from microgradnn import check
from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found

_STEP = """
class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)
        self.lr = 0.05

    def forward(self, X):
        self.X = X
        self.h = np.tanh(X @ self.W1 + self.b1)
        z = self.h @ self.W2 + self.b2
        {out}
        return self.out

    def backward(self, {takes}):
        {delta}
        dh = (d @ self.W2.T) * (1 - self.h**2){wrong}
        {store}
"""
_OUTS = {
    "linear": "self.out = z",
    "sigmoid": "self.out = 1 / (1 + np.exp(-z))",
    "softmax": "e = np.exp(z); self.out = e / e.sum(axis=1, keepdims=True)",
}
_STORES = {
    "kept": "self.dW2, self.db2 = self.h.T @ d, d.sum(0); "
    "self.dW1, self.db1 = self.X.T @ dh, dh.sum(0)",
    "returned": "return {'dW1': self.X.T @ dh, 'db1': dh.sum(0), 'dW2': self.h.T @ d, "
    "'db2': d.sum(0)}",
    "stepped": "self.W2 -= self.lr * self.h.T @ d; self.b2 -= self.lr * d.sum(0); "
    "self.W1 -= self.lr * self.X.T @ dh; self.b1 -= self.lr * dh.sum(0)",
    "decayed": "self.dW2, self.db2 = self.h.T @ d + 0.05 * self.W2, d.sum(0); "
    "self.dW1, self.db1 = self.X.T @ dh + 0.05 * self.W1, dh.sum(0)",
}
# The output, the arguments of backward, what they make of the targets, where gradients go, the loss.
NETS = [
    ("linear", "y", "d = self.out - y", "kept", "half the squared error, its sum"),
    ("linear", "X, y", "d = 2 * (self.out - y) / y.size", "returned", "the squared error, its mean"),
    ("linear", "y_true, lr", "d = (self.out - y_true) / len(y_true)", "stepped", "squared error"),
    ("sigmoid", "x, y, output", "d = (output - y) * output * (1 - output)", "kept", "squared"),
    ("sigmoid", "X, targets, learning_rate=0.1", "d = self.out - targets", "stepped", "binary"),
    ("softmax", "labels", "d = self.out - labels", "kept", "cross entropy, its sum"),
    ("softmax", "Y", "d = self.out.copy(); d[np.arange(len(Y)), Y] -= 1; d /= len(Y)", "decayed",
     "cross entropy, its mean over the first axis, and the decay 0.05"),
]  # fmt: skip


def _text(out: str, takes: str, delta: str, store: str, wrong: str = "") -> str:
    return _STEP.format(out=_OUTS[out], takes=takes, delta=delta, store=_STORES[store], wrong=wrong)


@pytest.mark.parametrize(("out", "takes", "delta", "store", "loss"), NETS)
def test_the_loss_of_a_net_is_found(
    out: str, takes: str, delta: str, store: str, loss: str, load: Any
) -> None:
    (found,) = find(load(_text(out, takes, delta, store)))
    report = check_found(found)
    assert report.verdict == ("CONVENTION" if store == "stepped" else "PASS"), report
    assert set(report.coverage) == {"W1", "b1", "W2", "b2"}
    assert any("read so: the gradient of" in n and loss in n for n in report.notes), report.notes
    (found,) = find(load(_text(out, takes, delta, store, " + 0.1 * self.h")))
    report = check_found(found)
    assert report.verdict == "FAIL", report
    assert {f.argument for f in report.findings if f.code[2] == "2"} <= {"W1", "b1"}


def test_gradients_of_no_known_loss_are_not_judged(load: Any) -> None:
    delta = "d = np.sinh(self.out - y)"
    (found,) = find(load(_text("linear", "y", delta, "kept")))
    report = check_found(found)
    assert report.verdict == "INCONCLUSIVE"
    assert "those of no loss that is known" in report.findings[0].message


def test_a_net_may_have_the_loss_itself(load: Any) -> None:
    own = "\n    def loss(self, out, y):\n        return np.sum(np.cosh(out - y))\n"
    (found,) = find(load(_text("linear", "y", "d = np.sinh(self.out - y)", "kept") + own))
    report = check_found(found)
    assert report.verdict == "PASS"
    assert any("its own loss()" in note for note in report.notes)


SAMPLES = """
class Network:
    def __init__(self, sizes):
        self.sizes = sizes
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n, m) for m, n in zip(sizes[:-1], sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = np.tanh(w @ a + b)
        return a

    def backprop(self, x, y):
        acts = [x]
        for b, w in zip(self.biases, self.weights):
            acts.append(np.tanh(w @ acts[-1] + b))
        delta = (acts[-1] - y) * (1 - acts[-1] ** 2)
        nabla_b, nabla_w = [delta], [{} @ acts[-2].T]
        for k in range(2, len(self.sizes)):
            delta = self.weights[1 - k].T @ delta * (1 - acts[-k] ** 2)
            nabla_b, nabla_w = [delta, *nabla_b], [delta @ acts[-k - 1].T, *nabla_w]
        return nabla_b, nabla_w
"""


def test_one_sample_at_a_time_and_lists_of_gradients(load: Any) -> None:
    (found,) = find(load(SAMPLES.format("delta")))
    report = check_found(found)
    assert report.verdict == "PASS" and set(report.coverage) >= {"weights.0", "biases.1"}
    (found,) = find(load(SAMPLES.format("(delta * acts[-1])")))
    assert check_found(found).verdict == "FAIL"


FUNCTIONS = """
def relu(z):
    return np.maximum(z, 0)

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = relu(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / np.exp(Z2).sum(axis=0)
    return Z1, A1, Z2, A2

def one_hot(Y):
    out = np.zeros((Y.size, Y.max() + 1))
    out[np.arange(Y.size), Y] = 1
    return out.T

def backward_prop(z1, A1, Z2, A2, W2, X, Y):
    dZ2 = (A2 - one_hot(Y)) / Y.size
    dZ1 = W2.T.dot(dZ2) * {}
    return dZ1.dot(X.T), dZ1.sum(1, keepdims=True), dZ2.dot(A1.T), dZ2.sum(1, keepdims=True)
"""


def test_functions_of_a_whole_net(load: Any) -> None:
    (found,) = find(load(FUNCTIONS.format("(z1 > 0)")))
    report = check_found(found)
    assert report.verdict == "PASS" and set(report.coverage) == {"W1", "b1", "W2", "b2"}
    (found,) = find(load(FUNCTIONS.format("(Z2[:1] > -9)")))
    assert check_found(found).verdict == "FAIL"


FLAGS = {
    "a function": (
        "def sigmoid(x, derivative=False):\n"
        "    s = 1 / (1 + np.exp(-x))\n"
        "    return {} if derivative else s\n",
        "s * (1 - s)", "s * s",
    ),
    "of the output": (
        "def sigmoid(x, deriv=False):\n"
        "    if deriv == True:\n        return {}\n"
        "    return 1 / (1 + np.exp(-x))\n",
        "x * (1 - x)", "x * x",
    ),
    "a loss": (
        "def mse(y, target, prime=False):\n"
        "    return {} * (y - target) if prime else np.sum((y - target) ** 2)\n",
        "2", "3",
    ),
    "a class": (
        "class Cube:\n    def __call__(self, x, grad=False):\n"
        "        return {} * x**2 if grad else x**3\n",
        "3", "2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_makes_a_function_its_derivative(name: str, load: Any) -> None:
    text, right, wrong = FLAGS[name]
    (found,) = find(load(text.format(right)))
    assert check_found(found).verdict in ("PASS", "PASS_SUBGRADIENT")
    (found,) = find(load(text.format(wrong)))
    assert check_found(found).verdict == "FAIL"


@pytest.mark.parametrize("forward", ["np.sign(x)", "(x > 0) * 1.0", "np.floor(x)", "np.round(x)"])
def test_the_gradient_of_a_step_is_right_if_it_is_zero(forward: str, load: Any) -> None:
    text = f"def f(x):\n    return {forward}\ndef f_derivative(x):\n    return {{}}\n"
    (found,) = find(load(text.format("np.zeros_like(x)")))
    report = check_found(found)
    assert report.verdict in ("PASS", "PASS_SUBGRADIENT"), report
    assert "by steps only" in report.explain()
    wrong = text.format("np.ones_like(x)")
    assert check_found(find(load(wrong))[0]).verdict == "FAIL"
    named = wrong.replace("f(x)", "step(x)").replace("f_d", "step_d")  # it is meant so
    assert check_found(find(load(named))[0]).verdict == "CONVENTION"


def test_what_moves_nothing_was_not_tested(load: Any) -> None:
    text = "def dead(x):\n    return 0 * x\ndef dead_derivative(x):\n    return 0 * x\n"
    (found,) = find(load(text))
    assert check_found(found).verdict == "INCONCLUSIVE"


LANGUAGES = [
    ("tangente", "derivada_tangente"), ("tanh", "tanh_ableitung"), ("tanh", "derivee_tanh"),
    ("双曲正切", "双曲正切导数"), ("tanh", "tanh_daoshu"), ("capa_adelante", "capa_atras"),
    ("schicht_vorwaerts", "schicht_rueckwaerts"), ("激活_前向", "激活_反向"),
]  # fmt: skip


@pytest.mark.parametrize(("forward", "backward"), LANGUAGES)
def test_names_in_other_languages(forward: str, backward: str, load: Any) -> None:
    text = f"def {forward}(x):\n    return np.tanh(x)\ndef {backward}(x):\n    return {{}}\n"
    (found,) = find(load(text.format("1 - np.tanh(x) ** 2")))
    assert check_found(found).verdict == "PASS"
    (found,) = find(load(text.format("1 - np.tanh(x)")))
    assert check_found(found).verdict == "FAIL"


LAYERS = [
    ("adelante", "atras", "entradas, neuronas", "pesos", "sesgos", "gradiente"),
    ("vorwaerts", "rueckwaerts", "eingaben, neuronen", "gewichte", "bias", "fehler"),
    ("前向传播", "反向传播", "输入维度, 输出维度", "权重", "偏置", "上游梯度"),
    ("qianxiang", "fanxiang", "shuru, shuchu", "quanzhong", "pianzhi", "tidu"),
]


@pytest.mark.parametrize(("go", "back", "sizes", "w", "b", "dout"), LAYERS)
def test_layers_in_other_languages(
    go: str, back: str, sizes: str, w: str, b: str, dout: str, load: Any
) -> None:
    grad = "梯度" if go.startswith("前") else "grad_"
    text = (
        f"class Capa:\n    def __init__(self, {sizes}):\n        n, m = {sizes}\n"
        f"        self.{w}, self.{b} = np.random.randn(n, m), np.zeros(m)\n"
        f"    def {go}(self, x):\n        self.x = x\n        return x @ self.{w} + self.{b}\n"
        f"    def {back}(self, {dout}):\n        self.{grad}{w} = self.x.T @ {dout}\n"
        f"        self.{grad}{b} = {dout}.{{}}(0)\n        return {dout} @ self.{w}.T\n"
    )
    (found,) = find(load(text.format("sum")))
    report = check_found(found)
    assert report.verdict == "PASS" and set(report.coverage) == {"x", w, b}, report
    (found,) = find(load(text.format("mean")))
    assert check_found(found).verdict != "PASS"


class Shared:
    """Parameters in a dict, and the same arrays in the layers that use them."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(3, 4)), "W2": rng.normal(size=(4, 2))}
        self.layers = [[self.params["W1"]], [self.params["W2"]]]

    def loss(self, x, t):
        h = np.tanh(x @ self.layers[0][0])
        return ((h @ self.layers[1][0] - t) ** 2).sum()

    def gradient(self, x, t):
        h = np.tanh(x @ self.layers[0][0])
        d = 2 * (h @ self.layers[1][0] - t)
        dh = d @ self.layers[1][0].T * (1 - h**2)
        return {"W1": x.T @ dh, "W2": h.T @ d}


def test_a_parameter_that_is_in_several_places():
    rng = np.random.default_rng(1)
    found = check.layer(Shared(), (rng.normal(size=(5, 3)), rng.normal(size=(5, 2))))
    assert found.verdict == "PASS"
    assert set(found.methods) == {"W1", "W2"}
