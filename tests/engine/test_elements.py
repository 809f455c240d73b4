"""Value as the element of NumPy arrays: code written for arrays of floats, run unchanged on Values.

The programs are the forward passes of tests/check/zoo and those below, in the styles that courses
and blogs teach; none was changed to run here. Each gradient is compared with torch's, and both with
balls: the same program runs once more on Values
that hold balls. In balls of 200 bits it gives the right gradient, and in balls of 50 bits the radius
bounds the rounding of doubles on the way, with three bits for functions that are off by 4 ulps.

Then programs of micrograd, run with the import alone changed, and what a Value answers to mistakes.
"""

import inspect
import itertools
import math
import operator
import random
import types
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import micrograd.engine
import micrograd.nn
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flint import arb

import microgradnn as mg
from microgradnn import Value, scalar
from microgradnn.engine.op import UFUNCS, Op
from microgradnn.errors import GradientError

from ..check.zoo import RIGHT, Entry, right
from ..check.zoo.in_torch import from_torch
from ..strategies import TABLE, signed

# ruff: noqa: N803, N806  (names as in the programs' sources)


# ---- layers, as in cs231n -----------------------------------------------------------------------


def layernorm_forward(x, gamma, beta):
    mean = x.mean(axis=-1, keepdims=True)
    std = x.std(axis=-1, keepdims=True)
    return gamma * (x - mean) / (std + 1e-6) + beta


def conv_forward_naive(x, w, b):
    stride, pad = 2, 1
    N, C, H, W = x.shape
    F_, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    out = np.zeros_like(x, shape=(N, F_, H_out, W_out))
    for n in range(N):
        for f in range(F_):
            for i in range(H_out):
                for j in range(W_out):
                    window = x_pad[n, :, i * stride : i * stride + HH, j * stride : j * stride + WW]
                    out[n, f, i, j] = np.sum(window * w[f]) + b[f]
    return out


def conv_im2col(x, w):
    N, C, H, W = x.shape
    k = w.shape[-1]
    i0 = np.tile(np.repeat(np.arange(k), k), C)
    i1 = np.repeat(np.arange(H - k + 1), W - k + 1)
    j0 = np.tile(np.arange(k), k * C)
    j1 = np.tile(np.arange(W - k + 1), H - k + 1)
    i = i0.reshape(-1, 1) + i1.reshape(1, -1)
    j = j0.reshape(-1, 1) + j1.reshape(1, -1)
    d = np.repeat(np.arange(C), k * k).reshape(-1, 1)
    cols = x[:, d, i, j].transpose(1, 2, 0).reshape(k * k * C, -1)
    out = w.reshape(w.shape[0], -1) @ cols
    return out.reshape(w.shape[0], H - k + 1, W - k + 1, N).transpose(3, 0, 1, 2)


def max_pool_naive(x):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // 2, W // 2), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            for i in range(H // 2):
                for j in range(W // 2):
                    out[n, c, i, j] = np.max(x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    return out


# ---- losses -------------------------------------------------------------------------------------

y4 = np.array([0, 2, 1, 2])


def cross_entropy_of_one_hot(x):
    p, _ = right.softmax_forward(x)
    t = np.eye(3)[y4]
    return -np.mean(np.sum(t * np.log(p + 1e-12), axis=1))


def svm_loss_naive(W, X):
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            if j == y4[i]:
                continue
            margin = scores[j] - scores[y4[i]] + 1
            if margin > 0:
                loss += margin
    return loss / X.shape[0] + 0.05 * np.sum(W * W)


def logistic_regression(X, w):
    t = np.array([0, 1, 1, 0])
    p = 1 / (1 + np.exp(-X @ w))
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def kl_of_gaussians(mu, logvar):
    return -0.5 * np.sum(1 + logvar - np.square(mu) - np.exp(logvar), axis=-1)


def distances_without_loops(X, Y):
    return np.sqrt(
        np.sum(X**2, axis=1).reshape(-1, 1) + np.sum(Y**2, axis=1) - 2 * X.dot(Y.T) + 1.0
    )


def info_nce(a, b):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    sim = a @ b.T / 0.5
    return np.mean(np.log(np.exp(sim).sum(axis=1)) - np.diag(sim))


def total_variation(img):
    w = np.sum(np.power(img[:, :-1] - img[:, 1:], 2))
    h = np.sum((img[:-1] - img[1:]) ** 2)
    return w + h


def gram_matrix(features):
    C, H, W = features.shape
    f = features.reshape(C, H * W)
    return np.matmul(f, f.T) / (C * H * W)


# ---- sequences ----------------------------------------------------------------------------------


def sigmoid_stable(x):
    pos_mask = x >= 0
    neg_mask = x < 0
    z = np.zeros_like(x)
    z[pos_mask] = np.exp(-x[pos_mask])
    z[neg_mask] = np.exp(x[neg_mask])
    top = np.ones_like(x)
    top[neg_mask] = z[neg_mask]
    return top / (1 + z)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H), dtype=x.dtype)
    prev = h0
    for t in range(T):
        prev = np.tanh(x[:, t, :].dot(Wx) + prev.dot(Wh) + b)
        h[:, t, :] = prev
    return h


def gru_step(x, h, W, U):
    z, r, n = np.split(x @ W, 3, axis=1)
    uz, ur, un = np.split(h @ U, 3, axis=1)
    z, r = right.sigmoid(z + uz), right.sigmoid(r + ur)
    n = np.tanh(n + r * un)
    return (1 - z) * n + z * h


def causal_attention_einsum(q, k, v):
    T = q.shape[1]
    s = np.einsum("bqd,bkd->bqk", q, k) / math.sqrt(q.shape[-1])
    e = np.exp(s) * np.tril(np.ones((T, T)))
    return np.einsum("bqk,bkd->bqd", e / e.sum(axis=-1, keepdims=True), v)


def multi_head(x, W):
    N, T, D = x.shape
    q, k, v = [
        part.reshape(N, T, 2, D // 2).transpose(0, 2, 1, 3) for part in np.split(x @ W, 3, axis=-1)
    ]
    a = q @ k.transpose(0, 1, 3, 2) / np.sqrt(D // 2)
    a = np.exp(a - a.max(-1, keepdims=True))
    a = a / a.sum(-1, keepdims=True)
    return (a @ v).transpose(0, 2, 1, 3).reshape(N, T, D)


# ---- NumPy by itself ----------------------------------------------------------------------------


def norms(x):
    return np.stack([np.linalg.norm(x), np.linalg.norm(x, ord=1), np.linalg.norm(x, np.inf)])


def norms_of_rows(x):
    return np.linalg.norm(x, axis=1) + np.linalg.norm(x, 1, axis=1) + np.linalg.norm(x, 3, axis=1)


def products(a, b, M):
    total = np.dot(a, b) + np.inner(a, b) * np.vdot(a, a)
    return np.outer(a, b) * total + np.tensordot(M, M, 1) + np.kron(a, b).reshape(3, 3)


def statistics(x):
    return np.concatenate(
        [np.std(x, axis=0), np.var(x, axis=0, ddof=1), x.mean(axis=0), np.ptp(x, 0)]
    )


def running(x):
    return (
        np.cumsum(x, axis=1) + np.cumprod(x, axis=0) + np.prod(x, axis=0) + np.diff(x, axis=0).sum()
    )


def order(x):
    s = np.sort(x, axis=1) * np.arange(1, 5)
    top = x[np.arange(3), np.argmax(x, axis=1)] * np.median(x, axis=1)
    return s + top[:, None] + np.max(x, axis=0) * np.min(x)


def choices(x, y):
    z = np.clip(x, -0.5, 0.5) + np.where(x > y, x, y * y)
    z = z + np.minimum(x, y) * np.abs(y) + np.sign(x) * y
    return z + np.select([x > 0.5, x < -0.5], [x, y * x], 0.5)


def masks(x):
    z = x**2
    z[z > 1] = 1
    z[x < 0] *= -1
    z[:, 1] += x[:, 0]
    return z


def scatter(x):
    out = np.zeros_like(x)
    np.add.at(out, [0, 0, 2], x)
    out[1] = x[0] * x[2]
    return out


def joins(a, b):
    c = np.concatenate([a, b], axis=0)
    s = np.stack((a, b, a * b), axis=-1)
    left, right = np.split(c, 2)
    return np.vstack([left @ right.T, np.sum(s, axis=-1)[:, :2], np.pad(a, 1, mode="edge")[:2, :2]])


def movements(x):
    y = np.roll(x, 1, axis=1) * np.flip(x, axis=0) + np.tile(x[:, :1], (1, 3))
    y = y + np.repeat(x[0], 3).reshape(3, 3) + np.rot90(x) * np.triu(x)
    return np.squeeze(np.expand_dims(y, 0).swapaxes(1, 2)) + np.trace(x) * np.diag(x)


def power_iteration(A):
    v = np.ones(A.shape[0])
    for _ in range(3):
        v = A @ v
        v = v / np.sqrt(v @ v)
    return v @ A @ v


def pendulum(state):
    def f(s):
        return np.array([s[1], -9.8 * np.sin(s[0]) - 0.1 * s[1]])

    h = 0.05
    for _ in range(4):
        k1 = f(state)
        k2 = f(state + h / 2 * k1)
        k3 = f(state + h / 2 * k2)
        k4 = f(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def functions(x):
    y = np.sin(x) * np.cos(x) + np.arctan(x) + np.tanh(x) + np.exp2(x) + np.sinh(x) / np.cosh(x)
    y = y + np.log1p(x * x) + np.expm1(x) + np.cbrt(x) + np.log2(x * x + 1) + np.log10(x * x + 2)
    return (
        y
        + np.reciprocal(x + 9)
        + np.arctan2(x, 2.0)
        + np.hypot(x, 3)
        + np.square(np.degrees(x) / 57)
    )


# ---- the same in torch --------------------------------------------------------------------------

T_ = torch.tensor
y4t = T_(y4)


def t_svm(x):
    margins = (x - x[range(4), y4t][:, None] + 1).clamp(min=0)
    return (margins * (1 - F.one_hot(y4t, 3))).sum() / 4


def t_gru(x, h, W, U):
    (z, r, n), (uz, ur, un) = (x @ W).chunk(3, 1), (h @ U).chunk(3, 1)
    z, r = (z + uz).sigmoid(), (r + ur).sigmoid()
    return (1 - z) * (n + r * un).tanh() + z * h


def t_rnn(x, h, Wx, Wh, b):
    out = []
    for t in range(x.shape[1]):
        h = torch.tanh(x[:, t] @ Wx + h @ Wh + b)
        out.append(h)
    return torch.stack(out, 1)


def t_multi_head(x, W):
    q, k, v = [p.reshape(2, 3, 2, 2).transpose(1, 2) for p in (x @ W).chunk(3, -1)]
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 3, 4)


def t_causal(q, k, v):
    e = torch.einsum("bqd,bkd->bqk", q, k).div(math.sqrt(q.shape[-1])).exp().tril()
    return e / e.sum(-1, keepdim=True) @ v


def t_info_nce(a, b):
    sim = F.normalize(a, dim=1, eps=0) @ F.normalize(b, dim=1, eps=0).T / 0.5
    return F.cross_entropy(sim, torch.arange(3))


def t_pendulum(s):
    def f(s):
        return torch.stack([s[1], -9.8 * torch.sin(s[0]) - 0.1 * s[1]])

    h = 0.05
    for _ in range(4):
        k1 = f(s)
        k2 = f(s + h / 2 * k1)
        k3 = f(s + h / 2 * k2)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + f(s + h * k3))
    return s


def t_power_iteration(A):
    v = torch.ones(3, dtype=torch.float64)
    for _ in range(3):
        v = A @ v
        v = v / v.norm()
    return v @ A @ v


def t_masks(x):
    z = torch.minimum(x**2, T_(1.0)) * torch.where(x < 0, -1.0, 1.0)
    return z + torch.stack([0 * x[:, 0], x[:, 0], 0 * x[:, 0]], 1)


def t_joins(a, b):
    lower = a + b + a * b
    edge = torch.stack([torch.stack([a[0, 0], a[0, 0]]), torch.stack([a[0, 0], a[0, 0]])])
    return torch.vstack([a @ b.T, lower[:, :2], edge])


def t_movements(x):
    y = x.roll(1, 1) * x.flip(0) + x[:, :1].tile(1, 3)
    y = y + x[0].repeat_interleave(3).reshape(3, 3) + x.rot90() * x.triu()
    return y.T + x.trace() * x.diag()


def t_products(a, b, M):
    total = a @ b + (a @ b) * (a @ a)
    return a.outer(b) * total + M @ M + torch.kron(a, b).reshape(3, 3)


def t_functions(x):
    y = x.sin() * x.cos() + x.atan() + x.tanh() + x.exp2() + x.sinh() / x.cosh() + (x * x).log1p()
    y = y + x.expm1() + x.sign() * x.abs() ** (1 / 3) + (x * x + 1).log2() + (x * x + 2).log10()
    return (
        y
        + (x + 9).reciprocal()
        + torch.atan2(x, T_(2.0))
        + torch.hypot(x, T_(3.0))
        + (x.rad2deg() / 57) ** 2
    )


def t_order(x):
    s = x.sort(1).values * torch.arange(1, 5)
    middle = x.sort(1).values[:, 1:3].mean(1)
    return s + (x.amax(1) * middle)[:, None] + x.amax(0) * x.min()


def t_choices(x, y):
    z = x.clamp(-0.5, 0.5) + torch.where(x > y, x, y * y) + torch.minimum(x, y) * y.abs()
    return z + x.sign() * y + torch.where(x > 0.5, x, torch.where(x < -0.5, y * x, 0.5))


def t_running(x):
    return x.cumsum(1) + x.cumprod(0) + x.prod(0) + x.diff(dim=0).sum()


def t_statistics(x):
    spread = x.std(0, correction=0), x.var(0), x.mean(0), x.amax(0) - x.amin(0)
    return torch.cat(spread)


def t_layernorm(x, gamma, beta):
    return (
        gamma * (x - x.mean(-1, keepdim=True)) / (x.std(-1, correction=0, keepdim=True) + 1e-6)
        + beta
    )


def t_distances(X, Y):
    return ((X[:, None] - Y) ** 2).sum(-1).add(1).sqrt()


def t_logistic(X, w):
    return F.binary_cross_entropy_with_logits(X @ w, T_([0.0, 1.0, 1.0, 0.0], dtype=torch.float64))


# fmt: off
#  a NumPy program, the shapes of its inputs, the same in torch
PROGRAMS: list[tuple[Callable[..., Any], list[tuple[int, ...]], Callable[..., Any]]] = [
    (layernorm_forward, [(3, 5), (5,), (5,)], t_layernorm),
    (conv_forward_naive, [(2, 2, 4, 4), (2, 2, 3, 3), (2,)], lambda x, w, b: F.conv2d(x, w, b, 2, 1)),
    (conv_im2col, [(2, 2, 4, 3), (2, 2, 2, 2)], lambda x, w: F.conv2d(x, w)),
    (max_pool_naive, [(2, 1, 4, 4)], lambda x: F.max_pool2d(x, 2)),
    (cross_entropy_of_one_hot, [(4, 3)], lambda x: -torch.log(F.softmax(x, 1) + 1e-12)[range(4), y4t].mean()),
    (svm_loss_naive, [(2, 3), (4, 2)], lambda W, X: t_svm(X @ W) + 0.05 * (W * W).sum()),
    (logistic_regression, [(4, 3), (3,)], t_logistic),
    (kl_of_gaussians, [(3, 2), (3, 2)], lambda m, v: -0.5 * (1 + v - m**2 - v.exp()).sum(-1)),
    (distances_without_loops, [(3, 2), (4, 2)], t_distances),
    (info_nce, [(3, 4), (3, 4)], t_info_nce),
    (total_variation, [(4, 3)], lambda x: (x.diff(dim=0) ** 2).sum() + (x.diff(dim=1) ** 2).sum()),
    (gram_matrix, [(3, 2, 2)], lambda f: f.flatten(1) @ f.flatten(1).T / f.numel()),
    (sigmoid_stable, [(3, 4)], torch.sigmoid),
    (rnn_forward, [(2, 3, 2), (2, 3), (2, 3), (3, 3), (3,)], t_rnn),
    (gru_step, [(2, 3), (2, 2), (3, 6), (2, 6)], t_gru),
    (causal_attention_einsum, [(2, 3, 2), (2, 3, 2), (2, 3, 2)], t_causal),
    (multi_head, [(2, 3, 4), (4, 12)], t_multi_head),
    (norms, [(2, 3)], lambda x: torch.stack([x.norm(), x.abs().sum(0).max(), x.abs().sum(1).max()])),
    (norms_of_rows, [(2, 3)], lambda x: sum(torch.linalg.vector_norm(x, p, dim=1) for p in (1, 2, 3))),
    (products, [(3,), (3,), (3, 3)], t_products),
    (statistics, [(4, 2)], t_statistics),
    (running, [(3, 3)], t_running),
    (order, [(3, 4)], t_order),
    (choices, [(3, 4), (3, 4)], t_choices),
    (masks, [(3, 3)], t_masks),
    (scatter, [(3, 2)], lambda x: torch.stack([x[0] + x[1], x[0] * x[2], x[2]])),
    (joins, [(2, 3), (2, 3)], t_joins),
    (movements, [(3, 3)], t_movements),
    (power_iteration, [(3, 3)], t_power_iteration),
    (pendulum, [(2,)], t_pendulum),
    (rosenbrock, [(5,)], lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()),
    (functions, [(3, 3)], t_functions),
]
# fmt: on
valued = np.frompyfunc(Value, 1, 1)
slopes = np.frompyfunc(lambda v: v.grad, 1, 1)
data = np.frompyfunc(lambda v: v.data, 1, 1)
EPS = 2.0**-52


def on_elements(f: Callable[..., Any], xs: list[Any], gs: list[Any]) -> list[np.ndarray]:
    """The value of Σ g·f at xs, run on arrays of Values, and its gradients."""
    inputs = [valued(x) for x in xs]
    outs = f(*inputs)
    total = sum(np.sum(out * g) for out, g in zip(outs, gs, strict=True))
    total.backward()
    return [np.array(total.data, object), *map(slopes, inputs)]


def assert_both_are_right(f: Any, xs: list[Any], gs: list[Any], torchs: list[Any]) -> None:
    """Our value and gradients and torch's lie where the program, run on balls, says."""
    ours = on_elements(f, xs, gs)
    to_ball = np.frompyfunc(arb, 1, 1)
    spread = []
    for bits in (200, 50):
        with flint.ctx.workprec(bits):
            spread.append(on_elements(f, [to_ball(x) for x in xs], [to_ball(g) for g in gs]))
    with flint.ctx.workprec(200):
        for mine, theirs, true, rough in zip(ours, torchs, *spread, strict=True):
            rows = (np.ravel(mine), np.ravel(theirs), np.ravel(true), np.ravel(rough))
            for a, b, r, bound in zip(*rows, strict=True):
                radius = 2 * arb(bound).rad()
                assert abs(arb(float(a)) - r).abs_lower() <= radius
                assert abs(arb(float(b)) - r).abs_lower() <= radius
                assert radius < 1e-9 * (1 + abs(arb(r))), "a bound that says nothing"


@pytest.mark.parametrize(("f", "shapes", "twin"), PROGRAMS, ids=[p[0].__name__ for p in PROGRAMS])
def test_a_numpy_program_on_values_has_torchs_gradient(f: Any, shapes: Any, twin: Any) -> None:
    rng = np.random.default_rng(len(f.__name__))
    xs = [signed(rng, *shape) for shape in shapes]
    leaves = [T_(x, requires_grad=True) for x in xs]
    out = twin(*leaves)
    g = signed(rng, *out.shape)
    total = (out * T_(g)).sum()
    total.backward()
    torchs = [total.detach().numpy(), *(x.grad.numpy() for x in leaves)]
    assert_both_are_right(lambda *inputs: [f(*inputs)], xs, [g], torchs)


# They write into np.zeros of floats or ask for a function that NumPy has for floats alone.
REFUSED = {
    "dense_loops", "softplus", "elu", "linear_svm_loss", "conv_naive", "max_pool_naive", "rnn",
}  # fmt: skip


@pytest.mark.parametrize("entry", RIGHT, ids=lambda entry: entry.name)
def test_a_layer_of_the_zoo_on_values_has_torchs_gradient(entry: Entry) -> None:
    rng = np.random.default_rng(len(entry.name))
    inputs = entry.make_inputs(rng)

    def f(*arrays: Any) -> list[Any]:
        return entry.run(inputs.replaced(list(arrays))).outs

    xs = inputs.arrays()
    if entry.name in REFUSED:  # nothing is lost silently
        with pytest.raises(TypeError):
            f(*map(valued, xs))
        return
    gs = [signed(rng, *np.shape(out)) for out in f(*[x.copy() for x in xs])]
    outs, torchs = from_torch(entry, inputs.replaced(xs), gs)
    total = sum(np.sum(out * g) for out, g in zip(outs, gs, strict=True))
    assert_both_are_right(f, xs, gs, [total, *torchs])


# ---- each ufunc ---------------------------------------------------------------------------------

POINTWISE = [op for op in TABLE if op.domain and op.ufunc is not None and UFUNCS[op.ufunc] is op]
# NumPy has no loop over objects for these: it does not come to ask the elements.
NO_LOOP = {"logaddexp", "logaddexp2", "copysign", "heaviside", "ldexp"}


def inside(op: Op) -> list[np.ndarray]:
    """Five points of the op's domain."""
    rng = np.random.default_rng(len(op.name))
    xs = [rng.uniform(*ends, 5) for ends in op.domain]
    return [xs[0], np.arange(5)] if op.name == "ldexp" else xs


@pytest.mark.parametrize("op", POINTWISE, ids=lambda op: op.name)
def test_a_ufunc_on_an_array_of_values_is_the_ufunc_on_a_tensor(op: Op) -> None:
    xs = inside(op)
    values = [valued(x) for x in xs]
    if op.name in NO_LOOP:
        with pytest.raises(TypeError, match="not supported for the input types"):
            op.ufunc(*values)
        return
    leaves = [mg.tensor(x, requires_grad=True) for x in xs]
    y, t = op.ufunc(*values), op.ufunc(*leaves)
    t.sum().backward()
    if op.name == "sign":  # NumPy's own loop over objects answers, with -1, 0 and 1
        np.testing.assert_array_equal(y.astype(float), t.data)
        return
    np.sum(y).backward()
    # math and NumPy round a function by up to 4 ulps each, a rule multiplies a few of them, and
    # 1 - y² has the error of y's last place.
    np.testing.assert_allclose(data(y).astype(float), t.data, rtol=8 * EPS)
    for v, leaf in zip(values, leaves, strict=True):
        np.testing.assert_allclose(slopes(v).astype(float), leaf.grad, rtol=16 * EPS, atol=8 * EPS)


def test_comparisons_of_arrays_of_values_are_boolean_arrays() -> None:
    raw = np.array([-1.0, 0.0, 2.0])
    x = valued(raw)
    for compare in (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal):
        got = compare(x, 0.0)
        assert got.dtype == bool
        np.testing.assert_array_equal(got, compare(raw, 0.0))
    np.testing.assert_array_equal(np.nonzero(x)[0], [0, 2])
    assert np.argmax(x) == 2
    assert np.argsort(-x).tolist() == [2, 1, 0]
    assert (max(x).data, min(x).data, [v.data for v in sorted(x)]) == (2, -1, [-1, 0, 2])
    assert np.any(x)
    assert not np.all(x)


# ---- micrograd's programs -----------------------------------------------------------------------


def swapped() -> Any:
    """micrograd's own nn, its import of Value replaced by ours."""
    source = inspect.getsource(micrograd.nn)
    ours = source.replace("from micrograd.engine import Value", "from microgradnn import Value")
    assert ours != source
    module = types.ModuleType("swapped")
    exec(compile(ours, "swapped", "exec"), module.__dict__)
    return module


def moons(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles with noise, labelled -1 and 1, as sklearn's make_moons."""
    rng = np.random.default_rng(0)
    at = np.linspace(0, np.pi, n // 2)
    outer, inner = (
        np.stack([np.cos(at), np.sin(at)], 1),
        np.stack([1 - np.cos(at), 0.5 - np.sin(at)], 1),
    )
    X = np.concatenate([outer, inner]) + rng.normal(scale=0.1, size=(n, 2))
    return X, np.repeat([-1, 1], n // 2)


def demo(MLP: Any, Value: Any, steps: int, lift: Any = float) -> tuple[list[Any], list[Any], float]:
    """The notebook of micrograd, with fewer points: losses, last gradients and accuracy."""
    random.seed(1337)
    X, y = moons(20)
    model = MLP(2, [8, 8, 1])
    for p in model.parameters():
        p.data = lift(p.data)
    losses_seen = []

    def loss():
        inputs = [list(map(Value, map(lift, xrow))) for xrow in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(y, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        alpha = 1e-4
        reg_loss = alpha * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        accuracy = [(yi > 0) == (scorei.data > 0) for yi, scorei in zip(y, scores, strict=True)]
        return total_loss, sum(accuracy) / len(accuracy)

    for k in range(steps):
        total_loss, acc = loss()
        model.zero_grad()
        total_loss.backward()
        losses_seen.append(total_loss.data)
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
    return losses_seen, [p.grad for p in model.parameters()], acc


def test_the_demo_of_micrograd_runs_with_the_import_swapped() -> None:
    theirs = demo(micrograd.nn.MLP, micrograd.engine.Value, 3)
    runs = [demo(swapped().MLP, Value, 3), demo(scalar.MLP, Value, 3)]
    with flint.ctx.workprec(50):  # doubles and three bits
        losses, slopes, _ = demo(swapped().MLP, Value, 3, arb)
    with flint.ctx.workprec(200):
        for got_losses, got_slopes, accuracy in [theirs, *runs]:
            assert accuracy == theirs[2]
            for got, ball in zip([*got_losses, *got_slopes], [*losses, *slopes], strict=True):
                assert arb(ball).contains(arb(float(got)))
                assert arb(ball).rad() < 1e-9
    # Of the first step even the bits agree: the same sums in the same order.
    first = demo(micrograd.nn.MLP, micrograd.engine.Value, 1)
    assert demo(swapped().MLP, Value, 1)[0] == first[0]


def test_the_same_seed_gives_the_scalar_mlp_the_weights_of_micrograds() -> None:
    random.seed(1337)
    ours = scalar.MLP(3, [4, 4, 1])
    random.seed(1337)
    theirs = micrograd.nn.MLP(3, [4, 4, 1])
    assert [p.data for p in ours.parameters()] == [p.data for p in theirs.parameters()]
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("make", [lambda: swapped().MLP, lambda: scalar.MLP], ids=["nn", "scalar"])
def test_a_net_of_fractions_has_exactly_micrograds_gradients(make: Any) -> None:
    def run(MLP: Any, Value: Any) -> list[Any]:
        random.seed(7)
        model = MLP(2, [3, 3, 1])
        for p in model.parameters():
            p.data = Fraction(round(64 * p.data), 64)
        total = Value(Fraction(0))
        for (a, b), t in zip(
            itertools.product((-1, 2, 3), (1, -2)), (1, -1, 1, 1, -1, -1), strict=True
        ):
            total = total + (1 + -t * model([Value(Fraction(a, 3)), Value(Fraction(b, 5))])).relu()
        total = total + Fraction(1, 10) * sum(p * p for p in model.parameters())
        total.backward()
        return [total.data, *(p.grad for p in model.parameters())]

    ours, theirs = run(make(), Value), run(micrograd.nn.MLP, micrograd.engine.Value)
    assert ours == theirs
    assert any(theirs[1:])


def sanity_check(Value: Any) -> tuple[Any, ...]:
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    return y, x


def more_ops(Value: Any) -> tuple[Any, ...]:
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    return g, a, b


def torch_scalar(x: float) -> Any:
    return T_([x], dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("program", [sanity_check, more_ops])
def test_micrograds_own_tests(program: Any) -> None:
    with flint.ctx.workprec(50):
        y, *leaves = program(lambda x: Value(arb(x)))
        balls = [y.data, *(leaf.grad for leaf in leaves)]
    y, *leaves = program(torch_scalar)
    torchs = [y.item(), *(leaf.grad.item() for leaf in leaves)]
    y, *leaves = program(micrograd.engine.Value)
    theirs = [y.data, *(leaf.grad for leaf in leaves)]
    y, *leaves = program(Value)
    ours = [y.data, *(leaf.grad for leaf in leaves)]
    for got in (ours, theirs, torchs):
        for v, ball in zip(got, balls, strict=True):
            assert ball.contains(arb(v))
    if program is sanity_check:  # small integers throughout
        assert ours == theirs == torchs == [-20, 46]


# ---- the graph ----------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [sanity_check, more_ops])
def test_a_second_backward_adds_the_same_gradients_again(program: Any) -> None:
    y, *leaves = program(Value)
    once = [leaf.grad for leaf in leaves]
    y.backward()
    assert [leaf.grad for leaf in leaves] == [2 * g for g in once]
    y.backward(3.0)
    assert [leaf.grad for leaf in leaves] == [5 * g for g in once]
    # micrograd starts from the gradients that inner nodes still have.
    y, *leaves = program(micrograd.engine.Value)
    y.backward()
    assert [leaf.grad for leaf in leaves] != [2 * g for g in once]


def test_both_edges_of_a_square_are_parents_and_pass_gradient() -> None:
    x = Value(3.0)
    y = x * x
    assert len(y.parents) == 2
    assert all(p is x for p in y.parents)
    y.backward()
    assert x.grad == 6.0
    x = Value(3.0)
    (x / x + (x - x) * 5 + (x + x)).backward()
    assert x.grad == 2.0


def test_chains_of_two_hundred_thousand_nodes() -> None:
    x = Value(1.0)
    y = x
    for _ in range(200_000):
        y = y + x
    y.backward()
    assert x.grad == 200_001
    leaves = valued(np.ones(20_000))
    np.cumsum(leaves)[-1].backward()
    assert all(leaf.grad == 1 for leaf in leaves)


def test_the_order_of_sums_is_the_same_in_every_run() -> None:
    def run() -> list[Any]:
        rng = np.random.default_rng(5)
        inputs = [valued(rng.normal(size=s)) for s in [(2, 3, 4), (4, 12)]]
        multi_head(*inputs).sum().backward()
        return [v.grad for x in inputs for v in x.ravel()]

    first, kept = run(), []
    for i in range(4):
        kept.append([object() for _ in range(997 * i)])  # other addresses, so other hashes
        assert run() == first


# ---- numbers beside a Value ---------------------------------------------------------------------

OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.pow,
]  # fmt: skip


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize(
    "number", [2.5, 3, True, np.float64(2.5), np.float32(2.5), np.int64(3), np.array(2.5)],
    ids=lambda n: type(n).__name__,
)  # fmt: skip
def test_numbers_of_numpy_on_either_side_are_plain_numbers(op: Any, number: Any) -> None:
    plain = number.item() if hasattr(number, "item") else number
    for sides in (lambda v, n: (v, n), lambda v, n: (n, v)):
        x, twin = Value(1.75), Value(1.75)
        y, expected = op(*sides(x, number)), op(*sides(twin, plain))
        assert type(y) is Value
        assert y.data == op(*sides(1.75, number))
        y.backward()
        expected.backward()
        # Of the powers, NumPy and math round the logarithm by an ulp each; a float32 stays one.
        eps = 2.0**-23 if isinstance(number, np.float32) else EPS
        assert math.isclose(y.data, expected.data, rel_tol=2 * eps)
        assert math.isclose(x.grad, twin.grad, rel_tol=4 * eps)


@pytest.mark.parametrize("number", [2.5, 3, np.float64(2.5), np.float32(2.5), np.int64(3)])
def test_comparisons_with_numbers_on_either_side_are_booleans(number: Any) -> None:
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne):
        for x in (1.75, 2.5, 3.0):
            for got, expected in [
                (compare(Value(x), number), compare(x, number)),
                (compare(number, Value(x)), compare(number, x)),
            ]:
                assert isinstance(got, (bool, np.bool_))
                assert got == expected


def test_a_value_is_never_equal_to_what_is_no_number() -> None:
    for other in ("a", None, object()):
        assert not Value(1.0) == other
        assert Value(1.0) != other
        assert not other == Value(1.0)
    assert Value(1.0) not in ["1.0", None]


one = Value(1.0)


@pytest.mark.parametrize("convert", [float, int, complex, math.sqrt, lambda v: [0, 1][v]])
def test_python_cannot_make_a_plain_number_of_a_value_and_lose_its_gradient(convert: Any) -> None:
    with pytest.raises((TypeError, GradientError)):
        convert(Value(1.0))


def test_a_buffer_of_floats_refuses_a_value() -> None:
    out = np.zeros(2)
    with pytest.raises((TypeError, GradientError)):
        out[0] = Value(1.0)
    np.testing.assert_array_equal(out, [0, 0])
