"""microgradnn against PyTorch, TensorFlow and Keras: every step of drawn trainings.

Every layer, loss, gradients, parameters, their averages and running statistics are judged at every
step, within one layer's rounding (compare/rounding.py). TensorFlow runs eagerly here: tracing a
graph takes longer than the steps.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare import frameworks, lockstep
from compare.frameworks import ours
from compare.specs import Model, Optimizer
from compare.tasks import Task
from tests.compare.drawn import KINDS, trainings

OTHERS = ("microgradnn-scalar", "torch", "tensorflow", "keras")
PAIRS = [(f, k) for f in OTHERS for k in KINDS if (f, k) != ("microgradnn-scalar", "images")]
SOME = max(8, settings().max_examples // 2)


@cache
def loaded(name: str) -> ModuleType | str:
    return frameworks.load(name)


def need(name: str) -> ModuleType:
    module = loaded(name)
    if isinstance(module, str):
        pytest.skip(f"{name}: {module}")
    return module


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


@pytest.mark.parametrize(("framework", "kind"), PAIRS)
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32"]))
@settings(max_examples=SOME)
def test_every_step_agrees(framework: str, kind: str, data: st.DataObject, dtype: str) -> None:
    both = {"microgradnn": ours, framework: need(framework)}
    task = data.draw(trainings(framework, kind))
    rows = lockstep.run(task, both, dtype=dtype)
    assert [row.verdict for row in rows] == ["agree"] * 2
    assert [row.steps for row in rows] == [task.steps] * 2


@pytest.mark.parametrize("framework", ["torch", "tensorflow", "keras"])
def test_amsgrad_remembers_a_larger_gradient(framework: str) -> None:
    """Gradients fall by three orders of magnitude, so the mean square does, and its maximum not."""
    form = "keras" if framework == "keras" else "torch"
    how = Optimizer("adam", lr=2.0**-6, betas=(0.5, 0.5), amsgrad=True, form=form)
    x, y = np.array([[4.0], [4.0], [0.25], [0.25]]), np.array([[8.0], [7.0], [0.0], [0.125]])
    start = [np.array([[0.5]]), np.array([0.25])]
    task = Task("amsgrad", "drawn", Model((1, 1)), how, start, x, y, steps=4, batch=2)
    rows = lockstep.run(task, {"microgradnn": ours, framework: need(framework)})
    assert [row.verdict for row in rows] == ["agree"] * 2


@given(task=trainings("keras", "stack"))
@settings(max_examples=SOME // 2)
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")  # tf.data is a graph all the same
def test_keras_fit_takes_the_steps_that_the_lockstep_judges(task: Task) -> None:
    """model.fit is left alone; train_on_batch, which the lockstep uses, goes the same way."""
    keras = need("keras").keras
    whole = replace(task, batch=None)
    made = (task.model, task.optimizer, "float64", task.params)
    fitted, stepped = need("keras").Session(*made), need("keras").Session(*made)
    path = []
    note = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: path.append([p.numpy().copy() for p in fitted.params])
    )
    (x, y), steps = next(whole.batches("float64")), task.steps
    history = fitted.net.fit(
        x, y, batch_size=len(x), epochs=steps, shuffle=False, verbose=0, callbacks=[note]
    )
    for after, loss in zip(path, history.history["loss"], strict=True):
        assert stepped.gradients(x, y).loss == pytest.approx(loss, rel=1e-15)
        stepped.update()
        for a, b in zip(after, stepped.params, strict=True):
            np.testing.assert_array_max_ulp(a, b.numpy(), 2)


@given(task=trainings("torch", "stack"))
@settings(max_examples=SOME)
def test_our_fit_is_our_loop_to_the_last_bit(task: Task) -> None:
    model = replace(task.model, reduction="mean")
    how = replace(task.optimizer, schedule=None)  # a scheduler is a callback there
    loop = ours.Session(model, how, "float64", task.params)
    fitted = ours.Session(model, how, "float64", task.params)
    x, y = next(replace(task, batch=None).batches("float64"))
    losses = []
    for _ in range(task.steps):
        losses.append(loop.gradients(x, y).loss)
        loop.update()
    fitted.net.compile(fitted.optimizer, ours.LOSS[model.loss], ema=fitted.ema)
    history = fitted.net.fit(x, y, len(x), task.steps, shuffle=False, verbose=0)
    # fit averages the losses of batches by their size: one product and one quotient more.
    np.testing.assert_allclose(history.history["loss"], losses, rtol=4 * np.finfo(float).eps)
    for a, b in zip(loop.params, fitted.params, strict=True):
        assert np.array_equal(a.data, b.data)
    shadows = [[*own.averages(), *own.kept()] for own in (loop, fitted)]
    for a, b in zip(*shadows, strict=True):
        assert np.array_equal(a, b)
