"""Trainer takes a model; compile, fit, evaluate and predict of a model hand it to one."""

import copy
import inspect
import pickle
import subprocess
import sys

import numpy as np
import pytest

from microgradnn import nn, optim
from microgradnn.errors import ConfigError
from microgradnn.train import Callback, History, LambdaCallback, Trainer, metrics

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-2.0], [0.5]], np.float32)


def mlp() -> nn.MLP:
    return nn.MLP(3, [4, 1], rng=np.random.default_rng(1))


def test_models_load_without_training_and_without_checkpoints():
    code = "import sys, microgradnn.nn; print([m for m in sys.modules if 'train' in m.split('.')]"
    code += "+ [m for m in sys.modules if m.partition('.')[0] in ('safetensors', 'json')])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


@pytest.mark.parametrize("name", ["fit", "evaluate", "predict", "train_on_batch"])
def test_a_model_and_its_trainer_take_the_same_arguments(name):
    model, trainer = (inspect.signature(getattr(c, name)) for c in (nn.Module, Trainer))
    assert model == trainer


def test_compile_and_trainer_take_the_same_arguments():
    model = inspect.signature(nn.Module.compile).parameters
    trainer = inspect.signature(Trainer).parameters
    assert list(model.values())[1:] == list(trainer.values())[1:]


def test_a_trainer_does_what_a_compiled_model_does():
    one, two = mlp(), mlp()
    one.compile("adam", "mse", ["mae"], ema=0.9)
    trainer = Trainer(two, "adam", "mse", ["mae"], ema=0.9)
    how = dict(epochs=3, batch_size=8, validation_split=0.25, seed=2, verbose=0)
    histories = one.fit(X, Y, **how), trainer.fit(X, Y, **how)
    assert all(isinstance(h, History) for h in histories)
    assert histories[0].history == histories[1].history
    for name, array in one.state_dict().items():
        assert np.array_equal(array, two.state_dict()[name])
    assert one.evaluate(X, Y) == trainer.evaluate(X, Y)
    assert one.evaluate(X, Y, return_dict=True) == trainer.evaluate(X, Y, return_dict=True)
    assert np.array_equal(one.predict(X), trainer.predict(X))
    assert one.train_on_batch(X, Y) == trainer.train_on_batch(X, Y)


def test_a_trainer_leaves_the_model_uncompiled():
    model = mlp()
    Trainer(model, "sgd", "mse").fit(X, Y, verbose=0)
    with pytest.raises(ConfigError, match=r"^fit: call compile\(optimizer, loss\) first$"):
        model.fit(X, Y)
    assert not hasattr(model, "optimizer")


def test_callbacks_see_the_model_and_the_optimizer_of_the_run():
    model, rates = mlp(), []

    class Watching(Callback):
        def on_epoch_end(self, epoch, logs):
            rates.append((self.model is model, self.run.optimizer.lr))
            self.model.stop_training = epoch == 1

    trainer = Trainer(model, optim.SGD(model.parameters(), 0.25), "mse")
    trainer.fit(X, Y, epochs=5, callbacks=[Watching()], verbose=0)
    assert rates == [(True, 0.25)] * 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_of_a_compiled_model_trains_by_itself(copied):
    model = mlp()
    model.compile("adam", "mse", [metrics.MeanSquaredError()], ema=0.5)
    model.fit(X, Y, epochs=2, seed=0, verbose=0)
    twin = copied(model)
    assert list(twin.state_dict()) == list(model.state_dict())
    before = {name: array.copy() for name, array in model.state_dict().items()}
    twin.fit(X, Y, epochs=2, initial_epoch=1, seed=0, verbose=0)
    assert all(np.array_equal(model.state_dict()[name], a) for name, a in before.items())
    model.fit(X, Y, epochs=2, initial_epoch=1, seed=0, verbose=0)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, twin.state_dict()[name])


def test_a_compiled_model_is_freed_at_once():
    import gc
    import weakref

    model = mlp()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0, callbacks=[LambdaCallback()])
    gc.collect()
    gone = weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
