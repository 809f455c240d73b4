"""Small arguments of unequal sizes for every layer; the sizes too are drawn."""

import numpy as np

from .entry import Inputs


def sizes(rng, k, low=2, high=6):
    """k different sizes."""
    return [int(n) for n in rng.permutation(np.arange(low, high))[:k]]


def normal(rng, *shapes):
    return [rng.standard_normal(shape) for shape in shapes]


def every(rng, *shapes):
    """Normal arrays, all of them differentiated."""
    return Inputs(normal(rng, *shapes), tuple(range(len(shapes))))


def affine(rng):
    n, a, m = sizes(rng, 3)
    return every(rng, (n, a, 2), (2 * a, m), (m,))


def linear(rng):
    n, d, m = sizes(rng, 3)
    return every(rng, (n, d), (m, d), (1, m))


def columns(rng):
    n, d, m = sizes(rng, 3)
    return every(rng, (d, n), (m, d), (m, 1))


def dense(rng):
    n, d, m = sizes(rng, 3)
    return every(rng, (n, d), (d, m), (m,))


def square_dense(rng):
    n, d = sizes(rng, 2)
    return every(rng, (n, d), (d, d), (d,))


def add(rng):
    n, d = sizes(rng, 2)
    return every(rng, (n, d), (d,))


def scale_shift(rng):
    n, c, h = sizes(rng, 3)
    return every(rng, (n, c, h, 2), (c,), (c,))


def one(rng):
    """One matrix."""
    return every(rng, sizes(rng, 2))


def cube(rng):
    return every(rng, sizes(rng, 3))


def with_static(*static):
    def make(rng):
        x = one(rng)
        return Inputs([*x.args, *static], x.wrt)

    return make


def scores(rng):
    """Scores (N, C) and labels (N,), not all equal; one class is out of the question."""
    n, c = sizes(rng, 2, 3, 7)
    x, y = rng.standard_normal((n, c)), rng.integers(0, c, n)
    y[:2] = 0, 1
    x[0, 2] = -5
    return Inputs([x, y], (0,))


def scores_onehot(rng):
    n, c = sizes(rng, 2, 3, 7)
    return Inputs([rng.standard_normal((n, c)), np.eye(c)[rng.integers(0, c, n)]], (0,))


def captions(rng):
    n, t, v = sizes(rng, 3)
    mask = (rng.random((n, t)) < 0.7).astype(float)
    mask[0, 0], mask[1, 1] = 0, 1
    return Inputs([rng.standard_normal((n, t, v)), rng.integers(0, v, (n, t)), mask], (0,))


def linear_svm(rng):
    n, d, c = sizes(rng, 3, 3, 7)
    W, X = normal(rng, (d, c), (n, d))
    return Inputs([W, X, rng.integers(0, c, n), 0.05], (0,))


def targets(rng):
    """Predictions and constant targets."""
    shape = sizes(rng, 2)
    return Inputs(normal(rng, shape, shape), (0,))


def two_alike(rng):
    shape = sizes(rng, 2)
    return every(rng, shape, shape)


def huber(rng):
    shape = sizes(rng, 2)
    pred, noise = normal(rng, shape, shape)
    noise.flat[:4] = 0.3, -2.5, 2.5, 0.9  # all branches, and between delta and 1
    return Inputs([pred, pred + noise, 0.8], (0, 1))


def binary(rng):
    """Logits and labels 0 and 1."""
    shape = sizes(rng, 2)
    labels = rng.integers(0, 2, shape)
    labels.flat[:2] = 0, 1
    return Inputs([rng.standard_normal(shape), labels], (0,))


def probabilities(rng):
    logits, labels = binary(rng).args
    return Inputs([0.1 + 0.8 / (1 + np.exp(-logits)), labels], (0,))


def norm_rows(rng):
    """x (N, D), gamma and beta (D,)."""
    n, d = sizes(rng, 2, 3, 7)
    return every(rng, (n, d), (d,), (d,))


def batchnorm(rng):
    x = norm_rows(rng)
    return Inputs([*x.args, {"mode": "train", "eps": 1e-3}], x.wrt)


def batchnorm_alt(rng):
    x = norm_rows(rng)
    return Inputs([*x.args, 1e-3], x.wrt)


def batchnorm_eval(rng):
    x = norm_rows(rng)
    d = x.args[1].size
    stats = {"mean": rng.standard_normal(d), "var": rng.uniform(0.5, 2, d), "eps": 1e-3}
    return Inputs([*x.args, stats], x.wrt)


def spatial_batchnorm(rng):
    n, c, h = sizes(rng, 3)
    x = every(rng, (n, c, h, 3), (c,), (c,))
    return Inputs([*x.args, {"mode": "train"}], x.wrt)


def layernorm(rng):
    x = norm_rows(rng)
    return Inputs([*x.args, {"eps": 1e-2}], x.wrt)


def layernorm_last(rng):
    b, t, c = sizes(rng, 3, 3, 7)
    return every(rng, (b, t, c), (c,), (c,))


def groupnorm(rng):
    n, h = sizes(rng, 2)
    x = every(rng, (n, 6, h, 2), (1, 6, 1, 1), (1, 6, 1, 1))
    return Inputs([*x.args, int(rng.choice([2, 3])), {"eps": 1e-4}], x.wrt)


def dropout(rng):
    x = rng.standard_normal((4, 5))
    return Inputs([x, {"p": 0.6, "mode": "train", "seed": int(rng.integers(1000))}], (0,))


def dropout_mask(rng):
    x = rng.standard_normal((4, 5))
    mask = (rng.random(x.shape) < 0.7).astype(float)
    mask[0, :2] = 0, 1
    return Inputs([x, {"mask": mask, "rate": 0.3}], (0,))


def conv(rng):
    """Stride 2 and padding 1."""
    x = every(rng, (2, 3, 5, 7), (4, 3, 3, 3), (4,))
    return Inputs([*x.args, {"stride": 2, "pad": 1}], x.wrt)


def conv_im2col(rng):
    x = every(rng, (2, 3, 5, 6), (4, 3, 3, 2), (4,))
    return Inputs([*x.args, 1, 1], x.wrt)


def conv1d(rng):
    return every(rng, int(rng.integers(6, 9)), int(rng.integers(3, 5)))


def max_pool(rng):
    """Overlapping windows."""
    x = rng.standard_normal((2, 3, 5, 7))
    return Inputs([x, {"pool_height": 3, "pool_width": 3, "stride": 2}], (0,))


def images(rng):
    return every(rng, (2, 3, 4, 6))


def avg_pool(rng):
    return Inputs([*images(rng).args, 2], (0,))


def rnn_step(rng):
    n, d, h = sizes(rng, 3)
    return every(rng, (n, d), (n, h), (d, h), (h, h), (h,))


def rnn(rng):
    n, t, d, h = sizes(rng, 4)
    return every(rng, (n, t, d), (n, h), (d, h), (h, h), (h,))


def vanilla_rnn(rng):
    t, d, h = sizes(rng, 3)
    return every(rng, (t, d), (h, d), (h, h), (6, h))


def lstm_step(rng):
    n, d, h = sizes(rng, 3)
    return every(rng, (n, d), (n, h), (n, h), (d, 4 * h), (h, 4 * h), (4 * h,))


def lstm(rng):
    n, t, d, h = sizes(rng, 4)
    return every(rng, (n, t, d), (n, h), (d, 4 * h), (h, 4 * h), (4 * h,))


def gru_step(rng):
    n, d, h = sizes(rng, 3)
    x = every(rng, (n, d), (n, h))
    weights = {name: rng.standard_normal((d, h)) for name in ("Wz", "Wr", "Wn")}
    weights |= {name: rng.standard_normal((h, h)) for name in ("Uz", "Ur", "Un")}
    return Inputs([*x.args, weights], x.wrt)


def word_embedding(rng):
    """Some words twice, in one row and in two."""
    words = np.array([[0, 3, 1, 3], [4, 0, 0, 2]])
    return Inputs([words, rng.standard_normal((5, 3))], (1,))


def embedding(rng):
    return Inputs([[2, 0, 2, 3, 2, 0], rng.standard_normal((5, 3))], (1,))


def attention(rng):
    n, m, d, e = sizes(rng, 4)
    return every(rng, (n, d), (m, d), (m, e))


def square_attention(rng):
    """As many queries as keys, and keys as wide as values."""
    n, d = sizes(rng, 2)
    return every(rng, (n, d), (n, d), (n, d))


def self_attention(rng):
    b, t, c, d = sizes(rng, 4)
    return every(rng, (b, t, c), (c, d), (c, d), (c, d))


def bilinear(rng):
    n, d, e = sizes(rng, 3)
    return every(rng, (n, d), (d, e), (n, e))


def square_bilinear(rng):
    n, d = sizes(rng, 2)
    return every(rng, (n, d), (d, d), (n, d))


def quadratic(rng):
    (d,) = sizes(rng, 1)
    return every(rng, d, (d, d))


def outer(rng):
    return every(rng, *sizes(rng, 2))


def square_outer(rng):
    (d,) = sizes(rng, 1)
    return every(rng, d, d)


def matmul(rng):
    n, k, m, p = sizes(rng, 4)
    return every(rng, (n, k, m), (m, p))


def some_active(make):
    """Drawn until the ReLU after the first three, x, w and b, lets half or more through, not all."""

    def redrawn(rng):
        while True:
            drawn = make(rng)
            x, w, b = drawn.args[:3]
            active = np.mean(x.reshape(len(x), -1) @ w + b > 0)
            if 0.5 <= active < 1:
                return drawn

    return redrawn


@some_active
def residual(rng):
    n, d, h = sizes(rng, 3)
    return every(rng, (n, d), (d, h), (h,), (h, d), (d,))


affine_relu = some_active(affine)


def shared(rng):
    n, d = sizes(rng, 2)
    return every(rng, (n, d), (d, d))


def with_params(shape, **shapes):
    """The input of a layer object, any number of rows of a shape, and its parameters."""

    def make(rng):
        n = int(rng.choice([2, 3, 6]))
        params = {k.replace("__", "."): rng.standard_normal(s) for k, s in shapes.items()}
        return Inputs([rng.standard_normal((n, *shape))], (0,), params)

    return make


def network(rng):
    make = with_params((4,), params__W1=(4, 5), params__b1=5, params__W2=(5, 3), params__b2=3)
    x = make(rng)
    return Inputs([*x.args, rng.integers(0, 3, len(x.args[0]))], (), x.params)


# ---- points where a rare mistake shows -----------------------------------------------------------


def with_zeros(rng):
    """A matrix with a row of zeros."""
    x = rng.standard_normal((4, 3))
    x[1] = 0
    return Inputs([x], (0,))


def large(value, *static):
    """A matrix with one entry of this value."""

    def make(rng):
        x = one(rng)
        x.args[0][0, 1] = value
        return Inputs([*x.args, *static], x.wrt)

    return make


def tied_rows(rng):
    """Rows whose maximum is there twice."""
    x = rng.integers(0, 2, (4, 5)).astype(float)
    x[:, [1, 3]] = 3
    return Inputs([x], (0,))


def tied_pool(rng):
    x = max_pool(rng)
    return x.replaced([np.sign(x.args[0])])


def scores_class_zero(rng):
    """One-hot targets, one of them of class 0."""
    x = scores_onehot(rng)
    x.args[1][1] = np.eye(x.args[1].shape[1])[0]
    return x
