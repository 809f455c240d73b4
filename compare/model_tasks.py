"""More tasks: every optimiser and schedule, the tutorials' networks, layers of images, Keras."""

from dataclasses import replace
from typing import Any

import numpy as np

from microgradnn.data import MNIST, one_hot, subset

from .layers import (
    Activation,
    BatchNorm,
    Conv2d,
    Flatten,
    Image,
    Layer,
    LayerNorm,
    Linear,
    MaxPool2d,
    Residual,
)
from .specs import Average, Model, Optimizer, Schedule
from .tasks import Task, digits

DYADIC: dict[str, Any] = dict(betas=(0.875, 1 - 2.0**-10), eps=2.0**-20, accumulator=0.125)
STEPS = 100


def _curve(seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """64 points of a curve in two variables with noise, and the generator for weights."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (64, 2))
    y = np.stack([np.sin(x[:, 0]) * x[:, 1], x.sum(1)], 1)
    return x, y + 0.125 * rng.normal(size=y.shape), rng


def _loss(task: Task, params: list[np.ndarray], loss: float) -> str:
    """The loss of the last batch."""
    return f"loss {loss:.5g}"


def _recipes() -> dict[str, tuple[Model, Optimizer]]:
    """A model and an optimiser by the name of the task."""
    slow, steps = 2.0**-6, Schedule("step", 25)
    wave, fall = Schedule("cosine", STEPS), Schedule("exponential", 25)
    ema = Average(0.96875, True)
    return {
        "sgd-nesterov": (
            Model((2, 8, 2), "silu", "huber", l2=2.0**-10),
            Optimizer("sgd", 2.0**-5, 0.875, True, schedule=wave, ema=ema),
        ),
        "rmsprop": (Model((2, 8, 2), "gelu", "mae"), Optimizer("rmsprop", slow, schedule=steps)),
        "adagrad": (
            Model((2, 8, 2), "leaky_relu", "mse", l2=2.0**-12),
            Optimizer("adagrad", 2.0**-4, weight_decay=2.0**-10),
        ),
        "adam-decay": (
            Model((2, 8, 2), "elu"),
            Optimizer("adam", slow, weight_decay=2.0**-9, schedule=fall),
        ),
        "adamw": (
            Model((2, 8, 2), "softplus"),
            Optimizer("adamw", slow, weight_decay=2.0**-4, ema=Average(0.875)),
        ),
        "amsgrad": (  # with a square layer, whose gradient could be transposed unnoticed
            Model((2, 8, 8, 2), "sigmoid"),
            Optimizer("adam", slow, amsgrad=True),
        ),
    }


def optimizers(seed: int) -> list[Task]:
    """A small regression by every rule, with the schedules, averages, penalties and losses."""
    x, y, rng = _curve(seed)
    return [
        Task(name, "optimizers", model, how, model.start(rng), x, y, STEPS, 16, verdict=_loss)
        for name, (model, how) in _recipes().items()
    ]


def keras(seed: int) -> list[Task]:
    """The same regression by Keras' form of every rule, dyadic so that Keras has them exactly."""
    x, y, rng = _curve(seed)
    model = Model((2, 8, 2), "tanh", "mse", l2=2.0**-10)
    decay: dict[str, Any] = dict(weight_decay=2.0**-6)
    steps = Schedule("step", 15)
    rules = {
        "sgd": Optimizer("sgd", 2.0**-5, 0.875, schedule=steps),
        "rmsprop": Optimizer("rmsprop", 2.0**-6, **DYADIC),
        "adagrad": Optimizer("adagrad", 2.0**-4, schedule=steps, **DYADIC),
        "adam": Optimizer("adam", 2.0**-6, schedule=steps, **DYADIC),
        "adamw": Optimizer("adamw", 2.0**-6, **decay, **DYADIC),
        "amsgrad": Optimizer("adam", 2.0**-6, amsgrad=True, **DYADIC),
        "defaults": Optimizer("adam", 0.001, eps=1e-7),  # Keras' own, not dyadic
    }
    return [
        Task(
            f"keras-{name}",
            "keras",
            model,
            replace(how, form="keras"),
            model.start(rng),
            x,
            y,
            STEPS // 2,
            16,
            verdict=_loss,
        )
        for name, how in rules.items()
    ]


def _convolutions(channels: int, side: int, classes: int) -> tuple[Layer, ...]:
    """Two convolutions with pooling, and a linear layer."""
    left = (side // 2 - 2) // 2
    return (
        Image((1, side, side)),
        Conv2d(1, channels, 3, 1),
        Activation("relu"),
        MaxPool2d(2),
        Conv2d(channels, 2 * channels, 3),
        Activation("relu"),
        MaxPool2d(2),
        Flatten(),
        Linear(2 * channels * left * left, classes),
    )


def _residual(channels: int, side: int, classes: int) -> tuple[Layer, ...]:
    """A convolution, a residual block with batch norm, and a linear layer with layer norm.

    Pooling comes first: every batch norm multiplies the error bound by the number of pixels.
    """
    c, left = channels, side // 4
    block = (Conv2d(c, c, 3, 1, False), BatchNorm(c, 2), Activation("relu"))
    return (
        Image((1, side, side)),
        MaxPool2d(2),
        Conv2d(1, c, 3, 1),
        Activation("relu"),
        Residual(block),
        MaxPool2d(2),
        Flatten(),
        Linear(c * left * left, 16, False),
        LayerNorm(16),
        Activation("silu"),
        Linear(16, classes),
    )


Made = dict[str, tuple[Model, Optimizer, np.ndarray]]


def _tutorials(n: int, classes: int, y: np.ndarray) -> Made:
    """The tutorials' networks, losses and optimisers."""
    relu = Activation("relu")
    silenced = (
        Linear(n, 512),
        relu,
        Linear(512, 256),
        relu,
        Linear(256, classes),
        relu,
    )
    fall = Schedule("exponential", 4, 0.99)
    return {
        "mnist-by-hand": (
            Model((n, 128, 256, classes), "sigmoid", "ce", reduction="sum"),
            Optimizer(lr=0.001),
            y,
        ),
        "mnist-mse": (
            Model((n, classes), loss="mse", layers=silenced, reduction="samples"),
            Optimizer(lr=0.001),
            one_hot(y, classes).astype(float),
        ),
        "mnist-ema": (
            Model((n, 500, classes), "relu", "ce", l2=0.00005),
            Optimizer(lr=0.8, schedule=fall, ema=Average(0.99, True)),
            y,
        ),
    }


def _on_images(n: int, classes: int, y: np.ndarray) -> Made:
    """A convolutional and a residual network."""
    side, how = int(n**0.5), Optimizer(lr=0.0625, momentum=0.875)
    return {
        "mnist-conv": (
            Model((n, classes), loss="ce", layers=_convolutions(4, side, classes)),
            how,
            y,
        ),
        "mnist-residual": (
            Model((n, classes), loss="ce-onehot", layers=_residual(4, side, classes)),
            replace(how, nesterov=True),
            one_hot(y, classes).astype(float),
        ),
    }


def models(data: MNIST, seed: int) -> list[Task]:
    """The tutorials' networks on digits, a convolutional and a residual one; a few steps each."""
    rng = np.random.default_rng(seed)
    chosen = subset(data.train, 400, rng)
    x, y = chosen.x.astype(float), chosen.y
    sizes = data.n_features, data.n_classes
    made = _tutorials(*sizes, y) | _on_images(*sizes, y)
    return [
        Task(
            name,
            "models",
            model,
            how,
            model.start(rng),
            x,
            target,
            8,
            50,
            source=data.source,
            verdict=digits,
        )
        for name, (model, how, target) in made.items()
    ]
