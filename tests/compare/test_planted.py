"""A fault planted in one entry of any gradient is found, in every task, framework and dtype."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare import frameworks, lockstep, model_tasks, tasks
from compare.frameworks import ours
from compare.model_graph import Recorded
from compare.specs import Model, Optimizer
from compare.tasks import Task
from microgradnn.data import load_mnist
from tests.compare.drawn import trainings

SMALLEST = {"float64": 1e-12, "float32": 1e-5}


def planted(base: ModuleType, fault: Callable[[Recorded], None]) -> dict[str, ModuleType | str]:
    """A framework whose passes have the fault, and no other."""

    class Wrong(base.Session):  # type: ignore[misc, name-defined]
        def gradients(self, *args: Any) -> Recorded:
            found = super().gradients(*args)
            found.grads = [np.array(g) for g in found.grads]
            fault(found)
            return found

    module = ModuleType("wrong")
    module.Session = Wrong  # type: ignore[attr-defined]
    return {"wrong": module}


class OneEntry:
    """One entry of one gradient, the median of its sizes where it is first seen, is scaled."""

    def __init__(self, which: int, factor: float) -> None:
        self.which, self.factor, self.entry = which, factor, -1

    def __call__(self, found: Recorded) -> None:
        flat = found.grads[self.which].reshape(-1)
        there = np.flatnonzero(flat)
        if self.entry < 0 and len(there):
            self.entry = int(there[np.argsort(abs(flat[there]))[len(there) // 2]])
        flat[self.entry] *= self.factor
        found.grads[self.which] = flat.reshape(found.grads[self.which].shape)


@cache
def suite() -> list[Task]:
    data = load_mnist(download=False)
    made = [*tasks.gates(), *tasks.regression(0), *model_tasks.optimizers(0), *model_tasks.keras(0)]
    return made + [*tasks.mnist(data, 0)[:1], *model_tasks.models(data, 0)]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    try:
        import tensorflow as tf
    except ImportError:
        yield
        return
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


PAIRS = [("microgradnn", "float32"), ("torch", "float64")]
if os.environ.get("HYPOTHESIS_PROFILE") == "deep":  # a minute more on idle cores
    PAIRS += [("microgradnn", "float64"), ("torch", "float32")]


@pytest.mark.parametrize(("framework", "dtype"), PAIRS)
def test_the_smallest_fault_in_any_gradient_of_every_task_is_found(
    framework: str, dtype: str
) -> None:
    base = frameworks.load(framework)
    if isinstance(base, str):
        pytest.skip(base)
    missed = []
    every = suite()
    # Each task with one of the pairs; with all of them in deep.
    for task in every[PAIRS.index((framework, dtype)) :: 2] if len(PAIRS) == 2 else every:
        if framework == "torch" and base.refuses(task.model, task.optimizer, dtype):
            continue
        which = len(task.name) % len(task.params)  # another one from task to task
        fault = OneEntry(which, 1 + SMALLEST[dtype])
        (row,) = lockstep.run(task, planted(base, fault), 1, dtype)
        if not row.verdict.startswith("DISAGREE at the asked point "):
            missed.append((task.name, which, row.verdict))
    assert not missed


def spoilt(kind: str) -> Callable[[Recorded], None]:
    def fault(found: Recorded) -> None:
        g = found.grads[0]
        if kind == "zero":
            g[...] = 0
        elif kind == "sign":
            g *= -1
        elif kind == "transposed":
            g[...] = g.T.copy()
        elif kind == "swapped":
            g[0], g[1] = g[1].copy(), g[0].copy()
        elif kind == "one entry":
            g[1, 1] = np.nan
        elif kind == "missing":
            found.grads[0] = None  # type: ignore[call-overload]
        elif kind == "node":
            found.nodes[1] = found.nodes[1] * (1 + 1e-4)
        elif kind == "slope":
            found.slopes[1] = found.slopes[1] * (1 + 1e-4)
        elif kind == "loss":
            found.loss *= 1 + 1e-4

    return fault


NAMED = {
    "node": "output of layer 2, Activation(tanh)",
    "slope": "gradient of the input of layer 3, Linear(3, 3)",
    "loss": "the loss",
}


@pytest.mark.parametrize(
    "kind",
    ["zero", "sign", "transposed", "swapped", "one entry", "missing", "node", "slope", "loss"],
)
@pytest.mark.parametrize("framework", frameworks.MODULES)
def test_a_coarse_fault_is_found_in_every_adapter_and_named(framework: str, kind: str) -> None:
    base = frameworks.load(framework)
    if isinstance(base, str):
        pytest.skip(base)
    model = Model((3, 3, 3), "tanh")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    task = Task("square", "square", model, Optimizer(), model.start(rng), x, y, 1)
    for dtype in SMALLEST:
        (row,) = lockstep.run(task, planted(base, spoilt(kind)), dtype=dtype)
        name = NAMED.get(kind, "gradient of weight of layer 1, Linear(3, 3)")
        assert row.verdict.startswith("DISAGREE at the asked point 0: ")
        assert name in row.verdict


@given(trainings("torch", "stack"), st.data(), st.sampled_from(list(SMALLEST)))
def test_a_fault_in_any_gradient_of_a_drawn_model_is_found(
    task: Task, data: st.DataObject, dtype: str
) -> None:
    which = data.draw(st.integers(0, len(task.params) - 1))
    fault = OneEntry(which, 1 + 1e3 * SMALLEST[dtype])
    (row,) = lockstep.run(task, planted(ours, fault), 1, dtype)
    if fault.entry >= 0:
        assert row.verdict.startswith("DISAGREE")
        assert "gradient of " in row.verdict


def test_the_entry_that_is_named_is_the_one_outside_its_bound() -> None:
    """A large entry that is far off but within its bound does not hide a small one that is not."""

    def fault(found: Recorded) -> None:
        found.grads[0][2, 1] *= 1 + 1e-9

    model = Model((3, 2), "identity")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)) * [1e6, 1.0, 1e-6], rng.normal(size=(4, 2))
    task = Task("scales", "scales", model, Optimizer(lr=1e-9), model.start(rng), x, y, 1)
    (row,) = lockstep.run(task, planted(ours, fault))
    assert row.violation is not None
    assert (row.violation.entry, row.violation.count, row.violation.size) == ((2, 1), 1, 6)
