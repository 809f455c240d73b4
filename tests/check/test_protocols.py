"""Protocols of many hands, right and wrong: what is right passes, with the reading that fits."""

from typing import Any

import pytest

from microgradnn.check.files.discover import find
from microgradnn.check.files.found import check_found

# Text; what stands in its gap where it is right, and where it is wrong; the verdict if right.
PROTOCOLS: dict[str, tuple[str, str, str, str]] = {
    "a class with its derivative": (
        """
        class Sigmoid:
            def activation(self, x):
                return 1 / (1 + np.exp(-x))

            def derivative(self, x):
                s = self.activation(x)
                return {}
        """,
        "s * (1 - s)", "s * s", "PASS",
    ),
    "a class that is called, and its gradient": (
        """
        class Tanh:
            def __call__(self, x):
                return np.tanh(x)

            def gradient(self, x):
                return {}
        """,
        "1 - np.tanh(x) ** 2", "1 - np.tanh(x)", "PASS",
    ),
    "a static loss and its gradient": (
        """
        class MSE:
            @staticmethod
            def loss(pred, target):
                return np.mean((pred - target) ** 2)

            @staticmethod
            def gradient(pred, target):
                return {} * (pred - target) / pred.size
        """,
        "2", "1", "PASS",
    ),
    "forward(ctx, x)": (
        """
        class Mul:
            @staticmethod
            def forward(ctx, a, b):
                ctx.save_for_backward(a, b)
                return a * b

            @staticmethod
            def backward(ctx, g):
                a, b = ctx.saved_tensors
                return {}
        """,
        "g * b, g * a", "g * a, g * b", "PASS",
    ),
    "ctx with attributes of its own": (
        """
        class Relu:
            def forward(ctx, x):
                ctx.mask = x > 0
                return x * ctx.mask

            def backward(ctx, grad_output):
                return grad_output * {}
        """,
        "ctx.mask", "(1 - ctx.mask)", "PASS",
    ),
    "forward_propagate and backpropagate with a rate": (
        """
        class Dense:
            def __init__(self, n_in, n_out):
                self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

            def forward_propagate(self, A):
                self.A = A
                return A @ self.W + self.b

            def backpropagate(self, dZ, lr):
                dA = dZ @ self.W.T
                self.W -= lr * self.A.T @ dZ
                self.b -= lr * {}
                return dA
        """,
        "dZ.sum(0)", "dZ.mean()", "CONVENTION",
    ),
    "pairs called _for and _back": (
        """
        def cube_for(Z):
            return Z**3

        def cube_back(delta, Z):
            return delta * {}
        """,
        "3 * Z**2", "Z**2", "PASS",
    ),
    "pairs called _d": (
        """
        def square(x):
            return x**2

        def square_d(x):
            return {} * x
        """,
        "2", "1", "PASS",
    ),
    "pairs called _rev, the input first": (
        """
        def cube(x):
            return x**3

        def cube_rev(x, dy):
            return dy * {}
        """,
        "3 * x**2", "x**2", "PASS",
    ),
    "derivative_ before the name": (
        """
        def tanh(x):
            return np.tanh(x)

        def derivative_tanh(x):
            return {}
        """,
        "1 - np.tanh(x) ** 2", "1 - x**2 + x", "PASS",
    ),
    "labels before the predictions": (
        """
        class CategoricalCrossEntropy:
            def forward(self, y_pred, y_true):
                return -np.mean(np.sum(y_true * np.log(y_pred), axis=1))

            def backward(self, y_true, dvalues):
                self.dinputs = -y_true / dvalues / {}
        """,
        "len(dvalues)", "2", "PASS",
    ),
    "dropout that nobody seeds": (
        """
        class Dropout:
            def __init__(self, rate=0.5):
                self.rate = rate

            def forward(self, x):
                self.mask = (np.random.rand(*x.shape) > self.rate) / (1 - self.rate)
                return x * self.mask

            def backward(self, dout):
                return dout * {}
        """,
        "self.mask", "(self.mask > 0)", "PASS",
    ),
    "dropout whose backward draws anew": (
        """
        class Dropout:
            def __init__(self, rate=0.5):
                self.rate = rate

            def forward(self, x):
                self.mask = (np.random.rand(*x.shape) > self.rate) / (1 - self.rate)
                return x * self.mask

            def backward(self, dout):
                return dout * {}
        """,
        "self.mask", "(np.random.rand(*dout.shape) > self.rate) / (1 - self.rate)", "PASS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROTOCOLS)
def test_what_is_right_passes_and_what_is_wrong_does_not(name: str, load: Any) -> None:
    text, right, wrong, verdict = PROTOCOLS[name]
    (found,) = find(load(text.format(right)))
    report = check_found(found)
    assert report.verdict == verdict and report.coverage, report
    (found,) = find(load(text.format(wrong)))
    report = check_found(found)
    assert report.verdict == "FAIL", report


def test_dropout_under_a_fixed_seed_is_remarked(load: Any) -> None:
    text, right, *_ = PROTOCOLS["dropout that nobody seeds"]
    (found,) = find(load(text.format(right)))
    assert "forward draws random numbers" in check_found(found).explain()


BROKEN = {
    "a missing transpose in a class": (
        """
        class Linear:
            def __init__(self, n_in, n_out):
                self.W = np.random.randn(n_in, n_out)

            def forward(self, x):
                self.x = x
                return x @ self.W

            def backward(self, dout):
                self.dW = self.x @ dout
                return dout @ self.W.T
        """,
        "backward raises ValueError", 12,
    ),
    "a missing transpose in a pair": (
        """
        def affine_forward(x, w, b):
            return x.dot(w) + b, (x, w)

        def affine_backward(dout, cache):
            x, w = cache
            return dout.dot(w), x.T.dot(dout), dout.sum(0)
        """,
        "backward raises ValueError", 8,
    ),
    "a name that is nowhere, in backward": (
        """
        def tanh_forward(x):
            return np.tanh(x), x

        def tanh_backward(dout, x):
            return dout * (1 - tanh(x) ** 2)
        """,
        "backward raises NameError: name 'tanh'", 7,
    ),
    "a name that is nowhere, in forward": (
        """
        def tanh_forward(x):
            return np.tanh(X), x

        def tanh_backward(dout, x):
            return dout * (1 - np.tanh(x) ** 2)
        """,
        "forward raises NameError: name 'X'", 4,
    ),
    "a variable that is not set yet": (
        """
        def tanh_forward(x):
            return np.tanh(x), x

        def tanh_backward(dout, x):
            dx = dx * dout
            return dx
        """,
        "backward raises UnboundLocalError", 7,
    ),
    "a missing sign of multiplication": (
        """
        def tanh_forward(x):
            return np.tanh(x), x

        def tanh_backward(dout, x):
            return dout(1 - np.tanh(x) ** 2)
        """,
        "backward raises TypeError", 7,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_no_arguments_can_cause_is_the_codes_own(name: str, load: Any) -> None:
    text, said, number = BROKEN[name]
    (found,) = find(load(text))
    report = check_found(found)
    message = " ".join(f.message for f in report.findings)
    assert report.verdict == "CONTRACT" and said in message, report
    assert f"line {number} of" in message, report
