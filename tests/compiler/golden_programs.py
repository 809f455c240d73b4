"""Six programs whose text is kept in golden/: what a reader of the compiler's output gets to see.

After a change that is meant: python -m tests.compiler.golden_programs
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import nn, optim

F = nn.functional
FOLDER = Path(__file__).parent / "golden"
rng = np.random.default_rng


def gate() -> Any:
    x = np.array([[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]], float)
    target = np.array([[0.0], [0.0], [0.0], [1.0]])

    @mg.compile
    def gate(W: Any, x: Any, target: Any) -> Any:
        z = x @ W
        return mg.binary_cross_entropy_with_logits(z, target)

    gate(np.zeros((3, 1)), x, target)
    return gate


def xor() -> Any:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    target = np.array([[0.0], [1.0], [1.0], [0.0]])
    weights = {"W1": rng(0).normal(size=(2, 4)), "b1": np.zeros(4),
               "W2": rng(1).normal(size=(4, 1)), "b2": np.zeros(1)}  # fmt: skip

    @mg.compile
    def xor(p: Any, x: Any, target: Any) -> Any:
        h = np.tanh(x @ p["W1"] + p["b1"])
        y = h @ p["W2"] + p["b2"]
        return np.mean((y - target) ** 2)

    xor(weights, x, target)
    return xor


def softmax_regression() -> Any:
    @mg.compile
    def softmax_regression(p: Any, x: Any, labels: Any) -> Any:
        W, b = p
        return mg.cross_entropy(x @ W + b, labels)

    softmax_regression(
        [np.zeros((4, 3)), np.zeros(3)], rng(0).normal(size=(5, 4)), np.arange(5) % 3
    )
    return softmax_regression


def _trained(model: Any, loss: Any, optimizer: Any, x: Any, t: Any) -> Any:
    step = mg.compile(model, loss=loss, optimizer=optimizer)
    step(x, t)
    step(x, t)
    return step


def mlp_with_dropout_and_l2() -> Any:
    draw = rng(0)
    model = nn.Sequential(
        nn.Linear(4, 8, rng=draw, kernel_regularizer=nn.L2(1e-4)), nn.ReLU(), nn.Dropout(0.5, rng=draw),
        nn.Linear(8, 3, rng=draw, kernel_regularizer=nn.L2(1e-4)),
    )  # fmt: skip
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x = draw.normal(size=(6, 4)).astype("f4")
    return _trained(model, F.cross_entropy, optimizer, x, np.arange(6) % 3)


def batch_norm() -> Any:
    draw = rng(0)
    model = nn.Sequential(
        nn.Linear(3, 4, rng=draw), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1, rng=draw)
    )
    optimizer = optim.Adam(model.parameters())
    x = draw.normal(size=(6, 3)).astype("f4")
    return _trained(model, F.mse_loss, optimizer, x, x[:, :1])


def conv_net() -> Any:
    draw = rng(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=draw),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3, rng=draw),
    )
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = draw.normal(size=(5, 1, 8, 8)).astype("f4")
    return _trained(model, F.cross_entropy, optimizer, x, np.arange(5) % 3)


PROGRAMS: dict[str, Callable[[], Any]] = {
    f.__name__: f
    for f in (gate, xor, softmax_regression, mlp_with_dropout_and_l2, batch_norm, conv_net)
}

if __name__ == "__main__":
    for name, make in PROGRAMS.items():
        (FOLDER / f"{name}.txt").write_text(make().source)
