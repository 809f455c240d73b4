"""compile, fit, evaluate, predict: the same numbers as a loop by hand and as Keras, and bad input."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.errors import (
    ConfigError,
    DataError,
    DTypeError,
    LabelError,
    MicrogradError,
    ShapeError,
)
from microgradnn.train import Callback, History, LambdaCallback, inputs, metrics
from microgradnn.train.losses import KERAS, Loss

from ..frameworks import framework
from ..messages import complaint

FEW = settings(max_examples=max(6, settings().max_examples // 3))
N = 11
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = np.random.default_rng(1).normal(size=(N, 1)).astype(np.float32)
LABELS = np.array([0, 1, 2, 2, 1, 0, 1, 1, 2, 0, 2])
YES = (Y > 0).astype(np.float32)


def small(outputs=1, seed=0, **options):
    rng = np.random.default_rng(seed)
    return nn.MLP(3, [4, outputs], "tanh", rng=rng, **options)


def weights(model):
    return [p.data.copy() for p in model.parameters()]


def equal(a, b):
    assert len(a) == len(b)
    for u, v in zip(a, b, strict=True):
        np.testing.assert_array_equal(u, v)


class Seen(nn.Module):
    """A model that keeps what it was called with, and whether it was training."""

    def __init__(self, inner):
        self.inner = inner
        self.calls = []

    def forward(self, *x):
        self.calls.append((self.training, [np.array(a) for a in x]))
        return self.inner(*x)

    def trained_on(self):
        """The first inputs of the batches of training."""
        return [x[0] for training, x in self.calls if training]


# ---- the loop by hand ---------------------------------------------------------------------------

RULES = {
    "sgd": lambda params: optim.SGD(params, lr=0.01),
    "adam": lambda params: optim.Adam(params, lr=0.001),
    "adamw": lambda params: optim.AdamW(params, lr=0.001),
    "rmsprop": lambda params: optim.RMSprop(params, lr=0.001),
    "adagrad": lambda params: optim.Adagrad(params, lr=0.01),
    "adadelta": lambda params: optim.Adadelta(params, lr=1.0),
    "adamax": lambda params: optim.Adamax(params, lr=0.002),
    "nadam": lambda params: optim.NAdam(params, lr=0.002),
    "radam": lambda params: optim.RAdam(params, lr=0.001),
    "rprop": lambda params: optim.Rprop(params, lr=0.01),
}


def by_hand(model, optimizer, loss, batches):
    """The loss of each batch in the loop of every PyTorch program."""
    losses = []
    for x, y in batches:
        value = loss(model(*x) if isinstance(x, tuple) else model(x), y)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def in_order(size, *arrays):
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


def mean_of_batches(losses, batches):
    """The mean of one epoch's losses, each as often as its batch has samples."""
    sizes = [len(y) for _, y in batches]
    return sum(v * n for v, n in zip(losses, sizes, strict=True)) / sum(sizes)


@pytest.mark.parametrize("name", RULES)
@given(size=st.integers(1, N), epochs=st.integers(1, 3), seed=st.integers(0, 99))
@FEW
def test_fit_is_the_loop_by_hand_bit_for_bit(name, size, epochs, seed):
    ours, theirs = small(seed=seed), small(seed=seed)
    ours.compile(name, "mse")
    history = ours.fit(X, Y, size, epochs, shuffle=False)
    optimizer, batches = RULES[name](theirs.parameters()), in_order(size, X, Y)
    wanted = []
    for _ in range(epochs):
        losses = by_hand(theirs, optimizer, lambda p, t: mg.mse_loss(p, t), batches)
        wanted.append(mean_of_batches(losses, batches))
    equal(weights(ours), weights(theirs))
    assert all(p.dtype == np.float32 for p in ours.parameters())
    # the mean over batches in float64, in any order of its up to 11 terms
    np.testing.assert_allclose(history.history["loss"], wanted, rtol=24 * 2.0**-53)
    assert history.epoch == list(range(epochs))
    assert history.params == {"epochs": epochs, "steps": -(-N // size), "batch_size": size}


@given(size=st.integers(1, N), seed=st.integers(0, 2**40), epochs=st.integers(1, 3))
@FEW
def test_shuffled_each_epoch_is_the_loop_by_hand_over_the_same_batches(size, seed, epochs):
    ours, theirs = Seen(small()), small()
    ours.compile("adam", "mse")
    ours.fit(X, Y, size, epochs, seed=seed)
    place = {row.tobytes(): i for i, row in enumerate(X)}
    batches = [[place[row.tobytes()] for row in x] for x in ours.trained_on()]
    steps = -(-N // size)
    assert [len(b) for b in batches] == [
        *[size] * (N // size),
        *([N % size] if N % size else []),
    ] * epochs
    for e in range(epochs):  # every sample once in an epoch
        assert sorted(sum(batches[e * steps : (e + 1) * steps], [])) == list(range(N))
    by_hand(
        theirs, RULES["adam"](theirs.parameters()), mg.mse_loss, [(X[b], Y[b]) for b in batches]
    )
    equal(weights(ours), weights(theirs))


def order_of(shuffle=True, epochs=2, **options):
    model = Seen(small())
    model.compile("sgd", "mse")
    model.fit(X, Y, N, epochs, shuffle=shuffle, **options)
    return [x.tobytes() for x in model.trained_on()]


def test_the_order_is_that_of_the_seed_and_another_one_in_each_epoch():
    assert order_of(seed=1) == order_of(seed=1) != order_of(seed=2)
    first, second = order_of(seed=1)
    assert first != second
    assert order_of(seed=1, initial_epoch=1) == [second]  # as after a break
    # 1 of 11! if chance has it
    assert len({tuple(order_of()) for _ in range(3)}) == 3
    assert order_of(False) == [X.tobytes()] * 2


def test_batch_size_none_is_32_or_all():
    for n, size in [(5, 5), (32, 32), (33, 32), (70, 32)]:
        model = Seen(small())
        model.compile("sgd", "mse")
        history = model.fit(np.zeros((n, 3), "f4"), np.zeros((n, 1), "f4"))
        assert history.params["batch_size"] == size
        assert [len(x) for x in model.trained_on()] == [size] * (n // size) + [n % size] * (
            n % size > 0
        )


def test_train_on_batch_is_one_step():
    ours, theirs = small(), small()
    ours.compile("adam", "mse")
    got = [ours.train_on_batch(x, y) for x, y in in_order(4, X, Y)]
    wanted = by_hand(theirs, RULES["adam"](theirs.parameters()), mg.mse_loss, in_order(4, X, Y))
    assert got == [{"loss": v} for v in wanted]
    equal(weights(ours), weights(theirs))


def test_a_model_of_two_inputs():
    class Two(nn.Module):
        def __init__(self):
            self.layer = nn.Bilinear(3, 2, 1, rng=np.random.default_rng(0))

        def forward(self, a, b):
            return self.layer(a, b)

    ours, theirs, other = Two(), Two(), X[:, :2] * 2
    ours.compile("sgd", "mse", ["mae"])
    ours.fit((X, other), Y, 4, 2, shuffle=False, validation_data=((X, other), Y), verbose=0)
    batches = [((a, b), y) for a, b, y in in_order(4, X, other, Y)]
    by_hand(theirs, RULES["sgd"](theirs.parameters()), mg.mse_loss, batches * 2)
    equal(weights(ours), weights(theirs))
    np.testing.assert_array_equal(ours.predict((X, other), N), theirs(X, other).data)
    assert len(ours.evaluate((X, other), Y)) == 2
    with pytest.raises(ShapeError) as error:
        ours.fit((X, other[1:]), Y)
    assert str(error.value) == "fit: x has 11 samples, x has 10"


def test_lists_and_tensors_are_data_too():
    ours, theirs = small(), small()
    for model, x, y in ((ours, X.astype(float).tolist(), Y.tolist()), (theirs, mg.tensor(X.astype(float)), mg.tensor(Y.astype(float)))):  # fmt: skip
        model.compile("sgd", "mse")
        model.fit(x, y, 4, shuffle=False)
    equal(weights(ours), weights(theirs))


def test_frozen_parameters_stay():
    model = small()
    model[0].requires_grad_(False)
    before = weights(model)
    model.compile("adam", "mse")
    model.fit(X, Y, 4, 2)
    after = weights(model)
    equal(before[:2], after[:2])
    assert all((a != b).any() for a, b in zip(before[2:], after[2:], strict=True))


@pytest.mark.parametrize("name, lam", [("L2", 0.25), ("L1", 0.125)])
def test_a_kernel_regularizer_adds_to_the_loss(name, lam):
    penalty = getattr(nn, name)(lam)
    ours, theirs = small(kernel_regularizer=penalty), small()
    ours.compile("sgd", "mse")

    def loss(p, t):
        kernels = [theirs[0].weight, theirs[2].weight]
        return mg.mse_loss(p, t) + sum(penalty(w) for w in kernels)

    before = ours.evaluate(X, Y)
    assert before == pytest.approx(loss(theirs(X), Y).item(), rel=2.0**-20)
    history = ours.fit(X, Y, 4, 2, shuffle=False)
    optimizer, batches = RULES["sgd"](theirs.parameters()), in_order(4, X, Y)
    wanted = [mean_of_batches(by_hand(theirs, optimizer, loss, batches), batches) for _ in range(2)]
    # float32; only the order in which the terms are added may differ: some 20 roundings
    np.testing.assert_allclose(history.history["loss"], wanted, rtol=2.0**-20)
    for a, b in zip(weights(ours), weights(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2.0**-20)


# ---- what compile takes -------------------------------------------------------------------------


def run(optimizer: Any = "sgd", loss: Any = "mse", given: Any = None, y: Any = Y, outputs=1):
    model = small(outputs)
    model.compile(optimizer(model) if callable(optimizer) else optimizer, loss, given)
    history = model.fit(X, y, 4, 2, shuffle=False)
    return weights(model), history.history


@pytest.mark.parametrize("name", RULES)
def test_an_optimizer_by_name_as_a_function_and_as_an_object_is_the_same(name):
    wanted = run(name)
    for optimizer in (
        lambda model: RULES[name],
        lambda model: RULES[name](model.parameters()),
        lambda model: name.capitalize(),
    ):
        got = run(optimizer)
        equal(got[0], wanted[0])
        assert got[1] == wanted[1]


def test_a_loss_by_name_as_a_module_and_as_functions_is_the_same():
    def keras_own(y_true, y_pred):
        return mg.mean(mg.square(y_pred - y_true), axis=-1)

    def torch_own(input, target):
        return mg.mean(mg.square(input - target))

    wanted = run(loss="mse")
    for loss in ("mean_squared_error", "mse_loss", nn.MSELoss(), mg.mse_loss, keras_own, torch_own):
        got = run(loss=loss)
        for a, b in zip(got[0], wanted[0], strict=True):
            # a mean of means or of all: float32, three roundings in each of 6 steps of lr 0.01
            np.testing.assert_allclose(a, b, rtol=0, atol=2.0**-22)


def test_a_loss_whose_first_parameter_is_y_true_gets_the_targets_first():
    def lopsided(y_true, y_pred):
        assert not isinstance(y_true, mg.Tensor)
        return mg.mean(mg.square(y_pred - 2 * y_true), axis=-1)

    got, wanted = run(loss=lopsided), run(loss="mse", y=2 * Y)
    for a, b in zip(got[0], wanted[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2.0**-22)


def test_metrics_by_name_as_classes_objects_and_functions():
    def mean_absolute(y_true, y_pred):
        return np.abs(y_true - y_pred)[:, 0]

    given = ["mae", metrics.MeanAbsoluteError, metrics.MeanAbsoluteError("own"), mean_absolute]
    _, history = run(given=given)
    names = ["mae", "mean_absolute_error", "own", "mean_absolute"]
    assert list(history) == ["loss", *names]
    for name in names:
        np.testing.assert_allclose(history[name], history["mae"], rtol=2.0**-20)


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(ConfigError) as error:
        small().compile("sgd", "mse", ["mae", "mae"])
    assert str(error.value) == "compile: two metrics are called 'mae'; give one a name="
    with pytest.raises(ConfigError, match="two metrics are called 'loss'"):
        small().compile("sgd", "mse", [metrics.MeanAbsoluteError("loss")])


@pytest.mark.parametrize("loss", ["binary_cross_entropy_with_logits", nn.BCEWithLogitsLoss()])
@pytest.mark.parametrize(
    "metric", ["accuracy", "binary_accuracy", "precision", "recall", "f1_score"]
)
def test_metrics_by_name_take_logits_where_the_loss_does(loss, metric):
    model = small()
    model[2].bias.data = model[2].bias.data + 0.5
    model.compile("sgd", loss, [metric])
    logits = model.predict(X)
    own = metrics.get(metric)
    assert model.evaluate(X, YES)[1] == own(YES, (logits > 0).astype(np.float32))
    # between 0 and 1/2 a logit says yes, a probability says no
    assert ((logits > 0) & (logits < 0.5)).any()


# ---- weights ------------------------------------------------------------------------------------


def weighted(p, t, w):
    each = mg.mean(mg.square(p - t), axis=-1)
    return mg.sum(each * w) / len(w)


@given(st.lists(st.integers(0, 8), min_size=N, max_size=N).map(lambda w: np.array(w) / 4))
@FEW
def test_sample_weight_is_the_sum_of_w_times_l_divided_by_n(w):
    ours, theirs = small(), small()
    ours.compile("sgd", "mse")
    ours.fit(X, Y, 4, 2, shuffle=False, sample_weight=w)
    optimizer = RULES["sgd"](theirs.parameters())
    for x, y, v in in_order(4, X, Y, w) * 2:
        by_hand(theirs, optimizer, lambda p, t, v=v: weighted(p, t, v), [(x, y)])
    equal(weights(ours), weights(theirs))
    assert all(p.dtype == np.float32 for p in ours.parameters())


@pytest.mark.parametrize("form", ["integers", "column", "one-hot"])
def test_class_weight_is_the_sample_weight_of_the_class(form):
    table, loss = {0: 0.25, 2: 3.0}, "sparse_categorical_crossentropy"  # what is left out weighs 1
    y = {"integers": LABELS, "column": LABELS[:, None], "one-hot": np.eye(3)[LABELS]}[form]
    loss = "categorical_crossentropy" if form == "one-hot" else loss
    ours, theirs, both, product = (nn.Sequential(small(3), nn.Softmax()) for _ in range(4))
    w = np.array([table.get(int(c), 1.0) for c in LABELS])
    half = np.linspace(0.5, 2, N)
    for model, options in [
        (ours, dict(class_weight=table)), (theirs, dict(sample_weight=w)),
        (both, dict(class_weight=table, sample_weight=half)), (product, dict(sample_weight=w * half)),
    ]:  # fmt: skip
        model.compile("sgd", loss)
        model.fit(X, y, 4, 2, shuffle=False, **options)
    equal(weights(ours), weights(theirs))
    equal(weights(both), weights(product))
    assert any((a != b).any() for a, b in zip(weights(ours), weights(both), strict=True))


def test_a_batch_of_weight_0_is_no_error_in_the_middle_of_training():
    """As in Keras: its loss is 0. A class of weight 0 makes such batches by chance."""
    model = small(3)
    model.compile("sgd", "cross_entropy", ["accuracy"])
    before = weights(model)
    w = np.r_[np.zeros(4), np.ones(N - 4)]
    model.fit(X, LABELS, 4, shuffle=False, sample_weight=w)
    assert any((a != b).any() for a, b in zip(before, weights(model), strict=True))
    model.compile("sgd", "cross_entropy")
    assert model.evaluate(X[:4], LABELS[:4], sample_weight=np.zeros(4)) == 0


def test_weights_in_evaluate_and_in_validation_data():
    model = small()
    model.compile("sgd", "mse")
    w = np.arange(N) / 4
    each = ((model.predict(X) - Y) ** 2).mean(-1)
    assert model.evaluate(X, Y, sample_weight=w) == pytest.approx(
        (w * each).sum() / N, rel=2.0**-20
    )
    history = model.fit(X, Y, 4, validation_data=(X, Y, w)).history
    each = ((model.predict(X) - Y) ** 2).mean(-1)
    assert history["val_loss"][0] == pytest.approx((w * each).sum() / N, rel=2.0**-20)


# ---- validation, evaluate, predict --------------------------------------------------------------


@pytest.mark.parametrize("share, first", [(0.2, 8), (0.5, 5), (0.1, 9), (0.9, 1)])
def test_validation_split_takes_the_last_share_before_shuffling(share, first):
    model, twin = Seen(small()), small()
    model.compile("sgd", "mse", ["mae"])
    history = model.fit(X, Y, first, 2, validation_split=share, seed=0)
    for x in model.trained_on():
        np.testing.assert_array_equal(np.sort(x, 0), np.sort(X[:first], 0))
    twin.compile("sgd", "mse", ["mae"])
    other = twin.fit(X[:first], Y[:first], first, 2, validation_data=(X[first:], Y[first:]), seed=0)
    equal(weights(model), weights(twin))
    assert history.history == other.history
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(len(v) == 2 for v in history.history.values())
    got = model.evaluate(X[first:], Y[first:])
    assert got == [history.history["val_loss"][-1], history.history["val_mae"][-1]]


def test_validation_data_wins_over_validation_split():
    model = Seen(small())
    model.compile("sgd", "mse")
    model.fit(X, Y, N, validation_data=(X[:2], Y[:2]), validation_split=0.5)
    assert [len(x) for x in model.trained_on()] == [N]


def test_evaluate_gives_a_number_a_list_or_a_dict():
    model = small()
    model.compile("sgd", "mse")
    loss = model.evaluate(X, Y)
    assert isinstance(loss, float) and model.evaluate(X, Y, return_dict=True) == {"loss": loss}
    model.compile("sgd", "mse", ["mae", "rmse"])
    values = model.evaluate(X, Y)
    assert isinstance(values, list) and values[0] == loss
    named = model.evaluate(X, Y, return_dict=True)
    assert list(named) == ["loss", "mae", "rmse"] and list(named.values()) == values
    p = model.predict(X).astype(np.float64)
    np.testing.assert_allclose(
        values[1:], [np.abs(p - Y).mean(), np.sqrt(((p - Y) ** 2).mean())], rtol=2.0**-22
    )


@given(st.one_of(st.none(), st.integers(1, 20)))
@FEW
def test_evaluate_and_predict_in_batches_are_those_of_all_at_once(size):
    model = small()
    model.compile("sgd", "mse", ["mae"])
    whole = model(X).data
    got = model.predict(X, size)
    assert isinstance(got, np.ndarray) and got.dtype == np.float32
    # a product of one row may be summed in another order than one of many: 7 products in float32
    np.testing.assert_allclose(got, whole, rtol=0, atol=16 * 2.0**-24)
    np.testing.assert_allclose(model.evaluate(X, Y, size), model.evaluate(X, Y, N), rtol=2.0**-20)


def test_predict_needs_no_compile_and_records_nothing():
    model = small(2)
    np.testing.assert_array_equal(model.predict(X), model(X).data)
    np.testing.assert_array_equal(model.predict(X, N), model(X).data)
    assert all(p.grad is None for p in model.parameters())


def test_dropout_is_off_in_evaluate_and_predict_and_modes_are_as_before():
    dropout = nn.Dropout(0.5, rng=np.random.default_rng(0))
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), dropout, nn.Linear(8, 1))
    model.compile("sgd", "mse")
    plainly = model.eval()(X).data
    for modes in ([True] * 5, [False] * 5, [True, False, False, True, True]):
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode
        state, rng = model.state_dict(), dropout.rng.bit_generator.state
        np.testing.assert_array_equal(model.predict(X), plainly)
        assert model.evaluate(X, Y) == pytest.approx(((plainly - Y) ** 2).mean(), rel=2.0**-20)
        assert [m.training for m in model.modules()] == modes
        assert dropout.rng.bit_generator.state == rng
        equal(list(model.state_dict().values()), list(state.values()))
        with pytest.raises(ShapeError):
            model.predict(X[:, :2])
        assert [m.training for m in model.modules()] == modes
    seen = Seen(model)
    seen.compile("sgd", "mse")
    seen.fit(X, Y, 4, 2, validation_data=(X, Y))
    # one look at the shapes of both, then 3 batches of training and one of validation, twice
    assert [training for training, _ in seen.calls[2:]] == ([True] * 3 + [False]) * 2
    assert not any(training for training, _ in seen.calls[:2])


def test_fit_looks_before_it_trains_without_a_trace():
    """Dropout's draws and the running mean are those of the training batches alone."""

    def make():
        rng = np.random.default_rng(0)
        return nn.Sequential(
            nn.Linear(3, 8, rng=rng), nn.BatchNorm1d(8), nn.Dropout(0.5, rng=rng), nn.Linear(8, 1, rng=rng)
        )  # fmt: skip

    ours, theirs = make(), make()
    ours.compile("sgd", "mse")
    ours.fit(X, Y, 4, 2, shuffle=False, validation_data=(X, Y))
    theirs.train()
    by_hand(theirs, RULES["sgd"](theirs.parameters()), mg.mse_loss, in_order(4, X, Y) * 2)
    equal(list(ours.state_dict().values()), list(theirs.state_dict().values()))


@pytest.mark.parametrize("given", [0.5, "object"])
def test_averaged_weights_evaluate_and_predict_and_the_own_ones_stay(given):
    ours, theirs = small(), small()
    ours.compile("sgd", "mse", ema=optim.EMA(ours, 0.5) if given == "object" else given)
    optimizer, ema = RULES["sgd"](theirs.parameters()), optim.EMA(theirs, 0.5)
    history = ours.fit(X, Y, 4, 2, shuffle=False, validation_data=(X, Y))
    for x, y in in_order(4, X, Y) * 2:
        by_hand(theirs, optimizer, mg.mse_loss, [(x, y)])
        ema.update()
    own = weights(ours)
    equal(own, weights(theirs))
    raw = theirs(X).data
    with ema.swap():
        averaged = theirs(X).data
        loss = mg.mse_loss(theirs(X), Y).item()
    assert (raw != averaged).any()
    np.testing.assert_array_equal(ours.predict(X), averaged)
    assert (
        ours.evaluate(X, Y) == history.history["val_loss"][-1] == pytest.approx(loss, rel=2.0**-22)
    )
    with pytest.raises(ShapeError):
        ours.predict(X[:, :2])
    equal(own, weights(ours))


# ---- History, stopping, Ctrl-C ------------------------------------------------------------------


def test_history_holds_what_fit_did():
    model = small()
    model.compile("sgd", "mse", ["mae"])
    history = model.fit(X, Y, 4, 5, initial_epoch=2, verbose=0)
    assert isinstance(history, History)
    assert history.epoch == [2, 3, 4]
    assert history.params == {"epochs": 5, "steps": 3, "batch_size": 4}
    assert [(k, len(v)) for k, v in history.history.items()] == [("loss", 3), ("mae", 3)]
    assert all(type(v) is float for values in history.history.values() for v in values)
    text = repr(history)
    assert re.fullmatch(r"History\(3 epochs: loss [\d.e+-]+  mae [\d.e+-]+\)", text)
    twin = History()
    twin.load_state_dict(history.state_dict())
    assert (twin.epoch, twin.history) == (history.epoch, history.history)
    twin.add(9, {"loss": 1.0})
    assert len(history.epoch) == 3  # a copy
    assert repr(History()) == "History(0 epochs)"


@pytest.mark.parametrize("epochs, initial", [(0, 0), (2, 2), (2, 5)])
def test_no_epochs_to_do_is_no_training(epochs, initial):
    model = small()
    model.compile("sgd", "mse")
    before = weights(model)
    history = model.fit(X, Y, epochs=epochs, initial_epoch=initial)
    assert (history.epoch, history.history) == ([], {})
    equal(before, weights(model))


def test_a_metric_that_is_no_single_number_is_in_logs_but_not_in_history():
    seen = []
    model = small(3)
    model.compile("sgd", "cross_entropy", ["confusion_matrix", metrics.F1Score(None)])
    log = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs))
    history = model.fit(X, LABELS, callbacks=[log], validation_data=(X, LABELS))
    assert list(history.history) == ["loss", "val_loss"]
    assert seen[0]["confusion_matrix"].sum() == N


def test_ctrl_c_leaves_the_model_as_the_last_step_made_it():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs):
            if self.run.epoch == 1 and batch == 1:
                raise KeyboardInterrupt

    ours, theirs = small(), small()
    ours.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        ours.fit(X, Y, 4, 3, shuffle=False, callbacks=[Stop()])
    by_hand(theirs, RULES["sgd"](theirs.parameters()), mg.mse_loss, (in_order(4, X, Y) * 2)[:5])
    equal(weights(ours), weights(theirs))
    ours.fit(X, Y, 4, 1)  # and it can be trained again


def test_verbose_2_writes_one_line_for_each_epoch_and_0_nothing(capsys):
    model = small()
    model.compile("sgd", "mse")
    for verbose, lines in (("auto", 0), (0, 0), (2, 2)):
        model.fit(X, Y, 4, 2, verbose=verbose)
        captured = capsys.readouterr()
        assert captured.out == ""
        found = captured.err.splitlines()
        assert len(found) == lines
    assert re.fullmatch(r"epoch 2/2  \d+\.\d s  loss [\d.e+-]+", found[1])


# ---- Keras --------------------------------------------------------------------------------------

ACTIVATED = {
    "mse": (Y, None), "mae": (Y, None), "huber": (3 * Y, None),
    "binary_crossentropy": (YES, "sigmoid"),
    "categorical_crossentropy": (np.eye(3, dtype=np.float32)[LABELS], "softmax"),
    "sparse_categorical_crossentropy": (LABELS, "softmax"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tf():
    return framework("tensorflow")


@pytest.mark.parametrize("weights_of", [None, "samples", "classes"])
@pytest.mark.parametrize("name", ACTIVATED)
def test_fit_is_keras_fit(tf, name, weights_of):
    """float32: see the comment for the tolerance."""
    y, last = ACTIVATED[name]
    if weights_of == "classes" and last is None:
        return  # a class_weight needs classes
    keras, outputs = tf.keras, 3 if last == "softmax" else 1
    rng = np.random.default_rng(0)
    ours = nn.MLP(3, [4, outputs], "tanh", kernel_initializer="glorot_uniform", bias_initializer="zeros", rng=rng)  # fmt: skip
    if last is not None:
        ours.append(nn.Softmax() if last == "softmax" else nn.Sigmoid())
    theirs = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(outputs, last)]
    )
    theirs.set_weights(weights(ours))
    ours.compile(
        lambda params: optim.SGD(params, lr=0.125), name, ["mse"] if y.ndim > 1 else ["accuracy"]
    )
    theirs.compile(keras.optimizers.SGD(0.125), name, run_eagerly=True)
    options: dict[str, Any] = dict(shuffle=False, verbose=0)
    if weights_of == "samples":
        options["sample_weight"] = np.arange(N, dtype=np.float32) / 4
    if weights_of == "classes":
        options["class_weight"] = {0: 0.5, 1: 2.0}
    got = ours.fit(X, y, 4, 3, **options).history["loss"]
    wanted = theirs.fit(X, y, batch_size=4, epochs=3, **options).history["loss"]
    # A loss of one batch goes through some 30 roundings (two products of 4 terms, tanh, softmax, a
    # logarithm, the means) of which each moves it by at most an ulp; the weights of step k carry
    # those of the k steps before, times 1/8 and gradients near 1. 9 steps: 30·(1 + 9/8) < 64 ulps.
    np.testing.assert_allclose(got, wanted, rtol=64 * 2.0**-23)
    for a, b in zip(weights(ours), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=64 * 2.0**-23 * max(1, np.abs(b).max()))
    if weights_of is not None:
        return
    # evaluated whole, and predicted
    np.testing.assert_allclose(
        ours.evaluate(X, y)[0], theirs.evaluate(X, y, verbose=0), rtol=64 * 2.0**-23
    )
    np.testing.assert_allclose(
        ours.predict(X), theirs.predict(X, verbose=0), rtol=0, atol=64 * 2.0**-23 * 4
    )


def test_validation_split_momentum_and_a_penalty_as_in_keras(tf):
    keras = tf.keras
    ours = small(kernel_regularizer=nn.L2(0.125))
    theirs = keras.Sequential([
        keras.Input((3,)),
        keras.layers.Dense(4, "tanh", kernel_regularizer=keras.regularizers.L2(0.125)),
        keras.layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.125)),
    ])  # fmt: skip
    theirs.set_weights(weights(ours))
    ours.compile(lambda params: optim.SGD(params, lr=0.125, momentum=0.5), "mse")
    theirs.compile(keras.optimizers.SGD(0.125, 0.5), "mse", run_eagerly=True)
    options: dict[str, Any] = dict(epochs=3, shuffle=False, verbose=0, validation_split=0.3)
    got = ours.fit(X, Y, 4, **options).history
    wanted = theirs.fit(X, Y, 4, **options).history
    assert sorted(got) == sorted(wanted) == ["loss", "val_loss"]
    for name in got:  # as above, twice the way of the weights with a momentum of 1/2
        np.testing.assert_allclose(got[name], wanted[name], rtol=128 * 2.0**-23)


# ---- bad input ----------------------------------------------------------------------------------


def with_nan(a, *places):
    a = a.copy()
    for place in places:
        a[place] = np.nan
    return a


BAD_LABELS = np.where(np.arange(N) == 9, 3, LABELS)
BAD_FIT: list[tuple[Any, ...]] = [
    # loss, x, y, options, error, message
    ("cross_entropy", X, BAD_LABELS, {}, LabelError,
     "fit: label 3 of sample 9 is out of range; the model has 3 outputs, for labels 0 to 2"),
    ("cross_entropy", X, np.where(np.arange(N) == 10, -1, LABELS), {}, LabelError,
     "fit: label -1 of sample 10 is out of range; the model has 3 outputs, for labels 0 to 2"),
    ("sparse_categorical_crossentropy", X, BAD_LABELS[:, None], {}, LabelError,
     "fit: label 3 of sample 9 is out of range; the model has 3 outputs, for labels 0 to 2"),
    (nn.CrossEntropyLoss(), X, BAD_LABELS, {}, LabelError,
     "fit: label 3 of sample 9 is out of range; the model has 3 outputs, for labels 0 to 2"),
    ("mse", with_nan(X, (9, 1), (10, 2)), np.zeros((N, 3)), {}, DataError,
     "fit: x is nan at sample 9 (batch 2 in the order of the data), feature 1; 2 nan in all; fill "
     "them or leave the samples out"),
    ("mse", X, with_nan(np.zeros((N, 3)), (8, 0)), {}, DataError,
     "fit: y is nan at sample 8 (batch 2 in the order of the data), feature 0; 1 nan in all; fill "
     "them or leave the samples out"),
    ("mse", X, with_nan(np.zeros(N), 8), {}, DataError,
     "fit: y is nan at sample 8 (batch 2 in the order of the data); 1 nan in all; fill them or "
     "leave the samples out"),
    ("mse", np.where(np.arange(N)[:, None] == 9, -np.inf, X), np.zeros((N, 3)), {}, DataError,
     "fit: x is inf at sample 9 (batch 2 in the order of the data), feature 0; 3 inf in all; fill "
     "them or leave the samples out"),
    ("mse", X, np.where(np.arange(N)[:, None] == 9, np.inf, np.zeros((N, 3))), {}, DataError,
     "fit: y is inf at sample 9 (batch 2 in the order of the data), feature 0; 3 inf in all; fill "
     "them or leave the samples out"),
    *(("mse", X, Y, {name: value}, ConfigError,
       f"fit: {name} is {value!r}, need a whole number from 0 on")
      for name in ("epochs", "initial_epoch", "seed")
      for value in (float("nan"), 1.5, 2.0, -1, "3", True, float("inf"))),
    *(("mse", X, Y, {"shuffle": s}, ConfigError, f"fit: shuffle is {s!r}, need True or False")
      for s in ("batch", "no", 2, None)),
    ("cross_entropy", X, LABELS, {"class_weight": {7: 2.0}}, ConfigError,
     "fit: class_weight {7: 2.0}, but no sample is of class 7; the classes are 0, 1, 2"),
    *((loss, X, np.where(np.arange(N)[:, None] == 9, wrong, np.eye(3)[LABELS]), {}, DataError,
       f"fit: the soft label of sample 9 {text}")
      for loss in ("cross_entropy", nn.CrossEntropyLoss(), "categorical_crossentropy")
      for wrong, text in (
          ([0.5, 0.5, 0.5], "sums to 1.5, need 1; divide each row by its sum"),
          ([0.3, 0.3, 0.3], "sums to 0.9, need 1; divide each row by its sum"),
          ([1.5, -0.5, 0.0], "has an entry below 0"))),
    ("mse", X[:0], Y[:0], {}, ShapeError, "fit: x has no samples, need at least one"),
    ("mse", (), Y, {}, ShapeError, "fit: x has no samples, need at least one"),
    ("mse", X, Y[1:], {}, ShapeError, "fit: x has 11 samples, y has 10"),
    ("mse", X, Y, {"sample_weight": np.ones(3)}, ShapeError,
     "fit: x has 11 samples, sample_weight has 3"),
    ("mse", X, Y, {"sample_weight": np.ones((N, 1))}, ShapeError,
     "fit: sample_weight has shape (11, 1), need one number a sample"),
    ("mse", X, Y, {"batch_size": 12}, ShapeError,
     "fit: batch_size 12 is larger than the data (11 samples); write batch_size=11 or less"),
    ("mse", X, Y, {"batch_size": 9, "validation_split": 0.5}, ShapeError,
     "fit: batch_size 9 is larger than the data (5 samples); write batch_size=5 or less"),
    *(("mse", X, Y, {"batch_size": b}, ConfigError,
       f"fit: batch_size is {b!r}, need a positive integer") for b in (0, -1, 2.0, "8")),
    ("mse", X.astype(str), Y, {}, DTypeError, "fit: x has dtype <U32, expected numbers"),
    ("mse", X, [["a"]] * N, {}, DTypeError, "fit: y has dtype <U1, expected numbers"),
    ("mse", None, Y, {}, DTypeError, "fit: x has dtype object, expected numbers"),
    ("mse", X + 1j, Y, {}, DTypeError, "fit: x has dtype complex64, expected numbers"),
    ("mse", 3.0, Y, {}, ShapeError, "fit: x is a single number, expected one row per sample"),
    *(("mse", X, Y, {"validation_split": s}, ConfigError,
       f"fit: validation_split is {s}, which leaves {left} of 11 samples to train with; need a "
       "share between 0 and 1") for s, left in ((1.0, 0), (-0.5, 16), (2, -11), (0.95, 0))),
    ("mse", X, None, {"class_weight": {0: 1.0}}, ConfigError, "fit: class_weight needs targets y"),
    *(("cross_entropy", X, LABELS, {"class_weight": w}, ConfigError,
       f"fit: class_weight {w}, need class: number >= 0")
      for w in ({-1: 1.0}, {0: -1.0}, {0: float("nan")}, {0: float("inf")}, {0.5: 1.0})),
    ("mse", X, np.zeros((N, 3)), {"validation_data": (X, np.zeros((3, 3)))}, ShapeError,
     "fit: validation_data: x has 11 samples, y has 3"),
    ("mse", X, np.zeros((N, 3)), {"validation_data": (with_nan(X, (0, 0)), np.zeros((N, 3)))}, DataError,
     "fit: x is nan at sample 0 (batch 0 in the order of the data), feature 0; 1 nan in all; fill "
     "them or leave the samples out"),
]  # fmt: skip


@pytest.mark.parametrize("case", BAD_FIT, ids=lambda case: f"{case[4].__name__} {case[5][:40]}")
def test_bad_data_are_told_in_one_sentence_and_nothing_was_trained(case):
    loss, x, y, options, error, message = case
    model = small(3)
    model.compile("sgd", loss)
    before = weights(model)
    with pytest.raises(error) as caught:
        model.fit(x, y, **{"batch_size": 4, "shuffle": False} | options)
    assert str(caught.value) == message and complaint(message) == ""
    equal(before, weights(model))
    assert model._recipe.optimizer.param_groups[0]["updates"] == 0


# What is wrong here shows only in the last batch, or only to a metric or a weight; fit promises
# to tell before the first step.
LATE: dict[str, tuple[Any, ...]] = {
    "a label as a float": (
        "sparse_categorical_crossentropy", None, X, BAD_LABELS.astype(float), {},
    ),
    "half a label": (
        "sparse_categorical_crossentropy", None, X, np.where(np.arange(N) == 9, 0.5, LABELS), {},
    ),
    "-100, which only cross_entropy ignores": (
        "sparse_categorical_crossentropy", None, X, np.where(np.arange(N) == 9, -100, LABELS), {},
    ),
    "hinge of 2": ("hinge", None, X, np.where(np.arange(N) == 9, 2, np.ones((3, N))).T, {}),
    "a metric's labels": ("mse", ["accuracy"], X, np.full((N, 3), 0.5), {}),
    "a metric's shape": ("cross_entropy", ["mae"], X, LABELS, {}),
    "a weight of nan": ("cross_entropy", None, X, LABELS, {"sample_weight": with_nan(np.ones(N), 9)}),
    "a weight below 0": ("cross_entropy", ["accuracy"], X, LABELS,
                         {"sample_weight": np.where(np.arange(N) == 9, -1.0, 1.0)}),
    "labels nan with class_weight": ("cross_entropy", None, X, with_nan(LABELS.astype(float), 9),
                                     {"class_weight": {0: 2.0}}),
    "classes that are text": ("cross_entropy", None, X, LABELS, {"class_weight": {"0": 2.0}}),
    "class_weight as a list": ("cross_entropy", None, X, LABELS, {"class_weight": [1.0, 2.0]}),
    "class_weight of no classes": ("mse", None, X, np.repeat(Y, 3, 1), {"class_weight": {-1: 2.0}}),
    "no targets": ("mse", None, X, None, {}),
    "rows of different lengths": ("mse", None, [[1.0], [1.0, 2.0]], Y[:2], {"batch_size": 2}),
    "validation_split nan": ("mse", None, X, np.repeat(Y, 3, 1), {"validation_split": float("nan")}),
    "validation labels": ("cross_entropy", None, X, LABELS, {"validation_data": (X, BAD_LABELS)}),
    "validation features": ("cross_entropy", None, X, LABELS, {"validation_data": (X[:, :2], LABELS)}),
    "validation without targets": ("cross_entropy", None, X, LABELS, {"validation_data": (X,)}),
}  # fmt: skip


@pytest.mark.parametrize("case", LATE)
def test_bad_data_of_any_kind_are_a_typed_error_before_the_first_step(case):
    loss, given, x, y, options = LATE[case]
    last = nn.Softmax() if loss == "sparse_categorical_crossentropy" else nn.Identity()
    model = nn.Sequential(small(3), last)
    model.compile("sgd", loss, given)
    before = weights(model)
    with pytest.raises(MicrogradError):
        model.fit(x, y, **{"batch_size": 4, "shuffle": False} | options)
    equal(before, weights(model))


def test_classes_may_be_whole_floats_in_class_weight():
    ours, theirs = small(3), small(3)
    for model, table in ((ours, {1.0: 2.0}), (theirs, {np.int64(1): 2.0})):
        model.compile("sgd", "cross_entropy")
        model.fit(X, LABELS, 4, shuffle=False, class_weight=table)
    equal(weights(ours), weights(theirs))


def test_class_weight_does_not_count_from_the_end():
    """Labels -1 and 1, as for hinge: the weight of 1 is not also that of -1."""
    y = np.where(YES > 0, 1, -1)
    ours, theirs = small(), small()
    ours.compile("sgd", "hinge")
    theirs.compile("sgd", "hinge")
    try:
        ours.fit(X, y, 4, shuffle=False, class_weight={1: 2.0})
    except ConfigError:
        return  # refused is right too
    theirs.fit(X, y, 4, shuffle=False, sample_weight=np.where(y[:, 0] > 0, 2.0, 1.0))
    equal(weights(ours), weights(theirs))


LARGE = {
    "float16, whose sum is more than it can hold": np.full((N, 3), 60000, np.float16),
    "float32, likewise": np.full((N, 3), 3e38, np.float32) * np.array([1, 1, 0], np.float32),
}


@pytest.mark.parametrize("case", LARGE)
def test_the_search_for_nan_does_not_warn_of_large_numbers(case):
    class Constant(nn.Module):
        def __init__(self):
            self.p = nn.Parameter(np.zeros(1))

        def forward(self, x):
            return self.p * np.ones((len(x), 1))

    model = Constant()
    model.compile("sgd", "mse")
    model.fit(LARGE[case], Y)


@pytest.mark.parametrize(
    "call", ["fit", "evaluate", "train_on_batch"],
)  # fmt: skip
def test_before_compile_they_say_so(call):
    model = small()
    with pytest.raises(ConfigError) as error:
        getattr(model, call)(X, Y)
    assert str(error.value) == f"{call}: call compile(optimizer, loss) first"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adan", "mse"), "compile: no optimizer is called 'adan'; did you mean 'adam'?"),
        (("xyz", "mse"), "compile: no optimizer is called 'xyz'; use one of sgd, adam, adamw, "
         "rmsprop, adagrad, adadelta, adamax, nadam, radam, rprop"),
        ((3, "mse"), "compile: optimizer is a int; use a name such as 'adam', "
         "optim.Adam(model.parameters()) or a function of the parameters"),
        (("sgd", "mze"), "compile: no loss is called 'mze'; did you mean 'mse'?"),
        (("sgd", None), "compile: no loss; write loss='mse' or another"),
        (("sgd", "mse", ["acuracy"]), "compile: no metric is called 'acuracy'; did you mean 'accuracy'?"),
    ],
)  # fmt: skip
def test_what_compile_does_not_know(arguments, message):
    model = small()
    model.compile("sgd", "mse")
    before = model._recipe
    with pytest.raises(ConfigError) as error:
        model.compile(*arguments)
    assert str(error.value) == message and complaint(message) == ""
    assert model._recipe is before and model.optimizer is before.optimizer


def test_the_optimizer_of_another_model_is_refused():
    """It would train nothing."""
    model, other = small(), small()
    with pytest.raises(ConfigError):
        model.compile(optim.SGD(other.parameters(), lr=0.1), "mse")


@pytest.mark.parametrize("ema", [1, True, "0.9", 1.5, -0.1])
def test_an_average_without_sense_is_refused(ema):
    with pytest.raises(ConfigError):
        small().compile("sgd", "mse", ema=ema)


def test_a_wrong_number_of_features_is_told():
    model = small()
    model.compile("sgd", "mse")
    for call in (lambda: model.predict(X[:, :2]), lambda: model.evaluate(X[:, :2], Y), lambda: model.fit(X[:, :2], Y)):  # fmt: skip
        with pytest.raises(ShapeError) as error:
            call()
        assert re.fullmatch(
            r"Linear: input has shape \(\d+, 2\), expected \(.*3\)", str(error.value)
        )


@pytest.mark.parametrize("size", [0, -1, 2.5, "8"])
@pytest.mark.parametrize("call", ["predict", "evaluate"])
def test_a_batch_size_without_sense_is_told(call, size):
    model = small()
    model.compile("sgd", "mse")
    with pytest.raises(ConfigError):
        model.predict(X, size) if call == "predict" else model.evaluate(X, Y, size)


def test_every_loss_by_name_trains_without_a_warning():
    """The names of KERAS that are pairs of one function are covered by test_losses."""
    for name in KERAS:
        outputs, y = 3, np.eye(3, dtype=np.float32)[LABELS]
        model = nn.Sequential(small(outputs), nn.Softmax())
        if name.startswith("sparse"):
            y = LABELS
        model.compile("adam", name)
        history = model.fit(X, y, 4, 8, seed=0).history["loss"]
        assert history[-1] < history[0], name
        assert Loss(name).name in KERAS


@given(st.integers(1, 300), st.integers(0, 99), st.sampled_from(["f4", "f8", "f2"]))
@FEW
def test_soft_labels_that_were_only_rounded_are_taken(classes, seed, dtype):
    y = np.random.default_rng(seed).dirichlet(np.full(classes, 0.5), 4).astype(dtype)
    inputs.check_shares("fit", y, (1, classes))


@pytest.mark.parametrize("kind", ["model", "optimizer", "ema"])
def test_a_number_too_large_for_the_parameters_is_refused_and_nothing_changes(kind):
    model = small(3)
    model.compile(lambda params: optim.SGD(params, lr=0.125, momentum=0.5), "mse", ema=0.5)
    model.fit(X, np.zeros((N, 3)), 4, verbose=0)
    owner = {"model": model, "optimizer": model.optimizer, "ema": model._recipe.ema}[kind]
    state = owner.state_dict()
    part = {"model": state, "ema": state.get("shadow"), "optimizer": state.get("state", {}).get(0)}
    name = next(iter(part[kind]))
    part[kind][name] = part[kind][name].astype(float)
    part[kind][name].flat[0] = 1e300
    before = weights(model)
    with pytest.raises(ConfigError, match=f"{name} holds 1e\\+300, too large for float32"):
        owner.load_state_dict(state)
    equal(before, weights(model))


@pytest.mark.parametrize(
    "change",
    [{"updates": "x"}, {"updates": -1}, {"updates": 1.5}, {"shadow": None}, {"shadow": [1.0]},
     {"shadow": {"weight": "text"}}, {"decay": float("nan")}, {"decay": "0.5"}, {"decay": None}],
    ids=str,
)  # fmt: skip
def test_a_damaged_average_is_refused(change):
    average = optim.EMA(small(3), 0.5)
    before = average.state_dict()
    with pytest.raises(ConfigError, match=r"^EMA\.load_state_dict: "):
        average.load_state_dict(before | change)
    assert repr(average.state_dict()) == repr(before)
