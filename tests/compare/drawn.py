"""Trainings drawn by Hypothesis: data, model, loss, penalty, optimiser, schedule, averages, batches.

What is drawn first is small and plain, so that failures shrink to it. Hyper-parameters are dyadic,
so that no framework rounds them, but for Adam's usual betas; each framework gets what it has.
"""

from functools import cache

import numpy as np
from hypothesis import strategies as st

from compare.layers import (
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
)  # fmt: skip
from compare.specs import (
    ACTIVATIONS,
    FORMS,
    LOSSES,
    REDUCTIONS,
    RULES,
    SCHEDULES,
    Average,
    Model,
    Optimizer,
    Schedule,
)  # fmt: skip
from compare.tasks import GATES, Task
from microgradnn.data import MNIST, load_mnist

halves = st.sampled_from([2.0**-k for k in range(1, 8)])
seeds = st.integers(0, 2**32 - 1)
Drawn = tuple[Model, np.ndarray, np.ndarray]


@cache
def digits() -> MNIST:
    return load_mnist(download=False)


@st.composite
def optimizers(draw: st.DrawFn, framework: str) -> Optimizer:
    """An optimiser that the framework has: Keras' form for Keras, PyTorch's for torch."""
    keras = framework == "keras"
    form = "keras" if keras else "torch" if framework == "torch" else draw(st.sampled_from(FORMS))
    name = draw(st.sampled_from(RULES))
    momentum = draw(st.sampled_from([0.0, 0.5, 0.875])) if name == "sgd" else 0.0
    schedules = st.builds(
        Schedule,
        st.just("step") if keras else st.sampled_from(SCHEDULES),
        st.integers(1, 3) if keras else st.integers(4, 8),
        st.just(0.5) if keras else st.sampled_from([0.5, 0.875]),
        st.booleans(),
    )
    averages = st.builds(Average, st.sampled_from([0.5, 0.875]), st.booleans())
    return Optimizer(
        name,
        lr=draw(halves) / (1 if name == "sgd" else 16),
        momentum=momentum,
        nesterov=momentum > 0 and draw(st.booleans()),
        weight_decay=draw(st.sampled_from([0.0, 2.0**-6])),
        betas=draw(st.sampled_from([(0.5, 0.875), (0.875, 1 - 2.0**-10), (0.9, 0.999)])),
        eps=2.0**-20,
        alpha=draw(st.sampled_from([0.5, 0.875])),
        accumulator=draw(st.sampled_from([0.0, 0.125])),
        amsgrad=name in ("adam", "adamw") and draw(st.booleans()),
        form=form,
        schedule=draw(st.none() | schedules),
        ema=None if keras else draw(st.none() | averages),
    )


def targets(loss: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Targets for n samples that suit the loss, and how many outputs that needs."""
    if loss == "ce":
        return rng.integers(0, 3, n), 3
    if loss == "ce-onehot":
        return np.eye(3)[rng.integers(0, 3, n)], 3
    if loss == "bce":
        return rng.integers(0, 2, (n, 2)).astype(float), 2
    return rng.normal(size=(n, 2)), 2


def names(framework: str) -> st.SearchStrategy[str]:
    """Activations; Keras' own gelu keeps its constants in float32."""
    return st.sampled_from([a for a in ACTIVATIONS if (framework, a) != ("keras", "gelu")])


@st.composite
def mlps(draw: st.DrawFn, framework: str) -> Drawn:
    """A multi-layer perceptron on gates, on a noisy line or, but number by number, on digits."""
    rng = np.random.default_rng(draw(seeds))
    sources = ["gates", "line"] + ["digits"] * (framework != "microgradnn-scalar")
    source = draw(st.sampled_from(sources))
    if source == "gates":
        x, loss = GATES, draw(st.sampled_from(["bce", "mse"]))
        y = np.array(draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4)))[:, None]
    elif source == "line":
        x, loss = rng.uniform(-3, 3, (draw(st.integers(1, 8)), 1)), "mse"
        y = 2.5 * x + 1 + 0.125 * rng.normal(size=x.shape)
    else:
        chosen = draw(st.lists(st.integers(0, len(digits().train) - 1), min_size=1, max_size=8))
        x, loss = digits().train.x[chosen].astype(float), "ce"
        y = digits().train.y[chosen]
    hidden = draw(st.lists(st.integers(1, 5), max_size=2))
    out = 10 if loss == "ce" else 1
    return Model((x.shape[1], *hidden, out), draw(names(framework)), loss), x, y


@st.composite
def stacks(draw: st.DrawFn, framework: str) -> Drawn:
    """Linear layers, norms and shortcuts in any order, with any loss and penalty."""
    rng = np.random.default_rng(draw(seeds))
    kinds = ["linear", "residual"] + ["layer norm", "batch norm"] * ("scalar" not in framework)
    width = first = draw(st.integers(1, 4))
    layers: list[Layer] = []
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=3)):
        new, name = draw(st.integers(1, 4)), Activation(draw(names(framework)))
        if kind == "linear":
            layers += [Linear(width, new, draw(st.booleans())), name]
            width = new
        elif kind == "residual":
            past = () if draw(st.booleans()) else (Linear(width, new),)
            new = new if past else width
            layers += [Residual((Linear(width, new), name, Linear(new, new)), past)]
            width = new
        else:
            layers += [LayerNorm(width) if kind == "layer norm" else BatchNorm(width)]
    return draw(finished(framework, layers, first, width, draw(st.integers(2, 6)), rng))


@st.composite
def images(draw: st.DrawFn, framework: str) -> Drawn:
    """Convolutions, pooling, batch norm and shortcuts on small images."""
    rng = np.random.default_rng(draw(seeds))
    side, channels = draw(st.integers(2, 5)), draw(st.integers(1, 2))
    first = channels * side * side
    layers: list[Layer] = [Image((channels, side, side))]
    for kind in draw(st.lists(st.sampled_from(["conv", "norm", "pool", "residual"]), max_size=3)):
        name = Activation(draw(names(framework)))
        if kind == "norm":
            layers += [BatchNorm(channels, 2)]
        elif kind == "residual":
            layers += [Residual((Conv2d(channels, channels, 3, 1, draw(st.booleans())), name))]
        elif kind == "pool" and side >= 2:
            layers, side = [*layers, MaxPool2d(2)], side // 2
        elif kind == "conv":
            k, new = draw(st.integers(1, min(side, 3))), draw(st.integers(1, 2))
            padding = draw(st.integers(0, 1))
            layers += [Conv2d(channels, new, k, padding), name]
            channels, side = new, side + 2 * padding - k + 1
    layers += [Flatten()]
    width = channels * side * side
    return draw(finished(framework, layers, first, width, draw(st.integers(2, 4)), rng))


@st.composite
def finished(
    draw: st.DrawFn, framework: str, layers: list[Layer], first: int, width: int, n: int,
    rng: np.random.Generator,
) -> Drawn:  # fmt: skip
    """The model with a last layer, a loss and a penalty; inputs and targets."""
    loss = draw(st.sampled_from(LOSSES))
    how = "mean" if framework == "keras" else draw(st.sampled_from(REDUCTIONS))
    y, out = targets(loss, n, rng)
    chain = (*layers, Linear(width, out))
    l2 = draw(st.sampled_from([0.0, 2.0**-6]))
    model = Model((first, out), loss=loss, layers=chain, l2=l2, reduction=how)
    return model, rng.uniform(-2, 2, (n, first)), y


KINDS = {"mlp": mlps, "stack": stacks, "images": images}


@st.composite
def trainings(draw: st.DrawFn, framework: str, kind: str) -> Task:
    """A task with a model of the kind, a start, an optimiser and batches."""
    model, x, y = draw(KINDS[kind](framework))
    batch = draw(st.integers(min(2, len(x)), len(x)))  # one sample has no variance
    rng = np.random.default_rng(draw(seeds))
    how, steps = draw(optimizers(framework)), draw(st.integers(1, 4))
    start = model.start(rng)
    if draw(st.booleans()):  # ties, and kinks at exact zeros: few numbers, all of them halves
        x, start = np.round(x), [np.round(2 * p) / 2 for p in start]
    return Task("drawn", kind, model, how, start, x, y, steps, batch)
