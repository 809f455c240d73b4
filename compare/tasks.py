"""The tasks: gates, regression, MNIST. Each is data, a model, an optimiser, and a last word."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnn.data import MNIST, subset

from .frameworks import ours
from .specs import Model, Optimizer

Batches = Iterator[tuple[np.ndarray, np.ndarray]]
GATES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)


@dataclass(frozen=True)
class Task:
    """One training run, the same for every framework."""

    name: str
    group: str
    model: Model
    optimizer: Optimizer
    params: list[np.ndarray]
    x: np.ndarray
    y: np.ndarray
    steps: int
    batch: int | None = None  # samples a step, in order and around; None: all of them
    dtype: str = "float64"
    source: str = "made by formula"
    verdict: Callable[..., str] = field(default=lambda *_: "")
    show_every: int = 0  # print weights and loss at these steps, as the tutorial does

    def batches(self, dtype: str) -> Batches:
        """Endless (x, y), x and real targets in dtype."""
        x = self.x.astype(dtype)
        y = self.y if self.model.labels else self.y.astype(dtype)
        n, i = len(x), 0
        size = self.batch or n
        while True:
            yield x[i : i + size], y[i : i + size]
            i = i + size if i + 2 * size <= n else 0


def outputs(task: Task, params: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """The model's outputs, computed by microgradnn."""
    session = ours.Session(task.model, task.optimizer, "float64", params)
    return np.asarray(session.net(x.astype(float)).data)


def _gate(task: Task, params: list[np.ndarray], loss: float) -> str:
    right = int(((outputs(task, params, task.x) > 0) == (task.y > 0.5)).sum())
    if len(params) == 2:
        w = np.concatenate([params[1], params[0][:, 0]])
        said = f"W = {np.array2string(w, precision=6)}, loss {loss:.5g}, {right} of 4 right"
        if right < 4 and list(task.y.ravel()) == [0, 1, 1, 0]:
            said += (
                "; fails, as it must: no straight line parts (0,1), (1,0) from (0,0), (1,1); "
                "the best one neuron can do is loss ln 2 = 0.6931"
            )
        return said
    return f"loss {loss:.5g}, {right} of 4 right"


def _line(task: Task, params: list[np.ndarray], loss: float) -> str:
    w, b = np.polyfit(task.x[:, 0], task.y[:, 0], 1)
    return (
        f"w = {params[0].item():.6f}, b = {params[1].item():.6f}; "
        f"least squares {w:.6f}, {b:.6f}; loss {loss:.6f}"
    )


def _curve(task: Task, params: list[np.ndarray], loss: float) -> str:
    error = np.abs(outputs(task, params, task.x) - task.y)
    return f"largest error {error.max():.4f}, mean squared error {(error**2).mean():.5f}"


def digits(task: Task, params: list[np.ndarray], loss: float) -> str:
    """How many of the training samples are right, and where they come from."""
    truth = task.y if task.model.labels else task.y.argmax(1)
    right = (outputs(task, params, task.x).argmax(1) == truth).mean()
    return f"{right:.1%} of the {len(task.x)} training samples right; {task.source}"


def gates() -> list[Task]:
    """AND, OR and XOR with one neuron; XOR with a hidden layer."""
    one = Model((2, 1), "identity", "bce")
    truths = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor-one-neuron": [0, 1, 1, 0]}
    common: dict[str, Any] = dict(group="gates", x=GATES, steps=401, dtype="float32", verdict=_gate)
    tasks = [
        Task(
            name=name,
            model=one,
            optimizer=Optimizer(lr=200.0),
            params=one.zeros(),
            y=np.array(truth, float)[:, None],
            show_every=100,
            **common,
        )
        for name, truth in truths.items()
    ]
    two = Model((2, 4, 1), "tanh", "bce")
    start = two.start(np.random.default_rng(0), 1.0)
    truth = np.array([0, 1, 1, 0], float)[:, None]
    adam = Optimizer("adam", lr=0.0625)
    return [*tasks, Task("xor-mlp", model=two, optimizer=adam, params=start, y=truth, **common)]


def regression(seed: int) -> list[Task]:
    """A straight line with noise by gradient descent; a line by a 1-2-5-1 net with Adam."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-10, 10, 100)[:, None]
    line = Model((1, 1), "identity", "mse")
    net = Model((1, 2, 5, 1), "sigmoid", "mse")
    t = rng.permutation(np.linspace(0, 3, 100))[:, None]
    noisy = 2 * x + 1 + 0.2 * rng.normal(size=x.shape)
    start = net.start(rng)
    sgd, adam = Optimizer(lr=0.001), Optimizer("adam", lr=0.02)
    return [
        Task("line", "regression", line, sgd, line.zeros(), x, noisy, 2500, verdict=_line),
        Task(
            "net-1-2-5-1", "regression", net, adam, start, t, 2.3 * t + 4.7, 3000, 1, verdict=_curve
        ),
    ]


def mnist(data: MNIST, seed: int) -> list[Task]:
    """784-500-10 with ReLU on 1000 samples, batches of 100, by SGD and by Adam."""
    rng = np.random.default_rng(seed)
    chosen = subset(data.train, 1000, rng)
    model = Model((data.n_features, 500, data.n_classes), "relu", "ce")
    start = model.start(rng)
    x, y = chosen.x.astype(float), chosen.y
    return [
        Task(
            f"mnist-{o.name}",
            "mnist",
            model,
            o,
            start,
            x,
            y,
            40,
            100,
            source=data.source,
            verdict=digits,
        )
        for o in (Optimizer("sgd", lr=0.125), Optimizer("adam", lr=0.001))
    ]
