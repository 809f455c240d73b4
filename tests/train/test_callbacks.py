"""Callbacks: when they are called, as in Keras, and what each of them does."""

import csv
import math
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnn import nn, optim
from microgradnn.errors import ConfigError, GradientError
from microgradnn.train import (
    Callback,
    CheckpointManager,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
    load_checkpoint,
    metrics,
    read_checkpoint,
)

from ..frameworks import framework

# Keras' own code, with NumPy 2
KERAS_CODE = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
FEW = settings(max_examples=max(10, settings().max_examples // 2))
X = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(7, 1)).astype(np.float32)
EVENTS = [
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
    "on_train_batch_end",
]  # fmt: skip


def small(lr=0.125, given=()):
    model = nn.Linear(2, 1, rng=np.random.default_rng(0))
    model.compile(lambda params: optim.SGD(params, lr=lr), "mse", list(given))
    return model


class Script(metrics.Metric):
    """A metric whose result in each epoch is given beforehand."""

    def __init__(self, name, values):
        self.values, self.epoch = values, 0
        super().__init__(name)

    def reset_state(self):
        pass

    def update_state(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return self.values[self.epoch]


def scripted(values, *callbacks, name="figure", lr=0.125, epochs=None):
    """The model after epochs in which the metric `name` has these values, and those there were."""
    script, seen = Script(name, values), []
    model = small(lr, [script])
    turn = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(script, "epoch", epoch),
        on_epoch_end=lambda epoch, logs: seen.append(logs[name]),
    )
    model.fit(X, Y, 7, epochs or len(values), callbacks=[turn, *callbacks], shuffle=False)
    assert seen == list(values)[: len(seen)]
    return model, seen


@KERAS_CODE
def test_events_come_in_keras_order_with_keras_arguments():
    tf = framework("tensorflow")

    def record(log):
        def note(event):
            def take(*args, logs=None):  # Keras gives logs by name, by position, or as None
                *numbers, logs = args if logs is None else (*args, logs)
                log.append((event, *numbers, sorted(logs or {})))

            return take

        return {event: note(event) for event in EVENTS}

    ours: list[Any] = []
    theirs: list[Any] = []
    split = dict(epochs=2, validation_split=0.3, shuffle=False, verbose=0)
    model = small(given=["mae"])
    model.fit(X, Y, 2, callbacks=[LambdaCallback(**record(ours))], **split)
    keras = tf.keras
    twin = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    twin.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)

    class Log(keras.callbacks.Callback):
        pass

    for event, note in record(theirs).items():  # Keras' LambdaCallback has not all of them
        setattr(Log, event, lambda self, *args, note=note, **logs: note(*args, **logs))
    twin.fit(X, Y, 2, callbacks=[Log()], **split)
    # besides what Keras gives, we always give the learning rate
    ours = [(*e[:-1], [k for k in e[-1] if k != "learning_rate"]) for e in ours]
    assert ours == theirs
    assert len(ours) == 2 + 2 * (2 + 2 * 2)


def test_callbacks_are_called_in_their_order_and_know_the_run_and_the_model():
    log: list[Any] = []

    class Note(Callback):
        def __init__(self, name):
            self.name = name

        def on_train_begin(self, logs):
            assert self.run.model is self.model is model
            log.append(self.name)

        def on_epoch_end(self, epoch, logs):
            log.append((self.name, epoch, self.run.epoch))

    model = small()
    model.fit(X, Y, 7, 2, callbacks=(Note(n) for n in "ab"))  # any iterable
    assert log == ["a", "b", ("a", 0, 1), ("b", 0, 1), ("a", 1, 2), ("b", 1, 2)]


def test_logs_of_a_batch_are_the_means_so_far_and_those_of_the_end_are_the_last_epochs():
    log: dict[str, list[Any]] = {"batch": [], "epoch": [], "end": []}
    model = small(given=["mae"])
    history = model.fit(
        X, Y, 3, 2, shuffle=False, validation_data=(X, 5 * Y),
        callbacks=[LambdaCallback(
            on_train_batch_end=lambda batch, logs: log["batch"].append((batch, dict(logs))),
            on_epoch_end=lambda epoch, logs: log["epoch"].append((epoch, dict(logs))),
            on_train_end=lambda logs: log["end"].append(dict(logs)),
        )],
    )  # fmt: skip
    assert [b for b, _ in log["batch"]] == [0, 1, 2] * 2
    for epoch, logs in log["epoch"]:
        at_end = log["batch"][3 * epoch + 2][1]
        assert logs["loss"] == at_end["loss"] and logs["mae"] == at_end["mae"]
        assert logs["learning_rate"] == 0.125
        for name, values in history.history.items():
            assert values[epoch] == logs[name]
    # in Keras too: not the figures of the validation under the names of the training
    last = log["epoch"][-1][1]
    assert {k: v for k, v in log["end"][0].items() if k in ("loss", "mae")} == {
        k: last[k] for k in ("loss", "mae")
    }


def test_stop_training_ends_after_the_epoch_or_after_the_batch():
    for at, wanted in ((dict(on_epoch_end=lambda *_: stop()), 3), (dict(on_train_batch_end=lambda *_: stop()), 1)):  # fmt: skip
        model, batches, ended = small(), [], []

        def stop(model=model):
            model.stop_training = True

        count = LambdaCallback(
            on_train_batch_begin=lambda batch, logs, b=batches: b.append(batch),
            on_train_end=lambda logs, e=ended: e.append(logs),
        )
        model.fit(X, Y, 3, 5, callbacks=[count, LambdaCallback(**at)])
        assert (len(batches), len(ended)) == (wanted, 1)
        model.fit(X, Y, 3, 1)  # a new run does not stay stopped
        assert model.stop_training is False


def test_on_train_end_is_not_called_after_an_error():
    model, ended = small(), []

    def fails(*_):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="^mine$"):
        model.fit(
            X, Y, callbacks=[LambdaCallback(on_train_batch_end=fails, on_train_end=ended.append)]
        )
    assert ended == []


@pytest.mark.parametrize("name", ["on_batch", "epoch_end", "on_test_end", "set_run", "on_"])
def test_an_unknown_event_is_refused(name):
    with pytest.raises(ConfigError) as error:
        LambdaCallback(**{name: print})
    assert str(error.value) == (
        f"LambdaCallback: {name} is never called; use on_train_begin, on_train_end, "
        "on_epoch_begin, on_epoch_end, on_train_batch_begin, on_train_batch_end"
    )


# ---- EarlyStopping ------------------------------------------------------------------------------


def stops_at(values, patience, min_delta, mode, first):
    """The epoch after which to stop, None if never, and the best epoch: the definition."""
    best, best_epoch, wait = math.inf, None, 0
    sign = -1 if mode == "max" else 1
    for epoch, value in enumerate(values):
        if epoch < first:
            continue
        if sign * value < best - min_delta:
            best, best_epoch, wait = sign * value, epoch, 0
        else:
            wait += 1
            if wait >= patience:
                return epoch, best_epoch
    return None, best_epoch


QUARTERS = st.lists(st.integers(-8, 8).map(lambda k: k / 4), min_size=1, max_size=8)


@given(
    QUARTERS, st.integers(0, 3), st.sampled_from([0.0, 0.25, 0.5, -0.5]),
    st.sampled_from(["min", "max"]), st.integers(0, 3), st.booleans(),
)  # fmt: skip
def test_early_stopping_by_its_definition(values, patience, min_delta, mode, first, restore):
    stopping = EarlyStopping("figure", min_delta, patience, mode, restore, first)
    model, seen = scripted(values, stopping)
    end, best = stops_at(values, patience, abs(min_delta), mode, first)
    assert stopping.stopped_epoch == end
    assert len(seen) == (len(values) if end is None else end + 1)
    twin, _ = scripted(values, epochs=(best + 1 if restore and best is not None else len(seen)))
    # the weights are those of the best epoch, or of the last
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


@given(QUARTERS, st.integers(1, 3), st.sampled_from([0.0, 0.25]), st.sampled_from(["min", "max"]), st.integers(0, 3))  # fmt: skip
@FEW
def test_early_stopping_stops_where_keras_does(values, patience, min_delta, mode, first):
    keras = framework("keras")
    theirs = keras.callbacks.EarlyStopping(
        "figure", min_delta, patience, mode=mode, start_from_epoch=first
    )

    class Model:
        stop_training = False

    theirs.set_model(Model())
    theirs.on_train_begin()
    for epoch, value in enumerate(values):
        theirs.on_epoch_end(epoch, {"figure": value})
        if theirs.model.stop_training:
            break
    ours = EarlyStopping("figure", min_delta, patience, mode, start_from_epoch=first)
    scripted(values, ours)
    assert ours.stopped_epoch == (theirs.stopped_epoch if theirs.model.stop_training else None)


@pytest.mark.parametrize(
    ("monitor", "mode"),
    [
        ("loss", "min"), ("val_loss", "min"), ("mae", "min"), ("val_mse", "min"), ("rmse", "min"),
        ("accuracy", "max"), ("val_acc", "max"), ("sparse_categorical_accuracy", "max"),
        ("precision", "max"), ("val_recall", "max"), ("f1_score", "max"), ("r2_score", "max"),
        ("auc", "max"),
    ],
)  # fmt: skip
def test_mode_auto_knows_what_is_better(monitor, mode):
    values = [1.0, 2.0, 3.0, 4.0]
    for given_mode in ("auto", mode):
        stopping = EarlyStopping("figure", mode=given_mode) if given_mode != "auto" else EarlyStopping(monitor)  # fmt: skip
        stopping.monitor = "figure"
        _, seen = scripted(values, stopping)
        assert len(seen) == (4 if mode == "max" else 2)


def test_early_stopping_starts_anew_in_each_fit():
    stopping = EarlyStopping("figure", patience=1)
    scripted([1.0, 2.0], stopping)
    assert stopping.stopped_epoch == 1
    scripted([9.0, 8.0, 7.0], stopping)
    assert stopping.stopped_epoch is None


@pytest.mark.parametrize("make", [EarlyStopping, ReduceLROnPlateau])
def test_a_figure_that_is_not_there_is_told(make):
    model = small(given=["mae"])
    with pytest.raises(ConfigError) as error:
        model.fit(X, Y, callbacks=[make()])
    name = make.__name__
    assert str(error.value) == f"{name}: no figure 'val_loss', only loss, mae, learning_rate"
    with pytest.raises(ConfigError) as error:
        make("loss", mode="best")
    assert str(error.value) == f"{name}: mode 'best'; use 'auto', 'min' or 'max'"


# ---- learning rates -----------------------------------------------------------------------------


@KERAS_CODE
@given(QUARTERS, st.integers(1, 3), st.sampled_from([0.0, 0.25, 1e-4]), st.sampled_from([0.0, 1 / 16]))  # fmt: skip
@FEW
def test_reduce_lr_on_plateau_is_that_of_keras(values, patience, min_delta, lowest):
    keras = framework("keras")
    theirs = keras.callbacks.ReduceLROnPlateau(
        "figure", 0.5, patience, mode="min", min_delta=min_delta, min_lr=lowest
    )

    class Model:
        stop_training = False
        optimizer = keras.optimizers.SGD(0.25)

    theirs.set_model(Model())
    theirs.on_train_begin()
    wanted, got = [], []
    for epoch, value in enumerate(values):
        theirs.on_epoch_end(epoch, {"figure": value})
        wanted.append(float(Model.optimizer.learning_rate))  # powers of two: exact in float32
    ours = ReduceLROnPlateau("figure", 0.5, patience, "min", min_delta, lowest)
    rates = LambdaCallback(on_epoch_end=lambda *_: got.append(ours.model.optimizer.lr))
    scripted(values, ours, rates, lr=0.25)
    assert got == wanted


def test_reduce_lr_on_plateau_starts_anew_in_each_fit_as_in_keras():
    plateau = ReduceLROnPlateau("figure", 0.5, 2)
    model, _ = scripted([1.0, 2.0], plateau)
    assert model.optimizer.lr == 0.125
    model, _ = scripted([9.0, 9.0], plateau)
    assert model.optimizer.lr == 0.125  # one epoch without improvement, not three


@pytest.mark.parametrize("factor", [0, 1, 1.5, -0.5])
def test_reduce_lr_on_plateau_needs_a_factor_below_1(factor):
    with pytest.raises(ConfigError) as error:
        ReduceLROnPlateau(factor=factor)
    assert str(error.value) == f"ReduceLROnPlateau: factor is {factor}, need between 0 and 1"


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        (lambda epoch: 1 / (epoch + 1), [1.0, 0.5, 1 / 3]),
        (lambda epoch, lr: lr / 2, [0.0625, 0.03125, 0.015625]),
        (lambda epoch, lr: lr if epoch < 1 else 0.5, [0.125, 0.5, 0.5]),
        (lambda epoch: np.float32(0.25), [0.25] * 3),
        (lambda epoch: 1, [1.0] * 3),
    ],
)
def test_the_learning_rate_is_set_before_each_epoch(schedule, wanted):
    used: list[float] = []
    model = small()
    model.fit(
        X, Y, 3, 3,
        callbacks=[
            LearningRateScheduler(schedule),
            LambdaCallback(on_train_batch_begin=lambda *_: used.append(model.optimizer.lr)),
        ],
    )  # fmt: skip
    assert used == [lr for lr in wanted for _ in range(3)]
    assert type(model.optimizer.lr) is float


@pytest.mark.parametrize("result", [None, "0.1", float("nan"), float("inf"), [0.1]])
def test_a_schedule_that_gives_no_number_is_told_and_nothing_is_set(result):
    model = small()
    before = model.state_dict()
    with pytest.raises(ConfigError) as error:
        model.fit(X, Y, callbacks=[LearningRateScheduler(lambda epoch: result)])
    assert str(error.value) == (f"LearningRateScheduler: schedule gave {result!r}, need a number")
    assert model.optimizer.lr == 0.125
    np.testing.assert_array_equal(before["weight"], model.weight.data)


# ---- TerminateOnNaN -----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_terminate_on_nan_tells_where(bad):
    stop = TerminateOnNaN()
    calls = [0]

    def loss(input, target):
        calls[0] += 1
        value = nn.functional.mse_loss(input, target)
        return value + (bad if calls[0] == 6 else 0)  # 3 batches an epoch

    model = nn.Linear(2, 1)
    model.compile("sgd", loss)
    with pytest.raises(GradientError) as error:
        model.fit(X, Y, 3, 4, callbacks=[stop])
    assert str(error.value) == (
        f"fit: the loss is {bad} at batch 2 of epoch 1; lower the learning rate, clip gradients, "
        "or find the op with mg.detect_anomaly()"
    )
    assert calls[0] == 6
    assert stop.run.history.epoch == [0]


# ---- CSVLogger ----------------------------------------------------------------------------------


def table(path, separator=","):
    with open(path, newline="") as file:
        return list(csv.reader(file, delimiter=separator))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_logger_writes_a_row_for_each_epoch(tmp_path, separator):
    path = tmp_path / "new" / "log.csv"
    model = small(given=["mae"])
    options: dict[str, Any] = dict(validation_data=(X, Y), shuffle=False)
    history = model.fit(X, Y, 3, 2, callbacks=[CSVLogger(path, separator)], **options).history
    head, *rows = table(path, separator)
    assert head[0] == "epoch" and set(head[1:]) == {"loss", "mae", "val_loss", "val_mae", "learning_rate"}  # fmt: skip
    for epoch, row in enumerate(rows):
        named = dict(zip(head, row, strict=True))
        assert named["epoch"] == str(epoch) and float(named["learning_rate"]) == 0.125
        for name, values in history.items():
            assert float(named[name]) == values[epoch]  # every digit
    assert len(rows) == 2


def test_csv_logger_appends_to_a_file_and_keeps_its_columns(tmp_path):
    path = tmp_path / "log.csv"
    small().fit(X, Y, 3, 2, callbacks=[CSVLogger(path, append=True)])  # not there yet: a new one
    head = table(path)[0]
    # another column more, and one that is missing
    small(given=["mae"]).fit(X, Y, 3, 4, initial_epoch=2, callbacks=[CSVLogger(path, append=True)])
    assert [row[0] for row in table(path)] == ["epoch", "0", "1", "2", "3"]
    assert table(path)[0] == head and all(len(row) == len(head) for row in table(path))
    path.write_text("epoch,other,loss\n")
    small().fit(X, Y, 3, 1, callbacks=[CSVLogger(path, append=True)])
    assert table(path)[1][:2] == ["0", ""] and float(table(path)[1][2]) > 0
    small().fit(X, Y, 3, 1, callbacks=[CSVLogger(path)])  # without append it begins anew
    assert table(path)[0] == head and len(table(path)) == 2


def test_csv_logger_has_each_row_on_the_disk_at_once(tmp_path):
    path, lines = tmp_path / "log.csv", []
    look = LambdaCallback(on_epoch_end=lambda *_: lines.append(len(table(path))))
    small().fit(X, Y, 3, 3, callbacks=[CSVLogger(path), look])
    assert lines == [2, 3, 4]


def test_csv_logger_leaves_out_what_is_no_number(tmp_path):
    path = tmp_path / "log.csv"
    model = nn.Linear(2, 3)
    model.compile("sgd", "cross_entropy", ["confusion_matrix"])
    model.fit(X, np.arange(7) % 3, callbacks=[CSVLogger(path)])
    assert set(table(path)[0]) == {"epoch", "loss", "learning_rate"}


# ---- ModelCheckpoint ----------------------------------------------------------------------------


def steps(folder):
    manager = CheckpointManager(folder)
    return [manager.step(p) for p in manager.checkpoints]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, [3, 6, 9, 12]), ({"max_to_keep": 2}, [9, 12]), ({"save_freq": 4}, [4, 8, 12]),
        ({"save_freq": 1, "max_to_keep": 3}, [10, 11, 12]), ({"save_freq": 100}, []),
        ({"save_freq": 1, "max_to_keep": None}, list(range(1, 13))),
    ],
)  # fmt: skip
def test_model_checkpoint_saves_each_epoch_or_every_n_batches(tmp_path, options, wanted):
    model, after = small(), {}
    note = LambdaCallback(
        on_train_batch_end=lambda batch, logs: after.update({len(after) + 1: model.state_dict()})
    )
    model.fit(X, Y, 3, 4, callbacks=[note, ModelCheckpoint(tmp_path, **options)])
    assert steps(tmp_path) == wanted
    assert len(os.listdir(tmp_path)) == len(wanted)
    for step in wanted:
        states = read_checkpoint(CheckpointManager(tmp_path).path(step))
        assert states["step"] == step
        for name, array in after[step].items():
            np.testing.assert_array_equal(array, states["model"][name])


@pytest.mark.parametrize("mode, best", [("min", 2), ("max", 3), ("auto", 2)])
def test_model_checkpoint_keeps_the_best(tmp_path, mode, best):
    values, kept = [3.0, 2.0, 1.0, 4.0, 4.0], []
    checkpoint = ModelCheckpoint(tmp_path, "figure", True, mode)
    note = LambdaCallback(on_epoch_end=lambda *_: kept.append(checkpoint.model.state_dict()))
    scripted(values, checkpoint, note)
    assert os.listdir(tmp_path) == ["best.safetensors"]
    model = small()
    states = load_checkpoint(tmp_path / "best.safetensors", model=model, optimizer=model.optimizer)
    for name, array in kept[best].items():
        np.testing.assert_array_equal(array, model.state_dict()[name])
    assert states["run"]["epoch"] == best + 1


def test_model_checkpoint_without_its_figure_is_told(tmp_path):
    with pytest.raises(ConfigError) as error:
        small().fit(X, Y, callbacks=[ModelCheckpoint(tmp_path, "mae", True)])
    assert str(error.value) == "ModelCheckpoint: no figure 'mae', only loss, learning_rate"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("freq", [0, -1, 1.5, "batch", None])
def test_model_checkpoint_needs_epochs_or_a_number_of_batches(tmp_path, freq):
    with pytest.raises(ConfigError) as error:
        ModelCheckpoint(tmp_path, save_freq=freq)
    assert str(error.value) == f"ModelCheckpoint: save_freq {freq!r}; use 'epoch' or a number"


def test_best_only_every_n_batches_is_refused_or_saves_something(tmp_path):
    """Otherwise a run of hours ends without a file."""
    try:
        checkpoint = ModelCheckpoint(tmp_path, "loss", True, save_freq=1)
    except ConfigError:
        return
    small().fit(X, Y, 3, 2, callbacks=[checkpoint])
    assert os.listdir(tmp_path)


def test_model_checkpoint_saves_all_that_a_run_needs(tmp_path):
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.Dropout(rng=rng), nn.Linear(3, 1, rng=rng))
    model.compile("adam", "mse", ema=0.5)
    model.fit(X, Y, 3, callbacks=[ModelCheckpoint(tmp_path)], seed=5)
    states = read_checkpoint(CheckpointManager(tmp_path).latest_checkpoint)
    assert list(states) == ["step", "model", "optimizer", "run", "ema", "rng 1.rng"]
    assert states["run"]["seed"] == 5
