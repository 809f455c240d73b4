"""A compiled step of training is the eager one: losses, parameters, buffers, memory, generators."""

import pickle
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnn as mg
from microgradnn import nn, optim
from microgradnn.errors import ConfigError, LabelError, TraceError

F = nn.functional
OPTIMIZERS: dict[str, Any] = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3, nesterov=True),
    "dampening": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.2, lr_in_velocity=True),
    "climbing": lambda p: optim.SGD(p, lr=0.1, maximize=True, weight_decay=0.1,
                                    decoupled_weight_decay=True),
    "adam": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.01),
    "adamw": optim.AdamW,
    "amsgrad": lambda p: optim.Adam(p, amsgrad=True, eps_hat=True),
    "rmsprop": lambda p: optim.RMSprop(p, centered=True, momentum=0.5, eps_inside=True),
    "adagrad": lambda p: optim.Adagrad(p, lr_decay=0.1),
    "adadelta": optim.Adadelta,
    "adamax": optim.Adamax,
    "nadam": optim.NAdam,
    "radam": optim.RAdam,
    "rprop": optim.Rprop,
    "clipvalue": lambda p: optim.SGD(p, lr=0.1, clipvalue=0.01),
    "clipnorm": lambda p: optim.SGD(p, lr=0.1, clipnorm=0.1),
    "global_clipnorm": lambda p: optim.Adam(p, lr=0.1, global_clipnorm=0.1),
    "schedule": lambda p: optim.SGD(p, lr=optim.schedules.ExponentialDecay(0.1, 2, 0.5)),
}  # fmt: skip


def model(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 5, rng=rng), nn.BatchNorm1d(5), nn.ReLU(), nn.Dropout(0.3, rng=rng),
        nn.Linear(5, 3, rng=rng, kernel_regularizer=nn.L2(0.01)),
    )  # fmt: skip


def all_state(net: Any, optimizer: Any) -> Any:
    arrays = {k: v.tobytes() for k, v in net.state_dict().items()}
    return (
        arrays,
        repr(optimizer.state_dict()),
        [g.bit_generator.state for _, g in net.named_generators()],
    )


def eager_step(net: Any, loss: Any, optimizer: Any, *batch: Any) -> float:
    *inputs, target = batch
    total = loss(net(*inputs), target)
    if any(vars(m).get("kernel_regularizer") for m in net.modules()):
        total = total + net.penalty()
    optimizer.zero_grad()
    total.backward()
    optimizer.step()
    return float(total.item())


def both(make: Any, loss: Any, optimizer: Any, batches: Any) -> Any:
    """The compiled step, after it did what eager steps did."""
    a, b = make(), make()
    of_a, of_b = optimizer(a.parameters()), optimizer(b.parameters())
    step = mg.compile(b, loss=loss, optimizer=of_b)
    for batch in batches:
        assert step(*batch) == eager_step(a, loss, of_a, *batch)
        assert all_state(a, of_a) == all_state(b, of_b)
    return step


def batches(n: int, size: int = 6, seed: int = 1) -> Any:
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=(size, 2)).astype(np.float32), rng.integers(0, 3, size)) for _ in range(n)
    ]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser(name: str) -> None:
    both(model, F.cross_entropy, OPTIMIZERS[name], [*batches(6), *batches(1, 4)])


LAYERS = [
    lambda n, rng: nn.Linear(n, n, rng=rng), lambda n, rng: nn.Tanh(), lambda n, rng: nn.ReLU(),
    lambda n, rng: nn.Sigmoid(), lambda n, rng: nn.GELU(), lambda n, rng: nn.LayerNorm(n),
    lambda n, rng: nn.BatchNorm1d(n), lambda n, rng: nn.Dropout(0.4, rng=rng),
    lambda n, rng: nn.Linear(n, n, bias=False, rng=rng, kernel_regularizer=nn.L1(0.1)),
    lambda n, rng: nn.Softplus(), lambda n, rng: nn.LeakyReLU(0.2), lambda n, rng: nn.ELU(),
]  # fmt: skip
LOSSES: list[Any] = [
    (F.mse_loss, lambda rng, y: rng.normal(size=y).astype(np.float32)),
    (nn.CrossEntropyLoss(), lambda rng, y: rng.integers(0, y[1], y[0])),
    (F.binary_cross_entropy_with_logits, lambda rng, y: rng.integers(0, 2, y).astype(np.float32)),
    (nn.HuberLoss(delta=0.3), lambda rng, y: rng.normal(size=y).astype(np.float32)),
]


@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(range(len(LAYERS))), min_size=1, max_size=5),
    st.sampled_from(range(len(LOSSES))),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.integers(0, 1000),
)
def test_random_models(layers: Any, loss: int, optimizer: str, seed: int) -> None:
    function, target = LOSSES[loss]
    rng = np.random.default_rng(seed)

    def make() -> Any:
        own = np.random.default_rng(seed)
        inner = [LAYERS[i](3, own) for i in layers]
        return nn.Sequential(nn.Linear(2, 3, rng=own), *inner, nn.Linear(3, 2, rng=own))

    data = [(rng.normal(size=(5, 2)).astype(np.float32), target(rng, (5, 2))) for _ in range(4)]
    both(make, function, OPTIMIZERS[optimizer], data)


def conv() -> Any:
    rng = np.random.default_rng(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 3, rng=rng),
    )


def test_a_conv_net() -> None:
    rng = np.random.default_rng(0)
    data = [
        (rng.normal(size=(4, 1, 6, 6)).astype(np.float32), rng.integers(0, 3, 4)) for _ in range(3)
    ]
    both(conv, F.cross_entropy, OPTIMIZERS["momentum"], data)


def test_modes_frozen_layers_and_rates_are_seen() -> None:
    a, b = model(), model()
    of_a, of_b = optim.SGD(a.parameters(), lr=0.1), optim.SGD(b.parameters(), lr=0.1)
    step = mg.compile(b, loss=F.cross_entropy, optimizer=of_b)

    def same(x: Any, t: Any) -> None:
        assert step(x, t) == eager_step(a, F.cross_entropy, of_a, x, t)
        assert all_state(a, of_a) == all_state(b, of_b)

    data = batches(8)
    same(*data[0])
    a.eval(), b.eval()
    same(*data[1])
    a.train(), b.train()
    same(*data[2])
    of_a.lr = of_b.lr = 0.03
    same(*data[3])
    a[0].requires_grad_(False), b[0].requires_grad_(False)
    same(*data[4])
    a[3].p = b[3].p = 0.7
    same(*data[5])
    for net in (a, b):
        net.load_state_dict(model(5).state_dict())
    same(*data[6])


def test_bad_data_changes_nothing() -> None:
    net = model()
    optimizer = optim.Adam(net.parameters())
    step = mg.compile(net, loss=F.cross_entropy, optimizer=optimizer)
    (x, t), *_ = batches(1)
    step(x, t), step(x, t)
    before = all_state(net, optimizer)
    with pytest.raises(LabelError):
        step(x, t + 9)
    assert all_state(net, optimizer) == before


def test_gradients_of_zero_under_clipping_are_computed_eagerly() -> None:
    def dead() -> Any:
        net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        for p in net.parameters():
            p.data = -np.ones_like(p.data)
        return net

    data = [(np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32))] * 2
    both(dead, F.mse_loss, OPTIMIZERS["clipnorm"], data)
    alive = [(-np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32))] * 2
    both(dead, F.mse_loss, OPTIMIZERS["clipnorm"], [*alive, *data, *alive])


def test_ema_follows() -> None:
    a, b = model(), model()
    of_a, of_b = optim.SGD(a.parameters(), lr=0.1), optim.SGD(b.parameters(), lr=0.1)
    ema_a, ema_b = optim.EMA(a, 0.9), optim.EMA(b, 0.9)
    step = mg.compile(b, loss=F.cross_entropy, optimizer=of_b, ema=ema_b)
    for x, t in batches(3):
        eager_step(a, F.cross_entropy, of_a, x, t)
        ema_a.update()
        step(x, t)
    assert all(np.array_equal(ema_a.shadow[k], ema_b.shadow[k]) for k in ema_a.shadow)


def test_the_text_alone_trains() -> None:
    net = nn.MLP(2, [3, 1], "tanh", rng=np.random.default_rng(0))
    optimizer = optim.SGD(net.parameters(), lr=0.5)
    step = mg.compile(net, loss=F.mse_loss, optimizer=optimizer)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    t = np.array([[0], [1], [1], [0]], np.float32)
    W1, b1, W2, b2 = (p.data.copy() for p in net.parameters())
    losses = [step(x, t) for _ in range(5)]
    space: dict[str, Any] = {}
    exec(step.source, space)
    alone = [space["training_step"](x, t, W1, b1, W2, b2, 0.5) for _ in range(5)]
    assert losses == [float(v) for v in alone]
    assert all(
        np.array_equal(p.data, w) for p, w in zip(net.parameters(), (W1, b1, W2, b2), strict=True)
    )


def test_what_is_refused() -> None:
    net = nn.Linear(2, 1)
    other = nn.Linear(2, 1)
    with pytest.raises(ConfigError, match="a step of training needs a model, loss="):
        mg.compile(net, loss=F.mse_loss)  # type: ignore[call-overload]
    step = mg.compile(net, loss=F.mse_loss, optimizer=optim.SGD(other.parameters(), lr=0.1))
    with pytest.raises(ConfigError, match="the optimiser has a parameter that the model has not"):
        step(np.ones((1, 2), np.float32), np.ones((1, 1), np.float32))
    with pytest.raises(ConfigError, match=r"as in step\(x, target\), got 1 argument"):
        step(np.ones((1, 2), np.float32))
    step = mg.compile(net, loss=F.mse_loss, optimizer=optim.SGD(net.parameters(), lr=0.1))
    assert step([[1.0, 2.0]], [[0.0]]) > step([[1.0, 2.0]], [[0.0]])
    with pytest.raises(TraceError, match="a compiled step belongs to its process"):
        pickle.dumps(step)


# ---- planned memory ------------------------------------------------------------------------------


def test_a_step_allocates_nothing() -> None:
    net = nn.MLP(20, [64, 10], "sigmoid", dtype=np.float64, rng=np.random.default_rng(0))
    optimizer = optim.Adam(net.parameters())
    step = mg.compile(net, loss=F.mse_loss, optimizer=optimizer)
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(4000, 20)), rng.normal(size=(4000, 10))
    for _ in range(5):
        step(x, t)
    tracemalloc.start()
    try:
        step(x, t)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(50):
            step(x, t)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # One hidden layer is 2 048 000 bytes; NumPy takes 8192 numbers to broadcast a bias.
    assert peak - before < 100_000
    assert after - before < 2_000


def test_arrays_that_are_replaced_by_equal_ones_are_seen() -> None:
    a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    b.load_state_dict(a.state_dict())
    of_a, of_b = (optim.SGD(net.parameters(), lr=0.1, momentum=0.9) for net in (a, b))
    step = mg.compile(b, loss=F.mse_loss, optimizer=of_b)
    x, t = np.ones((3, 1), np.float32), np.zeros((3, 1), np.float32)
    for k in range(8):
        assert step(x, t) == eager_step(a, F.mse_loss, of_a, x, t)
        assert all_state(a, of_a) == all_state(b, of_b)
        if k == 3:
            for p in (*a.parameters(), *b.parameters()):
                p.data = p.data.copy()
        if k == 4:
            of_a.load_state_dict(of_a.state_dict()), of_b.load_state_dict(of_b.state_dict())
        if k == 5:
            a.weight, b.weight = nn.Parameter(a.weight.data * 2), nn.Parameter(b.weight.data * 2)
            of_a.param_groups[0]["params"][0], of_b.param_groups[0]["params"][0] = (
                a.weight,
                b.weight,
            )


def test_graphs_of_before_the_step_are_refused() -> None:
    net = nn.Linear(2, 1)
    step = mg.compile(net, loss=F.mse_loss, optimizer=optim.SGD(net.parameters(), lr=0.1))
    x, t = np.ones((3, 2), np.float32), np.zeros((3, 1), np.float32)
    step(x, t), step(x, t)
    old = (net(x) * net(x)).sum()
    step(x, t)
    with pytest.raises(mg.errors.GradientError, match="was changed after it was used"):
        old.backward()


def test_hooks_and_no_grad_are_honoured() -> None:
    net = nn.Linear(2, 1)
    step = mg.compile(net, loss=F.mse_loss, optimizer=optim.SGD(net.parameters(), lr=0.1))
    x, t = np.ones((3, 2), np.float32), np.ones((3, 1), np.float32)
    step(x, t)
    before = net.weight.data.copy()
    remove = net.weight.register_hook(lambda g: g * 0)
    step(x, t)
    assert np.array_equal(net.weight.data, before)
    remove()
    seen: list[Any] = []
    net.register_forward_hook(lambda module, args, out: seen.append(out.shape))
    step(x, t)
    assert seen == [(3, 1)] and not np.array_equal(net.weight.data, before)
    with mg.no_grad(), pytest.raises(mg.errors.GradientError):
        step(x, t)


def test_memory_is_flat_over_ten_thousand_steps() -> None:
    net = nn.Linear(2, 1)
    step = mg.compile(net, loss=F.mse_loss, optimizer=optim.SGD(net.parameters(), lr=1e-3))
    x, t = np.ones((3, 2), np.float32), np.ones((3, 1), np.float32)
    for _ in range(10):
        step(x, t)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(10_000):
            step(x, t)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10_000


def test_two_threads_train_two_models() -> None:
    made = [model(k) for k in range(4)]
    twins = [model(k) for k in range(4)]
    wrong: list[int] = []

    def run(k: int) -> None:
        optimizer = optim.Adam(made[k].parameters())
        step = mg.compile(made[k], loss=F.cross_entropy, optimizer=optimizer)
        of_twin = optim.Adam(twins[k].parameters())
        for x, t in batches(5, seed=k):
            if step(x, t) != eager_step(twins[k], F.cross_entropy, of_twin, x, t):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
