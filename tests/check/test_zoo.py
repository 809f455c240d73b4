"""The zoo is what it says: right entries agree with PyTorch and differences, wrong ones do not."""

import inspect
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.check.zoo import BY_NAME, KINDS, RIGHT, WRONG, Entry, Inputs
from tests.check.zoo.entry import assign

SEEDS = range(3)


def each(entries):
    return pytest.mark.parametrize("entry", entries, ids=lambda entry: entry.name)


def cotangents(outs, rng):
    """One of each output's shape; a loss's is a number."""
    return [rng.standard_normal(out.shape) if np.ndim(out) else rng.normal() for out in outs]


def drawn(entry: Entry, seed: int):
    """Inputs and cotangents."""
    rng = np.random.default_rng(seed)
    inputs = entry.make_inputs(rng)
    return inputs, cotangents(entry.run(fresh(inputs)).outs, rng)


def fresh(inputs: Inputs) -> Inputs:
    return inputs.replaced([a.copy() for a in inputs.arrays()])


def grads(entry: Entry, inputs: Inputs, douts):
    douts = [d.copy() if np.ndim(d) else d for d in douts]
    return entry.run(fresh(inputs)).pull(*douts)


def assert_close(got, true, rtol=1e-9):
    assert len(got) == len(true)
    for g, t in zip(got, true, strict=True):
        assert np.shape(g) == np.shape(t)
        np.testing.assert_allclose(g, t, rtol=rtol, atol=rtol * max(1, np.abs(t).max()))


# ---- other sources of right gradients ------------------------------------------------------------


def differences(entry: Entry, inputs: Inputs, douts):
    """Ridders: central differences at two steps, extrapolated."""

    def value(arrays):
        outs = entry.run(inputs.replaced(arrays)).outs
        return sum(np.sum(d * out) for d, out in zip(douts, outs, strict=True))

    def slope(k, index):
        table = []
        for h in (4e-4, 2e-4):
            ends = []
            for sign in (1, -1):
                arrays = [a.copy() for a in inputs.arrays()]
                arrays[k][index] += sign * h
                ends.append(value(arrays))
            row = [(ends[0] - ends[1]) / (2 * h)]
            for i, left in enumerate(table):
                row.append(row[-1] + (row[-1] - left) / (4 ** (i + 1) - 1))
            table = row
        return table[-1]

    return [
        np.array([slope(k, i) for i in np.ndindex(a.shape)]).reshape(a.shape)
        for k, a in enumerate(inputs.arrays())
    ]


def norm(x, gamma, beta, dims, eps):
    mean, var = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps) * gamma + beta


def rnn(x, h, Wx, Wh, b):
    hs = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ Wx + h @ Wh + b)
        hs.append(h)
    return torch.stack(hs, 1)


def lstm_step(x, h, c, Wx, Wh, b):
    i, f, o, g = (x @ Wx + h @ Wh + b).chunk(4, 1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def lstm(x, h, Wx, Wh, b):
    c, hs = torch.zeros_like(h), []
    for t in range(x.shape[1]):
        h, c = lstm_step(x[:, t], h, c, Wx, Wh, b)
        hs.append(h)
    return torch.stack(hs, 1)


def vanilla_rnn(x, Wxh, Whh, Why):
    zeros = torch.zeros(1, len(Whh), dtype=x.dtype), torch.zeros(len(Whh), dtype=x.dtype)
    return rnn(x[None], zeros[0], Wxh.T, Whh.T, zeros[1])[0] @ Why.T


def gru_step(x, h, p):
    p = {name: torch.as_tensor(w) for name, w in p.items()}
    z, r = (torch.sigmoid(x @ p["W" + k] + h @ p["U" + k]) for k in "zr")
    n = torch.tanh(x @ p["Wn"] + (r * h) @ p["Un"])
    return (1 - z) * n + z * h


def dropout(x, param):
    keep = np.random.default_rng(param["seed"]).random(tuple(x.shape)) < param["p"]
    return x * torch.tensor(keep) / param["p"]


def captions(x, y, mask):
    each_loss = F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="none")
    return (each_loss * mask.flatten()).sum() / len(x)


def self_attention(x, Wq, Wk, Wv):
    return F.scaled_dot_product_attention(x @ Wq, x @ Wk, x @ Wv, is_causal=True)


def two_layer_net(x, y, W1, b1, W2, b2):
    scores = (x @ W1 + b1).relu() @ W2 + b2
    return F.cross_entropy(scores, y) + 0.15 * ((W1**2).sum() + (W2**2).sum())


TORCH = {
    "affine": lambda x, w, b: x.flatten(1) @ w + b,
    "linear": lambda x, w, b: x @ w.T + b,
    "columns": lambda a, w, b: w @ a + b,
    "add": torch.add,
    "scale_shift": lambda x, g, b: x * g[:, None, None] + b[:, None, None],
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "prelu": lambda x, a: F.prelu(x, a),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "elu": F.elu,
    "gelu": lambda x: F.gelu(x, approximate="tanh"),
    "swish": F.silu,
    "softmax": lambda x: x.softmax(1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "logsumexp": lambda x: x.logsumexp(1),
    "softmax_loss": F.cross_entropy,
    "cross_entropy": F.cross_entropy,
    "temporal_softmax_loss": captions,
    "svm_loss": lambda x, y: x.shape[1] * F.multi_margin_loss(x, y),
    "linear_svm_loss": lambda W, X, y, reg: (
        W.shape[1] * F.multi_margin_loss(X @ W, y) + reg * (W**2).sum()
    ),
    "mse_loss": F.mse_loss,
    "mse": lambda a, b: ((a - b) ** 2).sum() / (2 * len(a)),
    "huber": lambda a, b, delta: F.huber_loss(a, b, delta=delta),
    "bce_logits_loss": lambda x, y: F.binary_cross_entropy_with_logits(x, y.double()),
    "bce": lambda p, y: F.binary_cross_entropy(p, y.double()),
    "batchnorm": lambda x, g, b, _: norm(x, g, b, 0, 1e-3),
    "batchnorm_layer": lambda x, g, b: norm(x, g, b, 0, 1e-5),
    "batchnorm_eval": lambda x, g, b, s: F.batch_norm(
        x, torch.tensor(s["mean"]), torch.tensor(s["var"]), g, b, eps=s["eps"]
    ),
    "spatial_batchnorm": lambda x, g, b, _: F.batch_norm(x, None, None, g, b, training=True),
    "layernorm": lambda x, g, b, p: F.layer_norm(x, x.shape[1:], g, b, p["eps"]),
    "layernorm_last": lambda x, g, b: F.layer_norm(x, x.shape[2:], g, b),
    "groupnorm": lambda x, g, b, G, p: F.group_norm(x, G, g.flatten(), b.flatten(), p["eps"]),
    "standardize": lambda x: (x - x.mean()) / x.std(correction=0),
    "l2_normalize": lambda x: x / torch.sqrt((x**2).sum(1, keepdim=True) + 1e-6),
    "dropout": dropout,
    "dropout_mask": lambda x, p: x * torch.tensor(p["mask"]) / 0.7,
    "conv_naive": lambda x, w, b, p: F.conv2d(x, w, b, p["stride"], p["pad"]),
    "conv_im2col": F.conv2d,
    "conv1d": lambda x, k: F.conv1d(x[None, None], k[None, None])[0, 0],
    "max_pool_naive": lambda x, p: F.max_pool2d(x, p["pool_height"], p["stride"]),
    "max_pool_reshape": lambda x: F.max_pool2d(x, 2),
    "avg_pool": F.avg_pool2d,
    "global_avg_pool": lambda x: x.mean((2, 3)),
    "max_rows": lambda x: x.amax(1),
    "rnn_step": lambda x, h, Wx, Wh, b: rnn(x[:, None], h, Wx, Wh, b)[:, 0],
    "rnn": rnn,
    "vanilla_rnn": vanilla_rnn,
    "lstm_step": lstm_step,
    "lstm": lstm,
    "gru_step": gru_step,
    "word_embedding": F.embedding,
    "embedding_loop": lambda words, w: F.embedding(torch.tensor(words), w),
    "attention": F.scaled_dot_product_attention,
    "self_attention": self_attention,
    "cosine": F.cosine_similarity,
    "bilinear": lambda x, W, y: (x @ W * y).sum(1),
    "quadratic": lambda x, A: x @ A @ x,
    "cumsum": lambda x: x.cumsum(1),
    "outer": torch.outer,
    "matmul": torch.matmul,
    "polynomial": lambda x: x**3 - 2 * x**2 + x / 3,
    "affine_relu": lambda x, w, b: (x.flatten(1) @ w + b).relu(),
    "residual": lambda x, w, b, v, c: x + (x @ w + b).relu() @ v + c,
    "shared": lambda x, W: torch.tanh(torch.tanh(x @ W) @ W),
    "small_network": lambda x, w, b, v, c: torch.sigmoid((x @ w + b).relu() @ v + c),
    "two_layer_net": two_layer_net,
}


def from_torch(entry: Entry, inputs: Inputs, douts):
    """PyTorch's outputs and gradients, in float64."""
    args = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in inputs.args]
    params = [torch.tensor(p, requires_grad=True) for p in inputs.params.values()]
    leaves = [args[i].requires_grad_() for i in inputs.wrt] + params
    outs = TORCH[entry.layer](*args, *params)
    outs = outs if isinstance(outs, tuple) else (outs,)
    seeds = [torch.as_tensor(d, dtype=torch.float64) for d in douts]
    return [o.detach().numpy() for o in outs], [
        g.numpy() for g in torch.autograd.grad(outs, leaves, seeds)
    ]


# ---- right entries -------------------------------------------------------------------------------


@each(RIGHT)
def test_right_entries_agree_with_torch(entry):
    for seed in SEEDS:
        inputs, douts = drawn(entry, seed)
        outs, true = from_torch(entry, inputs, douts)
        assert_close(entry.run(fresh(inputs)).outs, outs, 1e-12)
        assert_close(grads(entry, inputs, douts), true, 1e-11)


@each(RIGHT)
def test_right_entries_agree_with_differences(entry):
    inputs, douts = drawn(entry, 1)
    assert_close(grads(entry, inputs, douts), differences(entry, inputs, douts), 1e-7)


@each(RIGHT)
def test_right_entries_keep_the_contract(entry):
    inputs, douts = drawn(entry, 2)
    true = grads(entry, inputs, douts)
    assert not mutates_cotangent(entry, inputs, douts, true)
    assert not mutates_input(entry, inputs, douts, true)
    assert not aliases(entry, inputs, douts, true)
    assert not random_forward(entry, inputs, douts, true)
    assert not random_backward(entry, inputs, douts, true)
    assert not stale(entry, inputs, douts, true)
    assert not strided(entry, inputs, douts, true)
    if entry.style == "layer":
        assert not second_forward(entry, inputs, douts, true)
    if entry.name != "Accumulating":
        assert not not_idempotent(entry, inputs, douts, true)


# ---- wrong entries -------------------------------------------------------------------------------
# What an entry's `shows` says must hold of it; true are the right entry's gradients.


def differ(got, true, rtol=1e-7):
    """Finite values of the right shapes, and not those of true."""
    same_shapes = all(np.shape(g) == np.shape(t) for g, t in zip(got, true, strict=True))
    finite = all(np.isfinite(g).all() for g in got)
    return same_shapes and finite and far(got, true, rtol)


def far(got, true, rtol=1e-7):
    pairs = zip(got, true, strict=True)
    return any(np.abs(g - t).max() > rtol * max(1e-3, np.abs(t).max()) for g, t in pairs)


def right_at_first(check):
    """Of entries whose gradients are right: only the contract is broken."""

    def both(entry, inputs, douts, true):
        assert_close(grads(entry, inputs, douts), true)
        return check(entry, inputs, douts, true)

    return both


def value(entry, inputs, douts, true):
    return differ(grads(entry, inputs, douts), true)


def shape(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return len(got) == len(true) and [np.shape(g) for g in got] != [t.shape for t in true]


def count(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return len(got) != len(true) or any(g is None for g in got)


def float32(entry, inputs, douts, true):
    got = grads(entry, inputs, douts)
    return differ(got, true, 1e-10) and not differ(got, true, 1e-5)


def nan(entry, inputs, douts, true):
    with np.errstate(all="ignore"):
        got = grads(entry, inputs, douts)
    return not all(np.isfinite(g).all() for g in got)


def large(entry, inputs, douts, true):
    """Right for small cotangents, wrong for large ones."""
    small, big = ([factor * d for d in douts] for factor in (1e-3, 1e3))
    assert not far(grads(entry, inputs, small), [1e-3 * t for t in true])
    return differ(grads(entry, inputs, big), [1e3 * t for t in true])


def raises(entry, inputs, douts, true):
    try:
        grads(entry, inputs, douts)
    except (ValueError, IndexError):
        return True
    return False


def forward(entry, inputs, douts, true):
    """Another function than the right entry's, and the gradients are not of this one."""
    outs, base = (e.run(fresh(inputs)).outs for e in (entry, BY_NAME[entry.of]))
    own = differences(entry, inputs, douts)
    return far(outs, base) and differ(grads(entry, inputs, douts), own, 1e-5)


@right_at_first
def mutates_cotangent(entry, inputs, douts, true):
    given = [np.array(d) for d in douts]
    entry.run(fresh(inputs)).pull(*given)
    return far(given, douts, 0)


@right_at_first
def mutates_input(entry, inputs, douts, true):
    given = fresh(inputs)
    entry.run(given).pull(*douts)
    return far(given.arrays(), inputs.arrays(), 0)


@right_at_first
def aliases(entry, inputs, douts, true):
    given = fresh(inputs)
    held = [*given.arrays(), *douts]
    got = entry.run(given).pull(*douts)
    if entry.style == "net":
        return False
    return any(np.shares_memory(g, h) for g in got for h in held)


def random_forward(entry, inputs, douts, true):
    return far(*(entry.run(fresh(inputs)).outs for _ in range(2)))


def random_backward(entry, inputs, douts, true):
    same = not random_forward(entry, inputs, douts, true)
    return same and far(*(grads(entry, inputs, douts) for _ in range(2)))


@right_at_first
def not_idempotent(entry, inputs, douts, true):
    run = entry.run(fresh(inputs))
    first = [np.array(g) for g in run.pull(*douts)]
    try:
        return far(run.pull(*douts), first)
    except IndexError:  # what the first one needed is gone
        return True


@right_at_first
def overwrites(entry, inputs, douts, true):
    """The gradients of parameters are to add up; the right entry's do."""
    twice = []
    for e in (entry, BY_NAME[entry.of]):
        run = e.run(fresh(inputs))
        run.pull(*douts)
        twice.append(run.pull(*douts))
    return far(*twice)


@right_at_first
def stale(entry, inputs, douts, true):
    """The backward of a call after another call."""
    run = entry.run(fresh(inputs))
    entry.run(inputs.replaced([1 - a for a in inputs.arrays()]))
    return far(run.pull(*douts), true)


@right_at_first
def second_forward(entry, inputs, douts, true):
    """An object's second forward and backward."""
    run = entry.run(inputs.replaced([-a for a in inputs.arrays()]))
    for path, array in fresh(inputs).params.items():
        assign(run.thing, path, array)
    run.thing.forward(*fresh(inputs).args)
    return far(run.pull(*douts), true)


@right_at_first
def strided(entry, inputs, douts, true):
    """The same cotangent in another order of memory."""
    given = [np.array(d, order="F") for d in douts]
    try:
        return far(entry.run(fresh(inputs)).pull(*given), true)
    except ValueError:
        return True


SHOWS = {
    "value": value,
    "shape": shape,
    "count": count,
    "float32": float32,
    "nan": nan,
    "large": large,
    "raises": raises,
    "forward": forward,
    "mutates cotangent": mutates_cotangent,
    "mutates input": mutates_input,
    "aliases": aliases,
    "random forward": random_forward,
    "random backward": random_backward,
    "not idempotent": not_idempotent,
    "overwrites": overwrites,
    "stale": stale,
    "second forward": second_forward,
    "strided": strided,
}


@each(WRONG)
def test_wrong_entries_are_wrong_as_they_say(entry):
    base = BY_NAME[entry.of]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        inputs = entry.make_inputs(rng)
        outs = base.run(fresh(inputs)).outs
        douts = cotangents(outs, rng)
        true = grads(base, inputs, douts)
        assert all(np.isfinite(t).all() for t in true)
        if entry.shows not in ("forward", "random forward"):
            assert_close(entry.run(fresh(inputs)).outs, outs, 1e-12)
        assert SHOWS[entry.shows](entry, inputs, douts, true)


@each(WRONG)
def test_wrong_entries_say_what_is_wrong(entry):
    base = BY_NAME[entry.of]
    assert entry.kind in KINDS and entry.what.endswith(".")
    if entry.build is base.build:
        parts = [(entry.forward, base.forward), (entry.backward, base.backward)]
        changed = [ours for ours, theirs in parts if ours is not theirs]
    else:
        changed = [entry.build.func if isinstance(entry.build, partial) else entry.build]
    lines = [line.strip() for part in changed for line in inspect.getsource(part).split("\n")]
    assert lines.count(entry.line) == 1


def test_the_zoo_is_large_and_names_are_its_own():
    names = [entry.name for entry in RIGHT + WRONG]
    assert len(set(names)) == len(names)
    assert len(RIGHT) >= 45 and len(WRONG) >= 60
