"""microgradnn against PyTorch and TensorFlow: loss and gradients at every step of drawn trainings.

Hypothesis draws the task, the architecture, the weights, the loss, the optimiser and the batches;
the bound is that of compare/bounds.py for the drawn model. Hyper-parameters are dyadic.
"""

from functools import cache
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare import frameworks, lockstep
from compare.specs import ACTIVATIONS, Model, Optimizer
from compare.tasks import GATES, Task
from microgradnn.data import MNIST, load_mnist

halves = st.sampled_from([2.0**-k for k in range(1, 8)])
momenta = st.sampled_from([0.0, 0.5, 0.875])


@cache
def digits() -> MNIST:
    return load_mnist(download=False)


@cache
def others() -> dict[str, ModuleType | str]:
    return {name: frameworks.load(name) for name in frameworks.MODULES}


@st.composite
def optimizers(draw: st.DrawFn) -> Optimizer:
    decay = draw(st.sampled_from([0.0, 2.0**-6]))
    if draw(st.booleans()):
        betas = (draw(st.sampled_from([0.5, 0.875])), draw(st.sampled_from([0.875, 1 - 2.0**-10])))
        return Optimizer("adam", draw(halves) / 16, weight_decay=decay, betas=betas, eps=2.0**-20)
    momentum = draw(momenta)
    nesterov = momentum > 0 and draw(st.booleans())
    return Optimizer("sgd", draw(halves), momentum, nesterov, decay)


@st.composite
def trainings(draw: st.DrawFn, group: str) -> Task:
    """A task of the group with a drawn model, start and optimiser."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hidden = tuple(draw(st.lists(st.integers(1, 5), max_size=2)))
    if group == "gates":
        x, loss = GATES, draw(st.sampled_from(["bce", "mse"]))
        y = np.array(draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4)))[:, None]
    elif group == "regression":
        n = draw(st.integers(1, 8))
        x, loss = rng.uniform(-3, 3, (n, 1)), "mse"
        y = 2.5 * x + 1 + 0.125 * rng.normal(size=x.shape)
    else:
        split, n = digits().train, draw(st.integers(1, 8))
        chosen = draw(st.lists(st.integers(0, len(split) - 1), min_size=n, max_size=n))
        x, y, loss = split.x[chosen].astype(float), split.y[chosen], "ce"
    out = 10 if loss == "ce" else 1
    model = Model((x.shape[1], *hidden, out), draw(st.sampled_from(ACTIVATIONS)), loss)
    batch = draw(st.integers(1, len(x)))
    steps = draw(st.integers(1, 4))
    start = model.start(rng)
    return Task("drawn", group, model, draw(optimizers()), start, x, y, steps, batch)


@pytest.mark.parametrize("group", ["gates", "regression", "mnist"])
@pytest.mark.parametrize("framework", ["microgradnn-scalar", "torch", "tensorflow"])
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32"]))
@settings(max_examples=max(10, settings().max_examples // 2))
def test_every_step_agrees(framework: str, group: str, data: st.DataObject, dtype: str) -> None:
    if isinstance(others()[framework], str):
        pytest.skip(f"{framework}: {others()[framework]}")
    task = data.draw(trainings(group))
    both = {name: others()[name] for name in ("microgradnn", framework)}
    rows = lockstep.run(task, both, dtype=dtype)
    verdict = rows[1].verdict
    assert verdict == "agree" or verdict.startswith("not run: "), verdict
    assert rows[0].steps == task.steps


@given(trainings("regression"), st.sampled_from([1 + 1e-9, -1.0, 0.0]))
def test_a_wrong_gradient_is_noticed_at_the_first_step(task: Task, factor: float) -> None:
    from compare.frameworks import ours

    class Wrong(ours.Session):
        def gradients(self, x: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
            loss, grads = super().gradients(x, y)
            return loss, [factor * grads[0] + (1e-3 if factor == 0 else 0), *grads[1:]]

    fake = ModuleType("fake")
    fake.Session = Wrong
    (_, row) = lockstep.run(task, {"microgradnn": ours, "fake": fake})
    exact = ours.Session(task.model, task.optimizer, "float64", task.params)
    x, y = next(task.batches("float64"))
    if np.abs(exact.gradients(x, y)[1][0]).max() > 1e-3:
        assert row.verdict.startswith("DISAGREE from step 0 on, grad 0 at (0")
