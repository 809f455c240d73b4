"""python -m compare speed: step times of all frameworks, measured in turn in one run, as ratios."""

import contextlib
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import microgradnn as mg
from microgradnn import Value, nn, scalar

from . import frameworks
from .frameworks.ours import LOSS
from .specs import Model, Optimizer

Step = Callable[[], Any]
ROUNDS = 15


def interleaved(steps: dict[str, Step], seconds: float = 0.05) -> dict[str, float]:
    """The median time of a step by name, in microseconds, measured A B C A B C …"""
    counts = {}
    for name, step in steps.items():
        step()
        start = time.perf_counter()
        step()
        counts[name] = max(1, int(seconds / max(time.perf_counter() - start, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                step()
            times[name].append((time.perf_counter() - start) / counts[name])
    return {name: 1e6 * statistics.median(t) for name, t in times.items()}


def _ours(model: Model, x: np.ndarray, y: np.ndarray, lr: float) -> Step:
    net = nn.MLP(model.widths[0], list(model.widths[1:]), model.activation)
    optimizer = mg.optim.SGD(net.parameters(), lr)
    loss_of = LOSS[model.loss]

    def step() -> None:
        loss = loss_of(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def _torch(model: Model, x: np.ndarray, y: np.ndarray, lr: float) -> Step:
    import torch

    twin: Any = frameworks.load("torch")
    start = model.start(np.random.default_rng(0))
    session = twin.Session(model, Optimizer(lr=lr), "float32", start)
    inputs, target = torch.from_numpy(x), torch.from_numpy(y)

    def step() -> None:
        h = inputs
        for i in range(0, len(session.params), 2):
            h = h if i == 0 else twin.ACTIVATION[model.activation](h)
            h = torch.nn.functional.linear(h, session.params[i], session.params[i + 1])
        loss = twin.LOSS[model.loss](h, target)
        session.optimizer.zero_grad()
        loss.backward()
        session.optimizer.step()

    return step


def _tensorflow(compiled: bool) -> Callable[..., Step]:
    def make(model: Model, x: np.ndarray, y: np.ndarray, lr: float) -> Step:
        twin: Any = frameworks.load("tensorflow")
        import tensorflow as tf

        start = model.start(np.random.default_rng(0))
        session = twin.Session(model, Optimizer(lr=lr), "float32", start)
        inputs, target = tf.constant(x), tf.constant(y)

        def step() -> None:
            _, grads = session._gradients(inputs, target)
            for p, g in zip(session.params, grads, strict=True):
                p.assign_sub(lr * g)

        return tf.function(step) if compiled else step

    return make


MAKERS = {
    "microgradnn": ("microgradnn", _ours),
    "torch eager": ("torch", _torch),
    "tf.function": ("tensorflow", _tensorflow(True)),
    "tf eager": ("tensorflow", _tensorflow(False)),
}


def array_cases() -> dict[str, tuple[Model, np.ndarray, np.ndarray, float]]:
    """(model, x, y, lr) by name, float32."""
    rng = np.random.default_rng(0)
    gate = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    truth = np.array([[0], [0], [0], [1]], np.float32)
    one = np.ones((1, 1), np.float32)
    images = rng.random((100, 784)).astype(np.float32)
    return {
        "gate, 4 samples, 1 neuron": (Model((2, 1), "identity", "bce"), gate, truth, 0.5),
        "1-2-5-1 sigmoid, 1 sample": (Model((1, 2, 5, 1), "sigmoid", "mse"), one, one, 0.01),
        "784-500-10 relu, batch 100": (
            Model((784, 500, 10), "relu", "ce"),
            images,
            rng.integers(0, 10, 100),
            0.01,
        ),
    }


def moons_step(make_value: Any, make_mlp: Any) -> Step:
    """A step of micrograd's demo: 337 parameters, 100 points, SVM loss."""
    rng, angle = np.random.default_rng(0), np.linspace(0, np.pi, 50)
    upper = np.c_[np.cos(angle), np.sin(angle)]
    points = np.r_[upper, [1, 0.5] - upper] + 0.1 * rng.normal(size=(100, 2))
    signs = [1] * 50 + [-1] * 50
    random.seed(1337)
    model = make_mlp(2, [16, 16, 1])
    rows = points.tolist()

    def step() -> None:
        scores = [model([make_value(v) for v in row]) for row in rows]
        losses = [(1 + -s * score).relu() for s, score in zip(signs, scores, strict=True)]
        total = sum(losses) * (1.0 / 100) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad

    return step


def moons() -> dict[str, Step]:
    """The steps to time: our scalar MLP; micrograd, and its nn on our Value, where installed."""
    steps = {"microgradnn.scalar": moons_step(Value, scalar.MLP)}
    with contextlib.suppress(ImportError):
        import micrograd.engine
        import micrograd.nn

        def on_ours() -> None:
            micrograd.nn.Value = Value  # its neurons make their weights with this name
            try:
                step()
            finally:
                micrograd.nn.Value = micrograd.engine.Value

        micrograd.nn.Value = Value
        step = moons_step(Value, micrograd.nn.MLP)
        micrograd.nn.Value = micrograd.engine.Value
        steps["micrograd's nn on our Value"] = on_ours
        steps["micrograd"] = moons_step(micrograd.engine.Value, micrograd.nn.MLP)
    return steps


def main(loaded: dict[str, Any]) -> int:
    """Print the table for the frameworks that are modules, not reasons; the exit status is 0."""
    for title, (model, x, y, lr) in array_cases().items():
        steps = {}
        for name, (framework, make) in MAKERS.items():
            if not isinstance(loaded.get(framework, ""), str):
                steps[name] = make(model, x, y, lr)
        _print(title, interleaved(steps), "microgradnn")
    _print("moons, 337 parameters, 100 points", interleaved(moons()), "microgradnn.scalar")
    return 0


def _print(title: str, times: dict[str, float], first: str) -> None:
    print(f"\n{title}: median of {ROUNDS} rounds, measured in turn")
    for name, t in times.items():
        print(f"  {name:28s} {t:12.1f} µs   {t / times[first]:6.2f} × {first}")
